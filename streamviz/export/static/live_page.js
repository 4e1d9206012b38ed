// @ts-check
// A live dashboard without a notebook: its messages come from a small web server.

import { printsAsInWindow, wholeHeight } from "streamviz/dom.js";
import { build } from "streamviz/live.js";
import { mount } from "streamviz/mount.js";
import { providePlotly } from "streamviz/plotly_loader.js";

const state = /** @type {HTMLElement} */ (document.getElementById("state"));
const placeholder = /** @type {HTMLElement} */ (document.querySelector("[data-streamviz]"));
const query = location.search;
/** @typedef {(content: any, buffers: any[]) => void} Listener */
/** @type {Set<Listener>} */
const listeners = new Set();
let name = "";

const showState = (/** @type {string} */ text) => Object.assign(state, { textContent: text, hidden: !text });
const showLost = () => showState("Lost the server; trying again");

/** What a widget's model does, without a kernel. */
const model = {
  get: () => placeholder.dataset.streamviz,
  scale: () => Math.max(1, Math.min(innerWidth / 1120, innerHeight / 630)), // as the page's style has it
  on: (/** @type {string} */ event, /** @type {Listener} */ listener) => event === "msg:custom" && listeners.add(listener),
  off: (/** @type {string} */ _event, /** @type {Listener} */ listener) => listeners.delete(listener),
  send(/** @type {any} */ content) {
    if (name) fetch(`say/${name}${query}`, { method: "POST", body: JSON.stringify(content) }).catch(showLost);
  },
};

providePlotly(Promise.resolve(/** @type {any} */ (globalThis).Plotly)); // an earlier script of this page has brought it
printsAsInWindow(wholeHeight);
mount(model, new AbortController().signal, build);
const events = new EventSource(`events${query}`);
events.addEventListener("you", ({ data }) => {
  name = data;
  showState("");
  model.send({ type: "hello" });
});
for (const type of ["figures", "frame", "timeline", "problem"]) {
  events.addEventListener(type, ({ data }) => {
    for (const listener of listeners) listener({ type }, [data]);
  });
}
events.addEventListener("error", () => {
  name = "";
  showLost();
});
