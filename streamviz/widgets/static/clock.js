// @ts-check
// The time of a replay: its frames, its events and its captions.

/** @typedef {{stream: string, segment_length: number, preview: {segment_length: number, frames: number[]}, times: number[], events: [number, string, string][], kinds: Record<string, [string, string, string]>, captions: [number, string][]}} Metadata */

const EVENT_TEXT_S = 3; // how long the text of an event is shown
const MAX_GAP_S = 2; // a longer silence in a recording is skipped

/** The last frame at or before a time. @param {number[]} times seconds, in order @param {number} time */
export const frameAt = (times, time) => Math.max(0, times.findLastIndex((one) => one <= time));

/** The time some seconds later, and whether the replay is over.
 * @param {number[]} times @param {number} time @param {number} seconds @param {boolean} loop */
export function advance(times, time, seconds, loop) {
  const end = times[times.length - 1];
  if (time >= end) return loop ? { time: times[0], over: false } : { time: end, over: true };
  const next = times[frameAt(times, time) + 1];
  const later = next - time > MAX_GAP_S ? next : time + seconds;
  return later >= end && !loop ? { time: end, over: true } : { time: Math.min(later, end), over: false };
}

/** The frame of the next or the previous event of a kind; null if there is none.
 * @param {Metadata["events"]} events @param {number} frame @param {string} kind empty for any @param {number} step 1 or -1 */
export function eventFrom(events, frame, kind, step) {
  const rest = events.filter(([at, own]) => (!kind || own === kind) && (at - frame) * step > 0);
  return rest.at(step > 0 ? 0 : -1)?.[0] ?? null;
}

/** The texts to show at a time: the caption, and the newest two events. @param {Metadata} metadata @param {number} time */
export function textsAt({ captions, events, times }, time) {
  const caption = captions.filter(([at]) => at <= time).pop();
  const now = frameAt(times, time);
  const recent = events.filter(([at]) => at <= now && times[at] > time - EVENT_TEXT_S);
  return { caption: caption?.[1] ?? "", event: recent.map(([, , text]) => text).slice(-2).join(" · ") };
}

/** A time as minutes and seconds, with hours if there are any. @param {number} seconds */
export function formatTime(seconds) {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  const minutes = Math.floor(tenths / 600);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}
