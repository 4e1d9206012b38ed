"""On the virtual clock, an XADD and the reads that follow it at once share a round trip.

Nothing else changes: the server gets the same commands in the same order.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from streamviz import EntryId, Scenario, Stream, series
from streamviz.client import CommandLog, transport
from streamviz.client.resp import Command
from streamviz.simulation.behaviour import exponential
from streamviz.simulation.clock import Clock
from streamviz.simulation.unread import Unread
from streamviz.simulation.wake_ups import GroupRead, WakeUps

Plan = Callable[[redis_py.Redis, str, Scenario], None]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[list[Command]]:
    """The commands of each round trip, without those of samples."""
    written: list[list[Command]] = []
    send = transport.send

    def record(raw_connection: Any, commands: list[Command], **options: Any) -> None:
        of_samples = commands[0][0] in ("MULTI", "XINFO", "XRANGE", "XREVRANGE", "CLIENT", "INFO")
        if not of_samples and commands[0][1] != "streamviz:runs":
            written.append(list(commands))
        send(raw_connection, commands, **options)

    monkeypatch.setattr(transport, "send", record)
    return written


def group(shop: Scenario, key: str | list[str], *names: str, **options: Any) -> None:
    for name in names:
        shop.group(key, name, **{"consumers": 2, "service_ms": exponential(30)} | options)


def plain(redis: redis_py.Redis, key: str, shop: Scenario) -> None:
    shop.produce(key, series.orders(rate_hz=20))
    group(shop, key, "x", "y", "z", batch=2, crash_chance=0.01, revive_after_s=0.2)
    shop.run(6)


def coincidences(redis: redis_py.Redis, key: str, shop: Scenario) -> None:
    for _ in range(2):
        shop.produce(key, series.constant(rate_hz=20))
    group(shop, key, "x", "y", consumers=3, service_ms=50)
    shop.run(5)


def twins(redis: redis_py.Redis, key: str, shop: Scenario) -> None:
    shop.produce(key, [(n // 2 * 33.4, {"n": n}) for n in range(100)])
    group(shop, key, "x", "y", batch=2, service_ms=5)
    shop.run(2)


def generator(redis: redis_py.Redis, key: str, shop: Scenario) -> None:
    def points() -> Iterator[tuple[float, dict[str, Any]]]:
        for n in range(60):
            yield n * 33.4, {"unread": redis.xinfo_groups(key)[0]["lag"]}

    shop.produce(key, points())
    group(shop, key, "x", "y", service_ms=5)
    shop.run(2)
    unread = [entry.fields["unread"] for entry in Stream(redis, key).range()]
    assert unread == ["0"] + ["1"] * 59  # the last one was just added


def service_time_of_the_caller(redis: redis_py.Redis, key: str, shop: Scenario) -> None:
    shop.produce(key, series.orders(rate_hz=20))
    group(shop, key, "x", service_ms=lambda rng: 1 + 9 * redis.xpending(key, "y")["pending"])
    group(shop, key, "y", ack="never", service_ms=3)
    group(shop, key, "z", service_ms=5)
    shop.run(2)
    shop.groups["z"].service_ms = lambda rng: 1 + redis.xpending(key, "x")["pending"]
    shop.run(2)


def claims(redis: redis_py.Redis, key: str, shop: Scenario) -> None:
    shop.produce(key, series.orders(rate_hz=20))
    group(shop, key, "x", claim_idle_ms=200, crash_at_s=1, revive_after_s=1)
    group(shop, key, "y", "z")
    shop.run(4)


def several_streams(redis: redis_py.Redis, key: str, shop: Scenario) -> None:
    for one in (key, f"{key}:2"):
        shop.produce(one, series.orders(rate_hz=10))
    group(shop, [key, f"{key}:2"], "x")
    group(shop, key, "y", "z")
    shop.run(4)


def readers(redis: redis_py.Redis, key: str, shop: Scenario) -> None:
    shop.produce(key, series.orders(rate_hz=10))
    group(shop, key, "x", service_ms=5)
    shop.reader(key, "zoe", service_ms=5)
    group(shop, key, "y", service_ms=5)
    shop.run(3)


def subscribers(redis: redis_py.Redis, key: str, shop: Scenario) -> None:
    shop.produce(key, series.orders(rate_hz=10))
    group(shop, key, "x", "y", service_ms=5)
    ear = shop.subscriber(key, "ear", service_ms=5)
    shop.run(2)
    ear.kill()


def killed_and_leaving(redis: redis_py.Redis, key: str, shop: Scenario) -> None:
    def happens() -> Any:
        yield shop.clock.env.timeout(701)
        for number in (1, 2):
            shop.groups["x"].consumers[f"x-{number}"].kill()
        yield shop.clock.env.timeout(700)
        for number in (1, 2):
            shop.groups["z"].remove_consumer(f"z-{number}")
        shop.groups["y"].add_consumer()

    shop.produce(key, series.orders(rate_hz=50))
    group(shop, key, "x", "y", "z", consumers=3, service_ms=5)
    shop.clock.process(happens())
    shop.run(4)


PLANS: list[Plan] = [plain, coincidences, twins, generator, service_time_of_the_caller, claims]
PLANS += [several_streams, readers, subscribers, killed_and_leaving]


def run_of(redis: redis_py.Redis, key: str, plan: Plan, seed: int) -> Any:
    shop = Scenario(redis, seed=seed)
    plan(redis, key, shop)
    result = {one: list(history.samples) for one, history in shop.histories.items()}
    redis.delete(*shop.histories, f"{key}:readers", "streamviz:runs")
    return result, shop.summary()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("plan", PLANS)
def test_the_server_gets_the_same_commands_in_the_same_order(
    redis: redis_py.Redis,
    key: str,
    plan: Plan,
    seed: int,
    writes: list[list[Command]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = run_of(redis, key, plan, seed)
    commands_together = [tuple(one) for commands in writes for one in commands]
    trips = len(writes)
    writes.clear()
    monkeypatch.setattr(WakeUps, "next_reads", lambda *_: [])
    one_by_one = run_of(redis, key, plan, seed)
    assert commands_together == [tuple(one) for commands in writes for one in commands]
    assert together == one_by_one
    assert len(commands_together) > 150
    if plan is plain:
        assert trips < 0.6 * len(writes)


def test_a_command_log_shows_what_each_command_changed(redis: redis_py.Redis, key: str) -> None:
    shop = Scenario(redis, seed=1)
    shop.produce(key, series.orders(rate_hz=20))
    group(shop, key, "x", "y", service_ms=1)
    shop.run(1)
    with CommandLog(redis) as log:
        shop.run(1)
    added = [one for one in log if one.command.startswith("XADD")]
    assert len(added) > 10
    assert all(
        "x lag: 0 → 1" in one.changes and "x pending: 0 → 1" not in one.changes for one in added
    )


def test_ctrl_c_waits_until_what_was_delivered_is_held(
    redis: redis_py.Redis, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = transport.send

    def interrupt(raw_connection: Any, commands: list[Command], **options: Any) -> None:
        send(raw_connection, commands, **options)
        if commands[0][0] == "XADD" and len(commands) == 3 and shop.clock.env.now > 1000:
            os.kill(os.getpid(), signal.SIGINT)

    shop = Scenario(redis, seed=1)
    shop.produce(key, series.orders(rate_hz=20))
    group(shop, key, "x", "y", service_ms=5)
    monkeypatch.setattr(transport, "send", interrupt)
    with pytest.raises(KeyboardInterrupt):
        shop.run(5)
    for one in shop.groups.values():
        held = {name: worker.holding for name, worker in one.consumers.items() if worker.holding}
        assert held == {f"{one.name}-1": 1} or held == {f"{one.name}-2": 1}
        assert redis.xpending(key, one.name)["pending"] == 1
    monkeypatch.setattr(transport, "send", send)
    shop.run(1)
    assert shop.groups["x"].consumers["x-1"].retried == 0
    assert shop.summary().group("x").handled == shop.producers[0].added


@pytest.mark.parametrize("crash_at_s", [None, 2.104])
def test_what_a_read_finds_beside_a_refused_entry_is_handled_once(
    redis: redis_py.Redis, key: str, crash_at_s: float | None
) -> None:
    shop = Scenario(redis, seed=1, sample_every_ms=1003)
    shop.produce(key, series.constant(rate_hz=10).shift(3).limit(25))
    shop.group(key, "x", service_ms=1, crash_at_s=crash_at_s, revive_after_s=0.2)
    later = EntryId(shop.clock.began_ms + 60_000)

    def from_elsewhere() -> Any:
        yield shop.clock.env.timeout(2050)
        Stream(redis, key).add({"from": "elsewhere"}, id=later)

    shop.clock.process(from_elsewhere())
    shop.run(5)
    assert shop.producers[0].added == 21
    assert shop.groups["x"].consumers["x-1"].handled == 22
    assert redis.xpending(key, "x")["pending"] == 0
    assert not shop.context.wake_ups.fetched


def test_a_producer_that_is_refused_sends_no_reads(
    redis: redis_py.Redis, key: str, writes: list[list[Command]]
) -> None:
    shop = Scenario(redis, seed=1)
    shop.produce(key, series.orders(rate_hz=20))
    group(shop, key, "x", "y", service_ms=1)
    shop.run(1)
    redis.xadd(key, {"n": 1}, id=f"{shop.clock.time_ms + 60_000}-0")
    shop.run(1)
    writes.clear()
    shop.run(2)
    assert len([one for one in writes if one[0][0] == "XADD"]) > 20
    assert all(len(one) == 1 for one in writes if one[0][0] == "XADD")
    (problem,) = [event for one in shop.history.samples for event in one.events]
    assert problem.detail.startswith(f"XADD '{key}' was refused")


READS = [GroupRead("s", name[0], name, ("XREADGROUP", name)) for name in ("x-1", "x-2", "y-1")]


class Waiting:
    """Three consumers that wait, of whom all is known."""

    def __init__(self) -> None:
        self.clock, self.unread = Clock(), Unread()
        self.wake_ups = WakeUps(self.clock, self.unread)
        for read in READS:
            self.unread.read(*read[:3], 0, 1)
        self.events = [self.wait(lambda read=read: read) for read in READS]

    def wait(self, next_read: Any) -> Any:
        event = self.wake_ups.wait(["s"], 100, next_read)
        event.callbacks.append(lambda _: None)
        return event


def test_the_first_waiting_consumer_of_each_group_reads() -> None:
    assert Waiting().wake_ups.next_reads("s") == [READS[0], READS[2]]
    assert Waiting().wake_ups.next_reads("other") == []


def not_virtual(one: Waiting) -> None:
    one.clock.virtual = False


def due_now(one: Waiting) -> None:
    one.clock.env.timeout(0)


def all_unknown(one: Waiting) -> None:
    one.unread.forget()


def has_unread(one: Waiting) -> None:
    one.unread.added("s")


def killed(one: Waiting) -> None:
    one.events[0].callbacks.clear()


@pytest.mark.parametrize("change", [not_virtual, due_now, all_unknown, has_unread, killed])
def test_nothing_is_certain_to_be_read_at_once(change: Callable[[Waiting], None]) -> None:
    one = Waiting()
    change(one)
    assert one.wake_ups.next_reads("s") == []


def test_what_follows_another_client_or_a_consumer_that_never_read_is_not_certain() -> None:
    one = Waiting()
    one.unread._present.discard(("s", "x", "x-2"))
    assert one.wake_ups.next_reads("s") == [READS[0]]
    other = Waiting()
    other.events.clear()
    other.wake_ups = WakeUps(other.clock, other.unread)
    for next_read in (lambda: READS[0], lambda: None, lambda: READS[2]):
        other.wait(next_read)
    assert other.wake_ups.next_reads("s") == [READS[0]]
    other.wake_ups = WakeUps(other.clock, other.unread)
    other.wait(None)
    other.wait(lambda: READS[2])
    assert other.wake_ups.next_reads("s") == []


def test_waits_that_end_leave_nothing_behind() -> None:
    clock = Clock()
    wake_ups = WakeUps(clock, Unread())
    ended = []
    for n in range(3):
        wake_ups.wait(["a", "b"], 50 + n, None).callbacks.append(lambda _, n=n: ended.append(n))
    clock.advance(51.5)
    assert ended == [0, 1]
    wake_ups.wake("b")
    clock.advance(10)
    assert ended == [0, 1, 2]
    assert not any(wake_ups._waits.values())
