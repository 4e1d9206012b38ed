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
_DASHES["longdashdot"] = "14 5 2 5"


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
            yield from _fill(trace, panel)
        line = path(points, stepped=style.get("shape") == "hv") if style["width"] else ""
        if line:
            yield (
                f"<path d='{line}' fill='none' {stroke(style)}"
                + (f" opacity='{trace['opacity']:g}'" if trace.get("opacity", 1) != 1 else "")
                + "/>"
            )
    if "markers" in mode:
        yield from _markers(trace, panel)
    if "text" in mode:
        yield from _texts(trace, panel)


def _texts(trace: Trace, panel: Panel) -> Iterator[Word]:
    colours = trace.get("textfont", {}).get("color")
    for i, point in enumerate(_points(trace, panel)):
        text = str(_of(trace.get("text"), i) or "")
        if point is None or not text:
            continue
        position = _of(trace.get("textposition", "middle center"), i)
        anchor, dx = {"left": ("end", -4), "right": ("start", 4)}.get(
            position.split()[-1], ("middle", 0)
        )
        y = point[1] + (15 if position.startswith("bottom") else 4)
        fill = f" fill='{_of(colours, i)}'" if colours else ""
        element = (
            f"<text x='{point[0] + dx:.1f}' y='{y:.1f}' text-anchor='{anchor}'{fill}>"
            f"{words_of(text)}</text>"
        )
        kind = f"{trace['name']} {trace.get('yaxis', 'y')}"
        yield word(element, (point[0] + dx, y), text, anchor, "point", kind)


def _fill(trace: Trace, panel: Panel) -> Iterator[str]:
    """Fill the area down to zero, or the shape itself; the lowest of several bands comes last."""
    pieces, hatches, closed = [], [], trace["fill"] == "toself"
    is_hatched = "fillpattern" in trace
    for known, run in groupby(_points(trace, panel), key=lambda point: point is not None):
        points = [point for point in run if point is not None]
        if known:
            hatches += [hatching(points)] if is_hatched else []
            line = path(points, stepped=trace["line"].get("shape") == "hv")
            pieces.append(f"{line}{'' if closed else f'V{panel.bottom:.0f}H{points[0][0]:.1f}'}Z")
    if pieces and is_hatched:
        hatch = "".join(hatches)
        yield f"<path d='{hatch}' stroke='{trace['line']['color']}' stroke-opacity='.5'/>"
    elif pieces:
        fill = trace.get("fillcolor", f"{trace['line']['color']}' fill-opacity='.5")
        yield f"<path d='{''.join(pieces)}' fill='{fill}'/>"


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


def _markers(trace: Trace, panel: Panel) -> Iterator[str]:
    marker = trace["marker"]
    shapes: dict[str, dict[Point, str]] = {}  # by how they are painted, one at each pixel
    for i, point in enumerate(_points(trace, panel)):
        size = _of(marker.get("size", 6), i)
        if point is None or not size:
            continue
        symbol, colour = (
            str(_of(one, i)) for one in (marker.get("symbol", "circle"), marker["color"])
        )
        opacity = _of(marker.get("opacity", 1), i)
        paint = (
            f"fill='none' stroke='{colour}' stroke-width='2'"
            if symbol.endswith("-open")
            else f"fill='{colour}'"
        ) + (f" opacity='{opacity}'" if opacity != 1 else "")
        at = (round(point[0], 1), round(point[1], 1))
        alike = shapes.setdefault(paint, {})
        if at not in alike:
            alike[at] = shape(symbol.removesuffix("-open"), *at, size / 2)
    for paint, alike in shapes.items():
        yield f"<path d='{''.join(alike.values())}' {paint}/>"


def _of(value: Any, i: int) -> Any:
    """Return a point's own value, or the one that all points have."""
    return value[min(i, len(value) - 1)] if value and isinstance(value, list | tuple) else value
