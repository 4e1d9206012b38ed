"""The checks of notebook 04 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import redis as redis_py

from exercises import consumer_groups as exercise
from exercises import journal, meanwhile
from exercises.verdict import stream_of
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.client.stream import Stream

MAXS = ["16-0"]


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    meanwhile.stop("ledger")
    redis.delete("ledger", "chores", "crew:done")


def test_the_audit_needs_the_newest_end_and_the_count(redis: redis_py.Redis) -> None:
    ledger = exercise.new_ledger(redis)
    assert "no group" in repr(exercise.check_audit(ledger))
    for start, entries_read, hint in [
        ("$", None, "a lag of nil"),
        ("last", None, "how many entries were ever added up to the group's cursor"),
        ("0", 0, "the group would get"),
        ("$", "len", "a lag of"),
        ("$", 0, "a lag of"),
        ("$", "ms", "a lag of"),
        ("$", "field", "a lag of"),
        ("$", "too many", "ENTRIESREAD says that 1000"),
        ("4-0", "added", "the group would get"),
        ("0", "added", "the group would get"),
        ("1-0", "added", "the group would get"),
        ("$", "added", "take the cursor and the number from one reply"),
        ("$", "one more", "take the cursor and the number from one reply"),
        ("last", "one more", "entries were added before, but"),
        ("last", "added", ""),
    ]:
        ledger = exercise.new_ledger(redis)
        info = ledger.info()
        last, field = info.last_generated_id, ledger.reverse_range(count=1)[0].fields["entry"]
        numbers = {"len": len(ledger), "added": info.entries_added}
        numbers |= {"one more": (info.entries_added or 0) + 1}
        numbers |= {"ms": last.ms, "field": int(field), "too many": 1000}
        where = str(last) if start == "last" else start
        ledger.group("audit").create(where, entries_read=numbers.get(entries_read, entries_read))
        ledger.add_many([{"entry": "a"}, {"entry": "b"}])
        verdict = exercise.check_audit(ledger)
        assert verdict.right is (hint == ""), start
        assert hint in verdict.text


def test_the_audit_may_be_made_with_redis_py_or_moved_afterwards(redis: redis_py.Redis) -> None:
    for right in (True, False):
        ledger = exercise.new_ledger(redis)
        info = redis.xinfo_stream("ledger")
        last = info["last-generated-id"] if right else "$"
        redis.xgroup_create("ledger", "audit", last, entries_read=info["entries-added"])
        ledger.add_many([{"entry": "a"}, {"entry": "b"}])
        verdict = exercise.check_audit(ledger)
        assert verdict.right is right
        assert right or "from one reply" in verdict.text
    ledger = exercise.new_ledger(redis)
    ledger.group("audit").create("$")
    info = ledger.info()
    ledger.group("audit").set_id(info.last_generated_id, entries_read=info.entries_added)
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    assert exercise.check_audit(ledger).right


def test_a_question_before_the_answer_changes_no_verdict(redis: redis_py.Redis) -> None:
    ledger = exercise.new_ledger(redis)
    ledger.info()
    info = ledger.info()
    ledger.group("audit").create(info.last_generated_id, entries_read=info.entries_added)
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    verdict = exercise.check_audit(ledger)
    assert verdict.right
    assert verdict.text.endswith("Two are yours, and another client added the rest.")

    ledger = exercise.new_ledger(redis)
    ledger.info()
    ledger.group("audit").create("$", entries_read=ledger.info().entries_added)
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    assert "from one reply" in exercise.check_audit(ledger).text

    ledger = exercise.new_ledger(redis)
    ledger.info()
    last = ledger.range()[-1].id
    ledger.group("audit").create(last, entries_read=ledger.info().entries_added)
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    assert "entries were added before, but" in exercise.check_audit(ledger).text

    ledger = exercise.new_ledger(redis)
    ledger.group("audit").create("$")
    ledger.group("audit").set_id("$", entries_read=ledger.info().entries_added)
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    assert "from one reply" in exercise.check_audit(ledger).text


def back_from_its_own(ledger: Stream) -> None:
    first = ledger.add({"entry": "a"})
    ledger.add({"entry": "b"})
    before = (ledger.info().entries_added or 0) - 2
    ledger.group("audit").create(first.previous(), entries_read=before)


def back_from_its_own_pipeline(ledger: Stream) -> None:
    with ledger.client.pipeline(transaction=False) as both:
        both.xadd("ledger", {"entry": "a"})
        both.xadd("ledger", {"entry": "b"})
        first = EntryId.parse(both.execute()[0].decode())
    before = (ledger.info().entries_added or 0) - 2
    ledger.group("audit").create(first.previous(), entries_read=before)


def back_from_its_own_by_redis_py(ledger: Stream) -> None:
    client = ledger.client
    first = EntryId.parse(client.xadd("ledger", {"entry": "a"}).decode())
    client.xadd("ledger", {"entry": "b"})
    before = client.xinfo_stream("ledger")["entries-added"] - 2
    client.xgroup_create("ledger", "audit", str(first.previous()), entries_read=before)


def moved_back_from_the_end(ledger: Stream) -> None:
    audit = ledger.group("audit")
    audit.create("$")
    cursor = audit.info().last_delivered_id
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    audit.set_id(cursor, entries_read=(ledger.info().entries_added or 0) - 2)


@pytest.mark.parametrize(
    "answer",
    [
        back_from_its_own,
        back_from_its_own_pipeline,
        back_from_its_own_by_redis_py,
        moved_back_from_the_end,
    ],
)
def test_the_audit_can_t_count_back_from_its_own_entries(
    redis: redis_py.Redis, answer: Callable[[Stream], None]
) -> None:
    ledger = exercise.new_ledger(redis)
    answer(ledger)
    verdict = exercise.check_audit(ledger)
    assert not verdict.right
    assert "Another client adds entries, too" in verdict.text


def added_before_the_group(ledger: Stream) -> None:
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    info = ledger.info()
    ledger.group("audit").create(info.last_generated_id, entries_read=info.entries_added)
    ledger.range()  # after each question, another client adds one


def one_added_before_the_group(ledger: Stream) -> None:
    ledger.add({"entry": "a"})
    info = ledger.info()
    ledger.group("audit").create(info.last_generated_id, entries_read=info.entries_added)
    ledger.add({"entry": "b"})


def moved_behind_its_own(ledger: Stream) -> None:
    ledger.group("audit").create("$")
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    info = ledger.info()
    ledger.group("audit").set_id(info.last_generated_id, entries_read=info.entries_added)
    ledger.range()


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        (added_before_the_group, 2),
        (one_added_before_the_group, 1),
        (moved_behind_its_own, 2),
    ],
)
def test_the_audit_wants_its_own_entries_after_the_group(
    redis: redis_py.Redis, answer: Callable[[Stream], None], number: int
) -> None:
    ledger = exercise.new_ledger(redis)
    answer(ledger)
    verdict = exercise.check_audit(ledger)
    assert not verdict.right
    assert f"the group would not get {number} of your two entries" in verdict.text


def in_one_transaction(ledger: Stream) -> None:
    with ledger.client.pipeline(transaction=True) as both:
        both.xadd("ledger", {"entry": "a"})
        both.xadd("ledger", {"entry": "b"})
        both.xinfo_stream("ledger")
        first, _, info = both.execute()
    before = EntryId.parse(first.decode()).previous()
    ledger.group("audit").create(before, entries_read=info["entries-added"] - 2)


def with_the_waiting_counted(ledger: Stream) -> None:
    audit = ledger.group("audit")
    audit.create("$")
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    cursor, info = audit.info().last_delivered_id, ledger.info()
    waiting = [one for one in ledger.range(f"({cursor}") if one.id <= info.last_generated_id]
    audit.set_id(cursor, entries_read=(info.entries_added or 0) - len(waiting))


def in_one_script(ledger: Stream) -> None:
    script = """
    local info, of = redis.call('XINFO', 'STREAM', KEYS[1]), {}
    for i = 1, #info, 2 do of[info[i]] = info[i + 1] end
    redis.call('XGROUP', 'CREATE', KEYS[1], 'audit', '$', 'ENTRIESREAD', of['entries-added'])
    """
    ledger.client.eval(script, 1, "ledger")
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])


@pytest.mark.parametrize("answer", [in_one_transaction, with_the_waiting_counted, in_one_script])
def test_an_audit_that_leaves_out_what_others_add_is_right(
    redis: redis_py.Redis, answer: Callable[[Stream], None]
) -> None:
    ledger = exercise.new_ledger(redis)
    answer(ledger)
    verdict = exercise.check_audit(ledger)
    assert verdict.right, verdict.text


def test_the_audit_wants_two_new_entries(redis: redis_py.Redis) -> None:
    for number in (0, 1, 3):
        ledger = exercise.new_ledger(redis)
        info = ledger.info()
        ledger.group("audit").create(info.last_generated_id, entries_read=info.entries_added)
        ledger.add_many([{"entry": "a"}] * number)
        assert "Add exactly two" in repr(exercise.check_audit(ledger))


def test_a_ledger_that_is_gone_or_no_stream_is_a_hint(redis: redis_py.Redis) -> None:
    ledger = exercise.new_ledger(redis)
    redis.delete("ledger")
    assert "no group" in exercise.check_audit(ledger).text
    redis.set("ledger", "text")
    assert "new_ledger" in exercise.check_audit(ledger).text


@pytest.mark.parametrize("start", ["0", "$"])
def test_the_audit_may_swallow_nothing(redis: redis_py.Redis, start: str) -> None:
    ledger = exercise.new_ledger(redis)
    audit = ledger.group("audit")
    audit.create(start)
    audit.consumer("x").read(1000, noack=True)
    audit.delete_consumer("x")
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    assert "audit has read entries already" in exercise.check_audit(ledger).text


def test_a_consumer_that_waits_and_a_read_before_the_last_try_are_no_fault(
    redis: redis_py.Redis,
) -> None:
    ledger = exercise.new_ledger(redis)
    audit, other = ledger.group("audit"), ledger.group("other")
    for group in (audit, other):
        group.create("0")
        group.consumer("x").read()
    audit.destroy()
    info = ledger.info()
    audit.create(info.last_generated_id, entries_read=info.entries_added)
    audit.create_consumer("x")
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    assert exercise.check_audit(ledger).right


def entries_of_zoe(crew: ConsumerGroup) -> list[Entry]:
    return [entry for entry in stream_of(crew).range() if str(entry.id) not in MAXS]


def held_by_zoe(crew: ConsumerGroup) -> list[EntryId]:
    return [held.id for held in crew.pending_entries(consumer="zoe", count=1000)]


def from_memory(crew: ConsumerGroup) -> None:
    tasks = [entry.fields["task"] for entry in stream_of(crew).range()]
    crew.connection.client.rpush("crew:done", *tasks)


def take(crew: ConsumerGroup, *, write: bool = True, ack_first: bool = False) -> None:
    for entry in crew.consumer("max").autoclaim(min_idle_ms=0, count=1000).entries:
        if ack_first:
            crew.ack(entry.id)
        if write:
            crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)


def ack_all(crew: ConsumerGroup, consumer: str | None = None) -> None:
    crew.ack(*(held.id for held in crew.pending_entries(consumer=consumer, count=1000)))


def right(crew: ConsumerGroup) -> None:
    take(crew)
    crew.delete_consumer("zoe")


def by_xclaim(crew: ConsumerGroup) -> None:
    while ids := [held.id for held in crew.pending_entries()]:
        for entry in crew.consumer("max").claim(ids):
            crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(*ids)
    crew.delete_consumer("zoe")


def all_claimed_before_the_first_is_done(crew: ConsumerGroup) -> None:
    """Do the last task first, and acknowledge at the end in the order of the IDs."""
    entries = crew.consumer("max").claim(held_by_zoe(crew))
    for entry in reversed(entries):
        crew.connection.client.rpush("crew:done", entry.fields["task"])
    crew.ack(*entries)
    crew.delete_consumer("zoe")


def the_last_one_first(crew: ConsumerGroup) -> None:
    for one in reversed(held_by_zoe(crew)):
        do(crew, crew.consumer("max").claim([one]))
    crew.delete_consumer("zoe")


def the_first_one_creates_the_list(crew: ConsumerGroup) -> None:
    client, push = crew.connection.client, "RPUSH"
    for entry in crew.consumer("max").claim(held_by_zoe(crew)):
        client.execute_command(push, "crew:done", entry.fields["task"])
        crew.ack(entry.id)
        push = "LPUSHX" if push == "RPUSHX" else "RPUSHX"
    crew.delete_consumer("zoe")


def each_is_put_before_the_first(crew: ConsumerGroup) -> None:
    client, first = crew.connection.client, ""
    for entry in crew.consumer("max").claim(held_by_zoe(crew)):
        task = entry.fields["task"]
        if first:
            client.linsert("crew:done", "BEFORE", first, task)
        else:
            client.lpush("crew:done", first := task)
        crew.ack(entry.id)
    crew.delete_consumer("zoe")


def in_one_transaction(crew: ConsumerGroup) -> None:
    client = crew.connection.client
    for entry in crew.consumer("max").autoclaim(min_idle_ms=0, count=1000).entries:
        with client.pipeline(transaction=True) as both:
            both.xack("chores", "crew", str(entry.id))
            both.rpush("crew:done", entry.fields["task"])
            both.execute()
    crew.delete_consumer("zoe")


def only_zoes(crew: ConsumerGroup) -> None:
    while ids := [held.id for held in crew.pending_entries(consumer="zoe")]:
        do(crew, crew.consumer("max").claim(ids))
    crew.delete_consumer("zoe")


def without_the_entries(crew: ConsumerGroup) -> None:
    """Claim with JUSTID, delete zoe while max holds its tasks, and only then do them."""
    for one in held_by_zoe(crew):
        crew.consumer("max").claim([one], justid=True)
    crew.delete_consumer("zoe")
    for entry in entries_of_zoe(crew):
        crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)


def claimed_with_the_work(crew: ConsumerGroup) -> None:
    """Do a task, claim it and acknowledge it in one step: nothing can come between."""
    for entry in entries_of_zoe(crew):
        with crew.connection.client.pipeline(transaction=True) as step:
            step.rpush("crew:done", entry.fields["task"])
            step.xclaim("chores", "crew", "max", 0, [str(entry.id)])
            step.xack("chores", "crew", str(entry.id))
            step.execute()
    crew.delete_consumer("zoe")


def with_a_minimum_of_a_minute(crew: ConsumerGroup) -> None:
    """Ask as one would in production: zoe's tasks are old enough, max's own isn't."""
    for entry in crew.consumer("max").autoclaim(min_idle_ms=60_000, count=1000).entries:
        crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)
    assert [held.consumer for held in crew.pending_entries()] == ["max"]
    crew.delete_consumer("zoe")


def through_tom(crew: ConsumerGroup) -> None:
    """Let max claim what tom has claimed."""
    ids = held_by_zoe(crew)
    crew.consumer("tom").claim(ids)
    only_zoes_of(crew, ids)


def with_ids_as_numbers(crew: ConsumerGroup) -> None:
    client = crew.connection.client
    ids: list[Any] = [str(one) if one.seq else one.ms for one in held_by_zoe(crew)]
    for entry_id, fields in client.xclaim("chores", "crew", "max", 0, ids):
        client.rpush("crew:done", fields[b"task"])
        client.xack("chores", "crew", entry_id)
    crew.delete_consumer("zoe")


def only_zoes_of(crew: ConsumerGroup, ids: list[EntryId], min_idle_ms: int = 0) -> None:
    """Claim these, and do all of zoe's, whether the claim took them or not."""
    crew.consumer("max").claim(ids, min_idle_ms)
    for entry in entries_of_zoe(crew):
        crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)
    crew.delete_consumer("zoe")


def in_pages_of(
    count: int, *, idle_ms: int = 0, to_the_end: bool = True
) -> Callable[[ConsumerGroup], None]:
    """Claim in pages; without `to_the_end`, stop at the last page before it is handled."""

    def answer(crew: ConsumerGroup) -> None:
        start, cursor = "0", ""
        while cursor != "0-0":
            page = crew.consumer("max").autoclaim(min_idle_ms=idle_ms, start=start, count=count)
            start = cursor = str(page.cursor)
            if cursor == "0-0" and not to_the_end:
                break
            do(crew, page.entries)
        crew.delete_consumer("zoe")

    return answer


def do(crew: ConsumerGroup, entries: Iterable[Entry]) -> None:
    for entry in entries:
        crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)


def a_page_of(count: int) -> Callable[[ConsumerGroup], None]:
    def answer(crew: ConsumerGroup) -> None:
        do(crew, crew.consumer("max").autoclaim(min_idle_ms=60_000, count=count).entries)
        crew.delete_consumer("zoe")

    return answer


def one_page_of_its_list(crew: ConsumerGroup) -> None:
    ids = [held.id for held in crew.pending_entries(consumer="zoe")]
    do(crew, crew.consumer("max").claim(ids))
    crew.delete_consumer("zoe")


def one_page_and_zoe_stays(crew: ConsumerGroup) -> None:
    ids = [held.id for held in crew.pending_entries(consumer="zoe")]
    do(crew, crew.consumer("max").claim(ids))


def unless_it_is_on_the_list(crew: ConsumerGroup) -> None:
    client = crew.connection.client
    for entry in crew.consumer("max").claim(held_by_zoe(crew)):
        if client.lpos("crew:done", entry.fields["task"]) is None:
            client.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)
    crew.delete_consumer("zoe")


def each_number_once(crew: ConsumerGroup) -> None:
    entries = crew.consumer("max").claim(held_by_zoe(crew))
    crew.connection.client.rpush("crew:done", *{entry.fields["task"] for entry in entries})
    crew.ack(*entries)
    crew.delete_consumer("zoe")


def a_dict_by_number(crew: ConsumerGroup) -> None:
    """Acknowledge only one of the tasks with the same number, which drops the others."""
    entries = {e.fields["task"]: e for e in crew.consumer("max").claim(held_by_zoe(crew))}
    do(crew, entries.values())
    crew.delete_consumer("zoe")


def twins_acknowledged_together(crew: ConsumerGroup) -> None:
    """Do the first of two equal tasks, acknowledge both, and do the second only then."""
    first, second, *others = crew.consumer("max").claim(held_by_zoe(crew))
    crew.connection.client.rpush("crew:done", first.fields["task"])
    crew.ack(first.id, second.id)
    crew.connection.client.rpush("crew:done", second.fields["task"])
    do(crew, others)
    crew.delete_consumer("zoe")


def pushed_where_no_list_is(crew: ConsumerGroup) -> None:
    client, entries = crew.connection.client, crew.consumer("max").claim(held_by_zoe(crew))
    client.rpushx("crew:done", entries[0].fields["task"])  # type: ignore[arg-type]
    crew.ack(entries[0].id)
    do(crew, entries)
    crew.delete_consumer("zoe")


def all_but_the_last_three(crew: ConsumerGroup) -> None:
    ids = [held.id for held in crew.pending_entries(count=1000)][:-3]
    do(crew, crew.consumer("max").claim(ids))
    crew.delete_consumer("zoe")


def all_but_the_first_three(crew: ConsumerGroup) -> None:
    ids = [held.id for held in crew.pending_entries(count=1000)][3:]
    do(crew, crew.consumer("max").claim(ids))
    crew.delete_consumer("zoe")


def as_many_as_zoe_holds(crew: ConsumerGroup) -> None:
    number = crew.pending().consumers["zoe"]
    do(crew, crew.consumer("max").autoclaim(min_idle_ms=0, count=number).entries)
    crew.delete_consumer("zoe")


def until_max_holds_its_own(crew: ConsumerGroup) -> None:
    """Stop at the first entry that is not zoe's, as if zoe's came first."""
    for held in crew.pending_entries(count=1000):
        if held.consumer != "zoe":
            break
        do(crew, crew.consumer("max").claim([held.id]))
    crew.delete_consumer("zoe")


@pytest.mark.parametrize(
    "answer",
    [
        in_pages_of(1, idle_ms=300_000),
        in_pages_of(2),
        right,
        with_a_minimum_of_a_minute,
        through_tom,
        with_ids_as_numbers,
        by_xclaim,
        all_claimed_before_the_first_is_done,
        the_last_one_first,
        the_first_one_creates_the_list,
        each_is_put_before_the_first,
        in_one_transaction,
        only_zoes,
        without_the_entries,
        claimed_with_the_work,
    ],
)
def test_the_estate_is_claimed_done_and_acknowledged(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], None]
) -> None:
    crew = exercise.new_crew(redis)
    answer(crew)
    assert exercise.check_tasks(crew).right


def write_and_ack_all(crew: ConsumerGroup) -> None:
    for held in crew.pending_entries(count=1000):
        (entry,) = stream_of(crew).range(held.id, held.id)
        crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(held.id)
    crew.delete_consumer("zoe")


def write_and_drop_zoes(crew: ConsumerGroup) -> None:
    tasks = [entry.fields["task"] for entry in entries_of_zoe(crew)]
    crew.connection.client.rpush("crew:done", *tasks)
    crew.delete_consumer("zoe")


def write_max_s_own(crew: ConsumerGroup) -> None:
    (entry,) = stream_of(crew).range(*MAXS, *MAXS)
    crew.connection.client.rpush("crew:done", entry.fields["task"])


def all_between_her_first_and_her_last(crew: ConsumerGroup) -> None:
    client = crew.connection.client
    while hers := held_by_zoe(crew):
        crew.consumer("max").claim(hers)
        for entry in stream_of(crew).range(hers[0], hers[-1]):
            client.rpush("crew:done", entry.fields["task"])
        crew.ack(*hers)
    crew.delete_consumer("zoe")


def again(crew: ConsumerGroup) -> None:
    client = crew.connection.client
    client.rpush("crew:done", client.lindex("crew:done", 0))  # type: ignore[arg-type]


def work_before_the_claim(crew: ConsumerGroup) -> None:
    ids = held_by_zoe(crew)
    for one in ids:
        (entry,) = stream_of(crew).range(one, one)
        crew.connection.client.rpush("crew:done", entry.fields["task"])
    crew.consumer("max").claim(ids)
    crew.ack(*ids)
    crew.delete_consumer("zoe")


def claimed_too_soon(crew: ConsumerGroup, before: Callable[[ConsumerGroup], object]) -> None:
    """Ask for entries that have been idle for a minute, although something made them young."""
    ids = held_by_zoe(crew)
    before(crew)
    only_zoes_of(crew, ids, 60_000)


def claimed_by(name: str) -> Callable[[ConsumerGroup], object]:
    return lambda crew: crew.consumer(name).claim(held_by_zoe(crew))


def made_again(crew: ConsumerGroup) -> None:
    for one in crew.consumers():
        crew.delete_consumer(one.name)
    crew.create_consumer("max")


def max_is_deleted_at_last(crew: ConsumerGroup) -> None:
    for entry in crew.consumer("max").autoclaim(min_idle_ms=0, count=1000).entries:
        crew.connection.client.rpush("crew:done", entry.fields["task"])
    made_again(crew)


def emptied_and_filled_again(crew: ConsumerGroup) -> None:
    client = crew.connection.client
    entries = crew.consumer("max").autoclaim(min_idle_ms=0, count=1000).entries
    for entry in entries:
        client.rpush("crew:done", entry.fields["task"])
    client.delete("crew:done")
    crew.ack(*entries)
    client.rpush("crew:done", *(entry.fields["task"] for entry in entries))
    crew.delete_consumer("zoe")


def add_again(crew: ConsumerGroup) -> None:
    stream = stream_of(crew)
    for one in held_by_zoe(crew):
        (entry,) = stream.range(one, one)
        stream.add(entry.fields)
        crew.ack(one)
    for entry in crew.consumer("max").read(1000):
        stream.client.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)
    crew.delete_consumer("zoe")


Note = Callable[[Any, str, str], object]


def noting(note: Note) -> Callable[[ConsumerGroup], None]:
    def answer(crew: ConsumerGroup) -> None:
        client = stream_of(crew).client
        for entry in crew.consumer("max").autoclaim(min_idle_ms=0, count=1000).entries:
            task = entry.fields["task"]
            if note(client, str(entry.id), task):
                client.rpush("crew:done", task)
            crew.ack(entry.id)
        crew.delete_consumer("zoe")
        client.delete("crew:seen", *client.keys("seen:*"))

    return answer


def done_and_noted_together(client: Any, one: str, task: str) -> bool:
    if not client.sismember("crew:seen", one):
        with client.pipeline(transaction=True) as both:
            both.sadd("crew:seen", one).rpush("crew:done", task).execute()
    return False


def done_and_then_noted(client: Any, one: str, task: str) -> bool:
    if not client.hexists("crew:seen", one):
        client.rpush("crew:done", task)
        client.hset("crew:seen", one, "done")
    return False


def the_number_noted_under_its_id(client: Any, one: str, task: str) -> bool:
    if not client.exists(f"seen:{one}"):
        client.rpush("crew:done", task)
        client.set(f"seen:{one}", task)
    return False


NOTED: dict[str, Note] = {
    "by its ID and task": lambda client, one, task: client.sadd("crew:seen", f"{one} {task}"),
    "by its ID": lambda client, one, task: client.hsetnx("crew:seen", one, "max"),
    "under a key of its own": lambda client, one, task: client.set(f"seen:{one}", 1, nx=True),
}


@pytest.mark.parametrize("note", NOTED.values(), ids=NOTED.keys())
def test_a_task_that_is_noted_before_it_is_done_would_be_lost(
    redis: redis_py.Redis, note: Note
) -> None:
    crew = exercise.new_crew(redis)
    noting(note)(crew)
    verdict = exercise.check_tasks(crew)
    assert not verdict.right
    assert "106 tasks were noted in another key before the work was in `crew:done`" in verdict.text


@pytest.mark.parametrize(
    "note",
    [
        done_and_noted_together,
        done_and_then_noted,
        lambda client, one, task: client.hincrby("crew:seen", one, 1) < 5,
        the_number_noted_under_its_id,
    ],
)
def test_a_task_may_be_noted_with_its_work_or_after_it(redis: redis_py.Redis, note: Note) -> None:
    crew = exercise.new_crew(redis)
    noting(note)(crew)
    verdict = exercise.check_tasks(crew)
    assert verdict.right, verdict


WRONG: dict[str, tuple[str, Callable[[ConsumerGroup], object]]] = {
    "only max's own task is claimed": (
        "105 of zoe's tasks were done or given up while max didn't hold them",
        lambda c: (c.consumer("max").claim(MAXS), write_and_ack_all(c)),
    ),
    "only the first is claimed": (
        "104 of zoe's tasks were done or given up while max didn't hold them",
        lambda c: (c.consumer("max").autoclaim(min_idle_ms=0, count=1), write_and_ack_all(c)),
    ),
    "only max's own task is claimed, and zoe's are dropped": (
        "105 of zoe's tasks were done or given up while max didn't hold them",
        lambda c: (c.consumer("max").claim(MAXS), write_and_drop_zoes(c)),
    ),
    "nothing is claimed, and zoe's are dropped": (
        "105 of zoe's tasks were done or given up while max didn't hold them",
        write_and_drop_zoes,
    ),
    "all done, and then claimed": (
        "105 of zoe's tasks were done or given up while max didn't hold them",
        work_before_the_claim,
    ),
    "idle for too short a time": (
        "105 of zoe's tasks were done or given up while max didn't hold them",
        lambda c: only_zoes_of(c, held_by_zoe(c), 3_600_000),
    ),
    "tom has just claimed them": (
        "105 of zoe's tasks were done or given up while max didn't hold them",
        lambda c: claimed_too_soon(c, claimed_by("tom")),
    ),
    "zoe has just claimed them": (
        "105 of zoe's tasks were done or given up while max didn't hold them",
        lambda c: claimed_too_soon(c, claimed_by("zoe")),
    ),
    "zoe has just read them again": (
        "105 of zoe's tasks were done or given up while max didn't hold them",
        lambda c: claimed_too_soon(c, lambda c: c.consumer("zoe").read(after="0")),
    ),
    "only tom claims": (
        "105 of zoe's tasks were done or given up while max didn't hold them",
        lambda c: (claimed_by("tom")(c), write_and_drop_zoes(c), c.delete_consumer("tom")),
    ),
    "the scan begins after the first": (
        "1 of zoe's tasks was done or given up while max didn't hold it",
        lambda c: (
            c.consumer("max").autoclaim(min_idle_ms=0, start="(1-0", count=1000),
            write_and_ack_all(c),
        ),
    ),
    "max is deleted too, and made again": (
        "max's own task is neither pending nor",
        lambda c: (only_zoes(c), made_again(c)),
    ),
    "max is deleted, and its task is written afterwards": (
        "1 task was given up before the work was in",
        lambda c: (only_zoes(c), made_again(c), write_max_s_own(c)),
    ),
    "max is deleted instead of acknowledging": (
        "106 tasks were never acknowledged. max was deleted while it held them",
        max_is_deleted_at_last,
    ),
    "the list is emptied between": ("A crash between the two", emptied_and_filled_again),
    "acknowledged before the work": (
        "A crash between the two",
        lambda c: (take(c, ack_first=True), c.delete_consumer("zoe")),
    ),
    "deleted before the work": (
        "A crash between the two",
        lambda c: (c.delete_consumer("zoe"), from_memory(c), ack_all(c)),
    ),
    "all acknowledged at once, then done": (
        "A crash between the two",
        lambda c: (ack_all(c), from_memory(c), c.delete_consumer("zoe")),
    ),
    "all but the last three": ("zoe is deleted, but 3 of zoe's tasks", all_but_the_last_three),
    "all but the first three": ("zoe is deleted, but 3 of zoe's tasks", all_but_the_first_three),
    "ten of them": ("zoe is deleted, but 95 of zoe's tasks", a_page_of(10)),
    "a page of them": (
        "of zoe's tasks are neither pending nor in the list `crew:done`. A call",
        a_page_of(100),
    ),
    "a page of its list": (
        "at most a hundred. Repeat it until none is left.",
        one_page_of_its_list,
    ),
    "a page of its list, and zoe stays": (
        "zoe still holds 5 entries. A call such as `pending_entries` returns at most a hundred.",
        one_page_and_zoe_stays,
    ),
    "unless its number is on the list": (
        "but 2 of zoe's tasks are neither pending nor in the list `crew:done`. Two tasks may have "
        "the same number, so go by the IDs.",
        unless_it_is_on_the_list,
    ),
    "each number once": ("Two tasks may have the same number", each_number_once),
    "a dict by number": ("2 of zoe's tasks are pending. Two tasks may have the", a_dict_by_number),
    "two equal ones are acknowledged after the first": (
        "1 task was given up before the work was in `crew:done`",
        twins_acknowledged_together,
    ),
    "pushed where no list is": (
        "1 task was given up before the work was in `crew:done`",
        pushed_where_no_list_is,
    ),
    "as many as zoe holds": ("zoe is deleted, but 1 of zoe's tasks", as_many_as_zoe_holds),
    "up to the first of max": ("zoe is deleted, but 45 of zoe's tasks", until_max_holds_its_own),
    "all pages of one but the last": (
        "1 of zoe's tasks is pending",
        in_pages_of(1, to_the_end=False),
    ),
    "all pages of two but the last": (
        "2 of zoe's tasks are pending. A call such as `pending_entries` returns at most a hundred",
        in_pages_of(2, to_the_end=False),
    ),
    "all pages of one old entry but the last": (
        "1 of zoe's tasks is pending",
        in_pages_of(1, idle_ms=300_000, to_the_end=False),
    ),
    "nothing": ("zoe still holds 105 entries.", lambda crew: None),
    "deleted first": (
        "zoe is deleted, but 105 of zoe's tasks",
        lambda crew: crew.delete_consumer("zoe"),
    ),
    "acknowledged without a claim": (
        "alone does no work",
        lambda crew: ack_all(crew),
    ),
    "acknowledged without a claim, and deleted": (
        "zoe is deleted, but 105 of zoe's tasks",
        lambda crew: (ack_all(crew, "zoe"), crew.delete_consumer("zoe")),
    ),
    "claimed, and nothing done": ("alone does no work", lambda crew: take(crew, write=False)),
    "claimed, and not acknowledged": (
        "still a consumer",
        lambda crew: crew.consumer("max").autoclaim(min_idle_ms=0, count=1000),
    ),
    "claimed, not acknowledged, and deleted": (
        "105 of zoe's tasks are pending",
        lambda c: (
            c.consumer("max").autoclaim(min_idle_ms=0, count=1000),
            c.delete_consumer("zoe"),
        ),
    ),
    "zoe is still there": ("still a consumer", take),
    "both are deleted": (
        "max is no longer a consumer",
        lambda c: (right(c), c.delete_consumer("max")),
    ),
    "all between her first and her last": (
        "max's own task is in `crew:done`, but not acknowledged, so it will be done again.",
        all_between_her_first_and_her_last,
    ),
    "zoe's, and max's own that stays pending": (
        "max's own task is in `crew:done`, but not acknowledged",
        lambda c: (only_zoes(c), write_max_s_own(c)),
    ),
    "done twice": ("A task was done twice", lambda c: (right(c), again(c))),
    "typed in": (
        "105 of zoe's tasks are neither",
        lambda c: (
            c.connection.client.rpush("crew:done", "0", "1", "2", "3"),
            ack_all(c),
        ),
    ),
    "another thing": (
        "only tasks",
        lambda c: (right(c), c.connection.client.rpush("crew:done", "x")),
    ),
    "added again": ("the stream has 211 entries. Add none", add_again),
    "added again, and deleted": (
        "the stream lacks 105 of its 106 entries",
        lambda c: (add_again(c), stream_of(c).delete(*(e.id for e in entries_of_zoe(c)[:105]))),
    ),
    "trimmed away": ("Keep them all", lambda c: (stream_of(c).trim(maxlen=0), right(c))),
    "destroyed": ("new_crew", lambda crew: crew.destroy()),
    "the stream is gone": ("new_crew", lambda crew: stream_of(crew).client.delete("chores")),
    "not a list": (
        "not a list",
        lambda c: (
            right(c),
            c.connection.client.delete("crew:done"),
            c.connection.client.set("crew:done", "0"),
        ),
    ),
}


@pytest.mark.parametrize(("hint", "answer"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_estate_is_refused_with_its_hint(
    redis: redis_py.Redis, hint: str, answer: Callable[[ConsumerGroup], object]
) -> None:
    crew = exercise.new_crew(redis)
    answer(crew)
    verdict = exercise.check_tasks(crew)
    assert not verdict.right
    assert hint in verdict.text


def test_a_list_is_read_as_text(redis: redis_py.Redis) -> None:
    assert exercise.read_list(Stream(redis, "chores"), "crew:done") == []
    redis.rpush("crew:done", "0", "1")
    assert exercise.read_list(Stream(redis, "chores"), "crew:done") == ["0", "1"]


def test_the_nth_push_of_a_value_is_the_work_of_its_nth_entry() -> None:
    steps = [
        [journal.Command(words.split())]
        for words in ("RPUSHX done 7", "RPUSH done 7 8", "LINSERT done AFTER 9 7", "DEL done")
    ]
    steps += [[journal.Command(["LPUSH", "done", "7"])], [journal.Command(["LPUSHX", "done", "7"])]]
    steps += [[journal.Command(["LINSERT", "done", "before", "7", "8"])]]
    work_of = journal.pushed("done", {"7": ["1-0", "4-0"], "8": "2-0"})
    for _ in range(2):  # to ask again changes nothing
        done = [list(work_of(command)) for step in steps for command in step]
        assert done == [[], ["1-0", "2-0"], [], [], ["1-0"], ["4-0"], ["2-0"]]
    acked = [[journal.Command(["XACK", "jobs", "crew", "4-0"])]]
    work_of = journal.pushed("done", {"7": ["1-0", "4-0"]}, acked)
    assert [*work_of(steps[1][0])] == ["4-0"]
