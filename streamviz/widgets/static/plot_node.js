// @ts-check
// The node of a plot, in a live widget and in a player, and the timeline of an entry in it.

import { forBackground, themed } from "./colours.js";
import { make } from "./dom.js";
import { buildFlow } from "./flow_node.js";
import { chooseByKeyboard, idOf, makeTabStop, rings } from "./keyboard.js";
import { staged } from "./layout.js";
import { thinned } from "./thin.js";
import { spread } from "./words.js";

/** The size of a node. @param {HTMLElement} node @returns {Box} */
export const boxOf = (node) => ({ wide: node.clientWidth, high: node.clientHeight });

/** The timeline of the entry under the pointer, or of the one chosen by keyboard.
 * @param {(id: string) => void} request @param {() => void} restyle */
export function buildTimeline(request, restyle) {
  const node = make("p", "timeline", [], { "aria-live": "polite" });
  let requested = ""; // its timeline is on the way
  let chosen = "";
  const hover = (/** @type {string} */ id) => {
    if (!id || id === requested) return;
    requested = id;
    request(id);
  };
  const say = (/** @type {string} */ text) => {
    requested = "";
    node.textContent = text;
  };
  const choose = (/** @type {string} */ id) => {
    requested = "";
    chosen = id;
    if (id) hover(id);
    else say("");
    restyle();
  };
  const show = (/** @type {{id: string, text: string}} */ { id, text }) => id === requested && say(text);
  return { node, chosen: () => chosen, hover, choose, show, say };
}

/** @typedef {Omit<ReturnType<typeof buildTimeline>, "node" | "show">} Timeline */
/** @typedef {{wide: number, high: number}} Box a node's size in pixels */
/** @typedef {{dark: boolean, chosen: string, scale: number, coarse: boolean, most: number, box: Box, zoom: string}} Style about `most` points of a trace are drawn; a zoom is kept while its name stays the same */

/** Where a figure is drawn, and a summary for screen readers.
 * @param {any} layout the figure's @param {() => any[]} data its traces @param {Timeline} timeline @param {AbortSignal} signal */
export function createPlot(layout, data, { chosen, choose, hover }, signal) {
  const flow = layout.meta?.flow;
  const node = /** @type {any} */ (make("div", flow ? "flow" : "plot", [], { role: "group", "aria-label": layout.title.text }));
  chooseByKeyboard(node, { data, chosen, choose }, signal);
  if (flow) {
    const { draw, drawn, steer } = buildFlow(node, flow, hover, signal);
    Object.assign(node, { drawFlow: draw, drawn, steer });
  } else {
    // A finger scrolls the page; plotly would stop that, to zoom.
    node.addEventListener("touchstart", (/** @type {Event} */ touch) => touch.stopPropagation(), { capture: true, passive: true, signal });
  }
  return { node, summary: make("p", "hidden") };
}

/** The traces and the layout of a figure, as they are drawn.
 * @param {import("./figure.js").Figure} figure @param {Style} style */
export function styled(figure, { dark, chosen, scale, most, box }) {
  const data = [...forBackground(figure, thinned(figure.data, most), dark), ...rings(figure.data, chosen, dark)];
  return staged(data, themed(figure.layout, dark), scale, box);
}

/** Draw a figure: a flow by hand, and all else by plotly, without the toolbar, which offers to upload it.
 * @param {any} Plotly @param {any} node @param {import("./figure.js").Figure} figure @param {Timeline} timeline @param {Style} style */
export function drawPlot(Plotly, node, figure, timeline, style) {
  makeTabStop(node, figure.data);
  if (node.drawFlow) {
    node.drawFlow(figure, style);
    return;
  }
  const first = !node.on; // plotly adds this method
  const { data, layout } = styled(figure, style);
  Plotly.react(node, data.map(withWords), { uirevision: style.zoom, ...layout, datarevision: performance.now() }, { displayModeBar: false, responsive: true });
  if (!first) return;
  for (const one of [node.querySelector(".plot-container"), document.getElementById("js-plotly-tester")]) one?.setAttribute("aria-hidden", "true"); // the summary says the same
  node.on("plotly_afterplot", () => spread(node)); // also after the first drawing, after a zoom, and in another size
  node.on("plotly_hover", (/** @type {any} */ { points }) => timeline.hover(idOf(points[0]?.customdata)));
}

/** A trace whose words plotly keeps: drawn anew, it forgets those at a point that had none before. They do not touch lines and each other.
 * @param {any} trace */
const withWords = (trace) =>
  trace.mode?.includes("text") && Array.isArray(trace.text) ? { ...trace, text: trace.text.map((/** @type {string} */ one) => (one ? `${/^\s/.test(one) ? "" : "\u00a0"}${one}\u00a0` : "\u200b")) } : trace;
