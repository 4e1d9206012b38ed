"""Poison in a plan: what was delivered too often goes to the dead letters, on either clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_py

from streamviz import Scenario, Stream, series
from streamviz.client.connection import Connection
from streamviz.client.models import Entry
from streamviz.errors import InputError
from streamviz.patterns import DeadLetters

Until = Callable[..., None]
WAYS = ["xclaim", "xautoclaim", "claim"]


@pytest.fixture(params=WAYS)
def way(redis: redis_py.Redis, request: pytest.FixtureRequest) -> str:
    if request.param == "claim" and not Connection(redis).version.has((8, 4)):
        pytest.skip(f"CLAIM needs Redis 8.4; this is {Connection(redis).version}")
    return str(request.param)


class Poison:
    """A handler that cannot handle each fifth entry, and counts its attempts."""

    def __init__(self) -> None:
        self.attempts: Counter[str] = Counter()

    def __call__(self, entry: Entry) -> None:
        self.attempts[entry.fields["n"]] += 1
        if int(entry.fields["n"]) % 5 == 4:
            raise ZeroDivisionError(entry.fields["n"])


def plan(redis: redis_py.Redis, key: str, **options: Any) -> tuple[Scenario, Poison]:
    shop, poison = Scenario(redis, seed=7), Poison()
    shop.produce(key, series.constant(rate_hz=20).limit(20))
    defaults = {"consumers": 2, "service_ms": 10, "claim_idle_ms": 1000, "on_error": "keep"}
    shop.group(key, "g", handler=poison, **(defaults | {"delivery_limit": 3} | options))
    return shop, poison


def letters(redis: redis_py.Redis, key: str, dead: str | None = None) -> list[Any]:
    return DeadLetters(Stream(redis, key).group("g").consumer("x"), dead).letters()


def test_poison_ends_in_the_dead_letters_at_the_limit(
    redis: redis_py.Redis, key: str, way: str
) -> None:
    shop, poison = plan(redis, key, claim_with=way)
    history = shop.run(10)
    found = letters(redis, key)
    assert {n: count for n, count in poison.attempts.items() if count > 1} == {
        "4": 3,
        "9": 3,
        "14": 3,
        "19": 3,
    }
    assert sorted(int(one.fields["n"]) for one in found) == [4, 9, 14, 19]
    assert {one.deliveries for one in found} == {3}
    assert {one.error for one in found} == {f"ZeroDivisionError: {n}" for n in (4, 9, 14, 19)}
    assert {one.group for one in found} == {"g"}
    assert Stream(redis, key).group("g").pending().count == 0
    summary = shop.summary().group("g")
    counts = (summary.handled, summary.failed, summary.retried, summary.dead_lettered)
    assert counts == (16, 12, 8, 4)
    assert summary.acknowledged == 16
    told = [one for sample in history.samples for one in sample.events]
    moved = [one for one in told if one.kind == "dead_lettered"]
    assert sum(one.count for one in moved) == 4
    entries = "1 entry" if moved[0].count == 1 else f"{moved[0].count} entries"
    assert str(moved[0]) == f"{moved[0].who} moved {entries} to {key}:dead"


def test_a_dead_letter_has_the_reason_that_fail_gave(redis: redis_py.Redis, key: str) -> None:
    shop = Scenario(redis)
    shop.produce(key, series.constant(rate_hz=20).limit(4))
    priced: Any = {"consumers": 2, "service_ms": 10, "claim_idle_ms": 1000, "delivery_limit": 2}
    shop.group(key, "g", fail=lambda one: "no price" if one.fields["n"] == "2" else "", **priced)
    shop.run(10)
    assert [(one.fields["n"], one.error) for one in letters(redis, key)] == [("2", "no price")]


def test_the_same_seed_gives_the_same_dead_letters_and_a_second_run_replaces_them(
    redis: redis_py.Redis, key: str
) -> None:
    shop, _ = plan(redis, key)
    shop.run(10)
    first = letters(redis, key)
    assert len(first) == 4
    start_ms = shop.history.samples[0].time_ms
    assert all(2000 < one.id.ms - start_ms < 6000 for one in first), "on the virtual clock"
    assert list(shop.histories) == [key, f"{key}:dead"]
    shop, _ = plan(redis, key)
    shop.run(10)
    assert letters(redis, key) == first


def test_dead_letters_of_others_are_not_replaced(redis: redis_py.Redis, key: str) -> None:
    theirs = Stream(redis, f"{key}:dead")
    theirs.add({"n": "theirs"})
    shop, _ = plan(redis, key)
    with pytest.raises(InputError, match="is not replaced"):
        shop.run(10)
    assert [entry.fields for entry in theirs.range()] == [{"n": "theirs"}]


def test_an_entry_that_a_dead_consumer_holds_is_moved_too(redis: redis_py.Redis, key: str) -> None:
    shop, poison = plan(redis, key, crash_after=3, delivery_limit=1)
    shop.run(10)
    lost = [one for one in letters(redis, key) if one.fields["n"] not in poison.attempts]
    assert [(one.consumer, one.deliveries, one.error) for one in lost] == [("g-1", 1, "")]


def test_several_streams_and_a_key_of_ones_own(
    redis: redis_py.Redis, key: str, prefix: str
) -> None:
    shop, poison, dead = Scenario(redis, seed=7), Poison(), f"{prefix}poison"
    keys = [f"{key}:{n}" for n in (1, 2)]
    for one in keys:
        shop.produce(one, series.constant(rate_hz=20).limit(5))
    shop.group(
        keys,
        "g",
        handler=poison,
        service_ms=10,
        claim_idle_ms=1000,
        delivery_limit=2,
        dead_letters=dead,
        on_error="keep",
    )
    shop.run(10)
    assert sorted(one.stream for one in letters(redis, keys[0], dead)) == keys
    assert not redis.exists(*(f"{one}:dead" for one in keys))


def test_on_the_wall_clock_too(redis: redis_py.Redis, key: str, way: str, until: Until) -> None:
    shop, _ = plan(redis, key, claim_with=way, claim_idle_ms=100)
    with shop:
        shop.start()
        until(lambda: len(letters(redis, key)) == 4, 20)
    counts = {one.deliveries for one in letters(redis, key)}
    assert min(counts) == 3
    assert way != "xclaim" or counts == {3}  # the others name no entry: one may be due meanwhile
    assert Stream(redis, key).group("g").pending().count == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delivery_limit": 0}, "delivery_limit=0: give a whole number, 1 or more"),
        ({"delivery_limit": 2.5}, "delivery_limit=2.5"),
        ({"delivery_limit": True}, "delivery_limit=True"),
        ({"claim_idle_ms": None}, "give claim_idle_ms=, too"),
        ({"delivery_limit": None, "dead_letters": "d"}, "give delivery_limit=, too"),
        ({"dead_letters": 5}, "dead_letters=5: give a text"),
        ({"dead_letters": ""}, "dead_letters=''"),
        ({"dead_leters": "d"}, "did you mean 'dead_letters'"),
    ],
    ids=repr,
)
def test_a_wrong_plan_is_refused_at_the_call(
    redis: redis_py.Redis, key: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as error:
        plan(redis, key, **options)
    assert words in str(error.value)
    with pytest.raises(InputError, match="give the dead letters another key"):
        plan(redis, key, dead_letters=key)
    assert not redis.exists(key)
