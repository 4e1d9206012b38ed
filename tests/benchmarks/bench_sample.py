"""One sample of a stream: its cost by size, and what being watched costs a busy producer."""

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
from streamviz.observation import Sample

GROUPS, CONSUMERS = 3, 4
SAMPLES = (
    f"A sample: {GROUPS} groups of {CONSUMERS} consumers, all at rest or all at work between two"
)
WATCHED = "Watching: a producer that adds as fast as it can, alone and observed 10 times a second"
PAIRS, SECONDS = 400, 0.2
SIZES = [(1_000, 10), (100_000, 10), (100_000, 100_000), (1_000_000, 10), (1_000_000, 100_000)]
TURNS = 300


def test_sample(redis: redis_py.Redis, prefix: str) -> None:
    """Sample all of them in turns, so that a noisy machine is noisy to all."""
    samples, fives, works = [], [], []
    for length, pending in SIZES:
        stream = Stream(redis, f"{prefix}{length}-{pending}")
        fill(stream, length, pending)
        samples.append(Observer(redis, stream.key).sample)
        counting = until_counted(samples[-1])  # the last one has the longest backlog to count
        fives.append(partial(five_commands, redis, stream.key))
        works.append(partial(work, stream))
    bare = in_turns(fives)
    ms = in_turns(samples)
    working = in_turns(samples, works)
    found = table(
        SAMPLES,
        "entries",
        "pending a group",
        "at rest, median ms",
        "at work, median ms",
        "five XINFO in redis-py's pipeline, ms",
    )
    for (length, pending), *times in zip(SIZES, ms, working, bare, strict=True):
        found.add(f"{length:,}", f"{pending:,}", *(f"{one:.2f}" for one in times))
    found.aim("ms for a sample, at most", max(ms), most=0.5)
    found.aim("times five XINFO at rest, median", times_as_long(ms, bare), most=1.5)
    found.aim("times five XINFO at work, median", times_as_long(working, bare), most=3)
    found.aim("ms for a sample while it counts a backlog, median", counting, most=1.5)
    found.aim("times as long for 1,000,000 entries as for 1,000", ms[3] / ms[0], most=1.2)
    found.aim("times as long with 100,000 pending as with 10", ms[4] / ms[3], most=1.2)


def times_as_long(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the quotients, stream by stream."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def until_counted(sample: Callable[[], Sample]) -> float:
    """Sample until every lag is counted; return how long that took a sample, the median in ms."""
    took, counted = [], False
    while not counted:
        began = time.perf_counter()
        counted = all(group.lag.verdict == "exact" for group in sample().groups)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def in_turns(
    calls: list[Callable[[], object]], before: list[Callable[[], object]] | None = None
) -> list[float]:
    """Return how long each takes, the median in ms, without what is done before each."""
    took: list[list[float]] = [[] for _ in calls]
    for _ in range(TURNS):
        for place, call in enumerate(calls):
            if before:
                before[place]()
            began = time.perf_counter()
            call()
            took[place].append((time.perf_counter() - began) * 1000)
    return [statistics.median(times) for times in took]


def work(stream: Stream) -> None:
    """Let an entry come, and let a consumer of each group read one and acknowledge another."""
    stream.add({"item": "tea", "qty": "3"})
    for g in range(GROUPS):
        group = stream.group(f"group-{g}")
        group.consumer("consumer-0").read(1)
        group.ack(group.pending_entries(count=1)[0].id)


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
    """Compare many short pairs: from one second to the next the machine differs more than this."""
    rows = [{"item": "tea", "qty": "3"}] * 2000
    stream = Stream(redis, key)
    stream.group("group").create("0", mkstream=True)
    watched, ended = threading.Event(), threading.Event()
    observer = Observer(server.client(), key)
    watcher = threading.Thread(target=observe, args=(observer, watched, ended))
    watcher.start()
    rates: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(PAIRS):
        for observed in (False, True) if turn % 2 else (True, False):
            (watched.set if observed else watched.clear)()
            began, count = time.perf_counter(), 0
            while (took := time.perf_counter() - began) < SECONDS:
                count += stream.add_many(rows)
            rates[observed].append(count / took)
            stream.trim(maxlen=0)
    ended.set()
    watched.set()
    watcher.join()
    costs = sorted(1 - b / a for a, b in zip(rates[False], rates[True], strict=True))
    cost = statistics.median(costs)
    beside = round(0.98 * PAIRS**0.5)  # so many ranks from the middle: 95 times of 100 it is there
    low, high = costs[PAIRS // 2 - beside], costs[PAIRS // 2 + beside - 1]
    found = table(
        WATCHED, "producer", "entries a second, median", "cost, median of the pairs", "95 % sure"
    )
    found.add("alone", f"{statistics.median(rates[False]):,.0f}", "", "")
    found.add(
        "observed",
        f"{statistics.median(rates[True]):,.0f}",
        f"{cost:.1%}",
        f"{low:.1%} to {high:.1%}",
    )
    found.aim(f"percent of the producer's rate, median of {PAIRS} pairs", cost * 100, most=3)


def observe(observer: Observer, watched: threading.Event, ended: threading.Event) -> None:
    while not ended.is_set():
        watched.wait()
        observer.sample()
        time.sleep(0.1)
