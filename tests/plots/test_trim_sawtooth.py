"""The trim sawtooth: the length between its limits, and the nodes or bytes that it takes."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
import redis as redis_py
from plots.histories import gone, history, sample

from streamviz import Scenario, series
from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.plots import TrimSawtooth
from streamviz.plots.svg import render


def trimmed(redis: redis_py.Redis, key: str, **trim: Any) -> History:
    scenario = Scenario(redis, memory=True)
    scenario.produce(key, series.constant(rate_hz=100), **trim)
    return scenario.run(seconds=12)


def lines(seen: History, plot: TrimSawtooth) -> dict[str, list[Any]]:
    return {trace["name"]: trace["y"] for trace in plot.figure(seen)["data"][:-2]}


def test_each_sample_has_its_length_its_limits_and_its_nodes() -> None:
    seen = history(sample(1, length=5, nodes=2, memory_bytes=900), sample(2, length=7), gone(3))
    assert lines(seen, TrimSawtooth(6, node_entries=4)) == {
        "entries": [5, 7, None],
        "MAXLEN": [6, 6, 6],
        "a node more": [10, 10, 10],
        "macro nodes": [2, 0, None],
    }
    assert lines(seen, TrimSawtooth(beside="memory")) == {
        "entries": [5, 7, None],
        "memory": [0.9, None, None],
    }


def test_each_line_has_its_name_and_value_at_its_end() -> None:
    seen = history(sample(1, length=5, nodes=2), sample(2, length=7, nodes=3))
    length, nodes = TrimSawtooth(6, node_entries=4).figure(seen)["data"][-2:]
    assert length["text"] == ["7 entries", "MAXLEN 6", "MAXLEN + 1 node 10", ""]
    assert (nodes["text"], nodes.get("xaxis", "x"), nodes["yaxis"]) == (["3 nodes", ""], "x", "y2")


@pytest.mark.parametrize("maxlen", [None, 6, 300, 1_000_000])
def test_a_still_picture_has_room_for_each_name_at_the_end_of_its_line(maxlen: int | None) -> None:
    plot = TrimSawtooth(maxlen)
    svg = render(plot.figure(history(sample(1, length=5, nodes=2), sample(2, length=7, nodes=3))))
    ends = re.findall(r"<text x='([\d.]+)'[^>]*>(?:MAXLEN|\d+ entries|\d+ nodes)", svg)
    assert len(ends) == (2 if maxlen is None else 4)
    assert len({*ends}) == 1


def test_the_summary_says_what_the_stream_takes_or_that_it_is_unknown() -> None:
    seen = history(sample(1, length=9, nodes=3), sample(2, length=5, added=9, nodes=2))
    assert TrimSawtooth().summary(seen) == (
        "5 entries, at most 9, of 9 ever added; they take 2 macro nodes."
    )
    assert "take an unknown number of bytes." in TrimSawtooth(beside="memory").summary(seen)
    assert TrimSawtooth().summary(history(sample(1, length=1, added=2, nodes=1))) == (
        "1 entry, at most 1, of 2 ever added; it takes 1 macro node."
    )
    assert TrimSawtooth().summary(history()) == "waiting for the first sample"
    assert TrimSawtooth().summary(history(gone(1))) == "stream is gone"


@pytest.mark.parametrize(
    "wrong",
    [{"maxlen": 0}, {"maxlen": "300"}, {"maxlen": True}, {"node_entries": 0}, {"beside": "bytes"}],
)
def test_a_wrong_argument_is_named(wrong: dict[str, Any]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(InputError, match=f"{name}={value!r}"):
        TrimSawtooth(**wrong)


def test_roughly_trimmed_is_a_saw_between_the_bound_and_a_node_more(
    redis: redis_py.Redis, key: str
) -> None:
    xlen = lines(trimmed(redis, key, maxlen=200, approximate=True), TrimSawtooth(200))["entries"][
        40:
    ]
    assert (min(xlen) - 200 < 10, max(xlen) >= 290) == (True, True)
    assert all(200 <= length < 300 for length in xlen)
    falls = [(old, new) for old, new in pairwise(xlen) if new < old]
    assert len(falls) > 5


def test_exactly_trimmed_is_flat_and_takes_the_same_nodes_and_memory(
    redis: redis_py.Redis, prefix: str
) -> None:
    rough = trimmed(redis, f"{prefix}rough", maxlen=200, approximate=True)
    exact = trimmed(redis, f"{prefix}exact", maxlen=200)
    assert set(lines(exact, TrimSawtooth())["entries"][40:]) == {200}
    for plot, name in (
        (TrimSawtooth(), "macro nodes"),
        (TrimSawtooth(beside="memory"), "memory"),
    ):
        there, here = lines(rough, plot)[name][40:], lines(exact, plot)[name][40:]
        assert there == pytest.approx(here, rel=0.02)
        assert max(here) > 1.1 * min(here)


def test_the_panels_have_scales_of_their_own() -> None:
    samples = [sample(n, length=300, nodes=n % 2 + 1, memory_bytes=50_000) for n in range(50)]
    nodes = render(TrimSawtooth().figure(history(*samples)))
    memory = render(TrimSawtooth(beside="memory").figure(history(*samples)))
    assert ">200</text>" in nodes
    assert ">2</text>" in nodes
    assert ">200</text>" in memory
    assert ">40</text>" in memory
    assert nodes.count("rotate(-90)") == memory.count("rotate(-90)") == 2


@pytest.mark.parametrize(
    ("memory_bytes", "text"),
    [(16_521, "16.5 kB"), (987, "0.987 kB"), (4_000, "4 kB"), (1_234_567, "1,235 kB")],
)
def test_the_last_size_has_as_many_digits_as_one_reads(memory_bytes: int, text: str) -> None:
    figure = TrimSawtooth(beside="memory").figure(
        history(sample(1, length=3, memory_bytes=memory_bytes))
    )
    assert f">{text}</text>" in render(figure)
