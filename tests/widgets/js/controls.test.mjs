import assert from "node:assert/strict";
import { test } from "node:test";

import { isForPlayer, kindsOf, nextSpeed } from "streamviz/controls.js";

test("a choice of events has each kind once, by its name", () => {
  const kinds = { killed: ["killed", "✕", "bad"], dead_lettered: ["moved to dead letters", "·", ""] };
  assert.deepEqual(kindsOf(kinds), [["", "any event"], ["killed", "killed"], ["dead_lettered", "moved to dead letters"]]);
  assert.deepEqual(kindsOf({}), [["", "any event"]]);
});

test("the speed goes up and down in steps, and stays within its ends", () => {
  assert.deepEqual([nextSpeed(1, 1), nextSpeed(1, -1), nextSpeed(16, 1), nextSpeed(0.25, -1)], [2, 0.5, 16, 0.25]);
  assert.deepEqual([nextSpeed(3, 1), nextSpeed(3, -1), nextSpeed(1000, -1), nextSpeed(1000, 1), nextSpeed(0.1, -1)], [4, 2, 16, 1000, 0.1]);
});

test("a key is for the player unless its target or a modifier needs it", () => {
  const at = (key, tag, scrolls = false, more = {}) => isForPlayer({ key, ...more }, tag, scrolls);
  assert.deepEqual([at(" ", "DIV"), at(" ", "BUTTON"), at("n", "BUTTON"), at("n", "SELECT")], [true, false, true, false]);
  assert.deepEqual([at("PageDown", "DIV"), at("PageDown", "DIV", true)], [false, true]);
  for (const modifier of ["ctrlKey", "metaKey", "altKey"]) assert.equal(at("n", "DIV", false, { [modifier]: true }), false);
});
