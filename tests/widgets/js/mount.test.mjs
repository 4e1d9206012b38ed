import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { greet } from "streamviz/mount.js";

const modelOf = (/** @type {string} */ view) => {
  const listeners = new Set();
  const sent = /** @type {any[]} */ ([]);
  return {
    view,
    sent,
    listeners,
    on: (_event, listener) => listeners.add(listener),
    off: (_event, listener) => listeners.delete(listener),
    send: (message) => sent.push(message),
    hear: (message) => [...listeners].forEach((listener) => listener(message)),
  };
};

test("hello is repeated, ever more slowly, until the view is answered", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const model = modelOf("a");
  greet(model, new AbortController().signal);
  assert.deepEqual(model.sent, [{ type: "hello" }]);
  const times = [];
  for (let second = 1; second <= 120; second += 1) {
    const before = model.sent.length;
    mock.timers.tick(1000);
    if (model.sent.length > before) times.push(second);
  }
  assert.deepEqual(times, [1, 3, 7, 15, 31, 61, 91]);
  for (const message of [{ type: "figures", view: "b" }, { type: "frame" }, { type: "problem" }]) model.hear(message);
  mock.timers.tick(30000);
  assert.equal(model.sent.length, 9, "another view's answer is not this one's");
  model.hear({ type: "figures", view: "a" });
  mock.timers.tick(300000);
  assert.equal(model.sent.length, 9);
  assert.equal(model.listeners.size, 0);
  mock.timers.reset();
});

test("a view that closes says hello no more, and a page without a kernel has one view", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const [closed, page] = [modelOf("a"), modelOf("b")];
  const abort = new AbortController();
  greet(closed, abort.signal);
  greet(page, new AbortController().signal);
  abort.abort();
  page.hear({ type: "metadata" });
  mock.timers.tick(300000);
  assert.equal(closed.sent.length + page.sent.length, 2);
  mock.timers.reset();
});

test("a kernel that is gone is no error", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const model = { ...modelOf("a"), send: () => { throw new Error("disposed"); } };
  greet(model, new AbortController().signal);
  mock.timers.tick(1000);
  mock.timers.reset();
});
