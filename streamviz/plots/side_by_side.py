"""Side by side: for each reader or subscriber, what was sent, what it got, what passed it by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import (
    COLOURS,
    GREY,
    Plot,
    Trace,
    label,
    marks,
    plain,
    seconds,
    waiting,
)

_MOST_LOST = 200  # crosses in a panel: they are sent anew with each frame


class SideBySide(Plot):
    """A panel for each one who gets entries: up when it was sent, across when it arrived.

    Grey is what was sent, at the time when it was. Blue is what this one got. An orange cross is
    what passed it by: something later has come to it, and this never did.
    """

    name = "side_by_side"
    title = "Sent and received"

    def identity(self, history: History) -> Any:
        """Return the readers' names."""
        return history.reader_names

    def traces(self, history: History) -> list[Trace]:
        """Return what was sent and what came for each panel, then what passed by."""
        grown, present = [], []
        for place, name in enumerate(history.reader_names):
            grown += [
                _marks(f"{label(name)}: sent", place, GREY, "circle", size=4, opacity=0.5),
                _marks(f"{label(name)}: received", place, COLOURS[0], "circle", size=5),
            ]
            lost = _marks(f"{label(name)}: passed by", place, COLOURS[1], "x", size=8)
            present.append(lost)
        return [*grown, *present]

    def layout(self, history: History) -> dict[str, Any]:
        """Return a pair of axes for each panel, all with one scale."""
        names = history.reader_names or ("nobody yet",)
        width = 1 / len(names)
        gap = min(0.06, 0.3 * width) if len(names) > 1 else 0.0
        layout: dict[str, Any] = {"showlegend": False}
        for place, name in enumerate(names):
            low = round(place * width + gap * place / len(names), 4)
            x: dict[str, Any] = {"domain": [low, round(min(low + width - gap, 1.0), 4)]}
            x |= {
                "anchor": _axis("y", place),
                "title": {"text": f"{label(name)}: received, in seconds"},
            }
            y: dict[str, Any] = {"rangemode": "tozero", "anchor": _axis("x", place)}
            if place:
                x, y = x | {"matches": "x"}, y | {"matches": "y", "showticklabels": False}
            else:
                y["title"] = {"text": "sent, in seconds"}
            layout |= {_axis("xaxis", place): x, _axis("yaxis", place): y}
        return layout

    def values(self, sample: Sample, history: History) -> list[Any]:
        """Return nothing: what is sent and got has times of its own."""
        return []

    def points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return for each panel what was sent, and what came."""
        sent = _dots([(one.id.ms, one.id) for s in samples for one in s.entries], history)
        found: list[Trace] = []
        for name in history.reader_names:
            states = [(sample.time_ms, sample.reader(name)) for sample in samples]
            got = [(at, one) for at, state in states if state for one in state.got]
            found += [{key: list(values) for key, values in sent.items()}, _dots(got, history)]
        return found

    def held(self, history: History) -> list[int]:
        """Return how many dots the window has."""
        sent, got = history.entry_count, dict.fromkeys(history.reader_names, 0)
        for sample in history.samples:
            for reader in sample.readers:
                got[reader.name] += len(reader.got)
        return [many for name in got for many in (sent, got[name])]

    def present(self, history: History) -> list[Trace]:
        """Return for each panel the newest of what passed by."""
        return [
            _dots([(one.ms, one) for one in history.missed_by(name)[-_MOST_LOST:]], history)
            for name in history.reader_names
        ]

    def summary(self, history: History) -> str:
        """Return in words how much came to each one, and how much passed it by."""
        last = history.last
        if last is None or not history.reader_names:
            return waiting(history) or "no reader yet"
        held = self.held(history)
        passed = [len(history.missed_by(name)) for name in history.reader_names]
        parts = [
            f"{name} got {plain(many)}, {plain(lost) if lost else 'nothing'} passed it by"
            for name, many, lost in zip(history.reader_names, held[1::2], passed, strict=True)
        ]
        return f"{plain(held[0])} sent; {'; '.join(parts)}."


def _marks(name: str, place: int, colour: str, symbol: str, **marker: float) -> Trace:
    found = marks(name, colour, symbol, xaxis=_axis("x", place), yaxis=_axis("y", place))
    found["marker"] = found["marker"] | marker
    return found | {"text": [], "hoverinfo": "text", "showlegend": False}


def _dots(found: Sequence[tuple[int, EntryId]], history: History) -> Trace:
    return {
        "x": [seconds(at_ms, history) for at_ms, _ in found],
        "y": [seconds(one.ms, history) for _, one in found],
        "text": [str(one) for _, one in found],
    }


def _axis(name: str, place: int) -> str:
    return name if place == 0 else f"{name}{place + 1}"
