"""The people in front of the lobby, and the picture of who sits where."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
import redis as redis_py
from plots.histories import HOSTILE

from go_game.lobby_clients import Hall
from go_game.messages import FIELD, GameReady, Stream, encode
from go_game.seats_plot import Seats
from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.plots.figure import Figure, apply
from streamviz.plots.svg import render


@pytest.fixture
def hall(redis: redis_py.Redis, prefix: str) -> Hall:
    return Hall(redis, prefix, every_ms=1000)


def figure(hall: Hall) -> Figure:
    return Seats(hall.histories).figure(first(hall))


def first(hall: Hall) -> History:
    return hall.histories["find-public-game"]


def lanes(hall: Hall) -> dict[str, list[tuple[str, float, float]]]:
    """Return for each player what the picture shows: the trace's name, from when, until when."""
    shown = figure(hall)
    names = shown["layout"]["yaxis"]["ticktext"]
    found: dict[str, list[tuple[str, float, float]]] = {name: [] for name in names}
    for trace in shown["data"][2:]:
        for at in range(0, len(trace["x"]), 3):
            place = round(-trace["y"][at] - 0.08)
            span = trace["x"][at], trace["x"][at + 1]
            found[names[place]].append((trace["name"], *span))
    return found


def test_two_who_ask_meet_and_a_third_waits(hall: Hall) -> None:
    for who in ("ann", "ben", "cy"):
        hall.find(who)
        hall.listen()
    (ready,) = hall.said(Stream.GAME_READY)
    assert isinstance(ready, GameReady)
    assert {ready.black, ready.white} == {"ann", "ben"}
    assert lanes(hall) == {
        "ann": [("waits", 1.0, 2.0), ("game 1", 2.0, 3.0)],
        "ben": [("game 1", 2.0, 3.0)],
        "cy": [("waits", 3.0, 3.0)],
    }
    assert figure(hall)["summary"] == "3 players. game 1: ann, ben; waiting: cy."


def test_who_leaves_leaves_the_seat_and_the_other_stays(hall: Hall) -> None:
    for who in ("ann", "ben"):
        hall.find(who)
        hall.listen()
    hall.leave("ann")
    hall.listen()
    shown = lanes(hall)
    assert shown["ann"][-1] == ("game 1", 2.0, 2.5)
    assert shown["ben"] == [("game 1", 2.0, 3.0)]
    assert "game 1: ben;" in figure(hall)["summary"]


def test_who_was_gone_before_the_lobby_came_does_not_wait(hall: Hall) -> None:
    _ = hall.find("kim"), hall.leave("kim"), hall.find("lou")
    hall.listen()
    assert figure(hall)["summary"] == "2 players. waiting: lou."
    hall.find("kim")
    hall.listen()
    assert "game 1: kim, lou" in figure(hall)["summary"].replace("lou, kim", "kim, lou")


def test_a_player_who_is_seated_twice_shows_as_two_bands(hall: Hall) -> None:
    for number, other in enumerate(("ann", "ben")):
        ready = GameReady(f"g{number}", "r", f"e{number}", "zoe", other, 19)
        hall.client.xadd(f"{hall.keys.prefix}game-ready", {FIELD: encode(ready)})
    hall.listen()
    bands = lanes(hall)["zoe"]
    assert [name for name, *_ in bands] == ["game 1", "game 2"]
    heights = {trace["y"][0] for trace in figure(hall)["data"][3:] if trace["y"][0] > -0.5}
    assert len(heights) == 2, "one does not hide the other"


def test_a_wrong_door_is_a_cross_and_the_right_one_a_seat(hall: Hall) -> None:
    hall.create("dee", "PRIVATE", 9, "attic")
    hall.join("fay", "cellar")
    hall.listen()
    assert len(figure(hall)["data"][1]["x"]) == 1
    hall.join("fay", "attic")
    hall.listen()
    assert lanes(hall)["fay"] == [("game 1", 2.5, 2.5)]
    assert len(figure(hall)["data"][0]["x"]) == 3


def test_every_delta_leads_to_the_whole_figure(hall: Hall) -> None:
    plot = Seats(hall.histories)
    shown, identity = plot.figure(first(hall)), plot.structure_key(first(hall))
    for who in ("ann", "ben", "cy", "dee"):
        for act in (hall.find, hall.leave, hall.find):
            act(who)
            hall.listen()
            delta = plot.delta(first(hall), shown["n"], identity)
            shown, identity = apply(shown, delta), plot.structure_key(first(hall))
            assert shown == plot.figure(first(hall))


def test_hostile_names_and_messages_make_a_picture_all_the_same(hall: Hall) -> None:
    names = [name for name in HOSTILE if "\udcff" not in name and len(name) < 200]
    assert len(names) > 5
    for name in names:
        hall.find(name)
    for stream in hall.histories:
        hall.client.xadd(f"{hall.keys.prefix}{stream}", {"data": "?"})
        hall.client.xadd(f"{hall.keys.prefix}{stream}", {"<b>": "no data"})
    hall.listen()
    shown = figure(hall)
    assert len(shown["layout"]["yaxis"]["ticktext"]) == len(names)
    assert "<" not in json.dumps(shown["data"] + shown["layout"]["yaxis"]["ticktext"])
    ElementTree.fromstring(render(shown))


def test_an_empty_hall_is_a_picture_too(hall: Hall) -> None:
    shown = figure(hall)
    assert shown["summary"] == "0 players. waiting: nobody."
    ElementTree.fromstring(render(shown))


def test_the_same_wish_again_is_one_seat(hall: Hall) -> None:
    hall.find("ann", req_id="r")
    hall.find("ann", req_id="r")
    hall.find("ben")
    hall.listen()
    assert len(hall.said(Stream.GAME_READY)) == 1
    assert len(hall.said(Stream.WAIT_FOR_OPPONENT)) == 1


@pytest.mark.parametrize("bad", [1, 0, -5, 2.5, True, "1000"])
def test_a_pace_that_is_none_is_refused(redis: redis_py.Redis, prefix: str, bad: Any) -> None:
    with pytest.raises(InputError, match="every_ms"):
        Hall(redis, prefix, every_ms=bad)
    assert not redis.keys(f"{prefix}*")
