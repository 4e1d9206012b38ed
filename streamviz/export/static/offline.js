// @ts-check
// What every page without a kernel shares: packed data, and a player of frames that are all there.

import { plotlyFrom, unpacked } from "streamviz/plotly_loader.js";
import { Player } from "streamviz/player.js";
import { decodeSegment, holds } from "streamviz/segments.js";
import { stageScale } from "streamviz/stage.js";

/** The bytes of a text in base64. @param {string} text */
export const decoded = (text) => Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));

/** The bytes that a script element holds. @param {Element | null} node */
export const bytes = (node) => decoded(node?.textContent ?? "");

/** plotly.js, which the page holds. */
export const plotlyOfPage = () => plotlyFrom(bytes(document.getElementById("plotly")));

/** A source for a player that has all frames. @param {any} packed @returns {import("streamviz/player.js").Source} */
export function wholeSource(packed) {
  const segment = decodeSegment(packed);
  return { segment: (frame) => (holds(segment, frame) ? segment : null), preview: () => null, request() {} };
}

/** Put a player in place of the picture before the script element that holds its frames.
 * @param {Element} script @param {any} Plotly @param {boolean} [onStage] larger than on a page */
export async function replacePicture(script, Plotly, onStage = false) {
  const { metadata, segment, options } = await unpacked(bytes(script));
  const spot = /** @type {HTMLElement} */ (script.previousElementSibling);
  const { theme } = document.body.dataset;
  const dark = theme === "light" || theme === "dark" ? theme === "dark" : null;
  const own = { ...options, autoplay: false, dark, scale: onStage ? stageScale : undefined };
  const player = new Player(metadata, wholeSource(segment), own, new AbortController().signal);
  if (onStage) player.root.dataset.stage = "";
  spot.replaceChildren(player.root);
  player.ready(Plotly);
  return { player, autoplay: Boolean(options.autoplay) };
}

/** What a file of frames holds, from its lines: metadata and whole figures, then what is new in each frame. @param {string} text */
export function framesFrom(text) {
  const [first, ...rest] = text.trim().split("\n");
  const { streamviz_frames: version, metadata, figures, options } = JSON.parse(first);
  if (version !== 2) throw new Error("it is not a file of frames of version 2");
  return { metadata, options, segment: { first: 0, figures, deltas: rest.map((line) => JSON.parse(line)) } };
}
