import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { forBackground, isDark, themed } from "streamviz/colours.js";

const cases = JSON.parse(readFileSync(process.env.STREAMVIZ_FIXTURE, "utf8"));

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

test("one's own choice comes before both, but not where the system forces its colours", () => {
  const body = { dataset: { jpThemeLight: "true" } };
  assert.deepEqual([true, false, null].map((choice) => isDark(body, true, false, choice)), [true, false, false]);
  for (const system of [true, false]) {
    for (const choice of [true, false, null]) assert.equal(isDark(body, system, true, choice), system);
  }
});

const shades = { dark: { "#0072B2": ["#3D9DE0", "#FFFFFF", 0.7], "rgba(0,114,178,0.3)": ["rgba(61,157,224,0.3)", "", 0] } };
const own = { layout: { meta: { shades } } };

test("lines, marks, bands and letters get what the figure has for them on that page", () => {
  const given = [
    { line: { color: "#0072B2", width: 2 }, fillcolor: "rgba(0,114,178,0.3)", opacity: 0.4 },
    { marker: { color: "#0072B2", opacity: 0.8 } },
    { mode: "text", textfont: { color: "#0072B2", size: 9 } },
  ];
  const before = structuredClone(given);
  assert.deepEqual(forBackground(own, given, true), [
    { line: { color: "#3D9DE0", width: 2 }, fillcolor: "rgba(61,157,224,0.3)", opacity: 0.7 },
    { marker: { color: "#3D9DE0", opacity: 0.8 } },
    { mode: "text", textfont: { color: ["#FFFFFF"], size: 9 } },
  ]);
  assert.deepEqual(given, before, "the kernel's traces stay as they are");
  assert.deepEqual(forBackground(own, given.slice(0, 2), false), given.slice(0, 2));
});

test("every plot of ours brings what replaces its colours, and its traces are changed by nothing else", () => {
  for (const { figure } of cases) {
    const { shades } = figure.layout.meta;
    const colours = figure.data.flatMap(({ line, marker, textfont, fillcolor }) => [line?.color, marker?.color, textfont?.color, fillcolor].flat()).filter(Boolean);
    for (const colour of colours) assert.ok(shades.light[colour] ?? shades.dark[colour] ?? colour.startsWith("rgba"), colour);
    for (const [i, trace] of forBackground(figure, figure.data, true).entries()) assert.deepEqual([trace.x, trace.mode, trace.line?.width], [figure.data[i].x, figure.data[i].mode, figure.data[i].line?.width]);
  }
});

test("a plot of one's own may name its colours, give several or none, and have no table", () => {
  const traces = [
    { textfont: { color: ["#0072B2", "red", 3] } },
    { marker: { color: ["red", "blue"], opacity: [0.2, 0.3] } },
    { line: { color: "red" }, fillcolor: "pink", opacity: 0.4 },
    { x: [1], opacity: 0.4 },
  ];
  const [texts, ...rest] = forBackground(own, traces, true);
  assert.deepEqual(texts.textfont.color, ["#FFFFFF", "red", 3]);
  assert.deepEqual(rest, traces.slice(1));
  assert.deepEqual(forBackground({ layout: {} }, traces, true), traces);
});
