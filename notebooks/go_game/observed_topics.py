"""Topics on which clients send messages, with the history of each topic's stream."""

from __future__ import annotations

import time
from collections.abc import Sequence

import redis

from go_game import messages
from go_game.keys import Keys
from go_game.messages import Message, Topic
from streamviz.client import Stream
from streamviz.errors import InputError
from streamviz.observation import History, Observer
from streamviz.simulation import EPOCH_MS


class ObservedTopics:
    """Some topics, sampled together after each message.

    Parameters
    ----------
    client : redis.Redis
        The server.
    keys : Keys
        The names of the keys.
    topics : sequence of Topic
        The topics to observe.
    every_ms : int, optional
        Run on a virtual clock: from one message to the next it advances by this many milliseconds,
        half of them before the message is sent and half before its answers are sampled. Without
        it, the server's clock and this machine's clock are used.

    Attributes
    ----------
    histories : dict of str to History
        The history of each topic, by name.
    now_ms : int
        The virtual time.

    Raises
    ------
    InputError
        If `every_ms` is less than 2.
    """

    def __init__(
        self, client: redis.Redis, keys: Keys, topics: Sequence[Topic], every_ms: int | None
    ) -> None:
        if every_ms is not None and (type(every_ms) is not int or every_ms < 2):
            raise InputError(f"every_ms={every_ms!r}: give 2 milliseconds or more, or None")
        self.every_ms = every_ms
        self.now_ms = EPOCH_MS
        self.histories = {str(topic): History() for topic in topics}
        self.streams = {topic: Stream(client, keys.stream(topic)) for topic in topics}
        self._observers = [Observer(client, stream.key) for stream in self.streams.values()]

    def send(self, message: Message) -> None:
        """Add a message to its topic (XADD), and take a sample."""
        self._advance()
        entry_id = "*" if self.every_ms is None else f"{self.now_ms}-*"
        stream = self.streams[messages.topic_of(message)]
        stream.add({messages.FIELD: messages.encode(message)}, id=entry_id)
        self.sample()

    def sample_answers(self) -> None:
        """Take a sample, after the time that answers take."""
        self._advance()
        self.sample()

    def sample(self, *notes: str) -> None:
        """Take a sample of every topic, with what plots show as words at this moment."""
        now_ms = time.time_ns() // 1_000_000 if self.every_ms is None else self.now_ms
        for history, observer in zip(self.histories.values(), self._observers, strict=True):
            last = history.newest
            history.append(observer.sample(max(now_ms, last.time_ms if last else 0), notes))

    def _advance(self) -> None:
        if self.every_ms is not None:
            self.now_ms += self.every_ms // 2
