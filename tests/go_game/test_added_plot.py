"""The plot of the entries added to several streams."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from plots.histories import HOSTILE, gone, group, history, sample

from go_game.added_plot import AddedPlot
from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.plots.figure import apply
from streamviz.plots.svg import render


def sampled(n: int, added: int) -> Any:
    return sample(n, group("g"), length=added, added=added)


def two() -> tuple[dict[str, History], AddedPlot]:
    asked, made = history(sampled(1, 1), sampled(2, 3)), history(sampled(1, 0), sampled(2, 2))
    histories = {"asked": asked, "made": made}
    return histories, AddedPlot(histories)


def test_each_stream_has_its_line() -> None:
    histories, plot = two()
    shown = plot.figure(histories["asked"])
    *lines, labels, _events = shown["data"]
    assert [(trace["name"], trace["y"]) for trace in lines] == [
        ("asked", [1, 3]),
        ("made", [0, 2]),
    ]
    assert {trace["line"]["shape"] for trace in lines} == {"hv"}
    assert labels["text"] == ["asked 3", "made 2", ""], "each line is named at its end"
    assert labels["x"] == [lines[0]["x"][-1]] * 3
    first, second = (trace["line"]["width"] for trace in lines)
    assert first > second, "where both are at one place, both are seen"
    assert shown["summary"] == "asked 3, made 2."


def test_every_delta_leads_to_the_whole_figure() -> None:
    histories, plot = two()
    shown, identity = plot.figure(histories["asked"]), plot.structure_key(histories["asked"])
    for n in range(3, 20):
        histories["asked"].append(sampled(n, n))
        histories["made"].append(sampled(n, n - 1))
        shown = apply(shown, plot.delta(histories["asked"], shown["n"], identity))
        assert shown == plot.figure(histories["asked"])


def test_a_sample_that_one_stream_has_not_had_is_a_gap() -> None:
    histories, plot = two()
    histories["asked"].append(sampled(3, 9))
    shown = plot.figure(histories["asked"])
    assert shown["data"][1]["y"] == [0, 2, None]
    assert "made an unknown number" in shown["summary"]


def test_a_stream_that_is_gone_counts_nothing() -> None:
    histories, plot = two()
    histories["asked"].append(sampled(3, 9))
    histories["made"].append(gone(3))
    assert plot.figure(histories["asked"])["data"][1]["y"] == [0, 2, 0]


def test_hostile_names_make_a_picture_all_the_same() -> None:
    histories = {name: history(sampled(1, 1)) for name in HOSTILE}
    shown = AddedPlot(histories).figure(histories[HOSTILE[0]])
    assert all("<" not in trace["name"] for trace in shown["data"])
    ElementTree.fromstring(render(shown))


@pytest.mark.parametrize("bad", [{}, None, [], {"a": None}, "text"])
def test_invalid_histories_are_rejected(bad: Any) -> None:
    with pytest.raises(InputError, match="give a History for each"):
        AddedPlot(bad)
