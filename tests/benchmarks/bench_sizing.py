"""What an entry costs the server: memory, and CPU by how it is added and read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import redis as redis_py
from benchmarks.tables import table

from streamviz import Observer, Stream
from streamviz.client import ConsumerGroup
from streamviz.server.embedded import EmbeddedServer

ENTRIES, SINGLES, SAMPLES = 100_000, 10_000, 500
MEMORY = f"Sizing, memory: a stream of {ENTRIES:,} entries, used_memory of INFO"
CPU = "Sizing, CPU: the server's own, from INFO, by command"
WATCH = f"Sizing, watching: {SAMPLES} samples of a stream, groups at rest"
SMALL = {"n": "1", "k": "a"}
ROWS = {"two tiny fields": SMALL, "one field of 100 bytes": {"data": "x" * 100}}


def cpu_us(client: redis_py.Redis, call: Callable[[], object]) -> float:
    """Return the CPU time that the server spends while something is done, in microseconds."""

    def used() -> float:
        cpu = client.info("cpu")
        return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])

    before = used()
    call()
    return (used() - before) * 1_000_000


def new_group(stream: Stream, name: str = "g") -> ConsumerGroup:
    stream.group(name).create("0")
    return stream.group(name)


def repeat(sample: Callable[[], object]) -> None:
    for _ in range(SAMPLES):
        sample()


@pytest.mark.parametrize("what", ROWS)
def test_memory(what: str) -> None:
    with EmbeddedServer() as server:  # of its own: nothing else is freed meanwhile
        client = server.client()

        def used() -> int:
            return int(client.info("memory")["used_memory"])

        before = used()
        stream = Stream(client, what)
        stream.add_many([ROWS[what]] * ENTRIES)
        added = used()
        consumer = new_group(stream).consumer("c")
        while consumer.read(1000):
            pass
        held = used() - added
        client.close()
    found = table(MEMORY, "entry", "bytes an entry", "more while it is pending, a group")
    found.add(what, f"{(added - before) / ENTRIES:.0f}", f"{held / ENTRIES:.0f}")


def test_cpu(redis: redis_py.Redis, prefix: str) -> None:
    many, single = Stream(redis, f"{prefix}many"), Stream(redis, f"{prefix}single")
    found = table(CPU, "what", "µs an entry, 1000 a round trip", "µs an entry, one a round trip")

    def add_singly() -> None:
        for _ in range(SINGLES):
            single.add(SMALL)

    batched = cpu_us(redis, lambda: many.add_many([SMALL] * ENTRIES)) / ENTRIES
    singly = cpu_us(redis, add_singly) / SINGLES
    found.add("add (XADD)", f"{batched:.2f}", f"{singly:.1f}")

    def drain(stream: Stream, count: int) -> None:
        group = new_group(stream)
        while entries := group.consumer("c").read(count):
            group.ack(*(entry.id for entry in entries))

    reads = cpu_us(redis, lambda: drain(many, 1000)) / ENTRIES
    read = cpu_us(redis, lambda: drain(single, 1)) / SINGLES
    found.add("read and acknowledge (XREADGROUP, XACK)", f"{reads:.2f}", f"{read:.1f}")
    for name, add, one in (("1000 a round trip", batched, reads), ("one", singly, read)):
        found.aim(
            f"entries a second that fill one core of the server, three groups, {name}",
            1_000_000 / (add + 3 * one),
            least=1000,
        )


def test_watching(redis: redis_py.Redis, prefix: str) -> None:
    found = table(WATCH, "groups", "server CPU, µs a sample")
    costs = {}
    for groups in (1, 10, 50):
        stream = Stream(redis, f"{prefix}{groups}")
        stream.add_many([SMALL] * 1000)
        for g in range(groups):
            new_group(stream, f"g{g}").consumer("c").read(10)
        sample = Observer(redis, stream.key).sample
        sample()
        costs[groups] = cpu_us(redis, partial(repeat, sample)) / SAMPLES
        found.add(groups, f"{costs[groups]:.0f}")
    found.aim("µs for each further group", (costs[50] - costs[1]) / 49, most=10)
    found.aim("percent of a core, 50 groups, two samples a second", costs[50] * 2 / 10_000, most=1)
