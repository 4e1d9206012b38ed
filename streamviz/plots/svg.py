"""Draw a figure as a static SVG, which needs neither a kernel nor a browser's code.

Only those parts of plotly's JSON are drawn that our figures use. The same figure gives the same
bytes on every machine, so tests can compare a notebook's saved pictures.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from itertools import accumulate, groupby
from typing import Any
from unicodedata import east_asian_width

from streamviz.plots.contrast import TEXT_COLOUR, TEXT_COLOURS, Background, for_background
from streamviz.plots.figure import GREY, Figure, Trace, clean, colour
from streamviz.plots.flow_svg import render_flow
from streamviz.plots.svg_shapes import Point, path, shape

_DASHES = {"dash": "9 5", "dot": "2.5 4", "dashdot": "9 4 2 4", "longdash": "14 6"}
_DASHES["longdashdot"] = "14 5 2 5"
_FONT = "font-family='system-ui,sans-serif'"


@dataclass(frozen=True, slots=True)
class _Panel:
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


def render(
    figure: Figure,
    width: int = 720,
    height: int | None = None,
    background: Background | None = None,
) -> str:
    """Return a figure as SVG, with its summary for screen readers.

    Parameters
    ----------
    figure : dict
        As `Plot.figure` returns it.
    width : int
        In pixels; the picture scales to its container.
    height : int, optional
        In pixels; by default 300, and for a flow what its groups need.
    background : {"light", "dark"}, optional
        What the figure is drawn on; without it, the colours suit both.
    """
    if figure["layout"]["meta"].get("flow"):
        return render_flow(figure, width, height, background)
    height = height or 300
    figure = figure | {"data": [_styled(*one) for one in enumerate(figure["data"])]}
    if background:
        figure = figure | {"data": for_background(figure["data"], background)}
    layout = {"xaxis": {}, "yaxis": {}} | figure["layout"]
    figure = figure | {"layout": layout}
    title = layout["title"]["text"]
    text_colour = TEXT_COLOURS[background] if background else TEXT_COLOUR
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"role='img' {_FONT} font-size='12' fill='{text_colour}'>",
        f"<title>{_words(title)}</title><desc>{escape(clean(figure['summary']))}</desc>",
        f"<text x='56' y='20' font-size='15' font-weight='600'>{_words(title)}</text>",
    ]
    if layout.get("showlegend", True):
        parts += _legend(figure["data"], width, 56 + 8.5 * len(title))
    for name in sorted(key for key in layout if key.startswith("xaxis")):
        if not layout[name].get("visible", True):
            continue
        parts += _axes(figure, name, width, height)
    for note in layout.get("annotations", ()):
        parts += [
            f"<text x='56' y='{60 + 18 * row}'>{_words(line)}</text>"
            for row, line in enumerate(note["text"].split("<br>"))
        ]
    return "".join(parts) + "</svg>"


def _styled(index: int, trace: Trace) -> Trace:
    """Return a trace with what plotly chooses if one's own plot leaves it out."""
    plain = {"color": colour(index), "width": 2}
    styles = {key: plain | trace.get(key, {}) for key in ("line", "marker")}
    return {"name": f"trace {index}", "mode": "lines"} | trace | styles


def _axes(figure: Figure, name: str, width: int, height: int) -> Iterator[str]:
    layout, number = figure["layout"], name.removeprefix("xaxis")
    traces = [t for t in figure["data"] if t.get("xaxis", "x") == f"x{number}"]
    main = [t for t in traces if t.get("yaxis", "y") == f"y{number}"]
    low, high = layout[name].get("domain", (0, 1))
    inner = width - 56 - 14
    left, right = 56 + low * inner, 56 + high * inner
    y_axis = layout[f"yaxis{number}"]
    y_range = y_axis.get("range") or _span(_sharing(figure, main), "y", zero=True)
    panel = _Panel(left, right, 34, height - 44, _span(traces, "x"), y_range)
    yield from _grid(panel, layout[name], y_axis, labels=y_axis.get("showticklabels", True))
    for trace in reversed(main):
        yield from _trace(trace, panel)
    strip = _Panel(left, right, 34, height - 44, panel.x, (0.0, 1.0))
    for trace in traces:
        if trace.get("yaxis", "y") == "y2" and not number and trace not in main:
            yield from _trace(trace, strip)


def _sharing(figure: Figure, main: list[Trace]) -> list[Trace]:
    """Return the traces that share a scale: all if the axes match, otherwise the panel's own."""
    y_axes = [axis for key, axis in figure["layout"].items() if key.startswith("yaxis")]
    return list(figure["data"]) if any("matches" in axis for axis in y_axes) else main


def _span(traces: list[Trace], axis: str, *, zero: bool = False) -> tuple[float, float]:
    values = [v for trace in traces for v in trace.get(axis) or () if v is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    low = min(low, 0.0) if zero else low
    if low == high:
        high = low + max(1.0, abs(low) * 1e-6)  # adding 1 to a huge number may not change it
    return (low, high + (high - low) * 0.06) if zero else (low, high)


def _grid(
    panel: _Panel, x_axis: dict[str, Any], y_axis: dict[str, Any], *, labels: bool
) -> Iterator[str]:
    for value in _ticks(*panel.x, 7 if panel.right - panel.left > 300 else 4):
        x, y = panel.at(value, panel.y[0])
        yield f"<text x='{x:.1f}' y='{y + 16:.1f}' text-anchor='middle'>{_number(value)}</text>"
    own_ticks = y_axis.get("tickvals")
    ticks = own_ticks if own_ticks is not None else _ticks(*panel.y, 5)
    texts = y_axis.get("ticktext") or [_number(value) for value in ticks]
    for value, text in zip(ticks, texts, strict=True):
        _, y = panel.at(panel.x[0], value)
        yield (
            f"<path d='M{panel.left:.1f} {y:.1f}H{panel.right:.1f}' stroke='{GREY}' "
            "stroke-opacity='.25'/>"
        )
        if labels:
            yield (
                f"<text x='{panel.left - 6:.1f}' y='{y + 4:.1f}' text-anchor='end'>"
                f"{_words(text, 9)}</text>"
            )
    middle, bottom = (panel.left + panel.right) / 2, panel.bottom + 34
    x_title, y_title = (axis.get("title", {}).get("text", "") for axis in (x_axis, y_axis))
    yield f"<text x='{middle:.1f}' y='{bottom:.1f}' text-anchor='middle'>{_words(x_title)}</text>"
    if y_title:
        y = (panel.top + panel.bottom) / 2
        yield (
            f"<text transform='translate({panel.left - 43:g} {y:.1f}) rotate(-90)' "
            f"text-anchor='middle'>{_words(y_title)}</text>"
        )


def _words(text: str, columns: int = 200) -> str:
    """Return what plotly would show of a text, as XML, cut if it is wider than this."""
    shown = clean(unescape(text))
    ends = list(accumulate(2 if east_asian_width(letter) in "WF" else 1 for letter in shown))
    if ends and ends[-1] > columns:
        shown = shown[: bisect_right(ends, columns - 1)] + "…"
    return escape(shown)


def _trace(trace: Trace, panel: _Panel) -> Iterator[str]:
    points = _points(trace, panel)
    mode = trace.get("mode", "lines")
    if "lines" in mode:
        style = trace["line"]
        if trace.get("fill"):
            yield from _fill(trace, panel)
        line = path(points, stepped=style.get("shape") == "hv")
        if line:
            yield (
                f"<path d='{line}' fill='none' {_stroke(style)}"
                + (f" opacity='{trace['opacity']:g}'" if trace.get("opacity", 1) != 1 else "")
                + "/>"
            )
    if "markers" in mode:
        yield from _markers(trace, panel)


def _fill(trace: Trace, panel: _Panel) -> Iterator[str]:
    """Fill the area down to zero: bands overlap, and the lowest one is drawn last."""
    pieces = []
    for known, run in groupby(_points(trace, panel), key=lambda point: point is not None):
        points = [point for point in run if point is not None]
        if known:
            line = path(points, stepped=trace["line"].get("shape") == "hv")
            pieces.append(f"{line}V{panel.bottom:.0f}H{points[0][0]:.1f}Z")
    if pieces:
        yield f"<path d='{''.join(pieces)}' fill='{trace['fillcolor']}'/>"


def _stroke(style: dict[str, Any]) -> str:
    dash = _DASHES.get(style.get("dash", "solid"))
    dashes = f" stroke-dasharray='{dash}'" if dash else ""
    return f"stroke='{style['color']}' stroke-width='{style['width']}'{dashes}"


def _points(trace: Trace, panel: _Panel) -> list[Point | None]:
    return [
        None if y is None or x is None else panel.at(x, y)
        for x, y in zip(trace.get("x") or (), trace.get("y") or (), strict=True)
    ]


def _markers(trace: Trace, panel: _Panel) -> Iterator[str]:
    marker = trace["marker"]
    symbol, colour = str(marker.get("symbol", "circle")), marker["color"]
    sizes = marker.get("size", 6)
    is_open = symbol.endswith("-open")
    opacity = marker.get("opacity", 1)
    shapes: dict[Point, str] = {}  # one at each pixel
    for i, point in enumerate(_points(trace, panel)):
        size = sizes[min(i, len(sizes) - 1)] if isinstance(sizes, list) else sizes
        if point is None or not size:
            continue
        at = (round(point[0], 1), round(point[1], 1))
        if at not in shapes:
            shapes[at] = shape(symbol.removesuffix("-open"), *at, size / 2)
    if shapes:
        paint = f"fill='none' stroke='{colour}' stroke-width='2'" if is_open else f"fill='{colour}'"
        faint = f" opacity='{opacity}'" if opacity != 1 else ""
        yield f"<path d='{''.join(shapes.values())}' {paint}{faint}/>"


def _legend(traces: list[Trace], width: int, title_end: float) -> Iterator[str]:
    shown = [t for t in traces if t.get("showlegend", True) and "lines" in t.get("mode", "")]
    names = [unescape(trace["name"]) for trace in shown]
    room = width - 14 - title_end - 7.2 * len(_more(len(shown)))
    count = len(shown)
    while count and sum(7.2 * len(name) + 46 for name in names[:count]) > room:
        count -= 1
    x = width - 14.0
    if count < len(shown):
        x -= 7.2 * len(_more(len(shown) - count))
        yield f"<text x='{x:.1f}' y='20'>{_more(len(shown) - count)}</text>"
        x -= 12
    for trace, name in zip(reversed(shown[:count]), reversed(names[:count]), strict=True):
        x -= 7.2 * len(name)
        yield f"<text x='{x:.1f}' y='20'>{escape(clean(name))}</text>"
        x -= 34
        yield f"<path d='M{x:.1f} 16h28' {_stroke(trace['line'])}/>"
        x -= 12


def _more(count: int) -> str:
    return f"and {count} more"


def _ticks(low: float, high: float, about: int) -> list[float]:
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
    first = math.ceil(low / step)
    return [round(i * step, 10) for i in range(first, math.floor(high / step) + 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:g}"
