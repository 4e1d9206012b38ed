// @ts-check
// Plays a film: in a notebook, where the kernel sends its shots, and in a page of its own.

import { advance, begun, clock, columnsFor, eventFrom, figuresAt, frameAt, holds, nearest, openReel, saidAt, staged, thinned, unpacked } from "./frames.js";
import { inked, isDark, make, plotly, settle, themed } from "./live.js";
import { reach, ringed, stops, wordsOf } from "./keyboard.js";
import { sketch } from "./canvas.js";

/** @typedef {import("./frames.js").Card} Card */
/** @typedef {import("./frames.js").Reel} Reel */
/** @typedef {{reel: (frame: number) => Reel | null, rough: (frame: number) => {at: number, figures: () => any[]} | null, want: (frame: number, dragged: boolean) => void, story?: (id: string, frame: number) => void}} Source */
/** @typedef {{autoplay?: boolean, loop?: boolean, speed?: number, poster?: number | null, scale?: (plots: number) => number, dark?: boolean | null | (() => boolean), everywhere?: boolean}} Options */

const FINE = 1500; // points of a trace
const COARSE = 400; // while it is dragged: about one for three pixels
const REST_MS = 300; // without a move and a frame: now it rests
const LINE = 72; // letters of a caption's line on a stage, at least
const SLIDE = 720; // pixels of a slide's height that the sizes on a stage are meant for
const AT_ONCE = 4; // plots that are read from the last row
const LOOK_MS = 200; // between two looks whether anybody can see it
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];
const MARKS = { killed: "✕", crashed: "✕", revived: "↺", claimed: "●", trimmed: "▲", missed: "▲" };

/** The buttons, the slider and the words around a board.
 * @param {Card} card @param {AbortSignal} signal */
function deck(card, signal) {
  const root = make("div", "deck");
  const bar = make("div", "bar");
  const track = make("div", "track");
  root.append(track, bar);
  /** @param {string} text @param {string} label @param {() => void} act */
  const button = (text, label, act) => {
    const node = /** @type {HTMLButtonElement} */ (make("button", "", text));
    node.type = "button";
    node.title = label;
    node.setAttribute("aria-label", label);
    node.addEventListener("click", act, { signal });
    bar.append(node);
    return node;
  };
  /** @param {string} label @param {[string, string][]} items @param {string} value */
  const choice = (label, items, value) => {
    const node = document.createElement("select");
    node.setAttribute("aria-label", label);
    for (const [key, text] of items) {
      const item = document.createElement("option");
      item.value = key;
      item.textContent = text;
      node.append(item);
    }
    node.value = value;
    bar.append(node);
    return node;
  };
  const slider = /** @type {HTMLInputElement} */ (document.createElement("input"));
  Object.assign(slider, { type: "range", min: "0", max: String(card.times.length - 1), step: "1", value: "0" });
  slider.setAttribute("aria-label", "time");
  const ticks = make("div", "ticks");
  ticks.setAttribute("aria-hidden", "true");
  for (const [place, kind, text] of card.events) {
    const tick = make("span", "tick", MARKS[/** @type {keyof typeof MARKS} */ (kind)] ?? "·");
    tick.dataset.kind = kind;
    tick.title = `${clock(card.times[place])} ${text}`;
    tick.style.left = `${(100 * place) / Math.max(1, card.times.length - 1)}%`;
    ticks.append(tick);
  }
  track.append(ticks, slider);
  return { root, bar, slider, button, choice };
}

/** A canvas to draw on over a plot. */
function overlay() {
  const canvas = document.createElement("canvas");
  canvas.className = "streamviz-over";
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

/** Draw a figure lightly over its plot; false if plotly has not drawn it yet.
 * @param {{node: any, over: HTMLCanvasElement}} plot @param {any[]} data @param {any} layout */
function sketched({ node, over }, data, layout) {
  const full = node._fullLayout;
  const [wide, high] = [node.clientWidth, node.clientHeight];
  if (!full?._size || !wide) return false;
  const sharp = devicePixelRatio || 1;
  if (over.width !== Math.round(wide * sharp) || over.height !== Math.round(high * sharp)) {
    over.width = Math.round(wide * sharp);
    over.height = Math.round(high * sharp);
  }
  if (!over.isConnected) node.append(over);
  node.setAttribute("data-sketched", "");
  const ink = /** @type {CanvasRenderingContext2D} */ (over.getContext("2d"));
  ink.setTransform(sharp, 0, 0, sharp, 0, 0);
  ink.clearRect(0, 0, wide, high);
  sketch(ink, data, layout, (axis) => {
    const { _offset: from, _length: long } = full[`${axis[0]}axis${axis.slice(1)}`];
    return { from, long };
  });
  return true;
}

/** How much larger than on a page to read: a number on an axis is a 36th of a slide's height.
 * @param {number} plots */
export const large = (plots) => (plots === 1 ? 1.75 : 1.55);

/** Build a player; it begins to draw when it is given plotly.js.
 * @param {{card: Card, source: Source, signal: AbortSignal, options: Options}} parts */
export function createPlayer({ card, source, signal, options }) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const times = card.times;
  const root = make("div", "live");
  root.classList.add("streamviz-player");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Replay of ${card.stream}`);
  root.dataset.lmSuppressShortcuts = "true"; // keys are the player's, not JupyterLab's
  const words = make("div", "caption");
  const caption = make("strong", "");
  const event = make("span", "said");
  // On a stage, words have their lines from the beginning on: the plots keep their places.
  const longest = Math.max(0, ...card.captions.map(([, text]) => text.length));
  words.style.setProperty("--lines", String(Math.min(3, Math.ceil(longest / LINE))));
  words.style.setProperty("--events", card.events.length ? "1" : "0");
  caption.setAttribute("aria-live", "polite");
  words.append(caption, event);
  const board = make("div", "board");
  const told = make("p", "story");
  told.setAttribute("aria-live", "polite");
  const status = make("div", "status");
  status.setAttribute("role", "status");
  const { root: controls, bar, slider, button, choice } = deck(card, signal);
  root.append(words, board, told, controls, status);

  /** @type {{node: HTMLElement, words: HTMLElement, over: HTMLCanvasElement, hears: boolean}[]} */
  let plots = [];
  /** @type {any[]} */
  let shown = []; // the figures of the frame that is drawn
  let asked = ""; // the entry whose story is told, or is to come
  let chosen = ""; // by keyboard
  /** @type {any} */
  let Plotly = null;
  let time = Math.min(Math.max(options.poster ?? times[0], times[0]), times[times.length - 1]);
  let posed = typeof options.poster === "number"; // until it plays, or is moved
  let playing = false;
  let dragged = false;
  let speed = options.speed ?? 1;
  let ticking = 0;
  let before = 0;
  let drawn = -1;
  let rest = 0;
  let roughly = -1; // the rough frame that is shown, if one is

  /** In JupyterLab's slideshow, a player is as high as its slide's other cells let it. */
  const fitSlide = () => {
    if (options.scale) return; // a page that sees to that itself
    const on = document.body.dataset.jpDeckMode === "presenting";
    if (on !== "slide" in root.dataset) {
      root.toggleAttribute("data-slide", on);
      root.toggleAttribute("data-stage", on);
      root.style.height = "";
      board.style.gridTemplateColumns = "";
      api.restyle();
    }
    const pane = root.closest(".jp-WindowedPanel-outer");
    const cells = pane?.querySelector(".jp-WindowedPanel-viewport");
    if (!on || !pane || !cells || !root.checkVisibility({ visibilityProperty: true })) return;
    const words = cells.getBoundingClientRect().height - root.getBoundingClientRect().height;
    root.style.height = `${Math.max(SLIDE / 2, Math.floor(innerHeight - words - 8))}px`;
    pane.scrollTop = 0;
    arrange();
  };
  /** On a stage, plots lie in the columns that suit its shape; the last one fills its row. More
   * than four would be too small to read from far: they scroll, and what is below can be seen to be. */
  const arrange = () => {
    if (root.dataset.stage === undefined || !plots.length) return;
    const scrolls = plots.length > AT_ONCE;
    board.toggleAttribute("data-scrolls", scrolls);
    const columns = columnsFor(Math.min(plots.length, AT_ONCE), board.clientWidth, board.clientHeight);
    board.style.gridAutoRows = scrolls ? `${Math.floor(board.clientHeight / (AT_ONCE / columns + 0.15))}px` : "";
    board.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    const left = columns - ((plots.length - 1) % columns);
    plots[plots.length - 1].node.style.gridColumn = `span ${left}`;
  };
  /** What became of an entry: the kernel tells it, or else the pictures do. */
  const wonder = (/** @type {string} */ id) => {
    asked = id;
    if (!id) told.textContent = "";
    else if (source.story) source.story(id, frame());
    else told.textContent = wordsOf(shown.map(({ data }) => data), id);
  };
  const hover = (/** @type {any} */ { points }) => {
    const id = points[0]?.customdata;
    if (id && id !== asked) wonder(id);
  };
  const choose = (/** @type {string} */ id) => {
    wonder((chosen = id));
    api.restyle();
  };
  /** A plot that was clicked leaves the keys to the player; who came with Tab goes through its entries. */
  const keepKeys = (/** @type {HTMLElement} */ node) => {
    const back = () => root.focus({ preventScroll: true });
    node.addEventListener("pointerdown", () => setTimeout(back), { signal }); // plotly lets nobody have it
  };
  const show = (/** @type {any[]} */ figures) => {
    shown = figures;
    if (plots.length !== figures.length) {
      plots = figures.map((figure, i) => {
        const node = make("div", "plot");
        reach(node, figure.layout.title.text, { data: () => shown[i].data, chosen: () => chosen, choose }, signal);
        keepKeys(node);
        return { node, words: make("p", "hidden"), over: overlay(), hears: false };
      });
      board.replaceChildren(...plots.flatMap(({ node, words: text }) => [node, text]));
      arrange();
    }
    const told = typeof options.dark === "function" ? options.dark() : options.dark;
    const dark = told ?? isDark(document.body, system.matches);
    root.toggleAttribute("data-dark", dark);
    root.dataset.plots = String(figures.length);
    const hall = "slide" in root.dataset ? large(figures.length) * (innerHeight / SLIDE) : 1;
    const scale = options.scale?.(figures.length) ?? hall;
    const boxes = plots.map(({ node }) => ({ wide: node.clientWidth, high: node.clientHeight }));
    figures.forEach((figure, i) => {
      plots[i].words.textContent = figure.summary;
      const some = [...inked(thinned(figure.data, dragged ? COARSE : FINE), dark, figure.layout), ...ringed(figure.data, chosen, dark)];
      const { data, layout } = staged(some, begun(some, themed(figure.layout, dark)), scale, boxes[i]);
      if (dragged && sketched(plots[i], data, layout)) return;
      plots[i].over.remove();
      plots[i].node.removeAttribute("data-sketched");
      const now = { ...layout, datarevision: `${figure.n} ${drawn}`, uirevision: "kept" };
      Plotly.react(plots[i].node, data, now, { displaylogo: false, displayModeBar: false, responsive: true });
      stops(plots[i].node, figure.data);
      if (!plots[i].hears) /** @type {any} */ (plots[i].node).on("plotly_hover", hover);
      plots[i].hears = true;
    });
  };
  const frame = () => frameAt(times, time);
  const label = () => {
    const said = saidAt(card, time);
    if (caption.textContent !== said.caption) caption.textContent = said.caption;
    if (event.textContent !== said.event) event.textContent = said.event;
    const at = frame();
    if (Number(slider.value) !== at) slider.value = String(at);
    place.textContent = `${clock(time)} / ${clock(times[times.length - 1])}`;
    slider.setAttribute("aria-valuetext", clock(time));
    play.textContent = playing ? "Pause" : "Play";
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    root.dataset.state = playing ? "playing" : "paused";
    root.dataset.frame = String(drawn);
  };
  /** While it is dragged it is drawn roughly; wait for it to rest, after each frame anew. */
  const awaitRest = () => {
    clearTimeout(rest);
    if (!dragged) return;
    rest = setTimeout(() => {
      dragged = false;
      api.restyle();
    }, REST_MS);
  };
  /** Draw the frame of now; false if its shot is still on the way. */
  const draw = () => {
    const at = frame();
    if (!Plotly || !root.isConnected) return true;
    const reel = source.reel(at);
    const rough = reel ? null : source.rough(at);
    if (reel && drawn !== at) {
      drawn = at;
      roughly = -1;
      show(figuresAt(reel, at));
    } else if (!reel) {
      source.want(at, dragged);
      drawn = -1; // the exact one is to follow
      if (rough && rough.at !== roughly) show(rough.figures());
      if (rough) roughly = rough.at;
    }
    return Boolean(reel);
  };
  const tick = (/** @type {number} */ now) => {
    ticking = 0;
    const passed = before ? Math.min((now - before) / 1000, 0.5) : 0;
    before = now;
    const there = draw();
    if (playing && there && Plotly) {
      const next = advance(times, time, passed * speed, Boolean(options.loop));
      time = next.time;
      if (next.over) {
        draw();
        playing = false;
      } else {
        const ahead = Math.min(frame() + card.shot / 2, times.length - 1);
        if (!source.reel(ahead)) source.want(ahead, false);
      }
    }
    label();
    awaitRest();
    if (playing) schedule();
  };
  const schedule = () => {
    if (!ticking && !signal.aborted) ticking = requestAnimationFrame(tick);
  };
  const api = {
    root,
    /** @param {any} found */
    ready(found) {
      Plotly = found;
      schedule();
    },
    play() {
      if (playing) return;
      if (posed || time >= times[times.length - 1]) time = times[0];
      posed = false;
      playing = true;
      before = 0;
      schedule();
    },
    pause() {
      playing = false;
      schedule();
    },
    /** @param {number} seconds @param {boolean} [dragging] */
    seek(seconds, dragging = false) {
      time = Math.min(Math.max(seconds, times[0]), times[times.length - 1]);
      dragged = dragging;
      posed = false;
      schedule();
    },
    /** @param {string} kind @param {number} step */
    event(kind, step) {
      const at = eventFrom(card.events, frame(), kind, step);
      if (at === null) return;
      playing = false;
      api.seek(times[at]);
    },
    /** @param {number} factor */
    speed(factor) {
      speed = factor;
      const known = SPEEDS.includes(factor);
      pace.value = known ? String(factor) : "";
    },
    arrived: schedule,
    /** Draw again: the page has another size. */
    restyle() {
      drawn = -1;
      schedule();
    },
    /** @param {{id: string, text: string}} found */
    story({ id, text }) {
      if (id === asked) told.textContent = text;
    },
    /** @param {string} text */
    problem(text) {
      status.textContent = text;
      status.toggleAttribute("data-bad", Boolean(text));
    },
  };
  const step = (/** @type {number} */ frames) => {
    playing = false;
    api.seek(times[Math.min(Math.max(frame() + frames, 0), times.length - 1)]);
  };
  const faster = (/** @type {number} */ by) => {
    const now = SPEEDS.findIndex((one) => one >= speed);
    api.speed(SPEEDS[Math.min(Math.max((now < 0 ? SPEEDS.length : now) + by, 0), SPEEDS.length - 1)]);
  };
  const turn = (/** @type {number} */ pages) => board.scrollBy({ top: pages * board.clientHeight * 0.9, behavior: still.matches ? "auto" : "smooth" });
  const play = button("Play", "Play", () => (playing ? api.pause() : api.play()));
  button("◂ event", "Previous event", () => api.event(kind.value, -1));
  button("event ▸", "Next event", () => api.event(kind.value, 1));
  const has = new Set(card.events.map(([, of]) => of));
  const kinds = [["", "any event"], ...[...has].map((of) => [of, of.replaceAll("_", " ")])];
  const kind = choice("kind of event", /** @type {[string, string][]} */ (kinds), "");
  const pace = choice("speed", SPEEDS.map((one) => [String(one), `×${one}`]), String(speed));
  const place = make("output", "place");
  bar.append(place);
  pace.addEventListener("change", () => api.speed(Number(pace.value)), { signal });
  // A hand on its way to the slider is about to drag it.
  slider.addEventListener("pointerenter", () => source.reel(frame()) && source.want(frame(), true), { signal });
  slider.addEventListener("input", () => api.seek(times[Number(slider.value)], true), { signal });
  slider.addEventListener("change", () => api.seek(times[Number(slider.value)]), { signal });
  const keys = {
    " ": () => (playing ? api.pause() : api.play()),
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => api.seek(times[0]),
    End: () => api.seek(times[times.length - 1]),
    n: () => api.event(kind.value, 1),
    p: () => api.event(kind.value, -1),
    "+": () => faster(1),
    "-": () => faster(-1),
    PageDown: () => turn(1),
    PageUp: () => turn(-1),
  };
  const press = (/** @type {KeyboardEvent} */ stroke) => {
    const act = keys[/** @type {keyof typeof keys} */ (stroke.key)];
    const target = /** @type {HTMLElement} */ (stroke.target);
    // A focused button takes its own space bar, a choice its own arrows and letters.
    const own = target.tagName === "SELECT" || (target.tagName === "BUTTON" && stroke.key === " ");
    const page = stroke.key.startsWith("Page") && !("scrolls" in board.dataset);
    if (!act || own || page || stroke.ctrlKey || stroke.metaKey || stroke.altKey) return;
    stroke.preventDefault();
    act();
  };
  /** @type {any} */ (options.everywhere ? document : root).addEventListener("keydown", press, { signal });
  system.addEventListener("change", api.restyle, { signal });
  const themes = new MutationObserver(() => {
    fitSlide();
    api.restyle();
  });
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-deck-mode"] });
  const turned = new IntersectionObserver(fitSlide); // another slide
  turned.observe(root);
  signal.addEventListener("abort", () => {
    cancelAnimationFrame(ticking);
    clearTimeout(rest);
    themes.disconnect();
    turned.disconnect();
    for (const { node } of plots) Plotly?.purge(node);
    root.remove();
  });
  const sizes = new ResizeObserver(() => {
    arrange();
    for (const { node } of plots) if (node.clientWidth) Plotly?.Plots.resize(node);
  });
  sizes.observe(board);
  signal.addEventListener("abort", () => sizes.disconnect());
  label();
  if (options.autoplay && !still.matches) whileSeen(root, api, signal);
  return api;
}

/** Play while it can be seen, and rest while it can't: on another slide, or scrolled away.
 * @param {HTMLElement} root @param {{play: () => void, pause: () => void}} player @param {AbortSignal} signal */
function whileSeen(root, player, signal) {
  let before = false;
  const look = () => {
    const { top, bottom } = root.getBoundingClientRect();
    const there = bottom > 0 && top < innerHeight;
    const seen = there && root.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    if (seen !== before) seen ? player.play() : player.pause();
    before = seen;
  };
  const timer = setInterval(look, LOOK_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** Shots from a kernel: asked for when they are wanted, the newest of them kept. While it is
 * dragged, rough ones do: those are fetched one after the other, what is nearest first.
 * @param {any} model @param {Card} card */
function kernelSource(model, card) {
  const KEPT = 40;
  const { shot: length, rough } = card;
  const many = Math.ceil(rough.places.length / rough.shot);
  /** @type {Map<number, Reel>} */
  const reels = new Map();
  /** @type {Map<number, Reel>} */
  const roughly = new Map();
  /** @type {Map<string, number>} */
  const asked = new Map();
  let wanted = -1; // the rough shot that the hand is at
  const shot = (/** @type {number} */ frame) => Math.floor(frame / length);
  const ask = (/** @type {string} */ type, /** @type {number} */ place) => {
    const now = performance.now();
    if (now - (asked.get(type + place) ?? -1e9) < 5000) return;
    asked.set(type + place, now);
    model.send({ type, place });
  };
  const askRough = () => {
    const missing = nearest(wanted, many, (at) => !roughly.has(at));
    if (missing !== null) ask("rough", missing);
  };
  const roughAt = (/** @type {number} */ frame) => frameAt(rough.places, frame);
  return {
    /** @param {number} frame */
    reel(frame) {
      const found = reels.get(shot(frame));
      return found && holds(found, frame) ? found : null;
    },
    /** @param {number} frame */
    rough(frame) {
      const at = roughAt(frame);
      const found = roughly.get(Math.floor(at / rough.shot));
      return found && holds(found, at) ? { at, figures: () => figuresAt(found, at) } : null;
    },
    /** @param {number} frame @param {boolean} dragged */
    want(frame, dragged) {
      if (!dragged || !many) {
        ask("shot", shot(frame) * length);
      } else if (wanted < 0 || !roughly.has(Math.floor(roughAt(frame) / rough.shot))) {
        wanted = Math.floor(roughAt(frame) / rough.shot);
        askRough();
      }
    },
    /** @param {string} id @param {number} place */
    story: (id, place) => model.send({ type: "story", id, place }),
    /** @param {any} content @param {any} figures */
    take(content, figures) {
      asked.delete(content.type + content.place);
      if (content.type === "rough") {
        roughly.set(content.place, openReel(figures));
        askRough();
        return;
      }
      reels.set(shot(content.place), openReel(figures));
      const oldest = reels.keys().next().value;
      if (reels.size > KEPT && oldest !== undefined) reels.delete(oldest);
    },
  };
}

/** A player whose shots the kernel sends.
 * @param {any} model @param {AbortSignal} signal */
function build(model, signal) {
  const root = make("div", "replay");
  /** @type {ReturnType<typeof createPlayer> | null} */
  let player = null;
  /** @type {ReturnType<typeof kernelSource> | null} */
  let source = null;
  /** @type {any[]} */
  const wishes = []; // that came before the card was unpacked
  const grant = (/** @type {any} */ wish) => /** @type {any} */ (player)[wish.do]?.(...wish.with);
  const receive = async (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => {
    if (content.type === "problem") player?.problem(content.text);
    if (content.type === "story") player?.story(JSON.parse(new TextDecoder().decode(buffers[0])));
    if (content.type === "do") player ? grant(content) : wishes.push(content);
    if (!["card", "shot", "rough"].includes(content.type)) return;
    const found = await unpacked(/** @type {any} */ (buffers[0]));
    if (signal.aborted) return;
    if (content.type === "card" && !player) {
      source = kernelSource(model, found);
      player = createPlayer({ card: found, source, signal, options: content.options });
      root.append(player.root);
      wishes.splice(0).forEach(grant);
      plotly(model, signal).then(player.ready, (error) => player?.problem(String(error)));
    } else if (content.type !== "card") {
      source?.take(content, found);
      player?.arrived();
    }
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", receive);
    root.remove();
  });
  return root;
}

export default {
  /** @param {{model: any}} context */
  initialize({ model }) {
    const abort = new AbortController();
    settle(model, abort.signal, build);
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
