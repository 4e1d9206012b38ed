// @ts-check
// Draws the plots that the kernel sends. It computes no number.

import { forBackground, themed } from "./colours.js";
import { buildCommandTable } from "./command_table.js";
import { make, makeStatus, watchTheme } from "./dom.js";
import { applyDelta } from "./figure.js";
import { fatesOf } from "./flow_entries.js";
import { rings } from "./keyboard.js";
import { staged, withLegend } from "./layout.js";
import { isFor, notify, received, widget } from "./mount.js";
import { buildPanel, statusLine } from "./panel.js";
import { buildStory, createPlot, drawPlot } from "./plot_node.js";
import { loadPlotly } from "./plotly_loader.js";

/** @typedef {{figure: import("./figure.js").Figure, node: any, summary: HTMLElement, dirty: boolean, visible: boolean}} LivePlot */

const GRANT_EVERY = 8; // frames; the kernel is at most 16 ahead

/** The plots of a widget: they are drawn when they are dirty and in view.
 * @param {HTMLElement} root @param {HTMLElement} board @param {import("./plot_node.js").Story} story
 * @param {() => void} onDrawn @param {(group: string, which: string) => void} onClick a group was clicked, or one of its consumers
 * @param {() => number} scale of letters and lines @param {AbortSignal} signal */
function buildPlots(root, board, story, onDrawn, onClick, scale, signal) {
  /** @type {LivePlot[]} */
  let plots = [];
  /** @type {any} */
  let Plotly = null;
  let scheduled = 0;
  /** @type {Set<string>} */
  const followed = new Set(); // the entries of a consumer that was killed by a click
  /** @type {Set<string>} */
  const clicked = new Set(); // these consumers
  const draw = () => {
    scheduled = 0;
    const dark = darkNow();
    root.toggleAttribute("data-dark", dark);
    for (const plot of Plotly && root.isConnected ? plots : []) {
      if (!plot.dirty || !plot.visible || !plot.node.clientWidth) continue;
      plot.dirty = false;
      const { node, figure, summary } = plot;
      summary.textContent = figure.summary;
      const box = { wide: node.clientWidth, high: node.clientHeight };
      const traces = [...forBackground(figure, figure.data, dark), ...rings(figure.data, story.chosen(), dark)];
      const { data, layout } = staged(traces, withLegend(figure.data, themed(figure.layout, dark), box), scale(), box);
      layout.datarevision = figure.n;
      const first = !node.on && !node.drawFlow; // plotly adds `on`
      drawPlot(Plotly, node, figure, { data, layout }, story, { dark, coarse: false });
      if (first) node.on("plotly_click", (/** @type {any} */ { points }) => story.choose(points[0]?.customdata ?? ""));
    }
    onDrawn();
  };
  const schedule = () => {
    // A page in the background gets no animation frames, and so requests nothing more.
    if (!scheduled && !signal.aborted) scheduled = requestAnimationFrame(draw);
  };
  const restyle = () => {
    for (const plot of plots) plot.dirty = true;
    schedule();
  };
  const darkNow = watchTheme(restyle, signal);
  const inView = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      const plot = plots.find(({ node }) => node === target);
      if (plot) plot.visible = isIntersecting;
    }
    schedule();
  });
  const sizes = new ResizeObserver((changes) => {
    for (const { target } of changes) {
      const node = /** @type {any} */ (target);
      if (node.clientWidth && node._fullLayout && node.clientWidth !== node._fullLayout.width) Plotly.Plots.resize(node);
    }
  });
  const purge = () => {
    cancelAnimationFrame(scheduled);
    scheduled = 0;
    inView.disconnect();
    sizes.disconnect();
    for (const { node } of plots) Plotly?.purge(node);
  };
  signal.addEventListener("abort", purge);
  const tell = (/** @type {any} */ before, /** @type {any} */ after) => {
    const { words, over } = fatesOf(before, after, followed);
    over.forEach((id) => followed.delete(id));
    for (const { name, consumers } of after.groups ?? []) {
      const dead = consumers.filter((/** @type {any} */ one) => one.dead && clicked.has(JSON.stringify([name, one.name])));
      for (const { held } of dead) held.forEach((/** @type {any[]} */ [id]) => followed.add(id));
    }
    if (words.length) story.say(words.join(". "));
  };
  return {
    schedule,
    restyle,
    ready(/** @type {any} */ loaded) {
      Plotly = loaded;
      restyle();
    },
    /** @param {import("./figure.js").Figure[]} figures */
    replace(figures) {
      purge();
      plots = figures.map((figure, i) => {
        const plot = createPlot(figure.layout, () => plots[i].figure.data, story, signal);
        inView.observe(plot.node);
        sizes.observe(plot.node);
        plot.node.addEventListener("clicked", (/** @type {any} */ { detail }) => {
          if (detail.which) clicked.add(JSON.stringify([detail.group, detail.which]));
          onClick(detail.group, detail.which);
        }, { signal });
        return { ...plot, figure, dirty: true, visible: true };
      });
      board.replaceChildren(...plots.flatMap(({ node, summary }) => [node, summary]));
      return plots.length > 0 && !Plotly;
    },
    /** @param {any[]} deltas @param {number[]} x the times that all of them share */
    apply(deltas, x) {
      deltas.forEach((delta, i) => {
        const before = plots[i].figure.data[1]?.meta;
        plots[i].figure = applyDelta(plots[i].figure, { x, ...delta });
        if (clicked.size && plots[i].node.drawFlow) tell(before, plots[i].figure.data[1].meta);
        plots[i].dirty = true;
      });
    },
  };
}

/** The node of one model, made once. @param {any} model @param {AbortSignal} signal */
export function build(model, signal) {
  const [board, status, commands] = [make("div", "board"), makeStatus(), buildCommandTable()];
  const story = buildStory((id) => model.send({ type: "story", id }), () => {
    plots.restyle();
    shareChosen();
  });
  const top = make("div", "top", [status]);
  const root = make("div", "live", [top, board, story.node, commands.root]);
  let owed = 0; // frames to grant
  /** @type {import("./panel.js").Panel | null} */
  let panel = null;
  const grant = () => {
    if (owed < GRANT_EVERY || !root.isConnected) return; // what is off the page asks for nothing
    notify(model, { type: "grant", frames: owed });
    owed = 0;
  };
  const plots = buildPlots(root, board, story, grant, (group, which) => panel?.press?.(group, which), model.scale ?? (() => 1), signal);
  const shareChosen = () => {
    if (!model.save_changes || model.get("selected") === story.chosen()) return;
    model.set("selected", story.chosen());
    model.save_changes();
  };
  const choose = () => {
    const selected = model.save_changes ? model.get("selected") : "";
    if (selected !== story.chosen()) story.choose(selected);
  };
  const say = (/** @type {{text: string, bad: boolean}} */ { text, bad }) => {
    status.textContent = text;
    status.toggleAttribute("data-bad", bad);
  };
  const showStatus = (/** @type {any} */ content) => {
    say(statusLine(content));
    root.dataset.state = content.state;
    panel?.update(content);
  };
  const handlers = {
    figures(/** @type {any} */ content) {
      if (plots.replace(content.figures)) loadPlotly(model, signal).then(plots.ready, (error) => say({ text: String(error), bad: true }));
      panel?.root.remove();
      panel = content.panel ? buildPanel(content.panel, (request) => model.send({ type: "control", ...request }), signal) : null;
      if (panel) top.prepend(panel.root);
      root.toggleAttribute("data-driven", Boolean(content.panel?.driven));
      commands.clear();
      commands.add(content.rows);
      showStatus(content.status);
      owed = 0;
      plots.schedule();
    },
    frame(/** @type {any} */ content) {
      owed += 1;
      plots.apply(content.deltas, content.x);
      if (content.rows) commands.add(content.rows);
      if (content.status) showStatus(content.status);
      plots.schedule();
    },
    story: story.show,
    problem: (/** @type {any} */ { text }) => say({ text, bad: true }),
  };
  let begun = false; // the first figures have come; the frames of other views may come before
  const receive = (/** @type {{type: string}} */ message, /** @type {DataView[]} */ buffers) => {
    const handler = handlers[/** @type {keyof typeof handlers} */ (message.type)];
    if (!handler || !isFor(model, message)) return;
    begun ||= message.type === "figures";
    if (begun || message.type !== "frame") handler(received(buffers));
  };
  model.on("msg:custom", receive);
  model.on("change:selected", choose);
  choose();
  signal.addEventListener("abort", () => {
    model.off("msg:custom", receive);
    model.off("change:selected", choose);
    root.remove();
  });
  return root;
}

export default widget(build);
