"""The window of samples stays bounded, and the books balance against a model that knows better."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import redis as redis_py
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from plots import histories as looked

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, Entry
from streamviz.client.stream import Stream
from streamviz.errors import InputError, RecordingError
from streamviz.observation.history import History, account_for
from streamviz.observation.observer import Observer
from streamviz.observation.sample import GroupState, Lag, ReaderState, Sample
from streamviz.recording import Recording, load


def sample(n: int, *, entries: int = 0, consumers: dict[str, int] | None = None) -> Sample:
    new = tuple(Entry(EntryId(n, seq), {}) for seq in range(entries))
    held = tuple(ConsumerInfo(name, many, 0, None) for name, many in (consumers or {}).items())
    lag = Lag(0, "exact", "", 0)
    group = GroupState("g", EntryId(n), n, lag, sum((consumers or {}).values()), held, (), 0)
    ids = (EntryId(1), EntryId(n), EntryId.ZERO)
    return Sample("s", n, 1000 + 100 * n, True, "", n, n, *ids, new, 0, (group,))


def test_the_newest_samples_stay_and_the_oldest_go() -> None:
    history = History(limit=3)
    for n in range(1, 11):
        history.append(sample(n))
    assert [one.n for one in history.samples] == [8, 9, 10]
    assert (len(history), history.start_ms) == (3, 1100)
    assert history.last is history.samples[-1]
    assert [one.n for one in history.since(8)] == [9, 10]
    assert history.since(10) == []
    assert [one.n for one in history.since(0)] == [8, 9, 10]


def test_entries_are_bounded_and_no_sample_is_lost_for_it() -> None:
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


def test_what_a_deleted_consumer_held_is_counted_as_dropped() -> None:
    history = History()
    history.append(sample(1, consumers={"ann": 3, "bob": 2}))
    assert history.dropped("g") == 0
    history.append(sample(2, consumers={"bob": 2}))
    history.append(sample(3, consumers={"bob": 2}))
    assert history.dropped("g") == 3
    assert history.dropped("other") == 0


def test_books_say_why_they_cannot_balance(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{ms}-0", {"n": 1}) for ms in range(1, 11))
    group = stream.group("g")
    group.create("0")
    observer = Observer(redis, key)
    observer.sample()
    group.consumer("c").read(3)
    stream.trim(maxlen=4)
    group.consumer("c").read(1)
    seen = observer.sample()
    kept = account_for(seen, seen.groups[0])
    assert (kept.added, kept.undelivered, kept.pending) == (10, 3, 4)
    assert (kept.acked, kept.gone) == (None, None)
    assert "removed ahead" in kept.reason


class Shop(RuleBasedStateMachine):
    """A group whose every entry is known: delivered, acknowledged, or lost before it came."""

    redis: redis_py.Redis
    prefix: str
    run_number = itertools.count()
    known: Counter[bool]

    @initialize(count_up_to=st.integers(1, 4), before=st.integers(0, 5))
    def open(self, count_up_to: int, before: int) -> None:
        self.stream = Stream(self.redis, f"{self.prefix}{next(self.run_number)}")
        self.group = self.stream.group("g")
        self.ms, self.delivered, self.acked = 0, 0, 0
        self.pending: list[EntryId] = []
        self.observer = Observer(self.redis, self.stream.key, count_up_to=count_up_to)
        self.add(max(1, before))
        self.group.create("0")
        self.take()

    @rule(count=st.integers(1, 9))
    def add(self, count: int) -> None:
        for _ in range(count):
            self.ms += 1
            self.stream.add({"n": self.ms}, id=f"{self.ms}-0")

    @rule(name=st.sampled_from(["c", "d"]), count=st.integers(1, 7), noack=st.booleans())
    def read(self, name: str, count: int, noack: bool) -> None:
        got = [entry.id for entry in self.group.consumer(name).read(count, noack=noack)]
        self.delivered += len(got)
        if noack:
            self.acked += len(got)
        else:
            self.pending += got

    @rule(count=st.integers(1, 5))
    def ack(self, count: int) -> None:
        now, self.pending = self.pending[:count], self.pending[count:]
        if now:
            self.group.ack(*now)
            self.acked += len(now)

    @rule(length=st.integers(0, 15))
    def trim_between_looks(self, length: int) -> None:
        self.take()
        self.stream.trim(maxlen=length)
        self.take()

    @rule(ms=st.integers(1, 40))
    def delete_between_looks(self, ms: int) -> None:
        self.take()
        self.stream.delete(f"{ms}-0")
        self.take()

    @rule(length=st.integers(0, 15))
    def trim(self, length: int) -> None:
        self.stream.trim(maxlen=length)

    @rule()
    def take(self) -> None:
        seen = self.observer.sample()
        kept = account_for(seen, seen.groups[0])
        self.known[not kept.reason] += 1
        if kept.reason:
            assert kept.acked is None
            return
        assert kept.added == self.ms
        assert (kept.pending, kept.acked) == (len(self.pending), self.acked)
        assert kept.undelivered is not None
        assert kept.gone == self.ms - kept.undelivered - self.delivered

    def teardown(self) -> None:
        if hasattr(self, "stream"):
            self.redis.delete(self.stream.key)


def test_the_rest_of_a_longer_history_counts_from_its_start_and_keeps_its_order() -> None:
    rest = History()
    rest.follow(1000, ["z", "a", "gone"])
    assert rest.group_names == ()
    (g,) = sample(80).groups
    named = tuple(replace(g, name=name) for name in ("a", "new", "z"))
    rest.append(replace(sample(80), groups=named))
    assert rest.group_names == ("z", "a", "new")
    assert rest.start_ms == 1000
    assert repr(rest) == "<History of 's': 8 s, 80 entries>"
    with pytest.raises(InputError, match="has begun"):
        rest.follow(0, [])


@pytest.mark.timeout(300)
def test_books_balance_with_what_really_happened(redis: redis_py.Redis, prefix: str) -> None:
    known: Counter[bool] = Counter()
    machine = type("TheShop", (Shop,), {"redis": redis, "prefix": prefix, "known": known})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=50,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert known[True] > known[False], "the books are known more often than not"


def test_what_passed_a_reader_by_is_known_while_it_is_in_the_window() -> None:
    ids = [EntryId(n) for n in range(1, 10)]

    def take(n: int, sent: slice, **got: list[EntryId]) -> Sample:
        readers = tuple(ReaderState(name, one[-1], tuple(one)) for name, one in got.items())
        zero = EntryId.ZERO
        new = tuple(Entry(one, {}) for one in ids[sent])
        about = (True, "", 9, 9, zero, zero, zero, new, 0, ())
        return Sample("s", n, 100 * n, *about, readers=readers)

    seen = History(limit=4)
    seen.append(take(1, slice(0, 3), early=ids[:2]))
    assert seen.passed_by("early") == (), "the third may still come"
    seen.append(take(2, slice(3, 5), late=[ids[4]]))
    assert seen.passed_by("late") == tuple(ids[:4])
    seen.append(take(3, slice(5, 6), early=[ids[3], ids[5]], late=[ids[1]]))
    assert seen.passed_by("early") == (ids[2], ids[4])
    assert seen.passed_by("late") == (ids[0], ids[2], ids[3]), "it went back for one"
    seen.append(take(4, slice(6, 9)))
    seen.append(take(5, slice(9, 9), early=[ids[8]]))
    assert seen.passed_by("late") == (ids[3],), "the first three have left the window"
    assert seen.passed_by("early") == (ids[4], ids[6], ids[7])
    for n in range(6, 10):
        seen.append(take(n, slice(9, 9)))
    assert seen.passed_by("late") == seen.passed_by("nobody") == ()


def test_what_passes_by_is_bounded_as_the_entries_are() -> None:
    seen = History(limit=1000, max_entries=20)
    for n in range(1, 200):
        new = (Entry(EntryId(2 * n), {}), Entry(EntryId(2 * n + 1), {}))
        readers = (ReaderState("r", EntryId(2 * n + 1), (EntryId(2 * n + 1),)),)
        zero = EntryId.ZERO
        about = (True, "", 9, 9, zero, zero, zero, new, 0, ())
        seen.append(Sample("s", n, n, *about, readers=readers))
    assert len(seen.passed_by("r")) == 10


def test_a_history_saves_itself_as_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    seen = looked.history(*(looked.sample(n) for n in range(1, 30)), limit=20)
    seen.save(path, captions=[(1, "a second in")])
    assert load(path).samples == seen.samples
    assert [one.text for one in Recording(path).captions] == ["a second in"]
    with pytest.raises(RecordingError, match="is there already"):
        seen.save(path)
    seen.save(path, overwrite=True)
    assert Recording(path).captions == []
