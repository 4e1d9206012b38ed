// @ts-check
// Segments from a kernel: requested when they are wanted; the newest are kept. While the slider is
// dragged, preview segments are fetched one after the other, the nearest first.

import { frameAt } from "./clock.js";
import { decodeSegment, figuresAt, holds } from "./segments.js";

/** @typedef {import("./segments.js").Segment} Segment */

const MAX_KEPT = 40;
const REPEAT_AFTER_MS = 5000;

/** @param {any} model @param {import("./clock.js").Metadata} metadata */
export function kernelSource(model, { segment_length: length, preview }) {
  const count = Math.ceil(preview.frames.length / preview.segment_length);
  /** @type {Map<number, Segment>[]} */
  const [segments, previews] = [new Map(), new Map()];
  /** @type {Map<string, number>} */
  const requested = new Map();
  let wanted = -1; // the preview segment at the slider
  const numberOf = (/** @type {number} */ frame) => Math.floor(frame / length);
  const previewNumber = (/** @type {number} */ frame) => Math.floor(frameAt(preview.frames, frame) / preview.segment_length);
  const request = (/** @type {{type: string, frame?: number, number?: number}} */ message) => {
    const [key, now] = [JSON.stringify(message), performance.now()];
    if (now - (requested.get(key) ?? -Infinity) < REPEAT_AFTER_MS) return;
    requested.set(key, now);
    model.send(message);
  };
  const requestPreview = () => {
    const missing = Array.from({ length: count }, (_, at) => at).filter((at) => !previews.has(at));
    const [number] = missing.sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted) || b - a);
    if (number !== undefined) request({ type: "preview", number });
  };
  return {
    segment(/** @type {number} */ frame) {
      const segment = segments.get(numberOf(frame));
      return segment && holds(segment, frame) ? segment : null;
    },
    preview(/** @type {number} */ frame) {
      const at = frameAt(preview.frames, frame);
      const segment = previews.get(previewNumber(frame));
      return segment && holds(segment, at) ? { at, figures: () => figuresAt(segment, at) } : null;
    },
    /** @param {number} frame @param {boolean} dragging */
    request(frame, dragging) {
      if (!dragging || !count) request({ type: "segment", frame: numberOf(frame) * length });
      else if (wanted < 0 || !previews.has(previewNumber(frame))) {
        wanted = previewNumber(frame);
        requestPreview();
      }
    },
    /** @param {string} id @param {number} frame */
    requestTimeline: (id, frame) => model.send({ type: "timeline", id, frame }),
    /** @param {any} message @param {any} packed */
    receive({ type, frame, number }, packed) {
      requested.delete(JSON.stringify(type === "preview" ? { type, number } : { type, frame }));
      const segment = decodeSegment(packed);
      if (type === "preview") previews.set(number, segment);
      else segments.set(numberOf(frame), segment);
      if (type === "preview") requestPreview();
      const [oldest] = segments.keys();
      if (segments.size > MAX_KEPT) segments.delete(oldest);
    },
  };
}
