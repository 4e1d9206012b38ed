"""The checks of notebook 13 accept right answers, done in any way, and reject wrong ones."""

from __future__ import annotations

import contextlib
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


Receipt = dict[str, int]
remembered: set[int] = set()


def by_id(till: Stream, receipt: Receipt) -> None:
    with contextlib.suppress(CommandRefused):
        till.add(receipt, id=f"{receipt['receipt']}-0")


def by_idmp(till: Stream, receipt: Receipt) -> None:
    if till.connection.version.has((8, 6)):
        till.add(receipt, idmp=("till", str(receipt["receipt"])))
    else:
        by_id(till, receipt)


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


def by_memory(till: Stream, receipt: Receipt) -> None:
    if receipt["receipt"] not in remembered:
        remembered.add(receipt["receipt"])
        till.add(receipt)


def by_the_last(till: Stream, receipt: Receipt) -> None:
    newest = till.reverse_range(count=1)
    if not newest or newest[0].fields["receipt"] != str(receipt["receipt"]):
        till.add(receipt)


def with_a_cap(till: Stream, receipt: Receipt) -> None:
    till.add(receipt, maxlen=4)


@pytest.mark.parametrize(
    ("send", "said"),
    [
        (by_id, "Right"),
        (by_idmp, "Right"),
        (by_watch, "Right"),
        (by_looking, "Right"),
        (lambda till, receipt: None, "the stream is empty"),
        (lambda till, receipt: till.add(receipt), "in the stream twice: 1, 2."),
        (noted_first, "or remembered but never added? The till died after 1 command."),
        (noted_afterwards, "in the stream twice: 1. The till died after 2 commands."),
        (by_memory, "in memory, which dies with the till. The till died after 0 commands"),
        (by_the_last, "in the stream twice: 1."),
        (by_sum, "not in the stream: 3."),
        (with_a_cap, "the order is 2, 3, 1, 4"),
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
