"""Data safety: a virtual run replaces only what a mark proves to be an earlier virtual run's."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
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
from streamviz.server.embedded import EmbeddedServer
from streamviz.simulation.ownership import RUNS_KEY
from streamviz.simulation.readers import readers_key

FEBRUARY_MS = 1_769_904_000_000
EPOCH_MS = 1_767_225_600_000

Setting = Callable[[Scenario, str], object]


def shop(client: redis_py.Redis, key: str, *, reader: bool = False, **produce: Any) -> Scenario:
    scenario = Scenario(client, seed=1)
    scenario.group(key, "mine", service_ms=1)
    if reader:
        scenario.reader(key, "ann", service_ms=1)
    scenario.produce(key, series.constant(rate_hz=4), **produce)
    return scenario


def test_a_stream_with_ids_of_the_virtual_clock_keeps_its_entries_and_its_groups(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{FEBRUARY_MS + n}-0", {"n": n}) for n in range(20))
    stream.group("billing").create("0")
    stream.group("billing").consumer("ann").read(5)
    Scenario(redis).group(key, "audit")
    assert stream.length() == 20
    assert stream.group("billing").pending().count == 5
    scenario = Scenario(redis)
    scenario.produce(key, series.constant())
    with pytest.raises(InputError, match=rf"{key}.*20 entries.*no virtual run made it.*delete"):
        scenario.run(1)
    assert stream.length() == 20
    assert stream.group("billing").pending().count == 5


def test_a_second_run_replaces_all_that_the_first_run_left(redis: redis_py.Redis, key: str) -> None:
    for _ in range(3):
        scenario = shop(redis, key, reader=True)
        scenario.run(2)
        scenario.run(3)
        assert scenario.history.newest is not None
        assert scenario.history.newest.entries_added == 20
        assert [one.name for one in Stream(redis, key).groups()] == ["mine"]
        assert scenario.readers["ann"].handled == 20
        assert scenario.error is None
        assert not [str(note) for sample in scenario.history.samples for note in sample.events]


def test_an_interrupted_run_can_be_replaced(redis: redis_py.Redis, key: str) -> None:
    def interrupt(entry: Any) -> None:
        if entry.fields["n"] == "9":
            raise KeyboardInterrupt

    scenario = Scenario(redis)
    scenario.produce(key, series.constant(rate_hz=4))
    scenario.group(key, "mine", handler=interrupt)
    with pytest.raises(KeyboardInterrupt):
        scenario.run(9)
    shop(redis, key).run(1)
    assert Stream(redis, key).info().entries_added == 4


def add(client: redis_py.Redis, key: str) -> None:
    client.xadd(key, {"theirs": 1})


def add_and_delete(client: redis_py.Redis, key: str) -> None:
    client.xdel(key, client.xadd(key, {"theirs": 1}))


def add_in_its_time(client: redis_py.Redis, key: str) -> None:
    client.xadd(key, {"theirs": 1}, id=f"{EPOCH_MS + 4000}-9")


def recreate(client: redis_py.Redis, key: str) -> None:
    client.delete(key)
    client.xadd(key, {"theirs": 1}, id=f"{EPOCH_MS + 4000}-0")


def join(client: redis_py.Redis, key: str) -> None:
    client.xgroup_create(key, "theirs")


def read_in_its_group(client: redis_py.Redis, key: str) -> None:
    client.xgroup_setid(key, "mine", "0")
    assert client.xreadgroup("mine", "somebody", {key: ">"}, count=99)


def join_its_group(client: redis_py.Redis, key: str) -> None:
    client.xgroup_createconsumer(key, "mine", "somebody")


def claim_in_its_group(client: redis_py.Redis, key: str) -> None:
    client.xclaim(key, "mine", "somebody", 0, [client.xrange(key)[0][0]], force=True)


def recreate_its_group(client: redis_py.Redis, key: str) -> None:
    client.xgroup_destroy(key, "mine")
    client.xgroup_create(key, "mine", "0")
    join_its_group(client, key)


def set_its_last_id(client: redis_py.Redis, key: str) -> None:
    client.execute_command("XSETID", key, f"{EPOCH_MS + 9000}-0")


def set_its_count(client: redis_py.Redis, key: str) -> None:
    last = client.xinfo_stream(key)["last-generated-id"]
    client.execute_command("XSETID", key, last, "ENTRIESADDED", 77, "MAXDELETEDID", "0-1")


def put_another_in_its_place(client: redis_py.Redis, key: str) -> None:
    for n in range(12):
        client.xadd(f"{key}:theirs", {"theirs": n}, id=f"{EPOCH_MS + n}-0")
    client.rename(f"{key}:theirs", key)


def lose_the_mark(client: redis_py.Redis, key: str) -> None:
    client.hdel(RUNS_KEY, key)


def break_the_mark(client: redis_py.Redis, key: str) -> None:
    client.hset(RUNS_KEY, key, '{"run": 1}')


def nest_the_mark(client: redis_py.Redis, key: str) -> None:
    client.hset(RUNS_KEY, key, "[" * 100_000)


@pytest.mark.parametrize(
    "meanwhile",
    [
        add,
        add_and_delete,
        add_in_its_time,
        recreate,
        join,
        read_in_its_group,
        join_its_group,
        claim_in_its_group,
        recreate_its_group,
        set_its_last_id,
        set_its_count,
        put_another_in_its_place,
        lose_the_mark,
        break_the_mark,
        nest_the_mark,
    ],
    ids=lambda one: one.__name__,
)
def test_a_stream_that_others_changed_is_not_replaced(
    redis: redis_py.Redis, key: str, meanwhile: Callable[[redis_py.Redis, str], None]
) -> None:
    shop(redis, key).run(3)
    meanwhile(redis, key)
    again = shop(redis, key)
    before = redis.dump(key)
    with pytest.raises(InputError, match=r"choose another key\..*delete it yourself"):
        again.run(3)
    assert redis.dump(key) == before
    assert again.producers[0].added == 0
    redis.delete(key)
    shop(redis, key).run(3)
    assert Stream(redis, key).info().entries_added == 12, "the next step that the error names"


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda client, key: client.xack(key, "mine", client.xrange(key)[0][0]),
        lambda client, key: client.xdel(key, client.xrange(key)[0][0]),
        lambda client, key: client.xtrim(key, maxlen=2, approximate=False),
        lambda client, key: client.xgroup_delconsumer(key, "mine", "mine-1"),
        lambda client, key: client.xgroup_setid(key, "mine", "0"),
        lambda client, key: client.xgroup_destroy(key, "mine"),
        lambda client, key: client.rename(key, f"{key}:2") and client.rename(f"{key}:2", key),
    ],
    ids=[
        "ack",
        "delete",
        "trim",
        "delete a consumer",
        "move a group",
        "destroy a group",
        "rename twice",
    ],
)
def test_a_stream_with_nothing_of_others_is_replaced(
    redis: redis_py.Redis, key: str, meanwhile: Callable[[redis_py.Redis, str], object]
) -> None:
    shop(redis, key).run(3)
    meanwhile(redis, key)
    shop(redis, key).run(3)
    assert Stream(redis, key).info().entries_added == 12
    assert Stream(redis, key).group("mine").consumers()[0].name == "mine-1"


def test_the_consumers_of_each_run_may_differ(redis: redis_py.Redis, key: str) -> None:
    for names in (["ann"], ["ben", "eve"], [], ["ann"]):
        scenario = shop(redis, key)
        for name in names:
            scenario.groups["mine"].add_consumer(name)
        scenario.run(2)
        scenario.groups["mine"].add_consumer("late")
        scenario.run(1)
        assert scenario.history.newest is not None
        assert scenario.history.newest.entries_added == 12
        more = Scenario(redis)
        more.group(key, "mine", consumers=5)
        more.run(1)
        assert len(Stream(redis, key).group("mine").consumers()) >= 5


def test_a_refused_run_goes_on_with_its_groups_after_the_next_step_that_the_error_names(
    redis: redis_py.Redis, key: str
) -> None:
    shop(redis, key).run(3)
    join_its_group(redis, key)
    again = shop(redis, key)
    with pytest.raises(InputError, match=r"'mine' the consumer 'somebody'.*client\.delete"):
        again.run(3)
    redis.delete(key)
    again.run(3)
    assert again.groups["mine"].consumers["mine-1"].handled == 12
    shop(redis, key).run(3)


KILLED_RUN = """
import os, signal, sys
from streamviz import Scenario, connect, series

def kill_itself(entry):
    if entry.fields["n"] == "3":
        os.kill(os.getpid(), signal.SIGKILL)

url, key, adds = sys.argv[1:]
scenario = Scenario(connect(url))
if adds:
    scenario.produce(key, series.constant(rate_hz=4))
scenario.group(key, "killed", consumers=2, handler=kill_itself)
scenario.run(3)
"""


@pytest.mark.parametrize("adds", [True, False], ids=["adds", "only reads"])
def test_what_a_killed_run_left_is_replaced_only_if_it_added_nothing(
    server: EmbeddedServer, redis: redis_py.Redis, key: str, adds: bool
) -> None:
    if not adds:
        shop(redis, key).run(3)
    program = [sys.executable, "-c", KILLED_RUN, server.url, key, "yes" if adds else ""]
    assert subprocess.run(program, check=False).returncode == -signal.SIGKILL
    assert Stream(redis, key).group("killed").pending().count
    again = shop(redis, key)
    if adds:
        with pytest.raises(InputError, match=r"made it was killed, or others.*client\.delete"):
            again.run(3)
        redis.delete(key)
    again.run(3)
    assert [one.name for one in Stream(redis, key).groups()] == ["mine"]


def test_what_others_joined_between_two_runs_of_a_scenario_is_not_replaced(
    redis: redis_py.Redis, key: str
) -> None:
    scenario = shop(redis, key)
    scenario.run(1)
    join_its_group(redis, key)
    scenario.run(1)
    with pytest.raises(InputError, match="its group 'mine'"):
        shop(redis, key).run(3)


def test_a_consumer_that_joined_before_the_first_run_is_not_replaced(
    redis: redis_py.Redis, key: str
) -> None:
    scenario = shop(redis, key)
    join_its_group(redis, key)
    scenario.run(1)
    with pytest.raises(InputError, match="no virtual run made it"):
        shop(redis, key).run(3)


def test_a_group_of_a_scenario_that_only_reads_can_be_replaced(
    redis: redis_py.Redis, key: str
) -> None:
    shop(redis, key).run(3)
    auditors = Scenario(redis)
    auditors.group(key, "audit", service_ms=1)
    auditors.run(3)
    assert auditors.groups["audit"].consumers["audit-1"].handled == 12
    shop(redis, key).run(3)
    assert [one.name for one in Stream(redis, key).groups()] == ["mine"]


def test_a_group_that_never_ran_can_be_replaced(redis: redis_py.Redis, key: str) -> None:
    Scenario(redis).group(key, "mine")
    for _ in range(2):
        shop(redis, key).run(3)
    assert Stream(redis, key).info().entries_added == 12


def test_a_scenario_whose_stream_was_replaced_leaves_the_mark_to_the_next_run(
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


def test_a_run_may_add_after_older_entries_but_not_trim_them(
    redis: redis_py.Redis, key: str
) -> None:
    Stream(redis, key).add({"theirs": 1}, id="5-0")
    with pytest.raises(InputError, match="1 entries up to 5-0"):
        shop(redis, key, maxlen=3).run(3)
    shop(redis, key).run(3)
    assert Stream(redis, key).range()[0].id == EntryId(5)
    with pytest.raises(InputError, match="no virtual run made it"):
        shop(redis, key).run(3)


def test_a_position_that_no_run_saved_stays(redis: redis_py.Redis, key: str) -> None:
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


def test_a_run_that_is_refused_has_replaced_nothing(redis: redis_py.Redis, prefix: str) -> None:
    ours, theirs = f"{prefix}a", f"{prefix}b"
    shop(redis, ours, reader=True).run(1)
    before = redis.dump(ours), redis.hgetall(readers_key(ours)), redis.hget(RUNS_KEY, ours)
    redis.xadd(theirs, {"n": 1}, id="1900000000000-0")
    for refused in ("produce", "reader"):
        again = shop(redis, ours, reader=True)
        if refused == "produce":
            again.produce(theirs, series.constant(rate_hz=4))
        else:
            redis.hset(readers_key(theirs), "ben", "7-0")
            again.reader(theirs, "ben")
        with pytest.raises(InputError, match=r"holds 1 entries|holds a position of 'ben'"):
            again.run(1)
        now = redis.dump(ours), redis.hgetall(readers_key(ours)), redis.hget(RUNS_KEY, ours)
        assert now == before


@pytest.mark.parametrize("with_group", [False, True])
def test_a_stream_that_was_deleted_takes_the_positions_of_its_run_along(
    redis: redis_py.Redis, key: str, with_group: bool
) -> None:
    shop(redis, key, reader=True).run(1)
    position = redis.hget(readers_key(key), "ann")
    redis.delete(key)
    again = shop(redis, key, reader=True)
    if with_group:
        again.group(key, "audit")
    history = again.run(1)
    assert history.newest is not None
    assert history.newest.length == 4
    assert redis.hget(readers_key(key), "ann") == position


def test_a_position_stays_even_if_its_stream_has_the_key_stream(
    redis: redis_py.Redis, key: str
) -> None:
    redis.hset(readers_key("stream"), key, "7-0")
    scenario = Scenario(redis)
    scenario.produce(key, series.constant(rate_hz=4))
    scenario.reader("stream", key)
    try:
        with pytest.raises(InputError, match="holds a position of"):
            scenario.run(1)
        assert redis.hget(readers_key("stream"), key) == b"7-0"
    finally:
        redis.hdel(readers_key("stream"), key)


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 0, -1])
def test_a_wrong_length_of_a_run_is_refused_before_anything_is_replaced(
    redis: redis_py.Redis, key: str, seconds: float
) -> None:
    shop(redis, key).run(3)
    with pytest.raises(InputError, match="seconds="):
        shop(redis, key).run(seconds)
    assert Stream(redis, key).length() == 12


def test_a_lone_reader_starts_again_in_a_second_run(redis: redis_py.Redis, key: str) -> None:
    Stream(redis, key).add_many((f"{n}-0", {"n": n}) for n in range(1, 4))
    for _ in range(2):
        alone = Scenario(redis)
        alone.reader(key, "ann", service_ms=1)
        alone.run(1)
        assert alone.readers["ann"].handled == 3


def test_a_key_that_is_not_a_hash_is_not_overwritten_by_marks(
    redis: redis_py.Redis, key: str
) -> None:
    marks = redis.hgetall(RUNS_KEY)
    redis.set(RUNS_KEY, "theirs")
    try:
        with pytest.raises(InputError, match=rf"client\.delete\('{RUNS_KEY}'\)"):
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
    "produce": lambda scenario, key: scenario.produce(key, series.constant()),
    "produce, trimming": lambda scenario, key: scenario.produce(key, series.constant(), maxlen=1),
    "group": lambda scenario, key: scenario.group(key, "ours"),
    "group of theirs": lambda scenario, key: scenario.group(key, "theirs", consumers=0),
    "reader": lambda scenario, key: scenario.reader(key, "ours"),
    "reader of theirs": lambda scenario, key: scenario.reader(key, "theirs"),
    "subscriber": lambda scenario, key: scenario.subscriber(key, "ours"),
    "watch": lambda scenario, key: scenario.watch(key),
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
def test_no_call_changes_a_stream_that_others_made(
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
    stream = Stream(redis, key)
    stream.add_many((f"{ms}-0", {"n": ms}) for ms in ids)
    stream.group("theirs").create("0")
    stream.group("theirs").consumer("zoe").read(max(1, pending))
    if deleted:
        stream.delete(f"{ids[0]}-0")
    redis.hset(readers_key(key), "theirs", "3-0")
    redis.copy(key, untouched)
    entries, group = stream.range(), stream.groups()[0]
    last, dumps = ids[-1], {one: redis.dump(one) for one in (readers_key(key), untouched)}

    for _ in range(runs):
        scenario = Scenario(redis)
        with suppress(StreamVizError):
            for call in calls:
                CALLS[call](scenario, key)
            scenario.run(1)
        scenario.stop()
    Observer(redis, key, readers=readers_key(key)).sample()
    capabilities(redis)
    Partitions(redis, key, 2)
    DeadLetters(stream.group("theirs").consumer("zoe"))

    assert stream.range("-", f"{last}-0") == entries
    now = next(one for one in stream.groups() if one.name == "theirs")
    assert replace(now, lag=None) == replace(group, lag=None)
    saved = redis.hget(readers_key(key), "theirs")
    assert saved == b"3-0", "no virtual run saved this position"
    assert redis.dump(untouched) == dumps[untouched]
    if not any(call == "reader" for call in calls):
        assert redis.dump(readers_key(key)) == dumps[readers_key(key)]
    if not any(call.startswith(("produce", "group")) for call in calls):
        assert stream.info().entries_added == len(ids)
        assert redis.dump(key) == redis.dump(untouched)


ACTS: dict[str, tuple[bool, Callable[[redis_py.Redis, str], object]]] = {
    # whether something of others is there afterwards, and what they do
    "add": (True, add),
    "add and delete": (True, add_and_delete),
    "a group": (True, lambda client, key: client.xgroup_create(key, "theirs")),
    "a consumer": (True, join_its_group),
    "read": (True, read_in_its_group),
    "move a group": (False, lambda client, key: client.xgroup_setid(key, "mine", "0")),
    "claim": (True, claim_in_its_group),
    "ack": (False, lambda client, key: client.xack(key, "mine", f"{EPOCH_MS + 250}-0")),
    "delete": (False, lambda client, key: client.xdel(key, f"{EPOCH_MS + 250}-0")),
    "trim": (False, lambda client, key: client.xtrim(key, maxlen=9, approximate=False)),
    "look": (False, lambda client, key: client.xread({key: "0"})),
    "a scenario": (False, lambda client, key: shop_reader(client, key).run(1)),
}


def shop_reader(client: redis_py.Redis, key: str) -> Scenario:
    scenario = Scenario(client)
    scenario.group(key, "mine", consumers=3)
    scenario.group(key, "audit", service_ms=1)
    return scenario


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    acts=st.lists(st.sampled_from(sorted(ACTS)), max_size=4, unique=True), seed=st.integers(0, 9)
)
def test_a_run_replaces_a_stream_exactly_if_others_have_joined_nothing(
    redis: redis_py.Redis, prefix: str, acts: list[str], seed: int
) -> None:
    key = f"{prefix}p"
    redis.delete(key)
    shop(redis, key).run(3)
    for act in acts:
        ACTS[act][1](redis, key)
    again = Scenario(redis, seed=seed)
    again.group(key, "mine", consumers=seed)
    again.produce(key, series.constant(rate_hz=8))
    before = redis.dump(key)
    if any(ACTS[act][0] for act in acts):
        with pytest.raises(InputError, match="is not replaced"):
            again.run(2)
        assert redis.dump(key) == before
    else:
        again.run(2)
        assert [one.name for one in Stream(redis, key).groups()] == ["mine"]
        assert Stream(redis, key).info().entries_added == 16


@pytest.mark.parametrize("way", ["produce", "group", "dead letters", "reader", "watch"])
def test_the_hash_that_names_what_runs_made_is_no_stream(
    redis: redis_py.Redis, key: str, way: str
) -> None:
    scenario = Scenario(redis, seed=1)
    with pytest.raises(InputError, match="'streamviz:runs' is the hash that names what runs made"):
        {
            "produce": lambda: scenario.produce(RUNS_KEY, series.constant(rate_hz=9)),
            "group": lambda: scenario.group([key, RUNS_KEY], "g"),
            "dead letters": lambda: scenario.group(
                key, "g", claim_idle_ms=5, delivery_limit=2, dead_letters=RUNS_KEY
            ),
            "reader": lambda: scenario.reader(RUNS_KEY, "r"),
            "watch": lambda: scenario.watch(RUNS_KEY),
        }[way]()
    parts = (scenario.producers, scenario.groups, scenario.readers, scenario.histories)
    assert not any(parts)
    assert (redis.exists(key), redis.type(RUNS_KEY) in (b"none", b"hash")) == (0, True)
