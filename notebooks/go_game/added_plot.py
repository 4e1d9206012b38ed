"""Ever added: several streams of one service on one scale, what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import Plot, Trace, label, line, no_data_text, number_text


class Added(Plot):
    """A line for each stream: how many entries were ever added to it.

    A request that is answered on other streams shows as lines that follow one another: as long as
    the answers together are fewer than the requests, some wait.

    Parameters
    ----------
    histories : mapping of str to History
        The streams by the names that they shall have; looked at together, so that samples of one
        number were seen at one time. The first is the one that the board watches.

    Raises
    ------
    InputError
        If there are none.
    """

    name = "added"
    title = "Ever added"

    def __init__(self, histories: Mapping[str, History]) -> None:
        found = dict(histories) if isinstance(histories, Mapping) else {}
        if not found or not all(isinstance(one, History) for one in found.values()):
            raise InputError(f"histories={histories!r}: give a History for each stream's name")
        self.histories = found

    def structure_key(self, history: History) -> Any:
        """Return the streams' names."""
        return tuple(self.histories)

    def traces(self, history: History) -> list[Trace]:
        """Return a line for each stream."""
        lines = [line(label(name), place) for place, name in enumerate(self.histories)]
        for one in lines:
            one["line"]["shape"] = "hv"  # nothing is half added
        return lines

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
        """Return how many each stream had been given at one look."""
        return [_added(one, sample.n) for one in self.histories.values()]

    def summary(self, history: History) -> str:
        """Return the numbers in words."""
        if history.last is None:
            return no_data_text(history)
        last = history.last.n
        counts = (
            f"{name} {number_text(_added(one, last))}" for name, one in self.histories.items()
        )
        return f"Ever added: {', '.join(counts)}."


def _added(history: History, n: int) -> int | None:
    """Return how many entries a stream had been given at look `n`; None if it was not seen."""
    found = next(iter(history.since(n - 1)), None)
    return found.entries_added if found is not None and found.n == n else None
