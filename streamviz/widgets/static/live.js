// @ts-check
// Draws the plots that the kernel sends. It computes no number.

import { buildCommandTable } from "./command_table.js";
import { keepsWidthInPrint, make, makeStatus, watchTheme } from "./dom.js";
import { applyDelta } from "./figure.js";
import { buildClickLog } from "./click_log.js";
import { idOf } from "./keyboard.js";
import { listen, notify, widget } from "./mount.js";
import { buildPanel, statusLine } from "./panel.js";
import { boxOf, buildTimeline, createPlot, drawPlot } from "./plot_node.js";
import { loadPlotly } from "./plotly_loader.js";

/** @typedef {{figure: import("./figure.js").Figure, node: any, summary: HTMLElement, box: {wide: number, high: number}, dirty: boolean, visible: boolean, drawnAt: number}} LivePlot */

const GRANT_EVERY = 16; // frames; the kernel is at most 24 ahead
const [PLOTLY_EVERY_MS, MOST_REST_MS] = [250, 1000]; // a plot by plotly costs as much as a hundred frames of the flow
const [PLOTLY_SHARE, MOST_SHARE] = [0.1, 0.4]; // of the time, for each plot by plotly, and for all of them

/** The plots of a widget: they are drawn when they are dirty and in view.
 * @param {HTMLElement} root @param {HTMLElement} grid @param {import("./plot_node.js").Timeline} timeline
 * @param {() => void} onDrawn @param {() => number} scale of letters and lines @param {AbortSignal} signal */
function buildPlots(root, grid, timeline, onDrawn, scale, signal) {
  /** @type {LivePlot[]} */
  let plots = [];
  let Plotly = null;
  let [scheduled, timer, restsUntil] = [0, 0, 0];
  const clicks = buildClickLog(timeline.say);
  const draw = () => {
    scheduled = 0;
    const dark = darkNow();
    root.toggleAttribute("data-dark", dark);
    let rest_ms = Infinity; // until the next plot is due
    const share = Math.min(MOST_SHARE, PLOTLY_SHARE * plots.filter(({ node }) => !node.drawFlow).length);
    // The one that waits longest comes first. After one by plotly there is time for what moves.
    for (const plot of Plotly && root.isConnected ? [...plots].sort((one, other) => one.drawnAt - other.drawnAt) : []) {
      const { node, figure, summary } = plot;
      if (plot.dirty && summary.textContent !== figure.summary) summary.textContent = figure.summary; // also out of view
      if (!plot.dirty || !plot.visible) continue;
      const box = (plot.box = plot.box.wide ? plot.box : boxOf(node)); // to read it for each frame would lay out the page each time
      if (!box.wide) continue;
      const began = performance.now();
      const wait_ms = node.drawFlow || plot.drawnAt < 0 ? 0 : Math.max(restsUntil, plot.drawnAt + PLOTLY_EVERY_MS) - began;
      if (wait_ms > 0) {
        rest_ms = Math.min(rest_ms, wait_ms);
        continue;
      }
      Object.assign(plot, { dirty: false, drawnAt: began });
      const first = !node.on && !node.drawFlow; // plotly adds `on`
      drawPlot(Plotly, node, figure, timeline, { dark, chosen: timeline.chosen(), scale: scale(), coarse: false, most: Infinity, box, zoom: "kept" });
      const now = performance.now();
      if (!node.drawFlow) restsUntil = now + Math.min(MOST_REST_MS, (now - began) * (1 / share - 1));
      if (first) node.on("plotly_click", (/** @type {any} */ { points }) => timeline.choose(idOf(points[0]?.customdata)));
    }
    clearTimeout(timer);
    if (rest_ms < Infinity) timer = setTimeout(schedule, rest_ms);
    onDrawn();
  };
  const schedule = () => {
    // A page in the background gets no animation frames, and so requests nothing more.
    if (!scheduled && !signal.aborted) scheduled = requestAnimationFrame(draw);
  };
  const restyle = () => {
    for (const plot of plots) Object.assign(plot, { dirty: true, drawnAt: -Infinity });
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
      const plot = plots.find((one) => one.node === node);
      if (plot) Object.assign(plot, { box: boxOf(node), dirty: true }); // its titles fit their room, also while it is paused
      if (node.clientWidth && node._fullLayout && node.clientWidth !== node._fullLayout.width) Plotly.Plots.resize(node);
    }
    schedule();
  });
  const purge = () => {
    clearTimeout(timer);
    cancelAnimationFrame(scheduled);
    scheduled = 0;
    inView.disconnect();
    sizes.disconnect();
    for (const { node } of plots) Plotly?.purge(node);
  };
  signal.addEventListener("abort", purge);
  return {
    schedule,
    restyle,
    ready(/** @type {any} */ loaded) {
      Plotly = loaded;
      restyle();
    },
    /** @param {import("./figure.js").Figure[]} figures @param {HTMLElement | null} log where it is said what a click caused */
    replace(figures, log) {
      purge();
      plots = figures.map((figure, i) => {
        const plot = createPlot(figure.layout, () => plots[i].figure.data, timeline, signal);
        inView.observe(plot.node);
        sizes.observe(plot.node);
        return { ...plot, figure, box: { wide: 0, high: 0 }, dirty: true, visible: true, drawnAt: -Infinity };
      });
      grid.replaceChildren(...plots.flatMap(({ node, summary }) => [node, summary]));
      if (log && plots[0]?.node.drawFlow) plots[0].node.after(log);
      return plots.length > 0 && !Plotly;
    },
    /** @param {import("./panel.js").Panel["actions"]} actions @param {import("./panel.js").Send} send */
    steer(actions, send) {
      const act = (/** @type {any} */ action, /** @type {string} */ group, /** @type {string} */ which) => {
        clicks.begin(action, group, which);
        send(action.request);
      };
      for (const { node } of plots.filter((plot) => plot.node.drawFlow)) {
        node.steering = actions && { actions, act };
        node.steer();
      }
    },
    /** @param {any[]} deltas @param {number[]} x the times that all of them share */
    apply(deltas, x) {
      deltas.forEach((delta, i) => {
        const before = plots[i].figure.data[1]?.meta;
        plots[i].figure = applyDelta(plots[i].figure, { x, ...delta });
        if (plots[i].node.drawFlow) clicks.tell(before, plots[i].figure.data[1].meta);
        plots[i].dirty = true;
      });
    },
  };
}

/** The node of one model, made once. @param {any} model @param {AbortSignal} signal */
export function build(model, signal) {
  const [grid, status, commands] = [make("div", "grid"), makeStatus(), buildCommandTable()];
  const timeline = buildTimeline((id) => model.send({ type: "timeline", id }), () => {
    plots.restyle();
    shareChosen();
  });
  const top = make("div", "top", [status]);
  const root = make("div", "live", [top, grid, timeline.node, commands.root]);
  keepsWidthInPrint(root, signal);
  let owed = 0; // frames to grant
  /** @type {import("./panel.js").Panel | null} */
  let panel = null;
  const grant = () => {
    if (owed < GRANT_EVERY || !root.isConnected) return; // what is off the page asks for nothing
    notify(model, { type: "grant", frames: owed });
    owed = 0;
  };
  const plots = buildPlots(root, grid, timeline, grant, model.scale ?? (() => 1), signal);
  const shareChosen = () => {
    if (!model.save_changes || model.get("selected") === timeline.chosen()) return;
    model.set("selected", timeline.chosen());
    model.save_changes();
  };
  const choose = () => {
    const selected = model.save_changes ? model.get("selected") : "";
    if (selected !== timeline.chosen()) timeline.choose(selected);
  };
  const say = (/** @type {{text: string, bad: boolean}} */ { text, bad }) => {
    status.textContent = text;
    status.toggleAttribute("data-bad", bad);
  };
  const send = (/** @type {any} */ request) => model.send({ type: "control", ...request });
  const showStatus = (/** @type {any} */ content) => {
    say(statusLine(content));
    root.dataset.state = content.state;
    panel?.update(content);
    plots.steer(panel?.actions, send);
  };
  let begun = false; // the first figures have come; the frames of other views may come before
  choose();
  model.on("change:selected", choose);
  listen(model, signal, {
    figures(content) {
      begun = true;
      if (plots.replace(content.figures, content.panel && timeline.node)) loadPlotly(model, signal).then(plots.ready, (error) => say({ text: String(error), bad: true }));
      panel?.root.remove();
      const inFlow = content.figures.some((/** @type {any} */ { layout }) => layout.meta?.flow);
      panel = content.panel ? buildPanel(content.panel, send, signal, inFlow) : null;
      if (panel) top.prepend(panel.root);
      commands.clear();
      commands.add(content.rows);
      showStatus(content.status);
      owed = 0;
      plots.schedule();
    },
    frame(content) {
      if (!begun) return;
      owed += 1;
      plots.apply(content.deltas, content.x);
      if (content.rows) commands.add(content.rows);
      if (content.status) showStatus(content.status);
      plots.schedule();
    },
    timeline: timeline.show,
    problem: ({ text }) => say({ text, bad: true }),
  });
  signal.addEventListener("abort", () => {
    model.off("change:selected", choose);
    root.remove();
  });
  return root;
}

export default widget(build);
