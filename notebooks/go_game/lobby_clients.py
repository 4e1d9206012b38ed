"""The players' side of the lobby: send requests, and read the answers.

The lobby may work in this process, step by step, or elsewhere.
"""

from __future__ import annotations

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
from go_game.observed_topics import ObservedTopics
from streamviz.client import Stream

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
    """All sessions that use a lobby, and the lobby's streams.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        The start of all keys; see `go_game`.
    lobby : bool
        Whether a lobby works in this process. If not, one must work elsewhere.
    every_ms : int, optional
        Give each request an ID this many virtual milliseconds after the one before, and sample on
        the same clock, so that the plots are the same every time. Without it, the server's clock
        and this machine's clock are used.

    Attributes
    ----------
    histories : dict of str to History
        The history of each of the lobby's streams, by topic.
    lobby : Lobby or None
        The lobby in this process, if there is one.

    Examples
    --------
    >>> from streamviz import connect
    >>> redis = connect()
    >>> _ = redis.delete(*redis.keys("doctest:lobby:*") or ["none"])
    >>> clients = LobbyClients(redis, "doctest:lobby:", every_ms=1000)
    >>> _ = clients.find("ann"), clients.find("ben")
    >>> clients.listen()
    >>> [sorted((one.black, one.white)) for one in clients.read(Topic.GAME_READY)]
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
        self.client = client
        self.keys = Keys(prefix)
        self._topics = ObservedTopics(client, self.keys, TOPICS, every_ms)
        self.histories = self._topics.histories
        self.lobby = Lobby(client, prefix) if lobby else None
        self._numbers = count(1)
        if self.lobby:
            self.lobby.prepare()
        self._topics.sample()

    def find(self, session: str, req_id: str | None = None) -> str:
        """Ask for a game against any opponent (``find-public-game``); return the request's ID."""
        req_id = self._req_id(session, req_id)
        self._topics.send(FindPublicGame(session, req_id))
        return req_id

    def create(
        self,
        session: str,
        visibility: Visibility,
        board_size: int = 19,
        game_id: str | None = None,
        req_id: str | None = None,
    ) -> str:
        """Open a game (``create-game``); return the request's ID."""
        req_id = self._req_id(session, req_id)
        self._topics.send(CreateGame(session, req_id, visibility, board_size, game_id))
        return req_id

    def join(self, session: str, game_id: str, req_id: str | None = None) -> str:
        """Ask to join a private game (``join-private-game``); return the request's ID."""
        req_id = self._req_id(session, req_id)
        self._topics.send(JoinPrivateGame(session, req_id, game_id))
        return req_id

    def leave(self, session: str) -> None:
        """Report that a session has disconnected (``session-disconnected``)."""
        self._topics.send(SessionDisconnected(session))

    def note(self, text: str) -> None:
        """Show a text in the plots, at this moment."""
        self._topics.sample(text)

    def listen(self) -> None:
        """Let this process's lobby, if there is one, handle all requests; then take a sample."""
        while self.lobby and self.lobby.step():
            pass
        self._topics.sample_answers()

    def read(self, topic: Topic) -> list[Message]:
        """Return all messages of a topic (XRANGE)."""
        entries = Stream(self.client, self.keys.stream(topic)).range()
        return [messages.decode(topic, entry.fields) for entry in entries]

    def __repr__(self) -> str:
        return f"<LobbyClients {self.keys.prefix!r}>"

    def _req_id(self, session: str, req_id: str | None) -> str:
        return req_id or f"{session}-{next(self._numbers)}"
