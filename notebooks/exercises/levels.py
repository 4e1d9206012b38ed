"""Replies side by side: each list and each map is a box, and says on which level it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from html import escape
from typing import Any

from exercises.picture import Picture
from streamviz.client import EntryId
from streamviz.plots.parts import GREY, TEXT_COLOURS, colour, on_background

_WIDTH, _GAP, _HEAD = 720, 10, 26  # pixels
_ROW, _LETTER, _INDENT, _EDGE = 18, 6.95, 9, 6
_MAX_LINE = 24  # characters; a longer list is broken into lines
_BLUE, _ORANGE = colour(0), "#E69F00"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a value, and how far it is indented."""

    text: str
    indent: int
    marked: bool = False


@dataclass(frozen=True, slots=True)
class _Box:
    """A list or a map: its level, its first and its last line, and how far it is indented."""

    level: int
    first: int
    last: int
    indent: int


def levels(*marks: object, **columns: Any) -> Picture:
    """Draw values in columns, with a numbered box around each list and each map.

    Parameters
    ----------
    *marks
        Parts of the values that stand out, such as ``b"4"``.
    **columns
        The value for each column's title; an underscore is shown as a hyphen.

    Examples
    --------
    >>> levels(raw=[[b"1-0", [b"cup", b"1"]]], typed={"cup": "1"})
    raw, 3 levels: [[b'1-0', [b'cup', b'1']]]
    typed, 1 level: {'cup': '1'}
    """
    drawn = [_Column(value, marks) for value in columns.values()]
    high = _HEAD + _ROW * max(len(one.lines) for one in drawn) + 10
    needed = [one.needed for one in drawn]
    total = max(_WIDTH, round(sum(needed)) + _GAP * (len(drawn) - 1))  # a wide one is scaled down
    spare = (total - _GAP * (len(drawn) - 1) - sum(needed)) / len(drawn)
    wide = [one + spare for one in needed]
    titles = [title.replace("_", "-") for title in columns]
    heads = [
        f"{title}, {_levels(depth(value))}"
        for title, value in zip(titles, columns.values(), strict=True)
    ]
    parts = [
        part
        for n, (head, one) in enumerate(zip(heads, drawn, strict=True))
        for part in one.parts(sum(wide[:n]) + n * _GAP, wide[n], high, head)
    ]
    pairs = zip(heads, columns.values(), strict=True)
    words = "\n".join(f"{head}: {value!r}" for head, value in pairs)
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {total} {high}' role='img' "
        f"font-family='ui-monospace,monospace' font-size='11.5' fill='{TEXT_COLOURS['light']}'>"
        f"<title>{escape('; '.join(heads))}.</title><desc>{escape(words)}</desc>"
        f"{''.join(parts)}</svg>"
    )
    return Picture(on_background(svg, "light"), words)


class _Column:
    """The lines of a value and the boxes around them."""

    def __init__(self, value: Any, marks: Iterable[object]) -> None:
        self._marks = [(type(one), one) for one in marks]
        self.lines: list[_Line] = []
        self.boxes: list[_Box] = []
        self._add(value, 0, 0)

    def _add(self, value: Any, level: int, indent: int, before: str = "", after: str = "") -> None:
        """Add the lines of a value; `level` is the number of lists and maps around it."""
        parts, first = list(_parts(value)), len(self.lines)
        counts = isinstance(value, list) or type(value) in (tuple, dict)
        whole = f"{before}{value!r}{after}"
        leaf = not any(list(_parts(part)) for _, part in parts)
        if not parts or (leaf and len(whole) <= _MAX_LINE):
            marked = (type(value), value) in self._marks
            self.lines.append(_Line(whole, indent + counts, marked))
        else:
            opening, closing = _brackets(value)
            self.lines.append(_Line(f"{before}{opening}", indent + counts))
            for name, part in parts:
                self._add(part, level + counts, indent + 1 + counts, name, ",")
            self.lines.append(_Line(f"{closing}{after}", indent + counts))
        if counts and parts:
            self.boxes.append(_Box(level + 1, first, len(self.lines) - 1, indent))

    @property
    def needed(self) -> float:
        """The width that the lines need, in pixels."""
        longest = max(_INDENT * one.indent + _LETTER * len(one.text) for one in self.lines)
        return longest + 2 * _EDGE + 20

    def parts(self, left: float, wide: float, high: int, head: str) -> Iterator[str]:
        """Yield the SVG of the column: its frame, the boxes, and then the lines."""
        yield (
            f"<path d='M{left + 0.5:g} .5h{wide - 1:g}v{high - 1}h{1 - wide:g}z"
            f"m0 {_HEAD - 4}h{wide - 1:g}' fill='none' stroke='{GREY}'/>"
            f"<text x='{left + 8:g}' y='16' font-weight='600'>{escape(head)}</text>"
        )
        for box in sorted(self.boxes, key=lambda one: one.level):
            inset = 2 + 3 * (box.level - 1)
            x, y = left + _EDGE + _INDENT * box.indent, _top(box.first) + 1
            right = left + wide - _EDGE - inset
            yield (
                f"<rect x='{x:g}' y='{y}' width='{right - x:g}' "
                f"height='{_top(box.last + 1) - y - 1}' rx='3' fill='{_BLUE}' fill-opacity='.07' "
                f"stroke='{_BLUE}' stroke-opacity='.6'/>"
                f"<text x='{right - 5:g}' y='{y + 12}' text-anchor='end' font-weight='600' "
                f"fill='{_BLUE}'>{box.level}</text>"
            )
        for row, line in enumerate(self.lines):
            x, y = left + _EDGE + 5 + _INDENT * line.indent - 4, _top(row)
            length = _LETTER * len(line.text.rstrip(","))
            if line.marked:
                yield (
                    f"<rect x='{x - 2:g}' y='{y + 2}' width='{length + 4:g}' height='{_ROW - 4}' "
                    f"rx='2' fill='{_ORANGE}' fill-opacity='.45'/>"
                )
            bold = " font-weight='600'" if line.marked else ""
            text = escape(line.text.replace(" ", "\xa0"))
            yield f"<text x='{x:g}' y='{y + 13}'{bold}>{text}</text>"


def depth(value: Any) -> int:
    """Return how deep lists, tuples and maps are nested; records don't count."""
    inner = max((depth(part) for _, part in _parts(value)), default=0)
    return inner + (isinstance(value, list) or type(value) in (tuple, dict))


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a list, a map or a record, each with the text before it."""
    if isinstance(value, list) or type(value) is tuple:
        yield from (("", part) for part in value)
    elif type(value) is dict:
        yield from ((f"{name!r}: ", part) for name, part in value.items())
    elif is_dataclass(value) and not isinstance(value, type | EntryId):
        for field in fields(value):
            part = getattr(value, field.name)
            if part != field.default:
                yield f"{field.name}=", part


def _brackets(value: Any) -> tuple[str, str]:
    if isinstance(value, list):
        return "[", "]"
    if isinstance(value, dict):
        return "{", "}"
    return "(" if isinstance(value, tuple) else f"{type(value).__name__}(", ")"


def _levels(number: int) -> str:
    return f"{number} level{'s' * (number != 1)}"


def _top(row: int) -> int:
    """Return where a line begins."""
    return _HEAD + _ROW * row
