"""Strips: lag and oldest pending entry on one time axis, with events through both."""

from __future__ import annotations

import re

from plots.histories import gone, group, history, sample

from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.plots import GroupLag, PendingAge, Strips
from streamviz.plots.svg import render

PLOT = Strips()


def busy() -> History:
    held = [PendingEntry(EntryId(1000), "ann", 1, 1)]
    return history(
        *(
            sample(
                n,
                group("billing", n, pending=1, oldest=held),
                group("email", 0),
                events=[Event("killed", "ann", "billing", 1)] if n == 30 else [],
            )
            for n in range(1, 61)
        )
    )


def test_both_strips_show_what_the_whole_plots_show() -> None:
    seen = busy()
    lines = PLOT.figure(seen)["data"][:4]
    lags, ages = GroupLag().figure(seen)["data"][:2], PendingAge().figure(seen)["data"][:2]
    assert [one["y"] for one in lines] == [one["y"] for one in (*lags, *ages)]
    assert [one.get("yaxis", "y") for one in lines] == ["y", "y", "y2", "y2"]
    assert {one["line"]["dash"] for one in lines} == {"solid"}


def test_the_strips_share_one_time_axis_and_do_not_touch() -> None:
    layout = PLOT.figure(busy())["layout"]
    assert [name for name in layout if name.startswith("xaxis")] == ["xaxis"]
    above, below = (layout[name]["domain"] for name in ("yaxis", "yaxis2"))
    assert above[0] - below[1] > 0.1, "a heading has room between them"
    assert layout["showlegend"] is False


def test_an_event_goes_through_both_strips_and_has_its_words_once() -> None:
    figure = PLOT.figure(busy())
    *_, above, below = figure["data"]
    assert above["x"] == below["x"] == [2.9, 2.9, None]
    assert above["text"] == ["", "ann killed", ""]
    assert below["text"] == ["", "", ""]
    assert below["y"] == [0, 1, None]
    assert (above["yaxis"], below["yaxis"]) == ("y3", "y4")
    assert [figure["layout"][f"yaxis{i}"]["overlaying"] for i in (3, 4)] == ["y", "y2"]


def test_each_line_ends_with_its_groups_name_and_value() -> None:
    lag, age = PLOT.figure(busy())["data"][5:7]
    assert lag["text"] == ["billing 60", "email 0", ""]
    assert age["text"] == ["billing 6.0 s", "email 0.0 s", ""]
    assert lag["x"] == age["x"] == [5.9] * 3


def test_the_words_are_those_of_both_plots() -> None:
    words = PLOT.summary(busy())
    assert words.startswith("billing: 60 waiting; email: 0 waiting. billing: 1 pending, the oldest")
    assert PLOT.summary(history()) == "waiting for the first sample"
    assert PLOT.summary(history(sample(1, group("g")), gone(2))) == "stream is gone"


def test_both_strips_have_a_title_of_one_kind_and_the_time_axis_says_seconds() -> None:
    layout = PLOT.figure(busy())["layout"]
    below, unit = layout["annotations"]
    assert layout["title"]["text"] == "Entries waiting"
    assert below["text"] == "Oldest pending entry, seconds since it was added"
    assert layout["title"]["font"]["size"] == below["font"]["size"]
    assert (unit["text"], unit["x"], unit["y"]) == ("seconds", 1, 0)
    picture = render(PLOT.figure(busy()))
    heads = re.findall(r"font-size='13' font-weight='600'>([^<]+)<", picture)
    assert heads == [layout["title"]["text"], below["text"]]
    ((x, y),) = re.findall(r"<text x='([\d.]+)' y='([\d.]+)'[^>]*>seconds<", picture)
    ticks = re.findall(rf"<text x='([\d.]+)' y='{y}' text-anchor='middle'>\d+<", picture)
    assert len(ticks) > 3
    assert float(x) > max(map(float, ticks)) + 10, "it stands behind the last number"
