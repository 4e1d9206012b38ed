"""Plot "Ever added": the requests and answers of one service on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamviz.errors import InputError
from streamviz.observation import History, Sample
from streamviz.plots import Plot
from streamviz.plots.parts import (
    EVENT_AXIS,
    LABEL_MARGIN,
    Trace,
    colour,
    end_labels,
    end_texts,
    event_lines,
    event_points,
    headroom,
    label,
    no_data_text,
    number_text,
    seconds,
    step_lines,
)


class AddedPlot(Plot):
    """A line for each stream: the number of entries ever added.

    The answers' lines follow the requests' line. While the answers together are fewer than the
    requests, some requests are waiting. A hairline with its words is an event.

    Parameters
    ----------
    histories : mapping of str to History
        The histories by stream name, sampled together: samples with the same number were taken at
        the same time. The board watches the first.

    Raises
    ------
    InputError
        If there are none.
    """

    title = "Ever added"

    def __init__(self, histories: Mapping[str, History]) -> None:
        self.histories = dict(histories) if isinstance(histories, Mapping) else {}
        valid = all(isinstance(history, History) for history in self.histories.values())
        if not self.histories or not valid:
            raise InputError(f"histories={histories!r}: give a History for each stream's name")

    def structure_key(self, history: History) -> Any:
        """Return the streams' names."""
        return tuple(self.histories)

    def traces(self, history: History) -> list[Trace]:
        """Return a line for each stream, their names, and the events."""
        lines = step_lines(map(label, self.histories))
        return [*lines, end_labels([colour(i) for i in range(len(self.histories))]), event_lines()]

    def layout(self, history: History) -> dict[str, Any]:
        """Return the axes."""
        return {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {"title": {"text": "entries"}, "rangemode": "tozero"},
            "yaxis2": EVENT_AXIS,
            "margin": {"l": 60, "r": LABEL_MARGIN, "t": 44, "b": 44},
            "meta": {"first_below": True},
            "showlegend": False,
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return the number of entries added to each stream, at one sample."""
        return [_added(one, sample.n) for one in self.histories.values()]

    def current_state(self, history: History) -> list[Trace]:
        """Return each line's name and last value, at its end, and the events."""
        if history.newest is None:
            return [end_texts(None, [], [], 0, 1), event_points(history)]
        counts = self.sampled_values(history.newest, history)
        texts = [
            f"{label(name, 16)} {'?' if count is None else f'{count:,}'}"
            for name, count in zip(self.histories, counts, strict=True)
        ]
        top = max((count for count in counts if count is not None), default=0)
        if history.event_count:
            top = round(top * headroom(history))
        at = seconds(history.newest.time_ms, history)
        return [end_texts(at, texts, counts, top, 0.075), event_points(history)]

    def summary(self, history: History) -> str:
        """Return the numbers in words."""
        if history.newest is None:
            return no_data_text(history)
        last = history.newest.n
        counts = (
            f"{name} {number_text(_added(one, last))}" for name, one in self.histories.items()
        )
        return f"{', '.join(counts)}."


def _added(history: History, n: int) -> int | None:
    """Return the number of entries added at sample `n`; None if that sample is missing."""
    sample = next(iter(history.since(n - 1)), None)
    return sample.entries_added if sample is not None and sample.n == n else None
