// @ts-check
// Draws the flow: its texts are SVG, which changes with each frame's numbers; what moves is on a canvas.

import { shadesOf } from "./colours.js";
import { make } from "./dom.js";
import { buildCanvas, paintOf } from "./flow_canvas.js";
import { buildControls } from "./flow_controls.js";
import { entriesOf } from "./flow_entries.js";
import { flowShapes } from "./flow_shapes.js";

/** @typedef {import("./flow_shapes.js").Shape} Shape */
/** @typedef {{dark: boolean, chosen: string, coarse: boolean}} Style */

const [LEAST_MS, MOST_MS] = [80, 300]; // a move takes as long as it is to the next sample, within these bounds
const MOST_STEPS = 10; // samples; a larger step is a jump, and nothing moves
const [SMALLEST, LARGE_PX] = [0.62, 1920]; // a picture that is too high even then shows fewer groups; from this width on, letters grow
const NARROWEST_PX = 400; // a picture that is less wide is this one, smaller: its words would touch

/** Is a frame so close behind another one that its entries can be followed?
 * @param {{n: number, scene: any} | null} before @param {number} n @param {any} scene */
export function follows(before, n, scene) {
  if (!before || !("added" in scene && "added" in before.scene)) return false;
  const steps = n - before.n;
  const names = (/** @type {any} */ { groups }) => String(groups.map((/** @type {any} */ { name }) => name));
  const same = scene.every === before.scene.every && names(scene) === names(before.scene);
  return same && steps > 0 && steps <= MOST_STEPS && scene.added >= before.scene.added;
}

/** A scene with at most `most` of its groups, the worst ones. @param {any} scene @param {number} most */
export function fewerGroups(scene, most) {
  const { groups, worst = [] } = scene;
  if (most >= groups.length) return scene;
  const places = worst.slice(0, most);
  return { ...scene, groups: groups.filter((/** @type {any} */ _, /** @type {number} */ i) => places.includes(i)) };
}

/** The smallest and the largest scale of a picture. @param {number} wide @param {any} constants */
function scalesFor(wide, { LEAST }) {
  const largest = wide < NARROWEST_PX ? wide / NARROWEST_PX : Math.max(1, wide / LEAST);
  return [Math.min(largest, Math.max(SMALLEST, wide / LARGE_PX)), largest];
}

/** For how many groups a node has room if all is as small as can be. @param {any} scene @param {number} wide @param {number} high @param {any} constants */
function roomFor(scene, wide, high, constants) {
  const [smallest] = scalesFor(wide, constants);
  const heightOf = (/** @type {any[]} */ groups) => smallest * flowShapes({ ...scene, groups, total: scene.all ? scene.total : groups.length }, Math.ceil(wide / smallest), constants, true).height;
  const [full, bare] = [heightOf(scene.groups), heightOf([])];
  return full > high ? Math.max(1, Math.floor(((high - bare) * scene.groups.length) / (full - bare))) : scene.groups.length;
}

/** @param {Shape} shape */
function makeText({ key, kind, anchor = "start" }) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", "text");
  Object.assign(element.dataset, { key, kind });
  element.setAttribute("text-anchor", anchor);
  element.append("");
  return element;
}

/** Write the texts of a flow, changing only what is new. @param {Element} svg @param {Map<string, SVGTextElement>} kept by their keys @param {Shape[]} shapes */
function writeTexts(svg, kept, shapes) {
  const gone = new Set(kept.keys());
  for (const shape of shapes) {
    const { key, x, y, text = "" } = shape;
    if (!gone.delete(key)) kept.set(key, svg.appendChild(makeText(shape)));
    const { style, firstChild: words } = /** @type {any} */ (kept.get(key));
    const place = `translate(${x}px, ${y}px)`;
    if (style.transform !== place) style.transform = place;
    if (words.data !== text) words.data = text;
  }
  for (const key of gone) {
    kept.get(key)?.remove();
    kept.delete(key);
  }
}

/** How a shape is drawn. @param {Shape} shape @param {Map<number, string[]>} entries of each square @param {string} chosen
 * @param {string} ring its colour @param {(kind: string, colour: string) => import("./flow_canvas.js").Paint} paint @returns {import("./flow_canvas.js").Mark} */
function markOf(shape, entries, chosen, ring, paint) {
  const { kind, id, square = 0, colour = "", title } = shape;
  const ids = id ? [id] : entries.get(square) ?? [];
  const many = ids.length > 1 ? `${ids[0]} to ${ids[ids.length - 1]}, ${ids.length} entries` : ids[0];
  return { shape, paint: paint(kind, colour), ids, title: title ?? many ?? "", ring: ids.includes(chosen) ? ring : "" };
}

/** Where the squares go that a group has just acknowledged, or moved to its dead letters, by their keys:
 * null for a square's own exit. @param {any} scene @param {Shape[]} shapes @param {number} pitch from one square to the next @returns {Map<string, number[] | null>} */
export function exitsOf({ groups = [] }, shapes, pitch) {
  const exits = new Map();
  groups.forEach((/** @type {any} */ { left, bin }, /** @type {number} */ i) => {
    const box = shapes.find(({ key }) => key === `group ${i} bin`);
    for (const id of left) exits.set(`group ${i} held ${id}`, null);
    for (const id of box ? bin.new : []) exits.set(`group ${i} held ${id}`, [box.x + box.w - pitch, box.y + 6]);
  });
  return exits;
}

/** Draw flows in a node; return how, and how to bring its buttons up to date. @param {HTMLElement} node @param {any} constants its figure's
 * @param {(id: string) => void} hover @param {AbortSignal} signal */
export function buildFlow(node, constants, hover, signal) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true"); // its summary says the same
  const canvas = /** @type {HTMLCanvasElement} */ (make("canvas", "", [], { "aria-hidden": "true" }));
  node.append(canvas, svg);
  const controls = buildControls(node, signal);
  const picture = buildCanvas(canvas, signal);
  const reduced = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {Map<string, SVGTextElement>} */
  const texts = new Map();
  /** @type {{n: number, scene: any, figure: import("./figure.js").Figure, style: Style, wide: number, high: number} | null} */
  let before = null;
  let [scale, exact, tall] = [1, 1, 0];
  let [drawnAt, duration] = [0, MOST_MS];
  /** @type {Shape[]} */
  let shown = [];
  /** @type {{wide: number, high: number, ratio: number, density: number} | null} */
  let box = null; // to read it for each frame would lay out the page each time
  const boxNow = () => {
    const zoom = () => node.getBoundingClientRect().width / node.offsetWidth || 1; // a slide's
    const ratio = devicePixelRatio || 1; // another one on another screen
    return (box = box?.wide && box.ratio === ratio ? box : { wide: node.clientWidth, high: node.clientHeight, ratio, density: zoom() * ratio });
  };
  const arrange = (/** @type {any} */ all) => {
    const { wide } = boxNow();
    const natural = flowShapes(all, Math.ceil(wide / scale), constants);
    if (natural.height !== tall) {
      tall = natural.height;
      node.style.setProperty("--high", `${tall}px`); // where the page leaves the height to it
      box = null;
    }
    const { high } = boxNow();
    const low = natural.height * Math.max(1, scale) > high;
    const scene = low ? fewerGroups(all, roomFor(all, wide, high, constants)) : all;
    const arranged = low ? flowShapes(scene, Math.ceil(wide / scale), constants, low) : natural;
    const [smallest, largest] = scalesFor(wide, constants);
    const fits = Math.max(smallest, Math.min(high / arranged.height, largest));
    const settled = Math.abs(fits - scale) < 0.01;
    scale = settled ? scale : fits;
    const width = Math.ceil(wide / scale);
    const { height, shapes } = settled ? arranged : flowShapes(scene, width, constants, low);
    return { scene, shapes, width, height };
  };
  /** @param {import("./figure.js").Figure} figure @param {Style} style */
  const draw = (figure, style) => {
    const { n, data } = figure;
    if (!boxNow().wide) return;
    const { scene, shapes, width, height } = arrange(data[1].meta);
    const { wide, high, density } = boxNow();
    const resized = !before || before.wide !== wide || before.high !== high;
    const moves = !resized && follows(before, n, scene) && !style.coarse && !reduced.matches;
    if (before?.n !== n) {
      const now = performance.now();
      duration = Math.max(LEAST_MS, Math.min(MOST_MS, now - drawnAt));
      drawnAt = now;
    }
    exact = wide / width; // a little less than the scale, for the width has no fractions
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.style.height = canvas.style.height = `${height * exact}px`;
    svg.toggleAttribute("data-still", !moves);
    const entries = entriesOf(data);
    const shade = shadesOf(figure, style.dark);
    const paint = (/** @type {string} */ kind, /** @type {string} */ colour) => paintOf(kind, shade(colour)[0], constants);
    const ring = style.chosen && getComputedStyle(node).color;
    writeTexts(svg, texts, shapes.filter(({ text }) => text !== undefined));
    const marks = shapes.filter(({ text }) => text === undefined).map((shape) => markOf(shape, entries, style.chosen, ring, paint));
    picture.show(marks, moves ? exitsOf(scene, shapes, constants.PITCH) : new Map(), moves ? duration : 0, { wide, high: height * exact, scale: exact, density });
    before = { n, scene, figure, style, wide, high };
    shown = shapes;
    controls(scene, shapes, exact);
  };
  const refit = () => {
    const known = JSON.stringify(box);
    box = null;
    if (JSON.stringify(boxNow()) !== known && before) draw(before.figure, before.style);
  };
  const sizes = new ResizeObserver(refit);
  sizes.observe(node);
  addEventListener("resize", refit, { signal });
  signal.addEventListener("abort", () => sizes.disconnect());
  const point = (/** @type {PointerEvent} */ { clientX, clientY }) => {
    const { left, top, width } = canvas.getBoundingClientRect(); // a box's buttons lie over its squares
    const scaled = width / (svg.viewBox.baseVal.width || 1);
    const { ids = [], title = "" } = picture.at((clientX - left) / scaled, (clientY - top) / scaled) ?? {};
    if (canvas.title !== title) canvas.title = title;
    hover(ids.length === 1 ? ids[0] : "");
  };
  node.addEventListener("pointermove", point, { signal });
  node.addEventListener("pointerdown", point, { signal }); // a finger that taps does not move
  return { draw, drawn: picture.drawn, steer: () => before && controls(before.scene, shown, exact) };
}
