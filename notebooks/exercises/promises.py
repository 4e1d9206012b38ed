"""A picture for notebook 11: what each style writes together, and where a kill repeats a move."""

from __future__ import annotations

from html import escape

from exercises.picture import Picture
from streamviz.plots.parts import RED, TEXT_COLOURS, on_background

_WIDTH, _LEFT, _HIGH, _ROW, _SPACE, _LETTER = 720, 158, 26, 46, 8, 6.6  # pixels
_BLUE = "#0072B2"
GAP = "killed: read again"
STEPS: dict[str, list[str]] = {
    "plain, typed": ["read", "judge", "answer, state, XACK"],
    "declarative": ["read", "judge", "answer, state", GAP, "XACK"],
    "quix, as it runs here": ["read", "judge", "answer", GAP, "changelog", GAP, "offset"],
    "quix, transactions": ["read", "judge", "answer, changelog, offset"],
}
"""What each style does with one move; what is in one box is written together."""


def promises() -> Picture:
    """Draw for each style what it writes together, and where a kill repeats an answered move."""
    parts, y = [], 8
    for style, steps in STEPS.items():
        parts.append(f"<text x='16' y='{y + 17}' font-weight='600'>{escape(style)}</text>")
        x = _LEFT
        for step in steps:
            wide = _gap() if step == GAP else _wide(step)
            parts.append(_gap_at(x, y) if step == GAP else _step_at(step, x, y, wide))
            x += wide + _SPACE
        y += _ROW
    words = "; ".join(f"{style}: {_words(steps)}" for style, steps in STEPS.items())
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {y}' role='img' "
        f"font-family='system-ui,sans-serif' font-size='12' fill='{TEXT_COLOURS['light']}'>"
        f"<title>What is written together</title><desc>{escape(words)}</desc>{''.join(parts)}</svg>"
    )
    return Picture(on_background(svg, "light"), words)


def _wide(step: str) -> int:
    return int(_LETTER * len(step)) + 18


def _gap() -> int:
    return int(_LETTER * len(GAP)) - 30


def _step_at(step: str, x: int, y: int, wide: int) -> str:
    writes = step not in ("read", "judge")
    paint = (
        f"fill='{_BLUE}' fill-opacity='.2' stroke='{_BLUE}'"
        if writes
        else "fill='none' stroke='#767676'"
    )
    return (
        f"<rect x='{x}' y='{y}' width='{wide}' height='{_HIGH}' rx='3' {paint}/>"
        f"<text x='{x + wide / 2:g}' y='{y + 17}' text-anchor='middle'>{escape(step)}</text>"
    )


def _gap_at(x: int, y: int) -> str:
    middle, wide = y + _HIGH // 2, _gap()
    return (
        f"<path d='M{x - _SPACE} {middle}H{x + wide + _SPACE}' stroke='{RED}' stroke-width='3' "
        f"stroke-dasharray='5 3'/><text x='{x + wide / 2:g}' y='{y + _HIGH + 8}' font-size='11' "
        f"text-anchor='middle' fill='{RED}'>{GAP}</text>"
    )


def _words(steps: list[str]) -> str:
    return ", ".join(
        "a kill here repeats the move" if step == GAP else f"[{step}]" for step in steps
    )
