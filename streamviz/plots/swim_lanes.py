"""Swim-lanes: what each consumer holds, since when, and at which delivery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from streamviz.errors import InputError
from streamviz.observation.deliveries import Delivery, delivery_log
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import (
    DASHES,
    Plot,
    Trace,
    colour,
    event_marks,
    events,
    label,
    plain,
    seconds,
    waiting,
)

_PLACES = 3  # bars that overlap in one lane lie over each other in so many rows


class SwimLanes(Plot):
    """One lane a consumer, and in it a bar for each time that it held an entry.

    A faint bar has ended: acknowledged, claimed by somebody else, or lost. A full one is still
    held. A dashed one is a delivery after the first. Bars shorter than the time between two looks
    are not seen.

    Parameters
    ----------
    group : str, optional
        Show only this group's consumers; without it, all of them.

    Raises
    ------
    InputError
        If the group is not text.
    """

    name = "swim_lanes"
    title = "Who holds what"

    def __init__(self, group: str | None = None) -> None:
        if group is not None and not isinstance(group, str):
            raise InputError(f"group={group!r}: give a consumer group's name as text, or None")
        self.group = group

    def identity(self, history: History) -> Any:
        """Return the groups, and the consumers that have a lane."""
        return self._groups(history), self._lanes(history)

    def traces(self, history: History) -> list[Trace]:
        """Return bars that ended, for each group first and later deliveries; marks; open bars."""
        names = self._groups(history)
        ended = [
            _bars(f"{label(name)}{words}", i, dash, opacity=0.4)
            for i, name in enumerate(names)
            for words, dash in _KINDS
        ]
        held = [
            _bars(f"{label(name)}{words}, held", i, dash, opacity=1.0)
            for i, name in enumerate(names)
            for words, dash in _KINDS
        ]
        return [*ended, event_marks(), *held]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across, a lane for each consumer up."""
        lanes = self._lanes(history)
        many = len(lanes)
        return {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {
                "tickvals": [-(place + 0.5) for place in range(many)],
                "ticktext": [label(name, 16) for _, name in lanes],
                "range": [-many or -1, 0.4],
            },
            "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
            "showlegend": False,
        }

    def values(self, sample: Sample, history: History) -> list[Any]:
        """Return nothing: bars have times of their own."""
        return []

    def points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return the bars that ended with these samples, and a mark for each event."""
        holds, lanes = delivery_log(history), self._places(history)
        since = samples[0].n - 1 if samples else 0
        found: list[Trace] = []
        for name in self._groups(history):
            ended = holds.ended_since(name, since)
            for again in (False, True):
                some = [hold for hold in ended if (hold.deliveries > 1) is again]
                found.append(_drawn(name, some, lanes, history))
        return [*found, events(samples, history)]

    def held(self, history: History) -> list[int]:
        """Return how many points of ended bars, and how many events the window has."""
        holds = delivery_log(history)
        found = []
        for name in self._groups(history):
            again = holds.again(name)
            found += [3 * (holds.count(name) - again), 3 * again]
        return [*found, history.event_count]

    def present(self, history: History) -> list[Trace]:
        """Return the bars of what is held now."""
        holds, lanes = delivery_log(history), self._places(history)
        found: list[Trace] = []
        for name in self._groups(history):
            held = holds.held(name)
            for again in (False, True):
                some = [hold for hold in held if (hold.deliveries > 1) is again]
                found.append(_drawn(name, some, lanes, history))
        return found

    def summary(self, history: History) -> str:
        """Return in words what each consumer holds."""
        last = history.last
        if last is None or not self._lanes(history):
            return waiting(history) or "no consumer yet"
        parts = []
        for group in last.groups:
            if self.group in (None, group.name):
                parts += [
                    f"{one.name} holds {plain(one.pending) if one.pending else 'nothing'}"
                    for one in group.consumers
                ]
        return "; ".join(parts) + "." if parts else "no consumer now."

    def _groups(self, history: History) -> list[str]:
        return [name for name in history.group_names if self.group in (None, name)]

    def _lanes(self, history: History) -> tuple[tuple[str, str], ...]:
        names = self._groups(history)
        return tuple((name, who) for name in names for who in history.consumer_names(name))

    def _places(self, history: History) -> dict[tuple[str, str], int]:
        return {lane: place for place, lane in enumerate(self._lanes(history))}


_KINDS = (("", "solid"), (" again", DASHES[1]))


def _bars(name: str, place: int, dash: str, *, opacity: float) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "line": {"color": colour(place), "dash": dash, "width": 6},
        "opacity": opacity,
        "hoverinfo": "text",
        "x": [],
        "y": [],
        "text": [],
    }


def _drawn(
    group: str, holds: Iterable[Delivery], lanes: dict[tuple[str, str], int], history: History
) -> Trace:
    """Return bars as one line with gaps."""
    found: Trace = {"x": [], "y": [], "text": []}
    for hold in holds:
        lane = lanes.get((group, hold.consumer))
        row = None if lane is None else -(lane + 0.3 + 0.2 * ((hold.id.ms + hold.id.seq) % _PLACES))
        began, ended = seconds(hold.since_ms, history), seconds(hold.until_ms, history)
        found["x"] += [began, ended, None]
        found["y"] += [row, row, None]
        found["text"] += [_told(hold, ended - began)] * 2 + [""]
    return found


def _told(hold: Delivery, for_s: float) -> str:
    return (
        f"{hold.id}, {label(hold.consumer)}: {hold.end}, delivery {hold.deliveries}, {for_s:.1f} s"
    )
