"""Answers that learners might give: wrong ones that look right, and unusual right ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
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
    replies_without_tears,
    start_here,
    trimming_and_memory,
)
from exercises.verdict import Verdict
from streamviz import Stream
from streamviz.client.connection import Connection
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.errors import IdTooSmall
from streamviz.patterns import DeadLetters


@pytest.fixture(autouse=True)
def _tidy(redis: redis_py.Redis) -> Iterator[None]:
    yield
    for module in (start_here, reading_and_position, pubsub_or_stream, pending_and_recovery):
        module.clean_up(redis)
    for other in (trimming_and_memory, lag_without_lies, replies_without_tears, newer_redis):
        other.clean_up(redis)
    declarative_or_not.clean_up(redis)
    judge.clean_up(redis)
    lobby.clean_up(redis)
    journal.close("chores")
    meanwhile.stop("ledger")
    journal.close("desk")
    redis.delete("desk", "day", "minute", "ledger", "chores", "crew:done")


def shop_with_fewer_orders(redis: redis_py.Redis) -> Verdict:
    shop = start_here.new_shop(redis)
    (orders,) = shop.producers
    orders.rate = 0.75
    shop.group(start_here.KEY, "email", consumers=2, service_ms=400)
    shop.run(seconds=60)
    return start_here.check_enough_consumers(redis)


def claimed_by_a_living_one(redis: redis_py.Redis) -> Verdict:
    shop = start_here.new_shop(redis)
    shop.group(start_here.KEY, "billing", consumers=2, service_ms=100, crash_after=50)
    shop.run(seconds=60)
    Stream(redis, start_here.KEY).group("billing").consumer("billing-2").autoclaim(min_idle_ms=0)
    return start_here.check_nothing_left_behind(redis)


def numbered_in_lower_case(redis: redis_py.Redis) -> Verdict:
    desk = entries_and_ids.new_desk(redis)
    last = desk.info().last_generated_id
    for guest in "abc":
        last = last.next()
        redis.execute_command("xadd", "desk", str(last), "guest", guest)
    return entries_and_ids.check_desk(desk)


def copied_under_new_ids(redis: redis_py.Redis) -> Verdict:
    day, minute = entries_and_ids.new_day(redis)
    for entry in day.range("60000", "(120000-0"):
        minute.add(entry.fields)
    return entries_and_ids.check_day(minute)


def only_the_newest_ring(redis: redis_py.Redis) -> Verdict:
    bell = reading_and_position.new_bell(redis)
    for _ in range(3):
        reading_and_position.ring(bell)
        redis.rpush("heard", str(bell.reverse_range(count=1)[0].id))
    return reading_and_position.check_bell(bell)


def coins_in_a_plain_pipeline(client: Any) -> None:
    position = (client.hget("till:readers", "me") or b"0").decode()
    for entry in Stream(client, "till").read(position):
        pipe = client.pipeline(transaction=False)
        pipe.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
        pipe.hset("till:readers", "me", str(entry.id)).execute()


def coins_in_a_typed_pipeline(client: Any) -> None:
    position, till = (client.hget("till:readers", "me") or b"0").decode(), Stream(client, "till")
    for entry in till.read(position):
        count = ("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])
        till.connection.pipeline([count, ("HSET", "till:readers", "me", str(entry.id))])


def wait_for_a_coin_for_ever(client: Any) -> None:
    Stream(client, "till").read("$", block_ms=0)


def trimmed_to_the_limit_afterwards(redis: redis_py.Redis) -> Verdict:
    pubsub_or_stream.run_shift(redis, maxlen=2000)
    redis.xtrim("shift", maxlen=276, approximate=False)
    return pubsub_or_stream.check_shift(redis)


def the_length_and_two(redis: redis_py.Redis) -> Verdict:
    ledger = consumer_groups.new_ledger(redis)
    ledger.group("audit").create("$", entries_read=len(ledger) + 2)
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    return consumer_groups.check_audit(ledger)


def added_before_the_group(redis: redis_py.Redis) -> Verdict:
    ledger = consumer_groups.new_ledger(redis)
    ledger.add_many([{"entry": "a"}, {"entry": "b"}])
    ledger.group("audit").create("$", entries_read=ledger.info().entries_added)
    return consumer_groups.check_audit(ledger)


def zoes_without_a_claim(redis: redis_py.Redis) -> Verdict:
    crew = consumer_groups.new_crew(redis)
    for held in crew.pending_entries(consumer="zoe", count=1000):
        (entry,) = Stream(redis, "chores").range(str(held.id), str(held.id))
        redis.rpush("crew:done", entry.fields["task"])
        crew.ack(held.id)
    crew.delete_consumer("zoe")
    return consumer_groups.check_tasks(crew)


def kims_without_a_claim(redis: redis_py.Redis) -> Verdict:
    def recover(client: redis_py.Redis) -> None:
        night = Stream(client, "night")
        crew = night.group("crew")
        crew.create_consumer("lou")
        for held in crew.pending_entries():
            for entry in night.range(str(held.id), str(held.id)):
                client.rpush("night:done", entry.fields["job"])
            crew.ack(held.id)

    return pending_and_recovery.check_night(redis, recover)


def sacks_without_a_claim(redis: redis_py.Redis) -> Verdict:
    mill = pending_and_recovery.new_mill(redis)
    DeadLetters(mill.consumer("moe"), after_deliveries=5).sweep(
        dict.fromkeys(("1-0", "4-0"), "too hot")
    )
    for which in ("2-0", "3-0"):
        (entry,) = Stream(redis, "mill").range(which, which)
        redis.rpush("mill:flour", entry.fields["sack"])
        mill.ack(which)
    return pending_and_recovery.check_mill(mill)


def read_again_by_ida(redis: redis_py.Redis) -> Verdict:
    crew = trimming_and_memory.new_attic(redis)
    crew.consumer("ida").read(after="0")
    return trimming_and_memory.check_attic(crew)


def read_and_left_pending(redis: redis_py.Redis) -> Verdict:
    report = lag_without_lies.new_feed(redis)
    report.consumer("x").read(750)
    return lag_without_lies.check_feed(report)


def bills(redis: redis_py.Redis) -> list[list[bytes]]:
    return [flat for _, flat in Connection(redis).call("XRANGE", "till", "-", "+")]


def the_smaller_number_of_a_bill(redis: redis_py.Redis) -> Verdict:
    while True:
        till = replies_without_tears.new_till(redis)
        flats = bills(redis)
        firsts = sum(int(flat[1]) for flat in flats)
        smaller = sum(min(int(flat[1]), int(flat[3])) for flat in flats)
        tables = sum(int(flat[flat.index(b"table") + 1]) for flat in flats)
        if smaller not in (firsts, tables):  # these have hints of their own
            break
    redis.set("takings", smaller)
    return replies_without_tears.check_till(till)


def judged_before_it_is_delivered(redis: redis_py.Redis) -> Verdict:
    def relay(group: ConsumerGroup, judge_one: Callable[[Entry], str]) -> None:
        for entry in Stream(redis, group.key).range():
            judge_one(entry)
            group.ack(entry.id)

    return judge.check_relay(redis, relay)


def owner_overwritten(client: Any, seat: str, buyer: str) -> bool:
    return bool(client.hset("sale:seats", seat, buyer) == 1)


def another_key_is_watched(client: Any, seat: str, buyer: str) -> bool:
    with client.pipeline() as pipe:
        pipe.watch(seat)
        if pipe.hexists("sale:seats", seat):
            return False
        pipe.multi()
        pipe.hset("sale:seats", seat, buyer)
        pipe.execute()
        return True


def a_ticket_first(client: Any, seat: str, buyer: str) -> bool:
    first = bool(client.hincrby("sale:tickets", seat, 1) == 1)
    if first:
        client.hset("sale:seats", seat, buyer)
    return first


def the_streams_one_after_the_other(client: Any) -> None:
    left = {fields[b"who"] for _, fields in client.xrange("meet:leave")}
    waiting = b""
    for _, fields in client.xrange("meet:find"):
        if waiting and waiting not in left:
            client.rpush("meet:pairs", waiting + b" " + fields[b"who"])
            waiting = b""
        else:
            waiting = fields[b"who"]


def answer_in_a_plain_pipeline(client: Any, entry: Entry) -> None:
    number = entry.fields["request"]
    if not client.hexists("style:noted", number):
        pipe = client.pipeline(transaction=False)
        pipe.xadd("style:said", {"reply_to": number}).hset("style:noted", number, "said").execute()


def wait_for_a_request_for_ever(client: Any, entry: Entry) -> None:
    client.xread({"style:other": "$"}, block=0)


def sold(redis: redis_py.Redis, take: Any) -> Verdict:
    return lobby.check_sale(redis, take)


def served(redis: redis_py.Redis, handler: Any) -> Verdict:
    declarative_or_not.serve(redis, handler)
    return declarative_or_not.check_echo(redis)


def receipt_without_a_catch(till: Stream, receipt: dict[str, int]) -> None:
    till.add(receipt, id=f"{receipt['receipt']}-0")


def receipt_in_a_plain_pipeline(till: Stream, receipt: dict[str, int]) -> None:
    if not till.client.sismember("till:seen", str(receipt["receipt"])):
        pipe = till.client.pipeline(transaction=False)
        pipe.sadd("till:seen", receipt["receipt"])
        pipe.xadd("till", receipt)  # type: ignore[arg-type]
        pipe.execute()


Answer = Callable[[redis_py.Redis], Verdict]
WRONG: list[tuple[str, Answer]] = [
    ("at five orders per second", shop_with_fewer_orders),
    ("1 order from before the crash is still pending for billing-2.", claimed_by_a_living_one),
    ("you chose the sequence numbers", numbered_in_lower_case),
    ("Keep each entry's ID", copied_under_new_ids),
    ("5 of 8 rings. Each time you are back, ask for all that came after", only_the_newest_ring),
    (
        "a coin was counted twice",
        lambda redis: reading_and_position.check_till(redis, coins_in_a_plain_pipeline),
    ),
    (
        "a coin was counted twice",
        lambda redis: reading_and_position.check_till(redis, coins_in_a_typed_pipeline),
    ),
    (
        "BLOCK 0 waits for ever",
        lambda redis: reading_and_position.check_till(redis, wait_for_a_coin_for_ever),
    ),
    ("the stream grew to 720 entries", trimmed_to_the_limit_afterwards),
    ("How many were ever added before them", the_length_and_two),
    ("would get 1 entry, but 6 are new", added_before_the_group),
    ("105 of zoe's tasks were done or given up while max didn't hold them", zoes_without_a_claim),
    ("lou claimed nothing", kims_without_a_claim),
    ("2 sacks were done or given up while moe didn't hold them", sacks_without_a_claim),
    ("XAUTOCLAIM drops such entries", read_again_by_ida),
    ("750 entries are pending", read_and_left_pending),
    ("but should be", the_smaller_number_of_a_bill),
    ("a move is still waiting", judged_before_it_is_delivered),
    ("not the buyer who got the promise", lambda redis: sold(redis, owner_overwritten)),
    ("sold more than once", lambda redis: sold(redis, another_key_is_watched)),
    ("no buyer can have its seat", lambda redis: sold(redis, a_ticket_first)),
    (
        "zoe left after she was seated with yan",
        lambda redis: lobby.check_meeting(redis, the_streams_one_after_the_other),
    ),
    ("answered 2 times", lambda redis: served(redis, answer_in_a_plain_pipeline)),
    ("BLOCK 0 waits for ever", lambda redis: served(redis, wait_for_a_request_for_ever)),
    (
        "that is fine. Catch that error",
        lambda redis: newer_redis.check_till(redis, receipt_without_a_catch),
    ),
    (
        "or remembered but never added",
        lambda redis: newer_redis.check_till(redis, receipt_in_a_plain_pipeline),
    ),
]


@pytest.mark.parametrize(("hint", "answer"), WRONG)
def test_an_answer_that_only_looks_right_gets_a_true_hint(
    redis: redis_py.Redis, hint: str, answer: Answer
) -> None:
    verdict = answer(redis)
    assert not verdict.right
    assert hint in verdict.text


WAITING: list[Callable[[redis_py.Redis], object]] = [
    lambda redis: reading_and_position.new_bell(redis).read("$", block_ms=0),
    lambda redis: pubsub_or_stream.new_chat(redis).read("$", block_ms=0),
    lambda redis: consumer_groups.new_crew(redis).consumer("max").read(block_ms=0),
    lambda redis: pending_and_recovery.new_mill(redis).consumer("moe").read(block_ms=0),
    lambda redis: trimming_and_memory.new_attic(redis).consumer("jon").read(block_ms=0),
    lambda redis: lag_without_lies.new_feed(redis).consumer("x").read(block_ms=0),
    lambda redis: newer_redis.new_desk(redis).consumer("hal").read(block_ms=0),
]


@pytest.mark.parametrize("wait", WAITING)
def test_a_read_that_would_wait_for_ever_says_so(
    redis: redis_py.Redis, wait: Callable[[redis_py.Redis], object]
) -> None:
    with pytest.raises(interrupted.EndlessLoop, match="BLOCK 0 waits for ever"):
        wait(redis)


def guests_by_script(redis: redis_py.Redis) -> Verdict:
    desk = entries_and_ids.new_desk(redis)
    script = "for i = 1, 3 do redis.call('xadd', KEYS[1], '5000-*', 'guest', ARGV[i]) end"
    redis.eval(script, 1, "desk", "a", "b", "c")
    return entries_and_ids.check_desk(desk)


def rings_for_a_group(redis: redis_py.Redis) -> Verdict:
    bell = reading_and_position.new_bell(redis)
    group = bell.group("me")
    group.create("$")
    for _ in range(3):
        reading_and_position.ring(bell)
        for entry in group.consumer("x").read():
            redis.rpush("heard", str(entry.id))
            group.ack(entry.id)
    return reading_and_position.check_bell(bell)


def zoe_deleted_after_the_claim(redis: redis_py.Redis) -> Verdict:
    crew = consumer_groups.new_crew(redis)
    entries = crew.consumer("max").autoclaim(min_idle_ms=0, count=1000).entries
    crew.delete_consumer("zoe")
    for entry in entries:
        redis.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)
    return consumer_groups.check_tasks(crew)


def acknowledged_when_all_is_done(redis: redis_py.Redis) -> Verdict:
    def recover(client: redis_py.Redis) -> None:
        crew, cursor = Stream(client, "night").group("crew"), ""
        while cursor != "0-0":
            page = crew.consumer("lou").autoclaim(min_idle_ms=0, start=cursor or "0-0", count=2)
            for entry in page.entries:
                client.rpush("night:done", entry.fields["job"])
            cursor = str(page.cursor)
        crew.ack(*(held.id for held in crew.pending_entries(consumer="lou")))

    return pending_and_recovery.check_night(redis, recover)


def poison_by_its_own_count(redis: redis_py.Redis) -> Verdict:
    mill = pending_and_recovery.new_mill(redis)
    moe = mill.consumer("moe")
    for held in mill.pending_entries():
        if held.deliveries > 4:
            DeadLetters(moe).move(held, "too hot")
        for entry in moe.claim([held.id]) if held.deliveries <= 4 else ():
            redis.rpush("mill:flour", entry.fields["sack"])
            moe.ack(entry.id)
    return pending_and_recovery.check_mill(mill)


def seat_and_buyer_in_one_script(client: Any, seat: str, buyer: str) -> bool:
    script = """
        local owner = redis.call('HGET', KEYS[1], ARGV[1])
        if not owner then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
        return (not owner or owner == ARGV[2]) and 1 or 0
    """
    return bool(client.eval(script, 1, "sale:seats", seat, buyer))


def the_answers_are_the_note(client: Any, entry: Entry) -> None:
    number = entry.fields["request"]
    if number not in [one.fields["reply_to"] for one in Stream(client, "style:said").range()]:
        client.xadd("style:said", {"reply_to": number})
    client.hset("style:noted", number, "said")


def receipt_in_the_sequence(till: Stream, receipt: dict[str, int]) -> None:
    with suppress(IdTooSmall):
        till.add(receipt, id=f"0-{receipt['receipt']}")


RIGHT: list[Answer] = [
    guests_by_script,
    rings_for_a_group,
    zoe_deleted_after_the_claim,
    acknowledged_when_all_is_done,
    poison_by_its_own_count,
    lambda redis: sold(redis, seat_and_buyer_in_one_script),
    lambda redis: served(redis, the_answers_are_the_note),
    lambda redis: newer_redis.check_till(redis, receipt_in_the_sequence),
]


@pytest.mark.parametrize("answer", RIGHT)
def test_an_unusual_answer_is_right(redis: redis_py.Redis, answer: Answer) -> None:
    verdict = answer(redis)
    assert verdict.right, verdict


def test_what_goes_on_for_long_has_an_end(
    redis: redis_py.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupted, "_DEADLINE_S", 0.05)

    def wait(client: Any) -> None:
        while True:
            client.xread({"till": "$"}, block=20)

    assert "still at work" in reading_and_position.check_till(redis, wait).text
