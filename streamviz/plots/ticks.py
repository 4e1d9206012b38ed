"""Choose the numbers at an axis: round ones, and whole ones if all values there are whole."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from streamviz.plots.figure import Figure
from streamviz.plots.traces import ASIDE, Trace

_FEW = 5  # with a larger range, plotly's own steps are whole, too


def ticks(low: float, high: float, about: int, least: int = 0) -> list[float]:
    """Return about this many round numbers in a range, not closer together than `least`."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = max(least, next(m * power for m in (1, 2, 5, 10) if m * power >= raw))
    first = math.ceil(low / step)
    return [round(i * step, 10) for i in range(first, math.floor(high / step) + 1)]


def tick_text(value: float) -> str:
    """Return a number in few letters, as plotly does."""
    for size, letter in ((1e9, "B"), (1e6, "M")):
        if size <= abs(value) < 1e12:
            return f"{value / size:g}{letter}"
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:g}"


def least_step(traces: list[Trace], axis: str) -> int:
    """Return 1 for an axis on which all values are whole, such as counts, otherwise 0.

    The texts at the ends of lines don't count: they stand where there is room.
    """
    values = _values(traces, axis)
    return int(bool(values) and all(isinstance(one, Real) and one % 1 == 0 for one in values))


def most_shown(traces: list[Trace], axis: str) -> float:
    """Return the largest number that an axis needs; the room above the values is for words."""
    low, high = (least(_values(traces, axis), default=0) for least in (min, max))
    room = 0.1 * max(high, 0) if axis == "y" else 0.02 * (high - low)
    return float(high + room) if high else math.inf


def sharing(figure: Figure, own: list[Trace], kind: str) -> list[Trace]:
    """Return the traces that share a scale: all if the axes match, otherwise the panel's own."""
    axes = [axis for key, axis in figure["layout"].items() if key.startswith(kind)]
    return list(figure["data"]) if any("matches" in axis for axis in axes) else own


def with_whole_ticks(figure: Figure) -> Figure:
    """Return a figure for plotly, which would write 0.5 at an axis that counts a few entries."""
    axes: dict[str, Any] = {}
    for key, axis in figure["layout"].items():
        if key.startswith(("xaxis", "yaxis")) and "tickvals" not in axis:
            letter, name = key[0], key.replace("axis", "")
            own = [one for one in figure["data"] if one.get(f"{letter}axis", letter) == name]
            traces = sharing(figure, own, f"{letter}axis")
            if least_step(traces, letter):
                values = _values(traces, letter) + [0] * (axis.get("rangemode") == "tozero")
                if max(values) - min(values) <= _FEW:
                    axes[key] = {"dtick": 1} | axis
    return figure | {"layout": figure["layout"] | axes}


def _values(traces: list[Trace], axis: str) -> list[Any]:
    own = (one for one in traces if one.get("mode") != "text" and one.get("meta") != ASIDE)
    columns = (one.get(axis) or () for one in own)
    return [value for points in columns for value in points if value is not None]
