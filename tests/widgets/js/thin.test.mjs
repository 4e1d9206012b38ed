import assert from "node:assert/strict";
import { test } from "node:test";

import { thinned } from "streamviz/thin.js";

test("a thinned line keeps its ends, its extremes and its gaps", () => {
  const y = Array.from({ length: 5000 }, (_, i) => Math.sin(i / 9) * 10);
  y[777] = 99;
  y[2222] = -99;
  y[3333] = null;
  const trace = { mode: "lines", x: y.map((_, i) => i), y, name: "a" };
  const [thin] = thinned([trace], 400);
  assert.ok(thin.y.length <= 420 && thin.y.length > 300, String(thin.y.length));
  assert.equal(thin.x.length, thin.y.length);
  assert.deepEqual([thin.x[0], thin.x.at(-1)], [0, 4999]);
  for (const value of [99, -99, null]) assert.ok(thin.y.includes(value), String(value));
  thin.x.forEach((at, i) => assert.equal(thin.y[i], y[at]));
  assert.ok(thin.x.every((place, i) => !i || place > thin.x[i - 1]), "in order, none twice");
  assert.equal(trace.y.length, 5000);
});

test("thinned marks keep the newest and their texts, and what is short stays as it is", () => {
  const marks = { mode: "markers", x: [...Array(1000).keys()], y: Array(1000).fill(0), text: [...Array(1000).keys()].map(String) };
  const short = { mode: "lines", x: [1], y: [2] };
  const [thin, same, none] = thinned([marks, short, {}], 100);
  assert.equal(thin.x.length, 100);
  assert.equal(thin.x.at(-1), 999);
  assert.deepEqual(thin.text, thin.x.map(String));
  assert.equal(same, short);
  assert.deepEqual(none, {});
  const [gap] = thinned([{ mode: "lines", x: [...Array(900).keys()], y: Array(900).fill(null) }], 40);
  assert.ok(gap.y.every((value) => value === null));
});
