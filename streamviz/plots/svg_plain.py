"""Turn the bars and logarithmic axes of a user's plot into plain lines on linear axes."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from streamviz.errors import InputError
from streamviz.plots.ticks import tick_text
from streamviz.plots.traces import Trace

_LINEAR = (None, "-", "linear")
_OTHERS = ("scatter", "bar")
_BAR = 0.8  # of the room between two of them


def plain(data: list[Trace], layout: dict[str, Any]) -> tuple[list[Trace], dict[str, Any]]:
    """Return traces and a layout with lines alone; InputError if they have what no line shows."""
    if kinds := {one.get("type", "scatter") for one in data}.difference(_OTHERS):
        raise InputError(f"a still picture can't draw the trace type {min(kinds)!r}: use scatter")
    feet: dict[str, float] = {}  # by axis, where its bars stand
    for name, axis in layout.items():
        kind = axis.get("type") if "axis" in name else None
        if kind == "log" and name.startswith("y"):
            own = name.replace("axis", "")
            data, linear = _logarithms(data, own, axis.get("range"))
            layout = layout | {name: axis | linear}
            feet[own] = linear["range"][0]
        elif kind not in _LINEAR:
            raise InputError(f"a still picture can't draw the {name} type {kind!r}: leave it out")
    bars = [one for one in data if one.get("type") == "bar"]
    if bars and layout.get("barmode", "group") != "group":
        raise InputError("a still picture draws bars beside each other: leave barmode out")
    across = sorted({x for one in bars for x in one.get("x") or ()})
    room = _BAR * min((right - left for left, right in pairwise(across)), default=1)
    places = (room * (place / len(bars) - 0.5) for place in range(len(bars)))
    return [
        one
        if one.get("type") != "bar"
        else _outlined(one, next(places), room / len(bars), feet.get(one.get("yaxis", "y"), 0))
        for one in data
    ], layout


def _logarithms(
    data: list[Trace], axis: str, limits: list[float] | None
) -> tuple[list[Trace], dict[str, Any]]:
    """Return the traces with the logarithms of their values on an axis, its range and ticks."""
    changed, powers = [], {0}
    for trace in data:
        if trace.get("yaxis", "y") == axis:
            logs = [math.log10(y) if y is not None and y > 0 else None for y in trace.get("y", ())]
            powers |= {edge(y) for y in logs if y is not None for edge in (math.floor, math.ceil)}
            trace = trace | {"y": logs}
        changed.append(trace)
    low, high = limits or (min(powers), max(max(powers), min(powers) + 1))
    step = math.ceil((high - low) / 6) or 1
    exponents = range(math.ceil(low), math.floor(high) + 1, step)
    texts = [tick_text(10.0**one) for one in exponents]
    return changed, {"range": [low, high], "tickvals": [*exponents], "ticktext": texts}


def _outlined(trace: Trace, begin: float, width: float, foot: float) -> Trace:
    """Return bars as one filled outline with gaps; they begin so much after their points."""
    if trace.get("orientation", "v") != "v":
        raise InputError("a still picture can't draw horizontal bars: leave orientation out")
    x: list[float | None] = []
    y: list[float | None] = []
    for middle, height in zip(trace.get("x") or (), trace.get("y") or (), strict=True):
        if height is not None:
            left, right = middle + begin, middle + begin + width
            x += [left, left, right, right, None]
            y += [foot, height, height, foot, None]
    own = trace.get("marker", {}).get("color")
    line = trace["line"] | ({"color": own} if isinstance(own, str) else {}) | {"width": 1}
    outline = {"type": "scatter", "mode": "lines", "line": line, "fill": "toself", "text": []}
    return trace | outline | {"x": x, "y": y}
