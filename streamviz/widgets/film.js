// @ts-check
// A film: figures, and what is new in each frame after them. Pure functions, for every player.

import { applyDelta } from "./live.js";

/** @typedef {import("./live.js").Figure} Figure */
/** @typedef {{first: number, deltas: any[][], kept: Map<number, Figure[]>, at: number, figures: Figure[]}} Reel */
/** @typedef {{stream: string, shot: number, rough: {shot: number, places: number[]}, times: number[], events: [number, string, string][], captions: [number, string][]}} Card */

const KEEP_EVERY = 50; // frames: so many deltas are taken in at most to show any frame
const SAID_FOR_S = 3;
const GAP_S = 2; // a longer silence in a recording is skipped

/** A figure of its own: a delta taken into it leaves the first one as it was.
 * @param {Figure} figure @returns {Figure} */
export function copied(figure) {
  const data = figure.data.map((trace) => {
    const own = { ...trace };
    for (const key of ["x", "y", "text"]) if (Array.isArray(own[key])) own[key] = own[key].slice();
    return own;
  });
  return { ...figure, data };
}

/** A shot, ready to be shown.
 * @param {{first: number, figures: Figure[], deltas: any[][]}} shot @returns {Reel} */
export function openReel({ first, figures, deltas }) {
  return { first, deltas, kept: new Map([[0, figures]]), at: 0, figures: figures.map(copied) };
}

/** Does a reel hold a frame?
 * @param {Reel} reel @param {number} frame */
export const holds = (reel, frame) => reel.first <= frame && frame <= reel.first + reel.deltas.length;

/** The figures of one frame; they are the reel's, and good until the next frame is asked for.
 * @param {Reel} reel @param {number} frame @returns {Figure[]} */
export function figuresAt(reel, frame) {
  const wanted = frame - reel.first;
  const nearest = [...reel.kept.keys()].filter((at) => at <= wanted).reduce((a, b) => Math.max(a, b), 0);
  if (wanted < reel.at || nearest > reel.at) {
    reel.at = nearest;
    reel.figures = /** @type {Figure[]} */ (reel.kept.get(nearest)).map(copied);
  }
  while (reel.at < wanted) {
    const deltas = reel.deltas[reel.at];
    // A whole new figure is the film's own, and must stay as it is.
    reel.figures = reel.figures.map((figure, i) => (deltas[i].full ? copied(deltas[i].full) : applyDelta(figure, deltas[i])));
    reel.at += 1;
    if (reel.at % KEEP_EVERY === 0 && !reel.kept.has(reel.at)) reel.kept.set(reel.at, reel.figures.map(copied));
  }
  return reel.figures;
}

/** The last frame at or before a time, by halving.
 * @param {number[]} times seconds, in order @param {number} time */
export function frameAt(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** The place next to one, of so many, for which something holds; null if there is none.
 * @param {number} at @param {number} many @param {(place: number) => boolean} holds */
export function nearest(at, many, holds) {
  for (let far = 0; far < many; far += 1) {
    for (const place of [at + far, at - far]) if (place >= 0 && place < many && holds(place)) return place;
  }
  return null;
}

/** Where the film is after some more seconds, and whether it is over.
 * @param {number[]} times @param {number} time @param {number} seconds @param {boolean} loop */
export function advance(times, time, seconds, loop) {
  const end = times[times.length - 1];
  if (time >= end) return loop ? { time: times[0], over: false } : { time: end, over: true };
  const next = times[frameAt(times, time) + 1];
  const later = next - time > GAP_S ? next : time + seconds;
  return later >= end && !loop ? { time: end, over: true } : { time: Math.min(later, end), over: false };
}

/** The frame of the next event of a kind, or of the one before; null if there is none.
 * @param {Card["events"]} events @param {number} frame @param {string} kind empty for any @param {number} step 1 or -1 */
export function eventFrom(events, frame, kind, step) {
  const some = events.filter(([place, of]) => (!kind || of === kind) && (place - frame) * step > 0);
  const found = step > 0 ? some[0] : some[some.length - 1];
  return found ? found[0] : null;
}

/** What is to be read at a moment: the caption, and what has just happened.
 * @param {Card} card @param {number} time */
export function saidAt(card, time) {
  const caption = card.captions.filter(([at]) => at <= time).pop();
  const now = frameAt(card.times, time);
  const events = card.events.filter(([place]) => place <= now && card.times[place] > time - SAID_FOR_S);
  return { caption: caption?.[1] ?? "", event: events.map(([, , text]) => text).slice(-2).join(" · ") };
}

/** A time as a clock has it.
 * @param {number} seconds */
export function clock(seconds) {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const rest = (tenths % 600) / 10;
  const minutes = Math.floor(tenths / 600);
  const shown = rest.toFixed(1).padStart(4, "0");
  return minutes < 60 ? `${minutes}:${shown}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${shown}`;
}

/** The places in a list that are worth drawing: of each run of them the ends, the lowest, the
 * highest, and a gap if there is one.
 * @param {any[]} y @param {number} most */
function worth(y, most) {
  const run = Math.ceil(y.length / (most / 4));
  const places = [];
  for (let start = 0; start < y.length; start += run) {
    const end = Math.min(start + run, y.length);
    let low = start;
    let high = start;
    let gap = -1;
    for (let i = start; i < end; i += 1) {
      if (y[i] === null) gap = i;
      if (y[i] < y[low] || y[low] === null) low = i;
      if (y[i] > y[high] || y[high] === null) high = i;
    }
    const some = new Set(gap < 0 ? [start, low, high, end - 1] : [start, low, high, gap, end - 1]);
    places.push(...[...some].sort((a, b) => a - b));
  }
  return places;
}

/** Traces with about so many points each: what is left out lies between what is drawn.
 * @param {any[]} data @param {number} most */
export function thinned(data, most) {
  return data.map((trace) => {
    const many = trace.y?.length ?? 0;
    if (many <= most) return trace;
    const lines = trace.mode?.includes("lines");
    // A line of many pieces is no curve: without one of its gaps, two pieces would be joined.
    if (lines && trace.y.filter((/** @type {any} */ value) => value === null).length > many / 8) return trace;
    const step = Math.ceil(many / most);
    const places = lines ? worth(trace.y, most) : [...trace.y.keys()].filter((i) => (many - 1 - i) % step === 0);
    const own = { ...trace };
    for (const key of ["x", "y", "text"]) if (Array.isArray(own[key])) own[key] = places.map((i) => trace[key][i]);
    return own;
  });
}

/** A figure for a stage: lines, marks and text so much larger.
 * @param {any[]} data @param {any} layout @param {number} scale */
export function staged(data, layout, scale) {
  if (scale === 1) return { data, layout };
  const larger = (/** @type {any} */ value) => (Array.isArray(value) ? value.map((v) => v * scale) : value * scale);
  const traces = data.map((trace) => {
    const own = { ...trace };
    if (own.line?.width) own.line = { ...own.line, width: larger(own.line.width) };
    if (own.marker?.size) {
      own.marker = { ...own.marker, size: larger(own.marker.size) };
      if (own.marker.line?.width) own.marker.line = { ...own.marker.line, width: larger(own.marker.line.width) };
    }
    return own;
  });
  const font = { ...layout.font, size: Math.round((layout.font?.size ?? 13) * scale) };
  const margin = Object.fromEntries(Object.entries(layout.margin ?? {}).map(([side, px]) => [side, Number(px) * scale]));
  const title = { ...layout.title, font: { size: Math.round(17 * scale) } };
  const shown = { ...layout, font, margin, title };
  for (const key of Object.keys(layout)) {
    // Fewer, larger numbers: plotly would turn them on their side.
    if (/^xaxis\d*$/.test(key)) shown[key] = { ...layout[key], nticks: 7, tickangle: 0 };
  }
  return { data: traces, layout: shown };
}

/** What was packed, from compressed JSON.
 * @param {BufferSource} packed */
export async function unpacked(packed) {
  const stream = new Blob([/** @type {any} */ (packed)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}
