"""Values side by side: a raw reply, and the values made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

from streamviz.errors import InputError
from streamviz.plots.contrast import TEXT_COLOUR
from streamviz.plots.texts import clean
from streamviz.plots.traces import GREY

_MAX_LINE = 28  # characters; a longer value is broken into lines
_WIDTH, _GAP, _LINE_HEIGHT, _LETTER_WIDTH = 720, 10, 15, 7.25  # pixels


class Columns:
    """Values in columns, each with the depth of its lists and maps.

    A notebook shows a static SVG; elsewhere, it is text. Lines too long for their column are cut in
    the SVG, but not in the text. Give the value for each column's title; InputError without one.

    Examples
    --------
    >>> Columns(raw=[[b"tea", [[b"1-0", [b"cup", b"1"]]]]], typed={"cup": "1"})
    raw, 5 deep: [[b'tea', [[b'1-0', [b'cup', b'1']]]]]
    typed, 1 deep: {'cup': '1'}
    """

    def __init__(self, **columns: Any) -> None:
        if not columns:
            raise InputError("nothing to show: give values with their titles, raw=..., typed=...")
        self.columns = columns

    def __repr__(self) -> str:
        return "\n".join(
            f"{clean(title)}, {depth(value)} deep: {clean(repr(value))}"
            for title, value in self.columns.items()
        )

    def _repr_svg_(self) -> str:
        """Return the SVG that IPython shows."""
        columns = [list(lines(value)) for value in self.columns.values()]
        height = 44 + _LINE_HEIGHT * max(map(len, columns))
        width = (_WIDTH - _GAP * (len(columns) - 1)) / len(columns)
        heads = [f"{clean(title)}, {depth(value)} deep" for title, value in self.columns.items()]
        parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' "
            f"width='{_WIDTH}' height='{height}' role='img' "
            f"font-family='ui-monospace,monospace' font-size='12' fill='{TEXT_COLOUR}'>",
            f"<title>{escape('; '.join(heads))}.</title><desc>{escape(repr(self))}</desc>",
        ]
        for i, (head, column) in enumerate(zip(heads, columns, strict=True)):
            parts += _column(i * (width + _GAP), width, height, head, column)
        return "".join(parts) + "</svg>"


def depth(value: Any) -> int:
    """Return how deep lists, tuples and maps are nested; records don't count."""
    inner = max((depth(part) for _, part in _parts(value)), default=0)
    return inner + (isinstance(value, list) or type(value) in (tuple, dict))


def lines(value: Any, before: str = "", after: str = "") -> Iterator[str]:
    """Yield the lines of a value: a long value has its parts on indented lines of their own."""
    whole = f"{before}{value!r}{after}"
    parts = _parts(value)
    if len(whole) <= _MAX_LINE or not parts:
        yield whole
        return
    opening, closing = _brackets(value)
    yield f"{before}{opening}"
    for name, part in parts:
        yield from (f"  {line}" for line in lines(part, name, ","))
    yield f"{closing}{after}"


def _parts(value: Any) -> list[tuple[str, Any]]:
    """Return the parts of a list, a map or a record, each with the text before it."""
    if isinstance(value, list) or type(value) is tuple:
        return [("", part) for part in value]
    if type(value) is dict:
        return [(f"{name!r}: ", part) for name, part in value.items()]
    if is_dataclass(value) and not isinstance(value, type):
        named = [(field, getattr(value, field.name)) for field in fields(value)]
        return [(f"{field.name}=", part) for field, part in named if part != field.default]
    return []


def _brackets(value: Any) -> tuple[str, str]:
    if isinstance(value, list):
        return "[", "]"
    if isinstance(value, dict):
        return "{", "}"
    return "(" if isinstance(value, tuple) else f"{type(value).__name__}(", ")"


def _column(left: float, width: float, height: int, head: str, column: list[str]) -> Iterator[str]:
    """Yield a frame, its head and its lines, cut if they are too long."""
    length = int((width - 16) / _LETTER_WIDTH)
    yield (
        f"<path d='M{left + 0.5:.1f} .5h{width - 1:.1f}v{height - 1}h{1 - width:.1f}z"
        f"m0 24h{width - 1:.1f}' fill='none' stroke='{GREY}'/>"
    )
    yield f"<text x='{left + 8:.1f}' y='17' font-weight='600'>{_words(head, length)}</text>"
    for row, line in enumerate(column):
        y = 42 + _LINE_HEIGHT * row
        yield f"<text x='{left + 8:.1f}' y='{y}'>{_words(line, length)}</text>"


def _words(line: str, length: int) -> str:
    shown = clean(line)
    cut = shown if len(shown) <= length else f"{shown[: length - 1]}…"
    return escape(cut.replace(" ", "\xa0"))  # XML would drop leading spaces
