// @ts-check
// A figure and its deltas: what `streamviz/plots/figure.py` sends, applied in the browser.

/** @typedef {{data: any[], layout: any, n: number, summary: string}} Figure */

/** The keys of a trace that have one item per point. */
export const POINT_KEYS = ["x", "y", "text", "customdata"];

/** Keep the newest `keep` items of a list after more have been added, in place.
 * @param {any[]} list @param {any[]} more @param {number} keep */
export function extend(list, more, keep) {
  for (const item of more) list.push(item);
  if (list.length > keep) list.splice(0, list.length - keep);
  return list;
}

/** Apply a delta to a figure, in place; the same as `apply` in plots/figure.py.
 * @param {Figure} figure @param {any} delta @returns {Figure} */
export function applyDelta(figure, delta) {
  if (delta.full) return delta.full;
  delta.keep.forEach((/** @type {number} */ keep, /** @type {number} */ i) => {
    const trace = figure.data[i];
    const more = i < delta.y.length ? { x: delta.x, y: delta.y[i] } : delta.points[i] ?? {};
    for (const key of POINT_KEYS) {
      if (trace[key] || more[key]) extend((trace[key] ??= []), more[key] ?? [], keep);
    }
  });
  for (const [i, state] of Object.entries(delta.set)) Object.assign(figure.data[Number(i)], state);
  figure.n = delta.n;
  figure.summary = delta.summary ?? figure.summary;
  return figure;
}

/** Copy a figure so that a delta applied to the copy leaves the original unchanged. @param {Figure} figure @returns {Figure} */
export function copied(figure) {
  const data = figure.data.map((trace) => {
    const copy = { ...trace };
    for (const key of POINT_KEYS) if (Array.isArray(copy[key])) copy[key] = copy[key].slice();
    return copy;
  });
  return { ...figure, data };
}
