"""The pictures of notebooks 05 and 06 say what Redis says, in words too."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import redis as redis_py

from exercises.age_lanes import AgeLanes
from exercises.moments import Moments
from exercises.trimming_pictures import (
    Nodes,
    average_kb,
    bars,
    caps_compared,
    left_and_pending,
    pending_and_there,
    trays,
)
from streamviz import Scenario, Stream, series
from streamviz.observation.history import History
from streamviz.plots.svg import render
from streamviz.plots.traces import RED


def test_each_column_of_the_moments_is_what_xpending_said_then(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 4))
    crew = stream.group("crew")
    crew.create("0")
    ann, ben = crew.consumer("ann"), crew.consumer("ben")
    moments, since = Moments(crew).add("new"), Moments(crew, since="3-0")
    ann.read(2)
    moments.add("read")
    ben.claim(["1-0"])
    stream.delete("2-0")
    stream.add({"n": 4}, id="4-0")
    moments.add("claimed")
    ben.ack("1-0")
    ben.autoclaim(min_idle_ms=0)
    moments.add("<done>")
    assert repr(moments) == (
        "new, read, claimed, <done>: "
        "1-0 waiting, ann ×1, ben ×2, not pending; "
        "2-0 waiting, ann ×1, ann ×1 (deleted), deleted; "
        "3-0 waiting, waiting, waiting, waiting; "
        "4-0 waiting, waiting"
    )
    ET.fromstring(moments._repr_svg_())
    assert repr(since.add("now")) == "now: 3-0 waiting; 4-0 waiting"


def test_only_the_last_seven_moments_are_shown_and_ids_of_the_clock_have_no_name(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add({"n": 1})
    crew = stream.group("crew")
    crew.create("0")
    moments = Moments(crew)
    for n in range(9):
        moments.add(str(n))
    assert repr(moments).startswith("2, 3, 4, 5, 6, 7, 8: new ID waiting")


def test_each_group_has_a_lane_with_its_largest_age_and_what_ended_it(
    redis: redis_py.Redis, key: str
) -> None:
    desk = Scenario(redis, seed=5)
    desk.produce(key, series.orders(rate_hz=4))
    plan = {"consumers": 2, "service_ms": 150, "crash_after": 5}
    desk.group(key, "back", revive_after_s=4, **plan)  # type: ignore[arg-type]
    desk.group(key, "calm", consumers=2, service_ms=150)
    desk.group(key, "late", claim_idle_ms=2_000, **plan)  # type: ignore[arg-type]
    desk.group(key, "none", **plan)  # type: ignore[arg-type]
    assert AgeLanes().figure(History())["summary"]
    figure = AgeLanes().figure(desk.run(seconds=12))
    *lanes, words, crashes = figure["data"]
    assert figure["layout"]["yaxis"]["ticktext"] == ["back", "calm", "late", "none"]
    assert [max(lane["y"]) + place > 0.1 for place, lane in enumerate(lanes)] == [
        True,
        False,
        True,
        True,
    ]
    ends = [text.partition(", ")[2] for text in words["text"] if text != "crash"]
    assert ends == ["revived", "claimed", "still pending"]
    assert len(crashes["x"]) == 3
    assert "none at most" in figure["summary"]
    assert "still pending" in render(figure)


def test_nodes_show_how_many_of_each_hundred_entries_are_left(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 1001))
    nodes = Nodes(stream)
    stream.trim(maxlen=150)
    words = nodes.add("trimmed").text
    assert words.endswith(f"trimmed: {'0 (crossed out), ' * 8}50, 100")
    assert stream.info().radix_tree_keys == 2


def test_letters_and_parcels_are_crossed_out_where_they_are_gone(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    ids = [f"{n}-0" for n in range(1, 7)]
    stream.add_many((one, {"n": 1}) for one in ids)
    group = stream.group("movers")
    group.create("0")
    group.consumer("ann").read(3)
    stream.trim(maxlen=4)
    words = trays({"KEEPREF": left_and_pending(group)}).text
    gone = "1 (crossed out), 2 (crossed out), 3"
    assert words == f"KEEPREF: stream: {gone}, 4, 5, 6; KEEPREF: pending: {gone}"
    group.ack("1-0", "2-0")
    pending = pending_and_there(group, ids).text
    assert pending.startswith("in the stream: 1-0 (crossed out), 2-0 (crossed out), 3-0")
    assert pending.endswith("pending: 3-0")
    assert pending_and_there(group).text == "in the stream: 3-0, 4-0, 5-0, 6-0; pending: 3-0"
    acked = trays({"ACKED": left_and_pending(group)})
    assert acked.text == f"ACKED: stream: {gone}, 4, 5, 6; ACKED: pending: 3"
    assert "stroke-dasharray" in acked.svg
    assert RED not in acked.svg, "no group needs 1 and 2"
    stream.trim(maxlen=3)
    assert RED in trays({"KEEPREF": left_and_pending(group)}).svg


def test_two_caps_are_drawn_on_one_scale(redis: redis_py.Redis, key: str) -> None:
    shop = Scenario(redis, seed=6, memory=True)
    names = f"{key}-rough", f"{key}-exact"
    shop.produce(names[0], series.orders(rate_hz=50), maxlen=100, approximate=True)
    shop.produce(names[1], series.orders(rate_hz=50), maxlen=100)
    shop.run(seconds=8)
    picture = caps_compared(shop, *names)
    assert all(f"{name}: " in picture.text for name in names)
    assert all(name in picture.svg for name in names)
    rough, exact = (average_kb(shop, name, last_s=4) for name in names)
    assert 0 < exact <= rough * 1.1


def test_bars_are_as_long_as_their_values() -> None:
    picture = bars({"added": 10, "read & kept": 200}, "bytes")
    widths = [
        float(one.get("width", "0"))
        for one in ET.fromstring(picture.svg).iter("{http://www.w3.org/2000/svg}rect")
    ]
    assert widths[1] == 20 * widths[0]
    assert picture.text == "added 10.0 bytes, read & kept 200.0 bytes"
