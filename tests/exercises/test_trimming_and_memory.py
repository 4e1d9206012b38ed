"""The checks of notebook 06 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
import redis as redis_py

from exercises import trimming_and_memory as exercise
from exercises.verdict import stream_of
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import GroupInfo, PendingEntry
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


def two_infos_for_pending_and_cursor(belt: Stream) -> None:
    belt.trim(
        minid=min(
            group.pending().min_id
            if group.info().pending
            else group.info().last_delivered_id.next()  # type: ignore[type-var]
            for group in groups(belt)
        )
    )


def consumers_before_the_cursor(belt: Stream) -> None:
    def first(group: ConsumerGroup) -> EntryId:
        if any(one.pending for one in group.consumers()):
            return group.pending().min_id or EntryId.ZERO
        return group.info().last_delivered_id.next()

    belt.trim(minid=min(map(first, groups(belt))))


def full_before_the_cursors(belt: Stream) -> None:
    first = [held.id for group in belt.full(count=0).groups for held in group.pending]
    belt.trim(minid=min(first + [info.last_delivered_id.next() for info in belt.groups()]))


def a_script_before_the_cursors(belt: Stream) -> None:
    script = "return redis.call('XPENDING', KEYS[1], ARGV[1])[2]"
    first = [belt.client.eval(script, 1, belt.key, one.name) for one in belt.groups()]
    cursors = [info.last_delivered_id.next() for info in belt.groups()]
    belt.trim(minid=min(cursors + [EntryId.parse(one.decode()) for one in first if one]))


def own_entries_before_the_cursor(belt: Stream) -> None:
    first = []
    for group in groups(belt):
        held = [e.id for one in group.consumers() for e in group.consumer(one.name).read(after="0")]
        first.append(min(held, default=None) or group.info().last_delivered_id.next())
    belt.trim(minid=min(first))


def commands_by_name_before_the_cursor(belt: Stream) -> None:
    first = []
    for group in groups(belt):
        asked = belt.client.execute_command("XINFO", "GROUPS", belt.key)
        words = [
            one if isinstance(one, dict) else dict(zip(one[::2], one[1::2], strict=True))
            for one in asked
        ]
        (info,) = [one for one in words if one[b"name"] == group.name.encode()]
        held = group.pending().min_id if info[b"pending"] else None
        first.append(held or group.info().last_delivered_id.next())
    belt.trim(minid=min(first))


def with_one_full(belt: Stream) -> None:
    full = belt.full(count=0)
    first = [held.id for group in full.groups for held in group.pending]
    first += [group.info.last_delivered_id.next() for group in full.groups]
    belt.trim(minid=min(first))


def by_the_number_of_those_to_keep(belt: Stream) -> None:
    belt.trim(maxlen=len(belt.range(min(map(oldest_needed, groups(belt))))))


def by_the_length_without_those_before(belt: Stream) -> None:
    first = min(map(oldest_needed, groups(belt)))
    belt.trim(maxlen=belt.length() - len(belt.range("-", f"({first}")))


def by_the_length_in_one_script(belt: Stream) -> None:
    """Count and trim in one step: nothing is added in between."""
    first = min(map(oldest_needed, groups(belt)))
    script = """
    local keep = redis.call('XRANGE', KEYS[1], ARGV[1], '+')
    return redis.call('XTRIM', KEYS[1], 'MAXLEN', '=', #keep)
    """
    belt.client.eval(script, 1, belt.key, str(first))


def _by_the_smallest(order: Callable[[EntryId], Any]) -> Callable[[Stream], None]:
    def trim(belt: Stream) -> None:
        belt.trim(minid=min(map(oldest_needed, groups(belt)), key=order))

    return trim


def all_that_are_smaller_as_one_number(belt: Stream) -> None:
    first = min(map(oldest_needed, groups(belt)))
    before = [one.id for one in belt.range() if one.id.ms << 20 | one.id.seq < first.ms << 20]
    belt.delete(*before, *(one.id for one in belt.range(f"{first.ms}-0", f"({first}")))


def one_page(count: int) -> Callable[[Stream], None]:
    def trim(belt: Stream) -> None:
        first = min(map(oldest_needed, groups(belt)))
        belt.delete(*(one.id for one in belt.range("-", f"({first}", count=count)))

    return trim


def page_by_page(belt: Stream) -> None:
    first = min(map(oldest_needed, groups(belt)))
    while page := belt.range("-", f"({first}", count=10):
        belt.delete(*(one.id for one in page))


def with_names_from_bytes(text: Callable[[bytes], str]) -> Callable[[Stream], None]:
    def trim(belt: Stream) -> None:
        first = []
        for group in belt.client.xinfo_groups(belt.key):
            after = EntryId.parse(group["last-delivered-id"].decode()).next()
            first.append(belt.group(text(group["name"])).pending().min_id or after)
        belt.trim(minid=min(first))

    return trim


def with_names_as_bytes(belt: Stream) -> None:
    first = []
    for group in belt.client.xinfo_groups(belt.key):
        after = EntryId.parse(group["last-delivered-id"].decode()).next()
        held = belt.client.xpending(belt.key, group["name"])["min"]
        first.append(EntryId.parse(held.decode()) if held else after)
    belt.trim(minid=min(first))


def in_one_transaction_by_length(belt: Stream) -> None:
    """Trim only if WATCH noticed no new part since the length was asked for."""
    first = min(map(oldest_needed, groups(belt)))
    with belt.client.pipeline() as watching:
        while True:
            watching.watch(belt.key)
            keep = len(watching.xrange(belt.key, str(first)))
            watching.multi()
            watching.xtrim(belt.key, maxlen=keep, approximate=False)
            with suppress(redis_py.WatchError):
                watching.execute()
                return


def if_watch_notices_nothing(belt: Stream) -> None:
    """Trim only if WATCH noticed no change; but it does not notice what a group reads."""
    with belt.client.pipeline() as watching:
        for _ in range(3):
            watching.watch(belt.key)
            first = []
            for name in [one["name"] for one in watching.xinfo_groups(belt.key)]:
                held = watching.xpending(belt.key, name)["min"]
                (cursor,) = [
                    one["last-delivered-id"]
                    for one in watching.xinfo_groups(belt.key)
                    if one["name"] == name
                ]
                after = EntryId.parse(cursor.decode()).next()
                first.append(EntryId.parse(held.decode()) if held else after)
            watching.multi()
            watching.xtrim(belt.key, minid=str(min(first)), approximate=False)
            with suppress(redis_py.WatchError):
                watching.execute()
                return


def in_one_script(belt: Stream) -> None:
    """Ask and trim in one step; a script of Redis can't compare IDs as text."""
    script = """
    local first
    local function earlier(a, b)
        local x, y = a:match('(%d+)-'), b:match('(%d+)-')
        if x ~= y then return tonumber(x) < tonumber(y) end
        return tonumber(a:match('-(%d+)')) < tonumber(b:match('-(%d+)'))
    end
    for _, one in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
        local group = {}
        for i = 1, #one, 2 do group[one[i]] = one[i + 1] end
        local id = redis.call('XPENDING', KEYS[1], group['name'])[2]
        if not id then
            local next = redis.call('XRANGE', KEYS[1], '(' .. group['last-delivered-id'], '+',
                'COUNT', 1)[1]
            id = next and next[1]
        end
        if id and (not first or earlier(id, first)) then first = id end
    end
    return redis.call('XTRIM', KEYS[1], 'MINID', '=', first)
    """
    belt.client.eval(script, 1, belt.key)


def one_by_one(belt: Stream) -> None:
    first = min(map(oldest_needed, groups(belt)))
    belt.delete(*(str(entry.id) for entry in belt.range("-", f"({first}")))


def one_by_one_with_redis_py(belt: Stream) -> None:
    first = min(map(oldest_needed, groups(belt)))
    belt.client.xdel(belt.key, *(str(entry.id) for entry in belt.range("-", f"({first}")))


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


def by_the_newest_pending(belt: Stream) -> None:
    infos = belt.groups()
    first = [belt.group(one.name).pending().max_id or one.last_delivered_id.next() for one in infos]
    belt.trim(minid=min(first))


def _by_one_of_the_pending(belt: Stream, chosen: Callable[[list[PendingEntry]], object]) -> None:
    first = []
    for info in belt.groups():
        held = belt.group(info.name).pending_entries()
        first.append(chosen(held) if held else info.last_delivered_id.next())
    belt.trim(minid=min(first))  # type: ignore[type-var, arg-type]


def by_the_last_of_the_list(belt: Stream) -> None:
    _by_one_of_the_pending(belt, lambda held: held[-1].id)


def by_the_longest_idle(belt: Stream) -> None:
    _by_one_of_the_pending(belt, lambda held: max(held, key=lambda one: one.idle_ms).id)


def _by_one_consumer(belt: Stream, which: int) -> None:
    first = []
    for info in belt.groups():
        group = belt.group(info.name)
        held = group.pending_entries(consumer=group.consumers()[which].name)
        first.append(held[0].id if held else info.last_delivered_id.next())
    belt.trim(minid=min(first))


def by_the_busiest_consumer(belt: Stream) -> None:
    first = []
    for info in belt.groups():
        group = belt.group(info.name)
        busiest = max(group.consumers(), key=lambda one: one.pending)
        held = group.pending_entries(consumer=busiest.name)
        first.append(held[0].id if held else info.last_delivered_id.next())
    belt.trim(minid=min(first))


def each_consumer_s_oldest(belt: Stream) -> None:
    first = []
    for info in belt.groups():
        group = belt.group(info.name)
        first.append(info.last_delivered_id.next())
        for one in group.consumers():
            first += [held.id for held in group.pending_entries(consumer=one.name, count=1)]
    belt.trim(minid=min(first))


def by_the_smallest_of_the_list(belt: Stream) -> None:
    _by_one_of_the_pending(belt, lambda held: min(one.id for one in held))


def known_groups_only(belt: Stream) -> None:
    first = min(oldest_needed(belt.group(name)) for name in ("paint", "pack", "count"))
    belt.trim(minid=first)


def _groups_that(needs_something: Callable[[GroupInfo], object]) -> Callable[[Stream], None]:
    def trim(belt: Stream) -> None:
        belt.trim(
            minid=min(
                belt.group(info.name).pending().min_id or info.last_delivered_id.next()
                for info in belt.groups()
                if needs_something(info)
            )
        )

    return trim


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (_groups_that(lambda info: info.lag), "The lag of count was nil, which means unknown"),
        (_groups_that(lambda info: info.lag != 0), "It is pending for ship"),
        (_groups_that(lambda info: info.consumers), "such as 1. It is waiting for ship"),
        (_groups_that(lambda info: info.entries_read), "The lag of count was nil, which means"),
        (
            _groups_that(lambda info: info.last_delivered_id != EntryId.ZERO),
            "such as 1. It is waiting for ship",
        ),
        (
            _groups_that(lambda info: info.pending or info.lag),
            "such as 5. It is waiting for count. The lag of count was nil, which means unknown",
        ),
        (
            _groups_that(lambda info: info.pending or info.lag is not None),
            "The lag of count was nil, which means unknown, not 0.",
        ),
        (
            _groups_that(lambda info: info.pending or info.lag is None),
            "such as 1. It is waiting for ship.",
        ),
        (_groups_that(lambda info: info.pending or info.lag is None or info.lag > 0), ""),
        (_groups_that(lambda info: info.pending or info.lag != 0), ""),
        (lambda belt: None, "4 entries are left that no group needs"),
        (lambda belt: belt.trim(minid="5", approximate=True), "so pass `approximate=False`."),
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
        (by_the_newest_pending, "It is pending for ship"),
        (by_the_last_of_the_list, "It is pending for ship"),
        (by_the_longest_idle, "It is pending for ship"),
        (lambda belt: _by_one_consumer(belt, 0), "It is pending for ship"),
        (lambda belt: _by_one_consumer(belt, -1), "It is pending for ship"),
        (by_the_busiest_consumer, "It is pending for ship"),
        (all_that_no_group_needs, "the first needed entry. Remove only"),
        (lambda: None, "calls your function with `belt`: let it take 1 argument."),
        (pending_before_the_cursor, "count read 5 just after question 2 of your function"),
        (all_pending_before_the_cursors, "just after question 2 of your function"),
        (pending_before_the_cursor_by_redis_py, "before you ask what the group has pending"),
        (two_infos_for_pending_and_cursor, "count read 5 just after question 2 of your function"),
        (consumers_before_the_cursor, "count read 5 just after question 2 of your function"),
        (full_before_the_cursors, "count read 5 just after question 1 of your function"),
        (a_script_before_the_cursors, "count read 5 just after question 2 of your function"),
        (own_entries_before_the_cursor, "before you ask what the group has pending"),
        (commands_by_name_before_the_cursor, "just after question 2 of your function"),
        (if_watch_notices_nothing, "count read 5 just after question 2 of your function"),
        (by_pending_and_cursor, ""),
        (with_one_list_of_groups, ""),
        (in_one_transaction, ""),
        (by_reading_on, ""),
        (each_consumer_s_oldest, ""),
        (by_the_smallest_of_the_list, ""),
        (one_by_one, ""),
        (one_by_one_with_redis_py, ""),
        (with_one_full, ""),
        (by_the_number_of_those_to_keep, "a part was added just after question 4 of your function"),
        (by_the_length_without_those_before, "function trimmed 5, which count needs. A length is"),
        (_by_the_smallest(lambda one: one.ms * 1000 + one.seq), "It is pending for café pack"),
        (_by_the_smallest(lambda one: one.ms << 32 | one.seq), "It is pending for café pack"),
        (_by_the_smallest(lambda one: one.ms + one.seq), "It is pending for café pack"),
        (_by_the_smallest(lambda one: one.seq), "gone, such as"),
        (_by_the_smallest(lambda one: float(f"{one.ms}.{one.seq}")), "It is pending for ship"),
        (_by_the_smallest(lambda one: f"{one.ms:06}-{one.seq}"), "It is pending for ship"),
        (all_that_are_smaller_as_one_number, "and compare IDs as two numbers"),
        (one_page(10), "entries are left from long before the first needed one. Remove all"),
        (one_page(100), "entries are left from long before the first needed one. Remove all"),
        (
            with_names_from_bytes(lambda name: str(name)[2:-1]),
            "decode them. A name may have spaces",
        ),
        (
            with_names_from_bytes(lambda name: name.decode("ascii", "ignore")),
            "asked for a group that the belt doesn't have",
        ),
        (with_names_from_bytes(bytes.decode), ""),
        (with_names_as_bytes, ""),
        (page_by_page, ""),
        (_by_the_smallest(lambda one: one.ms << 64 | one.seq), ""),
        (_by_the_smallest(lambda one: [int(part) for part in str(one).split("-")]), ""),
        (by_the_length_in_one_script, ""),
        (in_one_transaction_by_length, ""),
        (in_one_script, ""),
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


def gone_ids(crew: ConsumerGroup) -> list[EntryId]:
    there = {entry.id for entry in stream_of(crew).range()}
    return [held.id for held in crew.pending_entries(count=1000) if held.id not in there]


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
    ids = gone_ids(crew)
    write_down(crew, ids)
    crew.ack(*ids)


def by_xclaim(crew: ConsumerGroup) -> None:
    ids = gone_ids(crew)
    write_down(crew, reversed(ids))
    crew.consumer("jon").claim(ids)


def while_a_page_has_deleted(crew: ConsumerGroup, count: int = 100) -> None:
    page = crew.consumer("jon").autoclaim(min_idle_ms=0, count=count)
    while page.deleted:
        write_down(crew, page.deleted)
        start = str(page.cursor)
        page = crew.consumer("jon").autoclaim(min_idle_ms=0, start=start, count=count)


def until_a_page_claims(crew: ConsumerGroup) -> None:
    start, entries = "0-0", ()
    while not entries:
        page = crew.consumer("jon").autoclaim(min_idle_ms=0, start=start)
        write_down(crew, page.deleted)
        start, entries = str(page.cursor), page.entries  # type: ignore[assignment]


def before_the_first_entry(crew: ConsumerGroup) -> None:
    first = stream_of(crew).info().first_entry
    ids = [held.id for held in crew.pending_entries(count=1000) if first and held.id < first.id]
    write_down(crew, ids)
    crew.ack(*ids)


def up_to_the_last_that_is_gone(crew: ConsumerGroup) -> None:
    last = stream_of(crew).info().max_deleted_entry_id
    ids = [held.id for held in crew.pending_entries(count=1000) if last and held.id <= last]
    write_down(crew, ids)
    crew.ack(*ids)


def with_pages_as_text(crew: ConsumerGroup, text: Callable[[tuple[EntryId, ...]], str]) -> None:
    start = ""
    while start != "0-0":
        page = crew.consumer("jon").autoclaim(min_idle_ms=0, start=start or "0-0")
        if page.deleted:
            write_down(crew, [text(page.deleted)])
        start = str(page.cursor)


def _gone_by(part: Callable[[EntryId], object]) -> Callable[[ConsumerGroup], None]:
    """Tell IDs apart by a part of them."""

    def sweep_by(crew: ConsumerGroup) -> None:
        there = {part(entry.id) for entry in stream_of(crew).range()}
        held = [one.id for one in crew.pending_entries(count=1000)]
        ids = [one for one in held if part(one) not in there]
        if ids:
            write_down(crew, ids)
            crew.ack(*ids)

    return sweep_by


def _before_the_first_by(order: Callable[[EntryId], Any]) -> Callable[[ConsumerGroup], None]:
    """Drop what comes before the first that exists, in an order, and the one that was deleted."""

    def sweep_by(crew: ConsumerGroup) -> None:
        stream = stream_of(crew)
        first, deleted = stream.range(count=1)[0].id, stream.info().max_deleted_entry_id
        held = [one.id for one in crew.pending_entries(count=1000)]
        ids = [one for one in held if order(one) < order(first) or one == deleted]
        write_down(crew, ids)
        crew.ack(*ids)

    return sweep_by


def all_are_called_lost(crew: ConsumerGroup) -> None:
    write_down(crew, [held.id for held in crew.pending_entries(count=1000)])
    sweep(crew, note=False)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda crew: None, "{all} entries that the stream no longer has are"),
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
        (lambda crew: crew.consumer("jon").autoclaim(min_idle_ms=0), "{rest} entries that the"),
        (lambda crew: sweep(crew, pages=1), "{rest} entries that the"),
        (lambda crew: sweep(crew, pages=2), "1 entry that the stream no longer has is"),
        (while_a_page_has_deleted, "1 entry that the stream no longer has is"),
        (lambda crew: while_a_page_has_deleted(crew, 30), "A page may have none to drop"),
        (until_a_page_claims, "1 entry that the stream no longer has is"),
        (before_the_first_entry, "1 entry that the stream no longer has is"),
        (up_to_the_last_that_is_gone, "no longer pending. The work is lost"),
        (lambda crew: with_pages_as_text(crew, str), "as an element of its own"),
        (
            lambda crew: with_pages_as_text(crew, lambda ids: " ".join(map(str, ids[1:]))),
            "as an element of its own",
        ),
        (
            lambda crew: (write_down(crew, map(repr, gone_ids(crew))), sweep(crew, note=False)),
            "Append each ID as text",
        ),
        (lambda crew: crew.ack(*gone_ids(crew)[1:]), "1 entry that the stream no longer has is"),
        (lambda crew: stream_of(crew).delete(*gone_ids(crew)), "{all} entries that the stream"),
        (lambda crew: sweep(crew, note=False), "{all} dropped IDs are not on the list"),
        (lambda crew: crew.ack(*gone_ids(crew)), "{all} dropped IDs are not on the list"),
        (lambda crew: (sweep(crew), write_down(crew, ["1-0"])), "once, and nothing else"),
        (
            lambda crew: (write_down(crew, gone_ids(crew)[:1]), sweep(crew)),
            "once, and nothing else",
        ),
        (all_are_called_lost, "once, and nothing else"),
        (lambda crew: (sweep(crew), crew.consumer("jon").read()), "30 entries that were waiting"),
        (
            lambda crew: (crew.destroy(), crew.create("0"), crew.consumer("ida").read()),
            "30 entries that were waiting",
        ),
        (_gone_by(lambda one: one.ms), "Others with the same milliseconds exist"),
        (_gone_by(lambda one: one.seq), "that the stream no longer has are still pending"),
        (_gone_by(lambda one: f"{one.ms}{one.seq}"), "that the stream no longer has"),
        (_gone_by(lambda one: float(f"{one.ms}.{one.seq}")), "so compare whole IDs"),
        (_gone_by(lambda one: one.ms + one.seq / 2**64), "no longer has are still pending"),
        (_before_the_first_by(str), "Compare IDs as two numbers, not as text"),
        (_before_the_first_by(lambda one: (one.ms, str(one.seq))), "so compare whole IDs"),
        (_before_the_first_by(lambda one: one.ms), "so compare whole IDs"),
        (
            _before_the_first_by(lambda one: one.ms * 1000 + one.seq),
            "that the stream no longer has are still pending",
        ),
        (_gone_by(str), ""),
        (_gone_by(lambda one: (one.ms, one.seq)), ""),
        (_before_the_first_by(lambda one: one.ms << 64 | one.seq), ""),
        (by_acknowledging, ""),
        (by_xclaim, ""),
        (lambda crew: sweep(crew, count=7), ""),
        (sweep, ""),
    ],
)
def test_only_what_is_gone_leaves_the_attic(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], object], hint: str
) -> None:
    crew = exercise.new_attic(redis)
    number = len(gone_ids(crew))
    answer(crew)
    verdict = exercise.check_attic(crew)
    assert verdict.right is (hint == "")
    assert hint.format(all=number, rest=number - 100) in verdict.text


def test_the_next_attic_has_lost_another_number_of_boxes(redis: redis_py.Redis) -> None:
    numbers = [len(gone_ids(exercise.new_attic(redis))) for _ in range(6)]
    assert all(one > 100 for one in numbers), "one page of XAUTOCLAIM is not enough"
    assert all(one != other for one, other in pairwise(numbers))
    for number in numbers:
        crew = exercise.new_attic(redis)
        gone = gone_ids(crew)
        trimmed = [held.id for held in crew.pending_entries(count=number - 1)]
        counted, right = [*trimmed, gone[-1]], number == len(gone)
        write_down(crew, counted)
        crew.ack(*counted)
        assert exercise.check_attic(crew).right is right


def the_rest_delivered_anew(crew: ConsumerGroup) -> None:
    ids = gone_ids(crew)
    write_down(crew, ids)
    crew.delete_consumer("ida")
    crew.set_id(str(ids[-2]))  # the newest that is gone was deleted, all others trimmed
    crew.consumer("jon").read(330 - len(ids))


def the_group_made_anew(crew: ConsumerGroup) -> None:
    ids = gone_ids(crew)
    write_down(crew, ids)
    crew.destroy()
    crew.create(str(ids[-2]))
    crew.consumer("ida").read(330 - len(ids))
    crew.consumer("ida").read(after="0")


def acknowledged_and_claimed_by_force(crew: ConsumerGroup) -> None:
    ids, gone = [held.id for held in crew.pending_entries(count=1000)], gone_ids(crew)
    crew.ack(*ids)
    write_down(crew, gone)
    crew.consumer("jon").claim([one for one in ids if one not in gone], force=True)


@pytest.mark.parametrize(
    "answer", [the_rest_delivered_anew, the_group_made_anew, acknowledged_and_claimed_by_force]
)
def test_what_is_delivered_anew_was_not_kept_pending(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], object]
) -> None:
    crew = exercise.new_attic(redis)
    answer(crew)
    verdict = exercise.check_attic(crew)
    assert not verdict.right
    assert re.search(r"\d boxes were delivered anew.* been delivered [3-9] times", verdict.text)


def by_claiming_without_delivery(crew: ConsumerGroup) -> None:
    page = crew.consumer("jon").autoclaim(min_idle_ms=0, count=1000, justid=True)
    write_down(crew, page.deleted)


def by_lists_of_both(crew: ConsumerGroup) -> None:
    there = {entry.id for entry in stream_of(crew).range()}
    for held in crew.pending_entries(count=1000):
        if held.id not in there:
            write_down(crew, [held.id])
    crew.ack(*(held.id for held in crew.pending_entries(count=1000) if held.id not in there))


def by_reading_again(crew: ConsumerGroup) -> None:
    pending = [held.id for held in crew.pending_entries(count=1000)]
    there = {entry.id for entry in crew.consumer("ida").read(1000, after="0")}
    lost = [one for one in pending if one not in there]
    write_down(crew, lost)
    crew.ack(*lost)


def each_by_itself(crew: ConsumerGroup) -> None:
    for held in crew.pending_entries(count=1000):
        if not stream_of(crew).range(str(held.id), str(held.id)):
            write_down(crew, [held.id])
            crew.ack(held.id)


def by_pages_that_claim_nothing(crew: ConsumerGroup) -> None:
    start = ""
    while start != "0-0":
        page = crew.consumer("jon").autoclaim(min_idle_ms=3_600_000, start=start or "0-0")
        if page.deleted:
            write_down(crew, page.deleted)
        start = str(page.cursor)


def until_all_that_is_pending_exists(crew: ConsumerGroup) -> None:
    start = "0-0"
    while gone := gone_ids(crew):
        page = crew.consumer("jon").autoclaim(min_idle_ms=0, start=start, justid=True)
        assert {*page.deleted} <= {*gone}
        if page.deleted:
            write_down(crew, page.deleted)
        start = str(page.cursor)


@pytest.mark.parametrize(
    "answer",
    [
        by_claiming_without_delivery,
        by_lists_of_both,
        by_reading_again,
        each_by_itself,
        by_pages_that_claim_nothing,
        until_all_that_is_pending_exists,
    ],
)
def test_unusual_ways_to_clean_the_attic_are_right(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], object]
) -> None:
    crew = exercise.new_attic(redis)
    answer(crew)
    verdict = exercise.check_attic(crew)
    assert verdict.right, verdict
