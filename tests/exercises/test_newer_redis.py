"""The checks of notebook 13 accept right answers, done in any way, and reject wrong ones."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest
import redis as redis_py
from slow import slow

from exercises import newer_redis as exercise
from streamviz import Stream
from streamviz.client.groups import ConsumerGroup
from streamviz.errors import CommandRefused, IdTooSmall, ServerUnreachable


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


Receipt = dict[str, int]
remembered: set[int] = set()


def by_id(till: Stream, receipt: Receipt) -> None:
    with contextlib.suppress(IdTooSmall):
        till.add(receipt, id=f"{receipt['receipt']}-0")


def by_its_words(till: Stream, receipt: Receipt) -> None:
    try:
        till.add(receipt, id=f"{receipt['receipt']}-0")
    except CommandRefused as refused:
        if "equal or smaller" not in str(refused):
            raise


def twice_if_needed(till: Stream, receipt: Receipt) -> None:
    try:
        by_id(till, receipt)
    except (ServerUnreachable, CommandRefused):
        by_id(till, receipt)


def all_refusals(till: Stream, receipt: Receipt) -> None:
    with contextlib.suppress(CommandRefused):
        till.add(receipt, id=f"{receipt['receipt']}-0")


def all_errors(till: Stream, receipt: Receipt) -> None:
    with contextlib.suppress(Exception):
        till.add(receipt, id=f"{receipt['receipt']}-0")


def by_idmp(till: Stream, receipt: Receipt) -> None:
    till.connection.call(
        "XADD", till.key, "IDMP", "till", receipt["receipt"], "*", "receipt", receipt["receipt"]
    )


def by_script(till: Stream, receipt: Receipt) -> None:
    script = """
        if redis.call('SET', KEYS[2], 1, 'NX') then
            redis.call('XADD', KEYS[1], '*', 'receipt', ARGV[1], 'sum', ARGV[2])
        end"""
    keys = till.key, f"till:{receipt['receipt']}"
    till.connection.call("EVAL", script, 2, *keys, receipt["receipt"], receipt["sum"])


def by_memory_if_there_is_a_stream(till: Stream, receipt: Receipt) -> None:
    if not till.length():
        remembered.clear()
    if receipt["receipt"] not in remembered:
        by_id(till, receipt)
        remembered.add(receipt["receipt"])


def by_watch(till: Stream, receipt: Receipt) -> None:
    with till.client.pipeline() as both:
        both.watch("till:seen")
        if not both.sismember("till:seen", str(receipt["receipt"])):
            both.multi()
            both.sadd("till:seen", receipt["receipt"])
            both.xadd("till", receipt)  # type: ignore[arg-type]
            both.execute()


def by_looking(till: Stream, receipt: Receipt) -> None:
    if str(receipt["receipt"]) not in [one.fields["receipt"] for one in till.range()]:
        till.add(receipt)


def look_and_repeat(till: Stream, receipt: Receipt) -> None:
    if str(receipt["receipt"]) in [one.fields["receipt"] for one in till.range()]:
        return
    while True:
        with contextlib.suppress(ConnectionError):
            till.add(receipt)
            return


def look_and_repeat_once(till: Stream, receipt: Receipt) -> None:
    if str(receipt["receipt"]) not in [one.fields["receipt"] for one in till.range()]:
        try:
            till.add(receipt)
        except ServerUnreachable:
            till.add(receipt)


def a_transaction_twice(till: Stream, receipt: Receipt) -> None:
    if till.client.sismember("till:seen", str(receipt["receipt"])):
        return
    for _ in range(2):
        with contextlib.suppress(redis_py.ConnectionError), till.client.pipeline() as both:
            both.xadd("till", receipt)  # type: ignore[arg-type]
            both.sadd("till:seen", receipt["receipt"])
            both.execute()
            return


def three_tries(error: type[Exception]) -> Callable[[Stream, Receipt], None]:
    def send(till: Stream, receipt: Receipt) -> None:
        for _ in range(3):
            try:
                return by_id(till, receipt)
            except error:
                pass
        return None

    return send


def until_it_is_there(till: Stream, receipt: Receipt) -> None:
    while True:
        with contextlib.suppress(ServerUnreachable, CommandRefused):
            return by_id(till, receipt)


def look_again_each_time(till: Stream, receipt: Receipt) -> None:
    while str(receipt["receipt"]) not in [one.fields["receipt"] for one in till.range()]:
        with contextlib.suppress(ConnectionError):
            till.add(receipt)


def at_its_length(till: Stream, receipt: Receipt) -> None:
    if till.length() < receipt["receipt"]:
        till.add(receipt)


def noted_first(till: Stream, receipt: Receipt) -> None:
    if till.client.sadd("till:seen", receipt["receipt"]):
        till.add(receipt)


def noted_afterwards(till: Stream, receipt: Receipt) -> None:
    if not till.client.sismember("till:seen", str(receipt["receipt"])):
        till.add(receipt)
        till.client.sadd("till:seen", receipt["receipt"])


def by_sum(till: Stream, receipt: Receipt) -> None:
    with contextlib.suppress(CommandRefused):
        till.add(receipt, id=f"{receipt['sum']}-0")


def by_number_and_sum(joined: Callable[[int, int], str]) -> Callable[[Stream, Receipt], None]:
    def send(till: Stream, receipt: Receipt) -> None:
        with contextlib.suppress(IdTooSmall):
            till.add(receipt, id=joined(receipt["receipt"], receipt["sum"]))

    return send


def by_memory(till: Stream, receipt: Receipt) -> None:
    if receipt["receipt"] not in remembered:
        remembered.add(receipt["receipt"])
        till.add(receipt)


def by_the_last(till: Stream, receipt: Receipt) -> None:
    newest = till.reverse_range(count=1)
    if not newest or newest[0].fields["receipt"] != str(receipt["receipt"]):
        till.add(receipt)


def with_a_cap(till: Stream, receipt: Receipt) -> None:
    till.add(receipt, maxlen=11)


def above_the_last_as_text(till: Stream, receipt: Receipt) -> None:
    last = till.reverse_range(count=1)
    if not last or last[0].fields["receipt"] < str(receipt["receipt"]):
        till.add(receipt)


def above_the_last(till: Stream, receipt: Receipt) -> None:
    last = till.reverse_range(count=1)
    if not last or int(last[0].fields["receipt"]) < receipt["receipt"]:
        till.add(receipt)


def above_the_greatest_as_text(till: Stream, receipt: Receipt) -> None:
    if str(receipt["receipt"]) > max([one.fields["receipt"] for one in till.range()], default=""):
        till.add(receipt)


def not_among_the_last_ten(till: Stream, receipt: Receipt) -> None:
    last = [one.fields["receipt"] for one in till.reverse_range(count=10)]
    if str(receipt["receipt"]) not in last:
        till.add(receipt)


def not_in_the_text_of_all(till: Stream, receipt: Receipt) -> None:
    if str(receipt["receipt"]) not in str([one.fields for one in till.range()]):
        till.add(receipt)


@pytest.mark.parametrize(
    ("send", "said"),
    [
        (by_id, "Right"),
        slow(by_its_words, "Right"),
        (twice_if_needed, "Right"),
        slow(by_watch, "Right"),
        slow(by_looking, "Right"),
        (by_script, "leave scripts out"),
        (all_refusals, "the stream lacks 1. Was a new receipt refused, or remembered but never "),
        (all_refusals, "its memory was full (OOM), and your code went on"),
        (all_errors, "The connection broke once before a command was sent, and your code went on"),
        slow(until_it_is_there, "Right"),
        slow(look_again_each_time, "Right"),
        slow(at_its_length, "Right"),
        (
            look_and_repeat,
            "1 is in the stream more than once. The connection broke once after Redis",
        ),
        (look_and_repeat_once, "Look again, or let Redis refuse it"),
        (a_transaction_twice, "before its reply arrived"),
        (three_tries(ServerUnreachable), "broke five times in a row before a command was sent"),
        (three_tries(CommandRefused), "Redis refused a receipt five times in a row"),
        slow(by_memory_if_there_is_a_stream, "Your code remembers receipts in Python"),
        (lambda till, receipt: None, "the stream is empty"),
        (
            lambda till, receipt: till.add(receipt),
            "receipts 1 and 2 are in the stream more than once.",
        ),
        (noted_first, "or remembered but never added? The till died after 1 command."),
        (
            noted_afterwards,
            "receipt 1 is in the stream more than once. The till died after 2 commands.",
        ),
        (by_memory, "in memory, which dies with the till"),
        (by_memory, "begin with `till`. The till died after 0 commands"),
        (by_the_last, "receipt 1 is in the stream more than once."),
        (by_sum, "the stream lacks 3, 4, 5"),
        (by_number_and_sum(lambda n, total: f"{n}{total}-0"), "the stream lacks 3, 4, 5"),
        (by_number_and_sum(lambda n, total: f"{n * 10 + total}-0"), "the stream lacks 3, 4, 5"),
        (by_number_and_sum(lambda n, total: f"{n * 1000 + total}-0"), "the stream lacks 3, 4, 5"),
        (by_number_and_sum(lambda n, total: f"{total}-{n}"), "the stream lacks 3, 4, 5"),
        (by_number_and_sum(lambda n, total: f"{n}-{total}"), "Right"),
        (by_number_and_sum(lambda n, total: f"0-{n}"), "Right"),
        (with_a_cap, "the order is 2, 3, 1, 4, 5"),
        slow(above_the_last, "Right"),
        (above_the_last_as_text, "the stream lacks 10, 11. Was a new receipt refused"),
        (above_the_greatest_as_text, "the stream lacks 10, 11. Was a new receipt refused"),
        (
            not_among_the_last_ten,
            "10 and 11 are in the stream more than once. The till died after 24 commands.",
        ),
        (not_in_the_text_of_all, "the stream lacks 4, 7, 10, 11. Was a new receipt refused"),
        (lambda till, receipt: till.client.set("till", "no stream"), "another type"),
        (lambda till: None, "with `till` and `receipt`: let it take 2 arguments."),
    ],
)
def test_each_receipt_is_added_once_wherever_the_till_dies(
    redis: redis_py.Redis, send: Callable[..., None], said: str
) -> None:
    remembered.clear()
    verdict = exercise.check_till(redis, send)
    assert said in repr(verdict)
    assert verdict.right is (said == "Right")


def test_idmp_is_left_out_where_the_server_has_it(redis: redis_py.Redis) -> None:
    if Stream(redis, "till").connection.version.has((8, 6)):
        assert "IDMP needs Redis 8.6" in repr(exercise.check_till(redis, by_idmp))


@pytest.mark.parametrize("added_first", [True, False])
def test_the_till_can_t_use_another_client_that_never_dies(
    redis: redis_py.Redis, added_first: bool
) -> None:
    def send(till: Stream, receipt: Receipt) -> None:
        if added_first and not redis.sismember("till:sent", str(receipt["receipt"])):
            till.add(receipt)
            redis.sadd("till:sent", receipt["receipt"])
        elif not added_first and redis.sadd("till:sent", receipt["receipt"]):
            redis.xadd("till", receipt)  # type: ignore[arg-type]

    assert "did not come over the stream that `send` gets" in repr(exercise.check_till(redis, send))


def test_the_check_of_the_till_leaves_nothing_but_the_stream(redis: redis_py.Redis) -> None:
    assert exercise.check_till(redis, by_id).right
    assert not list(redis.scan_iter("exercise:away:*"))
    exercise.clean_up(redis)
    assert not list(redis.scan_iter("till*"))


def give_back(
    idle_ms: int = 60_000, deliveries: int | None = 0, least_ms: int = 60_000
) -> Callable[[ConsumerGroup], None]:
    def answer(desk: ConsumerGroup) -> None:
        desk.consumer("gus").claim(["2-0"], idle_ms=idle_ms, deliveries=deliveries)
        desk.consumer("hal").autoclaim(min_idle_ms=least_ms)

    return answer


def nothing_but_an_ack(desk: ConsumerGroup) -> None:
    desk.ack("2-0")
    desk.consumer("hal").autoclaim(min_idle_ms=60_000)


def claim_without_gus(desk: ConsumerGroup) -> None:
    desk.consumer("hal").claim(["2-0"], deliveries=1)


def read_and_give_back(desk: ConsumerGroup) -> None:
    desk.consumer("gus").claim(["2-0"], deliveries=0, idle_ms=70_000)
    desk.consumer("hal").claim(["2-0"], 60_000)


def back_by_the_cursor(desk: ConsumerGroup) -> None:
    desk.set_id("1-0")
    desk.consumer("hal").read(1)


def forward_by_a_claim(desk: ConsumerGroup) -> None:
    desk.consumer("gus").claim(["2-0"], idle_ms=60_000, deliveries=0, last_id="9-0")
    desk.consumer("hal").autoclaim(min_idle_ms=60_000)


def given_back_and_not_claimed(desk: ConsumerGroup) -> None:
    desk.consumer("gus").claim(["2-0"], idle_ms=60_000, deliveries=0)


def only_the_id(desk: ConsumerGroup) -> None:
    desk.consumer("gus").claim(["2-0"], idle_ms=60_000, deliveries=1)
    desk.consumer("hal").autoclaim(min_idle_ms=60_000, justid=True)


def hal_sets_the_count(desk: ConsumerGroup) -> None:
    desk.consumer("gus").claim(["2-0"], idle_ms=60_000, justid=True)
    desk.consumer("hal").claim(["2-0"], 60_000, deliveries=1)


def another_one_takes_it_from_gus(desk: ConsumerGroup) -> None:
    desk.consumer("boss").claim(["2-0"], idle_ms=60_000, deliveries=0)
    desk.consumer("hal").autoclaim(min_idle_ms=60_000)


def acknowledged_and_pending_again(desk: ConsumerGroup) -> None:
    desk.ack("2-0")
    desk.consumer("gus").claim(["2-0"], idle_ms=60_000, deliveries=0, force=True)
    desk.consumer("hal").autoclaim(min_idle_ms=60_000)


def as_if_delivered_in_1970(desk: ConsumerGroup) -> None:
    desk.consumer("gus").claim(["2-0"], time_ms=0, deliveries=0, justid=True)
    desk.consumer("hal").autoclaim(min_idle_ms=60_000)


def a_minute_ago_by(now_ms: Callable[[ConsumerGroup], int]) -> Callable[[ConsumerGroup], None]:
    def answer(desk: ConsumerGroup) -> None:
        time_ms = now_ms(desk) - 60_000
        desk.consumer("gus").claim(["2-0"], time_ms=time_ms, deliveries=0)
        desk.consumer("hal").autoclaim(min_idle_ms=60_000)

    return answer


def after_a_look_in_vain(desk: ConsumerGroup) -> None:
    desk.consumer("hal").autoclaim(min_idle_ms=60_000)
    read_and_give_back(desk)


def seconds_for_milliseconds(desk: ConsumerGroup) -> None:
    give_back(idle_ms=60, least_ms=60)(desk)


def all_back_and_two_again(desk: ConsumerGroup, *, justid: bool = False) -> None:
    gus, hal = desk.consumer("gus"), desk.consumer("hal")
    gus.claim(["1-0", "2-0", "3-0"], idle_ms=60_000, deliveries=0)
    hal.autoclaim(min_idle_ms=60_000)
    if justid:
        gus.claim(["1-0", "3-0"], deliveries=1, justid=True)
    else:
        gus.claim(["1-0", "3-0"], deliveries=1)


def all_back_and_one_asked_for(desk: ConsumerGroup) -> None:
    gus, hal = desk.consumer("gus"), desk.consumer("hal")
    gus.claim(["1-0", "2-0", "3-0"], time_ms=0, deliveries=0)
    hal.claim(["2-0"], 60_000)
    gus.claim(["1-0", "3-0"], deliveries=1)


def two_back_one_by_one(desk: ConsumerGroup) -> None:
    gus, hal = desk.consumer("gus"), desk.consumer("hal")
    for ticket in ("2-0", "3-0"):
        gus.claim([ticket], idle_ms=60_000, deliveries=0)
        hal.autoclaim(min_idle_ms=60_000)
    gus.claim(["3-0"], deliveries=1)


def still_alive_with_the_others(desk: ConsumerGroup, idle_ms: int | None = None) -> None:
    desk.consumer("gus").claim(["1-0", "3-0"], idle_ms=idle_ms, justid=True)
    give_back()(desk)


def hal_asks_for_all_three(desk: ConsumerGroup) -> None:
    desk.consumer("gus").claim(["2-0"], idle_ms=60_000, deliveries=0)
    desk.consumer("hal").claim(["1-0", "2-0", "3-0"], 60_000)


def hal_reads_what_it_claimed(desk: ConsumerGroup) -> None:
    give_back()(desk)
    desk.consumer("hal").read(after="0")


def forget_gus(desk: ConsumerGroup) -> None:
    give_back()(desk)
    desk.ack("1-0")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (give_back(), "Right"),
        (give_back(idle_ms=3_600_000), "Right"),
        (give_back(idle_ms=30 * 365 * 24 * 3_600_000), "Right"),
        (give_back(idle_ms=2**62), "longer than Redis can go back, and then Redis takes 0. A min"),
        (read_and_give_back, "Right"),
        (as_if_delivered_in_1970, "Right"),
        (a_minute_ago_by(lambda desk: int(time.time() * 1000)), "Give the time that the ticket"),
        (
            a_minute_ago_by(lambda desk: int(time.time() * 1000) - 600_000),
            "has a TIME from another clock than the server's, and the two may differ",
        ),
        (a_minute_ago_by(lambda desk: desk.connection.client.time()[0] * 1000), "Right"),
        (after_a_look_in_vain, "Right"),
        (hal_sets_the_count, "hal set the delivery count itself"),
        (another_one_takes_it_from_gus, "a consumer other than gus and hal claimed the ticket"),
        (acknowledged_and_pending_again, "acknowledged, and then made pending again"),
        (claim_without_gus, "hal's claim asks for less than a minute"),
        (give_back(least_ms=59_999), "less than a minute, which is 60,000 ms. Such a claim would"),
        (seconds_for_milliseconds, "hal's claim asks for less than a minute, which is 60,000 ms"),
        (all_back_and_two_again, "gus gave 1-0 and 3-0 back, too"),
        (lambda desk: all_back_and_two_again(desk, justid=True), "gus gave 1-0 and 3-0 back, too"),
        (all_back_and_one_asked_for, "gus gave 1-0 and 3-0 back, too"),
        (two_back_one_by_one, "gus gave 3-0 back, too, by a new idle time"),
        (still_alive_with_the_others, "Right"),
        (lambda desk: still_alive_with_the_others(desk, idle_ms=0), "Right"),
        (hal_asks_for_all_three, "Right"),
        (lambda desk: None, "gus still holds 2-0"),
        (nothing_but_an_ack, "is no longer pending"),
        (give_back(idle_ms=1_000), "gus still holds 2-0. It has not been idle long enough"),
        (give_back(least_ms=0), "hal took 1-0 and 2-0 and 3-0"),
        (give_back(deliveries=None), "delivery count of 2-0 is 3"),
        (hal_reads_what_it_claimed, "delivery counts. A read with `0` counts, too."),
        (back_by_the_cursor, "XGROUP SETID would make the group read again"),
        (forward_by_a_claim, "the group's cursor has moved"),
        (given_back_and_not_claimed, "2-0 has been idle long enough, and waits for hal's claim"),
        (only_the_id, "with JUSTID, hal has the ID and no ticket"),
        (lambda desk: desk.consumer("hal").claim(["2-0"]), "Let gus give the ticket back"),
        (
            lambda desk: desk.consumer("hal").claim(["2-0"], deliveries=0),
            "hal's claim asks for less than a minute",
        ),
        (forget_gus, "the other two"),
        (lambda desk: desk.destroy(), "Start again with new_desk"),
        (lambda desk: desk.connection.client.delete("tickets"), "Start again with new_desk"),
        (lambda desk: desk.delete_consumer("gus"), "is no longer pending"),
    ],
)
def test_a_ticket_can_be_released_for_another_consumer_to_take_at_once(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], None], said: str
) -> None:
    desk = exercise.new_desk(redis)
    answer(desk)
    verdict = exercise.check_desk(desk)
    assert said in repr(verdict)
    assert verdict.right is (said == "Right")


def test_a_picture_tells_for_how_long_what_is_held_looks_idle(redis: redis_py.Redis) -> None:
    desk = exercise.new_desk(redis)
    desk.ack("3-0")
    desk.consumer("gus").claim(["2-0"], idle_ms=120_000, deliveries=0)
    assert repr(exercise.who_holds(desk)) == (
        "gus: 1-0: idle 0 min, deliveries 1, 2-0: idle 2 min, deliveries 0; hal: holds nothing"
    )


def test_a_picture_shows_what_a_read_left_and_which_places_it_did_not_use(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in (1, 2, 3))
    got = [(key, entry) for entry in stream.read("1-0", count=1)]
    assert repr(exercise.places(redis, {key: "1-0"}, got, allowed=2)) == (
        f"{key}: 2-0, 3-0 (not read); the list: 2-0, unused"
    )
