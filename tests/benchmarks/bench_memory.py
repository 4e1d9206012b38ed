"""How much memory a history takes at its limit, from real samples."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import pytest
import redis as redis_py
from benchmarks.tables import table

from streamviz import History, Observer, Stream
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.observation.sample import Sample
from streamviz.patterns.partitions import Partitions

# A busy group has all of its pending entries in each sample: 20 samples reach the limit.
TITLE = "Memory: a history at its limit of 1,000 samples or about 80 MB, counted object by object"
PARTS, GROUPS, PENDING = 64, 500, 60
PEOPLE = [f"customer-{n}" for n in range(PARTS)]


def held_bytes(*roots: object) -> int:
    """Return how many bytes objects hold, with all that they refer to, each counted once."""
    total, seen, left = 0, set[int](), list(roots)
    while left:
        one = left.pop()
        if id(one) not in seen and not isinstance(one, type):
            seen.add(id(one))
            total += sys.getsizeof(one)
            left += gc.get_referents(one)
    return total


def measure(name: str, samples: int, sample: Callable[[], Sample]) -> History:
    """Note what the samples of a history hold after so many of them."""
    found = table(TITLE, "what is sampled", "samples", "kept", "MB")
    history = History()
    for _ in range(samples):
        history.append(sample())
    megabytes = held_bytes(*history.samples) / 1e6
    found.add(name, samples, len(history), f"{megabytes:.0f}")
    found.aim(f"MB, {name}", megabytes, most=100)
    return history


@pytest.fixture
def parts(redis: redis_py.Redis, prefix: str) -> Partitions:
    partitions = Partitions(redis, f"{prefix}parts", PARTS)
    partitions.create_group("group")
    partitions.add_many((who, {"n": n}) for n in range(60) for who in PEOPLE)
    for group in partitions.group("group"):
        group.consumer("ann").read(PENDING)
    return partitions


def test_parts_at_rest(parts: Partitions) -> None:
    history = measure(f"{PARTS} parts at rest", 1100, PartitionObserver(parts).sample)
    assert len(history.last.partitions) == PARTS  # type: ignore[attr-defined]


def test_busy_parts(parts: Partitions) -> None:
    observer, groups = PartitionObserver(parts), parts.group("group")

    def sample() -> Sample:
        parts.add_many((who, {"n": 1}) for who in PEOPLE)
        for group in groups[::4]:
            if entries := group.consumer("ben").read(2):
                group.ack(entries[0])
        return observer.sample()

    history = measure(f"{PARTS} busy parts", 1100, sample)
    assert len(history.last.partitions) == PARTS  # type: ignore[attr-defined]


@pytest.mark.parametrize("busy", [False, True])
def test_groups(redis: redis_py.Redis, prefix: str, *, busy: bool) -> None:
    stream = Stream(redis, f"{prefix}groups")
    stream.add_many({"n": n} for n in range(PENDING))
    consumers = []
    for n in range(GROUPS):
        stream.group(f"group-{n}").create("0")
        consumers.append(stream.group(f"group-{n}").consumer("ann"))
        consumers[-1].read(PENDING)
    observer = Observer(redis, stream.key)

    def sample() -> Sample:
        if busy:
            stream.add({"n": 1})
            for consumer in consumers:
                consumer.read(1)
        return observer.sample()

    words = "busy groups" if busy else "groups at rest"
    name = f"{GROUPS} {words} with {PENDING} pending entries each"
    history = measure(name, 50 if busy else 600, sample)
    assert len(history.last.groups) == GROUPS
