"""A service is killed after its first command, its second, and so on: the results are the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_py
from acceptance import Play, RedisTopics
from lobby_model import LobbyPlayers, check_lobby

from go_game.judge import Judge
from go_game.lobby import Lobby
from go_game.rules import Player

Until = Callable[..., None]
MOST = 120
BLACK, WHITE = Player.BLACK, Player.WHITE


def live_and_die(
    service: str, prefix: str, commands: int, nursery: Any, redis: redis_py.Redis, until: Until
) -> None:
    """Let a service die after a number of commands, and wait until the server has run them all.

    The server goes on with what a dead client has sent; it closes the connection after the last.
    """
    before = connections(redis)
    child = nursery.start(service, prefix, commands)
    until(lambda: not nursery.lives(child), 10)
    until(lambda: connections(redis) <= before, 10)


def connections(redis: redis_py.Redis) -> set[str]:
    return {client["id"] for client in redis.client_list()}


@pytest.mark.timeout(120)
def test_a_judge_may_die_after_any_command(
    redis: redis_py.Redis, prefix: str, nursery: Any, until: Until
) -> None:
    done = []
    for commands in range(1, MOST):
        mine = f"{prefix}{commands}:"
        play = Play(RedisTopics(redis, mine))
        some_moves(play)
        live_and_die("judge", mine, commands, nursery, redis, until)
        answers = len(play.topics.read("move-made")) + len(play.topics.read("move-rejected"))
        done.append(answers)
        heir = Judge(redis, mine, claim_idle_ms=0)
        heir.prepare()
        while heir.step():
            pass
        play.check()
        assert heir.group.pending().count == 0
        assert redis.xlen(heir.keys.dead_letters("make-move")) == 1  # type: ignore[arg-type]
        if done.count(max(done)) == 4 and answers == 12:
            break
    assert done[0] == 0
    assert done == sorted(done), "the longer it lives, the more it does"
    assert set(done) == {0, 3, 6, 9, 12}, "it died between any two games, too"
    assert done[-1] == 12, "and in the end after all was done"


def some_moves(play: Play) -> None:
    for game_id in ("a", "b", "c"):
        play.open(game_id)
    for game_id in ("a", "b", "c", "nobody's"):
        first = play.move(game_id, play.games[game_id].up if game_id in play.games else BLACK, None)
        play.move(game_id, BLACK, (1, 1))
        play.move(game_id, WHITE, (1, 1))
        play.move(game_id, WHITE, (2, 2), first)
    play.topics.send("make-move", "?")


@pytest.mark.timeout(120)
def test_a_lobby_may_die_after_any_command(
    redis: redis_py.Redis, prefix: str, nursery: Any, until: Until
) -> None:
    done = []
    for commands in range(1, MOST):
        mine = f"{prefix}{commands}:"
        players = LobbyPlayers(RedisTopics(redis, mine))
        some_requests(players)
        live_and_die("lobby", mine, commands, nursery, redis, until)
        done.append(len(players.read("game-ready")))
        heir = Lobby(redis, mine)
        heir.prepare()
        while heir.step():
            pass
        met = check_lobby(players)
        assert met["ready"] == 4
        if done.count(4) == 3:
            break
    assert done[0] == 0
    assert done == sorted(done)
    assert done[-1] == 4


def some_requests(players: LobbyPlayers) -> None:
    dice = random.Random(5)
    players.create("p", "PRIVATE", 9, "tea")
    for name in "abcdef":
        players.find(name)
        if dice.random() < 0.3:
            players.leave(name)
    players.send("create-game", "?")
    players.join("q", "tea")
    players.join("r", "tea")
