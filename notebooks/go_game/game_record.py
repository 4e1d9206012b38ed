"""A game as its messages tell it: what a player at a browser knows, and what a file keeps."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from go_game import messages
from go_game.messages import GameState, Message, MoveMade, MoveRejected, Topic
from go_game.rules import Coord, Game, Player
from streamviz.errors import InputError

_SIGN = {Player.BLACK: "B", Player.WHITE: "W"}
_KNOWN = (Topic.GAME_STATES, Topic.MOVE_MADE, Topic.MOVE_REJECTED)


class Record:
    """One game, heard from the streams that the judge writes; no rules and no Redis are needed.

    A message that is heard again changes nothing. Messages of other games are left out.

    Parameters
    ----------
    game_id : str
        Which game.
    size : int
        Points along a side, until a state says otherwise.

    Attributes
    ----------
    game : Game or None
        The newest state that was heard.
    answers : list of MoveMade or MoveRejected
        Every answer, in order.

    Examples
    --------
    >>> game, _ = Game.new(9).play(Player.BLACK, Coord(2, 0))
    >>> record = Record("tea")
    >>> record.hear(GameState("tea", game))
    >>> record.stones()[0]
    '..B......'
    """

    def __init__(self, game_id: str, size: int = 19) -> None:
        self.game_id = game_id
        self.size = size
        self.game: Game | None = None
        self.answers: list[MoveMade | MoveRejected] = []
        self._made: list[MoveMade] = []
        self._heard: set[str] = set()
        self._moves_heard = 0

    @classmethod
    def of(cls, said: Iterable[Message], game_id: str | None = None) -> Record:
        """Return the record of messages in their order: states, moves, or both.

        Parameters
        ----------
        said : iterable of Message
            What was on the streams.
        game_id : str, optional
            Which game; without it, that of the first message that tells of one.

        Raises
        ------
        InputError
            If no message tells of such a game.
        """
        about = [one for one in said if isinstance(one, GameState | MoveMade | MoveRejected)]
        ours = [one for one in about if game_id in (None, one.game_id)]
        if not ours:
            raise InputError(f"no message tells of {game_id or 'a game'}: give states or moves")
        record = cls(ours[0].game_id)
        for one in ours:
            record.hear(one)
        return record

    @classmethod
    def load(cls, path: str | Path, game_id: str | None = None) -> Record:
        r"""Read a file: JSON Lines, each ``{"stream": "move-made", "data": {...}}``.

        Messages on other streams than ``game-states``, ``move-made`` and ``move-rejected`` are
        left out.

        Raises
        ------
        InputError
            If the file can't be read, or a line of it is not such a message; it names the line.
        """
        found = []
        try:
            lines = Path(path).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{str(path)!r} can't be read: {error}") from error
        for number, line in enumerate(lines, 1):
            try:
                one = json.loads(line)
                if one["stream"] in _KNOWN:
                    text = json.dumps(one["data"])
                    found.append(messages.decode(one["stream"], {messages.FIELD: text}))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise InputError(
                    f"line {number} of {str(path)!r} is no message: {error}"
                ) from error
        return cls.of(found, game_id)

    def save(self, path: str | Path) -> None:
        """Write the file that `load` reads: the empty board, then every answer."""
        rules = self.game.rules if self.game else "standard"
        start = GameState(self.game_id, Game.new(self.size, rules))
        lines = [
            json.dumps(
                {"stream": messages.topic_of(one), "data": json.loads(messages.encode(one))},
                separators=(",", ":"),
            )
            for one in (start, *self.answers)
        ]
        Path(path).write_text("\n".join(lines) + "\n", "utf-8")

    def hear(self, said: Message) -> None:
        """Take the next message in."""
        if getattr(said, "game_id", None) != self.game_id:
            return
        if isinstance(said, GameState):
            self._take_state(said.game)
        elif isinstance(said, MoveMade | MoveRejected):
            if said.reply_to in self._heard:
                return
            self._heard.add(said.reply_to)
            if isinstance(said, MoveMade):
                self._take_move(said)
            else:
                self.answers.append(said)

    @property
    def moves(self) -> tuple[MoveMade, ...]:
        """The moves that were made."""
        return tuple(self._made)

    def stones(self, after: int | None = None) -> tuple[str, ...]:
        """Return the board after so many moves, row by row: ``.``, ``B`` and ``W``.

        Raises
        ------
        InputError
            If there are not so many moves.
        """
        after = len(self._made) if after is None else after
        if type(after) is not int or not 0 <= after <= len(self._made):
            raise InputError(f"after={after!r}: give 0 to {len(self._made)} moves")
        points = {(x, y): "." for y in range(self.size) for x in range(self.size)}
        for move in self._made[:after]:
            if move.coord is not None:
                points[move.coord] = _SIGN[move.player]
            points |= dict.fromkeys(move.captured, ".")
        return tuple("".join(points[x, y] for x in range(self.size)) for y in range(self.size))

    def __repr__(self) -> str:
        return f"<Record of {self.game_id!r}: {len(self._made)} moves on {self.size}x{self.size}>"

    def _take_state(self, game: Game) -> None:
        """Take over what a state knows beyond the answers that were heard."""
        if self.game is not None and game.turn <= self.game.turn:
            return
        before = Game.new(game.size, game.rules) if self.game is None else self.game
        self.game, self.size = game, game.size
        for coord in game.moves[len(before.moves) :]:
            player = before.up
            before, captured = before.play(player, coord)
            if len(self._made) < len(before.moves):
                event = messages.event_id("state", self.game_id, str(len(before.moves)))
                self._append(MoveMade(self.game_id, event, event, player, coord, captured))

    def _take_move(self, move: MoveMade) -> None:
        """Take the next move; a state that came first has told of it, but not of its request."""
        place, self._moves_heard = self._moves_heard, self._moves_heard + 1
        if place < len(self._made):
            self.answers[self.answers.index(self._made[place])] = move
            self._made[place] = move
        else:
            self._append(move)

    def _append(self, move: MoveMade) -> None:
        self._made.append(move)
        self.answers.append(move)


def point_name(coord: Coord | None, size: int) -> str:
    """Return what players call a point: a letter without I, and the row from below."""
    if coord is None:
        return "pass"
    letters = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
    if not (0 <= coord.x < size and 0 <= coord.y < size):
        return f"({coord.x}, {coord.y})"
    return f"{letters[coord.x]}{size - coord.y}"
