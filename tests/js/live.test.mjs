import assert from "node:assert/strict";
import { test } from "node:test";

import { live } from "./live.mjs";

const { extend, fromSlider, isDark, statusLine, themed, toSlider } = live;

test("extend keeps the newest items, in place", () => {
  const list = [1, 2, 3];
  assert.equal(extend(list, [4, 5], 4), list);
  assert.deepEqual(list, [2, 3, 4, 5]);
  assert.deepEqual(extend([1], [], 4), [1]);
  assert.deepEqual(extend([], [1, 2, 3], 2), [2, 3], "more than fits at once");
  assert.deepEqual(extend([1, 2], [3], 0), []);
  assert.deepEqual(extend([null], [null], 2), [null, null], "a gap is a point");
});

test("extend takes more items than a call has room for arguments", () => {
  assert.equal(extend([], Array.from({ length: 500_000 }, (_, i) => i), 300_000).length, 300_000);
});

test("themed styles every axis and nothing else, and what the layout says wins", () => {
  const layout = {
    title: { text: "t" },
    xaxis: { title: { text: "x" } },
    yaxis: { gridcolor: "red" },
    xaxis12: {},
    axis: {},
    xaxisfoo: {},
  };
  const before = structuredClone(layout);
  const dark = themed(layout, true);
  const light = themed(layout, false);
  assert.deepEqual(layout, before, "the kernel's layout stays as it is");
  assert.notEqual(dark.font.color, light.font.color);
  for (const shown of [dark, light]) {
    assert.equal(shown.yaxis.gridcolor, "red");
    assert.ok(shown.xaxis.gridcolor && shown.xaxis12.gridcolor && shown.yaxis.linecolor);
    assert.deepEqual(shown.xaxis.title, { text: "x" });
    assert.deepEqual([shown.axis, shown.xaxisfoo, shown.title], [{}, {}, { text: "t" }]);
  }
  assert.notEqual(dark.xaxis.gridcolor, light.xaxis.gridcolor);
});

test("isDark asks JupyterLab first, and the system where there is none", () => {
  const body = (theme) => ({ dataset: theme === undefined ? {} : { jpThemeLight: theme } });
  assert.equal(isDark(body("false"), false), true);
  assert.equal(isDark(body("true"), true), false);
  assert.equal(isDark(body(undefined), true), true);
  assert.equal(isDark(body(undefined), false), false);
});

test("statusLine names the state, and the bad news after it", () => {
  const line = (state, trouble = "", error = "") => statusLine({ state, trouble, error });
  assert.deepEqual(line("new"), { text: "Not started", bad: false });
  assert.deepEqual(line("running"), { text: "Running", bad: false });
  assert.deepEqual(line("paused"), { text: "Paused", bad: false });
  assert.deepEqual(line("stopped"), { text: "Stopped", bad: false });
  assert.deepEqual(line("done"), { text: "", bad: false });
  assert.deepEqual(line("running", "stream is gone"), { text: "Running: stream is gone", bad: true });
  assert.deepEqual(line("stopped", "gone", "boom"), { text: "Stopped: boom", bad: true });
  assert.deepEqual(line("done", "", "<b>"), { text: "<b>", bad: true });
});

test("a slider's place and its factor belong together, at every step", () => {
  assert.equal(toSlider(1), 0);
  assert.equal(fromSlider(0), 1);
  assert.deepEqual([fromSlider(4), fromSlider(3), fromSlider(-1)], [16, 8, 0.5]);
  let steps = 0;
  for (let place = -4; place <= 4; place += 0.5, steps += 1) {
    assert.ok(fromSlider(place) > 0, "no factor is 0");
    assert.equal(Math.round(toSlider(fromSlider(place)) * 2) / 2, place);
  }
  assert.equal(steps, 17);
});

test("entryOf finds the first ID in a point's text, and nothing else", () => {
  assert.equal(live.entryOf("1600-0"), "1600-0");
  assert.equal(live.entryOf("1600-12 held by ann-5-6, delivered 2×"), "1600-12");
  assert.equal(live.entryOf("crew-1-2: last delivered 5-0"), "5-0");
  const none = ["", undefined, null, "billing-1 crashed holding 1", "5", "a-5-0"];
  assert.deepEqual(none.map(live.entryOf), none.map(() => ""));
});
