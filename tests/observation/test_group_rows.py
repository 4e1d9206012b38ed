"""What a frame says of a stream is what a full count in Redis finds."""

from __future__ import annotations

import random
import sys
from collections import Counter
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import pytest
import redis as redis_py
from hypothesis import given, settings
from plots import histories

from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError, StreamVizError, install_command
from streamviz.observation import pages
from streamviz.observation.history import History
from streamviz.observation.observer import Observer
from streamviz.observation.sample import GroupState, Sample
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


class Traffic:
    """Entries of two groups on one stream, and what a full count finds."""

    def __init__(self, redis: Any, key: str) -> None:
        self.redis, self.key, self.die = redis, key, random.Random(3)
        self.acked: Counter[str] = Counter()
        self.add(400)
        redis.xgroup_create(key, "early", "0")
        redis.xgroup_create(key, "late", redis.xrange(key)[200][0])

    def add(self, count: int) -> None:
        for _ in range(count):
            self.redis.xadd(self.key, {"f": "v"})

    def step(self) -> None:
        self.add(self.die.randrange(8))
        for group in ("early", "late"):
            count = self.die.randrange(1, 5)
            read = self.redis.xreadgroup(group, "ann", {self.key: ">"}, count)
            ids = [entry_id for _, entries in read for entry_id, _ in entries]
            if ids:
                self.acked[group] += self.redis.xack(self.key, group, *ids[::2])

    def delete(self) -> None:
        """Delete an entry that a group has not read yet."""
        self.redis.xdel(self.key, self.redis.xrange(self.key)[-1][0])

    def count(self) -> dict[str, tuple[int, int, int, int]]:
        """Return for each group: the stream's length, waiting, pending, acknowledged."""
        ids = [EntryId.parse(one) for one, _ in self.redis.xrange(self.key)]
        counts = {}
        for group in self.redis.xinfo_groups(self.key):
            name = group["name"].decode()
            cursor = EntryId.parse(group["last-delivered-id"])
            pending = self.redis.xpending_range(self.key, name, "-", "+", 10_000)
            waiting = sum(one > cursor for one in ids)
            counts[name] = len(ids), waiting, len(pending), self.acked[name]
        return counts


@pytest.mark.parametrize("deleting", [False, True])
def test_each_number_is_what_a_full_count_finds_and_an_unknown_lag_is_missing(
    redis: redis_py.Redis,
    key: str,
    tmp_path: Path,
    deleting: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "AT_ONCE_BYTES", 1)  # a sample counts only what is near a cursor
    traffic, history, counts = Traffic(redis, key), History(), []
    observer = Observer(redis, key, max_entries=20, count_up_to=5)
    for n in range(60):
        history.append(observer.sample())
        counts.append(traffic.count())
        traffic.step()
        if deleting and n % 5 == 0:
            traffic.delete()
    frame = history.to_frame()
    assert len(frame) == 120
    for row in frame.to_dict("records"):
        length, waiting, pending, acked = counts[row["sample"] - 1][row["group"]]
        assert (row["length"], row["pending"]) == (length, pending)
        assert row["acked"] <= acked  # only what was certainly acknowledged is counted
        if row["group"] == "early" and not deleting:
            assert row["acked"] == acked
        if row["verdict"] == "exact":
            assert row["lag_entries"] == waiting
        elif row["verdict"] == "unknown":
            assert pd.isna(row["lag_entries"])
        else:
            assert row["verdict"] in ("plausible", "suspect")
    verdicts = Counter(frame["verdict"])
    assert verdicts["exact"] > 10
    assert verdicts["unknown"] > 10
    times_ms = [round(one.timestamp() * 1000) for one in frame["time"]]
    assert times_ms == [one.time_ms for one in history.samples for _ in one.groups]
    assert list(frame["elapsed_s"])[-1] == (times_ms[-1] - times_ms[0]) / 1000
    save(history, tmp_path / "run.jsonl.gz")
    pd.testing.assert_frame_equal(load(tmp_path / "run.jsonl.gz").to_frame(), frame)


def expected(groups: list[GroupState], name: str) -> list[int | None]:
    whole = {"lag_entries": "lag.entries", "lag_ms": "lag.behind_ms"}.get(name, name)
    return [attrgetter(whole)(group) for group in groups]


@given(histories.rough_samples())
@settings(max_examples=30, deadline=None)
def test_any_history_has_the_same_columns_and_what_is_none_is_missing(
    samples: list[Sample],
) -> None:
    frame, empty = histories.history(*samples).to_frame(), History().to_frame()
    pd.testing.assert_series_equal(frame.dtypes, empty.dtypes)
    assert {name: str(frame.dtypes[name]) for name in TYPES} == TYPES
    groups = [group for sample in samples for group in sample.groups]
    assert len(frame) == len(groups)
    for name in ("lag_entries", "lag_ms", "acked", "gone", "entries_read", "pending"):
        found = [None if one is pd.NA else one for one in frame[name]]
        assert found == expected(groups, name), name


@pytest.mark.parametrize(
    "history", [History(), histories.history(histories.sample(1), histories.gone(2))]
)
def test_without_groups_the_frame_is_empty_and_computes(history: History) -> None:
    frame = history.to_frame()
    assert frame.empty
    assert {name: str(frame.dtypes[name]) for name in TYPES} == TYPES
    assert frame.groupby("group")["lag_entries"].max().empty
    assert frame["time"].dt.year.empty


def test_other_frames_come_of_it_with_their_types_and_missing_values() -> None:
    """The environment has narwhals with plotly; polars and Arrow need no more than this."""
    unknown = histories.group("g", None, verdict="unknown", behind_ms=None)
    table = nw.from_native(histories.history(histories.sample(1, unknown)).to_frame())
    assert table.schema["time"] == nw.Datetime("ms", "UTC")
    assert table.schema["lag_entries"] == nw.Int64()
    assert table.schema["group"] == nw.String()
    assert table["lag_entries"].null_count() == table["lag_ms"].null_count() == 1
    assert table["time"].to_list() == [datetime(1970, 1, 1, 0, 0, 1, 100_000, UTC)]


@pytest.mark.parametrize("name", histories.HOSTILE)
def test_texts_stay_and_bytes_that_are_no_text_are_written_out(name: str) -> None:
    frame = histories.history(histories.sample(1, histories.group(name))).to_frame()
    (found,) = frame["group"]
    assert found == name.replace("\udcff\udcfe", r"\udcff\udcfe")
    assert found.encode()


@pytest.mark.parametrize("place", ["waiting", "behind_ms", "gone", "pending"])
def test_a_number_beyond_64_bits_is_refused_by_its_name(place: str) -> None:
    big: Any = {place: 2**63}
    history = histories.history(histories.sample(1, histories.group("g", **big)))
    with pytest.raises(InputError, match=r"(lag_entries|lag_ms|gone|pending) has a number"):
        history.to_frame()


def test_without_pandas_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(StreamVizError, match=r"to_frame\(\) needs pandas: pip install") as caught:
        History().to_frame()
    assert install_command("pandas") in str(caught.value)
