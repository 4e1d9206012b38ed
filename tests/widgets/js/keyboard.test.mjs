import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { live } from "./live.mjs";

const { entriesIn, inOrder, placesOf, reach, reached, ringed, stops, wordsOf } = live;
const cases = JSON.parse(readFileSync(process.env.STREAMVIZ_FIXTURE, "utf8"));
const MAP = [
  { x: [1, 1, 2], y: [0, 1, 0], text: ["1000-0", "1000-1", "2000-0"], customdata: ["1000-0", "1000-1", "2000-0"] },
  { x: [1, 2], y: [-1, -1], text: ["a: last delivered 2000-0", "a: last delivered 2000-0"], customdata: ["2000-0", "2000-0"] },
  { x: [1], y: [-1], text: ["1000-1 held by &lt;b&gt;, delivered 2×"], customdata: ["1000-1"] },
  { x: [5], y: [1] },
];
const BARS = [{ x: [3, 9, null], y: [-0.3, -0.3, null], text: ["1000-1, ann: held, delivery 2", "1000-1, ann: held, delivery 2", ""], customdata: ["1000-1", "1000-1", null], yaxis: "y2" }];

test("IDs are in order as numbers, however large", () => {
  const ids = ["10-0", "9-18446744073709551615", "9-9", "18446744073709551615-0", "9-10"];
  assert.deepEqual(ids.toSorted(inOrder), ["9-9", "9-10", "9-18446744073709551615", "10-0", "18446744073709551615-0"]);
  assert.equal(inOrder("5-5", "5-5"), 0);
});

test("a picture's entries are found once each, the oldest first", () => {
  assert.deepEqual(entriesIn(MAP), ["1000-0", "1000-1", "2000-0"]);
  assert.deepEqual(entriesIn([{ x: [1], y: [2] }, { x: [1], y: [1], text: ["billing-1 crashed holding 1"] }]), []);
  assert.deepEqual(entriesIn([{ x: [null], y: [null], text: ["5-0"], customdata: ["5-0"] }]), [], "what is not drawn is no entry");
});

test("an entry is where its points are, a bar where it ends, a lane where its cursor is", () => {
  assert.deepEqual(placesOf(MAP, "2000-0").map(({ x, y }) => [x, y]), [[2, 0], [2, -1]]);
  assert.deepEqual(placesOf(BARS).map(({ x, y }) => [x, y]), [[9, -0.3]]);
  assert.deepEqual(placesOf([{ x: [1], y: [1], text: ["11000-0"], customdata: ["11000-0"] }], "1000-0"), []);
});

test("keys go from entry to entry, and stay at the ends", () => {
  const ids = Array.from({ length: 30 }, (_, i) => `${i}-0`);
  const from = (chosen, key) => reached(ids, chosen, key);
  assert.deepEqual([from("", "ArrowRight"), from("", "ArrowLeft"), from("", "PageDown")], ["0-0", "29-0", "0-0"]);
  assert.deepEqual([from("5-0", "ArrowRight"), from("5-0", "ArrowLeft")], ["6-0", "4-0"]);
  assert.deepEqual([from("5-0", "ArrowDown"), from("5-0", "ArrowUp")], ["6-0", "4-0"]);
  assert.deepEqual([from("5-0", "PageDown"), from("25-0", "PageDown"), from("5-0", "PageUp")], ["15-0", "29-0", "0-0"]);
  assert.deepEqual([from("5-0", "Home"), from("5-0", "End"), from("29-0", "ArrowRight"), from("0-0", "ArrowLeft")], ["0-0", "29-0", "29-0", "0-0"]);
  assert.deepEqual([from("5-0", "a"), from("", "Escape"), reached([], "5-0", "Home")], ["", "", ""]);
});

test("from an entry that is gone, keys go to its neighbours", () => {
  const ids = ["10-0", "20-0", "30-0"];
  const from = (chosen, key) => reached(ids, chosen, key);
  assert.deepEqual([from("15-0", "ArrowRight"), from("15-0", "ArrowLeft")], ["20-0", "10-0"]);
  assert.deepEqual([from("5-0", "ArrowRight"), from("5-0", "ArrowLeft")], ["10-0", "10-0"]);
  assert.deepEqual([from("99-0", "ArrowRight"), from("99-0", "ArrowLeft")], ["30-0", "30-0"]);
});

test("a ring goes around each place, on its axes, and takes no hover", () => {
  const rings = ringed([...MAP, ...BARS], "1000-1", true);
  assert.deepEqual(rings.map(({ x, y, yaxis }) => [x[0], y[0], yaxis]), [[1, 1, undefined], [1, -1, undefined], [9, -0.3, "y2"]]);
  assert.ok(rings.every((one) => one.hoverinfo === "skip" && !one.text && one.marker.symbol === "circle-open"));
  assert.notEqual(rings[0].marker.color, ringed(MAP, "1000-1", false)[0].marker.color);
  assert.deepEqual([ringed(MAP, "", true), ringed(MAP, "7-0", true)], [[], []]);
});

test("without a kernel, pictures say what they know of an entry", () => {
  assert.equal(wordsOf([MAP, BARS], "1000-1"), "1000-1; held by <b>, delivered 2×; ann: held, delivery 2");
  assert.equal(wordsOf([MAP], "1000-0"), "1000-0");
  assert.equal(wordsOf([MAP], "2000-0"), "2000-0; a: last delivered 2000-0");
});

test("every entry of real pictures is reached by one key after the other", () => {
  let found = 0;
  for (const { steps } of cases) {
    const { data } = steps.at(-1).expected;
    const ids = entriesIn(data).slice(0, 20);
    let at = "";
    for (const id of ids) {
      at = reached(entriesIn(data), at, "ArrowRight");
      assert.equal(at, id);
      assert.ok(ringed(data, id, false).length > 0);
    }
    found += ids.length;
  }
  assert.ok(found > 50, String(found));
});

function plot(data) {
  const heard = [];
  const node = Object.assign(new EventTarget(), { dataset: {}, tabIndex: -1, setAttribute: (name, value) => (node[name] = value) });
  const state = { chosen: "" };
  const choose = (id) => heard.push((state.chosen = id));
  reach(node, "Stream map", { data: () => data, chosen: () => state.chosen, choose }, new AbortController().signal);
  const press = (key, more = {}) => {
    const stroke = Object.assign(new Event("keydown", { cancelable: true }), { key, ...more });
    node.dispatchEvent(stroke);
    return stroke.defaultPrevented;
  };
  return { node, heard, press };
}

test("a plot takes its keys and no others, and Escape leaves", () => {
  const { node, heard, press } = plot(MAP);
  assert.equal(press("Escape"), false, "nothing is chosen: it is somebody else's");
  assert.deepEqual([press("ArrowRight"), press("ArrowRight"), press("Escape"), press("Escape")], [true, true, true, false]);
  assert.deepEqual([press("Tab"), press(" "), press("ArrowRight", { ctrlKey: true })], [false, false, false]);
  assert.deepEqual(heard, ["1000-0", "1000-1", ""]);
  assert.match(node["aria-label"], /^Stream map: arrow keys/);
  assert.equal(node.role, "application");
});

test("Tab stops at a plot that has entries", () => {
  const { node } = plot([]);
  stops(node, [{ x: [1], y: [1] }, { x: [], y: [], text: [] }, { x: [1], y: [1], text: ["billing-1 crashed"] }]);
  assert.equal(node.tabIndex, -1);
  stops(node, MAP);
  assert.equal(node.tabIndex, 0);
});
