"""What every test shares: a real server, a client, a key of the test's own, and patience."""

from __future__ import annotations

import functools
import gc
import os
import signal
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
import redis as redis_py
from redis.cluster import RedisCluster

from streamviz.server.embedded import EmbeddedServer
from streamviz.server.embedded_cluster import EmbeddedCluster, embedded_cluster

Until = Callable[..., None]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in `make test &`
    signal.signal(signal.SIGINT, signal.default_int_handler)

# redis-py parses the metadata of its package for every connection, and tests make 30,000.
redis_py.utils.get_lib_version = functools.cache(redis_py.utils.get_lib_version)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="also take the README's pictures")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from what is collected here, which all stays to the end."""
    gc.disable()
    found = yield
    gc.freeze()
    gc.enable()
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "server" in getattr(item, "fixturenames", ()):
            item.add_marker("server")  # it runs again on each server that is at hand
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.timeout(180))  # a page is slow where the machine is
    longest: dict[Path, float] = defaultdict(float)  # a file with a long test begins first
    for item in items:
        if marker := item.get_closest_marker("timeout"):
            longest[item.path] = max(longest[item.path], *marker.args)

    def order(item: pytest.Item) -> tuple[bool, float]:
        """Put first what needs the tests' JupyterLab: then one process starts it, and not each."""
        return "lab" not in getattr(item, "fixturenames", ()), -longest[item.path]

    items.sort(key=order)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A server for the session; STREAMVIZ_TEST_SERVER names another program for it."""
    with EmbeddedServer(program=os.environ.get("STREAMVIZ_TEST_SERVER")) as running:
        yield running


@pytest.fixture
def redis(server: EmbeddedServer) -> Iterator[redis_py.Redis]:
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def prefix(redis: redis_py.Redis) -> Iterator[str]:
    """A prefix for the test's keys; what begins with it is deleted afterwards."""
    mine = f"test:{uuid.uuid4().hex[:12]}:"
    yield mine
    for key in redis.scan_iter(f"{mine}*", count=1000):
        redis.unlink(key)


@pytest.fixture
def key(prefix: str) -> str:
    return f"{prefix}stream"


@pytest.fixture(scope="session")
def cluster(server: EmbeddedServer) -> Iterator[EmbeddedCluster]:
    """Three nodes for the session, of the same program as the server."""
    with embedded_cluster(program=server.program) as running:
        yield running


@pytest.fixture
def nodes(cluster: EmbeddedCluster) -> Iterator[RedisCluster]:
    """A client of the cluster."""
    client = cluster.client()
    yield client
    client.close()


@pytest.fixture
def mirrored(server: EmbeddedServer) -> Iterator[EmbeddedCluster]:
    """Two nodes with a replica each, which a test may kill."""
    with embedded_cluster(2, replicas=True, program=server.program) as running:
        yield running


@pytest.fixture
def until() -> Until:
    """Wait until something holds, and fail with its last value if it does not in time."""

    def wait(condition: Callable[[], object], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"still {value!r} after {seconds} s"
            time.sleep(0.01)

    return wait
