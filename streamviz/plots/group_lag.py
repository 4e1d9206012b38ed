"""Group lag: how many entries are waiting for each group, or how many seconds it is behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.figure import (
    EVENT_AXIS,
    SYMBOLS,
    Plot,
    Trace,
    colour,
    escaped,
    event_marks,
    events,
    label,
    marks,
    no_data_text,
    number_text,
    peaks_text,
    seconds,
    step_line,
)


class GroupLag(Plot):
    """One step line for each group; where the lag is unknown, the line has a gap and says why.

    Parameters
    ----------
    unit : {"entries", "seconds"}
        The number of waiting entries, or the time of the newest ID minus that of the
        last-delivered ID.

    Raises
    ------
    InputError
        If it is another unit.
    """

    def __init__(self, unit: Literal["entries", "seconds"] = "entries") -> None:
        if unit not in ("entries", "seconds"):
            raise InputError(f"unit={unit!r}: give 'entries' or 'seconds'")
        self.unit = unit
        self.name = "group_lag"
        self.title = "Group lag" if unit == "entries" else "Group lag in seconds"

    def structure_key(self, history: History) -> Any:
        """Return the groups' names, and whether there are seconds."""
        return history.group_names, history.ids_are_times

    def traces(self, history: History) -> list[Trace]:
        """Return a line and marks for an uncertain lag for each group, and marks for events."""
        names = history.group_names
        lines = [step_line(label(name), i) for i, name in enumerate(names)]
        doubts = [
            marks(label(name), colour(i), f"{SYMBOLS[i % len(SYMBOLS)]}-open", yaxis="y2")
            | {"showlegend": False, "text": [], "hoverinfo": "text"}
            for i, name in enumerate(names)
        ]
        return [*lines, *doubts, event_marks()]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across, the lag up, and a strip for marks."""
        title = "entries waiting" if self.unit == "entries" else "seconds behind"
        if self.unit == "seconds" and not history.ids_are_times:
            title = "seconds behind: not known, the IDs are no times in milliseconds"
        return {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {"title": {"text": title}, "rangemode": "tozero"},
            "yaxis2": EVENT_AXIS,
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return each group's lag, None where unknown."""
        return [self._lag(sample.find_group(name)) for name in history.group_names]

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return a mark for each uncertain lag, at the bottom, and for each event, at the top."""
        doubts: list[Trace] = []
        for i, name in enumerate(history.group_names):
            uncertain = [
                (sample, group)
                for sample in samples
                if (group := sample.find_group(name)) and group.lag.verdict != "exact"
            ]
            doubts.append(
                {
                    "x": [seconds(sample.time_ms, history) for sample, _ in uncertain],
                    "y": [round(0.03 + 0.05 * (i % 4), 2)] * len(uncertain),
                    "text": [
                        f"{label(name)}: {group.lag.verdict}: {escaped(group.lag.reason)}"
                        for _, group in uncertain
                    ],
                }
            )
        return [*doubts, events(samples, history)]

    def window_sizes(self, history: History) -> list[int]:
        """Return how many uncertain lags and events the window has."""
        return [*map(history.inexact_count, history.group_names), history.event_count]

    def summary(self, history: History) -> str:
        """Return each group's lag in words."""
        last = history.newest
        if last is None or not last.groups:
            return no_data_text(history) or "no consumer group yet"
        return "; ".join(self._words(group) for group in last.groups) + "."

    def history_summary(self, history: History) -> str:
        """Return in words each group's largest lag, and how often it was uncertain."""
        names, samples = history.group_names, history.samples
        unit = "entries waiting" if self.unit == "entries" else "seconds behind"
        parts = [peaks_text(names, (self.sampled_values(one, history) for one in samples), unit)]
        parts += [
            f"The lag of {name} was uncertain in {count} of {len(samples)} samples."
            for name in names
            if (count := history.inexact_count(name))
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
        return f"{group.name}: {number_text(lag.entries)} waiting{behind}{doubt}"
