import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { contrast, ensureContrast, forBackground, isDark, readable, themed } from "streamviz/colours.js";

const [{ figure }] = JSON.parse(readFileSync(process.env.STREAMVIZ_FIXTURE, "utf8"));

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
    assert.deepEqual([shown.axis, shown.xaxisfoo, shown.title.text], [{}, {}, "t"]);
    assert.ok(shown.title.font.weight > 500, "the one bold text");
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

test("letters in every colour have enough contrast, and where they had it they stay as they are", () => {
  for (const dark of [false, true]) {
    for (const colour of PALETTE) {
      const letters = readable(colour, dark);
      assert.ok(contrast(letters, 1, dark) >= 4.5, `${colour} ${dark}`);
      if (contrast(colour, 1, dark) >= 4.5) assert.equal(letters, colour);
    }
  }
  const figure = { layout: { meta: { substitutes: { dark: { "#0072B2": "#3D9DE0" } } } } };
  const [trace] = forBackground(figure, [{ mode: "text", textfont: { color: ["#0072B2"] } }], true);
  assert.deepEqual(trace.textfont.color, ["#3D9DE0"], "the colour of its line");
});

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
      const [line, faint, mark] = forBackground(figure, given, dark);
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
  assert.equal(forBackground(figure, [band], true)[0].fillcolor, "rgba(61,157,224,0.3)");
  assert.equal(forBackground(figure, [band], false)[0].fillcolor, band.fillcolor);
  assert.deepEqual(forBackground(figure, [{ x: [1] }, { opacity: 0.4 }], true), [{ x: [1] }, { opacity: 0.4 }]);
});

test("an opacity is raised no further than it must be", () => {
  assert.equal(ensureContrast("#000000", 0.6, false), 0.6);
  assert.ok(ensureContrast("#888888", 0.3, false) > 0.3);
  assert.equal(ensureContrast("rgb(0,0,0)", 0.1, false), 0.1, "a colour that is not #rrggbb stays as it is");
});

test("a figure without substitutes keeps its colours", () => {
  const [trace] = forBackground({ layout: {} }, [{ line: { color: "#0072B2" } }], true);
  assert.equal(trace.line.color, "#0072B2");
});

test("a plot of one's own may name its colours, or give one for all texts", () => {
  const figure = { layout: { meta: { substitutes: { dark: { "#0072B2": "#3D9DE0" } } } } };
  const own = [{ textfont: { color: "red" } }, { textfont: { color: ["#0072B2", 3] } }, { marker: { color: ["red", "blue"], opacity: 0.2 } }, { line: { color: "red" }, fillcolor: "pink" }];
  const shown = forBackground(figure, own, true);
  assert.deepEqual(shown.map(({ textfont, marker, line }) => (textfont ?? marker ?? line).color), [["red"], ["#3D9DE0", 3], ["red", "blue"], "red"]);
});
