"""Draw the lines, bands, marks and texts of a trace as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from itertools import groupby
from typing import Any

from streamviz.plots.svg_shapes import Point, hatching, path, shape
from streamviz.plots.svg_words import Word, word
from streamviz.plots.texts import clean, cut
from streamviz.plots.traces import Trace

_DASHES = {"dash": "9 5", "dot": "2.5 4", "dashdot": "9 4 2 4", "longdash": "14 6"}
_DASHES |= {"longdashdot": "14 5 2 5"}
_ANCHORS = {"left": ("end", -4), "right": ("start", 4)}


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes: its edges in pixels, and the values that it spans."""

    left: float
    right: float
    top: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> Point:
        """Return the pixel of a pair of values."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            self.left + across * (self.right - self.left),
            self.bottom - up * (self.bottom - self.top),
        )


def words_of(text: str, most: int = 200) -> str:
    """Return what plotly would show of a text, as XML, cut if it is wider than this."""
    return escape(cut(clean(unescape(text)), most))


def draw_trace(trace: Trace, panel: Panel) -> Iterator[str | Word]:
    """Yield the elements of a trace on a pair of axes."""
    points = _points(trace, panel)
    mode = trace.get("mode", "lines")
    if "lines" in mode:
        style = trace["line"]
        if trace.get("fill"):
            yield from _fill(trace, points, panel.bottom)
        line = path(points, stepped=style.get("shape") == "hv") if style["width"] else ""
        if line:
            faint = f" opacity='{trace['opacity']:g}'" if trace.get("opacity", 1) != 1 else ""
            yield f"<path d='{line}' fill='none' {stroke(style)}{faint}/>"
    if "markers" in mode:
        yield from _markers(trace["marker"], points)
    if "text" in mode:
        yield from _texts(trace, points)


def _texts(trace: Trace, points: list[Point | None]) -> Iterator[Word]:
    colours, meta = trace.get("textfont", {}).get("color"), trace.get("meta")
    rest = dict([meta["rest"]]) if isinstance(meta, dict) and "rest" in meta else {}
    for i, point in enumerate(points):
        text = str(_of(trace.get("text"), i) or "")
        if point is None or not text:
            continue
        position = _of(trace.get("textposition", "middle center"), i)
        anchor, dx = _ANCHORS.get(position.split()[-1], ("middle", 0))
        x, y = point[0] + dx, point[1] + (15 if position.startswith("bottom") else 4)
        style = f"text-anchor='{anchor}'" + (f" fill='{_of(colours, i)}'" if colours else "")
        element = f"<text x='{x:.1f}' y='{y:.1f}' {style}>{words_of(text)}</text>"
        kind = f"{trace['name']} {trace.get('yaxis', 'y')}"
        yield word(element, (x, y), text, anchor, "point", kind, rest.get(i, 0))


def _fill(trace: Trace, points: list[Point | None], bottom: float) -> Iterator[str]:
    """Fill the area down to zero, or the shape itself; the lowest of several bands comes last."""
    style, closed = trace["line"], trace["fill"] == "toself"
    groups = groupby(points, key=lambda point: point is not None)
    runs = [[one for one in run if one is not None] for is_known, run in groups if is_known]
    if runs and "fillpattern" in trace:
        hatch = "".join(map(hatching, runs))
        yield f"<path d='{hatch}' stroke='{style['color']}' stroke-opacity='.5'/>"
    elif runs:
        ends = ["Z" if closed else f"V{bottom:.0f}H{run[0][0]:.1f}Z" for run in runs]
        lines = [path(run, stepped=style.get("shape") == "hv") for run in runs]
        pieces = "".join(line + end for line, end in zip(lines, ends, strict=True))
        fill = trace.get("fillcolor", f"{style['color']}' fill-opacity='.5")
        yield f"<path d='{pieces}' fill='{fill}'/>"


def stroke(style: dict[str, Any]) -> str:
    """Return the attributes of a line."""
    dash = _DASHES.get(style.get("dash", "solid"))
    dashes = f" stroke-dasharray='{dash}'" if dash else ""
    return f"stroke='{style['color']}' stroke-width='{style['width']}'{dashes}"


def _points(trace: Trace, panel: Panel) -> list[Point | None]:
    return [
        None if y is None or x is None else panel.at(x, y)
        for x, y in zip(trace.get("x") or (), trace.get("y") or (), strict=True)
    ]


def _markers(marker: dict[str, Any], points: list[Point | None]) -> Iterator[str]:
    plain = {"size": 6, "symbol": "circle", "opacity": 1}
    shapes: dict[str, dict[Point, str]] = {}  # by how they are painted, one at each pixel
    for i, point in enumerate(points):
        own = {key: _of(value, i) for key, value in (plain | marker).items()}
        symbol, colour, size = str(own["symbol"]), own["color"], own["size"]
        if point is None or not size:
            continue
        is_open = symbol.endswith("-open")
        paint = f"fill='none' stroke='{colour}' stroke-width='2'" if is_open else f"fill='{colour}'"
        paint += f" opacity='{own['opacity']}'" if own["opacity"] != 1 else ""
        at = (round(point[0], 1), round(point[1], 1))
        alike = shapes.setdefault(paint, {})
        if at not in alike:
            alike[at] = shape(symbol.removesuffix("-open"), *at, size / 2)
    for paint, alike in shapes.items():
        yield f"<path d='{''.join(alike.values())}' {paint}/>"


def _of(value: Any, i: int) -> Any:
    """Return a point's own value, or the one that all points have."""
    return value[min(i, len(value) - 1)] if value and isinstance(value, list | tuple) else value
