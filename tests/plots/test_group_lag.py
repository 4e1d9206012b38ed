"""Group lag: what waits, in entries or seconds; unknown is a gap with its reason, never 0."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal

import pytest
import redis as redis_py
from plots.histories import gone, group, history, sample, shown

from streamviz import Observer, Stream
from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.errors import InputError
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots import GroupLag
from streamviz.plots.traces import COLOURS, Peak, end_texts

PLOT = GroupLag()


def parts(seen: History, plot: GroupLag = PLOT) -> tuple[list[Any], Any, Any, Any]:
    """Return the lines, the uncertain spans, the labels and the events."""
    *lines, spans, labels, events = plot.figure(seen)["data"]
    return lines, spans, labels, events


def test_a_line_has_a_point_at_every_sample() -> None:
    seen = history(*(sample(n, group("g", n * n)) for n in (1, 2, 3)))
    (line,), spans, labels, events = parts(seen)
    assert (line["x"], line["y"]) == ([0.0, 0.1, 0.2], [1, 4, 9])
    assert line["line"]["shape"] == "hv"
    assert (spans["x"], events["x"]) == ([], [])
    assert (labels["x"][0], labels["y"][0], labels["text"][0]) == (0.2, 9, "g 9")


def test_an_unknown_lag_is_a_gap_with_the_reason_on_hover() -> None:
    reason = "XDEL removed entries ahead of <b>the group</b>"
    seen = history(
        sample(1, group("<i>g", 7)),
        sample(2, group("<i>g", None, verdict="unknown", reason=reason, behind_ms=None)),
        sample(3, group("<i>g", 5, verdict="suspect", reason="not counted yet")),
    )
    (line,), spans, _, _ = parts(seen)
    assert line["y"] == [7, None, 5]
    assert (spans["x"][0], spans["x"][2], spans["x"][7]) == (0.1, 0.2, 0.2), "from when to when"
    assert [shown(text) for text in spans["text"] if text] == [
        "<i>g: lag unknown",
        "<i>g: lag uncertain",
    ]
    assert [shown(spans["hovertext"][i]) for i in (0, 7)] == [
        f"<i>g: unknown: {reason}",
        "<i>g: suspect: not counted yet",
    ]
    assert spans["fill"] == "toself"
    assert parts(seen, GroupLag("seconds"))[0][0]["y"] == [0.0, None, 0.0]


def test_a_lag_that_the_server_lost_is_a_gap_in_both_units(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{ms}-0", {"n": ms}) for ms in range(1, 5001))
    stream.delete("250-0")
    redis.xgroup_create(key, "g", "10-0")
    seen = history(Observer(redis, key).sample())
    (line,), spans, labels, _ = parts(seen)
    assert line["y"] == [None]
    assert labels["text"][0] == "g unknown"
    assert "XDEL removed entries after the cursor, up to 250-0" in spans["hovertext"][0]
    assert "0 waiting" not in PLOT.summary(seen)
    assert "lag unknown" in PLOT.summary(seen)
    assert "250-0" in PLOT.summary(seen)


@pytest.mark.parametrize("unit", ["entries", "seconds"])
def test_a_group_that_is_not_there_has_a_gap(unit: Literal["entries", "seconds"]) -> None:
    seen = history(sample(1, group("g", 1)), sample(2), gone(3), sample(4, group("g", 2)))
    (line,), spans, _, _ = parts(seen, GroupLag(unit))
    assert [value is None for value in line["y"]] == [False, True, True, False]
    assert spans["x"] == []


def test_seconds_are_the_newest_time_minus_the_cursors(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    now_ms = time.time_ns() // 10**6
    stream.add_many((f"{now_ms + ms}-0", {"n": ms}) for ms in range(1000, 4001, 500))
    stream.group("g").create(f"{now_ms + 1500}-0")
    (line,), *_ = parts(history(Observer(redis, key).sample()), GroupLag("seconds"))
    assert line["y"] == [2.5]


def test_an_event_is_a_hairline_with_its_words_and_no_tag() -> None:
    killed = Event("killed", "<b>x</b>", "g", 3)
    *_, events = parts(history(sample(1), sample(50, events=[killed]), sample(100)))
    assert (events["x"], events["y"][0], events["y"][2]) == ([4.9, 4.9, None], 0, None)
    assert [shown(text) for text in events["text"]] == ["", "<b>x</b> killed", ""]
    assert shown(events["hovertext"][0]) == str(killed)
    assert events["mode"] == "lines+text"


@pytest.mark.parametrize("many", [1, 2, 5, 60])
def test_each_event_has_a_hairline_and_no_words_cover_others_or_cross_a_hairline(many: int) -> None:
    step = 100 // many
    samples = [
        sample(n, events=[Event("claimed", f"who-{n}", "g", 3)] if n % step == 0 else [])
        for n in range(1, 101)
    ]
    *_, events = parts(history(*samples))
    happened = [round(n / 10 - 0.1, 1) for n in range(step, 101, step)]
    lines = events["x"][::3]
    assert all(any(0 <= at - x < 9.9 / 60 for x in lines) for at in happened), "none is left out"
    assert all(b - a >= 9.9 / 60 - 0.001 for a, b in pairwise(lines)), "and none is a thicket"
    wide = 9.9 / 90  # of a letter, in seconds
    tops, words = dict(zip(lines, events["y"][1::3], strict=True)), []
    rest = zip(lines, events["text"][1::3], events["textposition"][1::3], strict=True)
    for x, text, position in (one for one in rest if one[1]):
        left = x - wide * len(text) if position == "middle left" else x
        words.append((tops[x], left, left + wide * len(text)))
        assert left >= -0.01
        assert words[-1][2] <= 9.9 + 0.01, "inside the plot"
    assert len(words) >= min(many, 3)
    for i, (row, left, right) in enumerate(words):
        assert not any(r == row and a < right and left < b for r, a, b in words[i + 1 :])
        assert not any(left + 0.01 < x < right - 0.01 and tops[x] >= row for x in lines)


def test_events_at_one_time_are_counted_in_words() -> None:
    def words_of(*some: Event) -> list[str]:
        *_, events = parts(history(sample(1), sample(50, events=some), sample(100)))
        assert len(events["x"]) == 3, "they share a hairline"
        assert len(events["hovertext"][0].split("<br>")) == len(some)
        return [text for text in events["text"] if text]

    killed = [Event("killed", f"a-long-name-{n}", "g", n) for n in range(3)]
    assert words_of(*killed) == ["3 consumers killed"]
    assert words_of(*killed, Event("revived", "ann")) == ["3 killed, ann revived"]
    assert words_of(Event("killed", "a"), Event("crashed", "b", "g", 2)) == ["a killed, b crashed"]
    claims = [Event("claimed", f"a-long-name-{n}", "g", 1, ("b",)) for n in range(4)]
    back = Event("crashed", "ann"), Event("revived", "ann"), Event("revived", "anna")
    assert words_of(*back[:2]) == ["ann crashed, revived"], "it is named once"
    assert words_of(*back[1:]) == ["ann revived, anna revived"]
    assert words_of(*killed[:2], *claims) == ["2 consumers killed, 4 claims"]
    assert words_of(*[Event("trimmed")] * 3) == ["3 events"]
    lost = Event("failed_over", "replica-2", count=139, groups=("billing",))
    assert words_of(lost) == ["failover: up to 139 lost"], "the number is not cut off"


def test_the_pointer_is_told_of_ten_events_at_most() -> None:
    killed = [Event("killed", f"c-{n}", "g") for n in range(30)]
    *_, events = parts(history(sample(1), sample(50, events=killed), sample(100)))
    told = events["hovertext"][0].split("<br>")
    assert (len(told), told[0], told[-1]) == (10, "c-0 was killed", "c-9 was killed")


def test_spans_of_one_verdict_with_little_between_them_are_one() -> None:
    def spans_of(*verdicts: Literal["exact", "suspect", "unknown"]) -> list[tuple[float, float]]:
        middle = [sample(100 + n, group("g", verdict=one)) for n, one in enumerate(verdicts)]
        _, spans, *_ = parts(history(sample(1), *middle, sample(199, group("g")), sample(200)))
        return [*zip(spans["x"][::7], spans["x"][2::7], strict=True)]

    assert spans_of("unknown", "exact", "unknown") == [(9.9, 19.8)]
    assert spans_of("suspect", "exact", "unknown") == [(9.9, 10.0), (10.1, 19.8)]
    apart = ["exact"] * 5
    assert spans_of("unknown", *apart, "unknown") == [(9.9, 10.0), (10.5, 19.8)]


def test_the_words_of_steps_close_to_each_other_fan_out() -> None:
    at = {40: "slot 9974: importing", 52: "slot 9974: migrating", 64: "slot 9974: 1 key moved"}
    at[76] = "slot 9974: settled"
    seen = history(*(sample(n, events=[at[n]] if n in at else []) for n in range(1, 121)))
    *_, events = parts(seen)
    assert [text for text in events["text"] if text] == [*at.values()], "all four have room"
    assert events["textposition"][::3] == ["middle left"] * 2 + ["middle right"] * 2


def test_without_events_no_room_is_kept_for_their_words() -> None:
    calm = history(*(sample(n, group("g", 100)) for n in (1, 2)))
    assert parts(calm)[2]["y"][-1] == 106
    calm.append(sample(3, group("g", 100), events=["a note"]))
    assert parts(calm)[2]["y"][-1] == 143


def test_a_death_has_its_words_before_other_events() -> None:
    busy = [Event("claimed", f"c-{n}", "g", 1) for n in range(30)]
    samples = [sample(n, events=[busy[n]]) for n in range(1, 30)]
    samples.insert(10, sample(10, events=[Event("killed", "ann", "g", 2)]))
    ordered = [replace(one, n=n, time_ms=1000 + 100 * n) for n, one in enumerate(samples, 1)]
    *_, events = parts(history(*ordered))
    assert any(text.startswith("ann killed") for text in events["text"])


def test_a_lines_name_stands_at_its_end_and_covers_no_other() -> None:
    seen = history(*(sample(n, *(group(f"g{i}", n * (i > 4)) for i in range(6))) for n in (1, 90)))
    lines, _, labels, _ = parts(seen)
    assert labels["x"] == [8.9] * 7
    assert labels["text"] == ["g0 0", "g1 0", "g2 0", "g3 0", "g4 0", "g5 90", ""]
    heights = sorted(labels["y"][:6])
    room = max(labels["y"])
    assert all(b - a >= 0.07 * room for a, b in pairwise(heights))
    assert labels["y"][5] == 90, "that of a line of its own is at the line"
    assert labels["textfont"]["color"][:6] == [line["line"]["color"] for line in lines]


def test_each_group_has_a_colour_or_a_dash_of_its_own() -> None:
    many = len(COLOURS) + 3
    seen = history(sample(1, *(group(f"g{i:02}", i, verdict="suspect") for i in range(many))))
    lines, spans, _, _ = parts(seen)
    assert len(lines) == many
    assert len({(one["line"]["color"], one["line"]["dash"]) for one in lines}) == many
    assert {one["line"]["dash"] for one in lines[: len(COLOURS)]} == {"solid"}
    assert spans["yaxis"] == "y2"
    assert all(0 <= y < 0.5 for y in spans["y"] if y is not None)


def test_spans_of_a_flickering_lag_are_one_and_their_words_cover_no_others() -> None:
    verdicts = ["suspect" if n % 2 and n < 150 else "exact" for n in range(300)]
    verdicts[::50] = ["unknown"] * 6
    seen = history(*(sample(n, group("g", 5, verdict=v)) for n, v in enumerate(verdicts, 1)))
    _, spans, _, _ = parts(seen)
    middles = [x for x, text in zip(spans["x"], spans["text"], strict=True) if text]
    assert 1 <= len(middles) < len(spans["text"]) / 7, "of spans without room there are no words"
    long = max(map(len, spans["text"])) / 90 * 29.9
    assert all(b - a >= long for a, b in pairwise(middles))


def test_where_nothing_waits_the_names_stand_together_at_zero() -> None:
    _, _, labels, _ = parts(history(sample(1, group("a"), group("b")), sample(2, group("a"))))
    assert max(labels["y"][:2]) < 0.1
    assert labels["y"][-1] == 1, "and the axis reaches a whole entry"


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


def test_the_plot_reaches_as_far_as_the_window_and_reads_each_sample_once() -> None:
    lags, seen = [3, 40, 7, 12, 12, 5, 9, 1, 2, 0, 6], history(limit=4)
    read: list[int] = []

    def values(one: Sample, _history: History) -> list[int | None]:
        read.append(one.n)
        return [one.group("g").lag.entries, None]

    peak = Peak(values)
    assert peak.of(seen, "g") == 0
    for n, lag in enumerate(lags, start=1):
        seen.append(sample(n, group("g", lag)))
        assert peak.of(seen, "g") == max(lags[max(0, n - 4) : n])
    assert read == [*range(1, len(lags) + 1)]
    assert peak.of(seen, "another") == 6
    assert read[len(lags) :] == [8, 9, 10, 11], "what the values depend on has changed"


def test_names_that_evade_each_other_stay_about_their_values() -> None:
    texts = list("abcd")
    places = end_texts(9, texts, [58, 58, 58, 57], 100, 0.05)["y"][:4]
    assert sum(places) / 4 == pytest.approx(57.75), "as far above as below"
    steps = [high - low for low, high in pairwise(sorted(places))]
    assert steps == pytest.approx([5] * 3, abs=0.002)
    assert end_texts(9, texts, [0, 0, 30, 61], 61, 0.075)["y"][:4] == [4.575, 0, 30, 61]
    assert end_texts(9, texts, [61] * 4, 61, 0.075, "all")["y"][:4] == [56.425, 51.85, 47.275, 42.7]
