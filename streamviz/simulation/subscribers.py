"""Subscribers of a scenario: they receive what is added to a stream by pub/sub."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any, Unpack

import redis
from redis.exceptions import RedisError

from streamviz.client.arguments import Fields
from streamviz.client.cluster import connection_to
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.replies import text
from streamviz.simulation.context import Context
from streamviz.simulation.readers import BaseReader, ReaderOptions

_TIMEOUT_S = 2.0


def channel(stream: str) -> str:
    """Return the channel on which a scenario publishes what it adds to a stream."""
    return f"{stream}:channel"


def publish(client: redis.Redis, stream: str, entry_id: EntryId, fields: Fields) -> int:
    """Publish an entry, and return how many subscribers received it (PUBLISH, 2.0).

    The server keeps no copy: a client that subscribes later never receives the entry.
    """
    texts = {text(name): text(value) for name, value in fields.items()}
    message = json.dumps({"id": str(entry_id), "fields": texts})
    return int(connection_to(client, channel(stream)).call("PUBLISH", channel(stream), message))


class SimulatedSubscriber(BaseReader):
    """A subscriber of the channel ``<stream>:channel`` (SUBSCRIBE, 2.0); see `BaseReader`."""

    _random_stream = "Subscriber"

    def __init__(
        self, context: Context, stream: str, name: str, **options: Unpack[ReaderOptions]
    ) -> None:
        super().__init__(context, stream, name, **options)
        self._pubsub: Any = None
        self._expected = 0  # messages that were published and not yet received
        self._start(self._crash_at_s)

    def expect(self) -> None:
        """Expect one more message, if it is subscribed."""
        if self._pubsub is not None:
            self._expected += 1

    def _live(self, *, revived: bool) -> Generator[Any, Any, None]:
        self._subscribe()
        while self.alive:
            entry = self._next()
            if entry is None:
                yield self.context.wait_for_entries([self.stream])
            else:
                yield from self._handle(entry)

    def _after_death(self) -> None:
        self._position = None
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                self._pubsub.unsubscribe()
                self._wait_for("unsubscribe")
            self._pubsub.close()
            self._pubsub, self._expected = None, 0

    def _subscribe(self) -> None:
        client: Any = self.context.client
        self._pubsub = client.pubsub()
        try:
            self._pubsub.subscribe(channel(self.stream))
            self._wait_for("subscribe")
        except (RedisError, OSError) as error:
            self._report_problem(f"could not subscribe: {error}")

    def _wait_for(self, kind: str) -> None:
        """Wait until the server confirms, so that each run receives the same messages."""
        deadline = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < deadline:
            message = self._pubsub.get_message(timeout=_TIMEOUT_S)
            if message is not None and message["type"] == kind:
                return

    def _next(self) -> Entry | None:
        """Return the next entry; wait for its message if one is expected."""
        timeout_s = _TIMEOUT_S if self._expected else 0.0
        self._expected = max(0, self._expected - 1)
        try:
            message = self._pubsub.get_message(timeout=timeout_s)
        except (RedisError, OSError) as error:
            self._report_problem(f"could not receive: {error}")
            return None
        if message is None or message["type"] != "message":
            return None
        content = json.loads(message["data"])
        return Entry(EntryId.parse(content["id"]), content["fields"])


def publish_to_subscribers(
    client: redis.Redis,
    readers: Mapping[str, BaseReader],
    stream: str,
    entry_id: EntryId | None,
    fields: Fields,
) -> None:
    """Publish an entry if its stream has a subscriber."""
    subscribers = [
        one
        for one in list(readers.values())
        if isinstance(one, SimulatedSubscriber) and one.stream == stream
    ]
    if subscribers and entry_id is not None:
        publish(client, stream, entry_id, fields)
        for subscriber in subscribers:
            subscriber.expect()
