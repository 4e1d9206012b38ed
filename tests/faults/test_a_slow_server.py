"""A server that is slow to answer is sampled less often, and the page says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise

import pytest
import redis as redis_py
from proxy import Proxy

from streamviz import watch
from streamviz.observation.back_off import SLOW_S, BackOff
from streamviz.observation.observer import Observer
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.observation.sample import Sample
from streamviz.patterns.partitions import Partitions
from streamviz.server.embedded import EmbeddedServer
from streamviz.simulation import Scenario

Until = Callable[..., None]
DELAY_S = 0.08


@pytest.fixture
def proxy(upstream: EmbeddedServer) -> Iterator[Proxy]:
    with closing(upstream.client()) as client:
        client.delete("s")
        client.xadd("s", {"n": 1})
        with Proxy(client.connection_pool.connection_kwargs["port"]) as opened:
            yield opened


@pytest.fixture
def client(upstream: EmbeddedServer, proxy: Proxy) -> Iterator[redis_py.Redis]:
    with closing(upstream.client()) as direct:
        password = direct.connection_pool.connection_kwargs["password"]
    with closing(redis_py.Redis(port=proxy.port, password=password)) as through:
        yield through


def late(data: bytes) -> bytes:
    threading.Event().wait(DELAY_S)
    return data


def test_a_live_picture_of_a_slow_server_is_sampled_less_often_and_says_so(
    proxy: Proxy, client: redis_py.Redis, until: Until
) -> None:
    dashboard = watch(client, "s", rate_hz=50)
    scenario = dashboard.scenario
    assert isinstance(scenario, Scenario)
    scenario.start()
    times_ms: list[int] = []
    scenario.on_sample.append(lambda sample: times_ms.append(sample.time_ms))
    until(lambda: len(times_ms) > 3)
    proxy.reply = late
    until(lambda: "ms to answer: sampling every" in dashboard._status()["trouble"])
    times_ms.clear()

    def hang(sample: Sample) -> None:
        threading.Event().wait(DELAY_S * 16)
        scenario.on_sample.remove(hang)

    scenario.on_sample.append(hang)  # then the next samples are due, but nothing is made up for
    until(lambda: len(times_ms) == 4, seconds=20)
    least_ms = 1000 * 10 * DELAY_S
    assert min(b - a for a, b in pairwise(times_ms)) >= least_ms
    assert dashboard.history.last is not None
    assert dashboard.history.last.trouble == "", "its numbers are as true as ever"
    proxy.reply = lambda data: data
    until(lambda: dashboard._status()["trouble"] == "")
    dashboard.stop()


def test_the_parts_of_a_slow_server_are_sampled_less_often_and_the_page_says_so(
    proxy: Proxy, client: redis_py.Redis, until: Until
) -> None:
    parts = Partitions(client, "parts", 4)
    parts.create_group("g")
    dashboard = watch(parts, rate_hz=50)
    assert dashboard.scenario is not None
    dashboard.scenario.start()
    proxy.reply = late
    until(lambda: "ms to answer: sampling every" in dashboard._status()["trouble"])
    proxy.reply = lambda data: data
    until(lambda: "sampling every" not in dashboard._status()["trouble"])
    dashboard.stop()


def test_parts_with_thousands_of_consumers_or_large_entries_cost_as_much_as_one_stream(
    upstream: EmbeddedServer, until: Until
) -> None:
    with closing(upstream.client()) as client:
        parts = Partitions(client, "busy", 8)
        parts.create_group("g")
        pipe = client.pipeline(transaction=False)
        for n in range(1000):
            for stream in parts.streams:
                pipe.xgroup_createconsumer(stream.key, "g", f"pod-{n}")
        pipe.execute()
        observer = PartitionObserver(parts)
        assert observer.back_off.interval_s == 0

        def told() -> str:
            observer.sample()
            return str(observer.back_off)

        until(lambda: "8,000 consumers: sampling every 2.4 s" in told())
        for group in parts.group("g"):
            group.destroy()
        until(lambda: not told())
        for stream in parts.streams:
            stream.add({"photo": "x" * 1_000_000})

        def changed() -> str:
            for stream in parts.streams:
                stream.add({"photo": "x" * 1_000_000})
            return observer.sample().trouble

        until(lambda: "entries of 1.0 MB: sampling every 24.0 s" in changed())
        before = client.info("stats")["total_net_output_bytes"]
        for _ in range(10):
            changed()
        size = client.info("stats")["total_net_output_bytes"] - before
        assert size < 10 * 200_000
        client.delete(*(stream.key for stream in parts.streams))


def test_no_lock_that_a_dashboard_needs_is_held_while_the_server_answers(
    proxy: Proxy, client: redis_py.Redis, until: Until
) -> None:
    dashboard = watch(client, "s", rate_hz=50)
    scenario = dashboard.scenario
    assert isinstance(scenario, Scenario)
    free: list[bool] = []

    def try_locks(data: bytes) -> bytes:
        for lock in (dashboard.history.lock, scenario.clock._changed):
            free.append(lock.acquire(timeout=1))
            if free[-1]:
                lock.release()
        return data

    proxy.reply = try_locks
    scenario.start()
    until(lambda: len(free) > 20)
    assert all(free)
    proxy.reply = lambda data: data
    dashboard.stop()


def test_a_paused_server_is_slow_and_one_slow_answer_is_not(
    client: redis_py.Redis, upstream: EmbeddedServer, until: Until
) -> None:
    observer = Observer(client, "s")

    def is_quick() -> bool:  # as it may not be on a busy machine
        began = time.monotonic()
        observer.sample()
        return time.monotonic() - began < SLOW_S

    until(is_quick)
    with closing(upstream.client()) as admin:
        for slow_answers in (1, 2, 3):
            assert (str(observer.back_off), observer.back_off.interval_s) == ("", 0)
            admin.client_pause(300)
            observer.sample()
            assert slow_answers == 3 or not observer.back_off.interval_s
    assert "to answer: sampling every" in str(observer.back_off)
    assert 0.5 < observer.back_off.interval_s <= 5
    until(is_quick)
    assert observer.back_off.interval_s == 0


def test_thousands_of_consumers_are_sampled_less_often(upstream: EmbeddedServer) -> None:
    with closing(upstream.client()) as client:
        client.xadd("many", {"n": 1})
        client.xgroup_create("many", "g", "0")
        pipe = client.pipeline(transaction=False)
        for n in range(10_000):
            pipe.xgroup_createconsumer("many", "g", f"a-pod-that-never-signed-off-{n}")
        observer = Observer(client, "many")
        observer.sample()
        assert str(observer.back_off) == ""
        pipe.execute()
        before = client.info("stats")["total_net_output_bytes"]
        observer.sample()
        size = client.info("stats")["total_net_output_bytes"] - before
        observer.sample()
        assert "10,000 consumers: sampling every" in str(observer.back_off)
        bytes_per_s = size / observer.back_off.interval_s
        assert bytes_per_s < 400_000, "200 kB a sample at two samples a second"
        many = BackOff()
        many.counts = {"consumers": 100_000}
        assert size * 10 / many.interval_s < 400_000, "however many there are"
        client.delete("many")
        observer.sample()
        assert (str(observer.back_off), observer.back_off.interval_s) == ("", 0)
        client.xadd("many", {"n": 1})
        observer.sample()
        assert str(observer.back_off) == ""


def test_thousands_of_groups_or_readers_are_sampled_less_often(upstream: EmbeddedServer) -> None:
    with closing(upstream.client()) as client:
        client.xadd("many", {"n": 1})
        pipe = client.pipeline(transaction=False)
        for n in range(1000):
            pipe.xgroup_create("many", f"g{n}", "0")
        pipe.execute()
        observer = Observer(client, "many")
        observer.sample()
        assert str(observer.back_off) == "1,000 groups: sampling every 1.7 s"
        client.delete("many")
        client.xadd("many", {"n": 1})
        client.hset("places", mapping={f"r{n}": "1-0" for n in range(20_000)})
        observer = Observer(client, "many", readers="places")
        observer.sample()
        assert str(observer.back_off) == "20,000 readers: sampling every 1.4 s"
        client.delete("many")
        observer.sample()
        assert observer.back_off.interval_s > 1, "the hash is still read"
        client.delete("places")


@pytest.mark.parametrize(
    ("took_s", "interval_s"),
    [
        ([0.06], 0),
        ([0.06] * 2, 0),
        ([0.06] * 3, 0.6),
        ([0.05] * 3, 0),
        ([9, 0.2, 0.1], 1),
        ([2] * 3, 5),
    ],
)
def test_a_slow_server_is_busy_with_samples_a_tenth_of_the_time(
    took_s: list[float], interval_s: float
) -> None:
    back_off = BackOff()
    for one in took_s:
        back_off.took(one)
    assert back_off.interval_s == pytest.approx(interval_s)
    assert bool(str(back_off)) == bool(interval_s)
