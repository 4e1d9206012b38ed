"""The checks of notebook 02 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis as redis_py

from exercises import reading_and_position as exercise
from streamviz import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.patterns.follow import follow
from streamviz.patterns.offsets import HashOffset, MemoryOffset, TransactionOffset


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)
    redis.delete("soon")


@pytest.mark.parametrize(
    ("begin", "move_on", "hint"),
    [
        ("$", False, "6 of 6 strokes were missed"),
        ("$", True, "6 of 6 strokes were missed"),
        ("0", True, "rang before you came"),
        ("3-0", False, "heard more than once"),
        ("4-0", True, "1 of 6 strokes were missed"),
        ("3-0", True, ""),
    ],
)
def test_a_reader_that_keeps_the_last_id_hears_the_bell(
    redis: redis_py.Redis, begin: str, move_on: bool, hint: str
) -> None:
    bell = exercise.new_bell(redis)
    assert "rang 0 times" in repr(exercise.check_bell(bell))
    after: EntryId | str = begin
    for _ in range(3):
        exercise.ring(bell)
        for entry in bell.read(after):
            redis.rpush("heard", str(entry.id))
            after = entry.id if move_on else after
    verdict = exercise.check_bell(bell)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


@pytest.mark.parametrize(
    ("heard", "hint"),
    [
        ("5-0 4-0 6-0 7-0 8-0 9-0", "not in the order"),
        ("4-0 5-0 6-0 7-0 8-0 stroke", "start again with new_bell"),
    ],
)
def test_the_strokes_are_ids_and_in_order(redis: redis_py.Redis, heard: str, hint: str) -> None:
    bell = exercise.new_bell(redis)
    for _ in range(3):
        exercise.ring(bell)
    redis.rpush("heard", *heard.split())
    assert hint in repr(exercise.check_bell(bell))


def test_a_check_hints_where_a_key_is_of_another_kind(redis: redis_py.Redis) -> None:
    bell, till = exercise.new_bell(redis), exercise.new_till(redis)
    redis.set("heard", "all of them")
    redis.set("till:balance", "ann 80, ben 106")
    assert "start again with new_bell" in repr(exercise.check_bell(bell))
    assert "start again with new_till" in repr(exercise.check_till(till))
    redis.delete("bell", "heard", "till", "till:balance")
    assert "rang 0 times" in repr(exercise.check_bell(bell))
    assert "the power did not fail" in repr(exercise.check_till(till))


def test_the_bell_is_heard_by_follow_too(redis: redis_py.Redis) -> None:
    bell = exercise.new_bell(redis)
    place = MemoryOffset()
    assert list(follow(bell, place, start="$")) == []
    for _ in range(3):
        exercise.ring(bell)
        for entry in follow(bell, place):
            redis.rpush("heard", str(entry.id))
    assert exercise.check_bell(bell).right


@pytest.mark.parametrize(
    ("way", "hint"),
    [
        ("save after", "ben has 111 of 106"),
        ("save before", "ben has 101 of 106"),
        ("no cut", "the power did not fail"),
        ("memory", "ben has 111"),
        ("no place", "no position in `till:readers`"),
        ("transaction", ""),
    ],
)
def test_the_till_counts_each_coin_once_only_in_a_transaction(
    redis: redis_py.Redis, way: str, hint: str
) -> None:
    till = exercise.new_till(redis)

    def count() -> None:
        key = "elsewhere:readers" if way == "no place" else "till:readers"
        kind = TransactionOffset if way in ("transaction", "no place") else HashOffset
        place = MemoryOffset() if way == "memory" else kind(redis, key, "ann")
        for entry in follow(till, place):
            command = ("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])
            if way == "save before":
                place.save(entry.id)
                exercise.power_cut(entry, "4-0", redis)
            if isinstance(place, TransactionOffset):
                place.queue(*command)
            else:
                redis.execute_command(*command)
            if way != "no cut":
                exercise.power_cut(entry, "4-0", redis)

    exercise.again(count)
    redis.delete("elsewhere:readers")
    verdict = exercise.check_till(till)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def by_hand(till: Stream, entry: Entry) -> None:
    with till.client.pipeline(transaction=True) as both:
        both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
        both.hset("till:readers", "cashier", str(entry.id))
        exercise.power_cut(entry, "4-0", till.client)  # type: ignore[arg-type]
        both.execute()


def by_script(till: Stream, entry: Entry) -> None:
    script = (
        "redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2]) "
        "redis.call('HSET', KEYS[2], 'cashier', ARGV[3])"
    )
    keys = ("till:balance", "till:readers")
    till.client.eval(script, 2, *keys, entry.fields["who"], entry.fields["cents"], str(entry.id))
    exercise.power_cut(entry, "4-0", till.client)  # type: ignore[arg-type]


@pytest.mark.parametrize("handle", [by_hand, by_script])
def test_the_till_may_be_right_in_another_way(
    redis: redis_py.Redis, handle: Callable[[Stream, Entry], None]
) -> None:
    till = exercise.new_till(redis)

    def count() -> None:
        position = redis.hget("till:readers", "cashier") or b"0"
        for entry in till.read(position.decode()):  # type: ignore[union-attr]
            handle(till, entry)

    exercise.again(count)
    assert exercise.check_till(till).right


def test_wages_begin_unpaid_each_time(redis: redis_py.Redis) -> None:
    for _ in range(2):
        wages = exercise.new_wages(redis)
        assert [entry.fields["name"] for entry in wages.range()] == ["ann", "ben", "cy"]
        assert not redis.exists("paid")
        with pytest.raises(exercise.PowerCut):
            exercise.power_cut(wages.range()[1], "2-0", redis)
        exercise.power_cut(wages.range()[1], "2-0", redis)


def test_soon_adds_an_entry_while_a_client_waits(redis: redis_py.Redis) -> None:
    stream = exercise.Stream(redis, "soon")
    exercise.soon(stream, "7-0")
    assert [str(entry.id) for entry in stream.read("$", block_ms=5000)] == ["7-0"]
