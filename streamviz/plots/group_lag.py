"""Group lag: how many entries wait for each group, or how old the oldest wait is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.figure import (
    SYMBOLS,
    Plot,
    Trace,
    at_most,
    colour,
    escaped,
    event_marks,
    events,
    label,
    line,
    marks,
    plain,
    seconds,
    waiting,
)


class GroupLag(Plot):
    """One step line a group; where the lag is not known, the line has a gap that says why.

    Parameters
    ----------
    unit : {"entries", "seconds"}
        Entries that wait, or the newest ID's time minus the last-delivered ID's.
    """

    def __init__(self, unit: Literal["entries", "seconds"] = "entries") -> None:
        if unit not in ("entries", "seconds"):
            raise InputError(f"unit={unit!r}: give 'entries' or 'seconds'")
        self.unit = unit
        self.name = "group_lag"
        self.title = "Group lag" if unit == "entries" else "Group lag in seconds"

    def identity(self, history: History) -> Any:
        """Return the groups' names."""
        return history.group_names

    def traces(self, history: History) -> list[Trace]:
        """Return a line and doubtful marks for each group, and marks for what happened."""
        names = history.group_names
        lines = [line(label(name), i, line_shape="hv") for i, name in enumerate(names)]
        for trace in lines:
            trace["line"] = trace["line"] | {"shape": trace.pop("line_shape")}
        doubts = [
            marks(label(name), colour(i), f"{SYMBOLS[i % len(SYMBOLS)]}-open", yaxis="y2")
            | {"showlegend": False, "text": [], "hoverinfo": "text"}
            for i, name in enumerate(names)
        ]
        return [*lines, *doubts, event_marks()]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across, the lag up, and a strip for marks over both."""
        title = "entries waiting" if self.unit == "entries" else "seconds behind"
        return {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {"title": {"text": title}, "rangemode": "tozero"},
            "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        }

    def values(self, sample: Sample, history: History) -> list[Any]:
        """Return each group's lag, None where it is unknown."""
        return [self._lag(sample.group(name)) for name in history.group_names]

    def points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return a mark for each doubtful lag, low down, and for each event, high up."""
        found: list[Trace] = []
        for i, name in enumerate(history.group_names):
            doubtful = [
                (sample, group)
                for sample in samples
                if (group := sample.group(name)) and group.lag.verdict != "exact"
            ]
            found.append(
                {
                    "x": [seconds(sample.time_ms, history) for sample, _ in doubtful],
                    "y": [round(0.03 + 0.05 * (i % 4), 2)] * len(doubtful),
                    "text": [
                        f"{label(name)}: {group.lag.verdict}: {escaped(group.lag.reason)}"
                        for _, group in doubtful
                    ],
                }
            )
        return [*found, events(samples, history)]

    def held(self, history: History) -> list[int]:
        """Return how many doubts and events the window has."""
        return [*map(history.doubts, history.group_names), history.event_count]

    def summary(self, history: History) -> str:
        """Return each group's lag in words."""
        last = history.last
        if last is None or not last.groups:
            return waiting(history) or "no consumer group yet"
        return "; ".join(self._words(group) for group in last.groups) + "."

    def history_summary(self, history: History) -> str:
        """Return each group's largest lag, and how often it was in doubt, in words."""
        names, looks = history.group_names, history.samples
        unit = "entries waiting" if self.unit == "entries" else "seconds behind"
        parts = [at_most(names, (self.values(look, history) for look in looks), unit)]
        parts += [
            f"Of {name} it was not certain at {doubts} of {len(looks)} looks."
            for name in names
            if (doubts := history.doubts(name))
        ]
        return " ".join(filter(None, parts))

    def _lag(self, group: GroupState | None) -> float | None:
        if group is None:
            return None
        if self.unit == "entries":
            return group.lag.entries
        return None if group.lag.behind_ms is None else round(group.lag.behind_ms / 1000, 3)

    def _words(self, group: GroupState) -> str:
        lag = group.lag
        if lag.entries is None:
            return f"{group.name}: lag unknown, {lag.reason}"
        behind = f", {lag.behind_ms / 1000:,.1f} s behind" if lag.behind_ms else ""
        doubt = f" ({lag.verdict}: {lag.reason})" if lag.verdict != "exact" else ""
        return f"{group.name}: {plain(lag.entries)} waiting{behind}{doubt}"
