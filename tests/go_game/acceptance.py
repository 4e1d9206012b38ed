"""The tests that every judge must pass, in any style.

The tests send moves to a judge's `Topics` and read its answers there. A test class runs all of them
if it derives from `JudgeAcceptance` and provides two fixtures: ``topics``, with a judge at work
behind them, and ``away``, with which no judge works inside ``with away():``. For a judge with the
plain rules only, it also sets ``rules = BUGOUT``.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import redis as redis_py
from records import ALPHAGO_LEE_4
from sgfmill import sgf

from go_game.rules import STANDARD, Coord, Game, IllegalMove, Player, Rules

Message = dict[str, Any]
Away = Callable[[], AbstractContextManager[None]]
BLACK, WHITE = Player.BLACK, Player.WHITE


class Topics(Protocol):
    """A judge's topics, by their names without prefix, over any transport."""

    def send(self, stream: str, data: str) -> None:
        """Add a message to a topic."""

    def read(self, stream: str) -> list[str]:
        """Return all messages of a topic, oldest first."""


class RedisTopics:
    """Redis Streams, with the JSON in the field ``data``."""

    def __init__(self, client: redis_py.Redis, prefix: str) -> None:
        self.client, self.prefix = client, prefix

    def send(self, stream: str, data: str) -> None:
        self.client.xadd(f"{self.prefix}{stream}", {"data": data})

    def read(self, stream: str) -> list[str]:
        entries: Any = self.client.xrange(f"{self.prefix}{stream}")
        return [fields[b"data"].decode() for _, fields in entries]


class Play:
    """Some games on a judge's topics, with the expected answers.

    It judges each move that it sends with the rules, which are tested against sgfmill, and compares
    the judge's answers with its own, game by game and in order.
    """

    def __init__(self, topics: Topics, rules: Rules = STANDARD) -> None:
        self.topics = topics
        self.rules = rules
        self.games: dict[str, Game] = {}
        self.expected: dict[str, list[Message]] = defaultdict(list)
        self.states: dict[str, list[Message]] = defaultdict(list)
        self.answered: set[tuple[str, str]] = set()
        self._numbers = itertools.count(1)

    def open(self, game_id: str, size: int = 9) -> None:
        """Add the first state of a game to ``game-states``, as the lobby does."""
        self.topics.send("game-states", json.dumps(self.adopt(game_id, size)))

    def adopt(self, game_id: str, size: int) -> Message:
        """Play a game that was opened elsewhere, and return its first state."""
        self.games[game_id] = Game.new(size, self.rules)
        state = {"game_id": game_id, **self.games[game_id].to_dict()}
        self.states[game_id].append(state)
        return state

    def move(
        self, game_id: str, player: Player, coord: tuple[int, int] | None, req_id: str | None = None
    ) -> str:
        """Send a move, and note the expected answer; a repeated `req_id` expects none."""
        req_id = req_id or f"req-{next(self._numbers)}"
        point = None if coord is None else Coord(*coord)
        message = {
            "game_id": game_id,
            "req_id": req_id,
            "player": player.value,
            "coord": None if point is None else point._asdict(),
        }
        self.topics.send("make-move", json.dumps(message))
        if (game_id, req_id) not in self.answered:
            self.answered.add((game_id, req_id))
            self._expect(message, player, point)
        return req_id

    def _expect(self, asked: Message, player: Player, point: Coord | None) -> None:
        game_id = asked["game_id"]
        answer = {
            "game_id": game_id,
            "reply_to": asked["req_id"],
            "player": asked["player"],
            "coord": asked["coord"],
        }
        game = self.games.get(game_id)
        try:
            if game is None:
                self.expected[game_id].append(answer | {"reason": "there is no such game"})
                return
            self.games[game_id], captured = game.play(player, point)
        except IllegalMove as error:
            self.expected[game_id].append(answer | {"reason": str(error.reason)})
        else:
            answer["captured"] = [one._asdict() for one in captured]
            self.expected[game_id].append(answer)
            state = {"game_id": game_id, **self.games[game_id].to_dict()}
            self.states[game_id].append(state)

    def random_move(self, game_id: str, dice: random.Random) -> str:
        """Send a move that is mostly legal."""
        game = self.games[game_id]
        player = game.up if dice.random() < 0.95 else game.up.other
        at = (dice.randrange(game.size), dice.randrange(game.size))
        return self.move(game_id, player, None if dice.random() < 0.03 else at)

    def wait(self, until: Callable[..., None], seconds: float = 10) -> None:
        """Wait until there are as many answers as requests."""
        wanted = sum(map(len, self.expected.values()))

        def enough() -> bool:
            made, rejected = self.topics.read("move-made"), self.topics.read("move-rejected")
            return len(made) + len(rejected) >= wanted

        until(enough, seconds)

    def check(self) -> None:
        """Compare all answers and states with the expected ones."""
        made = [json.loads(one) for one in self.topics.read("move-made")]
        events = [one.pop("event_id") for one in made]
        assert all(events)
        assert len(set(events)) == len(events), "an event's ID is its own"
        rejected = [json.loads(one) for one in self.topics.read("move-rejected")]
        states = [json.loads(one) for one in self.topics.read("game-states")]
        want = [one for answers in self.expected.values() for one in answers]
        assert len(made) + len(rejected) == len(want), "each request has one answer"
        assert by_game(made) == by_game(one for one in want if "captured" in one)
        assert by_game(rejected) == by_game(one for one in want if "reason" in one)
        assert by_game(states) == dict(self.states)


def later(until: Callable[..., None]) -> None:
    """Wait until new IDs are in a later millisecond."""
    now = time.time()
    until(lambda: time.time() > now + 0.05)


def by_game(messages: Any) -> Mapping[str, list[Message]]:
    """Return messages by game, each in the order of the stream."""
    found: dict[str, list[Message]] = defaultdict(list)
    for one in messages:
        found[one["game_id"]].append(one)
    return dict(found)


class JudgeAcceptance:
    """The tests; a subclass gives the fixture ``topics``."""

    rules = STANDARD

    def play(self, topics: Topics) -> Play:
        return Play(topics, self.rules)

    def test_a_legal_move_is_made_and_changes_the_state(
        self, topics: Topics, until: Callable[..., None]
    ) -> None:
        play = self.play(topics)
        play.open("g")
        play.move("g", BLACK, (2, 3))
        play.move("g", WHITE, (6, 5))
        play.move("g", BLACK, None)
        play.wait(until)
        play.check()
        assert len(topics.read("game-states")) == 4

    def test_an_illegal_move_is_rejected_with_the_reason(
        self, topics: Topics, until: Callable[..., None]
    ) -> None:
        play = self.play(topics)
        play.open("g")
        play.move("g", WHITE, (0, 0))
        play.move("g", BLACK, (9, 0))
        play.move("g", BLACK, (0, -1))
        play.move("g", BLACK, (4, 4))
        play.move("g", BLACK, (4, 5))
        play.move("g", WHITE, (4, 4))
        play.move("no such game", BLACK, (0, 0))
        play.wait(until)
        play.check()
        assert len(topics.read("move-rejected")) == 6

    def test_stones_without_liberty_are_taken(
        self, topics: Topics, until: Callable[..., None]
    ) -> None:
        play = self.play(topics)
        play.open("g")
        for x, y in ((1, 0), (0, 0), (0, 1)):
            play.move("g", play.games["g"].up, (x, y))
        play.wait(until)
        play.check()
        assert json.loads(topics.read("move-made")[-1])["captured"] == [{"x": 0, "y": 0}]

    def test_suicide_and_repetition_follow_the_rules_of_the_game(
        self, topics: Topics, until: Callable[..., None]
    ) -> None:
        play = self.play(topics)
        for game_id in ("suicide", "ko"):
            play.open(game_id)
        for x, y in ((1, 0), (8, 8), (0, 1), (0, 0)):
            play.move("suicide", play.games["suicide"].up, (x, y))
        ko = ((1, 0), (2, 0), (0, 1), (3, 1), (1, 2), (2, 2), (2, 1), (1, 1), (2, 1))
        for x, y in ko:
            play.move("ko", play.games["ko"].up, (x, y))
        play.wait(until)
        play.check()

    def test_the_same_request_again_gets_no_second_answer(
        self, topics: Topics, until: Callable[..., None]
    ) -> None:
        play = self.play(topics)
        play.open("g")
        first = play.move("g", BLACK, None)
        play.move("g", WHITE, (3, 3))
        play.move("g", BLACK, None, first)
        bad = play.move("g", WHITE, (4, 4))
        play.move("g", WHITE, (4, 4), bad)
        play.move("g", BLACK, (5, 5), first)
        play.move("g", BLACK, (6, 6))
        play.wait(until)
        play.check()
        assert len(topics.read("move-made")) == 3
        assert len(topics.read("move-rejected")) == 1

    def test_a_whole_game_and_games_side_by_side(
        self, topics: Topics, until: Callable[..., None]
    ) -> None:
        play = self.play(topics)
        play.open("Seoul", 19)
        for number in range(5):
            play.open(f"g{number}", (9, 13)[number % 2])
        dice = random.Random(7)
        for node in sgf.Sgf_game.from_string(ALPHAGO_LEE_4).get_main_sequence()[1:]:
            colour, (row, x) = node.get_move()
            play.move("Seoul", BLACK if colour == "b" else WHITE, (x, 18 - row))
            play.random_move(f"g{dice.randrange(5)}", dice)
        play.wait(until, 20)
        play.check()
        assert play.games["Seoul"].turn == 181

    def test_an_invalid_entry_does_not_stop_the_judge(
        self, topics: Topics, until: Callable[..., None]
    ) -> None:
        play = self.play(topics)
        play.open("g")
        good = {"game_id": "g", "req_id": "r", "player": "BLACK", "coord": {"x": 1, "y": 1}}
        for data in (
            "",
            "not JSON",
            "[" * 100_000,
            "null",
            "[]",
            *(json.dumps({k: v for k, v in good.items() if k != left}) for left in good),
            json.dumps(good | {"player": "GREEN"}),
            json.dumps(good | {"game_id": 7}),
            json.dumps(good | {"coord": [1, 1]}),
            json.dumps(good | {"coord": {"x": 1.5, "y": 1}}),
            json.dumps(good | {"coord": {"x": True, "y": 1}}),
        ):
            topics.send("make-move", data)
            play.move("g", play.games["g"].up, None)
        play.wait(until)
        play.check()

    def test_a_state_from_elsewhere_is_taken_up_where_it_stands(
        self, topics: Topics, until: Callable[..., None]
    ) -> None:
        play = self.play(topics)
        game = Game.new(13, self.rules)
        for x in range(12):
            game, _ = game.play(game.up, Coord(x, x))
        state = {"game_id": "g", **game.to_dict()}
        topics.send("game-states", json.dumps(state))
        play.games["g"] = game
        play.states["g"].append(state)
        play.move("g", BLACK, (0, 0))
        play.move("g", BLACK, (0, 1))
        play.wait(until)
        play.check()
        assert json.loads(topics.read("game-states")[-1])["turn"] == 14

    def test_a_move_from_before_its_game_is_rejected_however_late_it_is_read(
        self, topics: Topics, away: Away, until: Callable[..., None]
    ) -> None:
        play = self.play(topics)
        with away():
            play.open("old")
            early = play.move("g", BLACK, (2, 3))
            later(until)
            play.open("g")
            later(until)
            play.move("g", BLACK, (4, 4))
            play.move("old", BLACK, (2, 3))
        play.move("g", WHITE, (2, 3))
        play.move("g", BLACK, (2, 3), early)
        play.move("g", BLACK, (5, 5))
        play.wait(until, 20)
        play.check()
        (rejected,) = map(json.loads, topics.read("move-rejected"))
        assert (rejected["reply_to"], rejected["reason"]) == (early, "there is no such game")

    def test_answers_stay_while_other_games_continue(
        self, topics: Topics, until: Callable[..., None]
    ) -> None:
        play = self.play(topics)
        for game_id in "abc":
            play.open(game_id)
            for x, y in ((2, 3), (2, 3), (3, 3)):
                play.move(game_id, play.games[game_id].up, (x, y))
            play.wait(until)
            play.check()
