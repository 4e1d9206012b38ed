"""Five hundred games at once, seated and judged by services that are constantly killed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_py
from acceptance import Play, RedisTopics
from lobby_model import LobbyPlayers, check_lobby

from streamviz import Stream

GAMES = 500
ROUNDS = 8
LIVES = {"judge": (15, 700), "lobby": (10, 60)}  # in commands


class Storm:
    """A group of services that keep dying and are replaced at once."""

    def __init__(self, nursery: Any, prefix: str, dice: random.Random) -> None:
        self.nursery, self.prefix, self.dice = nursery, prefix, dice
        self.crew: dict[int, str] = {}
        self.deaths = {"judge": 0, "lobby": 0}
        for service in ("judge", "judge", "judge", "lobby", "lobby"):
            self._hire(service)

    def _hire(self, service: str) -> None:
        dies_after = self.dice.randint(*LIVES[service])
        self.crew[self.nursery.start(service, self.prefix, dies_after)] = service

    def blow(self) -> None:
        """Kill a service now and then, and replace the dead ones."""
        if self.dice.random() < 0.2:
            self.nursery.kill(self.dice.choice(list(self.crew)))
        for child, service in list(self.crew.items()):
            if not self.nursery.lives(child):
                del self.crew[child]
                self.deaths[service] += 1
                self._hire(service)

    def until(self, condition: Callable[[], object], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not after {seconds} s, {self.deaths} died"
            self.blow()
            time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_in_a_storm_no_move_is_lost_doubled_or_out_of_order_and_no_seat_sold_twice(
    redis: redis_py.Redis, prefix: str, nursery: Any
) -> None:
    dice = random.Random(11)
    storm = Storm(nursery, prefix, dice)
    players, play = LobbyPlayers(RedisTopics(redis, prefix)), Play(RedisTopics(redis, prefix))
    for wave in range(10):
        some_come(range(wave * GAMES // 10, (wave + 1) * GAMES // 10), players, dice, storm)
        storm.until(lambda: all_read(redis, prefix), 60)
    met = check_lobby(players)
    assert storm.deaths["lobby"] >= 10, storm.deaths
    assert met["ready"] >= GAMES
    assert met["left"] > 10
    assert met["rejected"] > 10
    assert met["again"] > 10
    everybody_plays(players, play, dice, storm)
    wanted = sum(map(len, play.expected.values()))
    storm.until(lambda: answers(redis, prefix) >= wanted, 90)
    moves = Stream(redis, f"{prefix}make-move").group("judge")
    storm.until(lambda: moves.pending().count == 0 == moves.info().lag, 30)
    play.check()
    check_lobby(players, settled=False)
    assert wanted > GAMES * ROUNDS * 0.9
    assert storm.deaths["judge"] >= 20, storm.deaths
    assert not any(redis.exists(f"{prefix}{name}:dead") for name in ("make-move", "game-states"))


def some_come(numbers: range, players: LobbyPlayers, dice: random.Random, storm: Storm) -> None:
    """Let pairs look for a game or meet in private, and let some of them leave."""
    for number in numbers:
        ann, ben = f"ann{number}", f"ben{number}"
        if number % 5:
            players.find(ann, "once")
            players.find(ben)
        else:
            players.create(ann, "PRIVATE", dice.choice((9, 13, 19)), f"room {number}")
            players.join(ben, f"room {number}")
            players.join(f"cay{number}", f"room {number}")
        if dice.random() < 0.1:
            players.find(ann, "once")
        if dice.random() < 0.1:
            players.create(f"dan{number}", "PUBLIC", 9)
            players.leave(f"dan{number}")
        if number % 5 == 0:
            storm.blow()


def everybody_plays(players: LobbyPlayers, play: Play, dice: random.Random, storm: Storm) -> None:
    """Send a move in each game, in turn, and repeat some requests."""
    for ready in players.read("game-ready"):
        play.adopt(ready["game_id"], ready["board_size"])
    games = list(play.games)
    asked: list[tuple[str, str]] = []
    for _ in range(ROUNDS):
        dice.shuffle(games)
        for number, game_id in enumerate(games):
            asked.append((game_id, play.random_move(game_id, dice)))
            if dice.random() < 0.05:
                game_id, req_id = dice.choice(asked[-2000:])
                play.move(game_id, play.games[game_id].up, None, req_id)
            if number % 50 == 0:
                storm.blow()


def all_read(redis: redis_py.Redis, prefix: str) -> bool:
    names = ("find-public-game", "create-game", "join-private-game", "session-disconnected")
    streams = [Stream(redis, f"{prefix}{one}") for one in names]
    groups = [group for one in streams if one.exists() for group in one.groups()]
    return [group.lag for group in groups] == [0, 0, 0, 0]


def answers(redis: redis_py.Redis, prefix: str) -> int:
    return (
        Stream(redis, f"{prefix}move-made").length()
        + Stream(redis, f"{prefix}move-rejected").length()
    )
