"""Draw a plot; if it raises, draw the error in its place, so that the other plots go on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Any

from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.plots.contrast import BACKGROUNDS, Background
from streamviz.plots.figure import Delta, Figure, Plot, in_words, is_ours, lack_of
from streamviz.plots.svg import render
from streamviz.plots.traces import Trace

_PACKAGE = str(Path(__file__).parents[1])
TRACES = ("scatter", "bar", "pie")
"""The trace types that a page can draw: its plotly.js is the basic one, a quarter of the whole."""
_OF_POINTS = ("y", "text", "hovertext", "customdata")
_STYLES = ("marker", "textfont")  # lists in them may be longer than there are points yet
FAILED = object()
"""The structure key of a plot that raised: its next delta is the whole figure."""


def draw(plot: Plot, history: History, *, static: bool = False) -> tuple[Figure, Any]:
    """Return a plot's figure, or `Plot.failure` if it raises; and its structure key."""
    try:
        figure = plot.static_figure(history) if static else plot.figure(history)
        _check(plot, figure)
        if static and not is_ours(plot):
            _check_still(figure)
        return figure, plot.structure_key(history)
    except Exception as error:
        return plot.failure(_text(plot, error), history), FAILED


def draw_change(
    plot: Plot, history: History, since: int, key: Any, *, words: bool = True
) -> tuple[Delta, Any]:
    """Return a plot's delta since a sample, and its structure key; see `Plot.delta`.

    The words of a user's plot are always made: they show whether it can be drawn.
    """
    try:
        unsaid = {} if words or not is_ours(plot) else {"words": False}
        delta = plot.delta(history, since, key, **unsaid)
        _check(plot, delta)
        return delta, plot.structure_key(history) if "full" in delta else key
    except Exception as error:
        figure = plot.failure(_text(plot, error), history)
        return {"n": figure["n"], "full": figure}, FAILED


def summary_of(plot: Plot, history: History) -> str:
    """Return a plot's summary, or what it raised."""
    try:
        return plot.summary(history)
    except Exception as error:
        return _text(plot, error)


def check_plots(plots: object) -> tuple[Plot, ...]:
    """Return a sequence of plots; InputError if it is none, or one of them is not a plot."""
    chosen = tuple(plots) if isinstance(plots, Sequence) else ()
    wrong = [one for one in chosen if not isinstance(one, Plot)]
    if wrong or not chosen:
        kinds = (one if isinstance(one, type) else type(one) for one in wrong)
        begun = (lack_of(one) for one in kinds if Plot.__abstractmethods__ & {*dir(one)})
        advice = next(filter(None, begun), "give a list of plots, for example [GroupLag()]")
        raise InputError(f"plots={plots!r}: {advice}")
    return chosen


def check_groups(plots: Iterable[Plot], group_names: Sequence[str] | None) -> None:
    """Raise an InputError if a plot's group does not exist; None means that no group is known."""
    for plot in plots:
        group = getattr(plot, "group", None)
        if group_names is not None and isinstance(group, str) and group not in group_names:
            names = ", ".join(map(repr, group_names)) or "none"
            raise InputError(
                f"{plot.title}: there is no group {group!r}: the stream's groups are {names}"
            )


def _check(plot: Plot, drawn: Figure | Delta) -> None:
    """Check that a browser can be sent what a user's plot draws; ours are known to be right."""
    if is_ours(plot):
        return
    try:
        json.dumps(drawn, allow_nan=False)
    except (TypeError, ValueError) as error:
        unfit = _first_unfit(drawn.get("full", drawn))
        raise InputError(
            f"{unfit} can't be drawn: give numbers and texts, and None for a gap"
        ) from error
    for trace in drawn.get("full", drawn).get("data", ()):
        if (kind := trace.get("type", "scatter")) not in TRACES:
            raise InputError(f"a page can't draw the trace type {kind!r}: use {', '.join(TRACES)}")
    for part in ("points", "set"):
        _check_lengths({i: one for i, one in drawn.get(part, {}).items() if "x" in one})
    _check_lengths(dict(enumerate(drawn.get("full", drawn).get("data", ()))))


def _check_lengths(traces: dict[int, Trace]) -> None:
    """Check that a trace has as many values in each key as it has points."""
    for i, trace in traces.items():
        count = len(trace.get("x") or ())
        values = {key: trace.get(key) for key in _OF_POINTS}
        for part in _STYLES:
            values |= {f"{part}.{key}": one for key, one in trace.get(part, {}).items()}
        for key, value in values.items() if {"x", "y"} & {*trace} else ():
            length = len(value) if isinstance(value, list | tuple) else count
            if length != count and (key in _OF_POINTS or length < count):
                raise InputError(
                    f"trace {i} has {length} values in {key!r} and {count} in 'x': "
                    "give one for each point"
                )


def _check_still(figure: Figure) -> None:
    """Check that the figure of a user's plot can be drawn as a picture: here it has a place."""
    for background in BACKGROUNDS:
        if problem := still(figure, background=background)[1]:
            raise InputError(problem)


def still(
    figure: Figure,
    width: int = 720,
    height: int | None = None,
    background: Background | None = None,
) -> tuple[str, str]:
    """Return a figure as `render` does, or a picture of why it can't be drawn; and this reason."""
    try:
        return render(figure, width, height, background), ""
    except InputError as error:
        problem = str(error)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        problem = f"a still picture can't show it: {type(error).__name__}: {error}"
    words = in_words(figure["layout"]["title"]["text"], problem, figure["n"])
    return render(words, width, height, background), problem


def _first_unfit(value: Any, place: str = "") -> str:
    """Return the innermost value that JSON does not have, and where it is."""
    items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list | tuple) else items
    for name, item in items:
        try:
            json.dumps(item, allow_nan=False)
        except (TypeError, ValueError):
            return _first_unfit(item, f"{place}[{name!r}]")
    return f"the value {value!r} at {place}"


def _text(plot: Plot, error: Exception) -> str:
    """Return what a plot raised, and in which line of its own code."""
    frames = extract_tb(error.__traceback__)
    own = [one for one in frames if not one.filename.startswith(_PACKAGE)]
    where = f" (line {own[-1].lineno}, in {own[-1].name})" if own else ""
    kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
    return f"{type(plot).__name__} can't be drawn: {kind}{error}{where}"
