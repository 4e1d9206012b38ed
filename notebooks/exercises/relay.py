"""Exercise 2 of notebook 09: a judge takes over from one that died, and may fail or die itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis

from exercises import journal, naive_judge, picture
from exercises.answers import answers, moves_of
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, interrupted
from exercises.verdict import Verdict, count_of, grade
from go_game.match import Match
from go_game.messages import Topic
from go_game.rules import Coord
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.client.stream import Stream

RELAY = "relay:"
RELAYED = f"{RELAY}{Topic.MAKE_MOVE}"
_POINTS = ((4, 4), (2, 2), (6, 6))
_MOST_COMMANDS = 300
_HOUR_MS, _MINUTE_MS = 3_600_000, 60_000

Judge = Callable[[Entry], str]
Relay = Callable[[ConsumerGroup, Judge], object]


class JudgeFailed(Exception):
    """The judge could not judge a move this time, and has written nothing."""


class _Died(BaseException):
    """The death of a process; the process's own code must not catch it."""


def check_relay(client: redis.Redis, relay: Relay) -> Verdict:
    """Grade exercise 2: run your function, disturb it, and see in Redis what became of each move.

    Each run begins with all keys new. After a run that is cut short, your function is called again.

    1. Nothing happens.
    2. While a move is judged, another judge takes it too, if it may: if the move was not delivered
       to anyone yet, or has been idle for a minute.
    3. Judging one of the moves fails once.
    4. The process dies before its first command, before its second, and so on.

    Parameters
    ----------
    client : redis.Redis
        The server.
    relay : callable
        Called with the group ``judge`` and a function that judges an entry.
    """
    if hint := misfit(relay, "group", "judge"):
        return Verdict(False, hint)
    try:
        verdict = _undisturbed(client, relay)
        for check in (_with_a_rival, _with_failures, _with_deaths):
            if verdict.right:
                verdict = check(client, relay)
    except EndlessLoop as error:
        verdict = Verdict(False, f"{str(error).removesuffix('.')}.")
    finally:
        journal.close(RELAY)
    return verdict


def _undisturbed(client: redis.Redis, relay: Relay) -> Verdict:
    group = _new(client)
    journal.start(client, RELAY)
    _run(client, relay)
    shortcut = journal.shortcut(journal.stop(client, RELAY), RELAYED)
    return _grade(group, shortcut)


def _with_a_rival(client: redis.Redis, relay: Relay) -> Verdict:
    group = _new(client)

    def before(entry: Entry) -> None:
        rival = group.consumer("cy")
        taken = [*rival.claim([entry.id], _MINUTE_MS)]
        while group.info().last_delivered_id < entry.id:
            taken += rival.read(1)
        for one in taken:
            naive_judge.judge(client, RELAY, one)
            rival.ack(one.id)

    try:
        _run(client, relay, before)
    except Exception:
        if _grade_rival(group).right:
            raise
    return _grade_rival(group)


def _with_failures(client: redis.Redis, relay: Relay) -> Verdict:
    for failing in range(1, len(_POINTS) + 1):
        group = _new(client)
        calls: list[str] = []

        def before(entry: Entry, failing: int = failing, calls: list[str] = calls) -> None:
            calls.extend(move.req_id for move in moves_of([entry]).values())
            if len(calls) == failing:
                raise JudgeFailed(f"the judge could not judge {calls[-1]} this time")

        with suppress(Exception):  # the judge's, which the function may have put into its own
            _run(client, relay, before)
        failed = calls[failing - 1]
        verdict = _grade_lost(group, failed, f"Judging {failed} failed")
        if verdict.right:
            _run(client, relay)
            verdict = _grade_again(group, failed)
        if not verdict.right:
            break
    return verdict


def _with_deaths(client: redis.Redis, relay: Relay) -> Verdict:
    for last in range(_MOST_COMMANDS):
        group = _new(client)

        def before(number: int, last: int = last) -> None:
            if number > last:
                raise _Died

        try:
            _run(client, relay, command=before)
        except _Died:
            death = f"The process died after {count_of(last, 'command')}"
            verdict = _grade_lost(group, "", death)
            if not verdict.right:
                return verdict
        else:
            break
    return _grade(group, "")


def _new(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``judge``: ann died an hour ago with move 1, ben holds 2, and 3 is new."""
    clean_up(client)
    match = Match(client, RELAY, game_id="relay", judge=False, every_ms=1000)
    group = Stream(client, RELAYED).group("judge")
    group.create("0", mkstream=True)
    for number, (x, y) in enumerate(_POINTS):
        match.ask(Coord(x, y), match.you if number % 2 == 0 else match.you.other, f"r{number + 1}")
    ann = group.consumer("ann")
    ann.claim(ann.read(1), idle_ms=_HOUR_MS, justid=True)
    group.consumer("ben").read(1)
    picture.start(client, RELAYED)
    return group


def _run(
    client: redis.Redis,
    relay: Relay,
    before: Callable[[Entry], object] = lambda entry: None,
    command: Callable[[int], object] = lambda number: None,
) -> None:
    """Call a function: `before` is called before each judgement, `command` before each command."""

    def counted(number: int) -> None:
        if number > _MOST_COMMANDS:
            raise EndlessLoop(
                f"{_MOST_COMMANDS} commands and no end: read without BLOCK, and end when nothing "
                "is left."
            )
        command(number)

    with interrupted(client, counted) as mortal:

        def judge(entry: Entry) -> str:
            before(entry)
            return naive_judge.judge(mortal, RELAY, entry)

        relay(Stream(mortal, RELAYED).group("judge"), judge)


_GONE = "the group `judge` or a stream is gone: leave the keys as they are."


@hinted(_GONE, shows=RELAYED)
def _grade(group: ConsumerGroup, shortcut: str) -> Verdict:
    """Grade a run to the end: three moves are made in order, none is rejected or pending."""
    by_request = answers(group.connection.client, RELAY)
    twice = [req_id for req_id, words in by_request.items() if len(words) > 1]
    rejected = [req_id for req_id, words in by_request.items() if words[0] != "made"]
    pending, waiting = group.pending().count, group.info().lag
    order = list(by_request)
    return grade(
        "three moves were made in the order of their requests, and none is pending or lost, "
        "wherever the judge failed or died.",
        [
            (
                bool(twice),
                f"{min(twice, default='')} was answered twice. Did you read with `0` after "
                "XAUTOCLAIM? XAUTOCLAIM had already returned your own entries too, and `0` "
                "returned them again.",
            ),
            (
                bool(rejected),
                f"{rejected[0] if rejected else ''} was rejected: an older move of the game was "
                "still pending for another judge. Claim that first, then judge in the order of "
                "the IDs.",
            ),
            (len(by_request) < len(_POINTS), f"{len(by_request)} of 3 moves are answered."),
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
        ],
    )


@hinted(_GONE, shows=RELAYED)
def _grade_rival(group: ConsumerGroup) -> Verdict:
    """Grade a run with a rival: it got no move while that was judged."""
    said = answers(group.connection.client, RELAY)
    twice = min((req_id for req_id, words in said.items() if len(words) > 1), default="")
    hint = (
        f"{twice} was judged before ben held it. Meanwhile the judge cy took it, and answered it, "
        f"too: {' and '.join(said.get(twice, []))}. Claim or read a move first, then judge it."
    )
    return grade("", [(bool(twice), hint)])


@hinted(_GONE, shows=RELAYED)
def _grade_lost(group: ConsumerGroup, failed: str, why: str) -> Verdict:
    """Grade a run that was cut short: a move without an answer is still pending or waiting."""
    lost = _lost(group)
    hint = (
        f"{failed if failed in lost else min(lost, default='')} was acknowledged before it was "
        f"answered. {why}, and no judge will ever answer it: acknowledge a move after its answer, "
        "and only if it was answered."
    )
    return grade("", [(bool(lost), hint)])


@hinted(_GONE, shows=RELAYED)
def _grade_again(group: ConsumerGroup, failed: str) -> Verdict:
    """Grade the run after a failure: now every move is made, and none is pending."""
    said = answers(group.connection.client, RELAY)
    rejected = [req_id for req_id, words in said.items() if words[0] != "made"]
    pending, waiting = group.pending().count, group.info().lag
    return grade(
        "",
        [
            (
                bool(rejected),
                f"judging {failed} failed once, and {rejected[0] if rejected else ''} was judged "
                "all the same, and rejected: after a failure judge no younger move, but begin "
                "again with the oldest.",
            ),
            (
                len(said) < len(_POINTS) or pending > 0 or bool(waiting),
                f"judging {failed} failed once, and your function was called again: "
                f"{len(said)} of 3 moves are answered, and "
                f"{count_of(pending, 'is', 'are')} pending. A restart begins with what is "
                "pending, its own included.",
            ),
        ],
    )


def _lost(group: ConsumerGroup) -> list[str]:
    """Return the requests without an answer that no judge will be given: they are acknowledged."""
    client: Any = group.connection.client
    said, cursor = answers(client, RELAY), group.info().last_delivered_id
    pending = {one.id for one in group.pending_entries()}
    moves = moves_of(Stream(client, RELAYED).range())
    return [
        move.req_id
        for entry_id, move in moves.items()
        if move.req_id not in said and entry_id not in pending and entry_id <= cursor
    ]


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercise."""
    journal.close(RELAY)
    for key in client.scan_iter(f"{RELAY}*", count=1000):
        client.delete(key)
