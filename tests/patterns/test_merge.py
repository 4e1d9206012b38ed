"""A consumer of a group that reads several streams as one, in order, page by page."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
import redis as redis_py

from streamviz import CommandLog, Scenario, Stream, series
from streamviz.errors import InputError, NoSuchGroup
from streamviz.patterns.merge import OrderedGroupReader, Page


def streams(client: redis_py.Redis, prefix: str, **ids: Iterable[int]) -> list[str]:
    """Create streams with entries at these times and a group ``porter``; return their keys."""
    for name, times in ids.items():
        stream = Stream(client, f"{prefix}{name}")
        stream.group("porter").create("0", mkstream=True)
        for ms in times:
            stream.add({"n": ms}, f"{ms}-0")
    return [f"{prefix}{name}" for name in ids]


def porter(client: redis_py.Redis, keys: list[str], name: str = "ann") -> OrderedGroupReader:
    return OrderedGroupReader(client, keys, "porter", name)


def shown(page: Iterable[tuple[str, object]]) -> list[str]:
    return [f"{key.rpartition(':')[2]} {entry.id.ms}" for key, entry in page]  # type: ignore[attr-defined]


def to_the_end(reader: OrderedGroupReader, count: int) -> Page:
    entries: Page = []
    while page := reader.read(count):
        entries += page
    return entries


def times(page: Page) -> list[int]:
    return [entry.id.ms for _, entry in page]


def test_a_backlog_comes_in_order_whatever_the_page_size(
    redis: redis_py.Redis, prefix: str
) -> None:
    reader = porter(redis, streams(redis, prefix, door=range(1, 7), lift=(2, 9)))
    assert shown(reader.read(3)) == ["door 1", "door 2", "lift 2", "door 3"]
    assert shown(reader.held_back) == ["lift 9"]
    assert shown(reader.read(3)) == ["door 4", "door 5", "door 6"]
    assert shown(reader.read(3)) == ["lift 9"]
    assert reader.read(3) == []
    assert reader.held_back == ()


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_every_entry_comes_once_and_few_are_held_back(
    redis: redis_py.Redis, prefix: str, count: int
) -> None:
    rng = random.Random(count)
    stream_times = {name: sorted(rng.sample(range(1, 400), 60)) for name in "abc"}
    keys = streams(redis, prefix, **stream_times, empty=())
    reader, entries = porter(redis, keys), []
    while page := reader.read(count):
        entries += page
        assert len(reader.held_back) < 2 * count * len(keys)
    assert times(entries) == sorted(ms for of_one in stream_times.values() for ms in of_one)
    assert len({(key, entry.id) for key, entry in entries}) == 180


def test_entries_added_between_two_pages_come_in_order(redis: redis_py.Redis, prefix: str) -> None:
    door, lift = streams(redis, prefix, door=range(1, 15), lift=(2, 12))
    reader = porter(redis, [door, lift])
    assert times(reader.read(10)) == [1, 2, 2, *range(3, 11)]
    Stream(redis, lift).add({"n": 0}, "15-0")  # while the lift's 12 is held back
    Stream(redis, door).add_many((f"{ms}-0", {"n": ms}) for ms in range(16, 30))
    assert times(to_the_end(reader, 10)) == [11, 12, 12, 13, 14, 15, *range(16, 30)]


def test_a_stream_without_entries_does_not_delay_the_others(
    redis: redis_py.Redis, prefix: str
) -> None:
    door, lift = streams(redis, prefix, door=(1, 2, 3), lift=())
    reader = porter(redis, [door, lift])
    assert times(reader.read(2)) == [1, 2]
    assert times(reader.read(2)) == [3]
    Stream(redis, lift).add({"n": 0}, "2-0")
    assert shown(reader.read(2)) == ["lift 2"], "an entry that is added late comes late"


def test_a_read_does_not_block_while_entries_are_held_back(
    redis: redis_py.Redis, prefix: str
) -> None:
    reader = porter(redis, streams(redis, prefix, door=(1, 2), lift=(9,)))
    assert times(reader.read(2, block_ms=0)) == [1, 2]
    assert times(reader.read(2, block_ms=0)) == [9], "with BLOCK 0 this would never end"
    assert reader.read(2, block_ms=1) == []


def test_after_a_restart_entries_held_back_come_first(redis: redis_py.Redis, prefix: str) -> None:
    keys = streams(redis, prefix, door=range(1, 7), lift=(2, 9))
    first = porter(redis, keys)
    for key, entry in first.read(3)[:2]:
        first.consumers[key].ack(entry.id)
    again = porter(redis, keys)
    expected = ["lift 2", "door 3", "door 4", "door 5", "door 6", "lift 9"]
    assert shown(to_the_end(again, 2)) == expected, "old and new entries in one order"
    again.restart()
    assert times(to_the_end(again, 2)) == [2, 3, 4, 5, 6, 9]


def test_pending_entries_are_found_after_pages_of_deleted_ones(
    redis: redis_py.Redis, prefix: str
) -> None:
    door, lift = streams(redis, prefix, door=range(1, 9), lift=(3, 9))
    porter(redis, [door, lift]).read(100)
    Stream(redis, door).trim(maxlen=2)
    again = porter(redis, [door, lift])
    assert shown(to_the_end(again, 2)) == ["lift 3", "door 7", "door 8", "lift 9"]


def test_two_consumers_share_the_entries_and_each_gets_its_own_in_order(
    redis: redis_py.Redis, prefix: str
) -> None:
    keys = streams(redis, prefix, a=range(1, 60, 2), b=range(2, 61, 2))
    readers = [porter(redis, keys, name) for name in ("ann", "ben")]
    got: list[Page] = [[], []]
    for turn in range(60):
        got[turn % 2] += readers[turn % 2].read(3)
    for page in got:
        assert times(page) == sorted(times(page))
    assert sorted(times(got[0]) + times(got[1])) == list(range(1, 61))


def test_with_noack_entries_held_back_are_not_pending(redis: redis_py.Redis, prefix: str) -> None:
    keys = streams(redis, prefix, door=(1, 2), lift=(9,))
    reader = porter(redis, keys)
    assert times(reader.read(2, noack=True)) == [1, 2]
    other = porter(redis, keys)
    assert other.read(2) == []
    assert times(reader.read(2, noack=True)) == [9]


def test_a_missing_group_raises_and_entries_held_back_stay(
    redis: redis_py.Redis, prefix: str
) -> None:
    door, lift = streams(redis, prefix, door=(1, 2), lift=(9,))
    reader = porter(redis, [door, lift])
    reader.read(2)
    Stream(redis, door).group("porter").destroy()
    with pytest.raises(NoSuchGroup):
        reader.read(2)
    assert shown(reader.held_back) == ["lift 9"]


def test_bad_input_is_named(redis: redis_py.Redis, prefix: str) -> None:
    for keys in ([], ["a", "a"]):
        with pytest.raises(InputError, match="streams="):
            porter(redis, keys)
    reader = porter(redis, streams(redis, prefix, door=(1,)))
    for count in (0, -1, 1.5):
        with pytest.raises(InputError, match="count="):
            reader.read(count)  # type: ignore[arg-type]
    assert repr(reader) == f"<OrderedGroupReader 'ann' of 'porter' on '{prefix}door'>"
    assert times(OrderedGroupReader(redis, f"{prefix}door", "porter", "ann").read()) == [1]


def test_a_command_log_names_the_callers_line(redis: redis_py.Redis, prefix: str) -> None:
    reader = porter(redis, streams(redis, prefix, door=(1,), lift=(2,)))
    with CommandLog(redis) as log:
        reader.read(5)
    assert {one.call for one in log} == {"reader.read(5)"}


def backlog(client: redis_py.Redis, prefix: str) -> tuple[Scenario, list[str]]:
    """Return a scenario with a backlog in two streams, one with ten times as many entries."""
    desk, keys = Scenario(client, seed=1), [f"{prefix}a", f"{prefix}b"]
    desk.produce(keys[0], series.constant(rate_hz=20).limit(100))
    desk.produce(keys[1], series.constant(rate_hz=2).shift(30).limit(10))
    desk.run(seconds=6)
    return desk, keys


@pytest.mark.parametrize("batch", [1, 5, 30])
def test_a_scenarios_group_handles_a_backlog_in_order(
    redis: redis_py.Redis, prefix: str, batch: int
) -> None:
    handled: list[int] = []
    desk, keys = backlog(redis, prefix)
    desk.group(
        keys, "g", batch=batch, service_ms=10, handler=lambda entry: handled.append(entry.id.ms)
    )
    desk.run(seconds=6)
    assert len(handled) == 110
    assert handled == sorted(handled)


def test_a_revived_consumer_gets_the_entries_it_held_back(
    redis: redis_py.Redis, prefix: str
) -> None:
    handled: list[int] = []
    desk, keys = backlog(redis, prefix)
    group = desk.group(
        keys,
        "g",
        batch=5,
        service_ms=10,
        crash_after=2,
        revive_after_s=2,
        handler=lambda entry: handled.append(entry.id.ms),
    )
    desk.run(seconds=1)
    consumer = group.consumers["g-1"]
    pending = sum(Stream(redis, key).group("g").pending().count for key in keys)
    assert (consumer.alive, consumer.holding) == (False, pending)
    assert pending == 8, "five of each stream, of which two are acknowledged"
    desk.run(seconds=9)
    assert len(handled) == 110
    assert handled == sorted(handled)
