"""A dashboard's plots as one plotly Figure."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

import plotly.graph_objects as go
import pytest
from plots.histories import PLOTS as ALL
from plots.histories import group, history, sample

from streamviz import Dashboard
from streamviz.plots import Flow, GroupLag

SEEN = history(
    sample(1, group("a"), group("b"), length=1), sample(2, group("a", 2), group("b"), length=2)
)
# the others need other samples
PLOTS = [
    plot
    for name, plot in ALL.items()
    if name not in ("partitions", "flow", "swim_lanes_of_one") and plot.figure(SEEN)["data"]
]


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: type(plot).__name__)
def test_one_plot_is_its_own_figure(plot: Any) -> None:
    figure = Dashboard(SEEN, plots=[plot]).figure
    assert isinstance(figure, go.Figure)
    own = plot.figure(SEEN)
    assert figure.layout.title.text == own["layout"]["title"]["text"]
    assert len(figure.data) == len(own["data"]) > 0


def test_several_plots_keep_their_axes_and_get_a_band_each() -> None:
    assert len(PLOTS) > 8
    dashboard = Dashboard(SEEN, plots=PLOTS)
    figure = json.loads(dashboard.figure.to_json())
    layout = figure["layout"]
    heads = [one for one in layout["annotations"] if one["text"].startswith("<b>")]
    titles = [re.sub("</?b>", "", one["text"]) for one in heads]
    assert titles == [plot.figure(SEEN)["layout"]["title"]["text"] for plot in PLOTS]
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
        top = heads[row]["y"]
        assert bands
        assert all(0 <= low < high <= top for low, high in bands)
    assert start == len(figure["data"])
    tops = [one["y"] for one in heads]
    assert tops == sorted(tops, reverse=True)


def test_a_flow_is_an_image_alone_and_above_the_others() -> None:
    for plots in ([Flow()], [Flow(), GroupLag()]):
        figure = json.loads(Dashboard(SEEN, plots=plots).figure.to_json())
        (image,) = figure["layout"]["images"]
        svg = b64decode(image["source"].removeprefix("data:image/svg+xml;base64,")).decode()
        assert all(words in svg for words in ("<svg", ">a<", ">b<", "2 waiting"))
        assert (image["y"], image["sizex"]) == (1, 1)
        rest = 1 - image["sizey"]
        tops = [axis["domain"][1] for axis in (figure["layout"].get("yaxis"),) if axis]
        assert tops == ([] if len(plots) == 1 else [pytest.approx(260 / 610)])
        assert rest == pytest.approx(0 if len(plots) == 1 else 350 / 610)


def test_a_figure_is_ones_own(tmp_path: Any) -> None:
    dashboard = Dashboard(SEEN)
    dashboard.figure.update_layout(title="mine").write_html(tmp_path / "mine.html")
    assert dashboard.figure.layout.title.text is None
    assert dashboard.figure.layout.images[0].y == 1
