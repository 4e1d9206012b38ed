"""Make the ready recordings anew: python tests/make_recordings.py [folder]."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import redis as redis_py

from streamviz import History, Scenario, connect, series
from streamviz.observation.sample import GroupState, Sample
from streamviz.recording import save

FOLDER = Path(__file__).parent.parent / "notebooks" / "recordings"
Captions = list[tuple[float, str]]


def crash_and_rescue(scenario: Scenario) -> tuple[History, Captions]:
    """Let a consumer crash with a pending entry, and another one claim it."""
    scenario.produce("orders", series.orders(rate_hz=8, seed=7))
    scenario.group(
        "orders",
        "billing",
        consumers=3,
        service_ms=250,
        batch=4,
        crash_after=26,
        claim_idle_ms=7000,
    )
    return scenario.run(seconds=32), [
        (0, "Three consumers share the orders"),
        (11.5, "billing-1 crashes: its entry is pending, and no consumer works on it"),
        (15, "New orders flow on. The pending order only gets older"),
        (18.7, "Idle for 7 s: another consumer claims it"),
        (22, "Nothing was lost"),
    ]


def fall_behind_and_catch_up(scenario: Scenario) -> tuple[History, Captions]:
    """Let a group be too slow for the orders that arrive, until it gets help."""
    scenario.produce("orders", series.orders(rate_hz=10, seed=7))
    scenario.group("orders", "billing", consumers=2, service_ms=120)
    email = scenario.group("orders", "email", consumers=1, service_ms=180)
    scenario.run(seconds=20)
    email.add_consumer()
    email.add_consumer()
    scenario.note("two more consumers for email")
    return scenario.run(seconds=25), [
        (0, "Ten orders per second, for two groups"),
        (5, "email takes 180 ms per order: five or six per second, but ten arrive"),
        (20, "Two more consumers: Redis delivers to the next one that asks"),
        (38, "email has caught up, and skipped nothing"),
    ]


def a_trim_bites(scenario: Scenario) -> tuple[History, Captions]:
    """Let a group lag so far that entries are trimmed before it reads them."""
    scenario.produce("orders", series.orders(rate_hz=10, seed=7), maxlen=80)
    scenario.group("orders", "billing", consumers=2, service_ms=120)
    scenario.group("orders", "email", consumers=1, service_ms=250)
    return scenario.run(seconds=40), [
        (0, "The stream keeps its newest 80 entries"),
        (8.8, "80 entries: from now on, each new entry pushes out the oldest"),
        (13, "Nearly 80 entries are waiting for email"),
        (15.4, "Its lag stops growing: entries are trimmed before email reads them"),
        (30, "No error anywhere: email never gets those orders"),
    ]


ALL: tuple[Callable[[Scenario], tuple[History, Captions]], ...] = (
    crash_and_rescue,
    fall_behind_and_catch_up,
    a_trim_bites,
)


def make(client: redis_py.Redis, folder: Path) -> list[Path]:
    """Write the recordings into a folder, and return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for run in ALL:
        client.delete("orders")
        history, captions = run(Scenario(client, seed=7))
        calm = History(len(history), max_entries=100_000)
        for sample in history.samples:
            calm.append(timeless(sample))
        path = folder / f"{run.__name__}.jsonl.gz"
        save(calm, path, captions=captions, overwrite=True)
        made.append(path)
    client.delete("orders")
    return made


def timeless(sample: Sample) -> Sample:
    """Return a sample without the server's idle times: the wall's, and other ones in each run."""
    return replace(sample, groups=tuple(map(_timeless, sample.groups)))


def _timeless(group: GroupState) -> GroupState:
    consumers = [one._replace(idle_ms=0, inactive_ms=None) for one in group.consumers]
    oldest = [one._replace(idle_ms=0) for one in group.oldest]
    return replace(group, consumers=tuple(consumers), oldest=tuple(oldest))


if __name__ == "__main__":
    for written in make(connect(), Path(sys.argv[1]) if sys.argv[1:] else FOLDER):
        print(written.name, written.stat().st_size)
