"""Events and uncertain spans of time, with their words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from streamviz.observation.events import DEATHS
from streamviz.observation.history import History
from streamviz.plots.figure import seconds
from streamviz.plots.texts import escaped, label
from streamviz.plots.traces import GREY, Trace
from streamviz.plots.worst_groups import shown_groups

EVENT_AXIS: dict[str, Any] = {
    "overlaying": "y",
    "range": [0, 1],
    "visible": False,
    "fixedrange": True,
}
"""The axis of `event_lines` over a plot, from 0 at the bottom to 1."""

MAX_EVENTS = 200  # the newest ones
MAX_WORDS = 34  # letters
_ROWS = (0.93, 0.79)  # where words stand
HEADROOM = 1.43
"""A plot's height in heights of its data, so that no words of an event cover a line."""
_LETTER = 1 / 90  # of a plot's width, about
Span = tuple[float, float, str, str]  # from when to when, the last verdict and its reason


def event_lines(yaxis: str = "y2") -> Trace:
    """Return the trace of events: a hairline for each, with its words at the top."""
    return {
        "type": "scatter",
        "mode": "lines+text",
        "name": "events",
        "line": {"color": GREY, "width": 1, "dash": "dot"},
        "yaxis": yaxis,
        "cliponaxis": False,
        "hoverinfo": "text",
        "showlegend": False,
        "x": [],
        "y": [],
        "text": [],
    }


def events(history: History, *, rows: tuple[float, ...] = _ROWS) -> Trace:
    """Return the hairlines of the newest events.

    The words stand in `rows`, from 0 at the bottom of the plot to 1.
    Events too close to each other for their words share a hairline; its words count them, and
    tell all of them at the pointer.
    """
    trace: Trace = {"x": [], "y": [], "text": [], "hovertext": [], "textposition": []}
    if not history.event_count:
        return trace
    samples = history.samples
    width = _seconds_shown(history) or 1.0
    start, end = (seconds(one.time_ms, history) for one in (samples[0], samples[-1]))
    shown: list[tuple[float, float, int, float, list[str]]] = []  # left, right, row, x, words
    newest = list(islice(_newest(history), MAX_EVENTS))
    for at, text, _ in sorted(newest, key=lambda event: not event[2]):  # deaths have room first
        long = (min(len(_short(text)), MAX_WORDS) + 6) * _LETTER * width
        place = _free_place([one[:3] for one in shown], at, long, (start, end), rows)
        if place is None:
            min(shown, key=lambda one: abs(one[3] - at))[4].append(text)
        else:
            shown.append((place[0], place[0] + long, place[1], at, [text]))
    for left, _, row, at, texts in shown:
        more = f" (+{len(texts) - 1})" if len(texts) > 1 else ""
        hover = "<br>".join(map(escaped, texts[:10]))
        trace["x"] += [at, at, None]
        trace["y"] += [0, rows[row], None]
        trace["text"] += ["", label(_short(texts[0]), MAX_WORDS) + more, ""]
        trace["hovertext"] += [hover, hover, ""]
        trace["textposition"] += ["middle left" if left < at else "middle right"] * 3
    return trace


def uncertain_spans(yaxis: str = "y2") -> Trace:
    """Return the trace of the shaded spans in which a number is not known for certain."""
    return event_lines(yaxis) | {
        "name": "uncertain",
        "line": {"color": GREY, "width": 0},
        "fill": "toself",  # filled down to zero, plotly would join the spans
        "fillcolor": "rgba(136,136,136,0.18)",
    }


def uncertain_lags(history: History) -> Trace:
    """Return a shaded span for each time in which a group's lag is not exact, with the reason."""
    trace: Trace = {"x": [], "y": [], "text": [], "hovertext": [], "textposition": []}
    width = _seconds_shown(history) or 1.0
    for i, name in enumerate(shown_groups(history)):
        if not history.inexact_count(name):
            continue
        free_from = -width  # where the next words have room
        for start, end, verdict, reason in _joined(_spans(history, name), width / 50):
            what = {"unknown": "unknown", "plausible": "not counted"}.get(verdict, "uncertain")
            words = f"{label(name, 14)}: lag {what}"
            why = f"{label(name)}: {verdict}: {escaped(reason)}"
            height = round(0.12 + 0.12 * (i % 3), 2)  # one group's words do not cover another's
            middle, half = (start + end) / 2, (len(name[:14]) + 15) * _LETTER * width / 2
            if middle - half < free_from:
                words = ""
            else:
                free_from = middle + half
            trace["x"] += [start, middle, end, end, start, start, None]
            trace["y"] += [height, height, height, 0, 0, height, None]
            trace["text"] += ["", words, "", "", "", "", ""]
            trace["hovertext"] += [why] * 6 + [""]
            trace["textposition"] += ["bottom center"] * 7
    return trace


def _joined(spans: Iterable[Span], gap_s: float) -> list[Span]:
    """Return spans, of which those too close to each other are one: hundreds are not readable."""
    joined: list[Span] = []
    for span in spans:
        if joined and span[2] == joined[-1][2] and span[0] - joined[-1][1] <= gap_s:
            span = (joined.pop()[0], *span[1:])
        joined.append(span)
    return joined


def _spans(history: History, name: str) -> list[Span]:
    """Return from when to when a group's lag was not exact, and the last verdict and reason."""
    spans: list[Span] = []
    last = "exact"
    for sample in history.samples:
        at, group = seconds(sample.time_ms, history), sample.find_group(name)
        if last != "exact":  # up to here
            spans[-1] = (spans[-1][0], at, *spans[-1][2:])
        verdict = group.lag.verdict if group else "exact"
        if group and verdict != "exact":
            start = spans.pop()[0] if verdict == last else at
            spans.append((start, at, verdict, group.lag.reason))
        last = verdict
    return spans


def _newest(history: History) -> Iterator[tuple[float, str, bool]]:
    """Yield of each event its time, its words and whether it is a death, the newest first."""
    for sample in reversed(history.samples):
        for event in reversed(sample.events):
            yield seconds(sample.time_ms, history), str(event), event.kind in DEATHS


def _short(words: str) -> str:
    """Return the words of an event without what the pointer tells."""
    return re.sub(r"(?: was)?( killed| crashed)(?: holding \d+)?$", r"\1", words)


def _seconds_shown(history: History) -> float:
    samples = history.samples
    return (samples[-1].time_ms - samples[0].time_ms) / 1000 if samples else 0.0


def _free_place(
    taken: list[tuple[float, float, int]],
    at: float,
    long: float,
    span: tuple[float, float],
    rows: tuple[float, ...],
) -> tuple[float, int] | None:
    """Return the left edge and the row in which an event's words have room; None if there is none.

    They stand at the right of its hairline, or else at its left.
    """
    for row in range(len(rows)):
        for left in (at, at - long):
            is_free = not any(
                r == row and low < left + long and left < high for low, high, r in taken
            )
            if is_free and left >= span[0] and left + long <= span[1] + 1e-9:
                return left, row
    return (at, 0) if not taken else None
