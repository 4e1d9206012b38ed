"""The checks of notebook 04 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis as redis_py

from exercises import consumer_groups as exercise
from exercises import meanwhile
from exercises.verdict import stream_of
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream


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


def from_memory(crew: ConsumerGroup) -> None:
    tasks = [entry.fields["task"] for entry in stream_of(crew).range()]
    crew.connection.client.rpush("crew:done", *tasks)


def take(crew: ConsumerGroup, *, write: bool = True, ack_first: bool = False) -> None:
    for entry in crew.consumer("max").autoclaim(min_idle_ms=0).entries:
        if ack_first:
            crew.ack(entry.id)
        if write:
            crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)


def ack_all(crew: ConsumerGroup, consumer: str | None = None) -> None:
    crew.ack(*(held.id for held in crew.pending_entries(consumer=consumer)))


def right(crew: ConsumerGroup) -> None:
    take(crew)
    crew.delete_consumer("zoe")


def by_xclaim(crew: ConsumerGroup) -> None:
    ids = [held.id for held in crew.pending_entries()]
    for entry in crew.consumer("max").claim(ids):
        crew.connection.client.rpush("crew:done", entry.fields["task"])
    ack_all(crew)
    crew.delete_consumer("zoe")


def in_one_transaction(crew: ConsumerGroup) -> None:
    client = crew.connection.client
    for entry in crew.consumer("max").autoclaim(min_idle_ms=0).entries:
        with client.pipeline(transaction=True) as both:
            both.xack("chores", "crew", str(entry.id))
            both.rpush("crew:done", entry.fields["task"])
            both.execute()
    crew.delete_consumer("zoe")


def only_hers(crew: ConsumerGroup) -> None:
    ids = [held.id for held in crew.pending_entries(consumer="zoe")]
    for entry in crew.consumer("max").claim(ids):
        crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)
    crew.delete_consumer("zoe")


def without_the_entries(crew: ConsumerGroup) -> None:
    """Claim with JUSTID, delete zoe while max holds her tasks, and only then do them."""
    for held in crew.pending_entries(consumer="zoe"):
        crew.consumer("max").claim([held.id], justid=True)
    crew.delete_consumer("zoe")
    for entry in stream_of(crew).range("1-0", "3-0"):
        crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)


def claimed_with_the_work(crew: ConsumerGroup) -> None:
    """Do a task, claim it and acknowledge it in one step: nothing can come between."""
    for entry in stream_of(crew).range("1-0", "3-0"):
        with crew.connection.client.pipeline(transaction=True) as step:
            step.rpush("crew:done", entry.fields["task"])
            step.xclaim("chores", "crew", "max", 0, [str(entry.id)])
            step.xack("chores", "crew", str(entry.id))
            step.execute()
    crew.delete_consumer("zoe")


@pytest.mark.parametrize(
    "answer",
    [
        right,
        by_xclaim,
        in_one_transaction,
        only_hers,
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
    for held in crew.pending_entries():
        (entry,) = stream_of(crew).range(held.id, held.id)
        crew.connection.client.rpush("crew:done", entry.fields["task"])
        crew.ack(held.id)
    crew.delete_consumer("zoe")


def write_and_drop_hers(crew: ConsumerGroup) -> None:
    tasks = [entry.fields["task"] for entry in stream_of(crew).range(count=3)]
    crew.connection.client.rpush("crew:done", *tasks)
    crew.delete_consumer("zoe")


def again(crew: ConsumerGroup) -> None:
    client = crew.connection.client
    client.rpush("crew:done", client.lindex("crew:done", 0))  # type: ignore[arg-type]


def work_before_the_claim(crew: ConsumerGroup) -> None:
    ids = [held.id for held in crew.pending_entries(consumer="zoe")]
    for one in ids:
        (entry,) = stream_of(crew).range(one, one)
        crew.connection.client.rpush("crew:done", entry.fields["task"])
    crew.consumer("max").claim(ids)
    crew.ack(*ids)
    crew.delete_consumer("zoe")


WRONG: dict[str, tuple[str, Callable[[ConsumerGroup], object]]] = {
    "only max's own task is claimed": (
        "3 of her tasks were done or given up while zoe was the holder",
        lambda c: (c.consumer("max").claim(["4-0"]), write_and_ack_all(c)),
    ),
    "only the first is claimed": (
        "2 of her tasks were done or given up while zoe was the holder",
        lambda c: (c.consumer("max").autoclaim(min_idle_ms=0, count=1), write_and_ack_all(c)),
    ),
    "only max's own task is claimed, and hers are dropped": (
        "3 of her tasks were done or given up while zoe was the holder",
        lambda c: (c.consumer("max").claim(["4-0"]), write_and_drop_hers(c)),
    ),
    "nothing is claimed, and hers are dropped": (
        "3 of her tasks were done or given up while zoe was the holder",
        write_and_drop_hers,
    ),
    "all done, and then claimed": (
        "3 of her tasks were done or given up while zoe was the holder",
        work_before_the_claim,
    ),
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
    "nothing": ("zoe still holds 3", lambda crew: None),
    "deleted first": (
        "zoe is deleted, but 3 of her tasks",
        lambda crew: crew.delete_consumer("zoe"),
    ),
    "acknowledged without a claim": (
        "alone does no work",
        lambda crew: ack_all(crew),
    ),
    "acknowledged without a claim, and deleted": (
        "zoe is deleted, but 3 of her tasks",
        lambda crew: (ack_all(crew, "zoe"), crew.delete_consumer("zoe")),
    ),
    "claimed, and nothing done": ("alone does no work", lambda crew: take(crew, write=False)),
    "claimed, and not acknowledged": (
        "still a consumer",
        lambda crew: crew.consumer("max").autoclaim(min_idle_ms=0),
    ),
    "claimed, not acknowledged, and deleted": (
        "3 of her tasks are pending",
        lambda crew: (crew.consumer("max").autoclaim(min_idle_ms=0), crew.delete_consumer("zoe")),
    ),
    "zoe is still there": ("still a consumer", take),
    "both are deleted": (
        "max is no longer a consumer",
        lambda c: (right(c), c.delete_consumer("max")),
    ),
    "done twice": ("done twice", lambda c: (right(c), again(c))),
    "typed in": (
        "3 of her tasks are neither",
        lambda c: (
            c.connection.client.rpush("crew:done", "0", "1", "2", "3"),
            ack_all(c),
        ),
    ),
    "another thing": (
        "only tasks",
        lambda c: (right(c), c.connection.client.rpush("crew:done", "x")),
    ),
    "trimmed away": ("Keep all four", lambda c: (stream_of(c).trim(maxlen=0), right(c))),
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
