"""The checks of notebook 07 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import redis as redis_py

from exercises import lag_without_lies as exercise
from exercises.verdict import Verdict, stream_of
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import IdTooSmall, InputError


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


def copied(cellar: Stream, tower: Stream, lost: int = 0) -> None:
    whole = [one for one in cellar.range() if one.fields["bottle"] != "broken"]
    tower.add_many((str(entry.id), entry.fields) for entry in whole[lost:])


@pytest.mark.parametrize(
    ("lost", "added", "cursor", "read", "hint"),
    [
        (0, None, "kept", None, "entries ever added is 10"),
        (0, -1, "kept", None, "reports nil. It can't know"),
        (0, -1, "kept", 6, "number of all entries ever added up to wine's cursor"),
        (0, -1, "kept", 4, "so the cellar's own number is right"),
        (0, -1, "kept", 5, "so the cellar's own number is right"),
        (0, -1, "kept", 10, "wine's entries-read is 10, but was"),
        (0, -1, "kept", 0, "wine's entries-read is 0, but was"),
        (0, -2, "kept", "kept", "An entry that was trimmed or deleted was added once"),
        (0, -2, "kept", "one less", "Leave out only the broken bottle"),
        (0, 10, "kept", "kept", "Leave out only the broken bottle"),
        (0, 0, "kept", "kept", "don't count it"),
        (0, -1, "kept", "one less", "wine never read the broken bottle, so its entries-read"),
        (0, 0, "kept", "one less", "a lag of 6"),
        (0, 0, "kept", 4, "never had the broken bottle, so don't count it. wine's"),
        (0, -1, "0", 0, "wine's cursor is at 0-0"),
        (0, -1, "$", "kept", "wine's cursor is at"),
        (1, -1, "kept", "kept", "9 entries"),
        (0, "own", "kept", 6, "entries ever added is 10"),
        (0, -1, "kept", "kept", "largest deleted ID is 0-0"),
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
    copied(cellar, tower, lost)
    old, wine = cellar.info(), cellar.group("wine").info()
    if added is not None:
        number = 10 if added == "own" else (old.entries_added or 0) + int(added)
        tower.set_id(str(old.last_generated_id), entries_added=number, max_deleted_id="0-0")
    where = str(wine.last_delivered_id) if cursor == "kept" else cursor
    kept = wine.entries_read or 0
    number = {"kept": kept, "one less": kept - 1}.get(read, read)  # type: ignore[assignment, arg-type]
    tower.group("wine").create(where, entries_read=number)
    verdict = exercise.check_house(tower)
    assert not verdict.right
    assert hint in verdict.text


def test_the_last_id_is_that_of_the_cellar_and_not_of_its_newest_entry(
    redis: redis_py.Redis,
) -> None:
    cellar, tower = exercise.new_house(redis)
    copied(cellar, tower)
    old, wine = cellar.info(), cellar.group("wine").info()
    tower.set_id(
        str(tower.range()[-1].id),
        entries_added=(old.entries_added or 0) - 1,
        max_deleted_id=old.max_deleted_entry_id,
    )
    tower.group("wine").create(str(wine.last_delivered_id), entries_read=wine.entries_read)
    verdict = exercise.check_house(tower)
    assert not verdict.right
    assert f"the cellar's was {old.last_generated_id}. Continue from there" in verdict.text


def _one_of_each_bottle(cellar: Stream, tower: Stream) -> None:
    of_each = {one.fields["bottle"]: one for one in cellar.range()}
    of_each.pop("broken")
    tower.add_many((str(one.id), one.fields) for one in sorted(of_each.values(), key=_by_id))


def _by_id(entry: Entry) -> EntryId:
    return entry.id


def _sorted_as_text(cellar: Stream, tower: Stream) -> None:
    texts = sorted(str(one.id) for one in cellar.range())
    bottles = {str(one.id): one.fields for one in cellar.range()}
    for one in texts:
        if bottles[one]["bottle"] != "broken":
            with suppress(IdTooSmall):
                tower.add(bottles[one], id=one)


def _milliseconds_only(cellar: Stream, tower: Stream) -> None:
    for one in cellar.range():
        if one.fields["bottle"] != "broken":
            tower.add(one.fields, id=f"{one.id.ms}-*")


def _without_the_word(cellar: Stream, tower: Stream) -> None:
    whole = [one for one in cellar.range() if "broken" not in one.fields["bottle"]]
    tower.add_many((str(one.id), one.fields) for one in whole)


def _without_the_ending(cellar: Stream, tower: Stream) -> None:
    whole = [one for one in cellar.range() if not one.fields["bottle"].endswith("broken")]
    tower.add_many((str(one.id), one.fields) for one in whole)


def _only_numbers(cellar: Stream, tower: Stream) -> None:
    whole = [one for one in cellar.range() if one.fields["bottle"].isdigit()]
    tower.add_many((str(one.id), one.fields) for one in whole)


@pytest.mark.parametrize(
    "copy",
    [
        _one_of_each_bottle,
        _sorted_as_text,
        _milliseconds_only,
        _without_the_word,
        _without_the_ending,
        _only_numbers,
    ],
)
def test_a_copy_has_each_entry_and_its_whole_id(
    redis: redis_py.Redis, copy: Callable[[Stream, Stream], None]
) -> None:
    cellar, tower = exercise.new_house(redis)
    copy(cellar, tower)
    counters(cellar, tower, copy=False)
    verdict = exercise.check_house(tower)
    assert not verdict.right
    assert "not broken, with their IDs and fields" in verdict.text


def test_the_tower_has_the_same_bottles(redis: redis_py.Redis) -> None:
    cellar, tower = exercise.new_house(redis)
    tower.add_many((str(entry.id), {"bottle": "one"}) for entry in cellar.range())
    counters(cellar, tower, copy=False)
    assert "with their IDs and fields" in repr(exercise.check_house(tower))


def test_the_broken_bottle_is_one_that_waits_and_never_the_last(redis: redis_py.Redis) -> None:
    for _ in range(10):
        cellar, _ = exercise.new_house(redis)
        bottles = [one.fields["bottle"] for one in cellar.range()]
        assert bottles.count("broken") == 1
        assert "broken" in bottles[-5:-1]


def counters(cellar: Stream, tower: Stream, *, copy: bool = True, extra: int = 0) -> None:
    if copy:
        copied(cellar, tower)
    old, wine = cellar.info(), cellar.group("wine").info()
    tower.set_id(
        str(old.last_generated_id),
        entries_added=(old.entries_added or 0) - 1 + extra,
        max_deleted_id=old.max_deleted_entry_id,
    )
    read = (wine.entries_read or 0) + extra
    tower.group("wine").create(str(wine.last_delivered_id), entries_read=read)


def counted_as_if_read(cellar: Stream, tower: Stream) -> None:
    counters(cellar, tower, extra=1)


def copied_and_mended(cellar: Stream, tower: Stream) -> None:
    a_copy_without_the_broken_bottle(cellar, tower)
    old = cellar.info()
    tower.set_id(
        str(old.last_generated_id),
        entries_added=(old.entries_added or 0) - 1,
        max_deleted_id=old.max_deleted_entry_id,
    )


@pytest.mark.parametrize("answer", [counters, counted_as_if_read, copied_and_mended])
def test_a_tower_with_all_three_numbers_is_right(
    redis: redis_py.Redis, answer: Callable[[Stream, Stream], None]
) -> None:
    cellar, tower = exercise.new_house(redis)
    answer(cellar, tower)
    verdict = exercise.check_house(tower)
    assert verdict.right, verdict


def given_before_the_count(cellar: Stream, tower: Stream) -> None:
    copied(cellar, tower)
    old, wine = cellar.info(), cellar.group("wine").info()
    tower.group("wine").create(str(wine.last_delivered_id), entries_read=wine.entries_read)
    tower.set_id(
        str(old.last_generated_id),
        entries_added=(old.entries_added or 0) - 1,
        max_deleted_id=old.max_deleted_entry_id,
    )


def made_before_the_copy(cellar: Stream, tower: Stream) -> None:
    old, wine = cellar.info(), cellar.group("wine").info()
    where = str(wine.last_delivered_id)
    tower.client.xgroup_create("tower", "wine", where, True, wine.entries_read)
    copied(cellar, tower)
    tower.set_id(
        str(old.last_generated_id),
        entries_added=(old.entries_added or 0) - 1,
        max_deleted_id=old.max_deleted_entry_id,
    )


@pytest.mark.parametrize("answer", [given_before_the_count, made_before_the_copy])
def test_a_server_may_lower_what_is_given_before_the_towers_count(
    redis: redis_py.Redis, answer: Callable[[Stream, Stream], None]
) -> None:
    cellar, tower = exercise.new_house(redis)
    answer(cellar, tower)
    wine, read = tower.group("wine"), cellar.group("wine").info().entries_read
    verdict = exercise.check_house(tower)
    assert verdict.right is (wine.info().entries_read == read)  # Redis 7.0 and Valkey keep it
    if not verdict.right:
        assert f"If you gave {read}, Redis lowered it to the tower's count" in verdict.text
        assert "Use XSETID first, and then give ENTRIESREAD" in verdict.text
    wine.set_id(str(wine.info().last_delivered_id), entries_read=read)
    assert exercise.check_house(tower).right


def read_to_move_the_cursor(cellar: Stream, tower: Stream) -> None:
    """Read up to the cursor, and leave pending what the group had acknowledged."""
    copied(cellar, tower)
    old, wine = cellar.info(), cellar.group("wine").info()
    group = tower.group("wine")
    group.create("0")
    group.consumer("ida").read(len(tower.range("-", wine.last_delivered_id)))
    tower.set_id(
        str(old.last_generated_id),
        entries_added=(old.entries_added or 0) - 1,
        max_deleted_id=old.max_deleted_entry_id,
    )
    group.set_id(str(wine.last_delivered_id), entries_read=wine.entries_read)


def claimed_by_force(cellar: Stream, tower: Stream) -> None:
    counters(cellar, tower)
    tower.group("wine").consumer("ida").claim([tower.range(count=1)[0].id], force=True)


@pytest.mark.parametrize("answer", [read_to_move_the_cursor, claimed_by_force])
def test_nothing_is_pending_in_the_tower_that_was_acknowledged_in_the_cellar(
    redis: redis_py.Redis, answer: Callable[[Stream, Stream], None]
) -> None:
    cellar, tower = exercise.new_house(redis)
    answer(cellar, tower)
    verdict = exercise.check_house(tower)
    assert not verdict.right
    assert "pending in the tower, but wine had acknowledged" in verdict.text
    group = tower.group("wine")
    group.ack(*(held.id for held in group.pending_entries()))
    assert exercise.check_house(tower).right


def by_dump_and_restore(cellar: Stream, tower: Stream) -> None:
    value = cellar.client.dump("cellar")
    tower.client.restore("tower", 0, value)  # type: ignore[arg-type]


def a_copy_by_the_server(cellar: Stream, tower: Stream) -> None:
    cellar.client.copy("cellar", "tower")


def the_cellar_renamed(cellar: Stream, tower: Stream) -> None:
    cellar.client.rename("cellar", "tower")


def a_copy_without_the_broken_bottle(cellar: Stream, tower: Stream) -> None:
    a_copy_by_the_server(cellar, tower)
    (broken,) = (one.id for one in tower.range() if one.fields["bottle"] == "broken")
    tower.delete(broken)


def with_the_broken_bottle_as_deleted(cellar: Stream, tower: Stream) -> None:
    counters(cellar, tower)
    (broken,) = (one.id for one in cellar.range() if one.fields["bottle"] == "broken")
    info = tower.info()
    last, added = str(info.last_generated_id), info.entries_added or 0
    tower.set_id(last, entries_added=added, max_deleted_id=broken)


def with_the_cursor_as_deleted(cellar: Stream, tower: Stream) -> None:
    counters(cellar, tower)
    info = tower.info()
    last, added = str(info.last_generated_id), info.entries_added or 0
    cursor = tower.group("wine").info().last_delivered_id
    tower.set_id(last, entries_added=added, max_deleted_id=cursor)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (by_dump_and_restore, "the broken bottle is in the tower"),
        (a_copy_by_the_server, "the broken bottle is in the tower"),
        (the_cellar_renamed, "the broken bottle is in the tower"),
        (a_copy_without_the_broken_bottle, "largest deleted ID is at wine's cursor or after it"),
        (with_the_cursor_as_deleted, "Give `max_deleted_id` the cellar's own number"),
        (with_the_broken_bottle_as_deleted, "so it isn't a deleted entry of the tower"),
    ],
)
def test_a_copy_of_all_is_not_enough(
    redis: redis_py.Redis, answer: Callable[[Stream, Stream], None], hint: str
) -> None:
    cellar, tower = exercise.new_house(redis)
    answer(cellar, tower)
    verdict = exercise.check_house(tower)
    assert not verdict.right
    assert hint in verdict.text


def moved_to(report: ConsumerGroup, cursor: Callable[[list[EntryId]], str]) -> Verdict:
    """Move the cursor, with the right ENTRIESREAD."""
    feed = stream_of(report)
    where = cursor([one.id for one in feed.range()])
    report.set_id(where, entries_read=(feed.info().entries_added or 0) - 50)
    return exercise.check_feed(report)


@pytest.mark.parametrize(
    ("newest", "read", "hint"),
    [
        (None, None, "800 entries are after"),
        (0, None, "0 entries are after"),
        (50, None, "reports nil"),
        (49, -49, "49 entries"),
        (50, -150, "Redis reports 150"),
        (50, "length", "How many entries were ever added up to the cursor?"),
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
        reading = int(entry.fields["reading"])
        numbers = {"length": len(feed) - 50, "ms": before.ms, "field": reading}
        number = numbers.get(read, read) if isinstance(read, str) else read
        if isinstance(number, int) and number < 0:
            number += added
        report.set_id(str(before), entries_read=number)  # type: ignore[arg-type]
    verdict = exercise.check_feed(report)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


@pytest.mark.parametrize(
    "cursor",
    [
        lambda ids: f"{ids[-50].ms - 1}",
        lambda ids: f"{ids[-50].ms}",
        lambda ids: sorted(map(str, ids))[-51],
        lambda ids: str(sorted(ids, key=lambda one: (one.ms, str(one.seq)))[-51]),
        lambda ids: str(sorted(ids, key=lambda one: float(f"{one.ms}.{one.seq}"))[-51]),
    ],
)
def test_the_cursor_is_a_whole_id(
    redis: redis_py.Redis, cursor: Callable[[list[EntryId]], str]
) -> None:
    report = exercise.new_feed(redis)
    verdict = moved_to(report, cursor)
    assert not verdict.right
    assert "after the cursor, not fifty. IDs are pairs of numbers" in verdict.text


def test_no_sequence_number_comes_before_0(redis: redis_py.Redis) -> None:
    report = exercise.new_feed(redis)
    with pytest.raises(InputError, match="10000--1"):
        moved_to(report, lambda ids: f"{ids[-50].ms}-{ids[-50].seq - 1}")
    assert not exercise.check_feed(report).right


@pytest.mark.parametrize(
    "cursor",
    [
        lambda ids: str(ids[-51]),
        lambda ids: str(ids[-50].previous()),
        lambda ids: str([one for one in ids if one < ids[-50]][-1]),
    ],
)
def test_a_cursor_just_before_the_fifty_is_right(
    redis: redis_py.Redis, cursor: Callable[[list[EntryId]], str]
) -> None:
    report = exercise.new_feed(redis)
    verdict = moved_to(report, cursor)
    assert verdict.right, verdict


@pytest.mark.parametrize("added", [1000, 5000])
def test_a_false_count_of_entries_ever_added_is_no_answer(
    redis: redis_py.Redis, added: int
) -> None:
    report = exercise.new_feed(redis)
    feed = stream_of(report)
    last = str(feed.info().last_generated_id)
    feed.set_id(last, entries_added=added, max_deleted_id="0-0")
    report.set_id(str(feed.reverse_range(count=51)[-1].id), entries_read=added - 50)
    verdict = exercise.check_feed(report)
    assert not verdict.right
    assert "the feed's count of entries ever added has changed" in verdict.text


def test_a_group_made_anew_with_the_right_count_is_right(redis: redis_py.Redis) -> None:
    report = exercise.new_feed(redis)
    feed = stream_of(report)
    before = feed.reverse_range(count=51)[-1].id
    report.destroy()
    report.create(str(before), entries_read=(feed.info().entries_added or 0) - 50)
    assert exercise.check_feed(report).right


@pytest.mark.parametrize("noack", [True, False])
def test_reading_on_is_no_answer(redis: redis_py.Redis, noack: bool) -> None:
    report = exercise.new_feed(redis)
    assert report.info().lag is None
    entries = report.consumer("rob").read(750, noack=noack)
    if not noack:
        assert "750 entries are pending" in exercise.check_feed(report).text
        report.ack(*(entry.id for entry in entries))
    verdict = exercise.check_feed(report)
    assert not verdict.right
    assert "reports nil" in verdict.text


def test_a_feed_that_was_trimmed_or_lost_its_group_must_start_again(redis: redis_py.Redis) -> None:
    report = exercise.new_feed(redis)
    stream_of(report).trim(maxlen=50)
    assert "tart again with new_feed" in repr(exercise.check_feed(report))
    report = exercise.new_feed(redis)
    report.destroy()
    assert "tart again with new_feed" in repr(exercise.check_feed(report))
    redis.delete("feed")
    assert "tart again with new_feed" in repr(exercise.check_feed(report))


def test_a_check_hints_where_a_key_is_of_another_kind(redis: redis_py.Redis) -> None:
    _, tower = exercise.new_house(redis)
    report = exercise.new_feed(redis)
    redis.set("tower", "no stream")
    redis.set("feed", "no stream")
    assert "tart again with new_house" in repr(exercise.check_house(tower))
    assert "tart again with new_feed" in repr(exercise.check_feed(report))
