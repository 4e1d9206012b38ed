"""Answers with the right result and a fault: lost in a crash, read again, or without an end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest
import redis as redis_py

from exercises import (
    consumer_groups,
    declarative_or_not,
    entries_and_ids,
    interrupted,
    journal,
    judge,
    lag_without_lies,
    lobby,
    meanwhile,
    newer_redis,
    pending_and_recovery,
    pubsub_or_stream,
    reading_and_position,
)
from exercises import fact_check as fact
from exercises.verdict import Verdict, stream_of
from streamviz import Stream
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.errors import CommandRefused
from streamviz.patterns import DeadLetters

Redis = redis_py.Redis
MINUTE_MS = 60_000


@pytest.fixture(autouse=True)
def _tidy(redis: Redis) -> Iterator[None]:
    yield
    for module in (reading_and_position, pubsub_or_stream, pending_and_recovery, newer_redis):
        module.clean_up(redis)
    for other in (lag_without_lies, declarative_or_not, judge, lobby, fact):
        other.clean_up(redis)
    meanwhile.stop("ledger")
    for name in ("chores", "desk", "ledger"):
        journal.close(name)
    redis.delete("desk", "day", "minute", "ledger", "chores", "crew:done")


def desk(redis: Redis, old: Callable[[Stream], object], name: str = "Ada") -> Verdict:
    stream = entries_and_ids.new_desk(redis)
    old(stream)
    for _ in range(3):
        stream.add({"guest": name}, id="5000-*")
    return entries_and_ids.check_desk(stream)


def minute(redis: Redis, name: Callable[[Entry], str], *, move: bool = False) -> Verdict:
    day, copy = entries_and_ids.new_day(redis)
    for entry in day.range("60000", "(120000-0"):
        copy.add(entry.fields, id=name(entry))
        if move:
            day.delete(entry.id)
    return entries_and_ids.check_day(copy)


def bell(redis: Redis, last: Callable[[], Any], *, whole: bool = True) -> Verdict:
    stream = reading_and_position.new_bell(redis)
    for _ in range(3):
        after = last()
        reading_and_position.ring(stream)
        for ring, _fields in redis.xrange("bell", b"(" + after):  # type: ignore[union-attr]
            redis.rpush("heard", ring if whole else ring.partition(b"-")[0])
    return reading_and_position.check_bell(stream)


def rings_by_milliseconds(redis: Redis) -> Verdict:
    stream = reading_and_position.new_bell(redis)
    after = stream.info().last_generated_id
    for _ in range(3):
        reading_and_position.ring(stream)
        for entry in stream.read(after):
            redis.rpush("heard", entry.id.ms)
            after = entry.id
    return reading_and_position.check_bell(stream)


def coin(client: Any, entry: Entry) -> None:
    with client.pipeline() as both:
        both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
        both.hset("till:readers", "me", str(entry.id)).execute()


def position(client: Any) -> str:
    return str((client.hget("till:readers", "me") or b"0").decode())


def from_the_last_coin_on(client: Any) -> None:
    for entry in Stream(client, "till").range(position(client)):
        coin(client, entry)


def the_power_cut_is_caught(client: Any) -> None:
    for entry in Stream(client, "till").read(position(client)):
        with suppress(BaseException):
            client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])
            client.hset("till:readers", "me", str(entry.id))


def coins_are_taken_out(client: Any) -> None:
    for entry in Stream(client, "till").range():
        with client.pipeline() as both:
            both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
            both.xdel("till", str(entry.id)).execute()


def a_position_among_the_sums(client: Any) -> None:
    if not client.hexists("till:balance", "position"):
        all_in_one(client)
        client.hset("till:balance", "position", 6)


def all_in_one(client: Any) -> None:
    with client.pipeline() as all_of_them:
        entries = Stream(client, "till").read(position(client))
        for entry in entries:
            cents = int(entry.fields["cents"])
            all_of_them.hincrby("till:balance", entry.fields["who"], cents)
            all_of_them.hset("till:readers", "me", str(entry.id))
        all_of_them.execute()


def retry_for_ever(client: Any) -> None:
    while True:
        with suppress(Exception):
            client.xread({"till": "0"})


def wait_for_a_minute(client: Any) -> None:
    Stream(client, "till").read("$", block_ms=MINUTE_MS)


def the_end_of_the_chat_again(redis: Redis) -> Verdict:
    chat = pubsub_or_stream.new_chat(redis)
    old: Any = redis.xrevrange("chat", count=3)
    redis.rpush("screen", *(fields[b"word"] for _, fields in old[::-1]))
    last: Any = redis.xinfo_stream("chat")
    pubsub_or_stream.talk(chat)
    new: Any = redis.xrange("chat", b"(" + last["last-generated-id"])
    redis.rpush("screen", *(fields[b"word"] for _, fields in new))
    return pubsub_or_stream.check_chat(chat)


def a_group_before_the_past(redis: Redis) -> Verdict:
    chat = pubsub_or_stream.new_chat(redis)
    me = chat.group("me")
    me.create("$")
    past = chat.reverse_range(count=3)[::-1]
    redis.rpush("screen", *(e.fields["word"] for e in past))
    pubsub_or_stream.talk(chat)
    redis.rpush("screen", *(e.fields["word"] for e in me.consumer("x").read()))
    return pubsub_or_stream.check_chat(chat)


def audit(redis: Redis, begin: Callable[[Stream], object], *entries: object) -> Verdict:
    ledger = consumer_groups.new_ledger(redis)
    begin(ledger)
    ledger.add_many([{"entry": str(entry)} for entry in entries or "ab"])
    return consumer_groups.check_audit(ledger)


def from_now_on(ledger: Stream) -> None:
    info = ledger.info()
    ledger.group("audit").create(info.last_generated_id, entries_read=info.entries_added)


def trimmed(ledger: Stream) -> None:
    ledger.trim(maxlen=0)
    ledger.group("audit").create("0")


def read_to_the_end(ledger: Stream) -> None:
    ledger.group("audit").create("0")
    ledger.group("audit").consumer("x").read(noack=True)


def crew(redis: Redis, before: Callable[[ConsumerGroup], object]) -> Verdict:
    group = consumer_groups.new_crew(redis)
    before(group)
    for entry in group.consumer("max").autoclaim(min_idle_ms=0, count=1000).entries:
        redis.rpush("crew:done", entry.fields["task"])
        group.ack(entry.id)
    group.delete_consumer("zoe")
    return consumer_groups.check_tasks(group)


def night(redis: Redis, work: Callable[[ConsumerGroup], object] | None = None) -> Verdict:
    def recover(client: Redis) -> None:
        group = Stream(client, "night").group("crew")
        while group.pending().count:
            for entry in group.consumer("lou").autoclaim(min_idle_ms=0, count=2).entries:
                client.rpush("night:done", entry.fields["job"])
                group.ack(entry.id)
        group.delete_consumer("kim")

    def worked(client: Redis) -> None:
        (work or nothing)(Stream(client, "night").group("crew"))

    return pending_and_recovery.check_night(redis, worked if work else recover)


def mill(redis: Redis, letters: int = 1) -> Verdict:
    group = pending_and_recovery.new_mill(redis)
    moe = group.consumer("moe")
    DeadLetters(moe, after_deliveries=5).sweep(dict.fromkeys(("1-0", "4-0"), "too hot"))
    for entry in moe.autoclaim(min_idle_ms=0).entries:
        redis.rpush("mill:flour", entry.fields["sack"])
        moe.ack(entry.id)
    group.delete_consumer("ned")
    for letter in Stream(redis, "mill:dead").range() * (letters - 1):
        Stream(redis, "mill:dead").add(letter.fields)
    return pending_and_recovery.check_mill(group)


def a_later_last_id(redis: Redis) -> Verdict:
    _, tower = lag_without_lies.new_house(redis)
    redis.copy("cellar", "tower")
    tower.delete(*(one.id for one in tower.range() if one.fields["bottle"] == "broken"))
    tower.set_id("999999-0")
    return lag_without_lies.check_house(tower)


def relay(redis: Redis, *, noack: bool = False, back: int = 1, again: bool = False) -> Verdict:
    def answer(group: ConsumerGroup, judge_one: Callable[[Entry], str]) -> None:
        ben = group.consumer("ben")
        if again:
            group.set_id("0")
            entries: list[Entry] = ben.read()
        else:
            own = ben.read(after="0")
            claimed = ben.autoclaim(min_idle_ms=MINUTE_MS).entries
            entries = [*claimed, *own, *ben.read(noack=noack)]
        for entry in entries[::back]:
            judge_one(entry)
            ben.ack(entry.id)

    return judge.check_relay(redis, answer)


def a_pair_for_a_coord(redis: Redis) -> Verdict:
    def ask(match: Any, coord: Any) -> None:
        while True:
            with suppress(ConnectionError):
                match.ask(tuple(coord), req_id=f"r{match.client.incr('shaky:requests')}")
                return

    return judge.check_asking(redis, ask)


def style(redis: Redis, read: Callable[[ConsumerGroup], list[Entry]]) -> Verdict:
    def answer_all(client: Redis) -> None:
        group = Stream(client, "style:asked").group("judge")
        for entry in read(group):
            client.xadd("style:said", {"reply_to": entry.fields["request"]})
            group.ack(entry.id)

    return declarative_or_not.check_desk(redis, answer_all)


def started_again(group: ConsumerGroup) -> list[Entry]:
    group.destroy()
    group.create("0")
    return group.consumer("judge").read()


def deleted_when_answered(redis: Redis) -> Verdict:
    def answer_all(client: Redis) -> None:
        me = Stream(client, "style:asked").group("judge").consumer("judge")
        for entry in [*me.read(after="0"), *me.read()]:
            client.xadd("style:said", {"reply_to": entry.fields["request"]})
            client.xdel("style:asked", str(entry.id))

    return declarative_or_not.check_desk(redis, answer_all)


def served(redis: Redis, handler: Any) -> Verdict:
    declarative_or_not.serve(redis, handler)
    return declarative_or_not.check_echo(redis)


def sold(redis: Redis, take: Any) -> Verdict:
    return lobby.check_sale(redis, take)


def without_the_sum(till: Stream, receipt: dict[str, int]) -> None:
    with suppress(CommandRefused):
        till.add({"receipt": receipt["receipt"]}, id=f"{receipt['receipt']}-0")


def deleted_if_twice(till: Stream, receipt: dict[str, int]) -> None:
    till.add(receipt)
    numbers = set()
    for entry in till.range():
        if entry.fields["receipt"] in numbers:
            till.delete(entry.id)
        numbers.add(entry.fields["receipt"])


def all_made_idle(redis: Redis) -> Verdict:
    group = newer_redis.new_desk(redis)
    group.consumer("gus").claim(["1-0", "2-0", "3-0"], idle_ms=MINUTE_MS, deliveries=0)
    group.consumer("hal").claim(["2-0"], MINUTE_MS)
    return newer_redis.check_desk(group)


def case(redis: Redis, answer: Callable[[ConsumerGroup], object]) -> Verdict:
    pair = fact.new_case(redis)
    answer(pair)
    return fact.check_case(pair)


def taken_and_acknowledged(pair: ConsumerGroup) -> None:
    fact.take_turns(pair, {"quick": 1, "slow": 8})
    pair.ack(*(held.id for held in pair.pending_entries()))


def one_by_one(mine: Stream, order: Any) -> float:
    for _ in range(1500):
        mine.add(order)
    return 2**30 * 1500 / fact.bytes_of(mine)


def nothing(_: object) -> None: ...


Answer = Callable[[Redis], Verdict]
till = reading_and_position.check_till
receipts = newer_redis.check_till
WRONG: list[tuple[str, Answer]] = [
    ("guests from before", lambda r: desk(r, lambda s: s.delete(s.range(count=1)[0].id))),
    ("Keep each entry's ID", lambda r: minute(r, lambda entry: f"{entry.id.ms}-*")),
    ("`day` has changed", lambda r: minute(r, lambda entry: str(entry.id), move=True)),
    (
        "you missed 2 of 8",
        lambda r: bell(r, lambda: r.xinfo_stream("bell")["last-generated-id"]),  # type: ignore[index]
    ),
    ("you missed 2 of 8", lambda r: bell(r, lambda: r.xrevrange("bell", count=1)[0][0])),  # type: ignore[index]
    ("whole ID", rings_by_milliseconds),
    ("new_bell", lambda _: reading_and_position.check_bell("bell")),  # type: ignore[arg-type]
    ("counted twice", lambda r: till(r, from_the_last_coin_on)),
    ("catches every exception", lambda r: till(r, the_power_cut_is_caught)),
    ("coins are gone", lambda r: till(r, coins_are_taken_out)),
    ("only customers", lambda r: till(r, a_position_among_the_sums)),
    ("your loop has no end", lambda r: till(r, retry_for_ever)),
    ("BLOCK 60000 waits for 60 s", lambda r: till(r, wait_for_a_minute)),
    ("you missed", the_end_of_the_chat_again),
    ("on the screen twice", a_group_before_the_past),
    ("old entries of the ledger are gone", lambda r: audit(r, trimmed)),
    ("audit has read entries already", lambda r: audit(r, read_to_the_end)),
    ("XGROUP SETID", lambda r: crew(r, lambda group: group.set_id("0"))),
    ("more than once", lambda r: mill(r, letters=2)),
    ("last ID is 999999-0", a_later_last_id),
    ("BLOCK 0 waits", lambda r: night(r, lambda group: group.consumer("lou").read(block_ms=0))),
    ("the function itself", lambda r: pending_and_recovery.check_night(r, None)),  # type: ignore[arg-type]
    ("with NOACK", lambda r: relay(r, noack=True)),
    ("in the order r3, r2, r1", lambda r: relay(r, back=-1)),
    ("XGROUP SETID", lambda r: relay(r, again=True)),
    ("Give a Coord", a_pair_for_a_coord),
    ("let it take 3 arguments", lambda r: sold(r, lambda client, seat: True)),
    (
        "with NOACK",
        lambda r: style(
            r,
            lambda group: [
                *group.consumer("judge").read(after="0"),
                *group.consumer("judge").read(noack=True),
            ],
        ),
    ),
    ("had been answered before", lambda r: style(r, lambda group: stream_of(group).range())),
    ("XGROUP DESTROY", lambda r: style(r, started_again)),
    ("4 requests are gone", deleted_when_answered),
    ("let it take 2 arguments", lambda r: served(r, lambda entry: None)),
    ("the function itself", lambda r: served(r, None)),
    ("other fields", lambda r: receipts(r, without_the_sum)),
    ("added and deleted again", lambda r: receipts(r, deleted_if_twice)),
    ("hal's next claim would take them", all_made_idle),
    ("let it take 2 arguments", lambda r: fact.check_fit(r, lambda mine: 1)),  # type: ignore[arg-type,misc]
    ("BLOCK 0", lambda r: fact.check_fit(r, lambda mine, order: mine.read("$", block_ms=0))),
    ("acknowledge nothing", lambda r: case(r, taken_and_acknowledged)),
    ("were not delivered", lambda r: case(r, lambda pair: fact.take_turns(pair, 8))),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("hint", "answer"), WRONG)
def test_a_fault_that_the_result_does_not_show_gets_its_hint(
    redis: Redis, hint: str, answer: Answer
) -> None:
    verdict = answer(redis)
    assert not verdict.right
    assert hint in verdict.text


RIGHT: list[Answer] = [
    lambda r: desk(r, nothing, name="another"),
    lambda r: audit(r, from_now_on, 1, 2),
    lambda r: crew(r, lambda group: group.create_consumer("moe")),
    night,
    mill,
    lambda r: till(r, all_in_one),
    lambda r: fact.check_fit(r, one_by_one),
]


@pytest.mark.parametrize("answer", RIGHT)
def test_tidiness_and_other_values_are_right(redis: Redis, answer: Answer) -> None:
    verdict = answer(redis)
    assert verdict.right, verdict


def test_code_that_sends_nothing_has_a_deadline(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupted, "_DEADLINE_S", 0.05)

    def loop(*_: object) -> None:
        while True:
            with suppress(BaseException):
                pass

    for verdict in (till(redis, loop), receipts(redis, loop), fact.check_fit(redis, loop)):
        assert "still at work" in verdict.text
    assert "still at work" in sold(redis, loop).text


def one_handler() -> None:
    while True:
        try:
            time.sleep(0.001)
        except BaseException:
            continue


def a_handler_in_a_handler() -> None:
    while True:
        try:
            while True:
                try:
                    sum(range(100))
                except BaseException:
                    continue
        except BaseException:
            print(end="")


def another_error() -> None:
    def divide() -> None:
        for n in range(1000):
            with suppress(BaseException):
                n / 0

    while True:
        try:
            try:
                divide()
            except BaseException:
                raise ValueError("mine") from None
        except BaseException:
            [str(n) for n in range(3)]


@pytest.mark.parametrize("loop", [one_handler, a_handler_in_a_handler, another_error])
def test_a_loop_that_catches_everything_has_a_deadline_too(
    loop: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupted, "_DEADLINE_S", 0.05)
    tracer, before = sys.gettrace(), set(threading.enumerate())
    with pytest.raises(interrupted.EndlessLoop, match="still at work"), interrupted.deadline():
        loop()
    assert sys.gettrace() is tracer
    assert not set(threading.enumerate()) - before


def test_a_deadline_ends_with_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may get the same number: it must not get the exception."""
    monkeypatch.setattr(interrupted, "_DEADLINE_S", 0.2)
    raised: list[int] = []
    monkeypatch.setattr(
        interrupted.ctypes.pythonapi,
        "PyThreadState_SetAsyncExc",
        lambda thread, kind: raised.append(thread.value),
    )

    def leave_it_open() -> None:
        opened.append(interrupted.deadline())
        opened[0].__enter__()

    opened: list[AbstractContextManager[None]] = []
    before = set(threading.enumerate())
    thread = threading.Thread(target=leave_it_open)
    thread.start()
    thread.join()
    deadline_s = time.monotonic() + 20
    while set(threading.enumerate()) - before and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert not set(threading.enumerate()) - before
    assert not raised
    opened[0].__exit__(None, None, None)
