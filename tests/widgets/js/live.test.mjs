import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { live } from "./live.mjs";

const { contrast, extend, fromSlider, inked, isDark, statusLine, themed, toSlider } = live;

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

/** A figure's layout as the kernel sends it. */
const LAYOUT = JSON.parse(readFileSync(process.env.STREAMVIZ_FIXTURE, "utf8"))[0].figure.layout;
const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F", "#888888"];

test("contrast is what WCAG says it is", () => {
  assert.equal(contrast("#000000", 1, false).toFixed(2), "21.00");
  assert.equal(contrast("#ffffff", 1, false).toFixed(2), "1.00");
  assert.equal(contrast("#0072B2", 1, false).toFixed(2), "5.19");
  assert.ok(contrast("#0072B2", 0.4, true) < 2 && contrast("#0072B2", 0.4, false) < 2.2);
});

test("every line and mark is seen on a light and on a dark page, faint ones too", () => {
  let seen = 0;
  for (const dark of [true, false]) {
    for (const color of PALETTE) {
      const given = [{ line: { color, width: 2 }, opacity: 0.4 }, { marker: { color, opacity: 0.5 } }, { marker: { color } }];
      const before = structuredClone(given);
      const [line, faint, mark] = inked(given, dark, LAYOUT);
      assert.deepEqual(given, before, "the kernel's traces stay as they are");
      assert.equal(line.line.width, 2);
      for (const [drawn, opacity] of [[line.line.color, line.opacity], [faint.marker.color, faint.marker.opacity], [mark.marker.color, 1]]) {
        assert.ok(contrast(drawn, opacity, dark) >= 3, `${color} ${drawn} ${opacity} ${dark}`);
        seen += 1;
      }
      assert.ok(line.opacity < 1, "and still fainter than what is held");
    }
  }
  assert.equal(seen, 54);
});

test("bands are of their lines' colour, and what has no colour stays as it is", () => {
  const band = { line: { color: "#0072B2" }, fillcolor: "rgba(0,114,178,0.3)" };
  assert.equal(inked([band], true, LAYOUT)[0].fillcolor, "rgba(61,157,224,0.3)");
  assert.equal(inked([band], false, LAYOUT)[0].fillcolor, band.fillcolor);
  assert.deepEqual(inked([{ x: [1] }, { opacity: 0.4 }], true, LAYOUT), [{ x: [1] }, { opacity: 0.4 }]);
});

/** A widget's model whose kernel sends plotly.js, or does not. */
const modelOf = (source) => {
  const ears = new Set();
  return {
    on: (_, hear) => ears.add(hear),
    off: (_, hear) => ears.delete(hear),
    send: () => source && setTimeout(() => ears.forEach((hear) => hear({ type: "plotly" }, [gzipSync(source)]))),
    ears,
  };
};
const forget = () => delete globalThis[Symbol.for("streamviz.plotly")];

test("plotly.js is fetched once a page", async () => {
  forget();
  const { signal } = new AbortController();
  const [one, other] = [modelOf("module.exports = { by: 1 }"), modelOf("module.exports = { by: 2 }")];
  const both = await Promise.all([live.plotly(one, signal), live.plotly(other, signal)]);
  assert.deepEqual(both, [{ by: 1 }, { by: 1 }]);
  assert.equal(both[0], await live.plotly(other, signal));
  assert.equal(one.ears.size + other.ears.size, 0);
});

test("if the board that asked for plotly.js goes before it comes, the next one asks", async () => {
  forget();
  const [goes, stays] = [new AbortController(), new AbortController()];
  const silent = modelOf("");
  const first = live.plotly(silent, goes.signal);
  const next = live.plotly(modelOf("module.exports = { by: 2 }"), stays.signal);
  goes.abort();
  await assert.rejects(first, /gone/);
  assert.deepEqual(await next, { by: 2 });
  assert.equal(silent.ears.size, 0);
});

test("if plotly.js cannot be had, whoever needs it next asks again", async () => {
  forget();
  const goes = new AbortController();
  const failed = live.plotly(modelOf(""), goes.signal);
  goes.abort();
  await assert.rejects(failed, /gone/);
  assert.deepEqual(await live.plotly(modelOf("module.exports = { by: 3 }"), new AbortController().signal), { by: 3 });
});
