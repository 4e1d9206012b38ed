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

/** A player that has all frames. @param {any} packed @param {import("streamviz/player.js").Options} more */
export function playerOf({ metadata, segment, options }, more) {
  const whole = decodeSegment(segment);
  const source = { segment: (/** @type {number} */ frame) => (holds(whole, frame) ? whole : null), preview: () => null, request() {} };
  return new Player(metadata, source, { ...options, ...more }, new AbortController().signal);
}

/** Put a player in place of the picture before the script element that holds its frames.
 * @param {Element} script @param {any} Plotly @param {boolean} [onStage] larger than on a page */
export async function replacePicture(script, Plotly, onStage = false) {
  const frames = await unpacked(bytes(script));
  const spot = /** @type {HTMLElement} */ (script.previousElementSibling);
  const { theme } = document.body.dataset;
  const dark = theme === "light" || theme === "dark" ? theme === "dark" : null;
  const player = playerOf(frames, { autoplay: false, dark, scale: onStage ? stageScale : undefined });
  if (onStage) player.root.dataset.stage = "";
  spot.replaceChildren(player.root);
  player.ready(Plotly);
  return { player, autoplay: Boolean(frames.options.autoplay) };
}

/** What a file of frames holds, from its lines: metadata and whole figures, then what is new in each frame. @param {string} text */
export function framesFrom(text) {
  const [first, ...rest] = text.trim().split("\n");
  const { streamviz_frames: version, metadata, figures, options } = JSON.parse(first);
  if (version !== 2) throw new Error("it is not a file of frames of version 2");
  return { metadata, options, segment: { first: 0, figures, deltas: rest.map((line) => JSON.parse(line)) } };
}
