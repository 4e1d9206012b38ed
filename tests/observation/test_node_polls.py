"""Sampling many partitions: one round trip a node, and a node that hangs greys only its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
from faults.proxy import Proxy
from redis.cluster import RedisCluster

from streamviz import Stream, watch
from streamviz.client.cluster import slot_of
from streamviz.errors import InputError, ServerUnreachable, WrongType
from streamviz.observation.observer import Observer
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.patterns.partitions import Partitions
from streamviz.server.embedded import EmbeddedServer
from streamviz.server.embedded_cluster import EmbeddedCluster, Node, embedded_cluster

Until = Callable[..., None]
COUNT = 64
PEOPLE = [f"customer-{n}" for n in range(500)]


@pytest.fixture
def parts(nodes: RedisCluster) -> Iterator[Partitions]:
    partitions = Partitions(nodes, f"test:{uuid.uuid4().hex[:8]}", COUNT)
    partitions.create_group("g")
    yield partitions
    for stream in partitions.streams:
        nodes.delete(stream.key)


class Counted:
    """Proxies in front of a cluster's nodes that count the round trips through each of them."""

    def __init__(self, cluster: EmbeddedCluster, undo: ExitStack) -> None:
        self._cluster = cluster
        self.turns: Counter[int] = Counter()
        self._asked: dict[int, bool] = {}
        self._ports = {
            node.port: undo.enter_context(
                Proxy(node.port, request=self._request(node.port), reply=self._reply(node.port))
            ).port
            for node in cluster.nodes
        }
        self.client = undo.enter_context(closing(cluster.client(address_remap=self._remap)))

    def _remap(self, address: tuple[str, int]) -> tuple[str, int]:
        return address[0], self._ports.get(address[1], address[1])

    def _request(self, port: int) -> Callable[[bytes], bytes]:
        def request(data: bytes) -> bytes:
            if not self._asked.get(port):
                self.turns[port] += 1
            self._asked[port] = True
            return data

        return request

    def _reply(self, port: int) -> Callable[[bytes], bytes]:
        def reply(data: bytes) -> bytes:
            self._asked[port] = False
            return data

        return reply

    def during(self, call: Callable[[], Any]) -> list[int]:
        """Return the number of round trips to each node that a call takes."""
        self.turns.clear()
        call()
        return sorted(self.turns.values())


@pytest.fixture
def counted(cluster: EmbeddedCluster) -> Iterator[Counted]:
    with ExitStack() as undo:
        yield Counted(cluster, undo)


@contextmanager
def calls(cluster: EmbeddedCluster) -> Iterator[Counter[str]]:
    """Count the calls of each command on all nodes together."""

    def total() -> Counter[str]:
        found: Counter[str] = Counter()
        for node in cluster.nodes:
            with closing(node.server.client()) as admin:
                stats: dict[str, Any] = admin.info("commandstats")
            found.update({name: one["calls"] for name, one in stats.items()})
        return found

    before, during = total(), Counter[str]()
    yield during
    during.update(total() - before)


def test_a_sample_takes_one_round_trip_a_node(
    counted: Counted, parts: Partitions, until: Until
) -> None:
    observer = PartitionObserver(Partitions(counted.client, parts.name, COUNT))
    parts.add_many((who, {"who": who}) for who in PEOPLE)
    assert not observer.sample().trouble
    until(lambda: counted.during(observer.sample) == [1, 1, 1])
    for group in parts.group("g"):  # what is no longer idle is asked about once more
        group.consumer("ann").read(2)
    assert max(counted.during(observer.sample)) <= 2
    parts.add_many((who, {"who": who}) for who in PEOPLE)
    assert max(counted.during(observer.sample)) <= 2
    sample = observer.sample()
    assert (sample.length, sample.trouble) == (2 * len(PEOPLE), "")
    assert sample.group("g").pending == 2 * COUNT  # type: ignore[union-attr]


def test_many_rows_take_one_round_trip_a_node_and_batch(
    counted: Counted, parts: Partitions
) -> None:
    slow = Partitions(counted.client, parts.name, COUNT)
    slow.add_many((who, {"who": who}) for who in PEOPLE)  # connects to each node
    rows = [(f"customer-{n}", {"n": n}) for n in range(3000)]
    assert counted.during(lambda: slow.add_many(rows)) == [3, 3, 3]
    assert sum(stream.length() for stream in parts.streams) == 3000 + len(PEOPLE)


@pytest.mark.parametrize("announced", ["ip", "hostname"])
def test_a_slot_moves_to_a_node_by_the_address_that_the_client_knows(
    cluster: EmbeddedCluster, parts: Partitions, until: Until, announced: str
) -> None:
    hosts = {node.port: f"{node.name}.test" for node in cluster.nodes}
    slot = slot_of(parts.streams[5].key)
    home = cluster.slot_owner(parts.streams[5].key)
    target = next(node for node in cluster.nodes if node != home)
    with ExitStack() as undo:  # as behind NAT, or through tunnels
        addresses = {
            (hosts[node.port] if announced == "hostname" else "127.0.0.1", node.port): (
                "127.0.0.1",
                undo.enter_context(Proxy(node.port)).port,
            )
            for node in cluster.nodes
        }
        admins = [undo.enter_context(closing(node.server.client())) for node in cluster.nodes]
        for node, admin in zip(cluster.nodes, admins, strict=True):
            for option, usual, value in (
                ("cluster-announce-hostname", "", hosts[node.port]),
                ("cluster-preferred-endpoint-type", "ip", announced),
            ):
                undo.callback(admin.config_set, option, usual)
                admin.config_set(option, value)
        until(lambda: all(str(one.cluster("nodes")).count(".test") == 3 for one in admins))
        client = undo.enter_context(closing(cluster.client(address_remap=addresses.__getitem__)))
        observer = PartitionObserver(Partitions(client, parts.name, COUNT))
        known = {port: ":".join(map(str, at)) for (_, port), at in addresses.items()}
        seen = []
        for _ in cluster.move_slot_steps(slot, target.name):
            part = observer.sample().partitions[5]
            assert part.sample.exists
            seen.append((part.node, part.moving_to))
        cluster.move_slot(slot, home.name)
    here, there = known[home.port], known[target.port]
    assert seen == [(here, ""), (here, there), (here, there), (there, "")]


def test_each_node_is_asked_about_its_slots_once_a_sample(
    cluster: EmbeddedCluster, parts: Partitions
) -> None:
    observer = PartitionObserver(parts)
    observer.sample()
    with calls(cluster) as during:
        for _ in range(5):
            observer.sample()
    assert during["cmdstat_cluster|nodes"] == 5 * len(cluster.nodes)
    assert during["cmdstat_xinfo|stream"] == 5 * COUNT
    assert not {"cmdstat_exists", "cmdstat_cluster|slots"} & during.keys()


def test_many_slots_that_moved_are_found_with_one_table_of_slots(
    cluster: EmbeddedCluster, parts: Partitions
) -> None:
    observer = PartitionObserver(parts, cluster.names)
    observer.sample()
    first = cluster.nodes[0]
    moves = [one for one in parts.streams if cluster.slot_owner(one.key) is first][:8]
    assert len(moves) == 8
    for stream in moves:
        cluster.move_slot(slot_of(stream.key), "node-2")
    try:
        with calls(cluster) as during:
            sample = observer.sample()
        keys = {stream.key for stream in moves}
        there = [one.node for one in sample.partitions if one.sample.stream in keys]
        assert there == ["node-2"] * 8
        assert not sample.trouble
        assert during["cmdstat_cluster|slots"] == 1
    finally:
        for stream in moves:
            cluster.move_slot(slot_of(stream.key), "node-1")


@pytest.mark.parametrize("forbidden", ["-cluster|nodes", "-multi"])
def test_a_user_who_may_not_ask_all_still_gets_samples(
    cluster: EmbeddedCluster, parts: Partitions, forbidden: str
) -> None:
    for node in cluster.nodes:
        with closing(node.server.client()) as admin:
            admin.execute_command(
                "ACL", "SETUSER", "guest", "on", ">guest", "~*", "+@all", forbidden
            )
    try:
        with closing(cluster.client(username="guest", password="guest")) as client:
            observer = PartitionObserver(Partitions(client, parts.name, COUNT), cluster.names)
            parts.add("ada", {"n": 1})
            samples = [observer.sample() for _ in range(3)]
            for sample in samples:
                assert (sample.length, sample.trouble) == (1, "")
                assert {one.node for one in sample.partitions} == set(cluster.names.values())
            with calls(cluster) as during:
                observer.sample()
            assert during["cmdstat_xinfo|stream"] == COUNT
    finally:
        for node in cluster.nodes:
            with closing(node.server.client()) as admin:
                admin.execute_command("ACL", "DELUSER", "guest")


def test_a_user_who_may_not_ask_which_nodes_there_are_is_told_so(
    cluster: EmbeddedCluster,
) -> None:
    other = next(one for one in cluster.nodes if one is not cluster.slot_owner("test:elsewhere"))
    with closing(other.server.client()) as admin:
        admin.execute_command("ACL", "SETUSER", "guest", "on", ">guest", "~*", "+@all", "-cluster")
        try:
            with closing(
                redis_py.Redis(port=other.port, username="guest", password="guest")
            ) as client:
                trouble = Observer(client, "test:elsewhere").sample().trouble
        finally:
            admin.execute_command("ACL", "DELUSER", "guest")
    # in the words of the server: "User guest has", and before Redis 7.2 "this user has"
    assert re.search(r"has no permissions to run the 'cluster\|slots' command", trouble)
    assert "not enabled" not in trouble


@pytest.fixture
def mortal(server: EmbeddedServer) -> Iterator[EmbeddedCluster]:
    """A cluster whose nodes a test may stop."""
    with embedded_cluster(program=server.program) as running:
        yield running


def process_of(node: Any) -> int:
    with closing(node.server.client()) as admin:
        return int(admin.info("server")["process_id"])


def test_a_node_that_hangs_greys_its_own_parts_and_stops_no_other(
    mortal: EmbeddedCluster, until: Until
) -> None:
    with closing(mortal.client()) as client:
        parts = Partitions(client, "test:hangs", COUNT)
        parts.create_group("g")
        observer = PartitionObserver(parts, mortal.names)
        assert not observer.sample().trouble
        victim = mortal.nodes[1]
        hung = {n for n, one in enumerate(parts.streams) if mortal.slot_owner(one.key) is victim}
        well = next(n for n in range(COUNT) if n not in hung)
        process = process_of(victim)
        added = 0

        def alone() -> bool:
            """Whether the sample is up to date, but for the parts of the node that hangs."""
            nonlocal added
            parts.streams[well].add({"n": 1})
            added += 1
            states = observer.sample().partitions
            assert all(states[n].node in ("", "node-2") for n in hung)
            troubled = {one.number for one in states if one.sample.trouble}
            return troubled == hung and states[well].sample.length == added

        os.kill(process, signal.SIGSTOP)
        try:
            exact = []
            until(lambda: exact.extend(filter(None, [alone()])) or len(exact) == 30, 30)
            for _, attempt in list(observer._polls._running):
                until(attempt.done)
        finally:
            os.kill(process, signal.SIGCONT)
        with closing(victim.server.client()) as admin:
            admin.ping()
        first = observer.sample()
        assert (first.trouble, first.length) == ("", added), "the node answers again"


def test_the_first_sample_after_a_node_was_restarted_is_whole(
    mortal: EmbeddedCluster, until: Until, tmp_path: Path
) -> None:
    with closing(mortal.client()) as client:
        parts = Partitions(client, "test:restarted", COUNT)
        parts.add_many((who, {"who": who}) for who in PEOPLE)
        observer = PartitionObserver(parts, mortal.names)
        single = Observer(client, next(k.key for k in parts.streams if owner(mortal, k.key) == 0))
        assert not observer.sample().trouble + single.sample().trouble
        victim = mortal.nodes[0]
        process = process_of(victim)
        with closing(victim.server.client()) as admin:
            admin.save()
            home = admin.config_get("dir")["dir"]
        program, _, *options = victim.server._guard.args[4:]  # after those of the shell
        there = str(shutil.copytree(home, tmp_path / "node"))
        os.kill(process, signal.SIGKILL)
        until(lambda: not victim.server.running)
        for _ in range(3):
            assert "does not answer" in observer.sample().trouble
            assert "does not answer" in single.sample().trouble
        words = [program, *(option.replace(home, there) for option in options)]
        with subprocess.Popen(words) as again:
            try:
                until(lambda: serves(victim, single.stream), 20)
                first = observer.sample()
                assert (first.trouble, first.length) == ("", len(PEOPLE))
                assert not single.sample().trouble
            finally:
                again.kill()


def owner(cluster: EmbeddedCluster, key: str) -> int:
    return cluster.nodes.index(cluster.slot_owner(key))


def serves(node: Node, key: str) -> bool:
    try:
        with closing(node.server.client()) as admin:
            return bool(admin.exists(key))
    except (ServerUnreachable, redis_py.RedisError):
        return False


def is_down_without(slot: int, node: Node) -> bool:
    """Take a slot from a node's table, again if it has just heard of its owner; tell its state."""
    with closing(node.server.client()) as admin:
        admin.config_set("cluster-require-full-coverage", "yes")
        with suppress(redis_py.ResponseError):
            admin.execute_command("CLUSTER", "DELSLOTS", slot)
        return b"cluster_state:fail" in admin.execute_command("CLUSTER", "INFO")


def test_while_the_cluster_is_down_each_part_says_so_in_one_round_trip(
    mortal: EmbeddedCluster, until: Until
) -> None:
    with closing(mortal.client()) as client:
        parts = Partitions(client, "test:down", COUNT)
        parts.create_group("g")
        observer = PartitionObserver(parts, mortal.names)
        assert not observer.sample().trouble
        slot = slot_of(parts.streams[0].key)
        until(lambda: sum(is_down_without(slot, node) for node in mortal.nodes) == 3)
        with calls(mortal) as during:
            for _ in range(4):
                troubles = [one.sample.trouble for one in observer.sample().partitions]
                known = ("CLUSTERDOWN", "does not answer in time")  # this on a busy machine
                assert all(any(words in one for words in known) for one in troubles), troubles
        assert during["cmdstat_multi"] <= 4 * COUNT
        assert during["cmdstat_cluster|slots"] <= 4


def test_a_cluster_without_any_node_is_trouble_and_no_error(mortal: EmbeddedCluster) -> None:
    with closing(mortal.client()) as client:
        observer = PartitionObserver(Partitions(client, "test:gone", 8))
        observer.sample()
        for node in mortal.nodes:
            os.kill(process_of(node), signal.SIGKILL)
        for _ in range(3):
            sample = observer.sample()
            assert all(one.sample.trouble for one in sample.partitions)
            assert len(sample.partitions) == 8


def test_a_cluster_that_is_down_from_the_start_is_trouble_and_no_error(
    mortal: EmbeddedCluster, until: Until
) -> None:
    with closing(mortal.client()) as client:
        parts = Partitions(client, "test:down", 8)
        for node in mortal.nodes:
            os.kill(process_of(node), signal.SIGKILL)
        assert all(one.sample.trouble for one in PartitionObserver(parts).sample().partitions)
        for dashboard in (watch(parts), watch(client, "test:down")):
            with closing(dashboard):
                assert dashboard.scenario is not None
                dashboard.scenario.start()
                history = dashboard.history
                until(lambda history=history: history.newest)
                assert "no node of the cluster names the owner" in history.last.trouble
                dashboard.stop()


def test_a_slot_without_a_node_stops_no_other_stream(mortal: EmbeddedCluster, until: Until) -> None:
    lost = slot_of("test:lost")
    with closing(mortal.client()) as client:
        stream = Stream(client, "test:covered")
        stream.add({"n": 1})
        parts = Partitions(client, "test:covered", 8)
        assert lost not in {slot_of(one.key) for one in (stream, *parts.streams)}
        parts.create_group("g")
        until(lambda: sum(is_without(lost, node) for node in mortal.nodes) == 3)
        with closing(mortal.nodes[0].server.client()) as of_one_node:
            for one in (client, of_one_node):
                assert (Observer(one, stream.key).sample().length) == 1
                of_lost = Observer(one, "test:lost")
                for _ in range(4):
                    assert f"slot {lost}" in of_lost.sample().trouble
                assert of_lost.snapshots.works is None, "it is not MULTI that was refused"
                watched = PartitionObserver(Partitions(one, "test:covered", 8)).sample()
                assert (watched.trouble, len(watched.groups)) == ("", 1)


def is_without(slot: int, node: Node) -> bool:
    """Take a slot from a node's table, again if it has just heard of its owner."""
    with closing(node.server.client()) as admin:
        with suppress(redis_py.ResponseError):
            admin.execute_command("CLUSTER", "DELSLOTS", slot)
        return b"cluster_slots_assigned:16383" in admin.execute_command("CLUSTER", "INFO")


def test_rows_are_counted_up_to_the_first_that_is_wrong_or_refused(parts: Partitions) -> None:
    rows: list[Any] = [(who, {"n": 1}) for who in PEOPLE]
    rows[250] = ("ada", {})
    with pytest.raises(InputError, match=r"row 250: .*The 200 rows before its batch were added"):
        parts.add_many(rows, batch=100)
    assert sum(stream.length() for stream in parts.streams) == 200
    stream = parts.of(PEOPLE[7])
    stream.client.delete(stream.key)
    stream.client.set(stream.key, "text")
    with pytest.raises(WrongType, match=r"row 7: .*another type") as caught:
        parts.add_many([(who, {"n": 1}) for who in PEOPLE[:20]])
    assert "19 rows were added" in str(caught.value)


def test_when_a_node_breaks_the_rows_of_the_others_are_added_and_counted(
    mortal: EmbeddedCluster,
) -> None:
    with closing(mortal.client()) as client:
        parts = Partitions(client, "test:breaks", COUNT)
        parts.add_many((who, {"n": 1}) for who in PEOPLE)
        os.kill(process_of(mortal.nodes[0]), signal.SIGKILL)
        lost = [one for one in parts.streams if one.connection.node == mortal.nodes[0].address]  # type: ignore[attr-defined]
        keys = {one.key for one in lost}
        wanted = sum(parts.of(who).key not in keys for who in PEOPLE)
        with pytest.raises(ServerUnreachable, match=f"; {wanted} rows were added"):
            parts.add_many((who, {"n": 2}) for who in PEOPLE)
        left = [one for one in parts.streams if one.key not in keys]
        assert sum(len(one.range()) for one in left) == 2 * wanted


@pytest.mark.parametrize("kind", ["cluster", "one server"])
def test_parts_with_entries_too_large_to_ask_for_keep_their_numbers_and_stop_no_other(
    nodes: RedisCluster, redis: redis_py.Redis, prefix: str, kind: str
) -> None:
    parts = Partitions(nodes if kind == "cluster" else redis, f"{prefix}large", 6)
    observer = PartitionObserver(parts)
    large, small = parts.streams[0], parts.streams[1:]
    try:
        for n in range(8):
            large.add({"photo": "x" * 1_000_000})
            for stream in small:
                stream.add({"n": n})
            states = observer.sample().partitions
            assert [one.sample.length for one in states[1:]] == [n + 1] * len(small)
            assert not any(one.sample.trouble for one in states[1:])
        assert states[0].sample.length >= 1
        assert "entries of 1.0 MB: sampling every" in states[0].sample.trouble
    finally:
        for stream in parts.streams:
            stream.client.delete(stream.key)


def test_one_server_takes_one_round_trip_too(redis: redis_py.Redis, prefix: str) -> None:
    parts = Partitions(redis, f"{prefix}parts", COUNT)
    parts.create_group("g")
    observer = PartitionObserver(parts)
    observer.sample()
    before = redis.info("stats")["total_reads_processed"]
    for _ in range(10):
        observer.sample()
    reads = redis.info("stats")["total_reads_processed"] - before
    assert reads <= 21, "one for each sample, perhaps in two pieces, and INFO"
