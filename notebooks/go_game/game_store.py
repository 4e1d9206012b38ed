"""The judge's memory: each game in a hash, changed together with what is said about it.

A hash holds the game's ``state``, its ``turn``, its ``version`` (the ID of that state in
``game-states``), ``since`` (the ID of its first state there), and for each request that was
answered a pointer to the answer. One script writes the answers, the new states and the
acknowledgements of a game, if the version is still the one that they were judged by; if not, it
writes nothing.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from go_game import lua, messages, validation
from go_game.keys import Keys
from go_game.messages import GameState, MoveMade, MoveRejected, Stream
from go_game.rules import Game
from go_game.validation import BadMessage
from streamviz.client.connection import Connection
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.resp import Arg, Command
from streamviz.client.stream import Stream as RedisStream

GROUP = "judge"
_KNOWN = "version", "state", "since"
_PAGE = 500
_REMEMBERED = 2000

_COMMIT = lua.load("commit")
_LEARN = lua.load("learn")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a game when a move is judged.

    Attributes
    ----------
    version : str
        The ID of its state in ``game-states``; empty if there is no such game.
    game : Game or None
        Its state.
    since : EntryId
        The ID of its first state in ``game-states``; ``0-0`` if that tells no time.
    answered : frozenset of str
        Which of the requests asked about were answered before.
    """

    version: str
    game: Game | None
    since: EntryId
    answered: frozenset[str]


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer, and the game after it if it changed."""

    req_id: str
    answer: MoveMade | MoveRejected
    game: Game | None = None


class Games:
    """The games, as all judges at one Redis share them.

    Parameters
    ----------
    client : redis.Redis
        The server.
    keys : Keys
        Their names.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self.keys = keys
        self.states = RedisStream(client, keys.stream(Stream.GAME_STATES))
        self.connection = Connection(client)
        self._games: OrderedDict[str, tuple[str, Game]] = OrderedDict()

    def fetch(self, asked: Mapping[str, Sequence[str]]) -> dict[str, Known]:
        """Return what is known of games (HMGET), given the requests to each.

        A game without a hash is looked for in ``game-states`` first.
        """
        found = self._fetch(asked)
        strangers = {one: asked[one] for one, known in found.items() if known.game is None}
        if strangers:
            self.learn()
            found |= self._fetch(strangers)
        return found

    def answer(self, game_id: str, req_id: str) -> MoveMade | MoveRejected | None:
        """Return the answer that a request got; None if it got none (HGET, XRANGE)."""
        where = self.connection.call("HGET", self.keys.game(game_id), f"answer:{req_id}")
        if where is None:
            return None
        key, _, which = where.decode().rpartition(" ")
        entries = RedisStream(self.states.client, key).range(which, which)
        if not entries:
            return None  # it was trimmed away
        said = messages.decode(key.removeprefix(self.keys.prefix), entries[0].fields)
        return said if isinstance(said, MoveMade | MoveRejected) else None

    def commit(
        self, judged: Mapping[str, tuple[Known, Sequence[EntryId], Sequence[Decision]]]
    ) -> set[str]:
        """Write what was decided (EVAL), each game wholly or not at all.

        Parameters
        ----------
        judged : mapping
            For each game: what was known of it, the entries to acknowledge, the decisions.

        Returns
        -------
        set of str
            The games that somebody else has changed meanwhile: judge them anew.
        """
        commands = [self._commit(game_id, *what) for game_id, what in judged.items()]
        done = lua.raised(self.connection.pipeline(commands))
        changed = set()
        for (game_id, (_, _, decisions)), version in zip(judged.items(), done, strict=True):
            if version is None:
                changed.add(game_id)
            elif after := next((one.game for one in reversed(decisions) if one.game), None):
                self._remember(game_id, version.decode(), after)
        return changed

    def learn(self) -> None:
        """Read ``game-states`` on from where the judges left it, and keep each newest state."""
        while True:
            read: Any = self.connection.call("GET", self.keys.states_read)
            position = read.decode() if read else "0-0"
            entries = self.states.range(f"({position}", count=_PAGE)
            if not entries:
                return
            lua.raised([self.connection.call(*self._learn(position, entries))])

    def _fetch(self, asked: Mapping[str, Sequence[str]]) -> dict[str, Known]:
        commands: list[Command] = [
            ("HMGET", self.keys.game(one), *_KNOWN, *(f"answer:{req}" for req in reqs))
            for one, reqs in asked.items()
        ]
        replies = lua.raised(self.connection.pipeline(commands))
        return {
            one: Known(
                version.decode() if version else "",
                self._game(one, version.decode(), state) if version else None,
                EntryId.parse(since or b"0-0"),
                frozenset(req for req, had in zip(asked[one], answers, strict=True) if had),
            )
            for one, (version, state, since, *answers) in zip(asked, replies, strict=True)
        }

    def _game(self, game_id: str, version: str, state: bytes) -> Game:
        """Read a state, or remember it: playing its moves again takes time."""
        last = self._games.get(game_id)
        if last is None or last[0] != version:
            last = version, Game.from_dict(json.loads(state), last[1] if last else None)
        self._remember(game_id, *last)
        return last[1]

    def _remember(self, game_id: str, version: str, game: Game) -> None:
        self._games[game_id] = version, game
        self._games.move_to_end(game_id)
        if len(self._games) > _REMEMBERED:
            self._games.popitem(last=False)

    def _commit(
        self, game_id: str, known: Known, ack: Sequence[EntryId], decisions: Sequence[Decision]
    ) -> Command:
        streams = Stream.MAKE_MOVE, Stream.GAME_STATES, Stream.MOVE_MADE, Stream.MOVE_REJECTED
        keys = [self.keys.game(game_id), *map(self.keys.stream, streams), self.keys.states_read]
        words: list[Arg] = [GROUP, known.version, len(ack), *map(str, ack)]
        for one in decisions:
            place = 2 + streams.index(messages.stream_of(one.answer))
            state = messages.encode(GameState(game_id, one.game)) if one.game else ""
            turn = one.game.turn if one.game else 0
            words += [one.req_id, place, messages.encode(one.answer), turn, state]
        return ["EVAL", _COMMIT, len(keys), *keys, *words]

    def _learn(self, position: str, entries: Sequence[Entry]) -> Command:
        newest: dict[str, tuple[str, GameState]] = {}
        first: dict[str, str] = {}
        dead: list[Arg] = []
        for entry in self._news(entries):
            try:
                state = messages.decode(Stream.GAME_STATES, entry.fields)
            except BadMessage as error:
                letter = lua.letter(self.states.key, GROUP, GROUP, entry, error)
                dead += [len(letter), *letter]
                continue
            if isinstance(state, GameState):
                first.setdefault(state.game_id, str(entry.id))
                last = newest.get(state.game_id)
                if last is None or state.game.turn > last[1].game.turn:
                    newest[state.game_id] = str(entry.id), state
        keys = [self.keys.states_read, self.keys.dead(Stream.GAME_STATES)]
        keys += map(self.keys.game, newest)
        words: list[Arg] = [position, str(entries[-1].id)]
        for game_id, (version, state) in newest.items():
            words += [version, state.game.turn, messages.encode(state), first[game_id]]
        return ["EVAL", _LEARN, len(keys), *keys, *words, *dead]

    def _news(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Leave out what is no newer than what is known, and so need not be read with care.

        Most of it the judges wrote themselves.
        """
        heads = [_head(entry) for entry in entries]
        names = list({game_id for game_id, _ in heads})
        replies = self.connection.pipeline([("HGET", self.keys.game(one), "turn") for one in names])
        turns = dict(zip(names, lua.raised(replies), strict=True))
        for entry, (game_id, turn) in zip(entries, heads, strict=True):
            if turn is None or turn > int(turns[game_id] or 0):
                yield entry


def _head(entry: Entry) -> tuple[str, int | None]:
    """Return which game a state is of, and its turn; None if it does not say so clearly."""
    try:
        found = messages.parsed(Stream.GAME_STATES, entry.fields)
        turn = found.get("turn")
        if type(turn) is int and turn > 0:
            return validation.name("game_id", found.get("game_id")), turn
    except BadMessage:
        pass
    return "", None
