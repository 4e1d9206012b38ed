"""Colours with enough contrast on a light and on a dark background.

A figure has the colours of `streamviz.plots.traces`. Where its background is known,
`for_background` replaces those with too little contrast: here for static pictures, and in the
browser, which reads `shades` from each figure's layout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

from streamviz.plots.traces import COLOURS, GREY, RED

Background = Literal["light", "dark"]
_HEX = re.compile("#[0-9a-fA-F]{6}")
BACKGROUNDS: dict[Background, str] = {"light": "#ffffff", "dark": "#1e1e1e"}
"""The colour of a light and of a dark background."""
TEXT_COLOURS: dict[Background, str] = {"light": "#333333", "dark": "#dddddd"}
"""The colour of text on a light and on a dark background."""
TEXT_COLOUR = "#7a7a7a"
"""The colour of text on an unknown background: readable on white and on near-black."""

SUBSTITUTES: dict[Background, dict[str, str]] = {
    "light": {"#E69F00": "#B87A00", "#56B4E9": "#3491C9", "#CC79A7": "#BF6496"},
    "dark": {"#0072B2": "#3D9DE0", "#56B4E9": "#9AD3F5", "#8C564B": "#BC8579"},
}
"""For each background, the colours with too little contrast, and what replaces them."""

MIN_TEXT_CONTRAST, MIN_SHAPE_CONTRAST = 4.5, 3.0
"""The contrast that text needs, and that lines and marks need (WCAG 1.4.3 and 1.4.11)."""


def contrast(colour: str, background: str, opacity: float = 1.0) -> float:
    """Return the contrast of a colour, ``#rrggbb``, drawn with some opacity on a background.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 1), round(contrast("#888888", "#ffffff"), 2)
    (21.0, 3.54)
    """
    below = _rgb(background)
    mixed = [
        one * opacity + two * (1 - opacity) for one, two in zip(_rgb(colour), below, strict=True)
    ]
    darker, lighter = sorted((_luminance(mixed), _luminance(below)))
    return (lighter + 0.05) / (darker + 0.05)


def for_background(traces: list[dict[str, Any]], background: Background) -> list[dict[str, Any]]:
    """Return traces with enough contrast; the browser's `colours.js` does the same."""
    table = shades(traces)[background]
    return [_recoloured(trace, lambda one: table.get(str(one), (one, one, 0))) for trace in traces]


def _recoloured(trace: dict[str, Any], shade: Callable[[Any], Sequence[Any]]) -> Any:
    styles = [part for part in ("line", "marker") if "color" in (trace.get(part) or {})]
    result = dict(trace)
    for part in styles:
        shape, _, least = shade(trace[part]["color"])
        result[part] = trace[part] | {"color": shape}
        if _is_faint(trace[part]):
            result[part]["opacity"] = max(trace[part]["opacity"], least)
    if "fillcolor" in trace:
        result["fillcolor"] = shade(trace["fillcolor"])[0]
    if "color" in (trace.get("textfont") or {}):
        colours = [shade(one)[1] for one in _listed(trace["textfont"])]
        result["textfont"] = trace["textfont"] | {"color": colours}
    if styles and _is_faint(trace):
        result["opacity"] = max(trace["opacity"], shade(trace[styles[0]]["color"])[2])
    return result


def _is_faint(style: dict[str, Any]) -> bool:
    opacity = style.get("opacity")  # None, or a list of one for each point, stays as it is
    return isinstance(opacity, int | float) and opacity < 1


def shades(traces: Iterable[dict[str, Any]]) -> dict[Background, dict[str, list[Any]]]:
    """Return for each background what replaces our colours and those of traces.

    For each colour that is: the colour of lines and marks, the colour of letters, and the least
    opacity of lines and marks.
    """
    colours = {*COLOURS, GREY, RED}
    for trace in traces:
        styles = [trace.get(part) for part in ("line", "marker", "textfont")]
        given = [trace.get("fillcolor"), *(one for style in styles for one in _listed(style))]
        colours |= {one for one in given if isinstance(one, str)}
    return {
        background: {
            one: list(shade)
            for one in sorted(colours)
            if (shade := _shade(one, background)) != (one, one, 0)
        }
        for background in BACKGROUNDS
    }


@lru_cache(maxsize=1024)
def _shade(colour: str, background: Background) -> tuple[str, str, float]:
    shape, ground = colour, BACKGROUNDS[background]
    for old, new in SUBSTITUTES[background].items():
        shape = shape.replace(old, new).replace(_channels(old), _channels(new))
    if not _HEX.fullmatch(shape):  # in a plot of a user's own, perhaps a name
        return shape, shape, 0
    steps = (step / 20 for step in range(20))
    seen = (one for one in steps if contrast(shape, ground, one) >= MIN_SHAPE_CONTRAST)
    return shape, readable(shape, background), next(seen, 1.0)


def _listed(style: dict[str, Any] | None) -> list[Any]:
    """Return the colours of a style, which may have one, a list of them or none."""
    colours = (style or {}).get("color")
    return list(colours) if isinstance(colours, list | tuple) else [colours]


def readable(colour: str, background: Background) -> str:
    """Return a colour, mixed with black or white until letters in it have enough contrast.

    Examples
    --------
    >>> readable("#009E73", "light"), readable("#009E73", "dark")
    ('#008662', '#009E73')
    """
    far = 0 if background == "light" else 255
    for percent in range(101):
        parts = [round(one + (far - one) * percent / 100) for one in _rgb(colour)]
        mixed = "#" + "".join(f"{part:02X}" for part in parts)
        if contrast(mixed, BACKGROUNDS[background]) >= MIN_TEXT_CONTRAST:
            break
    return mixed


def translucent(colour: str, opacity: float) -> str:
    """Return a colour with an opacity, as plotly and SVG both read it."""
    return f"rgba({_channels(colour)},{opacity})"


def _rgb(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _channels(colour: str) -> str:
    return ",".join(map(str, _rgb(colour)))


def _luminance(parts: Sequence[float]) -> float:
    r, g, b = (p / 3294 if p <= 10 else ((p / 255 + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
