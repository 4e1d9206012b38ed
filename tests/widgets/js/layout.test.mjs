import assert from "node:assert/strict";
import { test } from "node:test";

import { columnsFor, mostShown, staged, wrapped } from "streamviz/layout.js";

test("on a stage everything is larger, and the figure itself stays as it was", () => {
  const data = [{ line: { width: 2 }, marker: { size: [0, 10], line: { width: 1 } } }, { marker: { size: 4 } }, {}];
  const layout = { margin: { l: 10 }, title: { text: "t" }, xaxis: { domain: [0, 1] }, font: { size: 10, color: "c" } };
  const before = structuredClone({ data, layout });
  const large = staged(data, layout, 2);
  assert.deepEqual(large.data, [{ line: { width: 4 }, marker: { size: [0, 20], line: { width: 2 } } }, { marker: { size: 8 } }, {}]);
  assert.deepEqual(large.layout.margin, { l: 20 });
  const beside = staged([], { ...layout, annotations: [{ text: "seconds", x: 1, xshift: 16 }] }, 2).layout;
  assert.equal(beside.annotations[0].xshift, 32, "as far from the last number as its letters are large");
  assert.equal(large.layout.font.size, 20);
  assert.equal(large.layout.font.color, "c");
  assert.deepEqual(large.layout.xaxis.domain, [0, 1]);
  assert.deepEqual({ data, layout }, before);
  assert.equal(staged(data, layout, 1).data, data);
});

test("on a stage a legend that does not fit beside the title gets rows below it, or is left out", () => {
  const data = ["acked", "delivered", "added"].map((name) => ({ name }));
  const layout = { margin: { l: 60, r: 16, t: 44, b: 44 }, title: { text: "Ack progress" }, legend: { x: 1 } };
  const at = (wide, high) => staged(data, layout, 1.5, { wide, high }).layout;
  assert.deepEqual(at(1200, 500).legend, { x: 1 }, "beside it");
  const [below, two] = [at(560, 260), at(380, 320)];
  for (const one of [below, two]) assert.deepEqual(one.legend, { x: 0, xanchor: "left", tracegroupgap: 0 });
  assert.ok(two.margin.t > below.margin.t && below.margin.t > at(1200, 260).margin.t);
  assert.equal(at(380, 120).showlegend, false);
});

test("on a stage an axis has as many numbers, and as long a title, as it has room for", () => {
  const layout = { margin: {}, xaxis: { domain: [0, 0.3], title: { text: "seconds, as the entry IDs have it" } }, yaxis: { title: { text: "seconds since it was added" } } };
  const { xaxis, yaxis } = staged([], layout, 1.5, { wide: 1000, high: 250 }).layout;
  assert.ok(xaxis.nticks >= 2 && xaxis.nticks < 5);
  assert.equal(xaxis.title.text, "seconds, as the<br>entry IDs have it");
  assert.equal(yaxis.title.text, "seconds since<br>it was added");
  assert.ok(staged([], layout, 1.5, { wide: 1000, high: 100 }).layout.yaxis.title.font.size < 20);
  assert.deepEqual([wrapped("a b", 3), wrapped("a bc", 3), wrapped("abcd", 3)], ["a b", "a<br>bc", "abcd"]);
});

test("plots lie in columns that give each a good shape, and few gaps", () => {
  const page = [1, 2, 4, 5, 6, 9].map((many) => columnsFor(many, 1240, 540));
  assert.deepEqual(page, [1, 2, 2, 3, 3, 3]);
  assert.equal(columnsFor(3, 1170, 240), 3);
  assert.equal(columnsFor(2, 400, 800), 1);
  assert.equal(columnsFor(3, 0, 0), 1, "before it is laid out");
});

test("an axis that counts a few has whole numbers; one with parts, or with many, has plotly's own", () => {
  const up = { rangemode: "tozero" };
  const layout = { xaxis: {}, yaxis: up, yaxis2: { ...up, nticks: 4 }, yaxis3: { tickvals: [0] }, yaxis4: { ...up, domain: [0, 0.3] } };
  const steps = (ys, box = { wide: 900, high: 400 }, axis = "y") => {
    const data = [{ mode: "lines", x: [0, 0.25], y: ys, yaxis: axis }, { mode: "text", x: [0.25], y: [1.06 * Math.max(...ys)], yaxis: axis }];
    const shown = staged(data, layout, 1, box).layout;
    assert.equal(shown.xaxis.dtick, undefined, "seconds have parts");
    return shown[`yaxis${axis.slice(1)}`].dtick;
  };
  assert.deepEqual([[0, 1], [0, 2], [null, 4], [0, 0]].map((ys) => steps(ys)), [1, 1, 1, 1]);
  assert.deepEqual([[0, 1.5], [0, 6], [0, 40], [0.5, null]].map((ys) => steps(ys)), [undefined, undefined, undefined, undefined]);
  assert.equal(steps([0, 4], { wide: 900, high: 100 }), undefined, "there is no room for five numbers, and plotly's step is 2");
  assert.equal(steps([100, 101]), undefined, "the axis begins at zero");
  assert.deepEqual([steps([0, 1], undefined, "y2"), steps([0, 3], undefined, "y2"), steps([0, 1], undefined, "y3")], [1, undefined, undefined]);
  assert.equal(steps([0, 2], undefined, "y4"), 1);
  assert.deepEqual(layout.yaxis, up, "the figure's layout stays as it was");
});

test("axes that match count together", () => {
  const layout = { xaxis: {}, yaxis: {}, xaxis2: {}, yaxis2: { matches: "y" } };
  const steps = (other) => {
    const shown = staged([{ x: [0], y: [1] }, { x: [0], y: [other], xaxis: "x2", yaxis: "y2" }], layout, 1, { wide: 900, high: 400 }).layout;
    return [shown.yaxis.dtick, shown.yaxis2.dtick];
  };
  assert.deepEqual(steps(2), [1, 1]);
  assert.deepEqual(steps(2.5), [undefined, undefined]);
});

test("an axis needs no numbers in the room for words above its values, or beside them", () => {
  const layout = { xaxis: {}, yaxis: {}, xaxis2: { matches: "x" }, yaxis2: { matches: "y" }, yaxis3: { tickvals: [0] } };
  const data = [
    { x: [0, 50], y: [3, 40] },
    { x: [10, 100], y: [1, 60], xaxis: "x2", yaxis: "y2" },
    { x: [100], y: [90], mode: "text" },
    { x: [104], y: [60], meta: "aside" },
    { x: [1], y: [7], yaxis: "y3" },
  ];
  assert.deepEqual(mostShown(data, layout), { x: 102, y: 66, x2: 102, y2: 66 });
  assert.deepEqual(mostShown([{ x: [1], y: [0] }], { xaxis: {}, yaxis: {} }), { x: 1 }, "an axis of zeros keeps its numbers");
  assert.deepEqual(mostShown([...data, { type: "bar", x: [1], y: [5] }], layout), {}, "bars may be stacked");
});

test("only a narrow picture has shorter words", () => {
  const layout = { meta: { shorter: { " acknowledged": " acked" } } };
  const data = [{ text: ["5 acknowledged", ""] }, { x: [1] }];
  const at = (/** @type {number} */ wide, /** @type {number} */ scale) => staged(data, layout, scale, { wide, high: 300 }).data[0].text[0];
  assert.deepEqual([at(400, 1), at(720, 1), at(720, 1.5), at(0, 1)], ["5 acked", "5 acknowledged", "5 acked", "5 acknowledged"]);
  assert.equal(data[0].text[0], "5 acknowledged", "the figure stays as it was");
});
