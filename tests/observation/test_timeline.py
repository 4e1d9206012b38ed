"""What happened to one entry, as the samples of a window show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis as redis_py
from plots.histories import gone, group, history, sample

from streamviz import Observer, Scenario, Stream, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.errors import InputError
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.observation.timeline import entry_timeline, seconds_to_recover
from streamviz.plots import Flow, PendingAge, StreamMap, SwimLanes

FIVE = EntryId(1105)


def test_added_delivered_claimed_and_acked_each_with_its_time() -> None:
    def pending_sample(n: int, who: str, times: int) -> History:
        return sample(n, group("g", cursor=FIVE, pending=1, oldest=[pend(who, times)]), length=1)

    def pend(who: str, times: int) -> PendingEntry:
        return PendingEntry(FIVE, who, 0, times)

    window = history(
        sample(1, group("g"), length=1),
        pending_sample(2, "ann", 1),
        pending_sample(3, "ann", 1),
        pending_sample(5, "ben", 2),
        sample(8, group("g", cursor=FIVE), length=1, first=FIVE),
    )
    assert entry_timeline(window, FIVE) == [
        "1105-0 was added at 0.0 s",
        "g: held by ann from 0.1 s, claimed by 0.4 s",
        "g: held by ben from 0.4 s, delivery 2, acked by 0.7 s",
    ]


def test_an_entry_was_added_where_the_map_draws_it() -> None:
    ids = [EntryId(ms) for ms in (1101, 1149, 1150, 1151, 5249, 9999)]
    window = history(sample(1), sample(90, length=len(ids), first=ids[0], ids=ids))
    (points,) = StreamMap().new_points(window.samples, window)
    for entry_id, x in zip(ids, points["x"], strict=True):
        assert entry_timeline(window, entry_id)[0] == f"{entry_id} was added at {x:.1f} s"


def test_each_group_has_its_own_phrase() -> None:
    window = history(
        sample(1, group("ahead", cursor=FIVE), group("behind"), group("quick"), length=1),
        sample(2, group("ahead", cursor=FIVE), group("behind"), group("quick", cursor=FIVE)),
    )
    assert entry_timeline(window, FIVE)[1:4] == [
        "ahead: delivered or skipped before the oldest sample kept",
        "behind: not delivered yet",
        "quick: delivered and acknowledged, or skipped, between two samples, by 0.1 s",
    ]


def test_trimmed_deleted_and_gone_with_its_stream() -> None:
    six = EntryId(1106)
    both = [FIVE, six]
    trimmed = history(
        sample(1),  # an empty stream does not end anything
        sample(2, length=2, first=FIVE, ids=both),
        sample(3, group("g"), length=1, added=2, first=six, ids=both),
    )
    assert entry_timeline(trimmed, FIVE)[1:] == [
        "g: never delivered",
        "no longer in the stream at 0.2 s",
    ]
    assert entry_timeline(trimmed, six) == ["1106-0 was added at 0.0 s", "g: not delivered yet"]
    cut_off = history(sample(1, group("g"), length=1, ids=[FIVE]), gone(2))
    assert entry_timeline(cut_off, FIVE)[1:] == ["g: never delivered", "the stream is gone"]
    assert entry_timeline(History(), FIVE) == ["1105-0 was added at 1.1 s"]


def test_an_entry_whose_id_is_no_time_was_added_by_the_first_sample_that_has_it() -> None:
    three, now_ms = EntryId(3), 1_795_905_016_000
    seen = history(
        sample(1, time_ms=now_ms),
        sample(2, time_ms=now_ms + 500, length=1, first=three, ids=[three]),
    )
    assert entry_timeline(seen, three) == [
        "3-0 was added, by 0.5 s: its ID is no time in milliseconds"
    ]


Five = tuple[Stream, Callable[[int], None], History]


@pytest.fixture
def five(redis: redis_py.Redis, key: str) -> Five:
    """Return a stream of 1000-0 to 5000-0, a function that samples it, and the history."""
    stream, window, observer = Stream(redis, key), History(), Observer(redis, key)
    for ms in range(1000, 6000, 1000):
        stream.add({"n": ms}, f"{ms}-0")

    def take(second: int) -> None:
        window.append(replace(observer.sample(), time_ms=second * 1000))

    return stream, take, window


def test_an_entry_below_the_only_deleted_one_is_still_there(five: Five) -> None:
    stream, take, window = five
    stream.group("crew").create("0")
    take(1)
    stream.delete("3000-0")
    take(2)
    assert entry_timeline(window, EntryId(2000))[1:] == ["crew: not delivered yet"]


def test_entries_deleted_one_by_one_are_each_reported_with_a_time(five: Five) -> None:
    stream, take, window = five
    crew = stream.group("crew")
    crew.create("0")
    crew.consumer("ann").read(2)
    take(0)
    for second, ms in ((5, 4000), (6, 3000), (7, 2000)):
        stream.delete(f"{ms}-0")
        take(second)
    take(10)
    assert entry_timeline(window, EntryId(4000))[1:] == [
        "crew: never delivered",
        "deleted by 5.0 s",
    ]
    assert entry_timeline(window, EntryId(3000))[1:] == [
        "crew: never delivered",
        "deleted by 7.0 s",
    ]
    assert entry_timeline(window, EntryId(2000))[1:] == [
        "crew: held by ann from 0.0 s",
        "deleted by 7.0 s",
    ]
    assert entry_timeline(window, EntryId(1000))[1:] == ["crew: held by ann from 0.0 s"]
    assert entry_timeline(window, EntryId(5000))[1:] == ["crew: not delivered yet"]


def test_of_entries_deleted_at_once_the_largest_is_reported_and_the_rest_are_not_guessed(
    five: Five,
) -> None:
    stream, take, window = five
    take(0)
    stream.delete("2000-0", "4000-0")
    take(1)
    maybe = (
        "may have been deleted: 2 entries of this stream were deleted, and Redis reports only the "
        "largest ID"
    )
    assert entry_timeline(window, EntryId(4000))[-1] == "deleted by 1.0 s"
    assert entry_timeline(window, EntryId(3000))[-1] == maybe
    assert entry_timeline(window, EntryId(2000))[-1] == maybe
    assert (
        len(entry_timeline(window, EntryId(5000)))
        == len(entry_timeline(window, EntryId(1000)))
        == 1
    )
    stream.delete("1000-0")
    take(2)
    assert entry_timeline(window, EntryId(1000))[-1] == "no longer in the stream at 2.0 s"
    assert entry_timeline(window, EntryId(2000))[-1] == "no longer in the stream at 2.0 s"
    assert len(entry_timeline(window, EntryId(3000))) == 1, "it is the first one now"


def test_when_every_hole_is_known_no_other_entry_is_suspected(five: Five) -> None:
    stream, take, window = five
    take(0)
    stream.delete("4000-0")
    take(1)
    stream.trim(maxlen=3)
    take(2)
    assert entry_timeline(window, EntryId(3000)) == ["3000-0 was added at 3.0 s"]
    assert entry_timeline(window, EntryId(1000))[-1] == "no longer in the stream at 2.0 s"


def test_a_late_observer_says_how_many_at_most(redis: redis_py.Redis, key: str, five: Five) -> None:
    stream, _, _ = five
    stream.add_many((f"{n}-0", {"n": n}) for n in range(10_000, 10_300))
    stream.trim(maxlen=290)
    stream.delete("10150-0", "10200-0")
    window = History()
    window.append(Observer(redis, key).sample(0))
    assert entry_timeline(window, EntryId(10_150))[-1].startswith(
        "may have been deleted: up to 17 entries"
    )


def test_a_recreated_stream_has_a_new_timeline(five: Five, redis: redis_py.Redis) -> None:
    stream, take, window = five
    stream.delete("4000-0")
    take(0)
    redis.delete(stream.key)
    take(1)
    for ms in (3000, 4000, 5000):
        stream.add({"n": ms}, f"{ms}-0")
    take(2)
    assert len(entry_timeline(window, EntryId(4000))) == 1


def test_the_time_to_recover_is_from_the_crash_until_no_entry_is_pending() -> None:
    def pending_sample(n: int, *ids: tuple[int, str], events: tuple[Event, ...] = ()) -> Sample:
        oldest = [PendingEntry(EntryId(ms), who, 0, 1) for ms, who in ids]
        return sample(n, group("g", pending=len(ids), oldest=oldest), events=events)

    with pytest.raises(InputError, match="no group 'g': the groups are none"):
        seconds_to_recover(history(), "g", "ann")
    window = history(
        pending_sample(1, (1, "ann"), (2, "ben")),
        pending_sample(5, (1, "ann"), (3, "ann"), events=(Event("crashed", "ann", "g", 2),)),
        pending_sample(15, (1, "ben"), (3, "ann")),
        pending_sample(20, (3, "ben")),
    )
    assert seconds_to_recover(window, "g", "ann") is None
    with pytest.raises(InputError, match="no consumer 'an'"):
        seconds_to_recover(window, "g", "an")
    window.append(pending_sample(32, (9, "ann")))
    assert seconds_to_recover(window, "g", "ann") == 2.7
    with pytest.raises(InputError, match="no group 'other': the groups are 'g'"):
        seconds_to_recover(window, "other", "ann")


def test_the_crash_of_a_consumer_of_that_name_in_another_group_is_none(
    redis: redis_py.Redis, key: str
) -> None:
    """A consumer ``a`` of each group holds the entry; that of ``h`` is killed, and keeps it."""
    redis.xadd(key, {"n": 1}, id="1-0")
    for name in ("g", "h"):
        redis.xgroup_create(key, name, "0")
        redis.xreadgroup(name, "a", {key: ">"})
    observer, window = Observer(redis, key), History()
    window.append(observer.sample(1000))
    window.append(observer.sample(1100, [Event("killed", "a", "h", 1)]))
    redis.xack(key, "g", "1-0")
    window.append(observer.sample(1400))
    assert (redis.xpending(key, "g")["pending"], redis.xpending(key, "h")["pending"]) == (0, 1)
    assert seconds_to_recover(window, "g", "a") is None
    assert seconds_to_recover(window, "h", "a") is None
    redis.xack(key, "h", "1-0")
    window.append(observer.sample(1900))
    assert seconds_to_recover(window, "h", "a") == 0.8


def test_a_consumer_whose_name_is_empty_is_one(redis: redis_py.Redis, key: str) -> None:
    redis.xgroup_create(key, "g", "0", mkstream=True)
    redis.xgroup_createconsumer(key, "g", "b")
    redis.xadd(key, {"n": 1}, id="1-0")
    redis.xreadgroup("g", "", {key: ">"})
    observer, window = Observer(redis, key), History()
    window.append(observer.sample(1000))
    for taker in ("b", ""):
        redis.xclaim(key, "g", taker, 0, ["1-0"])
        window.append(observer.sample(window.newest.time_ms + 1000))
        (row,) = redis.xpending_range(key, "g", "-", "+", 5)
        assert row["consumer"].decode() == taker == window.newest.group("g").oldest[0].holder
    ends = [(one.consumer, one.end) for one in window.deliveries("g")]
    assert ends == [("", "claimed"), ("b", "claimed"), ("", "pending")]
    assert entry_timeline(window, EntryId(1))[1] == "g: held by '' from 0.0 s, claimed by 1.0 s"
    assert "last to ''" in PendingAge().summary(window)
    lanes = SwimLanes("g")
    assert lanes.layout(window)["yaxis"]["ticktext"] == ["''", "b"]
    assert lanes.summary(window) == "'' holds 1; b holds nothing."
    flow = Flow().scene(window)["groups"][0]["consumers"]
    assert [(one["name"], one["pending"]) for one in flow] == [("''", 1), ("b", 0)]


def test_a_claimed_entry_has_two_consumers(redis: redis_py.Redis, key: str) -> None:
    desk = Scenario(redis, seed=5)
    desk.produce(key, series.constant(rate_hz=1))
    desk.group(key, "crew", consumers=2, service_ms=700, crash_after=4, claim_idle_ms=4000)
    window = desk.run(seconds=20)
    note = next(
        str(event) for one in window.samples for event in one.events if event.kind == "claimed"
    )
    assert note == "crew-2 claimed 1 entry from crew-1"
    timelines = [entry_timeline(window, entry.id) for entry in window.entries]
    (claimed,) = (one for one in timelines if any("delivery 2" in part for part in one))
    assert [part.split(" from")[0] for part in claimed[1:]] == [
        "crew: held by crew-1",
        "crew: held by crew-2",
    ]
