"""The exercises of notebook 09: a lost answer, and a judge that died with a pending move."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import redis

from exercises import journal, naive_judge, picture
from exercises.bounded import bounded
from exercises.boxes import boxes
from exercises.hints import hinted
from exercises.verdict import Verdict, count_of, grade
from go_game.match import Match
from go_game.messages import MakeMove, MoveMade, MoveRejected, Topic, decode
from go_game.rules import Coord
from go_game.validation import BadMessage
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.client.stream import Stream

LOST, RELAY = "lost:", "relay:"
ASKED, RELAYED = (f"{prefix}{Topic.MAKE_MOVE}" for prefix in (LOST, RELAY))
_POINTS = ((4, 4), (2, 2), (6, 6))
_TIMEOUT_S = 15
_MOST_COMMANDS = 300
_NAME = 10  # letters; a name that the match has made up is longer


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition holds.

    Raises
    ------
    TimeoutError
        If it does not hold within 15 seconds.
    """
    until = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"still waiting after {_TIMEOUT_S} s: run the cells from the top")
        time.sleep(0.01)


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


def dialogue(client: redis.Redis, prefix: str) -> picture.Picture:
    """Draw the requests by their names, and below each the first word of its answer."""
    entries = Stream(client, f"{prefix}{Topic.MAKE_MOVE}").range()
    asked = [move.req_id for move in _moves(entries)]
    said = answers(client, prefix)
    names = {one: one if len(one) < _NAME else f"request {n}" for n, one in enumerate(asked, 1)}
    words = [said[one].pop(0).partition(":")[0] if said.get(one) else None for one in asked]
    return boxes({"asked": [names[one] for one in asked], "answered": words})


def new_lost(client: redis.Redis) -> Match:
    """Return a match in which the request ``r7``, black to E5, was answered.

    The exercise assumes that its sender did not receive the answer.
    """
    clean_up(client, LOST)
    match = Match(client, LOST, game_id="lost")
    match.ask(Coord(4, 4), req_id="r7")
    match.listen()
    return match


def _lost_dialogue(client: redis.Redis) -> picture.Picture:
    return dialogue(client, LOST)


@hinted("a stream of the match is missing: start again with new_lost.", _lost_dialogue)
def check_lost(client: redis.Redis) -> Verdict:
    """Grade exercise 1: the request was sent again with the same ID, and has one answer."""
    asked = Stream(client, f"{LOST}{Topic.MAKE_MOVE}").range()
    moves = _moves(asked)
    again = [move for move in moves if move.req_id == "r7"]
    by_request = answers(client, LOST)
    others = sorted(set(by_request) - {"r7"})
    unread = Stream(client, f"{LOST}{Topic.MAKE_MOVE}").group("judge").info().lag
    answer = by_request[others[0]][0] if others else ""
    return grade(
        "r7 was sent twice and answered once: whether the request or the answer was lost, "
        "sending it again does no harm.",
        [
            (
                bool(others),
                f"the judge took it for another request, and answered {answer!r}. Which ID tells "
                "the judge that it is the same request?",
            ),
            (
                len(moves) < len(asked),
                "the judge can't read one of your requests: give a Coord, and the ID as text.",
            ),
            (len(again) < 2, "r7 was not sent again, and perhaps the request itself was lost."),
            (
                len(set(again)) > 1,
                "r7 now names two different moves. Had the first request been lost, the judge "
                "would have made the wrong one: repeat the player and the point, too.",
            ),
            (
                bool(unread),
                f"the judge has not read {count_of(unread or 0, 'request')} yet: let it listen.",
            ),
            (
                len(by_request.get("r7", [])) != 1,
                "the answer to r7 is not in its stream: start again with new_lost.",
            ),
        ],
    )


def new_relay(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``judge``: ann is dead and holds move 1, ben holds move 2, and 3 is new.

    Its client raises after 300 commands.
    """
    clean_up(client, RELAY)
    match = Match(client, RELAY, game_id="relay", judge=False, every_ms=1000)
    group = Stream(client, f"{RELAY}{Topic.MAKE_MOVE}").group("judge")
    group.create("0", mkstream=True)
    for number, (x, y) in enumerate(_POINTS):
        match.ask(Coord(x, y), match.you if number % 2 == 0 else match.you.other, f"r{number + 1}")
    group.consumer("ann").read(1)
    group.consumer("ben").read(1)
    journal.start(client, RELAY)
    picture.start(client, RELAYED)
    own = bounded(client, _MOST_COMMANDS, "read without BLOCK, and end when nothing is left")
    return Stream(own, RELAYED).group("judge")


def judge_relay(client: redis.Redis, entry: Entry) -> str:
    """Judge one move of exercise 2 as the naive judge does, without acknowledging it."""
    return naive_judge.judge(client, RELAY, entry)


@hinted("the group `judge` or a stream is missing: start again with new_relay.", RELAYED)
def check_relay(client: redis.Redis) -> Verdict:
    """Grade exercise 2: three moves are made in order, none is rejected, and none is pending."""
    group = Stream(client, f"{RELAY}{Topic.MAKE_MOVE}").group("judge")
    by_request = answers(client, RELAY)
    twice = [req_id for req_id, words in by_request.items() if len(words) > 1]
    rejected = [req_id for req_id, words in by_request.items() if words[0] != "made"]
    pending, waiting = group.pending().count, group.info().lag
    early = _early(client)
    shortcut = journal.shortcut(journal.stop(client, RELAY), RELAYED)
    order = list(by_request)
    return grade(
        "three moves were made in the order of their requests, and none is pending.",
        [
            (
                bool(twice),
                f"{min(twice, default='')} was answered twice. Did you read with `0` after "
                "XAUTOCLAIM? XAUTOCLAIM had already returned your own entries too, and `0` "
                "returned them again. Start again with new_relay.",
            ),
            (
                bool(rejected),
                f"{rejected[0] if rejected else ''} was rejected: an older move of the game was "
                "still pending for another judge. Claim that first, then judge in the order of "
                "the IDs.",
            ),
            (len(by_request) < 3, f"{len(by_request)} of 3 moves are answered."),
            (
                order != sorted(order),
                f"the moves were made in the order {', '.join(order)}: judge in the order of the "
                "IDs.",
            ),
            (bool(shortcut), shortcut),
            (
                pending > 0,
                f"{count_of(pending, 'move is', 'moves are')} still pending: acknowledge what is "
                "answered.",
            ),
            (
                bool(waiting),
                "a move is still waiting: the next judge that reads will answer it once more.",
            ),
            (
                bool(early),
                f"{early[0] if early else ''} was acknowledged before it was answered: a crash "
                "between the two would lose the move.",
            ),
        ],
    )


def clean_up(client: redis.Redis, *prefixes: str) -> None:
    """Delete all keys with one of these prefixes; by default, those of the exercises."""
    journal.close(RELAY)
    for prefix in prefixes or (LOST, RELAY):
        for key in client.scan_iter(f"{prefix}*", count=1000):
            client.delete(key)


def _moves(entries: list[Entry]) -> list[MakeMove]:
    moves = []
    for one in entries:
        with suppress(BadMessage):  # such an entry is a dead letter
            moves.append(decode(Topic.MAKE_MOVE, one.fields))
    return [move for move in moves if isinstance(move, MakeMove)]


def _early(client: redis.Redis) -> list[str]:
    """Return the requests of the relay that were acknowledged before they were answered."""
    key = f"{RELAY}{Topic.MAKE_MOVE}"
    entries = Stream(client, key).range()
    request_of = {str(entry.id): move.req_id for entry in entries for move in _moves([entry])}

    def answered(command: journal.Command) -> list[str]:
        text = " ".join(command)
        is_answer = command[0].upper() == "XADD" and command[1] in (
            f"{RELAY}{Topic.MOVE_MADE}",
            f"{RELAY}{Topic.MOVE_REJECTED}",
        )
        return [one for one, name in request_of.items() if is_answer and f'"{name}"' in text]

    early = journal.lost_by_a_crash(journal.stop(client, RELAY), key, answered)
    return [request_of[one] for one in early if one in request_of]
