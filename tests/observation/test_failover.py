"""A replica takes over: what it never got is counted, and told apart from a move."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import redis as redis_py
from redis.cluster import RedisCluster

from streamviz import History, Observer, Stream
from streamviz.client.cluster import slot_of
from streamviz.observation.events import Event
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.observation.sample import Sample
from streamviz.patterns.partitions import Partitions
from streamviz.plots import PartitionLanes
from streamviz.server.embedded import EmbeddedServer
from streamviz.server.embedded_cluster import EmbeddedCluster, Node, embedded_cluster

Until = Callable[..., None]
KEY = "orders:{7}"


@pytest.fixture
def mirrored(server: EmbeddedServer) -> Iterator[EmbeddedCluster]:
    """Two nodes with a replica each, which a test may kill."""
    with embedded_cluster(2, replicas=True, program=server.program) as running:
        yield running


@pytest.fixture
def client(mirrored: EmbeddedCluster) -> Iterator[RedisCluster]:
    with closing(mirrored.client()) as one:
        yield one


def admin(node: Node) -> Any:
    return closing(node.server.client())


def replica_of(cluster: EmbeddedCluster, key: str) -> tuple[Node, Node]:
    """Return the node of a key and its replica."""
    primary = cluster.slot_owner(key)
    return primary, cluster.replicas[cluster.nodes.index(primary)]


def cut_off(primary: Node, replica: Node, until: Until) -> None:
    """Let a replica get nothing more from its node."""
    with admin(replica) as there, admin(primary) as here:
        there.config_set("masterauth", "wrong")
        there.config_set("cluster-replica-validity-factor", 0)
        here.execute_command("CLIENT", "KILL", "TYPE", "replica")
        until(lambda: there.info("replication")["master_link_status"] == "down")


def kill(primary: Node, replica: Node, until: Until) -> None:
    """Kill a node with SIGKILL, and let its replica take over."""
    with admin(primary) as here:
        os.kill(here.info("server")["process_id"], signal.SIGKILL)
    with admin(replica) as there:
        until(lambda: there.info("replication")["master_link_status"] == "down")
        there.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
        until(lambda: there.info("replication")["role"] == "master")


def sampled(observer: Any, until: Until) -> Sample:
    """Sample until the new node answers."""
    samples: list[Any] = []

    def answered() -> bool:
        samples.append(observer.sample())
        return not samples[-1].trouble

    until(answered, 20)
    last: Sample = samples[-1]
    return last


def in_sync(primary: Node, until: Until) -> None:
    def ends() -> bool:
        with admin(primary) as here:
            about = here.info("replication")
        return bool(about["master_repl_offset"] == about["slave0"]["offset"])

    until(ends, 10)


@pytest.mark.parametrize(("lost", "since"), [(500, 0), (50, 300), (7, 1), (0, 10)])
def test_what_a_replica_never_got_is_counted(
    mirrored: EmbeddedCluster, client: RedisCluster, until: Until, lost: int, since: int
) -> None:
    stream = Stream(client, KEY)
    primary, replica = replica_of(mirrored, KEY)
    group = stream.group("bill")
    group.create("0", mkstream=True)
    consumer = group.consumer("ann")
    stream.add_many({"n": n} for n in range(1000))
    consumer.read(100)
    in_sync(primary, until)
    cut_off(primary, replica, until)
    stream.add_many({"n": n} for n in range(lost))
    consumer.read(70)
    observer = Observer(client, KEY)
    assert observer.sample().length == 1000 + lost
    kill(primary, replica, until)
    until(
        lambda: (
            client.nodes_manager.initialize() or client.get_node_from_key(KEY).port == replica.port
        )
    )  # type: ignore[no-untyped-call,func-returns-value]
    stream.connection.forget()  # type: ignore[attr-defined]
    stream.add_many({"n": n} for n in range(since))
    sample = sampled(observer, until)
    assert sample.length == 1000 + since
    assert sample.events == (Event("failed_over", replica.address, count=lost, detail="bill"),)
    words = str(sample.events[0])
    assert words.startswith(f"failed over to {replica.address}: ")
    assert ("up to" in words) == bool(lost)
    assert "these groups went back, and get entries again: bill" in words
    assert sample.groups[0].lag.entries == 900 + since
    assert not observer.sample().events, "it is told once"


def test_a_trim_or_a_deleted_entry_is_no_lost_entry(
    mirrored: EmbeddedCluster, client: RedisCluster, until: Until
) -> None:
    stream = Stream(client, KEY)
    primary, replica = replica_of(mirrored, KEY)
    stream.add_many({"n": n} for n in range(100))
    observer = Observer(client, KEY)
    observer.sample()
    last = stream.reverse_range(count=1)[0].id
    stream.delete(last)
    stream.trim(maxlen=10)
    in_sync(primary, until)
    with admin(replica) as there:
        there.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
        until(lambda: there.info("replication")["role"] == "master", 10)
    found: list[Event] = []
    until(lambda: found.extend(observer.sample().events) or found, 10)
    assert found == [Event("failed_over", replica.address)]
    assert observer.sample().length == 10


def test_a_move_is_no_failover_and_a_planned_failover_loses_nothing(
    mirrored: EmbeddedCluster, client: RedisCluster, until: Until
) -> None:
    parts = Partitions(client, "orders", 8)
    parts.create_group("bill")
    parts.add_many((f"customer-{n}", {"n": n}) for n in range(200))
    observer, seen = PartitionObserver(parts, mirrored.names), History()

    def see() -> list[Event]:
        sample = sampled(observer, until)
        seen.append(sample)
        return [event for event in sample.events if event.kind != "note"]

    see()
    moved = next(one for one in parts.streams if mirrored.slot_owner(one.key).name == "node-1")
    mirrored.move_slot(slot_of(moved.key), "node-2")
    assert see() == []
    number = parts.streams.index(moved)
    words = PartitionLanes().history_summary(seen)
    assert words == f"Moved: part {number} from node-1 to node-2."
    in_sync(mirrored.nodes[0], until)
    with admin(mirrored.replicas[0]) as there:
        there.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
        until(lambda: there.info("replication")["role"] == "master", 10)
    found: list[Event] = []
    until(lambda: found.extend(see()) or found, 10)
    assert found == [Event("failed_over", "replica-1")], "one event for all parts"
    assert str(found[0]) == "failed over to replica-1: no entry is missing"
    words = PartitionLanes().history_summary(seen)
    assert words.startswith(f"Moved: part {number} from node-1 to node-2. Failed over: part ")
    assert "from node-1 to replica-1" in words


def test_the_parts_of_a_node_that_failed_are_counted_together(
    mirrored: EmbeddedCluster, client: RedisCluster, until: Until
) -> None:
    parts = Partitions(client, "orders", 8)
    rows = [(f"customer-{n}", {"n": n}) for n in range(200)]
    parts.add_many(rows)
    primary, replica = mirrored.nodes[0], mirrored.replicas[0]
    in_sync(primary, until)
    cut_off(primary, replica, until)
    counts = parts.add_many(rows)
    lost = sum(
        count
        for count, one in zip(counts, parts.streams, strict=True)
        if mirrored.slot_owner(one.key) is primary
    )
    assert 0 < lost < 200
    observer = PartitionObserver(parts, mirrored.names)
    assert observer.sample().length == 400
    kill(primary, replica, until)
    sample = sampled(observer, until)
    assert sample.events == (Event("failed_over", "replica-1", count=lost),)
    assert sample.length == 400 - lost


def test_an_outsider_sees_a_stream_made_anew_as_such(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add({"n": 1}, "5-0")
    observer = Observer(redis, key)
    observer.sample()
    redis.delete(key)
    stream.add({"n": 1}, "4-0")
    assert [event.kind for event in observer.sample().events] == ["stream_recreated"]
