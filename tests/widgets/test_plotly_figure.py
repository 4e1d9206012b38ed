"""A board's plots as one plotly Figure."""

from __future__ import annotations

import json
import re
from typing import Any

import plotly.graph_objects as go
import pytest
from plots.histories import PLOTS as ALL
from plots.histories import group, history, sample

from streamviz import Dashboard

SEEN = history(
    sample(1, group("a"), group("b"), length=1), sample(2, group("a", 2), group("b"), length=2)
)
# the others need other samples
PLOTS = [ALL[name] for name in ALL if name != "partitions" and ALL[name].figure(SEEN)["data"]]


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: type(plot).__name__)
def test_one_plot_is_its_own_figure(plot: Any) -> None:
    figure = Dashboard(SEEN, plots=[plot]).figure
    assert isinstance(figure, go.Figure)
    own = plot.figure(SEEN)
    assert figure.layout.title.text == own["layout"]["title"]["text"]
    assert len(figure.data) == len(own["data"]) > 0


def test_several_plots_keep_their_axes_and_get_a_band_each() -> None:
    assert len(PLOTS) > 8
    board = Dashboard(SEEN, plots=PLOTS)
    figure = json.loads(board.figure.to_json())
    layout = figure["layout"]
    titles = [re.sub("</?b>", "", one["text"]) for one in layout["annotations"]]
    assert titles == [plot.title for plot in PLOTS]
    start, used = 0, set[str]()
    for row, plot in enumerate(PLOTS):
        own = plot.figure(SEEN)
        traces = figure["data"][start : start + len(own["data"])]
        start += len(own["data"])
        axes = {trace[name] for trace in traces for name in ("xaxis", "yaxis")}
        assert not axes & used, "no other plot has these axes"
        used |= axes
        assert {f"{axis[0]}axis{axis[1:]}" for axis in axes} <= layout.keys()
        bands = [layout[f"yaxis{axis[1:]}"]["domain"] for axis in axes if axis[0] == "y"]
        top = layout["annotations"][row]["y"]
        assert bands
        assert all(0 <= low < high <= top for low, high in bands)
    assert start == len(figure["data"])
    tops = [one["y"] for one in layout["annotations"]]
    assert tops == sorted(tops, reverse=True)


def test_a_figure_is_ones_own(tmp_path: Any) -> None:
    board = Dashboard(SEEN)
    board.figure.update_layout(title="mine").write_html(tmp_path / "mine.html")
    assert board.figure.layout.title.text is None
    assert board.figure.layout.yaxis.domain[1] == 1
