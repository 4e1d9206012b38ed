import assert from "node:assert/strict";
import { test } from "node:test";

import { captionLines, gridFor, stageScale } from "streamviz/stage.js";

test("up to four plots share a stage, and the last one fills its row", () => {
  assert.deepEqual(gridFor(1, 1240, 540), { scrolls: false, columns: 1, rowPx: null, lastSpan: 1 });
  assert.deepEqual(gridFor(3, 1240, 540), { scrolls: false, columns: 2, rowPx: null, lastSpan: 2 });
  assert.deepEqual(gridFor(4, 1240, 540), { scrolls: false, columns: 2, rowPx: null, lastSpan: 1 });
});

test("more plots scroll, and the next row shows a little", () => {
  const { scrolls, columns, rowPx } = gridFor(7, 1240, 540);
  assert.deepEqual([scrolls, columns], [true, 2]);
  assert.ok(2 * rowPx < 540 && 2.2 * rowPx > 540, String(rowPx));
});

test("below a flow, two plots stand beside each other, and the others scroll", () => {
  assert.deepEqual(gridFor(2, 1240, 240, true), { scrolls: false, columns: 2, rowPx: null, lastSpan: 1 });
  for (const plots of [3, 4]) {
    const { scrolls, columns, rowPx } = gridFor(plots, 1240, 240, true);
    assert.deepEqual([scrolls, columns], [true, 2]);
    assert.ok(rowPx && rowPx > 200 && rowPx < 240, "the next row shows a little");
  }
});

test("on a narrow screen there is one column, and what would be too low scrolls", () => {
  assert.deepEqual(gridFor(3, 388, 640), { scrolls: false, columns: 1, rowPx: null, lastSpan: 1 });
  const { scrolls, columns, rowPx } = gridFor(3, 640, 237);
  assert.deepEqual([scrolls, columns], [true, 1]);
  assert.ok(rowPx > 200, String(rowPx));
});

test("a caption gets the lines that the longest one needs, three at most", () => {
  assert.deepEqual([[], [[0, "short"]], [[0, "short"], [1, "x".repeat(100)]], [[0, "x".repeat(900)]]].map(captionLines), [0, 1, 2, 3]);
});

test("one plot has larger text than several", () => assert.ok(stageScale(1) > stageScale(2)));
