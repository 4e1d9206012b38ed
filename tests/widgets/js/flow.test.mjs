import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { entriesOf, fatesOf, whereabouts } from "streamviz/flow_entries.js";
import { beltOf, follows } from "streamviz/flow_node.js";
import { flowShapes } from "streamviz/flow_shapes.js";
import { describe } from "streamviz/keyboard.js";

const cases = JSON.parse(readFileSync(process.env.STREAMVIZ_FLOWS, "utf8"));
const plain = (value) => JSON.parse(JSON.stringify(value));

test("there is something to compare", () => {
  assert.ok(cases.length > 50);
  const kinds = new Set(cases.flatMap(({ shapes }) => shapes.map(({ kind }) => kind)));
  for (const kind of ["headline", "entry", "waits", "held", "old", "box", "dead", "bar-acked", "bar-gone"]) assert.ok(kinds.has(kind), kind);
});

for (const { name, scene, width, height, shapes } of cases) {
  test(`flowShapes does what Python's flow_shapes does: ${name}`, () => {
    const mine = plain(flowShapes(scene, width));
    assert.deepEqual(mine.shapes, shapes);
    assert.equal(mine.height, height);
    assert.equal(new Set(shapes.map(({ key }) => key)).size, shapes.length, "each key is one shape");
  });
}

const scene = {
  added: 5, first: 1, every: 1,
  groups: [{ name: "g", at: 4, consumers: [{ name: "ann", held: [["3-0", 3, 1, 1]] }] }],
};
const data = [{ x: [1, 2, 3], y: [3, 4, 5], text: ["3-0", "4-0", "5-0"], customdata: ["3-0", "4-0", "5-0"] }, { meta: scene }];

test("a square stands for an entry, or for several", () => {
  assert.deepEqual([...entriesOf(data)], [[3, ["3-0"]], [4, ["4-0"]], [5, ["5-0"]]]);
  const many = [data[0], { meta: { ...scene, every: 2 } }];
  assert.deepEqual([...entriesOf(many)], [[2, ["3-0", "4-0"]], [3, ["5-0"]]]);
  assert.deepEqual([...entriesOf([{}, { meta: {} }])], []);
});

test("where an entry is, is said without a kernel", () => {
  const places = ["3-0", "4-0", "5-0", "9-9"].map((id) => whereabouts(data, id));
  assert.deepEqual(places, [["ann holds it"], ["read by g"], ["waits for g"], []]);
  assert.deepEqual(whereabouts([{ x: [], y: [] }], "3-0"), [], "another plot");
  assert.equal(describe([data], "3-0"), "3-0; ann holds it");
});

test("what became of an entry after a click, is said with names and IDs", () => {
  const at = (consumers, left = []) => ({ groups: [{ name: "g", consumers, left }] });
  const [ann, bob] = [(...ids) => ({ name: "ann", held: ids.map((id) => [id]) }), (...ids) => ({ name: "bob", held: ids.map((id) => [id]) })];
  const claimed = fatesOf(at([ann("3-0"), bob()]), at([ann(), bob("3-0")]), ["3-0"]);
  assert.deepEqual(claimed, { words: ["bob took 3-0 over from ann"], over: [] });
  const acked = fatesOf(at([ann(), bob("3-0", "4-0")]), at([ann(), bob()], ["3-0", "4-0"]), ["3-0"]);
  assert.deepEqual(acked, { words: ["bob acknowledged 3-0"], over: ["3-0"] }, "and nothing of entries that were not asked for");
  assert.deepEqual(fatesOf(at([ann("3-0")]), at([ann()]), ["3-0"]), { words: [], over: ["3-0"] }, "how it left was not seen");
  assert.deepEqual(fatesOf(at([ann("3-0")]), at([ann("3-0")]), ["3-0"]), { words: [], over: [] });
  assert.deepEqual(fatesOf({ headline: "Waiting" }, at([ann("3-0")]), ["3-0"]), { words: [], over: [] });
});

test("only from one frame to the next do entries move", () => {
  const at = (n, more = {}) => ({ n, scene: { ...scene, ...more } });
  const moves = (before, n, more = {}) => follows(before, n, { ...scene, ...more });
  assert.equal(moves(at(7), 8), true);
  assert.equal(moves(null, 8), false, "the first frame");
  assert.equal(moves(at(8), 8), false, "the same frame, in another size or theme");
  assert.equal(moves(at(9), 8), false, "backwards");
  assert.equal(moves(at(1), 80), false, "a seek");
  assert.equal(moves(at(7), 8, { every: 2 }), false, "squares stand for more entries");
  assert.equal(moves(at(7), 8, { added: 2 }), false, "the stream was made anew");
  assert.equal(moves(at(7), 8, { groups: [] }), false, "a group has gone");
  assert.equal(follows({ n: 7, scene: { headline: "Waiting" } }, 8, scene), false);
});

test("numbered squares keep their place on the belt while it moves", () => {
  const placeOf = (added, number) => {
    const { shapes } = flowShapes({ headline: "", trouble: "", event: "", rates: "", stream: "", ids: ["", ""], first: 1, every: 1, groups: [], readers: [], added }, 960);
    const { start, number: belt } = beltOf(shapes);
    return { belt, x: shapes.find(({ key }) => key === `tape ${number}`).x - start };
  };
  assert.deepEqual(placeOf(50, 45), placeOf(51, 45));
  assert.deepEqual(placeOf(50, 45), { belt: 0, x: 15 * 45 });
  assert.deepEqual(placeOf(7_000_003, 7_000_001), { belt: 7000, x: 15 }, "exact after many entries");
  assert.deepEqual(beltOf([]), { number: 0, start: 0 });
});
