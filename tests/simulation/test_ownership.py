"""Nobody's data is touched: what is not proved to be an earlier virtual run's stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_py
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamviz import Observer, Scenario, Stream, series
from streamviz.client.capabilities import capabilities
from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError, StreamVizError
from streamviz.patterns.dead_letters import DeadLetters
from streamviz.patterns.partitions import Partitions
from streamviz.simulation.ownership import RUNS_KEY
from streamviz.simulation.readers import readers_key

FEBRUARY_MS = 1_769_904_000_000
EPOCH_MS = 1_767_225_600_000

Setting = Callable[[Scenario, str], object]


def shop(client: redis_py.Redis, key: str, *, reader: bool = False, **produce: Any) -> Scenario:
    made = Scenario(client, seed=1)
    made.group(key, "mine", service_ms=1)
    if reader:
        made.reader(key, "ann", service_ms=1)
    made.produce(key, series.constant(rate_hz=4), **produce)
    return made


def test_a_stream_of_the_virtual_clocks_year_keeps_its_entries_and_its_groups(
    redis: redis_py.Redis, key: str
) -> None:
    theirs = Stream(redis, key)
    theirs.add_many((f"{FEBRUARY_MS + n}-0", {"n": n}) for n in range(20))
    theirs.group("billing").create("0")
    theirs.group("billing").consumer("ann").read(5)
    Scenario(redis).group(key, "audit")
    assert theirs.length() == 20
    assert theirs.group("billing").pending().count == 5
    shown = Scenario(redis)
    shown.produce(key, series.constant())
    with pytest.raises(InputError, match=rf"{key}.*20 entries.*no virtual run made it.*delete"):
        shown.run(1)
    assert theirs.length() == 20
    assert theirs.group("billing").pending().count == 5


def test_a_second_run_replaces_the_first_and_all_that_it_left(
    redis: redis_py.Redis, key: str
) -> None:
    for _ in range(3):
        made = shop(redis, key, reader=True)
        made.run(2)
        made.run(3)
        assert made.history.last is not None
        assert made.history.last.entries_added == 20
        assert [one.name for one in Stream(redis, key).groups()] == ["mine"]
        assert made.readers["ann"].handled == 20
        assert made.error is None
        assert not [str(note) for sample in made.history.samples for note in sample.events]


def test_a_run_that_was_interrupted_may_be_replaced_too(redis: redis_py.Redis, key: str) -> None:
    def interrupt(entry: Any) -> None:
        if entry.fields["n"] == "9":
            raise KeyboardInterrupt

    made = Scenario(redis)
    made.produce(key, series.constant(rate_hz=4))
    made.group(key, "mine", handler=interrupt)
    with pytest.raises(KeyboardInterrupt):
        made.run(9)
    shop(redis, key).run(1)
    assert Stream(redis, key).info().entries_added == 4


def add(client: redis_py.Redis, key: str) -> None:
    client.xadd(key, {"theirs": 1})


def add_and_delete(client: redis_py.Redis, key: str) -> None:
    client.xdel(key, client.xadd(key, {"theirs": 1}))


def add_in_its_time(client: redis_py.Redis, key: str) -> None:
    client.xadd(key, {"theirs": 1}, id=f"{EPOCH_MS + 4000}-9")


def make_anew(client: redis_py.Redis, key: str) -> None:
    client.delete(key)
    client.xadd(key, {"theirs": 1}, id=f"{EPOCH_MS + 4000}-0")


def join(client: redis_py.Redis, key: str) -> None:
    client.xgroup_create(key, "theirs")


def lose_the_mark(client: redis_py.Redis, key: str) -> None:
    client.hdel(RUNS_KEY, key)


def break_the_mark(client: redis_py.Redis, key: str) -> None:
    client.hset(RUNS_KEY, key, '{"run": 1}')


@pytest.mark.parametrize(
    "meanwhile",
    [add, add_and_delete, add_in_its_time, make_anew, join, lose_the_mark, break_the_mark],
    ids=lambda one: one.__name__,
)
def test_what_others_have_joined_is_not_replaced(
    redis: redis_py.Redis, key: str, meanwhile: Callable[[redis_py.Redis, str], None]
) -> None:
    shop(redis, key).run(3)
    meanwhile(redis, key)
    before = Stream(redis, key).range()
    again = shop(redis, key)
    with pytest.raises(InputError, match="choose another key, or delete it yourself"):
        again.run(3)
    assert Stream(redis, key).range() == before
    assert again.producers[0].added == 0
    redis.delete(key)
    shop(redis, key).run(3)
    assert Stream(redis, key).info().entries_added == 12, "the next step that the error names"


def test_a_group_of_a_scenario_that_only_reads_is_no_stranger(
    redis: redis_py.Redis, key: str
) -> None:
    shop(redis, key).run(3)
    auditors = Scenario(redis)
    auditors.group(key, "audit", service_ms=1)
    auditors.run(3)
    assert auditors.groups["audit"].consumers["audit-1"].handled == 12
    shop(redis, key).run(3)
    assert [one.name for one in Stream(redis, key).groups()] == ["mine"]


def test_a_group_that_never_ran_is_no_stranger_either(redis: redis_py.Redis, key: str) -> None:
    Scenario(redis).group(key, "mine")
    for _ in range(2):
        shop(redis, key).run(3)
    assert Stream(redis, key).info().entries_added == 12


def test_a_scenario_whose_stream_was_replaced_leaves_it_to_the_next(
    redis: redis_py.Redis, key: str
) -> None:
    old = shop(redis, key)
    old.run(1)
    new = shop(redis, key)
    new.run(3)
    old.run(1)
    mark = json.loads(redis.hget(RUNS_KEY, key))  # type: ignore[arg-type]
    assert mark["entries"] == 12
    assert mark["last_id"] == str(new.producers[0].last_id)


def test_entries_may_be_added_after_older_ones_but_not_trim_them(
    redis: redis_py.Redis, key: str
) -> None:
    Stream(redis, key).add({"theirs": 1}, id="5-0")
    with pytest.raises(InputError, match="1 entries up to 5-0"):
        shop(redis, key, maxlen=3).run(3)
    shop(redis, key).run(3)
    assert Stream(redis, key).range()[0].id == EntryId(5)
    with pytest.raises(InputError, match="no virtual run made it"):
        shop(redis, key).run(3)


def test_the_position_of_a_reader_of_theirs_stays(redis: redis_py.Redis, key: str) -> None:
    hash_key = readers_key(key)
    redis.hset(hash_key, mapping={"ann": "7-0", "ben": "8-0"})
    with pytest.raises(InputError, match=r"holds a position of 'ann'.*hdel"):
        shop(redis, key, reader=True).run(1)
    assert redis.hgetall(hash_key) == {b"ann": b"7-0", b"ben": b"8-0"}
    redis.hdel(hash_key, "ann")
    for _ in range(2):
        shop(redis, key, reader=True).run(1)
    assert redis.hget(hash_key, "ben") == b"8-0"
    redis.hset(hash_key, "ann", "9-0")
    with pytest.raises(InputError, match="holds a position of 'ann'"):
        shop(redis, key, reader=True).run(1)
    assert redis.hget(hash_key, "ann") == b"9-0"


def test_a_reader_alone_begins_anew_in_a_second_run(redis: redis_py.Redis, key: str) -> None:
    Stream(redis, key).add_many((f"{n}-0", {"n": n}) for n in range(1, 4))
    for _ in range(2):
        alone = Scenario(redis)
        alone.reader(key, "ann", service_ms=1)
        alone.run(1)
        assert alone.readers["ann"].handled == 3


def test_a_key_that_is_no_hash_where_the_marks_belong_is_not_overwritten(
    redis: redis_py.Redis, key: str
) -> None:
    marks = redis.hgetall(RUNS_KEY)
    redis.set(RUNS_KEY, "theirs")
    try:
        with pytest.raises(StreamVizError, match=RUNS_KEY):
            shop(redis, key).run(1)
        assert redis.get(RUNS_KEY) == b"theirs"
    finally:
        redis.delete(RUNS_KEY)
        if marks:
            redis.hset(RUNS_KEY, mapping=marks)  # type: ignore[arg-type]


IDS = st.one_of(
    st.integers(1, 9_000),
    st.integers(EPOCH_MS, EPOCH_MS + 100 * 86_400_000),
    st.integers(1_700_000_000_000, 1_800_000_000_000),
)
CALLS: dict[str, Setting] = {
    "produce": lambda made, key: made.produce(key, series.constant()),
    "produce, trimming": lambda made, key: made.produce(key, series.constant(), maxlen=1),
    "group": lambda made, key: made.group(key, "ours"),
    "group of theirs": lambda made, key: made.group(key, "theirs", consumers=0),
    "reader": lambda made, key: made.reader(key, "ours"),
    "reader of theirs": lambda made, key: made.reader(key, "theirs"),
    "subscriber": lambda made, key: made.subscriber(key, "ours"),
    "watch": lambda made, key: made.watch(key),
}


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    ids=st.lists(IDS, min_size=1, max_size=8, unique=True).map(sorted),
    pending=st.integers(0, 8),
    deleted=st.integers(0, 1),
    calls=st.lists(st.sampled_from(sorted(CALLS)), min_size=1, max_size=4),
    runs=st.integers(1, 2),
)
def test_no_call_takes_anything_from_a_stream_of_theirs(
    redis: redis_py.Redis,
    prefix: str,
    ids: list[int],
    pending: int,
    deleted: int,
    calls: list[str],
    runs: int,
) -> None:
    key, untouched = f"{prefix}s", f"{prefix}other"
    redis.delete(key, readers_key(key), untouched)
    theirs = Stream(redis, key)
    theirs.add_many((f"{ms}-0", {"n": ms}) for ms in ids)
    theirs.group("theirs").create("0")
    theirs.group("theirs").consumer("zoe").read(max(1, pending))
    if deleted:
        theirs.delete(f"{ids[0]}-0")
    redis.hset(readers_key(key), "theirs", "3-0")
    redis.copy(key, untouched)
    entries, group = theirs.range(), theirs.groups()[0]
    last, dumps = ids[-1], {one: redis.dump(one) for one in (readers_key(key), untouched)}

    for _ in range(runs):
        made = Scenario(redis)
        with suppress(StreamVizError):
            for call in calls:
                CALLS[call](made, key)
            made.run(1)
        made.stop()
    Observer(redis, key, readers=readers_key(key)).sample()
    capabilities(redis)
    Partitions(redis, key, 2)
    DeadLetters(theirs.group("theirs").consumer("zoe"))

    assert theirs.range("-", f"{last}-0") == entries
    now = next(one for one in theirs.groups() if one.name == "theirs")
    assert replace(now, lag=None) == replace(group, lag=None)
    saved = redis.hget(readers_key(key), "theirs")
    assert saved == b"3-0", "a position that no run of ours saved"
    assert redis.dump(untouched) == dumps[untouched]
    if not any(call == "reader" for call in calls):
        assert redis.dump(readers_key(key)) == dumps[readers_key(key)]
    if not any(call.startswith(("produce", "group")) for call in calls):
        assert theirs.info().entries_added == len(ids)
        assert redis.dump(key) == redis.dump(untouched)
