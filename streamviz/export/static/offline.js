// @ts-check
// What every page without a kernel shares: what is packed in it, a film that is whole, plotly.js.

import { holds, openReel, unpacked } from "../../widgets/static/frames.js";
import { createPlayer, large } from "../../widgets/static/player.js";

/** The bytes of a text in base64.
 * @param {string} text */
export const decoded = (text) => Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));

/** The bytes that a script element holds.
 * @param {Element} node */
export const bytes = (node) => decoded(node.textContent ?? "");

/** A film that is there from its first frame to its last.
 * @param {any} shot */
export function wholeFilm(shot) {
  const reel = openReel(shot);
  return {
    /** @param {number} frame */
    reel: (frame) => (holds(reel, frame) ? reel : null),
    rough: () => null,
    want() {},
  };
}

/** plotly.js, out of its compressed source.
 * @param {BufferSource} packed @returns {Promise<any>} */
export async function plotlyFrom(packed) {
  const stream = new Blob([/** @type {any} */ (packed)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const source = await new Response(stream).text();
  const module = { exports: {} };
  try {
    // The bundle asks for `module` first, so it leaves no global name behind.
    new Function("module", "exports", "define", source)(module, module.exports, undefined);
    return module.exports;
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
  }
  // The page's security policy forbids that; it may allow a module from a blob.
  const head = "const module = { exports: {} }, exports = module.exports, define = undefined;";
  const url = URL.createObjectURL(new Blob([`${head}\n${source}\nexport { module };`], { type: "text/javascript" }));
  try {
    return (await import(url)).module.exports;
  } catch {
    throw new Error("the page's Content-Security-Policy lets no plotly.js run: allow blob: in its script-src, or show an exported .html in an iframe");
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Put a player into the place of the picture that stands before its film.
 * @param {Element} film @param {any} Plotly @param {boolean} [staged] for a hall, larger than on a page to read */
export async function raise(film, Plotly, staged = false) {
  const { metadata: card, segment: shot, options } = await unpacked(bytes(film));
  const spot = /** @type {HTMLElement} */ (film.previousElementSibling);
  const { signal } = new AbortController();
  const { theme } = document.body.dataset;
  const dark = theme === "light" || theme === "dark" ? theme === "dark" : null;
  const how = { ...options, autoplay: false, dark, scale: staged ? large : undefined };
  const player = createPlayer({ card, source: wholeFilm(shot), signal, options: how });
  if (staged) player.root.dataset.stage = "";
  spot.replaceChildren(player.root);
  player.ready(Plotly);
  return { player, autoplay: Boolean(options.autoplay) };
}

/** A film out of its lines: what a player needs to know, then what is new in each frame.
 * @param {string} text */
export function unlined(text) {
  const [first, ...rest] = text.trim().split("\n");
  const { streamviz_film: version, metadata, figures, options } = JSON.parse(first);
  if (version !== 2) throw new Error("it is not a film of version 2");
  return { metadata, options, segment: { first: 0, figures, deltas: rest.map((line) => JSON.parse(line)) } };
}
