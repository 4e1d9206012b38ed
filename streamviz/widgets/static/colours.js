// @ts-check
// Colours for a light or a dark page.

import { axesOf, axisKey } from "./layout.js";

const MIN_CONTRAST = 3; // of a line or a mark, by WCAG 1.4.11
const MIN_TEXT_CONTRAST = 4.5; // of letters, by WCAG 1.4.3
const HEX = /^#[0-9a-f]{6}$/i; // a colour to compute with; in one's own plot it may be a name or a list

/** Is the page dark: by JupyterLab's theme, or else by the system's. @param {{dataset: DOMStringMap}} body @param {boolean} system */
export function isDark(body, system) {
  const light = body.dataset.jpThemeLight;
  return light === undefined ? system : light === "false";
}

/** The layout for a light or a dark page. @param {any} layout @param {boolean} dark */
export function themed(layout, dark) {
  const text = dark ? "#cccccc" : "#444444";
  const grid = dark ? "rgba(255,255,255,.14)" : "rgba(0,0,0,.1)";
  const result = { ...layout, font: { color: text, size: 13 }, title: { ...layout.title, font: { size: layout.meta?.strips ? 13 : 15, weight: 600 } } };
  for (const key of axesOf(layout).map(axisKey)) {
    const axis = (result[key] = { gridcolor: grid, linecolor: grid, ...layout[key] });
    if (axis.range) axis.range = [...axis.range]; // a zoom writes into it
  }
  return result;
}

/** @param {string} colour #rrggbb */
const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/** @param {number[]} rgb */
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((part) => (part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

/** The contrast of a colour, #rrggbb, drawn with some opacity on the page's background.
 * @param {string} colour @param {number} opacity @param {boolean} dark */
export function contrast(colour, opacity, dark) {
  const background = dark ? 30 : 255;
  const mixed = channels(colour).map((part) => part * opacity + background * (1 - opacity));
  const both = [luminance(mixed), luminance([background, background, background])];
  return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}

/** An opacity, raised until the colour has enough contrast. @param {any} colour @param {number} opacity @param {boolean} dark */
export function ensureContrast(colour, opacity, dark) {
  if (!HEX.test(colour)) return opacity;
  let raised = opacity;
  while (raised < 1 && contrast(colour, raised, dark) < MIN_CONTRAST) raised = Math.min(1, raised + 0.05);
  return raised;
}

/** A colour, mixed with black or white until letters in it have enough contrast. @param {string} colour @param {boolean} dark */
export function readable(colour, dark) {
  let mixed = colour;
  for (let part = 0; part <= 1 && HEX.test(colour) && contrast(mixed, 1, dark) < MIN_TEXT_CONTRAST; part += 0.01) {
    const both = channels(colour).map((one) => Math.round(one + ((dark ? 255 : 0) - one) * part));
    mixed = `#${both.map((one) => one.toString(16).padStart(2, "0")).join("")}`;
  }
  return mixed;
}

/** Traces with enough contrast: the figure's own substitutes for some colours, and higher opacity.
 * @param {import("./figure.js").Figure} figure @param {any[]} data its traces @param {boolean} dark */
export function forBackground({ layout }, data, dark) {
  const substitutes = layout.meta?.substitutes?.[dark ? "dark" : "light"] ?? {};
  return data.map((trace) => {
    const result = { ...trace };
    for (const part of ["line", "marker"]) {
      const colour = result[part]?.color;
      const other = substitutes[colour];
      if (!HEX.test(colour) || !other) continue;
      result[part] = { ...result[part], color: other };
      if (result.fillcolor) result.fillcolor = result.fillcolor.replace(String(channels(colour)), String(channels(other)));
    }
    const { marker, line, textfont } = result;
    if (textfont?.color) result.textfont = { ...textfont, color: [textfont.color].flat().map((/** @type {string} */ one) => readable(substitutes[one] ?? one, dark)) };
    if (marker?.opacity) result.marker = { ...marker, opacity: ensureContrast(marker.color, marker.opacity, dark) };
    if (result.opacity < 1) result.opacity = ensureContrast((line ?? marker)?.color, result.opacity, dark);
    return result;
  });
}
