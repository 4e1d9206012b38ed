"""A replica takes over: what it never got is counted, and told apart from a move."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis as redis_py
from redis.cluster import RedisCluster
from redis.sentinel import Sentinel
from slow import slow

from streamviz import History, Observer, Stream
from streamviz.client.cluster import slot_of
from streamviz.errors import CommandRefused, ServerUnreachable
from streamviz.observation.accounting import account_for
from streamviz.observation.deliveries import delivery_log
from streamviz.observation.events import Event
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.observation.sample import Sample
from streamviz.observation.timeline import entry_timeline
from streamviz.patterns.partitions import Partitions
from streamviz.plots import AckProgress, PartitionLanes
from streamviz.server.embedded import EmbeddedServer, free_port
from streamviz.server.embedded_cluster import EmbeddedCluster, Node

Until = Callable[..., None]
Cases = tuple[tuple[int, int], ...]  # how many are lost, and how many are added since
KEY = "orders:{7}"


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


def kill(cluster: EmbeddedCluster, primary: Node, replica: Node) -> None:
    """Kill a node with SIGKILL, and let its replica take over."""
    primary.server.stop()
    cluster.take_over(replica.name)


def sampled(observer: Any, until: Until) -> Sample:
    """Sample until the new node answers."""
    samples: list[Any] = []

    def answered() -> bool:
        samples.append(observer.sample())
        return not samples[-1].trouble

    until(answered, 20)
    last: Sample = samples[-1]
    return last


def broken_in_the_middle(observer: Observer, until: Until) -> None:
    """Let the connection break in the second round trip of the first sample of the new node."""

    def answers() -> bool:
        steps = observer.steps()
        try:
            more = steps.send(observer.snapshots.send(next(steps)))
        except ServerUnreachable:
            return False
        assert more, "it asks once more"
        with pytest.raises(StopIteration) as stop:
            steps.throw(ServerUnreachable("the connection broke"))
        return bool(stop.value.value.trouble == "the connection broke")

    until(answers, 20)


def in_sync(primary: Node, until: Until) -> None:
    def ends() -> bool:
        with admin(primary) as here:
            about = here.info("replication")
        return bool(about["master_repl_offset"] == about["slave0"]["offset"])

    until(ends, 10)


@pytest.mark.parametrize("cases", [((500, 0), (50, 300)), slow(((7, 1), (0, 10)))])
def test_what_a_replica_never_got_is_counted(
    mirrored: EmbeddedCluster, client: RedisCluster, until: Until, cases: Cases
) -> None:
    keys = {mirrored.slot_owner(key).name: key for key in (KEY, "orders:{0}")}
    assert len(keys) == 2, "one node after the other is killed"
    for key, (lost, since) in zip(keys.values(), cases, strict=True):
        it_is_counted(mirrored, client, until, key, lost, since)


def it_is_counted(
    mirrored: EmbeddedCluster, client: RedisCluster, until: Until, key: str, lost: int, since: int
) -> None:
    stream = Stream(client, key)
    primary, replica = replica_of(mirrored, key)
    group = stream.group("bill")
    group.create("0", mkstream=True)
    consumer = group.consumer("ann")
    stream.add_many({"n": n} for n in range(1000))
    consumer.read(30)
    in_sync(primary, until)
    mirrored.cut_off(replica.name)
    stream.add_many({"n": n} for n in range(lost))
    consumer.read(70)
    observer, seen = Observer(client, key), History()
    seen.append(observer.sample())
    assert seen.last.length == 1000 + lost
    survivor, newest = stream.range(count=1)[0].id, stream.reverse_range(count=1)[0].id
    kill(mirrored, primary, replica)
    until(
        lambda: (
            client.nodes_manager.initialize() or client.get_node_from_key(key).port == replica.port
        )
    )  # type: ignore[no-untyped-call,func-returns-value]
    stream.connection.forget()  # type: ignore[attr-defined]
    stream.add_many({"n": n} for n in range(since))
    broken_in_the_middle(observer, until)
    sample = sampled(observer, until)
    assert sample.length == 1000 + since
    assert sample.events == (Event("failed_over", replica.address, count=lost, groups=("bill",)),)
    words = str(sample.events[0])
    assert words.startswith("failover: ")
    assert f"; {replica.address} took over" in words
    assert ("up to" in words) == bool(lost)
    assert "these groups went back, and get entries again: bill" in words
    assert sample.groups[0].lag.entries == 970 + since
    seen.append(sample)
    told = entry_timeline(seen, newest)
    certain = "may be lost: up to 50 entries were, in" if since > 200 else "lost in"
    assert any(f"{certain} the failover" in one for one in told) == bool(lost), told
    assert not any("skipped, between" in one for one in told)
    assert not any("lost" in one for one in entry_timeline(seen, survivor))
    ends = {one.end for one in delivery_log(seen).ended("bill")}
    assert ends == {"undone by a failover"}, "those of the 70 that are among the oldest pending"
    seen.append(observer.sample())
    assert not seen.last.events, "it is told once"
    account = account_for(seen.last, seen.last.groups[0])
    assert (account.added, account.lost) == (1000 + lost + since, lost)
    assert account.added == (account.undelivered or 0) + account.pending + lost + (
        account.unclear or 0
    )
    assert ("lost in failovers" in AckProgress().summary(seen)) == bool(lost)


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert str(found[0]) == "failover: no entry is missing; replica-1 took over"
    words = PartitionLanes().history_summary(seen)
    assert words.startswith(f"Moved: part {number} from node-1 to node-2. Failed over: part ")
    assert "from node-1 to replica-1" in words


@pytest.mark.slow
def test_the_parts_of_a_node_that_failed_are_counted_together(
    mirrored: EmbeddedCluster, client: RedisCluster, until: Until
) -> None:
    parts = Partitions(client, "orders", 8)
    rows = [(f"customer-{n}", {"n": n}) for n in range(200)]
    parts.add_many(rows)
    primary, replica = mirrored.nodes[0], mirrored.replicas[0]
    in_sync(primary, until)
    mirrored.cut_off(replica.name)
    counts = parts.add_many(rows)
    lost = sum(
        count
        for count, one in zip(counts, parts.streams, strict=True)
        if mirrored.slot_owner(one.key) is primary
    )
    assert 0 < lost < 200
    observer = PartitionObserver(parts, mirrored.names)
    assert observer.sample().length == 400
    kill(mirrored, primary, replica)
    sample = sampled(observer, until)
    assert sample.events == (Event("failed_over", "replica-1", count=lost),)
    assert sample.length == 400 - lost


def test_a_client_of_another_node_is_told_of_a_failover_too(
    mirrored: EmbeddedCluster, client: RedisCluster, until: Until
) -> None:
    stream = Stream(client, KEY)
    primary, replica = replica_of(mirrored, KEY)
    other = next(node for node in mirrored.nodes if node is not primary)
    stream.add_many({"n": n} for n in range(10))
    in_sync(primary, until)
    mirrored.cut_off(replica.name)
    stream.add_many({"n": n} for n in range(5))
    gone = Stream(client, f"gone:{KEY}")
    gone.add({"n": 1})
    with admin(other) as plain:
        observer, of_gone = Observer(plain, KEY), Observer(plain, gone.key)
        assert (observer.sample().length, of_gone.sample().length) == (15, 1)
        kill(mirrored, primary, replica)
        sample = sampled(observer, until)
        assert sample.events == (Event("failed_over", replica.address, count=5),)
        assert (sample.length, sample.lost) == (10, 5)
        words = f"stream is gone: failover, and {replica.address}, which took over, does not have"
        for _ in range(2):
            assert of_gone.sample().trouble.startswith(words)
            assert of_gone.sample().exists is False


class Watched:
    """A master and two replicas that Sentinel watches."""

    def __init__(self, program: str, folder: Path, undo: ExitStack, until: Until) -> None:
        self.master = undo.enter_context(EmbeddedServer(0, program=program))
        address = urlsplit(self.master.url)
        self.secret, port = address.password or "", free_port()
        options = "--replicaof", f"127.0.0.1 {address.port}", "--masterauth", self.secret
        self.replicas = [
            undo.enter_context(
                EmbeddedServer(0, program=program, config=options, password=self.secret)
            )
            for _ in range(2)
        ]
        with closing(self.master.client()) as client:  # Sentinel asks again only after 10 s
            until(lambda: client.info("replication")["connected_slaves"] == 2)
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {port}\ndir {folder}\nsentinel monitor main 127.0.0.1 {address.port} 1\n"
            f"sentinel auth-pass main {self.secret}\nsentinel down-after-milliseconds main 1000\n"
            "sentinel failover-timeout main 500\n"
        )
        command = [program, str(config), "--sentinel"]
        process = undo.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        undo.callback(process.terminate)
        self.sentinel: Any = Sentinel([("127.0.0.1", port)])  # type: ignore[no-untyped-call]
        until(self.is_ready, 30)

    def is_ready(self) -> bool:
        try:
            return len(self.sentinel.discover_slaves("main")) == 2
        except redis_py.RedisError:
            return False

    def cut_off(self, replica: EmbeddedServer) -> None:
        with closing(replica.client()) as there, closing(self.master.client()) as here:
            there.config_set("masterauth", "wrong")
            here.execute_command("CLIENT", "KILL", "TYPE", "replica")


@pytest.fixture
def watched(server: EmbeddedServer, tmp_path: Path, until: Until) -> Iterator[Watched]:
    with ExitStack() as undo:
        yield Watched(server.program, tmp_path, undo, until)


def lengths(servers: list[EmbeddedServer], key: str) -> list[int]:
    found = []
    for server in servers:
        with closing(server.client()) as client:
            found.append(client.xlen(key))
    return found


def process_of(server: EmbeddedServer) -> int:
    with closing(server.client()) as client:
        return int(client.info("server")["process_id"])


def test_what_sentinels_new_master_never_got_is_counted(watched: Watched, until: Until) -> None:
    with closing(watched.sentinel.master_for("main", password=watched.secret)) as client:
        stream = Stream(client, "orders")
        group = stream.group("bill")
        group.create("0", mkstream=True)
        stream.add_many({"n": n} for n in range(100))
        until(lambda: lengths(watched.replicas, "orders") == [100, 100])
        for replica in watched.replicas:
            watched.cut_off(replica)
        stream.add_many({"n": n} for n in range(20))
        group.consumer("ann").read(30)
        Stream(client, "gone").add({"n": 1})
        observer, of_gone = Observer(client, "orders"), Observer(client, "gone")
        assert (observer.sample().length, of_gone.sample().length) == (120, 1)
        os.kill(process_of(watched.master), signal.SIGSTOP)
        trouble = observer.sample().trouble
        assert trouble.startswith("the server does not answer in time: the master of Sentinel's 'm")
        sample = sampled(observer, until)
        (event,) = sample.events
        assert event == Event("failed_over", event.who, count=20, groups=("bill",))
        assert event.who in {urlsplit(one.url).netloc.split("@")[1] for one in watched.replicas}
        assert (sample.length, sample.lost, sample.group("bill").lag.entries) == (100, 20, 100)
        until(lambda: of_gone.sample().exists is False)
        assert of_gone.sample().trouble.startswith(f"stream is gone: failover, and {event.who}")
        assert observer.sample().events == ()


def test_the_client_finds_the_new_master_after_the_former_one_refused_many_rows(
    watched: Watched, until: Until
) -> None:
    with closing(watched.sentinel.master_for("main", password=watched.secret)) as client:
        stream = Stream(client, "orders")
        stream.add_many({"n": n} for n in range(10))
        until(lambda: lengths(watched.replicas, "orders") == [10, 10])
        sentinel, there = watched.sentinel.sentinels[0], urlsplit(watched.replicas[0].url)
        sentinel.execute_command("SENTINEL", "REMOVE", "main")  # an operator does it by hand
        with closing(watched.replicas[0].client()) as new, closing(watched.master.client()) as old:
            new.execute_command("REPLICAOF", "NO", "ONE")
            old.config_set("masterauth", watched.secret)
            old.execute_command("REPLICAOF", there.hostname, there.port)
            sentinel.execute_command("SENTINEL", "MONITOR", "main", there.hostname, there.port, 1)
            sentinel.execute_command("SENTINEL", "SET", "main", "auth-pass", watched.secret)
            until(lambda: ("127.0.0.1", there.port) == watched.sentinel.discover_master("main"), 20)
            with pytest.raises(CommandRefused, match="READONLY"):
                stream.add_many({"n": n} for n in range(1500))  # in two batches
            assert stream.add_many({"n": n} for n in range(1500)) == 1500
            assert new.xlen("orders") == 1510


@pytest.mark.slow
def test_a_replica_that_is_behind_the_previous_one_is_no_failover(
    watched: Watched, until: Until
) -> None:
    with closing(watched.sentinel.slave_for("main", password=watched.secret)) as client:
        with closing(watched.master.client()) as master:
            master.xadd("orders", {"n": 1})
            behind = watched.replicas[1]
            until(lambda: lengths(watched.replicas, "orders") == [1, 1])
            watched.cut_off(behind)
            master.xadd("orders", {"n": 2})
        until(lambda: lengths(watched.replicas, "orders") == [2, 1])
        observers = iter(lambda: Observer(client, "orders"), None)  # each begins with any of them
        ahead = next(one for one in observers if one.sample().length == 2)
        watched.replicas[0].stop()
        sample = sampled(ahead, until)
        address = urlsplit(behind.url).netloc.split("@")[1]
        words = f"another replica answers, {address}, which may be behind the previous one"
        assert [str(event) for event in sample.events] == [words]
        assert (sample.length, sample.lost) == (1, 0)


def test_an_outsider_sees_a_stream_made_anew_as_such(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add({"n": 1}, "5-0")
    observer = Observer(redis, key)
    observer.sample()
    redis.delete(key)
    stream.add({"n": 1}, "4-0")
    assert [event.kind for event in observer.sample().events] == ["stream_recreated"]
