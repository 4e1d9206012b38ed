"""Ten minutes on the virtual clock: what the run takes, and what its parts take."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import redis as redis_py
from benchmarks.tables import table

from streamviz import Scenario, series

MINUTES, SHARE, ROUNDS = 10, 0.1, 3
TITLE = f"Virtual clock: {MINUTES} minutes of 20 entries a second, 3 groups of 4 consumers"


def test_ten_minutes(redis: redis_py.Redis, key: str) -> None:
    """Run a tenth of it, a few times; without samples, too, because the rest grows otherwise."""
    found = table(
        TITLE, "samples", "s of CPU, median", "commands", "round trips", "server's CPU, s"
    )
    for every_ms, name in ((100, "every 100 ms"), (1000, "every second"), (60_000, "none")):
        rounds = [measure(redis, key, every_ms) for _ in range(ROUNDS)]
        seconds, commands, trips, server_s = (
            median(column) / SHARE for column in zip(*rounds, strict=True)
        )
        found.add(name, f"{seconds:.1f}", f"{commands:,.0f}", f"{trips:,.0f}", f"{server_s:.1f}")
        if every_ms == 100:
            found.aim("s of CPU for all of it, samples every 100 ms", seconds, most=8)


def measure(redis: redis_py.Redis, key: str, every_ms: int) -> tuple[float, ...]:
    redis.delete(key)
    shop = Scenario(redis, seed=1, sample_every_ms=every_ms)
    shop.produce(key, series.orders(rate_hz=20))
    for group in ("billing", "email", "stock"):
        shop.group(key, group, consumers=4, service_ms=100)
    before, start = counts(redis), time.process_time()
    shop.run(MINUTES * 60 * SHARE)
    seconds = time.process_time() - start
    return seconds, *(new - old for new, old in zip(counts(redis), before, strict=True))


def counts(redis: redis_py.Redis) -> tuple[float, float, float]:
    info: Any = redis.info("everything")
    cpu = info["used_cpu_user"] + info["used_cpu_sys"]
    return info["total_commands_processed"], info["total_reads_processed"], cpu
