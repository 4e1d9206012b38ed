"""What every plot is: plotly JSON from a history, and what is new since the last look.

A figure is a plain dict that plotly takes as it is (``data``, ``layout``), with two keys of ours:
``n``, the number of the last sample in it; ``summary``, one or two sentences for those who can't
see it.

A delta has ``n`` and ``summary``, and either ``full``, a whole new figure, or

- ``x`` and ``y``: the new samples' times, and for each growing trace on them its new values;
- ``points``: for each other growing trace, by its index, new ``x``, ``y`` and perhaps ``text``;
- ``keep``: for each growing trace, how many of its newest points stay: those in the window;
- ``set``: for each trace that shows only the present, by its index, the keys to replace.

`apply` says exactly what that means; the browser's code does the same.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from streamviz.observation.history import History
from streamviz.observation.sample import Sample

Figure = dict[str, Any]
Delta = dict[str, Any]
Trace = dict[str, Any]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F")
"""Okabe and Ito's palette without the yellow, which vanishes on white, and with two more."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
GREY = "#888888"

_AXIS = re.compile(r"[xy]axis\d*")
_NO_TEXT = re.compile("[^ -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Plot:
    """One picture of a history; a subclass says what it shows.

    A *growing* trace gets points with every sample, a *present* one shows the last sample only.
    """

    name = ""
    title = ""

    def identity(self, history: History) -> Any:
        """Return what the traces hang on; when it changes, the figure is made anew."""
        raise NotImplementedError

    def traces(self, history: History) -> list[Trace]:
        """Return the traces without points, growing ones first."""
        raise NotImplementedError

    def layout(self, history: History) -> dict[str, Any]:
        """Return plotly's layout."""
        raise NotImplementedError

    def values(self, sample: Sample, history: History) -> list[Any]:
        """Return one value for each growing trace that has a point at every sample."""
        raise NotImplementedError

    def points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return new points for each growing trace that has them at times of its own."""
        return []

    def held(self, history: History) -> list[int]:
        """Return how many points the window has for each trace of `points`, without making them."""
        return [len(more["x"]) for more in self.points(history.samples, history)]

    def present(self, history: History) -> list[Trace]:
        """Return the keys to replace in each present trace."""
        return []

    def summary(self, history: History) -> str:
        """Return what the picture shows, in words."""
        raise NotImplementedError

    def history_summary(self, history: History) -> str:
        """Return what came before what `summary` says, in words; this looks at every sample."""
        return ""

    def still(self, history: History) -> Figure:
        """Return the whole picture for where it does not move: its words tell the story, too."""
        figure, story = self.figure(history), clean(self.history_summary(history))
        if not story:
            return figure
        return figure | {"summary": f"{figure['summary'].removesuffix('.')}. {story}"}

    def figure(self, history: History) -> Figure:
        """Return the whole picture of a history."""
        data = self.traces(history)
        samples = history.samples
        times = [seconds(sample.time_ms, history) for sample in samples]
        columns = list(zip(*(self.values(s, history) for s in samples), strict=True))
        for trace, column in zip(data, columns, strict=False):
            trace |= {"x": list(times), "y": list(column)}
        first = len(columns)
        rest = [*self.points(samples, history), *self.present(history)]
        for trace, more in zip(data[first:], rest, strict=False):
            trace |= more
        return {
            "data": data,
            "layout": _base(self.title, self.layout(history)),
            "n": samples[-1].n if samples else 0,
            "summary": clean(self.summary(history)),
        }

    def delta(self, history: History, since: int, identity: Any) -> Delta:
        """Return what is new.

        Parameters
        ----------
        history : History
            What was seen.
        since : int
            The number of the last sample that was drawn.
        identity : object
            What `identity` returned when the whole figure was last made.
        """
        fresh = history.since(since)
        last = history.last
        n = last.n if last else 0
        lost = bool(fresh) and fresh[0].n != since + 1
        if lost or since == 0 or self.identity(history) != identity:
            return {"n": n, "full": self.figure(history)}
        rows = [self.values(sample, history) for sample in fresh]
        if last is None or not rows:
            return {"n": n, "x": [], "y": [], "points": {}, "keep": [], "set": {}} | {
                "summary": clean(self.summary(history))
            }
        grown = self.points(fresh, history)
        width = len(rows[0])
        delta: Delta = {
            "n": n,
            "x": [seconds(sample.time_ms, history) for sample in fresh],
            "y": [list(column) for column in zip(*rows, strict=True)],
            "points": {width + i: more for i, more in enumerate(grown) if more["x"]},
            "keep": [len(history)] * width + self.held(history),
            "set": dict(enumerate(self.present(history), start=width + len(grown))),
            "summary": clean(self.summary(history)),
        }
        return delta


def apply(figure: Figure, delta: Delta) -> Figure:
    """Return the figure with a delta taken in: the contract that the browser keeps, too."""
    if "full" in delta:
        return dict(delta["full"])
    data = [dict(trace) for trace in figure["data"]]
    for i, keep in enumerate(delta["keep"]):
        grows = i < len(delta["y"])
        more = {"x": delta["x"], "y": delta["y"][i]} if grows else delta["points"].get(i, {})
        for key in ("x", "y", "text"):
            if key in data[i] or key in more:
                longer = [*data[i].get(key, []), *more.get(key, [])]
                data[i][key] = longer[len(longer) - keep :]
    for i, present in delta["set"].items():
        data[i] |= present
    return figure | {"data": data, "n": delta["n"], "summary": delta["summary"]}


def seconds(ms: float, history: History) -> float:
    """Return a time as seconds since the history began, to the millisecond."""
    return round((ms - history.start_ms) / 1000, 3)


def clean(words: str) -> str:
    """Return a text that JSON, XML and a screen can take: what is no character becomes "�"."""
    return _NO_TEXT.sub("�", words.replace("\n", " "))


def escaped(words: str) -> str:
    """Return a text that plotly shows as it is: no tags, no templates, no formulas."""
    plain_text = html.escape(clean(words), quote=False)
    return plain_text.replace("%{", "&#37;{").replace("$", "&#36;")


@lru_cache(maxsize=1024)
def label(name: str, most: int = 30) -> str:
    """Return a name as plotly shows it, cut where it is long."""
    return escaped(name if len(name) <= most else name[: most - 1] + "…")


def plain(number: float | None) -> str:
    """Return a number for a sentence, with every digit that it has."""
    return "an unknown number" if number is None else f"{number:,}"


def entries_of(number: int) -> str:
    """Return so many entries, for a sentence."""
    return f"{plain(number)} entr{'y' if number == 1 else 'ies'}"


def line(name: str, place: int, **more: Any) -> Trace:
    """Return a growing line in the colour and the dash of its place."""
    style = {"color": colour(place), "dash": DASHES[place % len(DASHES)], "width": 2.5}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "line": style,
        "x": [],
        "y": [],
    } | more


def marks(name: str, colour_: str, symbol: str, **more: Any) -> Trace:
    """Return markers."""
    marker = {"color": colour_, "symbol": symbol, "size": 7}
    base: Trace = {"type": "scatter", "mode": "markers", "name": name, "marker": marker}
    return base | {"x": [], "y": []} | more


def event_marks() -> Trace:
    """Return the marks of what happened, in a strip of their own above the rest (axis y2)."""
    return marks("events", GREY, "triangle-down", yaxis="y2") | {
        "showlegend": False,
        "text": [],
        "hoverinfo": "text",
    }


def events(samples: Sequence[Sample], history: History) -> Trace:
    """Return a mark for each thing that happened, high up in its strip."""
    found = [(sample, event) for sample in samples for event in sample.events]
    return {
        "x": [seconds(sample.time_ms, history) for sample, _ in found],
        "y": [0.97] * len(found),
        "text": [escaped(str(event)) for _, event in found],
    }


def colour(place: int) -> str:
    """Return the colour of a place."""
    return COLOURS[place % len(COLOURS)]


def at_most(names: Sequence[str], rows: Iterable[Sequence[float | None]], unit: str) -> str:
    """Return the largest that each one ever had, in a sentence; nothing if it was always 0."""
    columns = [[v for v in column if v is not None] for column in zip(*rows, strict=True)]
    most = {name: max(column) for name, column in zip(names, columns, strict=False) if column}
    if not any(most.values()):
        return ""
    each = (f"{name} {round(value, 1):,}" for name, value in most.items())
    return f"At most: {', '.join(each)} {unit}."


def waiting(history: History) -> str:
    """Return what to say while there is nothing to show; empty if there is."""
    if history.last is None:
        return "waiting for the first look"
    return history.last.trouble


def _base(title: str, layout: dict[str, Any]) -> dict[str, Any]:
    axes = {name: axis for name, axis in layout.items() if _AXIS.fullmatch(name)}
    across = {"rangemode": "nonnegative"}  # plotly would begin below the first second
    return {
        "title": {"text": title, "x": 0, "xref": "paper"},
        "margin": {"l": 60, "r": 16, "t": 44, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        "hovermode": "closest",
        **layout,
        **{
            name: {"zeroline": False, "automargin": True}
            | (across if name[0] == "x" else {})
            | axis
            for name, axis in axes.items()
        },
    }
