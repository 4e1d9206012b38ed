"""Claims about scale: memory, and the capacity of one server."""

from __future__ import annotations

from itertools import islice, repeat
from typing import Any

import redis

from exercises.fact_check.claims import Finding, between, judged
from exercises.fact_check.processes import PREFIX, fresh, private_mib
from streamviz.client import Fields, Stream
from streamviz.patterns import Partitions
from streamviz.server import EmbeddedCluster

GIB = 2**30
ORDER: Fields = {"customer": "customer-17", "total": "42"}
_MIB = (1, 10, 40, 100)
_LITTLE_MIB = 50  # half of what the article says of Kafka Streams
_ADDS = 10_000
_CONSUMER = """
from streamviz.client.stream import Stream
memory = bytearray({ballast})
group = Stream(client, {key!r}).group("small")
group.create("0", mkstream=True, exist_ok=True)
group.consumer("one").read(10)
"""


def apps_are_small(client: redis.Redis, *, ballast_mib: int = 0) -> Finding:
    """Check that a small service on Redis Streams takes little memory.

    Parameters
    ----------
    client : redis.Redis
        The server.
    ballast_mib : int
        Additional memory of the consumer, in MiB.
    """
    key = fresh(client, "small").key
    bare = private_mib("")
    with_client = private_mib("import redis")
    consumer = private_mib(_CONSUMER.format(ballast=ballast_mib * 2**20, key=key), client)
    words = [between(mib, _MIB, "MiB") for mib in (bare, with_client, consumer)]
    return judged(
        f"A small service on Redis Streams takes less than {_LITTLE_MIB} MiB.",
        "private memory of Python processes: bare, with redis-py, a consumer",
        f"{words[0]}, {words[1]}, {words[2]}",
        holds=consumer < _LITTLE_MIB,
        only_within=True,
        limits="that is its own memory. Its data takes memory in Redis, and counts as well",
        said="if you're stingy about that sort of thing (and don't plan on scaling to infinity), "
        "Redis Streams can be a great fit",
    )


def memory_is_the_wall(client: redis.Redis, *, maxlen: int | None = None) -> Finding:
    """Check that a stream's memory grows with the number of its entries.

    Parameters
    ----------
    client : redis.Redis
        The server.
    maxlen : int, optional
        A cap.
    """
    log = fresh(client, "log")
    sizes = []
    for _ in range(2):
        log.add_many(repeat(ORDER, _ADDS))
        if maxlen is not None:
            log.trim(maxlen=maxlen)
        sizes.append(bytes_of(log))
    grown = sizes[1] / sizes[0]
    each = sizes[1] / max(1, len(log))
    millions = GIB / each / 1e6
    return judged(
        "All of a stream is in memory, so more entries need more memory.",
        "memory of a stream of small entries, and of one twice as long",
        f"{between(each, (20, 40), 'bytes')} per entry, {between(grown, (1.5, 2.5))} times as much",
        holds=grown > 1.5,
        limits=f"a GiB holds {between(millions, (25, 60), 'million')} such entries, if no "
        "group has them pending, and a cap limits the memory",
        said="one or two boxes, each with an enormous amount of RAM",
    )


def one_node_or_two(cluster: EmbeddedCluster, *, parts: int = 1) -> Finding:
    """Check that a stream stays on one node of a cluster.

    Parameters
    ----------
    cluster : EmbeddedCluster
        Several nodes.
    parts : int
        The number of streams that share the data.
    """
    used, parted = _nodes_used(cluster, parts), _nodes_used(cluster, 6)
    return judged(
        "A stream stays on one node.",
        f"a stream in a cluster of {len(cluster.nodes)} nodes",
        f"it uses {used} of them",
        holds=used == 1,
        limits=f"split into 6 streams, the same entries use {parted}; you do the splitting, and "
        "lose the order between them",
        said="Redis works great when you have one or two boxes",
    )


def one_box_is_enough(client: redis.Redis, *, needs_hz: float = 100_000) -> Finding:
    """Check that one machine goes far: how many entries one core of the server adds per second.

    Parameters
    ----------
    client : redis.Redis
        The server.
    needs_hz : float
        The rate that is enough, in entries per second.
    """
    fast = fresh(client, "fast")
    start = seconds_at_work(client)
    fast.add_many(repeat(ORDER, _ADDS))
    batch_s = seconds_at_work(client) - start
    start = seconds_at_work(client)
    for row in islice(repeat(ORDER), _ADDS // 10):
        fast.add(row)
    single_s = (seconds_at_work(client) - start) * 10
    hz, ratio = _ADDS / batch_s, single_s / batch_s
    return judged(
        "One or two machines go a long way.",
        f"the server's own time for {_ADDS:,} small entries, in batches",
        f"{between(hz, (needs_hz,), 'per second on one core')}",
        holds=hz > needs_hz,
        only_within=True,
        limits="that was without readers, a log on disk or a replica. One at a time, each takes "
        f"{between(ratio, (2, 100))} times as long, and all streams of a server share its one main "
        "thread",
        said="Redis works great when you have one or two boxes",
    )


def bytes_of(stream: Stream) -> int:
    """Return the memory of a stream in bytes, all nodes counted (MEMORY USAGE, 4.0); 0 if empty."""
    return int(stream.connection.call("MEMORY", "USAGE", stream.key, "SAMPLES", 0) or 0)


def seconds_at_work(client: redis.Redis) -> float:
    """Return the server's processor time, in seconds of one core (INFO cpu)."""
    used: Any = client.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


def _nodes_used(cluster: EmbeddedCluster, parts: int) -> int:
    """Return the number of nodes that hold the entries of 100 customers in some parts."""
    client = cluster.client()
    try:
        wide = Partitions(client, f"{PREFIX}wide", parts)
        for n in range(100):
            wide.add(f"customer-{n}", {"n": n})
        holders = {cluster.slot_owner(stream.key).name for stream in wide.streams if len(stream)}
        for stream in wide.streams:
            client.unlink(stream.key)
    finally:
        client.close()
    return len(holders)
