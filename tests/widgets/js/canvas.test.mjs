import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { corners, drawOnCanvas, isWhole, placed, plain, ranges, ticks, winding } from "streamviz/canvas.js";

const area = { left: 10, top: 20, wide: 100, high: 50 };
const box = { wide: 120, high: 120 };
const measureText = (text) => ({ width: 7 * text.length });

test("a range is around what is on its axis, from zero where it must be", () => {
  const data = [{ x: [5, 10], y: [3, null, 7] }, { x: [2], y: [0.5], yaxis: "y2" }];
  const layout = { xaxis: {}, yaxis: { rangemode: "tozero" }, yaxis2: { range: [0, 1] } };
  const { x, y, y2 } = ranges(data, layout);
  assert.equal(x.low, 2);
  assert.ok(x.high >= 10 && x.high < 10.1);
  assert.equal(y.low, 0);
  assert.ok(y.high > 7 && y.high < 8);
  assert.deepEqual(y2, { low: 0, high: 1 });
});

test("axes that match share the range of all that is on them", () => {
  const data = [{ x: [0, 1], y: [0, 4] }, { x: [0, 9], y: [0, 2], xaxis: "x2", yaxis: "y2" }];
  const layout = { xaxis: {}, yaxis: {}, xaxis2: { matches: "x" }, yaxis2: { matches: "y" } };
  const found = ranges(data, layout);
  assert.deepEqual(found.x2, found.x);
  assert.deepEqual(found.y2, found.y);
  assert.ok(found.x.high >= 9 && found.y.high >= 4);
});

test("nothing to show has a range, too", () => {
  for (const y of [[], [null], [7]]) {
    const { x, y: up } = ranges([{ x: y.map(() => 1), y }], { xaxis: {}, yaxis: {} });
    for (const { low, high } of [x, up]) assert.ok(Number.isFinite(low) && high > low, JSON.stringify(y));
  }
});

test("ticks are round numbers inside the range", () => {
  assert.deepEqual(ticks({ low: 0, high: 10 }, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks({ low: 0.31, high: 0.79 }, 4), [0.4, 0.6]);
  assert.deepEqual(ticks({ low: 3, high: 3 }, 4), [3]);
  assert.deepEqual(ticks({ low: -2.5, high: 2.5 }, 3), [-2, 0, 2]);
  for (const high of [1e-9, 7, 1e15]) assert.ok(ticks({ low: 0, high }, 6).length <= 12);
});

test("ticks are not closer together than the least step", () => {
  assert.deepEqual(ticks({ low: 0, high: 2.1 }, 5), [0, 0.5, 1, 1.5, 2]);
  assert.deepEqual(ticks({ low: 0, high: 2.1 }, 5, 1), [0, 1, 2]);
  assert.deepEqual(ticks({ low: 0, high: 40 }, 5, 1), [0, 10, 20, 30, 40]);
});

test("points lie where the axes say, and gaps stay gaps", () => {
  const at = placed({ x: [0, 5, 10], y: [0, null, 4] }, { low: 0, high: 10 }, { low: 0, high: 4 }, area);
  assert.deepEqual(at, [[10, 70], null, [110, 20]]);
  assert.deepEqual(placed({}, { low: 0, high: 1 }, { low: 0, high: 1 }, area), []);
});

test("a line with steps goes across, then up, and breaks at a gap", () => {
  assert.deepEqual(corners([[0, 0], [1, 5], null, [3, 1]], true), [[[0, 0], [1, 0], [1, 5]], [[3, 1]]]);
  assert.deepEqual(corners([[0, 0], [1, 5]], false), [[[0, 0], [1, 5]]]);
  assert.deepEqual(corners([null, null], true), []);
});

test("a drawing on a canvas has lines, bands, dots and grids, and leaves hidden axes out", () => {
  const calls = [];
  const ink = new Proxy({}, {
    get: (target, key) => target[key] ?? ((...given) => calls.push([key, ...given])),
    set: (target, key, value) => Reflect.set(target, key, value),
  });
  const line = { color: "#000", width: 2, shape: "hv", dash: "dash" };
  const data = [
    { mode: "lines", line, fill: "tozeroy", fillcolor: "#111", x: [0, 1, 2], y: [1, 2, 3] },
    { mode: "lines", line, fill: "toself", fillcolor: "#222", x: [0, 1, 2], y: [2, 3, 4] },
    { mode: "markers", marker: { color: "#333", size: [0, 9], symbol: "circle-open" }, yaxis: "y2", x: [0, 1], y: [0.5, 0.5] },
  ];
  const layout = { xaxis: {}, yaxis: { tickvals: [1, 2], ticktext: ["one", "two"] }, yaxis2: { range: [0, 1], visible: false } };
  drawOnCanvas(ink, data, layout, () => ({ from: 0, long: 100 }), box);
  const count = (name) => calls.filter(([key]) => key === name).length;
  assert.equal(count("fill"), 2);
  assert.equal(count("arc"), 1);
  const words = calls.filter(([key]) => key === "fillText").map(([, text]) => text);
  assert.ok(words.includes("one") && words.includes("two"));
  assert.equal(words.filter((text) => text === "0.5").length <= 1, true, "the hidden axis has no numbers");
  assert.ok(calls.flat().every((value) => typeof value !== "number" || Number.isFinite(value)));
});

test("a line that goes up and down all the way is drawn without its dashes", () => {
  const calm = Array.from({ length: 400 }, (_, i) => [i, 20]);
  const wild = calm.map(([x], i) => [x, i % 2 ? 0 : 50]);
  assert.equal(winding([calm], area), false);
  assert.equal(winding([wild], area), true);
  assert.equal(winding([], area), false);
  const set = [];
  const ink = new Proxy({}, {
    get: (target, key) => target[key] ?? ((...given) => key === "setLineDash" && set.push(given[0])),
    set: (target, key, value) => Reflect.set(target, key, value),
  });
  const drawn = (points) => {
    set.length = 0;
    const data = [{ mode: "lines", line: { color: "#000", dash: "dash" }, x: points.map(([x]) => x), y: points.map(([, y]) => y) }];
    drawOnCanvas(ink, data, { xaxis: {}, yaxis: {} }, () => ({ from: 0, long: 100 }), box);
    return set.some((dash) => dash.length > 0);
  };
  assert.deepEqual([drawn(calm), drawn(wild)], [true, false]);
});

test("a narrow plot is drawn from fewer points than a wide one", () => {
  const many = [...Array(4000).keys()];
  const trace = { mode: "lines", x: many, y: many.map((x) => Math.sin(x)), line: { color: "#000" } };
  const drawn = (long) => {
    let moves = 0;
    const ink = new Proxy({}, {
      get: (target, key) => target[key] ?? (() => (moves += key === "lineTo")),
      set: (target, key, value) => Reflect.set(target, key, value),
    });
    drawOnCanvas(ink, [trace], { xaxis: {}, yaxis: {} }, (axis) => ({ from: 0, long: axis === "x" ? long : 300 }), box);
    return moves;
  };
  assert.ok(drawn(1200) > 200);
  assert.ok(drawn(200) < drawn(1200) / 3);
});

test("while one drags, too, words have a rim and no axis has numbers above its values", () => {
  const [filled, rims] = [[], []];
  const ink = new Proxy({ measureText }, { get: (target, key) => target[key] ?? ((/** @type {any} */ text) => void (key === "fillText" ? filled.push(text) : key === "strokeText" && rims.push(`${text} ${target.strokeStyle}`))), set: (target, key, value) => Object.assign(target, { [key]: value }) && true });
  const data = [
    { mode: "lines", x: [0, 1], y: [0, 58], line: { color: "#000" } },
    { mode: "text", x: [1], y: [84], text: ["ann killed"] },
  ];
  drawOnCanvas(ink, data, { xaxis: {}, yaxis: { rangemode: "tozero", dtick: 20 } }, () => ({ from: 0, long: 400 }), { wide: 500, high: 400 }, "#fff");
  assert.ok(filled.includes("60") && !filled.includes("80"), String(filled));
  assert.deepEqual(rims, ["ann killed #fff"]);
});

test("words on the canvas are those that plotly shows, and none lies over another one", () => {
  assert.equal(plain("&lt;b&gt; &amp;amp; &#36;&#37;{x} &nbsp; a&b"), "<b> &amp; $%{x} &nbsp; a&b");
  const drawn = [];
  const keep = { measureText, fillText: (/** @type {any[]} */ ...given) => drawn.push(given) };
  const ink = new Proxy({}, { get: (target, key) => keep[key] ?? target[key] ?? (() => {}), set: (target, key, value) => Reflect.set(target, key, value) });
  const ends = { mode: "text", textposition: ["middle right", "middle right", "middle left", "middle right"], x: [5, 5, 5, 5], y: [5, 5, 5, 5], text: ["&lt;b&gt; 1", "email 2", "killed", "x".repeat(99)] };
  const axis = { range: [0, 10], tickvals: [1], ticktext: ["a&lt;"] };
  drawOnCanvas(ink, [ends], { xaxis: axis, yaxis: axis }, () => ({ from: 0, long: 200 }), { wide: 300, high: 200 });
  assert.deepEqual(drawn.slice(0, 2).map(([text]) => text), ["a<", "a<"]);
  const [[one, x, y], [two, , lower], [three, left], ...rest] = drawn.slice(2);
  assert.deepEqual([one, two, three, rest], ["<b> 1", "email 2", "killed", []], "what has no room is left out");
  assert.ok(x > 100 && x < 110 && y === 100 && left === 100 - 4 - 42, String(drawn));
  assert.ok(Math.abs(lower - y) > 13 && Math.abs(lower - y) < 40, String(lower));
});

test("the canvas draws every plot of ours, and leaves to plotly what one's own plot does not say", () => {
  for (const { name, figure } of JSON.parse(readFileSync(process.env.STREAMVIZ_FIXTURE, "utf8"))) {
    assert.ok(figure.layout.meta.flow || isWhole(figure.data, figure.layout), name);
  }
  const axes = { xaxis: {}, yaxis: {} };
  const line = { mode: "lines", line: { color: "#000" } };
  assert.ok(isWhole([line], axes));
  assert.ok(!isWhole([line], {}));
  for (const own of [{}, { mode: "lines" }, { mode: "markers", marker: { color: ["red"] } }, { type: "bar" }, { ...line, yaxis: "y2" }]) assert.ok(!isWhole([line, own], axes));
});
