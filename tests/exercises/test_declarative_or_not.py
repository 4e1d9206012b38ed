"""The checks of notebook 11 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from exercises import declarative_or_not as exercise
from exercises.excerpts import beside, excerpt, main_lines
from exercises.fact_check import elsewhere
from exercises.promises import GAP, STEPS, promises
from exercises.verdict import Verdict
from go_game.variants.benchmark import lines_of_code, with_transactions
from go_game.variants.runner import ALONE, STYLES, source
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import CommandRefused


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


def checked(redis: redis_py.Redis, answer: Callable[[ConsumerGroup], object]) -> Verdict:
    """Check an answer that takes the group."""
    return exercise.check_desk(
        redis, lambda client: answer(Stream(client, exercise.ASKED).group("judge"))
    )


def say(group: ConsumerGroup, *afters: str, ack: bool = True, ack_first: bool = False) -> None:
    me = group.consumer("judge")
    for after in afters:
        for entry in me.read(after=after):
            if ack_first:
                me.ack(entry.id)
            group.connection.client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
            if ack:
                me.ack(entry.id)


def typed_in(group: ConsumerGroup) -> None:
    group.consumer("judge").read()
    for number in "1234":
        group.connection.client.xadd(exercise.SAID, {"reply_to": number})
    ack_all(group)


def claimed(group: ConsumerGroup) -> None:
    heir = group.consumer("heir")
    for entry in [*heir.autoclaim(min_idle_ms=0).entries, *heir.read()]:
        group.connection.client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
        heir.ack(entry.id)


def by_range(group: ConsumerGroup, after: str = "(1-0") -> None:
    for entry in Stream(group.connection.client, exercise.ASKED).range(after):
        group.connection.client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
        group.ack(entry.id)


def by_force(group: ConsumerGroup) -> None:
    client = group.connection.client
    say(group, "0")
    client.execute_command("XCLAIM", exercise.ASKED, "judge", "judge", 0, "4-0", "5-0", "FORCE")
    say(group, "0")


def drop_first(group: ConsumerGroup, *, new_too: bool = False) -> None:
    me, heir = group.consumer("judge"), group.consumer("heir")
    held = [*me.read(after="0"), *(heir.read() if new_too else ())]
    group.delete_consumer("heir" if new_too else "judge")
    for entry in [*held, *me.read()]:
        group.connection.client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
        me.ack(entry.id)


def claimed_and_tidied_up(group: ConsumerGroup) -> None:
    claimed(group)
    group.delete_consumer("judge")


def new_ones_first(group: ConsumerGroup) -> None:
    group.consumer("judge").read()
    say(group, "0")


def answered_and_dropped(group: ConsumerGroup) -> None:
    say(group, "0", ">", ack=False)
    group.delete_consumer("judge")


DELETED = "an answer was deleted or replaced. Others may have read it by then."


def sorted_anew(group: ConsumerGroup, by: str = "delete") -> None:
    client = group.connection.client
    numbers = sorted(said(client))
    if by == "rename":
        for number in numbers:
            client.xadd(exercise.NOTED, {"reply_to": number})
        client.rename(exercise.NOTED, exercise.SAID)
        return
    if by == "delete":
        client.delete(exercise.SAID)
    else:
        client.xtrim(exercise.SAID, maxlen=0)
    for number in numbers:
        client.xadd(exercise.SAID, {"reply_to": number})


def early_ones_again(group: ConsumerGroup) -> None:
    client = group.connection.client
    new = group.consumer("judge").read()
    early = [client.xadd(exercise.SAID, {"reply_to": one.fields["request"]}) for one in new]
    client.xdel(exercise.SAID, *early)
    say(group, "0")


def with_a_cap(group: ConsumerGroup) -> None:
    me, client = group.consumer("judge"), group.connection.client
    for entry in [*me.read(after="0"), *me.read()]:
        with client.pipeline(transaction=True) as both:
            both.xadd(exercise.SAID, {"reply_to": entry.fields["request"]}, maxlen=1000)
            both.xack(exercise.ASKED, "judge", str(entry.id))
            both.execute()


def one_by_one(group: ConsumerGroup) -> None:
    me, client = group.consumer("judge"), group.connection.client
    say(group, "0")
    while new := me.read(1):
        client.xadd(exercise.SAID, {"reply_to": new[0].fields["request"]})
        me.ack(new[0].id)


def answered_and_copied(group: ConsumerGroup) -> None:
    say(group, "0", ">")
    client = group.connection.client
    client.copy(exercise.SAID, exercise.NOTED)


Note = Callable[[Any, str, str], object]


def noting(
    note: Note = lambda client, one, number: True,
    after: Note = lambda client, one, number: None,
    *,
    at_once: bool = False,
) -> Callable[[ConsumerGroup], None]:
    """Answer each request after it was noted, unless the note says that it was handled before."""

    def answer(group: ConsumerGroup) -> None:
        me, client = group.consumer("judge"), group.connection.client
        for entry in [*me.read(after="0"), *me.read()]:
            number = entry.fields["request"]
            if note(client, str(entry.id), number):
                with client.pipeline(transaction=True) as both:
                    both.xadd(exercise.SAID, {"reply_to": number})
                    if at_once:
                        after(both, str(entry.id), number)
                    both.execute()
            if not at_once:
                after(client, str(entry.id), number)
            me.ack(entry.id)

    return answer


def in_the_set(client: Any, _one: str, number: str) -> object:
    return client.sadd("style:seen", number)


def not_in_the_set(client: Any, _one: str, number: str) -> bool:
    return not client.sismember("style:seen", number)


def unless_refused(client: Any, one: str, number: str) -> bool:
    try:
        client.xadd("style:seen", {"request": number}, id=one)
    except redis_py.ResponseError:
        return False
    return True


def unless_on_the_list(client: Any, one: str, _number: str) -> bool:
    if one.encode() in client.lrange("style:seen", 0, -1):
        return False
    client.rpush("style:seen", one)
    return True


def by_one_script(group: ConsumerGroup) -> None:
    me, client = group.consumer("judge"), group.connection.client
    script = """
        if redis.call('SADD', KEYS[1], ARGV[1]) == 1 then
            redis.call('XADD', KEYS[2], '*', 'reply_to', ARGV[1])
        end
    """
    for entry in [*me.read(after="0"), *me.read()]:
        client.eval(script, 2, "style:seen", exercise.SAID, entry.fields["request"])
        me.ack(entry.id)


def own_first_and_then_idle_ones(group: ConsumerGroup) -> None:
    me, client = group.consumer("judge"), group.connection.client
    for entry in [*me.read(after="0"), *me.autoclaim(min_idle_ms=60_000).entries, *me.read()]:
        client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
        me.ack(entry.id)


def idle_ones_first(group: ConsumerGroup) -> None:
    heir, client = group.consumer("heir"), group.connection.client
    for entry in [*heir.autoclaim(min_idle_ms=60_000).entries, *heir.read()]:
        client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
        heir.ack(entry.id)


def what_the_dead_judge_held(group: ConsumerGroup) -> None:
    heir, client = group.consumer("heir"), group.connection.client
    held = [one.id for one in group.pending_entries(consumer="judge")]
    for entry in [*(heir.claim(held) if held else ()), *heir.read()]:
        client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
        heir.ack(entry.id)


def not_what_was_delivered_before(group: ConsumerGroup) -> None:
    me, client = group.consumer("judge"), group.connection.client
    early = {one.id for one in group.pending_entries() if one.deliveries > 1}
    for entry in [*me.read(after="0"), *me.read()]:
        if entry.id not in early:
            client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
        me.ack(entry.id)


def newest_first_after_a_death(group: ConsumerGroup) -> None:
    me, client = group.consumer("judge"), group.connection.client
    held = {entry.id: entry for entry in [*me.read(after="0"), *me.read()]}
    tries = client.incr("style:tries")
    for entry in sorted(held.values(), key=lambda one: one.id, reverse=tries > 1):
        client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
        me.ack(entry.id)


def under_a_lock(life_s: int | None) -> Callable[[ConsumerGroup], None]:
    def answer(group: ConsumerGroup) -> None:
        if group.connection.client.set("style:lock", "judge", nx=True, ex=life_s):
            say(group, "0", ">")

    return answer


def without_the_repeats_of_a_restart(group: ConsumerGroup) -> None:
    say(group, "0", ">")
    numbers = set()
    for entry in Stream(group.connection.client, exercise.SAID).range():
        if entry.fields["reply_to"] in numbers:
            group.connection.client.xdel(exercise.SAID, str(entry.id))
        numbers.add(entry.fields["reply_to"])


NOTED_FIRST = "was neither pending nor answered. Did you note it before it was answered?"
REMEMBERED = "Does it remember something from before, in Python or in a key that doesn't begin"
SEEN: set[str] = set()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (noting(in_the_set), NOTED_FIRST),
        (noting(lambda client, one, _: client.set(f"style:{one}", 1, nx=True)), NOTED_FIRST),
        (noting(lambda client, one, _: client.hset("style:seen", one, 1)), NOTED_FIRST),
        (noting(lambda client, _, n: client.hincrby("style:seen", n, 1) == 1), NOTED_FIRST),
        (noting(lambda client, _, n: client.setbit("style:seen", int(n), 1) == 0), NOTED_FIRST),
        (noting(lambda client, _, n: client.incr(f"style:tries:{n}") == 1), NOTED_FIRST),
        (noting(lambda client, _, n: client.pfadd("style:seen", n)), NOTED_FIRST),
        (noting(unless_refused), NOTED_FIRST),
        (noting(unless_on_the_list), NOTED_FIRST),
        (
            noting(lambda client, _, n: client.set(f"style:{n}", 1, nx=True, ex=86_400)),
            NOTED_FIRST,
        ),
        (noting(lambda client, one, _: client.set(f"seen:{one}", 1, nx=True)), REMEMBERED),
        (noting(lambda client, one, _: one not in SEEN and not SEEN.add(one)), REMEMBERED),
        (what_the_dead_judge_held, "A process that starts again begins with all that is pending."),
        (not_what_was_delivered_before, "was delivered before need not be answered."),
        (newest_first_after_a_death, "Answer all that is pending before what is new."),
        (under_a_lock(None), "A lock of the dead process must have expired by then."),
        (under_a_lock(86_400), "A lock of the dead process must have expired by then."),
        (without_the_repeats_of_a_restart, f"Then {DELETED}"),
        (noting(not_in_the_set, in_the_set, at_once=True), ""),
        (noting(not_in_the_set, in_the_set), ""),
        (noting(lambda client, _, n: client.hincrby("style:tries", n, 1) < 5), ""),
        (by_one_script, ""),
        (own_first_and_then_idle_ones, ""),
        (idle_ones_first, ""),
        (under_a_lock(60), ""),
    ],
)
def test_no_request_is_lost_wherever_the_process_dies(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], object], hint: str
) -> None:
    SEEN.clear()
    verdict = checked(redis, answer)
    redis.delete(*redis.keys("seen:*") or ["seen"])
    assert verdict.right is (hint == ""), verdict
    assert hint in verdict.text
    assert verdict.right or verdict.text.startswith(
        "your function was called again" if hint == REMEMBERED else "your process died after "
    )


def ack_all(group: ConsumerGroup) -> None:
    group.ack(*(one.id for one in group.pending_entries()))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda group: None, "0 of 4"),
        (lambda group: say(group, ">"), "2 of 4"),
        (lambda group: say(group, "0"), "2 of 4"),
        (lambda group: say(group, ">", "0"), "not in that of the requests"),
        (lambda group: say(group, "0", ">", ack_first=True), "4 were acknowledged before"),
        (lambda group: typed_in(group), "The requests are"),
        (lambda group: say(group, "0", ">", ack=False), "4 are still pending"),
        (lambda group: say(group, "0", "0", ">", ack=False), "twice"),
        (by_range, "2 requests were never delivered to the group judge, so its next read"),
        (lambda group: (say(group, "0"), by_range(group, "(3-0")), "2 requests were never"),
        (by_force, "2 requests were never delivered"),
        (drop_first, "A crash after it would lose 2 requests"),
        (lambda group: drop_first(group, new_too=True), "would lose 2 requests"),
        (lambda group: (say(group, ">", "0"), sorted_anew(group)), DELETED),
        (lambda group: (say(group, ">", "0"), sorted_anew(group, by="trim")), DELETED),
        (lambda group: (say(group, ">", "0"), sorted_anew(group, by="rename")), DELETED),
        (early_ones_again, DELETED),
        (with_a_cap, ""),
        (one_by_one, ""),
        (answered_and_copied, ""),
        (lambda group: say(group, "0", ">"), ""),
        (claimed, ""),
        (claimed_and_tidied_up, ""),
        (new_ones_first, ""),
        (answered_and_dropped, ""),
        (lambda group: (say(group, "0", ">", ack=False), ack_all(group)), ""),
    ],
)
def test_pending_requests_come_first(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], object], hint: str
) -> None:
    verdict = checked(redis, answer)
    assert verdict.right is (hint == ""), verdict
    assert hint in verdict.text


def test_a_loop_without_an_end_has_one(redis: redis_py.Redis) -> None:
    def read_for_ever(group: ConsumerGroup) -> None:
        while True:
            group.consumer("judge").read(after="0")

    assert checked(redis, read_for_ever).text == (
        "300 commands and no end. Read without BLOCK, and end when nothing is left."
    )


def silent(client: Any, number: str) -> None:
    pass


def forgetful(client: Any, number: str) -> None:
    client.xadd(exercise.SAID, {"reply_to": number})


def only_noting(client: Any, number: str) -> None:
    client.hset(exercise.NOTED, number, "")


def answer_first(client: Any, number: str) -> None:
    if not client.hexists(exercise.NOTED, number):
        client.xadd(exercise.SAID, {"reply_to": number})
        client.hset(exercise.NOTED, number, "said")


def note_first(client: Any, number: str) -> None:
    if client.hsetnx(exercise.NOTED, number, "said"):
        client.xadd(exercise.SAID, {"reply_to": number})


def answer_first_in_types(client: Any, number: str) -> None:
    if not client.hexists(exercise.NOTED, number):
        Stream(client, exercise.SAID).add({"reply_to": number})
        client.hset(exercise.NOTED, number, "said")


def if_no_note_has(noted: Callable[[str, list[str]], bool]) -> Callable[[Any, str], None]:
    def answer(client: Any, number: str) -> None:
        if not noted(number, [name.decode() for name in client.hkeys(exercise.NOTED)]):
            both_in_one(client, number)

    return answer


ONCE = (
    "if redis.call('HSETNX', KEYS[1], ARGV[1], 'said') == 1 then"
    " redis.call('XADD', KEYS[2], '*', 'reply_to', ARGV[1]) end"
)


def by_a_script(client: Any, number: str) -> None:
    client.eval(ONCE, 2, exercise.NOTED, exercise.SAID, number)


def both_in_one(client: Any, number: str) -> None:
    if not client.hexists(exercise.NOTED, number):
        with client.pipeline(transaction=True) as both:
            both.xadd(exercise.SAID, {"reply_to": number})
            both.hset(exercise.NOTED, number, "said")
            both.execute()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (silent, "0 of 3"),
        (forgetful, "request 1 was answered"),
        (only_noting, "0 of 3"),
        (answer_first, "request 101 was answered 2 times. It died after 2 commands."),
        (note_first, "2 of 3 are answered. It died after 1 command."),
        (if_no_note_has(lambda number, notes: number in str(notes)), "2 of 3 are answered."),
        (if_no_note_has(lambda number, notes: number in "".join(notes)), "2 of 3 are answered."),
        (
            if_no_note_has(lambda number, notes: any(note in number for note in notes)),
            "2 of 3 are answered. In this run, the judge died after its second call.",
        ),
        (
            if_no_note_has(lambda number, notes: any(note.endswith(number) for note in notes)),
            "2 of 3 are answered.",
        ),
        (
            if_no_note_has(lambda number, notes: any(note.startswith(number) for note in notes)),
            "2 of 3 are answered.",
        ),
        (
            if_no_note_has(lambda number, notes: any(number.startswith(note) for note in notes)),
            "2 of 3 are answered.",
        ),
        (if_no_note_has(lambda number, notes: number in notes), ""),
        (answer_first_in_types, "request 101 was answered 2 times. It died after 2 commands."),
        (both_in_one, ""),
        (by_a_script, ""),
    ],
)
def test_a_request_is_answered_once_wherever_its_judge_dies(
    redis: redis_py.Redis, answer: Callable[[Any, str], object], hint: str
) -> None:
    exercise.serve(redis, lambda client, entry: answer(client, entry.fields["request"]))
    verdict = exercise.check_echo(redis)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def the_last_one_wins(client: Any, number: str) -> None:
    with client.pipeline(transaction=True) as both:
        for entry in Stream(client, exercise.SAID).range():
            if entry.fields["reply_to"] == number:
                both.xdel(exercise.SAID, str(entry.id))
        both.xadd(exercise.SAID, {"reply_to": number})
        both.hset(exercise.NOTED, number, "said")
        both.execute()


def without_the_repeats(client: Any, number: str) -> None:
    client.xadd(exercise.SAID, {"reply_to": number})
    client.hset(exercise.NOTED, number, "said")
    answers = Stream(client, exercise.SAID).range()
    mine = [str(one.id) for one in answers if one.fields["reply_to"] == number]
    if mine[1:]:
        client.xdel(exercise.SAID, *mine[1:])


def written_anew(client: Any, number: str) -> None:
    numbers = dict.fromkeys([*said(client), number])
    with client.pipeline(transaction=True) as both:
        both.delete(exercise.SAID)
        for one in numbers:
            both.xadd(exercise.SAID, {"reply_to": one})
        both.hset(exercise.NOTED, number, "said")
        both.execute()


def written_anew_under_the_same_ids(client: Any, number: str) -> None:
    client.xadd(exercise.SAID, {"reply_to": number})
    first: dict[str, str] = {}
    for entry in Stream(client, exercise.SAID).range():
        first.setdefault(entry.fields["reply_to"], str(entry.id))
    with client.pipeline(transaction=True) as both:
        both.delete(exercise.SAID)
        for one, entry_id in first.items():
            both.xadd(exercise.SAID, {"reply_to": one}, id=entry_id)
        both.hset(exercise.NOTED, number, "said")
        both.execute()


@pytest.mark.parametrize(
    ("answer", "run"),
    [
        (the_last_one_wins, " In this run, the judge died after its second call."),
        (without_the_repeats, " In this run, the judge died after its second call."),
        (written_anew, " In this run, the judge died after its second call."),
        (written_anew_under_the_same_ids, " It died after 1 command of the last call."),
    ],
)
def test_an_answer_that_was_deleted_may_have_been_read(
    redis: redis_py.Redis, answer: Callable[[Any, str], object], run: str
) -> None:
    exercise.serve(redis, lambda client, entry: answer(client, entry.fields["request"]))
    words = exercise.check_echo(redis).text
    assert words.startswith("an answer was deleted or replaced. Others may have read it by then.")
    assert run in words


def acking_first(client: Any, entry: Entry, tries: int = 1) -> None:
    for _ in range(tries):
        with contextlib.suppress(*[redis_py.RedisError] * (tries > 1)):
            client.xack(exercise.ASKED, "judge", str(entry.id))
            both_in_one(client, entry.fields["request"])
            break


def acking_in_the_transaction(client: Any, entry: Entry) -> None:
    number = entry.fields["request"]
    noted = client.hexists(exercise.NOTED, number)
    with client.pipeline(transaction=True) as both:
        if not noted:
            both.xadd(exercise.SAID, {"reply_to": number}, id=str(entry.id), maxlen=1000)
            both.hset(exercise.NOTED, number, "said")
        both.xack(exercise.ASKED, "judge", str(entry.id))
        both.execute()


def skipping_what_was_delivered_before(client: Any, entry: Entry) -> None:
    (held,) = client.xpending_range(exercise.ASKED, "judge", str(entry.id), str(entry.id), 1)
    if held["times_delivered"] == 1:
        both_in_one(client, entry.fields["request"])


def expiring(client: Any, number: str) -> None:
    if not client.hexists(exercise.NOTED, number):
        both_in_one(client, number)
        client.expire(exercise.NOTED, 2)


@pytest.mark.parametrize("later", [False, True])
def test_a_note_whose_field_expires_is_not_yet_right(redis: redis_py.Redis, later: bool) -> None:
    if not Stream(redis, exercise.SAID).connection.version.has((7, 4)):
        pytest.skip("HPEXPIRE needs Redis 7.4")

    def judge(client: Any, entry: Entry) -> None:
        number = entry.fields["request"]
        if client.hexists(exercise.NOTED, number):
            return
        life = ("HPEXPIRE", exercise.NOTED, 60_000, "FIELDS", 1, number)
        if later:
            both_in_one(client, number)
            client.execute_command(*life)
            return
        with client.pipeline(transaction=True) as both:
            both.xadd(exercise.SAID, {"reply_to": number})
            both.hset(exercise.NOTED, number, "said")
            both.execute_command(*life)
            both.execute()

    exercise.serve(redis, judge)
    assert exercise.check_echo(redis).text.startswith("the notes expire. ")


def deleting_first(client: Any, entry: Entry) -> None:
    if not client.hexists(exercise.NOTED, entry.fields["request"]):
        client.xdel(exercise.ASKED, str(entry.id))
        both_in_one(client, entry.fields["request"])


@pytest.mark.parametrize(
    ("judge", "hint"),
    [
        (acking_first, "2 of 3 are answered. It died after 1 command of the second call."),
        (
            lambda client, entry: acking_first(client, entry, tries=3),
            "2 of 3 are answered. It died after 1 command of the second call.",
        ),
        (
            skipping_what_was_delivered_before,
            "2 of 3 are answered. In this run, the judge died after its second call. A new judge "
            "then got all pending requests, even those that were not handled. The requests are "
            "101, 1, 11, and 101 again.",
        ),
        (
            lambda client, entry: expiring(client, entry.fields["request"]),
            "the notes expire. A request that is sent again later is then answered again.",
        ),
        (
            deleting_first,
            "a request was deleted before it was acknowledged. If the judge dies then, no new "
            "judge gets it.",
        ),
        (acking_in_the_transaction, ""),
    ],
)
def test_a_request_is_not_lost_in_whichever_call_the_judge_dies(
    redis: redis_py.Redis, judge: Callable[[Any, Entry], object], hint: str
) -> None:
    exercise.serve(redis, judge)
    verdict = exercise.check_echo(redis)
    assert verdict.right is (hint == ""), verdict.text
    assert not hint or verdict.text == hint


def test_a_handler_that_notes_nothing_is_told_of_no_death(redis: redis_py.Redis) -> None:
    def judge(client: Any, entry: Entry) -> None:
        if entry.fields["request"] not in said(client):
            client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})

    exercise.serve(redis, judge)
    words = "note each answered request in the hash 'style:noted', under its number."
    assert exercise.check_echo(redis).text == words


def test_a_handler_that_does_nothing_is_told_of_no_death(redis: redis_py.Redis) -> None:
    exercise.serve(redis, lambda client, entry: None)
    assert exercise.check_echo(redis).text == "0 of 3 are answered."


def asked_of_the_pipeline(client: Any, number: str) -> None:
    with client.pipeline(transaction=True) as both:
        if not both.hexists(exercise.NOTED, number):
            both.xadd(exercise.SAID, {"reply_to": number})
            both.hset(exercise.NOTED, number, "said")
            both.execute()


def asked_of_the_pipeline_and_sent(client: Any, number: str) -> None:
    with client.pipeline(transaction=False) as both:
        if not both.hget(exercise.NOTED, number):
            both.xadd(exercise.SAID, {"reply_to": number})
        both.execute()


def never_sent(client: Any, number: str) -> None:
    if not client.hexists(exercise.NOTED, number):
        both = client.pipeline()
        both.xadd(exercise.SAID, {"reply_to": number}).hset(exercise.NOTED, number, "said")


@pytest.mark.parametrize(
    "answer", [asked_of_the_pipeline, asked_of_the_pipeline_and_sent, never_sent]
)
def test_a_handler_that_asks_its_pipeline_is_told_when_replies_come(
    redis: redis_py.Redis, answer: Callable[[Any, str], object]
) -> None:
    exercise.serve(redis, lambda client, entry: answer(client, entry.fields["request"]))
    words = exercise.check_echo(redis).text
    assert words.startswith("0 of 3 are answered. In a pipeline, commands are sent only by `exec")
    assert "and replies come only from `execute()`. A method such as `hexists` returns" in words


REFUSED = "2 of 3 are answered. In this run, Redis refused one XADD"


def swallowing(error: type[Exception]) -> Callable[[Any, str], None]:
    def judge(client: Any, number: str) -> None:
        if number not in said(client):
            with contextlib.suppress(error):
                client.xadd(exercise.SAID, {"reply_to": number})
        client.hset(exercise.NOTED, number, "said")

    return judge


def swallowing_what(
    error: type[Exception], work: Callable[[Any, str], None]
) -> Callable[[Any, str], None]:
    def judge(client: Any, number: str) -> None:
        with contextlib.suppress(error):
            work(client, number)

    return judge


def in_types(client: Any, number: str) -> None:
    connection = Stream(client, exercise.SAID).connection
    if not connection.call("HEXISTS", exercise.NOTED, number):
        answer = ("XADD", exercise.SAID, "*", "reply_to", number)
        connection.transaction([answer, ("HSET", exercise.NOTED, number, "said")])


def by_a_registered_script(client: Any, number: str) -> None:
    client.register_script(ONCE)(keys=[exercise.NOTED, exercise.SAID], args=[number])


def by_its_id(id_of: Callable[[int], str]) -> Callable[[Any, str], None]:
    def judge(client: Any, number: str) -> None:
        try:
            client.xadd(exercise.SAID, {"reply_to": number}, id=id_of(int(number)))
        except redis_py.ResponseError as refused:
            if "equal or smaller" not in str(refused):
                raise
        client.hset(exercise.NOTED, number, "said")

    return judge


def by_the_length(client: Any, number: str) -> None:
    if client.xlen(exercise.SAID) < int(number):
        both_in_one(client, number)


def looking_at_the_last(count: int) -> Callable[[Any, str], None]:
    def judge(client: Any, number: str) -> None:
        last = Stream(client, exercise.SAID).reverse_range(count=count)
        if number not in [entry.fields["reply_to"] for entry in last]:
            client.xadd(exercise.SAID, {"reply_to": number})
        client.hset(exercise.NOTED, number, "said")

    return judge


def trying_again(client: Any, number: str) -> None:
    for _ in range(3):
        with contextlib.suppress(redis_py.RedisError):
            both_in_one(client, number)
            return


def repeating_only_the_transaction(client: Any, number: str) -> None:
    if client.hexists(exercise.NOTED, number):
        return
    for _ in range(2):
        with contextlib.suppress(redis_py.ConnectionError):
            with client.pipeline(transaction=True) as both:
                both.xadd(exercise.SAID, {"reply_to": number})
                both.hset(exercise.NOTED, number, "said")
                both.execute()
            return


def repeating_a_watched_transaction(client: Any, number: str) -> None:
    def answer(both: Any) -> None:
        noted = both.hexists(exercise.NOTED, number)
        both.multi()
        if not noted:
            both.xadd(exercise.SAID, {"reply_to": number})
            both.hset(exercise.NOTED, number, "said")

    client.transaction(answer, exercise.NOTED)


def watching_without_an_unwatch(client: Any, number: str) -> None:
    both = client.pipeline()  # which sends UNWATCH in its `__del__`, where errors are ignored
    both.watch(exercise.NOTED)
    if not both.hexists(exercise.NOTED, number):
        both.multi()
        both.xadd(exercise.SAID, {"reply_to": number})
        both.hset(exercise.NOTED, number, "said")
        both.execute()


def said(client: Any) -> list[str]:
    return [entry.fields["reply_to"] for entry in Stream(client, exercise.SAID).range()]


def looking_through_the_answers(client: Any, number: str) -> None:
    if number not in said(client):
        client.xadd(exercise.SAID, {"reply_to": number})
    client.hset(exercise.NOTED, number, "said")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (swallowing(Exception), "2 of 3 are answered. In this run, the connection broke once."),
        (swallowing(redis_py.ResponseError), REFUSED),
        (swallowing_what(redis_py.RedisError, both_in_one), "In this run, the connection"),
        (swallowing_what(redis_py.ResponseError, both_in_one), REFUSED),
        (swallowing_what(CommandRefused, in_types), REFUSED),
        (swallowing_what(redis_py.ResponseError, by_a_script), REFUSED),
        (swallowing_what(redis_py.ResponseError, by_a_registered_script), REFUSED),
        (swallowing_what(redis_py.ResponseError, repeating_a_watched_transaction), REFUSED),
        (by_its_id(lambda number: f"{number}-0"), "1 of 3 are answered."),
        (by_its_id(lambda number: f"{999 - number}-0"), "2 of 3 are answered."),
        (by_the_length, "of 3 are answered."),
        (looking_at_the_last(1), "request 101 was answered 2 times"),
        (looking_at_the_last(2), "request 101 was answered 2 times"),
        (
            repeating_only_the_transaction,
            "answered 2 times. In this run, the connection broke after",
        ),
        (in_types, ""),
        (by_a_registered_script, ""),
        (trying_again, ""),
        (repeating_a_watched_transaction, ""),
        (by_a_script, ""),
        (looking_through_the_answers, ""),
    ],
)
def test_an_answer_is_not_lost_when_a_command_fails(
    redis: redis_py.Redis, answer: Callable[[Any, str], object], hint: str
) -> None:
    exercise.serve(redis, lambda client, entry: answer(client, entry.fields["request"]))
    verdict = exercise.check_echo(redis)
    assert verdict.right is (hint == ""), verdict.text
    assert hint in verdict.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_unwatch_that_redis_py_sends_by_itself_is_no_command_of_the_learner_s(
    redis: redis_py.Redis,
) -> None:
    exercise.serve(
        redis, lambda client, entry: watching_without_an_unwatch(client, entry.fields["request"])
    )
    assert exercise.check_echo(redis).right


def in_python(notes: set[str]) -> Callable[[Any, str], None]:
    def judge(client: Any, number: str) -> None:
        if number not in notes:
            both_in_one(client, number)
            notes.add(number)

    return judge


def in_another_key(client: Any, number: str) -> None:
    if client.sadd("style:calls", number):
        both_in_one(client, number)


@pytest.mark.parametrize("answer", [in_python(set()), in_another_key])
def test_a_new_judge_remembers_only_what_is_in_the_two_keys(
    redis: redis_py.Redis, answer: Callable[[Any, str], object]
) -> None:
    exercise.serve(redis, lambda client, entry: answer(client, entry.fields["request"]))
    words = exercise.check_echo(redis).text
    assert words.startswith("0 of 3 are answered. That was the same run again")
    assert "a new judge has only these two" in words


def numbered(client: Any, number: str) -> None:
    client.xadd(exercise.SAID, {"reply_to": number}, id=f"{number}-0")
    client.hset(exercise.NOTED, number, "said")


def numbered_in_types(client: Any, number: str) -> None:
    Stream(client, exercise.SAID).add({"reply_to": number}, id=f"{number}-0")


def of_another_type(client: Any, number: str) -> None:
    client.incr(exercise.NOTED)
    client.hset(exercise.NOTED, number, "said")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (numbered, "equal or smaller"),
        (numbered_in_types, "equal or smaller"),
        (of_another_type, "WRONGTYPE"),
    ],
)
def test_an_error_of_the_server_is_a_hint(
    redis: redis_py.Redis, answer: Callable[[Any, str], object], hint: str
) -> None:
    exercise.serve(redis, lambda client, entry: answer(client, entry.fields["request"]))
    verdict = exercise.check_echo(redis)
    assert not verdict.right
    assert verdict.text.startswith("your handler raised an error: ")
    assert hint in verdict.text


def test_a_note_under_the_entry_s_id_is_not_yet(redis: redis_py.Redis) -> None:
    def judge(client: Any, entry: Entry) -> None:
        if client.hsetnx(exercise.NOTED, str(entry.id), "said"):
            client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})

    exercise.serve(redis, judge)
    assert "request 101 was answered" in exercise.check_echo(redis).text


def test_an_error_of_the_learner_s_own_comes_through(redis: redis_py.Redis) -> None:
    def judge(client: Any, entry: Entry) -> None:
        client.xadd(exercise.SAID, {})

    with pytest.raises(redis_py.DataError):
        exercise.serve(redis, judge)


def test_with_transactions_the_style_is_a_program_that_reads_nothing_back() -> None:
    whole = with_transactions(source("quix"))
    assert 25 < lines_of_code(source("quix")) - lines_of_code(whole) < 40
    assert whole.count('processing_guarantee="exactly-once",') == 1
    names = {node.id for node in ast.walk(ast.parse(whole)) if isinstance(node, ast.Name)}
    assert not names & {"sent_before", "SINGLY", "TopicPartition", "EVERY", "QUICK"}
    assert "consumer_" not in whole.replace("consumer_group", ""), "a session timeout of 1 s"
    assert "self.sent" not in whole
    assert "judge.sent" not in whole
    assert "judge.new" not in whole


def test_calls_are_counted_the_same_each_time() -> None:
    def inner() -> None:
        pass

    def outer() -> None:
        inner()
        inner()

    assert exercise.calls_of(outer) == exercise.calls_of(outer) == 3


def test_a_module_of_jupyterlab_is_not_part_of_a_style() -> None:
    program = f"{ALONE}import jsonschema; print('rfc3987_syntax.syntax_helpers' in sys.modules)"
    assert elsewhere(None, program) == "False\n"


def test_an_excerpt_is_the_code_without_its_docstring() -> None:
    found = beside("run", *STYLES)
    assert [style for style, _ in found.columns] == list(STYLES)
    for style, code in found.columns:
        assert code.startswith("def run(address: str")
        assert '"""' not in code
        assert f"# {style}\n{code}" in repr(found)
    assert "<b>plain</b>" in found._repr_html_()
    assert "-&gt; None" in found._repr_html_()
    with pytest.raises(LookupError, match="plain has no function 'sing'"):
        excerpt("plain", "sing")


def test_an_excerpt_can_show_its_main_lines_and_fold_the_rest() -> None:
    code = "def f():\n    a\n    b\n    if c:\n        d"
    assert main_lines(code, ["c"]) == ["def f():", "    …", "    if c:", "        …"]
    shown = beside("handle", "plain", main=["hexists", "execute"])._repr_html_()
    assert shown.count("<details><summary>the whole function</summary>") == 1
    assert "        if not self.redis.hexists" in shown or "    if not self.redis.hexists" in shown
    assert "<details>" not in beside("handle", "plain")._repr_html_()


def test_the_picture_of_the_promises_has_a_row_for_each_style_and_a_gap_for_each_danger() -> None:
    shown = promises()
    for style in STEPS:
        assert f">{style}</text>" in shown.svg
    assert shown.svg.count("stroke-dasharray") == sum(s.count(GAP) for s in STEPS.values()) == 3
    assert "declarative: [read], [judge], [answer, state], a kill here repeats the move" in repr(
        shown
    )


def test_the_answered_request_is_shown_as_acknowledged(redis: redis_py.Redis) -> None:
    words = repr(checked(redis, lambda group: say(group, "0", ">")).picture)
    assert "unaccounted" not in words
    assert "0 pending" in words
