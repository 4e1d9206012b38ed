"""Each check accepts right answers, and rejects plausible wrong ones with a fitting hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

import pytest
import redis as redis_py
from slow import slow

from exercises import entries_and_ids, start_here
from streamviz import Scenario, Stream, series
from streamviz.client.models import Entry
from streamviz.errors import CommandRefused
from streamviz.simulation.consumers import SimulatedGroup
from tests.conftest import Until


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    redis.delete("desk", "day", "minute", "ledger", "crew")
    start_here.clean_up(redis)


def test_a_consumer_has_the_time_for_its_orders_and_holds_the_next_one(
    redis: redis_py.Redis, key: str, capsys: pytest.CaptureFixture[str], until: Until
) -> None:
    shop = Scenario(redis)
    shop.produce(key, series.constant(rate_hz=50))
    quick, stuck = (
        shop.group(key, name, service_ms=service_ms).consumers[f"{name}-1"]
        for name, service_ms in (("quick", 10), ("stuck", 600_000))
    )
    with shop:
        shop.start()
        start_here.let_handle(quick, 3)
        assert quick.handled >= 3
        start_here.let_handle(stuck, 0)
        assert (stuck.handled, stuck.holding) == (0, 1)
        start_here.let_handle(stuck, 1, at_most_s=0)
        assert stuck.handled == 0
        assert "stuck-1 has handled only 0 of 1 orders" in capsys.readouterr().out
        shop.pause()
        start_here.let_handle(quick, 3, at_most_s=0)
        assert "The shop is paused. Press Resume" in capsys.readouterr().out
        shop.resume()
        quick.kill()
        until(lambda: not quick.alive)
        start_here.let_handle(quick, 3, at_most_s=0)
        assert "quick-1 is dead" in capsys.readouterr().out
        assert [one.alive for one in start_here.two_of(quick.group)] == [True, True]
    start_here.let_handle(quick, 3, at_most_s=0)
    assert "The shop is not running" in capsys.readouterr().out


def _accepts(desk: Stream, entry_id: str) -> bool:
    try:
        desk.add({"guest": "Ada"}, id=entry_id)
    except CommandRefused:
        return False
    return True


def test_the_desk_wants_three_entries_in_one_millisecond_counted_by_the_server(
    redis: redis_py.Redis,
) -> None:
    desk = entries_and_ids.new_desk(redis)
    assert "you added 0 entries" in repr(entries_and_ids.check_desk(desk))
    desk.add({"guest": "Ada"})
    assert "another millisecond" in repr(entries_and_ids.check_desk(desk))
    desk = entries_and_ids.new_desk(redis)
    for sequence in (5000, 5001, 5002):
        desk.add({"guest": "Ada"}, id=f"5000-{sequence}")
    assert "leaves no gap" in repr(entries_and_ids.check_desk(desk))
    desk = entries_and_ids.new_desk(redis)
    with pytest.raises(CommandRefused):
        desk.add({"guest": "Ada"}, id="5000-0")
    for guest in ("Ada", "*", "5000-*"):
        desk = entries_and_ids.new_desk(redis)
        for sequence in range(len(desk), len(desk) + 3):
            desk.add({"guest": guest}, id=f"5000-{sequence}")
        assert "Let the server choose them. If you read" in repr(entries_and_ids.check_desk(desk))
    desk = entries_and_ids.new_desk(redis)
    free = count()
    for _ in range(3):  # the first number that is not refused
        while not _accepts(desk, f"5000-{next(free)}"):
            pass
    assert "Let the server choose them" in repr(entries_and_ids.check_desk(desk))
    desk = entries_and_ids.new_desk(redis)
    desk.trim(maxlen=0)
    desk.set_id("4999-0")
    for sequence in range(3):
        desk.add({"guest": "Ada"}, id=f"5000-{sequence}")
    assert "Start again with new_desk" in repr(entries_and_ids.check_desk(desk))


@pytest.mark.parametrize(("probes", "said"), [(1, "1 more entry, which is"), (2, "2 more entries")])
def test_the_number_of_a_guest_who_was_deleted_is_not_used_again(
    redis: redis_py.Redis, probes: int, said: str
) -> None:
    desk = entries_and_ids.new_desk(redis)
    for _ in range(probes):
        desk.delete(desk.add({"guest": "probe"}, id="5000-*"))
    add_one_by_one(desk)
    verdict = entries_and_ids.check_desk(desk)
    assert not verdict.right
    assert said in verdict.text
    assert "gone again. A sequence number is never used twice" in verdict.text


def test_a_fourth_guest_who_left_again_was_one_too_many(redis: redis_py.Redis) -> None:
    desk = entries_and_ids.new_desk(redis)
    ids = [desk.add({"guest": name}, id="5000-*") for name in ("Ada", "Grace", "Edsger", "Alan")]
    desk.delete(ids[-1])
    assert "Add exactly three" in entries_and_ids.check_desk(desk).text


def test_a_number_chosen_after_the_options_is_found(redis: redis_py.Redis) -> None:
    desk = entries_and_ids.new_desk(redis)
    for sequence in range(len(desk), len(desk) + 3):
        entry_id = f"5000-0{sequence}"
        redis.execute_command("XADD", "desk", "MINID", "=", "0", entry_id, "guest", "Ada")
    assert "Let the server choose them. If you read" in repr(entries_and_ids.check_desk(desk))


def add_one_by_one(desk: Stream) -> None:
    for guest in ("Ada", "Grace", "Edsger"):
        desk.add({"guest": guest}, id="5000-*")


def add_at_once(desk: Stream) -> None:
    desk.add_many(("5000-*", {"guest": guest}) for guest in ("Ada", "Grace", "Edsger"))


def add_with_redis_py(desk: Stream) -> None:
    for guest in ("Ada", "Grace", "Edsger"):
        desk.client.xadd("desk", {"guest": guest}, id="5000-*")


def add_with_a_threshold(desk: Stream) -> None:
    for guest in ("Ada", "Grace", "Edsger"):
        desk.client.xadd("desk", {"guest": guest}, id="5000-*", minid="1000-0")


def add_again_after_a_refusal(desk: Stream) -> None:
    for guest in ("Ada", "Grace", "Edsger"):
        try:
            desk.add({"guest": guest}, id="5000-0")
        except CommandRefused:
            desk.add({"guest": guest}, id="5000-*")


ADDED = [add_one_by_one, add_at_once, add_with_redis_py]
ADDED += [add_with_a_threshold, add_again_after_a_refusal]


@pytest.mark.parametrize("answer", ADDED)
def test_the_server_may_number_the_guests_in_any_way(
    redis: redis_py.Redis, answer: Callable[[Stream], None]
) -> None:
    desk = entries_and_ids.new_desk(redis)
    answer(desk)
    assert entries_and_ids.check_desk(desk).right


@pytest.mark.parametrize(
    ("start", "end", "hint"),
    [
        ("60000", "120000", "after the second minute"),
        ("60000", "(120000", "after the second minute"),
        ("0", "119999", "before the second minute"),
        ("(60000", "(120000-0", "has 8 entries, and you copied 7"),
        ("60000-1", "119999", "you copied 7"),
        ("60000", "119999-0", "you copied 7. One is missing in millisecond 119999"),
        ("60000-0", "119999-999", "A sequence number may have up to twenty digits"),
        ("60000-0", f"119999-{2**63}", "A sequence number may have up to twenty digits"),
        ("(59999-999", "119999", "before the second minute"),
        (f"(59999-{2**64 - 1}", "119999", ""),
        ("60000-0", f"119999-{2**64 - 1}", ""),
        ("60000", "110000", "you copied 7"),
        ("(59999", "119999", "before the second minute"),
        ("200", "100", "empty"),
        ("60000", "119999", ""),
        ("60000", "(120000-0", ""),
    ],
)
def test_the_second_minute_is_eight_entries(
    redis: redis_py.Redis, start: str, end: str, hint: str
) -> None:
    day, minute = entries_and_ids.new_day(redis)
    for entry in day.range(start, end):
        minute.add(entry.fields, id=str(entry.id))
    verdict = entries_and_ids.check_day(minute)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def last_of_each_millisecond(day: Stream) -> Iterable[Entry]:
    return {entry.id.ms: entry for entry in day.range("60000", "119999")}.values()


def first_of_each_millisecond(day: Stream) -> Iterable[Entry]:
    milliseconds = sorted({entry.id.ms for entry in day.range("60000", "119999")})
    return [day.range(str(ms), str(ms), count=1)[0] for ms in milliseconds]


def once_for_each_time(day: Stream) -> Iterable[Entry]:
    return {entry.fields["at"]: entry for entry in day.range("60000", "119999")}.values()


def millisecond_by_millisecond(day: Stream) -> Iterable[Entry]:
    milliseconds = sorted({entry.id.ms for entry in day.range("60000", "119999")})
    return [entry for ms in milliseconds for entry in day.range(str(ms), str(ms))]


def by_the_quotient(day: Stream) -> Iterable[Entry]:
    return [entry for entry in day.range() if entry.id.ms // 60_000 == 1]


def by_reading_on(day: Stream) -> Iterable[Entry]:
    return [entry for entry in day.read(f"59999-{2**64 - 1}") if entry.id.ms < 120_000]


@pytest.mark.parametrize(
    ("copied", "hint"),
    [
        (last_of_each_millisecond, "Two of them share a millisecond"),
        (first_of_each_millisecond, "Two of them share a millisecond"),
        (once_for_each_time, "Two of them share a millisecond"),
        (millisecond_by_millisecond, ""),
        (by_the_quotient, ""),
        (by_reading_on, ""),
    ],
)
def test_a_millisecond_of_the_second_minute_has_two_entries(
    redis: redis_py.Redis, copied: Callable[[Stream], Iterable[Entry]], hint: str
) -> None:
    day, minute = entries_and_ids.new_day(redis)
    for entry in copied(day):
        minute.add(entry.fields, id=str(entry.id))
    verdict = entries_and_ids.check_day(minute)
    assert verdict.right is (hint == "")
    assert hint in verdict.text
    assert verdict.picture is not None
    assert verdict.picture.text.count("90000") == 4
    assert ("90000 (crossed out)" in verdict.picture.text) is (hint != "")


@pytest.mark.parametrize(
    ("ids", "hint"),
    [
        ([f"{ms}-1" for ms in range(60_000, 120_000, 10_000)], "Keep each entry's ID"),
        ([f"60000-{n}" for n in range(6)], "Keep each entry's ID"),
        ([f"{ms}-0" for ms in range(60_000, 120_000, 10_000)], "Keep each entry's ID"),
        ([], "the fields are not those"),
    ],
)
def test_the_second_minute_is_copied_under_the_same_ids(
    redis: redis_py.Redis, ids: list[str], hint: str
) -> None:
    day, minute = entries_and_ids.new_day(redis)
    ids = ids or [str(entry.id) for entry in day.range("60000", "119999")]
    minute.add_many((one, {"at": 0}) for one in ids)
    verdict = entries_and_ids.check_day(minute)
    assert not verdict.right
    assert hint in verdict.text


@pytest.mark.parametrize(
    ("people", "service_ms", "seconds", "right"),
    [
        slow(1, 400, 60, False),
        slow(2, 400, 60, False),
        (2, 390, 60, False),
        (3, 400, 9, False),
        (3, 400, 60, True),
        slow(4, 400, 60, False),
        slow(2, 200, 60, False),
        slow(3, 400, 120, False),
        slow(3, 400, 59, False),  # as many orders as some minutes have
    ],
)
def test_enough_consumers_are_two_more_than_one(
    redis: redis_py.Redis, people: int, service_ms: int, seconds: int, right: bool
) -> None:
    shop = start_here.new_shop(redis)
    assert not start_here.check_enough_consumers(redis).right
    shop.group(start_here.KEY, "email", consumers=people, service_ms=service_ms)
    shop.run(seconds=seconds)
    assert start_here.check_enough_consumers(redis).right is right


@pytest.mark.parametrize(
    ("people", "plan", "hint"),
    [
        slow(4, {}, "4 consumers are enough, but 3 are enough, too"),
        (1, {"service_ms": 100}, "(service_ms=100)"),
        slow(3, {"ack": "never"}, "(ack='never')"),
        (3, {"ack": "noack"}, "(ack='noack')"),
        slow(2, {"batch": 100}, "(batch=100)"),
    ],
)
def test_only_the_number_of_consumers_may_change(
    redis: redis_py.Redis, people: int, plan: dict[str, Any], hint: str
) -> None:
    shop = start_here.new_shop(redis)
    shop.group(start_here.KEY, "email", consumers=people, **{"service_ms": 400} | plan)
    shop.run(seconds=60)
    verdict = start_here.check_enough_consumers(redis)
    assert not verdict.right
    assert hint in verdict.text
    assert not redis.exists(f"{start_here.KEY}:fewer")


def two_more_in_the_middle(group: SimulatedGroup) -> None:
    group.add_consumer()
    group.add_consumer()


@pytest.mark.parametrize(
    ("people", "change"),
    [
        (2, SimulatedGroup.add_consumer),
        slow(1, two_more_in_the_middle),
        slow(4, SimulatedGroup.remove_consumer),
    ],
)
def test_all_consumers_are_there_from_the_beginning(
    redis: redis_py.Redis, people: int, change: Callable[[SimulatedGroup], object]
) -> None:
    shop = start_here.new_shop(redis)
    group = shop.group(start_here.KEY, "email", consumers=people, service_ms=400)
    shop.run(seconds=30)
    change(group)
    shop.run(seconds=30)
    verdict = start_here.check_enough_consumers(redis)
    assert not verdict.right
    assert "Begin with all of them" in verdict.text


@pytest.mark.slow
def test_consumers_may_be_added_one_by_one_before_the_minute(redis: redis_py.Redis) -> None:
    shop = start_here.new_shop(redis)
    group = shop.group(start_here.KEY, "email", consumers=1, service_ms=400)
    group.add_consumer()
    group.add_consumer()
    shop.run(seconds=30)
    shop.run(seconds=30)
    assert start_here.check_enough_consumers(redis).right


def read_by_hand(client: redis_py.Redis) -> None:
    shop = start_here.new_shop(client)
    shop.group(start_here.KEY, "email", consumers=1, service_ms=400)
    shop.run(seconds=60)
    Stream(client, start_here.KEY).group("email").consumer("me").read()


def skipped(client: redis_py.Redis) -> None:
    shop = start_here.new_shop(client)
    shop.group(start_here.KEY, "email", consumers=1, service_ms=400)
    shop.run(seconds=60)
    Stream(client, start_here.KEY).group("email").set_id("$")


def trimmed(client: redis_py.Redis) -> None:
    shop = start_here.new_shop(client)
    shop.group(start_here.KEY, "email", consumers=2, service_ms=400)
    shop.run(seconds=60)
    client.xtrim(start_here.KEY, maxlen=4, approximate=False)


@pytest.mark.parametrize("answer", [slow(read_by_hand), skipped, trimmed])
def test_orders_that_are_only_hidden_are_not_handled(
    redis: redis_py.Redis, answer: Callable[[redis_py.Redis], None]
) -> None:
    answer(redis)
    assert "are not handled" in repr(start_here.check_enough_consumers(redis))


def rested_after_the_minute(shop: Scenario) -> None:
    shop.run(seconds=60)
    shop.producers[0].rate = 0.0001
    shop.run(seconds=10)


def rested_at_the_end(shop: Scenario) -> None:
    shop.producers[0].rate = 1.2
    shop.run(seconds=50)
    shop.producers[0].rate = 0.0001
    shop.run(seconds=10)


def rested_in_the_middle(shop: Scenario) -> None:
    shop.run(seconds=30)
    shop.producers[0].rate = 0.0001
    shop.run(seconds=1)
    shop.producers[0].rate = 1
    shop.run(seconds=29.5)


def quick_for_a_while(shop: Scenario) -> None:
    clerk = shop.groups["email"].consumers["email-1"]
    shop.run(seconds=30)
    clerk.slowdown = 0.1
    shop.run(seconds=5)
    clerk.slowdown = 1
    shop.run(seconds=25)


@pytest.mark.parametrize(
    ("minute", "hint"),
    [
        (rested_after_the_minute, "that was more than a minute. Use run(seconds=60)"),
        (rested_at_the_end, "Leave the producer as it is"),
        slow(rested_in_the_middle, "Leave the producer as it is"),
        (quick_for_a_while, "Change only the number of consumers"),
    ],
)
def test_two_consumers_are_not_enough_because_they_had_a_quiet_time(
    redis: redis_py.Redis, minute: Callable[[Scenario], None], hint: str
) -> None:
    shop = start_here.new_shop(redis)
    shop.group(start_here.KEY, "email", consumers=2, service_ms=400)
    minute(shop)
    verdict = start_here.check_enough_consumers(redis)
    assert not verdict.right
    assert hint in verdict.text


CLAIMS = {"crash_after": 50, "claim_idle_ms": 5000}


@pytest.mark.parametrize(
    ("plan", "people", "seconds", "hint"),
    [
        ({"crash_after": 50}, 2, 60, "pending for billing-1"),
        slow({"crash_after": 50, "claim_idle_ms": 50_000}, 2, 60, "pending for billing-1"),
        slow({}, 2, 60, "no consumer crashed"),
        slow({"claim_idle_ms": 5000}, 2, 60, "no consumer crashed"),
        slow({"crash_after": 50}, 2, 30, "less than a minute"),
        ({"crash_after": 50}, 2, 10, "less than a minute"),
        slow(CLAIMS, 2, 10, "less than a minute"),
        (CLAIMS, 1, 60, "keep both consumers"),
        slow({"crash_at_s": 55}, 2, 60, "the crash came too late"),
        slow({"crash_after": 50, "ack": "noack"}, 2, 60, "1 order is lost"),
        ({"crash_after": 50, "ack": "before"}, 2, 60, "1 order is lost"),
        slow({"crash_after": 50, "ack": "noack", "revive_after_s": 5}, 2, 60, "1 order is lost"),
        ({"crash_after": 50, "claim_idle_ms": 50}, 2, 60, "handled twice"),
        (CLAIMS, 2, 60, ""),
        slow(CLAIMS, 3, 60, ""),
        slow({"crash_after": 50, "revive_after_s": 5}, 2, 60, ""),
        slow({"crash_at_s": 20, "claim_idle_ms": 5000}, 2, 60, ""),
    ],
)
def test_pending_entries_of_a_crashed_consumer_must_be_claimed(
    redis: redis_py.Redis, plan: dict[str, Any], people: int, seconds: int, hint: str
) -> None:
    shop = start_here.new_shop(redis)
    assert "no group" in repr(start_here.check_nothing_left_behind(redis))
    shop.group(start_here.KEY, "billing", consumers=people, service_ms=100, **plan)
    shop.run(seconds=seconds)
    verdict = start_here.check_nothing_left_behind(redis)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def revived_after_the_minute(shop: Scenario) -> None:
    shop.run(seconds=60)
    shop.groups["billing"].consumers["billing-1"].revive()
    shop.run(seconds=10)


def claimed_in_a_quiet_time(shop: Scenario) -> None:
    shop.run(seconds=60)
    shop.producers[0].rate = 0.0001
    shop.groups["billing"].consumers["billing-1"].revive()
    shop.run(seconds=5)


@pytest.mark.parametrize("minute", [revived_after_the_minute, claimed_in_a_quiet_time])
def test_orders_that_are_recovered_after_the_minute_come_too_late(
    redis: redis_py.Redis, minute: Callable[[Scenario], None]
) -> None:
    shop = start_here.new_shop(redis)
    shop.group(start_here.KEY, "billing", consumers=2, service_ms=100, crash_after=50)
    minute(shop)
    verdict = start_here.check_nothing_left_behind(redis)
    assert not verdict.right
    assert "that was more than a minute. Use run(seconds=60)" in verdict.text


def test_an_order_that_was_deleted_is_lost(redis: redis_py.Redis) -> None:
    shop = start_here.new_shop(redis)
    shop.group(start_here.KEY, "billing", consumers=2, service_ms=100, crash_after=50)
    shop.run(seconds=60)
    stream = Stream(redis, start_here.KEY)
    billing = stream.group("billing")
    stream.delete(*(held.id for held in billing.pending_entries(consumer="billing-1")))
    billing.consumer("billing-2").autoclaim(min_idle_ms=0)
    assert not start_here.check_nothing_left_behind(redis).right


def test_the_checks_hint_where_something_is_gone_or_of_another_kind(redis: redis_py.Redis) -> None:
    desk, minute = entries_and_ids.new_desk(redis), entries_and_ids.new_day(redis)[1]
    for key in (desk.key, minute.key, start_here.KEY):
        redis.set(key, "no stream")
    assert "Start again with new_desk" in repr(entries_and_ids.check_desk(desk))
    assert "Start again with new_day" in repr(entries_and_ids.check_day(minute))
    assert "whole cell" in repr(start_here.check_enough_consumers(redis))
    assert "whole cell" in repr(start_here.check_nothing_left_behind(redis))


def test_the_shop_is_deleted_with_its_events(redis: redis_py.Redis) -> None:
    shop = start_here.new_shop(redis)
    shop.group(start_here.KEY, "billing", crash_at_s=1)
    shop.run(seconds=2)
    assert redis.keys(f"{start_here.KEY}:*")
    start_here.clean_up(redis)
    assert not redis.keys(f"{start_here.KEY}*")


def test_a_verdict_without_a_server_is_the_error_message() -> None:
    client = redis_py.Redis(host="127.0.0.1", port=1)
    verdict = entries_and_ids.check_desk(Stream(client, "desk"))
    assert not verdict.right
    assert "127.0.0.1" in verdict.text
