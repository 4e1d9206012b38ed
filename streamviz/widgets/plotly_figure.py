"""The plots of a widget as one plotly Figure: to change, to save, or for another program."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from streamviz.plots.figure import Figure
from streamviz.plots.svg import render
from streamviz.plots.ticks import with_whole_ticks

_AXIS = re.compile(r"([xy])(?:axis)?(\d*)")
_MOVED = ("title", "legend", "showlegend", "annotations")
_ROW_PX, _GAP_PX = 260, 90
_AXIS_REFERENCES = ("anchor", "overlaying", "matches", "scaleanchor")


def plotly_figure(figures: Sequence[Figure]) -> Any:
    """Return a `plotly.graph_objects.Figure` of one or more plots, one below the other.

    Plotly cannot draw a flow, so that is an image in it.
    """
    from plotly.graph_objects import Figure as PlotlyFigure

    figures = [one if _is_flow(one) else with_whole_ticks(one) for one in figures]
    if len(figures) == 1 and not _is_flow(figures[0]):
        return PlotlyFigure(figures[0]["data"], figures[0]["layout"])
    height = len(figures) * (_ROW_PX + _GAP_PX) - _GAP_PX
    data: list[Any] = []
    layout: dict[str, Any] = {"annotations": [], "images": [], "height": height + _GAP_PX}
    used = {"x": 0, "y": 0}
    for row, figure in enumerate(figures):
        top = 1 - row * (_ROW_PX + _GAP_PX) / height
        band = (max(0.0, top - _ROW_PX / height), top)
        if _is_flow(figure):
            layout["images"].append(_image(figure, band))
        else:
            data += [_moved_trace(trace, used, row) for trace in figure["data"]]
            _add_row(layout, figure["layout"], used, row, band)
    return PlotlyFigure(data, layout)


def _is_flow(figure: Figure) -> bool:
    return bool(figure["layout"]["meta"].get("flow"))


def _image(figure: Figure, band: tuple[float, float]) -> dict[str, Any]:
    bottom, top = band
    svg = b64encode(render(figure, 900, _ROW_PX).encode()).decode()
    place = {"xref": "paper", "x": 0, "yref": "paper", "y": top, "sizex": 1, "sizey": top - bottom}
    return {"source": f"data:image/svg+xml;base64,{svg}", "sizing": "contain", **place}


def _moved_trace(trace: dict[str, Any], used: dict[str, int], row: int) -> dict[str, Any]:
    axes = {name: _moved(trace.get(name, name[0]), used) for name in ("xaxis", "yaxis")}
    return trace | axes | {"legend": _numbered("legend", row + 1)}


def _add_row(
    layout: dict[str, Any],
    own: dict[str, Any],
    used: dict[str, int],
    row: int,
    band: tuple[float, float],
) -> None:
    """Add the layout of one plot: its axes in a band, its title and its legend above it."""
    bottom, top = band
    first = {"x": _moved("y", used), "y": _moved("x", used)}
    axes = {name: axis for name, axis in own.items() if _AXIS.fullmatch(name)}
    layout |= {name: value for name, value in own.items() if name not in (*axes, *_MOVED)}
    for name, axis in axes.items():
        result = {"anchor": first[name[0]]} | axis
        result |= {key: _moved(axis[key], used) for key in _AXIS_REFERENCES if key in axis}
        if name[0] == "y":
            low, high = axis.get("domain", (0, 1))
            result["domain"] = [bottom + part * (top - bottom) for part in (low, high)]
        layout[_moved(name, used, key="axis")] = result
    for letter in used:
        used[letter] += sum(name[0] == letter for name in axes)
    notes = own.get("annotations", ())
    layout["annotations"] += [one | {"y": bottom + one["y"] * (top - bottom)} for one in notes]
    place = {"xref": "paper", "x": 0, "yref": "paper", "y": top, "yanchor": "bottom"}
    title = {"text": f"<b>{own['title']['text']}</b>", "showarrow": False, "xanchor": "left"}
    layout["annotations"].append(title | place)
    legend = own["legend"] | {"y": top, "visible": own["showlegend"]}
    layout[_numbered("legend", row + 1)] = legend


def _moved(name: str, used: dict[str, int], key: str = "") -> str:
    """Return the name of an axis after those that other plots use; "free" stays."""
    match = _AXIS.fullmatch(name)
    if match is None:
        return name
    letter, number = match.groups()
    return _numbered(letter + key, int(number or 1) + used[letter])


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}{number}"
