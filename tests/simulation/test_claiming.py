"""The three ways in which a scenario's consumers claim the entries of a dead consumer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import redis as redis_py

from streamviz import CommandLog, Scenario, Stream, series
from streamviz.client.connection import Connection
from streamviz.client.models import Entry
from streamviz.errors import InputError, UnsupportedCommand
from streamviz.observation.timeline import seconds_to_recover
from streamviz.simulation.behaviour import ConsumerBehaviour

Until = Callable[..., None]
WAYS = ["xclaim", "xautoclaim", "claim"]


@pytest.fixture(params=WAYS)
def way(redis: redis_py.Redis, request: pytest.FixtureRequest) -> str:
    if request.param == "claim" and not Connection(redis).version.has((8, 4)):
        pytest.skip(f"CLAIM needs Redis 8.4; this is {Connection(redis).version}")
    return str(request.param)


@pytest.fixture
def scenario(redis: redis_py.Redis) -> Iterator[Scenario]:
    scenario = Scenario(redis, seed=7)
    yield scenario
    scenario.stop()


def crash(scenario: Scenario, key: str, way: str, **more: object) -> dict[str, list[str]]:
    """Crash one of two consumers while it holds four entries; return when each is handled."""
    handled_at: dict[str, list[str]] = {}
    defaults = {"service_ms": 100, "batch": 5, "crash_after": 6, "claim_idle_ms": 3000}

    def handler(entry: Entry) -> None:
        handled_at.setdefault(entry.fields["n"], []).append(str(scenario.clock.env.now))

    scenario.produce(key, series.constant(rate_hz=50).limit(60))
    scenario.run(seconds=2)
    options = defaults | {"claim_with": way, "handler": handler} | more
    scenario.group(key, "g", consumers=2, **options)
    return handled_at


def notes(scenario: Scenario) -> list[str]:
    return [str(note) for sample in scenario.history.samples for note in sample.events]


def test_entries_of_a_dead_consumer_are_claimed_when_they_are_due_and_not_earlier(
    scenario: Scenario, key: str, way: str
) -> None:
    handled_at = crash(scenario, key, way)
    history = scenario.run(seconds=20)
    assert {n: len(times) for n, times in handled_at.items()} == {str(n): 1 for n in range(60)}
    assert Stream(scenario.client, key).group("g").pending().count == 0
    assert [note for note in notes(scenario) if "g-1 crashed" in note] == ["g-1 crashed holding 4"]
    assert [note for note in notes(scenario) if "claimed" in note] == [
        "g-2 claimed 4 entries from g-1"
    ]
    recovered = seconds_to_recover(history, "g", "g-1")
    assert recovered is not None
    busy = way != "claim"  # else a consumer claims only when it has nothing new to read
    assert (4.5 < recovered < 6) if busy else (2.5 < recovered < 3.5)


def test_the_same_run_gives_the_same_times(scenario: Scenario, prefix: str, way: str) -> None:
    runs = []
    for turn in range(2):
        again = Scenario(scenario.client, seed=7)
        handled_at = crash(again, f"{prefix}{turn}", way)
        again.run(seconds=20)
        runs.append((handled_at, [(one.time_ms, one.events) for one in again.history.samples]))
    assert runs[0] == runs[1]


def test_entries_that_are_not_due_stay_whatever_the_wall_clock_says(
    scenario: Scenario, key: str, way: str
) -> None:
    """A run takes more than 1 ms of wall time, and the server measures only wall time."""
    crash(scenario, key, way, claim_idle_ms=60_000)
    scenario.run(seconds=30)
    pending = Stream(scenario.client, key).group("g").pending_entries()
    assert {(one.consumer, one.deliveries) for one in pending} == {("g-1", 1)}
    assert len(pending) == 4


def test_each_way_sends_its_own_command(scenario: Scenario, key: str, way: str) -> None:
    crash(scenario, key, way)
    with CommandLog(scenario.client, limit=5000) as log:
        scenario.run(seconds=20)
    takes = [one.command for one in log if "g-2" in one.command and "CLAIM" in one.command]
    first = {"xclaim": "XCLAIM", "xautoclaim": "XAUTOCLAIM", "claim": "XREADGROUP"}[way]
    assert {command.split()[0] for command in takes} == {first}


def test_deleted_entries_do_not_end_a_claim(scenario: Scenario, key: str, way: str) -> None:
    crash(scenario, key, way)
    scenario.run(seconds=2)
    stream = Stream(scenario.client, key)
    pending = stream.group("g").pending_entries(consumer="g-1")
    assert len(pending) == 4
    stream.delete(pending[0].id, pending[2].id)
    scenario.run(seconds=20)
    left = [one.id for one in stream.group("g").pending_entries()]
    assert not set(left) - {pending[0].id, pending[2].id}
    assert sum(one.handled for one in scenario.groups["g"].consumers.values()) == 58


def test_a_claim_counts_what_it_got_and_not_what_was_deleted(
    scenario: Scenario, key: str, way: str
) -> None:
    crash(scenario, key, way)
    scenario.run(seconds=2)
    stream = Stream(scenario.client, key)
    pending = stream.group("g").pending_entries(consumer="g-1")
    stream.delete(*pending[1:])
    scenario.run(seconds=20)
    claims = [note for note in notes(scenario) if "claimed" in note]
    assert claims == ["g-2 claimed 1 entry from g-1"]
    assert scenario.groups["g"].consumers["g-2"].handled == 51, "60, 6 of g-1, 3 deleted"


def test_a_claim_of_deleted_entries_alone_is_none(scenario: Scenario, key: str, way: str) -> None:
    crash(scenario, key, way)
    scenario.run(seconds=2)
    stream = Stream(scenario.client, key)
    stream.delete(*stream.group("g").pending_entries(consumer="g-1"))
    scenario.run(seconds=20)
    assert not stream.group("g").pending_entries(consumer="g-2")
    assert not [note for note in notes(scenario) if "claimed" in note]


def test_claims_from_several_streams_come_in_time_order(
    scenario: Scenario, prefix: str, way: str
) -> None:
    keys = [f"{prefix}a", f"{prefix}b"]
    handled_ms: list[int] = []
    for key, shift in zip(keys, (0, 10), strict=True):
        scenario.produce(key, series.constant(rate_hz=10).shift(shift).limit(20))
    scenario.run(seconds=3)
    options = {"batch": 50, "service_ms": 1, "claim_idle_ms": 900, "claim_with": way}
    group = scenario.group(
        keys, "g", consumers=0, handler=lambda entry: handled_ms.append(entry.id.ms), **options
    )
    first = group.add_consumer("first", service_ms=60_000)
    scenario.run(seconds=1)
    first.kill()
    group.add_consumer("second")
    scenario.run(seconds=4)
    assert len(handled_ms) == 40
    assert handled_ms == sorted(handled_ms)


def test_on_the_wall_clock_the_servers_idle_times_count(
    scenario: Scenario, key: str, way: str, until: Until
) -> None:
    scenario.produce(key, series.constant(rate_hz=100).limit(30))
    group = scenario.group(
        key,
        "g",
        consumers=2,
        batch=3,
        service_ms=1,
        crash_after=3,
        claim_idle_ms=150,
        claim_with=way,
    )
    scenario.start()
    began = time.monotonic()
    until(lambda: sum(one.handled for one in group.consumers.values()) == 30, 10)
    until(lambda: Stream(scenario.client, key).group("g").pending().count == 0)
    assert time.monotonic() - began > 0.15
    until(lambda: any(note.startswith("g-2 claimed") for note in notes(scenario)))


def test_a_server_without_claim_is_named_before_anything_is_created(
    scenario: Scenario, key: str
) -> None:
    if Connection(scenario.client).version.has((8, 4)):
        pytest.skip("this server has CLAIM")
    with pytest.raises(UnsupportedCommand, match=r"needs Redis 8\.4; this server is .*xautoclaim"):
        scenario.group(key, "g", claim_idle_ms=1000, claim_with="claim")
    assert not scenario.groups
    assert not Stream(scenario.client, key).exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"claim_with": "force", "claim_idle_ms": 5}, "claim_with='force'"),
        ({"claim_with": "xautoclaim"}, "give claim_idle_ms="),
    ],
)
def test_a_wrong_way_to_claim_is_named(
    scenario: Scenario, key: str, option: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        scenario.group(key, "g", **option)
    assert not Stream(scenario.client, key).exists()


def test_a_revived_consumer_finds_its_entries_after_the_trimmed_ones(
    scenario: Scenario, key: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=50).limit(20))
    scenario.run(seconds=1)
    group = scenario.group(key, "g", batch=6, service_ms=10, crash_after=1)
    consumer = group.consumers["g-1"]
    scenario.run(seconds=1)
    assert consumer.holding == 5
    Stream(scenario.client, key).trim(maxlen=16)  # four of the six entries that it read are deleted
    group.behaviour = ConsumerBehaviour(batch=2)
    consumer.revive()
    scenario.run(seconds=2)
    assert consumer.handled == 17
    left = Stream(scenario.client, key).group("g").pending_entries()
    assert len(left) == 3, "the deleted ones stay pending"
