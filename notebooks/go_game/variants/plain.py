"""The judge on redis-py alone: commands, nested replies, and every position by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from go_game import messages
from go_game.judge_move import judge_move
from go_game.keys import Keys
from go_game.messages import GameState, MakeMove, Topic
from go_game.rules import Game
from go_game.validation import BadMessage

GROUP = NAME = "judge"


def run(address: str, prefix: str, ready: Callable[[], object]) -> None:
    """Judge until the process ends."""
    judge = PlainJudge(address, prefix)
    judge.prepare()
    ready()
    judge.read("0")  # the entries delivered before a kill
    while True:
        judge.read(">")


class PlainJudge:
    """A judge that caches its games, and stores them in Redis in case it is killed."""

    def __init__(self, address: str, prefix: str) -> None:
        self.redis: Any = redis.Redis.from_url(
            address,
            protocol=2,
            decode_responses=True,
            encoding_errors="replace",
            retry=Retry(NoBackoff(), 0),  # a repeated XADD would double an answer
        )
        self.keys = Keys(prefix)
        self.moves = self.keys.stream(Topic.MAKE_MOVE)
        self.states = self.keys.stream(Topic.GAME_STATES)
        self.games: dict[str, Game] = {}

    def prepare(self) -> None:
        """Create the group, if it does not exist."""
        try:
            self.redis.xgroup_create(self.moves, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def read(self, after: str) -> None:
        """Read moves and judge each."""
        reply = self.redis.xreadgroup(GROUP, NAME, {self.moves: after}, count=100, block=1000)
        for _, entries in reply:
            for entry_id, fields in entries:
                self.handle(entry_id, fields or {})  # a deleted pending entry has no fields

    def handle(self, entry_id: str, fields: dict[str, str]) -> None:
        """Answer, store the state and acknowledge, in one transaction."""
        pipe = self.redis.pipeline(transaction=True)
        pipe.xack(self.moves, GROUP, entry_id)
        try:
            move = messages.decode(Topic.MAKE_MOVE, fields)
        except BadMessage as error:
            pipe.xadd(self.keys.dead_letters(Topic.MAKE_MOVE), {**fields, "error": str(error)})
            pipe.execute()
            return
        assert isinstance(move, MakeMove)
        key, answered = self.keys.game(move.game_id), f"answer:{move.req_id}"
        after = None
        if not self.redis.hexists(key, answered):
            answer, after = judge_move(self.game(move.game_id, entry_id), move)
            stream = self.keys.stream(messages.topic_of(answer))
            pipe.xadd(stream, {"data": messages.encode(answer)})
            pipe.hset(key, answered, stream)
            if after is not None:
                state = messages.encode(GameState(move.game_id, after))
                pipe.xadd(self.states, {"data": state})
                pipe.hset(key, "state", state)
        pipe.execute()
        if after is not None:
            self.games[move.game_id] = after

    def game(self, game_id: str, entry_id: str) -> Game | None:
        """Return a game: from the cache, from its hash, or new from ``game-states``."""
        if game_id not in self.games:
            key = self.keys.game(game_id)
            if not self.redis.hexists(key, "state"):
                self.learn(entry_id.partition("-")[0])
            if data := self.redis.hget(key, "state"):
                state = messages.decode(Topic.GAME_STATES, {"data": data})
                assert isinstance(state, GameState)
                self.games[game_id] = state.game
        return self.games.get(game_id)

    def learn(self, until_ms: str) -> None:
        """Read ``game-states`` up to a time, and store the newest state of each new game."""
        position = self.redis.get(self.keys.states_read) or "0"
        newest = {}
        while entries := self.redis.xrange(self.states, f"({position}", until_ms, count=500):
            for _, fields in entries:
                with suppress(BadMessage):
                    state = messages.decode(Topic.GAME_STATES, fields)
                    assert isinstance(state, GameState)
                    newest[state.game_id] = fields["data"]
            position = entries[-1][0]
        pipe = self.redis.pipeline(transaction=True)
        pipe.set(self.keys.states_read, position)
        for game_id, data in newest.items():
            pipe.hsetnx(self.keys.game(game_id), "state", data)
        pipe.execute()
