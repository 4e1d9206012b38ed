"""A sample costs few bytes, however large the entries are, and keeps few of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest
import redis as redis_py

from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.observation.byte_budget import ByteBudget, shortened
from streamviz.observation.observer import Observer
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.observation.sample import Sample
from streamviz.patterns.partitions import Partitions

KB = 1000


def cost(redis: redis_py.Redis, sample: Callable[[], Sample]) -> tuple[Sample, int]:
    """Return a sample, and how many bytes the server sent for it."""
    before = redis.info("stats")["total_net_output_bytes"]
    taken = sample()
    return taken, redis.info("stats")["total_net_output_bytes"] - before


def kept(sample: Sample) -> int:
    """Return about how many bytes a sample keeps."""
    return len(json.dumps(asdict(sample), default=str))


def fill(redis: redis_py.Redis, key: str, count: int, size: int, groups: int = 3) -> None:
    for n in range(groups):
        redis.xgroup_create(key, f"g{n}", "0", mkstream=True)
    for n in range(1, count + 1):
        redis.xadd(key, {"payload": b"x" * size}, f"{n}-0")


@pytest.mark.parametrize("size", [20, 1000, 5000, 20_000])
def test_what_a_sample_costs_does_not_follow_the_size_of_entries(
    redis: redis_py.Redis, key: str, size: int
) -> None:
    fill(redis, key, 100, size)
    observer = Observer(redis, key)
    for _ in range(6):
        for n in range(3):
            redis.xreadgroup(f"g{n}", "ann", {key: ">"}, count=1)
        redis.xadd(key, {"payload": b"x" * size})
        sample, sent = cost(redis, observer.sample)
        assert sent < 200 * KB
        assert kept(sample) < 50 * KB
    assert sample.length == 106
    assert [group.pending for group in sample.groups] == [6, 6, 6]
    assert sample.trouble == ""


@pytest.mark.parametrize("size", [100 * KB, 3000 * KB])
def test_of_large_entries_at_rest_only_the_first_sample_sees_some(
    redis: redis_py.Redis, key: str, size: int
) -> None:
    fill(redis, key, 8, size)
    observer = Observer(redis, key)
    first, sent = cost(redis, observer.sample)
    assert 2 * size < sent < 2 * size + 50 * KB, "XINFO STREAM: the first one and the last"
    assert (first.length, len(first.entries), first.missed) == (8, 1, 7)
    for reads in range(1, 6):
        for n in range(3):
            redis.xreadgroup(f"g{n}", "ann", {key: ">"}, count=1)
        redis.info()  # the replies above were counted by now
        sample, sent = cost(redis, observer.sample)
        assert sent < 50 * KB
        assert kept(sample) < 50 * KB
        assert (sample.trouble, sample.length) == ("", 8)
        assert [one.pending for one in sample.groups] == [reads] * 3
        assert [one.lag.entries for one in sample.groups] == [8 - reads] * 3


def test_large_entries_that_come_are_sampled_less_often_and_it_says_so(
    redis: redis_py.Redis, key: str
) -> None:
    fill(redis, key, 2, 1000 * KB)
    observer = Observer(redis, key)
    assert observer.sample(time_ms=0).length == 2
    total = 0
    for time_ms in range(100, 3000, 100):
        redis.xadd(key, {"payload": b"x" * 1000 * KB})
        sample, sent = cost(redis, lambda now=time_ms: observer.sample(time_ms=now))
        total += sent
        assert (sample.length, sample.exists) == (2, True)
        assert sample.trouble == "entries of 1.0 MB: sampling every 3.0 s"
        for lag in (one.lag for one in sample.groups):
            assert (lag.entries, lag.verdict) == (2, "suspect"), "more are waiting by now"
            assert lag.reason == f"as of an earlier sample: {sample.trouble}"
    assert total < 1100 * KB, "the first new entry shows that there are some"
    sample = observer.sample(time_ms=3100)
    assert (sample.trouble, sample.length, sample.entries_added) == ("", 31, 31)
    assert (len(sample.entries), sample.missed) == (1, 28)


@pytest.mark.parametrize(("active", "most"), [(False, 12), (True, 23)])
def test_of_a_sudden_burst_of_large_entries_few_are_read(
    redis: redis_py.Redis, key: str, active: bool, most: int
) -> None:
    fill(redis, key, 300, 20)
    observer = Observer(redis, key)
    for n in range(1, 31):
        if active:
            redis.xadd(key, {"payload": "small"})
        for group in ("g0", "g1", "g2"):
            redis.xreadgroup(group, "ann", {key: ">"}, count=300 if n == 1 or active else 1)
        observer.sample()
    for _ in range(40):
        redis.xadd(key, {"payload": b"x" * 1000 * KB})
    redis.info()
    sample, sent = cost(redis, observer.sample)
    assert sent < most * 1000 * KB + 100 * KB, "of 40 MB, or of 100 MB that the groups wait for"
    assert (sample.length, len(sample.entries) + sample.missed) == (340 + 30 * active, 40)
    assert [group.lag.entries for group in sample.groups] == [40] * 3


def test_of_a_burst_of_small_entries_all_are_read(redis: redis_py.Redis, key: str) -> None:
    fill(redis, key, 3, 20)
    observer = Observer(redis, key)
    for _ in range(30):
        observer.sample()
    for _ in range(150):
        redis.xadd(key, {"payload": "small"})
    sample = observer.sample()
    assert (len(sample.entries), sample.missed) == (150, 0)
    assert [(group.lag.entries, group.lag.verdict) for group in sample.groups] == [
        (153, "exact")
    ] * 3


def test_a_clock_that_steps_back_does_not_stop_the_samples(redis: redis_py.Redis, key: str) -> None:
    fill(redis, key, 2, 1000 * KB)
    observer = Observer(redis, key)
    observer.sample(time_ms=10**12)
    redis.xadd(key, {"payload": b"x"})
    assert observer.sample(time_ms=10**12 - 10**9).length == 3


def test_of_large_entries_all_is_noticed_that_happens_to_the_stream(
    redis: redis_py.Redis, key: str
) -> None:
    size = 100 * KB
    fill(redis, key, 8, size)
    observer = Observer(redis, key)
    observer.sample(time_ms=0)
    now = 0

    def after(do: Callable[[], object]) -> Sample:
        nonlocal now
        now += 1000
        do()
        return observer.sample(time_ms=now)

    assert after(lambda: redis.xdel(key, "3-0")).length == 7
    sample = after(lambda: redis.xadd(key, {"p": b"x" * size}, "9-0", maxlen=7, approximate=False))
    assert (sample.length, sample.entries_added, sample.last_id) == (7, 9, EntryId(9))
    assert after(lambda: redis.xgroup_destroy(key, "g0")).find_group("g0") is None
    assert after(lambda: redis.xgroup_create(key, "new", "$")).find_group("new") is not None
    assert after(lambda: redis.delete(key)).trouble == "stream is gone"
    assert after(lambda: redis.xadd(key, {"p": "small"})).length == 1
    assert after(lambda: redis.xadd(key, {"p": "small"})).entries[0].fields == {"p": "small"}
    del_and_add = after(lambda: (redis.delete(key), fill(redis, key, 3, size, groups=0)))
    assert (del_and_add.length, [str(one) for one in del_and_add.events]) == (
        3,
        ["the stream was deleted and recreated"],
    )


def test_when_large_entries_are_gone_small_ones_are_seen_as_usual(
    redis: redis_py.Redis, key: str
) -> None:
    fill(redis, key, 2, 100 * KB, groups=0)
    observer = Observer(redis, key)
    observer.sample(time_ms=0)
    stream = Stream(redis, key)
    for turn in range(1, 40):
        stream.add_many({"n": n} for n in range(10))
        stream.trim(maxlen=10)
        sample = observer.sample(time_ms=turn * 1000)
    assert (len(sample.entries), sample.missed, sample.trouble) == (10, 0, "")


def test_limits_follow_the_size() -> None:
    budget = ByteBudget(max_entries=200, max_pending=50, count_up_to=20)
    assert budget.limits(3, 3) == {"max_entries": 0, "max_pending": 50, "count_up_to": 0}
    budget.polled(0, 100)
    assert budget.limits(3, 3) == {"max_entries": 200, "max_pending": 50, "count_up_to": 20}
    budget.polled(0, 1000)
    assert budget.limits(3, 3) == {"max_entries": 25, "max_pending": 50, "count_up_to": 6}
    budget.polled(0, 10_000)
    assert budget.limits(3, 3) == {"max_entries": 2, "max_pending": 50, "count_up_to": 0}
    assert not budget.large
    budget.name_bytes = 3000
    assert budget.limits(1, 1)["max_pending"] == 20
    budget.name_bytes = 20
    budget.polled(0, 10_000_000)
    assert budget.limits(3, 3) == {"max_entries": 0, "max_pending": 50, "count_up_to": 0}
    assert str(budget) == "entries of 10.0 MB: sampling every 5.0 s"


def test_long_values_and_many_fields_are_shortened() -> None:
    short = Entry(EntryId(1), {"a": "b" * 9000})
    long = Entry(EntryId(2), {"a": "b" * 30_000})
    many = Entry(EntryId(3), {f"field-{n:04}": "x" for n in range(5000)})
    assert shortened((short,)) == (short,)
    (one,) = shortened((long,))
    assert one.fields["a"].startswith("b" * 19_999 + "... ")
    assert one.fields["a"].endswith("(30,000 in all)")
    (one,) = shortened((many,))
    *_, (name, value) = one.fields.items()
    assert (name, value) == ("...", f"{5000 - (len(one.fields) - 1):,} more fields")
    assert len(one.fields) < 2100
    crowd = shortened((long,) * 200)
    assert all(len(one.fields["a"]) < 230 for one in crowd)


def test_a_large_entry_before_which_nothing_was_added_for_long_is_fetched_once(
    redis: redis_py.Redis, key: str
) -> None:
    for n in (*range(1, 101), *range(10_001, 10_101)):
        redis.xadd(key, {"payload": b"x" * (300 * KB if n == 10_001 else 10)}, f"{n}-0")
    _, first = cost(redis, Observer(redis, key).sample)
    assert 300 * KB < first < 2 * 300 * KB


@pytest.mark.parametrize("large", [range(30, 35), range(60, 130), range(20, 180, 3)])
def test_large_entries_among_small_ones_are_not_fetched_again_and_again(
    redis: redis_py.Redis, key: str, large: range
) -> None:
    redis.xgroup_create(key, "g", "0", mkstream=True)
    for n in range(1, 201):
        redis.xadd(key, {"payload": b"x" * (300 * KB if n in large else 10)}, f"{n}-0")
    observer = Observer(redis, key)
    _, first = cost(redis, observer.sample)
    assert first < 8 * 310 * KB, "eight probes, at most"
    total = 0
    for _ in range(60):
        redis.xreadgroup("g", "ann", {key: ">"}, count=3)
        redis.info()  # the reply above was counted by now
        total += cost(redis, observer.sample)[1]
    assert total < 3000 * KB


def test_of_very_many_consumers_a_sample_keeps_those_that_matter(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many({"n": n} for n in range(200))
    stream.group("g").create("0")
    pipe = redis.pipeline(transaction=False)
    for n in range(3000):
        pipe.xgroup_createconsumer(key, "g", f"pod-{n:05}")
    pipe.execute()
    for n in range(2900, 2970):
        redis.xreadgroup("g", f"pod-{n:05}", {key: ">"}, count=1)
    redis.xreadgroup("g", "pod-00007", {key: ">"}, count=30)
    sample = Observer(redis, key).sample()
    (group,) = sample.groups
    names = [one.name for one in group.consumers]
    assert names == sorted(names)
    assert (len(names), group.more_consumers) == (50, 2950)
    assert set(names) == {one.consumer for one in group.oldest}, "they hold the oldest"
    assert kept(sample) < 30 * KB, "as JSON"
    redis.xack(key, "g", *(str(one.id) for one in group.oldest))
    (later,) = Observer(redis, key).sample().groups
    assert "pod-00007" in [one.name for one in later.consumers], "it holds 30"


@pytest.mark.parametrize("what", ["consumers", "groups"])
def test_long_names_are_sampled_less_often_and_it_says_so(
    redis: redis_py.Redis, key: str, what: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many({"n": n} for n in range(200))
    stream.group("g").create("0")
    for n in range(100):
        name = f"{n:03}{'x' * 10 * KB}"
        if what == "groups":
            stream.group(name).create("0")
        else:
            stream.group("g").consumer(name).read(1)
    observer = Observer(redis, key)
    observer.sample()
    count = 101 if what == "groups" else 100
    assert str(observer.back_off) == f"{count} {what} with long names: sampling every 3.3 s"
    redis.info()
    sample, sent = cost(redis, observer.sample)
    assert sent < 400 * KB * observer.back_off.interval_s
    assert sample.trouble == ""
    assert sum(group.pending for group in sample.groups) == 100 * (what == "consumers")


def test_long_names_in_the_parts_of_a_stream_count_together(
    redis: redis_py.Redis, key: str
) -> None:
    parts = Partitions(redis, key, 2)
    for stream in parts.streams:
        stream.group("g").create("0", mkstream=True)
        for n in range(50):
            stream.group("g").create_consumer(f"{n:03}{'x' * 10 * KB}")
    observer = PartitionObserver(parts)
    observer.sample()
    for stream in parts.streams:
        redis.delete(stream.key)
    assert str(observer.back_off) == "100 consumers with long names: sampling every 3.3 s"


def test_of_many_groups_fewer_pending_entries_are_asked_for(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many({"n": n} for n in range(100))
    for n in range(50):
        stream.group(f"g{n}").create("0")
        stream.group(f"g{n}").consumer("ann").read(60)
    observer = Observer(redis, key)
    observer.sample()
    for n in range(50):
        stream.group(f"g{n}").consumer("bob").read(1)
    redis.info()
    sample, sent = cost(redis, observer.sample)
    assert sent < 2 * 100 * KB, "two round trips, since no group is idle any more"
    assert {len(group.oldest) for group in sample.groups} == {16}
    assert {group.pending for group in sample.groups} == {61}
