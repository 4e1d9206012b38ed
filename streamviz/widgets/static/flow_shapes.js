// @ts-check
// Where everything of the flow stands; the same as plots/flow_shapes.py, to the pixel.

/** @typedef {{key: string, kind: string, x: number, y: number, w?: number, h?: number, colour?: string, text?: string, anchor?: string, title?: string, enters?: number[], leaves?: number[]}} Shape */

const [PITCH, SQUARE] = [15, 11]; // from one square to the next, and a square's side
const [TOP, GROUP, READER] = [52, 96, 22]; // heights: above the tape, of a group, of a reader
const [BOX_W, BOX_H, BOX_GAP] = [170, 34, 8];
const OLD_S = 5;
const GREY = "#7F7F7F";
/** @type {Record<string, string>} */
const WORDS = { acked: "acknowledged", pending: "in hand", waiting: "waiting", gone: "never got" };

const comma = (/** @type {number} */ number) => number.toLocaleString("en-US");
const between = (/** @type {number} */ low, /** @type {number} */ value, /** @type {number} */ high) => Math.max(low, Math.min(value, high));

/** @param {string} key @param {number} x @param {number} y @param {string} text @param {string} kind @param {object} [more] @returns {Shape} */
const textAt = (key, x, y, text, kind, more) => ({ key, kind, x, y, text, anchor: "start", ...more });

/** @param {string} key @param {number} x @param {number} y @param {number} w @param {number} h @param {string} kind @param {string} colour @returns {Shape} */
const rect = (key, x, y, w, h, kind, colour) => ({ key, kind, x, y, w, h, colour });

/** @param {string} key @param {number} x @param {number} y @param {string} kind @param {object} [more] @returns {Shape} */
const square = (key, x, y, kind, more) => ({ key, kind, x, y, w: SQUARE, h: SQUARE, colour: "#888888", ...more });

/** What a consumer does, in words. @param {any} one */
function stateOf({ dead, pending, held }) {
  const age = held.length ? ` for ${held[0][2].toFixed(0)} s` : "";
  if (dead) return pending ? `dead, holds ${comma(pending)}${age}` : "dead";
  return pending ? `${comma(pending)} in hand` : "idle";
}

/** The height of the picture and its shapes, from back to front. @param {any} scene @param {number} width @returns {{height: number, shapes: Shape[]}} */
export function flowShapes(scene, width) {
  if (!("added" in scene) || scene.trouble) {
    return { height: 80, shapes: [textAt("headline", 16, 24, scene.trouble || scene.headline, "headline")] };
  }
  const left = width >= 640 ? 150 : 92;
  const right = width - (width >= 640 ? 112 : 72);
  const count = Math.max(4, Math.floor((right - left) / PITCH)); // squares that fit
  /** The square that stands for an entry; 0 before the first. @param {number} number */
  const squareOf = (number) => Math.ceil(number / scene.every);
  const last = squareOf(scene.added);
  const xOf = (/** @type {number} */ at) => right - PITCH * (last - at + 1);
  const oldest = Math.max(squareOf(scene.first), last - count + 1, 1);
  /** @type {Shape[]} */
  const shapes = [];
  const cursor = (/** @type {string} */ key, /** @type {number} */ at, /** @type {number} */ top, /** @type {string} */ colour) => {
    const end = between(left, xOf(squareOf(at)) + SQUARE, right);
    shapes.push(rect(`${key} read`, left, top + 5, end - left, 2, "line", colour), rect(`${key} cursor`, end - 4, top + 2, 8, 8, "dot", colour));
  };
  const consumers = (/** @type {string} */ key, /** @type {any} */ group, /** @type {number} */ top) => {
    const room = right - left + BOX_GAP;
    const shown = group.consumers.slice(0, Math.max(1, Math.floor(room / (BOX_W / 2 + BOX_GAP))));
    const wide = Math.min(BOX_W, Math.floor(room / Math.max(1, shown.length)) - BOX_GAP);
    shown.forEach((/** @type {any} */ one, /** @type {number} */ k) => {
      const [x, name] = [left + k * (wide + BOX_GAP), `${key} ${one.name}`];
      shapes.push(rect(name, x, top, wide, BOX_H, one.dead ? "dead" : "box", group.colour));
      shapes.push(textAt(`${name} name`, x + 8, top + 14, one.name, "label"), textAt(`${name} state`, x + 8, top + 28, stateOf(one), "note"));
      const squares = Math.max(1, Math.floor((wide - 90) / PITCH));
      one.held.slice(0, squares).forEach((/** @type {any[]} */ [id, number, age, deliveries], /** @type {number} */ place) => {
        const from = number === null ? left : xOf(squareOf(number));
        shapes.push(
          square(`${key} held ${id}`, x + wide - 6 - PITCH * (place + 1), top + 6, one.dead || age > OLD_S ? "old" : "held", {
            colour: group.colour,
            enters: [between(left, from, right), top - 20],
            leaves: [right + 20, top + 6],
            title: `${id}, delivery ${deliveries}, held ${age.toFixed(1)} s`,
          }),
        );
      });
    });
    const rest = group.consumers.length - shown.length + group.more[0];
    if (rest) shapes.push(textAt(`${key} more`, right + 12, top + 46, `and ${comma(rest)} more`, "note"));
  };
  const bar = (/** @type {string} */ key, /** @type {any} */ group, /** @type {number} */ top) => {
    const known = Object.keys(WORDS).filter((name) => group[name] !== null);
    const whole = Math.max(1, known.reduce((sum, name) => sum + group[name], 0));
    let x = left;
    for (const name of known) {
      const wide = Math.floor((group[name] * (right - left)) / whole);
      shapes.push(rect(`${key} ${name}`, x, top, wide, 5, `bar-${name}`, group.colour));
      x += wide;
    }
    const words = known.filter((name) => group[name]).map((name) => `${comma(group[name])} ${WORDS[name]}`);
    const acked = group.acked === null ? "?" : comma(group.acked);
    shapes.push(textAt(`${key} books`, left, top + 20, words.join(" · "), "note"));
    shapes.push(textAt(`${key} acked n`, width - 16, top - 32, acked, "name", { colour: group.colour, anchor: "end" }));
    shapes.push(textAt(`${key} acked`, width - 16, top - 18, "acknowledged", "note", { anchor: "end" }));
  };
  shapes.push(textAt("headline", 16, 24, scene.headline, "headline"), textAt("rates", width - 16, 24, scene.rates, "note", { anchor: "end" }));
  shapes.push(textAt("stream", 16, TOP + 10, scene.stream, "name"));
  shapes.push(textAt("length", 16, TOP + 26, `${comma(scene.added - scene.first + 1)} entries`, "note"));
  for (let at = oldest; at <= last; at++) shapes.push(square(`tape ${at}`, xOf(at), TOP, "entry", { enters: [right, 0] }));
  const hidden = (oldest - 1) * scene.every - scene.first + 1;
  const words = squareOf(scene.first) < oldest ? `${comma(hidden)} older` : scene.ids[0];
  shapes.push(textAt("oldest", left, TOP + 28, words, "note"), textAt("newest", right, TOP + 28, scene.ids[1], "note", { anchor: "end" }));
  if (scene.every > 1) shapes.push(textAt("every", width - 16, TOP + 10, `■ = ${comma(scene.every)} entries`, "note", { anchor: "end" }));
  scene.groups.forEach((/** @type {any} */ group, /** @type {number} */ i) => {
    const [key, top] = [`group ${i}`, TOP + 44 + GROUP * i];
    shapes.push(textAt(`${key} name`, 16, top + 11, group.name, "name", { colour: group.colour }));
    shapes.push(textAt(`${key} waiting`, 16, top + 27, `${group.waiting === null ? "unknown" : comma(group.waiting)} waiting`, "note"));
    if (group.at !== null) {
      cursor(key, group.at, top, group.colour);
      for (let at = Math.max(oldest, squareOf(group.at + 1)); at <= last; at++) shapes.push(square(`${key} waits ${at}`, xOf(at), top, "waits", { colour: group.colour }));
    }
    consumers(key, group, top + 20);
    bar(key, group, top + 62);
  });
  const readersTop = TOP + 44 + GROUP * scene.groups.length;
  scene.readers.forEach((/** @type {any} */ reader, /** @type {number} */ i) => {
    const [key, top] = [`reader ${i}`, readersTop + READER * i];
    shapes.push(textAt(`${key} name`, 16, top + 11, reader.name, "label"));
    if (reader.at !== null) cursor(key, reader.at, top, GREY);
  });
  return { height: readersTop + READER * scene.readers.length + 8, shapes };
}
