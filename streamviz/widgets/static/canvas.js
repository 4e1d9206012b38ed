// @ts-check
// A quick drawing of a figure on a canvas over plotly's, for dragging the slider.

import { inkOf } from "./dom.js";
import { axesOf, axisKey, extents, mostShown } from "./layout.js";
import { thinned } from "./thin.js";
import { freeMove, shifted } from "./words.js";

/** @typedef {import("./layout.js").Range} Range */
/** @typedef {{left: number, top: number, wide: number, high: number}} Area */

const POINT_EVERY_PX = 4; // a narrow plot needs fewer points
const DASHES = { dash: [9, 5], dot: [2, 4], dashdot: [9, 4, 2, 4], longdash: [14, 6], longdashdot: [14, 5, 2, 5] };

/** The range of each axis: its own, or that of the points on it and on the axes that match it.
 * @param {any[]} data @param {any} layout @returns {Record<string, Range>} by axis: x, y, x2, ... */
export function ranges(data, layout) {
  const points = extents(data, layout);
  const own = axesOf(layout).map((axis) => {
    const { matches = axis, range = layout[axisKey(matches)]?.range } = layout[axisKey(axis)];
    if (range) return [axis, { low: range[0], high: range[1] }];
    const fromZero = layout[axisKey(matches)]?.rangemode === "tozero";
    return [axis, roomy(points[matches] ?? { low: 0, high: 1 }, fromZero)];
  });
  return { ...points, ...Object.fromEntries(own) };
}

/** A range with some room at its upper end. @param {Range} range @param {boolean} fromZero @returns {Range} */
function roomy({ low, high }, fromZero) {
  if (low > high) return { low: 0, high: 1 };
  const bottom = fromZero ? Math.min(0, low) : low;
  const span = high - bottom || 1;
  return { low: bottom, high: high + (fromZero ? span * 0.055 : span * 0.001) };
}

/** Round numbers in a range. @param {Range} range @param {number} about their number @param {number} [least] the least step */
export function ticks({ low, high }, about, least = 0) {
  const raw = (high - low) / Math.max(1, about);
  if (!(raw > 0) || !Number.isFinite(raw)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(least, [1, 2, 5, 10].map((many) => many * power).find((one) => one >= raw * 0.999) ?? raw);
  const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The points of a trace on the canvas; null where it has a gap.
 * @param {any} trace @param {Range} across @param {Range} up @param {Area} area @returns {([number, number] | null)[]} */
export function placed(trace, across, up, area) {
  const sideways = area.wide / (across.high - across.low || 1);
  const upwards = area.high / (up.high - up.low || 1);
  const { x, y = [] } = trace;
  const place = (/** @type {number} */ i) => [area.left + (x[i] - across.low) * sideways, area.top + area.high - (y[i] - up.low) * upwards];
  return y.map((/** @type {number | null} */ value, /** @type {number} */ i) => (x[i] === null || value === null ? null : place(i)));
}

/** The corners of a line through points; a stepped line first goes across, then up.
 * @param {([number, number] | null)[]} points @param {boolean} stepped @returns {[number, number][][]} */
export function corners(points, stepped) {
  const runs = [];
  /** @type {[number, number][] | null} */
  let run = null;
  for (const point of points) {
    if (point && run && stepped) run.push([point[0], run[run.length - 1][1]]);
    if (point && run) run.push(point);
    else if (point) runs.push((run = [point]));
    else run = null;
  }
  return runs;
}

/** Is a line so long that its dashes would take most of the time? It is drawn without them then.
 * @param {[number, number][][]} runs @param {Area} area */
export function winding(runs, { wide, high }) {
  let long = 0;
  for (const run of runs) {
    for (let i = 1; i < run.length; i += 1) long += Math.abs(run[i][0] - run[i - 1][0]) + Math.abs(run[i][1] - run[i - 1][1]);
  }
  return long > 3 * (wide + high);
}

/** @param {CanvasRenderingContext2D} ink @param {[number, number][]} run */
function trail(ink, run) {
  run.forEach(([x, y], i) => (i ? ink.lineTo(x, y) : ink.moveTo(x, y)));
}

/** @param {CanvasRenderingContext2D} ink @param {any} marker @param {([number, number] | null)[]} points */
function dots(ink, marker, points) {
  const symbol = String(marker.symbol ?? "");
  ink.globalAlpha = marker.opacity ?? 1;
  ink.lineWidth = marker.line?.width ?? 2;
  ink.fillStyle = ink.strokeStyle = marker.color;
  ink.beginPath();
  points.forEach((point, i) => {
    const size = Array.isArray(marker.size) ? marker.size[Math.min(i, marker.size.length - 1)] : marker.size ?? 6;
    if (!point || !size) return;
    const [x, y, half] = [...point, size / 2];
    ink.moveTo(x + half, y);
    if (symbol.startsWith("square") || size < 6) ink.rect(x - half, y - half, size, size);
    else ink.arc(x, y, half, 0, 7);
  });
  symbol.endsWith("-open") ? ink.stroke() : ink.fill();
  ink.globalAlpha = 1;
}

const SIGNS = { lt: "<", gt: ">", amp: "&" };

/** A text as plotly shows it: its names have signs that stand for those of HTML. @param {string} text */
export const plain = (text) => text.replace(/&(?:#(\d+)|(lt|gt|amp));/g, (_, code, sign) => (code ? String.fromCodePoint(Number(code)) : SIGNS[/** @type {keyof typeof SIGNS} */ (sign)]));

/** @param {CanvasRenderingContext2D} ink @param {any} trace @param {([number, number] | null)[]} points @param {any} layout @param {string} ground the rim of letters
 * @param {import("./words.js").Box[]} taken where other texts stand @param {import("./words.js").Box} whole the canvas */
function texts(ink, { text = [], textfont, textposition }, points, layout, ground, taken, whole) {
  const size = layout.font?.size ?? 13;
  ink.font = `${size}px system-ui, sans-serif`;
  ink.textAlign = "left";
  ink.textBaseline = "middle";
  ink.strokeStyle = ground;
  ink.lineWidth = 3;
  points.forEach((point, i) => {
    if (!point || !text[i]) return;
    const words = plain(text[i]);
    const wide = ink.measureText(words).width;
    const isLeft = String(Array.isArray(textposition) ? textposition[i] : textposition).endsWith("left");
    const [x, y] = [point[0] + (isLeft ? -4 - wide : 4), point[1]];
    const box = { left: x, right: x + wide, top: y - size * 0.6, bottom: y + size * 0.6 };
    const move = freeMove(box, taken, whole);
    if (!move) return;
    taken.push(shifted(box, ...move));
    ink.fillStyle = textfont?.color?.[i] ?? layout.font?.color ?? "#444";
    if (ground) ink.strokeText(words, x + move[0], y + move[1]);
    ink.fillText(words, x + move[0], y + move[1]);
  });
}

/** @param {CanvasRenderingContext2D} ink @param {any} axis @param {Range} range @param {Area} area @param {string} side @param {any} layout @param {number} [most] the largest number */
function grid(ink, axis, range, area, side, layout, most = Infinity) {
  const size = layout.font?.size ?? 13;
  const flat = side === "x";
  const at = axis.tickvals ?? ticks(range, flat ? Math.min(8, area.wide / (size * 5)) : area.high / (size * 3.4), axis.dtick);
  ink.font = `${size}px system-ui, sans-serif`;
  ink.textAlign = flat ? "center" : "right";
  ink.textBaseline = flat ? "top" : "middle";
  ink.strokeStyle = axis.gridcolor ?? "#8884";
  ink.fillStyle = layout.font?.color ?? "#444";
  ink.lineWidth = 1;
  at.forEach((/** @type {number} */ value, /** @type {number} */ i) => {
    const part = (value - range.low) / (range.high - range.low || 1);
    if (part < -0.001 || part > 1.001 || value > most) return;
    const x = area.left + part * area.wide;
    const y = area.top + area.high - part * area.high;
    ink.beginPath();
    trail(ink, flat ? [[x, area.top], [x, area.top + area.high]] : [[area.left, y], [area.left + area.wide, y]]);
    ink.stroke();
    if (axis.showticklabels === false) return;
    const text = plain(String(axis.ticktext?.[i] ?? value));
    flat ? ink.fillText(text, x, area.top + area.high + 5) : ink.fillText(text, area.left - 5, y);
  });
}

/** Draw a figure over the same plot drawn by plotly.
 * @param {CanvasRenderingContext2D} ink @param {any[]} traces @param {any} layout
 * @param {(axis: string) => {from: number, long: number}} place where plotly has drawn an axis @param {{wide: number, high: number}} box the canvas's size @param {string} [ground] the page's colour
 * @param {import("./words.js").Box[]} [titles] where plotly's words stand */
export function drawOnCanvas(ink, traces, layout, place, { wide, high }, ground = "", titles = []) {
  const taken = [...titles];
  const whole = { left: 0, top: 0, right: wide, bottom: high };
  const data = traces.flatMap((trace) => thinned([trace], place(trace.xaxis ?? "x").long / POINT_EVERY_PX));
  const [range, most] = [ranges(data, layout), mostShown(data, layout)];
  const area = (/** @type {string} */ x, /** @type {string} */ y) => ({ left: place(x).from, wide: place(x).long, top: place(y).from, high: place(y).long });
  for (const y of axesOf(layout).filter((one) => one[0] === "y")) {
    const axis = layout[axisKey(y)];
    if (axis.visible === false) continue;
    const x = axis.anchor ?? "x";
    const where = area(x, y);
    grid(ink, layout[axisKey(x)], range[x], where, "x", layout, most[x]);
    grid(ink, axis, range[y], where, "y", layout, most[y]);
  }
  for (const trace of data) {
    const [x, y] = [trace.xaxis ?? "x", trace.yaxis ?? "y"];
    const where = area(x, y);
    const points = placed(trace, range[x], range[y], where);
    if (trace.mode?.includes("lines")) {
      const runs = corners(points, trace.line?.shape === "hv");
      if (trace.fill) fill(ink, trace, runs, where.top + where.high);
      ink.globalAlpha = trace.opacity ?? 1;
      ink.strokeStyle = trace.line.color;
      ink.lineWidth = trace.line.width ?? 2;
      const dash = DASHES[/** @type {keyof typeof DASHES} */ (trace.line.dash)] ?? [];
      ink.setLineDash(dash.length && winding(runs, where) ? [] : dash);
      ink.beginPath();
      for (const run of runs) trail(ink, run);
      ink.stroke();
      ink.setLineDash([]);
      ink.globalAlpha = 1;
    }
    if (trace.mode?.includes("text")) texts(ink, trace, points, layout, ground, taken, whole);
    if (trace.mode?.includes("markers")) dots(ink, trace.marker, points);
  }
}

/** Fill the shape itself, or else the area down to zero.
 * @param {CanvasRenderingContext2D} ink @param {any} trace @param {[number, number][][]} runs @param {number} ground */
function fill(ink, trace, runs, ground) {
  ink.fillStyle = trace.fillcolor;
  for (const run of runs) {
    const below = trace.fill === "toself" ? [] : [run[run.length - 1], run[0]].map(([x]) => /** @type {[number, number]} */ ([x, ground]));
    ink.beginPath();
    trail(ink, [...run, ...below]);
    ink.fill();
  }
}

/** Does a figure say all that the canvas needs? One's own may leave axes and styles to plotly. @param {any[]} data @param {any} layout */
export const isWhole = (data, layout) => data.every(({ mode = "", line, marker, xaxis = "x", yaxis = "y" }) => {
  const colours = [...(mode.includes("lines") ? [line?.color] : []), ...(mode.includes("markers") ? [marker?.color] : [])];
  return mode && colours.every((one) => typeof one === "string") && layout[axisKey(xaxis)] && layout[axisKey(yaxis)];
});

/** Draw a figure on the canvas over its plot; false if plotly must: it has not drawn the plot yet, or knows more.
 * @param {any} node the plot @param {HTMLCanvasElement} canvas @param {{data: any[], layout: any}} drawn */
export function drawOverPlot(node, canvas, { data, layout }) {
  const full = node._fullLayout;
  const [wide, high] = [node.clientWidth, node.clientHeight];
  if (!full?._size || !wide || !isWhole(data, layout)) return false;
  if (!canvas.isConnected) node.append(canvas);
  node.setAttribute("data-on-canvas", "");
  const ground = getComputedStyle(canvas).getPropertyValue("--sv-ground");
  const { left, top } = node.getBoundingClientRect();
  const titles = [...node.querySelectorAll(".infolayer text")].map((one) => shifted(one.getBoundingClientRect(), -left, -top));
  drawOnCanvas(inkOf(canvas, wide, high), data, layout, (axis) => ({ from: full[axisKey(axis)]._offset, long: full[axisKey(axis)]._length }), { wide, high }, ground, titles);
  return true;
}
