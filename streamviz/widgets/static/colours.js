// @ts-check
// Colours for a light or a dark page.

import { axesOf, axisKey } from "./layout.js";

/** Is the page dark: by the system's theme if it forces its colours, or else by a choice, by JupyterLab's theme, and by the system's.
 * @param {{dataset: DOMStringMap}} body @param {boolean} system @param {boolean} forced @param {boolean | null} [choice] */
export const isDark = (body, system, forced, choice) => (forced ? system : choice ?? (body.dataset.jpThemeLight ?? String(!system)) === "false");

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

/** What replaces colours, as the figure has it. @param {import("./figure.js").Figure} figure @param {boolean} dark
 * @returns {(colour: any) => [string, string, number]} in lines and marks and in letters; the least opacity of the former */
export function shadesOf({ layout }, dark) {
  const shades = layout.meta?.shades?.[dark ? "dark" : "light"] ?? {};
  return (colour) => shades[colour] ?? [colour, colour, 0];
}

/** Traces with enough contrast; the same as `for_background` in plots/contrast.py.
 * @param {import("./figure.js").Figure} figure @param {any[]} data its traces @param {boolean} dark */
export function forBackground(figure, data, dark) {
  const shade = shadesOf(figure, dark);
  return data.map((trace) => {
    const result = { ...trace };
    const { line, marker, textfont, fillcolor, opacity } = trace;
    if (line) result.line = { ...line, color: shade(line.color)[0] };
    if (marker) result.marker = { ...marker, color: shade(marker.color)[0] };
    if (marker?.opacity < 1) result.marker.opacity = Math.max(marker.opacity, shade(marker.color)[2]);
    if (fillcolor) result.fillcolor = shade(fillcolor)[0];
    if (textfont?.color) result.textfont = { ...textfont, color: [textfont.color].flat().map((one) => shade(one)[1]) };
    if (opacity < 1) result.opacity = Math.max(opacity, shade((line ?? marker)?.color)[2]);
    return result;
  });
}
