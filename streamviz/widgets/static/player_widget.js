// @ts-check
// The player in a notebook: the kernel sends its segments, and actions such as play and pause.

import { make } from "./dom.js";
import { kernelSource } from "./kernel_source.js";
import { received, widget } from "./mount.js";
import { Player } from "./player.js";
import { loadPlotly, unpacked } from "./plotly_loader.js";

/** @param {any} model @param {AbortSignal} signal */
function build(model, signal) {
  const root = make("div", "replay");
  /** @type {any} */
  let player = null;
  /** @type {ReturnType<typeof kernelSource> | null} */
  let source = null;
  /** @type {any[]} */
  const actions = []; // that came before the metadata was unpacked
  const act = (/** @type {any} */ { action, args }) => player[action]?.(...args);
  const start = (/** @type {any} */ metadata, /** @type {any} */ options) => {
    source = kernelSource(model, metadata);
    player = new Player(metadata, source, options, signal);
    root.append(player.root);
    actions.splice(0).forEach(act);
    loadPlotly(model, signal).then(player.ready, (error) => player.problem(String(error)));
  };
  const receive = async (/** @type {any} */ content, /** @type {any[]} */ buffers) => {
    const { type } = content;
    if (type === "problem") player?.problem(received(buffers).text);
    if (type === "story") player?.story.show(received(buffers));
    if (type === "action") player ? act(content) : actions.push(content);
    if (!["metadata", "segment", "preview"].includes(type)) return;
    const packed = await unpacked(buffers[0]);
    if (signal.aborted) return;
    if (type === "metadata") {
      if (!player) start(packed, content.options);
    } else {
      source?.receive(content, packed);
      player?.schedule();
    }
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", receive);
    root.remove();
  });
  return root;
}

export default widget(build);
