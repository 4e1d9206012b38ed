"""A server that answers a byte at a time is one that does not answer: no read is ever too late."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
import redis as redis_py
from proxy import Proxy
from redis.cluster import RedisCluster

from streamviz import watch
from streamviz.observation.observer import Observer
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.patterns.partitions import Partitions
from streamviz.server.embedded import EmbeddedServer
from streamviz.server.embedded_cluster import EmbeddedCluster

Until = Callable[..., None]
DRIP_S = 0.05  # a sample of a kilobyte takes a minute


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamviz.observation.sample_deadline.SAMPLE_S", 0.5)


@pytest.fixture
def proxy(upstream: EmbeddedServer) -> Iterator[Proxy]:
    with closing(upstream.client()) as client:
        client.delete("s")
        for n in range(3):
            client.xadd("s", {"n": n})
        client.xgroup_create("s", "g", "0")
        with Proxy(client.connection_pool.connection_kwargs["port"]) as opened:
            yield opened


@pytest.fixture
def client(upstream: EmbeddedServer, proxy: Proxy) -> Iterator[redis_py.Redis]:
    with closing(upstream.client()) as direct:
        password = direct.connection_pool.connection_kwargs["password"]
    with closing(redis_py.Redis(port=proxy.port, password=password)) as through:
        yield through


@pytest.mark.parametrize("is_connected", [True, False])
def test_a_sample_ends_though_bytes_come_and_is_right_when_the_server_answers(
    proxy: Proxy, client: redis_py.Redis, until: Until, is_connected: bool
) -> None:
    observer = Observer(client, "s")
    if is_connected:
        until(lambda: observer.sample().exists)
    proxy.drip_s = DRIP_S
    for _ in range(2):
        sample = observer.sample()
        assert not sample.exists
        assert f"does not answer in time: localhost:{proxy.port}" in sample.trouble
    proxy.drip_s = 0
    until(lambda: observer.sample().exists)
    assert observer.sample().groups[0].lag.entries == 3


def test_a_new_connection_has_its_own_time(
    proxy: Proxy, client: redis_py.Redis, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both together take longer than a sample may."""
    monkeypatch.setattr("streamviz.observation.sample_deadline.SAMPLE_S", 1.0)

    def late(data: bytes) -> bytes:
        threading.Event().wait(0.6 if b"EXEC" in data or b"SETNAME" in data else 0)
        return data

    proxy.request = late
    until(lambda: Observer(client, "s").sample().length == 3)


def test_a_page_says_so_and_goes_on(proxy: Proxy, client: redis_py.Redis, until: Until) -> None:
    dashboard = watch(client, "s", rate_hz=50)
    scenario = dashboard.scenario
    assert scenario is not None
    scenario.start()

    def trouble() -> str | None:
        newest = dashboard.history.newest
        return newest.trouble if newest else None

    until(lambda: trouble() == "")
    proxy.drip_s = DRIP_S
    until(lambda: "does not answer in time" in (trouble() or ""))
    proxy.drip_s = 0
    until(lambda: trouble() == "")
    assert (scenario.state, scenario.error) == ("running", None)
    dashboard.stop()


def test_a_node_of_a_cluster_that_drips_makes_only_its_own_parts_unknown(
    cluster: EmbeddedCluster, nodes: RedisCluster, until: Until
) -> None:
    parts = Partitions(nodes, f"test:{uuid.uuid4().hex[:8]}", 12)
    parts.add_many((f"customer-{n}", {"n": n}) for n in range(99))
    with ExitStack() as stack:
        proxies = {one.port: stack.enter_context(Proxy(one.port)) for one in cluster.nodes}

        def remap(address: tuple[str, int]) -> tuple[str, int]:
            proxy = proxies.get(address[1])
            return address[0], proxy.port if proxy else address[1]

        through = stack.enter_context(closing(cluster.client(address_remap=remap)))
        observer = PartitionObserver(Partitions(through, parts.name, 12))
        alone = Observer(through, parts.streams[0].key)
        until(lambda: observer.sample().length == 99)
        until(lambda: alone.sample().exists)
        owner = nodes.get_node_from_key(parts.streams[0].key)  # type: ignore[no-untyped-call]
        assert owner is not None
        proxies[owner.port].drip_s = DRIP_S
        until(lambda: "does not answer in time" in observer.sample().trouble)
        assert {one.sample.exists for one in observer.sample().partitions} == {True, None}
        assert "does not answer in time" in alone.sample().trouble
        proxies[owner.port].drip_s = 0
        until(lambda: observer.sample().trouble == "")
        until(lambda: alone.sample().exists)
        fresh = Observer(through, parts.streams[0].key)
        for one in proxies.values():
            one.drip_s = DRIP_S
        assert fresh.sample().trouble
        for one in proxies.values():
            one.drip_s = 0
        until(lambda: fresh.sample().exists)
    nodes.delete(*[one.key for one in parts.streams])
