"""The exercises of notebook 09: an answer that was lost, and a judge that died before its turn."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import redis

from exercises import naive_judge
from exercises.verdict import Verdict, grade
from go_game.match import Match
from go_game.messages import FIELD, MakeMove, MoveMade, MoveRejected, Topic, decode
from go_game.rules import Coord
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.client.stream import Stream

LOST, RELAY = "lost:", "relay:"
_POINTS = ((4, 4), (2, 2), (6, 6))
_PATIENCE_S = 15


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something holds.

    Raises
    ------
    TimeoutError
        If it does not within a quarter of a minute.
    """
    until = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError("nothing has happened for a while: run the cells from the top")
        time.sleep(0.01)


def answers(client: redis.Redis, prefix: str) -> dict[str, list[str]]:
    """Return what each request was answered: ``made``, or why it was rejected."""
    found: dict[str, list[str]] = {}
    for name in (Topic.MOVE_MADE, Topic.MOVE_REJECTED):
        for entry in Stream(client, f"{prefix}{name}").range():
            said = decode(name, entry.fields)
            if isinstance(said, MoveMade | MoveRejected):
                word = "made" if isinstance(said, MoveMade) else f"rejected: {said.reason}"
                found.setdefault(said.reply_to, []).append(word)
    return found


def new_lost(client: redis.Redis) -> Match:
    """Return a match in which the request ``r7``, black to E5, has been sent and answered.

    Whoever sent it has not heard the answer.
    """
    clean_up(client, LOST)
    match = Match(client, LOST, game_id="lost")
    match.ask(Coord(4, 4), req_id="r7")
    match.listen()
    return match


def check_lost(client: redis.Redis) -> Verdict:
    """Grade exercise 1: it was asked again, under the same name, and nothing came of it."""
    asked = _asked(Stream(client, f"{LOST}{Topic.MAKE_MOVE}").range())
    found = answers(client, LOST)
    strangers = sorted(set(found) - {"r7"})
    return grade(
        "r7 was asked twice and answered once: whichever of the two got lost, no harm is done.",
        [
            (
                bool(strangers),
                f"{len(strangers)} more answered, {found[strangers[0]][0] if strangers else ''!r}: "
                "for the judge that was another request. Which name tells it that it is the same?",
            ),
            (asked["r7"] < 2, "nothing was asked again: perhaps the request itself got lost."),
            (len(found.get("r7", [])) != 1, "r7 has no answer yet: let the judge listen."),
        ],
    )


def new_relay(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``judge``: ann died with move 1 in hand, ben holds move 2, 3 is new."""
    clean_up(client, RELAY)
    match = Match(client, RELAY, game_id="relay", judge=False)
    group = Stream(client, f"{RELAY}{Topic.MAKE_MOVE}").group("judge")
    group.create("0", mkstream=True)
    for number, (x, y) in enumerate(_POINTS):
        match.ask(Coord(x, y), match.you if number % 2 == 0 else match.you.other, f"r{number + 1}")
    group.consumer("ann").read(1)
    group.consumer("ben").read(1)
    return group


def judge_relay(client: redis.Redis, entry: Entry) -> str:
    """Judge one move of exercise 2, as the naive judge does; it is not acknowledged."""
    return naive_judge.judge(client, RELAY, entry)


def check_relay(client: redis.Redis) -> Verdict:
    """Grade exercise 2: three moves made in their order, none rejected, none pending."""
    group = Stream(client, f"{RELAY}{Topic.MAKE_MOVE}").group("judge")
    found = answers(client, RELAY)
    twice = [name for name, said in found.items() if len(said) > 1]
    refused = [name for name, said in found.items() if said[0] != "made"]
    held = group.pending().count
    return grade(
        "three moves were made in the order in which they were asked, and none is pending.",
        [
            (
                bool(twice),
                f"{min(twice, default='')} was answered twice. If you read with `0` after "
                "XAUTOCLAIM: that had already given you your own entries too, and `0` gave them "
                "again. Start anew with new_relay(redis).",
            ),
            (
                bool(refused),
                f"{refused[0] if refused else ''} was rejected: something older of the game was "
                "still in somebody's hands. Take that over first, then judge by ID.",
            ),
            (len(found) < 3, f"{len(found)} of 3 are answered."),
            (held > 0, f"{held} are still pending: acknowledge what is answered."),
        ],
    )


def clean_up(client: redis.Redis, *prefixes: str) -> None:
    """Delete every key with one of these prefixes; without any, those of the exercises."""
    for prefix in prefixes or (LOST, RELAY):
        for key in client.scan_iter(f"{prefix}*", count=1000):
            client.delete(key)


def _asked(entries: list[Entry]) -> Counter[str]:
    moves = (decode(Topic.MAKE_MOVE, one.fields) for one in entries if FIELD in one.fields)
    return Counter(move.req_id for move in moves if isinstance(move, MakeMove))
