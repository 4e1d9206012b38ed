"""Rows of boxes whose widths are numbers: how much is where, and how much is lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from exercises.picture import Picture
from streamviz.plots.parts import GREY, RED, TEXT_COLOURS, colour, columns, on_background

_WIDTH, _HIGH, _ROW, _GAP, _WIDEST = 720, 24, 32, 3, 88  # pixels; of one unit at most
_LETTER, _BOLD = 7.0, 7.7


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a row: its size, its label, and whether it is lost."""

    size: int
    label: str
    lost: bool = False

    def __str__(self) -> str:
        return f"{self.label} (crossed out)" if self.lost else self.label


def bars(rows: Mapping[str, Iterable[Part]]) -> Picture:
    """Draw a row of boxes for each name, as wide as the sizes.

    A row without parts says that it is empty. A row that is named after a node has the node's
    colour, and the others are grey. What is lost is crossed out in red.

    Examples
    --------
    >>> bars({"node-1": [Part(2, "2 there"), Part(1, "1 lost", lost=True)], "node-2": []})
    node-1: 2 there, 1 lost (crossed out); node-2: empty
    """
    listed = {name: [one for one in parts if one.size] for name, parts in rows.items()}
    left = int(_BOLD * max(map(columns, listed), default=0)) + 28
    most = max((sum(one.size for one in parts) for parts in listed.values()), default=0) or 1
    gaps = _GAP * max(map(len, listed.values()), default=0)
    single = [_room(one) for parts in listed.values() for one in parts if one.size == 1]
    unit = min(max([_WIDEST, *single]), (_WIDTH - left - gaps - 8) / most)
    drawn, y = [], 4
    for name, parts in listed.items():
        drawn.append(f"<text x='16' y='{y + 16}' font-weight='600'>{escape(name)}</text>")
        x = float(left)
        for one in parts:
            drawn.append(_box(x, y, one.size * unit, one, _ink(name)))
            x += one.size * unit + _GAP
        if not parts:
            drawn.append(_box(x, y, _WIDEST, Part(0, "empty"), GREY))
        y += _ROW
    words = "; ".join(f"{name}: {_words(parts)}" for name, parts in listed.items())
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {y}' role='img' "
        f"font-family='system-ui,sans-serif' font-size='12' fill='{TEXT_COLOURS['light']}'>"
        f"<title>Bars</title><desc>{escape(words)}</desc>{''.join(drawn)}</svg>"
    )
    return Picture(on_background(svg, "light"), words)


def _room(one: Part) -> float:
    """Return the width of a box that has room for its label."""
    return _LETTER * columns(one.label) + 16


def _ink(name: str) -> str:
    node = re.fullmatch(r"node-(\d+)", name)
    return colour(int(node[1]) - 1) if node else GREY


def _box(x: float, y: int, wide: float, one: Part, ink: str) -> str:
    dashed = one.lost or not one.size
    paint = (
        f"fill='none' stroke='{RED if one.lost else ink}' stroke-dasharray='3 2'"
        if dashed
        else f"fill='{ink}' fill-opacity='.2' stroke='{ink}'"
    )
    cross = f"<path d='{_diagonal(x, y, wide, one.label)}' stroke='{RED}'/>"
    return (
        f"<rect x='{x:.1f}' y='{y}' width='{wide:.1f}' height='{_HIGH}' rx='3' {paint}/>"
        f"{cross if one.lost else ''}<text x='{x + wide / 2:.1f}' y='{y + 16}' "
        f"text-anchor='middle'>{escape(one.label)}</text>"
    )


def _diagonal(x: float, y: int, wide: float, label: str) -> str:
    """Return the path that crosses a box out, in two parts: none goes through the label."""
    half = _LETTER * columns(label) / 2 + 4
    if wide < 3 * half:
        return f"M{x:.1f} {y + _HIGH}L{x + wide:.1f} {y}"
    rise, middle = _HIGH / wide, x + wide / 2
    low, high = y + _HIGH / 2 + half * rise, y + _HIGH / 2 - half * rise
    return (
        f"M{x:.1f} {y + _HIGH}L{middle - half:.1f} {low:.1f}"
        f"M{middle + half:.1f} {high:.1f}L{x + wide:.1f} {y}"
    )


def _words(parts: list[Part]) -> str:
    return ", ".join(map(str, parts)) or "empty"
