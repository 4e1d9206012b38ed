// @ts-check
// The shapes of a board of Go, as SVG.

import { LETTERS } from "./position.js";

const SVG = "http://www.w3.org/2000/svg";
export const STEP = 40; // between two lines
/** @type {Record<number, number[]>} */
const STARS = { 9: [2, 4, 6], 13: [3, 6, 9], 19: [3, 9, 15] };

/** @param {string} tag @param {Record<string, string | number>} attributes */
export function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

export const center = (/** @type {number} */ n) => STEP * (n + 1);

/** The wood, with lines, stars and names.
 * @param {number} size */
export function wood(size) {
  const far = center(size - 1);
  const group = shape("g", { "font-size": Math.max(14, Math.min(17, size)) }); // more lines, larger letters
  group.append(shape("rect", { class: "streamviz-wood", x: STEP / 2, y: STEP / 2, width: STEP * size, height: STEP * size }));
  for (let n = 0; n < size; n += 1) {
    const at = center(n);
    group.append(
      shape("path", { class: "streamviz-lines", d: `M${STEP} ${at}H${far}M${at} ${STEP}V${far}` }),
      label(LETTERS[n], at, 15),
      label(String(size - n), 10, at + 5),
    );
  }
  for (const x of STARS[size] ?? []) {
    for (const y of STARS[size]) group.append(shape("circle", { class: "streamviz-star", cx: center(x), cy: center(y), r: 4 }));
  }
  return group;
}

/** @param {string} text @param {number} x @param {number} y */
function label(text, x, y) {
  const node = shape("text", { class: "streamviz-point", x, y, "text-anchor": "middle" });
  node.textContent = text;
  return node;
}

/** @param {number} x @param {number} y @param {string} kind @param {number} r */
export const disc = (x, y, kind, r) => shape("circle", { class: `streamviz-${kind}`, cx: center(x), cy: center(y), r });

/** @param {[number, number]} at @param {string} kind */
export function cross([x, y], kind) {
  const r = STEP * 0.25;
  return shape("path", { class: `streamviz-${kind}`, d: `M${center(x) - r} ${center(y) - r}l${2 * r} ${2 * r}m${-2 * r} 0l${2 * r} ${-2 * r}` });
}
