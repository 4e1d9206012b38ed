"""Plots that two notebooks need beside those of the package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamviz.observation.events import DEATHS
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import Plot, seconds
from streamviz.plots.group_lag import GroupLag
from streamviz.plots.texts import label
from streamviz.plots.traces import COLOURS, GREY, Trace, line, marks

Points = dict[str, list[Any]]
_BELOW = 0.24  # of a lane: where the bar of the time down stands


class ReaderLanes(Plot):
    """A lane for each reader or subscriber: what it received, what it missed, and when it was down.

    Each entry stands at the time when it was sent.
    """

    title = "Received, missed, down"
    needs = "readers"

    def structure_key(self, history: History) -> Any:
        """Return the readers' names."""
        return history.reader_names

    def traces(self, history: History) -> list[Trace]:
        """Return traces for the times down, for what was received, and for what was missed."""
        down = {"color": GREY, "width": 7}
        crosses = marks("missed", COLOURS[1], "x")
        crosses["marker"]["size"] = 6
        return [
            line("down", 0, mode="lines+text", line=down, textposition="bottom right"),
            marks("received", COLOURS[0], "circle"),
            crosses,
        ]

    def layout(self, history: History) -> dict[str, Any]:
        """Return the axes, with a lane for each reader, the first at the top."""
        names = history.reader_names
        return {
            "xaxis": {"title": {"text": "sent, in seconds"}},
            "yaxis": {
                "tickvals": [-lane for lane in range(len(names))],
                "ticktext": [label(name, 12) for name in names],
                "range": [-len(names) + 0.4, 0.6],
            },
            "showlegend": False,
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return nothing: all is redrawn."""
        return []

    def current_state(self, history: History) -> list[Trace]:
        """Return the points of all traces."""
        points: list[Points] = [{"x": [], "y": []} for _ in range(3)]
        down, received, missed = points
        words: list[str] = []
        for lane, name in enumerate(history.reader_names):
            lost = history.missed_by(name)
            missing = f"down, {len(lost)} missed" if lost else "down, none missed"
            for begin, end in _downtimes(history, name):
                _add(down, -lane - _BELOW, begin, end, None)
                words += [missing, "", ""]
            got = {one for sample in history.samples for one in _got(sample, name)}
            _add(received, -lane, *(seconds(one.ms, history) for one in sorted(got)))
            _add(missed, -lane, *(seconds(one.ms, history) for one in lost))
        down["text"] = words
        return points

    def summary(self, history: History) -> str:
        """Return how many entries each reader missed, and when it was down."""
        parts = []
        for name in history.reader_names:
            away = [f"{a:.0f} to {b:.0f} s" for a, b in _downtimes(history, name)]
            parts.append(
                f"{name} missed {len(history.missed_by(name))}, down from {', '.join(away)}"
            )
        return f"{'; '.join(parts)}."


class LagAndNil(GroupLag):
    """Group lag, with a shaded span where Redis itself reports `nil`."""

    def current_state(self, history: History) -> list[Trace]:
        """Return the shaded span, the lines' names, and the events."""
        unknown = [
            seconds(sample.time_ms, history)
            for sample in history.samples
            if any("doesn't know" in group.lag.reason for group in sample.groups)
        ]
        _, *rest = super().current_state(history)
        if not unknown:
            return [{"x": [], "y": [], "text": [], "textposition": []}, *rest]
        begin, end = unknown[0], unknown[-1]
        span = {
            "x": [begin, (begin + end) / 2, end, end, begin, begin, None],
            "y": [1, 1, 1, 0, 0, 1, None],
            "text": ["", "Redis reports nil", "", "", "", "", ""],
            "textposition": ["bottom center"] * 7,
        }
        return [span, *rest]


def _downtimes(history: History, name: str) -> Iterator[tuple[float, float]]:
    """Yield from when to when a reader was dead."""
    begin: float | None = None
    for sample in history.samples:
        for event in sample.events:
            if event.who == name and event.kind in DEATHS:
                begin = seconds(sample.time_ms, history)
            elif event.who == name and event.kind == "revived" and begin is not None:
                yield begin, seconds(sample.time_ms, history)
                begin = None
    if begin is not None:
        yield begin, seconds(history.samples[-1].time_ms, history)


def _got(sample: Sample, name: str) -> Any:
    reader = sample.reader(name)
    return reader.got if reader else ()


def _add(points: Points, lane: float, *xs: float | None) -> None:
    points["x"] += xs
    points["y"] += [None if x is None else lane for x in xs]
