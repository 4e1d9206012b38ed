"""Many entries in and out: the kit against redis-py, walrus and the server's own benchmark."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from statistics import median

import pytest
import redis as redis_py
import walrus
from benchmarks.tables import Table, table

from streamviz import Stream

ADDED, DRAINED = 200_000, 50_000
ADD_ROUNDS, DRAIN_ROUNDS = 5, 7
KINDS = ({"item": "tea", "qty": "3"}, {"item": "mug"}, {"note": "gift", "qty": "1"})
ROWS = [{"item": "tea", "qty": str(n % 10)} for n in range(ADDED)]
MIXED = [KINDS[n % 3].copy() for n in range(ADDED)]
NOT_ASCII = [{"item": "thé", "qty": f"３{n % 10}"} for n in range(ADDED)]
ADD = f"Bulk: {ADDED:,} entries of two small fields added, 1000 a round trip"
DRAIN = f"Drain: {DRAINED:,} entries read by a group and acknowledged, 1000 a round trip"


def by_streamviz(rows: list[dict[str, str]]) -> Callable[[redis_py.Redis, str], None]:
    def add(client: redis_py.Redis, key: str) -> None:
        Stream(client, key).add_many(rows)

    return add


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


ADDERS: dict[str, Callable[[redis_py.Redis, str], None]] = {
    "redis-py": by_redis_py,
    "walrus": by_walrus,
    "redis-benchmark": by_redis_benchmark,
    "streamviz": by_streamviz(ROWS),
    "streamviz, mixed field sets": by_streamviz(MIXED),
    "streamviz, values that aren't ASCII": by_streamviz(NOT_ASCII),
}


def test_add(redis: redis_py.Redis, key: str) -> None:
    """Take turns, so that a slow moment of the machine meets all of them."""
    rates: dict[str, list[float]] = {name: [] for name in ADDERS}
    for _ in range(ADD_ROUNDS):
        for name, by in ADDERS.items():
            redis.delete(key)
            start = time.perf_counter()
            by(redis, key)
            rates[name].append(ADDED / (time.perf_counter() - start))
            assert redis.xlen(key) == ADDED
    found = by_rate(ADD, rates)
    ours, theirs = "streamviz", "redis-benchmark"
    found.aim("streamviz, times redis-py's pipeline", times(rates, ours, "redis-py"), least=3)
    found.aim("streamviz, times redis-benchmark", times(rates, ours, theirs), least=0.85)
    for other in ("mixed field sets", "values that aren't ASCII"):
        name = f"streamviz, {other}"
        found.aim(f"{name}, times redis-benchmark", times(rates, name, theirs), least=0.5)


def times(rates: dict[str, list[float]], name: str, base: str) -> float:
    """Return how many times as fast one is as another, the median of the rounds."""
    return median(one / other for one, other in zip(rates[name], rates[base], strict=True))


def by_rate(title: str, rates: dict[str, list[float]]) -> Table:
    """Make a table: who, how fast, and how many times as fast as redis-py."""
    found = table(title, "by", "entries a second, median", "least to most", "against redis-py")
    for name, all_rates in rates.items():
        spread = f"{min(all_rates):,.0f} to {max(all_rates):,.0f}"
        found.add(
            name, f"{median(all_rates):,.0f}", spread, f"{times(rates, name, 'redis-py'):.2f}×"
        )
    return found


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

    found = by_rate(DRAIN, rates)
    for name, base, least in (
        ("drain(read_ahead=True)", "redis-py", 1.5),
        ("drain(read_ahead=True)", "walrus", 1.3),
        ("drain(read_ahead=True), fields read", "redis-py", 1.3),
        ("drain()", "redis-py", 1.2),
        ("read() and ack(entries)", "redis-py", 0.9),
    ):
        found.aim(f"{name}, times {base}", times(rates, f"streamviz, {name}", base), least=least)
