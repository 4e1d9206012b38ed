"""Subscribers of a scenario: they hear by pub/sub what is added to a stream, while there."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import redis
from redis.exceptions import RedisError

from streamviz.client.arguments import Fields
from streamviz.client.connection import Connection
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.replies import text
from streamviz.observation.events import Event
from streamviz.simulation.context import Context
from streamviz.simulation.receiver import SimulatedReceiver

_PATIENCE_S = 2.0
_POLL_MS = 100.0


def channel(stream: str) -> str:
    """Return the channel on which a scenario publishes what it adds to a stream."""
    return f"{stream}:channel"


def publish(client: redis.Redis, stream: str, entry_id: EntryId, fields: Fields) -> int:
    """Publish an entry, and return how many got it (PUBLISH, 2.0); nobody else ever will."""
    told = {text(name): text(value) for name, value in fields.items()}
    message = json.dumps({"id": str(entry_id), "fields": told})
    return int(Connection(client).call("PUBLISH", channel(stream), message))


class SimulatedSubscriber(SimulatedReceiver):
    """A subscriber of the channel ``<stream>:channel`` (SUBSCRIBE, 2.0); it gets what comes.

    Parameters
    ----------
    context, stream, name, **more
        See `SimulatedReceiver`.

    Raises
    ------
    InputError
        If an option is wrong.
    """

    _dice = "Subscriber"

    def __init__(self, context: Context, stream: str, name: str, **more: Any) -> None:
        super().__init__(context, stream, name, **more)
        self._pubsub: Any = None
        self._due = 0  # messages that are on their way here
        self._first_begin()

    def expect(self) -> None:
        """Take note that a message was published: if this one is there, it will arrive."""
        if self._pubsub is not None:
            self._due += 1

    def _live(self) -> Generator[Any, Any, None]:
        self._subscribe()
        while self.alive:
            entry = self._next()
            if entry is None:
                yield self.context.wait_for_entries([self.stream], _POLL_MS)
            else:
                yield from self._handle(entry)

    def _lie_down(self) -> None:
        self._at = None
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                self._pubsub.unsubscribe()
                self._wait_for("unsubscribe")
            self._pubsub.close()
            self._pubsub, self._due = None, 0

    def _subscribe(self) -> None:
        client: Any = self.context.client
        self._pubsub = client.pubsub()
        try:
            self._pubsub.subscribe(channel(self.stream))
            self._wait_for("subscribe")
        except (RedisError, OSError) as error:
            self.context.report_once(
                Event("problem", self.name, detail=f"could not subscribe: {error}")
            )

    def _wait_for(self, kind: str) -> None:
        """Wait until the server has confirmed: what is published after that arrives, or not."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            message = self._pubsub.get_message(timeout=_PATIENCE_S)
            if message is not None and message["type"] == kind:
                return

    def _next(self) -> Entry | None:
        """Return the next message; one that must come is waited for."""
        patience_s = _PATIENCE_S if self._due else 0.0
        self._due = max(0, self._due - 1)
        try:
            message = self._pubsub.get_message(timeout=patience_s)
        except (RedisError, OSError) as error:
            self.context.report_once(Event("problem", self.name, detail=f"hears nothing: {error}"))
            return None
        if message is None or message["type"] != "message":
            return None
        told = json.loads(message["data"])
        return Entry(EntryId.parse(told["id"]), told["fields"])
