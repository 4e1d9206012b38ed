"""Wait for replicas: how many have what was added, wherever the slot is."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain

import pytest
import redis as redis_py
from redis.cluster import RedisCluster

from streamviz import Stream
from streamviz.client import Confirmed
from streamviz.client.cluster import slot_of
from streamviz.errors import CommandRefused, InputError, ServerUnreachable, UnsupportedCommand
from streamviz.patterns.partitions import Partitions
from streamviz.server.embedded_cluster import EmbeddedCluster

Until = Callable[..., None]
KEY = "orders:{7}"
PEOPLE = [f"customer-{n}" for n in range(12)]


@pytest.fixture
def client(mirrored: EmbeddedCluster) -> Iterator[RedisCluster]:
    with closing(mirrored.client()) as one:
        yield one


@pytest.mark.slow
def test_the_replicas_that_have_an_entry_are_counted_also_after_a_move(
    mirrored: EmbeddedCluster, client: RedisCluster
) -> None:
    stream, twin = Stream(client, KEY), Stream(client, KEY)
    home = mirrored.slot_owner(KEY)
    there = next(node for node in mirrored.nodes if node is not home)
    entry_id, replicas = stream.add({"n": 1}, wait=1, wait_ms=10_000)
    assert (entry_id, replicas) == (stream.info().last_generated_id, 1)
    rows = [{"n": n} for n in range(2, 2502)]
    assert stream.add_many(rows, wait=1, wait_ms=10_000) == Confirmed(2500, 1)
    mirrored.cut_off(mirrored.replicas[mirrored.nodes.index(there)].name)
    twin.length()
    mirrored.move_slot(slot_of(KEY), there.name)
    assert stream.add({"n": 2502}, wait=1, wait_ms=50).replicas == 0
    assert twin.add_many([{"n": 2503}], wait=1, wait_ms=50) == Confirmed(1, 0)
    assert [entry.fields["n"] for entry in stream.range()] == [str(n) for n in range(1, 2504)]


@pytest.mark.slow
def test_partitions_wait_for_the_replicas_of_each_node(
    mirrored: EmbeddedCluster, client: RedisCluster
) -> None:
    parts = Partitions(client, "orders", 16)
    rows = [(f"customer-{n}", {"n": n}) for n in range(3000)]
    counts, replicas = parts.add_many(rows, wait=1, wait_ms=10_000)
    assert (sum(counts), replicas) == (3000, 1)
    (number, _), replicas = parts.add("ada", {"n": 1}, wait=1, wait_ms=10_000)
    assert (number, replicas) == (parts.number("ada"), 1)
    mirrored.cut_off("replica-1")
    counts, replicas = parts.add_many(rows, wait=1, wait_ms=50)
    assert (sum(counts), replicas) == (3000, 0), "one node's replica is missing"
    well = next(one for one in parts.streams if mirrored.slot_owner(one.key).name == "node-2")
    assert well.add({"n": 1}, wait=1, wait_ms=10_000).replicas == 1
    assert parts.add_many([], wait=1) == Confirmed([0] * 16, 0)
    if Stream(client, KEY).connection.version.has((7, 2)):
        on_disk_is_apart_from_in_memory(mirrored, well)
    with pytest.raises(InputError, match="'node-1' is not a replica: give replica-1, replica-2"):
        mirrored.cut_off("node-1")


def on_disk_is_apart_from_in_memory(mirrored: EmbeddedCluster, stream: Stream) -> None:
    disk = {"wait": 1, "on_disk": True}
    assert stream.add({"n": 2}, **disk, wait_ms=50).replicas == 0, "it keeps nothing on its disk"
    with closing(mirrored.node("replica-2").server.client()) as replica:
        replica.config_set("appendonly", "yes")
    assert stream.add({"n": 3}, **disk, wait_ms=20_000).replicas == 1
    assert stream.add_many([{"n": 4}] * 3, **disk, wait_ms=20_000) == Confirmed(3, 1)


def test_a_server_without_replicas_confirms_by_none(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    assert stream.add({"n": 1}, wait=1, wait_ms=1).replicas == 0
    assert stream.add_many([{"n": 2}] * 3, batch=2, wait=1, wait_ms=1) == Confirmed(3, 0)
    assert Partitions(redis, key, 3).add_many([("a", {"n": 1})], wait=2, wait_ms=1).replicas == 0
    for one in Partitions(redis, key, 3).streams:
        redis.delete(one.key)
    assert stream.length() == 4
    with pytest.raises(InputError, match="on_disk=True: say with wait="):
        stream.add({"n": 1}, on_disk=True)  # type: ignore[call-overload]
    if not stream.connection.version.has((7, 2)):
        with pytest.raises(UnsupportedCommand, match=r"WAITAOF .* needs Redis 7\.2; .* were added"):
            stream.add_many([{"n": 5}], wait=1, on_disk=True)
        stream.delete(stream.reverse_range(count=1)[0].id)
    with pytest.raises(InputError, match="wait=0"):
        stream.add({"n": 1}, wait=0)
    with pytest.raises(InputError, match="wait_ms=-1"):
        stream.add_many([{"n": 1}], wait=1, wait_ms=-1)
    with pytest.raises(CommandRefused):
        stream.add({"n": 1}, "1-0", wait=1, wait_ms=1)
    with pytest.raises(CommandRefused, match=r"row 1: .*1 rows were added"):
        stream.add_many([{"n": 5}, ("1-0", {"n": 1})], wait=1, wait_ms=1)
    assert stream.length() == 5


def test_rows_broken_by_a_killed_node_are_in_the_error_to_go_on_with(
    mirrored: EmbeddedCluster, client: RedisCluster, until: Until
) -> None:
    parts, batch = Partitions(client, "orders", 8), 1000
    home = mirrored.slot_owner(parts.streams[0].key)
    replica = mirrored.replicas[mirrored.nodes.index(home)]
    sent: list[int] = []

    def kill() -> None:  # while batches are under way
        with closing(home.server.client()) as here:
            here.xlen(parts.streams[0].key)
            os.kill(here.info("server")["process_id"], signal.SIGKILL)
        until(lambda: not home.server.running, 20)

    killer = threading.Thread(target=kill)

    def row() -> tuple[str, dict[str, int]]:
        sent.append(len(sent))
        return PEOPLE[sent[-1] % len(PEOPLE)], {"n": sent[-1]}

    def rows() -> Iterator[tuple[str, dict[str, int]]]:
        while len(sent) < 3 * batch:
            yield row()
        killer.start()
        while killer.is_alive():
            yield row()
        for _ in range(2 * batch):
            yield row()

    remaining = rows()
    with pytest.raises(ServerUnreachable, match="the error's unconfirmed has these rows") as error:
        parts.add_many(remaining, batch=batch, wait=1, wait_ms=10_000)
    killer.join(30)
    unconfirmed = error.value.unconfirmed
    assert 0 < len(unconfirmed) < batch, "those of the other node are confirmed"
    mirrored.take_over(replica.name)
    counts = parts.add_many(chain(unconfirmed, remaining), batch=batch)
    assert sum(counts) >= len(unconfirmed)
    found: dict[str, list[int]] = {who: [] for who in PEOPLE}
    for one in parts.streams:
        for entry in one.range():
            n = int(entry.fields["n"])
            found[PEOPLE[n % len(PEOPLE)]].append(n)
    assert sorted({n for one in found.values() for n in one}) == sent, "nothing is lost"
    doubled = {n for one in found.values() for n in one if one.count(n) > 1}
    assert doubled <= {fields["n"] for _, fields in unconfirmed}
    for one in found.values():
        assert list(dict.fromkeys(one)) == sorted(set(one)), "and each customer's are in order"


@pytest.mark.slow
def test_a_node_that_refuses_got_nothing_so_its_replica_gets_the_command(
    mirrored: EmbeddedCluster, client: RedisCluster, until: Until
) -> None:
    stream, other = Stream(client, KEY), Stream(client, KEY)
    other.length()
    assert stream.add({"n": 1}, wait=1, wait_ms=10_000).replicas == 1
    home = mirrored.slot_owner(KEY)
    replica = mirrored.replicas[mirrored.nodes.index(home)]
    with closing(home.server.client()) as here:
        os.kill(here.info("server")["process_id"], signal.SIGKILL)
    until(lambda: not home.server.running)
    with pytest.raises(ServerUnreachable):
        stream.add({"n": 0})
    mirrored.take_over(replica.name)
    for one in (other, stream):  # one of them knows only the node that is gone
        assert one.add({"n": 2})
    assert [entry.fields["n"] for entry in stream.range()] == ["1", "2", "2"]
