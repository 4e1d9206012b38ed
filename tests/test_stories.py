"""The story of one entry, as the looks of a window tell it."""

from __future__ import annotations

import redis as redis_py
from plots.histories import gone, group, history, sample

from streamviz import Observer, Scenario, Stream, series
from streamviz.entry_id import EntryId
from streamviz.history import History
from streamviz.replies import PendingEntry
from streamviz.stories import story

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
    assert story(seen, FIVE) == [
        "1105-0 was added at 0.0 s",
        "g: held by ann from 0.1 s, claimed by 0.4 s",
        "g: held by ben from 0.4 s, delivery 2, acked by 0.7 s",
    ]


def test_each_group_has_its_own_part_of_it() -> None:
    seen = history(
        sample(1, group("ahead", cursor=FIVE), group("behind"), group("quick"), length=1),
        sample(2, group("ahead", cursor=FIVE), group("behind"), group("quick", cursor=FIVE)),
    )
    assert story(seen, FIVE)[1:4] == [
        "ahead: given to it, or skipped, before the first look that is kept",
        "behind: not given to it yet",
        "quick: between two looks, by 0.1 s: given out and done with, or skipped",
    ]


def test_trimmed_deleted_and_gone_with_its_stream() -> None:
    six = EntryId(1106)
    trimmed = history(sample(1, length=2, first=FIVE), sample(2, length=1, first=six))
    assert story(trimmed, FIVE)[-1] == "no longer in the stream at 0.1 s"
    assert story(trimmed, six) == ["1106-0 was added at 0.0 s"]
    assert story(history(sample(1, length=1), gone(2)), FIVE)[-1] == "the stream is gone"
    assert story(History(), FIVE) == ["1105-0 was added at 1.1 s"]


def test_a_deleted_one_is_told_by_the_server(redis: redis_py.Redis, key: str) -> None:
    stream, seen = Stream(redis, key), History()
    stream.add_many([("1-0", {"n": 1}), ("2-0", {"n": 2}), ("3-0", {"n": 3})])
    stream.delete("2-0")
    seen.append(Observer(redis, key).look())
    assert story(seen, EntryId(2))[-1] == "deleted"


def test_a_dead_consumers_entry_has_two_holders(redis: redis_py.Redis, key: str) -> None:
    desk = Scenario(redis, seed=5)
    desk.produce(key, series.constant(rate_hz=1))
    desk.group(key, "crew", consumers=2, service_ms=700, crash_after=4, claim_idle_ms=4000)
    seen = desk.run(seconds=20)
    note = next(note for one in seen.samples for note in one.notes if "claimed" in note)
    assert note == "crew-2 claimed 1 of crew-1"
    tales = [story(seen, entry.id) for entry in seen.entries]
    (claimed,) = (tale for tale in tales if any("delivery 2" in part for part in tale))
    assert [part.split(" from")[0] for part in claimed[1:]] == [
        "crew: held by crew-1",
        "crew: held by crew-2",
    ]
