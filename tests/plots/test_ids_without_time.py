"""IDs that are no times in milliseconds: no plot makes seconds of them, and each says so."""

from __future__ import annotations

import re

import pytest
import redis as redis_py

from streamviz import Observer, Stream
from streamviz.client.entry_id import EntryId
from streamviz.observation.history import History
from streamviz.observation.timeline import entry_timeline
from streamviz.plots import Cursors, GroupLag, PendingAge, Plot, SideBySide, StreamMap

# a counter; then seconds, microseconds and nanoseconds of the year 2026
BEGINNINGS = (1, 1_795_905_016, 1_795_905_016_000_000, 1_795_905_016_000_000_000)


@pytest.fixture(params=BEGINNINGS)
def seen(request: pytest.FixtureRequest, redis: redis_py.Redis, key: str) -> History:
    stream, begin = Stream(redis, key), request.param
    stream.add_many((f"{begin + n}-0", {"n": n}) for n in range(39))
    stream.group("g").create("0")
    stream.group("g").consumer("c").read(5)
    redis.hset(f"{key}:readers", "zoe", f"{begin + 3}-0")
    observer, seen = Observer(redis, key, readers=f"{key}:readers"), History()
    seen.append(observer.sample())
    stream.add({"n": 39}, id=f"{begin + 39}-0")
    seen.append(observer.sample())
    return seen


PLOTS = [StreamMap(), Cursors(), SideBySide(), PendingAge(), GroupLag("seconds")]


@pytest.mark.parametrize("plot", PLOTS)
def test_the_axis_says_that_the_ids_are_no_times(seen: History, plot: Plot) -> None:
    assert not seen.ids_are_times
    assert "no times in milliseconds" in str(plot.figure(seen)["layout"])


@pytest.mark.parametrize("plot", PLOTS)
def test_no_summary_has_seconds_from_ids(seen: History, plot: Plot) -> None:
    words = f"{plot.summary(seen)} {plot.history_summary(seen)}"
    ages = [float(one.replace(",", "")) for one in re.findall(r"([\d,.]*\d) s\b", words)]
    assert all(age < 60 for age in ages), words


def test_entries_stand_at_their_number_and_ages_count_from_the_last_delivery(
    seen: History,
) -> None:
    first = seen.samples[0].first_id.ms
    (entries, *_) = StreamMap().figure(seen)["data"]
    assert entries["x"] == [first + n for n in range(40)]
    assert re.search(r"the oldest last delivered [\d.,]+ s ago", PendingAge().summary(seen))
    (line, *_) = PendingAge().figure(seen)["data"]
    assert all(0 <= age < 60 for age in line["y"])


def test_the_timeline_says_when_the_entry_was_seen_first(seen: History) -> None:
    last = seen.samples[-1].last_id
    story = entry_timeline(seen, EntryId(last.ms))
    assert re.fullmatch(
        rf"{last} was added, by 0\.\d s: its ID is no time in milliseconds", story[0]
    )


def test_the_largest_id_is_drawn(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many((one, {"n": 1}) for one in (EntryId(1), EntryId.MAX))
    stream.group("g").create("0")
    stream.group("g").consumer("c").read()
    seen = History()
    seen.append(Observer(redis, key).sample())
    for plot in (StreamMap(), Cursors(), PendingAge()):
        assert plot.figure(seen)["data"]
    assert entry_timeline(seen, EntryId.MAX)[1].startswith("g: held by c")
