"""The summary of a scenario, compared with a full count in Redis and of what handlers saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from streamviz import Scenario, Stream, series
from streamviz.client.connection import Connection
from streamviz.client.models import Entry
from streamviz.errors import InputError, UnsupportedCommand
from streamviz.simulation import ConsumerSummary, GroupSummary

Until = Callable[..., None]
WAYS = {
    "all is well": {},
    "some fail": {"fail": 0.3},
    "failures are claimed": {"fail": 0.3, "claim_idle_ms": 300, "batch": 2},
    "one crashes": {"crash_after": 5, "revive_after_s": 1, "batch": 3},
    "crashes and claims": {"crash_chance": 0.1, "revive_after_s": 0.5, "claim_idle_ms": 400},
    "autoclaim": {"crash_after": 3, "claim_idle_ms": 400, "claim_with": "xautoclaim", "batch": 4},
    "acknowledged before": {"ack": "before", "fail": 0.2, "crash_after": 4, "batch": 3},
    "never acknowledged": {"ack": "never"},
    "without XACK": {"ack": "noack", "fail": 0.2},
    "slow": {"service_ms": 700},
}


@pytest.fixture
def shop(redis: redis_py.Redis) -> Iterator[Scenario]:
    with Scenario(redis, seed=7) as scenario:
        yield scenario


class Attempts:
    """A handler that counts how often it is called for each entry."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, entry: Entry) -> None:
        self.counts[str(entry.id)] += 1

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def check(shop: Scenario, name: str) -> GroupSummary:
    """Compare what a summary says of a group with all that Redis holds."""
    found, group = shop.summary().group(name), shop.groups[name]
    pending: Counter[str] = Counter()
    waiting = added = 0
    for key in group.streams:
        stream = Stream(shop.client, key)
        real = stream.group(name)
        pending.update(one.consumer for one in real.pending_entries(count=10_000))
        cursor = real.info().last_delivered_id
        waiting += len(stream.range(f"({cursor}"))
        added += stream.info().entries_added
    assert found.waiting == waiting
    assert found.pending == pending.total()
    assert {one.name: one.pending for one in found.consumers} == {
        one: pending[one] for one in group.consumers
    }
    assert found.acknowledged == added - waiting - pending.total()
    for column in ("handled", "failed", "retried", "dead_lettered", "acknowledged"):
        assert getattr(found, column) == sum(getattr(one, column) for one in found.consumers)
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [1, 2])
def test_a_summary_is_what_redis_counts(
    shop: Scenario, prefix: str, way: str, streams: int
) -> None:
    options: dict[str, Any] = {"service_ms": 60} | WAYS[way]
    keys = [f"{prefix}{n}" for n in range(streams)]
    for key in keys:
        shop.produce(key, series.constant(rate_hz=20).limit(60))
    attempts = Attempts()
    shop.group(keys, "billing", consumers=2, handler=attempts, **options)
    shop.run(2)
    check(shop, "billing")
    shop.run(3)
    found = check(shop, "billing")
    assert found.handled == attempts.total > 0
    if "fail" in options:
        assert found.failed > 0
    else:
        assert found.failed == 0
    if "crash_after" not in options and "crash_chance" not in options:
        given = found.handled + found.failed
        open_or_acknowledged = found.acknowledged + (found.pending or 0)
        held = sum(one.holding for one in shop.groups["billing"].consumers.values())
        assert given + held - found.retried == open_or_acknowledged


def test_retries_are_the_deliveries_after_the_first(shop: Scenario, key: str) -> None:
    attempts: Counter[str] = Counter()

    def third_time(entry: Entry) -> bool:
        attempts[str(entry.id)] += 1
        return attempts[str(entry.id)] < 3

    shop.produce(key, series.constant(rate_hz=10).limit(4))
    shop.group(key, "g", consumers=2, service_ms=10, fail=third_time, claim_idle_ms=200)
    shop.run(10)
    found = check(shop, "g")
    assert (found.handled, found.failed, found.retried) == (4, 8, 8)
    assert (found.acknowledged, found.pending, found.waiting) == (4, 0, 0)


def test_a_kept_error_is_a_failure(shop: Scenario, key: str) -> None:
    shop.produce(key, series.constant(rate_hz=10).limit(4))
    shop.group(key, "g", service_ms=10, handler=lambda entry: 1 // 0, on_error="keep")
    shop.run(1)
    assert check(shop, "g").failed == 4


def test_with_claim_entries_are_counted_as_retried(shop: Scenario, key: str) -> None:
    shop.produce(key, series.constant(rate_hz=20).limit(20))
    options: dict[str, Any] = {"claim_idle_ms": 300, "claim_with": "claim", "crash_after": 3}
    if not Connection(shop.client).version.has((8, 4)):
        with pytest.raises(UnsupportedCommand):
            shop.group(key, "g", **options)
        return
    shop.group(key, "g", consumers=2, service_ms=10, batch=4, **options)
    shop.run(5)
    assert check(shop, "g").retried > 0


def test_on_the_wall_clock_all_numbers_are_of_one_moment(
    redis: redis_py.Redis, key: str, until: Until
) -> None:
    with Scenario(redis, sample_every_ms=5000) as live:
        live.produce(key, series.constant(rate_hz=200))
        group = live.group(key, "g", service_ms=10)
        live.start()
        until(lambda: group.consumers["g-1"].handled > 5)
        live.pause()
        before = check(live, "g")
        live.start()
        until(lambda: group.consumers["g-1"].handled > before.handled)
        running = live.summary().group("g")
        assert (running.pending or 0) <= 1
        assert running.handled >= before.handled
    assert live.summary().group("g").handled >= running.handled, "also when it is stopped"


def test_before_the_first_sample_the_numbers_of_the_server_are_unknown(
    shop: Scenario, key: str
) -> None:
    shop.group(key, "g")
    found = shop.summary().group("g")
    assert (found.handled, found.pending, found.waiting) == (0, None, None)
    assert repr(shop.summary()).splitlines()[1].split() == ["g", *"00000??"]


def test_a_summary_is_a_table_of_frozen_records(shop: Scenario, key: str) -> None:
    shop.produce(key, series.constant(rate_hz=10).limit(30))
    shop.group(key, "billing", consumers=2, service_ms=300)
    shop.group(key, "email")
    shop.run(1)
    summary = shop.summary()
    lines = repr(summary).splitlines()
    assert lines[0].split() == [
        "group",
        "consumer",
        *("handled", "failed", "retried", "dead_lettered", "acknowledged", "pending", "waiting"),
    ]
    assert [line.split()[0] for line in lines[1:]] == [
        *("billing", "billing-1", "billing-2", "email", "email-1")
    ]
    assert len({len(line) for line in lines if not line.startswith(" ")}) == 1
    frame = summary.to_frame()
    assert list(frame.columns) == lines[0].split()
    crew = frame[frame["group"] == "billing"]
    assert crew["consumer"].isna().to_list() == [True, False, False]
    assert crew["handled"].to_list()[0] == crew["handled"][1:].sum() == frame["handled"][0]
    assert crew["waiting"].to_list()[0] == summary.group("billing").waiting
    assert {str(kind) for kind in frame.dtypes[2:]} == {"Int64"}
    first: Any = summary.group("billing").consumers[0]
    assert isinstance(first, ConsumerSummary)
    with pytest.raises(InputError, match="can't be changed"):
        first.handled = 3
    with pytest.raises(InputError, match="no group 'nope': the groups are 'billing', 'email'"):
        summary.group("nope")
    assert summary == shop.summary()
    assert repr(Scenario(shop.client).summary()).split()[:2] == ["group", "consumer"]
