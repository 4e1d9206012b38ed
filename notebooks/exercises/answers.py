"""The requests for moves, and the answers to them, as the streams of a match hold them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import redis

from go_game.messages import MakeMove, MoveMade, MoveRejected, Topic, decode
from go_game.validation import BadMessage
from streamviz.client import Entry, EntryId, Stream


def answers(client: redis.Redis, prefix: str) -> dict[str, list[str]]:
    """Return the answers to each request: ``made``, or ``rejected`` with the reason."""
    by_request: dict[str, list[str]] = {}
    for topic in (Topic.MOVE_MADE, Topic.MOVE_REJECTED):
        for entry in Stream(client, f"{prefix}{topic}").range():
            answer = decode(topic, entry.fields)
            if isinstance(answer, MoveMade | MoveRejected):
                word = "made" if isinstance(answer, MoveMade) else f"rejected: {answer.reason}"
                by_request.setdefault(answer.reply_to, []).append(word)
    return by_request


def req_id_of(entry: Entry) -> str:
    """Return the ID of the request that an entry holds; a question mark if it holds none."""
    return next((move.req_id for move in moves_of([entry]).values()), "?")


def quoted(words: Iterable[str]) -> str:
    """Return answers as text in quotation marks."""
    return " and ".join(map(repr, words))


def moves_of(entries: Iterable[Entry]) -> dict[EntryId, MakeMove]:
    """Return the request of each entry that holds one, by its ID; the others are dead letters."""
    moves: dict[EntryId, MakeMove] = {}
    for one in entries:
        with suppress(BadMessage):
            move = decode(Topic.MAKE_MOVE, one.fields)
            if isinstance(move, MakeMove):
                moves[one.id] = move
    return moves
