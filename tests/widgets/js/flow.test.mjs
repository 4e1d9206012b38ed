import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { entriesOf, fatesOf, whereabouts } from "streamviz/flow_entries.js";
import { buildClickLog } from "streamviz/click_log.js";
import { paintOf, placeAt } from "streamviz/flow_canvas.js";
import { spotsOf } from "streamviz/flow_controls.js";
import { exitsOf, fewerGroups, follows } from "streamviz/flow_node.js";
import { flowShapes } from "streamviz/flow_shapes.js";
import { describe } from "streamviz/keyboard.js";
import { actionsOf } from "streamviz/panel.js";

const { cases, constants } = JSON.parse(readFileSync(process.env.STREAMVIZ_FLOWS, "utf8"));
const plain = (value) => JSON.parse(JSON.stringify(value));

test("there is something to compare", () => {
  assert.ok(cases.length > 50);
  const kinds = new Set(cases.flatMap(({ shapes }) => shapes.map(({ kind }) => kind)));
  for (const kind of ["headline", "entry", "waits", "held", "fill", "old", "lost", "bin", "box", "dead", "bar-acked", "bar-gone"]) assert.ok(kinds.has(kind), kind);
});

for (const { name, scene, width, low, height, shapes } of cases) {
  test(`flowShapes does what Python's flow_shapes does: ${name}`, () => {
    const mine = plain(flowShapes(scene, width, constants, low));
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

const at = (consumers, more = {}) => ({ groups: [{ name: "g", consumers, left: [], bin: null, ...more }, { name: "h", consumers: [], left: ["3-0"], bin: null }] });
const who = (name, ids = [], dead = false) => ({ name, dead, held: ids.map((id) => [id]) });
const entry = (id) => JSON.stringify(["g", id]);

test("what became of an entry is said with names and IDs", () => {
  const [ann, bob] = [(...ids) => who("ann", ids), (...ids) => who("bob", ids)];
  const claimed = fatesOf(at([ann("3-0"), bob()]), at([ann(), bob("3-0")]), [entry("3-0")]);
  assert.deepEqual(claimed, { words: ["bob took 3-0 over from ann"], over: [] });
  const acked = fatesOf(at([ann(), bob("3-0", "4-0")]), at([ann(), bob()], { left: ["3-0", "4-0"] }), [entry("3-0")]);
  assert.deepEqual(acked, { words: ["bob acknowledged 3-0"], over: [entry("3-0")] }, "and nothing of entries that were not asked for");
  const buried = fatesOf(at([ann("3-0")]), at([ann()], { left: ["3-0"], bin: { name: "dead", new: ["3-0"] } }), [entry("3-0")]);
  assert.deepEqual(buried.words, ["3-0 went to dead"]);
  assert.deepEqual(fatesOf(at([ann("3-0")]), at([ann()]), [entry("3-0")]), { words: [], over: [entry("3-0")] }, "how it left was not seen, and what another group does with it is another matter");
  assert.deepEqual(fatesOf(at([ann("3-0")]), at([ann("3-0")]), [entry("3-0")]), { words: [], over: [] });
  assert.deepEqual(fatesOf({ headline: "Waiting" }, at([ann("3-0")]), [entry("3-0")]), { words: [], over: [] });
});

test("a log says what a click caused, and of nothing else", () => {
  const said = [];
  const log = buildClickLog((text) => said.push(text));
  const click = (act, which) => log.begin({ text: "", label: `${act} ${which || "g"}`, request: { do: act } }, "g", which);
  const both = at([who("ann", ["3-0"]), who("bob", ["4-0"])]);
  log.tell(both, at([who("ann"), who("bob")], { left: ["3-0", "4-0"] }));
  assert.deepEqual(said, [], "nothing was clicked");
  click("kill", "ann");
  log.tell(both, both);
  log.tell(both, at([who("ann", ["3-0"], true), who("bob")], { left: ["4-0"] }));
  log.tell(at([who("ann", ["3-0"], true), who("bob")]), at([who("ann", [], true), who("bob", ["3-0"])]));
  log.tell(at([who("ann", [], true), who("bob", ["3-0"])]), at([who("ann", [], true), who("bob")], { left: ["3-0"] }));
  const clicked = "you clicked: kill ann";
  assert.deepEqual(said, [clicked, `${clicked} · bob took 3-0 over from ann`, `${clicked} · bob took 3-0 over from ann · bob acknowledged 3-0`]);
  click("add", "");
  const [cid, crowd] = [who("cid", ["7-0"]), [who("ann", ["5-0"]), who("bob", ["6-0"])]];
  log.tell(at(crowd), at([...crowd, cid]));
  log.tell(at([...crowd, cid]), at([who("cid", ["8-0"])], { left: ["5-0", "6-0", "7-0"] }));
  log.tell(at([who("cid", ["8-0"])]), at([who("cid")], { left: ["8-0"] }));
  assert.equal(said.at(-1), "you clicked: add g · cid acknowledged 7-0", "the first one, of the new consumer");
});

test("what can be done stands where it is done, with the kernel's own names", () => {
  const long = "a consumer with a very long name, 1";
  const consumers = [["g", "ann", true, 1], ["g", long, false, 1], ["g", "bob", true, 4], ["h", "eve", true, 1]];
  const done = (group, which) => actionsOf({ state: "running", consumers }, group, which).map(({ label, request }) => [label, request]);
  assert.deepEqual(done("g", "ann"), [["kill ann", { do: "kill", group: "g", which: "ann" }], ["slow ann", { do: "slow", group: "g", which: "ann", value: 4 }]]);
  assert.deepEqual(done("g", "bob")[1], ["speed up bob", { do: "slow", group: "g", which: "bob", value: 1 }]);
  assert.deepEqual(done("g", `${long.slice(0, 23)}…`), [[`revive ${long}`, { do: "revive", group: "g", which: long }]]);
  assert.deepEqual(done("g", "").map(([label]) => label), ["add a consumer to g", "remove a consumer from g"]);
  assert.deepEqual(done("h", "").map(([label]) => label), ["add a consumer to h"], "one must stay");
  for (const [group, which] of [["g", "eve"], ["other", ""], ["other", "ann"]]) assert.deepEqual(done(group, which), [], "another program's");
  assert.deepEqual(actionsOf({ state: "stopped", consumers }, "g", "ann"), []);
});

test("each consumer's box and each group's name has its buttons", () => {
  const found = cases.flatMap(({ scene, shapes }) => spotsOf(scene, shapes).map((spot) => ({ ...spot, scene })));
  assert.ok(found.length > 100);
  for (const { key, group, which, scene } of found) {
    const [, place, index] = /^group (\d+) (\d+|name)$/.exec(key);
    assert.equal(scene.groups[place].name, group);
    assert.equal(index === "name" ? "" : scene.groups[place].consumers[index].name, which);
  }
  assert.deepEqual(spotsOf({ headline: "Waiting" }, []), []);
});

test("a dead letter leaves for its bin, and what was acknowledged for the counter", () => {
  const shapes = [{ key: "group 0 bin", kind: "bin", x: 300, y: 50, w: 100 }];
  const exits = exitsOf({ groups: [{ left: ["3-0", "4-0"], bin: { new: ["3-0"] } }] }, shapes, 15);
  assert.deepEqual([...exits], [["group 0 held 3-0", [385, 56]], ["group 0 held 4-0", null]]);
  assert.equal(exitsOf({ headline: "" }, [], 15).size, 0);
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

test("a square goes from where it is to where it belongs, and what leaves fades at the end of its way", () => {
  const item = { from: [0, 10, 11, 11, 0], to: [20, 10, 11, 11, 1], began: 100, lasts: 200, leaves: false };
  assert.deepEqual([100, 200, 300, 400].map((now) => placeAt(item, now)[0]), [0, 15, 20, 20]);
  assert.equal(placeAt(item, 200)[4], 0.75);
  assert.equal(placeAt(item, 300), item.to, "it has come to rest");
  assert.equal(placeAt({ ...item, lasts: 0 }, 100), item.to, "and so has what does not move");
  const leaving = { ...item, from: [0, 10, 11, 11, 1], to: [20, 10, 11, 11, 0], leaves: true };
  const way = [100, 150, 200, 280, 299].map((now) => placeAt(leaving, now));
  assert.deepEqual(way.map(([x]) => x), [...way.map(([x]) => x)].sort((one, other) => one - other));
  assert.equal(way[2][4], 1, "seen on its way");
  assert.ok(way[3][0] === 20 && way[3][4] > 0.9 && way[4][4] < 0.06, "then it fades where it has come to");
});

test("each kind is drawn as the still pictures have it", () => {
  const kinds = new Map(cases.flatMap(({ shapes, drawn }) => shapes.map((shape, i) => [shape.kind, { ...shape, drawn: drawn[i] }])).filter(([, { w }]) => w));
  assert.ok(kinds.size > 10);
  for (const [kind, { colour, drawn }] of kinds) {
    const { colour: own, line, dash, radius, opacity } = paintOf(kind, colour, constants);
    const value = (name) => new RegExp(` ${name}='([^']*)'`).exec(drawn)?.[1];
    assert.equal(value("fill"), line ? "none" : own, kind);
    assert.equal(value("stroke") ?? "", line ? own : "", kind);
    if (line) assert.equal(Number(value("stroke-width") ?? 1), line, kind);
    assert.equal(value("stroke-dasharray") ?? "", dash.join(" "), kind);
    assert.equal(Number(value("rx") ?? 0), radius, kind);
    assert.equal(Number(value("fill-opacity") ?? 1), opacity, kind);
  }
});

test("where not all groups have room, the kernel's worst are shown in their order, and the rates say so", () => {
  const saidOf = (scene) => flowShapes(scene, 960, constants).shapes.find(({ key }) => key === "rates").text;
  const { scene: all } = cases.find(({ scene }) => scene.groups.length === 5 && scene.total === 5);
  const scene = { ...all, rate: "1,000/s", worst: [3, 1, 4, 0, 2] };
  assert.equal(fewerGroups(scene, 5), scene);
  assert.equal(saidOf(scene), "in 1,000/s");
  const shown = fewerGroups(scene, 2);
  assert.deepEqual(shown.groups, [all.groups[1], all.groups[3]]);
  assert.equal(saidOf(shown), "in 1,000/s, the worst 2 of 5 groups are shown");
  assert.equal(saidOf({ ...shown, rate: "" }), "the worst 2 of 5 groups are shown");
  assert.equal(saidOf({ ...fewerGroups({ ...scene, total: 40, all: "all 40: 9 waiting" }, 3) }), "in 1,000/s, all 40: 9 waiting, the worst 3 groups are shown");
  const waiting = { headline: "Waiting", groups: [] };
  assert.equal(fewerGroups(waiting, 1), waiting);
});

test("the worst groups are those that Python ranks first", () => {
  const ranked = cases.filter(({ scene }) => scene.groups.length > 1 && scene.groups.length === scene.worst.length);
  assert.ok(ranked.length > 10);
  for (const { scene } of ranked) {
    assert.deepEqual(scene.worst.toSorted((one, other) => one - other), [...scene.groups.keys()]);
    assert.deepEqual(fewerGroups(scene, 1).groups, [scene.groups[scene.worst[0]]]);
  }
});
