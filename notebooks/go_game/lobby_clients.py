"""The people in front of the lobby: what they wish, what they are told, and the streams between.

It is the players' side. A wish goes to the lobby's streams; the lobby may work in this process,
step by step, or elsewhere.
"""

from __future__ import annotations

import time
from itertools import count

import redis

from go_game import messages
from go_game.keys import Keys
from go_game.lobby import Lobby
from go_game.messages import (
    CreateGame,
    FindPublicGame,
    JoinPrivateGame,
    Message,
    SessionDisconnected,
    Topic,
    Visibility,
)
from streamviz.client.stream import Stream
from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.observation.observer import Observer
from streamviz.simulation.clock import EPOCH_MS

TOPICS = (
    Topic.FIND_PUBLIC_GAME,
    Topic.CREATE_GAME,
    Topic.JOIN_PRIVATE_GAME,
    Topic.SESSION_DISCONNECTED,
    Topic.WAIT_FOR_OPPONENT,
    Topic.GAME_READY,
    Topic.PRIVATE_GAME_REJECTED,
)


class LobbyClients:
    """The lobby's streams, and everybody who wants to play.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        What all keys begin with; see `go_game`.
    lobby : bool
        Whether a lobby of ours works here. If not, one must work elsewhere.
    every_ms : int, optional
        Let each wish have an ID so many virtual milliseconds after the one before, and the looks
        with it: so the pictures come out the same each time. Without it, IDs and looks are by the
        clocks of the server and of this machine.

    Attributes
    ----------
    histories : dict of str to History
        Of each of the lobby's streams, by its name without prefix.
    lobby : Lobby or None
        Ours, if there is one.

    Examples
    --------
    >>> from streamviz import connect
    >>> redis = connect()
    >>> _ = redis.delete(*redis.keys("doctest:hall:*") or ["none"])
    >>> hall = LobbyClients(redis, "doctest:hall:", every_ms=1000)
    >>> _ = hall.find("ann"), hall.find("ben")
    >>> hall.listen()
    >>> [sorted((one.black, one.white)) for one in hall.said(Stream.GAME_READY)]
    [['ann', 'ben']]
    """

    def __init__(
        self,
        client: redis.Redis,
        prefix: str = "go:",
        *,
        lobby: bool = True,
        every_ms: int | None = None,
    ) -> None:
        if every_ms is not None and (type(every_ms) is not int or every_ms < 2):
            raise InputError(f"every_ms={every_ms!r}: give 2 milliseconds or more, or None")
        self.client = client
        self.keys = Keys(prefix)
        self.every_ms = every_ms
        self.lobby = Lobby(client, prefix) if lobby else None
        self.histories = {str(one): History() for one in TOPICS}
        self._observers = [Observer(client, self.keys.stream(one)) for one in TOPICS]
        self._now_ms = EPOCH_MS
        self._numbers = count(1)
        if self.lobby:
            self.lobby.prepare()
        self._look()

    def find(self, session: str, req_id: str | None = None) -> str:
        """Wish for a game with whoever comes (``find-public-game``); return the request's ID."""
        req_id = self._req(session, req_id)
        self._wish(FindPublicGame(session, req_id))
        return req_id

    def create(
        self,
        session: str,
        visibility: Visibility,
        board_size: int = 19,
        game_id: str | None = None,
        req_id: str | None = None,
    ) -> str:
        """Open a game of one's own (``create-game``); return the request's ID."""
        req_id = self._req(session, req_id)
        self._wish(CreateGame(session, req_id, visibility, board_size, game_id))
        return req_id

    def join(self, session: str, game_id: str, req_id: str | None = None) -> str:
        """Wish for the second seat of a private game (``join-private-game``)."""
        req_id = self._req(session, req_id)
        self._wish(JoinPrivateGame(session, req_id, game_id))
        return req_id

    def leave(self, session: str) -> None:
        """Tell that a session is gone (``session-disconnected``)."""
        self._wish(SessionDisconnected(session))

    def listen(self) -> None:
        """Let our lobby work off all wishes, if there is one, and look at the streams."""
        while self.lobby and self.lobby.step():
            pass
        if self.every_ms is not None:
            self._now_ms += self.every_ms // 2
        self._look()

    def said(self, stream: Topic) -> list[Message]:
        """Return all messages of one of the streams (XRANGE)."""
        entries = Stream(self.client, self.keys.stream(stream)).range()
        return [messages.decode(stream, entry.fields) for entry in entries]

    def __repr__(self) -> str:
        return f"<Hall {self.keys.prefix!r}>"

    def _req(self, session: str, req_id: str | None) -> str:
        return req_id or f"{session}-{next(self._numbers)}"

    def _wish(self, wish: Message) -> None:
        which = "*"
        if self.every_ms is not None:
            self._now_ms += self.every_ms // 2
            which = f"{self._now_ms}-*"
        stream = Stream(self.client, self.keys.stream(messages.topic_of(wish)))
        stream.add({messages.FIELD: messages.encode(wish)}, id=which)
        self._look()

    def _look(self) -> None:
        now_ms = time.time_ns() // 1_000_000 if self.every_ms is None else self._now_ms
        for history, observer in zip(self.histories.values(), self._observers, strict=True):
            last = history.last
            history.append(observer.sample(max(now_ms, last.time_ms if last else 0)))
