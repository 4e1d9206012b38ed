"""The lobby's clients, and the plot of their seats."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
import redis as redis_py
from plots.histories import HOSTILE

from go_game.lobby_clients import LobbyClients
from go_game.messages import FIELD, GameReady, Topic, encode
from go_game.seats_plot import SeatsPlot
from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.plots.figure import Figure, apply
from streamviz.plots.svg import render
from streamviz.plots.traces import GREY


@pytest.fixture
def clients(redis: redis_py.Redis, prefix: str) -> LobbyClients:
    return LobbyClients(redis, prefix, every_ms=1000)


def figure(clients: LobbyClients) -> Figure:
    return SeatsPlot(clients.histories).figure(first(clients))


def first(clients: LobbyClients) -> History:
    return clients.histories["find-public-game"]


def lanes(clients: LobbyClients) -> dict[str, list[tuple[str, float, float]]]:
    """Return what the plot shows for each session: trace name, start and end."""
    shown = figure(clients)
    names = shown["layout"]["yaxis"]["ticktext"]
    found: dict[str, list[tuple[str, float, float]]] = {name: [] for name in names}
    for trace in shown["data"][3:-2]:
        for at in range(0, len(trace["x"]), 3):
            place = round(-trace["y"][at] - 0.08)
            span = trace["x"][at], trace["x"][at + 1]
            found[names[place]].append((trace["name"], *span))
    return found


def test_two_players_meet_and_a_third_waits(clients: LobbyClients) -> None:
    for who in ("ann", "ben", "cy"):
        clients.find(who)
        clients.listen()
    (ready,) = clients.read(Topic.GAME_READY)
    assert isinstance(ready, GameReady)
    assert {ready.black, ready.white} == {"ann", "ben"}
    assert lanes(clients) == {
        "ann": [("waits", 0.5, 2.0), ("game 1", 2.0, 3.0)],
        "ben": [("waits", 1.5, 2.0), ("game 1", 2.0, 3.0)],
        "cy": [("waits", 2.5, 3.0)],
    }
    assert figure(clients)["summary"] == "3 players. game 1: ann, ben; waiting: cy."
    *_, game, labels, _events = figure(clients)["data"]
    assert labels["text"] == ["game 1", "game 1", ""], "at the end of its bar, and in no legend"
    assert labels["x"] == [*game["x"][1::3], 0], "the axis begins where those of other plots do"
    assert labels["y"] == [*game["y"][1::3], None]
    assert labels["textfont"]["color"] == [*[game["line"]["color"]] * 2, GREY]
    assert figure(clients)["layout"]["showlegend"] is False


def test_a_player_who_leaves_gives_up_the_seat_and_the_other_stays(clients: LobbyClients) -> None:
    for who in ("ann", "ben"):
        clients.find(who)
        clients.listen()
    clients.leave("ann")
    clients.listen()
    shown = lanes(clients)
    assert shown["ann"][-1] == ("game 1", 2.0, 2.5)
    assert shown["ben"] == [("waits", 1.5, 2.0), ("game 1", 2.0, 3.0)]
    leaves = figure(clients)["data"][2]
    assert leaves["x"] == [2.5, 2.5, None], "a bar across the lane"
    over = figure(clients)["data"][-2]
    assert over["y"][:2] == [0.55, -1], "the name of a game that is over stands above the lane"
    assert "game 1: ben;" in figure(clients)["summary"]


def test_a_player_who_left_before_the_lobby_answered_does_not_wait(clients: LobbyClients) -> None:
    _ = clients.find("kim"), clients.leave("kim"), clients.find("lou")
    clients.listen()
    assert figure(clients)["summary"] == "2 players. waiting: lou."
    clients.find("kim")
    clients.listen()
    assert "game 1: kim, lou" in figure(clients)["summary"].replace("lou, kim", "kim, lou")


def test_a_player_who_is_seated_twice_shows_as_two_bands(clients: LobbyClients) -> None:
    for number, other in enumerate(("ann", "ben")):
        ready = GameReady(f"g{number}", "r", f"e{number}", "zoe", other, 19)
        clients.client.xadd(f"{clients.keys.prefix}game-ready", {FIELD: encode(ready)})
    clients.listen()
    bands = lanes(clients)["zoe"]
    assert [name for name, *_ in bands] == ["game 1", "game 2"]
    games = figure(clients)["data"][4:-2]
    heights = {trace["y"][0] for trace in games if trace["y"][0] > -0.5}
    assert len(heights) == 2, "one does not hide the other"


def test_who_is_seated_once_has_the_bar_on_the_lane(clients: LobbyClients) -> None:
    for who in ("ann", "ben", "cy", "dee"):
        clients.find(who)
        clients.listen()
    clients.leave("ann")
    clients.listen()
    clients.find("ann")
    clients.find("eve")
    clients.listen()
    heights = {y for trace in figure(clients)["data"][4:-2] for y in trace["y"] if y is not None}
    assert heights == {0, -1, -2, -3, -4}, "games of one after another, and of others, do not lower"


def test_a_wrong_door_is_a_cross_and_the_right_one_a_seat(clients: LobbyClients) -> None:
    clients.create("dee", "PRIVATE", 9, "attic")
    clients.join("fay", "cellar")
    clients.listen()
    assert len(figure(clients)["data"][1]["x"]) == 1
    clients.join("fay", "attic")
    clients.listen()
    assert lanes(clients)["fay"] == [("waits", 1.0, 1.5), ("waits", 2.0, 2.5), ("game 1", 2.5, 2.5)]
    assert len(figure(clients)["data"][0]["x"]) == 3


def test_every_delta_leads_to_the_whole_figure(clients: LobbyClients) -> None:
    plot = SeatsPlot(clients.histories)
    shown, identity = plot.figure(first(clients)), plot.structure_key(first(clients))
    for who in ("ann", "ben", "cy", "dee"):
        for act in (clients.find, clients.leave, clients.find):
            act(who)
            clients.listen()
            delta = plot.delta(first(clients), shown["n"], identity)
            shown, identity = apply(shown, delta), plot.structure_key(first(clients))
            assert shown == plot.figure(first(clients))


def test_hostile_names_and_messages_make_a_picture_all_the_same(clients: LobbyClients) -> None:
    names = [name for name in HOSTILE if "\udcff" not in name and len(name) < 200]
    assert len(names) > 5
    for name in names:
        clients.find(name)
    for stream in clients.histories:
        clients.client.xadd(f"{clients.keys.prefix}{stream}", {"data": "?"})
        clients.client.xadd(f"{clients.keys.prefix}{stream}", {"<b>": "no data"})
    clients.listen()
    shown = figure(clients)
    assert len(shown["layout"]["yaxis"]["ticktext"]) == len(names)
    assert "<" not in json.dumps(shown["data"] + shown["layout"]["yaxis"]["ticktext"])
    ElementTree.fromstring(render(shown))


def test_an_empty_lobby_can_be_drawn(clients: LobbyClients) -> None:
    shown = figure(clients)
    assert shown["summary"] == "0 players. waiting: none."
    ElementTree.fromstring(render(shown))


def test_a_note_is_a_hairline_with_words(clients: LobbyClients) -> None:
    clients.find("ann")
    before = SeatsPlot(clients.histories).structure_key(first(clients))
    clients.note("lobby away")
    shown = figure(clients)
    assert shown["data"][-1]["text"] == ["", "lobby away", ""]
    assert shown["data"][-1]["x"][:2] == [0.5, 0.5]
    assert shown["layout"]["yaxis"]["range"][1] > 2, "the words stand above the lanes"
    assert SeatsPlot(clients.histories).structure_key(first(clients)) != before


def test_who_left_before_the_answer_waits_until_then(clients: LobbyClients) -> None:
    clients.find("ida")
    clients.leave("ida")
    clients.listen()
    assert lanes(clients)["ida"] == [("waits", 0.5, 1.0)]


def test_a_repeated_request_is_one_seat(clients: LobbyClients) -> None:
    clients.find("ann", req_id="r")
    clients.find("ann", req_id="r")
    clients.find("ben")
    clients.listen()
    assert len(clients.read(Topic.GAME_READY)) == 1
    assert len(clients.read(Topic.WAIT_FOR_OPPONENT)) == 1


@pytest.mark.parametrize("bad", [1, 0, -5, 2.5, True, "1000"])
def test_an_invalid_pace_is_rejected(redis: redis_py.Redis, prefix: str, bad: Any) -> None:
    with pytest.raises(InputError, match="every_ms"):
        LobbyClients(redis, prefix, every_ms=bad)
    assert not redis.keys(f"{prefix}*")
