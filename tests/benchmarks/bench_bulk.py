"""Many entries in and out: the kit against redis-py, walrus and the server's own benchmark."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
import redis as redis_py
import walrus
from benchmarks.tables import table

from streamviz import Stream

ADDED = 1_000_000
DRAINED = 50_000
ROUNDS = 3
DRAIN_ROUNDS = 7
ROWS = [{"item": "tea", "qty": "3"}] * ADDED
TITLE = f"Bulk: {ADDED:,} entries of two small fields added, 1000 a round trip"
NAMES = {"redis_py": "redis-py", "redis_benchmark": "redis-benchmark"}
RATES: dict[str, dict[str, float]] = {}
DRAIN = f"Drain: {DRAINED:,} entries read by a group and acknowledged, 1000 a round trip"


def by_streamviz(client: redis_py.Redis, key: str) -> None:
    Stream(client, key).add_many(ROWS)


def by_redis_py(client: redis_py.Redis, key: str) -> None:
    for start in range(0, ADDED, 1000):
        pipeline = client.pipeline(transaction=False)
        for row in ROWS[start : start + 1000]:
            pipeline.xadd(key, row)  # type: ignore[arg-type]
        pipeline.execute()


def by_walrus(client: redis_py.Redis, key: str) -> None:
    database = walrus.Database(connection_pool=client.connection_pool)
    for start in range(0, ADDED, 1000):
        pipeline = database.pipeline(transaction=False)
        for row in ROWS[start : start + 1000]:
            pipeline.xadd(key, row)
        pipeline.execute()


def by_redis_benchmark(client: redis_py.Redis, key: str) -> None:
    program = shutil.which("redis-benchmark")
    if program is None:
        pytest.fail("redis-benchmark is not on the PATH: install redis-tools")
    path = client.connection_pool.connection_kwargs["path"]
    command = ["XADD", key, "*", "item", "tea", "qty", "3"]
    subprocess.run(
        [program, "-s", path, "-n", str(ADDED), "-P", "1000", "-c", "1", "-q", *command],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("by", [by_redis_benchmark, by_streamviz, by_redis_py, by_walrus])
def test_add(
    benchmark: Any, redis: redis_py.Redis, key: str, by: Callable[[redis_py.Redis, str], None]
) -> None:
    benchmark.pedantic(by, args=(redis, key), setup=lambda: unlink(redis, key), rounds=ROUNDS)
    assert redis.xlen(key) == ADDED
    by_rate(TITLE, by, ADDED / benchmark.stats.stats.median)


def unlink(redis: redis_py.Redis, key: str) -> None:
    redis.delete(key)


def drain_streamviz(client: redis_py.Redis, key: str) -> int:
    return sum(1 for _ in Stream(client, key).group("g").consumer("c").drain(1000))


def drain_streamviz_ahead(client: redis_py.Redis, key: str) -> int:
    consumer = Stream(client, key).group("g").consumer("c")
    return sum(1 for _ in consumer.drain(1000, read_ahead=True))


def drain_streamviz_reading_fields(client: redis_py.Redis, key: str) -> int:
    entries = Stream(client, key).group("g").consumer("c").drain(1000, read_ahead=True)
    return sum(1 for entry in entries if entry.fields["item"])


def drain_streamviz_read_and_ack(client: redis_py.Redis, key: str) -> int:
    group = Stream(client, key).group("g")
    consumer = group.consumer("c")
    count = 0
    while entries := consumer.read(1000):
        group.ack(entries)
        count += len(entries)
    return count


def drain_streamviz_read_and_ack_ids(client: redis_py.Redis, key: str) -> int:
    group = Stream(client, key).group("g")
    consumer = group.consumer("c")
    count = 0
    while entries := consumer.read(1000):
        group.ack(*(entry.id for entry in entries))
        count += len(entries)
    return count


def drain_redis_py(client: redis_py.Redis, key: str) -> int:
    count = 0
    while found := client.xreadgroup("g", "c", {key: ">"}, count=1000):
        entries = found[0][1] if isinstance(found, list) else found[key][0]
        client.xack(key, "g", *(which for which, _ in entries))
        count += len(entries)
    return count


def drain_redis_py_as_text(client: redis_py.Redis, key: str) -> int:
    path = client.connection_pool.connection_kwargs["path"]
    return drain_redis_py(redis_py.Redis(unix_socket_path=path, decode_responses=True), key)


def drain_walrus(client: redis_py.Redis, key: str) -> int:
    database = walrus.Database(connection_pool=client.connection_pool)
    stream = database.consumer_group("g", [key], consumer="c").streams[key]
    count = 0
    while entries := stream.read(count=1000):
        stream.ack(*(which for which, _ in entries))
        count += len(entries)
    return count


DRAINS = {
    "redis-py": drain_redis_py,
    "redis-py, as text": drain_redis_py_as_text,
    "walrus": drain_walrus,
    "streamviz, drain()": drain_streamviz,
    "streamviz, drain(read_ahead=True)": drain_streamviz_ahead,
    "streamviz, drain(read_ahead=True), fields read": drain_streamviz_reading_fields,
    "streamviz, read() and ack(entries)": drain_streamviz_read_and_ack,
    "streamviz, read() and ack() of each ID": drain_streamviz_read_and_ack_ids,
}


def test_drain(redis: redis_py.Redis, key: str) -> None:
    """Take turns, so that a slow moment of the machine meets all of them."""
    Stream(redis, key).add_many(ROWS[:DRAINED])
    group = Stream(redis, key).group("g")
    rates: dict[str, list[float]] = {name: [] for name in DRAINS}
    for _ in range(DRAIN_ROUNDS):
        for name, by in DRAINS.items():
            group.create("0")
            start = time.perf_counter()
            count = by(redis, key)
            rates[name].append(count / (time.perf_counter() - start))
            assert count == DRAINED
            assert not group.pending().count
            group.destroy()

    def times(name: str, base: str) -> float:
        return median(one / other for one, other in zip(rates[name], rates[base], strict=True))

    found = table(DRAIN, "by", "entries a second, median", "least to most", "against redis-py")
    for name, all_rates in rates.items():
        spread = f"{min(all_rates):,.0f} to {max(all_rates):,.0f}"
        found.add(name, f"{median(all_rates):,.0f}", spread, f"{times(name, 'redis-py'):.2f}×")
    ahead, by_hand = "streamviz, drain(read_ahead=True)", "streamviz, read() and ack(entries)"
    found.aim("drain(read_ahead=True), times redis-py", times(ahead, "redis-py"), least=1.5)
    found.aim("drain(read_ahead=True), times walrus", times(ahead, "walrus"), least=1.3)
    read = times(f"{ahead}, fields read", "redis-py")
    found.aim("drain(read_ahead=True), fields read, times redis-py", read, least=1.3)
    plain = times("streamviz, drain()", "redis-py")
    found.aim("drain(), times redis-py", plain, least=1.2)
    found.aim("read() and ack(entries), times redis-py", times(by_hand, "redis-py"), least=0.9)


def by_rate(title: str, by: Callable[..., Any], rate: float) -> None:
    """Add a row: who, how fast, and how many times as fast as redis-py."""
    RATES.setdefault(title, {})[NAMES.get(name := by.__name__.removeprefix("by_"), name)] = rate
    found = table(title, "by", "entries a second", "against redis-py")
    base = RATES[title].get("redis-py")
    found.rows = [
        [name, f"{one:,.0f}", f"{one / base:.1f}×" if base else ""]
        for name, one in RATES[title].items()
    ]
    rates = RATES[title]
    if title == TITLE and len(rates) == 4:
        ours = rates["streamviz"]
        found.aim("times redis-py's pipeline", ours / rates["redis-py"], least=3)
        found.aim("times redis-benchmark", ours / rates["redis-benchmark"], least=0.5)
