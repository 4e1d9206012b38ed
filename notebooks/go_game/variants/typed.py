"""The judge on this package: streams, groups and entries, with their types."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from go_game import messages
from go_game.keys import Keys
from go_game.messages import GameState, MakeMove, Stream
from go_game.rules import Game
from go_game.validation import BadMessage
from go_game.variants.judge_move import judged
from streamviz import EntryId, connect
from streamviz import Stream as RedisStream
from streamviz.client.models import Entry
from streamviz.client.resp import Command
from streamviz.patterns.follow import follow
from streamviz.patterns.offsets import MemoryOffset


def run(address: str, prefix: str, ready: Callable[[], object]) -> None:
    """Judge until the process ends."""
    judge = TypedJudge(address, prefix)
    judge.group.create("0", mkstream=True, exist_ok=True)
    ready()
    for entry in judge.consumer.read(after="0"):  # what it was given before it was killed
        judge.handle(entry)
    while True:
        for entry in judge.consumer.read(100, block_ms=1000):
            judge.handle(entry)


class TypedJudge:
    """A judge that knows its games by heart, and Redis in case it is killed."""

    def __init__(self, address: str, prefix: str) -> None:
        self.keys = Keys(prefix)
        self.moves = RedisStream(connect(address), self.keys.stream(Stream.MAKE_MOVE))
        self.states = RedisStream(self.moves.client, self.keys.stream(Stream.GAME_STATES))
        self.group = self.moves.group("judge")
        self.consumer = self.group.consumer("judge")
        self.connection = self.moves.connection
        self.games: dict[str, Game] = {}

    def handle(self, entry: Entry) -> None:
        """Answer, keep the state and acknowledge, all at once."""
        done: list[Command] = [("XACK", self.moves.key, self.group.name, str(entry.id))]
        try:
            move = messages.decode(Stream.MAKE_MOVE, entry.fields)
        except BadMessage as error:
            letter = [word for pair in entry.fields.items() for word in pair]
            dead = self.keys.dead(Stream.MAKE_MOVE)
            self.connection.transaction([*done, ("XADD", dead, "*", *letter, "error", str(error))])
            return
        assert isinstance(move, MakeMove)
        key, answered = self.keys.game(move.game_id), f"answer:{move.req_id}"
        after = None
        if not self.connection.call("HEXISTS", key, answered):
            answer, after = judged(self.game(move.game_id, entry.id), move)
            stream = self.keys.stream(messages.stream_of(answer))
            done.append(("XADD", stream, "*", "data", messages.encode(answer)))
            done.append(("HSET", key, answered, stream))
            if after is not None:
                state = messages.encode(GameState(move.game_id, after))
                done.append(("XADD", self.states.key, "*", "data", state))
                done.append(("HSET", key, "state", state))
        self.connection.transaction(done)
        if after is not None:
            self.games[move.game_id] = after

    def game(self, game_id: str, asked: EntryId) -> Game | None:
        """Return a game: known by heart, kept in its hash, or new in ``game-states``."""
        if game_id not in self.games:
            key = self.keys.game(game_id)
            if not self.connection.call("HEXISTS", key, "state"):
                self.learn(asked.ms)
            if data := self.connection.call("HGET", key, "state"):
                found = messages.decode(Stream.GAME_STATES, {"data": data.decode()})
                assert isinstance(found, GameState)
                self.games[game_id] = found.game
        return self.games.get(game_id)

    def learn(self, until_ms: int) -> None:
        """Read ``game-states`` on to some time, and keep the newest state of each new game."""
        place = MemoryOffset((self.connection.call("GET", self.keys.states_read) or b"0").decode())
        newest = {}
        for entry in follow(self.states, place, count=500):
            if entry.id.ms > until_ms:
                break
            with suppress(BadMessage):
                state = messages.decode(Stream.GAME_STATES, entry.fields)
                assert isinstance(state, GameState)
                newest[state.game_id] = entry.fields["data"]
        done: list[Command] = [("SET", self.keys.states_read, str(place.load()))]
        for game_id, data in newest.items():
            done.append(("HSETNX", self.keys.game(game_id), "state", data))
        self.connection.transaction(done)
