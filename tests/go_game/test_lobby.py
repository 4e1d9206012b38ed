"""The lobby seats sessions: by hand, compared with a model, and with many lobbies at once."""

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
from acceptance import RedisTopics
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from lobby_model import LobbyPlayers, check_lobby

from go_game import worker_loop
from go_game.lobby import REQUEST_TOPICS, Lobby
from go_game.rules import Game, Rules
from streamviz import Stream
from streamviz.errors import CommandRefused
from streamviz.patterns.dead_letters import DeadLetters
from streamviz.server.embedded import EmbeddedServer

Until = Callable[..., None]


@pytest.fixture
def players(redis: redis_py.Redis, prefix: str) -> LobbyPlayers:
    return LobbyPlayers(RedisTopics(redis, prefix))


@pytest.fixture
def lobby(redis: redis_py.Redis, prefix: str) -> Lobby:
    made = Lobby(redis, prefix)
    made.prepare()
    return made


def work(lobby: Lobby) -> None:
    while lobby.step():
        pass


def test_the_second_player_who_looks_for_a_game_meets_the_first(
    players: LobbyPlayers, lobby: Lobby
) -> None:
    players.find("ann")
    work(lobby)
    (wait,) = players.read("wait-for-opponent")
    assert (wait["session_id"], wait["visibility"], wait["board_size"]) == ("ann", "PUBLIC", 19)
    players.find("ben")
    work(lobby)
    (ready,) = players.read("game-ready")
    assert ready["game_id"] == wait["game_id"]
    assert {ready["black"], ready["white"]} == {"ann", "ben"}
    assert ready["board_size"] == 19
    (state,) = players.read("game-states")
    assert state == {"game_id": wait["game_id"], **Game.new(19).to_dict()}
    players.find("cay")
    work(lobby)
    assert len(players.read("game-ready")) == 1
    check_lobby(players)


def test_the_longest_waiting_player_is_seated_first(players: LobbyPlayers, lobby: Lobby) -> None:
    for number, size in enumerate((9, 13, 19)):
        players.create(f"s{number}", "PUBLIC", size)
    for number in range(3):
        players.find(f"t{number}")
    work(lobby)
    pairs = [{one["black"], one["white"]} for one in players.read("game-ready")]
    assert pairs == [{"s0", "t0"}, {"s1", "t1"}, {"s2", "t2"}]
    assert [one["board_size"] for one in players.read("game-ready")] == [9, 13, 19]


def test_a_private_game_is_open_to_players_who_know_its_id(
    players: LobbyPlayers, lobby: Lobby
) -> None:
    players.create("ann", "PRIVATE", 13, "tea house")
    players.find("ben")
    players.join("cay", "tea house")
    players.join("dan", "tea house")
    players.join("eve", "no such house")
    work(lobby)
    (ready,) = players.read("game-ready")
    assert (ready["game_id"], ready["board_size"]) == ("tea house", 13)
    assert {ready["black"], ready["white"]} == {"ann", "cay"}
    rejected = players.read("private-game-rejected")
    assert [(one["session_id"], one["game_id"]) for one in rejected] == [
        ("dan", "tea house"),
        ("eve", "no such house"),
    ]
    assert [one["session_id"] for one in players.read("wait-for-opponent")] == ["ann", "ben"]


def test_an_impossible_join_is_rejected_with_the_reason(
    players: LobbyPlayers, lobby: Lobby
) -> None:
    players.create("ann", "PRIVATE", 9, "own")
    players.join("ann", "own")
    players.create("ben", "PUBLIC", 9, "open to all")
    players.join("cay", "open to all")
    players.find("dan")
    players.create("eve", "PRIVATE", 9, "another")
    players.join("dan", "another")
    work(lobby)
    assert [one["reason"] for one in players.read("private-game-rejected")] == [
        "you opened that game yourself",
        "the game is public",
        "you play another game: disconnect first",
    ]


def test_leaving_deletes_the_open_game(players: LobbyPlayers, lobby: Lobby) -> None:
    players.find("ann")
    players.create("ben", "PRIVATE", 9, "b")
    players.leave("ann")
    players.leave("ben")
    players.leave("a stranger")
    players.find("cay")
    players.join("dan", "b")
    work(lobby)
    assert players.read("game-ready") == []
    assert [one["session_id"] for one in players.read("private-game-rejected")] == ["dan"]
    players.find("ann")
    work(lobby)
    (ready,) = players.read("game-ready")
    assert {ready["black"], ready["white"]} == {"ann", "cay"}


def test_a_new_request_replaces_the_open_game(players: LobbyPlayers, lobby: Lobby) -> None:
    players.create("ann", "PRIVATE", 9, "p")
    players.find("ann")
    players.join("ben", "p")
    work(lobby)
    assert [one["session_id"] for one in players.read("private-game-rejected")] == ["ben"]
    players.create("cay", "PUBLIC", 13)
    players.find("ann")
    work(lobby)
    (ready,) = players.read("game-ready")
    assert {ready["black"], ready["white"]} == {"ann", "cay"}
    assert ready["board_size"] == 13
    players.find("dan")
    work(lobby)
    assert len(players.read("game-ready")) == 1, "ann's first game is gone"


def test_a_waiting_session_that_asks_again_keeps_its_game(
    players: LobbyPlayers, lobby: Lobby
) -> None:
    players.find("ann")
    players.find("ann")
    work(lobby)
    first, again = players.read("wait-for-opponent")
    assert first["game_id"] == again["game_id"]
    assert first["event_id"] != again["event_id"]


def test_a_repeated_request_gets_no_answer_and_no_seat(players: LobbyPlayers, lobby: Lobby) -> None:
    for _ in range(3):
        players.find("ann", "r1")
    work(lobby)
    for _ in range(3):
        players.find("ben", "r1")
    players.find("ann", "r1")
    work(lobby)
    assert len(players.read("wait-for-opponent")) == len(players.read("game-ready")) == 1
    check_lobby(players)


def test_a_repeated_request_is_refused_only_once(
    players: LobbyPlayers, lobby: Lobby, redis: redis_py.Redis
) -> None:
    for _ in range(2):
        for _ in range(2):
            players.join("ann", "no such house", "r1")
        work(lobby)
    players.create("ben", "PRIVATE", 9, "no such house")
    players.join("ann", "no such house", "r1")
    work(lobby)
    assert [one["reply_to"] for one in players.read("private-game-rejected")] == ["r1"]
    assert players.read("game-ready") == []
    players.join("ann", "no such house", "r2")
    work(lobby)
    for _ in range(2):
        players.find("ann", "r3")
        work(lobby)
    (letter,) = letters(lobby, redis, "find-public-game")
    assert "you play another game" in letter.error
    players.leave("ann")
    players.find("ann", "r3")
    players.find("cay")
    work(lobby)
    assert len(players.read("game-ready")) == 1, "ann was told no; cay waits"
    check_lobby(players)


def test_a_repeated_request_does_not_seat_a_session_that_has_left(
    players: LobbyPlayers, lobby: Lobby
) -> None:
    for steps in (0, 3):  # all in one batch, and one by one
        ann, ben = f"ann{steps}", f"ben{steps}"
        for request in (
            lambda ann=ann: players.find(ann, "e1"),
            lambda ann=ann: players.leave(ann),
            lambda ann=ann: players.find(ann, "e1"),
            lambda ben=ben: players.find(ben),
            lambda ben=ben: players.leave(ben),
        ):
            request()
            if steps:
                work(lobby)
        work(lobby)
    assert players.read("game-ready") == []
    assert len(players.read("wait-for-opponent")) == 4
    players.find("ann3", "e2")
    players.find("cay")
    work(lobby)
    assert len(players.read("game-ready")) == 1, "another req_id is another request"
    check_lobby(players)


def test_the_last_requests_and_those_of_seated_sessions_are_recognised(
    players: LobbyPlayers, lobby: Lobby, redis: redis_py.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("go_game.lobby_store.DECIDED_KEPT", 3)
    players.join("ann", "nowhere", "r1")
    players.find("ben", "r1")
    work(lobby)
    for number in range(4):
        players.join("cay", "nowhere", f"r{number}")
        work(lobby)
    assert redis.zcard(lobby.keys.decided) == 3
    players.join("cay", "nowhere", "r1")
    players.find("ben", "r1")
    work(lobby)
    assert len(players.read("private-game-rejected")) == 5
    assert len(players.read("wait-for-opponent")) == 1, "ben sits there"
    players.join("ann", "nowhere", "r1")
    work(lobby)
    first, *_, again = players.read("private-game-rejected")
    assert again == first, "too long ago to be known, but still the same event"


def test_a_session_in_play_must_leave_before_it_gets_another_seat(
    players: LobbyPlayers, lobby: Lobby, redis: redis_py.Redis
) -> None:
    players.find("ann")
    players.find("ben")
    players.find("ann")
    players.create("ben", "PUBLIC", 9)
    work(lobby)
    for name, session in (("find-public-game", "ann"), ("create-game", "ben")):
        (letter,) = letters(lobby, redis, name)
        assert letter.error == f"{session}: you play another game: disconnect first"
    players.leave("ann")
    players.find("ann")
    players.find("cay")
    work(lobby)
    assert len(players.read("game-ready")) == 2


def letters(lobby: Lobby, redis: redis_py.Redis, name: str) -> list[Any]:
    stream = Stream(redis, f"{lobby.keys.prefix}{name}")
    return DeadLetters(stream.group("lobby").consumer("x")).letters()


def test_a_game_id_is_used_once(players: LobbyPlayers, lobby: Lobby, redis: redis_py.Redis) -> None:
    players.create("ann", "PRIVATE", 9, "mine")
    players.create("ben", "PUBLIC", 9, "mine")
    work(lobby)
    players.join("cay", "mine")
    work(lobby)
    players.create("dan", "PRIVATE", 9, "mine")
    work(lobby)
    assert [one.fields for one in letters(lobby, redis, "create-game")] != []
    assert all("choose another ID" in one.error for one in letters(lobby, redis, "create-game"))
    assert len(players.read("game-ready")) == 1


def test_an_invalid_request_is_a_dead_letter_and_does_not_stop_the_lobby(
    players: LobbyPlayers, lobby: Lobby, redis: redis_py.Redis
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
        players.send("create-game", data)
    players.send("session-disconnected", "{}")
    players.find("ann")
    players.find("ben")
    work(lobby)
    found = letters(lobby, redis, "create-game")
    assert len(found) == len(bad)
    assert all(reason in one.error for one, reason in zip(found, bad, strict=True))
    assert len(letters(lobby, redis, "session-disconnected")) == 1
    assert len(players.read("game-ready")) == 1


def test_requests_are_handled_in_the_order_of_time_with_any_batch_size(
    players: LobbyPlayers, redis: redis_py.Redis, prefix: str
) -> None:
    lobby = Lobby(redis, prefix, batch=2)
    lobby.prepare()
    for number in range(10):
        players.find(f"s{number}")
    players.find("ann")
    players.leave("ann")
    players.find("ben")
    work(lobby)
    assert len(players.read("game-ready")) == 5, "ben waits: ann had left before"
    check_lobby(players)


def test_colours_fall_to_both(players: LobbyPlayers, lobby: Lobby) -> None:
    for number in range(40):
        players.find(f"{number:02}")
    work(lobby)
    first_is_black = Counter(one["black"] < one["white"] for one in players.read("game-ready"))
    assert set(first_is_black) == {True, False}


def test_new_games_have_the_rules_of_the_lobby(
    players: LobbyPlayers, redis: redis_py.Redis, prefix: str
) -> None:
    lobby = Lobby(redis, prefix, rules=Rules.named("bugout"))
    lobby.prepare()
    players.find("ann")
    players.find("ben")
    work(lobby)
    assert players.read("game-states")[0]["rules"] == {"suicide": True, "superko": False}


def test_the_groups_show_how_far_the_lobby_is(
    players: LobbyPlayers, lobby: Lobby, redis: redis_py.Redis
) -> None:
    players.find("ann")
    players.find("ben")
    group = Stream(redis, lobby.keys.stream(REQUEST_TOPICS[0])).group("lobby")
    assert group.info().lag == 2
    work(lobby)
    assert (group.info().lag, group.info().entries_read, group.info().pending) == (0, 2, 0)


def test_a_lobby_that_was_overtaken_begins_again_and_says_nothing_twice(
    players: LobbyPlayers, redis: redis_py.Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = Lobby(redis, prefix), Lobby(redis, prefix)
    slow.prepare()
    commit = slow.store.commit
    done: list[object] = []

    def late(*what: Any) -> Any:
        if not done:
            done.append(quick.step())
        done.append(commit(*what))
        return done[-1]

    monkeypatch.setattr(slow.store, "commit", late)
    players.find("ann")
    players.find("ben")
    assert slow.step() == 0
    assert done == [2, None]
    players.find("cay")
    assert slow.step() == 1
    assert len(players.read("game-ready")) == 1
    check_lobby(players)


def test_a_stream_that_was_deleted_is_made_again(
    players: LobbyPlayers, lobby: Lobby, redis: redis_py.Redis, until: Until
) -> None:
    stop, said = threading.Event(), list[str]()
    thread = threading.Thread(
        target=worker_loop.run, args=(lobby, stop), kwargs={"block_ms": 50, "report": said.append}
    )
    thread.start()
    players.find("ann")
    until(lambda: players.read("wait-for-opponent"))
    redis.delete(lobby.keys.stream(REQUEST_TOPICS[0]), lobby.keys.stream(REQUEST_TOPICS[1]))
    players.find("ben")
    until(lambda: players.read("game-ready"))
    stop.set()
    thread.join(10)
    assert said, "it says what happened"
    (ready,) = players.read("game-ready")
    assert {ready["black"], ready["white"]} == {"ann", "ben"}


def test_where_one_stream_cannot_be_written_nothing_is(
    players: LobbyPlayers, lobby: Lobby, redis: redis_py.Redis
) -> None:
    stream = f"{lobby.keys.prefix}game-ready"
    redis.set(stream, "not a stream")
    players.find("ann")
    players.find("ben")
    with pytest.raises(CommandRefused, match="game-ready is a string: it must be a stream"):
        lobby.step()
    assert players.read("wait-for-opponent") == []
    redis.delete(stream)
    work(lobby)
    check_lobby(players)


def test_many_processes_seat_everybody_once(
    players: LobbyPlayers, start: Any, until: Until, redis: redis_py.Redis
) -> None:
    crew = [start("lobby") for _ in range(3)]
    for number in range(300):
        players.find(f"s{number}")
    until(lambda: len(players.read("game-ready")) >= 150, 20)
    check_lobby(players)
    for process in crew:
        process.send_signal(signal.SIGTERM)
    for process in crew:
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_within_one_millisecond_disconnections_come_last(
    players: LobbyPlayers, lobby: Lobby, redis: redis_py.Redis
) -> None:
    ann = {"data": '{"session_id":"ann","req_id":"r"}'}
    redis.xadd(lobby.keys.stream(REQUEST_TOPICS[3]), ann, id="5-0")
    redis.xadd(lobby.keys.stream(REQUEST_TOPICS[0]), ann, id="5-1")
    players.find("ben")
    work(lobby)
    assert players.read("game-ready") == []


def test_a_service_without_a_server_says_so(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError):
        start("lobby", "--redis", "redis://127.0.0.1:1")
    with pytest.raises(AssertionError):
        start("judge", "--nonsense")


SESSIONS = st.sampled_from("abcdef")
NAMES = st.sampled_from(["x", "y"])
REQUESTS = st.sampled_from([None, "one", "two"])  # None: one that never was


class Twins(RuleBasedStateMachine):
    """Three lobbies, and a model that knows only the requests in their order."""

    client: redis_py.Redis
    prefix: str
    met: Counter[str]
    run_number = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.mine = f"{self.prefix}{next(self.run_number)}:"
        self.players = LobbyPlayers(RedisTopics(self.client, self.mine))
        self.lobbies = [Lobby(self.client, self.mine, batch=batch) for batch in (1, 3, 100)]
        self.lobbies[0].prepare()

    @rule(session=SESSIONS, req_id=REQUESTS)
    def find(self, session: str, req_id: str | None) -> None:
        self.players.find(session, req_id)

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
        self.players.create(session, visibility, size, name, req_id)

    @rule(session=SESSIONS, name=NAMES, req_id=REQUESTS)
    def join(self, session: str, name: str, req_id: str | None) -> None:
        self.players.join(session, name, req_id)

    @rule(session=SESSIONS)
    def leave(self, session: str) -> None:
        self.players.leave(session)

    @rule()
    def nonsense(self) -> None:
        self.players.send("join-private-game", "?")

    @rule(which=st.integers(0, 2))
    def work(self, which: int) -> None:
        self.lobbies[which].step()

    @rule(slow=st.integers(0, 2), quick=st.integers(0, 2))
    def be_overtaken(self, slow: int, quick: int) -> None:
        lobby = self.lobbies[slow]
        commit = lobby.store.commit

        def late(*what: Any) -> Any:
            Lobby(self.client, self.mine, batch=quick + 1).step()
            return commit(*what)

        lobby.store.commit = late  # type: ignore[method-assign]
        lobby.step()
        lobby.store.commit = commit  # type: ignore[method-assign]

    @rule(which=st.integers(0, 2))
    def die(self, which: int) -> None:
        dead = self.lobbies[which]
        dead.store.commit = lambda *_: None  # type: ignore[method-assign]
        dead.step()
        self.lobbies[which] = Lobby(self.client, self.mine, batch=which + 1)

    @invariant()
    def nobody_sits_twice(self) -> None:
        check_lobby(self.players, settled=False)

    def teardown(self) -> None:
        while any(lobby.step() for lobby in self.lobbies):
            pass
        self.met += check_lobby(self.players)
        for key in self.client.scan_iter(f"{self.mine}*", count=1000):
            self.client.unlink(key)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_any_requests_give_the_answers_of_the_model(server: EmbeddedServer, prefix: str) -> None:
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
