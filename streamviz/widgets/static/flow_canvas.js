// @ts-check
// The squares, lines and boxes of a flow, on one canvas: each goes from where it is to where it belongs.

import { inkOf } from "./dom.js";

/** @typedef {{colour: string, radius: number, line: number, dash: number[], opacity: number}} Paint without the width of an outline, it is filled */
/** @typedef {{shape: import("./flow_shapes.js").Shape, paint: Paint, ids: string[], title: string, ring: string}} Mark a shape and how it is drawn; with a ring of that colour if it is chosen */
/** @typedef {Mark & {from: number[], to: number[], at: number[], began: number, lasts: number, leaves: boolean}} Item its places are x, y, width, height and opacity */

const [LEAVE_MS, MOST_STEP_MS] = [300, 50]; // where frames are few, moves take longer, or they could not be seen
const FLIGHT = 0.8; // of the time in which a square leaves; then it fades
const RING = 3; // the width of a ring

/** How a kind of shape is drawn in a group's colour. @param {string} kind @param {string} colour @param {any} constants those of flow_constants.py @returns {Paint} */
export function paintOf(kind, colour, { OWN, OUTLINES, CORNERS }) {
  const { rx = 0, "stroke-width": line = 1, "stroke-dasharray": dash = "" } = OUTLINES[kind] ?? { rx: CORNERS[kind] ?? 2, "stroke-width": 0 };
  return { colour: OWN[kind] ?? colour, radius: rx, line, dash: (dash.match(/\d+/g) ?? []).map(Number), opacity: kind === "held" ? 0.3 : 1 };
}

/** Where an item is at a time. @param {Pick<Item, "from" | "to" | "began" | "lasts" | "leaves">} item @param {number} now */
export function placeAt({ from, to, began, lasts, leaves }, now) {
  const part = lasts ? (now - began) / lasts : 1;
  if (part >= 1) return to;
  const way = leaves ? Math.min(1, part ** 2 / FLIGHT) : 1 - (1 - part) ** 2;
  const at = from.map((one, i) => one + (to[i] - one) * way);
  if (leaves) at[4] = Math.min(1, (1 - part ** 2) / (1 - FLIGHT));
  return at;
}

/** @param {CanvasRenderingContext2D} ink @param {Item} item */
function drawItem(ink, { shape, paint, ring, at: [x, y, wide, high, opacity] }) {
  ink.beginPath();
  ink.roundRect(x, y, wide, high, paint.radius);
  ink.globalAlpha = opacity * paint.opacity;
  ink.fillStyle = paint.colour;
  if (!paint.line) ink.fill();
  ink.globalAlpha = opacity;
  if (!ring && !paint.line) return;
  ink.strokeStyle = ring || paint.colour;
  ink.lineWidth = ring ? RING : paint.line;
  ink.setLineDash(paint.dash);
  ink.stroke();
  if (shape.kind !== "lost") return;
  ink.beginPath();
  ink.setLineDash([]);
  ink.moveTo(x, y + high);
  ink.lineTo(x + wide, y);
  ink.stroke();
}

/** Let a canvas draw marks, which move; return how, what is drawn, and what is at a point.
 * @param {HTMLCanvasElement} canvas @param {AbortSignal} signal */
export function buildCanvas(canvas, signal) {
  /** @type {Map<string, Item>} */
  let items = new Map();
  /** @type {Item[]} */
  let leaving = [];
  let frame = 0;
  let size = { wide: 0, high: 0, scale: 1, density: 1 };
  const drawn = () => [...items.values(), ...leaving];
  let [clock, tickedAt] = [0, 0];
  const tick = () => {
    const now = performance.now();
    clock += Math.min(MOST_STEP_MS, now - tickedAt);
    tickedAt = now;
    return clock;
  };
  const paint = () => {
    const now = tick();
    const ink = inkOf(canvas, size.wide, size.high, size.density);
    ink.scale(size.scale, size.scale);
    for (const item of drawn()) {
      item.at = placeAt(item, now);
      drawItem(ink, item);
    }
    leaving = leaving.filter(({ at, to }) => at !== to);
    frame = drawn().some(({ at, to }) => at !== to) ? requestAnimationFrame(paint) : 0; // none in a hidden tab
  };
  signal.addEventListener("abort", () => cancelAnimationFrame(frame));
  return {
    drawn,
    /** What is at a point of the picture and has something to say. @param {number} x @param {number} y */
    at: (x, y) => drawn().findLast(({ title, at: [left, top, wide, high] }) => title && x >= left && y >= top && x <= left + wide && y <= top + high),
    /** @param {Mark[]} marks from back to front @param {Map<string, number[] | null>} exits where what is gone has gone, by keys; null for its own exit
     * @param {number} lasts milliseconds of the moves; 0 if nothing moves @param {typeof size} next the picture's size in CSS pixels, its scale, and the screen's pixels for each */
    show(marks, exits, lasts, next) {
      const now = tick();
      const before = items;
      size = next;
      items = new Map(marks.map((mark) => {
        const { key, x, y, w = 0, h = 0, enters } = mark.shape;
        const [to, old] = [[x, y, w, h, 1], before.get(key)];
        const from = !lasts ? to : old ? placeAt(old, now) : enters ? [...enters, w, h, 1] : [x, y, w, h, 0];
        const moves = from.some((one, i) => one !== to[i]);
        return [key, { ...mark, from, to, at: from, began: now, lasts: moves ? lasts : 0, leaves: false }];
      }));
      if (!lasts) leaving = [];
      for (const [key, old] of lasts ? before : []) {
        const exit = items.has(key) ? undefined : exits.get(key.replace(" fill ", " held "));
        const to = exit === null ? old.shape.leaves : exit;
        const from = placeAt(old, now);
        if (to) leaving.push({ ...old, from, to: [...to, old.to[2], old.to[3], 0], began: now, lasts: LEAVE_MS, leaves: true });
      }
      cancelAnimationFrame(frame);
      paint();
    },
  };
}
