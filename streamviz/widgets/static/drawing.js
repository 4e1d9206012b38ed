// @ts-check
// The plots of a player: plotly draws a frame; while the slider is dragged, a canvas does.

import { drawOverPlot } from "./canvas.js";
import { make } from "./dom.js";
import { boxOf, createPlot, drawPlot, styled } from "./plot_node.js";

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {{dark: boolean, chosen: string, scale: number, coarse: boolean}} Style of all plots */

const FINE = 1500; // points of a trace
const COARSE = 400; // about one for every three pixels

/** @param {HTMLElement} grid @param {import("./plot_node.js").Timeline} timeline
 * @param {{focus: () => void, arrange: () => void, restyle: () => void}} on @param {AbortSignal} signal */
export function buildDrawing(grid, timeline, on, signal) {
  /** @type {{node: any, summary: HTMLElement, canvas: HTMLCanvasElement}[]} */
  let plots = [];
  /** @type {Figure[]} */
  let figures = [];
  let Plotly = null;
  const create = () => {
    plots = figures.map(({ layout }, i) => {
      const plot = createPlot(layout, () => figures[i].data, timeline, signal);
      // A click leaves the keys to the player; plotly would stop it from taking the focus.
      plot.node.addEventListener("pointerdown", () => setTimeout(on.focus), { signal });
      return { ...plot, canvas: /** @type {HTMLCanvasElement} */ (make("canvas", "over", [], { "aria-hidden": "true" })) };
    });
    grid.replaceChildren(...plots.flatMap(({ node, summary }) => [node, summary]));
    on.arrange();
  };
  let wide = 0; // the grid, as it is drawn
  const sizes = new ResizeObserver(() => {
    on.arrange();
    if (grid.clientWidth !== wide) on.restyle(); // titles fit their room, also while it is paused
    wide = grid.clientWidth;
    for (const { node } of plots) if (node.clientWidth) Plotly?.Plots.resize(node);
  });
  sizes.observe(grid);
  signal.addEventListener("abort", () => {
    sizes.disconnect();
    for (const { node } of plots) Plotly?.purge(node);
  });
  return {
    nodes: () => plots.map(({ node }) => /** @type {HTMLElement} */ (node)),
    traces: () => figures.map(({ data }) => data),
    isReady: () => Boolean(Plotly),
    ready: (/** @type {any} */ loaded) => void (Plotly = loaded),
    /** @param {Figure[]} next @param {number} frame @param {(plots: number) => Style} styleOf */
    show(next, frame, styleOf) {
      figures = next;
      if (plots.length !== figures.length) create();
      const common = styleOf(figures.length);
      const boxes = plots.map(({ node }) => boxOf(node));
      plots.forEach(({ node, summary, canvas }, i) => {
        const figure = figures[i];
        const zoom = frame === 0 ? "start" : "kept"; // a show that starts again forgets a zoom
        const style = { ...common, most: common.coarse ? COARSE : FINE, box: boxes[i], zoom };
        summary.textContent = figure.summary;
        if (style.coarse && !node.drawFlow && drawOverPlot(node, canvas, styled(figure, style))) return;
        canvas.remove();
        node.removeAttribute("data-on-canvas");
        drawPlot(Plotly, node, figure, timeline, style);
      });
    },
  };
}
