"""Ack progress: three lines for each group, and gaps where the numbers are unknown."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import redis as redis_py
from plots.histories import HOSTILE, gone, group, history, sample, shown

from streamviz import Observer, Stream
from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.plots import AckProgress
from streamviz.plots.svg import render
from streamviz.plots.traces import COLOURS

PLOT = AckProgress()


def columns(seen: History, plot: AckProgress = PLOT) -> list[list[int | None]]:
    return [trace["y"] for trace in plot.figure(seen)["data"] if "lines" in trace["mode"]]


def test_the_lines_are_what_was_acked_delivered_and_added(redis: redis_py.Redis, key: str) -> None:
    stream, seen = Stream(redis, key), History()
    billing = stream.group("billing")
    billing.create("0", mkstream=True)
    observer = Observer(redis, key)
    seen.append(observer.sample())
    ids = [stream.add({"n": n}) for n in range(10)]
    seen.append(observer.sample())
    billing.consumer("ann").read(6)
    seen.append(observer.sample())
    billing.ack(*ids[:4])
    seen.append(observer.sample())
    assert columns(seen) == [[0, 0, 0, 4], [0, 0, 6, 6], [0, 10, 10, 10]]
    assert PLOT.summary(seen) == ("10 added. billing: 4 acknowledged, 2 pending, 4 waiting.")


def test_an_unknown_number_is_a_gap_and_says_why() -> None:
    lost = group("g", None, verdict="unknown", reason="XDEL", pending=2, acked=3)
    old = group("g", 3, pending=2, acked=None, gone=6)  # from a recording of an earlier version
    seen = history(sample(1, lost, length=9), sample(2, old, length=11), sample(3), gone(4))
    assert columns(seen) == [[3, None, None, None], [5, None, None, None], [None] * 4]
    unknown = history(sample(1, lost, length=9))
    assert PLOT.summary(unknown) == (
        "9 added. g: 3 acknowledged, 2 pending, an unknown number waiting "
        "(it is not certain how many entries are waiting: XDEL)."
    )


def test_what_left_otherwise_has_lines_and_words_of_its_own() -> None:
    before = group("g", 4, pending=6)
    dropped = group("g", 4, dropped=6)
    unclear = group("g", 0, acked=1, dropped=6)
    seen = history(*(sample(n, one, length=10) for n, one in enumerate((before, dropped), 1)))
    assert columns(seen) == [[0, 0], [6, 0], [10, 4], [None, 6]]
    assert [trace["name"] for trace in PLOT.figure(seen)["data"]][3:] == ["dropped", "labels"]
    assert PLOT.summary(seen) == (
        "10 added. g: 0 acknowledged, 0 pending, 4 waiting, up to 6 dropped with deleted consumers."
    )
    seen.append(sample(3, unclear, length=10))
    assert columns(seen)[3:] == [[None, 6, 6], [None, None, 3]]
    assert "3 left in a way that is not known" in PLOT.summary(seen)


def test_groups_stand_side_by_side_on_one_scale() -> None:
    seen = history(sample(1, group("a", 1, acked=4), group("b", 2, acked=3), length=5))
    figure = PLOT.figure(seen)
    assert [trace["xaxis"] for trace in figure["data"]] == ["x"] * 3 + ["x2"] * 3 + ["x", "x2"]
    layout = PLOT.layout(seen)
    assert layout["showlegend"] is False
    assert layout["yaxis"] == {
        "rangemode": "tozero", "anchor": "x", "nticks": 6, "title": {"text": "entries"}
    }  # fmt: skip
    assert layout["yaxis2"] == {
        "rangemode": "tozero", "anchor": "x2", "matches": "y", "showticklabels": False
    }  # fmt: skip
    titles = [layout[name]["title"]["text"] for name in ("xaxis", "xaxis2")]
    assert titles == ["seconds"] * 2, "an axis has the name of what it measures"
    heads = [one["text"][0].strip() for one in figure["data"][-2:]]
    assert heads == ["a: 1 waiting", "b: 2 waiting"], "the groups are named at their numbers"
    three = PLOT.figure(history(sample(1, *(group(name, 1) for name in "abc"), length=5)))
    assert [one["text"][0].strip() for one in three["data"][-3:]] == ["a", "b", "c"]
    assert not {"matches", "showticklabels"} & set(layout["xaxis"])
    assert layout["xaxis2"]["matches"] == "x"
    colours = [trace["line"]["color"] for trace in figure["data"][:6]]
    assert colours == [COLOURS[0]] * 3 + [COLOURS[1]] * 3, "one colour for a group, as everywhere"
    assert AckProgress("b").figure(seen)["data"][0]["line"]["color"] == COLOURS[1]


def test_the_numbers_of_now_stand_above_the_bands() -> None:
    seen = history(
        sample(1, group("a", 1, acked=4, pending=2), group("b", 2, acked=3, dropped=2), length=7)
    )
    *_, first, second = PLOT.figure(seen)["data"]
    words = [[text.strip() for text in one["text"]] for one in (first, second)]
    assert words[0] == ["a: 1 waiting", "2 pending", "4 acknowledged"]
    assert words[1] == ["b: 2 waiting", "0 pending", "3 acknowledged", "2 dropped or unclear"]
    assert first["y"] == sorted(first["y"], reverse=True)
    assert first["y"] == [second["y"][0], *second["y"][1:3]], "at the same heights"
    some = group("a", 1, acked=4, pending=2, dropped=3)
    *_, alone = PLOT.figure(history(sample(1, some, length=10)))["data"]
    assert alone["text"][-1].strip() == "3 dropped or unclear"
    assert second["y"][-1] > 7, "above the highest band"


@pytest.mark.parametrize("many", [1, 2, 3, 8, 40])
def test_panels_never_overlap_however_many(many: int) -> None:
    layout = PLOT.layout(history(sample(1, *(group(f"group-{i:02}") for i in range(many)))))
    panels = [
        (*layout[name]["domain"], *layout[name.replace("x", "y", 1)].get("domain", (0, 1)))
        for name in layout
        if name.startswith("xaxis")
    ]
    assert len(panels) == min(many, 12)
    for left, right, low, high in panels:
        assert 0 <= left < left + 0.15 < right <= 1, "room for its numbers"
        assert 0 <= low < low + 0.15 < high <= 1
    for one, other in combinations(panels, 2):
        apart = one[1] < other[0] or other[1] < one[0] or one[3] < other[2] or other[3] < one[2]
        assert apart, (one, other)


def test_of_many_groups_those_are_shown_for_which_most_is_to_do() -> None:
    groups = [group(f"g{i:02}", 5 * (i in {3, 17}), pending=i == 19, acked=2) for i in range(20)]
    figure = PLOT.figure(history(sample(1, *groups, length=7)))
    assert figure["layout"]["title"]["text"].endswith(", 12 of 20 groups")
    assert figure["layout"]["title"] | {"text": ""} == {"text": "", "x": 0, "xref": "paper"}
    places = [one for one in figure["data"] if one["mode"] == "text"]
    texts = [one["text"] for one in places]
    assert len(texts) == 12
    assert all(len(one) == 2 for one in texts)
    assert {round(one["y"][1] / one["y"][0], 2) for one in places} == {0.64}, "no line on a line"
    rows = [figure["layout"][f"{name}axis{n}"] for name in "xy" for n in (2, 12)]
    assert [one.get("showticklabels", True) for one in rows] == [False, True, False, False]
    assert figure["layout"]["yaxis"]["nticks"] == 3, "in several rows there is less room"
    shown_texts = {name.strip(): numbers.strip() for name, numbers in texts}
    assert shown_texts["g03"] == shown_texts["g17"] == "5/0/2"
    assert shown_texts["g19"] == "0/1/2/4"
    failed = history(replace(sample(1, *groups, length=7), lost=3))
    assert "0/1/2/4, 3 lost" in str(PLOT.figure(failed)["data"]), "in a failover"


def test_one_group_can_be_shown_alone() -> None:
    seen = history(sample(1, group("a", 1, acked=4), group("b", 2, acked=3), length=5))
    alone = AckProgress("b")
    assert columns(seen, alone) == [[3], [3], [5]]
    assert alone.summary(seen) == "5 added. b: 3 acknowledged, 0 pending, 2 waiting."
    many = history(sample(1, *(group(f"g{n:02}", n) for n in range(20)), length=5))
    assert AckProgress("g19").summary(many).startswith("5 added. g19: ")
    assert not PLOT.summary(many).startswith("5 added. g"), "first, which groups are shown"


def test_a_group_that_is_not_there_is_said_to_be_missing() -> None:
    seen = history(sample(1, group("a", 1), length=5))
    absent = AckProgress("absent")
    assert columns(seen, absent) == []
    assert absent.summary(seen) == "5 added. no consumer group absent now."


def test_names_are_escaped_in_titles_and_hover() -> None:
    figure = PLOT.figure(history(sample(1, *(group(name) for name in sorted(HOSTILE)))))
    layout = figure["layout"]
    assert sum(name.startswith("xaxis") for name in layout) == len(HOSTILE)
    names = [one["text"][0] for one in figure["data"] if one["mode"] == "text"]
    assert any(shown(name.strip()).startswith("<b>") for name in names)
    *_, alone = PLOT.figure(history(sample(1, group(HOSTILE[0]))))["data"]
    assert shown(alone["text"][0].strip()).startswith("<b>")
    hovers = [one["hovertemplate"] for one in figure["data"] if "hovertemplate" in one]
    assert any(hover.startswith("&lt;b&gt;bold&lt;/b&gt;<br>%{y} ") for hover in hovers)


def test_the_summary_says_what_is_missing() -> None:
    assert PLOT.summary(history()) == "waiting for the first sample"
    assert PLOT.summary(history(sample(1))) == "no consumer group yet"
    assert PLOT.summary(history(sample(1, group("g")), gone(2))) == "stream is gone"


@pytest.mark.parametrize("group", [5, b"billing", ["billing"], True])
def test_a_group_must_be_text(group: Any) -> None:
    with pytest.raises(InputError, match="group="):
        AckProgress(group)


@pytest.mark.parametrize(
    ("number", "short"),
    [
        (9_999, "9,999"),
        (10_000, "10k"),
        (999_999, "999k"),
        (1_000_000, "1.0M"),
        (999_999_999, "999M"),
        (1_000_000_000, "1.0B"),
        (1_234_000_000_000, "1,234B"),
    ],
)
def test_a_number_is_short_from_ten_thousand_on(number: int, short: str) -> None:
    groups = [group(f"g{n}", number) for n in range(5)]
    data = PLOT.figure(history(sample(1, *groups, length=number)))["data"]
    texts = [one["text"] for one in data if one["mode"] == "text"]
    assert [one[1].strip() for one in texts] == [f"{short}/0/0"] * 5


def test_large_numbers_of_many_groups_are_short() -> None:
    groups = [group(f"g{n}", 12_345, acked=9_876_543, pending=9_999) for n in range(5)]
    data = PLOT.figure(history(sample(1, *groups, length=9_898_887)))["data"]
    texts = [one["text"] for one in data if one["mode"] == "text"]
    assert [one[1].strip() for one in texts] == ["12k/9,999/9.8M"] * 5


def test_only_a_narrow_picture_has_short_words() -> None:
    groups = [group(name, 2, acked=5) for name in "abc"]
    figure = PLOT.figure(history(sample(1, *groups), sample(2, *groups, length=7, added=7)))
    wide, narrow = render(figure, 720), render(figure, 400)
    assert (wide.count(" acknowledged<"), wide.count(" acked<")) == (3, 0)
    assert (narrow.count(" acknowledged<"), narrow.count(" acked<")) == (0, 3)
