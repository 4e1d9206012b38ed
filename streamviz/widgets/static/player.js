// @ts-check
// Plays the frames of a recording, from a kernel or from the page itself.

import { advance, eventFrom, frameAt, textsAt } from "./clock.js";
import { buildControls } from "./controls.js";
import { keepsWidthInPrint, watchTheme } from "./dom.js";
import { buildDrawing } from "./drawing.js";
import { describe } from "./keyboard.js";
import { buildTimeline } from "./plot_node.js";
import { figuresAt } from "./segments.js";
import { arrange, buildNodes, fitSlide, playWhileVisible, slideScale } from "./stage.js";

/** @typedef {import("./clock.js").Metadata} Metadata */
/** @typedef {import("./segments.js").Segment} Segment */
/** @typedef {{segment: (frame: number) => Segment | null, preview: (frame: number) => {at: number, figures: () => any[]} | null, request: (frame: number, dragging: boolean) => void, requestTimeline?: (id: string, frame: number) => void}} Source */
/** @typedef {{autoplay?: boolean, loop?: boolean, speed?: number, poster?: number | null, scale?: (plots: number) => number, dark?: boolean | null | (() => boolean), everywhere?: boolean}} Options */

const SAID_MS = 1000; // from one event to the next, so that a screen reader can say it
const REST_MS = 300; // without a move and a new frame: the slider rests

/** Begins to draw when it gets plotly.js. */
export class Player {
  /** @param {Metadata} metadata @param {Source} source @param {Options} options @param {AbortSignal} signal */
  constructor(metadata, source, options, signal) {
    this.metadata = metadata;
    this.source = source;
    this.options = options;
    this.signal = signal;
    this.times = metadata.times;
    this.reduced = matchMedia("(prefers-reduced-motion: reduce)");
    const plays = Boolean(options.autoplay) && !this.reduced.matches;
    this.posed = !plays || typeof options.poster === "number"; // shows the poster until it plays or is moved
    this.time = this.within(options.poster ?? this.times[plays ? 0 : this.times.length - 1]);
    this.playing = false;
    this.dragging = false;
    this.factor = options.speed ?? 1;
    this.scheduled = 0; // the animation frame
    this.saidAt = -Infinity; // when an event was last shown, in milliseconds
    this.ticked = 0; // when the last animation frame was, in milliseconds; 0 before the first
    this.restTimer = 0;
    this.drawn = -1; // the frame that is drawn
    this.previewed = -1; // the preview frame that is drawn, if one is
    this.timeline = buildTimeline(this.requestTimeline, this.restyle);
    this.nodes = buildNodes(metadata, this.timeline.node);
    this.root = this.nodes.root;
    this.controls = buildControls(metadata, this, this.factor, signal);
    this.root.insertBefore(this.controls.root, this.nodes.status);
    const focus = () => this.root.focus({ preventScroll: true });
    this.drawing = buildDrawing(this.nodes.grid, this.timeline, { focus, arrange: this.arrange, restyle: this.restyle }, signal);
    this.darkNow = this.watch();
    this.update();
    keepsWidthInPrint(this.root, signal);
    if (plays) playWhileVisible(this.root, this, signal);
  }

  /** Listen to keys, to the page's theme and to its slides. */
  watch() {
    const { root, nodes, signal, options } = this;
    const press = (/** @type {Event} */ stroke) => this.controls.press(/** @type {KeyboardEvent} */ (stroke), "scrolls" in nodes.grid.dataset);
    (options.everywhere ? document : root).addEventListener("keydown", press, { signal });
    const fit = () => options.scale || fitSlide(root, nodes.grid, this); // such a page fits it by itself
    const slides = new IntersectionObserver(fit);
    slides.observe(root);
    signal.addEventListener("abort", () => {
      cancelAnimationFrame(this.scheduled);
      clearTimeout(this.restTimer);
      slides.disconnect();
      root.remove();
    });
    return watchTheme(() => {
      fit();
      this.restyle();
    }, signal, ["data-jp-deck-mode"]);
  }

  /** @param {any} Plotly */
  ready = (Plotly) => {
    this.drawing.ready(Plotly);
    this.schedule();
  };

  /** Draw again: the size, the theme or the chosen entry has changed. */
  restyle = () => {
    this.drawn = -1;
    this.schedule();
  };

  /** Draw the frame if a segment for it has arrived. */
  schedule = () => {
    if (!this.scheduled && !this.signal.aborted) this.scheduled = requestAnimationFrame(this.tick);
  };

  arrange = () => arrange(this.root, this.nodes.grid, this.drawing.nodes());

  play() {
    if (this.playing) return;
    if (this.posed || this.time >= this.times[this.times.length - 1]) this.time = this.times[0];
    this.posed = false;
    this.playing = true;
    this.ticked = 0;
    this.schedule();
  }

  pause() {
    this.playing = false;
    this.schedule();
  }

  /** @param {number} seconds @param {boolean} [dragging] */
  seek(seconds, dragging = false) {
    this.time = this.within(seconds);
    if (this.dragging && !dragging) this.drawn = -1; // let go: exactly, even where it is drawn lightly
    this.dragging = dragging;
    this.posed = false;
    this.schedule();
  }

  /** @param {number} frames */
  step(frames) {
    this.playing = false;
    this.seek(this.times[Math.min(Math.max(this.from() + frames, 0), this.times.length - 1)]);
  }

  /** @param {string} kind @param {number} step */
  event(kind, step) {
    const frame = eventFrom(this.metadata.events, this.from(), kind, step);
    if (frame === null) return;
    this.playing = false;
    this.seek(this.times[frame]);
  }

  /** @param {number} factor */
  speed(factor) {
    this.factor = factor;
    this.controls.showSpeed(factor);
  }

  /** @param {number} pages */
  turnPage(pages) {
    const { grid } = this.nodes;
    grid.scrollBy({ top: pages * grid.clientHeight * 0.9, behavior: this.reduced.matches ? "auto" : "smooth" });
  }

  /** Fetch previews: the pointer is over the slider. */
  expectDrag() {
    if (this.source.segment(this.frame())) this.source.request(this.frame(), true);
  }

  /** @param {string} text */
  problem(text) {
    this.nodes.status.textContent = text;
    this.nodes.status.toggleAttribute("data-bad", Boolean(text));
  }

  frame = () => frameAt(this.times, this.time);

  /** The frame that a step counts from: behind a poster it begins. */
  from = () => (this.posed ? 0 : this.frame());

  /** @param {number} seconds */
  within = (seconds) => Math.min(Math.max(seconds, this.times[0]), this.times[this.times.length - 1]);

  /** Ask the kernel what became of an entry; without one, the plots tell it. @param {string} id */
  requestTimeline = (id) => {
    if (this.source.requestTimeline) this.source.requestTimeline(id, this.frame());
    else this.timeline.show({ id, text: describe(this.drawing.traces(), id) });
  };

  tick = (/** @type {number} */ now) => {
    this.scheduled = 0;
    const passed = this.ticked ? Math.min((now - this.ticked) / 1000, 0.5) : 0;
    this.ticked = now;
    const exact = this.draw();
    if (this.playing && exact && this.drawing.isReady()) this.advance(passed * this.factor);
    this.update();
    this.awaitRest();
    if (this.playing) this.schedule();
  };

  /** @param {number} seconds of the recording */
  advance(seconds) {
    const next = advance(this.times, this.time, seconds, Boolean(this.options.loop));
    this.time = next.time;
    if (next.over) {
      this.draw();
      this.playing = false;
      return;
    }
    const ahead = Math.min(this.frame() + this.metadata.segment_length / 2, this.times.length - 1);
    if (!this.source.segment(ahead)) this.source.request(ahead, false);
  }

  /** Draw the current frame; return false if its segment is still on the way. */
  draw() {
    const frame = this.frame();
    if (!this.drawing.isReady() || !this.root.isConnected) return true;
    const segment = this.source.segment(frame);
    if (segment && this.drawn !== frame) {
      this.drawn = frame;
      this.previewed = -1;
      this.show(figuresAt(segment, frame));
    }
    if (segment) return true;
    this.source.request(frame, this.dragging);
    this.drawn = -1; // the exact frame follows
    const preview = this.source.preview(frame);
    if (preview && preview.at !== this.previewed) this.show(preview.figures());
    if (preview) this.previewed = preview.at;
    return false;
  }

  /** @param {any[]} figures */
  show(figures) {
    const { root, options, dragging } = this;
    const chosen = this.timeline.chosen();
    const dark = this.darkNow(typeof options.dark === "function" ? options.dark() : options.dark);
    root.toggleAttribute("data-dark", dark);
    const scaleOf = (/** @type {number} */ plots) => options.scale?.(plots) ?? slideScale(root, plots);
    this.drawing.show(figures, this.drawn, (plots) => ({ dark, chosen, scale: scaleOf(plots), coarse: dragging }));
  }

  /** Update the texts and the controls. */
  update() {
    const { caption, event } = this.nodes;
    const texts = textsAt(this.metadata, this.time);
    if (caption.textContent !== texts.caption) caption.textContent = texts.caption;
    const saying = this.playing && texts.event;
    if (event.textContent !== texts.event && !(saying && performance.now() < this.saidAt + SAID_MS)) {
      this.saidAt = saying ? performance.now() : -Infinity;
      event.textContent = texts.event;
    }
    this.controls.update(this.frame(), this.time, this.playing);
    this.root.dataset.state = this.playing ? "playing" : "paused";
    this.root.dataset.frame = String(this.drawn);
  }

  /** Draw exactly once the slider rests. */
  awaitRest() {
    clearTimeout(this.restTimer);
    if (!this.dragging) return;
    this.restTimer = setTimeout(() => {
      this.dragging = false;
      this.restyle();
    }, REST_MS);
  }
}
