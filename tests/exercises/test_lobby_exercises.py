"""The exercises of notebook 10, and the naive lobby that it warns about."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_py

from exercises import lobby as exercise
from exercises import naive_lobby
from go_game.lobby_clients import LobbyClients
from go_game.service_process import ServiceProcess
from streamviz.client.stream import Stream
from streamviz.server.embedded import EmbeddedServer


@pytest.fixture(autouse=True)
def _tidy(redis: redis_py.Redis) -> None:
    exercise.clean_up(redis)


LOCK = threading.Lock()


def look_then_take(client: Any, seat: str, buyer: str) -> bool:
    if client.hexists("sale:seats", seat):
        return False
    client.hset("sale:seats", seat, buyer)
    return True


def take_whatever(client: Any, seat: str, buyer: str) -> bool:
    client.hset("sale:seats", seat, buyer)
    return True


def take_then_look(client: Any, seat: str, buyer: str) -> bool:
    client.hset("sale:seats", seat, buyer)
    return bool(client.hget("sale:seats", seat) == buyer.encode())


def look_take_and_look(client: Any, seat: str, buyer: str) -> bool:
    return not client.hexists("sale:seats", seat) and take_then_look(client, seat, buyer)


def look_then_take_through_a_pipeline(client: Any, seat: str, buyer: str) -> bool:
    with client.pipeline() as pipe:
        (taken,) = pipe.hexists("sale:seats", seat).execute()
        if not taken:
            pipe.hset("sale:seats", seat, buyer).execute()
    return not taken


def sell_nothing(client: Any, seat: str, buyer: str) -> bool:
    return False


def take_for_somebody_else(client: Any, seat: str, buyer: str) -> bool:
    return bool(client.hsetnx("sale:seats", seat, "me"))


def promise_elsewhere(client: Any, seat: str, buyer: str) -> bool:
    return bool(client.setnx(f"sale:{seat}", buyer))


def sell_some(client: Any, seat: str, buyer: str) -> bool:
    return seat != "seat-3" and bool(client.hsetnx("sale:seats", seat, buyer))


@pytest.mark.parametrize(
    ("take", "hint"),
    [
        (look_then_take, "more than once"),
        (take_whatever, "more than once"),
        (take_then_look, "more than once"),
        (look_take_and_look, "more than once"),
        (look_then_take_through_a_pipeline, "more than once"),
        (sell_nothing, "no seat was sold"),
        (take_for_somebody_else, "not the buyer who got the promise"),
        (promise_elsewhere, "not the buyer who got the promise"),
        (sell_some, "not all seats"),
    ],
)
def test_a_handler_that_sells_wrongly_is_not_yet_right(
    redis: redis_py.Redis, take: Any, hint: str
) -> None:
    exercise.sell(redis, take)
    verdict = exercise.check_sale(redis)
    assert not verdict.right
    assert hint in verdict.text


def take_under_a_lock_of_python(client: Any, seat: str, buyer: str) -> bool:
    with LOCK:
        return look_then_take(client, seat, buyer)


def test_a_lock_in_python_is_not_yet_right_and_stops_nothing(redis: redis_py.Redis) -> None:
    exercise.sell(redis, take_under_a_lock_of_python)
    verdict = exercise.check_sale(redis)
    assert not verdict.right
    assert "A lock there works in one process only" in verdict.text


def take_under_a_lock_in_redis(client: Any, seat: str, buyer: str) -> bool:
    with client.lock("sale:lock", timeout=30, sleep=0.005):
        return look_then_take(client, seat, buyer)


def take_at_once(client: Any, seat: str, buyer: str) -> Any:
    return client.hsetnx("sale:seats", seat, buyer)


def take_by_script(client: Any, seat: str, buyer: str) -> Any:
    script = "return redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])"
    return client.eval(script, 1, "sale:seats", seat, buyer)


def take_by_watch(client: Any, seat: str, buyer: str) -> bool:
    with client.pipeline() as pipe:
        pipe.watch("sale:seats")
        if pipe.hexists("sale:seats", seat):
            return False
        pipe.multi()
        pipe.hset("sale:seats", seat, buyer)
        try:
            pipe.execute()
        except redis_py.WatchError:
            return take_by_watch(client, seat, buyer)
        return True


@pytest.mark.parametrize(
    "take", [take_at_once, take_by_script, take_by_watch, take_under_a_lock_in_redis]
)
def test_checking_and_taking_in_one_command_is_right(redis: redis_py.Redis, take: Any) -> None:
    exercise.sell(redis, take)
    assert exercise.check_sale(redis).right


def test_an_error_of_the_learner_s_own_comes_through(redis: redis_py.Redis) -> None:
    def broken(client: Any, seat: str, buyer: str) -> bool:
        raise ZeroDivisionError(buyer)

    with pytest.raises(ZeroDivisionError):
        exercise.sell(redis, broken)


@pytest.mark.parametrize(
    ("requests", "hint"),
    [
        ([("find", "yan"), ("leave", "zoe"), ("find", "wim")], "yan was seated with zoe"),
        ([("find", "yan"), ("find", "wim")], "yan was seated with zoe"),
        ([("find", "wim"), ("find", "yan"), ("leave", "zoe")], "wim was seated with zoe"),
        ([("leave", "zoe"), ("find", "yan")], "both ask"),
        ([("leave", "zoe"), ("find", "yan"), ("leave", "yan"), ("find", "wim")], "have not met"),
        ([], "both ask"),
    ],
)
def test_reporting_the_ghost_too_late_is_not_yet_right(
    redis: redis_py.Redis, requests: list[tuple[str, str]], hint: str
) -> None:
    clients = exercise.new_ghost(redis)
    for action, session in requests:
        getattr(clients, action)(session)
    clients.listen()
    verdict = exercise.check_ghost(clients)
    assert not verdict.right
    assert hint in verdict.text


def test_not_listening_is_not_yet_right(redis: redis_py.Redis) -> None:
    clients = exercise.new_ghost(redis)
    clients.leave("zoe")
    clients.find("yan")
    clients.find("wim")
    assert "let the lobby listen" in exercise.check_ghost(clients).text


@pytest.mark.parametrize("order", [("yan", "wim"), ("wim", "yan")])
def test_the_ghost_first_and_then_the_two_is_right(
    redis: redis_py.Redis, order: tuple[str, str]
) -> None:
    clients = exercise.new_ghost(redis)
    clients.leave("zoe")
    for who in order:
        clients.find(who)
    clients.listen()
    assert exercise.check_ghost(clients).right


def test_the_evening_has_four_games_and_one_who_lost_patience(
    redis: redis_py.Redis, prefix: str
) -> None:
    exercise.evening(LobbyClients(redis, prefix, every_ms=1000))
    games = exercise.seated(redis, prefix)
    assert len(games) == 8
    assert set(games.values()) == {1}
    assert "ida" not in games


def test_on_a_stage_each_thing_is_shown_as_it_happens(redis: redis_py.Redis, prefix: str) -> None:
    clients, seen = LobbyClients(redis, prefix), list[int]()
    exercise.evening(clients, lambda: seen.append(len(exercise.seated(redis, prefix))), pause_s=0)
    assert seen == [0, 2, 2, 2, 4, 4, 6, 6, 6, 6, 6, 8, 8]


def test_two_naive_workers_seat_a_session_twice(
    redis: redis_py.Redis, prefix: str, server: EmbeddedServer, until: Callable[..., None]
) -> None:
    clients = LobbyClients(redis, prefix, lobby=False)
    clients.find("first")
    group = Stream(redis, f"{prefix}find-public-game").group("lobby")
    options = ("--crew", "2", "--pause-ms", "2")
    module = "exercises.naive_lobby"
    with (
        ServiceProcess(module, prefix, "--name", "one", *options, url=server.url) as one,
        ServiceProcess(module, prefix, "--name", "two", *options, url=server.url) as two,
    ):
        for wave in range(20):  # until both are up, and meet
            for number in range(50):
                clients.find(f"p{wave}-{number}")
            until(lambda: group.info().lag == 0 and group.pending().count == 0, 20)
            if max(exercise.seated(redis, prefix).values()) > 1:
                break
        one.kill()
        two.kill()
    assert max(exercise.seated(redis, prefix).values()) > 1


def test_one_naive_worker_seats_everybody_once(redis: redis_py.Redis, prefix: str) -> None:
    clients = LobbyClients(redis, prefix, lobby=False)
    for number in range(10):
        clients.find(f"p{number}")
    for entry in Stream(redis, f"{prefix}find-public-game").range():
        naive_lobby.seat(redis, prefix, entry, naive_lobby.who_waits(redis, prefix))
    games = exercise.seated(redis, prefix)
    assert len(games) == 10
    assert set(games.values()) == {1}
