import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decodeSegment, figuresAt, holds } from "streamviz/segments.js";

const cases = JSON.parse(readFileSync(process.env.STREAMVIZ_FIXTURE, "utf8"));

const packedSegment = ({ figure, steps }) => structuredClone({
  first: 100,
  figures: [figure],
  deltas: steps.map(({ delta }) => [delta]),
});

const truth = ({ figure, steps }, frame) => (frame === 100 ? figure : steps[frame - 101].expected);

test("there are segments to play", () => {
  assert.ok(cases.length > 5);
  assert.ok(cases.some(({ steps }) => steps.length > 50), "one is longer than what is kept");
});

for (const one of cases) {
  test(`every frame is right, in whatever order it is asked for: ${one.name}`, () => {
    const many = one.steps.length;
    const segment = decodeSegment(packedSegment(one));
    const forward = [...Array(many + 1).keys()];
    const jumps = forward.map((i) => (i * 37) % (many + 1));
    let shown = 0;
    for (const place of [...forward, ...forward.toReversed(), ...jumps]) {
      assert.deepEqual(figuresAt(segment, 100 + place)[0], truth(one, 100 + place), `frame ${place}`);
      shown += 1;
    }
    assert.ok(shown > 10);
    assert.deepEqual(decodeSegment(packedSegment(one)).deltas, segment.deltas, "the packed segment stays as it was");
  });
}

test("a segment holds its first frame and one for each delta", () => {
  const segment = decodeSegment({ first: 5, figures: [], deltas: [[], []] });
  assert.deepEqual([4, 5, 7, 8].map((frame) => holds(segment, frame)), [false, true, true, false]);
});

test("a long segment keeps some figures whole, but not too many, and every frame is right", () => {
  const figure = { data: [{ x: [0], y: [0] }], layout: {}, n: 0, summary: "" };
  const deltas = Array.from({ length: 9000 }, (_, i) => [{ n: i + 1, summary: "", x: [i + 1], y: [[i % 7]], points: {}, keep: [100], set: {} }]);
  const segment = decodeSegment({ first: 0, figures: [figure], deltas });
  for (const frame of [9000, 4321, 17, 8999]) {
    const [{ data }] = figuresAt(segment, frame);
    assert.deepEqual([data[0].x.at(-1), data[0].x.length], [frame, Math.min(100, frame + 1)]);
  }
  assert.ok(segment.kept.size > 40 && segment.kept.size < 100, String(segment.kept.size));
});
