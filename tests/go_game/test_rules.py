"""The rules: boards and verdicts match sgfmill's, move by move, and states survive a round trip."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest
from records import ALPHAGO_LEE_4
from sgfmill import boards, sgf
from slow import slow_but

from go_game.rules import (
    MOVES_LIMIT,
    SIZES,
    STANDARD,
    Coord,
    Game,
    IllegalMove,
    Player,
    Reason,
    Rules,
)
from streamviz.errors import InputError

BLACK, WHITE = Player.BLACK, Player.WHITE
SIGNS = {None: ".", "b": "B", "w": "W"}


class Referee:
    """The same game on sgfmill's board, with the rules that sgfmill leaves out."""

    def __init__(self, size: int, rules: Rules) -> None:
        self.size, self.rules = size, rules
        self.board = boards.Board(size)
        self.seen = {self.picture()}
        self.up = BLACK

    def picture(self, board: Any = None) -> tuple[str, ...]:
        board = board or self.board
        return tuple(
            "".join(SIGNS[board.get(self.size - 1 - y, x)] for x in range(self.size))
            for y in range(self.size)
        )

    def play(self, player: Player, coord: Coord | None) -> Reason | set[Coord]:
        """Return the reason if the move is illegal, or the points that it emptied."""
        if player is not self.up:
            return Reason.NOT_UP
        if coord is None:
            self.up = self.up.other
            return set()
        if not all(0 <= one < self.size for one in coord):
            return Reason.OFF_BOARD
        row = self.size - 1 - coord.y
        if self.board.get(row, coord.x):
            return Reason.TAKEN
        after = self.board.copy()
        after.play(row, coord.x, player.value[0].lower())
        own_stone_stays = after.get(row, coord.x) is not None
        if not own_stone_stays and not self.rules.suicide:
            return Reason.SUICIDE
        now = self.picture(after)
        if self.rules.superko and now in self.seen:
            return Reason.REPETITION
        before = self.picture()
        emptied = {
            Coord(x, y)
            for y in range(self.size)
            for x in range(self.size)
            if now[y][x] == "." and (before[y][x] != "." or (x, y) == coord)
        }
        self.board, self.up = after, self.up.other
        self.seen.add(now)
        return emptied


def rows(game: Game) -> tuple[str, ...]:
    return tuple(game.to_dict()["board"]["stones"])


def anywhere(dice: random.Random, game: Game, taken: tuple[Coord, ...]) -> Coord | None:
    """Return a pass, a point (mostly a free one), or a point that was just emptied."""
    if taken and dice.random() < 0.4:
        return dice.choice(taken)
    if dice.random() < 0.02:
        return None
    if dice.random() < 0.1:
        return Coord(dice.randint(-1, game.size), dice.randint(-1, game.size))
    free = [point for point, stone in enumerate(game.stones) if not stone]
    point = dice.choice(free) if free else 0
    return Coord(point % game.size, point // game.size)


@pytest.mark.parametrize("superko", slow_but(True, of=[False, True]))
@pytest.mark.parametrize("suicide", slow_but(True, of=[False, True]))
@pytest.mark.parametrize("size", SIZES)
def test_random_moves_have_the_verdicts_and_boards_of_sgfmill(
    size: int, suicide: bool, superko: bool
) -> None:
    rules = Rules(suicide, superko)
    dice = random.Random(f"{size} {rules}")
    met: Counter[str] = Counter()
    while sum(met.values()) < 1000 or (size == 9 and met["captured"] < 200):
        game, referee = Game.new(size, rules), Referee(size, rules)
        taken: tuple[Coord, ...] = ()
        for _ in range(size * size * 3):
            player = game.up if dice.random() < 0.95 else game.up.other
            coord = anywhere(dice, game, taken)
            expected = referee.play(player, coord)
            verdict = ours(game, player, coord)
            assert (verdict if isinstance(verdict, Reason) else set(verdict[1])) == expected
            if isinstance(verdict, Reason):
                met[verdict.name] += 1
                continue
            game, taken = verdict
            met["suicide" if coord in taken else "captured" if taken else "made"] += 1
            assert taken == tuple(sorted(taken, key=lambda one: (one.y, one.x)))
            assert rows(game) == referee.picture()
            assert game.up is referee.up
        assert Game.from_dict(json.loads(json.dumps(game.to_dict()))) == game
    wanted = {"made", "NOT_UP", "OFF_BOARD", "TAKEN", "captured"}
    if size == 9:
        wanted |= {"suicide" if suicide else "SUICIDE"} | ({"REPETITION"} if superko else set())
    assert wanted <= set(met), met


def ours(
    game: Game, player: Player, coord: Coord | None
) -> Reason | tuple[Game, tuple[Coord, ...]]:
    try:
        return game.play(player, coord)
    except IllegalMove as error:
        return error.reason


def test_a_whole_game_replays_as_on_sgfmills_board() -> None:
    record = sgf.Sgf_game.from_string(ALPHAGO_LEE_4)
    game, referee, taken = Game.new(record.get_size()), Referee(19, STANDARD), 0
    for node in record.get_main_sequence()[1:]:
        colour, (row, x) = node.get_move()
        player, coord = (BLACK if colour == "b" else WHITE), Coord(x, 18 - row)
        game, captured = game.play(player, coord)
        assert set(captured) == referee.play(player, coord)
        assert rows(game) == referee.picture()
        taken += len(captured)
    assert game.turn == 181
    assert taken == sum(game.captures) > 0
    assert Game.from_dict(game.to_dict()) == game


def after(*moves: tuple[int, int] | None, rules: Rules = STANDARD) -> Game:
    game = Game.new(9, rules)
    for move in moves:
        game, _ = game.play(game.up, None if move is None else Coord(*move))
    return game


def why_not(game: Game, x: int, y: int) -> Reason:
    with pytest.raises(IllegalMove) as caught:
        game.play(game.up, Coord(x, y))
    return caught.value.reason


KO = ((1, 0), (2, 0), (0, 1), (3, 1), (1, 2), (2, 2), (2, 1))  # white may take at 1, 1


def test_a_ko_is_taken_and_not_taken_back_at_once() -> None:
    game, captured = after(*KO).play(WHITE, Coord(1, 1))
    assert captured == (Coord(2, 1),)
    assert game.captures == (0, 1)
    assert why_not(game, 2, 1) is Reason.REPETITION
    game, _ = game.play(BLACK, Coord(8, 8))
    game, _ = game.play(WHITE, Coord(8, 0))
    game, captured = game.play(BLACK, Coord(2, 1))
    assert captured == (Coord(1, 1),), "elsewhere the board has changed"


def test_two_passes_do_not_lift_the_superko() -> None:
    game, _ = after(*KO).play(WHITE, Coord(1, 1))
    for player in (BLACK, WHITE):
        game, captured = game.play(player, None)
        assert captured == ()
    assert why_not(game, 2, 1) is Reason.REPETITION


def test_without_superko_it_is_taken_back_at_once() -> None:
    rules = Rules.named("bugout")
    game, _ = after(*KO, rules=rules).play(WHITE, Coord(1, 1))
    game, captured = game.play(BLACK, Coord(2, 1))
    assert captured == (Coord(1, 1),)


def test_suicide_is_forbidden_or_gives_the_stones_to_the_opponent() -> None:
    moves = ((1, 0), (8, 8), (0, 2), (0, 1), (1, 1))  # white's corner has one point left
    assert why_not(after(*moves), 0, 0) is Reason.SUICIDE
    game, captured = after(*moves, rules=Rules(suicide=True)).play(WHITE, Coord(0, 0))
    assert captured == (Coord(0, 0), Coord(0, 1))
    assert game.captures == (2, 0)


def test_one_stone_in_suicide_changes_nothing_and_so_repeats() -> None:
    moves = ((1, 0), (8, 8), (0, 1))
    assert why_not(after(*moves, rules=Rules(suicide=True)), 0, 0) is Reason.REPETITION
    free = after(*moves, rules=Rules.named("bugout"))
    game, captured = free.play(WHITE, Coord(0, 0))
    assert (captured, game.stones) == ((Coord(0, 0),), free.stones)


def test_a_game_is_a_value() -> None:
    game = after((4, 4))
    before = game.to_dict()
    game.play(WHITE, Coord(0, 0))
    assert game.to_dict() == before
    assert game == after((4, 4))
    assert after(rules=Rules.named("standard")) == Game.new(9) == Game.new(9, "standard")


@pytest.mark.parametrize("size", [7.5, 7, 0, -9, 20, "19", True, None, 9.0])
def test_a_board_of_another_size_is_refused(size: Any) -> None:
    with pytest.raises(InputError, match=r"board size .*: give one of 9, 13, 19"):
        Game.new(size)


def test_rules_of_another_name_are_refused() -> None:
    with pytest.raises(InputError, match="rules='tromp': give one of 'standard', 'bugout'"):
        Game.new(9, "tromp")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"turn": 1}, "turn do not follow"),
        ({"player_up": "BLACK"}, "player_up do not follow"),
        ({"captures": {"BLACK": 1, "WHITE": 0}}, "captures do not follow"),
        ({"board": {"size": 9, "stones": ["." * 9] * 9}}, "board do not follow"),
        ({"board": {"size": 7.5, "stones": []}}, "board size 7.5"),
        ({"board": 9}, "not the state of a game"),
        ({"moves": [[4, 4], [4, 4]]}, "move 2 of the state is not legal"),
        ({"moves": [[4, 9]]}, "move 1 of the state is not legal"),
        ({"moves": [[4, 4.0]]}, r"move \[4, 4.0\] of the state"),
        ({"moves": [[True, 4]]}, r"give null or \[x, y\]"),
        ({"moves": [4]}, "move 4 of the state"),
        ({"moves": 4}, "not the state of a game"),
        ({"rules": {"suicide": 0, "superko": True}}, None),
        ({"rules": {"suicide": "no", "superko": True}}, "rules do not follow"),
        ({"rules": {"superko": True}}, "not the state of a game"),
    ],
)
def test_a_state_that_does_not_hold_together_is_refused(
    change: dict[str, Any], said: str | None
) -> None:
    state = after((4, 4)).to_dict() | change
    if said is None:  # JSON's 0 and Python's False are the same
        assert Game.from_dict(state) == after((4, 4))
        return
    with pytest.raises(InputError, match=said):
        Game.from_dict(state)


def test_a_game_ends_at_so_many_moves_and_a_state_of_more_is_refused_unread() -> None:
    most = Game.from_dict(after().to_dict() | passes(MOVES_LIMIT))
    assert most.turn == MOVES_LIMIT + 1
    assert why_not(most, 0, 0) is Reason.TOO_LONG
    with pytest.raises(IllegalMove, match="a game has at most 10000 moves"):
        most.play(BLACK, None)
    for many in (MOVES_LIMIT + 1, 2_000_000):
        with pytest.raises(InputError, match=f"{many} moves: a game has at most 10000"):
            Game.from_dict(after().to_dict() | passes(many))


def passes(many: int) -> dict[str, Any]:
    up = "WHITE" if many % 2 else "BLACK"
    return {"moves": [None] * many, "turn": many + 1, "player_up": up}


def test_a_state_is_read_without_a_copy_of_the_game_for_each_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []
    init = Game.__init__

    def counted(self: Game, *told: Any) -> None:
        made.append(1)
        init(self, *told)

    monkeypatch.setattr(Game, "__init__", counted)
    assert Game.from_dict(after().to_dict() | passes(1000)).turn == 1001
    assert 0 < len(made) < 5


def test_a_state_that_lacks_something_is_refused() -> None:
    whole = after((4, 4)).to_dict()
    for name in whole:
        less = {key: value for key, value in whole.items() if key != name}
        with pytest.raises(InputError, match="not the state of a game"):
            Game.from_dict(less)


def test_a_state_is_read_on_from_an_earlier_one_and_checked_as_well() -> None:
    long = after((4, 4), None, (3, 3), (2, 2))
    for earlier in (after(), after((4, 4), None), long):
        assert Game.from_dict(long.to_dict(), earlier) == long
    others = after((4, 4), (0, 0)), after((4, 4), rules=Rules(suicide=True)), Game.new(13)
    for other in (*others, after((4, 4), None, (3, 3), (2, 2), None)):
        assert Game.from_dict(long.to_dict(), other) == long
    with pytest.raises(InputError, match="turn do not follow"):
        Game.from_dict(long.to_dict() | {"turn": 4}, long)
