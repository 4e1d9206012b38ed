"""Badges as a static SVG: one row a version, filled where the server has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

SAFE = " /:='(),;.-"  # what may stay as it is in the address of an image in the page
WIDTH = 480  # pixels; a page may show it smaller
_LEFT, _TOP, _ROW = 64, 44, 34
_LETTER = 7.4  # pixels of one, in a monospaced font of size 12


def render(title: str, rows: Mapping[str, Sequence[tuple[str, bool]]]) -> str:
    """Return the picture; it has its own words for those who can't see it.

    Parameters
    ----------
    title : str
        The heading.
    rows : mapping of str to sequence of (str, bool)
        For each version its features, and whether the server has them. A feature that the server
        lacks is hollow and dashed, so that the colour is not all that tells.
    """
    height = _TOP + _ROW * len(rows) + 6
    words = "; ".join(
        f"{version}: " + ", ".join(f"{name} {'yes' if has else 'no'}" for name, has in features)
        for version, features in rows.items()
    )
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' role='img' "
        "font-family='system-ui,sans-serif' font-size='12' fill='#7a7a7a'>",
        f"<title>{escape(title)}</title><desc>{escape(words)}</desc>",
        f"<text x='12' y='22' font-size='15' font-weight='600'>{escape(title)}</text>",
    ]
    for number, (version, features) in enumerate(rows.items()):
        middle = _TOP + _ROW * number + _ROW / 2
        parts.append(
            f"<text x='{_LEFT - 14}' y='{middle + 4:g}' text-anchor='end'>{escape(version)}</text>"
        )
        left = float(_LEFT)
        for name, has in features:
            badge, width = _badge(name, has, left, middle)
            parts.append(badge)
            left += width + 8
    return "".join(parts) + "</svg>"


def _badge(name: str, has: bool, left: float, middle: float) -> tuple[str, float]:
    """Return one badge, and how wide it is."""
    label = f"{'✓' if has else '–'} {name}"
    width = round(len(label) * _LETTER + 18, 1)
    box = f"x='{left:g}' y='{middle - 12:g}' width='{width:g}' height='24' rx='12'"
    look = "fill='#0072B2'" if has else "fill='none' stroke='#888888' stroke-dasharray='4 3'"
    ink = " fill='#ffffff'" if has else ""
    words = (
        f"<text x='{left + width / 2:g}' y='{middle + 4:g}' text-anchor='middle' "
        f"font-family='ui-monospace,monospace'{ink}>{escape(label)}</text>"
    )
    return f"<rect {box} {look}/>{words}", width
