"""A game as its messages describe it: for a player's board, or for a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from go_game import messages, sgf
from go_game.messages import GameState, Message, MoveMade, MoveRejected, Topic
from go_game.rules import SIGNS, Coord, Game, Player
from streamviz.errors import InputError

_SIGN = {Player.BLACK: "B", Player.WHITE: "W"}
_TOPICS = (Topic.GAME_STATES, Topic.MOVE_MADE, Topic.MOVE_REJECTED)


class Record:
    """One game, built from the judge's messages; it needs neither the rules nor Redis.

    Repeated messages and messages of other games are ignored.

    Parameters
    ----------
    game_id : str
        The game.
    size : int
        Points along a side, until the first state arrives.

    Attributes
    ----------
    game : Game or None
        The newest state.
    answers : list of MoveMade or MoveRejected
        All answers, in order.
    setup : bytes
        The stones before the first move, as in `Game.stones`; empty for an empty board.

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
        self.setup = b""
        self.answers: list[MoveMade | MoveRejected] = []
        self._moves: list[MoveMade] = []
        self._answered: set[str] = set()
        self._answered_moves = 0

    @classmethod
    def of(cls, log: Iterable[Message], game_id: str | None = None) -> Record:
        """Return the record of some messages: states, moves, or both.

        Parameters
        ----------
        log : iterable of Message
            The messages, in order.
        game_id : str, optional
            The game; by default, that of the first message about a game.

        Raises
        ------
        InputError
            If no message is about that game.
        """
        about_games = [one for one in log if isinstance(one, GameState | MoveMade | MoveRejected)]
        relevant = [one for one in about_games if game_id in (None, one.game_id)]
        if not relevant:
            raise InputError(f"no message is about {game_id or 'a game'}: give states or moves")
        record = cls(relevant[0].game_id)
        for message in relevant:
            record.hear(message)
        return record

    @classmethod
    def load(cls, path: str | Path, game_id: str | None = None) -> Record:
        r"""Read a file: SGF, or JSON Lines, each ``{"stream": "move-made", "data": {...}}``.

        Of SGF, the main line of the first game is read; of messages, those of ``game-states``,
        ``move-made`` and ``move-rejected``.

        Raises
        ------
        InputError
            If the file can't be read, or a line is not such a message; the error names the line.
        """
        log = []
        try:
            if Path(path).suffix.lower() == ".sgf":
                return cls._of_sgf(Path(path))
            lines = Path(path).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{str(path)!r} can't be read: {error}") from error
        for number, line in enumerate(lines, 1):
            try:
                values = json.loads(line)
                if values["stream"] in _TOPICS:
                    text = json.dumps(values["data"])
                    log.append(messages.decode(values["stream"], {messages.FIELD: text}))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise InputError(
                    f"line {number} of {str(path)!r} is not a message: {error}"
                ) from error
        return cls.of(log, game_id)

    @classmethod
    def _of_sgf(cls, path: Path) -> Record:
        content = path.read_bytes()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")  # names and comments only: the moves are ASCII
        try:
            game = sgf.parse(text)
        except InputError as error:
            raise InputError(f"{str(path)!r}: {error}") from error
        record = cls(game.name, game.size)
        record.setup = game.setup
        for move in game.moves:
            record.hear(move)
        return record

    def save(self, path: str | Path) -> None:
        """Write a file for `load`: the empty board, then every answer.

        Raises
        ------
        InputError
            If there were stones before the first move, or the judge has no board of that size.
        """
        if any(self.setup):
            raise InputError("messages begin with an empty board: keep the SGF file of this game")
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

    def hear(self, message: Message) -> None:
        """Add the next message."""
        if getattr(message, "game_id", None) != self.game_id:
            return
        if isinstance(message, GameState):
            self._add_state(message.game)
        elif isinstance(message, MoveMade | MoveRejected):
            if message.reply_to in self._answered:
                return
            self._answered.add(message.reply_to)
            if isinstance(message, MoveMade):
                self._add_move(message)
            else:
                self.answers.append(message)

    @property
    def moves(self) -> tuple[MoveMade, ...]:
        """The moves of the game."""
        return tuple(self._moves)

    def stones(self, after: int | None = None) -> tuple[str, ...]:
        """Return the board, row by row: ``.``, ``B`` and ``W``.

        Parameters
        ----------
        after : int, optional
            The number of moves; by default, all.

        Raises
        ------
        InputError
            If the game has fewer moves.
        """
        after = len(self._moves) if after is None else after
        if type(after) is not int or not 0 <= after <= len(self._moves):
            raise InputError(f"after={after!r}: give 0 to {len(self._moves)} moves")
        signs = self.setup.translate(SIGNS + bytes(253)).decode() or "." * self.size**2
        points = {(at % self.size, at // self.size): sign for at, sign in enumerate(signs)}
        for move in self._moves[:after]:
            if move.coord is not None:
                points[move.coord] = _SIGN[move.player]
            points |= dict.fromkeys(move.captured, ".")
        return tuple("".join(points[x, y] for x in range(self.size)) for y in range(self.size))

    def __repr__(self) -> str:
        return f"<Record of {self.game_id!r}: {len(self._moves)} moves on {self.size}x{self.size}>"

    def _add_state(self, game: Game) -> None:
        """Add the moves of a state that have no answer here yet."""
        if self.game is not None and game.turn <= self.game.turn:
            return
        before = Game.new(game.size, game.rules) if self.game is None else self.game
        self.game, self.size = game, game.size
        for coord in game.moves[len(before.moves) :]:
            player = before.up
            before, captured = before.play(player, coord)
            if len(self._moves) < len(before.moves):
                event = messages.event_id("state", self.game_id, str(len(before.moves)))
                self._append(MoveMade(self.game_id, event, event, player, coord, captured))

    def _add_move(self, move: MoveMade) -> None:
        """Add the next move; replace it if it was built from a state, which names no request."""
        index, self._answered_moves = self._answered_moves, self._answered_moves + 1
        if index < len(self._moves):
            self.answers[self.answers.index(self._moves[index])] = move
            self._moves[index] = move
        else:
            self._append(move)

    def _append(self, move: MoveMade) -> None:
        self._moves.append(move)
        self.answers.append(move)


def point_name(coord: Coord | None, size: int) -> str:
    """Return the players' name of a point: a column letter (without I) and the row from below."""
    if coord is None:
        return "pass"
    letters = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
    if not (0 <= coord.x < size and 0 <= coord.y < size):
        return f"({coord.x}, {coord.y})"
    return f"{letters[coord.x]}{size - coord.y}"
