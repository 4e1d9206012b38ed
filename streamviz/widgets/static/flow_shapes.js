// @ts-check
// Where everything of the flow stands; the same as plots/flow_shapes.py, to the pixel.

/** @typedef {{key: string, kind: string, x: number, y: number, w?: number, h?: number, colour?: string, text?: string, anchor?: string, title?: string, id?: string, square?: number, enters?: number[], leaves?: number[]}} Shape */

const comma = (/** @type {number} */ number) => number.toLocaleString("en-US");
const between = (/** @type {number} */ low, /** @type {number} */ value, /** @type {number} */ high) => Math.max(low, Math.min(value, high));

/** The width of a letter: of a wide one more, of Asia's scripts and of pictures double. @param {string} letter */
const widthOf = (letter) => (Number(letter.codePointAt(0)) > 0x2e7f || "MW".includes(letter) ? 2 : "mw@%".includes(letter) ? 1.5 : letter >= "A" && letter <= "Z" ? 1.25 : 1);

/** The width of a text in letters. @param {string} text */
const columnsOf = (text) => [...text].reduce((sum, letter) => sum + widthOf(letter), 0);

/** The first text that fits into some pixels, or else the start of the last one.
 * @param {number} room @param {number} letter @param {string[]} options */
function fit(room, letter, ...options) {
  const columns = Math.floor(room / letter);
  const whole = options.find((text) => columnsOf(text) <= columns);
  if (whole !== undefined) return whole;
  const letters = [...options[options.length - 1]];
  let [wide, kept] = [0, 0];
  // a name that is cut may be a UUID: digits are wide, and so is what stands for the rest
  const each = letters.map((one) => (one >= "0" && one <= "9" ? 1.4 : widthOf(one)));
  while (kept < letters.length && (wide += each[kept]) < columns) kept += 1;
  return `${letters.slice(0, kept).join("")}…`;
}

/** A text in one line, or in two. @param {number} room @param {number} letter @param {string} text */
function linesOf(room, letter, text) {
  const columns = Math.floor(room / letter);
  if (columnsOf(text) <= columns) return text ? [text] : [];
  const letters = [...text];
  let left = columnsOf(text);
  const end = letters.findLastIndex((letter) => (left -= widthOf(letter)) <= columns && letter === " ");
  const [first, rest] = end > 0 ? [letters.slice(0, end), letters.slice(end + 1)] : [[], letters];
  return [first.join(""), fit(room, letter, rest.join(""))].filter(Boolean);
}

/** @param {string} key @param {number} x @param {number} y @param {string} text @param {string} kind @param {string} [anchor] @returns {Shape} */
const textAt = (key, x, y, text, kind, anchor = "start") => ({ key, kind, x, y, text, anchor });

/** @param {string} key @param {number} x @param {number} y @param {number} w @param {number} h @param {string} kind @param {string} colour @returns {Shape} */
const rect = (key, x, y, w, h, kind, colour) => ({ key, kind, x, y, w, h, colour });

/** Words with values in their places. @param {string} words @param {Record<string, string | number>} values */
const filled = (words, values) => Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, String(value)), words);

/** The height of the picture and its shapes, from back to front. @param {any} scene @param {number} width @param {any} constants those of flow_constants.py @param {boolean} [saves] height
 * @returns {{height: number, shapes: Shape[]}} */
export function flowShapes(scene, width, constants, saves = false) {
  const { LEAST, PITCH, SQUARE, FILL, OLD_S, GROUP, READER, MANY, LOW, LOWER, BOX_W, BOX_MIN, BOX_H, BOX_GAP } = constants;
  const { HEADLINE, NAME, NOTE, WIDE, SWATCH, LETTER, GREY, UNCLEAR, BAR, STATES, SHOWN } = constants;
  if (!("added" in scene) || scene.trouble) {
    const text = fit(width - 32, HEADLINE, scene.trouble || scene.headline);
    return { height: 80, shapes: [textAt("headline 0", 16, 24, text, "headline")] };
  }
  const wide = width >= LEAST;
  const [left, right, end] = [wide ? 150 : 100, width - (wide ? 112 : 72), width - 16];
  const count = Math.max(4, Math.floor((right - left) / PITCH)); // squares that fit
  const squareOf = (/** @type {number} */ number) => squareAt(scene, number);
  const last = squareOf(scene.added);
  const xOf = (/** @type {number} */ at) => right - PITCH * (last - at + 1);
  const oldest = Math.max(squareOf(scene.first), last - count + 1, 1);
  const { rate, all, total, groups: { length: many } } = scene;
  const some = many < total ? [all, filled(SHOWN, { n: many, of_total: all ? "" : ` of ${total}` })] : [];
  const said = [rate && `in ${rate}`, ...some].filter(Boolean).join(", ");
  const rates = wide ? fit(Math.floor(width / 2), NOTE, said) : fit(56, NOTE, said, rate, "");
  const headline = linesOf(width - (wide ? Math.max(112, 48 + NOTE * columnsOf(rates)) : 32), HEADLINE, scene.headline);
  const above = said || scene.event || scene.producers.length || headline.length; // where a still has nothing
  const tapeTop = above ? 38 + 20 * headline.length : 12;
  const low = saves || scene.groups.length > MANY ? LOW : 0;
  const groupHigh = GROUP - (low ? LOWER : 0);
  const readersTop = tapeTop + 44 + groupHigh * scene.groups.length;
  const shapes = [];
  const text = (/** @type {Parameters<typeof textAt>} */ ...args) => shapes.push(textAt(...args));
  const square = (/** @type {string} */ key, /** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ kind, /** @type {string} */ colour = GREY, /** @type {object} */ more = {}) => ({ ...rect(key, x, y, SQUARE, SQUARE, kind, colour), ...more });
  /** What a consumer does, in words, from the longest to the shortest text. @param {any} one */
  const stateOf = ({ dead, pending, held }) => {
    const age = held.length ? ` for ${Math.floor(held[0][2])} s` : "";
    return STATES[`${dead ? "dead " : ""}${pending ? "busy" : "idle"}`].map((/** @type {string} */ words) => filled(words, { n: comma(pending), age }));
  };
  /** Write the producers' names above the tape; return from where its new squares drop. */
  const producers = () => {
    const [slot, most] = wide ? [110, 3] : [80, 1];
    const names = scene.producers.map((/** @type {any} */ { name }) => name);
    if (!names.length && said) names.push(wide ? "new entries" : "new");
    if (names.length > most) names.splice(most - 1, Infinity, `+${comma(names.length - most + 1)}`);
    text("event", 16, tapeTop - 15, fit(right - slot * names.length - 24, NOTE, scene.event), "note");
    names.forEach((/** @type {string} */ name, /** @type {number} */ k) => text(`producer ${k}`, right - slot * k - (wide ? 0 : 6), tapeTop - 15, `${fit(slot - 30, NOTE, name)} ▾`, "note", "end"));
    const known = scene.every === 1 ? scene.producers : [];
    return new Map(known.flatMap((/** @type {any} */ one, /** @type {number} */ k) => one.new.filter(Boolean).map((/** @type {number} */ at) => [squareOf(at), right - slot * Math.min(k, most - 1) - SQUARE])));
  };
  const tape = () => {
    headline.forEach((line, i) => text(`headline ${i}`, 16, 24 + 20 * i, line, "headline"));
    const sources = producers();
    text("rates", end, wide ? 24 : tapeTop - 15, rates, "note", "end");
    text("stream", 16, tapeTop + 10, fit(left - 22, NAME, scene.stream), "name");
    const length = scene.added - scene.first + 1;
    text("length", 16, tapeTop + 26, fit(left - 22, NOTE, `${comma(length)} ${length === 1 ? "entry" : "entries"}`, comma(length)), "note");
    for (let at = oldest; at <= last; at++) shapes.push(square(`tape ${at}`, xOf(at), tapeTop, "entry", GREY, { square: at, enters: [sources.get(at) ?? right - SQUARE, tapeTop - 14] }));
    const [first, newest] = scene.ids;
    const hidden = (oldest - 1) * scene.every - scene.first + 1;
    const old = squareOf(scene.first) < oldest ? `${comma(hidden)} older` : first !== newest ? first : newest ? "" : "empty";
    const each = `■ = ${comma(scene.every)} entries`;
    const words = scene.every > 1 ? fit(Math.floor(((right - left) * 2) / 3), NOTE, `${old} · ${each}`, each) : fit(Math.floor((right - left) / 2), NOTE, old);
    const lastId = fit(right - left - NOTE * (columnsOf(words) + 1), NOTE, newest);
    const apart = right - Math.floor(WIDE * (columnsOf(words) + columnsOf(lastId) + 1)); // both have room
    const short = words === first && apart < xOf(oldest);
    const whole = short ? fit(right - left, NOTE, `${first} to ${lastId}`, lastId) : lastId;
    text("oldest", Math.max(left, Math.min(apart, xOf(oldest))), tapeTop + 28, short ? "" : words, "note");
    text("newest", right, tapeTop + 28, whole, "note", "end");
  };
  const cursor = (/** @type {string} */ key, /** @type {number} */ at, /** @type {number} */ top, /** @type {string} */ colour) => {
    const to = between(left, xOf(squareOf(at)) + SQUARE, right);
    shapes.push(rect(`${key} read`, left, top + 5, to - left, 2, "line", colour), rect(`${key} cursor`, to - 4, top + 2, 8, 8, "dot", colour));
  };
  /** Write a box's name and its state: in one line if the box is low. */
  const boxText = (/** @type {string} */ key, /** @type {number} */ x, /** @type {number} */ top, /** @type {number} */ room, /** @type {number} */ beside, /** @type {string} */ name, /** @type {string[]} */ ...states) => {
    const names = low ? states.map((one) => `${name}: ${one}`) : [name];
    if (low && states.at(-1) === "dead") names.push(`dead: ${name}`);
    if (low && states.at(-1) === "empty") names.push(name);
    text(`${key} name`, x + 8, top + 14, fit(room - beside, NOTE, ...names), "label");
    if (!low) text(`${key} state`, x + 8, top + 28, fit(room, NOTE, ...states), "note");
  };
  const heldSquare = (/** @type {string} */ key, /** @type {any[]} */ [id, number, age, deliveries], /** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ colour, /** @type {boolean} */ dead, /** @type {boolean} */ lost) => {
    const from = number === null ? {} : { enters: [between(left, xOf(squareOf(number)), right), y - 26] };
    const way = { leaves: [right + 20, y], ...from };
    const title = `${id}, delivery ${deliveries}, held ${age.toFixed(1)} s${lost ? ", no longer in the stream" : ""}`;
    const kind = lost ? "lost" : dead || age > OLD_S ? "old" : "held";
    shapes.push(square(`${key} held ${id}`, x, y, kind, colour, { ...way, id, title }));
    if (kind !== "held") return;
    const full = FILL + Math.floor((age * (SQUARE - FILL)) / OLD_S);
    shapes.push({ ...rect(`${key} fill ${id}`, x, y + SQUARE - full, SQUARE, full, "fill", colour), ...way });
  };
  /** The entries that a box shows, or the number of squares, and the rest in words. @param {any} one @param {number} fits @returns {[any[], number, string]} */
  const contentOf = ({ pending, held }, fits) => {
    const needs = Math.ceil(Math.floor(NOTE * (columnsOf(comma(pending)) + 1)) / PITCH); // squares, for "+12"
    let [known, many, rest] = [/** @type {any[]} */ ([]), 0, 0];
    for (const most of [fits, Math.max(1, fits - needs)]) {
      known = scene.every === 1 || pending <= most ? held.slice(0, most) : [];
      many = known.length ? 0 : Math.min(most, squareOf(pending));
      rest = pending - (known.length || many * scene.every);
      if (rest <= 0) break;
    }
    return [known, many, rest > 0 ? `+${comma(rest)}` : ""];
  };
  const consumer = (/** @type {string} */ name, /** @type {string} */ key, /** @type {any} */ one, /** @type {number} */ x, /** @type {number} */ top, /** @type {number} */ room, /** @type {string} */ colour) => {
    const [known, many, rest] = contentOf(one, Math.max(1, Math.floor((room - 90) / PITCH)));
    shapes.push(rect(name, x, top, room, BOX_H - low, one.dead ? "dead" : "box", colour));
    let beside = PITCH * (known.length + many);
    const [first, y] = [x + room - 6 - PITCH, top + (low ? 4 : 6)];
    if (rest) {
      text(`${name} rest`, first + PITCH - beside - 4, y + 10, rest, "note", "end");
      beside += Math.floor(NOTE * columnsOf(rest)) + 16; // a gap, for letters may be wider
    }
    boxText(name, x, top, room - 12, beside, one.name, ...stateOf(one));
    const title = `${comma(one.pending)} pending`;
    for (let place = 0; place < many; place++) shapes.push(square(`${name} many ${place}`, first - PITCH * place, y, one.dead ? "old" : "many", colour, { title }));
    known.forEach((/** @type {any[]} */ held, /** @type {number} */ place) => heldSquare(key, held, first - PITCH * place, y, colour, one.dead, one.lost.includes(held[0])));
  };
  const bin = (/** @type {string} */ key, /** @type {any} */ one, /** @type {number} */ x, /** @type {number} */ top) => {
    shapes.push(rect(`${key} bin`, x, top, BOX_MIN, BOX_H - low, "bin", GREY));
    boxText(`${key} bin`, x, top, BOX_MIN - 8, 0, one.name, `✝ ${comma(one.count)}${one.since}`);
  };
  const consumers = (/** @type {string} */ key, /** @type {any} */ group, /** @type {number} */ top) => {
    const room = right - left + BOX_GAP - (group.bin ? BOX_MIN + BOX_GAP : 0);
    if (group.bin) bin(key, group.bin, left + room, top);
    const shown = group.consumers.slice(0, Math.max(1, Math.floor(room / (BOX_MIN + BOX_GAP))));
    const each = Math.min(BOX_W, Math.floor(room / Math.max(1, shown.length)) - BOX_GAP);
    shown.forEach((/** @type {any} */ one, /** @type {number} */ k) => consumer(`${key} ${k}`, key, one, left + k * (each + BOX_GAP), top, each, group.colour));
    if (!shown.length) text(`${key} empty`, left, top + 21, "no consumers", "note");
    const rest = group.consumers.length - shown.length + group.more[0];
    const held = group.consumers.slice(shown.length).reduce((/** @type {number} */ sum, /** @type {any} */ { pending }) => sum + pending, 0) + group.more[1];
    const more = (/** @type {number} */ i, /** @type {string[]} */ ...options) => text(`${key} more ${i}`, right + 12, top + 46 - low + 14 * i, fit(width - right - 16, NOTE, ...options), "note");
    if (rest) more(0, `+${comma(rest)} consumers`, `+${comma(rest)}`);
    if (held) more(1, `${comma(held)} pending`, "");
  };
  const bar = (/** @type {string} */ key, /** @type {any} */ group, /** @type {number} */ top) => {
    const rest = Object.keys(BAR).reduce((sum, name) => sum - (group[name] ?? 0), scene.added);
    const numbers = { ...group, unknown: Math.max(0, rest) };
    const names = Object.keys(BAR).filter((name) => numbers[name]);
    const long = group.waiting === null || group.gone === null ? BAR : { ...BAR, unknown: UNCLEAR };
    const whole = Math.max(1, names.reduce((sum, name) => sum + numbers[name], 0));
    const piece = (/** @type {string} */ part, /** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ w, /** @type {string} */ name) => {
      const more = name === "pending" ? 2 : 0; // what is pending is a thicker piece
      return rect(part, x, y - more, w, 5 + 2 * more, `bar-${name}`, group.colour);
    };
    const counted = (/** @type {string} */ name) => `${name === "dropped" ? "up to " : ""}${comma(numbers[name])} `; // how many were dropped is known at most
    let x = left;
    for (const name of names) {
      const part = Math.max(2, Math.floor((numbers[name] * (right - left)) / whole));
      shapes.push({ ...piece(`${key} bar ${name}`, x, top, part, name), title: counted(name) + long[name] });
      x += part;
    }
    const count = (/** @type {string} */ name) => (name === "waiting" || (wide && name === "acked") ? "" : counted(name)); // other words say it
    const textsIn = (/** @type {Record<string, string>} */ words) => names.map((name) => count(name) + words[name]);
    const needs = (/** @type {string} */ words) => SWATCH + Math.floor(LETTER * columnsOf(words));
    const all = [long, BAR, { ...BAR, acked: "acked" }].map(textsIn);
    const words = all.find((some) => left + some.reduce((sum, one) => sum + needs(one), 0) <= end) ?? all[2];
    x = left;
    names.forEach((name, i) => {
      if (x + needs(words[i]) <= end) {
        shapes.push(piece(`${key} swatch ${name}`, x, top + 13, 9, name));
        text(`${key} part ${name}`, x + 13, top + 20, words[i], "note");
      }
      x += needs(words[i]);
    });
    if (!wide) return;
    text(`${key} acked n`, end, top - 32, group.acked === null ? "?" : comma(group.acked), "name", "end");
    text(`${key} acked`, end, top - 18, "acknowledged", "note", "end");
  };
  tape();
  scene.groups.forEach((/** @type {any} */ group, /** @type {number} */ i) => {
    const [key, top] = [`group ${i}`, tapeTop + 44 + groupHigh * i];
    shapes.push(rect(`${key} mark`, 6, top, 4, 30, "line", group.colour));
    text(`${key} name`, 16, top + 11, fit(left - 22, NAME, group.name), "name");
    const waiting = group.waiting === null ? "unknown" : comma(group.waiting);
    text(`${key} waiting`, 16, top + 27, fit(left - 22, NOTE, `${waiting} waiting`, waiting), "note");
    if (group.at !== null) {
      cursor(key, group.at, top, group.colour);
      for (let at = Math.max(oldest, squareOf(group.at + 1)); at <= last; at++) shapes.push(square(`${key} waits ${at}`, xOf(at), top, "waits", group.colour, { square: at }));
    }
    consumers(key, group, top + 20);
    bar(key, group, top + 62 - low);
  });
  scene.readers.forEach((/** @type {any} */ reader, /** @type {number} */ i) => {
    const [key, top] = [`reader ${i}`, readersTop + READER * i];
    text(`${key} name`, 16, top + 11, fit(left - 22, NOTE, reader.name), "label");
    if (reader.at === null) text(`${key} far`, left, top + 11, "far behind", "note");
    else cursor(key, reader.at, top, GREY);
  });
  return { height: readersTop + READER * scene.readers.length + 8, shapes };
}

/** The square that stands for an entry; 0 before the first. @param {any} scene @param {number} number */
export const squareAt = (scene, number) => Math.ceil(number / scene.every);
