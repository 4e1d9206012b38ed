"""Colours that are seen on a light and on a dark ground, for pictures and live plots alike.

A figure has the colours of `streamviz.plots.figure`; where its ground is known, `inked` takes
others for those that are too near to it, as `inked` in the browser's ``live.js`` does.
"""

from __future__ import annotations

from typing import Any, Literal

from streamviz.plots.figure import Trace

Ground = Literal["light", "dark"]
GROUNDS: dict[Ground, str] = {"light": "#ffffff", "dark": "#1e1e1e"}
INKS: dict[Ground, str] = {"light": "#333333", "dark": "#dddddd"}
NEARER: dict[Ground, dict[str, str]] = {
    "light": {"#E69F00": "#B87A00", "#56B4E9": "#3491C9", "#CC79A7": "#BF6496"},
    "dark": {"#0072B2": "#3D9DE0", "#56B4E9": "#9AD3F5", "#8C564B": "#BC8579"},
}
"""What stands for a colour that is too near to a ground."""
READ, SEEN = 4.5, 3.0
"""The contrast that letters need, and lines and marks (WCAG 1.4.3 and 1.4.11)."""

_BAND = ("rgba(0,114,178,", "rgba(61,157,224,")  # filled with the first colour, and what is nearer


def contrast(colour: str, ground: str, opacity: float = 1.0) -> float:
    """Return the contrast of a colour, ``#rrggbb``, drawn with some opacity on a ground.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 1), round(contrast("#888888", "#ffffff"), 2)
    (21.0, 3.54)
    """
    below = _parts(ground)
    mixed = [
        one * opacity + two * (1 - opacity) for one, two in zip(_parts(colour), below, strict=True)
    ]
    dark, light = sorted((_luminance(mixed), _luminance(below)))
    return (light + 0.05) / (dark + 0.05)


def inked(traces: list[Trace], ground: Ground) -> list[Trace]:
    """Return traces in colours that are seen on a ground, and less faint where they must be."""
    return [_inked(trace, ground) for trace in traces]


def _inked(trace: Trace, ground: Ground) -> Trace:
    shown: dict[str, Any] = dict(trace)
    for part in ("line", "marker"):
        if "color" in shown.get(part, {}):
            own = shown[part]["color"]
            shown[part] = shown[part] | {"color": NEARER[ground].get(own, own)}
    marker = shown.get("marker", {})
    if "opacity" in marker:
        shown["marker"] = marker | {"opacity": _firm(marker["color"], marker["opacity"], ground)}
    if shown.get("opacity", 1) < 1:
        colour = (shown.get("line") or marker)["color"]
        shown["opacity"] = _firm(colour, shown["opacity"], ground)
    if ground == "dark" and "fillcolor" in shown:
        shown["fillcolor"] = shown["fillcolor"].replace(*_BAND)
    return shown


def _firm(colour: str, opacity: float, ground: Ground) -> float:
    while opacity < 1 and contrast(colour, GROUNDS[ground], opacity) < SEEN:
        opacity = min(1.0, round(opacity + 0.05, 2))
    return opacity


def _parts(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _luminance(parts: list[float]) -> float:
    r, g, b = (p / 3294 if p <= 10 else ((p / 255 + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
