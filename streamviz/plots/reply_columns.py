"""Values side by side: one reply as it came, and what it was made into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError
from streamviz.plots.figure import GREY, clean
from streamviz.plots.svg import TEXT

_WIDTH = 28  # letters, from where on a value is broken into lines
_WIDE, _GAP, _LINE, _LETTER = 720, 10, 15, 7.25


class Columns:
    """A picture of values in columns, each with the depth of its lists and maps.

    It shows itself as a static SVG in a notebook, and as text elsewhere. What is too long for its
    column is cut in the picture, and whole in the text.

    Parameters
    ----------
    **columns
        For each column's title the value.

    Raises
    ------
    InputError
        If there is no column.

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
        """Return the picture; IPython shows it."""
        written = [list(lines(value)) for value in self.columns.values()]
        height = 44 + _LINE * max(map(len, written))
        width = (_WIDE - _GAP * (len(written) - 1)) / len(written)
        heads = [f"{clean(title)}, {depth(value)} deep" for title, value in self.columns.items()]
        parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDE} {height}' "
            f"width='{_WIDE}' height='{height}' role='img' "
            f"font-family='ui-monospace,monospace' font-size='12' fill='{TEXT}'>",
            f"<title>{escape('; '.join(heads))}.</title><desc>{escape(repr(self))}</desc>",
        ]
        for place, (head, column) in enumerate(zip(heads, written, strict=True)):
            parts += _column(place * (width + _GAP), width, height, head, column)
        return "".join(parts) + "</svg>"


def depth(value: Any) -> int:
    """Return how many lists, tuples and maps lie in each other, at most; records don't count."""
    inner = max((depth(part) for _, part in _parts(value)), default=0)
    return inner + (type(value) in (list, tuple, dict))


def lines(value: Any, before: str = "", after: str = "") -> Iterator[str]:
    """Yield the lines of a value: what is too long for one has its parts below, indented."""
    whole = f"{before}{value!r}{after}"
    parts = _parts(value)
    if len(whole) <= _WIDTH or not parts:
        yield whole
        return
    opening, closing = _brackets(value)
    yield f"{before}{opening}"
    for name, part in parts:
        yield from (f"  {line}" for line in lines(part, name, ","))
    yield f"{closing}{after}"


def _parts(value: Any) -> list[tuple[str, Any]]:
    """Return what a list, a map or a record holds, each with what stands before it."""
    if type(value) in (list, tuple):
        return [("", part) for part in value]
    if type(value) is dict:
        return [(f"{name!r}: ", part) for name, part in value.items()]
    if is_dataclass(value) and not isinstance(value, type | EntryId):
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
    """Yield a frame, what stands over it, and its lines, cut where they are too long."""
    most = int((width - 16) / _LETTER)
    yield (
        f"<path d='M{left + 0.5:.1f} .5h{width - 1:.1f}v{height - 1}h{1 - width:.1f}z"
        f"m0 24h{width - 1:.1f}' fill='none' stroke='{GREY}'/>"
    )
    yield f"<text x='{left + 8:.1f}' y='17' font-weight='600'>{_words(head, most)}</text>"
    for row, line in enumerate(column):
        yield f"<text x='{left + 8:.1f}' y='{42 + _LINE * row}'>{_words(line, most)}</text>"


def _words(line: str, most: int) -> str:
    shown = clean(line)
    cut = shown if len(shown) <= most else f"{shown[: most - 1]}…"
    return escape(cut.replace(" ", "\xa0"))  # XML would drop the indent
