// @ts-check
// Draws a board of Go from the judge's answers, and asks for what is clicked; it knows no rules.

import { build, isDark, make, mention, settle } from "streamviz/live.js";

/** @typedef {{player: string, at: [number, number] | null, name: string, captured?: [number, number][], reason?: string}} Answer */
/** @typedef {{size: number, answers: Answer[], live: boolean, up: string, you: string, waiting: number, over: boolean}} Game */

const SVG = "http://www.w3.org/2000/svg";
const STEP = 40;
const LOOK_AGAIN_MS = 400;
/** @type {Record<number, number[]>} */
const STARS = { 9: [2, 4, 6], 13: [3, 6, 9], 19: [3, 9, 15] };
const LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ";
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The moves among the answers.
 * @param {Answer[]} answers */
export const movesOf = (answers) => answers.filter((one) => one.reason === undefined);

/** The stones after so many moves, each point's colour; the same as `Record.stones` in Python.
 * @param {Answer[]} moves @param {number} after @returns {Map<string, string>} */
export function stonesAfter(moves, after) {
  const stones = new Map();
  for (const { player, at, captured } of moves.slice(0, after)) {
    if (at) stones.set(String(at), player);
    for (const point of captured ?? []) stones.delete(String(point));
  }
  return stones;
}

/** What players call a point: a letter without I, and the row from below.
 * @param {number} x @param {number} y @param {number} size */
export const pointName = (x, y, size) => `${LETTERS[x]}${size - y}`;

/** The cursor after a key; it stays on the board.
 * @param {[number, number]} cursor @param {string} key @param {number} size @returns {[number, number]} */
export function moved([x, y], key, size) {
  const [dx, dy] = ARROWS[key] ?? [0, 0];
  const inside = (/** @type {number} */ n) => Math.max(0, Math.min(size - 1, n));
  return [inside(x + dx), inside(y + dy)];
}

/** An answer in words.
 * @param {Answer} answer */
export function inWords({ player, name, captured, reason }) {
  const who = player === "BLACK" ? "Black" : "White";
  const did = name === "pass" ? `${who} passes` : `${who} ${name}`;
  if (reason !== undefined) return `${did}: rejected, ${reason}`;
  const many = captured?.length ?? 0;
  return many ? `${did} takes ${many} ${many === 1 ? "stone" : "stones"}` : did;
}

/** What to say below the board, and whether it is bad news.
 * @param {Game} game @param {number} shown how many moves are shown */
export function situation(game, shown) {
  const moves = movesOf(game.answers);
  if (shown < moves.length) {
    const last = shown ? `: ${inWords(moves[shown - 1])}` : "";
    return { text: `Move ${shown} of ${moves.length}${last}`, bad: false };
  }
  if (game.waiting) return { text: "Asked, and no judge has answered yet", bad: true };
  const refused = lastRefusal(game);
  const newest = game.answers.at(-1);
  if (refused) return { text: inWords(refused), bad: true };
  const said = newest ? `${inWords(newest)}. ` : "";
  if (game.over) return { text: `${said}${moves.length} moves`, bad: false };
  return { text: `${said}${game.up === game.you ? "You are up" : "The other player is up"}`, bad: false };
}

/** The position in words, for those who can't see it; as `goban.summary` says it in Python.
 * @param {Game} game @param {number} shown */
export function summary({ size, answers }, shown) {
  const moves = movesOf(answers);
  const colours = [...stonesAfter(moves, shown).values()];
  const count = (/** @type {string} */ colour) => colours.filter((one) => one === colour).length;
  const last = shown ? moves[shown - 1] : null;
  const took = last?.captured?.length ? `, which took ${last.captured.length}` : "";
  const words = last ? `, the last ${last.player.toLowerCase()} ${last.name}${took}` : "";
  return `${size}x${size} board after ${shown} moves${words}: ${count("BLACK")} black and ${count("WHITE")} white stones.`;
}

/** The refusal of the newest answer, if it was one.
 * @param {Game} game */
export function lastRefusal({ answers }) {
  const newest = answers.at(-1);
  return newest?.reason === undefined ? null : newest;
}

/** @param {string} tag @param {Record<string, string | number>} attributes */
function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

const place = (/** @type {number} */ n) => STEP * (n + 1);

/** Lines, stars and names: what never moves.
 * @param {number} size */
function wood(size) {
  const far = place(size - 1);
  const group = shape("g", {});
  group.append(shape("rect", { class: "streamviz-wood", x: STEP / 2, y: STEP / 2, width: STEP * size, height: STEP * size }));
  for (let n = 0; n < size; n += 1) {
    const at = place(n);
    group.append(
      shape("path", { class: "streamviz-lines", d: `M${STEP} ${at}H${far}M${at} ${STEP}V${far}` }),
      label(LETTERS[n], at, 15),
      label(String(size - n), 10, at + 5),
    );
  }
  for (const x of STARS[size] ?? []) {
    for (const y of STARS[size]) group.append(shape("circle", { class: "streamviz-star", cx: place(x), cy: place(y), r: 4 }));
  }
  return group;
}

/** @param {string} text @param {number} x @param {number} y */
function label(text, x, y) {
  const node = shape("text", { class: "streamviz-point", x, y, "text-anchor": "middle" });
  node.textContent = text;
  return node;
}

/** @param {number} x @param {number} y @param {string} kind @param {number} r */
const disc = (x, y, kind, r) => shape("circle", { class: `streamviz-${kind}`, cx: place(x), cy: place(y), r });

/** @param {[number, number]} at @param {string} kind */
function cross([x, y], kind) {
  const r = STEP * 0.25;
  return shape("path", { class: `streamviz-${kind}`, d: `M${place(x) - r} ${place(y) - r}l${2 * r} ${2 * r}m${-2 * r} 0l${2 * r} ${-2 * r}` });
}

/** The buttons and the slider below the board.
 * @param {AbortSignal} signal @param {{pass: () => void, go: (to: number) => void, step: (by: number) => void}} act */
function buildDeck(signal, act) {
  const root = make("div", "bar");
  /** @param {string} text @param {string} words @param {() => void} then */
  const button = (text, words, then) => {
    const node = /** @type {HTMLButtonElement} */ (make("button", "", text));
    node.type = "button";
    node.setAttribute("aria-label", words);
    node.title = words;
    node.addEventListener("click", then, { signal });
    root.append(node);
    return node;
  };
  const back = button("◀", "one move back", () => act.step(-1));
  const slider = /** @type {HTMLInputElement} */ (document.createElement("input"));
  Object.assign(slider, { type: "range", min: "0", max: "0", value: "0" });
  slider.setAttribute("aria-label", "move");
  slider.addEventListener("input", () => act.go(Number(slider.value)), { signal });
  const output = make("output", "", "0");
  root.append(slider);
  const on = button("▶", "one move on", () => act.step(1));
  root.append(output);
  const pass = button("Pass", "pass", act.pass);
  /** @param {number} shown @param {number} all @param {boolean} live @param {boolean} over */
  const update = (shown, all, live, over) => {
    slider.max = String(all);
    slider.value = String(shown);
    slider.setAttribute("aria-valuetext", `after ${shown} of ${all} moves`);
    output.textContent = `${shown}/${all}`;
    back.disabled = shown === 0;
    on.disabled = shown === all;
    pass.hidden = !live;
    pass.disabled = over || shown < all;
  };
  return { root, update };
}

/** The live node of one board: the game on the left, its streams on the right, commands below.
 * @param {any} model @param {AbortSignal} signal */
function buildBoard(model, signal) {
  const root = make("div", "live");
  const table = make("div", "table");
  const side = make("div", "side");
  const live = build(model, signal);
  const status = make("div", "status");
  const words = make("p", "hidden");
  status.setAttribute("role", "status");
  words.setAttribute("aria-live", "polite");
  const position = make("p", "hidden");
  const board = /** @type {SVGSVGElement} */ (shape("svg", { class: "streamviz-goban", role: "application", tabindex: 0 }));
  /** @type {Game} */
  let game = { size: 9, answers: [], live: false, up: "", you: "", waiting: 0, over: true };
  let shown = 0;
  let asked = /** @type {[number, number] | "pass" | null} */ (null);
  let again = 0;
  /** @type {[number, number]} */
  let cursor = [4, 4];

  const draw = () => {
    const moves = movesOf(game.answers);
    const last = shown ? moves[shown - 1] : null;
    const atEnd = shown === moves.length;
    const parts = [wood(game.size)];
    for (const [point, player] of stonesAfter(moves, shown)) {
      const [x, y] = point.split(",").map(Number);
      parts.push(disc(x, y, player === "BLACK" ? "black" : "white", STEP * 0.46));
    }
    for (const point of last?.captured ?? []) parts.push(cross(point, "taken"));
    if (last?.at) parts.push(disc(...last.at, last.player === "BLACK" ? "last-black" : "last-white", 7));
    if (asked && asked !== "pass") parts.push(disc(...asked, "asked", STEP * 0.46));
    const refused = atEnd && !asked ? lastRefusal(game) : null;
    if (refused?.at && Math.max(...refused.at) < game.size) parts.push(cross(refused.at, "refused"));
    const [x, y] = cursor;
    parts.push(shape("rect", { class: "streamviz-cursor", x: place(x) - STEP / 2, y: place(y) - STEP / 2, width: STEP, height: STEP }));
    board.replaceChildren(...parts);
    position.textContent = summary(game, shown);
    const { text, bad } = situation(game, shown);
    if (status.textContent !== text) status.textContent = text;
    status.toggleAttribute("data-bad", bad);
    deck.update(shown, moves.length, game.live, game.over);
  };
  const go = (/** @type {number} */ to) => {
    shown = Math.max(0, Math.min(movesOf(game.answers).length, to));
    draw();
  };
  /** @param {[number, number] | "pass"} what */
  const play = (what) => {
    if (!game.live || game.over || asked || game.waiting) return;
    const all = movesOf(game.answers).length;
    if (shown < all) {
      status.textContent = `This is move ${shown} of ${all}: go to the end to play`;
      return;
    }
    asked = what;
    draw();
    model.send({ type: "play", at: what === "pass" ? null : what });
  };
  const deck = buildDeck(signal, { pass: () => play("pass"), go, step: (by) => go(shown + by) });

  board.addEventListener("click", (event) => {
    const box = board.getBoundingClientRect();
    const at = [event.clientX - box.left, event.clientY - box.top].map((pixels) =>
      Math.round((pixels / box.width) * (game.size + 1)) - 1);
    if (at.some((n) => n < 0 || n >= game.size)) return;
    cursor = /** @type {[number, number]} */ (at);
    board.focus({ preventScroll: true });
    draw();
    play(cursor);
  }, { signal });
  board.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) {
      cursor = moved(cursor, event.key, game.size);
      const stone = stonesAfter(movesOf(game.answers), shown).get(String(cursor));
      words.textContent = `${pointName(...cursor, game.size)}, ${stone ? stone.toLowerCase() : "empty"}`;
      draw();
    } else if (event.key === "Enter" || event.key === " ") play(cursor);
    else if (event.key.toLowerCase() === "p") play("pass");
    else return;
    event.preventDefault();
    event.stopPropagation(); // the notebook has keys of its own
  }, { signal });

  const receive = (/** @type {{type: string}} */ { type }, /** @type {DataView[]} */ buffers) => {
    if (type === "problem") asked = null;
    if (type !== "game") return;
    const news = JSON.parse(new TextDecoder().decode(buffers[0]));
    const before = movesOf(game.answers).length;
    const answers = news.from ? [...game.answers.slice(0, news.from), ...news.answers] : news.answers;
    const fresh = news.size !== game.size || !news.from;
    game = { ...news, answers };
    root.dataset.moves = String(movesOf(answers).length);
    asked = null;
    if (fresh) {
      const side_ = STEP * (game.size + 1);
      board.setAttribute("viewBox", `0 0 ${side_} ${side_}`);
      board.setAttribute("aria-label", `Go board, ${game.size} by ${game.size}; arrow keys move, Enter plays, P passes`);
      const middle = (game.size - 1) / 2;
      if (!board.childElementCount) cursor = [middle, middle];
      cursor = moved(cursor, "", game.size);
    }
    if (shown === before || fresh) shown = movesOf(answers).length;
    draw();
    clearTimeout(again);
    if (game.waiting) again = setTimeout(() => mention(model, { type: "look" }), LOOK_AGAIN_MS);
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", receive);
    clearTimeout(again);
    root.remove();
  }, { once: true });

  const system = matchMedia("(prefers-color-scheme: dark)");
  const restyle = () => root.toggleAttribute("data-dark", isDark(document.body, system.matches));
  const themes = new MutationObserver(restyle);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  system.addEventListener("change", restyle, { signal });
  signal.addEventListener("abort", () => themes.disconnect(), { once: true });
  restyle();

  side.append(board, position, deck.root, status, words);
  table.append(side, live);
  root.append(table, /** @type {HTMLElement} */ (live.querySelector(".streamviz-log")));
  draw();
  return root;
}

export default {
  /** @param {{model: any}} context */
  initialize({ model }) {
    const abort = new AbortController();
    settle(model, abort.signal, buildBoard);
    return () => abort.abort();
  },
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    const abort = new AbortController();
    el.append(buildBoard(model, abort.signal));
    model.send({ type: "hello" });
    return () => abort.abort();
  },
};
