"""The rules of Go as pure functions: a game is a value, and a move returns the next game.

By default, suicide and a repeated whole board (positional superko) are illegal. Points are counted
from 0: x to the right, y downwards.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self

from go_game import stones as board
from streamviz.errors import InputError

SIZES = (9, 13, 19)
MOVES_LIMIT = 10_000
"""Most moves of a game: a state lists all of them, and each reader of the state replays them."""

SIGNS = b".BW"
_BRIEF_CHARACTERS = 60
_BRIEF = reprlib.Repr()
_BRIEF.maxstring = 4 * _BRIEF_CHARACTERS  # so that `brief` cuts the end, not the middle


def brief(value: Any) -> str:
    """Return the `repr` of a value of any size or depth, cut to 60 characters."""
    return _BRIEF.repr(value)[:_BRIEF_CHARACTERS]


class Player(StrEnum):
    """One of the two players."""

    BLACK = "BLACK"
    WHITE = "WHITE"

    @property
    def other(self) -> Player:
        """The opponent."""
        return Player.WHITE if self is Player.BLACK else Player.BLACK

    @property
    def stone(self) -> int:
        """The value of this player's points on the board: 1 for black, 2 for white."""
        return 1 if self is Player.BLACK else 2


class Coord(NamedTuple):
    """A point of the board, counted from 0."""

    x: int
    y: int


class Reason(StrEnum):
    """Why a move is illegal."""

    NOT_UP = "the other player is up"
    OFF_BOARD = "the point is not on the board"
    TAKEN = "there is a stone on the point"
    SUICIDE = "the stone would have no liberty"
    REPETITION = "the board would be as it was before"
    TOO_LONG = f"a game has at most {MOVES_LIMIT} moves"


class IllegalMove(InputError):
    """A move that the rules forbid; the game is unchanged.

    Attributes
    ----------
    reason : Reason
        The rule that forbids it.
    turn : int
        The number that the move would have had, from 1.
    """

    def __init__(self, reason: Reason, player: Player, coord: Coord | None, turn: int) -> None:
        point = "a pass" if coord is None else f"x={coord.x}, y={coord.y}"
        too_long = reason is Reason.TOO_LONG
        instead = "Begin another game" if too_long else "Choose another point, or pass"
        super().__init__(f"{player}, {point}: {reason}. {instead}")
        self.reason = reason
        self.turn = turn


@dataclass(frozen=True, slots=True)
class Rules:
    """The optional rules.

    Attributes
    ----------
    suicide : bool
        Whether a move may take the last liberty of its own group, which is then removed.
    superko : bool
        Whether a move, except a pass, is illegal if it repeats an earlier board of the game.
    """

    suicide: bool = False
    superko: bool = True

    @classmethod
    def named(cls, name: str) -> Rules:
        """Return a known set of rules.

        Parameters
        ----------
        name : {"standard", "bugout"}
            "standard" forbids suicide and repetition, "bugout" allows both.
        """
        if name not in _RULES:
            raise InputError(f"rules={name!r}: give one of {', '.join(map(repr, _RULES))}")
        return _RULES[name]


STANDARD = Rules()
_RULES = {"standard": STANDARD, "bugout": Rules(suicide=True, superko=False)}


@dataclass(frozen=True, slots=True)
class Game:
    """A game after some moves.

    Attributes
    ----------
    size : {9, 13, 19}
        Points along a side.
    rules : Rules
        The rules of the game.
    stones : bytes
        One byte for each point, row by row from the top: 0 empty, 1 black, 2 white.
    moves : tuple of Coord or None
        All moves, beginning with black's first; None is a pass.
    captures : tuple of (int, int)
        The number of stones captured by black and by white.
    seen : frozenset of bytes
        All boards of this game, including the current one.

    Examples
    --------
    >>> game, captured = Game.new(9).play(Player.BLACK, Coord(4, 4))
    >>> game.up, game.turn, captured
    (<Player.WHITE: 'WHITE'>, 2, ())
    """

    size: int
    rules: Rules
    stones: bytes
    moves: tuple[Coord | None, ...]
    captures: tuple[int, int]
    seen: frozenset[bytes]

    @classmethod
    def new(cls, size: int = 19, rules: Rules | str = STANDARD) -> Self:
        """Return a game with an empty board; `rules` may be a name (see `Rules.named`).

        Raises
        ------
        InputError
            If no board has that size.
        """
        if type(size) is not int or size not in SIZES:
            raise InputError(f"board size {brief(size)}: give one of {', '.join(map(str, SIZES))}")
        rules = rules if isinstance(rules, Rules) else Rules.named(rules)
        empty = bytes(size * size)
        return cls(size, rules, empty, (), (0, 0), frozenset((empty,)))

    @property
    def up(self) -> Player:
        """The player whose turn it is."""
        return Player.WHITE if len(self.moves) % 2 else Player.BLACK

    @property
    def turn(self) -> int:
        """The number of the next move, from 1."""
        return len(self.moves) + 1

    def play(self, player: Player, coord: Coord | None) -> tuple[Game, tuple[Coord, ...]]:
        """Return the game after a move, and the points that the move emptied.

        Parameters
        ----------
        player : Player
            The player who moves.
        coord : Coord or None
            The point; None passes.

        Returns
        -------
        game : Game
            The game after the move; this game is unchanged.
        captured : tuple of Coord
            The emptied points, row by row. After suicide they are the player's own, and count as
            captured by the opponent.

        Raises
        ------
        IllegalMove
            With the reason: the turn is checked first, then the board, then the rules.
        """
        if player is not self.up:
            raise IllegalMove(Reason.NOT_UP, player, coord, self.turn)
        return self._after([coord])

    def _after(self, moves: Iterable[Coord | None]) -> tuple[Game, tuple[Coord, ...]]:
        """Return the game after more moves in turn, and the points emptied by the last one."""
        player, stones, points = self.up, self.stones, list[int]()
        captures = dict(zip(Player, self.captures, strict=True))
        history = list(self.moves)
        boards: set[bytes] = set()
        for turn, coord in enumerate(moves, self.turn):
            put = self._put(stones, player, coord) if turn <= MOVES_LIMIT else Reason.TOO_LONG
            if isinstance(put, Reason):
                raise IllegalMove(put, player, coord, turn)
            stones, points, suicide = put
            repeats = stones in self.seen or stones in boards
            if coord is not None and self.rules.superko and repeats:
                raise IllegalMove(Reason.REPETITION, player, coord, turn)
            captures[player.other if suicide else player] += len(points)
            history.append(coord)
            boards.add(stones)
            player = player.other
        captured = tuple(Coord(point % self.size, point // self.size) for point in sorted(points))
        counts = captures[Player.BLACK], captures[Player.WHITE]
        seen = self.seen | boards
        return Game(self.size, self.rules, stones, tuple(history), counts, seen), captured

    def _put(
        self, stones: bytes, player: Player, coord: Coord | None
    ) -> tuple[bytes, list[int], bool] | Reason:
        """Return the board after a move, its captures and whether it is suicide; or why not."""
        if coord is None:
            return stones, [], False
        if not (0 <= coord.x < self.size and 0 <= coord.y < self.size):
            return Reason.OFF_BOARD
        at = coord.y * self.size + coord.x
        if stones[at]:
            return Reason.TAKEN
        put = board.put(stones, at, player.stone, self.size)
        return Reason.SUICIDE if put[2] and not self.rules.suicide else put

    def to_dict(self) -> dict[str, Any]:
        """Return the whole state, as documented in `go_game` for ``game-states``."""
        black, white = self.captures
        signs = self.stones.translate(SIGNS + bytes(253)).decode()
        rows = [signs[start : start + self.size] for start in range(0, len(signs), self.size)]
        return {
            "board": {"size": self.size, "stones": rows},
            "player_up": self.up.value,
            "captures": {"BLACK": black, "WHITE": white},
            "turn": self.turn,
            "moves": [None if move is None else list(move) for move in self.moves],
            "rules": {"suicide": self.rules.suicide, "superko": self.rules.superko},
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any], earlier: Game | None = None) -> Game:
        """Return the game of a state, and check the state by replaying its moves.

        Parameters
        ----------
        state : mapping
            The return value of `to_dict`.
        earlier : Game, optional
            The same game after fewer moves: then only the later moves are replayed.

        Raises
        ------
        InputError
            If a key is missing, or the state does not follow from its moves.
        """
        try:
            flags = state["rules"]["suicide"], state["rules"]["superko"]
            game = cls.new(state["board"]["size"], Rules(*(flag is True for flag in flags)))
            if (count := len(state["moves"])) > MOVES_LIMIT:
                raise InputError(f"{count} moves: a game has at most {MOVES_LIMIT}")
            moves = [None if move is None else _point(move) for move in state["moves"]]
            same_start = earlier and (earlier.size, earlier.rules) == (game.size, game.rules)
            if earlier and same_start and list(earlier.moves) == moves[: len(earlier.moves)]:
                game = earlier
            game, _ = game._after(moves[len(game.moves) :])
            values = {name: state[name] for name in game.to_dict()}
        except IllegalMove as error:
            raise InputError(f"move {error.turn} of the state is not legal: {error}") from error
        except (KeyError, TypeError) as error:
            raise InputError(
                f"this is not the state of a game: {error!r}. Send a complete state"
            ) from error
        if values != (expected := game.to_dict()):
            wrong = ", ".join(name for name in expected if values[name] != expected[name])
            raise InputError(f"the state's {wrong} do not follow from its moves: send it as it was")
        return game


def _point(move: Any) -> Coord:
    if not (isinstance(move, list) and [type(number) for number in move] == [int, int]):
        raise InputError(f"move {brief(move)} of the state: give null or [x, y]")
    return Coord(*move)
