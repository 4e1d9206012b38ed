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
    ("lost", "added", "cursor", "read", "hint"),
    [
        (0, None, "kept", None, "entries ever added is 11"),
        (0, "kept", "kept", None, "reports nil"),
        (0, "kept", "kept", 7, "a lag of"),
        (0, "kept", "0", 0, "wine's cursor is at 0-0"),
        (0, "kept", "$", "kept", "wine's cursor is at"),
        (1, "kept", "kept", "kept", "10 entries"),
        (0, 11, "kept", 6, "entries ever added is 11"),
        (0, "kept", "kept", "kept", "largest deleted ID is 0-0"),
    ],
)
def test_the_tower_counts_on(
    redis: redis_py.Redis,
    lost: int,
    added: int | str | None,
    cursor: str,
    read: int | str | None,
    hint: str,
) -> None:
    cellar, tower = exercise.new_house(redis)
    assert "no stream `tower`" in repr(exercise.check_house(tower))
    tower.add_many((str(entry.id), entry.fields) for entry in cellar.range()[lost:])
    old, wine = cellar.info(), cellar.group("wine").info()
    if added is not None:
        number = old.entries_added if added == "kept" else int(added)
        tower.set_id(str(old.last_generated_id), entries_added=number, max_deleted_id="0-0")
    where = str(wine.last_delivered_id) if cursor == "kept" else cursor
    number = wine.entries_read if read == "kept" else read  # type: ignore[assignment]
    tower.group("wine").create(where, entries_read=number)
    verdict = exercise.check_house(tower)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def test_the_tower_has_the_same_bottles(redis: redis_py.Redis) -> None:
    cellar, tower = exercise.new_house(redis)
    tower.add_many((str(entry.id), {"bottle": "one"}) for entry in cellar.range())
    counters(cellar, tower, copy=False)
    assert "with their IDs and fields" in repr(exercise.check_house(tower))


def counters(cellar: Stream, tower: Stream, *, copy: bool = True) -> None:
    if copy:
        tower.add_many((str(entry.id), entry.fields) for entry in cellar.range())
    old, wine = cellar.info(), cellar.group("wine").info()
    tower.set_id(
        str(old.last_generated_id),
        entries_added=old.entries_added,
        max_deleted_id=old.max_deleted_entry_id,
    )
    tower.group("wine").create(str(wine.last_delivered_id), entries_read=wine.entries_read)


def by_dump_and_restore(cellar: Stream, tower: Stream) -> None:
    value = cellar.client.dump("cellar")
    tower.client.restore("tower", 0, value)  # type: ignore[arg-type]


def a_copy_by_the_server(cellar: Stream, tower: Stream) -> None:
    cellar.client.copy("cellar", "tower")


@pytest.mark.parametrize("answer", [counters, by_dump_and_restore, a_copy_by_the_server])
def test_a_tower_with_all_three_numbers_is_right(
    redis: redis_py.Redis, answer: Callable[[Stream, Stream], None]
) -> None:
    cellar, tower = exercise.new_house(redis)
    answer(cellar, tower)
    assert exercise.check_house(tower).right


@pytest.mark.parametrize(
    ("newest", "read", "hint"),
    [
        (None, None, "800 entries are after"),
        (0, None, "0 entries are after"),
        (50, None, "reports nil"),
        (49, -49, "49 entries"),
        (50, -150, "Redis reports 150"),
        (50, "length", "how many were ever added before the cursor?"),
        (50, 1050, "Redis reports"),
        (50, "ms", "Redis reports"),
        (50, "field", "Redis reports"),
        (50, -50, ""),
    ],
)
def test_the_newest_fifty_wait(
    redis: redis_py.Redis, newest: int | None, read: int | str | None, hint: str
) -> None:
    report = exercise.new_feed(redis)
    feed = stream_of(report)
    if newest is not None:
        entry = feed.reverse_range(count=newest + 1)[-1]
        before, added = entry.id, feed.info().entries_added or 0
        numbers = {"length": len(feed) - 50, "ms": before.ms, "field": int(entry.fields["reading"])}
        number = numbers.get(read, read) if isinstance(read, str) else read
        if isinstance(number, int) and number < 0:
            number += added
        report.set_id(str(before), entries_read=number)  # type: ignore[arg-type]
    verdict = exercise.check_feed(report)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def test_a_cursor_between_two_entries_is_right(redis: redis_py.Redis) -> None:
    report = exercise.new_feed(redis)
    feed = stream_of(report)
    between = feed.reverse_range(count=50)[-1].id.previous()
    report.set_id(str(between), entries_read=(feed.info().entries_added or 0) - 50)
    assert exercise.check_feed(report).right


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
