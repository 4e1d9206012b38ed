"""The checks of notebook 13 accept right answers, done in any way, and reject wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis as redis_py

from exercises import newer_redis as exercise
from streamviz import Stream
from streamviz.client.groups import ConsumerGroup
from streamviz.errors import CommandRefused


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


def by_id(till: Stream) -> None:
    for receipt in exercise.RECEIPTS:
        try:
            till.add(receipt, id=f"{receipt['receipt']}-0")
        except CommandRefused:
            continue


def by_set(till: Stream) -> None:
    for receipt in exercise.RECEIPTS:
        if till.client.sadd("till:seen", receipt["receipt"]):
            till.add(receipt)
    till.client.delete("till:seen")


def by_idmp(till: Stream) -> None:
    if not till.connection.version.has((8, 6)):
        pytest.skip("IDMP needs Redis 8.6")
    for receipt in exercise.RECEIPTS:
        till.add(receipt, idmp=("till", str(receipt["receipt"])))


def by_sum(till: Stream) -> None:
    seen = set()
    for receipt in exercise.RECEIPTS:
        if receipt["sum"] not in seen:
            till.add(receipt)
        seen.add(receipt["sum"])


def by_memory(till: Stream) -> None:
    for receipt in {each["receipt"]: each for each in exercise.RECEIPTS}.values():
        till.add(receipt)


def by_the_last(till: Stream) -> None:
    last = None
    for receipt in exercise.RECEIPTS:
        if receipt != last:
            till.add(receipt)
        last = receipt


def one_too_many(till: Stream) -> None:
    till.add_many({"receipt": n} for n in (1, 2, 3, 4, 5))


def last_of_each(till: Stream) -> None:
    for receipt in {each["receipt"]: each for each in exercise.RECEIPTS[::-1]}.values():
        till.add(receipt)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (by_id, "Right"),
        (by_set, "Right"),
        (by_idmp, "Right"),
        (lambda till: None, "the stream is empty"),
        (lambda till: till.add_many(exercise.RECEIPTS), "in the stream twice: 1, 2."),
        (by_memory, "A till that restarts has forgotten"),
        (by_the_last, "in the stream twice: 1."),
        (by_sum, "not in the stream: 3."),
        (last_of_each, "the order is 4, 1, 3, 2"),
        (one_too_many, "the order is 1, 2, 3, 4, 5"),
        (lambda till: till.add({"receipt": "tea"}), "start again with new_till"),
        (lambda till: till.client.set("till", "no stream"), "start again with new_till"),
    ],
)
def test_each_receipt_is_added_once(
    redis: redis_py.Redis, answer: Callable[[Stream], None], said: str
) -> None:
    till = exercise.new_till(redis)
    answer(till)
    verdict = exercise.check_till(till)
    assert said in repr(verdict)
    assert verdict.right is (said == "Right")


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


def forget_gus(desk: ConsumerGroup) -> None:
    give_back()(desk)
    desk.ack("1-0")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (give_back(), "Right"),
        (give_back(idle_ms=3_600_000), "Right"),
        (read_and_give_back, "Right"),
        (claim_without_gus, "hal had to know"),
        (lambda desk: None, "gus still holds 2-0"),
        (nothing_but_an_ack, "is no longer pending"),
        (give_back(idle_ms=1_000), "gus still holds 2-0"),
        (give_back(least_ms=0), "hal took 1-0 and 2-0 and 3-0"),
        (give_back(deliveries=None), "delivery count of 2-0 is 3"),
        (lambda desk: desk.consumer("hal").claim(["2-0"]), "delivery count of 2-0 is 2"),
        (forget_gus, "the other two"),
        (lambda desk: desk.destroy(), "start again with new_desk"),
        (lambda desk: desk.connection.client.delete("tickets"), "start again with new_desk"),
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
