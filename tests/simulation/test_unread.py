"""Reads that find nothing are not sent on the virtual clock, and nothing else changes."""

from __future__ import annotations

import random
from typing import Any

import pytest
import redis as redis_py
from slow import slow_but

from streamviz import Scenario, Stream, series
from streamviz.observation import Sample
from streamviz.simulation.unread import Unread


def reads(redis: redis_py.Redis) -> int:
    stats: Any = redis.info("commandstats")
    return int(stats.get("cmdstat_xreadgroup", {}).get("calls", 0))


def test_a_virtual_run_reads_hardly_more_often_than_entries_are_delivered(
    redis: redis_py.Redis, key: str
) -> None:
    shop = Scenario(redis, seed=3)
    shop.produce(key, series.constant(rate_hz=10))
    for group in ("billing", "email"):
        shop.group(key, group, consumers=4, service_ms=20)
    before = reads(redis)
    shop.run(60)
    delivered = sum(group.handled for group in shop.summary().groups)
    assert delivered > 1100
    assert reads(redis) - before < 1.1 * delivered


def history_of(redis: redis_py.Redis, prefix: str, seed: int) -> list[Sample]:
    """Run something that depends on the seed, and is meddled with from within and without."""
    dice = random.Random(seed)
    keys = [f"{prefix}a", f"{prefix}b"]
    shop = Scenario(redis, seed=seed)
    for key in keys:
        shop.produce(
            key, series.orders(rate_hz=dice.choice([2, 20])), maxlen=dice.choice([None, 9])
        )

    def forward(entry: Any) -> None:
        if entry.id.ms % 3 == 0:
            Stream(redis, keys[1]).add({"from": keys[0]}, id=f"{shop.clock.time_ms}-*")

    claiming: dict[str, Any] = {"claim_idle_ms": 1500, "claim_with": "xclaim"}
    for name, key in (("x", keys[0]), ("y", keys[1]), ("z", keys[0])):
        shop.group(
            key,
            name,
            consumers=dice.randint(1, 3),
            service_ms=dice.choice([5, 300]),
            batch=dice.choice([1, 3]),
            handler=forward if name == "x" else None,
            crash_at_s=dice.choice([None, 2]),
            revive_after_s=1,
            **dice.choice([{}, claiming]),
        )
    meddling = {
        20: lambda: redis.xadd(keys[1], {"by": "hand"}, id=f"{shop.clock.time_ms}-*"),
        30: lambda: redis.xgroup_setid(keys[1], "y", "0"),
        40: lambda: redis.xtrim(keys[0], maxlen=3),
        50: lambda: redis.xgroup_delconsumer(keys[0], "z", "z-1"),
        60: lambda: redis.xgroup_destroy(keys[1], "y"),
    }
    count = 0

    def meddle(sample: Sample) -> None:
        nonlocal count
        count += 1
        meddling.get(count, lambda: None)()

    shop.on_sample.append(meddle)
    for _ in range(2):
        shop.run(4)
        redis.xadd(keys[1], {"between": "runs"}, id=f"{shop.clock.time_ms}-*")
    samples = [*shop.histories[keys[0]].samples, *shop.histories[keys[1]].samples]
    redis.delete(*keys)
    return samples


@pytest.mark.parametrize("seed", slow_but(0, of=range(5)))
def test_what_is_not_asked_for_changes_no_sample(
    redis: redis_py.Redis, prefix: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = history_of(redis, prefix, seed)
    monkeypatch.setattr(Unread, "is_empty", lambda *names: False)
    assert history_of(redis, prefix, seed) == fast


def test_what_another_client_adds_is_read_after_the_next_sample(
    redis: redis_py.Redis, key: str
) -> None:
    shop = Scenario(redis)
    shop.produce(key, series.constant(rate_hz=10).limit(5))
    shop.group(key, "billing", service_ms=1)
    other = Stream(redis, key)

    def from_elsewhere() -> Any:
        yield shop.clock.env.timeout(2050)
        other.add({"from": "elsewhere"}, id=f"{shop.clock.time_ms}-*")

    shop.clock.process(from_elsewhere())
    shop.run(2.4)
    assert shop.summary().group("billing").handled == 6
