"""Commands to the node of a slot: a move loses, doubles and reorders nothing."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import redis as redis_py
from faults.proxy import Proxy
from hypothesis import given
from hypothesis import strategies as st
from redis.cluster import RedisCluster
from redis.exceptions import AskError, MovedError, ResponseError, TryAgainError

from streamviz import Observer, Stream
from streamviz.client.cluster import (
    ClusterConnection,
    connection_to,
    slot_of,
)
from streamviz.client.connection import Connection
from streamviz.client.redirection import Redirection, redirection
from streamviz.client.stream import read_streams
from streamviz.errors import CommandRefused, InputError, NoSuchGroup, ServerUnreachable
from streamviz.patterns.dead_letters import DeadLetters
from streamviz.server.embedded_cluster import EmbeddedCluster

Until = Callable[..., None]


@pytest.fixture
def stream(nodes: RedisCluster) -> Iterator[Stream]:
    tag = uuid.uuid4().hex[:8]
    found = Stream(nodes, f"test:{{{tag}}}")
    yield found
    nodes.delete(found.key, f"{found.key}:dead")


def elsewhere(cluster: EmbeddedCluster, stream: Stream) -> str:
    home = cluster.slot_owner(stream.key)
    return next(node.name for node in cluster.nodes if node is not home)


def moving(cluster: EmbeddedCluster, stream: Stream) -> Iterator[str]:
    return cluster.move_slot_steps(slot_of(stream.key), elsewhere(cluster, stream))


@given(st.text(min_size=1).filter(lambda text: "{" not in text and "}" not in text), st.text())
def test_the_hash_tag_decides_the_slot(tag: str, after: str) -> None:
    assert slot_of(f"orders:{{{tag}}}{after}") == slot_of(tag)
    assert slot_of(tag) == slot_of(tag.encode("utf-8", "surrogateescape"))
    assert 0 <= slot_of(tag) < 16_384


def test_a_slot_is_followed_through_addresses_that_only_the_client_knows(
    cluster: EmbeddedCluster, stream: Stream
) -> None:
    with ExitStack() as undo:  # as behind NAT, or through tunnels
        proxies = {node.port: undo.enter_context(Proxy(node.port)).port for node in cluster.nodes}
        client = undo.enter_context(
            closing(cluster.client(address_remap=lambda to: (to[0], proxies.get(to[1], to[1]))))
        )
        remote, observer = Stream(client, stream.key), Observer(client, stream.key)
        remote.add({"n": 0})
        assert observer.sample().length == 1
        for n, _ in enumerate(moving(cluster, stream), 2):
            remote.add({"n": n})
            sample = observer.sample()
            assert (sample.trouble, sample.length) == ("", n)
        assert stream.length() == n


def test_a_slot_is_followed_to_a_node_that_does_not_name_its_host(
    cluster: EmbeddedCluster, stream: Stream
) -> None:
    def announce(kind: str) -> None:
        for node in cluster.nodes:
            with closing(node.server.client()) as admin:
                admin.config_set("cluster-preferred-endpoint-type", kind)

    announce("unknown-endpoint")
    try:
        with closing(cluster.client()) as client:
            observer = Observer(client, stream.key)
            stream.add({"n": 1})
            assert observer.sample().length == 1
            for _ in moving(cluster, stream):
                assert (observer.sample().trouble, observer.sample().length) == ("", 1)
    finally:
        announce("ip")


def test_the_server_computes_the_same_slots(nodes: RedisCluster) -> None:
    for key in ("orders:{0}", "{}", "a{}b", "{{x}}y", "{a}{b}", "}{", "ö{ü}", "x" * 1000):
        assert slot_of(key) == nodes.cluster_keyslot(key)


@pytest.mark.parametrize(
    ("reply", "where"),
    [
        (ResponseError("MOVED 99 10.0.0.1:7000"), Redirection("MOVED", "10.0.0.1", 7000)),
        (MovedError("99 10.0.0.1:7000"), Redirection("MOVED", "10.0.0.1", 7000)),
        (AskError("99 ::1:7000"), Redirection("ASK", "::1", 7000)),
        (ResponseError("ASK 99 :7000"), Redirection("ASK", "", 7000)),
        (TryAgainError("Multiple keys request"), Redirection("TRYAGAIN")),
        (ResponseError("TRYAGAIN Multiple keys"), Redirection("TRYAGAIN")),
        (ResponseError("MOVED house"), None),
        (ResponseError("ERR no"), None),
        (b"MOVED 99 10.0.0.1:7000", None),
        (None, None),
    ],
)
def test_only_an_error_redirects(reply: Any, where: Redirection | None) -> None:
    assert redirection(reply) == where


def test_only_a_cluster_gets_a_cluster_connection(
    nodes: RedisCluster, redis: redis_py.Redis
) -> None:
    assert isinstance(connection_to(nodes, "k"), ClusterConnection)
    assert type(connection_to(redis, "k")) is Connection
    with pytest.raises(InputError, match="not a Redis client"):
        Stream("redis://", "k")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not a stream's key"):
        Stream(nodes, "")


def test_every_kind_of_command_follows_the_slot_during_every_step(
    cluster: EmbeddedCluster, stream: Stream
) -> None:
    group = stream.group("g")
    group.create("0", mkstream=True)
    reader = group.consumer("c")
    observer = Observer(stream.client, stream.key)
    added, got = 0, 0
    steps = []
    homes = set()

    def work() -> None:
        nonlocal added, got
        stream.add({"n": added})  # one command
        stream.add_many({"n": n} for n in range(added + 1, added + 1501))  # batches
        transaction = [("XADD", stream.key, "*", "n", added + 1501), ("XLEN", stream.key)]
        assert stream.connection.transaction(transaction)[1] == added + 1502
        added += 1502
        piped = stream.connection.pipeline(
            [("XLEN", stream.key), ("XADD", stream.key), ("EXISTS", stream.key)]
        )
        assert (piped[0], piped[2]) == (added, 1)
        assert isinstance(piped[1], CommandRefused), "an invalid command is refused, not redirected"
        entries = reader.read(10_000)
        got += len(entries)
        group.ack(*(entry.id for entry in entries))
        sample = observer.sample()
        assert not sample.trouble
        assert sample.length == sample.entries_added == added
        lag = sample.groups[0].lag
        assert (lag.entries, lag.verdict) == (0, "exact")
        fresh = Stream(stream.client, stream.key)  # a connection without a known owner
        assert fresh.length() == added
        homes.add(stream.connection.node)  # type: ignore[attr-defined]

    work()
    for step in moving(cluster, stream):
        steps.append(step)
        work()
    assert steps == ["importing", "migrating", "1 key moved", "settled"]
    assert len(homes) == 2
    assert got == added
    assert [entry.fields["n"] for entry in stream.range()] == [str(n) for n in range(added)]
    assert group.pending().count == 0


def test_a_batch_keeps_its_order_if_the_slot_moves_meanwhile(
    cluster: EmbeddedCluster, stream: Stream
) -> None:
    stream.add({"n": 0})
    steps = moving(cluster, stream)

    def rows() -> Iterator[dict[str, int]]:
        for n in range(1, 4001):
            if n % 900 == 0:
                next(steps, None)
            yield {"n": n}

    assert stream.add_many(rows(), batch=700) == 4000
    assert list(steps) == []
    assert [entry.fields["n"] for entry in stream.range()] == [str(n) for n in range(4001)]


def test_the_error_names_a_refused_row_during_a_move(
    cluster: EmbeddedCluster, stream: Stream
) -> None:
    stream.add({"n": 0}, "5-0")
    steps = moving(cluster, stream)
    for step in steps:
        if step == "1 key moved":
            with pytest.raises(CommandRefused, match=r"row 1: .*1 rows were added"):
                stream.add_many([("6-0", {"n": 1}), ("4-0", {"n": 2})])
    assert [str(entry.id) for entry in stream.range()] == ["5-0", "6-0"]


@pytest.mark.parametrize("by", ["group", "stream"])
def test_a_blocked_read_continues_on_the_new_node(
    cluster: EmbeddedCluster, stream: Stream, until: Until, by: str
) -> None:
    stream.add({"n": 0}, "1-0")
    group = stream.group("g")
    group.create("$")
    found: list[Any] = []

    def wait() -> None:
        if by == "group":
            found.extend(group.consumer("c").read(block_ms=20_000))
        else:
            found.extend(stream.read("1-0", block_ms=20_000))

    def waits() -> bool:
        home = cluster.slot_owner(stream.key)
        client = home.server.client()
        try:
            return client.info("clients")["blocked_clients"] > 0
        finally:
            client.close()

    thread = threading.Thread(target=wait)
    thread.start()
    until(waits)
    for _ in moving(cluster, stream):
        assert thread.is_alive()
    until(waits)
    stream.add({"n": 1}, "2-0")
    thread.join(10)
    assert [entry.fields["n"] for entry in found] == ["1"]


def test_a_blocked_read_fails_if_its_stream_is_deleted(
    stream: Stream, until: Until, cluster: EmbeddedCluster
) -> None:
    group = stream.group("g")
    group.create("0", mkstream=True)
    said: list[Exception] = []

    def wait() -> None:
        try:
            group.consumer("c").read(block_ms=20_000)
        except NoSuchGroup as error:
            said.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    client = cluster.slot_owner(stream.key).server.client()
    until(lambda: client.info("clients")["blocked_clients"] > 0)
    client.close()
    stream.client.delete(stream.key)
    thread.join(10)
    assert len(said) == 1


def test_a_command_with_two_keys_waits_until_both_are_moved(
    cluster: EmbeddedCluster, stream: Stream
) -> None:
    group = stream.group("g")
    group.create("0", mkstream=True)
    stream.add({"n": 0}, "1-0")
    Stream(stream.client, f"{stream.key}:dead").add({"old": 1})
    group.consumer("ann").read()
    steps = moving(cluster, stream)
    while next(steps) != "1 key moved":  # one of the two
        pass
    swept: list[Any] = []
    dead = DeadLetters(group.consumer("ben"), after_deliveries=1)
    thread = threading.Thread(target=lambda: swept.extend(dead.sweep()))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive(), "no node can do it now"
    assert list(steps)[-1] == "settled"
    thread.join(10)
    assert [letter.fields for letter in swept] == [{"n": "0"}]
    assert group.pending().count == 0


def test_a_transaction_follows_ask_and_one_with_a_check_says_why_it_does_not(
    cluster: EmbeddedCluster, stream: Stream
) -> None:
    stream.add({"n": 0}, "1-0")
    steps = moving(cluster, stream)
    while next(steps) != "1 key moved":
        pass
    connection, add = stream.connection, ("XADD", stream.key, "*", "n", "1")
    try:
        assert len(connection.transaction([add, add])) == 2
        assert connection.snapshot([("XLEN", stream.key)]) == [3]
        with pytest.raises(ServerUnreachable, match=r"already on another node: .* WATCH does not"):
            connection.transaction_if(("XLEN", stream.key), 3, [add])
    finally:
        assert list(steps)[-1] == "settled"
    assert connection.transaction_if(("XLEN", stream.key), 3, [add]) is not None
    assert stream.length() == 4


def test_keys_of_several_slots_are_refused_with_the_fix(nodes: RedisCluster) -> None:
    with pytest.raises(CommandRefused, match="same hash tag"):
        read_streams(nodes, {"test:{a}": "0", "test:{b}": "0"})
    assert read_streams(nodes, {"test:{a}x": "0", "test:{a}y": "0"}) == []


def test_a_transaction_over_slots_of_two_nodes_is_refused_at_once(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    first, *others = (f"test:{tag}" for tag in "abcdef")
    there = cluster.slot_owner(first).name
    other = next(one for one in others if cluster.slot_owner(one).name != there)
    both = [("XADD", one, "*", "n", 1) for one in (first, other)]
    began = time.monotonic()
    with pytest.raises(CommandRefused, match=f"^'{other}' is in another slot than '{first}'.*tag"):
        Stream(nodes, first).connection.transaction(both)
    assert time.monotonic() - began < 4, "it followed no redirection for five seconds"
    assert not Stream(nodes, first).exists()


def test_a_slot_without_a_node_is_an_error(cluster: EmbeddedCluster, stream: Stream) -> None:
    holder = cluster.slot_owner(stream.key)
    admin = holder.server.client()
    admin.execute_command("CLUSTER", "DELSLOTS", slot_of(stream.key))
    try:
        with pytest.raises(ServerUnreachable, match="no node serves slot"):
            stream.add({"n": 1})
    finally:
        admin.execute_command("CLUSTER", "ADDSLOTS", slot_of(stream.key))
        admin.close()
    assert stream.add({"n": 1})


def test_a_pipeline_is_refused(nodes: RedisCluster, key: str) -> None:
    with pytest.raises(InputError, match=r"ClusterPipeline collects .* give the client itself"):
        Stream(nodes.pipeline(), key)
