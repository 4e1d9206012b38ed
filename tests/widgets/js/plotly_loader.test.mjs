import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { loadPlotly, providePlotly, unpacked } from "streamviz/plotly_loader.js";

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

test("plotly.js is fetched once per page", async () => {
  forget();
  const { signal } = new AbortController();
  const [one, other] = [modelOf("module.exports = { by: 1 }"), modelOf("module.exports = { by: 2 }")];
  const both = await Promise.all([loadPlotly(one, signal), loadPlotly(other, signal)]);
  assert.deepEqual(both, [{ by: 1 }, { by: 1 }]);
  assert.equal(both[0], await loadPlotly(other, signal));
  assert.equal(one.ears.size + other.ears.size, 0);
});

test("if the widget that asked for plotly.js goes before it comes, the next one asks", async () => {
  forget();
  const [goes, stays] = [new AbortController(), new AbortController()];
  const silent = modelOf("");
  const first = loadPlotly(silent, goes.signal);
  const next = loadPlotly(modelOf("module.exports = { by: 2 }"), stays.signal);
  goes.abort();
  await assert.rejects(first, /gone/);
  assert.deepEqual(await next, { by: 2 });
  assert.equal(silent.ears.size, 0);
});

test("if plotly.js cannot be had, the next widget asks again", async () => {
  forget();
  const goes = new AbortController();
  const failed = loadPlotly(modelOf(""), goes.signal);
  goes.abort();
  await assert.rejects(failed, /gone/);
  assert.deepEqual(await loadPlotly(modelOf("module.exports = { by: 3 }"), new AbortController().signal), { by: 3 });
});

test("a page may bring its own plotly.js", async () => {
  forget();
  providePlotly(Promise.resolve({ by: "the page" }));
  assert.deepEqual(await loadPlotly(modelOf("module.exports = { by: 4 }"), new AbortController().signal), { by: "the page" });
});

test("what was packed is unpacked", async () => {
  assert.deepEqual(await unpacked(gzipSync('{"a": [1, "ü"]}')), { a: [1, "ü"] });
});
