"""Idle times on the virtual clock: the same in every run, and right."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import pytest
import redis as redis_py

from streamviz import Scenario, Stream, record, series
from streamviz.observation.sample import GroupState
from streamviz.recording.write import Recorder

WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "crash": {"crash_after": 5, "claim_idle_ms": 2000, "batch": 3},
    "autoclaim": {"fail": 0.3, "claim_idle_ms": 1000, "claim_with": "xautoclaim"},
    "revival": {"crash_at_s": 2, "revive_after_s": 3, "batch": 4},
    "dead letters": {"fail": 0.5, "claim_idle_ms": 500, "delivery_limit": 2},
    "before": {"ack": "before", "batch": 3},
    "noack": {"ack": "noack"},
    "never": {"ack": "never"},
}


def shop(redis: redis_py.Redis, key: str, **options: Any) -> Scenario:
    scenario = Scenario(redis, seed=7)
    scenario.produce(key, series.constant(rate_hz=10).limit(60))
    scenario.group(key, "g", consumers=2, service_ms=150, **options)
    return scenario


@pytest.mark.parametrize("way", WAYS)
def test_two_recordings_of_one_seed_are_the_same_bytes(
    redis: redis_py.Redis, key: str, way: str, tmp_path: Path
) -> None:
    files = []
    for n in range(2):
        files.append(tmp_path / f"{n}.jsonl.gz")
        scenario = shop(redis, key, **WAYS[way])
        with record(scenario, files[-1]):
            scenario.run(5)
            scenario.run(3)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_recording_of_a_virtual_run_does_not_show_how_long_it_took(
    redis: redis_py.Redis, key: str, tmp_path: Path
) -> None:
    files = []
    for wait_s in (0.0, 0.15):  # so two samples take longer than a block may last
        files.append(tmp_path / f"{wait_s}.jsonl.gz")
        scenario = shop(redis, key)
        scenario.on_sample.append(lambda _sample, wait_s=wait_s: Event().wait(wait_s))
        with Recorder(files[-1], block_ms=250) as recorder:
            scenario.on_sample.append(recorder)
            scenario.run(1)
    assert files[0].read_bytes() == files[1].read_bytes()


def last(scenario: Scenario) -> GroupState:
    assert scenario.history.newest
    group = scenario.history.newest.group("g")
    assert group
    return group


def test_idle_times_are_those_of_the_clock(redis: redis_py.Redis, key: str) -> None:
    scenario = shop(redis, key, ack="never")
    scenario.run(10)
    group = last(scenario)
    assert [(one.name, one.pending) for one in group.consumers] == [("g-1", 30), ("g-2", 30)]
    # the last entries are added at 5.8 and 5.9 s, and each is handled by one of the two at once
    assert [one.idle_ms for one in group.oldest[:3]] == [10_000, 9900, 9800]
    assert sorted(one.inactive_ms or 0 for one in group.consumers) == [4100, 4200]
    assert all(one.idle_ms <= 100 for one in group.consumers), "they ask all the time"


def test_a_dead_consumer_grows_idle(redis: redis_py.Redis, key: str) -> None:
    scenario = shop(redis, key, crash_after=5)
    scenario.run(3)
    dead, held = last(scenario).consumers[0], last(scenario).oldest[0]
    assert (dead.name, held.consumer) == ("g-1", "g-1")
    assert held.idle_ms == dead.idle_ms == dead.inactive_ms
    scenario.run(60)
    (later, alive), still = last(scenario).consumers, last(scenario).oldest[0]
    assert later.idle_ms == still.idle_ms == dead.idle_ms + 60_000
    assert alive.idle_ms <= 100


def test_what_other_programs_do_is_idle_since_it_was_first_seen(
    redis: redis_py.Redis, key: str
) -> None:
    scenario = shop(redis, key)
    other = Stream(redis, key).group("other")
    other.create("0", mkstream=True)
    other.consumer("ann").read(1)
    scenario.run(1)
    other.consumer("ann").read(2)
    scenario.run(5)
    assert scenario.history.newest
    found = scenario.history.newest.group("other")
    assert found
    assert [one.idle_ms for one in found.oldest] == [5000, 5000]
    assert [(one.pending, one.idle_ms, one.inactive_ms or 5000) for one in found.consumers] == [
        (2, 5000, 5000)
    ]


def test_a_group_state_reads_the_same_in_every_run(redis: redis_py.Redis, key: str) -> None:
    texts = set()
    for _ in range(2):
        scenario = shop(redis, key, batch=3, crash_after=4)
        scenario.run(4)
        texts.add(repr(last(scenario)))
    assert len(texts) == 1
