"""The judge on this package: typed streams, groups and entries."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from go_game import messages
from go_game.judge_move import judge_move
from go_game.keys import Keys
from go_game.messages import GameState, MakeMove, Topic
from go_game.rules import Game
from go_game.validation import BadMessage
from streamviz import EntryId, Stream, connect
from streamviz.client import Command, Entry
from streamviz.patterns import MemoryOffset, follow


def run(address: str, prefix: str, ready: Callable[[], object]) -> None:
    """Judge until the process ends."""
    judge = TypedJudge(address, prefix)
    judge.group.create("0", mkstream=True, exist_ok=True)
    ready()
    for entry in judge.consumer.read(after="0"):  # the entries delivered before a kill
        judge.handle(entry)
    while True:
        for entry in judge.consumer.read(100, block_ms=1000):
            judge.handle(entry)


class TypedJudge:
    """A judge that caches its games, and stores them in Redis in case it is killed."""

    def __init__(self, address: str, prefix: str) -> None:
        self.keys = Keys(prefix)
        self.moves = Stream(connect(address), self.keys.stream(Topic.MAKE_MOVE))
        self.states = Stream(self.moves.client, self.keys.stream(Topic.GAME_STATES))
        self.group = self.moves.group("judge")
        self.consumer = self.group.consumer("judge")
        self.connection = self.moves.connection
        self.games: dict[str, Game] = {}

    def handle(self, entry: Entry) -> None:
        """Answer, store the state and acknowledge, in one transaction."""
        commands: list[Command] = [("XACK", self.moves.key, self.group.name, str(entry.id))]
        try:
            move = messages.decode(Topic.MAKE_MOVE, entry.fields)
        except BadMessage as error:
            fields = {**entry.fields, "error": str(error)}
            letter = [word for pair in fields.items() for word in pair]
            dead = self.keys.dead_letters(Topic.MAKE_MOVE)
            self.connection.transaction([*commands, ("XADD", dead, "*", *letter)])
            return
        assert isinstance(move, MakeMove)
        key, answered = self.keys.game(move.game_id), f"answer:{move.req_id}"
        after = None
        if not self.connection.call("HEXISTS", key, answered):
            answer, after = judge_move(self.game(move.game_id, entry.id), move)
            stream = self.keys.stream(messages.topic_of(answer))
            commands.append(("XADD", stream, "*", "data", messages.encode(answer)))
            commands.append(("HSET", key, answered, stream))
            if after is not None:
                state = messages.encode(GameState(move.game_id, after))
                commands.append(("XADD", self.states.key, "*", "data", state))
                commands.append(("HSET", key, "state", state))
        self.connection.transaction(commands)
        if after is not None:
            self.games[move.game_id] = after

    def game(self, game_id: str, entry_id: EntryId) -> Game | None:
        """Return a game: from the cache, from its hash, or new from ``game-states``."""
        if game_id not in self.games:
            key = self.keys.game(game_id)
            if not self.connection.call("HEXISTS", key, "state"):
                self.learn(entry_id.ms)
            if data := self.connection.call("HGET", key, "state"):
                state = messages.decode(Topic.GAME_STATES, {"data": data.decode()})
                assert isinstance(state, GameState)
                self.games[game_id] = state.game
        return self.games.get(game_id)

    def learn(self, until_ms: int) -> None:
        """Read ``game-states`` up to a time, and store the newest state of each new game."""
        last_read = self.connection.call("GET", self.keys.states_read) or b"0"
        offset = MemoryOffset(last_read.decode())
        newest = {}
        for entry in follow(self.states, offset, count=500):
            if entry.id.ms > until_ms:
                break
            with suppress(BadMessage):
                state = messages.decode(Topic.GAME_STATES, entry.fields)
                assert isinstance(state, GameState)
                newest[state.game_id] = entry.fields["data"]
        commands: list[Command] = [("SET", self.keys.states_read, str(offset.load()))]
        for game_id, data in newest.items():
            commands.append(("HSETNX", self.keys.game(game_id), "state", data))
        self.connection.transaction(commands)
