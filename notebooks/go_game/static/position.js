// @ts-check
// A position of Go from the judge's answers, and what to say about it. Pure functions: no rules.

/** @typedef {{player: string, at: [number, number] | null, name: string, captured?: [number, number][], reason?: string}} Answer */
/** @typedef {{size: number, setup: string, answers: Answer[], live: boolean, up: string, you: string, waiting: number, over: boolean}} Game */

export const LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ";
/** @type {Record<string, [number, number]>} */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The moves among the answers.
 * @param {Answer[]} answers */
export const movesOf = (answers) => answers.filter((one) => one.reason === undefined);

/** The colour of the stone on each point after some moves; the same as `Record.stones` in Python.
 * @param {Game} game @param {number} after @returns {Map<string, string>} */
export function stonesAfter({ size, setup, answers }, after) {
  const stones = new Map();
  [...setup].forEach((sign, at) => {
    if (sign !== ".") stones.set(`${at % size},${Math.floor(at / size)}`, sign === "B" ? "BLACK" : "WHITE");
  });
  for (const { player, at, captured } of movesOf(answers).slice(0, after)) {
    if (at) stones.set(String(at), player);
    for (const point of captured ?? []) stones.delete(String(point));
  }
  return stones;
}

/** The name of a point: a letter, but not I, and the row counted from below.
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

/** The text below the board, and whether it is bad news.
 * @param {Game} game @param {number} shown the number of moves shown */
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

/** The position in words, for screen readers; the same as `board_svg.summary` in Python.
 * @param {Game} game @param {number} shown */
export function summary(game, shown) {
  const [size, moves] = [game.size, movesOf(game.answers)];
  const colours = [...stonesAfter(game, shown).values()];
  const count = (/** @type {string} */ colour) => colours.filter((one) => one === colour).length;
  const last = shown ? moves[shown - 1] : null;
  const took = last?.captured?.length ? `, which took ${last.captured.length}` : "";
  const words = last ? `, the last ${last.player.toLowerCase()} ${last.name}${took}` : "";
  return `${size}x${size} board after ${shown} moves${words}: ${count("BLACK")} black and ${count("WHITE")} white stones.`;
}

/** The newest answer, if it is a refusal.
 * @param {Game} game */
export function lastRefusal({ answers }) {
  const newest = answers.at(-1);
  return newest?.reason === undefined ? null : newest;
}
