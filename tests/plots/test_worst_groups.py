"""Of very many groups, the plots show the worst, and say how many entries wait for all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from plots.histories import PLOTS, group, history, sample

from streamviz.client.models import ConsumerInfo
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.plots import (
    AckProgress,
    Flow,
    GroupLag,
    PartitionLanes,
    PendingAge,
    Plot,
    SideBySide,
)
from streamviz.plots.worst_groups import MAX_GROUPS, shown_groups


def crowd(n: int, count: int, worst: int) -> Any:
    """Return a sample in which the groups from `worst` on have many entries waiting."""
    groups = [group(f"g{i:03}", waiting=i + 1000 * (i >= worst)) for i in range(count)]
    return sample(n, *groups)


def window(count: int) -> History:
    return history(*(crowd(n, count, count - 12) for n in range(1, 6)))


def test_twelve_groups_are_all_shown_and_of_more_the_worst_twelve() -> None:
    assert len(shown_groups(window(12))) == 12
    many = window(40)
    names = tuple(f"g{i:03}" for i in range(28, 40))
    assert shown_groups(many) == names
    many.append(sample(9, *(group(f"g{i:03}", None) for i in range(2)), group("g030", 9)))
    assert {"g000", "g001", "g030"} < {*shown_groups(many)}, "what is unknown comes first"


def test_the_order_of_many_groups_costs_a_whole_figure_once_a_second_and_a_death_at_once() -> None:
    plot, since, key, whole = PendingAge(), 0, None, []
    busy = history()
    for n in range(1, 41):
        groups = [group(f"g{i:02}", waiting=(i * 7 + n * 11) % 30) for i in range(30)]
        killed = [Event("killed", "g99-1", "g99", 1)] if n == 35 else []
        busy.append(sample(n, *groups, holding("g99", 1), events=killed))
        delta = plot.delta(busy, since, key)
        since, key = delta["n"], plot.structure_key(busy)
        whole += [n] if "full" in delta else []
    assert whole == [1, 10, 20, 30, 35, 40], "each second, and the death"
    assert "g99" in shown_groups(busy)


def holding(name: str, pending: int) -> Any:
    """Return a group in which nothing waits, and whose consumer holds entries."""
    consumer = ConsumerInfo(f"{name}-1", pending, 0, None)
    return replace(group(name, 0, pending=pending), consumers=(consumer,))


def test_one_rule_ranks_groups_for_the_plots_and_for_a_flow_with_little_room() -> None:
    groups = [group("a", 1), group("b", 5), holding("c", 1), group("d", None), holding("e", 9)]
    killed = [Event("killed", "c-1", "c", 1)]
    before = history(sample(1, *groups))
    assert Flow().scene(before)["worst"] == [3, 4, 1, 0, 2], "unknown, then by their entries"
    seen = history(sample(1, *groups, events=killed))
    assert Flow().scene(seen)["worst"] == [2, 3, 4, 1, 0], "a dead consumer holds an entry"
    crowded = history(sample(1, *groups, *(group(f"g{i}", 50) for i in range(12)), events=killed))
    names = shown_groups(crowded)
    assert {"c", "d"} < {*names}
    assert not {"a", "b", "e"} & {*names}
    scene = Flow().scene(crowded)
    assert [scene["groups"][place]["name"] for place in scene["worst"]][:3] == ["c", "d", "g0"]


def test_the_sum_of_all_is_told_with_them() -> None:
    many = window(40)
    total = sum(range(40)) + 12 * 1000
    assert f"all 40: {total:,}" in GroupLag().current_state(many)[1]["text"]
    for plot in (GroupLag(), PendingAge()):
        assert plot.summary(many).startswith(f"Waiting for all 40: {total:,}. The worst 12: g028")
        assert "g027" not in plot.summary(many)
    assert "Waiting for all 40: " in AckProgress().summary(many)
    assert "The worst 12: g028: " in AckProgress().summary(many)
    assert "g000: " in AckProgress("g000").summary(many)
    assert "Waiting" not in GroupLag().summary(window(12))


@pytest.mark.parametrize(
    "plot",
    [one for one in PLOTS.values() if not isinstance(one, SideBySide | PartitionLanes | Flow)],
)
def test_no_plot_grows_beyond_the_traces_of_twelve_groups(plot: Plot) -> None:
    traces = len(plot.figure(window(MAX_GROUPS))["data"])
    assert len(plot.figure(window(200))["data"]) == traces


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_names_of_10_kb_make_no_figure_large(plot: Plot) -> None:
    long = [holding(f"{n}{'x' * 10_000}", 3) for n in range(5)]
    figure = plot.static_figure(history(*(sample(n, *long) for n in range(1, 6))))
    assert len(json.dumps(figure, default=str)) < 40_000


def test_the_flow_has_twelve_lanes_and_says_how_many_groups_there_are() -> None:
    shown = Flow().scene(window(40))
    assert len(shown["groups"]) == 12
    assert shown["all"] == "all 40: 12,780 waiting"
    assert shown["total"] == 40
