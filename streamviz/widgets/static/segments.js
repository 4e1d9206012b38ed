// @ts-check
// A segment: the figures of its first frame, and a delta for each frame after that.

import { applyDelta, copied } from "./figure.js";

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {{first: number, deltas: any[][], kept: Map<number, Figure[]>, at: number, figures: Figure[]}} Segment a decoded one */

const KEEP_EVERY = 50; // frames: at most this many deltas are applied to show any frame
const MAX_KEPT = 80; // whole figures that a long segment keeps

/** A segment, ready to be shown. @param {{first: number, figures: Figure[], deltas: any[][]}} packed @returns {Segment} */
export function decodeSegment({ first, figures, deltas }) {
  return { first, deltas, kept: new Map([[0, figures]]), at: 0, figures: figures.map(copied) };
}

/** Does a segment hold a frame? @param {Segment} segment @param {number} frame */
export const holds = (segment, frame) => segment.first <= frame && frame <= segment.first + segment.deltas.length;

/** A delta that keeps every point. @param {any} delta */
const uncut = (delta) => ({ ...delta, keep: delta.keep.map(() => Infinity) });

/** The figures of one frame. They belong to the segment, and are valid until the next call.
 * @param {Segment} segment @param {number} frame @returns {Figure[]} */
export function figuresAt(segment, frame) {
  const wanted = frame - segment.first;
  const start = [...segment.kept.keys()].filter((at) => at <= wanted).reduce((a, b) => Math.max(a, b), 0);
  if (wanted < segment.at || start > segment.at) {
    segment.at = start;
    segment.figures = /** @type {Figure[]} */ (segment.kept.get(start)).map(copied);
  }
  const every = Math.max(KEEP_EVERY, Math.ceil(segment.deltas.length / MAX_KEPT));
  while (segment.at < wanted) {
    const deltas = segment.deltas[segment.at];
    const keeps = (segment.at + 1) % every === 0;
    // Points that leave the window are cut off once, not at each frame on the way.
    const cut = keeps || segment.at + 1 === wanted;
    // A whole new figure belongs to the delta, and must stay as it is.
    const next = (/** @type {Figure} */ figure, /** @type {any} */ delta) => applyDelta(figure, cut ? delta : uncut(delta));
    segment.figures = segment.figures.map((figure, i) => (deltas[i].full ? copied(deltas[i].full) : next(figure, deltas[i])));
    segment.at += 1;
    if (keeps && !segment.kept.has(segment.at)) segment.kept.set(segment.at, segment.figures.map(copied));
  }
  return segment.figures;
}
