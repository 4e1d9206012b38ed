import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { chooseByKeyboard, compareIds, describe, entriesIn, entryAfterKey, idOf, makeTabStop, pointsOf, rings } from "streamviz/keyboard.js";

const cases = JSON.parse(readFileSync(process.env.STREAMVIZ_FIXTURE, "utf8"));
const MAP = [
  { x: [1, 1, 2], y: [0, 1, 0], customdata: ["1000-0", "1000-1", "2000-0"] },
  { x: [1, 2], y: [-1, -1], text: ["a: last delivered 2000-0", "a: last delivered 2000-0"], customdata: [["2000-0"], ["2000-0"]] },
  { x: [1], y: [-1], text: ["held by &lt;b&gt;, delivered 2×"], customdata: [["1000-1", "held by <b>, delivered 2×"]] },
  { x: [5], y: [1] },
];
const BARS = [{ x: [3, 9, null], y: [-0.3, -0.3, null], text: ["ann: held, delivery 2", "ann: held, delivery 2", ""], customdata: [["1000-1"], ["1000-1"], null], yaxis: "y2" }];

test("IDs are in order as numbers, however large", () => {
  const ids = ["10-0", "9-18446744073709551615", "9-9", "18446744073709551615-0", "9-10"];
  assert.deepEqual(ids.toSorted(compareIds), ["9-9", "9-10", "9-18446744073709551615", "10-0", "18446744073709551615-0"]);
  assert.equal(compareIds("5-5", "5-5"), 0);
});

test("the entries of a plot are listed once each, the oldest first", () => {
  assert.deepEqual(entriesIn(MAP), ["1000-0", "1000-1", "2000-0"]);
  assert.deepEqual(entriesIn([{ x: [1], y: [2] }, { x: [1], y: [1], text: ["billing-1 crashed holding 1"] }]), []);
  assert.deepEqual(entriesIn([{ x: [null], y: [null], text: ["5-0"], customdata: ["5-0"] }]), [], "a point that is not drawn has no entry");
});

test("an entry is where its points are, a bar where it ends, a lane where its cursor is", () => {
  assert.deepEqual(pointsOf(MAP, "2000-0").map(({ x, y }) => [x, y]), [[2, 0], [2, -1]]);
  assert.deepEqual(pointsOf(BARS).map(({ x, y }) => [x, y]), [[9, -0.3]]);
  assert.deepEqual(pointsOf([{ x: [1], y: [1], text: ["11000-0"], customdata: ["11000-0"] }], "1000-0"), []);
});

test("keys go from entry to entry, and stay at the ends", () => {
  const ids = Array.from({ length: 30 }, (_, i) => `${i}-0`);
  const from = (chosen, key) => entryAfterKey(ids, chosen, key);
  assert.deepEqual([from("", "ArrowRight"), from("", "ArrowLeft"), from("", "PageDown")], ["0-0", "29-0", "0-0"]);
  assert.deepEqual([from("5-0", "ArrowRight"), from("5-0", "ArrowLeft")], ["6-0", "4-0"]);
  assert.deepEqual([from("5-0", "ArrowDown"), from("5-0", "ArrowUp")], ["6-0", "4-0"]);
  assert.deepEqual([from("5-0", "PageDown"), from("25-0", "PageDown"), from("5-0", "PageUp")], ["15-0", "29-0", "0-0"]);
  assert.deepEqual([from("5-0", "Home"), from("5-0", "End"), from("29-0", "ArrowRight"), from("0-0", "ArrowLeft")], ["0-0", "29-0", "29-0", "0-0"]);
  assert.deepEqual([from("5-0", "a"), from("", "Escape"), entryAfterKey([], "5-0", "Home")], ["", "", ""]);
});

test("from an entry that is gone, keys go to its neighbours", () => {
  const ids = ["10-0", "20-0", "30-0"];
  const from = (chosen, key) => entryAfterKey(ids, chosen, key);
  assert.deepEqual([from("15-0", "ArrowRight"), from("15-0", "ArrowLeft")], ["20-0", "10-0"]);
  assert.deepEqual([from("5-0", "ArrowRight"), from("5-0", "ArrowLeft")], ["10-0", "10-0"]);
  assert.deepEqual([from("99-0", "ArrowRight"), from("99-0", "ArrowLeft")], ["30-0", "30-0"]);
});

test("a ring goes around each point, on its axes, and takes no hover", () => {
  const around = rings([...MAP, ...BARS], "1000-1", true);
  assert.deepEqual(around.map(({ x, y, yaxis }) => [x[0], y[0], yaxis]), [[1, 1, undefined], [1, -1, undefined], [9, -0.3, "y2"]]);
  assert.ok(around.every((one) => one.hoverinfo === "skip" && !one.text && one.marker.symbol === "circle-open"));
  assert.notEqual(around[0].marker.color, rings(MAP, "1000-1", false)[0].marker.color);
  assert.deepEqual([rings(MAP, "", true), rings(MAP, "7-0", true)], [[], []]);
});

test("without a kernel, the plots say what they know about an entry", () => {
  assert.equal(describe([MAP, BARS], "1000-1"), "1000-1; held by <b>, delivered 2×; ann: held, delivery 2");
  assert.equal(describe([MAP], "1000-0"), "1000-0");
  assert.equal(describe([MAP], "2000-0"), "2000-0; a: last delivered 2000-0");
  assert.equal(describe([[{ x: [1], y: [1], text: ["5-0 &amp; more"], customdata: ["5-0"] }]], "5-0"), "5-0; 5-0 &amp; more", "words of one's own plot stay as they are");
  assert.deepEqual([["5-0"], "5-0", ["5-0", "words"], null, undefined].map(idOf), ["5-0", "5-0", "5-0", "", ""]);
});

test("every entry of real plots is reached by one key after the other", () => {
  let count = 0;
  for (const { steps } of cases) {
    const { data } = steps.at(-1).expected;
    const ids = entriesIn(data).slice(0, 20);
    let at = "";
    for (const id of ids) {
      at = entryAfterKey(entriesIn(data), at, "ArrowRight");
      assert.equal(at, id);
      assert.ok(rings(data, id, false).length > 0);
    }
    count += ids.length;
  }
  assert.ok(count > 50, String(count));
});

function plot(data) {
  const heard = [];
  const node = Object.assign(new EventTarget(), { dataset: {}, tabIndex: -1, role: "group", ariaLabel: "Stream map" });
  const state = { chosen: "" };
  const choose = (id) => heard.push((state.chosen = id));
  chooseByKeyboard(node, { data: () => data, chosen: () => state.chosen, choose }, new AbortController().signal);
  const press = (key, more = {}) => {
    const stroke = Object.assign(new Event("keydown", { cancelable: true }), { key, ...more });
    node.dispatchEvent(stroke);
    return stroke.defaultPrevented;
  };
  return { node, heard, press };
}

test("a plot takes its keys and no others, and Escape leaves", () => {
  const { node, heard, press } = plot(MAP);
  assert.equal(press("Escape"), false, "nothing is chosen: the key is for the notebook");
  assert.deepEqual([press("ArrowRight"), press("ArrowRight"), press("Escape"), press("Escape")], [true, true, true, false]);
  assert.deepEqual([press("Tab"), press(" "), press("ArrowRight", { ctrlKey: true })], [false, false, false]);
  assert.deepEqual(heard, ["1000-0", "1000-1", ""]);
});

test("Tab stops at a plot that has entries, and only then its name promises keys", () => {
  const { node } = plot([]);
  makeTabStop(node, [{ x: [1], y: [1] }, { x: [], y: [], text: [] }, { x: [1], y: [1], text: ["billing-1 crashed"] }]);
  assert.deepEqual([node.tabIndex, node.role, node.ariaLabel], [-1, "group", "Stream map"]);
  for (let i = 0; i < 2; i += 1) makeTabStop(node, MAP);
  assert.deepEqual([node.tabIndex, node.role], [0, "application"]);
  assert.equal(node.ariaLabel, "Stream map: arrow keys go from entry to entry, Escape leaves");
});
