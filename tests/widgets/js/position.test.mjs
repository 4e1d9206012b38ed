import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { inWords, lastRefusal, moved, movesOf, pointName, situation, stonesAfter, summary } from "../../../notebooks/go_game/static/position.js";

const games = JSON.parse(readFileSync(process.env.STREAMVIZ_GAMES, "utf8"));
const move = (player, at, more = {}) => ({ player, at, name: at ? pointName(...at, 9) : "pass", captured: [], ...more });
const refused = move("BLACK", [4, 4], { captured: undefined, reason: "there is a stone on the point" });
const game = (answers, more = {}) => ({ size: 9, setup: "", answers, live: true, up: "BLACK", you: "BLACK", waiting: 0, over: false, ...more });

test("there are games to compare, with captures", () => {
  assert.ok(games.length >= 3);
  assert.ok(games.every(({ answers }) => answers.some(({ captured }) => captured?.length)));
});

for (const { name, size, setup, answers, positions, words } of games) {
  test(`stonesAfter shows what Python's Record.stones shows: ${name}`, () => {
    const moves = movesOf(answers);
    assert.equal(positions.length, moves.length + 1);
    positions.forEach((rows, after) => {
      const stones = stonesAfter({ size, setup, answers }, after);
      const mine = rows.map((_, y) =>
        Array.from({ length: size }, (_, x) => ({ BLACK: "B", WHITE: "W" })[stones.get(`${x},${y}`)] ?? ".").join(""));
      assert.deepEqual(mine, rows, `after ${after} moves`);
    });
  });
  test(`summary says what Python's goban.summary says: ${name}`, () => {
    words.forEach((told, after) => assert.equal(summary({ size, setup, answers }, after), told));
  });
  test(`pointName says what Python's point_name says: ${name}`, () => {
    for (const { at, name: told } of answers) if (at) assert.equal(pointName(...at, size), told);
  });
}

test("a refusal is no move", () => {
  assert.deepEqual(movesOf([refused, move("BLACK", [0, 0])]), [move("BLACK", [0, 0])]);
  assert.equal(lastRefusal(game([])), null);
  assert.equal(lastRefusal(game([refused])), refused);
  assert.equal(lastRefusal(game([refused, move("BLACK", [0, 0])])), null);
});

test("the cursor stays on the board, and other keys leave it", () => {
  assert.deepEqual(moved([0, 0], "ArrowLeft", 9), [0, 0]);
  assert.deepEqual(moved([0, 0], "ArrowRight", 9), [1, 0]);
  assert.deepEqual(moved([8, 8], "ArrowDown", 9), [8, 8]);
  assert.deepEqual(moved([3, 3], "ArrowUp", 9), [3, 2]);
  assert.deepEqual(moved([3, 3], "x", 9), [3, 3]);
  assert.deepEqual(moved([18, 18], "", 9), [8, 8], "the board became smaller");
});

test("an answer in words", () => {
  assert.equal(inWords(move("BLACK", [4, 4])), "Black E5");
  assert.equal(inWords(move("WHITE", null)), "White passes");
  assert.equal(inWords(move("WHITE", [0, 0], { captured: [[0, 1]] })), "White A9 takes 1 stone");
  assert.equal(inWords(move("WHITE", [0, 0], { captured: [[0, 1], [1, 0]] })), "White A9 takes 2 stones");
  assert.equal(inWords(refused), "Black E5: rejected, there is a stone on the point");
});

test("the situation: whose turn, what was refused, what is awaited, what is past", () => {
  const two = [move("BLACK", [4, 4]), move("WHITE", [0, 0])];
  assert.deepEqual(situation(game([]), 0), { text: "You are up", bad: false });
  assert.deepEqual(situation(game(two), 2), { text: "White A9. You are up", bad: false });
  assert.deepEqual(situation(game(two), 1), { text: "Move 1 of 2: Black E5", bad: false });
  assert.deepEqual(situation(game(two), 0), { text: "Move 0 of 2", bad: false });
  assert.equal(situation(game([...two, refused]), 2).bad, true);
  assert.match(situation(game(two, { waiting: 1 }), 2).text, /no judge has answered/);
  assert.match(situation(game(two, { up: "WHITE" }), 2).text, /The other player is up/);
  assert.equal(situation(game(two, { over: true, up: "" }), 2).text, "White A9. 2 moves");
});
