"""The lobbies' memory: the seats, the open games and the progress, updated together.

Every batch of requests has a new version. One script writes the changes and the answers of a batch,
if the version is still the one that the batch was decided on; otherwise it writes nothing.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import redis

from go_game import lua
from go_game.keys import Keys
from go_game.lobby_rules import LobbyState, OpenGame, Request, Seat, request_id
from go_game.messages import CreateGame, JoinPrivateGame, SessionDisconnected, Topic
from streamviz.client import Arg, Command, Connection, Entry, EntryId

GROUP = "lobby"
REQUEST_TOPICS = (
    Topic.FIND_PUBLIC_GAME,
    Topic.CREATE_GAME,
    Topic.JOIN_PRIVATE_GAME,
    Topic.SESSION_DISCONNECTED,
)
_ANSWER_TOPICS = (
    Topic.WAIT_FOR_OPPONENT,
    Topic.GAME_READY,
    Topic.PRIVATE_GAME_REJECTED,
    Topic.GAME_STATES,
)
DECIDED_KEPT = 100_000
"""The number of requests that the lobby recognises when they are repeated: about 15 MB."""

_GUARDED = lua.load("guarded")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the lobbies have read.

    Attributes
    ----------
    version : str
        Different after every batch; empty before the first.
    after : dict of Topic to str
        The ID of the last entry decided, for each topic.
    read : dict of Topic to int
        The number of entries decided, for each topic.
    """

    version: str
    after: dict[Topic, str]
    read: dict[Topic, int]

    def advance(self, entries: Iterable[tuple[Topic, Entry]]) -> Progress:
        """Return the progress after some more entries, with a new version."""
        after, read = dict(self.after), dict(self.read)
        for topic, entry in entries:
            after[topic] = str(entry.id)
            read[topic] += 1
        return Progress(secrets.token_hex(8), after, read)


class LobbyStore:
    """The open games and the seats that all lobbies on one Redis share.

    Parameters
    ----------
    client : redis.Redis
        The server.
    keys : Keys
        The names of the keys.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self.keys = keys
        self.connection = Connection(client)

    def progress(self) -> Progress:
        """Return the lobbies' progress (HMGET)."""
        names = [f"{name}:{topic}" for name in ("after", "read") for topic in REQUEST_TOPICS]
        version, *values = self.connection.call("HMGET", self.keys.lobby, "version", *names)
        ids, counts = values[: len(REQUEST_TOPICS)], values[len(REQUEST_TOPICS) :]
        return Progress(
            (version or b"").decode(),
            {topic: (at or b"0-0").decode() for topic, at in zip(REQUEST_TOPICS, ids, strict=True)},
            {topic: int(count or 0) for topic, count in zip(REQUEST_TOPICS, counts, strict=True)},
        )

    def fetch(self, requests: Iterable[Request]) -> LobbyState:
        """Return the state that some requests need (HVALS, HMGET, SMISMEMBER, ZMSCORE)."""
        requests = list(requests)
        sessions = list({one.session_id for one in requests})
        ids = (one.game_id for one in requests if isinstance(one, CreateGame | JoinPrivateGame))
        names = list({game_id for game_id in ids if game_id})
        keys = [request_id(one) for one in requests if not isinstance(one, SessionDisconnected)]
        commands: list[Command] = [  # each command needs an argument: "" is never an ID
            ("HVALS", self.keys.open_games),
            ("HMGET", self.keys.seats, "", *sessions),
            ("SMISMEMBER", self.keys.games, "", *names),
            ("ZMSCORE", self.keys.decided, "", *keys),
        ]
        replies = lua.check_replies(self.connection.pipeline(commands))
        open_games, (_, *seats), (_, *exist), (_, *scores) = replies
        games = map(_open_game, open_games)
        pairs = zip(sessions, seats, strict=True)
        return LobbyState(
            {game.game_id: game for game in games},
            {session: Seat(**json.loads(seat)) for session, seat in pairs if seat},
            {name for name, exists in zip(names, exist, strict=True) if exists},
            {key for key, score in zip(keys, scores, strict=True) if score is not None},
        )

    def commit(
        self,
        progress: Progress,
        advanced: Progress,
        before: LobbyState,
        after: LobbyState,
        answers: Sequence[Command],
    ) -> Progress | None:
        """Write the results of a batch (EVAL): all of them or none.

        Parameters
        ----------
        progress, advanced : Progress
            The progress before the batch, and after it.
        before, after : LobbyState
            The state before the batch, and after it.
        answers : sequence of Command
            The commands that add the answers to their streams.

        Returns
        -------
        Progress or None
            `advanced`; None if another lobby was faster, and nothing was written.
        """
        decided = self._decided(after.decided - before.decided, sum(advanced.read.values()))
        changes = self._changes(before, after)
        commands = [*self._cursors(advanced), *changes, *decided, *answers]
        keys = [self.keys.lobby, self.keys.open_games, self.keys.seats, self.keys.games]
        keys.append(self.keys.decided)
        keys += map(self.keys.stream, (*REQUEST_TOPICS, *_ANSWER_TOPICS))
        keys += map(self.keys.dead_letters, REQUEST_TOPICS)
        words = [word for command in commands for word in (len(command), *command)]
        versions = progress.version, advanced.version
        done = self.connection.call("EVAL", _GUARDED, len(keys), *keys, *versions, *words)
        return advanced if done else None

    def _cursors(self, progress: Progress) -> list[Command]:
        """Return the commands that store the progress, and show it as cursors (XGROUP SETID)."""
        cursors: list[Command] = []
        fields: list[Arg] = ["HSET", self.keys.lobby]
        for topic in REQUEST_TOPICS:
            key, after, read = self.keys.stream(topic), progress.after[topic], progress.read[topic]
            cursors.append(["XGROUP", "SETID", key, GROUP, after, "ENTRIESREAD", read])
            fields += [f"after:{topic}", after, f"read:{topic}", read]
        return [
            *cursors,
            fields,
        ]  # if XGROUP fails, nothing has changed yet

    def _changes(self, before: LobbyState, after: LobbyState) -> list[Command]:
        """Return the commands that turn the stored state into the new one."""
        games, seats = self.keys.open_games, self.keys.seats
        commands: list[Command] = [
            *(("HDEL", games, game_id) for game_id in before.open if game_id not in after.open),
            *(("HDEL", seats, session) for session in before.seats if session not in after.seats),
            *(("HSET", games, *pair) for pair in _changed(before.open, after.open, _open_text)),
            *(("HSET", seats, *pair) for pair in _changed(before.seats, after.seats, _seat_text)),
        ]
        if games_added := after.games - before.games:
            commands.append(["SADD", self.keys.games, *sorted(games_added)])
        return commands

    def _decided(self, requests: Iterable[str], score: int) -> list[Command]:
        """Return the commands that mark requests as decided, and forget the oldest ones."""
        commands: list[Command] = [("ZADD", self.keys.decided, score, key) for key in requests]
        if commands:
            commands.append(("ZREMRANGEBYRANK", self.keys.decided, 0, -DECIDED_KEPT - 1))
        return commands


def _changed(
    before: Mapping[str, _T], after: Mapping[str, _T], text: Callable[[_T], str]
) -> Iterator[tuple[str, str]]:
    return ((name, text(value)) for name, value in after.items() if before.get(name) != value)


def _open_text(game: OpenGame) -> str:
    return json.dumps({**dataclasses.asdict(game), "since": str(game.since)})


def _open_game(text: bytes) -> OpenGame:
    values = json.loads(text)
    return OpenGame(**{**values, "since": EntryId.parse(values["since"])})


def _seat_text(seat: Seat) -> str:
    return json.dumps(dataclasses.asdict(seat))
