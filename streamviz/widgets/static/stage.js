// @ts-check
// A player on a stage, which fills its box: in an exported page, on a slide, in a slideshow.

import { make, makeStatus } from "./dom.js";
import { columnsFor } from "./layout.js";

const SLIDE_PX = 720; // the height of a slide for which the sizes on a stage are meant
const FLOW_ROW = 1.7; // the height of a flow's own row, in rows of other plots
const LEAST_FOR_ROW_PX = 300; // of the grid; in a lower one a flow stands beside the other plots
const LEAST_FOR_STRIPS_PX = 600; // of the grid; in a lower one the letters of both would be too small
const MAX_AT_ONCE = 4; // more plots would be too small to read from the last row
const MAX_BELOW_FLOW = 2; // in its low row, three would have little more than their titles
const NARROW_PX = 800; // a grid less wide has one column
const LEAST_ROW_PX = 200; // of a plot there
const LINE = 72; // letters of a caption's line, at least
const VISIBLE_EVERY_MS = 200;

/** How much larger text is than on a page: a number on an axis is a 36th of a slide's height. @param {number} plots */
export const stageScale = (plots) => (plots === 1 ? 1.75 : 1.55);

/** The grid of plots in a box. The last plot fills its row. More plots than fit scroll, and the
 * next row shows a little, so that one sees it.
 * @param {number} plots @param {number} wide @param {number} high @param {boolean} [belowFlow] */
export function gridFor(plots, wide, high, belowFlow = false) {
  const narrow = wide < NARROW_PX;
  const atOnce = belowFlow ? MAX_BELOW_FLOW : MAX_AT_ONCE;
  const most = narrow ? Math.max(1, Math.floor(high / LEAST_ROW_PX)) : atOnce;
  const scrolls = plots > most;
  const columns = narrow ? 1 : columnsFor(Math.min(plots, most), wide, high);
  const rowPx = scrolls ? Math.floor(high / (most / columns + 0.15)) : null;
  return { scrolls, columns, rowPx, lastSpan: columns - ((plots - 1) % columns) };
}

/** The lines to reserve for captions, so that the plots stay where they are. @param {[number, string][]} captions */
export const captionLines = (captions) => Math.min(3, Math.ceil(Math.max(0, ...captions.map(([, text]) => text.length)) / LINE));

/** The nodes of a player. @param {import("./clock.js").Metadata} metadata @param {HTMLElement} timeline */
export function buildNodes({ stream, captions, events }, timeline) {
  const [caption, event] = [make("strong", "", [], { "aria-live": "polite" }), make("span", "said", [], { "aria-live": "polite" })];
  const style = `--lines: ${captionLines(captions)}; --events: ${events.length ? 1 : 0}`;
  const texts = make("div", "caption", [caption, event], { style });
  const [grid, status] = [make("div", "grid"), makeStatus()];
  const attributes = { role: "group", "aria-label": `Replay of ${stream}`, tabindex: "0" };
  const root = make("div", "live", [texts, grid, timeline, status], attributes);
  root.classList.add("streamviz-player");
  root.dataset.lmSuppressShortcuts = "true"; // the keys are for the player, not for JupyterLab
  return { root, caption, event, grid, status };
}

/** Lay out the plots of a stage; on a low one, strips below a flow are left out.
 * @param {HTMLElement} root @param {HTMLElement} grid @param {HTMLElement[]} all */
export function arrange(root, grid, all) {
  if (root.dataset.stage === undefined || !all.length) return;
  const flowFirst = all.length > 1 && all[0].matches(".streamviz-flow");
  for (const plot of all) plot.hidden = flowFirst && grid.clientHeight < LEAST_FOR_STRIPS_PX && isStrips(plot);
  const plots = all.filter((plot) => !plot.hidden);
  const flows = flowFirst && plots.length > 1 && grid.clientHeight > LEAST_FOR_ROW_PX;
  const row = plots.length === 2 ? 1 : FLOW_ROW; // one other plot needs as much
  const high = grid.clientHeight / (flows ? 1 + row : 1);
  const { scrolls, columns, rowPx, lastSpan } = gridFor(plots.length - Number(flows), grid.clientWidth, high, flows);
  grid.toggleAttribute("data-scrolls", scrolls);
  grid.style.gridTemplateRows = flows ? (rowPx === null ? `minmax(0, ${row}fr)` : `${rowPx * row}px`) : "";
  grid.style.gridAutoRows = rowPx === null ? "" : `${rowPx}px`;
  grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  plots[0].style.gridColumn = flows ? "1 / -1" : "";
  plots[plots.length - 1].style.gridColumn = `span ${lastSpan}`;
}

/** Whether a plot is strips, which say less than the flow. @param {HTMLElement & {layout?: any}} plot */
const isStrips = (plot) => Boolean(plot.layout?.meta?.strips);

/** In JupyterLab's slideshow, give a player the height that the other cells of its slide leave.
 * @param {HTMLElement} root @param {HTMLElement} grid @param {{restyle: () => void, arrange: () => void}} player */
export function fitSlide(root, grid, player) {
  const on = document.body.dataset.jpDeckMode === "presenting";
  if (on !== "slide" in root.dataset) {
    root.toggleAttribute("data-slide", on);
    root.toggleAttribute("data-stage", on);
    root.style.height = "";
    grid.style.gridTemplateColumns = "";
    player.restyle();
  }
  const pane = root.closest(".jp-WindowedPanel-outer");
  const cells = pane?.querySelector(".jp-WindowedPanel-viewport");
  if (!on || !pane || !cells || !root.checkVisibility({ visibilityProperty: true })) return;
  const others = cells.getBoundingClientRect().height - root.getBoundingClientRect().height;
  root.style.height = `${Math.max(SLIDE_PX / 2, Math.floor(innerHeight - others - 8))}px`;
  pane.scrollTop = 0;
  player.arrange();
}

/** The scale of a player's figures: larger in a slideshow. @param {HTMLElement} root @param {number} plots */
export const slideScale = (root, plots) => ("slide" in root.dataset ? stageScale(plots) * (innerHeight / SLIDE_PX) : 1);

/** Play while a player is visible, and pause while it is on another slide or scrolled away.
 * @param {HTMLElement} root @param {{play: () => void, pause: () => void}} player @param {AbortSignal} signal */
export function playWhileVisible(root, player, signal) {
  let before = false;
  const check = () => {
    const { top, bottom } = root.getBoundingClientRect();
    const inWindow = bottom > 0 && top < innerHeight;
    const visible = inWindow && root.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    if (visible !== before) visible ? player.play() : player.pause();
    before = visible;
  };
  const timer = setInterval(check, VISIBLE_EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}
