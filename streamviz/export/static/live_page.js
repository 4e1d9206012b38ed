// @ts-check
// A live board without a notebook: its messages come from a small web server.

import { settle } from "../../widgets/static/live.js";

const state = /** @type {HTMLElement} */ (document.getElementById("state"));
const query = location.search;
/** @type {Set<(content: any, buffers: any[]) => void>} */
const listeners = new Set();
let name = "";

/** What a widget's model is to `live.js`. */
const model = {
  get: () => "live-page",
  /** @param {string} event @param {(content: any, buffers: any[]) => void} listener */
  on: (event, listener) => event === "msg:custom" && listeners.add(listener),
  /** @param {string} _event @param {(content: any, buffers: any[]) => void} listener */
  off: (_event, listener) => listeners.delete(listener),
  /** @param {any} content */
  send(content) {
    if (!name) return;
    const body = JSON.stringify(content);
    fetch(`say/${name}${query}`, { method: "POST", body }).catch(() => tell("Lost the server; trying again"));
  },
};
const tell = (/** @type {string} */ text) => {
  state.textContent = text;
  state.hidden = !text;
};

/** plotly.js, which another script of this page brings. */
const plotlyHere = () =>
  new Promise((resolve) => {
    const look = () => {
      const found = /** @type {any} */ (globalThis).Plotly;
      found ? resolve(found) : setTimeout(look, 50);
    };
    look();
  });
/** @type {any} */ (globalThis)[Symbol.for("streamviz.plotly")] = plotlyHere();

settle(model, new AbortController().signal);
const events = new EventSource(`events${query}`);
events.addEventListener("you", ({ data }) => {
  name = data;
  tell("");
  model.send({ type: "hello" });
});
for (const type of ["figures", "frame", "story", "problem"]) {
  events.addEventListener(type, ({ data }) => {
    for (const listener of listeners) listener({ type }, [new TextEncoder().encode(data)]);
  });
}
events.addEventListener("error", () => {
  name = "";
  tell("Lost the server; trying again");
});
