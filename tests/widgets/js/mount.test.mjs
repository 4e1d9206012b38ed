import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { gzipSync } from "node:zlib";

import { greet, listen } from "streamviz/mount.js";

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
    hear: (message, ...buffers) => [...listeners].forEach((listener) => listener(message, buffers)),
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

test("messages are handled in their order, however long it takes to unpack them", async () => {
  const model = modelOf("a");
  const abort = new AbortController();
  /** @type {any[]} */
  const heard = [];
  const packed = (/** @type {any} */ value) => gzipSync(JSON.stringify(value));
  const done = new Promise((resolve) => {
    listen(model, abort.signal, {
      figures: (content) => heard.push(content.length),
      frame: (content, { n }) => heard.push([content, n]),
      action: (content, { type }) => heard.push(content, type),
      timeline: resolve,
    });
  });
  model.hear({ type: "figures" }, packed("x".repeat(5e6)));
  model.hear({ type: "frame", n: 1 }, packed("small"));
  model.hear({ type: "frame", n: 2, view: "b" }, packed("of another view"));
  model.hear({ type: "plotly" }, Buffer.from("no JSON, and not for a handler"));
  model.hear({ type: "action" });
  model.hear({ type: "frame", n: 3 }, '"a page without a kernel gets text"');
  model.hear({ type: "timeline" });
  await done;
  assert.deepEqual(heard, [5e6, ["small", 1], null, "action", ["a page without a kernel gets text", 3]]);
  model.hear({ type: "frame", n: 4 }, packed("unpacked after the end"));
  abort.abort();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(heard.length, 5);
  assert.equal(model.listeners.size, 0);
});
