"""Pending age: how long the oldest entry that a group was given has not been acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamviz.history import History
from streamviz.plots.figure import (
    Plot,
    Trace,
    at_most,
    event_marks,
    events,
    label,
    line,
    plain,
    waiting,
)
from streamviz.sample import GroupState, Sample


class PendingAge(Plot):
    """One step line a group: the age of its oldest pending entry, in seconds since it was added.

    Work that flows keeps the line low. Work that a dead consumer holds makes it climb, one second
    a second, until somebody recovers it.
    """

    name = "pending_age"
    title = "Oldest pending entry"

    def identity(self, history: History) -> Any:
        """Return the groups' names."""
        return history.group_names

    def traces(self, history: History) -> list[Trace]:
        """Return a line for each group, and marks for what happened."""
        lines = [line(label(name), i) for i, name in enumerate(history.group_names)]
        for trace in lines:
            trace["line"] = trace["line"] | {"shape": "hv"}
        return [*lines, event_marks()]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across, the age up, and a strip for events over both."""
        return {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {"title": {"text": "seconds since it was added"}, "rangemode": "tozero"},
            "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        }

    def values(self, sample: Sample, history: History) -> list[Any]:
        """Return each group's oldest age: 0 where nothing is pending, None where there is none."""
        return [_age_s(sample, sample.group(name)) for name in history.group_names]

    def points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return a mark for each event."""
        return [events(samples, history)]

    def held(self, history: History) -> list[int]:
        """Return how many events the window has."""
        return [history.note_count]

    def summary(self, history: History) -> str:
        """Return each group's oldest pending entry in words."""
        last = history.last
        if last is None or not last.groups:
            return waiting(history) or "no consumer group yet"
        return "; ".join(_words(last, group) for group in last.groups) + "."

    def story(self, history: History) -> str:
        """Return how old each group's oldest one ever was, in words."""
        rows = (self.values(sample, history) for sample in history.samples)
        return at_most(history.group_names, rows, "seconds")


def _age_s(sample: Sample, group: GroupState | None) -> float | None:
    if group is None:
        return None
    if not group.oldest:
        return 0 if not group.pending else None
    return round(max(0, sample.time_ms - group.oldest[0].id.ms) / 1000, 3)


def _words(sample: Sample, group: GroupState) -> str:
    age = _age_s(sample, group)
    if not group.pending or age is None:
        return f"{group.name}: nothing pending"
    oldest = group.oldest[0]
    times = "once" if oldest.deliveries == 1 else f"{oldest.deliveries} times"
    return (
        f"{group.name}: {plain(group.pending)} pending, the oldest for {age:,.1f} s, "
        f"delivered {times}, to {oldest.consumer or 'nobody now'} last"
    )
