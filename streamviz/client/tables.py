"""Small HTML tables of records, for notebooks: texts are escaped, long ones are cut."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any

MAX_ROWS = 20
_MAX_COLUMNS = 8
_MAX_CHARACTERS = 200  # where there are but two columns
_ID_LENGTH = 41  # of the largest entry ID


class Record:
    """A base of records: a notebook shows one as a table of its fields."""

    __slots__ = ()

    def _table_rows(self) -> Sequence[tuple[str, Any]]:
        names = getattr(self, "__dataclass_fields__", ())
        return [(name, getattr(self, name)) for name in names]

    def _repr_html_(self) -> str:
        return table([type(self).__name__, ""], self._table_rows())


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], count: int | None = None) -> str:
    """Return an HTML table of the first rows, and a line with the number of the others."""
    lines = [_line("th", head), *(_line("td", row) for row in rows[:MAX_ROWS])]
    more = (len(rows) if count is None else count) - MAX_ROWS
    rest = f"<p>… and {more:,} more</p>" if more > 0 else ""
    return f'<table style="overflow-wrap:anywhere">{"".join(lines)}</table>{rest}'


def row_table(record: Any) -> str:
    """Return the table of a named tuple, with a row for each field."""
    return table([type(record).__name__, ""], [*record._asdict().items()])


def titled(title: str, *parts: str) -> str:
    """Return a title above other HTML."""
    return f"<div>{paragraph(title)}{''.join(parts)}</div>"


def paragraph(text: str) -> str:
    """Return a longer text as HTML."""
    return f"<p>{cell(text, 2 * _MAX_CHARACTERS)}</p>"


def cell(value: Any, length: int) -> str:
    """Return a value as HTML of a bounded length; inside <code>, a ``$`` starts no formula."""
    text = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in _text(value, length))
    text = text if len(text) <= length else f"{text[: length - 1]}…"
    return f"<code>{html.escape(text)}</code>" if text else ""


def _line(tag: str, values: Sequence[Any]) -> str:
    length = _MAX_CHARACTERS if len(values) == 2 else _ID_LENGTH
    cells = [cell(values[0], _ID_LENGTH), *(cell(one, length) for one in values[1:_MAX_COLUMNS])]
    if len(values) > _MAX_COLUMNS:
        cells.append(f"… {len(values) - _MAX_COLUMNS:,} more" if tag == "th" else "…")
    first = f'<{tag} style="text-align:left;white-space:nowrap">{cells[0]}</{tag}>'
    rest = "".join(f'<{tag} style="text-align:left">{one}</{tag}>' for one in cells[1:])
    return f"<tr>{first}{rest}</tr>"


def _text(value: Any, length: int) -> str:
    """Return a value as text, a little too long if it has to be cut; None is a dash."""
    if isinstance(value, Record):
        return _joined(value._table_rows(), length)
    if isinstance(value, Mapping):
        return _joined(value.items(), length)
    if isinstance(value, list | tuple):
        return _joined([(one,) for one in value], length)
    return "–" if value is None else str(value)[: length + 1]


def _joined(parts: Collection[tuple[Any, ...]], length: int) -> str:
    """Return the first parts as text, and how many more there are."""
    texts = [" ".join(_text(one, length) for one in part) for part in islice(parts, MAX_ROWS)]
    more = len(parts) - MAX_ROWS
    return ", ".join([*texts, f"… and {more:,} more"] if more > 0 else texts)
