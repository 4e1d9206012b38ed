"""The checks of notebook 06 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import pytest
import redis as redis_py

from exercises import trimming_and_memory as exercise
from exercises.verdict import stream_of
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream
from streamviz.errors import UnsupportedCommand
from streamviz.plots.traces import RED


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


def oldest_needed(group: ConsumerGroup) -> EntryId:
    after = group.info().last_delivered_id.next()
    return group.pending().min_id or after


def groups(belt: Stream) -> list[ConsumerGroup]:
    return [belt.group(info.name) for info in belt.groups()]


def by_pending_and_cursor(belt: Stream) -> None:
    belt.trim(minid=min(map(oldest_needed, groups(belt))))


def by_reading_on(belt: Stream) -> None:
    first = [
        *(
            entry.id
            for group in groups(belt)
            for entry in belt.range(f"({group.info().last_delivered_id}", count=1)
        ),
        *(one.id for group in groups(belt) for one in group.pending_entries()),
    ]
    belt.trim(minid=min(first))


def with_one_list_of_groups(belt: Stream) -> None:
    belt.trim(
        minid=min(
            belt.group(info.name).pending().min_id or info.last_delivered_id.next()
            for info in belt.groups()
        )
    )


def in_one_transaction(belt: Stream) -> None:
    first = []
    for info in belt.groups():
        with belt.client.pipeline(transaction=True) as both:
            both.xpending(belt.key, info.name)
            both.xinfo_groups(belt.key)
            pending, infos = both.execute()
        (group,) = [one for one in infos if one["name"] == info.name.encode()]
        after = EntryId.parse(group["last-delivered-id"].decode()).next()
        first.append(EntryId.parse(pending["min"].decode()) if pending["min"] else after)
    belt.trim(minid=min(first))


def pending_before_the_cursor(belt: Stream) -> None:
    belt.trim(
        minid=min(
            group.pending().min_id or group.info().last_delivered_id.next()
            for group in groups(belt)
        )
    )


def all_pending_before_the_cursors(belt: Stream) -> None:
    first = [held.id for group in groups(belt) for held in group.pending_entries()]
    first += [info.last_delivered_id.next() for info in belt.groups()]
    belt.trim(minid=min(first))


def pending_before_the_cursor_by_redis_py(belt: Stream) -> None:
    client, first = belt.client, []
    for info in belt.groups():
        pending = client.xpending(belt.key, info.name)
        (group,) = [
            one for one in client.xinfo_groups(belt.key) if one["name"] == info.name.encode()
        ]
        after = EntryId.parse(group["last-delivered-id"].decode()).next()
        first.append(EntryId.parse(pending["min"].decode()) if pending["min"] else after)
    belt.trim(minid=min(first))


def one_by_one(belt: Stream) -> None:
    first = min(map(oldest_needed, groups(belt)))
    belt.delete(*(str(entry.id) for entry in belt.range("-", f"({first}")))


def by_pending_only(belt: Stream) -> None:
    belt.trim(minid=min(one for group in groups(belt) if (one := group.pending().min_id)))


def all_that_no_group_needs(belt: Stream) -> None:
    needed = {held.id for group in groups(belt) for held in group.pending_entries()}
    for group in groups(belt):
        needed |= {entry.id for entry in belt.range(f"({group.info().last_delivered_id}")}
    if not_needed := [entry.id for entry in belt.range() if entry.id not in needed]:
        belt.delete(*not_needed)


def by_milliseconds(belt: Stream) -> None:
    """Take the IDs for numbers that count up: on the first belt they do."""
    first = [
        held.ms if (held := group.pending().min_id) else group.info().last_delivered_id.ms + 1
        for group in groups(belt)
    ]
    belt.trim(minid=str(min(first)))


def by_peeking_without_ack(belt: Stream) -> None:
    first = []
    for group in groups(belt):
        first += [held.id for held in group.pending_entries()]
        first += [entry.id for entry in group.consumer("one").read(1, noack=True)]
    belt.trim(minid=min(first))


def with_a_group_of_its_own(belt: Stream) -> None:
    by_pending_and_cursor(belt)
    belt.group("trimmer").create("0")


def by_the_texts_of_ids(belt: Stream) -> None:
    belt.trim(minid=min(str(oldest_needed(group)) for group in groups(belt)))


def until_it_is_exact(belt: Stream) -> None:
    first = min(map(oldest_needed, groups(belt)))
    while belt.range(count=1)[0].id < first:
        belt.trim(minid=first, approximate=True)


def known_groups_only(belt: Stream) -> None:
    first = min(oldest_needed(belt.group(name)) for name in ("paint", "pack", "count"))
    belt.trim(minid=first)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda belt: None, "4 entries are left that no group needs"),
        (lambda belt: belt.trim(minid="5", approximate=True), "4 entries are left"),
        (
            lambda belt: belt.trim(minid=belt.group("paint").info().last_delivered_id),
            "3 needed entries are gone, such as 5",
        ),
        (
            lambda belt: belt.trim(minid=belt.group("pack").pending().min_id),
            "such as 5. It is waiting for count",
        ),
        (by_pending_only, "such as 5. It is waiting for count"),
        (
            lambda belt: belt.trim(minid=min(g.info().last_delivered_id for g in groups(belt))),
            "1 entry is left that no group needs, such as 4",
        ),
        (by_milliseconds, "left that no group needs"),
        (lambda belt: belt.trim(maxlen=8), "It is pending for"),
        (lambda belt: belt.trim(minid="5"), "left that no group needs"),
        (
            lambda belt: belt.trim(minid="5-0" if belt.key == "belt" else "1-2"),
            "left that no group needs",
        ),
        (lambda belt: belt.trim(maxlen=0), "needed entries are gone"),
        (lambda belt: belt.group("paint").ack("6-0"), "other entries are pending"),
        (by_peeking_without_ack, "another cursor than before"),
        (with_a_group_of_its_own, "or is new. Only trim"),
        (by_the_texts_of_ids, "needed entries are gone"),
        (until_it_is_exact, "no end: does your loop end?"),
        (lambda belt: belt.group("count").destroy(), "only trim"),
        (lambda belt: belt.client.delete(belt.key), "only trim"),
        (known_groups_only, "It is pending for ship"),
        (all_that_no_group_needs, "the first needed entry. Remove only"),
        (lambda: None, "calls your function with `belt`: let it take 1 argument."),
        (pending_before_the_cursor, "count read 5 just after your function had asked"),
        (all_pending_before_the_cursors, "Ask for the cursors first"),
        (pending_before_the_cursor_by_redis_py, "Ask for the cursors first"),
        (by_pending_and_cursor, ""),
        (with_one_list_of_groups, ""),
        (in_one_transaction, ""),
        (by_reading_on, ""),
        (one_by_one, ""),
    ],
)
def test_a_belt_keeps_the_entries_that_a_group_needs(
    redis: redis_py.Redis, answer: Callable[..., object], hint: str
) -> None:
    verdict = exercise.check_belt(redis, answer)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def test_acked_also_removes_what_comes_after_the_first_needed_entry(redis: redis_py.Redis) -> None:
    def trim(belt: Stream) -> None:
        try:
            belt.trim(maxlen=0, refs="ACKED")
        except UnsupportedCommand:
            all_that_no_group_needs(belt)

    verdict = exercise.check_belt(redis, trim)
    assert not verdict.right
    assert re.search(r"\d came after [2-4], the first needed entry", verdict.text)


def test_an_error_of_the_learner_s_own_trim_comes_through(redis: redis_py.Redis) -> None:
    def trim(belt: Stream) -> None:
        belt.trim(minid=min(group.pending().min_id for group in groups(belt)))  # type: ignore[type-var]

    with pytest.raises(TypeError, match="NoneType"):
        exercise.check_belt(redis, trim)


def test_the_picture_is_of_the_belt_that_the_hint_is_about(redis: redis_py.Redis) -> None:
    for answer, ship in ((known_groups_only, True), (lambda belt: None, False)):
        picture = exercise.check_belt(redis, answer).picture
        assert picture is not None
        assert ("ship needs:" in picture.text) is ship


def test_what_no_group_needs_is_struck_out_in_grey_and_what_is_missed_in_red(
    redis: redis_py.Redis,
) -> None:
    right = exercise.check_belt(redis, by_pending_and_cursor).picture
    wrong = exercise.check_belt(redis, known_groups_only).picture
    assert right is not None
    assert wrong is not None
    assert "stroke-dasharray" in right.svg
    assert RED not in right.svg
    assert RED in wrong.svg


def test_the_right_answer_is_right_on_every_second_belt(redis: redis_py.Redis) -> None:
    for _ in range(20):
        assert exercise.check_belt(redis, by_pending_and_cursor).right
        assert not exercise.check_belt(redis, known_groups_only).right


def trimmed_ids(crew: ConsumerGroup) -> list[EntryId]:
    first = stream_of(crew).range(count=1)[0].id
    return [held.id for held in crew.pending_entries(count=1000) if held.id < first]


def write_down(crew: ConsumerGroup, ids: Iterable[object]) -> None:
    stream_of(crew).client.rpush("attic:lost", *map(str, ids))


def sweep(crew: ConsumerGroup, count: int = 100, *, pages: int = 99, note: bool = True) -> None:
    start = "0-0"
    for _ in range(pages):
        page = crew.consumer("jon").autoclaim(min_idle_ms=0, start=start, count=count)
        if page.deleted and note:
            write_down(crew, page.deleted)
        if (start := str(page.cursor)) == "0-0":
            return


def by_acknowledging(crew: ConsumerGroup) -> None:
    ids = trimmed_ids(crew)
    write_down(crew, ids)
    crew.ack(*ids)


def by_xclaim(crew: ConsumerGroup) -> None:
    ids = trimmed_ids(crew)
    write_down(crew, reversed(ids))
    crew.consumer("jon").claim(ids)


def all_are_called_lost(crew: ConsumerGroup) -> None:
    write_down(crew, [held.id for held in crew.pending_entries(count=1000)])
    sweep(crew, note=False)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda crew: None, "160 trimmed entries are"),
        (
            lambda crew: crew.ack(*(held.id for held in crew.pending_entries(count=1000))),
            "work is lost",
        ),
        (lambda crew: crew.delete_consumer("ida"), "work is lost"),
        (lambda crew: stream_of(crew).trim(maxlen=0), "other entries than before"),
        (lambda crew: crew.destroy(), "group was deleted"),
        (lambda crew: stream_of(crew).client.delete("attic"), "group was deleted"),
        (
            lambda crew: stream_of(crew).client.set("attic", "no stream"),
            "Start again with new_attic",
        ),
        (lambda crew: crew.consumer("jon").autoclaim(min_idle_ms=0), "60 trimmed entries are"),
        (lambda crew: sweep(crew, pages=1), "60 trimmed entries are"),
        (lambda crew: crew.ack(*trimmed_ids(crew)[:159]), "1 trimmed entry is"),
        (lambda crew: stream_of(crew).delete(*trimmed_ids(crew)), "160 trimmed entries are"),
        (lambda crew: sweep(crew, note=False), "160 trimmed IDs are not on the list"),
        (lambda crew: crew.ack(*trimmed_ids(crew)), "160 trimmed IDs are not on the list"),
        (lambda crew: (sweep(crew), write_down(crew, ["1-0"])), "once, and nothing else"),
        (
            lambda crew: (write_down(crew, trimmed_ids(crew)[:1]), sweep(crew)),
            "once, and nothing else",
        ),
        (all_are_called_lost, "once, and nothing else"),
        (lambda crew: (sweep(crew), crew.consumer("jon").read()), "20 entries that were waiting"),
        (
            lambda crew: (crew.destroy(), crew.create("0"), crew.consumer("ida").read()),
            "20 entries that were waiting",
        ),
        (by_acknowledging, ""),
        (by_xclaim, ""),
        (lambda crew: sweep(crew, count=7), ""),
        (sweep, ""),
    ],
)
def test_only_trimmed_entries_leave_the_attic(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], object], hint: str
) -> None:
    crew = exercise.new_attic(redis)
    answer(crew)
    verdict = exercise.check_attic(crew)
    assert verdict.right is (hint == "")
    assert hint in verdict.text
