// @ts-check
// Elements of a page: how they are made, and when the page's theme changes.

import { isDark } from "./colours.js";

/** @param {string} tag @param {string} kind the class, without its prefix @param {string | Node[]} [content]
 * @param {Record<string, string>} [attributes] */
export function make(tag, kind, content = [], attributes = {}) {
  const node = document.createElement(tag);
  if (kind) node.className = `streamviz-${kind}`;
  node.append(...(typeof content === "string" ? [content] : content));
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** Clear a canvas, in CSS pixels; return how to draw on it.
 * @param {HTMLCanvasElement} canvas @param {number} wide @param {number} high @param {number} [density] pixels of the screen for each */
export function inkOf(canvas, wide, high, density = devicePixelRatio || 1) {
  const [width, height] = [Math.round(wide * density), Math.round(high * density)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ink.setTransform(density, 0, 0, density, 0, 0);
  ink.clearRect(0, 0, wide + 1, high + 1);
  return ink;
}

export const makeStatus = () => make("div", "status", [], { role: "status" });

/** @param {string} text @param {() => void} act @param {AbortSignal} signal @param {string} [label] where the text says too little */
export function makeButton(text, act, signal, label) {
  const node = relabelled(/** @type {HTMLButtonElement} */ (make("button", "", [], { type: "button" })), text, label);
  node.addEventListener("click", act, { signal });
  return node;
}

/** A button with other words; it stays the same one, so that it keeps the focus. @param {HTMLButtonElement} button @param {string} text @param {string} [label] */
export function relabelled(button, text, label) {
  if (button.textContent !== text) button.textContent = text;
  if (label && button.title !== label) Object.assign(button, { title: label, ariaLabel: label });
  return button;
}

/** @param {string} label @param {object} range min, max, step and value */
export function makeSlider(label, range) {
  const node = /** @type {HTMLInputElement} */ (make("input", "", [], { type: "range", "aria-label": label }));
  return Object.assign(node, range);
}

/** Let an element be printed as wide as it is on the screen: its pictures are not drawn again for the width of the paper.
 * @param {HTMLElement} node @param {AbortSignal} signal */
export function keepsWidthInPrint(node, signal) {
  let style = "";
  addEventListener("beforeprint", () => {
    style = node.style.cssText;
    Object.assign(node.style, { boxSizing: "border-box", width: `${node.offsetWidth}px` });
  }, { signal });
  addEventListener("afterprint", () => void (node.style.cssText = style), { signal });
}

/** Let a page be printed as it is in the window: on sheets as wide as that. @param {() => number} high a sheet's height in pixels @param {number} [margin] */
export function printsAsInWindow(high, margin = 0) {
  const sheet = document.createElement("style");
  addEventListener("beforeprint", () => {
    const [across, down] = [innerWidth, high()].map((px) => `${px + 2 * margin}px`);
    sheet.textContent = `@page { margin: ${margin}px; size: ${across} ${down}; }`;
    document.head.append(sheet);
  });
  addEventListener("afterprint", () => sheet.remove());
}

/** The height of a page, for one sheet. */
export const wholeHeight = () => document.documentElement.scrollHeight + 1;

/** Call back when the theme of JupyterLab or of the system changes; return whether it is dark now, given a choice or none.
 * @param {() => void} act @param {AbortSignal} signal @param {string[]} [more] other attributes of the body to watch */
export function watchTheme(act, signal, more = []) {
  const [system, forced] = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((query) => matchMedia(query));
  const observer = new MutationObserver(act);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", ...more] });
  for (const one of [system, forced]) one.addEventListener("change", act, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
  return (/** @type {boolean | null} */ choice = null) => isDark(document.body, system.matches, forced.matches, choice);
}
