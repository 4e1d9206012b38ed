import assert from "node:assert/strict";
import { test } from "node:test";

import { kernelSource } from "streamviz/kernel_source.js";

const metadata = { segment_length: 100, preview: { segment_length: 2, frames: [0, 50, 100, 150] } };
const packed = (first, frames) => ({ first, figures: [], deltas: Array.from({ length: frames - 1 }, () => []) });

test("a segment is requested once, and kept when it arrives", () => {
  const sent = [];
  const source = kernelSource({ send: (message) => sent.push(message) }, metadata);
  assert.equal(source.segment(130), null);
  source.request(130, false);
  source.request(199, false);
  assert.deepEqual(sent, [{ type: "segment", frame: 100 }]);
  source.receive({ type: "segment", frame: 100 }, packed(100, 100));
  assert.deepEqual([99, 100, 199, 200].map((frame) => Boolean(source.segment(frame))), [false, true, true, false]);
  source.request(130, false);
  assert.equal(sent.length, 2, "it may be requested again");
});

test("while the slider is dragged, all preview segments are fetched, the nearest first", () => {
  const sent = [];
  const source = kernelSource({ send: (message) => sent.push(message) }, metadata);
  source.request(120, true);
  assert.equal(source.preview(120), null);
  for (const number of [1, 0]) {
    assert.deepEqual(sent.at(-1), { type: "preview", number });
    source.receive({ type: "preview", number }, packed(2 * number, 2));
  }
  assert.equal(sent.length, 2);
  assert.deepEqual([0, 120, 150].map((frame) => source.preview(frame)?.at), [0, 2, 3]);
});

test("of two preview segments that are equally near, the later one comes first", () => {
  const sent = [];
  const frames = Array.from({ length: 6 }, (_, i) => 50 * i);
  const source = kernelSource({ send: (message) => sent.push(message) }, { ...metadata, preview: { segment_length: 1, frames } });
  source.request(100, true);
  for (const number of [2, 3, 1, 4, 0, 5]) {
    assert.deepEqual(sent.at(-1), { type: "preview", number });
    source.receive({ type: "preview", number }, packed(number, 1));
  }
  assert.equal(sent.length, 6);
});

test("a short recording has no preview: the exact frames are fetched", () => {
  const sent = [];
  const source = kernelSource({ send: (message) => sent.push(message) }, { ...metadata, preview: { segment_length: 2, frames: [] } });
  source.request(5, true);
  assert.deepEqual(sent, [{ type: "segment", frame: 0 }]);
});
