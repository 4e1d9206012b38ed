"""A lobby as one writes it first, for notebook 10: right as long as it is alone.

It looks who waits, and then acts on what it saw. What happens between the two it does not see.
As a process: ``python -m exercises.naive_lobby --prefix naive:``.
"""

from __future__ import annotations

import argparse
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
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.server.embedded import connect


def who_waits(client: redis.Redis, prefix: str) -> str:
    """Return the session that waits for an opponent, empty if nobody does (GET)."""
    found = client.get(f"{prefix}waiting")
    return found.decode() if isinstance(found, bytes) else ""


def seat(client: redis.Redis, prefix: str, entry: Entry, waits: str) -> str:
    """Seat whoever asked with the one who waits, or let them wait; return what was done.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        What all keys begin with.
    entry : Entry
        Of ``find-public-game``. It is not acknowledged here.
    waits : str
        What `who_waits` returned a moment ago.
    """
    wish = read(entry)
    game = event_id("naive", wish.session_id, wish.req_id)
    about = game, wish.req_id, game
    if waits:
        client.delete(f"{prefix}waiting")
        say(client, prefix, GameReady(*about, waits, wish.session_id, 19))
        return f"{waits} plays {wish.session_id}"
    client.set(f"{prefix}waiting", wish.session_id)
    say(client, prefix, WaitForOpponent(game, wish.session_id, wish.req_id, game, "PUBLIC", 19))
    return f"{wish.session_id} waits"


def read(entry: Entry) -> FindPublicGame:
    """Return the wish of an entry."""
    wish = decode(Topic.FIND_PUBLIC_GAME, entry.fields)
    assert isinstance(wish, FindPublicGame)
    return wish


def say(client: redis.Redis, prefix: str, message: Message) -> None:
    """Add a message to its stream (XADD)."""
    Stream(client, f"{prefix}{topic_of(message)}").add({FIELD: encode(message)})


def main() -> None:
    """Seat people for ever, as one of a group of workers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--crew", type=int, default=1, help="begin when so many are there")
    parser.add_argument("--pause-ms", type=float, default=0, help="between looking and acting")
    given = parser.parse_args()
    client = connect()
    group = Stream(client, f"{given.prefix}{Topic.FIND_PUBLIC_GAME}").group("lobby")
    group.create("0", mkstream=True, exist_ok=True)
    group.create_consumer(given.name)
    print("naive lobby: ready", flush=True)
    while len(group.consumers()) < given.crew:
        time.sleep(0.002)
    while True:
        for entry in group.consumer(given.name).read(1, block_ms=200):
            waits = who_waits(client, given.prefix)
            time.sleep(given.pause_ms / 1000)
            seat(client, given.prefix, entry, waits)
            group.ack(entry.id)


if __name__ == "__main__":
    main()
