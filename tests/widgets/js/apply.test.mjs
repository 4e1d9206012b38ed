import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { live } from "./live.mjs";

const cases = JSON.parse(readFileSync(process.env.STREAMVIZ_FIXTURE, "utf8"));

test("there is something to compare", () => {
  assert.ok(cases.length > 5);
  assert.ok(cases.every(({ steps }) => steps.length > 5));
});

for (const { name, figure, steps } of cases) {
  test(`applyDelta does what Python's apply does: ${name}`, () => {
    let mine = figure;
    steps.forEach(({ delta, expected }, place) => {
      mine = live.applyDelta(mine, delta);
      assert.deepEqual(mine, expected, `at step ${place}`);
    });
  });
}
