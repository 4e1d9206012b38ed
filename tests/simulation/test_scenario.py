"""Scenarios: the same run every time, through crashes, claims and errors."""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamviz import Scenario, Stream, series
from streamviz.client.models import Entry
from streamviz.errors import HandlerError, InputError, StreamVizError, WrongType
from streamviz.observation.accounting import account_for
from streamviz.observation.events import Event
from streamviz.observation.sample import Sample
from streamviz.server.embedded import EmbeddedServer
from streamviz.simulation.behaviour import exponential, uniform

Until = Callable[..., None]
ON_THE_REAL_SERVER = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def scenario(redis: redis_py.Redis) -> Iterator[Scenario]:
    scenario = Scenario(redis, seed=7)
    yield scenario
    scenario.stop()


OTHERS: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def _other_threads() -> None:
    OTHERS.update(threading.enumerate())  # such as those of tests that ran before in this process


def clock_threads() -> list[threading.Thread]:
    alive = {one for one in threading.enumerate() if one.name == "streamviz" and one.is_alive()}
    return [*(alive - OTHERS)]


def notes(scenario: Scenario) -> list[str]:
    return [str(note) for sample in scenario.history.samples for note in sample.events]


def busy_minute(client: redis_py.Redis, key: str, seed: int) -> Scenario:
    """Run a minute in which everything happens."""
    scenario = Scenario(client, seed=seed)
    scenario.produce(key, series.orders(rate_hz=6, seed=seed))
    scenario.produce(key, series.bursts(5, 7000, seed=seed))
    scenario.group(key, "billing", consumers=2, service_ms=exponential(250), claim_idle_ms=2000)
    scenario.group(key, "email", batch=5, crash_at_s=10, revive_after_s=5, service_ms=100)
    scenario.group(key, "audit", ack="noack", service_ms=uniform(1, 9))
    scenario.group(key, "risky", consumers=3, crash_chance=0.05, revive_after_s=2, fail=0.1)
    scenario.run(seconds=60)
    return scenario


def digest(client: redis_py.Redis, key: str, scenario: Scenario) -> str:
    """Return a fingerprint of the stream after a minute, and of all samples."""
    parts: list[Any] = [[str(one.id), one.fields] for one in Stream(client, key).range()]
    groups = Stream(client, key).groups()
    parts += [[one.name, str(one.last_delivered_id), one.pending] for one in groups]
    for sample in scenario.history.samples:
        parts.append([sample.time_ms, sample.length, tuple(map(str, sample.events))])
        parts += [[one.name, one.lag.entries, one.pending] for one in sample.groups]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def test_the_same_seed_gives_the_same_minute_on_every_server(
    redis: redis_py.Redis, prefix: str
) -> None:
    key = f"{prefix}s"
    first = digest(redis, key, busy_minute(redis, key, 7))
    assert first == "d05c27146c5c21d1"
    assert digest(redis, key, busy_minute(redis, key, 8)) != first


def test_a_virtual_run_gives_ids_of_virtual_time(scenario: Scenario, key: str) -> None:
    scenario.produce(key, series.constant(rate_hz=2))
    history = scenario.run(seconds=3)
    assert [str(one.id) for one in history.entries][:3] == [
        "1767225600000-0",
        "1767225600500-0",
        "1767225601000-0",
    ]
    assert not clock_threads()
    assert scenario.ran
    scenario.run(seconds=1)
    assert history.newest is not None
    assert history.newest.entries_added == 8


def test_consumers_share_the_entries_and_each_group_gets_all(scenario: Scenario, key: str) -> None:
    handled: dict[str, list[str]] = {"a": [], "b": []}
    for name in handled:
        scenario.group(
            key,
            name,
            consumers=3,
            service_ms=50,
            handler=lambda e, n=name: handled[n].append(str(e.id)),
        )
    producer = scenario.produce(key, series.constant(rate_hz=20).limit(100))
    scenario.run(seconds=10)
    assert producer.added == 100
    assert (
        sorted(handled["a"])
        == sorted(handled["b"])
        == sorted(str(e.id) for e in scenario.history.entries)
    )
    assert all(consumer.handled > 10 for consumer in scenario.groups["a"].consumers.values())


def test_a_faster_consumer_gets_more_entries(scenario: Scenario, key: str) -> None:
    scenario.produce(key, series.constant(rate_hz=50))
    group = scenario.group(key, "g", consumers=0)
    slow = group.add_consumer("slow", service_ms=400)
    fast = group.add_consumer("fast", service_ms=100)
    scenario.run(seconds=20)
    assert fast.handled == pytest.approx(4 * slow.handled, rel=0.1)


def test_a_batch_is_read_at_once_and_acknowledged_one_by_one(scenario: Scenario, key: str) -> None:
    scenario.produce(key, series.constant(rate_hz=100).limit(30))
    scenario.group(key, "g", batch=10, service_ms=100)
    scenario.run(seconds=1.2)
    (group,) = Stream(scenario.client, key).groups()
    assert (group.entries_read, group.pending) == (20, 9)


@pytest.mark.parametrize(
    ("ack", "pending"), [("after", 1), ("before", 0), ("never", 5), ("noack", 0)]
)
def test_the_ack_policy_decides_when_an_entry_is_acknowledged(
    scenario: Scenario, key: str, ack: str, pending: int
) -> None:
    scenario.produce(key, series.constant(rate_hz=2).limit(5))
    scenario.group(key, "g", service_ms=300, ack=ack)
    scenario.run(seconds=2.1)
    assert Stream(scenario.client, key).groups()[0].pending == pending


def test_a_dead_consumer_keeps_its_entries_until_it_is_revived(
    scenario: Scenario, key: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=10).limit(20))
    scenario.group(key, "g", batch=4, service_ms=50, crash_after=6, revive_after_s=5)
    scenario.run(seconds=4)
    group = Stream(scenario.client, key).groups()[0]
    assert group.pending == 1
    assert "g-1 crashed holding 1" in notes(scenario)
    consumer = scenario.groups["g"].consumers["g-1"]
    assert (consumer.alive, consumer.handled) == (False, 6)
    scenario.run(seconds=6)
    assert "g-1 was revived" in notes(scenario)
    assert consumer.alive
    assert Stream(scenario.client, key).groups()[0].pending == 0
    assert consumer.handled == 20


def test_entries_of_a_dead_consumer_are_claimed_by_a_live_one(scenario: Scenario, key: str) -> None:
    scenario.produce(key, series.constant(rate_hz=10).limit(30))
    group = scenario.group(key, "g", consumers=2, batch=5, service_ms=20, claim_idle_ms=1000)
    scenario.run(seconds=1)
    group.consumers["g-1"].kill()
    group.consumers["g-1"].kill()
    scenario.run(seconds=5)
    assert Stream(scenario.client, key).groups()[0].pending == 0
    assert sum(consumer.handled for consumer in group.consumers.values()) == 30
    group.consumers["g-1"].revive()
    assert group.consumers["g-1"].alive


def test_an_entry_that_always_fails_stays_pending_and_is_reported(
    scenario: Scenario, key: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=10).limit(10))
    scenario.group(key, "g", service_ms=10, fail=lambda entry: entry.fields["n"] == "3")
    scenario.run(seconds=3)
    (pending,) = Stream(scenario.client, key).group("g").pending_entries()
    assert any(f"could not handle {pending.id}" in note for note in notes(scenario))


def test_an_exception_in_a_handler_is_raised_kept_and_reported(
    scenario: Scenario, key: str
) -> None:
    def handler(entry: Entry) -> None:
        if entry.fields["n"] == "2":
            raise ZeroDivisionError("two")

    scenario.produce(key, series.constant(rate_hz=10).limit(5))
    group = scenario.group(key, "g", service_ms=1, handler=handler)
    with pytest.raises(HandlerError, match=r"g-1 raised ZeroDivisionError: two") as error:
        scenario.run(seconds=2)
    assert isinstance(error.value.__cause__, ZeroDivisionError)
    assert scenario.error is error.value
    assert group.consumers["g-1"].handled == 4, "the others go on"
    assert any("ZeroDivisionError" in note for note in notes(scenario))


def test_an_exception_in_fail_is_treated_like_one_in_a_handler(
    scenario: Scenario, key: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=10).limit(5))
    group = scenario.group(key, "g", service_ms=1, fail=lambda entry: entry.fields["nothing"])
    with pytest.raises(HandlerError, match="the fail of g-1 raised KeyError"):
        scenario.run(seconds=2)
    assert group.consumers["g-1"].handled == 0
    assert Stream(scenario.client, key).groups()[0].pending == 5


@pytest.mark.parametrize(
    ("service_ms", "message"),
    [
        (lambda rng: 1 / 0, "the service_ms of g-1 raised ZeroDivisionError"),
        (lambda rng: -5, "service_ms=-5"),
        (lambda rng: "x", "service_ms='x'"),
    ],
)
def test_a_wrong_service_time_is_named(
    scenario: Scenario, key: str, service_ms: Any, message: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=10).limit(5))
    scenario.group(key, "g", service_ms=service_ms)
    with pytest.raises(StreamVizError, match=message):
        scenario.run(seconds=2)


def test_one_consumer_slows_down_while_the_others_keep_their_pace(
    scenario: Scenario, key: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=40))
    group = scenario.group(key, "g", consumers=2, service_ms=50)
    scenario.run(seconds=5)
    slow, quick = group.consumers.values()
    assert slow.service_ms == quick.service_ms == 50
    before = slow.handled, quick.handled
    slow.service_ms = 1000
    scenario.run(seconds=10)
    assert slow.handled - before[0] <= 11
    assert quick.handled - before[1] > 150
    with pytest.raises(InputError, match="service_ms=-1"):
        slow.service_ms = -1


def test_a_consumer_is_slowed_and_regains_its_pace(scenario: Scenario, key: str) -> None:
    scenario.produce(key, series.constant(rate_hz=100))
    group = scenario.group(key, "g", consumers=2, service_ms=lambda rng: 100)
    slow, other = group.consumers.values()
    slow.slowdown = 4
    history = scenario.run(seconds=8)
    assert (slow.handled, other.handled) == (19, 79)
    slow.slowdown = 1
    scenario.run(seconds=8)
    assert (slow.handled, other.handled) == (99, 159), "the entry in its hand still takes 400 ms"
    told = [str(event) for one in history.samples for event in one.events]
    assert told == ["g-1 works 4 times as slowly", "g-1 works at its own pace"]
    for bad in (0, -1, "4", None, True, float("nan"), 1001):
        with pytest.raises(InputError, match="slowdown"):
            slow.slowdown = bad  # type: ignore[assignment]
    slow.slowdown = 1000


def test_a_removed_consumer_finishes_what_it_holds_and_is_deleted(
    scenario: Scenario, redis: redis_py.Redis, key: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=10))
    group = scenario.group(key, "g", consumers=2, service_ms=300)
    scenario.run(seconds=2)
    group.remove_consumer()
    assert [one.removed for one in group.consumers.values()] == [False, False], "not yet"
    history = scenario.run(seconds=3)
    assert [one["name"] for one in redis.xinfo_consumers(key, "g")] == [b"g-1"]
    assert history.newest is not None
    assert history.newest.group("g").dropped == 0, "its last entry was acknowledged, not dropped"
    assert [one.removed for one in group.consumers.values()] == [False, True]
    events = [one for sample in history.samples for one in sample.events]
    assert events == [Event("leaving", "g-2", "g")]
    summary = scenario.summary().group("g")
    assert summary.handled == summary.acknowledged == sum(one.handled for one in summary.consumers)
    with pytest.raises(InputError, match="but not all"):
        group.remove_consumer()
    with pytest.raises(InputError, match="'g-2' can't be removed"):
        group.remove_consumer("g-2")
    assert group.add_consumer().name == "g-3", "a name is used once"


def test_a_dead_consumer_that_holds_an_entry_is_not_removed(scenario: Scenario, key: str) -> None:
    scenario.produce(key, series.constant(rate_hz=10))
    group = scenario.group(key, "g", consumers=3, service_ms=300)
    scenario.run(seconds=2)
    group.consumers["g-1"].kill()
    with pytest.raises(InputError, match="g-1 holds 1 pending entry"):
        group.remove_consumer("g-1")
    assert not group.consumers["g-1"].removed
    group.consumers["g-1"].revive()
    group.remove_consumer("g-1")
    history = scenario.run(seconds=3)
    assert history.newest is not None
    assert [one.name for one in history.newest.group("g").consumers] == ["g-2", "g-3"]
    group.consumers["g-1"].revive()
    scenario.run(seconds=1)
    assert len(history.newest.group("g").consumers) == 3


def test_a_dead_consumer_that_holds_nothing_is_removed_at_once(
    scenario: Scenario, redis: redis_py.Redis, key: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=10).limit(10))
    group = scenario.group(key, "g", consumers=2, service_ms=0)
    scenario.run(seconds=2)
    group.consumers["g-1"].kill()
    group.remove_consumer("g-1")
    assert [one.removed for one in group.consumers.values()] == [True, False]
    assert [one["name"] for one in redis.xinfo_consumers(key, "g")] == [b"g-2"]


@pytest.mark.parametrize("options", [{"ack": "noack", "claim_idle_ms": 500}, {}])
def test_a_long_run_remembers_only_what_is_pending(
    scenario: Scenario, key: str, options: dict[str, Any]
) -> None:
    scenario.produce(key, series.constant(rate_hz=50), maxlen=100)
    scenario.group(key, "g", service_ms=1, **options)
    scenario.run(seconds=10)
    assert len(scenario.context.times.delivered) <= 1
    assert not scenario.context.failures


def test_several_streams_are_read_in_time_order(scenario: Scenario, prefix: str) -> None:
    handled_ms: list[int] = []
    a, b = f"{prefix}a", f"{prefix}b"
    scenario.produce(a, series.constant(rate_hz=5).limit(20))
    scenario.produce(b, series.constant(rate_hz=5).shift(100).limit(20))
    scenario.group([a, b], "g", service_ms=0, handler=lambda entry: handled_ms.append(entry.id.ms))
    scenario.run(seconds=6)
    assert len(handled_ms) == 40
    assert handled_ms == sorted(handled_ms)


def test_entries_added_to_several_streams_at_once_are_all_handled(
    scenario: Scenario, prefix: str
) -> None:
    keys = [f"{prefix}{name}" for name in "abc"]
    for key in keys:
        scenario.produce(key, series.constant(rate_hz=5).limit(20))
    group = scenario.group(keys, "g", service_ms=10)
    scenario.run(seconds=10)
    assert sum(one.handled for one in group.consumers.values()) == 60
    left = [scenario.histories[key].newest for key in keys]
    assert [(one.groups[0].lag.entries, one.groups[0].pending) for one in left if one] == [
        (0, 0),
        (0, 0),
        (0, 0),
    ]


def test_on_the_wall_clock_it_runs_in_the_background_and_can_be_controlled(
    scenario: Scenario, key: str, until: Until
) -> None:
    producer = scenario.produce(key, series.constant(rate_hz=50))
    group = scenario.group(key, "g", consumers=2, service_ms=5)
    assert scenario.state == "new"
    scenario.start()
    until(lambda: len(scenario.history) > 3)
    assert (scenario.state, len(clock_threads())) == ("running", 1)
    scenario.pause()
    added, samples = producer.added, len(scenario.history)
    time.sleep(0.25)
    assert (producer.added, len(scenario.history), scenario.state) == (added, samples, "paused")
    scenario.step()
    assert len(scenario.history) > samples
    scenario.resume()
    until(lambda: producer.added > added + 5)
    consumer = group.consumers["g-1"]
    consumer.kill()
    until(lambda: any("g-1 was killed" in note for note in notes(scenario)))
    handled = consumer.handled
    time.sleep(0.1)
    assert consumer.handled == handled
    consumer.revive()
    until(lambda: consumer.handled > handled)
    third = group.add_consumer()
    until(lambda: third.handled > 0)
    began = time.monotonic()
    scenario.stop()
    scenario.stop()
    assert time.monotonic() - began < 10
    assert (scenario.state, clock_threads()) == ("stopped", [])
    entry = scenario.history.newest
    assert entry is not None
    assert abs(entry.last_id.ms - time.time() * 1000) < 60_000, "wall runs have wall IDs"


@pytest.mark.parametrize("speed", [1, 4])
def test_a_handler_that_is_too_slow_for_its_clock_does_not_stop_the_samples(
    scenario: Scenario, key: str, until: Until, speed: float
) -> None:
    """The picture goes on in wall time, though the clock falls further and further behind."""
    scenario.speed = speed
    scenario.produce(key, series.constant(rate_hz=200))
    scenario.group(key, "g", service_ms=1, handler=lambda entry: time.sleep(0.02))
    scenario.start()
    until(lambda: len(scenario.history) >= 20)
    late_ms, words = scenario.clock.late_ms, scenario.slowness
    assert re.fullmatch(r"the clock is \d+ s late: lower the rates or the speed", words), words
    scenario.stop()
    assert not scenario.slowness, "it no longer runs"
    assert late_ms > 1000 * speed
    times_ms = [sample.time_ms for sample in scenario.history.samples]
    gaps_ms = sorted(new - old for old, new in itertools.pairwise(times_ms))
    assert gaps_ms[len(gaps_ms) // 2] < 500, "in wall time"


@pytest.mark.parametrize("speed", [1, 4])
def test_a_watch_that_was_held_up_does_not_catch_up(
    redis: redis_py.Redis, key: str, until: Until, speed: float
) -> None:
    """As after the machine's sleep: the samples that were not taken don't come in a burst."""
    redis.xadd(key, {"n": 1})
    scenario = Scenario(redis).watch(key)
    scenario.speed = speed
    slowness, taken = [], itertools.count()

    def hold_up(_: Sample) -> None:
        slowness.append(scenario.slowness)
        if next(taken) == 3:
            time.sleep(2)

    scenario.on_sample.append(hold_up)
    scenario.start()
    until(lambda: len(slowness) >= 12)
    scenario.stop()
    times_ms = [sample.time_ms for sample in scenario.history.samples]
    assert times_ms[4] - times_ms[3] >= 1900
    assert times_ms[11] - times_ms[4] > 400, "ten samples a second"
    assert not any(slowness), "it shows the present"


def test_rate_service_time_and_speed_can_change_during_a_run(
    scenario: Scenario, key: str, until: Until
) -> None:
    producer = scenario.produce(key, series.constant(rate_hz=0.001))
    group = scenario.group(key, "g", service_ms=600_000)
    scenario.start()
    until(lambda: group.consumers["g-1"].holding == 1)
    producer.rate = 100_000
    until(lambda: producer.added > 20)
    producer.rate = 0.001
    group.service_ms = 0
    scenario.speed = 1000
    consumer = group.add_consumer()
    until(lambda: consumer.handled > 10)
    assert scenario.speed == 1000


def test_an_exception_in_a_callback_or_a_series_is_reported(
    scenario: Scenario, prefix: str, until: Until
) -> None:
    def broken() -> Iterator[Any]:
        yield 0, {"n": 1}
        yield -5, {"n": 2}

    scenario.produce(f"{prefix}a", broken())
    scenario.start()
    until(lambda: scenario.error)
    assert "go back in time" in str(scenario.error)
    until(lambda: any("raised InputError and ends here" in note for note in notes(scenario)))
    assert scenario.state == "running", "the others go on"
    scenario.stop()

    virtual = Scenario(scenario.client)
    producer = virtual.produce(f"{prefix}c", iter([(0, {"n": 1}), (5, {"n": {"no": "value"}})]))
    with pytest.raises(InputError, match="'no': 'value'"):
        virtual.run(seconds=1)
    assert producer.added == 1

    other = Scenario(scenario.client)
    other.watch(f"{prefix}b")
    other.on_sample.append(lambda sample: 1 / 0)
    with pytest.raises(HandlerError, match="ZeroDivisionError") as raised:
        other.run(seconds=1)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_a_server_that_dies_is_reported_and_nothing_hangs(until: Until) -> None:
    with EmbeddedServer() as mortal:
        scenario = Scenario(mortal.client(), seed=1)
        scenario.produce("s", series.constant(rate_hz=50))
        scenario.group("s", "g", service_ms=5)
        scenario.start()
        until(lambda: len(scenario.history) > 3)
        mortal.stop()
        until(
            lambda: scenario.history.newest and "does not answer" in scenario.history.newest.trouble
        )
        began = time.monotonic()
        scenario.stop()
        assert time.monotonic() - began < 10
    assert not clock_threads()


def test_a_deleted_stream_is_reported_and_the_rest_goes_on(
    scenario: Scenario, key: str, until: Until
) -> None:
    producer = scenario.produce(key, series.constant(rate_hz=50))
    scenario.group(key, "g", service_ms=1)
    scenario.start()
    until(lambda: len(scenario.history) > 3)
    scenario.client.delete(key)
    until(lambda: any("is gone" in note for note in notes(scenario)))
    added = producer.added
    until(lambda: producer.added > added + 5)


def test_a_stream_that_no_run_made_is_never_replaced(redis: redis_py.Redis, prefix: str) -> None:
    theirs, text, old = f"{prefix}theirs", f"{prefix}text", f"{prefix}old"
    Stream(redis, theirs).add({"theirs": 1})
    scenario = Scenario(redis)
    producer = scenario.produce(theirs, series.constant())
    with pytest.raises(InputError, match="choose another key"):
        scenario.run(seconds=1)
    assert Stream(redis, theirs).length() == 1
    assert producer.added == 0
    redis.set(text, "x")
    with pytest.raises(WrongType):
        Scenario(redis).group(text, "g")
    assert redis.get(text) in ("x", b"x")
    for _ in range(2):
        again = Scenario(redis)
        again.produce(old, series.constant(rate_hz=1))
        again.run(seconds=5)
        assert Stream(redis, old).length() == 5


def test_approximate_trimming_removes_whole_nodes_and_needs_maxlen(
    scenario: Scenario, key: str
) -> None:
    with pytest.raises(InputError, match="give maxlen="):
        scenario.produce(key, series.constant(), approximate=True)
    scenario.produce(key, series.constant(rate_hz=50), maxlen=100, approximate=True)
    history = scenario.run(seconds=9)
    assert max(one.length for one in history.samples) > 190
    assert history.newest is not None
    assert history.newest.length < history.newest.entries_added


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"consumers": -1}, "consumers=-1"),
        ({"consumers": 1.5}, "consumers=1.5"),
        ({"service_ms": -1}, "service_ms=-1"),
        ({"service_ms": "5"}, "service_ms='5'"),
        ({"batch": 0}, "batch=0"),
        ({"ack": "soon"}, "ack='soon'"),
        ({"fail": 2}, "fail=2"),
        ({"crash_chance": -0.1}, "crash_chance=-0.1"),
        ({"crash_at_s": -1}, "crash_at_s=-1"),
        ({"revive_after_s": float("nan")}, "revive_after_s=nan"),
        ({"claim_idle_ms": True}, "claim_idle_ms=True"),
        ({"colour": "red"}, "'colour' is not an option of a group"),
        ({"start": "soon"}, "'soon' is not an entry ID"),
    ],
)
def test_a_wrong_option_of_a_group_is_named_and_nothing_is_created(
    scenario: Scenario, key: str, option: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as error:
        scenario.group(key, "g", **option)
    assert message in str(error.value)
    assert not scenario.groups
    assert not Stream(scenario.client, key).exists()


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "5", None, True])
def test_a_run_lasts_a_positive_number_of_seconds(
    scenario: Scenario, key: str, seconds: Any
) -> None:
    scenario.watch(key)
    with pytest.raises(InputError):
        scenario.run(seconds)


def test_a_wrong_use_of_a_scenario_is_named(scenario: Scenario, key: str) -> None:
    with pytest.raises(InputError, match="has no stream"):
        scenario.run(1)
    for rate in (0, -1, True, "2", float("nan")):
        with pytest.raises(InputError, match="rate="):
            scenario.produce(key, series.constant()).rate = rate
    with pytest.raises(InputError, match="sample_every_ms="):
        Scenario(scenario.client, sample_every_ms=0)
    group = scenario.group(key, "g")
    with pytest.raises(InputError, match="already has a group 'g'"):
        scenario.group(key, "g")
    with pytest.raises(InputError, match="already has a consumer 'g-1'"):
        group.add_consumer("g-1")
    with pytest.raises(InputError, match="not iterable"):
        scenario.produce(key, 5)  # type: ignore[arg-type]


OPTIONS = st.fixed_dictionaries(
    {
        "consumers": st.integers(1, 3),
        "batch": st.integers(1, 6),
        "service_ms": st.sampled_from([0, 30, 300]),
        "crash_chance": st.sampled_from([0, 0.02, 0.1]),
        "fail": st.sampled_from([0, 0.1]),
        "ack": st.sampled_from(["after", "before", "noack", "never"]),
    }
)


@ON_THE_REAL_SERVER
@given(option_sets=st.lists(OPTIONS, min_size=1, max_size=3), seed=st.integers(0, 99))
def test_whatever_happens_the_counts_add_up(
    redis: redis_py.Redis, key: str, option_sets: list[dict[str, Any]], seed: int
) -> None:
    redis.delete(key)
    scenario = Scenario(redis, seed=seed)
    scenario.produce(key, series.poisson(20, seed=seed))
    for number, options in enumerate(option_sets):
        scenario.group(key, f"g{number}", revive_after_s=1, **options)
    scenario.run(seconds=10)
    last = scenario.history.newest
    assert last is not None
    for group in last.groups:
        accounting = account_for(last, group)
        assert not accounting.reason
        assert accounting.added == sum(
            part or 0
            for part in (
                accounting.undelivered,
                accounting.pending,
                accounting.acked,
                accounting.gone,
            )
        )


@pytest.mark.slow
@ON_THE_REAL_SERVER
@given(
    consumers=st.integers(1, 3),
    batch=st.integers(1, 6),
    chance=st.sampled_from([0.02, 0.1, 0.3]),
    seed=st.integers(0, 99),
)
def test_with_a_revival_after_each_crash_nothing_is_lost(
    redis: redis_py.Redis, key: str, consumers: int, batch: int, chance: float, seed: int
) -> None:
    redis.delete(key)
    handled: list[str] = []
    scenario = Scenario(redis, seed=seed, sample_every_ms=5000)
    scenario.produce(key, series.poisson(20, seed=seed).limit(60))
    scenario.group(
        key,
        "g",
        consumers=consumers,
        batch=batch,
        service_ms=10,
        crash_chance=chance,
        revive_after_s=1,
        claim_idle_ms=3000,
        handler=lambda entry: handled.append(entry.fields["n"]),
    )
    scenario.run(seconds=100)
    assert set(handled) == {str(n) for n in range(60)}
    assert Stream(redis, key).groups()[0].pending == 0


def test_a_group_whose_name_is_no_utf8_works_as_any_other(redis: redis_py.Redis, key: str) -> None:
    """Surrogate escapes stand for its bytes, as everywhere."""
    shop = Scenario(redis, seed=7)
    shop.produce(key, series.constant(5))
    shop.group(key, "\udcff", service_ms=10)
    state = shop.run(seconds=3).last
    assert state is not None
    assert state.group("\udcff").acked == 15  # type: ignore[union-attr]
    assert redis.execute_command("XPENDING", key, b"\xff")["pending"] == 0


def test_a_history_holds_the_whole_of_a_long_run(redis: redis_py.Redis, key: str) -> None:
    """A twin with room for all samples saw the same: its entries, events, readers and end."""
    histories = []
    for limit in (100, 5000):
        shop = Scenario(redis, seed=7, limit=limit)
        shop.produce(key, series.orders(rate_hz=2))
        shop.group(key, "g", consumers=2, service_ms=300, crash_chance=0.02, revive_after_s=3)
        shop.reader(key, "tail", remembers="nothing", service_ms=900)
        shop.run(seconds=9)
        shop.run(seconds=30)
        histories.append(shop.run(seconds=21))
    thinned, whole = histories
    assert len(whole) > 600
    assert 90 < len(thinned) <= 100
    assert thinned.last.time_ms - thinned.start_ms == 60_000
    assert thinned.samples[0].time_ms - thinned.start_ms < 1000
    gaps = [b.time_ms - a.time_ms for a, b in itertools.pairwise(thinned.samples[:-1])]
    assert max(gaps) < 2 * 60_000 / 98
    assert thinned.last == whole.last
    assert list(thinned.entries) == list(whole.entries)
    events = [
        [event for one in history.samples for event in one.events] for history in (thinned, whole)
    ]
    assert events[0] == events[1] != []
    got = [
        [entry_id for one in history.samples for tail in one.readers for entry_id in tail.got]
        for history in (thinned, whole)
    ]
    assert got[0] == got[1] != []
    assert thinned.missed_by("tail") == whole.missed_by("tail") != ()
    counts = [(one.event_count, one.entry_count, one.group_names) for one in histories]
    assert counts[0] == counts[1]
