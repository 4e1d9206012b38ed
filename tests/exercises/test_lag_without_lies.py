"""The checks of notebook 07 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis as redis_py

from exercises import lag_without_lies as exercise
from exercises.verdict import stream_of
from streamviz.client.stream import Stream


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


@pytest.mark.parametrize(
    ("first", "added", "cursor", "read", "hint"),
    [
        (9, None, "15", None, "entries ever added is 11"),
        (9, 20, "15", None, "reports nil"),
        (9, 20, "15", 7, "a lag of 13 for wine"),
        (9, 20, "0", 0, "wine's cursor is at 0-0"),
        (9, 20, "$", 20, "wine's cursor is at 20-0"),
        (10, 20, "15", 15, "10 entries"),
        (9, 11, "15", 15, "entries ever added is 11"),
        (9, 20, "15", 15, "largest deleted ID is 0-0"),
    ],
)
def test_the_tower_counts_on(
    redis: redis_py.Redis, first: int, added: int | None, cursor: str, read: int | None, hint: str
) -> None:
    cellar, tower = exercise.new_house(redis)
    assert "no stream `tower`" in repr(exercise.check_house(tower))
    tower.add_many((str(entry.id), entry.fields) for entry in cellar.range(str(first)))
    if added is not None:
        tower.set_id("20-0", entries_added=added, max_deleted_id="0-0")
    tower.group("wine").create(cursor, entries_read=read)
    verdict = exercise.check_house(tower)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def counters(cellar: Stream, tower: Stream) -> None:
    tower.add_many((str(entry.id), entry.fields) for entry in cellar.range())
    old, wine = cellar.info(), cellar.group("wine").info()
    tower.set_id(
        str(old.last_generated_id),
        entries_added=old.entries_added,
        max_deleted_id=old.max_deleted_entry_id,
    )
    tower.group("wine").create(str(wine.last_delivered_id), entries_read=wine.entries_read)


def the_same_deletion(cellar: Stream, tower: Stream) -> None:
    tower.add_many((f"{n}-0", {"bottle": n}) for n in range(1, 21))
    tower.trim(maxlen=12)
    tower.delete("12-0")
    tower.group("wine").create("15-0", entries_read=15)


def a_copy_by_the_server(cellar: Stream, tower: Stream) -> None:
    cellar.client.copy("cellar", "tower")


@pytest.mark.parametrize("answer", [counters, the_same_deletion, a_copy_by_the_server])
def test_a_tower_with_all_three_numbers_is_right(
    redis: redis_py.Redis, answer: Callable[[Stream, Stream], None]
) -> None:
    cellar, tower = exercise.new_house(redis)
    answer(cellar, tower)
    assert exercise.check_house(tower).right


@pytest.mark.parametrize(
    ("cursor", "read", "hint"),
    [
        (None, None, "800 entries are after"),
        ("$", None, "0 entries are after"),
        (7350, None, "reports nil"),
        (7357, 1050, "49 entries"),
        (7350, 950, "Redis reports 150"),
        (7350, 1000, "Redis reports 100"),
        (7350, 1050, ""),
        (7351, 1050, ""),
    ],
)
def test_the_newest_fifty_wait(
    redis: redis_py.Redis, cursor: int | str | None, read: int | None, hint: str
) -> None:
    report = exercise.new_feed(redis)
    if cursor is not None:
        report.set_id(str(cursor), entries_read=read)
    verdict = exercise.check_feed(report)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def test_a_feed_that_was_trimmed_or_lost_its_group_must_start_again(redis: redis_py.Redis) -> None:
    report = exercise.new_feed(redis)
    stream_of(report).trim(maxlen=50)
    assert "start again with new_feed" in repr(exercise.check_feed(report))
    report = exercise.new_feed(redis)
    report.destroy()
    assert "start again with new_feed" in repr(exercise.check_feed(report))
    redis.delete("feed")
    assert "start again with new_feed" in repr(exercise.check_feed(report))


def test_a_check_hints_where_a_key_is_of_another_kind(redis: redis_py.Redis) -> None:
    _, tower = exercise.new_house(redis)
    report = exercise.new_feed(redis)
    redis.set("tower", "no stream")
    redis.set("feed", "no stream")
    assert "start again with new_house" in repr(exercise.check_house(tower))
    assert "start again with new_feed" in repr(exercise.check_feed(report))
