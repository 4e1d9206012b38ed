"""A scenario, its log and its dashboard work in a cluster, on whichever node a stream is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from redis.cluster import RedisCluster

from streamviz import Dashboard, Observer, Scenario, Stream, connect, series, watch
from streamviz.client import CommandLog, capabilities
from streamviz.errors import InputError
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.patterns.offsets import HashOffset
from streamviz.patterns.partitions import Partitions
from streamviz.server.embedded_cluster import EmbeddedCluster


@pytest.fixture
def keys(nodes: RedisCluster, cluster: EmbeddedCluster) -> Iterator[list[str]]:
    """A key on each node."""
    found: dict[str, str] = {}
    while len(found) < len(cluster.nodes):
        key = f"test:{uuid.uuid4().hex[:12]}"
        found.setdefault(cluster.slot_owner(key).name, key)
    yield list(found.values())
    for key in found.values():
        nodes.delete(key)
        nodes.delete(f"{key}:readers")
        nodes.hdel("streamviz:runs", key)


def test_a_virtual_run_has_groups_readers_and_subscribers_and_can_be_repeated(
    nodes: RedisCluster, keys: list[str]
) -> None:
    runs = []
    for _ in range(2):
        shop = Scenario(nodes, seed=1)
        for key in keys:
            shop.produce(key, series.poisson(20, seed=1))
        for n, key in enumerate(keys):
            shop.group(key, f"group-{n}", consumers=2, service_ms=10)
            shop.reader(key, f"reader-{n}", service_ms=10)
            shop.subscriber(key, f"subscriber-{n}", service_ms=10)
        shop.run(3)
        assert shop.error is None
        runs.append([Stream(nodes, key).length() for key in keys])
        for n, key in enumerate(keys):
            last = Stream(nodes, key).info().last_generated_id
            pending = Stream(nodes, key).group(f"group-{n}").pending().count
            assert pending <= 2
            assert shop.readers[f"reader-{n}"].handled > 30
            assert shop.readers[f"subscriber-{n}"].handled > 30
            assert HashOffset(nodes, f"{key}:readers", f"reader-{n}").load() <= last  # type: ignore[operator]
    assert runs[0] == runs[1]
    assert min(runs[0]) > 30


def test_the_log_shows_what_each_command_changed(nodes: RedisCluster, keys: list[str]) -> None:
    with CommandLog(nodes) as log:
        for key in keys:
            Stream(nodes, key).add({"n": 1}, "1-0")
            Stream(nodes, key).add_many([{"n": 2}, {"n": 3}])
    sent = [["XADD", key] for key in keys for _ in range(3)]
    assert [one.command.split()[:2] for one in log] == sent
    assert [log[n].changes[0] for n in (0, 3, 6)] == ["length: 0 → 1"] * 3
    assert [log[n].changes[0] for n in (1, 4, 7)] == ["length: 1 → 3"] * 3


def test_a_dashboard_shows_the_commands(nodes: RedisCluster, keys: list[str]) -> None:
    shop = Scenario(nodes)
    shop.produce(keys[1], series.poisson(20, seed=1))
    shop.group(keys[1], "bill")
    dashboard = Dashboard(shop, commands=True)
    try:
        shop.run(1)
        assert shop.error is None
    finally:
        dashboard.close()


def test_capabilities_are_those_of_a_node(nodes: RedisCluster, cluster: EmbeddedCluster) -> None:
    with closing(cluster.nodes[0].server.client()) as node:
        assert str(capabilities(nodes)) == str(capabilities(node))


def test_an_observer_with_a_client_of_one_node_finds_the_other_nodes(
    nodes: RedisCluster, cluster: EmbeddedCluster, keys: list[str]
) -> None:
    for key in keys:
        Stream(nodes, key).add({"n": 1})
    for node in cluster.nodes:
        with closing(connect(node.server.url)) as client:
            for key in keys:
                sample = Observer(client, key).sample()
                assert (sample.trouble, sample.length) == ("", 1)


def test_all_parts_of_a_stream_are_watched_live(
    nodes: RedisCluster, until: Callable[..., None]
) -> None:
    parts = Partitions(nodes, f"test:{uuid.uuid4().hex[:12]}", 6)
    parts.create_group("bill")
    with pytest.raises(InputError, match=r"Partitions can't be shown: .*watch\(partitions\)"):
        Dashboard(parts, commands=True)  # type: ignore[arg-type]
    dashboard = watch(parts, rate_hz=50)
    try:
        parts.add_many((f"customer-{n}", {"n": n}) for n in range(40))
        assert dashboard.scenario is not None
        dashboard.scenario.start()
        history = dashboard.history
        until(lambda: history.newest is not None and history.newest.length == 40, 20)
        assert isinstance(history.last, PartitionedSample)
        assert len(history.last.partitions) == 6
        assert history.last.group("bill").lag.entries == 40
        assert "bill in all: 40 waiting" in dashboard.plots[0].summary(history)
    finally:
        dashboard.close()
        if dashboard.scenario is not None:
            dashboard.scenario.stop()
        for stream in parts.streams:
            nodes.delete(stream.key)
