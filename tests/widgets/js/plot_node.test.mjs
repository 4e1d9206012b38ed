import assert from "node:assert/strict";
import { test } from "node:test";

import { styled } from "streamviz/plot_node.js";

const box = { wide: 0, high: 0 };
const figure = {
  data: [{ mode: "lines", x: [...Array(5000).keys()], y: Array.from({ length: 5000 }, (_, i) => Math.sin(i)), line: { color: "#0072B2", width: 2 } }],
  layout: { xaxis: {}, yaxis: {}, title: { text: "t" }, margin: {} },
  n: 1,
  summary: "",
};

test("a figure is thinned to about as many points as are wanted, and stays as it was", () => {
  const before = structuredClone(figure);
  const points = (most) => styled(figure, { dark: false, chosen: "", scale: 1, coarse: false, most, box }).data[0].x.length;
  assert.ok(points(400) <= 420 && points(1500) > 1000 && points(1500) <= 1600);
  assert.equal(points(Infinity), 5000);
  assert.deepEqual(figure, before);
});

test("a figure is scaled, themed, and has a ring around the chosen entry", () => {
  const marks = { ...figure, data: [{ mode: "markers", x: [1], y: [2], text: ["5-0"], customdata: ["5-0"], marker: { size: 4, color: "#000000" } }] };
  const { data, layout } = styled(marks, { dark: true, chosen: "5-0", scale: 2, coarse: false, most: 1500, box });
  assert.equal(data[0].marker.size, 8);
  assert.equal(data[1].marker.symbol, "circle-open");
  assert.equal(layout.font.color, "#cccccc");
});
