"""What a frame says of a stream is what a full count in Redis finds."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import pytest
import redis as redis_py
from hypothesis import given
from plots import histories

from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.observation.observer import Observer
from streamviz.recording import load, save

TYPES = {
    "time": "datetime64[ms, UTC]",
    "elapsed_s": "Float64",
    "stream": "string",
    "group": "string",
    "length": "Int64",
    "lag_entries": "Int64",
    "lag_ms": "Int64",
    "verdict": "string",
    "pending": "Int64",
    "acked": "Int64",
}


class Counted:
    """Traffic of two groups on one stream, and what a full count finds after each step."""

    def __init__(self, redis: redis_py.Redis, key: str) -> None:
        self.redis, self.key, self.die = redis, key, random.Random(3)
        self.acked: Counter[str] = Counter()
        self.add(40)
        redis.xgroup_create(key, "early", "0")
        redis.xgroup_create(key, "late", "$")  # the server loses count of what waits for it

    def add(self, count: int) -> None:
        for _ in range(count):
            self.redis.xadd(self.key, {"f": "v"})

    def step(self) -> None:
        self.add(self.die.randrange(8))
        for group in ("early", "late"):
            read: Any = self.redis.xreadgroup(group, "ann", {self.key: ">"}, self.die.randrange(1, 5))
            ids = [entry_id for _, entries in read for entry_id, _ in entries]
            if ids:
                self.acked[group] += self.redis.xack(self.key, group, *ids[::2])  # type: ignore[operator]
        if self.die.random() < 0.2:
            entries: Any = self.redis.xrange(self.key, count=60)
            self.redis.xdel(self.key, entries[-1][0])

    def count(self) -> dict[str, tuple[int, int, int, int]]:
        """Return for each group: the stream's length, waiting, pending, acknowledged."""
        ids = [EntryId.parse(one) for one, _ in self.redis.xrange(self.key)]  # type: ignore[union-attr]
        counts = {}
        for group in self.redis.xinfo_groups(self.key):  # type: ignore[union-attr]
            name = group["name"].decode()
            cursor = EntryId.parse(group["last-delivered-id"])
            pending = self.redis.xpending_range(self.key, name, "-", "+", 10_000)
            waiting = sum(one > cursor for one in ids)
            counts[name] = len(ids), waiting, len(pending), self.acked[name]  # type: ignore[arg-type]
        return counts


def test_each_number_is_what_a_full_count_finds_and_an_unknown_lag_is_missing(
    redis: redis_py.Redis, key: str, tmp_path: Path
) -> None:
    traffic, history, counts = Counted(redis, key), History(), []
    with Observer(redis, key, count_up_to=5) as observer:
        for _ in range(60):
            history.append(observer.sample())
            counts.append(traffic.count())
            traffic.step()
    frame = history.to_frame()
    assert len(frame) == 120
    for row in frame.itertuples():
        length, waiting, pending, acked = counts[row.sample - 1][row.group]  # type: ignore
        assert (row.length, row.pending, row.acked) == (length, pending, acked)
        if row.verdict == "exact":
            assert row.lag_entries == waiting
        if row.verdict == "unknown":
            assert row.lag_entries is pd.NA
        assert row.verdict in {"exact", "suspect", "unknown"}
    assert Counter(frame["verdict"])["exact"] > 60
    assert Counter(frame["verdict"])["unknown"] > 0
    times_ms = [round(one.timestamp() * 1000) for one in frame["time"]]
    assert times_ms == [one.time_ms for one in history.samples for _ in one.groups]
    assert list(frame["elapsed_s"])[-1] == (times_ms[-1] - times_ms[0]) / 1000
    save(history, tmp_path / "run.jsonl.gz")
    pd.testing.assert_frame_equal(load(tmp_path / "run.jsonl.gz").to_frame(), frame)


def check(history: History) -> None:
    """Check a frame against the samples: as many rows, the same types, None is missing."""
    frame = history.to_frame()
    assert list(frame.columns) == list(History().to_frame().columns)
    assert list(frame.dtypes) == list(History().to_frame().dtypes)
    groups = [group for sample in history.samples for group in sample.groups]
    assert len(frame) == len(groups)
    for name, expected in {
        "lag_entries": [group.lag.entries for group in groups],
        "lag_ms": [group.lag.behind_ms for group in groups],
        "acked": [group.acked for group in groups],
        "gone": [group.gone for group in groups],
        "entries_read": [group.entries_read for group in groups],
    }.items():
        assert [None if one is pd.NA else one for one in frame[name]] == expected, name


@given(histories.made_up())
def test_any_history_has_the_same_columns_and_none_is_missing(history: History) -> None:
    check(history)
