"""Plot "Ever added": the requests and answers of one service on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import Plot
from streamviz.plots.texts import label, no_data_text, number_text
from streamviz.plots.traces import DASHES, Trace, line


class AddedPlot(Plot):
    """A line for each stream: the number of entries ever added.

    The answers' lines follow the requests' line. While the answers together are fewer than the
    requests, some requests are waiting.

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

    name = "added"
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
        """Return a line for each stream."""
        traces = [line(label(name), number) for number, name in enumerate(self.histories)]
        for trace, dash in zip(traces, cycle(DASHES), strict=False):
            trace["line"] |= {"shape": "hv", "dash": dash}  # an entry is added all at once
        return traces

    def layout(self, history: History) -> dict[str, Any]:
        """Return the axes."""
        return {
            # four names need a row of their own on a narrow board
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "margin": {"l": 60, "r": 16, "t": 74, "b": 44},
            "title": {"text": self.title, "x": 0, "xref": "paper", "y": 0.97, "yanchor": "top"},
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {"title": {"text": "entries"}, "rangemode": "tozero"},
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return the number of entries added to each stream, at one sample."""
        return [_added(one, sample.n) for one in self.histories.values()]

    def summary(self, history: History) -> str:
        """Return the numbers in words."""
        if history.newest is None:
            return no_data_text(history)
        last = history.newest.n
        counts = (
            f"{name} {number_text(_added(one, last))}" for name, one in self.histories.items()
        )
        return f"Ever added: {', '.join(counts)}."


def _added(history: History, n: int) -> int | None:
    """Return the number of entries added at sample `n`; None if that sample is missing."""
    sample = next(iter(history.since(n - 1)), None)
    return sample.entries_added if sample is not None and sample.n == n else None
