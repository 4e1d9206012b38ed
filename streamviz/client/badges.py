"""Draw features as badges in a static SVG: one row per feature, filled if supported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

SAFE = " /:='(),;.-"  # characters that a data URL need not quote
WIDTH = 500  # pixels; a page may scale it down
_LEFT, _TOP, _ROW, _PURPOSE = 92, 62, 28, 228
_CHARACTER_WIDTH = 7.4  # pixels, in a monospaced font of size 12
_TEXT = "#7a7a7a"  # readable on a light page and on a dark one


def render(title: str, rows: Mapping[str, Sequence[tuple[str, bool, str]]]) -> str:
    """Return the SVG of each version's features, with a text description for screen readers.

    A feature has a name, whether it is supported, and a purpose. An unsupported one is hollow and
    dashed, so that colour is not the only difference.
    """
    number = sum(map(len, rows.values()))
    height = _TOP + _ROW * number + 6
    description = "; ".join(
        f"{version}: "
        + ", ".join(f"{name} {'yes' if supported else 'no'}" for name, supported, _ in features)
        for version, features in rows.items()
    )
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' role='img' "
        f"font-family='system-ui,sans-serif' font-size='12' fill='{_TEXT}'>",
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>",
        f"<text x='12' y='22' font-size='15' font-weight='600'>{escape(title)}</text>",
        f"<text x='{_LEFT - 14}' y='48' text-anchor='end' font-size='11'>since Redis</text>",
    ]
    middle = _TOP + _ROW / 2
    for version, features in rows.items():
        parts.append(
            f"<text x='{_LEFT - 14}' y='{middle + 4:g}' text-anchor='end' font-weight='600'>"
            f"{escape(version)}</text>"
        )
        for name, supported, purpose in features:
            parts.append(_badge(name, supported, _LEFT, middle))
            parts.append(f"<text x='{_PURPOSE}' y='{middle + 4:g}'>{escape(purpose)}</text>")
            middle += _ROW
    return "".join(parts) + "</svg>"


def _badge(name: str, supported: bool, left: float, middle: float) -> str:
    label = f"{'✓' if supported else '–'} {name}"
    width = round(len(label) * _CHARACTER_WIDTH + 18, 1)
    box = f"x='{left:g}' y='{middle - 11:g}' width='{width:g}' height='22' rx='11'"
    style = "fill='#0072B2'" if supported else "fill='none' stroke='#888888' stroke-dasharray='4 3'"
    text_fill = " fill='#ffffff'" if supported else ""
    text = (
        f"<text x='{left + width / 2:g}' y='{middle + 4:g}' text-anchor='middle' "
        f"font-family='ui-monospace,monospace'{text_fill}>{escape(label)}</text>"
    )
    return f"<rect {box} {style}/>{text}"
