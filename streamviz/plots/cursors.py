"""Cursors: where each reader is in the stream, while the stream grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import (
    GREY,
    Plot,
    Trace,
    at_most,
    entries_of,
    event_marks,
    events,
    label,
    line,
    seconds,
    waiting,
)


class Cursors(Plot):
    """A step line for each plain reader and each group: its place in the stream as time goes by.

    The grey line is the newest entry, and climbs a second a second while entries come. A reader
    that keeps up climbs with it; one that is away stays level; one that begins again falls to the
    ground. What a reader has skipped, its cursor does not show.
    """

    name = "cursors"
    title = "Cursors"

    def identity(self, history: History) -> Any:
        """Return the readers' and the groups' names."""
        return history.reader_names, history.group_names

    def traces(self, history: History) -> list[Trace]:
        """Return a line for each reader and group, the newest entry, and marks for events."""
        names = (*history.reader_names, *history.group_names)
        newest = line("newest entry", 0)
        newest["line"] = {"color": GREY, "dash": "solid", "width": 1.5}
        lines = [*(line(label(name), i) for i, name in enumerate(names)), newest]
        for trace in lines:
            trace["line"] = trace["line"] | {"shape": "hv"}
        return [*lines, event_marks()]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across, the place in the stream up, a strip for events over both."""
        return {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {"title": {"text": "at the entry of second"}, "rangemode": "tozero"},
            "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        }

    def values(self, sample: Sample, history: History) -> list[Any]:
        """Return each cursor's place, and the newest entry's; None where there is none."""
        readers = [sample.reader(name) for name in history.reader_names]
        groups = [sample.group(name) for name in history.group_names]
        cursors = [reader.position if reader else None for reader in readers]
        cursors += [group.last_delivered_id if group else None for group in groups]
        newest = sample.last_id if sample.last_id != EntryId.ZERO else None
        return [_place(cursor, sample, history) for cursor in (*cursors, newest)]

    def points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return a mark for each event."""
        return [events(samples, history)]

    def held(self, history: History) -> list[int]:
        """Return how many events the window has."""
        return [history.event_count]

    def summary(self, history: History) -> str:
        """Return each reader's and each group's place in words."""
        last = history.last
        if last is None or not (last.readers or last.groups):
            return waiting(history) or "no reader yet"
        parts = [_words(one.name, one.position, last) for one in last.readers]
        parts += [_words(one.name, one.last_delivered_id, last) for one in last.groups]
        return f"{entries_of(last.length)}; {'; '.join(parts)}."

    def history_summary(self, history: History) -> str:
        """Return how far behind the newest entry each one ever was, in words."""
        names = (*history.reader_names, *history.group_names)
        places = (self.values(sample, history) for sample in history.samples)
        rows = [
            [None if one is None or newest is None else newest - one for one in cursors]
            for *cursors, newest in places
        ]
        return at_most(names, rows, "seconds behind the newest entry")


def _place(cursor: EntryId | None, sample: Sample, history: History) -> float | None:
    """Return a cursor's place in seconds; who has read nothing stands at the first entry."""
    if cursor == EntryId.ZERO and sample.length:
        cursor = sample.first_id
    return None if cursor is None or cursor == EntryId.ZERO else seconds(cursor.ms, history)


def _words(name: str, cursor: EntryId, last: Sample) -> str:
    if cursor == EntryId.ZERO:
        return f"{name} is at the beginning"
    if cursor == last.last_id:
        return f"{name} is at the newest entry"
    if cursor > last.last_id:
        return f"{name} is beyond the newest entry"
    return f"{name} is {(last.last_id.ms - cursor.ms) / 1000:,.1f} s behind the newest entry"
