"""A sample of a stream: what it holds, what it costs, and that it leaves no trace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import redis as redis_py

from streamviz.client.capabilities import capabilities
from streamviz.client.entry_id import EntryId
from streamviz.client.stream import Stream
from streamviz.errors import InputError
from streamviz.observation.events import Event
from streamviz.observation.observer import Observer
from streamviz.server.embedded import EmbeddedServer

SECRET = "a-very-secret-word"


@pytest.fixture
def stream(redis: redis_py.Redis, key: str) -> Stream:
    return Stream(redis, key)


def fill(stream: Stream, first: int, last: int) -> None:
    stream.add_many((f"{ms}-0", {"n": ms}) for ms in range(first, last + 1))


def calls(redis: redis_py.Redis) -> dict[str, int]:
    stats = redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}


def test_a_sample_describes_the_stream(redis: redis_py.Redis, stream: Stream, key: str) -> None:
    fill(stream, 1, 10)
    group = stream.group("billing")
    group.create("0")
    group.consumer("ann").read(4)
    group.ack("1-0")
    stream.delete("2-0")
    sample = Observer(redis, key).sample(time_ms=5, events=["ann read"])
    assert (sample.stream, sample.n, sample.time_ms) == (key, 1, 5)
    assert (sample.exists, sample.trouble, sample.events) == (
        True,
        "",
        (Event("note", detail="ann read"),),
    )
    assert (sample.length, sample.entries_added) == (9, 10)
    assert (sample.first_id, sample.last_id) == (EntryId(1), EntryId(10))
    assert sample.max_deleted_id == EntryId(2)
    (billing,) = sample.groups
    assert (billing.last_delivered_id, billing.pending, billing.lag.entries) == (EntryId(4), 3, 6)
    assert [one.id.ms for one in billing.oldest] == [2, 3, 4]
    assert [(one.name, one.pending) for one in billing.consumers] == [("ann", 3)]


def test_entries_are_those_added_since_the_previous_sample(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    fill(stream, 1, 3)
    observer = Observer(redis, key)
    assert [entry.id.ms for entry in observer.sample().entries] == [1, 2, 3]
    assert observer.sample().entries == ()
    fill(stream, 4, 5)
    sample = observer.sample()
    assert [entry.fields for entry in sample.entries] == [{"n": "4"}, {"n": "5"}]
    assert sample.missed == 0


def test_of_too_many_new_entries_the_newest_are_taken_and_the_rest_counted(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    observer = Observer(redis, key, max_entries=3)
    fill(stream, 1, 10)
    first = observer.sample()
    assert ([entry.id.ms for entry in first.entries], first.missed) == ([8, 9, 10], 7)
    fill(stream, 11, 20)
    second = observer.sample()
    assert ([entry.id.ms for entry in second.entries], second.missed) == ([18, 19, 20], 7)


def test_groups_are_created_and_destroyed_between_samples(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    fill(stream, 1, 3)
    observer = Observer(redis, key)
    assert observer.sample().groups == ()
    stream.group("b").create("0")
    stream.group("a").create("0")
    stream.group("a").consumer("ann").read(1)
    sample = observer.sample()
    assert [group.name for group in sample.groups] == ["a", "b"]
    assert sample.groups[0].consumers[0].name == "ann", "a new group is complete at once"
    stream.group("a").destroy()
    assert [group.name for group in observer.sample().groups] == ["b"]
    stream.group("a").create("0")
    assert [group.lag.entries for group in observer.sample().groups] == [3, 3]


def test_names_may_be_any_bytes(redis: redis_py.Redis, stream: Stream, key: str) -> None:
    fill(stream, 1, 3)
    for name in (b"\xff\x00 \r\n", "ümläut".encode(), b"$5\r\nhello", b"'\"\\"):
        redis.xgroup_create(key, name, "0")
        redis.xreadgroup(name, b"\xfe" + name, {key: ">"}, count=1)
    observer = Observer(redis, key)
    for _ in range(2):
        groups = {
            group.name.encode("utf-8", "surrogateescape"): group
            for group in observer.sample().groups
        }
        assert len(groups) == 4
        for name, group in groups.items():
            (consumer,) = group.consumers
            assert consumer.name.encode("utf-8", "surrogateescape") == b"\xfe" + name
            assert group.lag.entries == 2


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode", [False, True])
def test_every_kind_of_client_gives_the_same_sample(
    server: EmbeddedServer, stream: Stream, key: str, protocol: int, decode: bool
) -> None:
    fill(stream, 1, 5)
    stream.group("g").create("2-0")
    stream.group("g").consumer("c").read(1)
    client = server.client(protocol=protocol, decode_responses=decode)
    sample = Observer(client, key).sample()
    client.close()
    assert [entry.id.ms for entry in sample.entries] == [1, 2, 3, 4, 5]
    assert (sample.groups[0].lag.entries, sample.groups[0].oldest[0].consumer) == (2, "c")


IDLE = {
    "multi": 1,
    "xinfo|stream": 1,
    "xinfo|groups": 1,
    "xinfo|consumers": 3,
    "xrevrange": 1,
}
ACTIVE = IDLE | {"xpending": 3, "xrange": 1}  # the groups have read equally far


def commands_of(redis: redis_py.Redis, do: Callable[[], object]) -> dict[str, int]:
    """Return the commands that a call sends, without the EXEC of each round trip."""
    before = calls(redis)
    do()
    after = calls(redis)
    counts = {name: times - before.get(name, 0) for name, times in after.items()}
    assert counts.pop("info") == 1
    assert counts.get("exec") == counts.get("multi"), "one MULTI ... EXEC is one round trip"
    return {name: times for name, times in counts.items() if times and name != "exec"}


def let_idle(*observers: Observer) -> None:
    """Let consumers be idle for longer than a sample takes, and take samples."""
    for turn in range(100):  # on a busy machine, a sample may take longer than they were idle
        time.sleep(0.02)
        for observer in observers:
            observer.sample()
        if turn and all(one.idle for each in observers for one in each._poller._last.values()):
            return


def test_a_steady_sample_is_one_round_trip_of_reads(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    fill(stream, 1, 500)
    consumers = []
    for name in ("a", "b", "c"):
        stream.group(name).create("0")
        consumers.append(stream.group(name).consumer("one"))
    observer = Observer(redis, key)
    observer.sample()

    def work() -> None:
        for consumer in consumers:
            consumer.read(20)

    for _ in range(4):
        work()
        observer.sample()
    work()
    dump = redis.dump(key)
    assert commands_of(redis, observer.sample) == ACTIVE
    let_idle(observer)
    time.sleep(0.02)
    assert commands_of(redis, observer.sample) == IDLE, "about an idle group less is asked"
    assert redis.dump(key) == dump


def test_a_group_that_wakes_up_is_complete_at_once(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    fill(stream, 1, 500)
    observer = Observer(redis, key)
    for name in ("a", "b", "c"):
        stream.group(name).create("0")
        observer.sample()
        stream.group(name).consumer("one").read(40)
    let_idle(observer)
    stream.group("b").ack("3-0")
    twice = {name: IDLE[name] + times for name, times in ACTIVE.items() if name in IDLE}
    assert commands_of(redis, observer.sample) == ACTIVE | twice


@pytest.mark.parametrize(
    "what", ["read again", "ack", "claim", "read on", "add", "delete", "leave"]
)
def test_what_happens_to_an_idle_group_is_sampled_at_once(
    redis: redis_py.Redis, stream: Stream, key: str, what: str
) -> None:
    fill(stream, 1, 30)
    group = stream.group("g")
    group.create("0")
    one, two = group.consumer("one"), group.consumer("two")
    one.read(4)
    two.read(4)
    observer, thorough = Observer(redis, key, count_up_to=5), Observer(redis, key, count_up_to=5)
    let_idle(observer, thorough)
    before = observer.sample().groups[0]
    assert observer._poller._last["g"].idle
    {
        "read again": lambda: one.read(2, after="0"),
        "ack": lambda: group.ack("2-0"),
        "claim": lambda: one.claim(["6-0"]),
        "read on": lambda: two.read(3),
        "add": lambda: fill(stream, 31, 40),
        "delete": lambda: stream.delete("10-0"),
        "leave": lambda: group.delete_consumer("two"),
    }[what]()
    thorough._poller._last.clear()
    now, complete = observer.sample().groups[0], thorough.sample().groups[0]
    assert [one[:2] + one[3:] for one in now.oldest] == [
        one[:2] + one[3:] for one in complete.oldest
    ]
    assert (now.pending, now.lag, now.gone) == (complete.pending, complete.lag, complete.gone)
    assert (now.lag, now.oldest, len(now.consumers)) != (
        before.lag,
        before.oldest,
        len(before.consumers),
    )


def test_an_idle_groups_pending_entries_age_as_on_the_server(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    fill(stream, 1, 9)
    stream.group("g").create("0")
    stream.group("g").consumer("c").read(3)
    observer = Observer(redis, key)
    let_idle(observer)
    time.sleep(0.05)
    assert observer._poller._last["g"].idle
    before = stream.group("g").pending_entries()
    oldest = observer.sample().groups[0].oldest
    after = stream.group("g").pending_entries()
    assert observer._poller._last["g"].idle
    for least, one, most in zip(before, oldest, after, strict=True):
        assert 50 <= least.idle_ms <= one.idle_ms <= most.idle_ms
        assert (one.id, one.consumer, one.deliveries) == (least.id, "c", 1)


def test_new_entries_for_an_idle_group_are_counted_as_usual(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    fill(stream, 1, 7)
    group = stream.group("g")
    group.create("5-0")  # the server never knows its lag
    observer = Observer(redis, key, count_up_to=5)
    let_idle(observer)
    fill(stream, 8, 27)
    observer.sample()
    entries = group.consumer("c").read(4)
    stream.delete(*(entry.id for entry in entries))
    lag = observer.sample().groups[0].lag
    assert (lag.entries, lag.verdict) == (18, "exact")


@pytest.fixture
def reader(redis: redis_py.Redis, server: EmbeddedServer, key: str) -> Iterator[redis_py.Redis]:
    """Return a client whose user may only read this one key."""
    name = key.replace(":", "-")
    redis.execute_command(
        "ACL", "SETUSER", name, "on", f">{SECRET}", f"%R~{key}", "-@all", "+@read", "+@connection"
    )
    client = redis_py.Redis.from_url(server.url, username=name, password=SECRET)
    yield client
    client.close()
    redis.execute_command("ACL", "DELUSER", name)


@pytest.mark.parametrize("rights", [(), ("+multi", "+exec"), ("+multi",), ("+exec",)])
def test_the_right_to_read_is_enough(
    redis: redis_py.Redis,
    reader: redis_py.Redis,
    stream: Stream,
    key: str,
    rights: tuple[str, ...],
) -> None:
    redis.execute_command("ACL", "SETUSER", key.replace(":", "-"), *rights)
    fill(stream, 1, 10)
    stream.group("g").create("0")
    stream.group("g").consumer("c").read(3)
    observer = Observer(reader, key)
    for _ in range(2):
        sample = observer.sample()
        assert (sample.trouble, sample.groups[0].lag.entries) == ("", 7)
        assert len(sample.groups[0].oldest) == 3


def test_a_missing_right_to_read_is_reported_without_the_password(
    redis: redis_py.Redis, reader: redis_py.Redis, key: str
) -> None:
    redis.execute_command("ACL", "SETUSER", key.replace(":", "-"), "resetkeys")
    sample = Observer(reader, key).sample()
    assert not sample.exists
    assert "not allowed" in sample.trouble
    assert SECRET not in repr(sample)


def test_a_deleted_stream_is_gone_and_sampled_again_when_it_is_back(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    observer = Observer(redis, key)
    assert "no stream" in observer.sample().trouble
    fill(stream, 100, 105)
    stream.group("g").create("0")
    assert observer.sample().exists
    redis.delete(key)
    absent = observer.sample()
    state = (absent.exists, absent.trouble, absent.length, absent.groups)
    assert state == (False, "stream is gone", 0, ())
    fill(stream, 1, 2)
    back = observer.sample()
    assert (back.exists, back.trouble, back.groups) == (True, "", ())
    assert [entry.id.ms for entry in back.entries] == [1, 2], "IDs lower than before are new too"
    assert back.events == (Event("stream_recreated"),)
    redis.rename(key, f"{key}:away")
    assert not observer.sample().exists
    redis.rename(f"{key}:away", key)
    again = observer.sample()
    assert (again.length, again.events) == (2, ()), "it is the same stream"


def test_a_stream_recreated_between_two_samples_is_noticed(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    observer = Observer(redis, key)
    fill(stream, 100, 105)
    observer.sample()
    redis.delete(key)
    fill(stream, 1, 3)
    stream.group("g").create("1-0")
    sample = observer.sample()
    assert [entry.id.ms for entry in sample.entries] == [1, 2, 3]
    assert sample.groups[0].lag.entries == 2
    assert sample.events == (Event("stream_recreated"),)


@pytest.mark.parametrize("again", [6, 7, 300])
def test_a_stream_recreated_with_as_many_or_more_entries_is_noticed(
    redis: redis_py.Redis, stream: Stream, key: str, again: int
) -> None:
    observer = Observer(redis, key)
    fill(stream, 100, 105)
    observer.sample()
    redis.delete(key)
    fill(stream, 1000, 999 + again)
    sample = observer.sample()
    assert sample.events == (Event("stream_recreated"),)
    assert len(sample.entries) + sample.missed == again


def run(redis: redis_py.Redis, key: str, commands: str) -> None:
    for command in commands.split("; "):
        name, *rest = command.split()
        if name == "ADD":  # from one ID to another
            fill(Stream(redis, key), *map(int, rest))
        else:
            redis.execute_command(name, *[key if word == "s" else word for word in rest])


@pytest.mark.parametrize(
    "commands",
    [
        "DEL s; ADD 100 100; ADD 110 110",
        "DEL s; ADD 103 110",
        "DEL s; ADD 100 104; ADD 106 109",
        "DEL s; XADD s 100-0 m 100; ADD 101 110",
        "DEL s; XADD s 100-0 n 101; ADD 101 110",
        "DEL s; XADD s 100-0 n 100; XADD s 100-5 n 100; ADD 101 110",
        "DEL s; ADD 1000 1299; XTRIM s MAXLEN 50",
        "DEL s; ADD 100 102; XGROUP CREATE s g 101; ADD 106 400",
        "DEL s; ADD 103 400; XGROUP CREATE s g 104",
        "DEL s; ADD 100 100; ADD 110 110; XGROUP CREATE s old 0",
    ],
)
def test_a_stream_recreated_with_a_larger_last_id_is_noticed_where_that_is_certain(
    redis: redis_py.Redis, stream: Stream, key: str, commands: str
) -> None:
    observer = Observer(redis, key)
    run(redis, key, "ADD 99 105; XDEL s 99-0; XGROUP CREATE s old 0")
    observer.sample()
    run(redis, key, commands)
    sample = observer.sample()
    assert sample.events == (Event("stream_recreated"),)
    assert len(sample.entries) + sample.missed == redis.xlen(key)
    assert observer.sample().events == ()


@pytest.mark.parametrize(
    "commands",
    [
        "ADD 106 110",
        "ADD 106 110; XTRIM s MAXLEN 3",
        "XDEL s 100-0",
        "XDEL s 102-0; ADD 106 110",
        "XDEL s 105-0; ADD 106 400",
        "XTRIM s MAXLEN 1; ADD 106 400",
        "XSETID s 105-0 ENTRIESADDED 6 MAXDELETEDID 0-0",
        "XSETID s 200-0 ENTRIESADDED 6",
        "XDEL s 105-0; XSETID s 205-0 ENTRIESADDED 6",
        "ADD 106 400; XSETID s 400-0 ENTRIESADDED 400",
        "XTRIM s MAXLEN 0; ADD 106 110",
        "XGROUP DESTROY s g; XGROUP CREATE s g 0; ADD 106 400",
        "XREADGROUP GROUP g c STREAMS s >; XACK s g 100-0 102-0; XTRIM s MAXLEN 0 ACKED",
        "XREADGROUP GROUP g c STREAMS s >; XACK s g 102-0 105-0; XTRIM s MAXLEN 1 ACKED",
        "XREADGROUP GROUP g c STREAMS s >; XACKDEL s g DELREF IDS 2 102-0 105-0; ADD 106 400",
        "XDELEX s DELREF IDS 2 102-0 105-0",
    ],
)
@pytest.mark.parametrize("groups", ["", "; XGROUP CREATE s g 0"])
def test_a_stream_of_which_entries_are_removed_is_still_the_same(
    redis: redis_py.Redis, stream: Stream, key: str, commands: str, groups: str
) -> None:
    if any(word in commands for word in ("ACKED", "XACKDEL", "XDELEX")) and not capabilities(
        redis
    ).has("XDELEX"):
        commands = "XDEL s 102-0"
    if not groups:
        commands = "; ".join(one for one in commands.split("; ") if " g " not in one) or "XLEN s"
    observer = Observer(redis, key)
    run(redis, key, f"ADD 99 105; XDEL s 99-0{groups}")
    observer.sample()
    run(redis, key, commands)
    assert [one.kind for one in observer.sample().events] == []


@pytest.mark.parametrize("more", ["", "; ADD 106 110"])
@pytest.mark.parametrize("added", [3, 4])
def test_a_trimmed_stream_whose_counter_is_set_to_its_length_is_still_the_same(
    redis: redis_py.Redis, stream: Stream, key: str, added: int, more: str
) -> None:
    observer = Observer(redis, key)
    run(redis, key, "ADD 100 105")
    observer.sample()
    run(redis, key, f"XTRIM s MAXLEN 3; XSETID s 105-0 ENTRIESADDED {added}{more}")
    sample = observer.sample()
    assert sample.events == ()
    assert [entry.id.ms for entry in sample.entries] == ([*range(106, 111)] if more else [])


def test_a_stream_whose_old_entries_were_trimmed_is_still_the_same(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    observer = Observer(redis, key)
    fill(stream, 100, 105)
    observer.sample()
    fill(stream, 200, 299)
    stream.trim(maxlen=100)
    sample = observer.sample()
    assert (sample.length, sample.events) == (100, ())


def test_a_key_of_another_type_is_reported_and_the_stream_sampled_later(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    observer = Observer(redis, key)
    redis.set(key, "text")
    for _ in range(2):
        assert "another type" in observer.sample().trouble
    redis.delete(key)
    fill(stream, 1, 1)
    assert observer.sample().trouble == ""


def test_a_dead_server_is_trouble_and_a_new_one_is_sampled() -> None:
    with EmbeddedServer(port=0) as first:
        client = first.client()
        kwargs = client.connection_pool.connection_kwargs
        observer = Observer(client, "s")
        Stream(client, "s").add({"a": 1})
        assert observer.sample().exists
    for _ in range(2):
        sample = observer.sample()
        assert not sample.exists
        assert "does not answer" in sample.trouble
        assert kwargs["password"] not in repr(sample)
    with EmbeddedServer(port=kwargs["port"]) as second:
        Stream(second.client(), "s").add({"b": 2})
        sample = observer.sample()
        assert not sample.exists, "the new server has another password"
        assert kwargs["password"] not in repr(sample)
        second.client().config_set("requirepass", kwargs["password"])
        sample = observer.sample()
        assert (sample.exists, sample.length) == (True, 1)
        assert sample.entries[-1].fields == {"b": "2"}
    client.close()


@pytest.mark.parametrize("limit", ["max_entries", "max_pending", "count_up_to"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "7", True])
def test_a_limit_must_be_a_positive_integer(
    redis: redis_py.Redis, limit: str, value: object
) -> None:
    with pytest.raises(InputError, match=limit):
        Observer(redis, "s", **{limit: value})


@pytest.mark.parametrize("key", ["", None, 7])
def test_a_key_must_be_text(redis: redis_py.Redis, key: object) -> None:
    with pytest.raises(InputError, match="readers='' is not a key"):
        Observer(redis, "s", readers="")
    with pytest.raises(InputError, match="key"):
        Observer(redis, key)  # type: ignore[arg-type]


def test_readers_of_another_type_do_not_make_the_stream_absent(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    fill(stream, 1, 3)
    redis.set(f"{key}:readers", "no hash")
    observer = Observer(redis, key, readers=f"{key}:readers")
    sample = observer.sample()
    assert sample.exists is None, "nothing is known"
    assert f"'{key}:readers' holds another type" in sample.trouble
    redis.delete(f"{key}:readers")
    assert (observer.sample().exists, observer.sample().length) == (True, 3)


def test_memory_is_fetched_only_on_request_and_in_the_same_round_trip(
    redis: redis_py.Redis, stream: Stream, key: str
) -> None:
    fill(stream, 1, 1000)
    stream.group("g").create("0")
    before = calls(redis).get("memory|usage", 0)
    plain = Observer(redis, key).sample()
    assert (plain.nodes, plain.memory_bytes) == (10, None)
    assert calls(redis).get("memory|usage", 0) == before
    observer = Observer(redis, key, memory=True)
    small = observer.sample().memory_bytes
    assert small == redis.memory_usage(key, samples=0)
    fill(stream, 1001, 2000)
    assert observer.sample().nodes == 20
    rounds = calls(redis).get("exec", 0)
    sample = observer.sample()
    assert (sample.nodes, calls(redis)["exec"] - rounds) == (20, 1)
    assert small is not None
    assert sample.memory_bytes is not None
    assert 1.5 * small < sample.memory_bytes < 2.5 * small


def test_without_a_stream_memory_is_none(redis: redis_py.Redis, key: str) -> None:
    sample = Observer(redis, key, memory=True).sample()
    assert (sample.exists, sample.nodes, sample.memory_bytes) == (False, 0, None)


def test_a_missing_right_to_memory_is_reported(
    redis: redis_py.Redis, server: EmbeddedServer, stream: Stream, key: str
) -> None:
    fill(stream, 1, 3)
    redis.acl_setuser(
        "nosy",
        enabled=True,
        passwords=[f"+{SECRET}"],
        keys=["*"],
        commands=["+@read", "+multi", "+exec", "+info", "-memory"],
    )
    client = server.client(username="nosy", password=SECRET)
    try:
        assert Observer(client, key).sample().trouble == ""
        trouble = Observer(client, key, memory=True).sample().trouble
        assert "MEMORY is not allowed for this user" in trouble
        assert SECRET not in trouble
    finally:
        client.close()
        redis.acl_deluser("nosy")


def test_a_server_that_is_busy_with_a_script_is_sampled_at_one_moment_again_afterwards(
    until: Callable[..., None],
) -> None:
    with EmbeddedServer() as server, closing(server.client()) as client:
        client.config_set("lua-time-limit", 10)
        client.xadd("s", {"n": 1})
        observers = [Observer(client, "s"), Observer(client, "s")]
        assert observers[0].sample().trouble == ""  # and the second one begins while it is busy
        raw_connection = client.connection_pool.get_connection()
        raw_connection.send_command("EVAL", "while true do end", 0)
        until(lambda: "BUSY" in observers[0].sample().trouble)
        for _ in range(4):
            assert all("is busy running a script" in one.sample().trouble for one in observers)
        client.script_kill()
        raw_connection.disconnect()
        for observer in observers:
            # the script may end between MULTI and the plain pipeline: that does not refuse MULTI
            until(lambda observer=observer: not observer.sample().trouble)
            assert not observer.sample().trouble
            assert observer.snapshots.works is True
