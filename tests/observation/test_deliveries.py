"""Holds: who held which entry, from when to when, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import redis as redis_py
from plots.histories import gone, group, history, sample

from streamviz import Observer, Scenario, Stream, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.observation.deliveries import Delivery, DeliveryLog, delivery_log
from streamviz.observation.history import History


def pend(ms: int, who: str, times: int = 1) -> PendingEntry:
    return PendingEntry(EntryId(ms), who, 0, times)


def told(holds: Iterable[Delivery]) -> list[tuple[int, str, str, int, int]]:
    return [(one.id.ms, one.consumer, one.end, one.since_ms, one.until_ms) for one in holds]


def test_an_entry_is_held_from_its_first_look_to_the_first_without_it() -> None:
    seen = history(
        sample(1, group("g", pending=1, oldest=[pend(5, "ann")])),
        sample(2, group("g", pending=2, oldest=[pend(5, "ann"), pend(6, "ben")])),
        sample(3, group("g", pending=1, oldest=[pend(6, "ben")])),
    )
    holds = DeliveryLog(seen)
    assert told(holds.ended("g")) == [(5, "ann", "acked", 1100, 1300)]
    assert told(holds.held("g")) == [(6, "ben", "held", 1200, 1300)]
    assert holds.count("g") == 1


@pytest.mark.parametrize(
    ("then", "end"),
    [
        (pend(5, "ben", 2), "claimed"),
        (pend(5, "ann", 2), "delivered again"),
        (pend(5, "ben", 1), "claimed"),  # XCLAIM JUSTID counts no delivery
    ],
)
def test_another_holder_or_delivery_ends_one_hold_and_begins_the_next(
    then: PendingEntry, end: str
) -> None:
    seen = history(
        sample(1, group("g", pending=1, oldest=[pend(5, "ann")])),
        sample(2, group("g", pending=1, oldest=[then])),
    )
    holds = DeliveryLog(seen)
    assert told(holds.ended("g")) == [(5, "ann", end, 1100, 1200)]
    assert [(one.consumer, one.deliveries) for one in holds.held("g")] == [then[1:4:2]]


def test_what_lies_behind_the_looks_end_is_neither_held_nor_ended() -> None:
    seen = history(
        sample(1, group("g", pending=2, oldest=[pend(5, "ann"), pend(9, "ann")])),
        sample(2, group("g", pending=60, oldest=[pend(1, "ben"), pend(7, "ben")])),
    )
    holds = DeliveryLog(seen)
    assert told(holds.ended("g")) == [(5, "ann", "acked", 1100, 1200)]
    assert [one.id.ms for one in holds.held("g")] == [1, 7]


def test_a_group_or_a_stream_that_goes_ends_nothing() -> None:
    held = group("g", pending=1, oldest=[pend(5, "ann")])
    holds = DeliveryLog(history(sample(1, held), sample(2), sample(3, group("g"))))
    assert (holds.ended("g"), holds.held("g")) == ([], [])
    holds = DeliveryLog(history(sample(1, held), gone(2), sample(3, group("g"))))
    assert (holds.ended("g"), holds.held("g")) == ([], [])


def test_only_the_window_is_kept_and_new_looks_are_taken_up() -> None:
    window = History(limit=3)
    holds = delivery_log(window)
    assert holds is delivery_log(window)
    assert holds.held("g") == []
    for n in range(1, 20):
        window.append(sample(n, group("g", pending=1, oldest=[pend(n, "ann")])))
        assert len(holds.held("g")) == 1
        assert holds.count("g") == len(holds.ended("g")) == min(n - 1, 3)
    assert [one.n for one in holds.ended_since("g", 18)] == [19]


def test_deliveries_after_the_first_are_counted_as_long_as_the_window_has_them() -> None:
    window = History(limit=4)
    holds = DeliveryLog(window)
    for n in range(1, 30):
        window.append(sample(n, group("g", pending=1, oldest=[pend(n, "ann", 1 + n % 3 % 2)])))
        assert holds.again("g") == sum(one.deliveries > 1 for one in holds.ended("g"))
    assert holds.again("g") > 0
    assert holds.again("nobody") == 0


def test_a_deleted_consumer_loses_what_it_held(redis: redis_py.Redis, key: str) -> None:
    jobs, observer, seen = Stream(redis, key), Observer(redis, key), History()
    jobs.add_many({"n": n} for n in range(3))
    crew = jobs.group("crew")
    crew.create("0")
    crew.consumer("ann").read(2)
    crew.consumer("ben").read(1)
    seen.append(observer.sample())
    crew.delete_consumer("ann")
    crew.ack(*(one.id for one in crew.pending_entries()))
    seen.append(observer.sample())
    assert sorted((one.consumer, one.end) for one in DeliveryLog(seen).ended("crew")) == [
        ("ann", "lost"),
        ("ann", "lost"),
        ("ben", "acked"),
    ]


def test_every_entry_of_a_run_is_held_once_for_its_service_time(
    redis: redis_py.Redis, key: str
) -> None:
    shop = Scenario(redis, seed=3)
    shop.produce(key, series.constant(rate_hz=2))
    shop.group(key, "crew", consumers=2, service_ms=500)
    holds = DeliveryLog(shop.run(seconds=10))
    ended = holds.ended("crew")
    assert 17 <= len(ended) <= 20
    assert len({one.id for one in ended}) == len(ended)
    assert {one.end for one in ended} == {"acked"}
    assert all(400 <= one.until_ms - one.since_ms <= 600 for one in ended)
