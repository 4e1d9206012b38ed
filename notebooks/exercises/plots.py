"""Plots that two notebooks need beside those of the package."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from streamviz.client import EntryId
from streamviz.observation import DEATHS, History, Sample
from streamviz.plots import Cursors, GroupLag, Plot
from streamviz.plots.parts import COLOURS, GREY, RED, Trace, label, line, marks, seconds

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
        crosses = marks("missed", RED, "x")
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


class CursorsAndMissed(Cursors):
    """Cursors, with crosses where a reader skipped entries, and how many it skipped there."""

    _MOST = 7  # crosses

    def traces(self, history: History) -> list[Trace]:
        """Return the traces of the cursors, and one for the crosses."""
        crosses = marks("missed", RED, "x", 9, mode="markers+text", textposition="middle right")
        return [*super().traces(history), crosses]

    def current_state(self, history: History) -> list[Trace]:
        """Return the lines' names, the events, and the crosses."""
        crosses: Points = {"x": [], "y": [], "text": []}
        for name in history.reader_names:
            if missed := sorted(history.missed_by(name)):
                at = _jumped(history, name, missed[-1])
                for entry in missed[:: -(-len(missed) // self._MOST)]:
                    crosses["x"].append(at)
                    crosses["y"].append(seconds(entry.ms, history))
                crosses["text"] = [""] * len(crosses["x"])
                crosses["text"][len(crosses["x"]) // 2] = f"\u2002{len(missed)} missed"
        return [*super().current_state(history), crosses]


class LagAndNil(GroupLag):
    """Group lag, with a shaded span where Redis itself reports `nil`.

    A hairline is where a group's cursor moved back.
    """

    def current_state(self, history: History) -> list[Trace]:
        """Return the shaded span, the lines' names, and the events."""
        unknown = [
            seconds(sample.time_ms, history)
            for sample in history.samples
            if any("doesn't know" in group.lag.reason for group in sample.groups)
        ]
        _, names, events = super().current_state(history)
        for at, name in _moved_back(history):
            words = f"cursor of {name} moved back"
            events["x"] += [at, at, None]
            events["y"] += [0, 0.93, None]
            events["text"] += ["", words, ""]
            events["hovertext"] += [words, words, ""]
            events["textposition"] += ["middle left"] * 3
        if not unknown:
            return [{"x": [], "y": [], "text": [], "textposition": []}, names, events]
        begin, end = unknown[0], unknown[-1]
        span = {
            "x": [begin, (begin + end) / 2, end, end, begin, begin, None],
            "y": [1, 1, 1, 0, 0, 1, None],
            "text": ["", "Redis reports nil", "", "", "", "", ""],
            "textposition": ["bottom center"] * 7,
        }
        return [span, names, events]


def _moved_back(history: History) -> Iterator[tuple[float, str]]:
    """Yield when a group's cursor moved back, and the group's name."""
    for before, after in pairwise(history.samples):
        for group in after.groups:
            last = before.find_group(group.name)
            if last and group.last_delivered_id < last.last_delivered_id:
                yield seconds(after.time_ms, history), label(group.name, 14)


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


def _jumped(history: History, name: str, missed: EntryId) -> float:
    """Return when a reader had first received something later than what it missed."""
    return next(
        seconds(sample.time_ms, history)
        for sample in history.samples
        if (reader := sample.reader(name)) and reader.position > missed
    )


def _got(sample: Sample, name: str) -> Any:
    reader = sample.reader(name)
    return reader.got if reader else ()


def _add(points: Points, lane: float, *xs: float | None) -> None:
    points["x"] += xs
    points["y"] += [None if x is None else lane for x in xs]
