"""A naive judge, for notebook 09: correct only while it is alone and alive.

It reads, judges, answers, writes the new state, and acknowledges: five steps, and it may die
between any two of them. As a process: ``python -m exercises.naive_judge --prefix naive:``.
"""

from __future__ import annotations

import argparse
import time

import redis

from go_game.messages import (
    FIELD,
    GameState,
    MakeMove,
    Message,
    MoveMade,
    MoveRejected,
    Topic,
    decode,
    encode,
    event_id,
    topic_of,
)
from go_game.rules import Game, IllegalMove
from streamviz.client import Entry, Stream
from streamviz.server import connect


def judge(client: redis.Redis, prefix: str, entry: Entry) -> str:
    """Judge one move by the newest state, answer it, and return the answer in words.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        The start of all keys, for one game only.
    entry : Entry
        An entry of ``make-move``; it is not acknowledged here.
    """
    move = read(entry)
    game = newest_game(client, prefix)
    about = move.game_id, move.req_id
    try:
        after, captured = game.play(move.player, move.coord)
    except IllegalMove as error:
        say(client, prefix, MoveRejected(*about, move.player, move.coord, error.reason))
        return f"rejected, {error.reason}"
    event = event_id("naive", *about)
    say(client, prefix, MoveMade(*about, event, move.player, move.coord, captured))
    say(client, prefix, GameState(move.game_id, after))
    return "made"


def read(entry: Entry) -> MakeMove:
    """Return the request of an entry."""
    move = decode(Topic.MAKE_MOVE, entry.fields)
    assert isinstance(move, MakeMove)
    return move


def newest_game(client: redis.Redis, prefix: str) -> Game:
    """Return the newest state of the game (XREVRANGE)."""
    (newest,) = Stream(client, f"{prefix}{Topic.GAME_STATES}").reverse_range(count=1)
    state = decode(Topic.GAME_STATES, newest.fields)
    assert isinstance(state, GameState)
    return state.game


def say(client: redis.Redis, prefix: str, message: Message) -> None:
    """Add a message to its topic (XADD)."""
    Stream(client, f"{prefix}{topic_of(message)}").add({FIELD: encode(message)})


def main() -> None:
    """Judge for ever: first the pending moves, then new ones."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--pause-s", type=float, default=0, help="before XACK, in seconds")
    args = parser.parse_args()
    client = connect()
    group = Stream(client, f"{args.prefix}{Topic.MAKE_MOVE}").group("judge")
    group.create("0", mkstream=True, exist_ok=True)
    consumer = group.consumer("naive")
    print("naive judge: ready", flush=True)
    entries = consumer.read(after="0")
    while True:
        for entry in entries:
            judge(client, args.prefix, entry)
            time.sleep(args.pause_s)
            consumer.ack(entry.id)
        entries = consumer.read(block_ms=200)


if __name__ == "__main__":
    main()
