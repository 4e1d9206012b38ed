"""The groups of a sample as rows: for frames, and for the table in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from streamviz.client.frames import Kind
from streamviz.client.tables import table
from streamviz.observation.sample import GroupState, Sample

_TABLE: dict[str, tuple[Kind, str]] = {  # each column's type, and where its value is in a row
    "time": ("time", "sample.time_ms"),
    "elapsed_s": ("Float64", "elapsed_s"),
    "sample": ("Int64", "sample.n"),
    "stream": ("string", "sample.stream"),
    "group": ("string", "group.name"),
    "length": ("Int64", "sample.length"),
    "entries_added": ("Int64", "sample.entries_added"),
    "last_delivered_id": ("string", "group.last_delivered_id"),
    "entries_read": ("Int64", "group.entries_read"),
    "lag_entries": ("Int64", "group.lag.entries"),
    "lag_ms": ("Int64", "group.lag.behind_ms"),
    "verdict": ("string", "group.lag.verdict"),
    "reason": ("string", "group.lag.reason"),
    "pending": ("Int64", "group.pending"),
    "consumers": ("Int64", "consumers"),
    "acked": ("Int64", "group.acked"),
    "gone": ("Int64", "group.gone"),
    "dropped": ("Int64", "group.dropped"),
}
COLUMNS: dict[str, Kind] = {name: kind for name, (kind, _) in _TABLE.items()}
_SHOWN = ("group", "lag_entries", "lag_ms", "verdict", "pending", "consumers", "acked")
_values = attrgetter(*(place for _, place in _TABLE.values()))


class _Row(NamedTuple):
    sample: Sample
    group: GroupState
    elapsed_s: float
    consumers: int


def group_rows(sample: Sample, start_ms: int) -> Iterator[Sequence[Any]]:
    """Yield a row for each group, in the order of `COLUMNS`; None is unknown."""
    elapsed_s = (sample.time_ms - start_ms) / 1000
    for group in sample.groups:
        yield _values(_Row(sample, group, elapsed_s, len(group.consumers) + group.more_consumers))


def group_table(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as an HTML table of the most important columns."""
    places = [list(COLUMNS).index(name) for name in _SHOWN]
    return table(_SHOWN, [[row[place] for place in places] for row in rows])
