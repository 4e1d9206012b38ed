"""Colours with enough contrast on a light and on a dark background.

A figure has the colours of `streamviz.plots.figure`. Where its background is known,
`for_background` replaces those with too little contrast: here for static pictures, and in the
browser, which reads `SUBSTITUTES` from each figure's layout.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

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
    """Return traces with enough contrast: other colours where needed, and higher opacity."""
    return [_recolour(trace, background) for trace in traces]


def ensure_contrast(colour: str, opacity: float, background: Background) -> float:
    """Return an opacity, raised until the colour has the contrast that a line or mark needs."""
    while (
        _is_hex(colour)
        and not isinstance(opacity, list)
        and opacity < 1
        and contrast(colour, BACKGROUNDS[background], opacity) < MIN_SHAPE_CONTRAST
    ):
        opacity = min(1.0, round(opacity + 0.05, 2))
    return opacity


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


def _recolour(trace: dict[str, Any], background: Background) -> dict[str, Any]:
    substitutes = SUBSTITUTES[background]
    result = dict(trace)
    for part in ("line", "marker"):
        if "color" in result.get(part, {}):
            colour = result[part]["color"]
            if not _is_hex(colour) or colour not in substitutes:
                continue
            result[part] = result[part] | {"color": substitutes[colour]}
            if "fillcolor" in result:
                old, new = _channels(colour), _channels(substitutes[colour])
                result["fillcolor"] = result["fillcolor"].replace(old, new)
    if "textfont" in result:
        own = result["textfont"].get("color", ())
        of_text = [
            readable(substitutes.get(one, one), background) if _is_hex(one) else one
            for one in ([own] if isinstance(own, str) else own)
        ]
        result["textfont"] = result["textfont"] | {"color": of_text}
    marker = result.get("marker", {})
    if "opacity" in marker:
        opacity = ensure_contrast(marker["color"], marker["opacity"], background)
        result["marker"] = marker | {"opacity": opacity}
    if result.get("opacity", 1) < 1:
        colour = (result.get("line") or marker)["color"]
        result["opacity"] = ensure_contrast(colour, result["opacity"], background)
    return result


def _is_hex(colour: object) -> bool:
    """Return whether a colour is hexadecimal; a plot of a user's own may have names and lists."""
    return isinstance(colour, str) and bool(_HEX.fullmatch(colour))


def _rgb(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _channels(colour: str) -> str:
    return ",".join(map(str, _rgb(colour)))


def _luminance(parts: Sequence[float]) -> float:
    r, g, b = (p / 3294 if p <= 10 else ((p / 255 + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
