// @ts-check
// What changes a consumer or a group, at the place in the flow where it stands.

import { make, makeButton, relabelled } from "./dom.js";

/** @typedef {{text: string, label: string, request: any}} Action */
/** @typedef {{actions: (group: string, which: string) => Action[], act: (action: Action, group: string, which: string) => void}} Steering */
/** @typedef {{root: HTMLElement, buttons: HTMLButtonElement[], actions: Action[], group: string, which: string, killedAt: number}} Spot */

const [WORDS_HIGH, BUTTON_PX] = [31, 27]; // a group's name and number, which are scaled, and its buttons below them, which are not
const ANSWER_MS = 1500; // the kernel answers sooner, if it can

/** The boxes of a scene that can be steered: a consumer's, and a group's name and numbers.
 * @param {any} scene @param {import("./flow_shapes.js").Shape[]} shapes */
export function spotsOf({ groups = [] }, shapes) {
  return shapes.flatMap(({ key, kind, x, y, w = 0, h = 0 }) => {
    const [, place, which] = /^group (\d+) (\d+|name)$/.exec(key) ?? [];
    if (!place || (which !== "name" && !["box", "dead"].includes(kind))) return [];
    const { name, consumers } = groups[Number(place)];
    if (which === "name") return [{ key, group: name, which: "", x: x - 4, y: y - 13, w: 100, h: 58 }];
    return [{ key, group: name, which: consumers[Number(which)].name, x, y, w, h }];
  });
}

/** Put buttons over a flow; return how to bring them up to date.
 * @param {HTMLElement & {steering?: Steering}} node the flow's @param {AbortSignal} signal */
export function buildControls(node, signal) {
  const layer = make("div", "spots");
  node.append(layer);
  /** @type {Map<string, Spot>} */
  const spots = new Map();
  const act = (/** @type {Spot} */ spot, /** @type {number} */ i) => {
    const { actions, group, which, root } = spot;
    if (!actions[i]) return;
    spot.killedAt = actions[i].request.do === "kill" ? performance.now() : -Infinity;
    root.toggleAttribute("data-dead", spot.killedAt > 0); // at once, where one clicked
    node.steering?.act(actions[i], group, which);
  };
  const create = (/** @type {string} */ key, /** @type {number} */ at) => {
    const spot = { root: make("div", "spot", [], { role: "group" }), buttons: [], actions: [], group: "", which: "", killedAt: -Infinity };
    spot.root.addEventListener("click", ({ target }) => target === spot.root && act(spot, 0), { signal });
    spots.set(key, spot);
    layer.insertBefore(spot.root, layer.children[at] ?? null); // the keyboard walks in this order
    return spot;
  };
  /** @param {any} scene @param {import("./flow_shapes.js").Shape[]} shapes @param {number} scale */
  return (scene, shapes, scale) => {
    const { steering } = node;
    const wanted = steering ? spotsOf(scene, shapes) : [];
    for (const [key, { root }] of spots) {
      if (wanted.some((one) => one.key === key)) continue;
      root.remove();
      spots.delete(key);
    }
    for (const [at, { key, group, which, x, y, w, h }] of wanted.entries()) {
      const spot = spots.get(key) ?? create(key, at);
      const actions = /** @type {Steering} */ (steering).actions(group, which);
      Object.assign(spot, { actions, group, which });
      const high = which ? h : Math.max(h, WORDS_HIGH + BUTTON_PX / scale);
      const [left, top, width, height] = [x, y, w, high].map((px) => `${Math.round(px * scale)}px`);
      Object.assign(spot.root.style, { left, top, width, height });
      spot.root.setAttribute("aria-label", which || group);
      spot.root.toggleAttribute("data-group", !which);
      const dies = performance.now() - spot.killedAt < ANSWER_MS;
      spot.root.toggleAttribute("data-dead", dies || actions[0]?.request.do === "revive");
      while (spot.buttons.length > actions.length) spot.buttons.pop()?.remove();
      actions.forEach(({ text, label }, i) => {
        if (!spot.buttons[i]) spot.root.append((spot.buttons[i] = makeButton(text, () => act(spot, i), signal, label)));
        relabelled(spot.buttons[i], text, label);
      });
    }
  };
}
