"""Draw features as badges in a static SVG: one row per version, filled if supported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

SAFE = " /:='(),;.-"  # characters that a data URL need not quote
WIDTH = 480  # pixels; a page may scale it down
_LEFT, _TOP, _ROW = 92, 56, 34
_CHARACTER_WIDTH = 7.4  # pixels, in a monospaced font of size 12


def render(title: str, rows: Mapping[str, Sequence[tuple[str, bool]]]) -> str:
    """Return the SVG of each version's features, with a text description for screen readers.

    An unsupported feature is hollow and dashed, so that colour is not the only difference.
    """
    height = _TOP + _ROW * len(rows) + 6
    description = "; ".join(
        f"{version}: "
        + ", ".join(f"{name} {'yes' if supported else 'no'}" for name, supported in features)
        for version, features in rows.items()
    )
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' role='img' "
        "font-family='system-ui,sans-serif' font-size='12' fill='#7a7a7a'>",
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>",
        f"<text x='12' y='22' font-size='15' font-weight='600'>{escape(title)}</text>",
        f"<text x='{_LEFT - 14}' y='48' text-anchor='end'>since Redis</text>",
    ]
    for number, (version, features) in enumerate(rows.items()):
        middle = _TOP + _ROW * number + _ROW / 2
        parts.append(
            f"<text x='{_LEFT - 14}' y='{middle + 4:g}' text-anchor='end'>{escape(version)}</text>"
        )
        left = float(_LEFT)
        for name, supported in features:
            badge, width = _badge(name, supported, left, middle)
            parts.append(badge)
            left += width + 8
    return "".join(parts) + "</svg>"


def _badge(name: str, supported: bool, left: float, middle: float) -> tuple[str, float]:
    label = f"{'✓' if supported else '–'} {name}"
    width = round(len(label) * _CHARACTER_WIDTH + 18, 1)
    box = f"x='{left:g}' y='{middle - 12:g}' width='{width:g}' height='24' rx='12'"
    style = "fill='#0072B2'" if supported else "fill='none' stroke='#888888' stroke-dasharray='4 3'"
    text_fill = " fill='#ffffff'" if supported else ""
    text = (
        f"<text x='{left + width / 2:g}' y='{middle + 4:g}' text-anchor='middle' "
        f"font-family='ui-monospace,monospace'{text_fill}>{escape(label)}</text>"
    )
    return f"<rect {box} {style}/>{text}", width
