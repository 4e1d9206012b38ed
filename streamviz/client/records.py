"""Lists of records, which a notebook shows as a table, and pandas takes as a frame."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from streamviz.client.frames import Kind, make_frame
from streamviz.client.models import Entry
from streamviz.client.tables import MAX_ROWS, table

if TYPE_CHECKING:
    import pandas

T = TypeVar("T")


class Records(list[T]):
    """A list of records of one kind, a class, as commands return them."""

    kind: type[T]

    def __init__(self, kind: type[T], records: Iterable[T] = ()) -> None:
        super().__init__(records)
        vars(self)["kind"] = kind  # a sample makes several: each check of a name costs as much

    def to_frame(self) -> pandas.DataFrame:
        """Return a pandas frame with one row per record.

        An ID becomes two columns: `entry_id`, as text, and `entry_time`, a timestamp in UTC, which
        is missing where the ID is not a time in milliseconds. The other columns are the record's
        fields, with their units in their names. None becomes a missing value.

        An entry's fields are columns of text; one that occurs twice has its last value, and one
        that is named like a column of ours gets ``field_`` before its name. StreamVizError if
        pandas is not installed.

        Examples
        --------
        >>> from streamviz import EntryId
        >>> Records(Entry, [Entry(EntryId(1000), {"cup": "oolong"})]).to_frame()
          entry_id entry_time     cup
        0   1000-0        NaT  oolong
        """
        names, rows = self._cells(self)
        hints = {} if self.kind is Entry else get_type_hints(self.kind)
        kinds: dict[str, Kind] = {}
        if names[:1] == ["id"]:
            names, kinds = names[1:], {"entry_id": "string", "entry_time": "time"}
            now_ms = round(time.time() * 1000)
            rows = [[one, one.ms if one.is_time(now_ms) else None, *rest] for one, *rest in rows]
        for name in names:
            while name in kinds:
                name = f"field_{name}"
            kinds[name] = "Int64" if hints.get(name) in (int, int | None) else "string"
        return make_frame(kinds, rows)

    def _repr_html_(self) -> str | None:
        return self.html() if self else None  # then it is shown as []

    def html(self) -> str:
        """Return an HTML table, also of an empty list."""
        return table(*self._cells(self[:MAX_ROWS]), len(self))

    def _cells(self, records: Sequence[Any]) -> tuple[list[str], list[list[Any]]]:
        """Return the columns' names, and a row for each record."""
        if self.kind is Entry:
            names = list(dict.fromkeys(name for one in records for name in one.fields))
            rows = [[one.id, *map(one.fields.get, names)] for one in records]
            return ["id", *names], rows
        names = [*get_type_hints(self.kind)]
        return names, [[getattr(one, name) for name in names] for one in records]
