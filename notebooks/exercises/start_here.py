"""The exercises of notebook 00: enough consumers, and a crash that leaves nothing pending."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import Any

import redis

from exercises import picture
from exercises.hints import hinted
from exercises.verdict import Verdict, count_of, find_group, grade
from streamviz import series
from streamviz.client import GroupInfo, Stream
from streamviz.observation import DEATHS, Sample
from streamviz.simulation import ConsumerBehaviour, Scenario, SimulatedConsumer, SimulatedGroup

KEY = "exercise:orders"
_TOO_FEW = "that was less than a minute of orders. Use run(seconds=60), at five orders per second."
_EVENTS, _HANDLED, _FEWER = f"{KEY}:events", f"{KEY}:handled", f"{KEY}:fewer"
_MINUTE, _MORE, _LONG_MS, _SERVICE_MS, _ENOUGH = 290, 310, 15_000, 400, 5
_TOO_LONG = "that was more than a minute. Use run(seconds=60)."
_SHORTEST_S, _LONGEST_S = 59.5, 62  # live, with time to press Pause
_shops: dict[str, Scenario] = {}
_sizes: dict[str, set[int]] = {}
_changes: dict[str, set[str]] = {}
_rates: set[float] = set()


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
            there = [one for one in group.consumers.values() if not one.removed]
            _sizes.setdefault(name, set()).add(len(there))
            _changes.setdefault(name, set()).add(_changed(group))
        _rates.update(producer.rate for producer in shop.producers)

    for seen in (_sizes, _changes, _rates):
        seen.clear()
    shop.on_sample.append(note)
    shop.produce(KEY, series.orders(rate_hz=5))
    _shops[KEY] = shop
    return shop


def _flow(_client: redis.Redis) -> picture.Picture:
    """Draw the end of the shop's run: it knows how each order left, and who is dead."""
    return picture.picture_of(_shops[KEY].histories[KEY])


@hinted("the stream of orders is missing. Run the whole cell.", shows=_flow)
def check_enough_consumers(client: redis.Redis) -> Verdict:
    """Grade exercise 1 by the replies to XLEN and XINFO GROUPS, and by a run with one fewer."""
    stream = Stream(client, KEY)
    group, plan = find_group(stream, "email"), _shops[KEY].groups.get("email")
    if group is None or plan is None or not stream.length():
        return Verdict(False, "there are no orders, or no group `email`. Run the whole cell.")
    orders = stream.info().entries_added or 0
    unhandled = orders - _handled(client, group.name)
    verdict = grade(
        "",
        [
            (orders < _MINUTE or _seconds() < _SHORTEST_S, _TOO_FEW),
            (orders > _MORE or _seconds() > _LONGEST_S, _TOO_LONG),
            (
                bool(_rates - {1.0}),
                "the orders did not always arrive at the same rate. Leave the producer as it is.",
            ),
            (group.lag is None, "Redis can't tell the lag. Leave the stream's entries in place."),
            (
                bool(changed := _changed(plan) or max(_changes.get(group.name, [""]))),
                f"the shop is not as it was ({changed}). Change only the number of consumers.",
            ),
            (
                len(_sizes.get(group.name, ())) > 1,
                "the number of consumers changed during the minute. Begin with all of them.",
            ),
            (
                (group.lag or 0) >= _ENOUGH,
                f"{group.lag} of {orders} orders are waiting for `email`. It needs more consumers.",
            ),
            (
                unhandled >= _ENOUGH + group.consumers,
                f"few orders are waiting for `email`, but {unhandled} are not handled. Reading "
                "them by hand, trimming them or moving the cursor only hides them.",
            ),
        ],
    )
    return _grade_fewer(client, group) if verdict.right else verdict


def _grade_fewer(client: redis.Redis, group: GroupInfo) -> Verdict:
    """Grade a number of consumers that is enough: with one fewer, many orders must be waiting."""
    fewer = group.consumers - 1
    waiting = _waiting_with(client, fewer)
    few = f"only {count_of(group.lag, 'order is', 'orders are')}" if group.lag else "no order is"
    if waiting < _ENOUGH:
        return Verdict(
            False,
            f"{group.consumers} consumers are enough, but {fewer} are enough, too. Find the "
            "smallest number.",
        )
    return Verdict(
        True,
        f"{few} waiting for `email`. With one consumer fewer, {waiting} would be waiting. "
        f"{group.consumers} consumers have time to spare, so they catch up after a clump.",
    )


def _seconds() -> float:
    """Return how long the shop ran, on its clock."""
    samples = _shops[KEY].histories[KEY].samples
    return (samples[-1].time_ms - samples[0].time_ms) / 1000 if samples else 0.0


def _changed(plan: SimulatedGroup) -> str:
    """Return what else was changed than the number of consumers, as it stands in the call."""
    usual = ConsumerBehaviour()
    names = [field.name for field in fields(usual)]
    more = [(name, getattr(plan.behaviour, name)) for name in names]
    options = [(name, value) for name, value in more if value != getattr(usual, name)]
    times = {plan.service_ms, *(one.service_ms for one in plan.consumers.values())} - {_SERVICE_MS}
    options += [("service_ms", value) for value in times]
    options += [("slowdown", one.slowdown) for one in plan.consumers.values() if one.slowdown != 1]
    return ", ".join(f"{name}={value!r}" for name, value in options)


def _waiting_with(client: redis.Redis, consumers: int) -> int:
    """Return how many orders are waiting for `email` after the same minute, by consumers."""
    client.delete(_FEWER)
    shop = Scenario(client, seed=7)
    shop.produce(_FEWER, series.orders(rate_hz=5))
    shop.group(_FEWER, "email", consumers=consumers, service_ms=_SERVICE_MS)
    shop.run(seconds=60, progress=False)
    group = find_group(Stream(client, _FEWER), "email")
    client.delete(_FEWER)
    return (group and group.lag) or 0


@hinted("the stream of orders is missing. Run the whole cell.", shows=_flow)
def check_nothing_left_behind(client: redis.Redis) -> Verdict:
    """Grade exercise 2 by XPENDING, XINFO CONSUMERS and the shop's list of events."""
    stream = Stream(client, KEY)
    if find_group(stream, "billing") is None:
        return Verdict(False, "there is no group `billing`. Run the whole cell.")
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
        "no order from before the crash is pending. All of them were recovered.",
        [
            (len(group.consumers()) < 2, "keep both consumers. The crash is the exercise."),
            (added < _MINUTE, _TOO_FEW),
            (_seconds() > _LONGEST_S, _TOO_LONG),
            (
                not crashes,
                "no consumer crashed. Keep crash_after=50.",
            ),
            (after_ms < _LONG_MS, "the crash came too late. Leave it at crash_after=50."),
            (
                bool(old),
                f"{count_of(len(old), 'order', 'orders')} from before the crash "
                f"{'is' if len(old) == 1 else 'are'} still pending for {names}.",
            ),
            (
                lost > 0,
                f"{count_of(lost, 'order is', 'orders are')} lost (delivered, but neither pending "
                "nor handled by the shop). Without a pending entry, no consumer can recover an "
                "order.",
            ),
            (
                lost < 0,
                f"{count_of(-lost, 'order was', 'orders were')} handled twice. A claim took work "
                "from a consumer that was still handling it. Wait longer than a consumer needs.",
            ),
        ],
    )


def two_of(group: SimulatedGroup) -> tuple[SimulatedConsumer, SimulatedConsumer]:
    """Return a group's first two consumers, alive; add one if there is only one left."""
    there = [one for one in group.consumers.values() if not one.removed]
    while len(there) < 2:
        there.append(group.add_consumer())
    for one in there[:2]:
        if not one.alive:
            one.revive()
    return there[0], there[1]


def let_handle(consumer: SimulatedConsumer, orders: int, *, at_most_s: float = 15) -> None:
    """Wait until a consumer has handled `orders` more, and holds the next one.

    After `at_most_s` seconds it says why it waits no longer, and returns: the shop may be paused.
    """
    end, before = time.monotonic() + at_most_s, consumer.handled
    while not (consumer.handled >= before + orders and consumer.holding):
        if time.monotonic() >= end:
            print(_why(consumer, consumer.handled - before, orders))
            return
        time.sleep(0.02)


def _why(consumer: SimulatedConsumer, handled: int, orders: int) -> str:
    state, name = consumer.group.context.clock.state, consumer.name
    if state == "paused":
        return "The shop is paused. Press Resume, and run this cell again."
    if state != "running":
        return "The shop is not running. Run the cell that opens it again, and then this one."
    if not consumer.alive:
        return f"{name} is dead. Revive it, and run this cell again."
    return (
        f"{name} has handled only {handled} of {orders} orders. Move the sliders back to the "
        "middle, and run this cell again."
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete(KEY, _EVENTS, _HANDLED, _FEWER)


def _handled(client: redis.Redis, group: str) -> int:
    """Return how many orders a group has handled."""
    reply: Any = client.hget(_HANDLED, group)
    return int(reply or 0)


def _crashes(client: redis.Redis) -> list[int]:
    """Return the times at which a consumer crashed or was killed, in milliseconds."""
    reply: Any = client.lrange(_EVENTS, 0, -1)
    lines = [line.decode() if isinstance(line, bytes) else line for line in reply]
    return [int(time_ms) for time_ms, kind in map(str.split, lines) if kind in DEATHS]
