"""Where moves are put down and answers are found: streams of Redis, or topics of Kafka."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Protocol

import redis

from go_game.messages import FIELD
from streamviz.errors import ServerUnreachable

with suppress(ModuleNotFoundError):  # it comes with the extra
    import confluent_kafka

_PATIENCE_S = 10
_SINGLY = {"batch.num.messages": 1, "linger.ms": 0}  # as in the style


class Topics(Protocol):
    """The streams of a judge, by their names without prefix."""

    def send(self, stream: str, *texts: str) -> None:
        """Add messages to a stream."""

    def count(self, stream: str) -> int:
        """Return how many messages a stream has."""

    def read(self, stream: str) -> list[str]:
        """Return every message of a stream so far, oldest first."""

    def close(self) -> None:
        """Leave the server."""


class RedisTopics:
    """Streams of Redis, with the JSON in the field ``data`` (XADD, XLEN, XRANGE)."""

    def __init__(self, url: str, prefix: str) -> None:
        self._redis: Any = redis.Redis.from_url(url)
        self._prefix = prefix

    def send(self, stream: str, *texts: str) -> None:
        """Add messages to a stream, in one round trip."""
        pipe = self._redis.pipeline(transaction=False)
        for text in texts:
            pipe.xadd(f"{self._prefix}{stream}", {FIELD: text})
        pipe.execute()

    def count(self, stream: str) -> int:
        """Return how many messages a stream has."""
        return int(self._redis.xlen(f"{self._prefix}{stream}"))

    def read(self, stream: str) -> list[str]:
        """Return every message of a stream so far, oldest first."""
        entries = self._redis.xrange(f"{self._prefix}{stream}")
        return [fields[FIELD.encode()].decode() for _, fields in entries]

    def close(self) -> None:
        """Leave the server."""
        self._redis.close()


class KafkaTopics:
    """Topics of Kafka, each of one partition; a message's key is its game."""

    def __init__(self, address: str, prefix: str) -> None:
        self._prefix = prefix
        self._producer = confluent_kafka.Producer({**quiet(address), **_SINGLY})
        self._reading = {
            **quiet(address),
            "group.id": f"{prefix}table",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 20,
        }
        self._asks = confluent_kafka.Consumer(self._reading)
        self._read: dict[str, tuple[Any, list[str]]] = {}

    def send(self, stream: str, *texts: str) -> None:
        """Add messages to a stream, and wait until the broker has them."""
        for text in texts:
            self._producer.produce(f"{self._prefix}{stream}", text, key=_game_id(text))
        if left := self._producer.flush(_PATIENCE_S):
            raise ServerUnreachable(f"{left} messages did not reach the broker: does it run?")

    def count(self, stream: str) -> int:
        """Return how many messages a stream has."""
        place = confluent_kafka.TopicPartition(f"{self._prefix}{stream}", 0)
        return int(self._asks.get_watermark_offsets(place, _PATIENCE_S)[1])

    def read(self, stream: str) -> list[str]:
        """Return every message of a stream so far, oldest first."""
        if stream not in self._read:
            reader = confluent_kafka.Consumer(self._reading)
            # From 0, its beginning: to ask for OFFSET_BEGINNING takes half a second.
            reader.assign([confluent_kafka.TopicPartition(f"{self._prefix}{stream}", 0, 0)])
            self._read[stream] = reader, []
        reader, found = self._read[stream]
        while missing := self.count(stream) - len(found):
            found += [one.value().decode() for one in reader.consume(missing, _PATIENCE_S)]
        return list(found)

    def close(self) -> None:
        """Leave the server."""
        for reader, _ in self._read.values():
            reader.close()
        self._asks.close()


def quiet(address: str) -> dict[str, str | int]:
    """Return the settings of a client that does not complain when its broker goes."""
    return {"bootstrap.servers": address, "log_level": 0}


def _game_id(text: str) -> str:
    with suppress(ValueError, TypeError, LookupError, RecursionError):
        return str(json.loads(text)["game_id"])
    return ""
