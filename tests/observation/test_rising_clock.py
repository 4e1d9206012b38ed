"""Somebody sets the machine's clock back, or forward, while samples are taken."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis as redis_py

from streamviz.client.stream import Stream
from streamviz.observation.history import History
from streamviz.observation.observer import Observer
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.patterns.partitions import Partitions
from streamviz.simulation.scenario import Scenario


class TurnedClock:
    """This machine's clock, turned by some seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by_s = 0.0
        real = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: real() + int(self.by_s * 1e9))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> TurnedClock:
    return TurnedClock(monkeypatch)


@pytest.mark.parametrize("back_s", [0.5, 5, 3600, 400_000_000])
def test_the_samples_go_on_after_the_clock_was_set_back(
    redis: redis_py.Redis, key: str, clock: TurnedClock, back_s: float
) -> None:
    Stream(redis, key).add({"n": 1})
    observer, history = Observer(redis, key), History()
    history.append(observer.sample())
    clock.by_s = -back_s
    history.append(observer.sample())
    history.append(observer.sample())
    first, second, third = history.samples
    (event,) = second.events
    assert event.kind == "clock_set_back"
    told_s = float(event.detail.removesuffix(" s"))
    assert back_s - 5 < told_s <= back_s
    assert first.time_ms == second.time_ms <= third.time_ms < first.time_ms + 5000
    assert third.events == ()
    assert third.length == 1


def test_twice_back_is_told_twice_and_forward_is_followed(
    redis: redis_py.Redis, key: str, clock: TurnedClock
) -> None:
    observer, history = Observer(redis, key), History()
    for by_s in (0, -60, -120, 3600):
        clock.by_s = by_s
        history.append(observer.sample())
    kinds = [[event.kind for event in sample.events] for sample in history.samples]
    assert kinds == [[], ["clock_set_back"], ["clock_set_back"], []]
    times = [sample.time_ms for sample in history.samples]
    assert times[3] - times[2] > 3_600_000


def test_a_time_of_ones_own_is_not_touched(redis: redis_py.Redis, key: str) -> None:
    observer = Observer(redis, key)
    assert [observer.sample(time_ms=ms).time_ms for ms in (5, 3)] == [5, 3]


def test_a_scenario_on_the_wall_clock_goes_on_and_says_so(
    redis: redis_py.Redis, key: str, clock: TurnedClock, until: Callable[..., None]
) -> None:
    shop = Scenario(redis, sample_every_ms=20).watch(key)
    shop.start()
    until(lambda: len(shop.history) > 2)
    clock.by_s = -3600
    before = len(shop.history)
    until(lambda: len(shop.history) > before + 5)
    assert (shop.state, shop.error) == ("running", None)
    shop.stop()
    events = [event.kind for sample in shop.history.samples for event in sample.events]
    assert events == ["clock_set_back"]


def test_the_sample_of_a_partitioned_stream_says_so_once(
    redis: redis_py.Redis, key: str, clock: TurnedClock
) -> None:
    parts = Partitions(redis, key, 3)
    parts.add("a", {"n": 1})
    observer = PartitionObserver(parts)
    first = observer.sample()
    clock.by_s = -5
    second = observer.sample(events=["lunch"])
    assert [event.kind for event in second.events] == ["note", "clock_set_back"]
    assert second.time_ms == first.time_ms
    assert all(part.sample.events == () for part in second.partitions)
