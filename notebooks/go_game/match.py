"""A match against a seeded random player, before a judge, over real streams.

This is the players' side. It sends ``make-move`` and reads ``game-states``, ``move-made`` and
``move-rejected``; it knows the board from these messages alone. The judge may work in this process,
step by step, so that the log shows each command in order. Or it is another process, and the answers
come later.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Sequence
from typing import Any

import redis

from go_game import messages
from go_game.game_record import Record
from go_game.judge import Judge
from go_game.keys import Keys
from go_game.messages import GameState, MakeMove, MoveMade, MoveRejected, Topic
from go_game.observed_topics import ObservedTopics
from go_game.rules import Coord, Game, IllegalMove, Player
from go_game.validation import BadMessage
from streamviz.client import EntryId, read_streams
from streamviz.errors import InputError, NoSuchGroup
from streamviz.simulation import EPOCH_MS

TOPICS = (Topic.MAKE_MOVE, Topic.MOVE_REJECTED, Topic.MOVE_MADE, Topic.GAME_STATES)
"""In the order of the colours of plots: ``move-made`` is green, as in the other pictures."""
_ANSWER_TOPICS = TOPICS[1:]
_POLL_MS = 20
_PAGE = 500

Answer = MoveMade | MoveRejected


class Match:
    """One game and its streams.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        The start of all keys; see `go_game`.
    game_id : str, optional
        The game. If it does not exist, it is opened as the lobby does; without an ID, a new game
        is opened.
    size : {9, 13, 19}
        Points along a side of a new game.
    seed : int
        Determines the random player's moves.
    judge : bool
        Whether a judge works in this process. If not, one must work elsewhere.
    you : Player
        The player whose moves you choose.
    every_ms : int, optional
        Give each move an ID this many virtual milliseconds after the one before, and sample on the
        same clock, so that the plots are the same every time. The virtual time begins at the end
        of ``game-states``. Without it, the server's clock and this machine's clock are used.

    Attributes
    ----------
    record : Record
        The game, as far as its messages were read.
    waiting : dict of str to MakeMove
        The requests without an answer, by request ID.
    histories : dict of str to History
        The history of each of the game's streams, by topic.
    judge : Judge or None
        The judge in this process, if there is one.

    Examples
    --------
    >>> from streamviz import connect
    >>> match = Match(connect(), "doctest:match:", size=9)
    >>> match.play(Coord(4, 4)).player
    <Player.BLACK: 'BLACK'>
    """

    def __init__(
        self,
        client: redis.Redis,
        prefix: str = "go:",
        *,
        game_id: str | None = None,
        size: int = 9,
        seed: int = 0,
        judge: bool = True,
        you: Player = Player.BLACK,
        every_ms: int | None = None,
    ) -> None:
        self.client = client
        self.keys = Keys(prefix)
        self.you = Player(you)
        self.seed = seed
        self.record = Record(game_id or secrets.token_hex(4), Game.new(size).size)
        self.waiting: dict[str, MakeMove] = {}
        self._topics = ObservedTopics(client, self.keys, TOPICS, every_ms)
        self.histories = self._topics.histories
        self.judge = Judge(client, prefix, name="judge-1") if judge else None
        self._after: dict[str, Any] = {self.keys.stream(topic): "0-0" for topic in _ANSWER_TOPICS}
        if self.judge:
            self.judge.prepare()
        self._read()
        if self.record.game is None:
            self._open(size)
            self._read()
        last = EntryId.parse(self._after[self.keys.stream(Topic.GAME_STATES)])
        self._topics.now_ms = max(EPOCH_MS, last.ms)  # a move must not be older than its game
        self._topics.sample()

    @property
    def game(self) -> Game:
        """The newest state that was read."""
        if self.record.game is None:
            raise InputError(f"{self.record.game_id!r} has no state: was game-states deleted?")
        return self.record.game

    @property
    def over(self) -> bool:
        """Whether both players have passed, one after the other."""
        return self.game.moves[-2:] == (None, None)

    def play(self, coord: Coord | None, player: Player | None = None) -> Answer | None:
        """Request a move, and return the judge's answer.

        Parameters
        ----------
        coord : Coord or None
            The point; None passes.
        player : Player, optional
            The player; by default, you.

        Returns
        -------
        MoveMade, MoveRejected or None
            None if no judge has answered within half a second; `listen` reads the answer later.
        """
        req_id = self.ask(coord, player)
        self.listen(500)
        return self.answer(req_id)

    def ask(
        self, coord: Coord | None, player: Player | None = None, req_id: str | None = None
    ) -> str:
        """Request a move (XADD) without waiting, and return the request's ID."""
        req_id = req_id or f"{self.record.game_id}-{secrets.token_hex(4)}"
        move = MakeMove(self.record.game_id, req_id, player or self.you, coord)
        self._topics.send(move)
        if self.answer(req_id) is None:
            self.waiting[req_id] = move
        return req_id

    def note(self, text: str) -> None:
        """Show a text in the plots, at this moment."""
        self._topics.sample(text)

    def listen(self, within_ms: int = 0) -> None:
        """Let this process's judge work, if there is one, and read the answers.

        Parameters
        ----------
        within_ms : int
            Wait at most this long, in milliseconds, for answers that are missing.
        """
        until = time.monotonic() + within_ms / 1000
        if self.judge:
            try:
                self.judge.step()
            except NoSuchGroup:  # the stream was deleted: start again
                self.judge.prepare()
                self.judge.step()
        self._read()
        while self.waiting and time.monotonic() < until:
            self._read(_POLL_MS)
        self._topics.sample_answers()

    def answer(self, req_id: str) -> Answer | None:
        """Return the answer to a request, if it was read."""
        return next((one for one in self.record.answers if one.reply_to == req_id), None)

    def reply(self) -> Answer | None:
        """Let the random player move, if it is its turn and no request is waiting."""
        if self.waiting or self.over or self.game.up is self.you:
            return None
        return self.play(random_move(self.game, self.seed), self.game.up)

    def play_at_random(self, moves: int) -> None:
        """Make random moves for both sides, and wait for each answer."""
        for _ in range(moves):
            self.play(random_move(self.game, self.seed), self.game.up)

    def ask_at_random(self, moves: int) -> list[str]:
        """Request random moves for both sides without waiting, and return the requests' IDs."""
        ids, game = [], self.game
        for _ in range(moves):
            coord = random_move(game, self.seed)
            ids.append(self.ask(coord, game.up))
            game, _captured = game.play(game.up, coord)
        return ids

    def __repr__(self) -> str:
        return f"<Match {self.record.game_id!r}: {len(self.record.moves)} moves>"

    def _open(self, size: int) -> None:
        """Add the first state to ``game-states``; in an empty stream, at the virtual time."""
        states = self._topics.streams[Topic.GAME_STATES]
        state = messages.encode(GameState(self.record.game_id, Game.new(size)))
        virtual = self._topics.every_ms is not None and self._after[states.key] == "0-0"
        states.add({messages.FIELD: state}, id=f"{EPOCH_MS}-*" if virtual else "*")

    def _read(self, block_ms: int | None = None) -> None:
        entries: Any = None
        while entries is None or len(entries) >= _PAGE:
            entries = read_streams(self.client, self._after, count=_PAGE, block_ms=block_ms)
            for key, entry in entries:
                self._after[key] = entry.id
                try:
                    message = messages.decode(key.removeprefix(self.keys.prefix), entry.fields)
                except BadMessage:
                    continue  # an invalid entry can't belong to this game
                self.record.hear(message)
                if isinstance(message, MoveMade | MoveRejected):
                    self.waiting.pop(message.reply_to, None)


def random_move(game: Game, seed: int) -> Coord | None:
    """Return a legal move that fills no eye of the player's own; None, a pass, if none exists.

    Parameters
    ----------
    game : Game
        The game before the move.
    seed : int
        The same game and the same seed give the same move.
    """
    points = [Coord(index % game.size, index // game.size) for index in range(game.size**2)]
    random.Random(f"{seed} {game.moves}").shuffle(points)
    return next((point for point in points if _sensible(game, point)), None)


def _sensible(game: Game, point: Coord) -> bool:
    x, y = point
    adjacent: Sequence[tuple[int, int]] = ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1))
    on_board = [(a, b) for a, b in adjacent if 0 <= a < game.size and 0 <= b < game.size]
    if all(game.stones[b * game.size + a] == game.up.stone for a, b in on_board):
        return False
    try:
        game.play(game.up, point)
    except IllegalMove:
        return False
    return True
