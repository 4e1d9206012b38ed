"""The numbers at an axis: an axis that counts has no half of an entry."""

from __future__ import annotations

from typing import Any

import pytest
from plots.histories import PLOTS, group, history, sample
from plots.test_own_plots import Throughput
from plots.test_svg import words

from streamviz.client.entry_id import EntryId
from streamviz.observation.history import History
from streamviz.plots import GroupLag, TrimSawtooth
from streamviz.plots.figure import Figure
from streamviz.plots.svg import render
from streamviz.plots.ticks import ticks, with_whole_ticks


def few(most: int) -> History:
    """Return samples of a stream with as many entries, groups' lags and nodes, and no more."""
    ids = [EntryId(1000 * n) for n in range(1, most + 1)]
    counts = [*range(most + 1), 0]
    return history(
        *(
            sample(
                n,
                group("g", count, pending=count, acked=count),
                length=count,
                ids=ids[:count],
                nodes=count,
                time_ms=1000 * n,
            )
            for n, count in enumerate(counts, 1)
        )
    )


def numbers(figure: Figure) -> list[str]:
    return [text for text in words(render(figure)) if text.replace(".", "").isdigit()]


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("name", ["group_lag", "trim_sawtooth", "ack_progress", "strips"])
def test_a_few_entries_are_counted_in_whole_ones(name: str, most: int) -> None:
    counted = numbers(PLOTS[name].figure(few(most)))
    assert "0" in counted
    assert not [one for one in counted if "." in one]


@pytest.mark.parametrize(("rows", "marks"), [([[0], [1], [2]], ["0", "1", "2"]), ([[0]], ["0"])])
def test_a_plot_of_ones_own_that_counts_need_not_say_so(
    rows: list[list[int]], marks: list[str]
) -> None:
    seen = history(*(sample(n, group("g"), time_ms=500 * n) for n in (1, 2, 3)))
    shown = numbers(Throughput(*rows).figure(seen))
    assert "0.2" in shown, "the seconds are not whole"
    assert shown[shown.index("1") + 1 :][: len(marks)] == marks


def test_parts_of_a_second_and_of_a_kilobyte_keep_their_ticks() -> None:
    late = history(
        *(sample(n, group("g", 1, behind_ms=500 * n % 1500), time_ms=1000 * n) for n in range(1, 5))
    )
    assert "0.5" in numbers(GroupLag("seconds").figure(late))
    small = history(*(sample(n, length=1, memory_bytes=700 * n) for n in (1, 2)))
    assert "0.5" in numbers(TrimSawtooth(beside="memory").figure(small))


def test_round_numbers_are_not_closer_than_the_least_step() -> None:
    assert ticks(0, 2.12, 5) == [0, 0.5, 1, 1.5, 2]
    assert ticks(0, 2.12, 5, 1) == [0, 1, 2]
    assert ticks(0, 40, 5, 1) == [0, 10, 20, 30, 40]
    assert ticks(3, 3, 5, 1) == [3]


def test_plotly_is_told_of_an_axis_that_counts_a_few() -> None:
    def told(plot: Any, seen: History) -> list[Any]:
        layout = with_whole_ticks(plot.figure(seen))["layout"]
        return [layout[key].get("dtick") for key in ("xaxis", "yaxis")]

    assert told(GroupLag(), few(2)) == [1, 1]
    assert told(GroupLag(), few(40)) == [None, None]
    assert told(GroupLag("seconds"), history(sample(1, group("g", 1, behind_ms=500)))) == [1, None]
    own = Throughput(["a"], [None], ["b"])
    assert (
        told(own, history(*(sample(n, group("g"), time_ms=500 * n) for n in (1, 2, 3))))[1] is None
    )
