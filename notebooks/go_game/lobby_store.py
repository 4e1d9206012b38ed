"""The lobby's memory: who sits where, and how far the lobbies got, changed together.

Every batch of wishes gives it another version. One script writes what a batch changes and says, if
the version is still the one that the batch was decided on; if not, it writes nothing.
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
from go_game.lobby_rules import House, OpenGame, Seat, Wish, request_id
from go_game.messages import CreateGame, JoinPrivateGame, SessionDisconnected, Stream
from streamviz.client.connection import Connection
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.resp import Arg, Command

GROUP = "lobby"
WISHES = (
    Stream.FIND_PUBLIC_GAME,
    Stream.CREATE_GAME,
    Stream.JOIN_PRIVATE_GAME,
    Stream.SESSION_DISCONNECTED,
)
_SAID = (
    Stream.WAIT_FOR_OPPONENT,
    Stream.GAME_READY,
    Stream.PRIVATE_GAME_REJECTED,
    Stream.GAME_STATES,
)
DECIDED_KEPT = 100_000
"""Requests that are known again: the last ones, of all sessions. That is about 15 MB."""

_GUARDED = lua.load("guarded")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Place:
    """How far the lobbies got.

    Attributes
    ----------
    version : str
        Another one after every batch; empty before the first.
    after : dict of Stream to str
        The ID of the last entry of each stream.
    read : dict of Stream to int
        How many entries of each stream.
    """

    version: str
    after: dict[Stream, str]
    read: dict[Stream, int]

    def after_all(self, entries: Iterable[tuple[Stream, Entry]]) -> Place:
        """Return the place behind some more entries, with a version of its own."""
        after, read = dict(self.after), dict(self.read)
        for stream, entry in entries:
            after[stream] = str(entry.id)
            read[stream] += 1
        return Place(secrets.token_hex(8), after, read)


class Houses:
    """The open games and the seats, as all lobbies at one Redis share them.

    Parameters
    ----------
    client : redis.Redis
        The server.
    keys : Keys
        Their names.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self.keys = keys
        self.connection = Connection(client)

    def place(self) -> Place:
        """Return how far the lobbies got (HMGET)."""
        names = [f"{what}:{one}" for what in ("after", "read") for one in WISHES]
        version, *found = self.connection.call("HMGET", self.keys.lobby, "version", *names)
        afters, reads = found[: len(WISHES)], found[len(WISHES) :]
        return Place(
            (version or b"").decode(),
            {one: (at or b"0-0").decode() for one, at in zip(WISHES, afters, strict=True)},
            {one: int(count or 0) for one, count in zip(WISHES, reads, strict=True)},
        )

    def fetch(self, wishes: Iterable[Wish]) -> House:
        """Return all that some wishes are about (HVALS, HMGET, SMISMEMBER, ZMSCORE)."""
        wishes = list(wishes)
        sessions = list({one.session_id for one in wishes})
        named = (one.game_id for one in wishes if isinstance(one, CreateGame | JoinPrivateGame))
        names = list({name for name in named if name})
        requests = [request_id(one) for one in wishes if not isinstance(one, SessionDisconnected)]
        commands: list[Command] = [  # none may be without an argument: "" is nobody's name
            ("HVALS", self.keys.open_games),
            ("HMGET", self.keys.seats, "", *sessions),
            ("SMISMEMBER", self.keys.games, "", *names),
            ("ZMSCORE", self.keys.decided, "", *requests),
        ]
        found = lua.raised(self.connection.pipeline(commands))
        waiting, (_, *seats), (_, *known), (_, *decided) = found
        games = map(_open_game, waiting)
        sits = zip(sessions, seats, strict=True)
        return House(
            {one.game_id: one for one in games},
            {session: Seat(**json.loads(seat)) for session, seat in sits if seat},
            {name for name, is_known in zip(names, known, strict=True) if is_known},
            {one for one, at in zip(requests, decided, strict=True) if at is not None},
        )

    def commit(
        self, place: Place, behind: Place, before: House, after: House, said: Sequence[Command]
    ) -> Place | None:
        """Write what a batch of wishes comes to (EVAL): all of it or nothing.

        Parameters
        ----------
        place, behind : Place
            Before the batch, and after it.
        before, after : House
            The house then.
        said : sequence of Command
            What puts the answers on their streams.

        Returns
        -------
        Place or None
            `behind`; None if another lobby was quicker, and nothing was written.
        """
        kept = self._kept(after.decided - before.decided, sum(behind.read.values()))
        commands = [*self._moves(behind), *self._changes(before, after), *kept, *said]
        keys = [self.keys.lobby, self.keys.open_games, self.keys.seats, self.keys.games]
        keys.append(self.keys.decided)
        keys += map(self.keys.stream, (*WISHES, *_SAID))
        keys += map(self.keys.dead, WISHES)
        words = [word for command in commands for word in (len(command), *command)]
        guard = place.version, behind.version
        done = self.connection.call("EVAL", _GUARDED, len(keys), *keys, *guard, *words)
        return behind if done else None

    def _moves(self, place: Place) -> list[Command]:
        """Return what notes a place, and shows it as the groups' cursor (XGROUP SETID)."""
        shown: list[Command] = []
        noted: list[Arg] = ["HSET", self.keys.lobby]
        for stream in WISHES:
            key, after, read = self.keys.stream(stream), place.after[stream], place.read[stream]
            shown.append(["XGROUP", "SETID", key, GROUP, after, "ENTRIESREAD", read])
            noted += [f"after:{stream}", after, f"read:{stream}", read]
        return [*shown, noted]  # a cursor that cannot be moved stops all before it begins

    def _changes(self, before: House, after: House) -> list[Command]:
        """Return what makes the hashes of Redis what the house is now."""
        games, seats = self.keys.open_games, self.keys.seats
        commands: list[Command] = [
            *(("HDEL", games, one) for one in before.open if one not in after.open),
            *(("HDEL", seats, one) for one in before.seats if one not in after.seats),
            *(("HSET", games, *one) for one in _news(before.open, after.open, _open_text)),
            *(("HSET", seats, *one) for one in _news(before.seats, after.seats, _seat_text)),
        ]
        if named := after.games - before.games:
            commands.append(["SADD", self.keys.games, *sorted(named)])
        return commands

    def _kept(self, decided: Iterable[str], when: int) -> list[Command]:
        """Return what notes requests as decided on, and forgets those that are too long ago."""
        commands: list[Command] = [("ZADD", self.keys.decided, when, one) for one in decided]
        if commands:
            commands.append(("ZREMRANGEBYRANK", self.keys.decided, 0, -DECIDED_KEPT - 1))
        return commands


def _news(
    before: Mapping[str, _T], after: Mapping[str, _T], text: Callable[[_T], str]
) -> Iterator[tuple[str, str]]:
    return ((name, text(one)) for name, one in after.items() if before.get(name) != one)


def _open_text(game: OpenGame) -> str:
    return json.dumps({**dataclasses.asdict(game), "since": str(game.since)})


def _open_game(text: bytes) -> OpenGame:
    found = json.loads(text)
    return OpenGame(**{**found, "since": EntryId.parse(found["since"])})


def _seat_text(seat: Seat) -> str:
    return json.dumps(dataclasses.asdict(seat))
