"""Draw a figure as a static SVG, which needs neither a kernel nor a browser's code.

It draws only those parts of plotly's JSON that our figures use. The same figure gives the same
bytes on every machine, so tests can compare a notebook's saved pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape, unescape
from numbers import Real
from typing import Any

from streamviz.errors import InputError
from streamviz.plots.contrast import (
    BACKGROUNDS,
    TEXT_COLOUR,
    TEXT_COLOURS,
    Background,
    for_background,
)
from streamviz.plots.figure import Figure
from streamviz.plots.flow_constants import LEAST
from streamviz.plots.flow_svg import render_flow
from streamviz.plots.svg_plain import plain
from streamviz.plots.svg_traces import Panel, draw_trace, stroke, words_of
from streamviz.plots.svg_words import Rule, Word, spread, word
from streamviz.plots.texts import clean, columns, more_text, words_alone
from streamviz.plots.ticks import least_step, most_shown, sharing, tick_text, ticks
from streamviz.plots.traces import GREY, Trace, colour

_MAX_TICK = 16  # letters
_FONT = "font-family='system-ui,sans-serif'"


def render(
    figure: Figure,
    width: int = 720,
    height: int | None = None,
    background: Background | None = None,
) -> str:
    """Return a figure of `Plot.figure` as SVG, with its summary for screen readers.

    The picture scales to its container. By default it is 300 pixels high, and a flow as high as its
    groups need. Without a background, the colours suit a light and a dark one. InputError if it has
    what a picture can't show.
    """
    if figure["layout"]["meta"].get("flow"):
        return render_flow(figure, width, height, background)
    height, data = height or 300, [_styled(*one) for one in enumerate(figure["data"])]
    data, layout = plain(data, {"xaxis": {}, "yaxis": {}} | figure["layout"])
    if background:
        data = for_background(data, background)
    else:  # no colour of letters is legible on both backgrounds
        data = [trace | {"textfont": {}} for trace in data]
    for long, short in layout["meta"].get("shorter", {}).items() if width < LEAST else ():
        texts = [[one.replace(long, short) for one in trace.get("text") or ()] for trace in data]
        data = [trace | {"text": own} for trace, own in zip(data, texts, strict=True)]
    axes = [name for name in layout if "axis" in name and layout[name].get("visible", True)]
    if axes and not any(y is not None for trace in data for y in trace.get("y") or ()):
        layout |= {name: {"visible": False} for name in axes} | words_alone(figure["summary"])
    figure = figure | {"data": data, "layout": layout}
    title = layout["title"]["text"]
    text_colour = TEXT_COLOURS[background] if background else TEXT_COLOUR
    parts: list[str | Word | Rule] = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"role='img' {_FONT} font-size='12' fill='{text_colour}'>",
        f"<title>{words_of(title)}</title><desc>{escape(clean(figure['summary']))}</desc>",
    ]
    frame = _frame(layout, width, height)
    left = frame.left
    large = layout["title"].get("font", {}).get("size", 15)
    size = _smaller(title, width - left, large) or f" font-size='{large}'"
    element = f"<text x='{left:g}' y='20'{size} font-weight='600'>{words_of(title)}</text>"
    parts.append(Word(element, (left, 5, left + 10 * columns(title), 24), "fixed"))
    if layout.get("showlegend", True):
        parts += _legend(data, width, left + 8.5 * len(title))
    for name in sorted(key for key in layout if key.startswith("yaxis")):
        if layout[name].get("visible", True) and "overlaying" not in layout[name]:
            parts += _axes(figure, name, frame)
    for note in layout.get("annotations", ()):
        parts += _note(note, frame, width)
    return "".join(spread(parts, width, height)) + "</svg>"


def _styled(index: int, trace: Trace) -> Trace:
    """Return a trace with plotly's defaults for what a user's plot leaves out."""
    plain = {"color": colour(index), "width": 2}
    styles = {key: plain | trace.get(key, {}) for key in ("line", "marker")}
    return {"name": f"trace {index}", "mode": "lines"} | trace | styles


def render_saved(figure: Figure) -> str:
    """Return a figure as SVG with a white background of its own, for a page of any colour.

    Parameters
    ----------
    figure : dict
        As `Plot.figure` returns it.

    Returns
    -------
    str
        The SVG; the same figure gives the same text on every machine.

    Raises
    ------
    InputError
        If the figure has what a still picture can't show.
    """
    return on_background(render(figure, background="light"), "light")


def on_background(svg: str, background: Background) -> str:
    """Return an SVG with a background of its own.

    Parameters
    ----------
    svg : str
        A drawing whose colours suit that background.
    background : {"light", "dark"}
        White, or near-black; see `BACKGROUNDS`.
    """
    return svg.replace("<svg ", f"<svg style='background:{BACKGROUNDS[background]}' ", 1)


def _frame(layout: dict[str, Any], width: int, height: int) -> Panel:
    """Return the box of all axes, as parts of it from 0 to 1."""
    margin = {"l": 48, "r": 16, "t": 44, "b": 44} | layout.get("margin", {})
    right, bottom = width - (margin["r"] - 2), height - margin["b"]
    names = map(unescape, layout["yaxis"].get("ticktext", ()))
    longest = math.ceil(max(map(columns, names), default=0))
    left = 56 + 7 * max(0, min(longest, _MAX_TICK) - 7)
    return Panel(left, right, margin["t"] - 10, bottom, (0.0, 1.0), (0.0, 1.0))


def _axes(figure: Figure, name: str, frame: Panel) -> Iterator[str | Word | Rule]:
    """Draw the traces on a vertical axis, and on those that lie over it."""
    layout, y_axis = figure["layout"], figure["layout"][name]
    y = name.replace("axis", "")
    x = y_axis.get("anchor", "x")
    x_axis = layout[x.replace("x", "xaxis")]
    main = [t for t in figure["data"] if (t.get("xaxis", "x"), t.get("yaxis", "y")) == (x, y)]
    along = [t for t in figure["data"] if t.get("xaxis", "x") == x]
    low, high = y_axis.get("domain", (0, 1))
    left, bottom = frame.at(x_axis.get("domain", (0, 1))[0], low)
    right, top = frame.at(x_axis.get("domain", (0, 1))[1], high)
    y_range = y_axis.get("range") or _span(sharing(figure, main, "yaxis"), "y", zero=True)
    x_range = _span(sharing(figure, along, "xaxis"), "x")
    panel = Panel(left, right, top, bottom, x_range, y_range)
    lowest = x_axis.get("anchor", "y") == y
    least = (
        least_step(sharing(figure, along, "xaxis"), "x"),
        least_step(sharing(figure, main, "yaxis"), "y"),
    )
    most = [
        most_shown(sharing(figure, *one), one[1][0]) for one in ((along, "xaxis"), (main, "yaxis"))
    ]
    yield from _grid(panel, x_axis if lowest else None, y_axis, least, most)
    first_below = layout["meta"].get("first_below")  # as plotly draws; bands cover each other
    for trace in main if first_below else reversed(main):
        yield from draw_trace(trace, panel)
    for over, axis in layout.items():
        if over.startswith("yaxis") and axis.get("overlaying") == y:
            strip = Panel(left, right, top, bottom, panel.x, (0.0, 1.0))
            for trace in along:
                if trace.get("yaxis", "y") == over.replace("axis", ""):
                    yield from draw_trace(trace, strip)


def _span(traces: list[Trace], axis: str, *, zero: bool = False) -> tuple[float, float]:
    values = [v for trace in traces for v in trace.get(axis) or () if v is not None]
    try:
        low, high = (min(values) + 0.0, max(values) + 0.0) if values else (0.0, 1.0)
        finite = math.isfinite(high - low)
    except (OverflowError, TypeError):
        finite = False
    if not finite:
        unfit = next((repr(v) for v in values if not isinstance(v, Real)), "so large a number")
        raise InputError(
            f"a still picture can't place {unfit:.60} on the {axis} axis: give numbers below "
            "1e300, and None for a gap"
        )
    low = min(low, 0.0) if zero else low
    if low == high:
        high = low + max(1.0, abs(low) * 1e-6)  # adding 1 to a huge number may not change it
    return (low, high + (high - low) * 0.06) if zero else (low, high)


def _grid(
    panel: Panel,
    x_axis: dict[str, Any] | None,
    y_axis: dict[str, Any],
    least: tuple[int, int],
    most: list[float],
) -> Iterator[str | Word | Rule]:
    labels = y_axis.get("showticklabels", True)
    about = 7 if panel.right - panel.left > 300 else 4
    for value in ticks(*panel.x, about, least[0]) if x_axis else ():
        if value > most[0]:
            continue
        x, y = panel.at(value, panel.y[0])
        text = tick_text(value)
        element = f"<text x='{x:.1f}' y='{y + 16:.1f}' text-anchor='middle'>{text}</text>"
        yield word(element, (x, y + 16), text, "middle", "tick")
    own_ticks = y_axis.get("tickvals")
    if own_ticks is None:
        own_ticks = ticks(*panel.y, y_axis.get("nticks", 6) - 1, least[1])
        own_ticks = [one for one in own_ticks if one <= most[1]]
    texts = y_axis.get("ticktext") or [tick_text(value) for value in own_ticks]
    for value, text in zip(own_ticks, texts, strict=True):
        _, y = panel.at(panel.x[0], value)
        yield Rule(panel.left, panel.right, y, f"stroke='{GREY}' stroke-opacity='.25'")
        if labels:
            x, tick = panel.left - 6, words_of(text, _MAX_TICK)
            element = f"<text x='{x:.1f}' y='{y + 4:.1f}' text-anchor='end'>{tick}</text>"
            yield word(element, (x, y + 4), tick, "end", "tick")
    middle, bottom = (panel.left + panel.right) / 2, panel.bottom + 34
    x_title, y_title = ((a or {}).get("title", {}).get("text", "") for a in (x_axis, y_axis))
    small, words = _smaller(x_title, panel.right - panel.left + 16), words_of(x_title)
    element = f"<text x='{middle:.1f}' y='{bottom:.1f}' text-anchor='middle'{small}>{words}</text>"
    yield word(element, (middle, bottom), x_title, "middle", "fixed")
    if y_title:
        x, y, long = panel.left - 43, (panel.top + panel.bottom) / 2, panel.bottom - panel.top + 40
        element = (
            f"<text transform='translate({x:g} {y:.1f}) rotate(-90)' "
            f"text-anchor='middle'{_smaller(y_title, long)}>{words_of(y_title)}</text>"
        )
        yield Word(element, (x - 11, y - long / 2, x + 3, y + long / 2), "fixed")


def _note(note: dict[str, Any], frame: Panel, width: int) -> Iterator[Word]:
    """Draw an annotation, line by line."""
    lines = note["text"].split("<br>")
    x, y = frame.at(note["x"], note["y"])
    x += note.get("xshift", 0)
    y += {"bottom": -6, "top": 16}.get(note.get("yanchor", ""), -9 * len(lines))
    font = {"size": 12} | note.get("font", {})
    for row, line in enumerate(lines):
        at = x, y + 18 * row
        style = _smaller(line, width - x, font["size"]) or f" font-size='{font['size']}'"
        style += f" font-weight='{font['weight']}'" if "weight" in font else ""
        element = f"<text x='{x:.1f}' y='{at[1]:.1f}'{style}>{words_of(line)}</text>"
        yield word(element, at, line, "start", "fixed")


def _smaller(text: str, room: float, size: float = 12) -> str:
    """Return the attribute of a smaller font size if a text needs more room than it has."""
    fits = room / 0.6 / max(1, columns(unescape(text)))
    return f" font-size='{fits:.1f}'" if fits < size else ""


def _legend(traces: list[Trace], width: int, title_end: float) -> Iterator[str]:
    lines = [t for t in traces if t.get("showlegend", True) and "lines" in t.get("mode", "")]
    names = [unescape(trace["name"]) for trace in lines]
    room = width - 14 - title_end - 7.2 * len(more_text(len(lines)))
    count = len(lines)
    while count and sum(7.2 * len(name) + 46 for name in names[:count]) > room:
        count -= 1
    x = width - 14.0
    if count < len(lines):
        x -= 7.2 * len(more_text(len(lines) - count))
        yield f"<text x='{x:.1f}' y='20'>{more_text(len(lines) - count)}</text>"
        x -= 12
    for trace, name in zip(reversed(lines[:count]), reversed(names[:count]), strict=True):
        x -= 7.2 * len(name)
        yield f"<text x='{x:.1f}' y='20'>{escape(clean(name))}</text>"
        x -= 34
        yield f"<path d='M{x:.1f} 16h28' {stroke(trace['line'])}/>"
        x -= 12
