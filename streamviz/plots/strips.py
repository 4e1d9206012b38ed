"""Strips: each group's lag and its oldest pending entry, one below the other on one time axis."""

from __future__ import annotations

from typing import Any

from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.event_lines import (
    EVENT_AXIS,
    event_lines,
    event_points,
    uncertain_lags,
    uncertain_spans,
)
from streamviz.plots.figure import Plot
from streamviz.plots.group_lag import GroupLag
from streamviz.plots.pending_age import PendingAge
from streamviz.plots.texts import label, note
from streamviz.plots.traces import LABEL_MARGIN, Trace, colours, end_labels, step_line
from streamviz.plots.worst_groups import shown_groups

_HEADING = {"size": 13, "weight": 600}
_GAP = 0.2  # between two texts, as a part of a strip's height


class Strips(Plot):
    """Two low plots on one time axis: entries that wait, and the age of the oldest pending entry.

    Each line has its group's name and its last value at its end. A hairline through both strips
    is an event, in words. `GroupLag` and `PendingAge` show the same, larger and with more details.
    """

    title = "Entries waiting and oldest pending"

    def __init__(self) -> None:
        self._lag, self._age = GroupLag(), PendingAge()

    def structure_key(self, history: History) -> Any:
        return shown_groups(history), history.ids_are_times

    def traces(self, history: History) -> list[Trace]:
        """Return the lines of both strips, then spans, names and events."""
        names = shown_groups(history)
        lower = {"yaxis": "y2"}
        lines = [step_line(label(name), i) for i, name in enumerate(names)]
        ages = [step_line(label(name), i) | lower for i, name in enumerate(names)]
        own = colours(len(names))
        ends = [end_labels(own), end_labels(own, **lower)]
        return [*lines, *ages, uncertain_spans("y3"), *ends, event_lines("y3"), event_lines("y4")]

    def layout(self, history: History) -> dict[str, Any]:
        since = "it was added" if history.ids_are_times else "its last delivery"
        below = note(f"Oldest pending entry, seconds since {since}", y=0.41, yanchor="bottom")
        return {
            "xaxis": {"anchor": "y2", "title": {"text": ""}},
            "yaxis": {"domain": [0.61, 1], "anchor": "x", "rangemode": "tozero", "nticks": 4},
            "yaxis2": {"domain": [0, 0.41], "anchor": "x", "rangemode": "tozero", "nticks": 4},
            "yaxis3": EVENT_AXIS,
            "yaxis4": EVENT_AXIS | {"overlaying": "y2"},
            "margin": {"l": 48, "r": LABEL_MARGIN, "t": 40, "b": 28},
            "title": {"text": "Entries waiting", "x": 0, "xref": "paper", "font": _HEADING},
            "annotations": [
                below | {"font": _HEADING},
                note("seconds", x=1, xshift=16, y=0, yanchor="top"),
            ],
            "showlegend": False,
            "meta": {"strips": True},  # a low stage leaves them out
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return each group's lag, then each group's largest age; None where unknown."""
        lags = self._lag.sampled_values(sample, history)
        return [*lags, *self._age.sampled_values(sample, history)]

    def current_state(self, history: History) -> list[Trace]:
        """Return the spans of an uncertain lag, the lines' names, and the events."""
        ends = [self._lag.end_texts(history, _GAP), self._age.end_texts(history, _GAP)]
        above = event_points(history, rows=(0.86,))
        count = len(above["x"]) // 3
        below = above | {"y": [0, 1, None] * count, "text": [""] * 3 * count}
        return [uncertain_lags(history), *ends, above, below]

    def summary(self, history: History) -> str:
        lags, ages = self._lag.summary(history), self._age.summary(history)
        return lags if lags == ages else f"{lags} {ages}"

    def history_summary(self, history: History) -> str:
        parts = self._lag.history_summary(history), self._age.history_summary(history)
        return " ".join(filter(None, parts))
