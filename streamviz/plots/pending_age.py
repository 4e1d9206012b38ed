"""Pending age: how long the oldest entry that a group was given has not been acknowledged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.observation.deliveries import Delivery, delivery_log
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.figure import (
    Plot,
    Trace,
    at_most,
    colour,
    event_marks,
    events,
    label,
    line,
    marks,
    plain,
    seconds,
    waiting,
)


class PendingAge(Plot):
    """One step line a group: the age of its oldest pending entry, in seconds since it was added.

    Work that flows keeps the line low. Work that a dead consumer holds makes it climb, one second
    a second, until somebody recovers it. Each time that an entry is delivered again, there is a
    diamond at that moment and at the entry's age: an entry with two diamonds had three deliveries.
    """

    name = "pending_age"
    title = "Oldest pending entry"

    def identity(self, history: History) -> Any:
        """Return the groups' names."""
        return history.group_names

    def traces(self, history: History) -> list[Trace]:
        """Return a line for each group, its deliveries done with, events, and those not done."""
        names = history.group_names
        lines = [line(label(name), i) for i, name in enumerate(names)]
        for trace in lines:
            trace["line"] = trace["line"] | {"shape": "hv"}
        done = [_diamonds(name, i) for i, name in enumerate(names)]
        return [*lines, *done, event_marks(), *(_diamonds(name, i) for i, name in enumerate(names))]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across, the age up, and a strip for events over both."""
        return {
            "xaxis": {"title": {"text": "seconds (a diamond: delivered again)"}},
            "yaxis": {"title": {"text": "seconds since it was added"}, "rangemode": "tozero"},
            "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        }

    def values(self, sample: Sample, history: History) -> list[Any]:
        """Return each group's oldest age: 0 where nothing is pending, None where there is none."""
        return [_age_s(sample, sample.group(name)) for name in history.group_names]

    def points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return the deliveries that ended with these samples, and a mark for each event."""
        holds, since = delivery_log(history), samples[0].n - 1 if samples else 0
        names = history.group_names
        ended = [_drawn(holds.ended_since(name, since), history) for name in names]
        return [*ended, events(samples, history)]

    def held(self, history: History) -> list[int]:
        """Return how many deliveries, and how many events the window has."""
        holds = delivery_log(history)
        ended = [len(_again(holds.ended(name))) for name in history.group_names]
        return [*ended, history.event_count]

    def present(self, history: History) -> list[Trace]:
        """Return the deliveries of what is pending now."""
        holds = delivery_log(history)
        return [_drawn(holds.held(name), history) for name in history.group_names]

    def summary(self, history: History) -> str:
        """Return each group's oldest pending entry in words."""
        last = history.last
        if last is None or not last.groups:
            return waiting(history) or "no consumer group yet"
        return "; ".join(_words(last, group) for group in last.groups) + "."

    def history_summary(self, history: History) -> str:
        """Return how old each group's oldest one ever was, and what came again, in words."""
        rows = (self.values(sample, history) for sample in history.samples)
        oldest = at_most(history.group_names, rows, "seconds")
        holds = delivery_log(history)
        again = []
        for name in history.group_names:
            counts = [one.deliveries for one in (*holds.ended(name), *holds.held(name))]
            if max(counts, default=1) > 1:
                again.append(f"{name} {max(counts)}")
        often = f"Most deliveries of one entry: {', '.join(again)}." if again else ""
        return " ".join(filter(None, (oldest, often)))


def _diamonds(name: str, place: int) -> Trace:
    return marks(f"{label(name)}: delivered again", colour(place), "diamond") | {
        "marker": {"color": colour(place), "symbol": "diamond", "size": 10},
        "showlegend": False,
        "text": [],
        "hoverinfo": "text",
    }


def _again(holds: Iterable[Delivery]) -> list[Delivery]:
    return [hold for hold in holds if hold.deliveries > 1]


def _drawn(holds: Iterable[Delivery], history: History) -> Trace:
    """Return a mark for each delivery again, where it began."""
    again = _again(holds)
    return {
        "x": [seconds(one.since_ms, history) for one in again],
        "y": [_seconds_since(one.since_ms, one.id) for one in again],
        "text": [f"{one.id}, delivery {one.deliveries}, to {label(one.consumer)}" for one in again],
    }


def _age_s(sample: Sample, group: GroupState | None) -> float | None:
    if group is None:
        return None
    if not group.oldest:
        return 0 if not group.pending else None
    return _seconds_since(sample.time_ms, group.oldest[0].id)


def _seconds_since(time_ms: int, entry_id: EntryId) -> float:
    return round(max(0, time_ms - entry_id.ms) / 1000, 3)


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
