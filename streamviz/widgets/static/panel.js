// @ts-check
// The buttons and sliders of a live widget.

import { make, makeButton, makeSlider } from "./dom.js";

/** @typedef {{root: HTMLElement, update: (status: any) => void, press?: (group: string, which: string) => void}} Panel */
/** @typedef {(request: any) => void} Send */

/** A slider's position for a factor, and back: 1 is in the middle, each step a power of 2. @param {number} factor */
export const toSlider = (factor) => Math.log2(factor);
/** @param {number} position */
export const fromSlider = (position) => Math.round(2 ** position * 100) / 100;

/** What to say about the state, and whether it is bad news. @param {{state: string, trouble: string, error: string}} status */
export function statusLine(status) {
  const names = { new: "Not started", running: "Running", paused: "Paused", stopped: "Stopped" };
  const bad = status.error || status.trouble;
  const state = names[/** @type {keyof typeof names} */ (status.state)] ?? "";
  return { text: [state, bad].filter(Boolean).join(": "), bad: Boolean(bad) };
}

/** @param {any} panel @param {Send} send @param {AbortSignal} signal @returns {Panel} */
export const buildPanel = (panel, send, signal) => (panel.steps ? stepsPanel : scenarioPanel)(panel, send, signal);

/** The statements that wait for a click each.
 * @param {{steps: string[]}} panel @param {Send} send @param {AbortSignal} signal @returns {Panel} */
function stepsPanel({ steps }, send, signal) {
  const buttons = [makeButton("Step", () => send({ do: "step" }), signal), makeButton("Run all", () => send({ do: "run" }), signal)];
  const list = make("ol", "steps", steps.map((source) => make("li", "", [make("code", "", source)])));
  const root = make("div", "panel", [make("div", "bar", buttons), list]);
  const update = (/** @type {any} */ { step }) => {
    [...list.children].forEach((item, i) => {
      item.toggleAttribute("data-done", i < step);
      if (i === step) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    for (const button of buttons) button.disabled = step === steps.length;
  };
  return { root, update };
}

/** Pause, step, and a control for each producer, group and consumer.
 * @param {any} panel @param {Send} send @param {AbortSignal} signal @returns {Panel} */
function scenarioPanel(panel, send, signal) {
  const [bar, consumers] = [make("div", "bar"), make("div", "bar")];
  const root = make("div", "panel", [bar]);
  const pause = makeButton("Pause", () => send({ do: pause.dataset.next ?? "pause" }), signal);
  const step = makeButton("Step", () => send({ do: "step" }), signal);
  if (panel.live) bar.append(pause, step);
  if (panel.live && panel.driven) {
    bar.append(...slidersOf(panel).map((slider) => labelledSlider(slider, send, signal)));
    root.append(consumers);
  }
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  const buttonOf = (/** @type {string} */ group, /** @type {string} */ which) => {
    const who = JSON.stringify([group, which]);
    const known = buttons.get(who);
    if (known) return known;
    const act = () => (which ? { do: fresh.dataset.alive === "true" ? "kill" : "revive", group, which } : { do: "add", which: group });
    const fresh = makeButton(which ? "" : `+ ${group}`, () => send(act()), signal, which ? "" : `add a consumer to ${group}`);
    buttons.set(who, fresh);
    consumers.append(fresh);
    return fresh;
  };
  const update = (/** @type {any} */ status) => {
    pause.dataset.next = status.state === "running" ? "pause" : "resume";
    pause.textContent = status.state === "running" ? "Pause" : "Resume";
    const over = status.state === "stopped" || status.state === "done";
    pause.disabled = over;
    step.disabled = status.state !== "paused";
    for (const [group] of panel.groups) buttonOf(group, "").disabled = over;
    for (const [group, which, alive] of status.workers) {
      const button = buttonOf(group, which); // the same one each time, so that it keeps the focus
      button.dataset.alive = String(alive);
      button.textContent = alive ? `kill ${which}` : `revive ${which}`;
      button.disabled = over;
    }
  };
  const press = (/** @type {string} */ group, /** @type {string} */ which) => buttons.get(JSON.stringify([group, which]))?.click();
  return { root, update, press };
}

/** The sliders of a scenario's panel: what each says, and what its request is but for the value.
 * @param {{speed: number, producers: [string, number][], groups: [string, number | null][]}} panel */
export const slidersOf = ({ speed, producers, groups }) => [
  { text: "speed", isFactor: true, value: speed, request: { do: "speed" } },
  ...producers.map(([stream, rate], which) => ({ text: `rate of ${stream}`, isFactor: true, value: rate, request: { do: "rate", which } })),
  ...groups.flatMap(([which, ms]) => (ms === null ? [] : [{ text: `${which} takes`, isFactor: false, value: ms, request: { do: "service", which } }])),
];

/** @param {ReturnType<typeof slidersOf>[number]} slider @param {Send} send @param {AbortSignal} signal */
function labelledSlider({ text, isFactor, value, request }, send, signal) {
  const factors = { min: -4, max: 4, step: 0.5, value: toSlider(value) };
  const input = makeSlider(text, isFactor ? factors : { min: 0, max: Math.max(1000, value * 4), step: 10, value });
  input.dataset.lmSuppressShortcuts = "true"; // the keys move the slider, and not the notebook
  input.addEventListener("keydown", (stroke) => stroke.key.startsWith("Arrow") && stroke.stopPropagation(), { signal });
  const read = () => (isFactor ? fromSlider(Number(input.value)) : Number(input.value));
  const show = () => (isFactor ? `×${read()}` : `${read()} ms`);
  const output = make("output", "", show());
  input.addEventListener("input", () => {
    output.textContent = show();
    send({ ...request, value: read() });
  }, { signal });
  const label = make("label", "", text);
  label.append(input, output);
  return label;
}
