import assert from "node:assert/strict";
import test from "node:test";

import { counting, freeMove, restOf } from "../../../streamviz/widgets/static/words.js";

const AREA = { left: 0, top: 0, right: 200, bottom: 100 };
const box = (left, top, right, bottom) => ({ left, top, right, bottom });

test("a text with room stays, and one that touches another moves the shortest way", () => {
  assert.deepEqual(freeMove(box(10, 10, 50, 24), [], AREA), [0, 0]);
  assert.deepEqual(freeMove(box(10, 10, 50, 24), [box(10, 20, 50, 34)], AREA), [0, -4]);
  assert.deepEqual(freeMove(box(10, 10, 50, 24), [box(44, 10, 90, 24)], AREA), [-6, 0]);
});

test("what leaves the picture comes back into it, past what is there", () => {
  assert.deepEqual(freeMove(box(190, 40, 230, 54), [], AREA), [-30, 0]);
  assert.deepEqual(freeMove(box(190, 40, 230, 54), [box(150, 30, 200, 44)], AREA), [-30, 4]);
});

test("a text without room nearby has none", () => {
  assert.equal(freeMove(box(0, 40, 200, 54), [box(0, 0, 200, 100)], AREA), null);
  assert.equal(freeMove(box(0, 40, 200, 54), [box(0, 0, 200, 84), box(0, 88, 200, 100)], AREA), null);
});

test("for how many a text stands, its trace says, and not its words", () => {
  const [at, of] = [(i) => ({ __data__: { i } }), (meta) => ({ __data__: [{ trace: { meta } }] })];
  assert.deepEqual([3, 4, 5].map((i) => restOf(at(i), of({ rest: [4, 9] }))), [0, 9, 0]);
  assert.deepEqual([undefined, null, "aside", {}].map((meta) => restOf(at(4), of(meta))), [0, 0, 0, 0]);
  assert.equal(restOf(null, null), 0, "a title is at no point");
});

test("a text says for how many others it stands, whatever its own words are", () => {
  assert.equal(counting("email 3", 0, 2), "email 3 and 2 more");
  assert.equal(counting("and 8 more", 8, 2), "and 10 more");
  assert.equal(counting("ann and 4 more", 0, 2), "ann and 4 more and 2 more", "a note of one's own is one text");
});
