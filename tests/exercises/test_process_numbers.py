"""A process that was restarted has another number, so it finds nothing under its old one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest
import redis as redis_py

from exercises import declarative_or_not, newer_redis, pending_and_recovery, reading_and_position
from exercises.coin_grades import MEANWHILE
from exercises.interrupted import interrupted
from exercises.process_numbers import NUMBERED
from exercises.verdict import Verdict
from streamviz.client.groups import Consumer
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import IdTooSmall
from streamviz.patterns import TransactionOffset, follow

Answer = Callable[..., Any]


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    number = os.getpid
    yield
    assert os.getpid is number
    for module in (declarative_or_not, newer_redis, pending_and_recovery, reading_and_position):
        module.clean_up(redis)


def in_a_cell(answer: Answer) -> Answer:
    """Return the function as if it stood in a cell of a notebook."""
    cell = {**answer.__globals__, "__name__": "__main__"}
    return FunctionType(answer.__code__, cell, None, answer.__defaults__, answer.__closure__)


def counting_as(name: Callable[[], str]) -> Answer:
    def count(client: redis_py.Redis) -> None:
        position = TransactionOffset(client, "till:readers", name())
        for entry in follow(Stream(client, "till"), position):
            who, cents = entry.fields["who"], entry.fields["cents"]
            position.queue("HINCRBY", "till:balance", who, cents)

    return count


def by_number() -> str:
    return f"cashier-{os.getpid()}"


def held_before(me: Consumer) -> Iterator[Entry]:
    start = "0-0"
    while True:
        page = me.autoclaim(min_idle_ms=0, start=start, count=2)
        yield from page.entries
        if (start := str(page.cursor)) == "0-0":
            return


def do_the_jobs(client: redis_py.Redis, name: str) -> None:
    me = Stream(client, "night").group("crew").consumer(name)
    for entry in held_before(me):
        client.rpush("night:done", entry.fields["job"])
        me.ack(entry.id)


def jobs_under_a_lock(client: redis_py.Redis) -> None:
    me = str(os.getpid())
    if not client.set("night:lock", me, nx=True) and client.get("night:lock") != me.encode():
        return
    do_the_jobs(client, "lou")
    client.delete("night:lock")


def jobs_under_a_lock_that_expires(client: redis_py.Redis) -> None:
    me = str(os.getpid())
    if not client.set("night:lock", me, nx=True, ex=60):
        return
    do_the_jobs(client, "lou")
    client.delete("night:lock")


def answer_the_requests(client: redis_py.Redis, name: str) -> None:
    me = Stream(client, "style:asked").group("judge").consumer(name)
    for entry in [*me.read(after="0"), *me.read()]:
        client.xadd("style:said", {"reply_to": entry.fields["request"]})
        me.ack(entry.id)


def requests_under_a_lock(client: redis_py.Redis) -> None:
    me = str(os.getpid())
    if not client.set("style:lock", me, nx=True) and client.get("style:lock") != me.encode():
        return
    answer_the_requests(client, "judge")
    client.delete("style:lock")


def requests_of_this_process(client: redis_py.Redis) -> None:
    answer_the_requests(client, f"judge-{os.getpid()}")


def requests_and_who_answered(client: redis_py.Redis) -> None:
    client.set("style:answered-by", os.getpid())
    answer_the_requests(client, "judge")


def after_the_last_of_this_process(till: Stream, receipt: dict[str, int]) -> None:
    client, key = till.client, f"till:last:{os.getpid()}"
    if receipt["receipt"] <= int(client.get(key) or 0):
        return
    with client.pipeline(transaction=True) as both:
        both.xadd("till", receipt)
        both.set(key, receipt["receipt"])
        both.execute()


def by_receipt_with_a_note_of_the_process(till: Stream, receipt: dict[str, int]) -> None:
    till.client.sadd("till:processes", os.getpid())
    try:
        till.add(receipt, id=f"{receipt['receipt']}-0")
    except IdTooSmall:
        return


def check_count(redis: redis_py.Redis, answer: Answer) -> Verdict:
    return reading_and_position.check_till(redis, answer)


def check_night(redis: redis_py.Redis, answer: Answer) -> Verdict:
    return pending_and_recovery.check_night(redis, answer)


def check_desk(redis: redis_py.Redis, answer: Answer) -> Verdict:
    return declarative_or_not.check_desk(redis, answer)


def check_receipts(redis: redis_py.Redis, answer: Answer) -> Verdict:
    return newer_redis.check_till(redis, answer)


@pytest.mark.parametrize(
    ("check", "answer", "hint"),
    [
        (check_count, counting_as(in_a_cell(by_number)), f"{MEANWHILE}{NUMBERED}"),
        (check_count, in_a_cell(counting_as(lambda: "cashier")), ""),
        (check_night, in_a_cell(jobs_under_a_lock), "A lock of the dead process must have expired"),
        (check_night, in_a_cell(jobs_under_a_lock_that_expires), ""),
        (check_desk, in_a_cell(requests_under_a_lock), "A lock of the dead process must have"),
        (check_desk, in_a_cell(requests_of_this_process), "2 of 4 are answered"),
        (check_desk, in_a_cell(requests_and_who_answered), ""),
        (check_receipts, in_a_cell(after_the_last_of_this_process), NUMBERED),
        (check_receipts, in_a_cell(by_receipt_with_a_note_of_the_process), ""),
    ],
)
def test_what_is_saved_under_a_process_s_number_is_not_found_by_the_next(
    redis: redis_py.Redis,
    check: Callable[[redis_py.Redis, Answer], Verdict],
    answer: Answer,
    hint: str,
) -> None:
    verdict = check(redis, answer)
    assert verdict.right is not bool(hint)
    assert hint in verdict.text
    assert (NUMBERED in verdict.text) == (NUMBERED in hint)


def test_only_a_cell_s_code_in_its_own_thread_sees_another_number(redis: redis_py.Redis) -> None:
    def from_a_cell() -> int:
        return os.getpid()

    ask, other = in_a_cell(from_a_cell), list[int]()
    real = os.getpid()
    with interrupted(redis, lambda _number: None) as client:
        first = ask()
        thread = threading.Thread(target=lambda: other.append(ask()))
        thread.start()
        thread.join()
        client.ping()
        assert os.getpid() == client.connection_pool.pid == real
        with interrupted(redis, lambda _number: None):
            second = ask()
        assert ask() == first
    assert len({real, first, second}) == 3
    assert other == [real]
    assert ask() == real


def test_a_block_that_ends_before_another_thread_s_takes_nothing_from_it(
    redis: redis_py.Redis,
) -> None:
    ask, inside, done = in_a_cell(by_number), threading.Event(), threading.Event()
    seen: list[str] = []

    def longer() -> None:
        with interrupted(redis, lambda _number: None):
            inside.set()
            done.wait(5)
            seen.append(ask())

    thread = threading.Thread(target=longer)
    with interrupted(redis, lambda _number: None):
        thread.start()
        assert inside.wait(5)
    done.set()
    thread.join()
    assert seen != [ask()]
