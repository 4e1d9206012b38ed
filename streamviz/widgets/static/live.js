// @ts-check
// Draws what the kernel sends, and nothing else: no number is computed here.

import { reach, ringed, stops } from "./keyboard.js";

/** @typedef {{data: any[], layout: any, n: number, summary: string}} Figure */

const PLOTLY = Symbol.for("streamviz.plotly");
const GONE_AFTER_MS = 1500;
const HELP_AFTER_MS = 15000;
const LOG_ROWS = 100;
const NO_USE = ["select2d", "lasso2d", "autoScale2d"]; // nothing comes of a selection
const GRANT_EVERY = 8; // frames; the kernel goes at most 16 ahead

/** Keep the newest `keep` items of a list that got more at its end.
 * @param {any[]} list @param {any[]} more @param {number} keep */
export function extend(list, more, keep) {
  for (const item of more) list.push(item);
  if (list.length > keep) list.splice(0, list.length - keep);
  return list;
}

/** Take a delta into a figure, in place; the same as `apply` in plots/figure.py.
 * @param {Figure} figure @param {any} delta @returns {Figure} */
export function applyDelta(figure, delta) {
  if (delta.full) return delta.full;
  delta.keep.forEach((/** @type {number} */ keep, /** @type {number} */ i) => {
    const trace = figure.data[i];
    const more = i < delta.y.length ? { x: delta.x, y: delta.y[i] } : delta.points[i] ?? {};
    for (const key of ["x", "y", "text", "customdata"]) {
      if (trace[key] || more[key]) extend((trace[key] ??= []), more[key] ?? [], keep);
    }
  });
  for (const [i, present] of Object.entries(delta.set)) Object.assign(figure.data[Number(i)], present);
  figure.n = delta.n;
  figure.summary = delta.summary;
  return figure;
}

/** The layout for a light or a dark page.
 * @param {any} layout @param {boolean} dark */
export function themed(layout, dark) {
  const ink = dark ? "#cccccc" : "#444444";
  const grid = dark ? "rgba(255,255,255,.14)" : "rgba(0,0,0,.1)";
  const shown = { ...layout, font: { color: ink, size: 13 } };
  for (const key of Object.keys(layout)) {
    if (/^[xy]axis\d*$/.test(key)) shown[key] = { gridcolor: grid, linecolor: grid, ...layout[key] };
  }
  return shown;
}

const SEEN = 3; // the contrast that makes a line or a mark seen, by WCAG 1.4.11

/** The channels of a colour, #rrggbb: red, green and blue.
 * @param {string} colour */
const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/** @param {number[]} rgb */
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((part) => (part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

/** The contrast of a colour, #rrggbb, drawn with some opacity on the page's ground.
 * @param {string} colour @param {number} opacity @param {boolean} dark */
export function contrast(colour, opacity, dark) {
  const ground = dark ? 30 : 255;
  const parts = rgb(colour);
  const two = [luminance(parts.map((part) => part * opacity + ground * (1 - opacity))), luminance([ground, ground, ground])];
  return (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
}

/** Traces whose colours are seen on a light or a dark page: others where they must be, and less faint.
 * @param {any[]} data @param {boolean} dark @param {any} layout the figure's, whose `meta.substitutes` says which colours are replaced */
export function inked(data, dark, layout) {
  /** @type {Record<string, string>} */
  const nearer = layout.meta?.substitutes?.[dark ? "dark" : "light"] ?? {};
  const own = (/** @type {any} */ colour) => nearer[colour] ?? colour;
  const firm = (/** @type {any} */ colour, /** @type {number} */ faint) => {
    if (!/^#[0-9a-f]{6}$/i.test(colour)) return faint;
    while (faint < 1 && contrast(colour, faint, dark) < SEEN) faint = Math.min(1, faint + 0.05);
    return faint;
  };
  return data.map((trace) => {
    const shown = { ...trace };
    if (shown.fillcolor && nearer[shown.line?.color]) {
      shown.fillcolor = shown.fillcolor.replace(String(rgb(shown.line.color)), String(rgb(nearer[shown.line.color])));
    }
    if (shown.line?.color) shown.line = { ...shown.line, color: own(shown.line.color) };
    if (shown.marker?.color) shown.marker = { ...shown.marker, color: own(shown.marker.color) };
    if (shown.marker?.opacity) shown.marker.opacity = firm(shown.marker.color, shown.marker.opacity);
    if (shown.opacity < 1) shown.opacity = firm((shown.line ?? shown.marker)?.color, shown.opacity);
    return shown;
  });
}

/** Is the page dark: by JupyterLab's theme, else by the system's.
 * @param {{dataset: DOMStringMap}} body @param {boolean} system */
export function isDark(body, system) {
  const light = body.dataset.jpThemeLight;
  return light === undefined ? system : light === "false";
}

/** What to say of the state, and whether it is bad news.
 * @param {{state: string, trouble: string, error: string}} status */
export function statusLine(status) {
  const words = { new: "Not started", running: "Running", paused: "Paused", stopped: "Stopped" };
  const bad = status.error || status.trouble;
  const state = words[/** @type {keyof typeof words} */ (status.state)] ?? "";
  return { text: [state, bad].filter(Boolean).join(": "), bad: Boolean(bad) };
}

/** A slider's place for a factor, and back: the middle is 1, each step to the side a power of 2.
 * @param {number} factor */
export const toSlider = (factor) => Math.log2(factor);
/** @param {number} place */
export const fromSlider = (place) => Math.round(2 ** place * 100) / 100;

/** plotly.js, fetched from the kernel once a page, by whoever needs it first. If that one goes
 * before it comes, the next one fetches it.
 * @param {any} model @param {AbortSignal} signal @returns {Promise<any>} */
export function plotly(model, signal) {
  const page = /** @type {any} */ (globalThis);
  const first = () => (page[PLOTLY] ??= fetched(model, signal).catch((error) => {
    delete page[PLOTLY];
    throw error;
  }));
  return page[PLOTLY]?.catch(first) ?? first();
}

/** plotly.js from the kernel of a model.
 * @param {any} model @param {AbortSignal} signal @returns {Promise<any>} */
function fetched(model, signal) {
  return new Promise((resolve, reject) => {
    const give = async (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => {
      if (content.type !== "plotly") return;
      leave();
      const packed = new Blob([/** @type {any} */ (buffers[0])]).stream();
      const source = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
      const module = { exports: {} };
      // The bundle asks for `module` first, so it leaves no global name behind.
      new Function("module", "exports", "define", source)(module, module.exports, undefined);
      resolve(module.exports);
    };
    const fail = (/** @type {string} */ why) => {
      leave();
      reject(new Error(why));
    };
    const late = setTimeout(fail, HELP_AFTER_MS, "the kernel did not send plotly.js");
    const gone = () => fail("who asked for plotly.js is gone");
    const leave = () => {
      clearTimeout(late);
      model.off("msg:custom", give);
      signal.removeEventListener("abort", gone);
    };
    signal.addEventListener("abort", gone);
    model.on("msg:custom", give);
    model.send({ type: "plotly" });
  });
}

/** @param {string} tag @param {string} kind @param {string} [text] */
export function make(tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = `streamviz-${kind}`;
  if (text !== undefined) node.textContent = text;
  return node;
}

/** The panel of buttons and sliders.
 * @param {any} panel @param {(wish: any) => void} ask @param {AbortSignal} signal */
function buildPanel(panel, ask, signal) {
  const root = make("div", "panel");
  const bar = make("div", "bar");
  root.append(bar);
  /** @param {string} text @param {() => any} wish */
  const button = (text, wish) => {
    const node = /** @type {HTMLButtonElement} */ (make("button", "", text));
    node.type = "button";
    node.addEventListener("click", () => ask(wish()), { signal });
    return node;
  };
  /** @param {string} text @param {any} range @param {number} value @param {(v: number) => string} show @param {(v: number) => any} wish */
  const slider = (text, range, value, show, wish) => {
    const label = make("label", "", text);
    const input = /** @type {HTMLInputElement} */ (document.createElement("input"));
    Object.assign(input, { type: "range", ...range, value: String(value) });
    input.setAttribute("aria-label", text);
    const output = make("output", "", show(value));
    input.addEventListener("input", () => {
      output.textContent = show(Number(input.value));
      ask(wish(Number(input.value)));
    }, { signal });
    label.append(input, output);
    return label;
  };
  if (panel.steps) return buildSteps(panel.steps, root, bar, button);
  const pause = button("Pause", () => ({ do: pause.dataset.next ?? "pause" }));
  const step = button("Step", () => ({ do: "step" }));
  const times = (/** @type {number} */ place) => `×${fromSlider(place)}`;
  const factor = { min: -4, max: 4, step: 0.5 };
  const workers = make("div", "bar");
  if (panel.live) bar.append(pause, step);
  if (panel.live && panel.driven) {
    bar.append(slider("speed", factor, toSlider(panel.speed), times, (v) => ({ do: "speed", value: fromSlider(v) })));
    panel.producers.forEach((/** @type {[string, number]} */ [stream, rate], /** @type {number} */ which) => {
      bar.append(slider(`rate of ${stream}`, factor, toSlider(rate), times, (v) => ({ do: "rate", which, value: fromSlider(v) })));
    });
    for (const [group, ms] of panel.groups) {
      if (ms === null) continue;
      const range = { min: 0, max: Math.max(1000, ms * 4), step: 10 };
      bar.append(slider(`${group} takes`, range, ms, (v) => `${v} ms`, (v) => ({ do: "service", which: group, value: v })));
    }
    root.append(workers);
  }
  const update = (/** @type {any} */ status) => {
    pause.dataset.next = status.state === "running" ? "pause" : "resume";
    pause.textContent = status.state === "running" ? "Pause" : "Resume";
    const over = status.state === "stopped" || status.state === "done";
    /** @type {HTMLButtonElement} */ (pause).disabled = over;
    step.disabled = status.state !== "paused";
    const known = new Map([...workers.children].map((node) => [/** @type {HTMLElement} */ (node).dataset.who, node]));
    for (const [group, name, alive] of status.workers) {
      const who = JSON.stringify([group, name]);
      let node = /** @type {HTMLButtonElement | undefined} */ (known.get(who));
      if (!node) {
        const fresh = button("", () => ({ do: fresh.dataset.alive === "true" ? "kill" : "revive", group, which: name }));
        fresh.dataset.who = who;
        workers.append(fresh);
        node = fresh;
      }
      node.dataset.alive = String(alive);
      node.textContent = alive ? `kill ${name}` : `revive ${name}`;
      node.disabled = over;
    }
  };
  return { root, update };
}

/** The statements that wait for a click each.
 * @param {string[]} sources @param {HTMLElement} root @param {HTMLElement} bar
 * @param {(text: string, wish: () => any) => HTMLButtonElement} button */
function buildSteps(sources, root, bar, button) {
  const buttons = [button("Step", () => ({ do: "step" })), button("Run all", () => ({ do: "run" }))];
  bar.append(...buttons);
  const list = make("ol", "steps");
  for (const source of sources) {
    const item = make("li", "");
    item.append(make("code", "", source));
    list.append(item);
  }
  root.append(list);
  const update = (/** @type {any} */ status) => {
    [...list.children].forEach((item, place) => {
      item.toggleAttribute("data-done", place < status.place);
      if (place === status.place) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    for (const one of buttons) one.disabled = status.place === sources.length;
  };
  return { root, update };
}

/** The table of the commands that were sent, newest last.
 * @param {number} most */
function buildLog(most) {
  const root = make("div", "log");
  const table = make("table", "");
  const head = make("tr", "");
  for (const word of ["call", "command", "reply", "what changed"]) head.append(make("th", "", word));
  const body = document.createElement("tbody");
  const top = document.createElement("thead");
  top.append(head);
  table.append(top, body);
  root.append(table);
  root.hidden = true;
  root.tabIndex = 0;
  root.setAttribute("role", "log");
  root.setAttribute("aria-label", "commands sent");
  /** @param {[string, string, string, string[]][]} rows */
  const add = (rows) => {
    for (const [call, command, reply, changes] of rows) {
      const row = document.createElement("tr");
      for (const text of [call, command, reply, changes.join("\n")]) row.append(make("td", "", text));
      body.append(row);
    }
    while (body.children.length > most) body.firstChild?.remove();
    if (rows.length) root.hidden = false;
    root.scrollTop = root.scrollHeight;
  };
  return { root, add, clear: () => body.replaceChildren() };
}

/** The live node of one model: made once, moved wherever it is wanted.
 * @param {any} model @param {AbortSignal} signal */
export function build(model, signal) {
  const root = make("div", "live");
  const status = make("div", "status");
  status.setAttribute("role", "status");
  const board = make("div", "board");
  const log = buildLog(LOG_ROWS);
  const told = make("p", "story");
  told.setAttribute("aria-live", "polite");
  root.append(board, told, status, log.root);
  let asked = ""; // the entry whose story is to come
  let chosen = ""; // by keyboard
  const wonder = (/** @type {string} */ id) => {
    if (id && id !== asked) model.send({ type: "story", id });
    asked = id;
  };
  const hover = (/** @type {any} */ { points }) => {
    const id = points[0]?.customdata;
    if (id) wonder(id);
  };
  const choose = (/** @type {string} */ id) => {
    wonder((chosen = id));
    if (!id) told.textContent = "";
    restyle();
  };
  /** @type {{figure: Figure, node: HTMLElement, words: HTMLElement, dirty: boolean, visible: boolean, hears: boolean}[]} */
  let plots = [];
  /** @type {{root: HTMLElement, update: (status: any) => void} | null} */
  let panel = null;
  /** @type {any} */
  let Plotly = null;
  let scheduled = 0;
  let owed = 0;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const ask = (/** @type {any} */ wish) => model.send({ type: "control", ...wish });

  const draw = () => {
    scheduled = 0;
    const dark = isDark(document.body, system.matches);
    root.toggleAttribute("data-dark", dark);
    if (Plotly && root.isConnected) {
      for (const plot of plots) {
        if (!plot.dirty || !plot.visible) continue;
        plot.dirty = false;
        plot.words.textContent = plot.figure.summary;
        const layout = { ...themed(plot.figure.layout, dark), datarevision: plot.figure.n, uirevision: "kept" };
        const data = [...inked(plot.figure.data, dark, plot.figure.layout), ...ringed(plot.figure.data, chosen, dark)];
        Plotly.react(plot.node, data, layout, { displaylogo: false, modeBarButtonsToRemove: NO_USE, responsive: true });
        stops(plot.node, plot.figure.data);
        if (!plot.hears) /** @type {any} */ (plot.node).on("plotly_hover", hover);
        plot.hears = true;
      }
    }
    if (owed >= GRANT_EVERY) {
      mention(model, { type: "grant", frames: owed });
      owed = 0;
    }
  };
  const schedule = () => {
    // A page in the background gets no animation frames, and so asks for nothing more.
    if (!scheduled && !signal.aborted) scheduled = requestAnimationFrame(draw);
  };
  const seen = new IntersectionObserver((changes) => {
    for (const change of changes) {
      const plot = plots.find(({ node }) => node === change.target);
      if (plot) plot.visible = change.isIntersecting;
    }
    schedule();
  });
  const restyle = () => {
    for (const plot of plots) plot.dirty = true;
    schedule();
  };
  const themes = new MutationObserver(restyle);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  system.addEventListener("change", restyle, { signal });

  const tell = (/** @type {any} */ news) => {
    const { text, bad } = statusLine(news);
    status.textContent = text;
    status.toggleAttribute("data-bad", bad);
    root.dataset.state = news.state;
    panel?.update(news);
  };
  const complain = (/** @type {string} */ text) => {
    status.textContent = text;
    status.toggleAttribute("data-bad", true);
  };
  const fetchPlotly = () => plotly(model, signal).then((found) => {
    Plotly = found;
    restyle();
  }, (error) => complain(String(error)));
  const whole = (/** @type {any} */ content) => {
    for (const { node } of plots) Plotly?.purge(node);
    seen.disconnect();
    plots = content.figures.map((/** @type {Figure} */ figure) => {
      const node = make("div", "plot");
      const words = make("p", "hidden", figure.summary);
      seen.observe(node);
      const plot = { figure, node, words, dirty: true, visible: true, hears: false };
      reach(node, figure.layout.title.text, { data: () => plot.figure.data, chosen: () => chosen, choose }, signal);
      return plot;
    });
    if (plots.length && !Plotly) fetchPlotly();
    board.replaceChildren(...plots.flatMap(({ node, words }) => [node, words]));
    panel?.root.remove();
    panel = content.panel ? buildPanel(content.panel, ask, signal) : null;
    if (panel) root.insertBefore(panel.root, status);
    log.clear();
    log.add(content.rows);
    tell(content.status);
  };
  const receive = (/** @type {{type: string}} */ { type }, /** @type {DataView[]} */ buffers) => {
    if (type === "plotly") return;
    const content = JSON.parse(new TextDecoder().decode(buffers[0]));
    if (type === "figures") {
      whole(content);
      owed = 0;
    } else if (type === "frame") {
      owed += 1;
      content.deltas.forEach((/** @type {any} */ delta, /** @type {number} */ i) => {
        plots[i].figure = applyDelta(plots[i].figure, { x: content.x, ...delta });
        plots[i].dirty = true;
      });
      if (content.rows) log.add(content.rows);
      if (content.status) tell(content.status);
    } else if (type === "story") {
      if (content.id === asked) told.textContent = content.text;
      if (content.id === asked) asked = "";
      return;
    } else {
      if (type === "problem") complain(content.text);
      return;
    }
    schedule();
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", receive);
    cancelAnimationFrame(scheduled);
    seen.disconnect();
    themes.disconnect();
    for (const { node } of plots) Plotly?.purge(node);
    root.remove();
  });
  return root;
}

/** Say something to the kernel unasked. A notebook may have been closed: its widgets are not told.
 * @param {any} model @param {object} what */
export function mention(model, what) {
  try {
    model.send(what);
  } catch {
    // nobody is there to hear it
  }
}

/** Mount a model's live node into its placeholder, and again whenever the page replaces that.
 * @param {any} model @param {AbortSignal} signal @param {(model: any, signal: AbortSignal) => HTMLElement} builder */
export function settle(model, signal, builder = build) {
  /** @type {HTMLElement | null} */
  let root = null;
  /** @type {Element | null} */
  let home = null;
  let gone = 0;
  const live = new AbortController(); // until the model goes, or its other half in the kernel
  // A node that moves loses the focus: whoever plays by keyboard shall keep it.
  /** @type {HTMLElement | null} */
  let held = null;
  document.addEventListener("focusin", ({ target }) => {
    held = root?.contains(/** @type {Node} */ (target)) ? /** @type {HTMLElement} */ (target) : null;
  }, { signal: live.signal });
  /** @param {string} display */
  const pictures = (display) => {
    for (const child of root?.parentElement?.children ?? []) {
      if (child !== root) /** @type {HTMLElement} */ (child).style.display = display;
    }
  };
  const find = () => {
    const mine = document.querySelector(`[data-streamviz="${CSS.escape(model.get("place"))}"]`);
    return mine ?? home?.querySelector(`[data-streamviz="${CSS.escape(model.get("spare"))}"]`) ?? null;
  };
  const seek = () => {
    if (live.signal.aborted || root?.isConnected) return;
    const spot = find();
    if (spot) {
      clearTimeout(gone);
      gone = 0;
      home = spot.closest(".jp-OutputArea") ?? spot.parentElement?.parentElement ?? document.body;
      if (!root) {
        root = builder(model, live.signal);
        model.send({ type: "hello" });
      }
      spot.append(root);
      pictures("none");
      for (const log of root.querySelectorAll(".streamviz-log")) log.scrollTop = log.scrollHeight;
      if (held?.isConnected) held.focus({ preventScroll: true });
    } else if (root && home?.isConnected && !gone) {
      // The output area is still there and the placeholder is not: run again, or cleared.
      gone = setTimeout(() => {
        if (!root?.isConnected && !find()) mention(model, { type: "gone" });
      }, GONE_AFTER_MS);
    }
  };
  const watch = new MutationObserver(seek);
  watch.observe(document.body, { childList: true, subtree: true });
  const end = () => {
    model.off("comm_live_update", end);
    watch.disconnect();
    clearTimeout(gone);
    pictures("block");
    live.abort();
    root?.remove();
  };
  model.on("comm_live_update", end); // the kernel restarts: the picture speaks
  signal.addEventListener("abort", end, { once: true });
  seek();
}

export default {
  /** @param {{model: any}} context */
  initialize({ model }) {
    const abort = new AbortController();
    settle(model, abort.signal);
    return () => abort.abort();
  },
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    const abort = new AbortController();
    el.append(build(model, abort.signal));
    model.send({ type: "hello" });
    return () => abort.abort();
  },
};
