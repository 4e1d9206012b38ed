"""A plot of one's own: what it must have, and what is drawn in its place if it raises."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from plots.histories import HOSTILE, PLOTS, each_plot, group, history, sample

from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots import Plot
from streamviz.plots.drawing import TRACES, draw, draw_change, summary_of
from streamviz.plots.figure import apply
from streamviz.plots.svg import render
from streamviz.plots.traces import Trace, line
from streamviz.widgets import Dashboard
from streamviz.widgets.plotly_figure import plotly_figure


class Throughput(Plot):
    """The smallest plot: one line, with the values that a test gives."""

    def __init__(self, *rows: Any) -> None:
        self.rows = rows

    def structure_key(self, history: History) -> Any:
        return None

    def traces(self, history: History) -> list[Trace]:
        return [line("added", 0)]

    def layout(self, history: History) -> dict[str, Any]:
        return {"xaxis": {}, "yaxis": {}}

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        row: list[Any] = self.rows[min(sample.n, len(self.rows)) - 1]
        return row

    def summary(self, history: History) -> str:
        return "one line."


def three() -> History:
    return history(*(sample(n, group("g"), length=n) for n in (1, 2, 3)))


def shown(plot: Plot, seen: History) -> str:
    """Return what stands in the place of a plot, after checking each way to draw it."""
    figure, key = draw(plot, seen)
    assert figure["n"] == 3
    assert apply(figure, draw_change(plot, seen, 2, key)[0])["summary"] == figure["summary"]
    json.dumps(figure, allow_nan=False)
    texts = "".join(ElementTree.fromstring(render(figure)).itertext())
    assert texts.count(type(plot).__name__) >= 2, "the title, and the message"
    assert len(plotly_figure([figure, draw(PLOTS["group_lag"], seen)[0]]).layout.annotations) > 2
    return str(figure["summary"])


@pytest.mark.parametrize(
    "method", ["structure_key", "traces", "layout", "sampled_values", "summary"]
)
def test_a_plot_names_the_method_it_lacks(method: str) -> None:
    methods = {name: getattr(Throughput, name) for name in Plot.__abstractmethods__ - {method}}
    incomplete: Any = type("Incomplete", (Plot,), methods)
    lack = rf"Incomplete lacks {method}\(\): write what help\(Plot\) says of them"
    with pytest.raises(InputError, match=f"^{lack}$"):
        incomplete()
    for plots in ([incomplete], [type("Alien", (), methods)()]):
        with pytest.raises(InputError, match=lack.replace("Incomplete", "(Incomplete|Alien)")):
            Dashboard(three(), plots=plots)


def test_without_a_title_a_plot_is_called_as_its_class() -> None:
    figure, _ = draw(Throughput([1]), three())
    assert figure["layout"]["title"]["text"] == "Throughput"
    assert figure["data"][0]["y"] == [1, 1, 1]
    assert PLOTS["group_lag"].title == "Group lag"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (([1, 2],), "traces() returns 1, but sampled_values() returns 2 values"),
        (([],), "sampled_values() returns 0 values"),
        (([1], [1], [1, 2]), "sampled_values() returns 1 or 2 values"),
    ],
)
def test_values_that_do_not_fit_the_traces_are_counted(rows: Any, words: str) -> None:
    plot = Throughput(*rows)
    with pytest.raises(InputError) as raised:
        plot.figure(three())
    assert words in str(raised.value)
    assert words in shown(plot, three())


def test_a_delta_whose_values_do_not_fit_is_refused_too() -> None:
    plot, seen = Throughput([1], [1], [1, 2]), three()
    with pytest.raises(InputError, match="returns 2 values"):
        plot.delta(seen, 2, None)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.nan, "the value nan at ['data'][0]['y'][0]"),
        (-math.inf, "the value -inf at"),
        (datetime(2026, 1, 1, tzinfo=UTC), "the value datetime.datetime(2026, 1, 1"),
        (EntryId(5), "the value EntryId('5-0')"),
        ({1}, "the value {1} at"),
        (b"x", "the value b'x' at"),
    ],
)
def test_a_value_that_no_browser_takes_is_named_with_its_place(value: Any, words: str) -> None:
    text = shown(Throughput([value]), three())
    assert words in text
    assert "None for a gap" in text


def test_a_trace_that_no_page_can_draw_is_refused_with_those_that_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for kind, drawn in (("bar", True), ("heatmap", False)):
        traces = [{"type": kind, "name": "added"}]
        monkeypatch.setattr(Throughput, "traces", lambda *_, it=traces: deepcopy(it))
        figure, _ = draw(Throughput([1]), three())
        assert (figure["data"] != []) is drawn
    assert "'heatmap': use scatter, bar, pie" in shown(Throughput([1]), three())


@each_plot
def test_our_plots_draw_what_a_page_can(plot: Plot) -> None:
    kinds = {trace["type"] for trace in plot.figure(three())["data"]}
    assert kinds <= set(TRACES)


def _raise() -> str:
    return str(1 // 0)


@pytest.mark.parametrize("method", sorted(Plot.__abstractmethods__))
def test_an_exception_is_drawn_in_the_place_of_its_plot(method: str) -> None:
    raising: Any = type("Raising", (Throughput,), {method: lambda *_: _raise()})
    text = shown(raising([1]), three())
    assert text.startswith("Raising can't be drawn: ZeroDivisionError: ")
    assert text.endswith(f"(line {_raise.__code__.co_firstlineno + 1}, in _raise)")


@pytest.mark.parametrize("summary", [None, 3, b"x"])
def test_a_summary_that_is_no_text_is_named(summary: Any) -> None:
    wrong: Any = type("Wrong", (Throughput,), {"summary": lambda *_: summary})
    assert f"Wrong.summary() returns {summary!r}: return a text" in shown(wrong([1]), three())


def test_a_plot_is_drawn_again_when_it_no_longer_raises() -> None:
    plot, seen = Throughput([1], [1], [1, 2], [1]), three()
    figure, key = draw(plot, seen)
    plot.rows = ([1],)
    seen.append(sample(4, group("g"), length=4))
    delta, key = draw_change(plot, seen, figure["n"], key)
    assert apply(figure, delta) == plot.figure(seen)
    seen.append(sample(5, group("g"), length=5))
    assert "full" not in draw_change(plot, seen, 4, key)[0]


@each_plot
@pytest.mark.parametrize("seen", [history(), three()], ids=["empty", "three"])
def test_each_plot_of_the_package_can_say_that_it_failed(plot: Plot, seen: History) -> None:
    for text in HOSTILE:
        figure = plot.failure(text, seen)
        json.dumps(figure, allow_nan=False)
        words = "".join(ElementTree.fromstring(render(figure)).itertext())
        assert text.split()[-1][-3:] in words or not text.isprintable()


def test_a_summary_that_raises_is_what_it_raised() -> None:
    raising: Any = type("Raising", (Throughput,), {"summary": lambda *_: _raise()})
    assert "ZeroDivisionError" in summary_of(raising([1]), three())


def test_a_plot_may_return_sequences_of_any_kind() -> None:
    values: Sequence[Any] = (1,)
    assert draw(Throughput(values), three())[0]["data"][0]["y"] == [1, 1, 1]
