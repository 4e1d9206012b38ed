// @ts-check
// The entries of a plot by keyboard: from one to the next, with a ring around the chosen one.

import { whereabouts } from "./flow_entries.js";

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 };

/** Compare two entry IDs: their parts are numbers, and may be larger than JavaScript's. @param {string} one @param {string} other */
export function compareIds(one, other) {
  const [[ms, seq], [otherMs, otherSeq]] = [one, other].map((id) => id.split("-").map(BigInt));
  return Number(ms - otherMs || seq - otherSeq);
}

/** The ID of the entry at a point, from its customdata. @param {any} about @returns {string} */
export const idOf = (about) => [about].flat()[0] ?? "";

/** The points of entries, with plain words about each. A bar has several in a row with the same text: its last one counts.
 * @param {any[]} data @param {string} [only] this entry @returns {{id: string, x: number, y: number, words: string, trace: any}[]} */
export function pointsOf(data, only) {
  const points = [];
  for (const trace of data) {
    const entries = trace.customdata ?? [];
    for (let i = 0; i < entries.length; i += 1) {
      const text = trace.text?.[i] ?? "";
      const [id, words = text] = [entries[i]].flat();
      if (!id || id !== (only ?? id) || (id === idOf(entries[i + 1]) && text === trace.text?.[i + 1])) continue;
      const [x, y] = [trace.x?.[i] ?? null, trace.y?.[i] ?? null];
      if (x !== null && y !== null) points.push({ id, x, y, words, trace });
    }
  }
  return points;
}

/** The IDs of the entries in some traces, the oldest first. @param {any[]} data */
export const entriesIn = (data) => [...new Set(pointsOf(data).map(({ id }) => id))].sort(compareIds);

/** The entry that a key leads to; empty if it leads nowhere. The chosen entry may have left the plot.
 * @param {string[]} ids in their order @param {string} chosen @param {string} key */
export function entryAfterKey(ids, chosen, key) {
  const last = ids.length - 1;
  const step = STEPS[key];
  if (last < 0) return "";
  if (key === "Home" || key === "End") return ids[key === "Home" ? 0 : last];
  if (!step) return "";
  if (!chosen) return ids[step > 0 ? 0 : last];
  const here = ids.findLastIndex((id) => compareIds(id, chosen) <= 0); // the entry, or the one before it
  const first = step < 0 && ids[here] !== chosen ? 1 : 0; // of the steps, which leads to the one before it
  return ids[Math.min(last, Math.max(0, here + step + first))];
}

/** Traces that draw a ring around each point of an entry. @param {any[]} data @param {string} chosen @param {boolean} dark */
export function rings(data, chosen, dark) {
  if (!chosen) return [];
  return pointsOf(data, chosen).map(({ x, y, trace }) => ({
    type: "scatter", mode: "markers", x: [x], y: [y],
    ...(trace.xaxis ? { xaxis: trace.xaxis } : {}),
    ...(trace.yaxis ? { yaxis: trace.yaxis } : {}),
    marker: { symbol: "circle-open", size: 22, color: dark ? "#ffffff" : "#000000", line: { width: 3 } },
    cliponaxis: false, hoverinfo: "skip", showlegend: false,
  }));
}

/** What the plots say about an entry, for a page without a kernel. @param {any[][]} figures the traces of each @param {string} chosen */
export function describe(figures, chosen) {
  const words = figures.flatMap((data) => pointsOf(data, chosen)).map(({ words }) => words);
  const places = figures.flatMap((data) => whereabouts(data, chosen));
  return [...new Set([chosen, ...words]), ...places].filter(Boolean).join("; ");
}

/** Let the entries of a plot be chosen by keyboard.
 * @param {HTMLElement} node
 * @param {{data: () => any[], chosen: () => string, choose: (id: string) => void}} entries
 * @param {AbortSignal} signal */
export function chooseByKeyboard(node, { data, chosen, choose }, signal) {
  node.dataset.lmSuppressShortcuts = "true"; // the keys are for the plot, not for JupyterLab
  node.addEventListener("keydown", (stroke) => {
    if (stroke.target !== node || stroke.ctrlKey || stroke.metaKey || stroke.altKey) return;
    const leaves = stroke.key === "Escape" && chosen() !== "";
    const next = leaves ? "" : entryAfterKey(entriesIn(data()), chosen(), stroke.key);
    if (!leaves && !next) return;
    stroke.preventDefault();
    stroke.stopPropagation();
    choose(next);
  }, { signal });
}

/** Make a plot a stop for the Tab key once it has entries. @param {HTMLElement} node @param {any[]} data */
export function makeTabStop(node, data) {
  if (node.tabIndex === 0) return;
  if (!data.some(({ customdata }) => customdata?.some(Boolean))) return;
  Object.assign(node, { tabIndex: 0, role: "application", ariaLabel: `${node.ariaLabel}: arrow keys go from entry to entry, Escape leaves` });
}
