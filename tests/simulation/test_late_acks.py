"""On the virtual clock, acknowledgements are sent together, and nothing else changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py
from slow import slow_but

from streamviz import Scenario, Stream, series
from streamviz.client import CommandLog, Entry
from streamviz.errors import WrongType
from streamviz.observation import Sample
from streamviz.simulation.late_acks import LateAcks
from streamviz.simulation.series import Series


def round_trips(redis: redis_py.Redis) -> int:
    info: Any = redis.info("stats")
    return int(info["total_reads_processed"])


def run_of(redis: redis_py.Redis, key: str, seed: int) -> tuple[list[Sample], Any]:
    """Run something that depends on the seed; consumers acknowledge, crash, claim and leave."""
    dice = random.Random(seed)
    shop = Scenario(redis, seed=seed)
    shop.produce(key, series.orders(rate_hz=dice.choice([5, 40])))
    claim = {"claim_idle_ms": 800, "claim_with": dice.choice(["xclaim", "xautoclaim"])}
    for name in ("x", "y"):
        shop.group(
            key,
            name,
            consumers=dice.randint(2, 4),
            service_ms=dice.choice([5, 70, lambda rng: rng.uniform(1, 90)]),
            batch=dice.choice([1, 4]),
            ack=dice.choice(["after", "before"]),
            fail=dice.choice([0, 0.1]),
            crash_at_s=dice.choice([None, 1.05]),
            revive_after_s=dice.choice([None, 0.3]),
            **dice.choice([{}, claim]),
        )
    shop.run(2)
    shop.groups["x"].remove_consumer()
    history = shop.run(2.5)
    return list(history.samples), shop.summary()


@pytest.mark.parametrize("seed", slow_but(0, 1, of=range(8)))
def test_the_samples_are_those_of_a_run_that_sends_each_at_once(
    redis: redis_py.Redis, key: str, seed: int
) -> None:
    late = run_of(redis, key, seed)
    redis.delete(key)
    with CommandLog(redis):  # it shows each command in its place, so none may wait
        at_once = run_of(redis, key, seed)
    assert late == at_once


def test_they_cost_a_fraction_of_the_round_trips(redis: redis_py.Redis, key: str) -> None:
    trips = []
    for rate_hz in (0.001, 40):
        shop = Scenario(redis, seed=1)
        shop.produce(key, series.constant(rate_hz=rate_hz))
        shop.group(key, "billing", consumers=4, service_ms=20)
        before = round_trips(redis)
        shop.run(20)
        trips.append(round_trips(redis) - before)
        redis.delete(key)
    idle, busy = trips
    # 800 entries: an XADD and an XREADGROUP each, and one trip for the XACKs of a sample
    assert busy - idle < 800 * 2 + 200 + 50


def test_a_handler_sees_what_was_acknowledged_before(redis: redis_py.Redis, key: str) -> None:
    pending = []

    def look(entry: Entry) -> None:
        pending.append(redis.xpending(key, "billing")["pending"])

    shop = Scenario(redis, seed=1)
    shop.produce(key, series.constant(rate_hz=20))
    shop.group(key, "billing", service_ms=1, handler=look)
    shop.group(key, "email", consumers=3, service_ms=1)
    shop.run(3)
    assert set(pending) == {1}
    assert len(pending) > 50


def test_a_service_time_of_the_caller_sees_what_was_acknowledged_before(
    redis: redis_py.Redis, key: str
) -> None:
    pending = []

    def look(rng: random.Random) -> float:
        pending.append(redis.xpending(key, "billing")["pending"])
        return rng.random()

    shop = Scenario(redis, seed=1)
    shop.produce(key, series.constant(rate_hz=20))
    shop.group(key, "billing", service_ms=look)
    shop.run(3)
    assert set(pending) == {1}
    assert len(pending) > 50


@pytest.mark.parametrize(
    "made",
    [
        iter,
        Series.of,
        lambda points: Series.of(points).shift(5).speed(2),
        lambda points: Series.of(points).limit(100),
        lambda points: Series(lambda: points),
        lambda points: series.constant(rate_hz=0.1).merge(points),
    ],
)
def test_a_generator_of_points_sees_what_was_acknowledged_before(
    redis: redis_py.Redis, key: str, made: Callable[[Any], Any]
) -> None:
    pending = []

    def points() -> Iterator[tuple[int, dict[str, int]]]:
        for n in range(100):
            if n > 1:
                pending.append(redis.xpending(key, "billing")["pending"])
            yield n * 10, {"n": n}

    shop = Scenario(redis, seed=1)
    shop.produce(key, made(points()))
    shop.group(key, "billing", service_ms=1)
    shop.run(1)
    assert pending == [0] * 98


def test_they_are_sent_when_a_run_ends_early(redis: redis_py.Redis, key: str) -> None:
    def stop(rng: random.Random) -> float:
        if group.consumers["billing-1"].handled == 3:
            raise KeyboardInterrupt
        return 1.0

    stop.__module__ = "streamviz.mine"  # or else they would be sent before each call of it
    shop = Scenario(redis, seed=1, sample_every_ms=60_000)
    shop.produce(key, series.constant(rate_hz=20))
    group = shop.group(key, "billing", service_ms=stop)
    with pytest.raises(KeyboardInterrupt):
        shop.run(3)
    assert group.consumers["billing-1"].acknowledged == 3
    assert redis.xpending(key, "billing")["pending"] == 1


def test_a_consumer_that_leaves_has_acknowledged_what_it_handled(
    redis: redis_py.Redis, key: str
) -> None:
    shop = Scenario(redis, seed=1, sample_every_ms=60_000)
    shop.produce(key, series.constant(rate_hz=20))
    group = shop.group(key, "billing", consumers=2, service_ms=150)
    shop.run(1.02)
    group.remove_consumer("billing-2")
    shop.run(3)
    assert group.consumers["billing-2"].removed
    assert group.consumers["billing-2"].acknowledged == group.consumers["billing-2"].handled > 3


def test_one_that_fails_is_reported_and_not_counted(redis: redis_py.Redis, key: str) -> None:
    other = f"{key}:other"
    Stream(redis, key).add_many([("1-0", {"n": 1}), ("2-0", {"n": 2})])
    group = Stream(redis, key).group("billing")
    group.create("0")
    ann = group.consumer("ann")
    entries = ann.read()
    redis.set(other, "no stream")
    counts: list[int] = []
    failures: list[Exception] = []
    acks = LateAcks(failures.append)
    acks.add(ann, [entries[0].id], counts.append)
    acks.add(Stream(redis, other).group("g").consumer("c"), [entries[0].id], counts.append)
    acks.add(ann, [entries[1].id, entries[0].id], counts.append)
    acks.send()
    acks.send()
    redis.delete(other)
    assert counts == [1, 1]
    (failure,) = failures
    assert isinstance(failure, WrongType)
    assert other in str(failure)
