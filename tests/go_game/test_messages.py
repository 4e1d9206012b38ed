"""The messages: encoded and decoded, with a clear error for every invalid one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from go_game import messages
from go_game.messages import (
    CreateGame,
    FindPublicGame,
    GameReady,
    GameState,
    JoinPrivateGame,
    MakeMove,
    Message,
    MoveMade,
    MoveRejected,
    PrivateGameRejected,
    SessionDisconnected,
    Topic,
    WaitForOpponent,
)
from go_game.rules import MOVES_LIMIT, Coord, Game, Player
from go_game.validation import BadMessage

BLACK = Player.BLACK
EXAMPLES: list[Message] = [
    MakeMove("g", "r", BLACK, Coord(3, 4)),
    MakeMove("ü", "r" * 200, Player.WHITE, None),
    MoveMade("g", "r", "e", BLACK, Coord(3, 4), (Coord(0, 0), Coord(1, 0))),
    MoveMade("g", "r", "e", BLACK, None, ()),
    MoveRejected("g", "r", BLACK, Coord(-1, 99), "why"),
    GameState("g", Game.new(9).play(BLACK, Coord(2, 2))[0]),
    FindPublicGame("s", "r"),
    CreateGame("s", "r", "PRIVATE", 13, "mine"),
    CreateGame("s", "r", "PUBLIC", 9),
    JoinPrivateGame("s", "r", "g"),
    SessionDisconnected("s"),
    WaitForOpponent("g", "s", "r", "e", "PUBLIC", 19),
    GameReady("g", "r", "e", "s", "t", 19),
    PrivateGameRejected("g", "s", "r", "e", "why"),
]


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda one: type(one).__name__)
def test_a_message_survives_a_round_trip(message: Message) -> None:
    stream = messages.topic_of(message)
    assert messages.decode(stream, {"data": messages.encode(message)}) == message


def test_every_stream_has_its_message_and_is_documented() -> None:
    import go_game

    assert {messages.topic_of(one) for one in EXAMPLES} == set(Topic)
    assert all(f"``{one}``" in (go_game.__doc__ or "") for one in Topic)


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda one: type(one).__name__)
def test_a_missing_field_is_named(message: Message) -> None:
    whole = json.loads(messages.encode(message))
    optional = {"game_id"} if isinstance(message, CreateGame) else set()
    for name in set(whole) - optional:
        less = {key: value for key, value in whole.items() if key != name}
        with pytest.raises(BadMessage, match=f"'{name}'"):
            messages.decode(messages.topic_of(message), {"data": json.dumps(less)})


@pytest.mark.parametrize("wrong", [7, None, "", "x" * 201, ["a"], {"a": 1}, True, "\ud800"])
def test_an_id_is_a_text_of_some_letters(wrong: Any) -> None:
    for name in ("game_id", "req_id"):
        data = {"game_id": "g", "req_id": "r", "player": "BLACK", "coord": None, name: wrong}
        with pytest.raises(BadMessage, match=f"{name}="):
            messages.decode("make-move", {"data": json.dumps(data)})


@pytest.mark.parametrize("wrong", [7.5, 7, 9.0, "9", True, None, [9], 10**30])
def test_a_board_has_one_of_three_sizes(wrong: Any) -> None:
    data = {"session_id": "s", "req_id": "r", "visibility": "PUBLIC", "board_size": wrong}
    with pytest.raises(BadMessage, match=r"board_size=.*: send one of 9, 13, 19"):
        messages.decode("create-game", {"data": json.dumps(data)})


@pytest.mark.parametrize("wrong", ["black", "GREEN", 1, None, ""])
def test_a_player_is_black_or_white(wrong: Any) -> None:
    data = {"game_id": "g", "req_id": "r", "player": wrong, "coord": None}
    with pytest.raises(BadMessage, match=r"player=.*: send one of BLACK, WHITE"):
        messages.decode("make-move", {"data": json.dumps(data)})


@pytest.mark.parametrize("wrong", [[3, 3], {"x": 3}, {"x": 3, "y": 3.0}, {"x": 3, "y": True}, "d4"])
def test_a_coord_has_two_whole_numbers(wrong: Any) -> None:
    data = {"game_id": "g", "req_id": "r", "player": "BLACK", "coord": wrong}
    with pytest.raises(BadMessage, match=r"coord=.*or null to pass"):
        messages.decode("make-move", {"data": json.dumps(data)})


def test_captures_must_be_a_list() -> None:
    whole = json.loads(messages.encode(EXAMPLES[2]))
    for wrong in (7, {"x": 1, "y": 1}, [[1, 1]]):
        with pytest.raises(BadMessage, match="captured="):
            messages.decode("move-made", {"data": json.dumps(whole | {"captured": wrong})})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "no field 'data'"),
        ({"Data": "{}"}, "no field 'data' but Data"),
        ({"data": ""}, "is not JSON"),
        ({"data": "{'a': 1}"}, "is not JSON"),
        ({"data": "[" * 200_000}, "is not JSON"),
        ({"data": "1" * 5000}, "is not JSON"),
        ({"data": "7"}, "is not a JSON object"),
        ({"data": '"text"'}, "is not a JSON object"),
        ({"data": "x" * 10_000_001}, "10000001 bytes: send at most 10000000"),
        ({"data": "ü" * 5_000_001}, "10000002 bytes"),
    ],
)
def test_an_entry_without_a_json_object_is_an_error(fields: dict[str, str], said: str) -> None:
    with pytest.raises(BadMessage, match=said) as caught:
        messages.decode("make-move", fields)
    assert len(str(caught.value)) < 400, "the message is short however long the data"


def test_a_state_has_a_megabyte_and_the_longest_game_has_room_in_it() -> None:
    with pytest.raises(BadMessage, match="1000001 bytes: send at most 1000000"):
        messages.decode("game-states", {"data": "x" * 1_000_001})
    moves = [[18, 18]] * MOVES_LIMIT
    whole = json.loads(messages.encode(EXAMPLES[5])) | {"game_id": "\U0001f375" * 200}
    assert len(json.dumps(whole | {"moves": moves}, indent=4)) < 1_000_000


@pytest.mark.parametrize("field", ["game_id", "req_id", "player", "coord"])
def test_deeply_nested_json_is_an_error(field: str) -> None:
    good = {"game_id": "g", "req_id": "r", "player": "BLACK", "coord": None}
    for depth in range(900, 1010):
        value = "[" * depth + "1" + "]" * depth
        text = json.dumps({name: one for name, one in good.items() if name != field})
        with pytest.raises(BadMessage, match=f"{field}=|is not JSON"):
            messages.decode("make-move", {"data": f'{text[:-1]},"{field}":{value}}}'})


def test_ten_megabytes_are_not_too_much() -> None:
    whole = json.loads(messages.encode(EXAMPLES[0]))
    data = json.dumps(whole | {"note": ""})
    data = json.dumps(whole | {"note": "x" * (10_000_000 - len(data))})
    assert len(data) == 10_000_000
    assert messages.decode("make-move", {"data": data}) == EXAMPLES[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_comes_is_a_message_or_a_bad_one(data: st.DataObject) -> None:
    example = data.draw(st.sampled_from(EXAMPLES))
    whole = json.loads(messages.encode(example))
    for name in data.draw(st.lists(st.sampled_from(sorted(whole)), max_size=3)):
        whole[name] = data.draw(JSON)
    text = json.dumps(whole)
    if data.draw(st.booleans()):
        cut = data.draw(st.integers(0, len(text)))
        text = text[:cut] + data.draw(st.text(max_size=3)) + text[cut:]
    found = read(example, text)
    if isinstance(found, BadMessage):
        assert len(str(found)) < 600
    else:
        assert messages.decode(messages.topic_of(found), {"data": messages.encode(found)}) == found


def read(example: Message, text: str) -> Message | BadMessage:
    try:
        return messages.decode(messages.topic_of(example), {"data": text})
    except BadMessage as error:
        return error


def test_an_event_of_the_same_request_has_the_same_id() -> None:
    assert messages.event_id("move", "g", "r") == messages.event_id("move", "g", "r")
    assert messages.event_id("a", "bc") != messages.event_id("ab", "c")
