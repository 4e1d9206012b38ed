"""A model of the lobby in one page, and checks that every lobby must pass.

The model handles the requests one by one, in the order of their IDs, and predicts the final
streams. It shares no code with the lobby.
"""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from acceptance import Message, RedisTopics

REQUEST_TOPICS = ("find-public-game", "create-game", "join-private-game", "session-disconnected")


class LobbyPlayers:
    """The players of a lobby: they send requests and read the answers."""

    def __init__(self, topics: RedisTopics, first_ms: int | None = None) -> None:
        self.topics = topics
        self._numbers = itertools.count()
        self._ms = itertools.count(first_ms or time.time_ns() // 1_000_000)

    def send(self, stream: str, data: str) -> None:
        """Add a request in a millisecond of its own, so that the order of all topics is known."""
        key = f"{self.topics.prefix}{stream}"
        self.topics.client.xadd(key, {"data": data}, id=f"{next(self._ms)}-0")

    def _send(self, stream: str, **message: Any) -> None:
        self.send(stream, json.dumps(message))

    def _req(self, req_id: str | None) -> str:
        return req_id or f"r{next(self._numbers)}"

    def find(self, session: str, req_id: str | None = None) -> None:
        self._send("find-public-game", session_id=session, req_id=self._req(req_id))

    def create(
        self,
        session: str,
        visibility: str,
        size: int,
        name: str | None = None,
        req_id: str | None = None,
    ) -> None:
        about = {"visibility": visibility, "board_size": size, "game_id": name}
        self._send("create-game", session_id=session, req_id=self._req(req_id), **about)

    def join(self, session: str, name: str, req_id: str | None = None) -> None:
        about = {"req_id": self._req(req_id), "game_id": name}
        self._send("join-private-game", session_id=session, **about)

    def leave(self, session: str) -> None:
        self._send("session-disconnected", session_id=session)

    def read(self, stream: str) -> list[Message]:
        return [json.loads(one) for one in self.topics.read(stream)]

    def requests(self) -> list[tuple[str, Message | None]]:
        """Return all requests in the order of time, with None for an invalid one."""
        found = []
        for place, stream in enumerate(REQUEST_TOPICS):
            entries: Any = self.topics.client.xrange(f"{self.topics.prefix}{stream}")
            for which, fields in entries:
                ms, seq = map(int, which.decode().split("-"))
                try:
                    request = json.loads(fields[b"data"])
                except ValueError:
                    request = None
                found.append(((ms, seq, place), stream, request))
        return [(stream, request) for _, stream, request in sorted(found, key=lambda one: one[0])]


@dataclass
class Model:
    """The sessions of each game, and the game of each session."""

    waiting: list[list[Any]] = field(default_factory=list)  # [name, opener, public?]
    sits: dict[str, list[Any] | None] = field(default_factory=dict)  # the open game, or None: plays
    asked: set[tuple[str, str]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    pairs: list[tuple[frozenset[str], str]] = field(default_factory=list)  # who, named by
    said: Counter[str] = field(default_factory=Counter)

    def drop(self, session: str) -> None:
        game = self.sits.pop(session, None)
        if game in self.waiting:
            self.waiting.remove(game)
            self.said["left"] += 1

    def take(self, stream: str, request: Message | None) -> None:
        if request is None:
            self.said["dead"] += 1
            return
        who = request["session_id"]
        if stream == "session-disconnected":
            self.drop(who)
            return
        if (who, request["req_id"]) in self.asked:
            self.said["again"] += 1
            return
        self.asked.add((who, request["req_id"]))
        own = self.sits.get(who)
        if stream == "join-private-game":
            game = next((one for one in self.waiting if one[0] == request["game_id"]), None)
            plays = who in self.sits and own not in self.waiting
            if plays or game is None or game[1] == who or game[2]:
                self.said["rejected"] += 1
            else:
                self.meet(who, game)
        elif who in self.sits and own not in self.waiting:
            self.said["dead"] += 1
        elif stream == "create-game":
            if request["game_id"] in self.names:
                self.said["dead"] += 1
            else:
                self.names.add(request["game_id"] or "")
                self.names.discard("")
                self.wait(who, [request["game_id"], who, request["visibility"] == "PUBLIC"])
        else:
            others = [one for one in self.waiting if one[2] and one[1] != who]
            if others:
                self.meet(who, others[0])
            elif own in self.waiting and own is not None and own[2]:
                self.said["waiting"] += 1
            else:
                self.wait(who, [None, who, True])

    def wait(self, who: str, game: list[Any]) -> None:
        self.drop(who)
        self.waiting.append(game)
        self.sits[who] = game
        self.said["waiting"] += 1

    def meet(self, who: str, game: list[Any]) -> None:
        self.drop(who)
        self.waiting.remove(game)
        self.sits[who] = None
        self.pairs.append((frozenset((who, game[1])), game[0] or ""))
        self.said["ready"] += 1


def check_lobby(players: LobbyPlayers, *, settled: bool = True) -> Counter[str]:
    """Compare the answers with the model; `settled` if all requests were decided."""
    model = Model()
    for stream, request in players.requests():
        model.take(stream, request)
    ready = players.read("game-ready")
    ids = [one["game_id"] for one in ready]
    assert len(set(ids)) == len(ids), "no game is made ready twice"
    first = [one["game_id"] for one in players.read("game-states") if one["turn"] == 1]
    assert first == ids
    for name in ("wait-for-opponent", "game-ready", "private-game-rejected"):
        events = [one["event_id"] for one in players.read(name)]
        assert len(set(events)) == len(events)
    pairs = [frozenset((one["black"], one["white"])) for one in ready]
    assert all(len(pair) == 2 for pair in pairs)
    wanted = [pair for pair, _ in model.pairs]
    assert pairs == wanted[: len(pairs)]
    named = [(name, game_id) for (_, name), game_id in zip(model.pairs, ids, strict=False) if name]
    assert all(name == game_id for name, game_id in named)
    if settled:
        assert pairs == wanted
        assert len(players.read("wait-for-opponent")) == model.said["waiting"]
        assert len(players.read("private-game-rejected")) == model.said["rejected"]
        topics = players.topics
        dead = sum(topics.client.xlen(f"{topics.prefix}{one}:dead") for one in REQUEST_TOPICS)
        assert dead == model.said["dead"]
        still: Any = topics.client.hvals(f"{topics.prefix}lobby:open")
        waiting = [json.loads(one)["session_id"] for one in still]
        assert sorted(waiting) == sorted(opener for _, opener, _ in model.waiting)
    return model.said
