"""The story of one entry, as the looks of a window tell it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis as redis_py
from plots.histories import gone, group, history, sample

from streamviz import Observer, Scenario, Stream, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.observation.timeline import entry_timeline, seconds_to_recover
from streamviz.plots import StreamMap

FIVE = EntryId(1105)


def test_added_held_claimed_and_acked_each_with_its_time() -> None:
    def held(n: int, who: str, times: int) -> History:
        return sample(n, group("g", cursor=FIVE, pending=1, oldest=[pend(who, times)]), length=1)

    def pend(who: str, times: int) -> PendingEntry:
        return PendingEntry(FIVE, who, 0, times)

    seen = history(
        sample(1, group("g"), length=1),
        held(2, "ann", 1),
        held(3, "ann", 1),
        held(5, "ben", 2),
        sample(8, group("g", cursor=FIVE), length=1, first=FIVE),
    )
    assert entry_timeline(seen, FIVE) == [
        "1105-0 was added at 0.0 s",
        "g: held by ann from 0.1 s, claimed by 0.4 s",
        "g: held by ben from 0.4 s, delivery 2, acked by 0.7 s",
    ]


def test_an_entry_was_added_where_the_map_has_it() -> None:
    ids = [EntryId(ms) for ms in (1101, 1149, 1150, 1151, 5249, 9999)]
    seen = history(sample(1), sample(90, length=len(ids), first=ids[0], ids=ids))
    (points,) = StreamMap().new_points(seen.samples, seen)
    for which, x in zip(ids, points["x"], strict=True):
        assert entry_timeline(seen, which)[0] == f"{which} was added at {x:.1f} s"


def test_each_group_has_its_own_part_of_it() -> None:
    seen = history(
        sample(1, group("ahead", cursor=FIVE), group("behind"), group("quick"), length=1),
        sample(2, group("ahead", cursor=FIVE), group("behind"), group("quick", cursor=FIVE)),
    )
    assert entry_timeline(seen, FIVE)[1:4] == [
        "ahead: given to it, or skipped, before the first look that is kept",
        "behind: not given to it yet",
        "quick: between two looks, by 0.1 s: given out and done with, or skipped",
    ]


def test_trimmed_deleted_and_gone_with_its_stream() -> None:
    six = EntryId(1106)
    both = [FIVE, six]
    trimmed = history(
        sample(1),  # nothing was there yet: that is no end
        sample(2, length=2, first=FIVE, ids=both),
        sample(3, group("g"), length=1, added=2, first=six, ids=both),
    )
    assert entry_timeline(trimmed, FIVE)[1:] == [
        "g: was never given to it",
        "no longer in the stream at 0.2 s",
    ]
    assert entry_timeline(trimmed, six) == ["1106-0 was added at 0.0 s", "g: not given to it yet"]
    assert entry_timeline(history(sample(1, length=1), gone(2)), FIVE)[-1] == "the stream is gone"
    assert entry_timeline(History(), FIVE) == ["1105-0 was added at 1.1 s"]


Five = tuple[Stream, Callable[[int], None], History]


@pytest.fixture
def five(redis: redis_py.Redis, key: str) -> Five:
    """Return a stream of 1000-0 to 5000-0, who looks at it at a second, and what was seen."""
    stream, seen, observer = Stream(redis, key), History(), Observer(redis, key)
    for ms in range(1000, 6000, 1000):
        stream.add({"n": ms}, f"{ms}-0")

    def take(second: int) -> None:
        seen.append(replace(observer.sample(), time_ms=second * 1000))

    return stream, take, seen


def test_deleted_one_by_one_each_is_told_with_its_time(five: Five) -> None:
    stream, take, seen = five
    crew = stream.group("crew")
    crew.create("0")
    crew.consumer("ann").read(2)
    take(0)
    for second, ms in ((5, 4000), (6, 3000), (7, 2000)):
        stream.delete(f"{ms}-0")
        take(second)
    take(10)
    assert entry_timeline(seen, EntryId(4000))[1:] == [
        "crew: was never given to it",
        "deleted by 5.0 s",
    ]
    assert entry_timeline(seen, EntryId(3000))[1:] == [
        "crew: was never given to it",
        "deleted by 7.0 s",
    ]
    assert entry_timeline(seen, EntryId(2000))[1:] == [
        "crew: held by ann from 0.0 s",
        "deleted by 7.0 s",
    ]
    assert entry_timeline(seen, EntryId(1000))[1:] == ["crew: held by ann from 0.0 s"]
    assert entry_timeline(seen, EntryId(5000))[1:] == ["crew: not given to it yet"]


def test_deleted_at_once_the_largest_is_told_and_the_rest_is_not_guessed(five: Five) -> None:
    stream, take, seen = five
    take(0)
    stream.delete("2000-0", "4000-0")
    take(1)
    maybe = (
        "it may have been deleted: 2 entries of this stream were, and Redis tells only the "
        "largest ID"
    )
    assert entry_timeline(seen, EntryId(4000))[-1] == "deleted by 1.0 s"
    assert entry_timeline(seen, EntryId(3000))[-1] == maybe
    assert entry_timeline(seen, EntryId(2000))[-1] == maybe
    assert len(entry_timeline(seen, EntryId(5000))) == len(entry_timeline(seen, EntryId(1000))) == 1
    stream.delete("1000-0")
    take(2)
    assert entry_timeline(seen, EntryId(1000))[-1] == "no longer in the stream at 2.0 s"
    assert entry_timeline(seen, EntryId(2000))[-1] == "no longer in the stream at 2.0 s"
    assert len(entry_timeline(seen, EntryId(3000))) == 1, "it is the first one now"


def test_where_a_hole_has_its_name_nothing_else_is_suspected(five: Five) -> None:
    stream, take, seen = five
    take(0)
    stream.delete("4000-0")
    take(1)
    stream.trim(maxlen=3)
    take(2)
    assert entry_timeline(seen, EntryId(3000)) == ["3000-0 was added at 3.0 s"]
    assert entry_timeline(seen, EntryId(1000))[-1] == "no longer in the stream at 2.0 s"


def test_who_came_late_says_how_many_at_most(redis: redis_py.Redis, key: str, five: Five) -> None:
    stream, _, _ = five
    stream.add_many((f"{n}-0", {"n": n}) for n in range(10_000, 10_300))
    stream.trim(maxlen=290)
    stream.delete("10150-0", "10200-0")
    seen = History()
    seen.append(Observer(redis, key).sample(0))
    assert entry_timeline(seen, EntryId(10_150))[-1].startswith(
        "it may have been deleted: up to 17 entries"
    )


def test_a_stream_made_again_has_no_older_stories(five: Five, redis: redis_py.Redis) -> None:
    stream, take, seen = five
    stream.delete("4000-0")
    take(0)
    redis.delete(stream.key)
    take(1)
    for ms in (3000, 4000, 5000):
        stream.add({"n": ms}, f"{ms}-0")
    take(2)
    assert len(entry_timeline(seen, EntryId(4000))) == 1


def test_the_time_to_recover_is_from_the_crash_to_the_last_of_its_work() -> None:
    def held(n: int, *ids: tuple[int, str], events: tuple[Event, ...] = ()) -> Sample:
        oldest = [PendingEntry(EntryId(ms), who, 0, 1) for ms, who in ids]
        return sample(n, group("g", pending=len(ids), oldest=oldest), events=events)

    assert seconds_to_recover(history(), "g", "ann") is None
    seen = history(
        held(1, (1, "ann"), (2, "ben")),
        held(5, (1, "ann"), (3, "ann"), events=(Event("crashed", "ann", "g", 2),)),
        held(15, (1, "ben"), (3, "ann")),
        held(20, (3, "ben")),
    )
    assert seconds_to_recover(seen, "g", "ann") is None
    assert seconds_to_recover(seen, "g", "an") is None
    seen.append(held(32, (9, "ann")))
    assert seconds_to_recover(seen, "g", "ann") == 2.7
    assert seconds_to_recover(seen, "other", "ann") == 0


def test_a_dead_consumers_entry_has_two_holders(redis: redis_py.Redis, key: str) -> None:
    desk = Scenario(redis, seed=5)
    desk.produce(key, series.constant(rate_hz=1))
    desk.group(key, "crew", consumers=2, service_ms=700, crash_after=4, claim_idle_ms=4000)
    seen = desk.run(seconds=20)
    note = next(
        str(event) for one in seen.samples for event in one.events if event.kind == "claimed"
    )
    assert note == "crew-2 claimed 1 of crew-1"
    tales = [entry_timeline(seen, entry.id) for entry in seen.entries]
    (claimed,) = (tale for tale in tales if any("delivery 2" in part for part in tale))
    assert [part.split(" from")[0] for part in claimed[1:]] == [
        "crew: held by crew-1",
        "crew: held by crew-2",
    ]
