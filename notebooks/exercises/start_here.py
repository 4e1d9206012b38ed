"""The exercises of notebook 00: enough consumers, and a crash that leaves nothing pending."""

from __future__ import annotations

import time
from typing import Any

import redis

from exercises import picture
from exercises.hints import hinted
from exercises.verdict import Verdict, count_of, find_group, grade
from streamviz import series
from streamviz.client.stream import Stream
from streamviz.observation.events import DEATHS
from streamviz.observation.sample import Sample
from streamviz.simulation.consumers import SimulatedConsumer
from streamviz.simulation.scenario import Scenario

KEY = "exercise:orders"
_TOO_FEW = "that was less than a minute of orders: run(seconds=60), at five orders per second."
_EVENTS, _HANDLED = f"{KEY}:events", f"{KEY}:handled"
_MINUTE, _LONG_MS = 290, 15_000
_shops: dict[str, Scenario] = {}


def new_shop(client: redis.Redis) -> Scenario:
    """Return a shop with a producer of orders on a stream of its own, and without groups.

    A list in Redis records the shop's events, with the time in milliseconds, and a hash how many
    orders each group has handled.
    """
    clean_up(client)
    shop = Scenario(client, seed=7)

    def note(sample: Sample) -> None:
        for event in sample.events:
            client.rpush(_EVENTS, f"{sample.time_ms} {event.kind}")
        for name, group in shop.groups.items():
            handled = sum(consumer.handled for consumer in group.consumers.values())
            client.hset(_HANDLED, name, handled)

    shop.on_sample.append(note)
    shop.produce(KEY, series.orders(rate_hz=5))
    _shops[KEY] = shop
    return shop


def _flow(_client: redis.Redis) -> picture.Picture:
    """Draw the end of the shop's run: it knows how each order left, and who is dead."""
    return picture.picture_of(_shops[KEY].histories[KEY])


@hinted("the stream of orders is missing: run the whole cell.", shows=_flow)
def check_enough_consumers(client: redis.Redis) -> Verdict:
    """Grade exercise 1 by the replies to XLEN and XINFO GROUPS."""
    stream = Stream(client, KEY)
    group = find_group(stream, "email")
    if group is None or not stream.length():
        return Verdict(False, "there are no orders, or no group `email`: run the whole cell.")
    orders = stream.info().entries_added or 0
    verb = "is" if group.lag == 1 else "are"
    unhandled = orders - _handled(client, group.name)
    return grade(
        f"only {group.lag} of {orders} orders {verb} waiting for email: its consumers have the "
        "time to catch up after a clump.",
        [
            (orders < _MINUTE, _TOO_FEW),
            (group.lag is None, "Redis can't tell the lag: leave the stream's entries in place."),
            (
                (group.lag or 0) >= 5,
                f"{group.lag} of {orders} orders {verb} waiting for email: it needs more "
                "consumers, or faster ones.",
            ),
            (
                unhandled >= 5 + group.consumers,
                f"few orders are waiting for email, but {unhandled} are not handled: reading "
                "them by hand or moving the cursor only hides them.",
            ),
        ],
    )


@hinted("the stream of orders is missing: run the whole cell.", shows=_flow)
def check_nothing_left_behind(client: redis.Redis) -> Verdict:
    """Grade exercise 2 by XPENDING, XINFO CONSUMERS and the shop's list of events."""
    stream = Stream(client, KEY)
    if find_group(stream, "billing") is None:
        return Verdict(False, "there is no group `billing`: run the whole cell.")
    group = stream.group("billing")
    newest = stream.info().last_generated_id.ms
    crashes = _crashes(client)
    after_ms = newest - min(crashes, default=newest)
    old = [one for one in group.pending_entries() if one.id.ms <= max(crashes, default=newest)]
    names = ", ".join(sorted({entry.consumer for entry in old}))
    info = group.info()
    added = stream.info().entries_added or 0
    lost = added - (info.lag or 0) - info.pending - _handled(client, group.name)
    return grade(
        "no entry from before the crash is pending: all of them were recovered.",
        [
            (len(group.consumers()) < 2, "keep both consumers: the crash is the exercise."),
            (added < _MINUTE, _TOO_FEW),
            (not crashes, "no consumer crashed: keep crash_after=50, the crash is the exercise."),
            (after_ms < _LONG_MS, "the crash came too late: leave it at crash_after=50."),
            (
                bool(old),
                f"{count_of(len(old), 'old entry is', 'old entries are')} still pending "
                f"for {names}.",
            ),
            (
                lost > 0,
                f"{count_of(lost, 'order is', 'orders are')} lost: delivered, neither handled "
                "nor pending. Without a pending entry, no consumer can recover an order.",
            ),
            (
                lost < 0,
                f"{count_of(-lost, 'order was', 'orders were')} handled twice: a claim took work "
                "from a consumer that was still handling it. Wait longer than a consumer needs.",
            ),
        ],
    )


def let_handle(consumer: SimulatedConsumer, orders: int, *, at_most_s: float = 10) -> None:
    """Wait until a consumer has handled so many more orders, and holds the next one.

    After `at_most_s` seconds it returns anyway: the shop may be paused.
    """
    end, goal = time.monotonic() + at_most_s, consumer.handled + orders
    while not (consumer.handled >= goal and consumer.holding) and time.monotonic() < end:
        time.sleep(0.02)


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete(KEY, _EVENTS, _HANDLED)


def _handled(client: redis.Redis, group: str) -> int:
    """Return how many orders a group has handled."""
    reply: Any = client.hget(_HANDLED, group)
    return int(reply or 0)


def _crashes(client: redis.Redis) -> list[int]:
    """Return the times at which a consumer crashed or was killed, in milliseconds."""
    reply: Any = client.lrange(_EVENTS, 0, -1)
    lines = [line.decode() if isinstance(line, bytes) else line for line in reply]
    return [int(time_ms) for time_ms, kind in map(str.split, lines) if kind in DEATHS]
