"""Watching a server that is busy, and one that is large: what is seen, and what it costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import redis as redis_py
from benchmarks.tables import table

from streamviz import EntryId, Observer, Stream, watch
from streamviz.plots import Flow

LOAD = "Load: a server kept busy by processes, observed 10 times a second"
LARGE = "A large stream: 10,000,000 entries, 50 groups, 1,000 consumers, observed twice a second"
KEY, GROUPS, WORKERS, PRODUCERS = "load", 3, 4, 4
PAIRS, TURN_S = 12, 3.0
OBSERVERS_COMMANDS = ("xinfo", "xpending", "xrange", "xrevrange", "multi", "exec")
PRODUCER = """
import sys
from streamviz import Stream, connect
stream = Stream(connect(sys.argv[1]), sys.argv[2])
rows = [{"item": "tea", "qty": "3"}] * int(sys.argv[3])
while True:
    stream.add_many(rows)
    stream.trim(maxlen=200_000, approximate=True)
"""
WORKER = """
import sys
from streamviz import Stream, connect
consumer = Stream(connect(sys.argv[1]), sys.argv[2]).group(sys.argv[4]).consumer(sys.argv[5])
while True:
    for entry in consumer.drain(int(sys.argv[3])):
        pass
"""


@contextmanager
def load(url: str, batch: int) -> Iterator[None]:
    """Run producers and the workers of each group, each a process of its own."""
    programs = [[PRODUCER]] * PRODUCERS
    programs += [[WORKER, f"g{g}", f"w{w}"] for g in range(GROUPS) for w in range(WORKERS)]
    with ExitStack() as stack:
        for program, *names in programs:
            command = [sys.executable, "-c", program, url, KEY, str(batch), *names]
            process = stack.enter_context(subprocess.Popen(command))
            stack.callback(process.kill)
        yield


def counters(client: redis_py.Redis) -> tuple[float, float, int]:
    """Return the server's CPU seconds, those for an observer's commands, and entries added."""
    cpu, stats = client.info("cpu"), client.info("commandstats")
    spent = sum(
        float(one["usec"])
        for name, one in stats.items()
        if name.removeprefix("cmdstat_").partition("|")[0] in OBSERVERS_COMMANDS
    )
    total = float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])
    return total, spent / 1e6, int(client.xinfo_stream(KEY)["entries-added"])


def behind_ms(client: redis_py.Redis, last_id: EntryId) -> float:
    """Return for how long there has been an entry that a picture up to `last_id` does not show."""
    now_ms = time.time() * 1000
    for _, entries in client.xread({KEY: str(last_id)}, count=1):
        return max(0.0, now_ms - EntryId.parse(entries[0][0]).ms)
    return 0.0


@pytest.mark.parametrize("batch", [1, 100])
def test_a_busy_server(server: Any, redis: redis_py.Redis, batch: int) -> None:
    """Show what happens while processes keep the server busy, every other few seconds."""
    redis.delete(KEY)
    for g in range(GROUPS):
        redis.xgroup_create(KEY, f"g{g}", "0", mkstream=True)
    late_ms: list[float] = []
    ours: list[float] = []
    shares: list[float] = []
    rates: dict[bool, list[float]] = {False: [], True: []}
    with load(server.url, batch):
        before = 0
        while (now := int(redis.xinfo_stream(KEY)["entries-added"])) < before + 1000 * batch:
            before, _ = before or now, time.sleep(0.1)
        dashboard = watch(server.client(), KEY)
        scenario, plot = dashboard.scenario, Flow()
        assert scenario is not None
        scenario.on_sample.append(lambda _sample: plot.static_figure(dashboard.history))
        scenario.on_sample.append(lambda sample: late_ms.append(behind_ms(redis, sample.last_id)))
        scenario.start()
        for turn in range(PAIRS):
            for observed in (False, True) if turn % 2 else (True, False):
                (scenario.resume if observed else scenario.pause)()
                cpu, spent, added = counters(redis)
                began, own = time.perf_counter(), time.process_time()
                time.sleep(TURN_S)
                cpu2, spent2, added2 = counters(redis)
                took = time.perf_counter() - began
                rates[observed].append((added2 - added) / (cpu2 - cpu))
                if observed:
                    shares.append((spent2 - spent) / (cpu2 - cpu))
                    ours.append((time.process_time() - own) / took)
        assert dashboard.history.last.trouble == ""
        dashboard.stop()
    cost = statistics.median(1 - b / a for a, b in zip(rates[False], rates[True], strict=True))
    late = statistics.quantiles(late_ms, n=20)
    found = table(
        LOAD,
        "entries a batch",
        "entries the server takes a CPU second, alone",
        "observed",
        "picture behind the stream, median ms",
        "19 of 20 times, at most ms",
        "kernel's CPU, % of a core",
    )
    found.add(
        batch,
        f"{statistics.median(rates[False]):,.0f}",
        f"{statistics.median(rates[True]):,.0f}",
        f"{statistics.median(late_ms):.0f}",
        f"{late[-1]:.0f}",
        f"{100 * statistics.median(ours):.1f}",
    )
    found.aim(f"batches of {batch}: ms behind, 19 of 20 times", late[-1], most=200)
    found.aim(
        f"batches of {batch}: % of a core in the kernel", 100 * statistics.median(ours), most=10
    )
    found.aim(
        f"batches of {batch}: % of the server's CPU that goes into the observer's commands",
        100 * statistics.median(shares),
        most=2,
    )
    found.aim(f"batches of {batch}: % less for the load, median of pairs", 100 * cost, most=2)


def test_a_large_stream(redis: redis_py.Redis, key: str, server: Any) -> None:
    """Observe a stream at rest, and while each consumer reads and acknowledges."""
    stream = Stream(redis, key)
    stream.add_many({"n": "1"} for _ in range(10_000_000))
    for g in range(50):
        redis.xgroup_create(key, f"g{g}", "0" if g % 2 else "$")
        for c in range(20):
            redis.xgroup_createconsumer(key, f"g{g}", f"pod-{g}-{c:05d}-7f9c")
            redis.xreadgroup(f"g{g}", f"pod-{g}-{c:05d}-7f9c", {key: ">"}, count=5)

    def work() -> None:
        stream.add_many({"n": "1"} for _ in range(50))
        pipe = redis.pipeline(transaction=False)
        for g in range(50):
            for c in range(20):
                pipe.xreadgroup(f"g{g}", f"pod-{g}-{c:05d}-7f9c", {key: ">"}, count=1)
        pipe.execute()

    found = table(LARGE, "consumers", "server CPU, % of a core", "kB a sample, median", "most")
    for name, act in (("at rest", lambda: None), ("all at work", work)):
        cpu_us, sizes = observed(redis, Observer(server.client(), key), act)
        share = 100 * 2 * cpu_us / 1e6
        kilobytes = statistics.median(sizes) / 1000
        found.add(name, f"{share:.2f}", f"{kilobytes:.0f}", f"{max(sizes) / 1000:.0f}")
        found.aim(f"{name}: % of a core of the server", share, most=1)
        found.aim(f"{name}: kB a sample", kilobytes, most=200)


def observed(
    redis: redis_py.Redis, observer: Observer, act: Callable[[], None]
) -> tuple[float, list[int]]:
    """Return the server's CPU time of a sample in µs, and the bytes of each."""
    spent, sizes = [], []
    for _ in range(60):
        act()
        before, cpu = redis.info("stats")["total_net_output_bytes"], redis.info("cpu")
        sample = observer.sample()
        cpu2, after = redis.info("cpu"), redis.info("stats")["total_net_output_bytes"]
        sizes.append(int(after) - int(before))  # with two replies to INFO, about 6 kB
        assert (sample.trouble, len(sample.groups)) == ("", 50)
        spent += [cpu2[one] - cpu[one] for one in ("used_cpu_user", "used_cpu_sys")]
    return 1e6 * sum(map(float, spent)) / len(sizes), sizes
