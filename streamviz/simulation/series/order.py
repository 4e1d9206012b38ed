"""Put the rows of a table in the order of time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from streamviz.errors import InputError
from streamviz.simulation.series.base import Fields
from streamviz.simulation.series.times import TimeReader

_REPEATED_NS = 7_200 * 10**9  # no zone has ever set its clocks back by more
_LOCAL_TIMES = "; if these are local times of an hour that comes twice, give their zone with tz="


class TimedRow(NamedTuple):
    """A row: its name in an error message, its time as written and in nanoseconds, and its fields.

    `again_ns` is later than `ns` if this is a local time that comes twice.
    """

    label: str
    time: Any
    ns: int
    again_ns: int
    fields: Fields

    def after(self, last: float) -> int:
        """Return its time; of two, the one that is not before the last row's, if there is one."""
        return self.ns if self.ns >= last else self.again_ns


def in_order(rows: Iterable[TimedRow], key: str, times: TimeReader) -> Iterator[tuple[int, Fields]]:
    """Yield each row's time in nanoseconds, and its fields; InputError if a row goes back."""
    last: float = -math.inf
    for row in rows:
        ns = row.after(last)
        if ns < last:
            local = times.zone is None and times.is_local(row.time)
            advice = _LOCAL_TIMES if local and last - ns <= _REPEATED_NS else ""
            raise InputError(
                f"{row.label}: {row.time!r} is earlier than the row above, and a series can't "
                f"go back in time: sort by {key!r} first, or give sort=True{advice}"
            )
        last = ns
        yield ns, row.fields


def in_sorted_order(rows: Sequence[TimedRow]) -> Iterator[tuple[int, Fields]]:
    """Yield what `in_order` yields, but by time; rows of one time stay as they are."""
    moments = _rising(rows) or _rising(rows[::-1])[::-1]
    if not moments:
        if twice := next((row for row in rows if row.again_ns > row.ns), None):
            raise InputError(
                f"{twice.label}: {twice.time!r} comes twice in its zone, and these rows are not in "
                "the order of time, which would tell the first one from the second: sort the rows "
                "before, or write the times with their offset, such as +01:00"
            )
        moments = [row.ns for row in rows]
    pairs = zip(moments, (row.fields for row in rows), strict=True)
    return iter(sorted(pairs, key=lambda pair: pair[0]))


def _rising(rows: Iterable[TimedRow]) -> list[int]:
    """Return the times of rows that are in the order of time; empty if they are not."""
    moments: list[int] = []
    last: float = -math.inf
    for row in rows:
        ns = row.after(last)
        if ns < last:
            return []
        last = ns
        moments.append(ns)
    return moments
