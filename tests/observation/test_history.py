"""The window of samples stays bounded, and knows what its readers missed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
from plots import histories

from streamviz import Observer, Stream
from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, Entry, PendingEntry
from streamviz.errors import InputError, RecordingError
from streamviz.observation.history import History
from streamviz.observation.idle_groups import AgedPending
from streamviz.observation.partition_sample import (
    PartitionedSample,
    PartitionState,
    sum_partitions,
)
from streamviz.observation.sample import GroupState, Lag, ReaderState, Sample
from streamviz.recording import Recording, load, save


def sample(n: int, *, entries: int = 0, consumers: dict[str, int] | None = None) -> Sample:
    new = tuple(Entry(EntryId(n, seq), {}) for seq in range(entries))
    infos = tuple(ConsumerInfo(name, count, 0, None) for name, count in (consumers or {}).items())
    lag = Lag(0, "exact", "", 0)
    group = GroupState("g", EntryId(n), n, lag, sum((consumers or {}).values()), infos, (), 0)
    ids = (EntryId(1), EntryId(n), EntryId.ZERO)
    return Sample("s", n, 1000 + 100 * n, True, "", n, n, *ids, new, 0, (group,))


def test_new_samples_replace_the_oldest() -> None:
    history = History(limit=3)
    for n in range(1, 11):
        history.append(sample(n))
    assert [one.n for one in history.samples] == [8, 9, 10]
    assert (len(history), history.start_ms) == (3, 1100)
    assert history.newest is history.samples[-1]
    assert [one.n for one in history.since(8)] == [9, 10]
    assert history.since(10) == []
    assert [one.n for one in history.since(0)] == [8, 9, 10]


def test_entries_are_bounded_and_every_sample_keeps_its_numbers() -> None:
    history = History(limit=50, max_entries=25)
    for n in range(1, 101):
        history.append(sample(n, entries=10))
        assert len(list(history.entries)) <= 25
    assert [one.n for one in history.samples] == list(range(51, 101))
    assert [entry.id.ms for entry in history.entries] == [99] * 10 + [100] * 10
    assert {one.missed + len(one.entries) for one in history.samples} == {10}


def test_the_newest_sample_keeps_its_entries_even_beyond_the_bound() -> None:
    history = History(max_entries=5)
    history.append(sample(1, entries=9))
    assert len(list(history.entries)) == 9


def test_groups_are_named_while_they_are_in_the_window() -> None:
    history = History(limit=2)
    history.append(sample(1))
    assert history.group_names == ("g",)


@pytest.mark.parametrize("n", [1, 2])
def test_a_sample_out_of_order_is_refused_and_nothing_changes(n: int) -> None:
    history = History()
    history.append(sample(2))
    with pytest.raises(InputError, match="in order"):
        history.append(sample(n))
    assert len(history) == 1


@pytest.mark.parametrize("limit", [0, -1, 2.5, "9"])
def test_a_limit_must_be_a_positive_integer(limit: int) -> None:
    with pytest.raises(InputError, match="limit"):
        History(limit)
    with pytest.raises(InputError, match="max_entries"):
        History(max_entries=limit)


def test_the_rest_of_a_longer_history_counts_from_its_start_and_keeps_its_order() -> None:
    rest = History()
    rest.continue_from(1000, ["z", "a", "gone"])
    assert rest.group_names == ()
    (g,) = sample(80).groups
    named = tuple(replace(g, name=name) for name in ("a", "new", "z"))
    rest.append(replace(sample(80), groups=named))
    assert rest.group_names == ("z", "a", "new")
    assert rest.start_ms == 1000
    assert repr(rest) == "<History of 's': 8 s, 80 entries>"
    with pytest.raises(InputError, match="already has samples"):
        rest.continue_from(0, [])


def test_missed_entries_are_known_while_they_are_in_the_window() -> None:
    ids = [EntryId(n) for n in range(1, 10)]

    def take(n: int, added: slice, **ids_got: list[EntryId]) -> Sample:
        readers = tuple(ReaderState(name, got[-1], tuple(got)) for name, got in ids_got.items())
        zero = EntryId.ZERO
        new = tuple(Entry(one, {}) for one in ids[added])
        values = (True, "", 9, 9, zero, zero, zero, new, 0, ())
        return Sample("s", n, 100 * n, *values, readers=readers)

    window = History(limit=4)
    window.append(take(1, slice(0, 3), early=ids[:2]))
    assert window.missed_by("early") == (), "the third may still come"
    window.append(take(2, slice(3, 5), late=[ids[4]]))
    assert window.missed_by("late") == tuple(ids[:4])
    window.append(take(3, slice(5, 6), early=[ids[3], ids[5]], late=[ids[1]]))
    assert window.missed_by("early") == (ids[2], ids[4])
    assert window.missed_by("late") == (ids[0], ids[2], ids[3]), "it went back for one"
    window.append(take(4, slice(6, 9)))
    window.append(take(5, slice(9, 9), early=[ids[8]]))
    assert window.missed_by("late") == (ids[3],), "the first three have left the window"
    assert window.missed_by("early") == (ids[4], ids[6], ids[7])
    for n in range(6, 10):
        window.append(take(n, slice(9, 9)))
    for gone in ("late", "absent"):
        with pytest.raises(InputError, match=f"no reader '{gone}'"):
            window.missed_by(gone)


def test_missed_entries_are_bounded_as_the_entries_are() -> None:
    window = History(limit=1000, max_entries=20)
    for n in range(1, 200):
        new = (Entry(EntryId(2 * n), {}), Entry(EntryId(2 * n + 1), {}))
        readers = (ReaderState("r", EntryId(2 * n + 1), (EntryId(2 * n + 1),)),)
        zero = EntryId.ZERO
        values = (True, "", 9, 9, zero, zero, zero, new, 0, ())
        window.append(Sample("s", n, n, *values, readers=readers))
    assert len(window.missed_by("r")) == 10


def test_a_history_is_saved_as_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    window = histories.history(*(histories.sample(n) for n in range(1, 30)), limit=20)
    save(window, path, captions=[(1, "a second in")])
    assert load(path).samples == window.samples
    assert [one.text for one in Recording(path).captions] == ["a second in"]
    with pytest.raises(RecordingError, match="already exists"):
        save(window, path)
    save(window, path, overwrite=True)
    assert Recording(path).captions == []


def many(n: int, parts: int, pending: int) -> Sample:
    """Return a sample of a stream with this many parts, in which each group has just read."""
    states = []
    for number in range(parts):
        held = tuple(PendingEntry(EntryId(n, i), "ann", n, 1) for i in range(pending))
        members = (ConsumerInfo("ann", pending, 1000 + n, 1000 + n),)
        lag = Lag(number, "exact", "", 1000 + n)
        group = GroupState("g", EntryId(n, number), n, lag, pending, members, held)
        part = replace(sample(n, entries=1), stream=f"s:{{{number}}}", groups=(group,))
        states.append(PartitionState(number, 0, "node-1", "", part))
    return sum_partitions("s", n, 1000 + n, states)


def test_the_samples_stay_within_their_bytes_and_the_parts_keep_their_lag() -> None:
    tracemalloc.start()
    try:
        history = History(max_bytes=4_000_000)
        for n in range(1, 201):
            history.append(many(n, 16, 20))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 5_000_000
    assert len(history) > 100, "as the oldest are thinned, there are many"
    oldest, newest = history.samples[0], history.samples[-1]
    assert isinstance(oldest, PartitionedSample)
    assert isinstance(newest, PartitionedSample)
    assert [one.sample.groups[0].lag.entries for one in oldest.partitions] == [*range(16)]
    groups = [one.sample.groups[0] for one in oldest.partitions]
    kept = {entry.id for one in groups for entry in one.oldest}
    assert kept == {entry.id for entry in oldest.groups[0].oldest}, "what the sum has"
    assert {(one.consumers, one.more_consumers) for one in groups} == {((), 1)}
    assert {len(one.sample.groups[0].oldest) for one in newest.partitions} == {20}
    assert len(oldest.groups[0].oldest) == 50, "the sum keeps what plots draw"
    tight = History(limit=10, max_bytes=1)
    for n in range(1, 4):
        tight.append(many(n, 2, 2))
    assert [one.n for one in tight.samples] == [3]


def test_the_entries_that_a_sample_loses_are_lost_in_its_parts_too() -> None:
    history = History(max_entries=4)
    for n in range(1, 4):
        history.append(many(n, 4, 0))
    first = history.samples[0]
    assert isinstance(first, PartitionedSample)
    assert {(len(one.sample.entries), one.sample.missed) for one in first.partitions} == {(0, 1)}


def test_pending_entries_of_an_idle_group_are_not_copied(
    redis: redis_py.Redis, key: str, until: Callable[..., None]
) -> None:
    stream = Stream(redis, key)
    stream.add_many({"n": n} for n in range(60))
    group = stream.group("g")
    group.create("0")
    group.consumer("ann").read(60)
    observer = Observer(redis, key)
    held: list[Any] = []

    def at_rest_twice() -> bool:  # right after its read, a group may not be at rest yet
        held.append(observer.sample().groups[0].oldest)
        return len(held) > 1 and all(isinstance(one, AgedPending) for one in held[-2:])

    until(at_rest_twice)
    assert held[-1].entries is held[-2].entries
    now = group.pending_entries(count=50)
    assert [(one.id, one.consumer, one.deliveries) for one in held[-1]] == [
        (one.id, one.consumer, one.deliveries) for one in now
    ]
    assert 0 <= now[0].idle_ms - held[-1][0].idle_ms < 5000
    assert held[-1][:2] == tuple(held[-1])[:2]
    assert held[-1] == tuple(held[-1])
    assert hash(held[-1]) == hash(tuple(held[-1]))
    assert repr(held[-1]) == repr(tuple(held[-1]))


def test_a_history_tells_what_its_window_has() -> None:
    history = History()
    assert (repr(history), history.start_ms) == ("<History: no samples yet>", 0)
    assert history.ids_are_times
    with pytest.raises(InputError, match="has no sample yet"):
        _ = history.last
    history.append(sample(1, entries=4, consumers={"ann": 1}))
    history.append(sample(2, consumers={"ann": 1, "ben": 0}))
    assert history.last is history.samples[-1]
    assert history.consumer_names("g") == ("ann", "ben")
    with pytest.raises(InputError, match="no group 'h': the groups are 'g'"):
        history.consumer_names("h")
    assert history.highest_seq == 3
    empty = replace(sample(3), length=0, last_id=EntryId.ZERO)
    for one, are_times in ((sample(3), False), (empty, True)):
        other = History()
        other.append(replace(one, time_ms=1_795_905_016_000))
        assert other.ids_are_times is are_times
    ahead = replace(sample(3), first_id=EntryId(1_795_905_016_000), time_ms=1_795_905_017_000)
    history.append(ahead)
    assert history.ids_are_times, "of a stream that has entries, the first one tells"
    assert history.deliveries("g") == []
    with pytest.raises(InputError, match="there is no group 'h': the groups are 'g'"):
        history.deliveries("h")
    with pytest.raises(InputError, match="the groups are none"):
        History().deliveries("h")


def test_the_samples_are_those_of_now_whatever_changed_them() -> None:
    def one_entry(n: int) -> Sample:
        return replace(sample(n), entries=(Entry(EntryId(n), {"a": "1"}),))

    history = History(limit=3)
    history.append(one_entry(1))
    first = history.samples
    assert history.samples is first  # a drawing asks often
    for n in (2, 3, 4):
        history.append(one_entry(n))
        assert history.samples[-1].n == n
    assert [one.n for one in history.samples] == [2, 3, 4]
    assert all(one.entries[0].fields["a"] == "1" for one in history.samples)
    history.hide_fields()
    assert not any(one.entries[0].fields["a"] == "1" for one in history.samples)
    history.thin(1e9)
    assert [one.n for one in history.samples] == [3, 4]
    history.append(one_entry(5))
    assert [one.n for one in history.samples] == [4, 5]
