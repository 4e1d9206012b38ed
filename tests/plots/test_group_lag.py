"""Group lag: what waits, in entries or seconds; unknown is a gap with its reason, never 0."""

from __future__ import annotations

import time
from typing import Any, Literal

import pytest
import redis as redis_py
from plots.histories import gone, group, history, sample, shown

from streamviz import Observer, Stream
from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.plots import GroupLag
from streamviz.plots.figure import COLOURS

PLOT = GroupLag()


def parts(seen: History, plot: GroupLag = PLOT) -> tuple[list[Any], list[Any], Any]:
    """Return the lines, the doubts and the events."""
    data = plot.figure(seen)["data"]
    many = len(seen.group_names)
    return data[:many], data[many:-1], data[-1]


def test_a_line_has_a_point_at_every_sample() -> None:
    seen = history(*(sample(n, group("g", n * n)) for n in (1, 2, 3)))
    (line,), (doubts,), events = parts(seen)
    assert (line["x"], line["y"]) == ([0.0, 0.1, 0.2], [1, 4, 9])
    assert line["line"]["shape"] == "hv"
    assert (doubts["x"], events["x"]) == ([], [])


def test_an_unknown_lag_is_a_gap_with_the_reason_on_hover() -> None:
    reason = "XDEL removed entries ahead of <b>the group</b>"
    seen = history(
        sample(1, group("<i>g", 7)),
        sample(2, group("<i>g", None, verdict="unknown", reason=reason, behind_ms=None)),
        sample(3, group("<i>g", 5, verdict="suspect", reason="not counted yet")),
    )
    (line,), (doubts,), _ = parts(seen)
    assert line["y"] == [7, None, 5]
    assert doubts["x"] == [0.1, 0.2]
    assert [shown(text) for text in doubts["text"]] == [
        f"<i>g: unknown: {reason}",
        "<i>g: suspect: not counted yet",
    ]
    assert doubts["hoverinfo"] == "text"
    assert parts(seen, GroupLag("seconds"))[0][0]["y"] == [0.0, None, 0.0]


def test_a_lag_that_the_server_lost_is_a_gap_in_both_units(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{ms}-0", {"n": ms}) for ms in range(1, 5001))
    stream.delete("250-0")
    redis.xgroup_create(key, "g", "10-0")
    seen = history(Observer(redis, key).sample())
    (line,), (doubts,), _ = parts(seen)
    assert line["y"] == [None]
    assert len(doubts["text"]) == 1
    assert "XDEL removed entries after the cursor, up to 250-0" in doubts["text"][0]
    assert "0 waiting" not in PLOT.summary(seen)
    assert "lag unknown" in PLOT.summary(seen)
    assert "250-0" in PLOT.summary(seen)


@pytest.mark.parametrize("unit", ["entries", "seconds"])
def test_a_group_that_is_not_there_has_a_gap(unit: Literal["entries", "seconds"]) -> None:
    seen = history(sample(1, group("g", 1)), sample(2), gone(3), sample(4, group("g", 2)))
    (line,), (doubts,), _ = parts(seen, GroupLag(unit))
    assert [value is None for value in line["y"]] == [False, True, True, False]
    assert doubts["x"] == []


def test_seconds_are_the_newest_time_minus_the_cursors(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    now_ms = time.time_ns() // 10**6
    stream.add_many((f"{now_ms + ms}-0", {"n": ms}) for ms in range(1000, 4001, 500))
    stream.group("g").create(f"{now_ms + 1500}-0")
    (line,), _, _ = parts(history(Observer(redis, key).sample()), GroupLag("seconds"))
    assert line["y"] == [2.5]


def test_events_are_marked_with_every_word_and_no_tag() -> None:
    note = "<script>alert(1)</script>, the longest name of all, was killed holding 3"
    _, _, events = parts(history(sample(1, events=[note, "&lt;b&gt; is back"]), sample(2)))
    assert (events["x"], events["y"]) == ([0.0, 0.0], [0.97, 0.97])
    assert [shown(text) for text in events["text"]] == [note, "&lt;b&gt; is back"]


def test_each_group_has_a_colour_and_a_dash_of_its_own() -> None:
    many = len(COLOURS) + 3
    seen = history(sample(1, *(group(f"g{i:02}", i, verdict="suspect") for i in range(many))))
    lines, doubts, _ = parts(seen)
    assert len(lines) == len(doubts) == many
    assert len({(one["line"]["color"], one["line"]["dash"]) for one in lines}) == many
    assert all(0 < one["y"][0] < 0.5 for one in doubts)
    assert all(one["yaxis"] == "y2" for one in doubts)


@pytest.mark.parametrize("unit", ["hours", "", None, 5, ["entries"]])
def test_another_unit_is_refused(unit: Any) -> None:
    with pytest.raises(InputError, match="unit="):
        GroupLag(unit)


def test_the_summary_has_the_true_numbers() -> None:
    ring = [PendingEntry(EntryId(1), "c", 1, 1)]
    seen = history(
        sample(
            1,
            group("a", 1_000_001, behind_ms=61_500, oldest=ring),
            group("b", 4, verdict="suspect", reason="not counted"),
            group("c", None, verdict="unknown", reason="XDEL"),
            group("d", 0),
        )
    )
    assert PLOT.summary(seen) == (
        "a: 1,000,001 waiting, 61.5 s behind; b: 4 waiting (suspect: not counted); "
        "c: lag unknown, XDEL; d: 0 waiting."
    )
    assert PLOT.summary(history(sample(1))) == "no consumer group yet"
    assert PLOT.summary(history(sample(1, group("g")), gone(2))) == "stream is gone"


def test_only_a_static_figure_tells_the_peak_and_the_doubts() -> None:
    unknown = {"verdict": "unknown", "reason": "who knows", "behind_ms": None}
    seen = history(
        sample(1, group("a", 2), group("b", 0)),
        sample(2, group("a", None, **unknown), group("b", 0)),
        sample(3, group("a", 1_463, behind_ms=12_340), group("b", 0)),
        sample(4, group("a", 0), group("b", 0)),
    )
    assert PLOT.static_figure(seen)["summary"] == (
        "a: 0 waiting; b: 0 waiting. At most: a 1,463, b 0 entries waiting. "
        "The lag of a was uncertain in 1 of 4 samples."
    )
    assert (
        "At most: a 12.3, b 0.0 seconds behind."
        in GroupLag("seconds").static_figure(seen)["summary"]
    )
    assert PLOT.figure(seen)["summary"] == "a: 0 waiting; b: 0 waiting."
    calm = history(sample(1, group("a", 0)))
    assert PLOT.static_figure(calm) == PLOT.figure(calm), "nothing happened before"
