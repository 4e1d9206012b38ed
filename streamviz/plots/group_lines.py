"""The lines that two plots share: one for each group, with its name and last value at its end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from functools import cached_property
from operator import attrgetter
from typing import Any

from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.event_lines import EVENT_AXIS, headroom
from streamviz.plots.figure import Plot
from streamviz.plots.texts import label, no_data_text
from streamviz.plots.traces import LABEL_MARGIN, Peak, Trace, end_texts, seconds
from streamviz.plots.worst_groups import all_groups_text, shown_groups, worst_of_text

_name_of = attrgetter("name")


def lines_layout(up: str) -> dict[str, Any]:
    """Return axes of seconds and of values, a strip for events, and room for the lines' names."""
    return {
        "xaxis": {"title": {"text": "seconds"}},
        "yaxis": {"title": {"text": up}, "rangemode": "tozero"},
        "yaxis2": EVENT_AXIS,
        "margin": {"l": 60, "r": LABEL_MARGIN, "t": 44, "b": 44},
        "showlegend": False,
    }


class GroupLines(Plot):
    """A plot with a number of each group over time; a subclass says which."""

    needs = "consumer groups"
    _shown = "{:,.1f} s"  # how a known value reads
    _shows_total = False  # whether a text about all groups stands above the others

    @cached_property
    def _peak(self) -> Peak:
        return Peak(self._values)

    def structure_key(self, history: History) -> Any:
        return shown_groups(history), history.ids_are_times

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        return self._values(sample, shown_groups(history))

    def end_texts(self, history: History, gap: float = 0.075) -> Trace:
        """Return each line's name and last value, at its end; see `traces.end_texts`."""
        last = history.newest
        if last is None:
            return end_texts(None, [], [], 0, gap)
        names = shown_groups(history)
        values = self._values(last, names)
        texts = [
            f"{label(name, 12)} {'unknown' if value is None else self._shown.format(value)}"
            for name, value in zip(names, values, strict=True)
        ]
        top, at = headroom(history) * self._peak.of(history, names), seconds(last.time_ms, history)
        total = all_groups_text(history) if self._shows_total else ""
        return end_texts(at, texts, values, top, gap, total)

    def summary(self, history: History) -> str:
        last = history.newest
        if last is None or last.exists is None or not last.groups:
            return no_data_text(history) or "no consumer group yet"
        names = shown_groups(history)
        words = [self._words(last, group) for group in last.groups if group.name in names]
        return f"{worst_of_text(history)}{'; '.join(words)}."

    def _values(self, sample: Sample, names: tuple[str, ...]) -> list[float | None]:
        if sample.exists is None:
            return [None] * len(names)
        groups: Iterable[GroupState | None] = sample.groups
        if tuple(map(_name_of, sample.groups)) != names:
            groups = map(sample.find_group, names)
        return [None if group is None else self._value(sample, group) for group in groups]

    @abstractmethod
    def _value(self, sample: Sample, group: GroupState) -> float | None:
        """Return a group's number, None if it is unknown."""

    @abstractmethod
    def _words(self, sample: Sample, group: GroupState) -> str:
        """Return what the summary says of a group."""
