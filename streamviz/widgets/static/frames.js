// @ts-check
// A film: figures, and what is new in each frame after them. Pure functions, for every player.

import { applyDelta } from "./live.js";

/** @typedef {import("./live.js").Figure} Figure */
/** @typedef {{first: number, deltas: any[][], kept: Map<number, Figure[]>, at: number, figures: Figure[]}} Reel */
/** @typedef {{stream: string, shot: number, rough: {shot: number, places: number[]}, times: number[], events: [number, string, string][], captions: [number, string][]}} Card */

const KEEP_EVERY = 50; // frames: so many deltas are taken in at most to show any frame
const KEPT = 80; // figures of a long film that are kept whole, and no more
const SAID_FOR_S = 3;
const GAP_S = 2; // a longer silence in a recording is skipped

/** A figure of its own: a delta taken into it leaves the first one as it was.
 * @param {Figure} figure @returns {Figure} */
export function copied(figure) {
  const data = figure.data.map((trace) => {
    const own = { ...trace };
    for (const key of ["x", "y", "text", "customdata"]) if (Array.isArray(own[key])) own[key] = own[key].slice();
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

/** A delta that keeps every point.
 * @param {any} delta */
const uncut = (delta) => ({ ...delta, keep: delta.keep.map(() => Infinity) });

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
    const every = Math.max(KEEP_EVERY, Math.ceil(reel.deltas.length / KEPT));
    const keeps = (reel.at + 1) % every === 0;
    // What leaves the window is cut off at once, not at each frame on the way.
    const cut = keeps || reel.at + 1 === wanted;
    // A whole new figure is the film's own, and must stay as it is.
    reel.figures = reel.figures.map((figure, i) => (deltas[i].full ? copied(deltas[i].full) : applyDelta(figure, cut ? deltas[i] : uncut(deltas[i]))));
    reel.at += 1;
    if (keeps && !reel.kept.has(reel.at)) reel.kept.set(reel.at, reel.figures.map(copied));
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
    for (const key of ["x", "y", "text", "customdata"]) if (Array.isArray(own[key])) own[key] = places.map((i) => trace[key][i]);
    return own;
  });
}

/** Columns for so many plots in a box: those that leave each the shape of a picture.
 * @param {number} plots @param {number} wide @param {number} high */
export function columnsFor(plots, wide, high) {
  const off = (/** @type {number} */ columns) => {
    const rows = Math.ceil(plots / columns);
    const shape = (wide / columns) * (rows / (high || 1));
    return Math.abs(Math.log(shape / 1.7)) + 1.5 * Math.log((rows * columns) / plots); // and no gaps
  };
  return Array.from({ length: plots }, (_, i) => i + 1).reduce((a, b) => (off(b) < off(a) ? b : a), 1);
}

/** Words in two lines, if they are longer than their place.
 * @param {string} text @param {number} most letters of a line */
export function wrapped(text, most) {
  if (text.length <= most) return text;
  const spaces = [...text.matchAll(/ /g)].map(({ index }) => Number(index));
  const middle = text.length / 2;
  const at = spaces.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
  return at === undefined ? text : `${text.slice(0, at)}<br>${text.slice(at + 1)}`;
}

/** Rows that a legend needs below a title; 0 if it fits beside it.
 * @param {any[]} data @param {string} title @param {number} size of a letter @param {number} room */
function legendRows(data, title, size, room) {
  const named = data.filter(({ showlegend, name }) => showlegend !== false && name);
  const items = named.map(({ name }) => name.length * size * 0.56 + 50);
  const long = items.reduce((a, b) => a + b, 0);
  if (!items.length || title.length * size * 0.7 + long < room) return 0;
  if (long < room) return 1;
  return Math.ceil(items.length / Math.max(1, Math.floor(room / Math.max(...items))));
}

/** A figure for a stage: lines, marks and text so much larger, and room made for them.
 * @param {any[]} data @param {any} layout @param {number} scale
 * @param {{wide: number, high: number}} [box] pixels that it has */
export function staged(data, layout, scale, box = { wide: 0, high: 0 }) {
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
  const size = Math.round((layout.font?.size ?? 13) * scale);
  const margin = Object.fromEntries(Object.entries(layout.margin ?? {}).map(([side, px]) => [side, Number(px) * scale]));
  if (box.high && box.high < 20 * size) {
    // In a low box the plot needs the room; axes ask for more by themselves.
    margin.t = size * 2.2;
    margin.b = size * 1.6;
  }
  const title = { ...layout.title, font: { size: Math.round(17 * scale) } };
  const shown = { ...layout, font: { ...layout.font, size }, margin, title };
  const room = (box.wide || 1e4) - (margin.l ?? 0) - (margin.r ?? 0);
  const rows = layout.showlegend === false ? 0 : legendRows(data, title.text ?? "", size, room);
  if (rows * size * 1.5 > box.high / 3 && box.high) {
    shown.showlegend = false; // a list of names, and no picture
  } else if (rows && box.wide) {
    margin.t = size * (2.4 + rows * 1.6);
    shown.title = { ...title, y: 1, yref: "container", yanchor: "top", pad: { t: size * 0.5 } };
    shown.legend = { ...layout.legend, x: 0, xanchor: "left", tracegroupgap: 0 };
  }
  const up = (box.high || 1e4) - (margin.t ?? 0) - (margin.b ?? 0);
  for (const key of Object.keys(layout).filter((one) => /^[xy]axis\d*$/.test(one))) {
    const [from, to] = layout[key].domain ?? [0, 1];
    const long = (key[0] === "x" ? room : up) * (to - from);
    const axis = (shown[key] = { ...layout[key] });
    if (axis.title?.text) {
      const text = wrapped(axis.title.text, long / size / 0.55);
      const most = Math.max(...text.split("<br>").map((/** @type {string} */ row) => row.length));
      const fits = Math.max(12, Math.floor(long / most / 0.55));
      axis.title = { ...axis.title, text, font: { size: Math.min(size, fits) } };
    }
    // Fewer, larger numbers: plotly would turn them on their side.
    if (key[0] === "x") Object.assign(axis, { nticks: Math.min(7, Math.max(2, Math.floor(long / size / 4.5))), tickangle: 0 });
  }
  return { data: traces, layout: shown };
}

/** A layout whose axes have a range from the first look on: plotly would begin below zero.
 * @param {any[]} data @param {any} layout */
export function begun(data, layout) {
  const shown = { ...layout };
  for (const key of Object.keys(layout).filter((one) => /^xaxis\d*$/.test(one))) {
    if (layout[key].range) continue;
    const master = layout[key].matches ?? key.replace("axis", "");
    let [low, high] = [Infinity, -Infinity];
    for (const trace of data) {
      const own = trace.xaxis ?? "x";
      if ((layout[`xaxis${own.slice(1)}`]?.matches ?? own) !== master) continue;
      for (const x of trace.x ?? []) {
        if (x === null) continue;
        if (x < low) low = x;
        if (x > high) high = x;
      }
    }
    if (low < high) continue;
    const from = low === Infinity ? 0 : Math.max(0, low);
    shown[key] = { ...layout[key], range: [from, from + 1] };
  }
  return shown;
}

/** What was packed, from compressed JSON.
 * @param {BufferSource} packed */
export async function unpacked(packed) {
  const stream = new Blob([/** @type {any} */ (packed)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}
