// @ts-check
// The controls of a player: buttons, slider and keys.

import { formatTime } from "./clock.js";
import { make, makeButton, makeSlider } from "./dom.js";

/** @typedef {import("./clock.js").Metadata} Metadata */

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];

/** The kinds of event to choose from, and their names. @param {Metadata["kinds"]} kinds @returns {[string, string][]} */
export const kindsOf = (kinds) => [["", "any event"], ...Object.entries(kinds).map(([kind, [name]]) => /** @type {[string, string]} */ ([kind, name]))];

/** The next faster or slower speed, if there is one. @param {number} speed @param {number} step 1 or -1 */
export const nextSpeed = (speed, step) => (step > 0 ? SPEEDS.find((one) => one > speed) : SPEEDS.findLast((one) => one < speed)) ?? speed;

/** Is a key a letter or a sign, which works only with the focus inside? @param {string} key */
const isLetter = (key) => key.length === 1 && key !== " ";

/** Is a key for the player? A focused button keeps its space bar, a choice its arrows and letters.
 * @param {{key: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean}} stroke @param {string} tag of its target
 * @param {boolean} scrolls whether Page Up and Down have something to do */
export function isForPlayer({ key, ctrlKey, metaKey, altKey }, tag, scrolls) {
  if (ctrlKey || metaKey || altKey || (key.startsWith("Page") && !scrolls)) return false;
  return tag !== "SELECT" && !(tag === "BUTTON" && key === " ");
}

/** @param {string} label @param {[string, string][]} items @param {string} value */
function makeChoice(label, items, value) {
  const options = items.map(([key, text]) => new Option(text, key));
  return Object.assign(/** @type {HTMLSelectElement} */ (make("select", "", options, { "aria-label": label })), { value });
}

/** A mark above the slider for each event. @param {Metadata} metadata */
function makeTicks({ events, kinds, times }) {
  const ticks = events.map(([frame, kind, text]) => {
    const [, mark, tone] = kinds[kind];
    const style = `left: ${(100 * frame) / Math.max(1, times.length - 1)}%`;
    return make("span", "tick", mark, { "data-tone": tone, title: `${formatTime(times[frame])} ${text}`, style });
  });
  return make("div", "ticks", ticks, { "aria-hidden": "true" });
}

/** @param {Metadata} metadata @param {import("./player.js").Player} player @param {number} factor the speed @param {AbortSignal} signal */
export function buildControls(metadata, player, factor, signal) {
  const { times, kinds } = metadata;
  const slider = makeSlider("time", { min: 0, max: times.length - 1, step: 1, value: 0 });
  const toggle = () => (player.playing ? player.pause() : player.play());
  const kind = makeChoice("kind of event", kindsOf(kinds), "");
  const speed = makeChoice("speed", SPEEDS.map((one) => [String(one), `×${one}`]), "");
  const other = new Option(); // a speed of the caller's own
  const showSpeed = (/** @type {number} */ value) => {
    if (SPEEDS.includes(value)) other.remove();
    else speed.append(Object.assign(other, { value: String(value), text: `×${value}` }));
    speed.value = String(value);
  };
  showSpeed(factor);
  const event = (/** @type {number} */ step) => player.event(kind.value, step);
  const play = makeButton("Play", toggle, signal);
  const clock = make("span", "place");
  const [back, next] = [makeButton("◂ event", () => event(-1), signal, "Previous event"), makeButton("event ▸", () => event(1), signal, "Next event")];
  const bar = make("div", "bar", [play, back, next, kind, speed, clock]);
  const root = make("div", "deck", [make("div", "track", [makeTicks(metadata), slider]), bar]);
  speed.addEventListener("change", () => player.speed(Number(speed.value)), { signal });
  slider.addEventListener("pointerenter", () => player.expectDrag(), { signal });
  slider.addEventListener("input", () => player.seek(times[Number(slider.value)], true), { signal });
  slider.addEventListener("change", () => player.seek(times[Number(slider.value)]), { signal });
  const keys = {
    " ": toggle,
    ArrowLeft: () => player.step(-1), ArrowRight: () => player.step(1),
    Home: () => player.seek(times[0]), End: () => player.seek(times[times.length - 1]),
    n: () => event(1), p: () => event(-1),
    "+": () => player.speed(nextSpeed(player.factor, 1)), "-": () => player.speed(nextSpeed(player.factor, -1)),
    PageDown: () => player.turnPage(1), PageUp: () => player.turnPage(-1),
  };
  return {
    root,
    /** @param {KeyboardEvent} stroke @param {boolean} scrolls */
    press(stroke, scrolls) {
      const act = keys[/** @type {keyof typeof keys} */ (stroke.key)];
      const within = player.root.contains(/** @type {Node} */ (stroke.target));
      if (!act || (isLetter(stroke.key) && !within) || !isForPlayer(stroke, /** @type {HTMLElement} */ (stroke.target).tagName, scrolls)) return;
      stroke.preventDefault();
      act();
    },
    showSpeed,
    /** @param {number} frame @param {number} time @param {boolean} playing */
    update(frame, time, playing) {
      if (Number(slider.value) !== frame) slider.value = String(frame);
      clock.textContent = `${formatTime(time)} / ${formatTime(times[times.length - 1])}`;
      slider.setAttribute("aria-valuetext", formatTime(time));
      play.textContent = playing ? "Pause" : "Play";
    },
  };
}
