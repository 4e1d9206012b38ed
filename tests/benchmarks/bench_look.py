"""One look at a stream: its cost by size, and what being watched costs a busy producer."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

import pytest
import redis as redis_py
from benchmarks.tables import table

from streamviz import Observer, Stream

GROUPS, CONSUMERS = 3, 4
LOOKS = f"A look: {GROUPS} groups of {CONSUMERS} consumers, between two of which nothing happened"
WATCHED = "Watching: a producer that adds as fast as it can, alone and observed 10 times a second"
ROUNDS, SECONDS = 10, 1.0
LOOKED: list[float] = []


@pytest.mark.parametrize("pending", [10, 100_000])
@pytest.mark.parametrize("length", [1_000, 100_000, 1_000_000])
def test_look(benchmark: Any, redis: redis_py.Redis, key: str, length: int, pending: int) -> None:
    if pending > length:
        pytest.skip("no more can be pending than there is")
    stream = Stream(redis, key)
    stream.add_many({"item": "tea", "qty": "3"} for _ in range(length))
    for g in range(GROUPS):
        group = stream.group(f"group-{g}")
        group.create("0")
        for c in range(CONSUMERS):
            group.consumer(f"consumer-{c}").read(pending // CONSUMERS + 1)
    observer = Observer(redis, key)
    observer.look()
    benchmark.pedantic(observer.look, rounds=300)
    five = five_commands(redis, key)
    found = table(
        LOOKS, "entries", "pending a group", "median ms", "five XINFO in redis-py's pipeline, ms"
    )
    found.add(
        f"{length:,}",
        f"{pending:,}",
        f"{benchmark.stats.stats.median * 1000:.2f}",
        f"{statistics.median(five) * 1000:.2f}",
    )
    LOOKED.append(benchmark.stats.stats.median * 1000)
    found.aim("ms for a look, at most", max(LOOKED), most=0.5)
    found.aim("times as long for the largest as for the smallest", LOOKED[-1] / LOOKED[0], most=1.2)


def five_commands(redis: redis_py.Redis, key: str) -> list[float]:
    """Return how long redis-py takes for the same five XINFO, in seconds."""
    took = []
    for _ in range(300):
        began = time.perf_counter()
        pipeline = redis.pipeline(transaction=False)
        pipeline.xinfo_stream(key)
        pipeline.xinfo_groups(key)
        for g in range(GROUPS):
            pipeline.xinfo_consumers(key, f"group-{g}")
        pipeline.execute()
        took.append(time.perf_counter() - began)
    return took


def test_watching_costs_the_producer_little(redis: redis_py.Redis, key: str, server: Any) -> None:
    alone, observed = [], []
    rows = [{"item": "tea", "qty": "3"}] * 2000
    stream = Stream(redis, key)
    stream.group("group").create("0", mkstream=True)
    observer = Observer(server.client(), key)
    for _ in range(ROUNDS):  # in turns, so that a noisy machine is noisy to both
        for watched, rates in ((False, alone), (True, observed)):
            stop = threading.Event()
            watcher = threading.Thread(target=looks, args=(observer, stop))
            if watched:
                watcher.start()
            began, count = time.perf_counter(), 0
            while (took := time.perf_counter() - began) < SECONDS:
                count += stream.add_many(rows)
            rates.append(count / took)
            stop.set()
            if watched:
                watcher.join()
            stream.trim(maxlen=0)
    cost = 1 - statistics.median(observed) / statistics.median(alone)
    found = table(WATCHED, "producer", "entries a second, median", "cost")
    found.add("alone", f"{statistics.median(alone):,.0f}", "")
    found.add("observed", f"{statistics.median(observed):,.0f}", f"{cost:.1%}")
    found.aim("percent of the producer's rate", cost * 100, most=3)


def looks(observer: Observer, stop: threading.Event) -> None:
    while not stop.wait(0.1):
        observer.look()
