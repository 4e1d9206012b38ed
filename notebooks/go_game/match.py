"""A match: somebody against a seeded random player, before a judge, over real streams.

It is the two players' side of the game. It asks with ``make-move``, and hears ``game-states``,
``move-made`` and ``move-rejected``; what it knows of the board it has from there, and from nowhere
else. The judge may work in this process, step by step, so that each command is seen in its place;
or it is another process's business, and then answers come when they come.
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
from go_game.messages import GameState, MakeMove, MoveMade, MoveRejected, Stream
from go_game.rules import Coord, Game, IllegalMove, Player
from go_game.validation import BadMessage
from streamviz.client.entry_id import EntryId
from streamviz.client.read import read_streams
from streamviz.client.stream import Stream as RedisStream
from streamviz.errors import InputError, NoSuchGroup
from streamviz.observation.history import History
from streamviz.observation.observer import Observer
from streamviz.simulation.clock import EPOCH_MS

CARRIED_BY = (Stream.MAKE_MOVE, Stream.MOVE_MADE, Stream.MOVE_REJECTED, Stream.GAME_STATES)
_HEARD = CARRIED_BY[1:]
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
        What all keys begin with; see `go_game`.
    game_id : str, optional
        Which game. If nobody opened it, it is opened here, as the lobby does; without an ID, a
        new one is.
    size : {9, 13, 19}
        Points along a side of a new game.
    seed : int
        What the random player's moves hang on.
    judge : bool
        Whether a judge of ours works here. If not, some judge must work elsewhere.
    you : Player
        Whom you play.
    every_ms : int, optional
        Let each move have an ID so many virtual milliseconds after the one before, and the looks
        with it: so the pictures come out the same each time. They begin where ``game-states``
        ends. Without it, IDs and looks are by the clocks of the server and of this machine.

    Attributes
    ----------
    record : Record
        What was heard of the game.
    histories : dict of str to History
        Of each stream that carries the game, by its name without prefix.
    judge : Judge or None
        Ours, if there is one.

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
        if every_ms is not None and (type(every_ms) is not int or every_ms < 2):
            raise InputError(f"every_ms={every_ms!r}: give 2 milliseconds or more, or None")
        self.client = client
        self.keys = Keys(prefix)
        self.you = Player(you)
        self.seed = seed
        self.every_ms = every_ms
        self.record = Record(game_id or secrets.token_hex(4), Game.new(size).size)
        self.waiting: dict[str, MakeMove] = {}
        self.histories = {str(one): History() for one in CARRIED_BY}
        self.judge = Judge(client, prefix, name="judge-1") if judge else None
        self._streams = {one: RedisStream(client, self.keys.stream(one)) for one in CARRIED_BY}
        self._observers = [Observer(client, one.key) for one in self._streams.values()]
        self._after: dict[str, Any] = {self._streams[one].key: "0-0" for one in _HEARD}
        self._number = 0
        if self.judge:
            self.judge.prepare()
        self._hear()
        if self.record.game is None:
            self._open(size)
            self._hear()
        last = EntryId.parse(self._after[self._streams[Stream.GAME_STATES].key])
        self._now_ms = max(EPOCH_MS, last.ms)  # a move from before its game would be turned away
        self._look()

    @property
    def game(self) -> Game:
        """The newest state that was heard."""
        if self.record.game is None:
            raise InputError(f"{self.record.game_id!r} has no state: was game-states deleted?")
        return self.record.game

    @property
    def over(self) -> bool:
        """Whether both have passed, one after the other."""
        return self.game.moves[-2:] == (None, None)

    def play(self, coord: Coord | None, player: Player | None = None) -> Answer | None:
        """Ask for a move, and return the judge's answer.

        Parameters
        ----------
        coord : Coord or None
            Where; None passes.
        player : Player, optional
            Who; without it, you.

        Returns
        -------
        MoveMade, MoveRejected or None
            None if no judge has answered within half a second; `listen` hears it later.
        """
        req_id = self.ask(coord, player)
        self.listen(500)
        return self.answer(req_id)

    def ask(
        self, coord: Coord | None, player: Player | None = None, req_id: str | None = None
    ) -> str:
        """Ask for a move (XADD), wait for nothing, and return the request's ID."""
        self._number += 1
        req_id = req_id or f"{self.record.game_id}-{secrets.token_hex(4)}"
        move = MakeMove(self.record.game_id, req_id, player or self.you, coord)
        which = "*"
        if self.every_ms is not None:
            self._now_ms += self.every_ms // 2
            which = f"{self._now_ms}-*"
        self._streams[Stream.MAKE_MOVE].add({messages.FIELD: messages.encode(move)}, id=which)
        if self.answer(req_id) is None:
            self.waiting[req_id] = move
        self._look()
        return req_id

    def listen(self, within_ms: int = 0) -> None:
        """Let our judge work, if there is one, and hear what the streams say.

        Parameters
        ----------
        within_ms : int
            Go on for so long at most, in milliseconds, while anything is unanswered.
        """
        until = time.monotonic() + within_ms / 1000
        if self.judge:
            try:
                self.judge.step()
            except NoSuchGroup:  # somebody deleted the stream: begin anew
                self.judge.prepare()
                self.judge.step()
        self._hear()
        while self.waiting and time.monotonic() < until:
            self._hear(_POLL_MS)
        if self.every_ms is not None:
            self._now_ms += self.every_ms // 2
        self._look()

    def answer(self, req_id: str) -> Answer | None:
        """Return the answer that was heard to a request."""
        return next((one for one in self.record.answers if one.reply_to == req_id), None)

    def reply(self) -> Answer | None:
        """Let the random player move, if it is up and nothing is unanswered."""
        if self.waiting or self.over or self.game.up is self.you:
            return None
        return self.play(random_move(self.game, self.seed), self.game.up)

    def play_at_random(self, moves: int) -> None:
        """Let both sides be random players for so many moves, each answered before the next."""
        for _ in range(moves):
            self.play(random_move(self.game, self.seed), self.game.up)

    def ask_at_random(self, moves: int) -> list[str]:
        """Let both sides ask for so many moves, wait for nothing, and return the requests' IDs."""
        asked, game = [], self.game
        for _ in range(moves):
            coord = random_move(game, self.seed)
            asked.append(self.ask(coord, game.up))
            game, _taken = game.play(game.up, coord)
        return asked

    def __repr__(self) -> str:
        return f"<Match {self.record.game_id!r}: {len(self.record.moves)} moves>"

    def _open(self, size: int) -> None:
        """Put the first state on its stream: if it is the first there, at the virtual time."""
        states = self._streams[Stream.GAME_STATES]
        state = messages.encode(GameState(self.record.game_id, Game.new(size)))
        virtual = self.every_ms is not None and self._after[states.key] == "0-0"
        states.add({messages.FIELD: state}, id=f"{EPOCH_MS}-*" if virtual else "*")

    def _hear(self, block_ms: int | None = None) -> None:
        found: Any = None
        while found is None or len(found) >= _PAGE:
            found = read_streams(self.client, self._after, count=_PAGE, block_ms=block_ms)
            for key, entry in found:
                self._after[key] = entry.id
                try:
                    said = messages.decode(key.removeprefix(self.keys.prefix), entry.fields)
                except BadMessage:
                    continue  # somebody else's mistake, and none of our game
                self.record.hear(said)
                if isinstance(said, MoveMade | MoveRejected):
                    self.waiting.pop(said.reply_to, None)

    def _look(self) -> None:
        now_ms = time.time_ns() // 1_000_000 if self.every_ms is None else self._now_ms
        for history, observer in zip(self.histories.values(), self._observers, strict=True):
            last = history.last
            history.append(observer.sample(max(now_ms, last.time_ms if last else 0)))


def random_move(game: Game, seed: int) -> Coord | None:
    """Return a legal move that fills no eye of one's own; None, a pass, if there is none.

    Parameters
    ----------
    game : Game
        The game before it.
    seed : int
        The same game and the same seed give the same move.
    """
    points = [Coord(at % game.size, at // game.size) for at in range(game.size**2)]
    random.Random(f"{seed} {game.moves}").shuffle(points)
    return next((point for point in points if _sensible(game, point)), None)


def _sensible(game: Game, point: Coord) -> bool:
    x, y = point
    beside: Sequence[tuple[int, int]] = ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1))
    on_board = [(a, b) for a, b in beside if 0 <= a < game.size and 0 <= b < game.size]
    if all(game.stones[b * game.size + a] == game.up.stone for a, b in on_board):
        return False
    try:
        game.play(game.up, point)
    except IllegalMove:
        return False
    return True
