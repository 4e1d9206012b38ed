"""The base of every plot: a history becomes a plotly figure, and each sample a small delta.

A figure is a plain dict that plotly accepts as it is (``data``, ``layout``), with two keys of ours:
``n``, the number of its last sample; ``summary``, one or two sentences for screen readers. The
browser's code reads three parts that plotly leaves alone:

- ``layout["meta"]["shades"]``: for a ``light`` and a ``dark`` background, what replaces each colour
  (see `streamviz.plots.contrast.shades`);
- ``customdata`` of a trace, parallel to ``x`` and ``y``: the ID of the entry at each point, None
  in a gap. It may be a list of the ID and of what the plot says about the entry as plain text, if
  ``text`` is not plain. A trace whose points are not entries has no ``customdata``;
- ``meta`` of a trace: ``rest`` is the index of a text that stands for several, and their number.

A delta has ``n``, ``summary`` if it is asked for, and either ``full``, a whole new figure, or

- ``x`` and ``y``: the times of the new samples, and for each growing trace at these times its new
  values;
- ``points``: for each other growing trace, by its index, new ``x`` and ``y``, and perhaps ``text``
  and ``customdata``;
- ``keep``: for each growing trace, how many of its newest points remain: those in the window;
- ``set``: for each state trace, by its index, the keys to replace.

`apply` defines what this means; the browser's code does the same.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError, check_type
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.contrast import shades
from streamviz.plots.texts import clean, spoken, words_alone
from streamviz.plots.traces import Trace, seconds

Figure = dict[str, Any]
"""What `Plot.figure` returns: a plotly figure with two keys more."""
Delta = dict[str, Any]

_AXIS = re.compile(r"[xy]axis\d*")


class _Whole:
    """Makes objects only of classes that have all methods of a plot."""

    def __new__(cls, *args: object, **options: object) -> Self:
        if lack := lack_of(cls):
            raise InputError(lack)
        return super().__new__(cls)


class Plot(_Whole, ABC):
    """One plot of a history; a subclass defines what it shows.

    A *growing* trace gets new points with each sample. A *state* trace shows the last sample only.
    If a plot raises, a widget shows the exception in its place, and the other plots go on. So does
    an exported file, with a PlotWarning.

    Attributes
    ----------
    title : str
        The text above it; by default, the name of the class.
    needs : str
        What a recording must have for the plot to show something: ``"consumer groups"``,
        ``"readers"``, ``"partitions"``, or nothing.
    """

    title = ""
    needs = ""

    def __init__(self) -> None:
        """Take no arguments; a subclass may."""

    def __init_subclass__(cls) -> None:
        cls.title = cls.title or cls.__name__

    @abstractmethod
    def structure_key(self, history: History) -> Any:
        """Return what the traces depend on; when it changes, the whole figure is built again."""

    @abstractmethod
    def traces(self, history: History) -> list[Trace]:
        """Return the traces without points, growing ones first."""

    @abstractmethod
    def layout(self, history: History) -> dict[str, Any]:
        """Return plotly's layout."""

    @abstractmethod
    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return one value for each growing trace that has a point at every sample."""

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return the new points of each growing trace whose points have their own times."""
        return []

    def window_sizes(self, history: History) -> list[int]:
        """Return how many points the window has for each trace of `new_points`."""
        return [len(points["x"]) for points in self.new_points(history.samples, history)]

    def current_state(self, history: History) -> list[Trace]:
        """Return the keys to replace in each state trace."""
        return []

    @abstractmethod
    def summary(self, history: History) -> str:
        """Return what the plot shows, in words."""

    def history_summary(self, history: History) -> str:
        """Return in words what happened before, which `summary` leaves out; reads every sample."""
        return ""

    def static_figure(self, history: History) -> Figure:
        """Return the whole figure for a static picture, whose summary includes the history."""
        figure, before = self.figure(history), spoken(self.history_summary(history))
        if not before:
            return figure
        return figure | {"summary": f"{figure['summary'].removesuffix('.')}. {before}"}

    def figure(self, history: History) -> Figure:
        """Return the whole figure of a history; InputError if the values do not fit the traces."""
        check_type("history", history, History, "the History of a run, for example shop.history")
        data = self.traces(history)
        samples = history.samples
        times = [seconds(sample.time_ms, history) for sample in samples]
        rows = [self.sampled_values(sample, history) for sample in samples]
        rest = [*self.new_points(samples, history), *self.current_state(history)]
        self._check_fit(data, rows, len(rest))
        columns = list(zip(*rows, strict=True))
        for trace, column in zip(data, columns, strict=False):
            trace |= {"x": list(times), "y": list(column)}
        for trace, points in zip(data[len(columns) :], rest, strict=False):
            trace |= points
        return {
            "data": data,
            "layout": _with_defaults(self.title, self.layout(history), data),
            "n": samples[-1].n if samples else 0,
            "summary": self._summary_text(history),
        }

    def failure(self, text: str, history: History) -> Figure:
        """Return the figure that says why this plot can't be drawn."""
        return in_words(clean(str(self.title)), text, history.newest.n if history.newest else 0)

    def delta(self, history: History, since: int, structure_key: Any, words: bool = True) -> Delta:
        """Return what is new since the sample with a number, the last one that was drawn.

        `structure_key` is what the method of this name returned when the whole figure was last
        built. Without `words` there is no summary. InputError if the values do not fit the traces.
        """
        samples = history.since(since)
        last = history.newest
        n = last.n if last else 0
        has_gap = bool(samples) and samples[0].n != since + 1
        if has_gap or since == 0 or self.structure_key(history) != structure_key:
            return {"n": n, "full": self.figure(history)}
        summary = {"summary": self._summary_text(history)} if words else {}
        if not samples:
            return {"n": n, "x": [], "y": [], "points": {}, "keep": [], "set": {}, **summary}
        rows = [self.sampled_values(sample, history) for sample in samples]
        points = self.new_points(samples, history)
        state = self.current_state(history)
        if not is_ours(self):
            self._check_fit(self.traces(history), rows, len(points) + len(state))
        width = len(rows[0])
        return {
            "n": n,
            "x": [seconds(sample.time_ms, history) for sample in samples],
            "y": [list(column) for column in zip(*rows, strict=True)],
            "points": {i: new for i, new in enumerate(points, start=width) if new["x"]},
            "keep": [len(history)] * width + self.window_sizes(history),
            "set": dict(enumerate(state, start=width + len(points))),
            **summary,
        }

    def _check_fit(self, traces: list[Trace], rows: Sequence[Sequence[Any]], rest: int) -> None:
        """Check that each trace gets its values."""
        widths = {len(row) for row in rows} or {len(traces) - rest}
        if widths != {len(traces) - rest}:
            counts = " or ".join(map(str, sorted(widths)))
            raise InputError(
                f"{type(self).__name__}: traces() returns {len(traces)}, but sampled_values() "
                f"returns {counts} values, and new_points() and current_state() {rest}: return "
                "one for each trace, in the order of the traces"
            )

    def _summary_text(self, history: History) -> str:
        summary = self.summary(history)
        if not isinstance(summary, str):
            raise InputError(f"{type(self).__name__}.summary() returns {summary!r}: return a text")
        return spoken(summary)


def in_words(title: str, text: str, n: int) -> Figure:
    """Return a figure with words alone."""
    layout = _with_defaults(title, words_alone(text), [])
    return {"data": [], "layout": layout, "n": n, "summary": clean(text)}


def is_ours(plot: Plot) -> bool:
    """Return whether a plot is one of this package, which is known to be right."""
    return type(plot).__module__.startswith("streamviz.")


def lack_of(kind: type) -> str:
    """Return which methods of a plot a class lacks, and the next step; nothing if it has all."""
    methods = {name: getattr(kind, name, None) for name in sorted(Plot.__abstractmethods__)}
    missing = [
        f"{name}()"
        for name, method in methods.items()
        if method is None or hasattr(method, "__isabstractmethod__")
    ]
    step = "write what help(Plot) says of them"
    return f"{kind.__name__} lacks {', '.join(missing)}: {step}" if missing else ""


def apply(figure: Figure, delta: Delta) -> Figure:
    """Return the figure with a delta added; the browser's code must do the same."""
    if "full" in delta:
        return dict(delta["full"])
    data = [dict(trace) for trace in figure["data"]]
    for i, keep in enumerate(delta["keep"]):
        sampled = i < len(delta["y"])
        new = {"x": delta["x"], "y": delta["y"][i]} if sampled else delta["points"].get(i, {})
        for key in ("x", "y", "text", "customdata"):
            if key in data[i] or key in new:
                points = [*data[i].get(key, []), *new.get(key, [])]
                data[i][key] = points[len(points) - keep :]
    for i, state in delta["set"].items():
        data[i] |= state
    summary = delta.get("summary", figure["summary"])
    return figure | {"data": data, "n": delta["n"], "summary": summary}


NO_TIMES = "by entry ID: the IDs are no times in milliseconds"


def id_scale(history: History) -> Callable[[EntryId], float]:
    """Return where an entry stands on an axis: its time or, if IDs are not times, their number.

    Then a plot's axis says so with `NO_TIMES`, and `History.ids_are_times` is in its structure key.
    """
    if history.ids_are_times:
        return lambda one: seconds(one.ms, history)
    return lambda one: one.ms


def cursor_place(cursor: EntryId, sample: Sample, history: History) -> EntryId | None:
    """Return the ID at which a cursor stands; None if it has no place beside the entries.

    A cursor at 0-0, where no entry can be, stands at the first entry. One that is no time although
    the entries' IDs are times, such as 1-0, stands at the first or the last entry.
    """
    nearest = min(max(cursor, sample.first_id), sample.last_id)
    for one in (cursor, nearest):
        if one != EntryId.ZERO and (one.is_time(sample.time_ms) or not history.ids_are_times):
            return one
    return None


def _with_defaults(title: str, layout: dict[str, Any], data: list[Trace]) -> dict[str, Any]:
    layout = _with_title(layout)
    axes = {name: _with_title(axis) for name, axis in layout.items() if _AXIS.fullmatch(name)}
    x_axis = {"rangemode": "nonnegative"}  # plotly would begin below the first second
    return {
        "title": {"text": title, "x": 0, "xref": "paper"},
        "margin": {"l": 60, "r": 16, "t": 44, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        "hovermode": "closest",
        **layout,
        "meta": {"shades": shades(data), **layout.get("meta", {})},
        **{
            name: {"zeroline": False, "automargin": True}
            | (x_axis if name[0] == "x" else {})
            | axis
            for name, axis in axes.items()
        },
    }


def _with_title(part: dict[str, Any]) -> dict[str, Any]:
    """Return a layout or an axis with its title as plotly has it; a user's title may be a text."""
    title = part.get("title")
    return part | {"title": {"text": title}} if isinstance(title, str) else part
