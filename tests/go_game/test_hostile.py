"""A service survives any entry on the streams that it reads, and reports what is wrong with it."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py
from acceptance import Play, RedisTopics
from lobby_model import REQUEST_TOPICS, LobbyPlayers
from slow import slow_but

from go_game.judge import Judge
from go_game.lobby import Lobby
from go_game.messages import Topic
from go_game.rules import Game, Player
from streamviz.client.entry_id import EntryId

BLACK, WHITE = Player.BLACK, Player.WHITE

NUMBERS = ["1e999", "-1e999", "NaN", "Infinity", "-Infinity", "1e308", "-0.0", "1.5", "-1", "0"]
NUMBERS += ["1" * 4300, "1" * 4301, "-" + "9" * 4300, "1" * 100_000, "1" * 100_000 + ".0", "true"]
TEXTS = [r'"\ud800"', r'"\udfff\ud800"', '"\udcff"', r'"\u0000"', '""', f'"{"x" * 100_000}"']
BOXES = ["[]", "{}", "null", '{"x":1e999,"y":NaN}', "[[[1,2]]]", '[{"":{}}]', "[1e999]"]
DEPTHS = [10, 100, 300, *range(920, 1000), 3000, 10_000, 50_000, 100_000]
DEEP = ["[" * depth + "1" + "]" * depth for depth in DEPTHS]
DEEP += ['{"x":' * depth + "1" + "}" * depth for depth in DEPTHS]
VALUES = [*NUMBERS, *TEXTS, *BOXES, *DEEP]

ENTRIES: list[dict[Any, Any]] = [
    {"data": ""},
    {"data": b"\xff\xfe\x00"},
    {"data": "\ufeff{}"},
    {"data": "[" * 1_000_000},
    {"data": '{"a":' * 1_000_000},
    {"data": "1" * 1_000_000},
    {"data": '{"game_id":"g"' + " " * 10_000_000 + "}"},
    {b"\xff": b"\xff"},
    {f"field {n}": "" for n in range(10_000)},
]

NEWER = Game.new(9).play(BLACK, None)[0].play(WHITE, None)[0]  # than what is known
GOOD: dict[str, dict[str, Any]] = {
    "make-move": {"game_id": "g", "req_id": "r", "player": "BLACK", "coord": {"x": 0, "y": 0}},
    "game-states": {"game_id": "new", **NEWER.to_dict()},
    "find-public-game": {"session_id": "s", "req_id": "r"},
    "create-game": {
        "session_id": "s",
        "req_id": "r",
        "visibility": "PUBLIC",
        "board_size": 9,
        "game_id": "g",
    },
    "join-private-game": {"session_id": "s", "req_id": "r", "game_id": "g"},
    "session-disconnected": {"session_id": "s"},
}


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """Collect no garbage while a document is read: its finalizers would have no stack left."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def spoilt(good: dict[str, Any]) -> list[dict[Any, Any]]:
    """Return entries with each bad value in place of each field, and of the whole message."""
    texts = [value for value in VALUES if not value.startswith("{")]
    for name in good:
        others = {key: value for key, value in good.items() if key != name}
        start = json.dumps(others)[:-1] + (", " if others else "")
        texts += [f'{start}"{name}": {value}}}' for value in VALUES]
    encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    return [*ENTRIES, *({"data": data} for data in encoded)]


def add(redis: redis_py.Redis, stream: str, entries: list[dict[Any, Any]]) -> list[bytes]:
    pipe = redis.pipeline(transaction=False)
    for fields in entries:
        pipe.xadd(stream, fields)
    return pipe.execute()  # type: ignore[no-any-return]


def reasons(redis: redis_py.Redis, stream: str) -> dict[bytes, str]:
    """Return the errors of the dead letters, by entry ID."""
    letters: Any = redis.xrange(f"{stream}:dead")
    return {
        fields[b"dead-letter:id"]: fields[b"dead-letter:error"].decode(errors="replace")
        for _, fields in letters
    }


def test_any_move_is_answered_or_a_dead_letter_and_the_next_is_made(
    redis: redis_py.Redis, prefix: str
) -> None:
    judge, play = Judge(redis, prefix), Play(RedisTopics(redis, prefix))
    judge.prepare()
    play.open("g")
    entries = spoilt(GOOD["make-move"])
    sent = add(redis, judge.stream.key, entries)
    play.move("g", BLACK, (4, 4), "the next")
    while judge.step():
        pass
    dead = reasons(redis, judge.stream.key)
    topics = play.topics
    answers = [*map(json.loads, topics.read("move-made") + topics.read("move-rejected"))]
    assert {"r", "the next"} <= {one["reply_to"] for one in answers}
    others = [one for one in sent if one not in dead]
    assert len(dead) > 200
    assert all(dead.values())
    assert all(message_of(redis, judge.stream.key, one)["game_id"] for one in others)
    assert judge.group.pending().count == 0


def message_of(redis: redis_py.Redis, stream: str, which: bytes) -> dict[str, Any]:
    ((_, fields),) = redis.xrange(stream, which, which)  # type: ignore[union-attr]
    found: dict[str, Any] = json.loads(fields[b"data"].decode("utf-8", "surrogateescape"))
    return found


@pytest.mark.parametrize("known", [True, False])
def test_any_bad_state_is_a_dead_letter_and_the_next_move_is_made(
    redis: redis_py.Redis, prefix: str, known: bool
) -> None:
    judge, play = Judge(redis, prefix), Play(RedisTopics(redis, prefix))
    judge.prepare()
    play.open("g")
    if known:
        play.move("g", BLACK, (4, 4))
        judge.step()
    states = f"{prefix}game-states"
    good = GOOD["game-states"] | ({"game_id": "g"} if known else {})
    sent = add(redis, states, spoilt(good))
    play.move("g", play.games["g"].up, (2, 2))
    play.move("nobody's", BLACK, None)  # for its sake all states are read
    while judge.step():
        pass
    dead = reasons(redis, states)
    assert all(dead.values())
    missed = [message_of(redis, states, one) for one in sent if one not in dead]
    assert len(dead) > 500
    assert [one["game_id"] for one in missed] == ["\0"], "which may be the ID of a game"
    assert len(play.topics.read("move-made")) == 1 + known
    again = Judge(redis, prefix)
    again.prepare()
    play.move("g", play.games["g"].up, (3, 3))
    again.step()
    assert len(play.topics.read("move-made")) == 2 + known


@pytest.mark.parametrize("stream", slow_but("create-game", of=REQUEST_TOPICS))
def test_any_request_is_answered_or_a_dead_letter_and_the_next_players_meet(
    redis: redis_py.Redis, prefix: str, stream: str
) -> None:
    lobby, key = Lobby(redis, prefix), f"{prefix}{stream}"
    lobby.prepare()
    sent = add(redis, key, spoilt(GOOD[stream]))
    players = LobbyPlayers(RedisTopics(redis, prefix), first_ms=EntryId.parse(sent[-1]).ms + 1)
    players.create("ann", "PRIVATE", 9, "the next")
    players.join("ben", "the next")
    while lobby.step():
        pass
    dead = reasons(redis, key)
    assert len(dead) > 100
    assert all(dead.values())
    for one in (one for one in sent if one not in dead):
        assert 0 < len(message_of(redis, key, one)["session_id"]) <= 200
    assert players.read("game-ready")[-1]["game_id"] == "the next"
    assert lobby.store.progress().read[Topic(stream)] >= len(sent)


@pytest.mark.parametrize("moves", ["null,", "[1,2],"])
def test_a_state_of_ten_megabytes_does_not_delay_other_games(
    redis: redis_py.Redis, prefix: str, moves: str, start: Callable[..., Any], until: Any
) -> None:
    play = Play(RedisTopics(redis, prefix))
    start("judge")
    start("judge")
    play.open("g")
    for size in (9_999_000, 900_000, 60_000):
        many = moves * (size // len(moves))
        state = json.dumps({"game_id": "long", **Game.new(9).to_dict()})
        state = state.replace('"moves": []', f'"moves": [{many[:-1]}]')
        assert len(state) < 10_000_000
        play.topics.send("game-states", state)
    play.move("g", BLACK, (2, 2))
    play.move("long", BLACK, (2, 2))
    play.wait(until, 10)
    assert [json.loads(one)["game_id"] for one in play.topics.read("move-made")] == ["g"]
    dead = list(reasons(redis, f"{prefix}game-states").values())
    assert "send at most 1000000" in dead[0]
    assert "a game has at most 10000" in dead[1]
    assert len(dead) == 3
