"""Events and uncertain spans of time, with their words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from streamviz.observation.events import DEATHS, Event, counted
from streamviz.observation.history import History
from streamviz.plots.texts import escaped, label
from streamviz.plots.traces import GREY, Trace, line, seconds
from streamviz.plots.worst_groups import shown_groups

EVENT_AXIS: dict[str, Any] = {
    "overlaying": "y",
    "range": [0, 1],
    "visible": False,
    "fixedrange": True,
}
"""The axis of `event_lines` over a plot, from 0 at the bottom to 1."""

MAX_EVENTS = 200  # the newest ones
MAX_WORDS = 36  # letters
_ROWS = (0.93, 0.79)  # where words stand
HATCHED: dict[str, Any] = {
    "line": {"color": GREY, "width": 1},
    "fill": "toself",
    "fillcolor": "rgba(136,136,136,0.18)",
    "fillpattern": {"shape": "/", "fgcolor": GREY, "fgopacity": 0.4, "size": 9},
}
"""The look of what is no more: a dead consumer, trimmed entries."""
_UNDER = 0.09  # a hairline without words ends this much below the words
_MOST_LINES = 60  # events closer to each other than a part of this width share a hairline
_LETTER = 1 / 90  # of a plot's width, about
_Moment = tuple[float, tuple[Event, ...]]  # the time of a hairline, and its events
_Place = tuple[int, float, float]  # the row of words, from the top, and where they begin and end
Span = tuple[float, float, str, str]  # from when to when, the last verdict and its reason


def headroom(history: History) -> float:
    """Return by how much a plot must be higher than its data, so that no words cover a line.

    Parameters
    ----------
    history : History
        If it has events, the plot needs room for their words.

    Returns
    -------
    float
        The factor between the largest value and the top of the axis.
    """
    return 1.43 if history.event_count else 1.06


def event_lines(yaxis: str = "y2") -> Trace:
    """Return the trace of events, without points: a hairline for each, with its words at the top.

    Parameters
    ----------
    yaxis : str
        The axis whose layout is `EVENT_AXIS`.
    """
    style = {"color": GREY, "width": 1, "dash": "dot"}
    more = {"cliponaxis": False, "hoverinfo": "text", "showlegend": False, "text": []}
    return line("events", 0, mode="lines+text", line=style, yaxis=yaxis, **more)


def no_words() -> Trace:
    """Return the points of a trace with words, still empty."""
    return {"x": [], "y": [], "text": [], "hovertext": [], "textposition": []}


def event_points(
    history: History,
    *,
    rows: tuple[float, ...] = _ROWS,
    without: Callable[[Event], bool] = lambda _: False,
) -> Trace:
    """Return the points of `event_lines`: the hairlines of the newest events.

    Events at about the same time share a hairline, whose words count them. Words cross no hairline.
    If there is no room for them, they are only shown at the pointer.

    Parameters
    ----------
    history : History
        The samples with the events.
    rows : tuple of float
        The heights at which words may stand, from 0 at the bottom of the plot to 1.
    without : callable
        Returns whether to leave an event out, for example if the plot shows it in another way.
    """
    trace = no_words()
    if not history.event_count:
        return trace
    samples = history.samples
    start, end = (seconds(one.time_ms, history) for one in (samples[0], samples[-1]))
    moments = _moments(history, (end - start) / _MOST_LINES, without)
    places = _places(moments, (start, end), len(rows))
    if len(places) < len(moments):
        with_death = {at for at, some in moments if any(one.kind in DEATHS for one in some)}
        moments.sort(key=lambda one: one[0] not in with_death)  # these have room first
        places = _places(moments, (start, end), len(rows))
    for at, some in sorted(moments, key=lambda one: one[0]):
        row, left, _ = places.get(at, (-1, at, at))
        hover = "<br>".join(escaped(str(event)) for event in some[:10])
        trace["x"] += [at, at, None]
        trace["y"] += [0, round(rows[-1] - _UNDER, 2) if row < 0 else rows[row], None]
        trace["text"] += ["", "" if row < 0 else label(_words(some), MAX_WORDS), ""]
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
    trace, samples = no_words(), history.samples
    width = (samples[-1].time_ms - samples[0].time_ms) / 1000 if samples else 0.0
    width = width or 1.0
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
            words = words if middle - half >= free_from else ""
            free_from = middle + half if words else free_from
            trace["x"] += [start, middle, end, end, start, start, None]
            trace["y"] += [height, height, height, 0, 0, height, None]
            trace["text"] += ["", words, "", "", "", "", ""]
            trace["hovertext"] += [why] * 6 + [""]
            trace["textposition"] += ["bottom center"] * 7
    return trace


def _joined(spans: Iterable[Span], gap_s: float) -> list[Span]:
    """Join spans that are close to each other, because hundreds are not readable."""
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


def _moments(history: History, apart_s: float, without: Callable[[Event], bool]) -> list[_Moment]:
    """Return the newest events, the newest first; those that share a hairline are together."""
    moments: list[_Moment] = []
    left, latest = MAX_EVENTS, 0.0
    for sample in reversed(history.samples):
        some = tuple(one for one in sample.events if not without(one))[-left:]
        if not some:
            continue
        at = seconds(sample.time_ms, history)
        left -= len(some)
        if moments and latest - at < apart_s:
            moments[-1] = (at, (*some, *moments[-1][1]))
        else:
            moments.append((at, some))
            latest = at
        if left <= 0:
            break
    return moments


@lru_cache(maxsize=1024)
def _words(some: tuple[Event, ...]) -> str:
    """Return the words of a hairline: those of each of its events, or their numbers."""
    apart = ", ".join(_apart(some))
    if len(some) == 1 or len(apart) <= MAX_WORDS:
        return apart
    together = counted(some, _short)
    return together if len(together) <= MAX_WORDS else f"{len(some)} events"


def _apart(some: tuple[Event, ...]) -> Iterator[str]:
    """Yield the words of each event; a consumer's name comes once for several events in a row."""
    who = ""
    for event in some:
        words = _short(event)
        yield words.removeprefix(f"{who} ") if event.who == who else words
        who = event.who


def _short(event: Event) -> str:
    return event.short(MAX_WORDS)


def _places(
    moments: Sequence[_Moment], span: tuple[float, float], rows: int
) -> dict[float, _Place]:
    """Return where the words of each hairline stand: at its right, or at its left.

    The later a hairline is, the lower its words at the right are, so that they cross no other one.
    """
    chosen: dict[float, _Place] = {}
    for at, some in moments:
        long = (min(len(_words(some)), MAX_WORDS) + 4) * _LETTER * (span[1] - span[0] or 1.0)
        places = [(row, at, at + long) for row in reversed(range(rows))]
        places += [(row, at - long, at) for row in range(rows)]
        free = [one for one in places if _is_free(at, one, chosen, span)]
        if free or not chosen:
            chosen[at] = (free or places)[0]
    return chosen


def _is_free(
    at: float, place: _Place, others: dict[float, _Place], span: tuple[float, float]
) -> bool:
    """Tell whether words are inside, and neither cover nor cross others or their hairlines."""
    row, left, right = place
    return span[0] <= left <= right <= span[1] + 1e-9 and not any(
        (row == up and low < right and left < high)
        or (row < up and low < at < high)
        or (up < row and left < x < right)
        for x, (up, low, high) in others.items()
    )
