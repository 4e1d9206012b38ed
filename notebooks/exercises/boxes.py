"""Rows of labelled boxes: a picture of what went where, if the flow does not show the point."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from html import escape

from exercises.picture import Picture
from streamviz.plots.parts import GREY, RED, TEXT_COLOURS, colour, columns, on_background

_WIDTH, _HIGH, _GAP, _LETTER, _BOLD = 720, 24, 4, 7.0, 7.7  # pixels


@dataclass(frozen=True, slots=True)
class Lost:
    """What is missing from its place, or has left it: it is crossed out."""

    label: object

    def __str__(self) -> str:
        return str(self.label)


class Trimmed(Lost):
    """What has left its place, but is not missed: it is crossed out in grey."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Head:
    """A word above a column, without a box."""

    label: object

    def __str__(self) -> str:
        return str(self.label)


@dataclass(frozen=True, slots=True)
class Tinted:
    """A box in a colour of its own, a CSS colour or a number from 0, whichever row it is in.

    `empty` leaves it unfilled.
    """

    label: object
    colour: str | int
    empty: bool = False

    def __str__(self) -> str:
        return str(self.label)


@dataclass(frozen=True, slots=True)
class Pale:
    """A dashed box in grey, for what is not the point; the note says why, in the picture's text."""

    label: object = ""
    note: str = ""

    def __str__(self) -> str:
        return str(self.label)


def boxes(
    rows: Mapping[str, Iterable[object]],
    colours: Iterable[int] = (),
    discs: Mapping[str, str] | None = None,
) -> Picture:
    """Draw a row of boxes for each name.

    Parameters
    ----------
    rows : mapping of str to iterable
        The labels of each row's boxes. A `Lost` one is crossed out, a `Head` has no box, and None
        leaves a gap. A `Tinted` one has a colour other than its row's, a `Pale` one has none.
    colours : iterable of int
        The number of each row's colour; by default, each row has its own.
    discs : mapping of str to str, optional
        The colour of a disc, such as a stone, before a row's name.

    Examples
    --------
    >>> boxes({"asked": ["ann", "ben"], "answered": ["ann", Lost("ben")]})
    asked: ann, ben; answered: ann, ben (crossed out)
    """
    listed = {name: list(items) for name, items in rows.items()}
    left = int(_BOLD * max(map(columns, listed), default=0)) + (44 if discs else 28)
    texts = [str(one) for items in listed.values() for one in items if one is not None]
    wide = max(_HIGH, int(_LETTER * max(map(columns, texts), default=0)) + 12)
    fit = max(1, (_WIDTH - left) // (wide + _GAP))
    parts, y = [], 4
    numbers = list(colours) or range(len(listed))
    for number, (name, items) in zip(numbers, listed.items(), strict=True):
        if disc := (discs or {}).get(name):
            parts.append(f"<circle cx='23' cy='{y + 12}' r='7' fill='{disc}' stroke='#333333'/>")
        indent = 36 if discs else 16
        parts.append(f"<text x='{indent}' y='{y + 16}' font-weight='600'>{escape(name)}</text>")
        for place, one in enumerate(items):
            x, below = left + place % fit * (wide + _GAP), place // fit * (_HIGH + _GAP)
            if one is not None:
                parts.append(_box(one, x, y + below, wide, colour(number)))
        y += (_HIGH + _GAP) * max(1, -(-len(items) // fit)) + 4
    words = "; ".join(f"{name}: {_words(items)}" for name, items in listed.items())
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {y}' role='img' "
        f"font-family='system-ui,sans-serif' font-size='12' fill='{TEXT_COLOURS['light']}'>"
        f"<title>Boxes</title><desc>{escape(words)}</desc>{''.join(parts)}</svg>"
    )
    return Picture(on_background(svg, "light"), words)


def with_lost(
    items: Iterable[object], left: Collection[object], kind: type[Lost] = Lost
) -> list[object]:
    """Return a row's labels; those that are not in `left` are crossed out.

    Examples
    --------
    >>> boxes({"stream": with_lost(["1-0", "2-0"], left=["2-0"])})
    stream: 1-0 (crossed out), 2-0
    """
    return [one if one in left else kind(one) for one in items]


def _box(one: object, x: int, y: int, wide: int, line: str) -> str:
    lost = isinstance(one, Lost)
    ink = RED if lost and not isinstance(one, Trimmed) else GREY
    if isinstance(one, Tinted):
        line = colour(one.colour) if isinstance(one.colour, int) else one.colour
    paint = _paint(line)
    if lost or isinstance(one, Pale):
        paint = f"fill='none' stroke='{ink}' stroke-dasharray='3 2'"
    elif isinstance(one, Tinted) and one.empty:
        paint = f"fill='none' stroke='{line}' stroke-dasharray='3 2'"
    label = (
        f"<text x='{x + wide / 2:g}' y='{y + 16}' text-anchor='middle'>{escape(str(one))}</text>"
    )
    if isinstance(one, Head):
        return label
    cross = f"<path d='M{x} {y + _HIGH}L{x + wide} {y}' stroke='{ink}'/>" if lost else ""
    return f"<rect x='{x}' y='{y}' width='{wide}' height='{_HIGH}' rx='3' {paint}/>{label}{cross}"


def _paint(line: str) -> str:
    return f"fill='{line}' fill-opacity='.2' stroke='{line}'"


def _word(one: object) -> str:
    note = "crossed out" if isinstance(one, Lost) else one.note if isinstance(one, Pale) else ""
    return f"{one} ({note})".strip() if note else str(one)


def _words(items: list[object]) -> str:
    return ", ".join(_word(one) for one in items if one is not None) or "none"
