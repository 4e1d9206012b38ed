import assert from "node:assert/strict";
import { test } from "node:test";

import { advance, eventFrom, formatTime, frameAt, textsAt } from "streamviz/clock.js";

test("frameAt finds the last frame at or before a time, at every edge", () => {
  const times = [0, 0.1, 0.1, 0.5];
  assert.deepEqual([-1, 0, 0.05, 0.1, 0.4, 0.5, 9].map((t) => frameAt(times, t)), [0, 0, 0, 2, 2, 3, 3]);
  assert.equal(frameAt([7], 0), 0);
});

test("time advances, skips a silence, ends, and begins again in a loop", () => {
  const times = [0, 0.1, 0.2, 60, 60.1];
  assert.deepEqual(advance(times, 0, 0.05, false), { time: 0.05, over: false });
  assert.deepEqual(advance(times, 0.2, 0.05, false), { time: 60, over: false });
  assert.deepEqual(advance(times, 60, 5, false), { time: 60.1, over: true });
  assert.deepEqual(advance(times, 60.1, 0.1, false), { time: 60.1, over: true });
  assert.deepEqual(advance(times, 60, 5, true), { time: 60.1, over: false }, "the end is seen");
  assert.deepEqual(advance(times, 60.1, 0.1, true), { time: 0, over: false });
  assert.deepEqual(advance([3], 3, 1, false), { time: 3, over: true });
});

test("the next event is of its kind, and never the one of now", () => {
  const events = [[3, "crash", "a"], [5, "claim", "b"], [9, "crash", "c"]];
  const from = (...given) => eventFrom(events, ...given);
  assert.deepEqual([from(0, "", 1), from(3, "", 1), from(3, "crash", 1), from(9, "", 1)], [3, 5, 9, null]);
  assert.deepEqual([from(9, "", -1), from(9, "crash", -1), from(3, "", -1)], [5, 3, null]);
  assert.equal(from(0, "trim", 1), null);
  assert.equal(eventFrom([], 0, "", 1), null);
});

test("a caption is shown until the next one, an event for three seconds", () => {
  const metadata = {
    times: [0, 1, 2, 3, 4, 5, 6],
    events: [[1, "crash", "<b>dies</b>"], [2, "back", "is back"], [2, "note", "third"]],
    captions: [[0, "first"], [2.5, "second"], [5, ""]],
  };
  assert.deepEqual(textsAt(metadata, 0), { caption: "first", event: "" });
  assert.deepEqual(textsAt(metadata, 1.5), { caption: "first", event: "<b>dies</b>" });
  assert.deepEqual(textsAt(metadata, 2.5), { caption: "second", event: "is back · third" }, "the newest two");
  assert.deepEqual(textsAt(metadata, 5), { caption: "", event: "" });
  assert.deepEqual(textsAt({ ...metadata, captions: [], events: [] }, 3), { caption: "", event: "" });
});

test("the clock counts minutes and hours, and never shows 60 seconds", () => {
  assert.deepEqual([0, 9.96, 59.99, 60, 3599.9, 3661.25].map(formatTime), [
    "0:00.0", "0:09.9", "0:59.9", "1:00.0", "59:59.9", "1:01:01.2",
  ]);
});
