"""The clock of a real server is set, while it is watched: the numbers stay those of a count.

libfaketime sets it, as `date -s` would, and only for that server: the embedded one, because it
does not start with Debian's Redis 7.0.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis as redis_py

from streamviz import Observer, Scenario, Stream, series
from streamviz.observation.sample import Sample
from streamviz.server.embedded import EmbeddedServer

KEY, HOUR_S = "orders", 3600
SetClock = Callable[[int], None]


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """Return the file from which the server's clock takes its difference to the real one."""
    path = tmp_path / "clock"
    path.write_text("+0\n")
    return path


@pytest.fixture
def set_clock(clock: Path) -> SetClock:
    def by(hours: int) -> None:
        new = clock.with_suffix(".new")
        new.write_text(f"{hours * HOUR_S:+d}\n")
        new.replace(clock)  # the server reads it at each look at its clock

    return by


@pytest.fixture
def client(server: EmbeddedServer, clock: Path) -> Iterator[redis_py.Redis]:
    """Give a client of a server whose clock can be set."""
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not libraries:
        missing = pytest.fail if "CI" in os.environ else pytest.skip
        missing("libfaketime is missing: apt-get install libfaketime")
    program = clock.with_name("redis-server")
    variables = f"LD_PRELOAD={libraries[0]} FAKETIME_TIMESTAMP_FILE={clock} FAKETIME_NO_CACHE=1"
    real = shutil.which(server.program)
    more = "FAKETIME_DONT_FAKE_MONOTONIC=1"
    program.write_text(f'#!/bin/sh\nexec env {variables} {more} {real} "$@"\n')
    program.chmod(0o755)
    with EmbeddedServer(program=str(program)) as own:
        client = own.client()
        yield client
        client.close()


def server_s(client: redis_py.Redis) -> int:
    return int(client.time()[0])


def check(client: redis_py.Redis, sample: Sample) -> None:
    """Compare a sample with a full count."""
    entries = client.xrange(KEY)
    assert sample.trouble == ""
    assert (sample.length, sample.entries_added) == (len(entries), len(entries))
    assert str(sample.last_id).encode() == entries[-1][0]
    (group,) = sample.groups
    assert group.lag.verdict == "exact"
    assert group.lag.entries == len(client.xrange(KEY, f"({group.last_delivered_id}"))
    pending = client.xpending_range(KEY, "billing", "-", "+", 1000)
    assert group.pending == len(pending)
    assert [str(one.id).encode() for one in group.oldest] == [one["message_id"] for one in pending]
    assert all(one.idle_ms >= 0 for one in group.oldest)


@pytest.mark.parametrize("hours", [[2], [-2], [2, -2, 0]], ids=["ahead", "back", "to and fro"])
def test_each_number_stays_right_when_the_servers_clock_is_set(
    client: redis_py.Redis, set_clock: SetClock, hours: list[int]
) -> None:
    stream = Stream(client, KEY)
    group = stream.group("billing")
    group.create("0", mkstream=True)
    began_s = server_s(client)
    observer = Observer(client, KEY)
    observer.sample()
    added = 0
    for by in [0, *hours]:
        set_clock(by)
        assert abs(server_s(client) - began_s - by * HOUR_S) < 60, "the clock was not set"
        for _ in range(3):
            stream.add_many({"n": added + k} for k in range(10))
            added += 10
            entries = group.consumer("ann").read(7)
            group.ack(*entries[:4])
            sample = observer.sample()
            check(client, sample)
            assert sample.entries_added == added
            assert sample.groups[0].acked == 4 * (added // 10)
    check(client, Observer(client, KEY).sample())


def test_a_scenario_goes_on_while_the_servers_clock_is_set(
    client: redis_py.Redis, set_clock: SetClock, until: Callable[..., None]
) -> None:
    shop = Scenario(client, seed=1, sample_every_ms=50)
    shop.produce(KEY, series.constant(rate_hz=100))
    shop.group(KEY, "billing", consumers=2, service_ms=2, batch=5)
    shop.start()
    for by in (0, 2, -2, 0):
        set_clock(by)
        until(lambda: shop.history.newest)
        acked = shop.history.last.groups[0].acked
        until(lambda acked=acked: (shop.history.last.groups[0].acked or 0) > (acked or 0) + 50, 20)
    shop.stop()
    history = shop.history
    times = [one.time_ms for one in history.samples]
    assert times == sorted(times)
    assert not any(one.trouble for one in history.samples)
    assert {one.groups[0].lag.verdict for one in history.samples if one.groups} == {"exact"}
    assert history.last.entries_added > 200
    check(client, Observer(client, KEY).sample())
