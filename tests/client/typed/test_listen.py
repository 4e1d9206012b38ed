"""Consumer.listen: a worker's loop, which loses no entry to a kill, an error or a lost server."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis as redis_py
from client.typed.conftest import one_client
from redis.cluster import RedisCluster

from streamviz import CommandLog, Scenario, Stream
from streamviz.client.cluster import slot_of
from streamviz.client.consumers import Consumer
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.errors import InputError, NoSuchGroup, ServerUnreachable
from streamviz.server.embedded import EmbeddedServer
from streamviz.server.embedded_cluster import EmbeddedCluster

Until = Callable[..., None]
TEN = list(range(1, 11))

WORKER = """
import signal, sys, threading
from streamviz import Stream, connect

url, key, name, hang_at = sys.argv[1:]
client, stop = connect(url), threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
worker = Stream(client, key).group("g").consumer(name)
print("here", flush=True)
for entry in worker.listen(claim_idle_ms=200, block_ms=50, stop=stop):
    if str(entry.id.ms) == hang_at:
        print("hangs", flush=True)
        sys.stdin.read()
    client.execute_command("RPUSH", key + ":done", entry.id.ms)
"""


@pytest.fixture
def group(redis: redis_py.Redis, key: str) -> ConsumerGroup:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in TEN)
    group = stream.group("g")
    group.create("0")
    return group


@pytest.fixture
def a(group: ConsumerGroup) -> Consumer:
    return group.consumer("a")


def pending(group: ConsumerGroup) -> list[int]:
    return [one.id.ms for one in group.pending_entries()]


def until_entry(consumer: Consumer, last: int, **options: Any) -> list[int]:
    """Listen until an entry has come, and return what came."""
    stop, found = threading.Event(), []
    for entry in consumer.listen(stop=stop, **options):
        found.append(entry.id.ms)
        if entry.id.ms == last:
            stop.set()
    return found


@contextmanager
def listening(consumer: Consumer, **options: Any) -> Iterator[list[int]]:
    """Listen in a thread meanwhile; the list grows with what comes."""
    stop, found = threading.Event(), list[int]()

    def collect() -> None:
        for entry in consumer.listen(stop=stop, block_ms=50, **options):
            found.append(entry.id.ms)

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def worker(server: EmbeddedServer, key: str, name: str, hang_at: int = 0) -> Iterator[Any]:
    """A worker in a process of its own."""
    command = [sys.executable, "-c", WORKER, server.url, key, name, str(hang_at)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"here\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("value", [b"\xff\xd8\xff", "t\u00e9".encode(), b"", bytes(range(256))])
def test_a_value_has_the_same_bytes_through_every_door(
    redis: redis_py.Redis, key: str, value: bytes
) -> None:
    stream, handled = Stream(redis, key), list[Entry]()
    redis.xadd(key, {"name": "cup", "jpeg": value})
    (group := stream.group("g")).create("0")
    a, b = group.consumer("a"), group.consumer("b")
    doors = [
        stream.range(),
        stream.read("0"),
        a.read(),
        b.claim(group.pending_entries()),
        a.autoclaim(0).entries,
        list(a.drain()),
    ]
    shop = Scenario(redis)
    shop.produce(f"{key}:live", [(0, {"name": "cup", "jpeg": value})])
    shop.group(f"{key}:live", "g", handler=handled.append)
    shop.run(1)
    for entries in [*doors, handled]:
        (entry,) = entries
        assert entry.raw_fields == {"name": b"cup", "jpeg": value}
    redis.delete(f"{key}:live")


@pytest.mark.parametrize("count", [1, 3, 100])
def test_all_entries_come_in_order_and_are_acknowledged(
    a: Consumer, group: ConsumerGroup, count: int
) -> None:
    assert until_entry(a, 10, count=count) == TEN
    assert pending(group) == []


def test_each_entry_is_acknowledged_with_the_next_read(a: Consumer, group: ConsumerGroup) -> None:
    stop, held = threading.Event(), []
    with CommandLog(group.connection.client) as log:
        for entry in a.listen(stop=stop):
            held.append(group.connection.unlogged().call("XPENDING", group.key, "g")[0])
            if entry.id.ms == 3:
                stop.set()
    assert held == [1, 1, 1]
    names = [one.command.split()[0] for one in log]
    assert names == ["XREADGROUP", "XREADGROUP", *["XACK", "XREADGROUP"] * 2, "XACK"]


def test_own_pending_entries_come_first(a: Consumer, group: ConsumerGroup) -> None:
    a.read(4)
    group.ack("2-0")
    assert until_entry(a, 5, count=2) == [1, 3, 4, 5, 6]
    assert pending(group) == []


@pytest.mark.parametrize("last", [1, 4, 10])
@pytest.mark.parametrize("count", [1, 3])
def test_an_entry_whose_body_raises_stays_pending_and_comes_again(
    a: Consumer, group: ConsumerGroup, last: int, count: int
) -> None:
    def work() -> None:
        for entry in a.listen(count):
            if entry.id.ms == last:
                raise LookupError(entry.id)

    with pytest.raises(LookupError):
        work()
    assert pending(group)[0] == last
    assert until_entry(a, 10) == list(range(last, 11))
    assert pending(group) == []


@one_client
def test_entries_of_a_dead_consumer_are_taken_over_when_they_are_due(
    a: Consumer, group: ConsumerGroup, until: Until
) -> None:
    group.consumer("dead").read(3)
    with listening(a, claim_idle_ms=3_600_000) as found:
        until(lambda: found == TEN[3:])
        group.consumer("dead").claim(["1", "3"], idle_ms=7_200_000)
        until(lambda: found == [*TEN[3:], 1, 3])
    assert pending(group) == [2]
    group.consumer("dead").claim(["2"], idle_ms=7_200_000)
    Stream(group.connection.client, group.key).add({"n": 11}, "11-0")
    assert until_entry(a, 11) == [11], "without claim_idle_ms it takes over nothing"


@one_client
def test_entries_of_a_dead_consumer_come_before_new_ones(a: Consumer, group: ConsumerGroup) -> None:
    dead = group.consumer("dead")
    dead.claim(dead.read(3), idle_ms=7_200_000)
    assert until_entry(a, 10, claim_idle_ms=3_600_000) == TEN


@one_client
def test_a_steady_flow_of_new_entries_does_not_hide_the_dead(
    a: Consumer, group: ConsumerGroup, redis: redis_py.Redis, key: str
) -> None:
    stop, found, stream = threading.Event(), [], Stream(redis, key)
    for entry in a.listen(claim_idle_ms=1000, block_ms=20, stop=stop):
        found.append(entry.id.ms)
        stream.add({"n": 0}, f"{10 + len(found)}-0")  # there is always a new one
        if len(found) == 5:
            dead = group.consumer("dead")
            assert [one.id.ms for one in dead.claim(dead.read(1), idle_ms=2000)] == [6]
        if 6 in found or len(found) > 5000:
            stop.set()
    assert found[-1] == 6


@one_client
@pytest.mark.parametrize("die_at", [1, 4, 10])
def test_a_killed_worker_loses_no_entry(
    redis: redis_py.Redis,
    server: EmbeddedServer,
    group: ConsumerGroup,
    key: str,
    die_at: int,
    until: Until,
) -> None:
    with worker(server, key, "a", die_at) as process:
        assert process.stdout.readline() == b"hangs\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    until(lambda: pending(group) == [die_at])  # the server has run all that the dead one sent
    with worker(server, key, "b") as process:
        until(lambda: redis.llen(f"{key}:done") == 10 and pending(group) == [], 15)
        process.terminate()
        assert process.wait() == 0
    done = [int(one) for one in redis.lrange(f"{key}:done", 0, -1)]
    assert sorted(done) == TEN
    assert done[: die_at - 1] == TEN[: die_at - 1]


@one_client
def test_it_stops_at_a_signal_after_the_entry_at_hand(
    redis: redis_py.Redis, server: EmbeddedServer, group: ConsumerGroup, key: str
) -> None:
    with worker(server, key, "a", 4) as process:
        assert process.stdout.readline() == b"hangs\n"
        process.terminate()
        process.stdin.close()  # the body of the loop goes on
        assert process.wait() == 0
    assert [int(one) for one in redis.lrange(f"{key}:done", 0, -1)] == [1, 2, 3, 4]
    assert pending(group) == []


@one_client
def test_a_lost_connection_is_made_again(
    redis: redis_py.Redis,
    server: EmbeddedServer,
    group: ConsumerGroup,
    key: str,
    until: Until,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = server.client(client_name="listens")
    with listening(Stream(client, key).group("g").consumer("a")) as found:
        until(lambda: found == TEN and pending(group) == [])
        for n in range(11, 14):
            (only,) = [one for one in redis.client_list() if one["name"] == "listens"]
            redis.client_kill_filter(_id=only["id"])
            Stream(redis, key).add({"n": n}, f"{n}-0")
            until(lambda n=n: found[-1] == n and pending(group) == [])
    client.close()
    assert found == [*TEN, 11, 12, 13]
    assert "lost its connection, and tries again" in caplog.text


def test_a_server_that_is_killed_and_started_again_is_awaited(
    server: EmbeddedServer, tmp_path: Path, until: Until
) -> None:
    options: Any = {
        "config": ("--appendonly", "yes", "--dir", str(tmp_path)),
        "password": "p",
        "program": server.program,
    }
    with ExitStack() as servers:
        first = servers.enter_context(EmbeddedServer(0, **options))
        client = first.client()
        group = Stream(client, "jobs").group("g")
        Stream(client, "jobs").add_many((f"{n}-0", {"n": n}) for n in TEN)
        group.create("0")
        with listening(group.consumer("a")) as found:
            until(lambda: found == TEN and pending(group) == [])
            first.stop()
            port = urlsplit(first.url).port
            second = servers.enter_context(EmbeddedServer(port, **options))
            back = Stream(second.client(), "jobs")
            back.add({"n": 11}, "11-0")
            until(lambda: found == [*TEN, 11] and pending(back.group("g")) == [], 15)
        client.close()


def test_without_a_server_to_begin_with_it_says_so() -> None:
    client = redis_py.Redis(unix_socket_path="/nowhere/redis.sock")
    with pytest.raises(ServerUnreachable, match="Check that it is running"):
        next(Stream(client, "k").group("g").consumer("a").listen())


@one_client
def test_a_group_that_goes_meanwhile_ends_the_loop(a: Consumer, group: ConsumerGroup) -> None:
    entries = a.listen()
    assert next(entries).id.ms == 1
    group.destroy()
    with pytest.raises(NoSuchGroup, match="Create the group"):
        next(entries)


@one_client
@pytest.mark.parametrize(
    "bad",
    [
        *({"count": value} for value in (0, 1.5, True, None)),
        *({"block_ms": value} for value in (0, -1, 0.5, None)),
        *({"claim_idle_ms": value} for value in (0, -1, 1.5, True)),
        *({"stop": value} for value in (5, True, threading.Event, "now")),
    ],
    ids=repr,
)
def test_a_bad_argument_is_refused_at_the_call(a: Consumer, bad: dict[str, Any]) -> None:
    ((name, value),) = bad.items()
    with pytest.raises(InputError) as error:
        a.listen(**bad)
    assert f"{name}={value!r}" in str(error.value)


@one_client
def test_it_follows_a_slot_on_the_move(
    nodes: RedisCluster, cluster: EmbeddedCluster, key: str
) -> None:
    stream = Stream(nodes, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in TEN)
    stream.group("g").create("0")
    dead = stream.group("g").consumer("dead")
    dead.claim(dead.read(1), idle_ms=7_200_000)
    home = cluster.slot_owner(key)
    target = next(node.name for node in cluster.nodes if node is not home)
    stop, handled = threading.Event(), []
    worker = stream.group("g").consumer("a")
    for entry in worker.listen(claim_idle_ms=3_600_000, block_ms=50, stop=stop):
        handled.append(entry.id.ms)
        if entry.id.ms == 3:
            cluster.move_slot(slot_of(key), target)
        if entry.id.ms == 10:
            stop.set()
    assert handled == TEN
    assert pending(stream.group("g")) == []
    nodes.delete(key)
