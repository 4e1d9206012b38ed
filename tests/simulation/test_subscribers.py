"""Subscribers: they hear what is published while they are there, each time the same."""

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
    made = Scenario(redis, seed=7)
    yield made
    made.stop()
    for reader in made.readers.values():
        reader.kill()


def subscribers(redis: redis_py.Redis, key: str) -> int:
    return int(redis.pubsub_numsub(channel(key))[0][1])


def test_it_hears_each_entry_with_its_id_and_fields(
    scenario: Scenario, redis: redis_py.Redis, key: str
) -> None:
    heard: list[Entry] = []
    scenario.produce(key, series.poisson(rate_hz=20, seed=2))
    scenario.subscriber(key, "ear", service_ms=70, handler=heard.append)
    scenario.run(seconds=10)
    there = Stream(redis, key).range()
    assert heard == there[: len(heard)]
    assert 130 < len(heard) < len(there), "a slow one has some left in its connection"
    assert subscribers(redis, key) == 1


def test_what_is_said_while_it_is_away_is_gone_and_what_it_had_not_handled_too(
    redis: redis_py.Redis, key: str
) -> None:
    def run() -> list[EntryId]:
        heard: list[EntryId] = []
        made = Scenario(redis, seed=3)
        made.produce(key, series.constant(rate_hz=10))
        plan = {"service_ms": 150, "crash_at_s": 3.01, "revive_after_s": 3}
        made.subscriber(key, "ear", handler=lambda entry: heard.append(entry.id), **plan)
        made.run(seconds=9)
        made.readers["ear"].kill()
        return heard

    first = run()
    gaps = [b.ms - a.ms for a, b in pairwise(first) if b.ms - a.ms > 100]
    assert len(gaps) == 1
    assert gaps[0] > 3500, "away for three seconds, and ten entries were waiting in its hands"
    assert run() == first
    assert subscribers(redis, key) == 0


def test_it_works_on_the_wall_clock_too(
    scenario: Scenario, redis: redis_py.Redis, key: str, until: Callable[..., None]
) -> None:
    scenario.produce(key, series.constant(rate_hz=50))
    ear = scenario.subscriber(key, "ear", service_ms=1)
    scenario.start()
    until(lambda: ear.handled > 5)
    ear.kill()
    until(lambda: subscribers(redis, key) == 0)
    before, added = ear.handled, scenario.producers[0].added
    until(lambda: scenario.producers[0].added > added + 5)
    assert ear.handled == before
    ear.revive()
    until(lambda: ear.handled > before)


def test_others_may_publish_and_listen_too(
    scenario: Scenario, redis: redis_py.Redis, key: str
) -> None:
    pubsub = redis.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(channel(key))
    pubsub.get_message(timeout=2)
    ear = scenario.subscriber(key, "ear", service_ms=1)
    Stream(redis, key).add({"n": 1})
    scenario.run(seconds=1)
    assert publish(redis, key, EntryId(5), {b"from": b"outside", "n": 1}) == 2
    message = pubsub.get_message(timeout=2)
    pubsub.close()
    assert json.loads(message["data"]) == {"id": "5-0", "fields": {"from": "outside", "n": "1"}}
    scenario.run(seconds=1)
    assert ear.handled == 1


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
