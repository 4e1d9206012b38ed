"""The lobby: who is seated where, by hand, against a model, and with many at once."""

from __future__ import annotations

import itertools
import json
import signal
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_py
from acceptance import RedisTable
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from lobby_model import House, check_the_house

from go_game import worker_loop
from go_game.lobby import WISHES, Lobby
from go_game.rules import Game, Rules
from streamviz import Stream
from streamviz.errors import CommandRefused
from streamviz.patterns.dead_letters import DeadLetters
from streamviz.server.embedded import EmbeddedServer

Until = Callable[..., None]


@pytest.fixture
def house(redis: redis_py.Redis, prefix: str) -> House:
    return House(RedisTable(redis, prefix))


@pytest.fixture
def lobby(redis: redis_py.Redis, prefix: str) -> Lobby:
    made = Lobby(redis, prefix)
    made.prepare()
    return made


def work(lobby: Lobby) -> None:
    while lobby.step():
        pass


def test_the_second_who_looks_for_a_game_meets_the_first(house: House, lobby: Lobby) -> None:
    house.find("ann")
    work(lobby)
    (wait,) = house.said("wait-for-opponent")
    assert (wait["session_id"], wait["visibility"], wait["board_size"]) == ("ann", "PUBLIC", 19)
    house.find("ben")
    work(lobby)
    (ready,) = house.said("game-ready")
    assert ready["game_id"] == wait["game_id"]
    assert {ready["black"], ready["white"]} == {"ann", "ben"}
    assert ready["board_size"] == 19
    (state,) = house.said("game-states")
    assert state == {"game_id": wait["game_id"], **Game.new(19).to_dict()}
    house.find("cay")
    work(lobby)
    assert len(house.said("game-ready")) == 1
    check_the_house(house)


def test_who_waits_longest_is_met_first(house: House, lobby: Lobby) -> None:
    for number, size in enumerate((9, 13, 19)):
        house.create(f"s{number}", "PUBLIC", size)
    for number in range(3):
        house.find(f"t{number}")
    work(lobby)
    pairs = [{one["black"], one["white"]} for one in house.said("game-ready")]
    assert pairs == [{"s0", "t0"}, {"s1", "t1"}, {"s2", "t2"}]
    assert [one["board_size"] for one in house.said("game-ready")] == [9, 13, 19]


def test_a_private_game_is_for_who_knows_its_name(house: House, lobby: Lobby) -> None:
    house.create("ann", "PRIVATE", 13, "tea house")
    house.find("ben")
    house.join("cay", "tea house")
    house.join("dan", "tea house")
    house.join("eve", "no such house")
    work(lobby)
    (ready,) = house.said("game-ready")
    assert (ready["game_id"], ready["board_size"]) == ("tea house", 13)
    assert {ready["black"], ready["white"]} == {"ann", "cay"}
    rejected = house.said("private-game-rejected")
    assert [(one["session_id"], one["game_id"]) for one in rejected] == [
        ("dan", "tea house"),
        ("eve", "no such house"),
    ]
    assert [one["session_id"] for one in house.said("wait-for-opponent")] == ["ann", "ben"]


def test_what_cannot_be_joined_is_rejected_with_the_reason(house: House, lobby: Lobby) -> None:
    house.create("ann", "PRIVATE", 9, "own")
    house.join("ann", "own")
    house.create("ben", "PUBLIC", 9, "open to all")
    house.join("cay", "open to all")
    house.find("dan")
    house.create("eve", "PRIVATE", 9, "another")
    house.join("dan", "another")
    work(lobby)
    assert [one["reason"] for one in house.said("private-game-rejected")] == [
        "you opened that game yourself",
        "the game is public",
        "you play another game: disconnect first",
    ]


def test_who_leaves_takes_the_open_game_along(house: House, lobby: Lobby) -> None:
    house.find("ann")
    house.create("ben", "PRIVATE", 9, "b")
    house.leave("ann")
    house.leave("ben")
    house.leave("a stranger")
    house.find("cay")
    house.join("dan", "b")
    work(lobby)
    assert house.said("game-ready") == []
    assert [one["session_id"] for one in house.said("private-game-rejected")] == ["dan"]
    house.find("ann")
    work(lobby)
    (ready,) = house.said("game-ready")
    assert {ready["black"], ready["white"]} == {"ann", "cay"}


def test_a_new_wish_replaces_what_a_session_waits_for(house: House, lobby: Lobby) -> None:
    house.create("ann", "PRIVATE", 9, "p")
    house.find("ann")
    house.join("ben", "p")
    work(lobby)
    assert [one["session_id"] for one in house.said("private-game-rejected")] == ["ben"]
    house.create("cay", "PUBLIC", 13)
    house.find("ann")
    work(lobby)
    (ready,) = house.said("game-ready")
    assert {ready["black"], ready["white"]} == {"ann", "cay"}
    assert ready["board_size"] == 13
    house.find("dan")
    work(lobby)
    assert len(house.said("game-ready")) == 1, "ann's first game is gone"


def test_who_waits_and_asks_again_waits_at_the_same_game(house: House, lobby: Lobby) -> None:
    house.find("ann")
    house.find("ann")
    work(lobby)
    first, again = house.said("wait-for-opponent")
    assert first["game_id"] == again["game_id"]
    assert first["event_id"] != again["event_id"]


def test_the_same_request_again_says_nothing_and_seats_nobody(house: House, lobby: Lobby) -> None:
    for _ in range(3):
        house.find("ann", "r1")
    work(lobby)
    for _ in range(3):
        house.find("ben", "r1")
    house.find("ann", "r1")
    work(lobby)
    assert len(house.said("wait-for-opponent")) == len(house.said("game-ready")) == 1
    check_the_house(house)


def test_a_refusal_is_given_once_to_a_request_however_often_it_comes(
    house: House, lobby: Lobby, redis: redis_py.Redis
) -> None:
    for _ in range(2):
        for _ in range(2):
            house.join("ann", "no such house", "r1")
        work(lobby)
    house.create("ben", "PRIVATE", 9, "no such house")
    house.join("ann", "no such house", "r1")
    work(lobby)
    assert [one["reply_to"] for one in house.said("private-game-rejected")] == ["r1"]
    assert house.said("game-ready") == []
    house.join("ann", "no such house", "r2")
    work(lobby)
    for _ in range(2):
        house.find("ann", "r3")
        work(lobby)
    (letter,) = letters(lobby, redis, "find-public-game")
    assert "you play another game" in letter.error
    house.leave("ann")
    house.find("ann", "r3")
    house.find("cay")
    work(lobby)
    assert len(house.said("game-ready")) == 1, "ann was told no; cay waits"
    check_the_house(house)


def test_a_request_that_comes_again_seats_nobody_who_has_left(house: House, lobby: Lobby) -> None:
    for steps in (0, 3):  # all in one batch, and one by one
        ann, ben = f"ann{steps}", f"ben{steps}"
        for wish in (
            lambda ann=ann: house.find(ann, "e1"),
            lambda ann=ann: house.leave(ann),
            lambda ann=ann: house.find(ann, "e1"),
            lambda ben=ben: house.find(ben),
            lambda ben=ben: house.leave(ben),
        ):
            wish()
            if steps:
                work(lobby)
        work(lobby)
    assert house.said("game-ready") == []
    assert len(house.said("wait-for-opponent")) == 4
    house.find("ann3", "e2")
    house.find("cay")
    work(lobby)
    assert len(house.said("game-ready")) == 1, "another request is another wish"
    check_the_house(house)


def test_of_all_requests_the_last_are_known_again_and_those_of_who_sits(
    house: House, lobby: Lobby, redis: redis_py.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("go_game.lobby_store.DECIDED_KEPT", 3)
    house.join("ann", "nowhere", "r1")
    house.find("ben", "r1")
    work(lobby)
    for number in range(4):
        house.join("cay", "nowhere", f"r{number}")
        work(lobby)
    assert redis.zcard(lobby.keys.decided) == 3
    house.join("cay", "nowhere", "r1")
    house.find("ben", "r1")
    work(lobby)
    assert len(house.said("private-game-rejected")) == 5
    assert len(house.said("wait-for-opponent")) == 1, "ben sits there"
    house.join("ann", "nowhere", "r1")
    work(lobby)
    first, *_, again = house.said("private-game-rejected")
    assert again == first, "too long ago to be known, but still the same event"


def test_who_plays_cannot_take_another_seat_until_gone(
    house: House, lobby: Lobby, redis: redis_py.Redis
) -> None:
    house.find("ann")
    house.find("ben")
    house.find("ann")
    house.create("ben", "PUBLIC", 9)
    work(lobby)
    for name, session in (("find-public-game", "ann"), ("create-game", "ben")):
        (letter,) = letters(lobby, redis, name)
        assert letter.error == f"{session}: you play another game: disconnect first"
    house.leave("ann")
    house.find("ann")
    house.find("cay")
    work(lobby)
    assert len(house.said("game-ready")) == 2


def letters(lobby: Lobby, redis: redis_py.Redis, name: str) -> list[Any]:
    stream = Stream(redis, f"{lobby.keys.prefix}{name}")
    return DeadLetters(stream.group("lobby").consumer("x")).letters()


def test_an_id_is_given_out_once(house: House, lobby: Lobby, redis: redis_py.Redis) -> None:
    house.create("ann", "PRIVATE", 9, "mine")
    house.create("ben", "PUBLIC", 9, "mine")
    work(lobby)
    house.join("cay", "mine")
    work(lobby)
    house.create("dan", "PRIVATE", 9, "mine")
    work(lobby)
    assert [one.fields for one in letters(lobby, redis, "create-game")] != []
    assert all("choose another ID" in one.error for one in letters(lobby, redis, "create-game"))
    assert len(house.said("game-ready")) == 1


def test_what_is_no_wish_goes_to_the_dead_letters_and_stops_nobody(
    house: House, lobby: Lobby, redis: redis_py.Redis
) -> None:
    good = {"session_id": "s", "req_id": "r", "visibility": "PUBLIC", "board_size": 9}
    bad = {
        "board_size=7.5": json.dumps(good | {"board_size": 7.5}),
        "board_size=10": json.dumps(good | {"board_size": 10}),
        "board_size=True": json.dumps(good | {"board_size": True}),
        "board_size='9'": json.dumps(good | {"board_size": "9"}),
        "visibility='SECRET'": json.dumps(good | {"visibility": "SECRET"}),
        "'board_size' is missing": json.dumps(good | {"board_size": 9}).replace("board_", "b"),
        "session_id=''": json.dumps(good | {"session_id": ""}),
        f"session_id='{'s' * 50}": json.dumps(good | {"session_id": "s" * 201}),
        "game_id=5": json.dumps(good | {"game_id": 5}),
        "is not JSON": "{",
        "10000001 bytes": "x" * 10_000_001,
    }
    for data in bad.values():
        house.send("create-game", data)
    house.send("session-disconnected", "{}")
    house.find("ann")
    house.find("ben")
    work(lobby)
    found = letters(lobby, redis, "create-game")
    assert len(found) == len(bad)
    assert all(reason in one.error for one, reason in zip(found, bad, strict=True))
    assert len(letters(lobby, redis, "session-disconnected")) == 1
    assert len(house.said("game-ready")) == 1


def test_wishes_are_taken_in_the_order_of_time_whatever_the_batch(
    house: House, redis: redis_py.Redis, prefix: str
) -> None:
    lobby = Lobby(redis, prefix, batch=2)
    lobby.prepare()
    for number in range(10):
        house.find(f"s{number}")
    house.find("ann")
    house.leave("ann")
    house.find("ben")
    work(lobby)
    assert len(house.said("game-ready")) == 5, "ben waits: ann had left before"
    check_the_house(house)


def test_colours_fall_to_both(house: House, lobby: Lobby) -> None:
    for number in range(40):
        house.find(f"{number:02}")
    work(lobby)
    first_is_black = Counter(one["black"] < one["white"] for one in house.said("game-ready"))
    assert set(first_is_black) == {True, False}


def test_games_are_opened_by_the_rules_of_the_house(
    house: House, redis: redis_py.Redis, prefix: str
) -> None:
    lobby = Lobby(redis, prefix, rules=Rules.named("bugout"))
    lobby.prepare()
    house.find("ann")
    house.find("ben")
    work(lobby)
    assert house.said("game-states")[0]["rules"] == {"suicide": True, "superko": False}


def test_the_groups_show_how_far_the_lobby_is(
    house: House, lobby: Lobby, redis: redis_py.Redis
) -> None:
    house.find("ann")
    house.find("ben")
    group = Stream(redis, lobby.keys.stream(WISHES[0])).group("lobby")
    assert group.info().lag == 2
    work(lobby)
    assert (group.info().lag, group.info().entries_read, group.info().pending) == (0, 2, 0)


def test_a_lobby_that_was_overtaken_begins_again_and_says_nothing_twice(
    house: House, redis: redis_py.Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = Lobby(redis, prefix), Lobby(redis, prefix)
    slow.prepare()
    commit = slow.houses.commit
    done: list[object] = []

    def late(*what: Any) -> Any:
        if not done:
            done.append(quick.step())
        done.append(commit(*what))
        return done[-1]

    monkeypatch.setattr(slow.houses, "commit", late)
    house.find("ann")
    house.find("ben")
    assert slow.step() == 0
    assert done == [2, None]
    house.find("cay")
    assert slow.step() == 1
    assert len(house.said("game-ready")) == 1
    check_the_house(house)


def test_a_stream_that_was_deleted_is_made_again(
    house: House, lobby: Lobby, redis: redis_py.Redis, until: Until
) -> None:
    stop, said = threading.Event(), list[str]()
    thread = threading.Thread(
        target=worker_loop.run, args=(lobby, stop), kwargs={"block_ms": 50, "say": said.append}
    )
    thread.start()
    house.find("ann")
    until(lambda: house.said("wait-for-opponent"))
    redis.delete(lobby.keys.stream(WISHES[0]), lobby.keys.stream(WISHES[1]))
    house.find("ben")
    until(lambda: house.said("game-ready"))
    stop.set()
    thread.join(10)
    assert said, "it says what happened"
    (ready,) = house.said("game-ready")
    assert {ready["black"], ready["white"]} == {"ann", "ben"}


def test_where_one_stream_cannot_be_written_nothing_is(
    house: House, lobby: Lobby, redis: redis_py.Redis
) -> None:
    stream = f"{lobby.keys.prefix}game-ready"
    redis.set(stream, "not a stream")
    house.find("ann")
    house.find("ben")
    with pytest.raises(CommandRefused, match="game-ready is a string: it must be a stream"):
        lobby.step()
    assert house.said("wait-for-opponent") == []
    redis.delete(stream)
    work(lobby)
    check_the_house(house)


def test_many_processes_seat_everybody_once(
    house: House, start: Any, until: Until, redis: redis_py.Redis
) -> None:
    crew = [start("lobby") for _ in range(3)]
    for number in range(300):
        house.find(f"s{number}")
    until(lambda: len(house.said("game-ready")) >= 150, 20)
    check_the_house(house)
    for process in crew:
        process.send_signal(signal.SIGTERM)
    for process in crew:
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_in_one_millisecond_who_leaves_leaves_last(
    house: House, lobby: Lobby, redis: redis_py.Redis
) -> None:
    ann = {"data": '{"session_id":"ann","req_id":"r"}'}
    redis.xadd(lobby.keys.stream(WISHES[3]), ann, id="5-0")
    redis.xadd(lobby.keys.stream(WISHES[0]), ann, id="5-1")
    house.find("ben")
    work(lobby)
    assert house.said("game-ready") == []


def test_a_service_without_a_server_says_so(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError):
        start("lobby", "--redis", "redis://127.0.0.1:1")
    with pytest.raises(AssertionError):
        start("judge", "--nonsense")


SESSIONS = st.sampled_from("abcdef")
NAMES = st.sampled_from(["x", "y"])
REQUESTS = st.sampled_from([None, "one", "two"])  # None: one that never was


class Twins(RuleBasedStateMachine):
    """Three lobbies and a model that knows of nothing but the wishes in their order."""

    client: redis_py.Redis
    prefix: str
    met: Counter[str]
    run_number = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.mine = f"{self.prefix}{next(self.run_number)}:"
        self.house = House(RedisTable(self.client, self.mine))
        self.lobbies = [Lobby(self.client, self.mine, batch=batch) for batch in (1, 3, 100)]
        self.lobbies[0].prepare()

    @rule(session=SESSIONS, req_id=REQUESTS)
    def find(self, session: str, req_id: str | None) -> None:
        self.house.find(session, req_id)

    @rule(
        session=SESSIONS,
        visibility=st.sampled_from(["PUBLIC", "PRIVATE"]),
        size=st.sampled_from([9, 13, 19]),
        name=st.one_of(st.none(), NAMES),
        req_id=REQUESTS,
    )
    def create(
        self, session: str, visibility: str, size: int, name: str | None, req_id: str | None
    ) -> None:
        self.house.create(session, visibility, size, name, req_id)

    @rule(session=SESSIONS, name=NAMES, req_id=REQUESTS)
    def join(self, session: str, name: str, req_id: str | None) -> None:
        self.house.join(session, name, req_id)

    @rule(session=SESSIONS)
    def leave(self, session: str) -> None:
        self.house.leave(session)

    @rule()
    def nonsense(self) -> None:
        self.house.send("join-private-game", "?")

    @rule(which=st.integers(0, 2))
    def work(self, which: int) -> None:
        self.lobbies[which].step()

    @rule(slow=st.integers(0, 2), quick=st.integers(0, 2))
    def be_overtaken(self, slow: int, quick: int) -> None:
        lobby = self.lobbies[slow]
        commit = lobby.houses.commit

        def late(*what: Any) -> Any:
            Lobby(self.client, self.mine, batch=quick + 1).step()
            return commit(*what)

        lobby.houses.commit = late  # type: ignore[method-assign]
        lobby.step()
        lobby.houses.commit = commit  # type: ignore[method-assign]

    @rule(which=st.integers(0, 2))
    def die(self, which: int) -> None:
        dead = self.lobbies[which]
        dead.houses.commit = lambda *_: None  # type: ignore[method-assign]
        dead.step()
        self.lobbies[which] = Lobby(self.client, self.mine, batch=which + 1)

    @invariant()
    def nobody_sits_twice(self) -> None:
        check_the_house(self.house, settled=False)

    def teardown(self) -> None:
        while any(lobby.step() for lobby in self.lobbies):
            pass
        self.met += check_the_house(self.house)
        for key in self.client.scan_iter(f"{self.mine}*", count=1000):
            self.client.unlink(key)


@pytest.mark.timeout(120)
def test_whatever_is_wished_is_what_the_model_says(server: EmbeddedServer, prefix: str) -> None:
    met: Counter[str] = Counter()
    client = server.client()
    run_state_machine_as_test(
        type("TheTwins", (Twins,), {"client": client, "prefix": prefix, "met": met}),
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    client.close()
    assert set(+met) == {"ready", "waiting", "rejected", "dead", "again", "left"}, met
