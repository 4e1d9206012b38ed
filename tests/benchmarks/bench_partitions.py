"""A sample of 1 to 256 parts in a cluster: the kernel's time, bytes, round trips, far nodes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial

from benchmarks.tables import table
from faults.proxy import Proxy

from streamviz.observation.partition_observer import PartitionObserver
from streamviz.patterns.partitions import Partitions
from streamviz.server.embedded_cluster import EmbeddedCluster

TITLE = "Partitions: a sample of all parts in a cluster of three nodes, at rest"
EACH_WAY_S = 0.025
TURNS = 100


def test_partitions(cluster: EmbeddedCluster) -> None:
    """Sample near nodes, then the same nodes behind proxies that are 25 ms away."""
    found = table(
        TITLE,
        "parts",
        "kernel's CPU, median ms",
        "kernel's CPU a part, ms",
        "bytes a part",
        "server CPU a part, µs",
        "round trips to all nodes",
        "nodes 25 ms away, median ms",
    )
    a_part, far = {}, {}
    with ExitStack() as undo:
        turns: list[int] = []
        sizes: list[int] = []
        proxies = {
            node.port: undo.enter_context(slow(node.port, turns, sizes)) for node in cluster.nodes
        }
        client = undo.enter_context(
            closing(cluster.client(address_remap=lambda at: (at[0], proxies[at[1]].port)))
        )
        near = undo.enter_context(closing(cluster.client()))
        for count in (1, 16, 64, 256):
            parts = Partitions(near, f"test:bench-{count}", count)
            parts.create_group("group")
            parts.add_many((f"customer-{n}", {"item": "tea"}) for n in range(50 * count))
            cpu_ms = median_ms(PartitionObserver(parts).sample, time.process_time, TURNS)
            sample = partial(answered, PartitionObserver(Partitions(client, parts.name, count)))
            sample()
            turns.clear()
            sizes.clear()
            far[count] = median_ms(sample, time.perf_counter, 10)
            a_part[count], bytes_a_part = cpu_ms / count, sum(sizes) / 11 / count
            near_sample = PartitionObserver(parts).sample
            near_sample()
            before = server_cpu_us(cluster)
            for _ in range(TURNS):
                near_sample()
            server_us = (server_cpu_us(cluster) - before) / TURNS / count
            found.add(
                count,
                f"{cpu_ms:.2f}",
                f"{a_part[count]:.2f}",
                f"{bytes_a_part:.0f}",
                f"{server_us:.0f}",
                len(turns) // 11,
                f"{far[count]:.0f}",
            )
            for stream in parts.streams:
                near.delete(stream.key)
    found.aim("times the CPU a part with 64 parts as with one", a_part[64] / a_part[1], most=1.2)
    found.aim("times the CPU a part with 256 parts as with 16", a_part[256] / a_part[16], most=1.2)
    found.aim("ms for 64 parts 25 ms away", far[64], most=200)


def answered(observer: PartitionObserver) -> None:
    """Sample until all nodes have answered: the first time, there is more to send."""
    while observer.sample().trouble:
        time.sleep(EACH_WAY_S)


def server_cpu_us(cluster: EmbeddedCluster) -> float:
    """Return the CPU time that all nodes together have used, in microseconds."""
    total = 0.0
    for node in cluster.nodes:
        with closing(node.server.client()) as admin:
            cpu: dict[str, float] = admin.info("cpu")
        total += cpu["used_cpu_user"] + cpu["used_cpu_sys"]
    return total * 1_000_000


def slow(port: int, turns: list[int], sizes: list[int]) -> Proxy:
    """Return a proxy that holds each piece back, and notes each request, and each piece's size."""

    def request(data: bytes) -> bytes:
        turns.append(port)
        return reply(data)

    def reply(data: bytes) -> bytes:
        sizes.append(len(data))
        time.sleep(EACH_WAY_S)
        return data

    return Proxy(port, request=request, reply=reply)


def median_ms(call: Callable[[], object], clock: Callable[[], float], turns: int) -> float:
    """Return how long a call takes on a clock, the median in ms."""
    call()
    took = []
    for _ in range(turns):
        began = clock()
        call()
        took.append((clock() - began) * 1000)
    return statistics.median(took)
