"""Swim lanes: a lane for each consumer, a bar for each delivery."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
import redis as redis_py
from plots.histories import ONE, group, history, sample

from streamviz import Scenario, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.errors import InputError
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots import Flow, SwimLanes
from streamviz.recording import Recording, save
from streamviz.recording.frames import Frames


@pytest.fixture
def crew(redis: redis_py.Redis, key: str) -> Scenario:
    desk = Scenario(redis, seed=5)
    desk.produce(key, series.constant(rate_hz=1))
    desk.group(key, "crew", consumers=2, service_ms=700, crash_after=4, claim_idle_ms=4000)
    desk.group(key, "other", service_ms=100)
    return desk


def test_a_dead_consumers_bar_is_long_and_goes_on_in_another_lane_dashed(crew: Scenario) -> None:
    figure = SwimLanes("crew").figure(crew.run(seconds=20))
    first, again = figure["data"][:2]
    assert figure["layout"]["yaxis"]["ticktext"] == ["crew-1", "crew-2"]
    spans = [end - start for start, end in zip(first["x"][::3], first["x"][1::3], strict=True)]
    assert max(spans) > 4
    assert sorted(spans)[-2] < 2
    assert any("claimed" in text for text in first["text"])
    assert len(again["x"]) == 3, "one entry was delivered twice"
    assert -2 < again["y"][0] < -1, "to the other consumer, whose lane is the second"
    assert again["line"]["dash"] != first["line"]["dash"]


def test_a_dead_consumer_looks_dead_and_its_entry_is_linked_to_where_it_went(
    crew: Scenario,
) -> None:
    data = {one["name"]: one for one in SwimLanes("crew").figure(crew.run(seconds=20))["data"]}
    dead, links = data["dead"], data["claimed"]
    assert dead["fillpattern"]["shape"] == "/"
    (words,) = [text for text in dead["text"] if text]
    died = float(re.fullmatch(r"(?:killed|crashed) at ([\d.]+) s", words)[1])  # type: ignore[index]
    assert min(x for x in dead["x"] if x is not None) == pytest.approx(died, abs=0.1)
    assert all(-1 < y < 0 for y in dead["y"] if y is not None), "in the first lane"
    assert re.fullmatch(r"\d+-0 was claimed here: from crew-1 to crew-2", links["text"][0])
    assert dead["hovertext"][0] == f"hatched: crew-1 is dead, {words}"
    (across, across_too, _), (up, down, _) = links["x"], links["y"]
    assert across == across_too > died
    assert (-1 < up < 0, -2 < down < -1) == (True, True), "from the first lane to the second"


def test_an_entry_that_was_given_back_has_the_lane_of_no_consumer() -> None:
    def held(n: int, consumer: str) -> Sample:
        entry = PendingEntry(EntryId(5), consumer, 0 if consumer else -1, 1)
        state = replace(group("g", pending=1, oldest=[entry]), consumers=(working("cy"),))
        return sample(n, state)

    def working(name: str) -> ConsumerInfo:
        return ConsumerInfo(name=name, pending=0, idle_ms=0, inactive_ms=0)

    figure = SwimLanes("g").figure(history(held(1, "cy"), held(2, ""), held(3, "cy")))
    assert figure["layout"]["yaxis"]["ticktext"] == ["cy", "no consumer"]
    (first, *_) = figure["data"]
    assert [text.split(":")[1].split(",")[0] for text in first["text"][::3]] == [
        " given back",
        " claimed",
    ]
    assert -1 < first["y"][0] < 0
    assert -2 < first["y"][3] < -1


def test_a_consumer_that_came_back_is_dead_only_until_then() -> None:
    def at(n: int, *kinds: Literal["killed", "revived"]) -> Sample:
        state = GroupState(
            "g", EntryId(1), None, group("g").lag, 0, (ConsumerInfo("ann", 0, 0, None),), (), 0
        )
        return sample(n, state, events=[Event(kind, "ann", "g") for kind in kinds])

    seen = history(at(1), at(11, "killed"), at(21, "revived"), at(31, "killed"), at(41))
    dead = SwimLanes().figure(seen)["data"][-2]
    assert [text for text in dead["text"] if text] == ["killed at 1.0 s", "killed at 3.0 s"]
    assert (dead["x"][:4], dead["x"][8:12]) == ([1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0])


def test_what_is_held_at_the_end_is_drawn_full_up_to_now(crew: Scenario) -> None:
    seen = crew.run(seconds=3.1)
    figure = SwimLanes("crew").figure(seen)
    held = figure["data"][2]
    assert held["opacity"] > figure["data"][0]["opacity"]
    assert len(held["x"]) // 3 == seen.newest.group("crew").pending > 0
    assert set(held["x"][1::3]) == {3.1}


def test_all_groups_have_their_lanes_and_the_words_say_who_holds_what(crew: Scenario) -> None:
    seen = crew.run(seconds=5)
    plot = SwimLanes()
    assert plot.figure(seen)["layout"]["yaxis"]["ticktext"] == ["crew-1", "crew-2", "other-1"]
    assert "crew-1 holds 1" in plot.summary(seen)
    assert "other-1" not in SwimLanes("crew").summary(seen)


def test_without_consumers_it_says_so() -> None:
    assert SwimLanes().summary(history()) == "waiting for the first sample"
    assert SwimLanes().summary(history(sample(1, group("g")))) == "no consumer yet"
    assert SwimLanes("other").figure(history(sample(1, group("g"))))["summary"] == "no consumer yet"


@pytest.mark.parametrize("bad", [5, ["crew"], b"crew"])
def test_a_group_that_is_not_text_is_refused(bad: object) -> None:
    with pytest.raises(InputError, match="as text"):
        SwimLanes(bad)  # type: ignore[arg-type]


def many(consumers: int, samples: int, each: int = 1) -> list[Sample]:
    """Return samples in which each consumer holds other entries each time; the last one dies."""
    found = []
    for n in range(1, samples + 1):
        names = [f"c-{i:02}" for i in range(consumers)]
        held = [
            PendingEntry(EntryId(n, each * i + k), name, 5, 1)
            for i, name in enumerate(names)
            for k in range(each)
        ]
        infos = tuple(ConsumerInfo(name, 1, 5, 5) for name in names)
        state = replace(group("g", oldest=held, pending=len(held)), consumers=infos)
        death = [Event("killed", names[-1], "g")] if n == samples else []
        found.append(replace(sample(n, events=death), groups=(state,)))
    return found


def test_many_deliveries_share_a_row_and_few_do_not_cover_each_other() -> None:
    for held, samples, rows in ((1, 10, 1), (3, 10, 3), (3, 100, 1)):
        bars = SwimLanes().figure(history(*many(2, samples, held)))["data"][0]
        heights = {y for y in bars["y"] if y is not None and y > -1}
        assert len(heights) == rows


@pytest.mark.parametrize(("batch", "rows"), [(1, 1), (3, 3), (4, 4)])
def test_no_bar_of_a_consumer_covers_or_continues_another(
    redis: redis_py.Redis, key: str, batch: int, rows: int
) -> None:
    desk = Scenario(redis, seed=5)
    desk.produce(key, series.constant(rate_hz=20))
    desk.group(key, "crew", consumers=2, service_ms=180, batch=batch)
    bars = SwimLanes().figure(desk.run(seconds=12))["data"][0]
    by_row: dict[float, list[tuple[float, float]]] = {}
    for at in range(0, len(bars["x"]), 3):
        by_row.setdefault(bars["y"][at], []).append((bars["x"][at], bars["x"][at + 1]))
    assert sum(map(len, by_row.values())) > 50
    assert len(by_row) == 2 * rows, "as many as it holds at once"
    for spans in by_row.values():
        for (_, end), (start, _) in pairwise(sorted(spans)):
            assert end < start


def test_of_many_consumers_the_dead_have_a_lane_and_it_says_how_many_there_are() -> None:
    layout = SwimLanes().layout(history(*many(40, 3)))
    names = layout["yaxis"]["ticktext"]
    assert len(names) == 14
    assert "c-39" in names, "it died"
    assert layout["xaxis"]["title"]["text"].startswith("seconds; 14 of 40 consumers")


def lanes(count: int) -> History:
    """Return a history of groups with one consumer each, which dies at 0 s holding an entry."""
    seen = History()
    for n in (1, 2, 3):
        groups = [
            replace(
                group(f"g{k}", pending=1, oldest=[PendingEntry(ONE, f"c{k}", 100 * n, 1)]),
                consumers=(ConsumerInfo(f"c{k}", 1, 0, 0),),
            )
            for k in range(count)
        ]
        events = [Event("crashed", f"c{k}", f"g{k}", 1) for k in range(count)] if n == 1 else []
        seen.append(sample(n, *groups, events=events))
    return seen


@pytest.mark.parametrize("count", [2, 6, 7, 12])
def test_no_bar_covers_the_words_of_a_dead_consumer(count: int) -> None:
    data = {one["name"]: one for one in SwimLanes().figure(lanes(count))["data"]}
    dead = data["dead"]
    words = [y for y, text in zip(dead["y"], dead["text"], strict=True) if text]
    bars = [data[f"g{k}, held"] for k in range(count)]
    assert [text for text in dead["text"] if text] == ["crashed at 0.0 s"] * count
    high = 500 / (1.4 * count)  # pixels of a lane in a picture of 1280 x 720
    for y, bar in zip(words, bars, strict=True):
        assert (bar["y"][0] - y) * high >= 8 + bar["line"]["width"], "a letter is 16 pixels high"


@pytest.mark.parametrize("count", [2, 6, 7, 12])
def test_the_words_of_a_dead_consumer_are_below_its_hatching_and_above_the_next_lane(
    count: int,
) -> None:
    dead = {one["name"]: one for one in SwimLanes().figure(lanes(count))["data"]}["dead"]
    high = 500 / (1.4 * count)  # pixels of a lane in a picture of 1280 x 720
    words = [(n, y) for n, y in enumerate(dead["y"]) if dead["text"][n]]
    assert len(words) == count
    for lane, (n, y) in enumerate(words):
        *box, apart = dead["y"][n - 6 : n]
        assert apart is None, "what is hatched is drawn on its own"
        assert (min(box) - y) * high >= 8, "half of a letter"
        assert (y + lane + 1) * high >= 8


def test_a_death_is_told_once_in_its_lane_and_in_words_above_only_without_a_lane() -> None:
    def words(plot: SwimLanes, seen: History) -> dict[str, list[str]]:
        data = {one["name"]: one for one in plot.figure(seen)["data"]}
        return {name: list(filter(None, data[name]["text"])) for name in ("dead", "events")}

    seen = lanes(2)
    assert words(SwimLanes(), seen) == {"dead": ["crashed at 0.0 s"] * 2, "events": []}
    assert words(SwimLanes("g0"), seen) == {"dead": ["crashed at 0.0 s"], "events": ["c1 crashed"]}
    calm = SwimLanes().layout(seen)["yaxis"]["range"]
    seen.append(sample(4, events=[Event("revived", "c0", "g0")]))
    assert words(SwimLanes(), seen)["events"] == ["c0 revived"]
    assert SwimLanes().layout(seen)["yaxis"]["range"][1] > calm[1], "these words need room"


def test_without_events_the_lanes_have_all_the_room() -> None:
    seen = history(*many(2, 3)[:2])
    calm, key = SwimLanes().layout(seen)["yaxis"]["range"], SwimLanes().structure_key(seen)
    seen.append(sample(3, group("g"), events=["a note"]))
    assert SwimLanes().layout(seen)["yaxis"]["range"][1] > 7 * calm[1]
    assert SwimLanes().structure_key(seen) != key, "the whole figure is built again"


def test_who_died_before_the_window_is_dead(tmp_path: Path) -> None:
    seen = lanes(2)
    path = tmp_path / "run.jsonl"
    save(seen, path)
    late = Frames(Recording(path), [SwimLanes(), Flow()], start_s=0.1)
    swim, flow = late.figures(0)
    dead = next(one for one in swim["data"] if one["name"] == "dead")
    assert [text for text in dead["text"] if text] == ["crashed at 0.0 s"] * 2
    assert min(x for x in dead["x"] if x is not None) == 0.1, "it begins with the picture"
    assert "c0 is dead and holds 1 entry" in flow["summary"]
    live = History(limit=2)
    for one in seen.samples:
        live.append(one)
    assert SwimLanes().figure(live)["data"] == late.figures(1)[0]["data"]
    live.append(sample(4, events=[Event("revived", "c0", "g0")]))
    live.append(sample(5))
    live.append(sample(6))
    assert list(live.dead_before) == [("g1", "c1")]
