// @ts-check
// Fewer points for a trace that has more of them than the plot has pixels.

import { POINT_KEYS } from "./figure.js";

/** The indexes worth drawing: of each run of values its ends, its extremes and a gap, if it has one.
 * @param {any[]} y @param {number} most */
function extremes(y, most) {
  const run = Math.ceil(y.length / (most / 4));
  const indexes = [];
  for (let start = 0; start < y.length; start += run) {
    const end = Math.min(start + run, y.length);
    let [low, high, gap] = [start, start, -1];
    for (let i = start; i < end; i += 1) {
      if (y[i] === null) gap = i;
      if (y[i] < y[low] || y[low] === null) low = i;
      if (y[i] > y[high] || y[high] === null) high = i;
    }
    const chosen = new Set(gap < 0 ? [start, low, high, end - 1] : [start, low, high, gap, end - 1]);
    indexes.push(...[...chosen].sort((a, b) => a - b));
  }
  return indexes;
}

/** Traces with about `most` points each; a point that is left out lies between those that are drawn.
 * @param {any[]} data @param {number} most */
export function thinned(data, most) {
  return data.map((trace) => {
    const count = trace.y?.length ?? 0;
    if (count <= most) return trace;
    const lines = trace.mode?.includes("lines");
    // A line with many gaps is not a curve: without one of the gaps, two pieces would be joined.
    if (lines && trace.y.filter((/** @type {any} */ value) => value === null).length > count / 8) return trace;
    const step = Math.ceil(count / most);
    const indexes = lines ? extremes(trace.y, most) : [...trace.y.keys()].filter((i) => (count - 1 - i) % step === 0);
    const thin = { ...trace };
    for (const key of POINT_KEYS) if (Array.isArray(thin[key])) thin[key] = indexes.map((i) => trace[key][i]);
    return thin;
  });
}
