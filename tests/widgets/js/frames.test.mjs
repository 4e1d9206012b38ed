import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { film } from "./frames.mjs";

const { advance, begun, clock, columnsFor, copied, eventFrom, figuresAt, frameAt, holds, nearest, openReel, saidAt, staged, thinned, unpacked, wrapped } = film;
const cases = JSON.parse(readFileSync(process.env.STREAMVIZ_FIXTURE, "utf8"));
const shot = ({ figure, steps }) => structuredClone({
  first: 100,
  figures: [figure],
  deltas: steps.map(({ delta }) => [delta]),
});
const truth = ({ figure, steps }, frame) => (frame === 100 ? figure : steps[frame - 101].expected);

test("there are films to play", () => {
  assert.ok(cases.length > 5);
  assert.ok(cases.some(({ steps }) => steps.length > 50), "one is longer than what is kept");
});

for (const one of cases) {
  test(`every frame is right, in whatever order it is asked for: ${one.name}`, () => {
    const many = one.steps.length;
    const reel = openReel(shot(one));
    const forward = [...Array(many + 1).keys()];
    const jumps = forward.map((i) => (i * 37) % (many + 1));
    let shown = 0;
    for (const place of [...forward, ...forward.toReversed(), ...jumps]) {
      assert.deepEqual(figuresAt(reel, 100 + place)[0], truth(one, 100 + place), `frame ${place}`);
      shown += 1;
    }
    assert.ok(shown > 10);
    assert.deepEqual(openReel(shot(one)).deltas, reel.deltas, "the film itself stays as it was");
  });
}

test("a reel holds its first frame and one for each delta", () => {
  const reel = openReel({ first: 5, figures: [], deltas: [[], []] });
  assert.deepEqual([4, 5, 7, 8].map((frame) => holds(reel, frame)), [false, true, true, false]);
});

test("a long film keeps some figures whole, not all too many, and every frame is right", () => {
  const figure = { data: [{ x: [0], y: [0] }], layout: {}, n: 0, summary: "" };
  const deltas = Array.from({ length: 9000 }, (_, i) => [{ n: i + 1, summary: "", x: [i + 1], y: [[i % 7]], points: {}, keep: [100], set: {} }]);
  const reel = openReel({ first: 0, figures: [figure], deltas });
  for (const frame of [9000, 4321, 17, 8999]) {
    const [{ data }] = figuresAt(reel, frame);
    assert.deepEqual([data[0].x.at(-1), data[0].x.length], [frame, Math.min(100, frame + 1)]);
  }
  assert.ok(reel.kept.size > 40 && reel.kept.size < 100, String(reel.kept.size));
});

test("a copy has points of its own", () => {
  const figure = { data: [{ x: [1], y: [2], name: "a" }], layout: {}, n: 1, summary: "" };
  copied(figure).data[0].x.push(9);
  assert.deepEqual(figure.data[0].x, [1]);
});

test("frameAt finds the last frame at or before a time, at every edge", () => {
  const times = [0, 0.1, 0.1, 0.5];
  assert.deepEqual([-1, 0, 0.05, 0.1, 0.4, 0.5, 9].map((t) => frameAt(times, t)), [0, 0, 0, 2, 2, 3, 3]);
  assert.equal(frameAt([7], 0), 0);
});

test("time advances, skips a silence, ends, and begins again in a loop", () => {
  const times = [0, 0.1, 0.2, 60, 60.1];
  assert.deepEqual(advance(times, 0, 0.05, false), { time: 0.05, over: false });
  assert.deepEqual(advance(times, 0.2, 0.05, false), { time: 60, over: false });
  assert.deepEqual(advance(times, 60, 5, false), { time: 60.1, over: true });
  assert.deepEqual(advance(times, 60.1, 0.1, false), { time: 60.1, over: true });
  assert.deepEqual(advance(times, 60, 5, true), { time: 60.1, over: false }, "the end is seen");
  assert.deepEqual(advance(times, 60.1, 0.1, true), { time: 0, over: false });
  assert.deepEqual(advance([3], 3, 1, false), { time: 3, over: true });
});

test("the next event is of its kind, and never the one of now", () => {
  const events = [[3, "crash", "a"], [5, "claim", "b"], [9, "crash", "c"]];
  const from = (...given) => eventFrom(events, ...given);
  assert.deepEqual([from(0, "", 1), from(3, "", 1), from(3, "crash", 1), from(9, "", 1)], [3, 5, 9, null]);
  assert.deepEqual([from(9, "", -1), from(9, "crash", -1), from(3, "", -1)], [5, 3, null]);
  assert.equal(from(0, "trim", 1), null);
  assert.equal(eventFrom([], 0, "", 1), null);
});

test("a caption is read until the next one, an event for three seconds", () => {
  const card = {
    times: [0, 1, 2, 3, 4, 5, 6],
    events: [[1, "crash", "<b>dies</b>"], [2, "back", "is back"], [2, "note", "third"]],
    captions: [[0, "first"], [2.5, "second"], [5, ""]],
  };
  assert.deepEqual(saidAt(card, 0), { caption: "first", event: "" });
  assert.deepEqual(saidAt(card, 1.5), { caption: "first", event: "<b>dies</b>" });
  assert.deepEqual(saidAt(card, 2.5), { caption: "second", event: "is back · third" }, "the newest two");
  assert.deepEqual(saidAt(card, 5), { caption: "", event: "" });
  assert.deepEqual(saidAt({ ...card, captions: [], events: [] }, 3), { caption: "", event: "" });
});

test("the clock counts minutes and hours, and never shows 60 seconds", () => {
  assert.deepEqual([0, 9.96, 59.99, 60, 3599.9, 3661.25].map(clock), [
    "0:00.0", "0:09.9", "0:59.9", "1:00.0", "59:59.9", "1:01:01.2",
  ]);
});

test("on a stage all is larger, and the film's own figure stays as it was", () => {
  const data = [{ line: { width: 2 }, marker: { size: [0, 10], line: { width: 1 } } }, { marker: { size: 4 } }, {}];
  const layout = { margin: { l: 10 }, title: { text: "t" }, xaxis: { domain: [0, 1] }, font: { size: 10, color: "c" } };
  const before = structuredClone({ data, layout });
  const large = staged(data, layout, 2);
  assert.deepEqual(large.data, [{ line: { width: 4 }, marker: { size: [0, 20], line: { width: 2 } } }, { marker: { size: 8 } }, {}]);
  assert.deepEqual(large.layout.margin, { l: 20 });
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

test("plots lie in columns that leave each the shape of a picture, and few gaps", () => {
  const page = [1, 2, 4, 5, 6, 9].map((many) => columnsFor(many, 1240, 540));
  assert.deepEqual(page, [1, 2, 2, 3, 3, 3]);
  assert.equal(columnsFor(3, 1170, 240), 3);
  assert.equal(columnsFor(2, 400, 800), 1);
  assert.equal(columnsFor(3, 0, 0), 1, "before it is laid out");
});

test("the first look is drawn from zero, and later the axis is plotly's", () => {
  const layout = { xaxis: {}, xaxis2: { matches: "x" }, xaxis3: { range: [3, 4] }, yaxis: {} };
  const ranges = (data) => {
    const { xaxis, xaxis2, xaxis3 } = begun(data, layout);
    return [xaxis.range, xaxis2.range, xaxis3.range];
  };
  assert.deepEqual(ranges([]), [[0, 1], [0, 1], [3, 4]]);
  assert.deepEqual(ranges([{ x: [6] }, { x: [6, null], xaxis: "x2" }, {}]), [[6, 7], [6, 7], [3, 4]]);
  assert.deepEqual(ranges([{ x: [6] }, { x: [7], xaxis: "x2" }]), [undefined, undefined, [3, 4]]);
  assert.deepEqual(layout.xaxis, {}, "the film's layout stays as it was");
});

test("what was packed is unpacked", async () => {
  assert.deepEqual(await unpacked(gzipSync('{"a": [1, "ü"]}')), { a: [1, "ü"] });
});

test("a thinned line keeps its ends, its extremes and its gaps", () => {
  const y = Array.from({ length: 5000 }, (_, i) => Math.sin(i / 9) * 10);
  y[777] = 99;
  y[2222] = -99;
  y[3333] = null;
  const trace = { mode: "lines", x: y.map((_, i) => i), y, name: "a" };
  const [thin] = thinned([trace], 400);
  assert.ok(thin.y.length <= 420 && thin.y.length > 300, String(thin.y.length));
  assert.equal(thin.x.length, thin.y.length);
  assert.deepEqual([thin.x[0], thin.x.at(-1)], [0, 4999]);
  for (const value of [99, -99, null]) assert.ok(thin.y.includes(value), String(value));
  thin.x.forEach((place, i) => assert.equal(thin.y[i], y[place]));
  assert.ok(thin.x.every((place, i) => !i || place > thin.x[i - 1]), "in order, none twice");
  assert.equal(trace.y.length, 5000);
});

test("thinned marks keep the newest and their texts, and what is short stays as it is", () => {
  const marks = { mode: "markers", x: [...Array(1000).keys()], y: Array(1000).fill(0), text: [...Array(1000).keys()].map(String) };
  const short = { mode: "lines", x: [1], y: [2] };
  const [thin, same, none] = thinned([marks, short, {}], 100);
  assert.equal(thin.x.length, 100);
  assert.equal(thin.x.at(-1), 999);
  assert.deepEqual(thin.text, thin.x.map(String));
  assert.equal(same, short);
  assert.deepEqual(none, {});
  const [gap] = thinned([{ mode: "lines", x: [...Array(900).keys()], y: Array(900).fill(null) }], 40);
  assert.ok(gap.y.every((value) => value === null));
});

test("the nearest place that is wanted is found, forward first", () => {
  const missing = new Set([0, 3, 5]);
  const wanted = (place) => missing.has(place);
  assert.deepEqual([4, 1, 5, 9].map((at) => nearest(at, 6, wanted)), [5, 0, 5, 5]);
  assert.equal(nearest(2, 6, () => false), null);
  assert.equal(nearest(0, 0, () => true), null);
});
