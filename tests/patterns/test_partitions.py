"""Partitions of a stream: each business key in its own, in order, and sums that stay honest."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_py
from hypothesis import given
from hypothesis import strategies as st
from redis.cluster import RedisCluster

from streamviz import History, Stream
from streamviz.client.cluster import slot_of
from streamviz.errors import CommandRefused, InputError
from streamviz.observation.accounting import account_for
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.observation.partition_sample import sum_lags
from streamviz.observation.sample import Lag
from streamviz.patterns.partitions import Partitions, assign_partitions
from streamviz.server.embedded_cluster import EmbeddedCluster


@pytest.fixture
def parts(nodes: RedisCluster) -> Iterator[Partitions]:
    partitions = Partitions(nodes, f"test:{uuid.uuid4().hex[:8]}", 6)
    yield partitions
    for stream in partitions.streams:
        nodes.delete(stream.key)


PEOPLE = [f"customer-{n}" for n in range(40)]


def test_each_key_goes_to_one_partition_and_stays_in_order_there(parts: Partitions) -> None:
    for turn in range(5):
        for person in PEOPLE:
            number, entry_id = parts.add(person, {"who": person, "turn": turn})
            assert number == parts.number(person)
            assert parts.of(person).range(str(entry_id), str(entry_id))
    counts = parts.add_many(
        (person, {"who": person, "turn": t}) for t in (5, 6) for person in PEOPLE
    )
    assert sum(counts) == 80
    for number, stream in enumerate(parts.streams):
        entries = stream.range()
        assert counts[number] == len(entries) / 7 * 2
        for person in {entry.fields["who"] for entry in entries}:
            assert parts.number(person) == number
            turns = [entry.fields["turn"] for entry in entries if entry.fields["who"] == person]
            assert turns == [str(turn) for turn in range(7)]
    assert sum(stream.length() for stream in parts.streams) == 7 * len(PEOPLE)


def test_the_partition_is_the_same_in_every_process() -> None:
    program = """
import redis
from streamviz.patterns.partitions import Partitions
parts = Partitions(redis.Redis(), "orders", 6)
print([parts.number(key) for key in ("ada", "ben", "cy", "zoë", "", "\\udcff")])
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {"[0, 5, 5, 2, 0, 0]\n"}


def test_the_hash_tag_decides_the_slot(parts: Partitions, cluster: EmbeddedCluster) -> None:
    assert [slot_of(one.key) for one in parts.streams] == [slot_of(str(n)) for n in range(6)]
    assert {cluster.slot_owner(one.key).name for one in parts.streams} == set(
        cluster.names.values()
    )


@pytest.mark.parametrize(
    ("name", "count", "says"),
    [
        ("", 3, "not a name for partitions"),
        ("a{b", 3, "without a brace"),
        (b"a", 3, "not a name for partitions"),
        ("a", 0, "count=0"),
        ("a", -1, "count=-1"),
        ("a", 16_385, "16,384"),
        ("a", 2.0, "count=2.0"),
        ("a", True, "count=True"),
    ],
)
def test_invalid_partitions_are_refused(
    redis: redis_py.Redis, name: str, count: int, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        Partitions(redis, name, count)


def test_an_invalid_key_or_row_is_named(parts: Partitions) -> None:
    with pytest.raises(InputError, match="7 is not a business key"):
        parts.add(7, {"n": 1})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="holds no fields"):
        parts.add("ada", {})
    with pytest.raises(InputError, match="batch=0"):
        parts.add_many([("ada", {"n": 1})], batch=0)
    parts.add("ada", {"n": 1}, "5-0")
    with pytest.raises(CommandRefused):
        parts.add("ada", {"n": 2}, "4-0")
    assert sum(stream.length() for stream in parts.streams) == 1


def test_one_server_can_hold_all_partitions(redis: redis_py.Redis, key: str) -> None:
    parts = Partitions(redis, key, 3)
    parts.create_group("g")
    parts.create_group("g")
    parts.add_many((person, {"who": person}) for person in PEOPLE)
    sample = PartitionObserver(parts).sample()
    assert {state.node for state in sample.partitions} == {""}
    assert sample.group("g").lag.entries == len(PEOPLE)


@given(st.integers(1, 40), st.sets(st.text(min_size=1), min_size=1, max_size=10))
def test_every_partition_has_one_consumer_and_shares_differ_by_at_most_one(
    count: int, names: set[str]
) -> None:
    assignment = assign_partitions(count, list(names))
    assert sorted(n for parts in assignment.values() for n in parts) == list(range(count))
    sizes = [len(parts) for parts in assignment.values()]
    assert max(sizes) - min(sizes) <= 1
    assert assign_partitions(count, sorted(names, reverse=True)) == assignment


NAMES = st.text(max_size=3)


@given(st.integers(1, 40), st.sets(NAMES), st.sets(NAMES, min_size=1))
def test_when_consumers_come_and_go_as_few_partitions_move_as_the_balance_allows(
    count: int, earlier: set[str], now: set[str]
) -> None:
    before = assign_partitions(count, sorted(earlier)) if earlier else {}
    after = assign_partitions(count, list(now), before=before)
    assert sorted(n for parts in after.values() for n in parts) == list(range(count))
    sizes = sorted(map(len, after.values()), reverse=True)
    assert sizes[0] - sizes[-1] <= 1
    kept = sum(len(set(parts) & set(before.get(name, ()))) for name, parts in after.items())
    had = sorted((len(before.get(name, ())) for name in now), reverse=True)
    assert kept == sum(map(min, had, sizes)), "the longest keep the larger shares"
    assert assign_partitions(count, sorted(now, reverse=True), before=before) == after


def test_of_six_partitions_two_move_to_a_third_consumer() -> None:
    two = assign_partitions(6, ["ben", "ann"])
    three = assign_partitions(6, ["cy", "ben", "ann"], before=two)
    assert three == {"ann": (0, 2), "ben": (1, 3), "cy": (4, 5)}
    assert assign_partitions(6, ["ben", "ann"], before=three) == {
        "ann": (0, 2, 4),
        "ben": (1, 3, 5),
    }
    assert assign_partitions(2, ["ann", "cy"], before={"cy": [0, 0, 7], "ann": [0]}) == {
        "ann": (0,),
        "cy": (1,),
    }


@pytest.mark.parametrize(
    "before", [5, ["ann"], {5: (0,)}, {"ann": 0}, {"ann": "01"}, {"ann": [True]}, {"ann": [0.0]}]
)
def test_a_former_assignment_has_names_and_numbers(before: Any) -> None:
    with pytest.raises(InputError, match="before="):
        assign_partitions(2, ["ann"], before=before)


def test_an_assignment_needs_distinct_names() -> None:
    for count, names in ((3, []), (3, ["a", "a"]), (0, ["a"])):
        with pytest.raises(InputError):
            assign_partitions(count, names)


def test_the_sums_are_those_of_the_partitions_and_add_up(parts: Partitions) -> None:
    groups = parts.create_group("g")
    observer = PartitionObserver(parts, {})
    observer.sample(1)
    parts.add_many((person, {"who": person}) for person in PEOPLE)
    done = 0
    for n, group in enumerate(groups):
        entries = group.consumer("ann" if n % 2 else "ben").read(3)
        done += group.ack(*(entry.id for entry in entries[:2])) if entries else 0
    sample = observer.sample(2, events=["lunch"])
    group = sample.group("g")
    assert group is not None
    read = sum(len(one.pending_entries()) for one in groups) + done
    assert (group.lag.entries, group.lag.verdict) == (len(PEOPLE) - read, "exact")
    assert group.pending == read - done
    assert {one.name: one.pending for one in group.consumers}.keys() == {"ann", "ben"}
    assert sum(one.pending for one in group.consumers) == group.pending
    assert [one.id for one in group.oldest] == sorted(one.id for one in group.oldest)
    assert sample.length == sample.entries_added == len(sample.entries) == len(PEOPLE)
    assert [entry.id for entry in sample.entries] == sorted(entry.id for entry in sample.entries)
    assert [str(event) for event in sample.events] == ["lunch"]
    kept = account_for(sample, group)
    assert (kept.added, kept.undelivered, kept.pending, kept.acked) == (
        len(PEOPLE),
        len(PEOPLE) - read,
        read - done,
        done,
    )
    assert sample.nodes == sum(stream.info().radix_tree_keys for stream in parts.streams)
    history = History(max_entries=10)
    history.append(sample)
    assert history.newest is not None
    assert len(history.newest.groups) == 1


def test_one_unknown_partition_makes_the_sum_unknown_and_is_named(parts: Partitions) -> None:
    groups = parts.create_group("g")
    observer = PartitionObserver(parts)
    parts.add_many((person, {"who": person}) for person in PEOPLE)
    assert observer.sample().group("g").lag.verdict == "exact"
    groups[3].destroy()
    lag = observer.sample().group("g").lag
    assert (lag.entries, lag.verdict, lag.reason) == (
        None,
        "unknown",
        "partition 3: no such group",
    )
    parts.streams[3].client.delete(parts.streams[3].key)
    sample = observer.sample()
    assert "stream is gone" in sample.trouble
    assert "partition 3: stream is gone" in sample.group("g").lag.reason
    assert observer.sample().group("g").gone is None


EXACT = Lag(2, "exact", "", 10)
SUSPECT = Lag(3, "suspect", "who knows", 20)
UNKNOWN = Lag(None, "unknown", "nobody knows", None)


def test_a_sum_is_as_certain_as_its_least_certain_partition() -> None:
    assert sum_lags({}) == Lag(0, "exact", "", 0)
    assert sum_lags({0: EXACT, 1: EXACT}) == Lag(4, "exact", "", 10)
    plausible = Lag(3, "plausible", "not counted", 20)
    assert sum_lags({0: EXACT, 1: plausible}).verdict == "plausible"
    assert sum_lags({0: plausible, 1: SUSPECT}).verdict == "suspect"
    assert sum_lags({0: EXACT, 1: SUSPECT}) == Lag(5, "suspect", "partition 1: who knows", 20)
    both = sum_lags({0: SUSPECT, 1: EXACT, 2: UNKNOWN})
    assert both == Lag(None, "unknown", "partition 0: who knows; partition 2: nobody knows", None)
    assert sum_lags({0: EXACT, 4: "no answer"}).reason == "partition 4: no answer"
    three = sum_lags({0: "gone", 1: EXACT, 2: "no answer", 3: "gone", 5: "gone"}).reason
    assert three == "partitions 0, 3, 5: gone; partition 2: no answer"
    many = sum_lags(dict.fromkeys(range(64), "gone")).reason
    assert many == "partitions 0, 1, 2, 3, 4, 5, 6, 7 and 56 more: gone"


def test_a_sample_names_the_node_of_a_partition_and_its_target(
    parts: Partitions, cluster: EmbeddedCluster
) -> None:
    parts.create_group("g")
    stream = parts.streams[5]
    home = cluster.slot_owner(stream.key).name
    target = next(node.name for node in cluster.nodes if node.name != home)
    observer = PartitionObserver(parts, cluster.names)

    def places() -> tuple[str, str]:
        state = observer.sample().partitions[5]
        assert state.sample.exists
        assert state.slot == slot_of(stream.key)
        return state.node, state.moving_to

    assert places() == (home, "")
    seen = [places() for _ in cluster.move_slot_steps(slot_of(stream.key), target)]
    assert seen == [(home, ""), (home, target), (home, target), (target, "")]
    other = PartitionObserver(parts).sample().partitions[5]
    assert other.node == cluster.node(target).address, "without names, the address is used"
    assert isinstance(stream, Stream)
    cluster.move_slot(slot_of(stream.key), home)
