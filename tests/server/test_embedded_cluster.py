"""The embedded cluster: complete when it is returned, private, and ended with its owner."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from processes import alive
from redis.cluster import RedisCluster
from slow import slow_but

from streamviz import Observer, Stream
from streamviz.client import capabilities
from streamviz.client.cluster import SLOTS, slot_of
from streamviz.client.cluster_nodes import node_lines
from streamviz.client.connection import Connection
from streamviz.errors import InputError, ServerAuthError, ServerError, ServerUnreachable
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.patterns.partitions import Partitions
from streamviz.server.embedded import EmbeddedServer, connect, free_port
from streamviz.server.embedded_cluster import EmbeddedCluster, embedded_cluster

Until = Callable[..., None]


def test_every_slot_is_served_by_its_owner(cluster: EmbeddedCluster) -> None:
    assert [node.name for node in cluster.nodes] == ["node-1", "node-2", "node-3"]
    for node in cluster.nodes:
        with closing(node.server.client()) as client:
            info = client.execute_command("CLUSTER INFO")
            assert info["cluster_state"] == "ok"
            assert info["cluster_slots_ok"] == str(SLOTS)
            assert info["cluster_known_nodes"] == "3"
            for slot in (0, 5460, 5461, 10921, 10922, SLOTS - 1):
                here = cluster.slot_owner(slot) is node
                assert here or not client.cluster("GETKEYSINSLOT", slot, 1)
    assert cluster.slot_owner(0).name == "node-1"
    assert cluster.slot_owner(SLOTS - 1).name == "node-3"
    assert cluster.names[cluster.node("node-2").address] == "node-2"
    with pytest.raises(
        InputError, match="'node-9' is not a node of this cluster: give one of node-1"
    ):
        cluster.node("node-9")


def test_the_client_reaches_every_node(nodes: RedisCluster) -> None:
    for n in range(30):
        nodes.set(f"test:reach:{n}", n, ex=60)
    assert [nodes.get(f"test:reach:{n}") for n in range(30)] == [b"%d" % n for n in range(30)]
    assert nodes.cluster_keyslot("test:reach:1") == slot_of("test:reach:1")


def test_the_cluster_is_private_and_keeps_nothing_but_the_list_of_nodes(
    cluster: EmbeddedCluster,
) -> None:
    for node in cluster.nodes:
        with closing(node.server.client()) as client:
            config = client.config_get()
            assert (config["bind"], config["save"], config["appendonly"]) == ("127.0.0.1", "", "no")
            folder = Path(config["dir"])
            password = config["requirepass"]
            pid = client.info("server")["process_id"]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {one.name for one in folder.iterdir()} <= {"redis.conf", "nodes.conf"}
        assert len(password) > 20
        assert password not in repr(cluster) + repr(node)
        command_line = Path(f"/proc/{pid}/cmdline")
        assert not command_line.exists() or password.encode() not in command_line.read_bytes()
        with pytest.raises(ServerAuthError):
            connect(f"redis://{node.address}")


def test_connect_to_one_node_reaches_the_streams_of_all(cluster: EmbeddedCluster) -> None:
    keys = [f"test:doors:{n}" for n in range(9)]
    with closing(connect(cluster.nodes[0].server.url, decode_responses=True)) as client:
        assert isinstance(client, RedisCluster)
        try:
            for key in keys:
                Stream(client, key).add({"n": 1})
                assert client.xlen(key) == 1
            assert client.get("test:doors:none") is None
            assert {cluster.slot_owner(key).name for key in keys} == {"node-1", "node-2", "node-3"}
            assert capabilities(client).server.number[0] >= 7
        finally:
            for key in keys:
                client.delete(key)


def test_the_documented_user_may_watch_parts_and_without_a_right_its_name_is_told(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    text = (Path(__file__).parents[2] / "docs/how_to/watch.md").read_text()
    (rule,) = (line for line in text.splitlines() if line.endswith("+cluster|nodes"))
    rule = rule.replace("ACL SETUSER streamviz", "reset").replace("%R~orders*", "%R~test:acl*")
    parts = Partitions(nodes, "test:acl", 6)
    parts.add_many((f"customer-{n}", {"n": n}) for n in range(50))
    url = f"redis://watcher:a-long-password@{cluster.nodes[0].address}"

    def allow(rule: str) -> None:
        for node in cluster.nodes:
            with closing(node.server.client()) as admin:
                admin.execute_command("ACL", "SETUSER", "watcher", *rule.split())

    try:
        allow(rule)
        with closing(connect(url)) as client:
            sample = PartitionObserver(Partitions(client, "test:acl", 6), cluster.names).sample()
            assert (sample.length, sample.trouble) == (50, "")
            assert {one.node for one in sample.partitions} == {"node-1", "node-2", "node-3"}
            assert Observer(client, "test:acl:{0}").sample().length == parts.streams[0].length()
            allow("-cluster|slots")
            blind = Observer(client, "test:acl:{0}").sample()
            assert "+cluster|slots +command" in blind.trouble
        for right in ("-cluster|slots", "+cluster|slots -command"):
            allow(right)
            with pytest.raises(
                ServerAuthError, match=r"ACL SETUSER <user> \+cluster\|slots"
            ) as told:
                connect(url)
            assert "a-long-password" not in str(told.value)
    finally:
        for node in cluster.nodes:
            with closing(node.server.client()) as admin:
                admin.execute_command("ACL", "DELUSER", "watcher")
        for stream in parts.streams:
            nodes.delete(stream.key)


@pytest.mark.parametrize("nodes", [1, 11, "3", 3.0, True, None])
def test_an_invalid_number_of_nodes_is_refused(nodes: int) -> None:
    with pytest.raises(InputError, match="whole number from 2 to 10"):
        embedded_cluster(nodes)


def test_a_program_that_does_not_start_is_reported() -> None:
    with pytest.raises(ServerError, match="did not start"):
        embedded_cluster(program="false")


def test_close_ends_every_node_and_a_second_close_does_nothing(server: EmbeddedServer) -> None:
    cluster = embedded_cluster(2, program=server.program)
    folders = []
    for node in cluster.nodes:
        with closing(node.server.client()) as client:
            folders.append(Path(client.config_get("dir")["dir"]))
    cluster.close()
    cluster.close()
    assert not any(node.server.running for node in cluster.nodes)
    assert not any(folder.exists() for folder in folders)


OWNER = """
import os
from streamviz.server.embedded_cluster import embedded_cluster
cluster = embedded_cluster(2)
for node in cluster.nodes:
    client = node.server.client()
    print(client.info("server")["process_id"], client.config_get("dir")["dir"], flush=True)
{end}
"""
ENDS = {
    "normal": (0, ""),
    "exception": (1, "raise RuntimeError"),
    "exit": (3, "os._exit(3)"),
    "killed": (-9, "os.kill(os.getpid(), 9)"),
}


@pytest.mark.parametrize("end", slow_but("killed", of=ENDS))
def test_the_cluster_ends_with_its_owner(end: str, until: Until) -> None:
    code, last = ENDS[end]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(OWNER).format(end=last)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    assert done.returncode == code
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 2
    for pid, folder in lines:
        until(lambda pid=pid: not alive(int(pid)))
        until(lambda folder=folder: not Path(folder).exists())


def kill(cluster: EmbeddedCluster, name: str, until: Until) -> None:
    node = cluster.node(name)
    with closing(node.server.client()) as client:
        os.kill(client.info("server")["process_id"], 9)
    until(lambda: not node.server.running)


def test_when_a_node_is_killed_its_keys_are_refused_at_once_and_the_others_are_served(
    server: EmbeddedServer, until: Until
) -> None:
    with embedded_cluster(program=server.program) as cluster, closing(cluster.client()) as client:
        parts = Partitions(client, "test:dead", 6)
        parts.create_group("g")
        dead = {
            n for n, one in enumerate(parts.streams) if cluster.slot_owner(one.key).name == "node-2"
        }
        assert 0 < len(dead) < 6
        observer = PartitionObserver(parts, cluster.names)
        assert observer.sample().group("g").lag.verdict == "exact"  # type: ignore[union-attr]
        kill(cluster, "node-2", until)
        for number, stream in enumerate(parts.streams):
            began = time.monotonic()
            if number in dead:
                for _ in range(3):  # not only the first time
                    with pytest.raises(ServerUnreachable) as refused:
                        stream.add({"n": 1})
                    assert "does not answer" in str(refused.value) or "nobody" in str(refused.value)
            else:
                stream.add({"n": 1})
            assert time.monotonic() - began < 10
        with pytest.raises(ServerUnreachable):
            parts.streams[min(dead)].add_many({"n": n} for n in range(5))
        sample = observer.sample()
        assert sample.exists is None, "of some parts, nothing is known"
        assert sample.length == 6 - len(dead)
        lag = sample.group("g").lag  # type: ignore[union-attr]
        assert (lag.entries, lag.verdict) == (None, "unknown")
        assert f"partitions {', '.join(map(str, sorted(dead)))}: " in lag.reason, "told once"
        fresh = Stream(client, parts.streams[min(set(range(6)) - dead)].key)
        assert fresh.length() == 1, "a new stream is found without the dead node"
        orphan = parts.streams[min(dead)]
        new_owner = cluster.node("node-1").server.client().execute_command("CLUSTER", "MYID")
        for name in ("node-1", "node-3"):
            with closing(cluster.node(name).server.client()) as admin:
                admin.execute_command("CLUSTER", "SETSLOT", slot_of(orphan.key), "NODE", new_owner)
        assert orphan.add({"n": 1}), "a client that knew the dead node finds the new owner"
        with pytest.raises(ServerUnreachable):
            cluster.move_slot(slot_of(fresh.key), "node-2")
        assert fresh.add({"n": 2}), "a move that could not start has moved nothing"


def test_an_invalid_move_is_refused_before_anything_is_done(cluster: EmbeddedCluster) -> None:
    slot = slot_of("test:nowhere")
    owner = cluster.slot_owner(slot)
    other = next(node for node in cluster.nodes if node is not owner)
    for where, to, says in (
        (slot, owner.name, "already"),
        (slot, "node-9", "not a node"),
    ):
        with pytest.raises(InputError, match=says):
            cluster.move_slot(where, to)
    with pytest.raises(InputError, match="batch=0"):
        cluster.move_slot(slot, other.name, batch=0)
    assert cluster.slot_owner(slot) is owner


def test_a_target_that_dies_during_a_move_loses_nothing_and_another_takes_over(
    server: EmbeddedServer, until: Until
) -> None:
    with embedded_cluster(program=server.program) as cluster, closing(cluster.client()) as client:
        stream = Stream(client, "test:half")
        stream.add_many({"n": n} for n in range(100))
        home = cluster.slot_owner(stream.key)
        target, other = (node.name for node in cluster.nodes if node is not home)
        steps = cluster.move_slot_steps(slot_of(stream.key), target)
        assert [next(steps), next(steps)] == ["importing", "migrating"]
        kill(cluster, target, until)
        with pytest.raises(ServerError, match="It is still on the source") as broken:
            next(steps)
        assert str(client.get_connection_kwargs()["password"]) not in str(broken.value)
        assert stream.length() == 100
        cluster.move_slot(slot_of(stream.key), other)
        assert stream.length() == 100
        assert cluster.slot_owner(stream.key).name == other


def epochs(connections: list[Connection], address: str) -> set[str]:
    """Return the config epochs that the nodes know for one node."""
    views = [node_lines(connection.call("CLUSTER", "NODES")) for connection in connections]
    return {line[6] for lines in views for line in lines if line[1].startswith(f"{address}@")}


def test_a_slot_that_moves_back_and_forth_without_a_pause_loses_nothing(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    stream = Stream(nodes, "test:to-and-fro")
    stream.add_many({"n": n} for n in range(50))
    home = cluster.slot_owner(stream.key).name
    others = [node.name for node in cluster.nodes if node.name != home]
    admins = [node.server.client() for node in cluster.nodes]
    connections = [Connection(admin) for admin in admins]
    for turn in range(30):
        there = [*others, home][turn % 3]
        cluster.move_slot(slot_of(stream.key), there)
        known = epochs(connections, cluster.node(there).address)
        assert len(known) == 1, "every node knows the newest epoch"
        assert stream.add({"n": 50 + turn})
    assert [entry.fields["n"] for entry in stream.range()] == [str(n) for n in range(80)]
    nodes.delete(stream.key)
    for admin in admins:
        admin.close()


def test_a_node_of_a_cluster_without_slots_is_told_so(server: EmbeddedServer) -> None:
    # by default, the second port is the first one plus 10,000, which may be too large
    config = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with (
        EmbeddedServer(0, program=server.program, config=config) as node,
        pytest.raises(ServerUnreachable, match="no node has slots: assign them with redis-cli"),
    ):
        connect(node.url)


def test_a_sentinel_is_told_apart_from_a_server_with_streams(
    server: EmbeddedServer, tmp_path: Path, until: Callable[..., None]
) -> None:
    port, config = free_port(), tmp_path / "sentinel.conf"
    config.write_text(f"port {port}\ndir {tmp_path}\n")
    command = [server.program, str(config), "--sentinel"]
    messages: list[str] = []

    def is_told() -> bool:
        with pytest.raises(ServerError) as caught:
            connect(f"redis://127.0.0.1:{port}")
        messages.append(str(caught.value))
        return "is a Sentinel, which holds no streams" in messages[-1]

    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            until(is_told)
        finally:
            process.terminate()
    assert "master_for(name)" in messages[-1]
