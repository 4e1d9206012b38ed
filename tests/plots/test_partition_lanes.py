"""Partition lanes: colours for nodes, heights for lags, grey for a move, gaps if unknown."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_py
from hypothesis import given, settings
from hypothesis import strategies as st
from plots.histories import HOSTILE, check, group, history, sample, shown, texts
from redis.cluster import RedisCluster

from streamviz import History, Scenario
from streamviz.client.cluster import slot_of
from streamviz.errors import InputError
from streamviz.observation.events import events_of
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.observation.partition_sample import (
    PartitionedSample,
    PartitionState,
    sum_partitions,
)
from streamviz.observation.sample import Sample
from streamviz.patterns.partitions import Partitions
from streamviz.plots import PartitionLanes
from streamviz.plots.figure import apply
from streamviz.plots.svg import render
from streamviz.plots.traces import GREY
from streamviz.server.embedded_cluster import EmbeddedCluster
from streamviz.widgets import partition_lanes


def part(
    number: int,
    *groups: Any,
    node: str = "node-1",
    to: str = "",
    exists: bool = True,
    trouble: str = "",
    name: str = "s",
) -> PartitionState:
    inner = sample(1, *groups, exists=exists, trouble=trouble)
    values = {one: getattr(inner, one) for one in Sample.__slots__}
    own = Sample(**values | {"stream": f"{name}:{{{number}}}"})
    return PartitionState(number, 100 + number, node, to, own)


def sampled(n: int, *states: PartitionState, events: tuple[str, ...] = ()) -> PartitionedSample:
    return sum_partitions("s", n, 1000 + 100 * n, states, events_of(events))


def lanes(figure: dict[str, Any]) -> dict[str, list[float | None]]:
    return {
        trace.get("hovertemplate", "events").removesuffix("<extra></extra>"): trace["y"]
        for trace in figure["data"]
    }


def test_each_part_has_its_lane_in_the_colour_of_its_node_as_high_as_its_lag() -> None:
    seen = history(
        sampled(1, part(0, group("g", 4)), part(1, group("g", 1), node="node-2")),
        sampled(2, part(0, group("g", 2)), part(1, group("g", 0), node="node-2")),
    )
    figure = PartitionLanes().figure(seen)
    drawn = lanes(figure)
    assert drawn["s:{0} on node-1"] == [0.8, 0.4]
    assert drawn["s:{1} on node-2"] == [-0.8, -1.0]
    assert drawn["s:{0} on node-2"] == drawn["s:{1} on node-1"] == [None, None]
    colours = {(t["name"], t["line"]["color"], t["line"]["dash"]) for t in figure["data"][:4]}
    assert len(colours) == 2
    ends = figure["data"][-2]
    assert ends["text"] == ["node-1", "node-2"]
    assert ends["textfont"]["color"][:2] == [t["line"]["color"] for t in figure["data"][:2]]
    assert figure["layout"]["yaxis"]["ticktext"] == ["{0}", "{1}"]
    assert "a lane's height: 4 waiting" in figure["layout"]["xaxis"]["title"]["text"]
    check(figure)


@pytest.mark.parametrize("count", [1, 3, 16, 64])
def test_the_words_of_events_stand_above_every_lane(count: int) -> None:
    states = [part(k, group("g", 8)) for k in range(count)]
    figure = PartitionLanes().figure(
        history(sampled(1, *states), sampled(9, *states, events=("node-2 is gone",)))
    )
    low, high = figure["layout"]["yaxis"]["range"]
    highest = max(y for trace in figure["data"][:-1] for y in trace["y"] if y is not None)
    words = min(
        PartitionLanes().figure(
            history(*(sampled(n, *states, events=(f"step {n}",)) for n in (1, 2, 30)))
        )["data"][-1]["y"][1::3]
    )
    assert words - (highest - low) / (high - low) > 0.07, "two thirds of a letter at 1280 x 720"
    words_of_picture = render(figure, 640, 360)
    assert "more</text>" not in words_of_picture
    assert words_of_picture.count(">node-1</text>") == min(count, 16 if count <= 16 else 12)


def test_a_slot_on_the_move_is_thick_and_grey_and_ends_in_the_new_colour() -> None:
    seen = history(
        sampled(1, part(0, group("g", 2))),
        sampled(2, part(0, group("g", 2), to="node-2"), events=("slot 100: migrating",)),
        sampled(3, part(0, group("g", 1), node="node-2")),
    )
    figure = PartitionLanes().figure(seen)
    drawn = lanes(figure)
    assert drawn["s:{0} on node-1"] == [0.8, None, None]
    assert drawn["s:{0} is on the move"] == [None, 0.8, None]
    assert drawn["s:{0} on node-2"] == [None, None, 0.4]
    assert figure["data"][-3]["line"] == {"color": GREY, "dash": "solid", "width": 6}
    assert figure["data"][-2]["text"] == ["node-1 → node-2"], "both colours are named"
    far = [part(0, group("g", 2), node=f"10.0.0.{n}:6379") for n in (1, 2)]
    ends = PartitionLanes().figure(history(sampled(1, far[0]), sampled(2, far[1])))["data"][-2]
    assert ends["text"] == ["10.0.0.2:6379"], "of two long names, the one that counts now"
    ends = PartitionLanes().figure(history(*seen.samples[:2]))["data"][-2]
    assert (ends["text"], ends["textfont"]["color"][0]) == (["to node-2"], GREY)
    assert figure["data"][-1]["text"] == ["", "slot 100: migrating", ""]
    words = PartitionLanes().summary(history(*seen.samples[:2]))
    assert words == "part 0 on node-1, moving to node-2: 2 waiting. g in all: 2 waiting."


def test_what_is_unknown_or_does_not_answer_is_a_gap_with_words() -> None:
    seen = history(
        sampled(
            1,
            part(0, group("g", None, verdict="unknown", reason="who knows")),
            part(1, node="", exists=False, trouble="it does not answer"),
            part(2, group("g", 3, verdict="suspect", reason="perhaps")),
        )
    )
    drawn = lanes(PartitionLanes().figure(seen))
    assert drawn["s:{0} on node-1"] == [None]
    assert drawn["s:{1} on node-1"] == [None]
    assert drawn["s:{2} on node-1"][0] is not None
    words = PartitionLanes().summary(seen)
    assert "part 0 on node-1: lag unknown, who knows" in words
    assert "part 1: it does not answer" in words
    assert "part 2 on node-1: 3 waiting (suspect: perhaps)" in words
    assert "g in all: lag unknown, partition 0: who knows; partition 1: it does" in words


def test_the_summary_without_parts_groups_or_samples() -> None:
    assert PartitionLanes().summary(history()) == "waiting for the first sample"
    assert PartitionLanes().summary(history(sample(1))) == "no partitions in this history"
    words = PartitionLanes().summary(history(sampled(1, part(0, node=""))))
    assert words == "part 0: 0 entries. No consumer group yet."


def test_of_several_groups_one_is_chosen() -> None:
    seen = history(sampled(1, part(0, group("a", 1), group("b", 2))))
    assert "a in all: 1" in PartitionLanes().summary(seen)
    assert "b in all: 2" in PartitionLanes("b").summary(seen)
    assert partition_lanes(seen, group="b").plots[0].summary(seen).endswith("2 waiting.")


@st.composite
def lives(draw: st.DrawFn) -> list[Sample]:
    names = st.sampled_from(["node-1", "node-2", HOSTILE[0], ""])
    found: list[Sample] = []
    for n in range(1, draw(st.integers(1, 15)) + 1):
        states = []
        for number in range(draw(st.integers(0, 3))):
            known = draw(st.booleans())
            one = group("g", draw(st.integers(0, 99)) if known else None)
            there = draw(st.integers(0, 5)) > 0
            more = {"node": draw(names), "to": draw(st.sampled_from(["", "", "node-2"]))}
            trouble = "" if there else HOSTILE[2]
            states.append(
                part(number, *[one] * there, exists=there, trouble=trouble, name=HOSTILE[1], **more)
            )
        found.append(
            sampled(n, *states, events=tuple(draw(st.lists(st.sampled_from(HOSTILE[:2])))))
        )
    return found


@settings(max_examples=60, deadline=None)
@given(lives(), st.integers(1, 6))
def test_deltas_add_up_and_nothing_in_a_name_is_markup(samples: list[Sample], limit: int) -> None:
    plot, seen = PartitionLanes(), History(limit)
    figure, identity = plot.figure(seen), plot.structure_key(seen)
    for one in samples:
        seen.append(one)
        delta = plot.delta(seen, figure["n"], identity)
        identity = plot.structure_key(seen) if "full" in delta else identity
        figure = apply(figure, delta)
        assert figure == PartitionLanes().figure(seen)
    check(figure)
    for text in texts(figure):
        shown(text)
    assert "<script" not in render(figure)


@pytest.fixture
def parts(nodes: RedisCluster) -> Iterator[Partitions]:
    found = Partitions(nodes, f"test:{uuid.uuid4().hex[:8]}", 3)
    yield found
    for stream in found.streams:
        nodes.delete(stream.key)


def test_a_real_move_is_seen_from_one_colour_over_grey_to_the_other(
    parts: Partitions, cluster: EmbeddedCluster
) -> None:
    parts.create_group("g")
    observer, seen = PartitionObserver(parts, cluster.names), History()
    dashboard = partition_lanes(seen)

    def see(*notes: str) -> None:
        parts.streams[1].add({"n": 1})
        seen.append(observer.sample(1000 + 100 * len(seen), notes))
        dashboard.update()

    see()
    home = cluster.slot_owner(parts.streams[1].key).name
    target = next(node.name for node in cluster.nodes if node.name != home)
    for step in cluster.move_slot_steps(slot_of(parts.streams[1].key), target):
        see(step)
    drawn = lanes(PartitionLanes().figure(seen))
    key = parts.streams[1].key
    assert [y is None for y in drawn[f"{key} on {home}"]] == [False, False, True, True, True]
    assert [y is None for y in drawn[f"{key} is on the move"]] == [True, True, False, False, True]
    assert [y is None for y in drawn[f"{key} on {target}"]] == [True, True, True, True, False]
    assert f"part 1 on {target}: 5 waiting" in PartitionLanes().summary(seen)
    assert PartitionLanes().history_summary(seen) == f"Moved: part 1 from {home} to {target}."


def test_a_scenario_that_watches_partitions_is_shown_by_the_name_of_the_whole(
    redis: redis_py.Redis, key: str
) -> None:
    parts = Partitions(redis, key, 2)
    parts.create_group("billing")
    parts.add("ada", {"n": 1})
    with Scenario(redis) as town:
        town.watch(f"{key}:other").watch(parts).run(1)
    assert partition_lanes(town, group="billing", stream=key).summary.endswith("1 waiting.")
    with pytest.raises(InputError, match="other' has no parts"):
        partition_lanes(town)
    with pytest.raises(InputError, match="no group 'nope': the stream's groups are 'billing'"):
        partition_lanes(town, group="nope", stream=key)
    redis.delete(*(one.key for one in parts.streams))


def test_of_many_parts_the_worst_twelve_are_shown_and_the_sum_of_all() -> None:
    lags: list[int | None] = [n % 50 for n in range(64)]
    lags[7], lags[30] = 9000, None
    parts = [part(n, group("g", lag)) for n, lag in enumerate(lags)]
    parts[63] = part(63, node="", exists=False, trouble="it does not answer")
    figure = PartitionLanes().figure(history(sampled(1, *parts)))
    labels = figure["layout"]["yaxis"]["ticktext"]
    assert labels == [f"{{{n}}}" for n in (7, 30, 41, 42, 43, 44, 45, 46, 47, 48, 49, 63)] + [
        "all 64"
    ]
    assert "height: 16,384 waiting, all: 1" in figure["layout"]["xaxis"]["title"]["text"]
    assert lanes(figure)["all 64 parts"] == [None], "one of the parts is unknown"
    words = PartitionLanes().summary(history(sampled(1, *parts)))
    assert words.startswith("the worst 12 of 64 parts: part 7 on node-1: 9,000 waiting; part 30")
    known = [part(n, group("g", 10_000_000)) for n in range(64)]
    figure = PartitionLanes().figure(history(sampled(1, *known)))
    assert lanes(figure)["all 64 parts"] == [round(0.8 * 640_000_000 / 2**30 - 12, 4)]
    assert "all: 1,073,741,824" in figure["layout"]["xaxis"]["title"]["text"]
    check(figure)


def test_up_to_sixteen_parts_each_has_its_lane() -> None:
    parts = [part(n, group("g", n)) for n in range(16)]
    figure = PartitionLanes().figure(history(sampled(1, *parts)))
    assert figure["layout"]["yaxis"]["ticktext"] == [f"{{{n}}}" for n in range(16)]
    assert "all 16 parts" not in lanes(figure)


def test_after_an_outage_the_worst_parts_are_those_with_the_highest_lag() -> None:
    def at(n: int, *, out: bool) -> PartitionedSample:
        node = "" if out else f"node-{n}"
        return sampled(
            n,
            *(part(k, *[group("g", k)] * (not out), node=node, exists=not out) for k in range(64)),
        )

    seen = history(at(1, out=False), at(2, out=True), at(3, out=False))
    labels = PartitionLanes().figure(seen)["layout"]["yaxis"]["ticktext"]
    assert labels == [f"{{{n}}}" for n in range(52, 64)] + ["all 64"]
    ends = PartitionLanes().figure(seen)["data"][-2]["text"]
    assert ends == ["node-1 → node-3"] * 12
    ends = PartitionLanes().figure(history(*seen.samples[:2]))["data"][-2]["text"]
    assert ends == ["node-1"] * 12, "where they were before the outage"


def test_every_node_is_named_however_many_there_are() -> None:
    parts = [part(n, group("g", n), node=f"10.0.0.{n}:6379") for n in range(12)]
    picture = render(PartitionLanes().figure(history(sampled(1, *parts))), 640, 360)
    for n in range(12):
        assert f">10.0.0.{n}:6379</text>" in picture
