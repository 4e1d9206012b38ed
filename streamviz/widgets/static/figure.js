// @ts-check
// A figure and its deltas: what `streamviz/plots/figure.py` sends, applied in the browser.

/** @typedef {{data: any[], layout: any, n: number, summary: string}} Figure */

/** The keys of a trace that have one item per point. */
export const POINT_KEYS = ["x", "y", "text", "customdata"];

/** Apply a delta to a figure, in place; the same as `apply` in plots/figure.py.
 * @param {Figure} figure @param {any} delta @returns {Figure} */
export function applyDelta(figure, delta) {
  if (delta.full) return delta.full;
  delta.keep.forEach((/** @type {number} */ keep, /** @type {number} */ i) => {
    const trace = figure.data[i];
    const more = i < delta.y.length ? { x: delta.x, y: delta.y[i] } : delta.points[i] ?? {};
    for (const key of POINT_KEYS) {
      if (!trace[key] && !more[key]) continue;
      const points = (trace[key] ??= []);
      for (const point of more[key] ?? []) points.push(point);
      points.splice(0, Math.max(0, points.length - keep));
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
