// @ts-check
// How figures fit their boxes: columns of plots, larger text on a stage.

/** @typedef {{low: number, high: number}} Range */

const [LETTER, LEAST_PX] = [0.58, 11]; // the width of a letter, about, in its size; the least size of a title
const LEAST_WIDE_PX = 640; // a narrower picture has shorter words

/** The axes of a layout, as its traces name them: x, y, x2, ... @param {any} layout */
export const axesOf = (layout) => Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key)).map((key) => key.replace("axis", ""));

/** The key of an axis in a layout. @param {string} axis */
export const axisKey = (axis) => `${axis[0]}axis${axis.slice(1)}`;

/** The ranges of the points on each axis; an axis that matches another counts for that one. @param {any[]} data @param {any} layout @returns {Record<string, Range>} */
export function extents(data, layout) {
  const found = {};
  for (const trace of data) {
    for (const side of ["x", "y"]) {
      const axis = trace[`${side}axis`] ?? side;
      const range = (found[layout[axisKey(axis)]?.matches ?? axis] ??= { low: Infinity, high: -Infinity });
      for (const value of trace[side] ?? []) {
        if (value === null) continue;
        if (value < range.low) range.low = value;
        if (value > range.high) range.high = value;
      }
    }
  }
  return found;
}

/** The largest number that each axis needs: above the values is room for words. Empty for plots in which values are added up.
 * @param {any[]} data @param {any} layout @returns {Record<string, number>} */
export function mostShown(data, layout) {
  if (data.some(({ type = "scatter", stackgroup }) => type !== "scatter" || stackgroup)) return {};
  const points = extents(data.filter(({ mode, meta }) => mode !== "text" && meta !== "aside"), layout);
  const most = (/** @type {string} */ axis, /** @type {Range} */ { low, high }) => high + (axis[0] === "y" ? 0.1 * Math.max(high, 0) : 0.02 * (high - low));
  return Object.fromEntries(axesOf(layout).flatMap((axis) => {
    const { matches = axis, tickvals } = layout[axisKey(axis)];
    const range = points[matches];
    return !tickvals && range?.high && Number.isFinite(range.high) ? [[axis, most(axis, range)]] : [];
  }));
}

/** The number of columns for plots in a box that gives each plot the best shape.
 * @param {number} plots @param {number} wide @param {number} high */
export function columnsFor(plots, wide, high) {
  const error = (/** @type {number} */ columns) => {
    const rows = Math.ceil(plots / columns);
    const shape = (wide / columns) * (rows / (high || 1));
    return Math.abs(Math.log(shape / 1.7)) + 1.5 * Math.log((rows * columns) / plots); // fewer gaps
  };
  return Array.from({ length: plots }, (_, i) => i + 1).reduce((a, b) => (error(b) < error(a) ? b : a), 1);
}

/** A text in two lines, if it is too long for one. @param {string} text @param {number} most letters per line */
export function wrapped(text, most) {
  if (text.length <= most || text.includes("<br>")) return text;
  const spaces = [...text.matchAll(/ /g)].map(({ index }) => Number(index));
  const middle = text.length / 2;
  const at = spaces.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
  return at === undefined ? text : `${text.slice(0, at)}<br>${text.slice(at + 1)}`;
}

/** The rows that a legend needs below a title; 0 if it fits next to the title.
 * @param {any[]} data @param {string} title @param {number} size of a letter @param {number} room */
function legendRows(data, title, size, room) {
  const items = data.flatMap(({ showlegend, name }) => (showlegend !== false && name ? [name.length * size * 0.56 + 50] : []));
  const length = items.reduce((a, b) => a + b, 0);
  if (!items.length || title.length * size * 0.7 + length < room) return 0;
  if (length < room) return 1;
  return Math.ceil(items.length / Math.max(1, Math.floor(room / Math.max(...items))));
}

/** A layout whose legend is below its title, if there is no room for it next to the title.
 * @param {any[]} data @param {any} layout @param {{wide: number, high: number}} box its size in pixels */
function withLegend(data, layout, { wide, high }) {
  const { margin = {}, title, showlegend } = layout;
  const size = layout.font?.size ?? 13;
  const room = (wide || 1e4) - (margin.l ?? 0) - (margin.r ?? 0);
  const rows = showlegend === false ? 0 : legendRows(data, title?.text ?? "", size, room);
  if (rows * size * 1.5 > high / 3 && high) return { ...layout, showlegend: false }; // it would leave too little room for the plot
  if (!rows || !wide) return layout;
  return {
    ...layout,
    margin: { ...margin, t: size * (2.4 + rows * 1.6) },
    title: { ...title, y: 1, yref: "container", yanchor: "top", pad: { t: size * 0.5 } },
    legend: { ...layout.legend, x: 0, xanchor: "left", tracegroupgap: 0 },
  };
}

/** A trace with shorter words, for a narrow picture. @param {any} trace @param {Record<string, string>} shorter */
function shortened(trace, shorter) {
  const cut = (/** @type {string} */ text) => Object.entries(shorter).reduce((words, [long, short]) => words.replace(long, short), text);
  return Array.isArray(trace.text) ? { ...trace, text: trace.text.map(cut) } : trace;
}

/** A figure that fits its box; on a stage with larger lines, marks and text, and room for them.
 * @param {any[]} data @param {any} layout @param {number} scale
 * @param {{wide: number, high: number}} [box] its size in pixels */
export function staged(data, layout, scale, box = { wide: 0, high: 0 }) {
  if (layout.meta?.shorter && box.wide && box.wide / scale < LEAST_WIDE_PX) data = data.map((trace) => shortened(trace, layout.meta.shorter));
  const shown = scale === 1 ? layout : enlarged(layout, scale, box);
  const fitting = withWholeTicks(data, withRoom(withLegend(data, shown, box), box), box);
  return { data: scale === 1 ? data : data.map((trace) => thicker(trace, scale)), layout: fitting };
}

/** A trace with larger lines and marks. @param {any} trace @param {number} scale */
function thicker({ ...trace }, scale) {
  const { line, marker } = trace;
  if (line?.width) trace.line = { ...line, width: line.width * scale };
  if (marker?.size) trace.marker = { ...marker, size: Array.isArray(marker.size) ? marker.size.map((px) => px * scale) : marker.size * scale };
  if (marker?.size && marker.line?.width) trace.marker.line = { ...marker.line, width: marker.line.width * scale };
  return trace;
}

/** A layout with larger text and margins. @param {any} layout @param {number} scale @param {{high: number}} box */
function enlarged(layout, scale, { high }) {
  const size = Math.round((layout.font?.size ?? 13) * scale);
  const margin = Object.fromEntries(Object.entries(layout.margin ?? {}).map(([side, px]) => [side, Number(px) * scale]));
  // In a low box the plot needs the room; the axes take more if they need it.
  if (high && high < 20 * size) Object.assign(margin, { t: size * 2.2, b: size * 1.6 });
  const title = { ...layout.title, font: { ...layout.title?.font, size: Math.round((layout.meta?.strips ? 13 : 17) * scale) } }; // a flow's headline is larger
  const annotations = layout.annotations?.map((/** @type {any} */ note) => ({ ...note, xshift: (note.xshift ?? 0) * scale }));
  return { ...layout, font: { ...layout.font, size }, margin, title, annotations };
}

/** A layout whose axes have whole numbers where all that is shown there is whole: plotly would write 0.5 at an axis that counts a few entries.
 * The texts at the ends of lines don't count. @param {any[]} data @param {any} layout @param {{wide: number, high: number}} box its size in pixels */
function withWholeTicks(data, layout, box) {
  const shown = { ...layout };
  const points = extents(data, layout);
  for (const axis of axesOf(layout)) {
    const [key, side] = [axisKey(axis), axis[0]];
    const { matches = axis, tickvals, dtick, nticks, rangemode, domain: [from, to] = [0, 1] } = layout[key];
    const { low, high } = points[matches] ?? { low: Infinity, high: -Infinity };
    if (tickvals || dtick || low > high) continue;
    const length = (side === "x" ? box.wide : box.high) * (to - from) || Infinity;
    const most = nticks ?? Math.min(9, Math.max(4, length / (side === "x" ? 80 : 40))) + 1; // as plotly chooses
    if ((high - (rangemode === "tozero" ? Math.min(0, low) : low)) * 1.06 > most / 2) continue; // its own steps are whole
    const own = data.filter((trace) => trace.mode !== "text" && (layout[axisKey(trace[`${side}axis`] ?? side)]?.matches ?? trace[`${side}axis`] ?? side) === matches);
    if (own.every((trace) => (trace[side] ?? []).every((/** @type {any} */ value) => value === null || Number.isInteger(value)))) shown[key] = { ...layout[key], dtick: 1 };
  }
  return shown;
}

/** A title in letters small enough for its room, or in two lines. @param {any} title @param {number} room @param {number} size */
function fitted(title, room, size) {
  const text = wrapped(title.text, room / LEAST_PX / LETTER);
  const most = Math.max(...text.split("<br>").map((/** @type {string} */ row) => row.length));
  return { ...title, text, font: { ...title.font, size: Math.max(LEAST_PX, Math.min(size, Math.floor(room / most / LETTER))) } };
}

/** A layout whose titles are as long as there is room for them, and whose numbers are not rotated.
 * @param {any} layout @param {{wide: number, high: number}} box its size in pixels */
function withRoom(layout, box) {
  if (!box.wide) return layout;
  const { margin: { l = 0, r = 0, t = 0, b = 0 } = {}, title, font } = layout;
  const [shown, size] = [{ ...layout }, font?.size ?? 13];
  const [right, height] = [box.wide - l, (box.high || 1e4) - t - b];
  if (title?.text) shown.title = fitted(title, right, title.font?.size ?? 15);
  const long = (/** @type {any} */ words) => (words?.text ?? "").length * (words?.font?.size ?? size) * LETTER;
  const fits = (/** @type {any} */ note) => note.x !== 1 || long(note) + long(shown.title) < right; // beside the title
  if (layout.annotations) shown.annotations = layout.annotations.filter(fits).map((/** @type {any} */ note) => fitted(note, right, size));
  for (const key of axesOf(layout).map(axisKey)) {
    const [from, to] = layout[key].domain ?? [0, 1];
    const length = (key[0] === "x" ? right - r : height) * (to - from);
    const axis = (shown[key] = { ...layout[key] });
    if (axis.title?.text) axis.title = fitted({ ...axis.title, text: wrapped(axis.title.text, length / size / LETTER) }, length, size);
    // Fewer, larger numbers, which plotly would otherwise rotate.
    if (key[0] === "x") Object.assign(axis, { nticks: Math.min(7, Math.max(2, Math.floor(length / size / 4.5))), tickangle: 0 });
  }
  return shown;
}
