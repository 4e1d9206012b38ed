"""The rules of Go, pure: a game is a value, and a move makes the next one.

Captures always; no suicide and no repetition of a whole board (positional superko) unless the
rules say otherwise. Points are counted from 0: x to the right, y downwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self

from go_game import stones as board
from go_game.brief import brief
from streamviz.errors import InputError

SIZES = (9, 13, 19)
MOVES_LIMIT = 10_000
"""Moves that a game may have: a state tells of all of them, and whoever reads it replays them."""

_SIGNS = b".BW"


class Player(StrEnum):
    """Who plays."""

    BLACK = "BLACK"
    WHITE = "WHITE"

    @property
    def other(self) -> Player:
        """The opponent."""
        return Player.WHITE if self is Player.BLACK else Player.BLACK

    @property
    def stone(self) -> int:
        """What lies on this player's points: 1 for black, 2 for white."""
        return 1 if self is Player.BLACK else 2


class Coord(NamedTuple):
    """A point of the board, counted from 0."""

    x: int
    y: int


class Reason(StrEnum):
    """Why a move is not legal."""

    NOT_UP = "the other player is up"
    OFF_BOARD = "the point is not on the board"
    TAKEN = "there is a stone on the point"
    SUICIDE = "the stone would have no liberty"
    REPETITION = "the board would be as it was before"
    TOO_LONG = f"a game has {MOVES_LIMIT} moves at most"


class IllegalMove(InputError):
    """A move that the rules forbid; the game stays as it was.

    Attributes
    ----------
    reason : Reason
        Which rule.
    turn : int
        Which move of the game it would have been, from 1.
    """

    def __init__(self, reason: Reason, player: Player, coord: Coord | None, turn: int) -> None:
        point = "a pass" if coord is None else f"x={coord.x}, y={coord.y}"
        instead = "Choose another point, or pass"
        if reason is Reason.TOO_LONG:
            instead = "Begin another game"
        super().__init__(f"{player}, {point}: {reason}. {instead}")
        self.reason = reason
        self.turn = turn


@dataclass(frozen=True, slots=True)
class Rules:
    """Which of the optional rules hold.

    Attributes
    ----------
    suicide : bool
        A move may take away the last liberty of its own group, which is then removed.
    superko : bool
        No move may make a board that was there before in this game; a pass always may.
    """

    suicide: bool = False
    superko: bool = True

    @classmethod
    def named(cls, name: str) -> Rules:
        """Return the rules of a name.

        Parameters
        ----------
        name : {"standard", "bugout"}
            Both rules, or neither.
        """
        if name not in _NAMED:
            raise InputError(f"rules={name!r}: give one of {', '.join(map(repr, _NAMED))}")
        return _NAMED[name]


STANDARD = Rules()
_NAMED = {"standard": STANDARD, "bugout": Rules(suicide=True, superko=False)}


@dataclass(frozen=True, slots=True)
class Game:
    """A game after some moves.

    Attributes
    ----------
    size : {9, 13, 19}
        Points along a side.
    rules : Rules
        Which rules it is played by.
    stones : bytes
        A byte a point, row by row from the top: 0 empty, 1 black, 2 white.
    moves : tuple of Coord or None
        Every move from the first, black's, on; None is a pass.
    captures : tuple of (int, int)
        Stones that black and white have taken.
    seen : frozenset of bytes
        Every board of this game, this one included.

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
        """Return a game with an empty board, by some rules or those of a name.

        Raises
        ------
        InputError
            If there is no board of that size.
        """
        if type(size) is not int or size not in SIZES:
            raise InputError(f"board size {brief(size)}: give one of {', '.join(map(str, SIZES))}")
        rules = rules if isinstance(rules, Rules) else Rules.named(rules)
        empty = bytes(size * size)
        return cls(size, rules, empty, (), (0, 0), frozenset((empty,)))

    @property
    def up(self) -> Player:
        """Who is to move."""
        return Player.WHITE if len(self.moves) % 2 else Player.BLACK

    @property
    def turn(self) -> int:
        """The number of the move to come, from 1."""
        return len(self.moves) + 1

    def play(self, player: Player, coord: Coord | None) -> tuple[Game, tuple[Coord, ...]]:
        """Return the game after a move, and what the move took off the board.

        Parameters
        ----------
        player : Player
            Who plays.
        coord : Coord or None
            Where; None passes.

        Returns
        -------
        game : Game
            The game after it; this one stays as it is.
        captured : tuple of Coord
            The points that the move emptied, row by row. With suicide they may be the player's
            own; the opponent has then taken them.

        Raises
        ------
        IllegalMove
            With the reason. The player comes first, then the board, then the rules.
        """
        if player is not self.up:
            raise IllegalMove(Reason.NOT_UP, player, coord, self.turn)
        return self._after([coord])

    def _after(self, moves: Iterable[Coord | None]) -> tuple[Game, tuple[Coord, ...]]:
        """Return the game after more moves, by whoever is up, and what the last one captured."""
        player, stones, taken = self.up, self.stones, list[int]()
        captures = dict(zip(Player, self.captures, strict=True))
        made: list[Coord | None] = []
        new: set[bytes] = set()
        for turn, coord in enumerate(moves, self.turn):
            put = self._put(stones, player, coord) if turn <= MOVES_LIMIT else Reason.TOO_LONG
            if isinstance(put, Reason):
                raise IllegalMove(put, player, coord, turn)
            stones, taken, suicide = put
            if coord is not None and self.rules.superko and (stones in self.seen or stones in new):
                raise IllegalMove(Reason.REPETITION, player, coord, turn)
            captures[player.other if suicide else player] += len(taken)
            made.append(coord)
            new.add(stones)
            player = player.other
        captured = tuple(Coord(point % self.size, point // self.size) for point in sorted(taken))
        black, white = captures.values()
        told = (*self.moves, *made), (black, white), self.seen | new
        return Game(self.size, self.rules, stones, *told), captured

    def _put(
        self, stones: bytes, player: Player, coord: Coord | None
    ) -> tuple[bytes, list[int], bool] | Reason:
        """Return the board after a move, what it took and whether that was suicide; or why not."""
        if coord is None:
            return stones, [], False
        if not (0 <= coord.x < self.size and 0 <= coord.y < self.size):
            return Reason.OFF_BOARD
        at = coord.y * self.size + coord.x
        if stones[at]:
            return Reason.TAKEN
        put = board.put(stones, at, player.stone, self.size)
        return Reason.SUICIDE if put[2] and not self.rules.suicide else put

    def _leads_to(self, start: Game, moves: list[Coord | None]) -> bool:
        like = (self.size, self.rules) == (start.size, start.rules)
        return like and list(self.moves) == moves[: len(self.moves)]

    def to_dict(self) -> dict[str, Any]:
        """Return the whole state, as `go_game` documents it for ``game-states``."""
        black, white = self.captures
        signs = self.stones.translate(_SIGNS + bytes(253)).decode()
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
        """Return the game of a state: its moves are played again, and must lead to that state.

        Parameters
        ----------
        state : mapping
            What `to_dict` returned.
        earlier : Game, optional
            The same game after fewer moves, if it is at hand: only the rest is played.

        Raises
        ------
        InputError
            If it lacks something, or what it says of the board does not follow from its moves.
        """
        try:
            flags = state["rules"]["suicide"], state["rules"]["superko"]
            game = cls.new(state["board"]["size"], Rules(*(flag is True for flag in flags)))
            if len(state["moves"]) > MOVES_LIMIT:
                count = len(state["moves"])
                raise InputError(f"{count} moves: a game has {MOVES_LIMIT} at most")
            moves = [None if move is None else _point(move) for move in state["moves"]]
            if earlier and earlier._leads_to(game, moves):
                game = earlier
            game, _ = game._after(moves[len(game.moves) :])
            told = {name: state[name] for name in game.to_dict()}
        except IllegalMove as error:
            raise InputError(f"move {error.turn} of the state is not legal: {error}") from error
        except (KeyError, TypeError) as error:
            raise InputError(
                f"this is not the state of a game: {error!r}. Send the whole of it"
            ) from error
        if told != (made := game.to_dict()):
            odd = ", ".join(name for name in made if told[name] != made[name])
            raise InputError(f"the state's {odd} do not follow from its moves: send it as it was")
        return game


def _point(move: Any) -> Coord:
    if not (isinstance(move, list) and [type(one) for one in move] == [int, int]):
        raise InputError(f"move {brief(move)} of the state: give null or [x, y]")
    return Coord(*move)
