"""Side by side: for each reader or subscriber, which entries it received and which it missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import (
    COLOURS,
    GREY,
    NO_TIMES,
    Plot,
    Trace,
    id_scale,
    label,
    marks,
    no_data_text,
    number_text,
    seconds,
)
from streamviz.plots.panels import axis, domain

_MAX_MISSED = 200  # crosses in a panel: every frame sends all of them again


class SideBySide(Plot):
    """A panel for each reader or subscriber: the time sent up, the time received across.

    Grey dots are the entries sent, at the time of sending. Blue dots are the entries received. An
    orange cross is a missed entry: the reader has received a later one, but never this one.
    """

    name = "side_by_side"
    title = "Sent and received"

    def structure_key(self, history: History) -> Any:
        """Return the readers' names, and what the axes show."""
        return history.reader_names, history.ids_are_times

    def traces(self, history: History) -> list[Trace]:
        """Return for each panel the entries sent and received, then for each panel those missed."""
        growing, missed = [], []
        for index, name in enumerate(history.reader_names):
            growing += [
                _marks(f"{label(name)}: sent", index, GREY, "circle", size=4, opacity=0.5),
                _marks(f"{label(name)}: received", index, COLOURS[0], "circle", size=5),
            ]
            missed.append(_marks(f"{label(name)}: missed", index, COLOURS[1], "x", size=8))
        return [*growing, *missed]

    def layout(self, history: History) -> dict[str, Any]:
        """Return a pair of axes for each panel, all with one scale."""
        names = history.reader_names or ("no reader yet",)
        layout: dict[str, Any] = {"showlegend": False}
        for index, name in enumerate(names):
            x: dict[str, Any] = {
                "domain": domain(index, len(names)),
                "anchor": axis("y", index),
                "title": {"text": f"{label(name)}: received, in seconds"},
            }
            y: dict[str, Any] = {"rangemode": "tozero", "anchor": axis("x", index)}
            if index:
                x, y = x | {"matches": "x"}, y | {"matches": "y", "showticklabels": False}
            else:
                y["title"] = {"text": "sent, in seconds" if history.ids_are_times else NO_TIMES}
            layout |= {axis("xaxis", index): x, axis("yaxis", index): y}
        return layout

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return nothing: the dots have times of their own."""
        return []

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return for each panel the entries sent and received."""
        times = history.ids_are_times
        entries = [(one.id, s.time_ms) for s in samples for one in s.entries]
        sent = _dots([(one.ms if times else at_ms, one) for one, at_ms in entries], history)
        traces: list[Trace] = []
        for name in history.reader_names:
            states = [(sample.time_ms, sample.reader(name)) for sample in samples]
            received = [(at_ms, one) for at_ms, state in states if state for one in state.got]
            traces += [{key: list(of) for key, of in sent.items()}, _dots(received, history)]
        return traces

    def window_sizes(self, history: History) -> list[int]:
        """Return how many dots the window has."""
        received = dict.fromkeys(history.reader_names, 0)
        for sample in history.samples:
            for reader in sample.readers:
                received[reader.name] += len(reader.got)
        return [size for count in received.values() for size in (history.entry_count, count)]

    def current_state(self, history: History) -> list[Trace]:
        """Return for each panel the newest entries missed."""
        return [
            _dots([(one.ms, one) for one in history.missed_by(name)[-_MAX_MISSED:]], history)
            for name in history.reader_names
        ]

    def summary(self, history: History) -> str:
        """Return in words how many entries each reader received and missed."""
        last = history.newest
        if last is None or not history.reader_names:
            return no_data_text(history) or "no reader yet"
        parts = []
        received = self.window_sizes(history)[1::2]
        for name, count in zip(history.reader_names, received, strict=True):
            missed = len(history.missed_by(name))
            lost = number_text(missed) if missed else "none"
            parts.append(f"{name} received {number_text(count)}, missed {lost}")
        return f"{number_text(history.entry_count)} sent; {'; '.join(parts)}."


def _marks(name: str, index: int, colour: str, symbol: str, **marker: float) -> Trace:
    trace = marks(name, colour, symbol, xaxis=axis("x", index), yaxis=axis("y", index))
    trace["marker"] |= marker
    return trace | {"text": [], "hoverinfo": "text", "showlegend": False}


def _dots(entries: Sequence[tuple[int, EntryId]], history: History) -> Trace:
    """Return a dot for each entry, given with the time when it was sent or received."""
    texts = [str(one) for _, one in entries]
    return {
        "x": [seconds(at_ms, history) for at_ms, _ in entries],
        "y": [id_scale(history)(one) for _, one in entries],
        "text": texts,
        "customdata": list(texts),
    }
