"""The flow tells the truth: its numbers equal a full count, and a square stands for its entry."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_py
from plots.histories import group, history, sample

from streamviz import Observer, Scenario, Stream, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots import Flow
from streamviz.plots.flow_finding import finding
from streamviz.plots.flow_parts import Shape
from streamviz.plots.flow_scene import MAX_CONSUMERS, MAX_HELD, MAX_LEFT, MAX_TAPE
from streamviz.plots.flow_shapes import flow_shapes
from streamviz.plots.svg import render

RED = "#D1242F"


def shop(redis: redis_py.Redis, key: str, **options: Any) -> Scenario:
    """Return a shop whose billing-1 crashes at 3.1 s, with an entry in hand."""
    scenario = Scenario(redis, seed=3)
    scenario.produce(key, series.constant(rate_hz=5), **options)
    scenario.group(key, "billing", consumers=3, service_ms=350, crash_at_s=3.1, claim_idle_ms=4000)
    scenario.group(key, "email", consumers=1, service_ms=400)
    return scenario


def scene_of(seen: History) -> dict[str, Any]:
    return Flow().scene(seen)


def shapes_of(seen: History, width: int = 960) -> dict[str, Shape]:
    return {shape["key"]: shape for shape in flow_shapes(scene_of(seen), width)[1]}


def kinds(shapes: dict[str, Shape], kind: str, start: str = "") -> list[Shape]:
    return [one for one in shapes.values() if one["kind"] == kind and one["key"].startswith(start)]


@pytest.mark.parametrize("seconds", [1, 3, 6, 12])
def test_its_numbers_are_those_of_a_full_count(
    redis: redis_py.Redis, key: str, seconds: int
) -> None:
    scene = scene_of(shop(redis, key).run(seconds=seconds))
    every = [EntryId.parse(one) for one, _ in redis.xrange(key)]
    assert scene["added"] - scene["first"] + 1 == len(every) > 3
    assert scene["ids"] == [str(every[0]), str(every[-1])]
    for state, info in zip(scene["groups"], redis.xinfo_groups(key), strict=True):
        cursor = EntryId.parse(info["last-delivered-id"])
        assert state["waiting"] == sum(one > cursor for one in every)
        assert state["at"] == sum(one <= cursor for one in every)
        pending = redis.xpending_range(key, state["name"], "-", "+", 1000)
        assert state["pending"] == len(pending)
        assert state["acked"] == state["at"] - len(pending)
        for one in state["consumers"]:
            own = [EntryId.parse(entry["message_id"]) for entry in pending]
            names = [p["consumer"].decode() for p in pending]
            own = [e for e, name in zip(own, names, strict=True) if name == one["name"]]
            assert one["pending"] == len(own)
            assert [held[0] for held in one["held"]] == [str(entry) for entry in own][:MAX_HELD]
            assert [held[1] for held in one["held"]] == [every.index(e) + 1 for e in own][:MAX_HELD]


def test_a_cursor_among_entries_that_no_sample_has_is_at_its_place(
    redis: redis_py.Redis, key: str
) -> None:
    stream, observer, seen = Stream(redis, key), Observer(redis, key, max_entries=3), History(100)
    billing = stream.group("billing")
    billing.create("0", mkstream=True)
    for many in (5, 20, 4):  # of the second, the last three are seen
        stream.add_many({"n": "1"} for _ in range(many))
        seen.append(observer.sample())
    every = [entry.id for entry in stream.range()]
    known = {entry.id for one in seen.samples for entry in one.entries}
    for read in range(1, len(every) + 1):
        billing.consumer("ann").read(1)
        seen.append(observer.sample())
        (state,) = scene_of(seen)["groups"]
        assert state["at"] == read
    assert len(known) < 12 < len(every)


def test_as_many_squares_wait_as_entries_are_left_when_some_are_deleted(
    redis: redis_py.Redis, key: str
) -> None:
    stream, observer, seen = Stream(redis, key), Observer(redis, key), History(100)
    billing = stream.group("billing")
    billing.create("0", mkstream=True)
    stream.add_many({"n": "1"} for _ in range(10))
    billing.consumer("ann").read(4)
    seen.append(observer.sample())
    every = [entry.id for entry in stream.range()]
    for place in (6, 4, 1, 8, 0, 9):
        stream.delete(every[place])
        seen.append(observer.sample())
        left = [entry.id for entry in stream.range()]
        shapes = shapes_of(seen, 720)
        assert len(kinds(shapes, "entry")) == len(left)
        assert len(kinds(shapes, "waits")) == sum(one > every[3] for one in left)


def test_squares_wait_are_held_and_leave_once_they_are_acknowledged(
    redis: redis_py.Redis, key: str
) -> None:
    samples = shop(redis, key).run(seconds=6).samples
    seen, left, held = History(1000), set(), set()
    for one in samples:
        seen.append(one)
        shapes, scene = shapes_of(seen), scene_of(seen)
        for place, state in enumerate(scene["groups"]):
            assert len(kinds(shapes, "waits", f"group {place} ")) == state["waiting"]
        held |= {one["id"] for one in shapes.values() if "leaves" in one and "id" in one}
        left |= {entry for state in scene["groups"] for entry in state["left"]}
    assert len(held) > 10
    assert len(left) > 10
    assert left <= held, "what was not seen is not invented"
    acked = sum(state["acked"] for state in scene_of(seen)["groups"])
    assert len(left) <= acked


def test_who_is_sent_one_sample_of_five_sees_all_that_went_meanwhile(
    redis: redis_py.Redis, key: str
) -> None:
    scenario = Scenario(redis, seed=5)
    for name in ("web", "till"):
        scenario.produce(key, series.constant(rate_hz=2), name=name)
    scenario.group(key, "billing", consumers=2, service_ms=400)
    seen, drawn = History(1000), 0
    scenes: dict[int, list[Any]] = {1: [], 5: []}
    for one in scenario.run(seconds=10).samples:
        seen.append(one)
        scenes[1].append(scene_of(seen))
        if one.n % 5 == 1:
            delta = Flow().delta(seen, drawn, None)
            scenes[5].append(delta["set"][1]["meta"] if drawn else scene_of(seen))
            drawn = one.n
    assert drawn == seen.samples[-1].n, "both have seen the end"
    every, some = (
        (
            {entry for scene in found for group in scene["groups"] for entry in group["left"]},
            {(one["name"], n) for scene in found for one in scene["producers"] for n in one["new"]},
        )
        for found in scenes.values()
    )
    assert every == some
    assert all(len(one) > 20 for one in every)


def test_an_entry_moves_from_the_tape_to_its_consumer(redis: redis_py.Redis, key: str) -> None:
    shapes = shapes_of(shop(redis, key).run(seconds=2))
    for one in kinds(shapes, "held"):
        (number,) = re.findall(r"held (\d+-\d+)", one["key"])
        assert number == one["id"]
        x, _ = one["enters"]
        assert x in {tape["x"] for tape in kinds(shapes, "entry")}
    assert kinds(shapes, "held")


def test_a_killed_consumer_is_dead_and_its_entry_is_red_until_it_is_claimed(
    redis: redis_py.Redis, key: str
) -> None:
    scenario = shop(redis, key)
    seen = scenario.run(seconds=6)
    shapes, scene = shapes_of(seen), scene_of(seen)
    (dead,) = kinds(shapes, "dead")
    (red,) = kinds(shapes, "old")
    assert dead["x"] < red["x"] < dead["x"] + dead["w"]
    assert dead["y"] < red["y"] < dead["y"] + dead["h"]
    age_s = int(scene["groups"][0]["consumers"][0]["held"][0][2])
    assert scene["headline"] == f"billing-1 is dead and holds 1 entry for {age_s} s"
    assert shapes["group 0 0 state"]["text"] == f"dead, holds 1 for {age_s} s"
    assert RED in render(Flow().figure(seen))
    claimed = scenario.run(seconds=20)
    after = shapes_of(claimed)
    assert not kinds(after, "old")
    assert "dead" not in scene_of(claimed)["headline"]
    (same,) = kinds(after, "dead")
    assert same["x"] == dead["x"], "it is still dead, but holds nothing"


def test_a_claim_keeps_the_entrys_key_so_that_it_moves_over() -> None:
    def held_by(name: str, n: int, deliveries: int) -> Sample:
        consumers = tuple(ConsumerInfo(one, int(one == name), 0, None) for one in ("ann", "bob"))
        entry = PendingEntry(EntryId(5), name, 9, deliveries)
        state = group("g", cursor=EntryId(5), pending=1, oldest=[entry])
        about = {"ids": [EntryId(5)] if n == 1 else [], "length": 1, "first": EntryId(5)}
        return sample(n, with_consumers(state, consumers), **about)

    before = shapes_of(history(held_by("ann", 1, 1)))["group 0 held 5-0"]
    after = shapes_of(history(held_by("ann", 1, 1), held_by("bob", 2, 2)))["group 0 held 5-0"]
    assert after["x"] > before["x"]
    assert "delivery 2" in after["title"]


def with_consumers(state: GroupState, consumers: tuple[ConsumerInfo, ...]) -> GroupState:
    return replace(state, consumers=consumers)


def test_a_trim_eats_the_left_end(redis: redis_py.Redis, key: str) -> None:
    seen = shop(redis, key, maxlen=10).run(seconds=6)
    tape = kinds(shapes_of(seen), "entry")
    assert len(tape) == redis.xlen(key) < scene_of(seen)["added"]
    first = str(EntryId.parse(redis.xrange(key, count=1)[0][0]))
    assert shapes_of(seen)["newest"]["text"].startswith(f"{first} to ")


def test_more_entries_than_fit_are_a_number(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many({"n": n} for n in range(1000))
    stream.group("g").create("0")
    seen = history(Observer(redis, key).sample())
    shapes = shapes_of(seen)
    shown = len(kinds(shapes, "entry"))
    assert 20 < shown < 100
    assert shapes["oldest"]["text"] == f"{1000 - shown:,} older"
    assert len(kinds(shapes, "waits")) == shown
    assert shapes["group 0 waiting"]["text"] == "1,000 waiting"
    assert finding(seen) == "g is 1,000 entries behind"


@pytest.mark.parametrize(("rate_hz", "every"), [(5, 1), (40, 5), (300, 50), (1000, 100)])
def test_a_square_stands_for_many_and_says_so(
    redis: redis_py.Redis, key: str, rate_hz: float, every: int
) -> None:
    scenario = Scenario(redis, seed=1)
    scenario.produce(key, series.constant(rate_hz=rate_hz))
    scenario.group(key, "g", consumers=2, service_ms=1)
    seen = scenario.run(seconds=2)
    assert scene_of(seen)["every"] == every
    shapes = shapes_of(seen)
    words = shapes["oldest"]["text"].partition(" · ")[2]
    assert words == (f"■ = {every} entries" if every > 1 else "")
    added = scene_of(seen)["added"]
    assert len(kinds(shapes, "entry")) == min(-(-added // every), 46)


def test_an_empty_stream_one_entry_and_no_stream(redis: redis_py.Redis, key: str) -> None:
    observer = Observer(redis, key)
    nothing = history(observer.sample())
    assert finding(nothing).lower() == f"no stream '{key}' yet"
    (only,) = shapes_of(nothing).values()
    assert only["kind"] == "headline"
    stream = Stream(redis, key)
    entry = stream.add({"n": 1})
    stream.group("g").create("0")
    one = history(observer.sample())
    shapes = shapes_of(one)
    assert len(kinds(shapes, "entry")) == len(kinds(shapes, "waits")) == 1
    assert (shapes["oldest"]["text"], shapes["newest"]["text"]) == ("", str(entry))
    assert shapes["length"]["text"] == "1 entry"
    assert shapes["group 0 empty"]["text"] == "no consumers"
    assert str(entry) in Flow().summary(one)
    assert finding(one) == "The group keeps up"
    redis.xtrim(key, maxlen=0)
    empty = history(observer.sample())
    assert not kinds(shapes_of(empty), "entry")
    assert shapes_of(empty)["oldest"]["text"] == "empty"


def test_no_sample_and_no_group_are_said() -> None:
    assert scene_of(history())["headline"] == "Waiting for the first sample"
    assert finding(history()) == "Waiting for the first sample"
    lonely = history(sample(1, length=3))
    assert finding(lonely) == "3 entries in the stream, and no consumer group yet"


def test_five_groups_of_a_hundred_consumers_are_told_in_bulk(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many({"n": n} for n in range(1000))
    for place, name in enumerate("abcde"):
        stream.group(name).create("0")
        for one in range(100):
            redis.xreadgroup(name, f"{name}-{one}", {key: ">"}, count=1 + place)
        redis.xack(key, name, *(entry for entry, _ in redis.xrange(key, count=10)))
    observer = Observer(redis, key)
    seen = history(observer.sample())
    scene = scene_of(seen)
    assert len(scene["groups"]) == 5
    for place, state in enumerate(scene["groups"]):
        rest, held = state["more"]
        assert len(state["consumers"]) == MAX_CONSUMERS
        assert rest == 100 - MAX_CONSUMERS
        assert state["waiting"] == 1000 - 100 * (1 + place)
        assert held + sum(one["pending"] for one in state["consumers"]) == state["pending"]
        assert state["pending"] == redis.xpending(key, state["name"])["pending"] > 10
        assert state["left"] == []
    redis.xack(key, "a", *(entry for entry, _ in redis.xrange(key, count=90)))
    seen.append(observer.sample())
    assert len(scene_of(seen)["groups"][0]["left"]) == MAX_LEFT, "no more than can be followed"
    height, shapes = flow_shapes(scene, 960)
    assert height < 500, "many groups are lower"
    assert f"+{rest} consumers" in [shape.get("text") for shape in shapes]
    assert all(0 <= shape["x"] <= 960 and 0 <= shape["y"] <= height for shape in shapes)


def test_a_consumer_that_is_not_shown_keeps_its_dead_one_in_the_headline() -> None:
    consumers = tuple(ConsumerInfo(f"c-{i}", 1, 0, None) for i in range(9))
    state = with_consumers(group("g", pending=9), consumers)
    seen = history(sample(1, state), sample(2, state, events=[Event("killed", "c-8", "g")]))
    assert finding(seen) == "c-8 is dead and holds 1 entry"
    assert [one["name"] for one in scene_of(seen)["groups"][0]["consumers"] if one["dead"]] == [
        "c-8"
    ], "a dead consumer that holds something is always shown"


@pytest.mark.parametrize("low", [False, True])
def test_however_narrow_a_box_is_the_word_dead_is_whole(low: bool) -> None:
    consumers = tuple(ConsumerInfo(f"billing-{i}", 1, 0, None) for i in (1, 2, 3))
    held = [PendingEntry(EntryId(i), f"billing-{i}", 5, 1) for i in (1, 2, 3)]
    state = with_consumers(group("g", pending=3, oldest=held), consumers)
    seen = history(sample(1, state, events=[Event("killed", "billing-1", "g")]), sample(99, state))
    for width in range(640, 900, 10):
        _, shapes = flow_shapes(scene_of(seen), width, low=low)
        boxes = [one for one in shapes if one["key"].endswith((" name", " state"))]
        texts = [one["text"] for one in boxes]
        assert any(re.search(r"\bdead\b", text) for text in texts), (width, texts)


def test_a_death_counts_in_its_own_group_and_until_it_comes_back() -> None:
    same = tuple(ConsumerInfo(name, 1, 0, None) for name in ("ann", "bob"))
    groups = [with_consumers(group(name, pending=2), same) for name in "gh"]
    killed = sample(1, *groups, events=[Event("crashed", "ann", "h")])
    dead = [
        (state["name"], one["name"])
        for state in scene_of(history(killed))["groups"]
        for one in state["consumers"]
        if one["dead"]
    ]
    assert dead == [("h", "ann")]
    back = sample(2, *groups, events=[Event("revived", "ann", "h")])
    seen = history(killed, back)
    assert not any(one["dead"] for state in scene_of(seen)["groups"] for one in state["consumers"])
    assert finding(seen) == "All groups keep up"
    assert scene_of(seen)["event"] == "ann was revived"


def falls(first: int | None, last: int | None) -> History:
    return history(
        *(
            sample(n, group("g", lag, cursor=EntryId(n)), time_ms=5000 * n)
            for n, lag in [(1, first), (2, last)]
        )
    )


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (0, 15, "g falls 3.0 entries further behind every second"),
        (30, 10, "g catches up: 10 entries waiting"),
        (40, 40, "g is 40 entries behind"),
        (3, 3, "The group keeps up"),
        (3, None, "How many entries wait for g is unknown"),
        (None, 40, "g is 40 entries behind"),
    ],
)
def test_the_headline_is_a_finding(first: int | None, last: int | None, words: str) -> None:
    seen = falls(first, last)
    assert finding(seen) == words
    assert Flow().summary(seen).startswith(words)
    assert words in render(Flow().figure(seen))


def test_a_pause_is_told_as_long_as_it_lasts_and_the_rate_falls_to_nothing() -> None:
    seen = History(1000)
    for n in range(1, 301):  # 100 entries per sample for 10 s, then nothing for 10 s, then again
        moved = min(n, 100) + max(0, n - 200)
        ids = [EntryId(100 * moved + i) for i in range(100)] if not 100 < n <= 200 else []
        state = group("g", 500, cursor=EntryId(100 * moved), pending=7)
        about = {"ids": ids, "length": 100 * moved, "first": EntryId(1)}
        seen.append(sample(n, state, **about))
        scene = scene_of(seen)
        if n in (90, 290):
            assert scene["headline"] == "g is 500 entries behind"
            assert scene["rate"] == "1,000/s"
        if n == 199:
            assert scene["headline"] == "Nothing has moved for 9 s: g is 500 entries behind"
            assert scene["rate"] == "0.0/s"
    calm = history(*(sample(n, group("g"), time_ms=5000 * n) for n in (1, 2, 3)))
    assert finding(calm) == "The group keeps up", "a quiet stream is no standstill"


def test_producers_stand_apart_and_dead_letters_in_a_bin(redis: redis_py.Redis, key: str) -> None:
    scenario = Scenario(redis, seed=1)
    scenario.produce(key, series.constant(rate_hz=3), name="web")
    scenario.produce(key, series.constant(rate_hz=2))
    about = {"fail": 1.0, "claim_idle_ms": 500, "delivery_limit": 2, "service_ms": 100}
    scenario.group(key, "g", consumers=2, **about)  # type: ignore[arg-type]
    seen = scenario.run(seconds=6)
    assert [(one.name, one.added) for one in seen.last.producers] == [
        (one.name, one.added) for one in scenario.producers
    ]
    assert [one.name for one in seen.last.producers] == ["web", "producer-2"]
    new = {entry for sample in seen.samples for one in sample.producers for entry in one.new}
    assert new == {EntryId.parse(one) for one, _ in redis.xrange(key)}, "each has its producer"
    shapes = shapes_of(seen)
    assert [shapes[f"producer {i}"]["text"] for i in (0, 1)] == ["web ▾", "producer-2 ▾"]
    moved = redis.xlen(f"{key}:dead")
    assert moved > 3
    assert shapes["group 0 bin state"]["text"] == f"✝ {moved}"
    assert scene_of(seen)["groups"][0]["bin"]["count"] == moved


def test_what_is_not_known_has_its_piece_of_the_bar() -> None:
    lost = replace(group("g", None, verdict="unknown", pending=3), acked=40, gone=None, dropped=2)
    shapes = shapes_of(history(sample(1, lost, length=100, added=100)))
    assert parts_of(shapes) == ["up to 2 dropped", "55 unknown", "acknowledged", "3 pending"]
    titles = [one["title"] for key, one in shapes.items() if key.startswith("group 0 bar ")]
    assert titles == ["up to 2 dropped", "55 unknown", "40 acknowledged", "3 pending"]


def parts_of(shapes: dict[str, Shape]) -> list[str]:
    """Return the words below the bar of the first group, from left to right."""
    words = [one for key, one in shapes.items() if key.startswith("group 0 part ")]
    assert [one["x"] for one in words] == sorted(one["x"] for one in words)
    return [one["text"] for one in words]


@pytest.mark.parametrize("width", [280, 400, 720, 960])
def test_a_sample_of_each_part_of_the_bar_stands_before_its_word(width: int) -> None:
    busy = group("g", 50, pending=7, gone=9, acked=34)
    seen = history(sample(1, group("g")), sample(2, busy, length=100, added=100))
    shapes = shapes_of(seen, width)
    parts = {key.rpartition(" ")[2]: one for key, one in shapes.items() if " swatch " in key}
    words = {key.rpartition(" ")[2]: one for key, one in shapes.items() if " part " in key}
    assert parts.keys() == words.keys() <= {"gone", "acked", "pending", "waiting"}
    assert len(parts) == {280: 1, 400: 2}.get(width, 4), "what has no room is left out"
    for name, part in parts.items():
        assert part["kind"] == shapes[f"group 0 bar {name}"]["kind"], "it looks the same"
        assert part["h"] == shapes[f"group 0 bar {name}"]["h"], "a pending piece is thicker"
        assert 0 < words[name]["x"] - part["x"] - part["w"] < 6
    texts = [one["text"] for one in shapes.values() if "text" in one]
    numbers = [text.split()[0] for text in texts if text[:1].isdigit() and "entr" not in text]
    assert len(numbers) == len({*numbers}), "no number stands there twice"


def test_a_trimmed_or_deleted_entry_that_is_pending_is_crossed_out() -> None:
    held = [PendingEntry(EntryId(n), "ann", 9, 1) for n in (1, 2, 3, 4)]
    state = with_consumers(group("g", pending=4, oldest=held), (ConsumerInfo("ann", 4, 0, None),))
    trimmed = sample(1, state, length=2, first=EntryId(3), ids=[EntryId(3), EntryId(4)])
    deleted = replace(trimmed, max_deleted_id=EntryId(4))
    for last, lost in ((trimmed, ["1-0", "2-0"]), (deleted, ["1-0", "2-0", "4-0"])):
        shapes = shapes_of(history(last))
        assert [one["id"] for one in kinds(shapes, "lost")] == lost
        assert all("no longer in the stream" in one["title"] for one in kinds(shapes, "lost"))
        assert len(kinds(shapes, "held")) == 4 - len(lost)
        picture = render(Flow().figure(history(last)))
        crosses = re.findall(rf"<path d='M\d+ \d+L\d+ \d+' stroke='{RED}'/>", picture)
        assert len(crosses) == len(lost)
    emptied = replace(trimmed, length=0, first_id=EntryId.ZERO)
    assert len(kinds(shapes_of(history(emptied)), "lost")) == 4


def test_a_consumer_without_entries_holds_nothing_and_is_not_called_idle() -> None:
    state = with_consumers(group("g"), (ConsumerInfo("ann", 0, 0, None),))
    shapes = shapes_of(history(sample(1, state)), 400)
    assert shapes["group 0 0 state"]["text"] == "holds nothing"
    _, low = flow_shapes(scene_of(history(sample(1, state))), 400, low=True)
    assert [one["text"] for one in low if one["key"] == "group 0 0 name"] == ["ann: holds nothing"]


def test_what_was_acknowledged_before_the_first_sample_is_not_counted_as_none() -> None:
    before = group("g", 5, acked=0)
    seen = history(sample(1, before, length=25, added=25))
    shapes = shapes_of(seen)
    assert shapes["group 0 acked n"]["text"] == "?"
    assert parts_of(shapes) == ["20 unaccounted for", "waiting"]
    assert "g: 5 waiting, 0 pending, 20 unaccounted for." in Flow().summary(seen)
    assert parts_of(shapes_of(seen, 280)) == ["20 unknown"]
    fresh = shapes_of(history(sample(1, group("g", 25, acked=0), length=25, added=25)))
    assert fresh["group 0 acked n"]["text"] == "0", "nothing has left"
    later = shapes_of(history(sample(1, group("g", 2, acked=3), length=25, added=25)))
    assert later["group 0 acked n"]["text"] == "3"


@pytest.mark.parametrize("width", [400, 720, 960])
@pytest.mark.parametrize("pending", [1, 4, 5, 6, 8, 12, 120])
def test_a_box_says_how_many_entries_it_does_not_show(width: int, pending: int) -> None:
    oldest = [PendingEntry(EntryId(n), "quick", 9, 1) for n in range(1, pending + 1)]
    state = group("g", cursor=EntryId(pending), pending=pending, oldest=oldest)
    state = with_consumers(state, (ConsumerInfo("quick", pending, 0, None),))
    about = {"ids": [one.id for one in oldest], "length": pending, "first": EntryId(1)}
    shapes = shapes_of(history(sample(1, state, **about)), width)
    squares = kinds(shapes, "held")
    rest = shapes.get("group 0 0 rest", {"text": "+0", "x": width})
    assert len(squares) + int(rest["text"]) == pending
    assert rest["x"] < min(one["x"] for one in squares) or rest["text"] == "+0"
    assert shapes["group 0 0 name"]["text"] == "quick"


def test_a_narrow_box_has_room_for_one_square_and_the_number_of_others() -> None:
    names = [f"c{n}" for n in range(4)]
    oldest = [PendingEntry(EntryId(n + 1), names[n % 4], 9, 1) for n in range(48)]
    state = group("g", cursor=EntryId(48), pending=48, oldest=oldest)
    state = with_consumers(state, tuple(ConsumerInfo(name, 12, 0, None) for name in names))
    about = {"ids": [one.id for one in oldest], "length": 48, "first": EntryId(1)}
    shapes = shapes_of(history(sample(1, state, **about)), 720)
    boxes, squares = kinds(shapes, "box"), kinds(shapes, "held")
    held = [[one for one in squares if box["x"] <= one["x"] < box["x"] + box["w"]] for box in boxes]
    assert [len(one) for one in held] == [1, 1, 1, 1]
    assert [shapes[f"group 0 {n} rest"]["text"] for n in range(4)] == ["+11"] * 4


def test_a_group_keeps_its_colour_when_another_one_goes() -> None:
    both = history(sample(1, group("audit", 1), group("email", 1), length=1))
    before = scene_of(both)["groups"][1]["colour"]
    both.append(sample(2, group("email", 1), length=1))
    (left,) = scene_of(both)["groups"]
    assert (left["name"], left["colour"]) == ("email", before)


def test_after_xsetid_as_many_squares_wait_as_entries(redis: redis_py.Redis, key: str) -> None:
    stream, observer, seen = Stream(redis, key), Observer(redis, key), History()
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 11))
    stream.group("g").create("0")
    stream.group("g").consumer("ann").read(4)
    seen.append(observer.sample())
    stream.set_id("10-0", entries_added=100, max_deleted_id="0-0")
    seen.append(observer.sample())
    shapes = shapes_of(seen)
    assert len(kinds(shapes, "waits")) == 6
    assert {one["x"] for one in kinds(shapes, "waits")} < {
        one["x"] for one in kinds(shapes, "entry")
    }
    stream.add({"n": 11}, id="11-0")
    seen.append(observer.sample())
    assert len(kinds(shapes_of(seen), "waits")) == 7


def test_a_stream_that_was_made_anew_has_no_squares_of_the_old_one(
    redis: redis_py.Redis, key: str
) -> None:
    stream, observer, seen = Stream(redis, key), Observer(redis, key), History()
    for count, step in ((30, 2), (4, 10)):  # both have an entry 10-0
        redis.delete(key)
        stream.add_many((f"{n * step}-0", {"n": n}) for n in range(1, count + 1))
        stream.group("g").create("0")
        stream.group("g").consumer("ann").read(1)
        seen.append(observer.sample())
    shapes = shapes_of(seen)
    assert len(kinds(shapes, "entry")) == 4
    assert len(kinds(shapes, "waits")) == 3
    (held,) = kinds(shapes, "held")
    assert held["enters"][0] == min(one["x"] for one in kinds(shapes, "entry"))


def test_the_ids_of_a_short_tape_stand_below_it() -> None:
    ids = [EntryId(n) for n in range(1, 10)]
    shapes = shapes_of(history(sample(1, ids=ids, length=9, first=ids[0])))
    assert shapes["oldest"]["x"] == min(one["x"] for one in kinds(shapes, "entry"))
    assert (shapes["oldest"]["text"], shapes["newest"]["text"]) == ("1-0", "9-0")
    long = [EntryId(1767225600000 + n) for n in range(4)]
    shapes = shapes_of(history(sample(1, ids=long, length=4, first=long[0])))
    assert shapes["oldest"]["text"] == ""
    assert shapes["newest"]["text"] == f"{long[0]} to {long[-1]}"


def test_where_nothing_comes_no_arrow_says_so() -> None:
    still = shapes_of(history(sample(1, length=3)))
    assert "producer 0" not in still
    moving = shapes_of(history(*(sample(n, length=3, time_ms=2000 * n) for n in (1, 2))))
    assert moving["producer 0"]["text"] == "new entries ▾"


def test_an_unknown_lag_draws_no_cursor_and_a_far_reader_says_so() -> None:
    lost = group("g", None, cursor=EntryId(1), verdict="unknown", behind_ms=None)
    ids = [EntryId(n) for n in range(5, 9)]
    about = {"ids": ids, "length": 50, "first": EntryId(1), "readers": {"ann": EntryId(2)}}
    shapes = shapes_of(history(sample(1, lost, **about)))
    assert shapes["group 0 waiting"]["text"] == "unknown waiting"
    assert "group 0 cursor" not in shapes
    assert shapes["reader 0 far"]["text"] == "far behind"


@pytest.mark.parametrize("width", [360, 400, 640, 960, 1920])
def test_nothing_stands_outside_or_upon_another_text(
    redis: redis_py.Redis, key: str, width: int
) -> None:
    scene = scene_of(shop(redis, key).run(seconds=6))
    height, shapes = flow_shapes(scene, width)
    boxes = []
    for one in shapes:
        if one.get("text"):
            letter = {"headline": 10.0, "name": 8.0}.get(one["kind"], 6.6)
            wide = len(one["text"]) * letter
            left = one["x"] - wide * (one["anchor"] == "end")
            boxes.append((one["key"], left, one["y"] - 10, left + wide, one["y"]))
    assert len(boxes) > 15
    for name, left, top, right, bottom in boxes:
        assert left >= 0, name
        assert right <= width, name
        assert 0 <= top < bottom <= height, name
        for other, left2, top2, right2, bottom2 in boxes:
            apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
            assert apart or name == other, (name, other)


@pytest.mark.slow
def test_a_frame_is_small_and_does_not_grow(redis: redis_py.Redis, key: str) -> None:
    scenario = Scenario(redis, seed=7, limit=2000)
    scenario.produce(key, series.constant(rate_hz=30), maxlen=500)
    for name in ("audit", "billing", "email"):
        scenario.group(key, name, consumers=4, service_ms=100)
    seen, sizes = History(900), []
    for one in scenario.run(seconds=40).samples:
        before = seen.newest.n if seen.newest else 0
        seen.append(one)
        sizes.append(len(json.dumps(Flow().delta(seen, before, None), separators=(",", ":"))))
    assert max(sizes[20:]) < 2500
    assert sum(sizes[-50:]) < 1.2 * sum(sizes[50:100])


def test_the_tape_has_the_newest_entries() -> None:
    samples = [sample(n, ids=[EntryId(n)], length=n, first=EntryId(1)) for n in range(1, 301)]
    tape = Flow().figure(history(*samples))["data"][0]
    assert len(tape["x"]) == MAX_TAPE
    assert tape["y"] == list(range(101, 301))
    assert tape["customdata"] == [f"{n}-0" for n in range(101, 301)]
