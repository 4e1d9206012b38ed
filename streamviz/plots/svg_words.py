"""Place the words of a static picture so that none covers another or leaves the picture."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import unescape
from typing import Literal, NamedTuple

from streamviz.plots.texts import columns, more_text

_LETTER = 0.6  # the width of a letter, about, in its size
_TOUCH = 2  # pixels; letters do not fill their boxes
_REACH = 3  # heights of a text; further away it would no longer be at what it names
Box = tuple[float, float, float, float]  # left, top, right, bottom
Role = Literal["fixed", "tick", "point"]


class Word(NamedTuple):
    """A text of a picture: its element, the box that it needs, and whether it may be moved.

    `rest` is the number of names for which a text stands that only says how many they are.
    """

    element: str
    box: Box
    role: Role
    trace: str = ""
    at: tuple[float, float] = (0, 0)
    rest: int = 0

    def counting(self, others: int) -> str:
        """Return the element with words that say for how many others it stands, too."""
        if not self.rest:
            return self.element.replace("</text>", f" {more_text(others)}</text>")
        return self.element.replace(more_text(self.rest), more_text(self.rest + others))


class Rule(NamedTuple):
    """A line across a picture, which has gaps where words are."""

    left: float
    right: float
    y: float
    style: str

    def around(self, boxes: Iterable[Box]) -> str:
        """Return the line's element, without the parts that are in a box."""
        at, path = self.left, ""
        for left, top, right, bottom in sorted([*boxes, (self.right, 0, self.right, math.inf)]):
            if top < self.y < bottom and right > at and left <= self.right:
                path += f"M{at:.1f} {self.y:.1f}H{left:.1f}" if left > at else ""
                at = right
        return f"<path d='{path}' {self.style}/>" if path else ""


def word(
    element: str,
    at: tuple[float, float],
    text: str,
    anchor: str,
    role: Role,
    trace: str = "",
    rest: int = 0,
) -> Word:
    """Return a text of 12 pixels, whose element and anchor are given."""
    wide = 12 * _LETTER * columns(unescape(text))
    left = at[0] - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
    return Word(element, (left, at[1] - 11, left + wide, at[1] + 3), role, trace, at, rest)


def spread(parts: Sequence[str | Word | Rule], width: float, height: float) -> Iterator[str]:
    """Yield the elements of a picture, with its words moved apart and into it.

    A number of an axis that has no room is left out, and so is a text at a point; another text of
    its trace counts it.
    """
    boxes: list[Box] = []
    moves: dict[int, tuple[float, float] | None] = {}
    words = [(i, one) for i, one in enumerate(parts) if isinstance(one, Word)]
    for i, one in sorted(words, key=lambda item: item[1].role == "point"):
        moves[i] = 0, 0
        if one.role == "point":
            moves[i] = _free_move(one.box, boxes, (0, 0, width, height))
        elif one.role == "tick" and any(_meet(one.box, other) for other in boxes):
            moves[i] = None
        if (move := moves[i]) is not None:
            boxes.append(_moved(one.box, *move))
    hidden = Counter[str]()
    for i, one in words:
        if one.role == "point" and moves[i] is None:
            hidden[one.trace] += one.rest or 1
    last = {one.trace: i for i, one in words if moves[i] is not None}
    for i, part in enumerate(parts):
        if isinstance(part, str):
            yield part
        elif isinstance(part, Rule):
            yield part.around(boxes)
        elif (move := moves[i]) is not None:
            counts = hidden[part.trace] if last[part.trace] == i else 0
            element = part.counting(counts) if counts else part.element
            x, y = part.at
            there = f"x='{x + move[0]:.1f}' y='{y + move[1]:.1f}'"
            yield element.replace(f"x='{x:.1f}' y='{y:.1f}'", there)


def _free_move(box: Box, boxes: Iterable[Box], area: Box) -> tuple[float, float] | None:
    """Return how far to move a text to where it has room; None if there is none nearby."""
    x = max(min(0, area[2] - box[2]), area[0] - box[0])
    y = max(min(0, area[3] - box[3]), area[1] - box[1])
    inside, moves = _moved(box, x, y), [(0.0, 0.0)]
    for left, top, right, bottom in boxes:
        moves += [(0, top - inside[3]), (0, bottom - inside[1])]
        moves += [(left - inside[2], 0), (right - inside[0], 0)]
    for dx, dy in sorted(moves, key=lambda move: abs(move[0]) + abs(move[1])):
        if abs(dx) + abs(dy) > _REACH * (box[3] - box[1]):
            return None
        left, top, right, bottom = there = _moved(inside, dx, dy)
        within = left >= area[0] and top >= area[1] and right <= area[2] and bottom <= area[3]
        if (within or there == inside) and not any(_meet(there, other) for other in boxes):
            return x + dx, y + dy
    return None


def _moved(box: Box, x: float, y: float) -> Box:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _meet(one: Box, other: Box) -> bool:
    across = min(one[2], other[2]) - max(one[0], other[0])
    return across > _TOUCH and min(one[3], other[3]) - max(one[1], other[1]) > _TOUCH
