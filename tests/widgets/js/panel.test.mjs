import assert from "node:assert/strict";
import { test } from "node:test";

import { fromSlider, slidersOf, statusLine, toSlider } from "streamviz/panel.js";

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

test("a slider's position and its factor belong together, at every step", () => {
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

test("a scenario has a slider for its speed, each producer, and each group with one service time", () => {
  const sliders = slidersOf({ speed: 2, producers: [["orders", 0.5]], groups: [["billing", 20], ["email", null]] });
  assert.deepEqual(sliders.map(({ text, short, isFactor, value, request }) => [text, short, isFactor, value, request]), [
    ["speed", "speed", true, 2, { do: "speed" }],
    ["rate of orders", "orders", true, 0.5, { do: "rate", which: 0 }],
    ["billing takes", "billing", false, 20, { do: "service", which: "billing" }],
  ]);
});
