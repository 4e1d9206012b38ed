"""Group lag: how many entries are waiting for each group, or how many seconds it is behind."""

from __future__ import annotations

from typing import Any, Literal

from streamviz.errors import InputError
from streamviz.observation.events import shown_name
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.event_lines import event_lines, event_points, uncertain_lags, uncertain_spans
from streamviz.plots.group_lines import GroupLines, lines_layout
from streamviz.plots.texts import label, lag_text, peaks_text
from streamviz.plots.traces import Trace, colours, end_labels, step_line
from streamviz.plots.worst_groups import shown_groups


class GroupLag(GroupLines):
    """One step line for each group, with its name and its lag at its end.

    Where a lag is unknown, the line has a gap, and a shaded span gives the reason. A hairline with
    its words is an event.

    Parameters
    ----------
    unit : {"entries", "seconds"}
        The number of waiting entries, or the time of the newest ID minus that of the
        last-delivered ID.
    """

    _shows_total = True

    def __init__(self, unit: Literal["entries", "seconds"] = "entries") -> None:
        if unit not in ("entries", "seconds"):
            raise InputError(f"unit={unit!r}: give 'entries' or 'seconds'")
        self.unit = unit
        self.title = "Group lag" if unit == "entries" else "Group lag in seconds"
        self._shown = "{:,.15g}" if unit == "entries" else "{:,.15g} s"

    def traces(self, history: History) -> list[Trace]:
        """Return a line for each group, then the spans, the lines' names and the events."""
        names = shown_groups(history)
        lines = [step_line(label(name), i) for i, name in enumerate(names)]
        return [*lines, uncertain_spans(), end_labels(colours(len(names))), event_lines()]

    def layout(self, history: History) -> dict[str, Any]:
        title = "entries waiting" if self.unit == "entries" else "seconds behind"
        if self.unit == "seconds" and not history.ids_are_times:
            title = "seconds behind: not known, the IDs are no times in milliseconds"
        return lines_layout(title)

    def current_state(self, history: History) -> list[Trace]:
        """Return the spans of an uncertain lag, the lines' names, and the events."""
        return [uncertain_lags(history), self.end_texts(history), event_points(history)]

    def history_summary(self, history: History) -> str:
        names, samples = shown_groups(history), history.samples
        unit = "entries waiting" if self.unit == "entries" else "seconds behind"
        parts = [peaks_text(names, (self.sampled_values(one, history) for one in samples), unit)]
        parts += [
            f"The lag of {shown_name(name)} was uncertain in {count} of {len(samples)} samples."
            for name in names
            if (count := history.inexact_count(name))
        ]
        return " ".join(filter(None, parts))

    def _value(self, sample: Sample, group: GroupState) -> float | None:
        if self.unit == "entries":
            return group.lag.entries
        return None if group.lag.behind_ms is None else round(group.lag.behind_ms / 1000, 3)

    def _words(self, sample: Sample, group: GroupState) -> str:
        behind_ms = group.lag.behind_ms
        behind = f", {behind_ms / 1000:,.1f} s behind" if behind_ms else ""
        return f"{shown_name(group.name)}: {lag_text(group.lag, behind)}"
