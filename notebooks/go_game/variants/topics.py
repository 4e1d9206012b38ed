"""Send moves and read answers: on Redis Streams or on Kafka topics."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Protocol

import redis

from go_game.messages import FIELD
from streamviz.errors import ServerUnreachable

with suppress(ModuleNotFoundError):  # part of an extra
    import confluent_kafka

_TIMEOUT_S = 10
_SINGLY = {"batch.num.messages": 1, "linger.ms": 0}  # as in the style


class Topics(Protocol):
    """A judge's topics, by their names without prefix."""

    def send(self, topic: str, *texts: str) -> None:
        """Add messages to a topic."""

    def count(self, topic: str) -> int:
        """Return the number of messages in a topic."""

    def read(self, topic: str) -> list[str]:
        """Return all messages of a topic, oldest first."""

    def close(self) -> None:
        """Close the connections."""


class RedisTopics:
    """Redis Streams, with the JSON in the field ``data`` (XADD, XLEN, XRANGE)."""

    def __init__(self, url: str, prefix: str) -> None:
        self._redis: Any = redis.Redis.from_url(url)
        self._prefix = prefix

    def send(self, topic: str, *texts: str) -> None:
        """Add messages to a topic, in one round trip."""
        pipe = self._redis.pipeline(transaction=False)
        for text in texts:
            pipe.xadd(f"{self._prefix}{topic}", {FIELD: text})
        pipe.execute()

    def count(self, topic: str) -> int:
        """Return the number of messages in a topic."""
        return int(self._redis.xlen(f"{self._prefix}{topic}"))

    def read(self, topic: str) -> list[str]:
        """Return all messages of a topic, oldest first."""
        entries = self._redis.xrange(f"{self._prefix}{topic}")
        return [fields[FIELD.encode()].decode() for _, fields in entries]

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


class KafkaTopics:
    """Kafka topics with one partition each; the key of a message is its game ID."""

    def __init__(self, address: str, prefix: str) -> None:
        self._prefix = prefix
        self._producer = confluent_kafka.Producer({**quiet(address), **_SINGLY})
        self._config = {
            **quiet(address),
            "group.id": f"{prefix}table",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 20,
        }
        self._counter = confluent_kafka.Consumer(self._config)
        self._readers: dict[str, tuple[Any, list[str]]] = {}

    def send(self, topic: str, *texts: str) -> None:
        """Add messages to a topic, and wait until the broker has them."""
        for text in texts:
            self._producer.produce(f"{self._prefix}{topic}", text, key=_game_id(text))
        if left := self._producer.flush(_TIMEOUT_S):
            raise ServerUnreachable(f"{left} messages did not reach the broker: is it running?")

    def count(self, topic: str) -> int:
        """Return the number of messages in a topic."""
        part = confluent_kafka.TopicPartition(f"{self._prefix}{topic}", 0)
        return int(self._counter.get_watermark_offsets(part, _TIMEOUT_S)[1])

    def read(self, topic: str) -> list[str]:
        """Return all messages of a topic, oldest first."""
        if topic not in self._readers:
            reader = confluent_kafka.Consumer(self._config)
            # Offset 0 is the beginning; OFFSET_BEGINNING would take half a second.
            reader.assign([confluent_kafka.TopicPartition(f"{self._prefix}{topic}", 0, 0)])
            self._readers[topic] = reader, []
        reader, texts = self._readers[topic]
        while missing := self.count(topic) - len(texts):
            texts += [message.value().decode() for message in reader.consume(missing, _TIMEOUT_S)]
        return list(texts)

    def close(self) -> None:
        """Close the connections."""
        for reader, _ in self._readers.values():
            reader.close()
        self._counter.close()


def quiet(address: str) -> dict[str, str | int]:
    """Return the settings of a client that logs nothing when its broker stops."""
    return {"bootstrap.servers": address, "log_level": 0}


def _game_id(text: str) -> str:
    with suppress(ValueError, TypeError, LookupError, RecursionError):
        return str(json.loads(text)["game_id"])
    return ""
