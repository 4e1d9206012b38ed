// @ts-check
// The entries of a plot by keyboard: from one to the next, and a ring around the chosen one.

const PAGE = 10;
/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE };

/** Which of two entry IDs is the older one: they are numbers, and may be larger than JavaScript's.
 * @param {string} one @param {string} other */
export function inOrder(one, other) {
  const [a, b] = [one.split("-"), other.split("-")];
  for (const i of [0, 1]) {
    if (a[i].length !== b[i].length) return a[i].length - b[i].length;
    if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

/** Where traces have entries: of points in a row with the same text, as a bar has them, the last.
 * @param {any[]} data @param {string} [only] this entry @returns {{id: string, x: number, y: number, text: string, trace: any}[]} */
export function placesOf(data, only) {
  const found = [];
  for (const trace of data) {
    const ids = trace.customdata ?? [];
    for (let i = 0; i < ids.length; i += 1) {
      const [id, x, y, text] = [ids[i], trace.x[i], trace.y[i], trace.text[i]];
      if (!id || id !== (only ?? id) || x === null || y === null) continue;
      if (id !== ids[i + 1] || text !== trace.text[i + 1]) found.push({ id, x, y, text, trace });
    }
  }
  return found;
}

/** The entries that traces have, the oldest first.
 * @param {any[]} data */
export const entriesIn = (data) => [...new Set(placesOf(data).map(({ id }) => id))].sort(inOrder);

/** The entry that a key leads to, empty if the key leads nowhere. The chosen one may be gone.
 * @param {string[]} ids in their order @param {string} chosen @param {string} key */
export function reached(ids, chosen, key) {
  const last = ids.length - 1;
  if (last < 0) return "";
  if (key === "Home") return ids[0];
  if (key === "End") return ids[last];
  const step = STEPS[key];
  if (!step) return "";
  if (!chosen) return ids[step > 0 ? 0 : last];
  const there = ids.indexOf(chosen);
  const after = ids.findIndex((id) => there < 0 && inOrder(id, chosen) > 0); // where it would be
  const here = there >= 0 ? there : after < 0 ? ids.length : after;
  const past = step > 0 && there < 0 ? 1 : 0; // the next one is there already
  return ids[Math.min(last, Math.max(0, here + step - past))];
}

/** A ring around each place of an entry, to be drawn after the traces.
 * @param {any[]} data @param {string} chosen @param {boolean} dark */
export function ringed(data, chosen, dark) {
  if (!chosen) return [];
  return placesOf(data, chosen).map(({ x, y, trace }) => ({
    type: "scatter",
    mode: "markers",
    x: [x],
    y: [y],
    ...(trace.xaxis ? { xaxis: trace.xaxis } : {}),
    ...(trace.yaxis ? { yaxis: trace.yaxis } : {}),
    marker: { symbol: "circle-open", size: 22, color: dark ? "#ffffff" : "#000000", line: { width: 3 } },
    cliponaxis: false,
    hoverinfo: "skip",
    showlegend: false,
  }));
}

/** @type {Record<string, string>} */
const PLAIN = { "&lt;": "<", "&gt;": ">", "&#37;": "%", "&#36;": "$", "&amp;": "&" };

/** What figures say of an entry, where no kernel tells its story.
 * @param {any[][]} figures the traces of each @param {string} chosen */
export function wordsOf(figures, chosen) {
  const texts = figures.flatMap((data) => placesOf(data, chosen)).map(({ text }) => text);
  const rest = (/** @type {string} */ text) => (text.startsWith(chosen) ? text.slice(chosen.length).replace(/^,? /, "") : text);
  const more = [...new Set(texts)].map(rest).filter(Boolean);
  return [chosen, ...more].join("; ").replace(/&(?:lt|gt|amp|#37|#36);/g, (one) => PLAIN[one]);
}

/** Let a plot's entries be chosen by keyboard.
 * @param {HTMLElement} node @param {string} title
 * @param {{data: () => any[], chosen: () => string, choose: (id: string) => void}} entries
 * @param {AbortSignal} signal */
export function reach(node, title, { data, chosen, choose }, signal) {
  node.setAttribute("role", "application");
  node.setAttribute("aria-label", `${title}: arrow keys go from entry to entry, Escape leaves`);
  node.dataset.lmSuppressShortcuts = "true"; // keys are the plot's, not JupyterLab's
  node.addEventListener("keydown", (stroke) => {
    if (stroke.target !== node || stroke.ctrlKey || stroke.metaKey || stroke.altKey) return;
    const leaves = stroke.key === "Escape" && chosen() !== "";
    const next = leaves ? "" : reached(entriesIn(data()), chosen(), stroke.key);
    if (!leaves && !next) return;
    stroke.preventDefault();
    stroke.stopPropagation();
    choose(next);
  }, { signal });
}

/** Let a plot be a stop for the Tab key as soon as it has entries.
 * @param {HTMLElement} node @param {any[]} data */
export function stops(node, data) {
  if (node.tabIndex === 0) return;
  if (data.some(({ customdata }) => customdata?.some(Boolean))) node.tabIndex = 0;
}
