"""The judge on FastStream: a handler for each entry; the library reads, calls and acknowledges."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from faststream import FastStream
from faststream.redis import RedisBroker, StreamSub
from redis.exceptions import ResponseError

from go_game import messages
from go_game.judge_move import judge_move
from go_game.keys import Keys
from go_game.messages import GameState, MakeMove, Topic
from go_game.rules import Game
from go_game.validation import BadMessage

GROUP = NAME = "judge"
Fields = Mapping[str, str]


def run(address: str, prefix: str, ready: Callable[[], object]) -> None:
    """Judge until the process ends."""
    judge = DeclarativeJudge(Keys(prefix))
    broker = RedisBroker(address, apply_types=False, log_level=logging.DEBUG)
    app = FastStream(broker)
    reading = StreamSub(judge.moves, group=GROUP, consumer=NAME, max_records=100)

    @broker.subscriber(stream=reading, parser=parsed, decoder=decoded)
    async def handle(entry: tuple[bytes, Fields]) -> None:
        try:
            await judge.handle(*entry)
        except Exception as error:  # otherwise FastStream continues with the next move
            traceback.print_exc()
            raise SystemExit from error

    @app.on_startup
    async def begin() -> None:
        await judge.resume(await broker.connect())

    app.after_startup(ready)
    asyncio.run(app.run())


async def parsed(entry: Any, parse: Callable[[Any], Any]) -> Any:
    """Replace invalid UTF-8, which FastStream would neither handle nor acknowledge."""
    return await parse({**entry, "data": text(entry["data"])})


async def decoded(message: Any) -> tuple[bytes, Fields]:
    """Return the entry unchanged: FastStream would decode ``data`` as its own envelope."""
    (entry_id,) = message.raw_message["message_ids"]
    return entry_id, message.raw_message["data"]


def text(fields: Mapping[bytes, bytes]) -> Fields:
    """Return the fields of an entry as text."""
    pairs = fields.items()
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in pairs}


class DeclarativeJudge:
    """A judge that caches its games, and stores them in Redis in case it is killed."""

    def __init__(self, keys: Keys) -> None:
        self.redis: Any = None
        self.keys = keys
        self.moves = self.keys.stream(Topic.MAKE_MOVE)
        self.states = self.keys.stream(Topic.GAME_STATES)
        self.games: dict[str, Game] = {}

    async def resume(self, client: Any) -> None:
        """Create the group at the start of the stream, and handle its pending entries.

        FastStream would create the group at the end of the stream, and read only new entries.
        """
        self.redis = client
        try:
            await client.xgroup_create(self.moves, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        for _, entries in await client.xreadgroup(GROUP, NAME, {self.moves: "0"}):
            for entry_id, fields in entries:
                await self.handle(entry_id, text(fields or {}))
                await client.xack(self.moves, GROUP, entry_id)

    async def handle(self, entry_id: bytes, fields: Fields) -> None:
        """Answer and store the state in one transaction; FastStream acknowledges later."""
        async with self.redis.pipeline(transaction=True) as pipe:
            try:
                move = messages.decode(Topic.MAKE_MOVE, fields)
                assert isinstance(move, MakeMove)
            except BadMessage as error:
                pipe.xadd(self.keys.dead_letters(Topic.MAKE_MOVE), {**fields, "error": str(error)})
                await pipe.execute()
                return
            key, answered = self.keys.game(move.game_id), f"answer:{move.req_id}"
            if await self.redis.hexists(key, answered):
                return
            answer, after = judge_move(await self.game(move.game_id, entry_id), move)
            stream = self.keys.stream(messages.topic_of(answer))
            pipe.xadd(stream, {"data": messages.encode(answer)})
            pipe.hset(key, answered, stream)
            if after is not None:
                state = messages.encode(GameState(move.game_id, after))
                pipe.xadd(self.states, {"data": state})
                pipe.hset(key, "state", state)
            await pipe.execute()
            if after is not None:
                self.games[move.game_id] = after

    async def game(self, game_id: str, entry_id: bytes) -> Game | None:
        """Return a game: from the cache, from its hash, or new from ``game-states``."""
        if game_id not in self.games:
            key = self.keys.game(game_id)
            if not await self.redis.hexists(key, "state"):
                await self.learn(entry_id.partition(b"-")[0])
            if data := await self.redis.hget(key, "state"):
                state = messages.decode(Topic.GAME_STATES, {"data": data.decode()})
                assert isinstance(state, GameState)
                self.games[game_id] = state.game
        return self.games.get(game_id)

    async def learn(self, until_ms: bytes) -> None:
        """Read ``game-states`` up to a time, and store the newest state of each new game."""
        position = (await self.redis.get(self.keys.states_read) or b"0").decode()
        newest = {}
        while entries := await self.redis.xrange(self.states, f"({position}", until_ms, count=500):
            for _, fields in entries:
                with suppress(BadMessage):
                    state = messages.decode(Topic.GAME_STATES, text(fields))
                    assert isinstance(state, GameState)
                    newest[state.game_id] = fields[b"data"]
            position = entries[-1][0].decode()
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.set(self.keys.states_read, position)
            for game_id, data in newest.items():
                pipe.hsetnx(self.keys.game(game_id), "state", data)
            await pipe.execute()
