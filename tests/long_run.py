"""A long run: what a kernel and a browser hold must not grow. `make long`.

    python tests/long_run.py --minutes 10 --hours 8

A stream gets 1,000 entries a second at real speed, which three groups read, while a page and a
dashboard show it. Then a scenario runs for hours on the virtual clock. Memory is measured when the
windows are full, and at the end.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Page, sync_playwright

from streamviz import Scenario, connect, series, watch
from streamviz.export import DashboardServer
from streamviz.server.embedded import EmbeddedServer

KEY, RATE_HZ, COLLECTIONS = "long", 1000, 8
TRAFFIC = """
import sys, time
from streamviz import Stream, connect
stream = Stream(connect(sys.argv[1]), sys.argv[2])
consumers = [stream.group(f"g{n}").consumer("c") for n in range(3)]
due = time.monotonic()
while True:
    stream.add_many([{"item": "tea", "qty": "3"}] * 100)
    stream.trim(maxlen=50_000, approximate=True)
    for consumer in consumers:
        for entry in consumer.drain(1000):
            pass
    due += 0.1
    time.sleep(max(0, due - time.monotonic()))
"""


class Held(NamedTuple):
    """What is held at one moment."""

    kernel_mb: float
    threads: int
    files: int
    clients: int
    heap_mb: float


def kernel_mb() -> float:
    """Return the resident memory of this process, after a collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def heap_mb(page: Page) -> float:
    """Return the page's heap: the least of some collections, since frames come between."""
    devtools = page.context.new_cdp_session(page)
    found = []
    for _ in range(COLLECTIONS):
        devtools.send("HeapProfiler.collectGarbage")
        found.append(page.evaluate("() => performance.memory.usedJSHeapSize") / 1e6)
        page.wait_for_timeout(300)
    devtools.detach()
    return min(found)


def held(client: Any, page: Page) -> Held:
    """Measure."""
    heap = heap_mb(page)
    files = len(os.listdir("/proc/self/fd"))
    clients = len(client.client_list())
    return Held(kernel_mb(), threading.active_count(), files, clients, heap)


def real(minutes: float, warm_up_s: float) -> tuple[Held, Held]:
    """Run at real speed, and return what is held when the windows are full, and at the end.

    What is not shown or not added would not grow either, so both are checked.
    """
    with ExitStack() as stack:
        redis = stack.enter_context(EmbeddedServer())
        client = redis.client()
        for n in range(3):
            client.xgroup_create(KEY, f"g{n}", "0", mkstream=True)
        command = [sys.executable, "-c", TRAFFIC, redis.url, KEY]
        traffic = stack.enter_context(subprocess.Popen(command))
        stack.callback(traffic.kill)
        dashboard = watch(redis.client(), KEY)
        assert dashboard.scenario is not None
        dashboard.scenario.start()
        stack.callback(dashboard.stop)
        shown = Scenario(redis.client(), sample_every_ms=100).watch(KEY)
        server = stack.enter_context(DashboardServer(shown, KEY))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=os.environ.get("STREAMVIZ_CHROMIUM", "/usr/bin/chromium"),
            args=["--enable-precise-memory-info", "--no-sandbox"],
        )
        page = browser.new_page()
        page.goto(server.url)
        page.wait_for_timeout(warm_up_s * 1000)
        first, began, before = held(client, page), time.monotonic(), added(client)
        words = page.inner_text("body")
        end = began + minutes * 60
        while time.monotonic() < end:
            page.wait_for_timeout(min(10, max(0.1, end - time.monotonic())) * 1000)
            print("  ", *(f"{name} {value:,.1f}" for name, value in now(client, page)), flush=True)
            assert traffic.poll() is None, "the traffic has ended"
        last = held(client, page)
        rate_hz = (added(client) - before) / (time.monotonic() - began)
        newest = dashboard.history.last
        print(f"real speed: {rate_hz:,.0f} entries a second, {added(client):,} in all")
        assert rate_hz > 0.9 * RATE_HZ, "this machine is too busy for the traffic"
        assert (newest.trouble, shown.history.last.trouble) == ("", "")
        assert added(client) - newest.entries_added < 5 * RATE_HZ, "the dashboard is not up to date"
        assert {"g0", "entries"} <= set(page.inner_text("body").split()), "the page shows nothing"
        assert page.inner_text("body") != words, "the page stands still"
        browser.close()
    return first, last


def added(client: Any) -> int:
    """Return how many entries were ever added."""
    return int(client.xinfo_stream(KEY)["entries-added"])


def now(client: Any, page: Page) -> list[tuple[str, float]]:
    """Measure, with names."""
    return list(held(client, page)._asdict().items())


def virtual(hours: float) -> tuple[float, float]:
    """Run on the virtual clock, and return the kernel's memory after a tenth and at the end."""
    shop = Scenario(connect(), seed=1, sample_every_ms=1000)
    shop.produce(KEY, series.constant(rate_hz=20), maxlen=10_000)
    for name in ("a", "b", "c"):
        shop.group(KEY, name, consumers=2, service_ms=50, batch=20)
    step_s, first = hours * 360, 0.0
    for turn in range(10):
        shop.run(step_s)
        first = first or (kernel_mb() if turn == 1 else 0.0)
    last = kernel_mb()
    print(f"virtual clock: {hours:g} hours, {shop.history.last.entries_added:,} entries")
    return first, last


def main() -> int:
    """Run both, and fail if something grew."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--hours", type=float, default=8)
    parser.add_argument("--warm-up", type=float, default=240, metavar="S")
    options = parser.parse_args()
    first, last = real(options.minutes, options.warm_up)
    early, late = virtual(options.hours)
    checks = {
        "kernel, MB, real speed": (first.kernel_mb, last.kernel_mb, 1.05),
        "kernel, MB, virtual clock": (early, late, 1.05),
        "browser's heap, MB": (first.heap_mb, last.heap_mb, 1.10),
        "threads": (first.threads, last.threads, 1.0),
        "open files": (first.files, last.files, 1.0),
        "clients of the server": (first.clients, last.clients, 1.0),
    }
    good = True
    for name, (before, after, most) in checks.items():
        grown = after > before * most
        good = good and not grown
        print(f"{name}: {before:,.1f} -> {after:,.1f} ({'too much' if grown else 'flat'})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
