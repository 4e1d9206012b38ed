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
    timeline = entry_timeline(seen, EntryId(last.ms))
    assert re.fullmatch(
        rf"{last} was added, by 0\.\d s: its ID is no time in milliseconds", timeline[0]
    )


CREATED_AT = ("0", "0-1", "1", "1795905016", "99999999999999999")


@pytest.mark.parametrize("count", [0, 3])
@pytest.mark.parametrize("at", CREATED_AT)
def test_a_group_that_was_created_at_an_id_that_is_no_time_is_at_an_end_of_the_entries(
    redis: redis_py.Redis, key: str, at: str, count: int
) -> None:
    redis.xgroup_create(key, "g", at, mkstream=True)
    ids = [EntryId.parse(redis.xadd(key, {"n": n})) for n in range(count)]
    redis.hset(f"{key}:readers", "zoe", str(EntryId.parse(at)))
    seen = History()
    seen.append(Observer(redis, key, readers=f"{key}:readers").sample())
    assert seen.ids_are_times
    far = at == CREATED_AT[-1]
    group = seen.last.groups[0]
    truth = ids[-1].ms - ids[0].ms if ids and not far else 0
    assert (group.lag.entries, group.lag.behind_ms) == (0 if far else count, truth)
    zoe, cursor, newest = Cursors().sampled_values(seen.last, seen)
    assert zoe == cursor
    if ids:
        assert newest - cursor == pytest.approx(truth / 1000)
        end = "beyond the newest entry" if far else "at the beginning"
        assert f"zoe is {end}; g is {end}." in Cursors().summary(seen)
    else:
        assert (cursor, newest) == (None, None)
    for plot in (StreamMap(), Cursors()):
        for trace in plot.figure(seen)["data"]:
            assert all(abs(one or 0) < 60 for one in trace["x"]), trace


def test_a_first_entry_without_a_time_leaves_every_time_unknown(
    redis: redis_py.Redis, key: str
) -> None:
    redis.xadd(key, {"init": 1}, id="0-1")
    for n in range(3):
        redis.xadd(key, {"n": n})
    plot, seen = GroupLag("seconds"), History()
    observer = Observer(redis, key)
    for cursor in ("0", "0-1"):
        redis.xgroup_create(key, f"at {cursor}", cursor)
    redis.xgroup_create(key, "one read", "0")
    redis.xreadgroup("one read", "ann", {key: ">"}, count=2)
    seen.append(observer.sample())
    assert not seen.ids_are_times
    assert [one.lag.entries for one in seen.last.groups] == [4, 3, 2]
    assert [one.lag.behind_ms for one in seen.last.groups] == [None] * 3
    assert "not known" in str(plot.layout(seen))
    assert " s behind" not in plot.summary(seen)
    assert " s behind" not in Cursors().summary(seen)


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
