"""A naive lobby, for notebook 10: correct only while it is alone.

It reads who waits, and then acts on that. It does not notice changes in between.
As a process: ``python -m exercises.naive_lobby --prefix naive:``.
"""

from __future__ import annotations

import argparse
import random
import time

import redis

from go_game.messages import (
    FIELD,
    FindPublicGame,
    GameReady,
    Message,
    Topic,
    WaitForOpponent,
    decode,
    encode,
    event_id,
    topic_of,
)
from streamviz.client import Entry, Stream
from streamviz.server import connect


def who_waits(client: redis.Redis, prefix: str) -> str:
    """Return the session that waits for an opponent; empty if there is none (GET)."""
    session = client.get(f"{prefix}waiting")
    return session.decode() if isinstance(session, bytes) else ""


def seat(client: redis.Redis, prefix: str, entry: Entry, waits: str) -> str:
    """Seat a session with the waiting one, or let it wait; return the result in words.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        The start of all keys.
    entry : Entry
        An entry of ``find-public-game``; it is not acknowledged here.
    waits : str
        The return value of `who_waits`.
    """
    request = read(entry)
    session = request.session_id
    game = event_id("naive", session, request.req_id)
    if waits:
        client.delete(f"{prefix}waiting")
        say(client, prefix, GameReady(game, request.req_id, game, waits, session, 19))
        return f"{waits} plays {session}"
    client.set(f"{prefix}waiting", session)
    say(client, prefix, WaitForOpponent(game, session, request.req_id, game, "PUBLIC", 19))
    return f"{session} waits"


def read(entry: Entry) -> FindPublicGame:
    """Return the request of an entry."""
    request = decode(Topic.FIND_PUBLIC_GAME, entry.fields)
    assert isinstance(request, FindPublicGame)
    return request


def say(client: redis.Redis, prefix: str, message: Message) -> None:
    """Add a message to its topic (XADD)."""
    Stream(client, f"{prefix}{topic_of(message)}").add({FIELD: encode(message)})


def main() -> None:
    """Seat sessions for ever, as one of a group of workers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--crew", type=int, default=1, help="workers to wait for at the start")
    parser.add_argument(
        "--pause-ms", type=float, default=0, help="between reading and acting, on average"
    )
    args = parser.parse_args()
    client, pauses = connect(), random.Random(args.name)
    group = Stream(client, f"{args.prefix}{Topic.FIND_PUBLIC_GAME}").group("lobby")
    group.create("0", mkstream=True, exist_ok=True)
    group.create_consumer(args.name)
    print("naive lobby: ready", flush=True)
    while len(group.consumers()) < args.crew:
        time.sleep(0.002)
    while True:
        for entry in group.consumer(args.name).read(1, block_ms=200):
            waits = who_waits(client, args.prefix)
            time.sleep(pauses.uniform(0, 2 * args.pause_ms) / 1000)  # else they might keep step
            seat(client, args.prefix, entry, waits)
            group.ack(entry.id)


if __name__ == "__main__":
    main()
