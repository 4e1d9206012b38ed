// @ts-check
// The words of a drawn plot: none lies over another one, and none leaves the picture.

import { axisKey, mostShown } from "./layout.js";

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

const TOUCH = 0.15; // heights of a text; letters do not fill their boxes
const STAY = /** @type {[number, number]} */ ([0, 0]);
const REACH = 3; // heights of a text; further away it would no longer be at what it names

/** Do two boxes lie over each other? @param {Box} a @param {Box} b */
function overlap(a, b) {
  const both = [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
  return Math.min(...both) > TOUCH * Math.min(a.bottom - a.top, b.bottom - b.top);
}

/** @param {Box} box @param {number} x @param {number} y @returns {Box} */
export const shifted = ({ left, top, right, bottom }, x, y) => ({ left: left + x, top: top + y, right: right + x, bottom: bottom + y });

/** How far to move a text so that it lies within an area and over no other one; null if it has no room nearby.
 * @param {Box} box @param {Box[]} taken @param {Box} area @returns {[number, number] | null} */
export function freeMove(box, taken, area) {
  const inX = Math.max(Math.min(0, area.right - box.right), area.left - box.left);
  const inY = Math.max(Math.min(0, area.bottom - box.bottom), area.top - box.top);
  const inside = shifted(box, inX, inY);
  const reach = REACH * (box.bottom - box.top);
  /** @type {[number, number][]} */
  const moves = [[0, 0]];
  for (const one of taken) {
    moves.push([0, one.top - inside.bottom], [0, one.bottom - inside.top], [one.left - inside.right, 0], [one.right - inside.left, 0]);
  }
  const length = (/** @type {number[]} */ [x, y]) => Math.abs(x) + Math.abs(y);
  const isFree = (/** @type {number[]} */ [x, y]) => {
    const there = shifted(inside, x, y);
    const within = there.left >= area.left && there.right <= area.right && there.top >= area.top && there.bottom <= area.bottom;
    return (within || !length([x, y])) && !taken.some((one) => overlap(one, there));
  };
  const best = moves.filter((move) => length(move) <= reach).sort((a, b) => length(a) - length(b)).find(isFree);
  return best ? [best[0] + inX, best[1] + inY] : null;
}

/** @typedef {{text: SVGTextElement, kind: Element | null, rest: number}} Word with the trace at whose points it is, and for how many it stands if it only says how many they are */

/** The words of a text that stands for others, too. @param {string} words @param {number} rest @param {number} others */
export const counting = (words, rest, others) => (rest ? `and ${rest + others} more` : `${words} and ${others} more`);

/** Let a text say that it stands for others, too. @param {Word} word @param {number} others */
function sayMore({ text, rest }, others) {
  text.dataset.before = text.textContent ?? "";
  text.textContent = text.dataset.now = `\u00a0${counting(text.dataset.before.trim(), rest, others)}\u00a0`;
}

/** For how many a text stands, as its trace says; plotly keeps the trace and the place of its points. @param {any} point @param {any} kind */
export function restOf(point, kind) {
  const [i, count] = kind?.__data__[0]?.trace.meta?.rest ?? [];
  return point?.__data__.i === i ? count ?? 0 : 0;
}

/** The texts of a plot as plotly has drawn them. @param {HTMLElement} node @returns {Word[]} */
function wordsOf(node) {
  const texts = [...node.querySelectorAll("text")].filter((one) => one.textContent?.replace(/[\u200b\s]/g, ""));
  for (const text of texts) {
    if (text.dataset.now === text.textContent) text.textContent = text.dataset.before ?? "";
    text.style.visibility = "";
  }
  return texts.map((text) => {
    const kind = text.closest(".trace.scatter");
    return { text, kind, rest: restOf(text.closest(".textpoint"), kind) };
  });
}

/** Move words; return those that have no room. @param {Word[]} words @param {Box} area @returns {Word[]} */
function place(words, area) {
  for (const { text } of words) text.style.translate = "";
  const boxes = words.map(({ text }) => text.getBoundingClientRect());
  /** @type {Box[]} */
  const taken = [];
  return [...words.keys()].sort((a, b) => Number(Boolean(words[a].kind)) - Number(Boolean(words[b].kind))).flatMap((i) => {
    const [{ text, kind }, box] = [words[i], boxes[i]];
    const isTick = Boolean(text.closest('[class$="tick"]'));
    const meets = isTick && taken.some((one) => overlap(one, box));
    const move = kind ? freeMove(box, taken, area) : meets ? null : STAY;
    if (!move) return [words[i]];
    taken.push(shifted(box, ...move));
    if (move[0] || move[1]) text.style.translate = `${move[0]}px ${move[1]}px`;
    return [];
  });
}

/** Hide the numbers and the lines of each axis above all values; return the numbers. @param {any} node the plot's @returns {Set<Element>} */
function hideBeyond(node) {
  const hidden = new Set();
  for (const [axis, most] of Object.entries(mostShown(node.data ?? [], node.layout ?? {}))) {
    if (node._fullLayout[axisKey(axis)].type !== "linear") continue;
    for (const one of node.querySelectorAll(`.${axis}tick text, .${axis}grid`)) {
      const isBeyond = one.__data__?.x > most;
      one.style.visibility = isBeyond ? "hidden" : "";
      if (isBeyond) hidden.add(one);
    }
  }
  return hidden;
}

/** Move the words at a plot's points apart and into the picture. What has no room is left out, and another one
 * of its kind counts it. @param {HTMLElement} node the plot's */
export function spread(node) {
  const all = wordsOf(node);
  const beyond = hideBeyond(node);
  const words = all.filter(({ text }) => !beyond.has(text));
  const hide = (/** @type {Word[]} */ some) => some.forEach(({ text }) => void (text.style.visibility = "hidden"));
  const area = node.getBoundingClientRect();
  const hidden = place(words, area);
  hide(hidden);
  if (!hidden.some(({ kind }) => kind)) return;
  const shown = words.filter((one) => !hidden.includes(one));
  for (const kind of new Set(hidden.flatMap((one) => one.kind ?? []))) {
    const last = shown.findLast((one) => one.kind === kind);
    const count = hidden.filter((one) => one.kind === kind).reduce((sum, { rest }) => sum + (rest || 1), 0);
    if (last) sayMore(last, count);
  }
  hide(place(shown, area)); // what counts others is longer now
}
