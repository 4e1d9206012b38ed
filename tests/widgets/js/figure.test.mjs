import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { applyDelta, copied } from "streamviz/figure.js";

const cases = JSON.parse(readFileSync(process.env.STREAMVIZ_FIXTURE, "utf8"));

/** Points that more are added to, of which the newest stay. */
const extend = (x, more, keep) => applyDelta({ data: [{ x }] }, { keep: [keep], y: [], points: { 0: { x: more } }, set: {} }).data[0].x;

test("a delta keeps the newest points, in place", () => {
  const list = [1, 2, 3];
  assert.equal(extend(list, [4, 5], 4), list);
  assert.deepEqual(list, [2, 3, 4, 5]);
  assert.deepEqual(extend([1], [], 4), [1]);
  assert.deepEqual(extend([], [1, 2, 3], 2), [2, 3], "more than fits at once");
  assert.deepEqual(extend([1, 2], [3], 0), []);
  assert.deepEqual(extend([null], [null], 2), [null, null], "a gap is a point");
});

test("a delta may have more points than a call has room for arguments", () => {
  assert.equal(extend([], Array.from({ length: 500_000 }, (_, i) => i), 300_000).length, 300_000);
});

test("there is something to compare", () => {
  assert.ok(cases.length > 5);
  assert.ok(cases.every(({ steps }) => steps.length > 5));
});

for (const { name, figure, steps } of cases) {
  test(`applyDelta does what Python's apply does: ${name}`, () => {
    let mine = figure;
    steps.forEach(({ delta, expected }, place) => {
      mine = applyDelta(mine, delta);
      assert.deepEqual(mine, expected, `at step ${place}`);
    });
  });
}

test("a copy has points of its own", () => {
  const figure = { data: [{ x: [1], y: [2], name: "a" }], layout: {}, n: 1, summary: "" };
  copied(figure).data[0].x.push(9);
  assert.deepEqual(figure.data[0].x, [1]);
});
