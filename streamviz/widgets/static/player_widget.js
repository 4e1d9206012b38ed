// @ts-check
// The player in a notebook: the kernel sends its segments, and actions such as play and pause.

import { make } from "./dom.js";
import { kernelSource } from "./kernel_source.js";
import { listen, widget } from "./mount.js";
import { Player } from "./player.js";
import { loadPlotly } from "./plotly_loader.js";

/** @param {any} model @param {AbortSignal} signal */
function build(model, signal) {
  const root = make("div", "replay");
  let player = null;
  /** @type {ReturnType<typeof kernelSource> | null} */
  let source = null;
  const actions = []; // that came before the metadata
  const act = (/** @type {any} */ { action, args }) => player[action]?.(...args);
  const start = (/** @type {any} */ metadata, /** @type {any} */ options) => {
    source = kernelSource(model, metadata);
    player = new Player(metadata, source, options, signal);
    root.append(player.root);
    actions.splice(0).forEach(act);
    loadPlotly(model, signal).then(player.ready, (error) => player.problem(String(error)));
  };
  const keep = (/** @type {any} */ packed, /** @type {any} */ message) => {
    source?.receive(message, packed);
    player?.schedule();
  };
  listen(model, signal, {
    metadata: (metadata, { options }) => player || start(metadata, options),
    segment: keep,
    preview: keep,
    action: (_, message) => void (player ? act(message) : actions.push(message)),
    timeline: (content) => player?.timeline.show(content),
    problem: ({ text }) => player?.problem(text),
  });
  signal.addEventListener("abort", () => root.remove());
  return root;
}

export default widget(build);
