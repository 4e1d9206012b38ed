"""Deliveries: which consumer held each entry, from when to when, and how that ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_py
from plots.histories import gone, group, history, sample

from streamviz import Observer, Scenario, Stream, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.errors import InputError
from streamviz.observation.deliveries import Delivery, DeliveryLog, delivery_log
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.partition_sample import PartitionState, sum_partitions
from streamviz.observation.sample_size import with_thin_parts
from streamviz.observation.timeline import entry_timeline
from streamviz.plots import Flow


def pend(ms: int, who: str, times: int = 1) -> PendingEntry:
    return PendingEntry(EntryId(ms), who, 0, times)


def rows(deliveries: Iterable[Delivery]) -> list[tuple[int, str, str, int, int]]:
    return [(one.id.ms, one.consumer, one.end, one.since_ms, one.until_ms) for one in deliveries]


def test_a_delivery_lasts_from_its_first_sample_to_the_first_without_it() -> None:
    window = history(
        sample(1, group("g", pending=1, oldest=[pend(5, "ann")])),
        sample(2, group("g", pending=2, oldest=[pend(5, "ann"), pend(6, "ben")])),
        sample(3, group("g", pending=1, oldest=[pend(6, "ben")])),
    )
    log = DeliveryLog(window)
    assert rows(log.ended("g")) == [(5, "ann", "acked", 1100, 1300)]
    assert rows(log.pending("g")) == [(6, "ben", "pending", 1200, 1300)]
    assert log.ended_count("g") == 1


@pytest.mark.parametrize(
    ("second", "end"),
    [
        (pend(5, "ben", 2), "claimed"),
        (pend(5, "ann", 2), "delivered again"),
        (pend(5, "ben", 1), "claimed"),  # XCLAIM JUSTID counts no delivery
        (PendingEntry(EntryId(5), "", -1, 1), "given back"),  # XNACK
        (pend(5, "", 1), "claimed"),  # a consumer's name may be empty
    ],
)
def test_another_consumer_or_delivery_ends_one_delivery_and_begins_the_next(
    second: PendingEntry, end: str
) -> None:
    window = history(
        sample(1, group("g", pending=1, oldest=[pend(5, "ann")])),
        sample(2, group("g", pending=1, oldest=[second])),
    )
    log = DeliveryLog(window)
    assert rows(log.ended("g")) == [(5, "ann", end, 1100, 1200)]
    assert [(one.consumer, one.deliveries) for one in log.pending("g")] == [
        (second.holder, second.deliveries)
    ]


def test_entries_after_the_oldest_pending_ones_are_neither_pending_nor_ended() -> None:
    window = history(
        sample(1, group("g", pending=2, oldest=[pend(5, "ann"), pend(9, "ann")])),
        sample(2, group("g", pending=60, oldest=[pend(1, "ben"), pend(7, "ben")])),
    )
    log = DeliveryLog(window)
    assert rows(log.ended("g")) == [(5, "ann", "acked", 1100, 1200)]
    assert [one.id.ms for one in log.pending("g")] == [1, 7]


def test_a_group_or_a_stream_that_is_deleted_ends_nothing() -> None:
    with_pending = group("g", pending=1, oldest=[pend(5, "ann")])
    log = DeliveryLog(history(sample(1, with_pending), sample(2), sample(3, group("g"))))
    assert (log.ended("g"), log.pending("g")) == ([], [])
    log = DeliveryLog(history(sample(1, with_pending), gone(2), sample(3, group("g"))))
    assert (log.ended("g"), log.pending("g")) == ([], [])


def test_only_the_window_is_kept_and_new_samples_are_added() -> None:
    window = History(limit=3)
    log = delivery_log(window)
    assert log is delivery_log(window)
    assert log.pending("g") == []
    for n in range(1, 20):
        window.append(sample(n, group("g", pending=1, oldest=[pend(n, "ann")])))
        assert len(log.pending("g")) == 1
        assert log.ended_count("g") == len(log.ended("g")) == min(n - 1, 3)
    assert [one.n for one in log.ended_since("g", 18)] == [19]


def test_what_a_consumer_holds_at_once_has_different_rows_for_as_long_as_it_lasts() -> None:
    window = History()
    log = DeliveryLog(window)
    assert log.row_count("g") == 1, "if there is nothing yet, too"
    seen: dict[int, int] = {}
    held = [[1, 2], [2, 3, 4], [2, 3, 4], [4, 5, 6], [7], [8, 9]]
    for n, ids in enumerate(held, 1):
        both = [*(pend(ms, "ann") for ms in ids), pend(100 + n, "ben")]
        window.append(sample(n, group("g", pending=len(both), oldest=both)))
        anns = {one.id.ms: one.row for one in log.pending("g") if one.consumer == "ann"}
        assert len({*anns.values()}) == len(ids)
        new = sorted(row for ms, row in anns.items() if ms not in seen)
        kept = {row for ms, row in anns.items() if ms in seen}
        assert new == [row for row in range(9) if row not in kept][: len(new)], "the first free"
        assert all(seen.get(ms, row) == row for ms, row in anns.items())
        seen |= anns
    assert [one.row for one in log.ended("g") if one.id.ms in seen] == list(seen.values())[:7]
    assert log.row_count("g") == 3


def test_a_consumer_that_holds_one_entry_at_a_time_has_one_row() -> None:
    log = DeliveryLog(
        history(*(sample(n, group("g", pending=1, oldest=[pend(n, "ann")])) for n in range(1, 9)))
    )
    assert {one.row for one in (*log.ended("g"), *log.pending("g"))} == {0}
    assert log.row_count("g") == 1


def test_very_many_entries_of_a_consumer_share_five_rows() -> None:
    many = [pend(ms, "ann") for ms in range(1, 13)]
    log = DeliveryLog(history(sample(1, group("g", pending=12, oldest=many))))
    assert [one.row for one in log.pending("g")] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert log.row_count("g") == 5


def test_redeliveries_are_counted_as_long_as_the_window_has_them() -> None:
    window = History(limit=4)
    log = DeliveryLog(window)
    for n in range(1, 30):
        window.append(sample(n, group("g", pending=1, oldest=[pend(n, "ann", 1 + n % 3 % 2)])))
        assert log.redelivery_count("g") == sum(one.deliveries > 1 for one in log.ended("g"))
    assert log.redelivery_count("g") > 0
    assert log.redelivery_count("absent") == 0


def test_a_deleted_consumer_drops_its_pending_entries(redis: redis_py.Redis, key: str) -> None:
    jobs, observer, window = Stream(redis, key), Observer(redis, key), History()
    jobs.add_many({"n": n} for n in range(3))
    crew = jobs.group("crew")
    crew.create("0")
    crew.consumer("ann").read(2)
    crew.consumer("ben").read(1)
    window.append(observer.sample())
    crew.delete_consumer("ann")
    crew.ack(*(one.id for one in crew.pending_entries()))
    window.append(observer.sample())
    assert sorted((one.consumer, one.end) for one in DeliveryLog(window).ended("crew")) == [
        ("ann", "acked or dropped"),
        ("ann", "acked or dropped"),
        ("ben", "acked"),
    ]


@pytest.mark.parametrize("removal", ["XDEL {} 1-0 2-0", "XTRIM {} MINID 3-0", "XTRIM {} MAXLEN 0"])
def test_what_left_with_its_entry_is_acked_or_dropped(
    redis: redis_py.Redis, key: str, removal: str
) -> None:
    jobs, observer, window = Stream(redis, key), Observer(redis, key), History()
    jobs.add_many((f"{n}-0", {"n": n}) for n in range(1, 6))
    crew = jobs.group("crew")
    crew.create("0")
    crew.consumer("ann").read(2)
    window.append(observer.sample())
    redis.execute_command(*removal.format(key).split())
    crew.consumer("ben").autoclaim(0, "0")  # drops what is no longer there
    window.append(observer.sample())
    assert [one.end for one in DeliveryLog(window).ended("crew")] == ["acked or dropped"] * 2


def test_every_entry_of_a_run_is_delivered_once_for_its_service_time(
    redis: redis_py.Redis, key: str
) -> None:
    shop = Scenario(redis, seed=3)
    shop.produce(key, series.constant(rate_hz=2))
    shop.group(key, "crew", consumers=2, service_ms=500)
    seen = shop.run(seconds=10)
    log = DeliveryLog(seen)
    ended = log.ended("crew")
    assert seen.deliveries("crew") == [*ended, *log.pending("crew")]
    frame = seen.deliveries("crew").to_frame()
    assert list(frame["end"]) == ["acked"] * len(ended) + ["pending"] * len(log.pending("crew"))
    assert set(frame["consumer"]) == {"crew-1", "crew-2"}
    assert str(frame["since_ms"].dtype) == "Int64"
    with pytest.raises(InputError, match="no group 'nope': the groups are 'crew'"):
        seen.deliveries("nope")
    assert 17 <= len(ended) <= 20
    assert len({one.id for one in ended}) == len(ended)
    assert {one.end for one in ended} == {"acked"}
    assert all(400 <= one.until_ms - one.since_ms <= 600 for one in ended)


def test_the_only_entry_of_a_stream_that_was_trimmed_is_acked_or_dropped() -> None:
    held = [PendingEntry(EntryId(5), "ann", 1, 1)]
    seen = history(
        sample(1, group("crew", pending=1, oldest=held), length=1, added=1, first=EntryId(5)),
        sample(2, group("crew"), added=1),
    )
    assert [one.end for one in DeliveryLog(seen).ended("crew")] == ["acked or dropped"]


def test_the_largest_deleted_entry_is_acked_or_dropped() -> None:
    held, there = [PendingEntry(EntryId(5), "ann", 1, 1)], EntryId(4)
    left = replace(
        sample(2, group("crew"), length=1, added=2, first=there), max_deleted_id=EntryId(5)
    )
    before = sample(
        1, group("crew", pending=1, oldest=held), length=2, added=2, first=there, ids=[there]
    )
    for deleted, end in ((EntryId(5), "acked or dropped"), (EntryId(3), "acked")):
        seen = history(before, replace(left, max_deleted_id=deleted))
        assert [one.end for one in DeliveryLog(seen).ended("crew")] == [end]


def test_a_holder_that_is_not_listed_among_very_many_consumers_may_still_be_there() -> None:
    ann, ben = ConsumerInfo("ann", 1, 1, 1), ConsumerInfo("ben", 0, 1, 1)
    crew = group("crew", pending=1, oldest=[PendingEntry(EntryId(5), "ann", 1, 1)])
    entry: dict[str, Any] = {"length": 1, "added": 1, "first": EntryId(5)}
    listed = replace(group("crew"), consumers=(ben,), more_consumers=9)
    seen = history(
        sample(1, replace(crew, consumers=(ann, ben)), **entry), sample(2, listed, **entry)
    )
    assert [one.end for one in DeliveryLog(seen).ended("crew")] == ["acked or dropped"]


Change = Callable[[redis_py.Redis, str], object]
CHANGES: dict[str, tuple[Change, str]] = {
    "XGROUP DELCONSUMER of the only consumer": (
        lambda client, key: client.xgroup_delconsumer(key, "g", "ann"),
        "acked or dropped",
    ),
    "XACK of all, then XGROUP DELCONSUMER": (
        lambda client, key: (
            client.xack(key, "g", "1-0", "2-0", "3-0"),
            client.xgroup_delconsumer(key, "g", "ann"),
        ),
        "acked or dropped",
    ),
    "XACK alone": (lambda client, key: client.xack(key, "g", "1-0", "2-0", "3-0"), "acked"),
    "XGROUP DESTROY, CREATE and CREATECONSUMER": (
        lambda client, key: (
            client.xgroup_destroy(key, "g"),
            client.xgroup_create(key, "g", "$"),
            client.xgroup_createconsumer(key, "g", "ann"),
        ),
        "acked or dropped",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_only_what_a_consumer_held_that_is_still_there_is_called_acked(
    redis: redis_py.Redis, key: str, change: str
) -> None:
    if "CREATECONSUMER" in change and not Stream(redis, key).connection.version.has((7, 2)):
        pytest.skip("before 7.2, a consumer that was created again looks like the old one")
    for n in range(1, 4):
        redis.xadd(key, {"n": n}, id=f"{n}-0")
    redis.xgroup_create(key, "g", "0")
    redis.xreadgroup("g", "ann", {key: ">"})
    observer, window = Observer(redis, key), History()
    window.append(observer.sample())
    send, end = CHANGES[change]
    send(redis, key)
    window.append(observer.sample())
    assert redis.xpending(key, "g")["pending"] == 0
    assert [one.end for one in window.deliveries("g")] == [end] * 3
    left = Flow().scene(window)["groups"][0]["left"]
    assert left == (["1-0", "2-0", "3-0"] if end == "acked" else [])


def test_a_stream_recreated_under_the_same_key_begins_anew(redis: redis_py.Redis, key: str) -> None:
    def fill(entries: int, read: int) -> None:
        redis.delete(key)
        redis.xgroup_create(key, "g", "0", mkstream=True)
        for n in range(1, entries + 1):
            redis.xadd(key, {"n": n}, id=f"{n}-0")
        redis.xreadgroup("g", "ann", {key: ">"}, count=read)

    observer, window = Observer(redis, key), History()
    fill(5, read=3)
    window.append(observer.sample(1000))
    fill(4, read=1)
    window.append(observer.sample(2000))
    assert Event("stream_recreated") in window.last.events
    assert rows(window.deliveries("g")) == [(1, "ann", "pending", 2000, 2000)]
    assert DeliveryLog(window).row_count("g") == 1
    assert entry_timeline(window, EntryId(2))[1:] == ["g: not delivered yet"]
    assert entry_timeline(window, EntryId(1))[1:] == ["g: held by ann from 1.0 s"]


@pytest.mark.parametrize(
    ("event", "cursor", "end"),
    [
        (Event("failed_over", "replica-1", count=3), 4, "undone by a failover"),
        (Event("failed_over", "replica-1", count=3), 5, "acked, or undone by a failover"),
        (Event("failed_over", "replica-1", groups=("g", "h")), 4, "undone by a failover"),
        (Event("failed_over", "replica-1", groups=("h",)), 4, "acked"),  # another group's
        (Event("failed_over", "replica-1"), 4, "acked"),  # nothing was lost
        (Event("dead_lettered", "ann", count=3, group="g"), 4, "acked"),
    ],
    ids=str,
)
def test_what_a_failover_may_have_undone_is_not_called_acknowledged(
    event: Event, cursor: int, end: str
) -> None:
    before = group("g", pending=1, oldest=[pend(5, "ann")], cursor=EntryId(5))
    window = history(
        sample(1, before, length=1, first=EntryId(1)),
        sample(2, group("g", cursor=EntryId(cursor)), length=1, first=EntryId(1), events=[event]),
    )
    assert rows(DeliveryLog(window).ended("g")) == [(5, "ann", end, 1100, 1200)]


def test_the_oldest_entries_of_all_parts_are_followed_in_each_part(
    redis: redis_py.Redis, key: str
) -> None:
    keys = [f"{key}:{n}" for n in range(2)]
    observers = [Observer(redis, one) for one in keys]
    for one in keys:  # the same IDs in both
        for n in range(1, 41):
            redis.xadd(one, {"n": n}, id=f"{n}-0")
        redis.xgroup_create(one, "g", "0")
        redis.xreadgroup("g", "ann", {one: ">"})
    whole, thin = History(), History()

    def take(n: int) -> None:
        states = [
            PartitionState(number, number, "", "", one.sample(1000 * n))
            for number, one in enumerate(observers)
        ]
        whole.append(sum_partitions("s", n, 1000 * n, states))
        thin.append(with_thin_parts(whole.last))

    take(1)
    assert len(whole.deliveries("g")) == 50, "the oldest, as in a stream without parts"
    redis.xack(keys[1], "g", "7-0", "25-0", "39-0")  # the last one is not followed
    take(2)
    ended = [(7, "ann", "acked", 1000, 2000), (25, "ann", "acked", 1000, 2000)]
    log = DeliveryLog(whole)
    assert rows(log.ended("g")) == ended
    assert {one.since_ms for one in log.pending("g") if one.id < EntryId(26)} == {1000}
    assert rows(DeliveryLog(thin).ended("g")) == ended, "old samples have what is needed"
    redis.xgroup_delconsumer(keys[0], "g", "ann")
    take(3)
    ends = {one.end for one in DeliveryLog(whole).ended("g") if one.until_ms == 3000}
    assert ends == {"acked or dropped"}
    assert redis.xpending(keys[1], "g")["pending"] == 37
    still = [one.id.ms for one in DeliveryLog(whole).pending("g")]
    assert still == [n for n in range(1, 41) if n not in (7, 25, 39)]
