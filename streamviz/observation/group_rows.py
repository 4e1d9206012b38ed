"""The groups of a sample as rows: for frames, and for the table in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from streamviz.client.frames import Kind
from streamviz.client.tables import table
from streamviz.observation.sample import Sample

COLUMNS: dict[str, Kind] = {
    "time": "time",
    "elapsed_s": "Float64",
    "sample": "Int64",
    "stream": "string",
    "group": "string",
    "length": "Int64",
    "entries_added": "Int64",
    "last_delivered_id": "string",
    "entries_read": "Int64",
    "lag_entries": "Int64",
    "lag_ms": "Int64",
    "verdict": "string",
    "reason": "string",
    "pending": "Int64",
    "consumers": "Int64",
    "acked": "Int64",
    "gone": "Int64",
    "dropped": "Int64",
}
_SHOWN = ("group", "lag_entries", "lag_ms", "verdict", "pending", "consumers", "acked")


def group_rows(sample: Sample, start_ms: int) -> Iterator[Sequence[Any]]:
    """Yield a row for each group, in the order of `COLUMNS`; None is unknown."""
    is_whole = sample.exists is not None  # otherwise a part is missing in the sums
    for group in sample.groups:
        yield (
            sample.time_ms,
            (sample.time_ms - start_ms) / 1000,
            sample.n,
            sample.stream,
            group.name,
            sample.length if is_whole else None,
            sample.entries_added if is_whole else None,
            group.last_delivered_id if is_whole else None,
            group.entries_read,
            group.lag.entries,
            group.lag.behind_ms,
            group.lag.verdict,
            group.lag.reason,
            group.pending if is_whole else None,
            len(group.consumers) + group.more_consumers if is_whole else None,
            group.acked,
            group.gone,
            group.dropped if is_whole else None,
        )


def group_table(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as an HTML table of the most important columns."""
    places = [list(COLUMNS).index(name) for name in _SHOWN]
    return table(_SHOWN, [[row[place] for place in places] for row in rows])
