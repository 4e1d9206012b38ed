"""Subscribers: they receive what is published while they are alive, the same in every run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import redis as redis_py

from streamviz import EntryId, Scenario, Stream, series
from streamviz.client.models import Entry
from streamviz.errors import InputError
from streamviz.simulation.subscribers import channel, publish


@pytest.fixture
def scenario(redis: redis_py.Redis) -> Iterator[Scenario]:
    scenario = Scenario(redis, seed=7)
    yield scenario
    scenario.stop()
    for reader in scenario.readers.values():
        reader.kill()


def subscribers(redis: redis_py.Redis, key: str) -> int:
    return int(redis.pubsub_numsub(channel(key))[0][1])


def test_a_subscriber_receives_each_entry_with_its_id_and_fields(
    scenario: Scenario, redis: redis_py.Redis, key: str
) -> None:
    received: list[Entry] = []
    scenario.produce(key, series.poisson(rate_hz=20, seed=2))
    scenario.subscriber(key, "ear", service_ms=70, handler=received.append)
    scenario.run(seconds=10)
    entries = Stream(redis, key).range()
    assert received == entries[: len(received)]
    assert 130 < len(received) < len(entries), (
        "a slow subscriber has entries left in its connection"
    )
    assert subscribers(redis, key) == 1


def test_a_dead_subscriber_misses_what_is_published_and_loses_what_it_had_not_handled(
    redis: redis_py.Redis, key: str
) -> None:
    def run() -> list[EntryId]:
        received: list[EntryId] = []
        scenario = Scenario(redis, seed=3)
        scenario.produce(key, series.constant(rate_hz=10))
        options = {"service_ms": 150, "crash_at_s": 3.01, "revive_after_s": 3}
        scenario.subscriber(key, "ear", handler=lambda entry: received.append(entry.id), **options)
        scenario.run(seconds=9)
        scenario.readers["ear"].kill()
        return received

    first = run()
    gaps = [b.ms - a.ms for a, b in pairwise(first) if b.ms - a.ms > 100]
    assert len(gaps) == 1
    assert gaps[0] > 3500, "dead for three seconds, and it lost the entries in its connection"
    assert run() == first
    assert subscribers(redis, key) == 0


def test_a_subscriber_works_on_the_wall_clock_too(
    scenario: Scenario, redis: redis_py.Redis, key: str, until: Callable[..., None]
) -> None:
    scenario.produce(key, series.constant(rate_hz=50))
    subscriber = scenario.subscriber(key, "ear", service_ms=1)
    scenario.start()
    until(lambda: subscriber.handled > 5)
    subscriber.kill()
    until(lambda: subscribers(redis, key) == 0)
    before, added = subscriber.handled, scenario.producers[0].added
    until(lambda: scenario.producers[0].added > added + 5)
    assert subscriber.handled == before
    subscriber.revive()
    until(lambda: subscriber.handled > before)


def test_other_clients_can_publish_and_listen_too(
    scenario: Scenario, redis: redis_py.Redis, key: str
) -> None:
    pubsub = redis.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(channel(key))
    pubsub.get_message(timeout=2)
    subscriber = scenario.subscriber(key, "ear", service_ms=1)
    Stream(redis, key).add({"n": 1})
    scenario.run(seconds=1)
    assert publish(redis, key, EntryId(5), {b"from": b"outside", "n": 1}) == 2
    message = pubsub.get_message(timeout=2)
    pubsub.close()
    assert json.loads(message["data"]) == {"id": "5-0", "fields": {"from": "outside", "n": "1"}}
    scenario.run(seconds=1)
    assert subscriber.handled == 1


def test_without_a_subscriber_nothing_is_published(
    scenario: Scenario, redis: redis_py.Redis, key: str
) -> None:
    before = redis.info("commandstats").get("cmdstat_publish", {"calls": 0})["calls"]
    scenario.produce(key, series.constant(rate_hz=10))
    scenario.reader(key, "ann")
    scenario.run(seconds=2)
    assert redis.info("commandstats").get("cmdstat_publish", {"calls": 0})["calls"] == before
    with pytest.raises(InputError, match="already has a reader 'ann'"):
        scenario.subscriber(key, "ann")
