// @ts-check
// A board of Go: it draws the judge's answers, and sends what is clicked. It knows no rules.

import { make, makeButton, makeSlider, makeStatus, watchTheme } from "streamviz/dom.js";
import { build } from "streamviz/live.js";
import { listen, notify, widget } from "streamviz/mount.js";
import { center, cross, disc, shape, STEP, wood } from "./goban.js";
import { ARROWS, lastRefusal, moved, movesOf, pointName, situation, stonesAfter, summary } from "./position.js";

/** @typedef {import("./position.js").Game} Game */
/** @typedef {[number, number]} Point */

const POLL_MS = 400; // while no judge has answered

/** The buttons and the slider below the board.
 * @param {AbortSignal} signal @param {{pass: () => void, go: (to: number) => void, step: (by: number) => void}} act */
function buildControls(signal, act) {
  const root = make("div", "bar");
  const back = makeButton("◀", () => act.step(-1), signal, "one move back");
  const slider = makeSlider("move", { min: 0, max: 0, value: 0 });
  slider.addEventListener("input", () => act.go(Number(slider.value)), { signal });
  const forward = makeButton("▶", () => act.step(1), signal, "one move on");
  const output = make("output", "", "0", { "aria-live": "off" }); // the slider says it
  const pass = makeButton("Pass", act.pass, signal, "pass");
  root.append(back, slider, forward, output, pass);
  /** @param {number} shown @param {number} all @param {boolean} live @param {boolean} over */
  const update = (shown, all, live, over) => {
    slider.max = String(all);
    slider.value = String(shown);
    slider.setAttribute("aria-valuetext", `after ${shown} of ${all} moves`);
    output.textContent = `${shown}/${all}`;
    back.disabled = shown === 0;
    forward.disabled = shown === all;
    pass.hidden = !live;
    pass.disabled = over || shown < all;
  };
  return { root, update };
}

/** What is on the board: stones, the last move, what is captured, requested or refused, the cursor.
 * @param {Game} game @param {number} shown @param {Point | "pass" | null} requested @param {Point} cursor */
function contents(game, shown, requested, cursor) {
  const moves = movesOf(game.answers);
  const last = shown ? moves[shown - 1] : null;
  const parts = [wood(game.size)];
  for (const [point, player] of stonesAfter(game, shown)) {
    const [x, y] = point.split(",").map(Number);
    parts.push(disc(x, y, player === "BLACK" ? "black" : "white", STEP * 0.46));
  }
  for (const point of last?.captured ?? []) parts.push(cross(point, "taken"));
  if (last?.at) parts.push(disc(...last.at, last.player === "BLACK" ? "last-black" : "last-white", 7));
  if (requested && requested !== "pass") parts.push(disc(...requested, "asked", STEP * 0.46));
  const refused = shown === moves.length && !requested ? lastRefusal(game) : null;
  if (refused?.at && Math.max(...refused.at) < game.size) parts.push(cross(refused.at, "refused"));
  const [x, y] = cursor.map((n) => center(n) - STEP / 2);
  parts.push(shape("rect", { class: "streamviz-cursor", x, y, width: STEP, height: STEP }));
  return parts;
}

/** The node of one board: the game on the left, its streams on the right, the commands below.
 * @param {any} model @param {AbortSignal} signal */
function buildBoard(model, signal) {
  const [root, table, side] = [make("div", "live"), make("div", "table"), make("div", "side")];
  const live = build(model, signal);
  const [status, position, words] = [makeStatus(), make("p", "hidden"), make("p", "hidden", [], { "aria-live": "polite" })];
  const board = /** @type {SVGSVGElement} */ (shape("svg", { class: "streamviz-goban", role: "application", tabindex: 0 }));
  /** @type {Game} */
  let game = { size: 9, setup: "", answers: [], live: false, up: "", you: "", waiting: 0, over: true };
  let shown = 0; // moves
  let requested = /** @type {Point | "pass" | null} */ (null);
  let pollTimer = 0;
  /** @type {Point} */
  let cursor = [4, 4];

  const draw = () => {
    board.replaceChildren(...contents(game, shown, requested, cursor));
    position.textContent = summary(game, shown);
    const { text, bad } = situation(game, shown);
    if (status.textContent !== text) status.textContent = text;
    status.toggleAttribute("data-bad", bad);
    controls.update(shown, movesOf(game.answers).length, game.live, game.over);
  };
  const go = (/** @type {number} */ to) => {
    shown = Math.max(0, Math.min(movesOf(game.answers).length, to));
    draw();
  };
  /** @param {Point | "pass"} at */
  const play = (at) => {
    if (!game.live || game.over || requested || game.waiting) return;
    const all = movesOf(game.answers).length;
    if (shown < all) {
      status.textContent = `This is move ${shown} of ${all}: go to the end to play`;
      return;
    }
    requested = at;
    draw();
    model.send({ type: "play", at: at === "pass" ? null : at });
  };
  const controls = buildControls(signal, { pass: () => play("pass"), go, step: (by) => go(shown + by) });

  board.addEventListener("click", ({ clientX, clientY }) => {
    const box = board.getBoundingClientRect();
    const at = [clientX - box.left, clientY - box.top].map((px) => Math.round((px / box.width) * (game.size + 1)) - 1);
    if (at.some((n) => n < 0 || n >= game.size)) return;
    cursor = /** @type {Point} */ (at);
    board.focus({ preventScroll: true });
    draw();
    play(cursor);
  }, { signal });
  board.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) {
      cursor = moved(cursor, event.key, game.size);
      const stone = stonesAfter(game, shown).get(String(cursor));
      words.textContent = `${pointName(...cursor, game.size)}, ${stone ? stone.toLowerCase() : "empty"}`;
      draw();
    } else if (event.key === "Enter" || event.key === " ") play(cursor);
    else if (event.key.toLowerCase() === "p") play("pass");
    else return;
    event.preventDefault();
    event.stopPropagation(); // the notebook has keys of its own
  }, { signal });

  const resize = () => {
    const length = STEP * (game.size + 1);
    board.setAttribute("viewBox", `0 0 ${length} ${length}`);
    board.setAttribute("aria-label", `Go board, ${game.size} by ${game.size}; arrow keys move, Enter plays, P passes`);
    side.style.flexBasis = `${Math.max(420, 28 * game.size)}px`; // or the letters of 19 lines are tiny
  };
  const show = (/** @type {any} */ content) => {
    const before = movesOf(game.answers).length;
    const answers = content.from ? [...game.answers.slice(0, content.from), ...content.answers] : content.answers;
    const fresh = content.size !== game.size || !content.from;
    const middle = Math.floor((content.size - 1) / 2);
    if (content.size !== game.size) cursor = [middle, middle];
    game = { ...content, answers };
    root.dataset.moves = String(movesOf(answers).length);
    requested = null;
    if (fresh) resize();
    if (shown === before || fresh) shown = movesOf(answers).length;
    draw();
    clearTimeout(pollTimer);
    if (game.waiting) pollTimer = setTimeout(() => notify(model, { type: "poll" }), POLL_MS);
  };
  listen(model, signal, { game: show, problem: () => void (requested = null) });
  signal.addEventListener("abort", () => {
    clearTimeout(pollTimer);
    root.remove();
  }, { once: true });
  const restyle = () => root.toggleAttribute("data-dark", darkNow());
  const darkNow = watchTheme(restyle, signal);
  restyle();

  side.append(board, position, controls.root, status, words);
  table.append(side, live);
  root.append(table, /** @type {HTMLElement} */ (live.querySelector(".streamviz-log")));
  draw();
  return root;
}

export default widget(buildBoard);
