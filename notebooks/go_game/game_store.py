"""The judges' memory: a hash for each game, updated together with the answers.

The hash holds the game's ``state``, its ``turn``, its ``version`` (the ID of that state in
``game-states``), ``since`` (the ID of the game's first state), and for each answered request a
pointer to the answer. One script writes the answers, new states and acknowledgements of a game, if
the game is still at the version that they are based on; otherwise it writes nothing.
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
from go_game.messages import GameState, MoveMade, MoveRejected, Topic
from go_game.rules import Game
from go_game.validation import BadMessage
from streamviz.client import Arg, Command, Connection, Entry, EntryId, Stream

GROUP = "judge"
_FIELDS = "version", "state", "since"
_PAGE = 500
_CACHED_GAMES = 2000

_COMMIT = lua.load("commit")
_LEARN = lua.load("learn")


@dataclass(frozen=True, slots=True)
class KnownGame:
    """A game as stored when its moves are judged.

    Attributes
    ----------
    version : str
        The ID of its state in ``game-states``; empty if the game does not exist.
    game : Game or None
        Its state.
    since : EntryId
        The ID of its first state in ``game-states``; ``0-0`` if that ID is not a real time.
    answered : frozenset of str
        The requests that already have an answer, among those asked about.
    """

    version: str
    game: Game | None
    since: EntryId
    answered: frozenset[str]


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer, and the game after it if the game has changed."""

    req_id: str
    answer: MoveMade | MoveRejected
    game: Game | None = None


class GameStore:
    """The games that all judges on one Redis share.

    Parameters
    ----------
    client : redis.Redis
        The server.
    keys : Keys
        The names of the keys.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self.keys = keys
        self.states = Stream(client, keys.stream(Topic.GAME_STATES))
        self.connection = Connection(client)
        self._games: OrderedDict[str, tuple[str, Game]] = OrderedDict()

    def fetch(self, requests: Mapping[str, Sequence[str]]) -> dict[str, KnownGame]:
        """Return games as stored (HMGET), given the IDs of the requests to each.

        If a game has no hash, ``game-states`` is read for new games first.
        """
        games = self._fetch(requests)
        unknown = {game_id: requests[game_id] for game_id, known in games.items() if not known.game}
        if unknown:
            self.learn()
            games |= self._fetch(unknown)
        return games

    def answer(self, game_id: str, req_id: str) -> MoveMade | MoveRejected | None:
        """Return the answer to a request; None if it has none (HGET, XRANGE)."""
        pointer = self.connection.call("HGET", self.keys.game(game_id), f"answer:{req_id}")
        if pointer is None:
            return None
        key, _, entry_id = pointer.decode().rpartition(" ")
        entries = Stream(self.states.client, key).range(entry_id, entry_id)
        if not entries:
            return None  # the answer was trimmed
        message = messages.decode(key.removeprefix(self.keys.prefix), entries[0].fields)
        return message if isinstance(message, MoveMade | MoveRejected) else None

    def commit(
        self, games: Mapping[str, tuple[KnownGame, Sequence[EntryId], Sequence[Decision]]]
    ) -> set[str]:
        """Write decisions (EVAL), for each game all of them or none.

        Parameters
        ----------
        games : mapping
            For each game: the game as fetched, the entries to acknowledge, the decisions.

        Returns
        -------
        set of str
            The games that another judge has changed in the meantime: judge those again.
        """
        commands = [self._commit(game_id, *work) for game_id, work in games.items()]
        versions = lua.check_replies(self.connection.pipeline(commands))
        changed = set()
        for (game_id, (_, _, decisions)), version in zip(games.items(), versions, strict=True):
            if version is None:
                changed.add(game_id)
            elif after := next((one.game for one in reversed(decisions) if one.game), None):
                self._cache(game_id, version.decode(), after)
        return changed

    def learn(self) -> None:
        """Read ``game-states`` from the judges' position on, and keep each game's newest state."""
        while True:
            reply: Any = self.connection.call("GET", self.keys.states_read)
            position = reply.decode() if reply else "0-0"
            entries = self.states.range(f"({position}", count=_PAGE)
            if not entries:
                return
            lua.check_replies([self.connection.call(*self._learn(position, entries))])

    def _fetch(self, requests: Mapping[str, Sequence[str]]) -> dict[str, KnownGame]:
        commands: list[Command] = [
            ("HMGET", self.keys.game(game_id), *_FIELDS, *(f"answer:{req_id}" for req_id in ids))
            for game_id, ids in requests.items()
        ]
        replies = lua.check_replies(self.connection.pipeline(commands))
        games = {}
        for (game_id, ids), reply in zip(requests.items(), replies, strict=True):
            version, state, since, *answers = reply
            answered = (req_id for req_id, answer in zip(ids, answers, strict=True) if answer)
            games[game_id] = KnownGame(
                version.decode() if version else "",
                self._game(game_id, version.decode(), state) if version else None,
                EntryId.parse(since or b"0-0"),
                frozenset(answered),
            )
        return games

    def _game(self, game_id: str, version: str, state: bytes) -> Game:
        """Parse a state, unless it is cached: replaying its moves takes time."""
        cached = self._games.get(game_id)
        if cached is None or cached[0] != version:
            earlier = cached[1] if cached else None
            cached = version, Game.from_dict(json.loads(state), earlier)
        self._cache(game_id, *cached)
        return cached[1]

    def _cache(self, game_id: str, version: str, game: Game) -> None:
        self._games[game_id] = version, game
        self._games.move_to_end(game_id)
        if len(self._games) > _CACHED_GAMES:
            self._games.popitem(last=False)

    def _commit(
        self, game_id: str, known: KnownGame, ack: Sequence[EntryId], decisions: Sequence[Decision]
    ) -> Command:
        topics = Topic.MAKE_MOVE, Topic.GAME_STATES, Topic.MOVE_MADE, Topic.MOVE_REJECTED
        keys = [self.keys.game(game_id), *map(self.keys.stream, topics), self.keys.states_read]
        words: list[Arg] = [GROUP, known.version, len(ack), *map(str, ack)]
        for one in decisions:
            index = 2 + topics.index(messages.topic_of(one.answer))
            state = messages.encode(GameState(game_id, one.game)) if one.game else ""
            turn = one.game.turn if one.game else 0
            words += [one.req_id, index, messages.encode(one.answer), turn, state]
        return ["EVAL", _COMMIT, len(keys), *keys, *words]

    def _learn(self, position: str, entries: Sequence[Entry]) -> Command:
        newest: dict[str, tuple[str, GameState]] = {}
        first: dict[str, str] = {}
        dead: list[Arg] = []
        for entry in self._newer(entries):
            try:
                state = messages.decode(Topic.GAME_STATES, entry.fields)
            except BadMessage as error:
                letter = lua.letter_fields(self.states.key, GROUP, GROUP, entry, error)
                dead += [len(letter), *letter]
                continue
            if isinstance(state, GameState):
                first.setdefault(state.game_id, str(entry.id))
                last = newest.get(state.game_id)
                if last is None or state.game.turn > last[1].game.turn:
                    newest[state.game_id] = str(entry.id), state
        keys = [self.keys.states_read, self.keys.dead_letters(Topic.GAME_STATES)]
        keys += map(self.keys.game, newest)
        words: list[Arg] = [position, str(entries[-1].id)]
        for game_id, (version, state) in newest.items():
            words += [version, state.game.turn, messages.encode(state), first[game_id]]
        return ["EVAL", _LEARN, len(keys), *keys, *words, *dead]

    def _newer(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Skip states that are not newer than the stored ones, without parsing their moves.

        The judges themselves wrote most of them.
        """
        turns = [_game_and_turn(entry) for entry in entries]
        names = list({game_id for game_id, _ in turns})
        commands = [("HGET", self.keys.game(game_id), "turn") for game_id in names]
        replies = lua.check_replies(self.connection.pipeline(commands))
        stored = dict(zip(names, replies, strict=True))
        for entry, (game_id, turn) in zip(entries, turns, strict=True):
            if turn is None or turn > int(stored[game_id] or 0):
                yield entry


def _game_and_turn(entry: Entry) -> tuple[str, int | None]:
    """Return the game ID and the turn of a state; an empty ID and None if either is invalid."""
    try:
        values = messages.parse(Topic.GAME_STATES, entry.fields)
        turn = values.get("turn")
        if type(turn) is int and turn > 0:
            return validation.name("game_id", values.get("game_id")), turn
    except BadMessage:
        pass
    return "", None
