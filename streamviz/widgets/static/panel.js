// @ts-check
// The buttons and sliders of a live widget.

import { make, makeButton, makeSlider, relabelled } from "./dom.js";

/** @typedef {import("./flow_controls.js").Action} Action */
/** @typedef {{root: HTMLElement, update: (status: any) => void, actions?: (group: string, which: string) => Action[]}} Panel what a flow offers, too */
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

/** @param {any} panel @param {Send} send @param {AbortSignal} signal @param {boolean} inFlow whether a flow has the buttons of groups and consumers @returns {Panel} */
export const buildPanel = (panel, send, signal, inFlow) => (panel.steps ? stepsPanel(panel, send, signal) : scenarioPanel(panel, send, signal, inFlow));

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

const SLOW = 4; // times as slowly

/** What can be done to a group, or to one of its consumers; a flow may show its name shortened.
 * @param {any} status @param {string} group @param {string} which empty for the group itself @returns {Action[]} */
export function actionsOf({ state, consumers = [] }, group, which) {
  if (state === "stopped" || state === "done") return [];
  const same = (/** @type {string} */ name, /** @type {string} */ shown) => name === shown || (shown.endsWith("…") && name.startsWith(shown.slice(0, -1)));
  const own = consumers.filter((/** @type {any[]} */ [name]) => same(name, group));
  if (!own.length) return []; // another program's
  const [[name]] = own;
  if (!which) {
    const add = { text: "+", label: `add a consumer to ${name}`, request: { do: "add", which: name } };
    const remove = { text: "−", label: `remove a consumer from ${name}`, request: { do: "remove", which: name } };
    return own.length > 1 ? [add, remove] : [add];
  }
  const consumer = own.find((/** @type {any[]} */ [, one]) => same(one, which));
  if (!consumer) return [];
  const [, one, alive, slowdown] = consumer;
  const about = (/** @type {string} */ text, /** @type {string} */ act, more = {}) => ({ text, label: `${text} ${one}`, request: { do: act, group: name, which: one, ...more } });
  if (!alive) return [about("revive", "revive")];
  return [about("kill", "kill"), slowdown > 1 ? about("speed up", "slow", { value: 1 }) : about("slow", "slow", { value: SLOW })];
}

/** Pause, step and sliders; without a flow, a button for all that can be done to groups and consumers.
 * @param {any} panel @param {Send} send @param {AbortSignal} signal @param {boolean} inFlow @returns {Panel} */
function scenarioPanel(panel, send, signal, inFlow) {
  const [bar, consumers] = [make("div", "bar"), make("div", "bar")];
  const root = make("div", "panel", [bar]);
  const pause = makeButton("Pause", () => send({ do: pause.dataset.next ?? "pause" }), signal);
  const step = makeButton("Step", () => send({ do: "step" }), signal);
  if (panel.live) bar.append(pause, step);
  if (panel.live && panel.driven) {
    bar.append(...slidersOf(panel).map((slider) => labelledSlider(slider, send, signal)));
    if (!inFlow) root.append(consumers);
  }
  let status = {};
  const buttons = new Map();
  const showButtons = () => {
    const names = panel.groups.map(([group]) => [group, ""]).concat(status.consumers.map(([group, which]) => [group, which]));
    const shown = new Set();
    for (const [group, which] of names) {
      actionsOf(status, group, which).forEach(({ text, label }, i) => {
        const key = JSON.stringify([group, which, i]);
        const act = () => send(actionsOf(status, group, which)[i].request);
        const button = relabelled(buttons.get(key) ?? makeButton("", act, signal), which ? label : `${text} ${group}`, label);
        if (!buttons.has(key)) consumers.append(button);
        buttons.set(key, button);
        shown.add(key);
        button.dataset.alive = String(text !== "revive");
      });
    }
    for (const [key, button] of buttons) button.hidden = !shown.has(key);
  };
  const update = (/** @type {any} */ next) => {
    status = next;
    pause.dataset.next = status.state === "running" ? "pause" : "resume";
    pause.textContent = status.state === "running" ? "Pause" : "Resume";
    pause.disabled = status.state === "stopped" || status.state === "done";
    step.disabled = status.state !== "paused";
    if (!inFlow) showButtons();
  };
  const actions = (/** @type {string} */ group, /** @type {string} */ which) => actionsOf(status, group, which);
  return { root, update, ...(panel.live && panel.driven ? { actions } : {}) };
}

/** The sliders of a scenario's panel: what each says, and in short, and what its request is but for the value.
 * @param {{speed: number, producers: [string, number][], groups: [string, number | null][]}} panel */
export const slidersOf = ({ speed, producers, groups }) => [
  { text: "speed", short: "speed", isFactor: true, value: speed, request: { do: "speed" } },
  ...producers.map(([stream, rate], which) => ({ text: `rate of ${stream}`, short: stream, isFactor: true, value: rate, request: { do: "rate", which } })),
  ...groups.flatMap(([which, ms]) => (ms === null ? [] : [{ text: `${which} takes`, short: which, isFactor: false, value: ms, request: { do: "service", which } }])),
];

/** @param {ReturnType<typeof slidersOf>[number]} slider @param {Send} send @param {AbortSignal} signal */
function labelledSlider({ text, short, isFactor, value, request }, send, signal) {
  const factors = { min: -4, max: 4, step: 0.5, value: toSlider(value) };
  const input = makeSlider(text, isFactor ? factors : { min: 0, max: Math.max(1000, value * 4), step: 10, value });
  input.dataset.lmSuppressShortcuts = "true"; // the keys move the slider, and not the notebook
  input.addEventListener("keydown", (stroke) => stroke.key.startsWith("Arrow") && stroke.stopPropagation(), { signal });
  const read = () => (isFactor ? fromSlider(Number(input.value)) : Number(input.value));
  const output = make("output", "", [], { "aria-live": "off" }); // the slider says it
  const show = () => void (input.ariaValueText = output.textContent = isFactor ? `×${read()}` : `${read()} ms`);
  show();
  input.addEventListener("input", () => {
    show();
    send({ ...request, value: read() });
  }, { signal });
  const label = make("label", "", short);
  label.title = text;
  label.append(input, output);
  return label;
}
