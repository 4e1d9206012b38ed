"""One look at a stream: its cost by size, and what being watched costs a busy producer."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import redis as redis_py
from benchmarks.tables import table

from streamviz import Observer, Stream

GROUPS, CONSUMERS = 3, 4
LOOKS = f"A look: {GROUPS} groups of {CONSUMERS} consumers, between two of which nothing happened"
WATCHED = "Watching: a producer that adds as fast as it can, alone and observed 10 times a second"
ROUNDS, SECONDS = 10, 1.0
SIZES = [(1_000, 10), (100_000, 10), (100_000, 100_000), (1_000_000, 10), (1_000_000, 100_000)]
TURNS = 300


def test_look(redis: redis_py.Redis, prefix: str) -> None:
    """Look at all of them in turns, so that a noisy machine is noisy to all."""
    looks, fives = [], []
    for length, pending in SIZES:
        key = f"{prefix}{length}-{pending}"
        fill(Stream(redis, key), length, pending)
        looks.append(Observer(redis, key).look)
        fives.append(partial(five_commands, redis, key))
    took: dict[Callable[[], object], list[float]] = {one: [] for one in (*looks, *fives)}
    for _ in range(TURNS):
        for one, times in took.items():
            began = time.perf_counter()
            one()
            times.append((time.perf_counter() - began) * 1000)
    found = table(
        LOOKS, "entries", "pending a group", "median ms", "five XINFO in redis-py's pipeline, ms"
    )
    ms = [statistics.median(took[look]) for look in looks]
    for (length, pending), mine, five in zip(SIZES, ms, fives, strict=True):
        bare = statistics.median(took[five])
        found.add(f"{length:,}", f"{pending:,}", f"{mine:.2f}", f"{bare:.2f}")
    found.aim("ms for a look, at most", max(ms), most=0.5)
    found.aim("times as long for 1,000,000 entries as for 1,000", ms[3] / ms[0], most=1.2)
    found.aim("times as long with 100,000 pending as with 10", ms[4] / ms[3], most=1.2)


def fill(stream: Stream, length: int, pending: int) -> None:
    stream.add_many({"item": "tea", "qty": "3"} for _ in range(length))
    for g in range(GROUPS):
        group = stream.group(f"group-{g}")
        group.create("0")
        for c in range(CONSUMERS):
            group.consumer(f"consumer-{c}").read(pending // CONSUMERS + 1)


def five_commands(redis: redis_py.Redis, key: str) -> None:
    """Send the same five XINFO."""
    pipeline = redis.pipeline(transaction=False)
    pipeline.xinfo_stream(key)
    pipeline.xinfo_groups(key)
    for g in range(GROUPS):
        pipeline.xinfo_consumers(key, f"group-{g}")
    pipeline.execute()


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
