"""The stream map: entries at the times in their IDs, lanes up to the cursors, the trim edge."""

from __future__ import annotations

from typing import Any

import pytest
import redis as redis_py
from plots.histories import HOSTILE, U64, at_pointer, gone, group, history, sample, shown

from streamviz import Observer, Stream
from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.observation.history import History
from streamviz.plots import StreamMap
from streamviz.plots.svg import render
from streamviz.plots.traces import GREY

PLOT = StreamMap()


def traces(seen: History) -> dict[str, Any]:
    return {trace["name"]: trace for trace in PLOT.figure(seen)["data"]}


def test_an_entry_is_drawn_at_the_time_and_sequence_of_its_id() -> None:
    seen = history(sample(1, ids=[EntryId(1500, 0), EntryId(1500, 1), EntryId(2250, 0)]))
    entries = traces(seen)["entries"]
    assert (entries["x"], entries["y"]) == ([0.4, 0.4, 1.15], [0, 1, 0])
    assert entries["customdata"] == ["1500-0", "1500-1", "2250-0"]
    assert "sequence 1</text>" in render(PLOT.figure(seen)), "not cut"


def test_a_lane_reaches_from_the_first_entry_to_the_cursor_with_rings_on_it() -> None:
    pending = [
        PendingEntry(EntryId(1600), "<b>ann</b>", 5, 2),
        PendingEntry(EntryId(1700), "", -1, 1),
    ]
    billing = group("billing", 3, cursor=EntryId(2100), pending=2, oldest=pending)
    email = group("email", 5, cursor=EntryId(1100))
    found = traces(history(sample(1, billing, email, length=9, first=EntryId(1600))))
    assert (found["billing"]["x"], found["billing"]["y"]) == ([0.5, 1.0], [-1, -1])
    assert found["billing"]["text"] == ["billing: last delivered 2100-0"] * 2
    assert (found["email"]["x"], found["email"]["y"]) == ([0.0, 0.0], [-2, -2])
    rings, cursor = found["billing pending"], found["billing"]["marker"]
    assert (rings["marker"]["symbol"], cursor.get("symbol", "circle")) == ("circle-open", "circle")
    assert (rings["x"], rings["y"]) == ([0.5, 0.6], [-1, -1])
    assert [(shown(hover), words) for _, hover, words in at_pointer(rings)] == [
        ("1600-0 held by <b>ann</b>, delivered 2×", "held by <b>ann</b>, delivered 2×"),
        ("1700-0 held by no consumer, delivered 1×", "held by no consumer, delivered 1×"),
    ]


def test_a_group_that_has_not_begun_has_no_lane(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.group("g").create("0", mkstream=True)
    observer, seen = Observer(redis, key), History()
    for _ in range(2):
        seen.append(observer.sample())
        assert traces(seen)["g"]["x"] == [], "not at 1970"
        stream.add({"n": 1})
    assert len(traces(seen)["entries"]["x"]) == 1


def test_a_stream_trimmed_to_nothing_keeps_the_lane_at_its_cursor(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    last = [stream.add({"n": n}) for n in range(5)][-1]
    stream.group("g").create("0")
    stream.group("g").consumer("c").read(5)
    stream.trim(maxlen=0)
    seen = history(Observer(redis, key).sample())
    found = traces(seen)
    place = round((last.ms - seen.start_ms) / 1000, 3)
    assert found["g"]["x"] == [place, place]
    assert found["g pending"]["x"][-1] == place
    assert found["trim edge"]["x"] == []
    assert "0 entries, 5 ever added" in PLOT.summary(seen)


def test_the_trim_edge_is_at_the_first_entry_once_entries_are_trimmed() -> None:
    whole = sample(1, length=3, added=3, first=EntryId(1200))
    trimmed = sample(2, length=3, added=4, first=EntryId(1300))
    assert traces(history(whole))["trim edge"]["x"] == []
    edge = traces(history(whole, trimmed))["trim edge"]
    assert edge["x"] == [0.2, 0.2]
    low, high = PLOT.layout(history(whole, trimmed))["yaxis"]["range"]
    assert edge["y"] == [low, high], "and no box, since no entry is seen to its left"
    ids = [EntryId(1200 + 100 * n) for n in range(4)]
    left = sample(2, group("g"), ids=ids, length=2, added=4, first=ids[2])
    edge = traces(history(whole, left))["trim edge"]
    assert edge["fillpattern"]["shape"] == "/", "what was trimmed does not look alive"
    assert [text.strip() for text in edge["text"] if text] == ["trimmed"]
    box = [(x, y) for x, y in zip(edge["x"], edge["y"], strict=True) if x is not None][2:]
    assert {x for x, _ in box} == {0.1, 0.3}, "from the oldest entry that is shown to the edge"
    assert min(y for _, y in box) > -1, "over the entries and not over the groups' lanes"


def test_a_stream_that_is_gone_keeps_its_entries_and_says_so() -> None:
    seen = history(sample(1, group("g"), length=1, ids=[EntryId(1500)]), gone(2))
    found = traces(seen)
    assert found["entries"]["x"] == [0.4]
    assert (found["g"]["x"], found["g pending"]["x"], found["trim edge"]["x"]) == ([], [], [])
    assert PLOT.summary(seen) == "stream is gone"


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (1, 1), (2, 2), (3, 4), (5, 8), (2**60 + 1, 2**61), (U64, 2**64)]
)
def test_the_axis_reaches_the_highest_sequence(highest: int, top: int) -> None:
    seen = history(sample(1, group("g"), ids=[EntryId(1, highest)], length=1))
    axis = PLOT.layout(seen)["yaxis"]
    assert axis["ticktext"] == ["g", "entries"], "numbers are not among the names"
    *_, ends = PLOT.figure(seen)["data"]
    rows = sorted({0, top // 2, top}) if highest else []
    assert ends["text"][1:] == [f"\u2003sequence {one:,}" for one in rows], "each row is named"
    assert ends["y"][1:] == rows
    assert ends["textfont"]["color"][1 : 1 + len(rows)] == [GREY] * len(rows)
    assert axis["range"][0] < min(axis["tickvals"]) < 0 < highest + 1 <= axis["range"][1] * 1.01 + 1
    assert highest <= top


def test_a_higher_sequence_rebuilds_the_figure_and_an_equal_one_does_not() -> None:
    seen = history(sample(1, group("g"), ids=[EntryId(1, 1)]))
    before = PLOT.structure_key(seen)
    seen.append(sample(2, group("g"), ids=[EntryId(2, 1)]))
    assert PLOT.structure_key(seen) == before
    seen.append(sample(3, group("g"), ids=[EntryId(3, 2)]))
    assert "full" in PLOT.delta(seen, 2, before)


def test_names_of_lanes_are_escaped_cut_and_have_no_title_over_them() -> None:
    seen = history(sample(1, *(group(name) for name in HOSTILE)))
    axis = PLOT.layout(seen)["yaxis"]
    assert "title" not in axis
    lanes = [shown(text) for text in axis["ticktext"]]
    assert lanes[0] == "<b>bold</b>"
    assert len(lanes) > len(HOSTILE)
    assert max(map(len, lanes)) == 16


def test_what_waits_is_marked_after_the_cursor_and_counted_at_the_end() -> None:
    ids = [EntryId(1500 + 100 * i) for i in range(5)]
    seen = history(sample(1, group("g", 3, cursor=ids[1], pending=2), ids=ids, length=5))
    found = traces(seen)
    assert found["g waiting"]["x"] == [0.6, 0.7, 0.8], "and not the entries that were delivered"
    assert list(at_pointer(found["g waiting"])) == [
        (str(one), f"{one} waits for g", "waits for g") for one in ids[2:]
    ]
    assert found["labels"]["text"] == ["\u20033 waiting, 2 pending"]
    assert found["labels"]["y"] == found["g waiting"]["y"][:1]
    seen.append(sample(2, group("g", 300), ids=[EntryId(9000 + i) for i in range(300)]))
    found = traces(seen)["g waiting"]
    assert 40 < len(found["x"]) <= 60
    assert found["customdata"][-1] == ["9299-0"], "the newest one"
    assert EntryId.parse(found["customdata"][0][0]) < EntryId(9010), "and about the first one"


def test_what_is_older_than_the_entries_that_are_shown_stands_at_their_edge() -> None:
    ids = [EntryId(5000 + 100 * i) for i in range(5)]
    old = [PendingEntry(EntryId(1200), "ann", 3000, 1)]
    state = group("g", 9, cursor=EntryId(1300), pending=1, oldest=old)
    found = traces(history(sample(1, state, ids=ids, length=9, first=EntryId(1100))))
    edge = found["entries"]["x"][0]
    assert found["g pending"]["x"] == [edge]
    assert found["g"]["x"] == [edge, edge], "and no line says that it has read any of them"
    assert found["g pending"]["text"][0].startswith("held by ann")


def test_a_lane_does_not_reach_back_beyond_the_entries_that_are_shown() -> None:
    cursor = EntryId(1500)
    about = {"length": 9, "first": EntryId(20)}
    seen = history(sample(1, group("g", cursor=cursor), ids=[EntryId(1400), cursor], **about))
    assert traces(seen)["g"]["x"] == [0.3, 0.4]
    assert traces(seen)["entries"]["x"] == [0.3, 0.4]


def test_the_summary_has_the_true_numbers() -> None:
    seen = history(
        sample(
            1,
            group("billing", 1_234_567, pending=3),
            group("email", None, verdict="unknown"),
            length=2_000_001,
            added=3_000_002,
        )
    )
    assert PLOT.summary(seen) == (
        "2,000,001 entries, 3,000,002 ever added; "
        "billing: 1,234,567 waiting, 3 pending; "
        "email: an unknown number waiting, 0 pending."
    )
    whole = history(sample(1, group("billing", 0, pending=1), length=7, added=7))
    assert PLOT.summary(whole) == "7 entries; billing: 0 waiting, 1 pending."
    assert PLOT.summary(history()) == "waiting for the first sample"


def test_one_entry_is_one_entry() -> None:
    one = history(sample(1, group("billing"), length=1, first=EntryId(5), ids=[EntryId(5)]))
    assert PLOT.summary(one).startswith("1 entry; ")
