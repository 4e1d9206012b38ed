// @ts-check
// Draws the flow: each shape is an SVG element that lasts from frame to frame, and so it moves.

import { buildControls } from "./flow_controls.js";
import { entriesOf } from "./flow_entries.js";
import { flowShapes, PITCH } from "./flow_shapes.js";

/** @typedef {import("./flow_shapes.js").Shape} Shape */
/** @typedef {{element: SVGElement, values: Record<string, string>, shape: Shape}} Drawn */
/** @typedef {{dark: boolean, chosen: string, coarse: boolean}} Style */

const [LEAST_MS, MOST_MS] = [80, 300]; // a move takes as long as it is to the next sample, within these bounds
const MOST_STEPS = 10; // samples; a larger step is a jump, and nothing moves
const LEAST_PX = 640; // a narrower picture is not made larger
const BELT = 1000; // squares; a longer belt would have coordinates that are too large to be exact
const [SMALLEST, WALL_PX] = [0.62, 1920]; // a picture that is too high even then shows fewer groups; on a wall, letters are larger

/** @param {string} tag */
const makeShape = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);

/** @param {number} x @param {number} y */
const moved = (x, y) => `translate(${x}px, ${y}px)`;

/** Is a frame so close behind another one that its entries can be followed?
 * @param {{n: number, scene: any} | null} before @param {number} n @param {any} scene */
export function follows(before, n, scene) {
  if (!before || !("added" in scene && "added" in before.scene)) return false;
  const steps = n - before.n;
  const names = (/** @type {any} */ { groups }) => String(groups.map((/** @type {any} */ { name }) => name));
  const same = scene.every === before.scene.every && names(scene) === names(before.scene);
  return same && steps > 0 && steps <= MOST_STEPS && scene.added >= before.scene.added;
}

/** A scene with at most so many of its groups, the worst ones, and with words that say so. @param {any} scene @param {number} most */
export function fewerGroups(scene, most) {
  const { groups, rates } = scene;
  if (most >= groups.length) return scene;
  const holds = (/** @type {any} */ { dead, pending }) => dead && pending;
  const rank = (/** @type {any} */ { waiting, pending, consumers }) => (consumers.some(holds) ? 2 ** 50 : 0) + (waiting ?? 2 ** 49) + pending;
  const worst = new Set([...groups].sort((a, b) => rank(b) - rank(a)).slice(0, most));
  const said = /the worst \d+ groups/.test(rates);
  const words = said ? rates.replace(/the worst \d+ groups/, `the worst ${most} groups`) : `${rates}, the worst ${most} of ${groups.length} groups are shown`;
  return { ...scene, groups: groups.filter((/** @type {any} */ one) => worst.has(one)), rates: words };
}

/** The smallest scale of a picture. @param {number} wide */
const smallestFor = (wide) => Math.max(SMALLEST, wide / WALL_PX);

/** For how many groups a node has room if all is as small as can be. @param {any} scene @param {number} wide @param {number} high */
function roomFor(scene, wide, high) {
  const heightOf = (/** @type {any[]} */ groups) => smallestFor(wide) * flowShapes({ ...scene, groups }, Math.round(wide / smallestFor(wide)), true).height;
  const [full, bare] = [heightOf(scene.groups), heightOf([])];
  return full > high ? Math.max(1, Math.floor(((high - bare) * scene.groups.length) / (full - bare))) : scene.groups.length;
}

/** Change of an element only what is new. @param {Drawn} one @param {Record<string, any>} next */
function update({ element, values }, next) {
  for (const [name, value] of Object.entries(next)) {
    if (values[name] === value) continue;
    values[name] = value;
    if (name === "transform" || name === "color") element.style[name] = value;
    else if (name === "text") element.textContent = value;
    else if (name === "title") (element.firstChild ?? element.appendChild(makeShape("title"))).textContent = value;
    else element.setAttribute(name, value);
  }
}

/** The belt of the numbered squares: which one it is, and where it begins. @param {Shape[]} shapes */
export function beltOf(shapes) {
  const last = shapes.findLast(({ square }) => square !== undefined);
  const number = Math.floor((last?.square ?? 0) / BELT);
  return { number, start: last ? last.x - PITCH * (Number(last.square) - number * BELT) : 0 };
}

/** A square as it stands on the belt. @param {Shape} shape @param {number} start where the belt begins @returns {Shape} */
const onBelt = (shape, start) => ({ ...shape, x: shape.x - start, ...(shape.enters ? { enters: [shape.enters[0] - start, shape.enters[1]] } : {}) });

/** What an element shows. @param {Shape} shape @param {string[]} ids the entries that it stands for
 * @param {string} chosen @param {Record<string, string>} substitutes @returns {Record<string, string>} */
function valuesOf({ kind, x, y, w, h, text, anchor, colour, title }, ids, chosen, substitutes) {
  const place = { "data-kind": kind, transform: moved(x, y) };
  if (text !== undefined) return { ...place, text, "text-anchor": anchor ?? "start" };
  const box = { ...place, width: String(w), height: String(h), color: substitutes[colour ?? ""] ?? colour };
  if (!ids.length) return box;
  const many = ids.length > 1 ? `${ids[0]} to ${ids[ids.length - 1]}, ${ids.length} entries` : ids[0];
  return { ...box, title: title ?? many, "data-id": ids.length > 1 ? "" : ids[0], "data-chosen": String(ids.includes(chosen)) };
}

/** Where the squares go that a group has just acknowledged, or moved to its dead letters, by their keys:
 * null for a square's own exit. @param {any} scene @param {Shape[]} shapes @returns {Map<string, number[] | null>} */
export function exitsOf({ groups = [] }, shapes) {
  /** @type {Map<string, number[] | null>} */
  const exits = new Map();
  groups.forEach((/** @type {any} */ { left, bin }, /** @type {number} */ i) => {
    const box = shapes.find(({ key }) => key === `group ${i} bin`);
    for (const id of left) exits.set(`group ${i} held ${id}`, null);
    for (const id of box ? bin.new : []) exits.set(`group ${i} held ${id}`, [box.x + box.w - PITCH, box.y + 6]);
  });
  return exits;
}

/** Draw flows in a node; return how, and how to bring its buttons up to date. @param {HTMLElement} node @param {(id: string) => void} hover @param {AbortSignal} signal */
export function buildFlow(node, hover, signal) {
  const svg = makeShape("svg");
  svg.setAttribute("aria-hidden", "true"); // its summary says the same
  const belt = makeShape("g"); // the numbered squares, which all move together
  svg.append(belt);
  node.append(svg);
  const controls = buildControls(node, signal);
  const reduced = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {Map<string, Drawn>} */
  const drawn = new Map();
  /** @type {Set<SVGElement>} */
  const leaving = new Set();
  /** @type {{n: number, scene: any, figure: import("./figure.js").Figure, style: Style, wide: number, high: number, belt: number} | null} */
  let before = null;
  let scale = 1;
  let [drawnAt, duration] = [0, MOST_MS];
  /** @type {Shape[]} */
  let shown = [];
  const remove = (/** @type {SVGElement} */ element) => {
    leaving.delete(element);
    element.remove();
  };
  const arrange = (/** @type {any} */ all) => {
    const { clientWidth: wide } = node;
    const natural = flowShapes(all, Math.round(wide / scale));
    node.style.setProperty("--high", `${natural.height}px`); // where the page leaves the height to it
    const high = node.clientHeight;
    const low = natural.height * Math.max(1, scale) > high;
    const scene = low ? fewerGroups(all, roomFor(all, wide, high)) : all;
    const arranged = low ? flowShapes(scene, Math.round(wide / scale), low) : natural;
    const fits = Math.max(smallestFor(wide), Math.min(high / arranged.height, Math.max(1, wide / LEAST_PX)));
    const settled = Math.abs(fits - scale) < 0.01;
    scale = settled ? scale : fits;
    const width = Math.round(wide / scale);
    const { height, shapes } = settled ? arranged : flowShapes(scene, width, low);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.style.height = `${height * scale}px`;
    return { scene, wide, high, shapes };
  };
  const enter = (/** @type {Shape} */ shape, /** @type {boolean} */ moves) => {
    const element = makeShape(shape.text === undefined ? "rect" : "text");
    element.dataset.key = shape.key;
    (shape.square === undefined ? svg : belt).append(element);
    const [x, y] = shape.enters ?? [];
    if (moves) element.animate(shape.enters ? [{ transform: moved(x, y) }, {}] : [{ opacity: 0 }, {}], { duration, easing: "ease-out" });
    /** @type {Drawn} */
    const one = { element, values: {}, shape };
    drawn.set(shape.key, one);
    return one;
  };
  const leave = (/** @type {Drawn} */ { element, shape }, /** @type {number[] | undefined} */ to) => {
    drawn.delete(shape.key);
    if (!to) return element.remove();
    leaving.add(element);
    const steps = [{ opacity: 1 }, { transform: moved(to[0], to[1]), opacity: 1, offset: 0.8 }, { transform: moved(to[0], to[1]), opacity: 0 }];
    element.animate(steps, { duration: MOST_MS, easing: "ease-in" }).onfinish = () => remove(element);
  };
  /** @param {import("./figure.js").Figure} figure @param {Style} style */
  const draw = (figure, style) => {
    const { n, data, layout } = figure;
    if (!node.clientWidth) return;
    const { scene, wide, high, shapes } = arrange(data[1].meta);
    const { number, start } = beltOf(shapes);
    const resized = !before || before.wide !== wide || before.high !== high;
    const moves = follows(before, n, scene) && before?.belt === number && !resized && !style.coarse && !reduced.matches;
    svg.toggleAttribute("data-still", !moves);
    if (before?.n !== n) {
      const now = performance.now();
      duration = Math.max(LEAST_MS, Math.min(MOST_MS, now - drawnAt));
      drawnAt = now;
      svg.style.setProperty("--sv-move", `${Math.round(duration)}ms`);
    }
    belt.style.transform = moved(start, 0);
    if (!moves) leaving.forEach(remove);
    const entries = entriesOf(data);
    const substitutes = layout.meta.substitutes[style.dark ? "dark" : "light"];
    const keys = new Set(shapes.map(({ key }) => key));
    const exits = moves ? exitsOf(scene, shapes) : new Map();
    for (const [key, one] of drawn) {
      const exit = exits.get(key.replace(" fill ", " held "));
      if (!keys.has(key)) leave(one, exit === null ? one.shape.leaves : exit);
    }
    for (const placed of shapes) {
      const shape = placed.square === undefined ? placed : onBelt(placed, start);
      const one = drawn.get(shape.key) ?? enter(shape, moves);
      one.shape = shape;
      const ids = shape.id ? [shape.id] : shape.square ? entries.get(shape.square) ?? [] : [];
      update(one, valuesOf(shape, ids, style.chosen, substitutes));
    }
    before = { n, scene, figure, style, wide, high, belt: number };
    shown = shapes;
    controls(scene, shapes, scale);
  };
  const fit = () => {
    if (before && (before.wide !== node.clientWidth || before.high !== node.clientHeight)) draw(before.figure, before.style);
  };
  const sizes = new ResizeObserver(fit);
  sizes.observe(node);
  signal.addEventListener("abort", () => sizes.disconnect());
  node.addEventListener("pointermove", ({ clientX, clientY }) => {
    const over = /** @type {SVGElement[]} */ (document.elementsFromPoint(clientX, clientY)); // a box's buttons lie over its squares
    hover(over.find(({ dataset }) => dataset?.id)?.dataset.id ?? "");
  }, { signal });
  return { draw, steer: () => before && controls(before.scene, shown, scale) };
}
