"""Exercise 1 of notebook 10: sell each seat once, even if a buyer pauses, dies or asks again."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import redis

from exercises.failing import Failing
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, interrupted
from exercises.sale_attempts import (
    MOST_COMMANDS,
    RIGHT,
    Attempts,
    Take,
    beside_another_seat,
    by_names,
)
from exercises.sale_keys import expire, expires, misplaced
from exercises.turns import BUYERS, Turns
from exercises.verdict import Verdict, count_of, grade
from streamviz.client import Stream
from streamviz.client.replies import text

SALE = "sale:"
_SEATS, _TIMEOUT_S = 12, 60
_OWNERS_EXPIRE = (
    "the owners in `sale:seats` expire, and then a seat is sold again. A lock may expire, an owner "
    "may not."
)
_STUCK = (
    "one buyer waited for another inside your Python code. A lock there works in one process "
    "only, and buyers are in many. Let Redis decide."
)


class _Died(BaseException):
    """The death of a process; the process's own code must not catch it."""


def check_sale(client: redis.Redis, take: Take) -> Verdict:
    """Grade exercise 1: whatever happens, each seat has one owner, who is told so.

    1. Four buyers at once try to take each of twelve seats. For a quarter of the seats, the order
       of their commands is left to chance. For the others, all four stop before their first,
       second or third command, and then go on one after the other.
    2. A buyer pauses before its first command, before its second, and so on. What expires in Redis
       has expired by then, and another buyer comes in between.
    3. A buyer dies at each of these points, or its answer gets lost. Another buyer comes, and then
       the first one asks again.
    4. Buyers come one after the other. Their names contain each other, or have letters such as ë.
       Then each owner asks again for each of its seats.
    5. A buyer pauses at each of these points, while another one buys another seat.

    After each of the first three, no owner may have a time to live.

    Parameters
    ----------
    client : redis.Redis
        The server.
    take : callable
        Called with a client, a seat and a buyer, in several threads at a time. It returns true to
        promise the seat to the buyer.
    """
    if hint := misfit(take, "client", "seat", "buyer"):
        return Verdict(False, hint)
    verdict, sent = Verdict(True, RIGHT), Failing(client)
    for check in (_at_once, _with_pauses, _with_deaths):
        if verdict.right:
            _clean_up(client)
            verdict = check(client, sent.client, take)
            if verdict.right and expires(client, f"{SALE}seats"):
                return Verdict(False, _OWNERS_EXPIRE)
    if verdict.right and (hint := misplaced(client, SALE, sent.words)):
        return Verdict(False, hint)
    verdict = _by_names(client, sent.client, take) if verdict.right else verdict
    return beside_another_seat(client, sent.client, take, SALE) if verdict.right else verdict


def _at_once(client: redis.Redis, buyers: redis.Redis, take: Take) -> Verdict:
    hint = _sell(client, buyers, take)
    return Verdict(False, hint) if hint else _grade_crowd(client)


def _sell(client: redis.Redis, buyers: redis.Redis, take: Take) -> str:
    """Let four buyers at once try to take each of twelve seats; return a hint if one is stuck."""
    promises = Stream(client, f"{SALE}promises")
    start = threading.Barrier(BUYERS)
    turns = [Turns(number % 4) for number in range(_SEATS)]

    def buy(buyer: int) -> None:
        for number, turn in enumerate(turns):
            start.wait(_TIMEOUT_S)
            try:
                with interrupted(buyers, partial(turn.stop, buyer)) as slow:
                    if not any(one.stuck for one in turns) and take(
                        slow, f"seat-{number}", f"buyer-{buyer}"
                    ):
                        promises.add({"seat": f"seat-{number}", "buyer": f"buyer-{buyer}"})
            except BaseException:
                start.abort()
                raise
            finally:
                turn.finish(buyer)

    with ThreadPoolExecutor(BUYERS) as pool:
        futures = [pool.submit(buy, buyer) for buyer in range(BUYERS)]
    errors = [error for future in futures if (error := future.exception())]
    if any(turn.stuck for turn in turns):
        return _STUCK
    for error in sorted(errors, key=lambda one: isinstance(one, threading.BrokenBarrierError)):
        if not isinstance(error, EndlessLoop):
            raise error
        return f"{str(error).removesuffix('.')}."
    return ""


@hinted("`sale:seats` must be a hash. Run the whole cell again.")
def _grade_crowd(client: redis.Redis) -> Verdict:
    """Grade the crowd: each seat was promised to one buyer, who is its owner in Redis."""
    entries = Stream(client, f"{SALE}promises").range()
    sold = Counter(entry.fields["seat"] for entry in entries)
    wrong = [one for one in entries if _owner(client, one.fields["seat"]) != one.fields["buyer"]]
    return grade(
        RIGHT,
        [
            (
                not sold and client.hlen(f"{SALE}seats") > 0,
                "`sale:seats` has owners, but no buyer was promised a seat. Does take() return "
                "true to the owner? The client returns values as bytes, and b'ann' isn't 'ann'.",
            ),
            (
                not sold,
                "no seat was sold, and `sale:seats` is empty. Does take() write the buyer into it, "
                "and return true? (In a Lua script, `HGET` of a missing field is false, not nil.)",
            ),
            (
                any(count > 1 for count in sold.values()),
                "a seat was sold more than once. Either another buyer came between two of your "
                "commands, or take() returned true to a buyer who isn't the owner. Which single "
                "command checks and takes, and what does it tell you?",
            ),
            (len(sold) < _SEATS, "not all seats were sold. One of the four must get each."),
            (bool(wrong), "the owner in the hash sale:seats is not the buyer who got the promise."),
        ],
    )


def _by_names(client: redis.Redis, buyers: redis.Redis, take: Take) -> Verdict:
    verdict = by_names(client, buyers, take)
    return _once_more(client, buyers, take) if verdict.right else verdict


def _once_more(client: redis.Redis, buyers: redis.Redis, take: Take) -> Verdict:
    """Grade the owners of all seats, each of whom asks again for each of its seats."""
    attempt, owners = Attempts(buyers, take), client.hgetall(f"{SALE}seats")
    for seat, owner in owners.items():
        if not attempt(text(seat), text(owner)):
            hint = (
                f"{text(owner)!r} owns several seats in `sale:seats`, and take() returned false "
                "for one of them. Look for the owner of the seat, not for the seat of the owner."
            )
            return attempt.graded(Verdict(False, hint))
    return attempt.graded(Verdict(True, RIGHT))


def _with_pauses(client: redis.Redis, buyers: redis.Redis, take: Take) -> Verdict:
    attempt = Attempts(buyers, take)
    for pause in range(1, MOST_COMMANDS):
        seat, late = f"seat-{pause}", list[bool]()
        expired: list[bool] = []

        def before(
            number: int,
            pause: int = pause,
            seat: str = seat,
            late: list[bool] = late,
            expired: list[bool] = expired,
        ) -> None:
            if number == pause:
                expired.append(expire(client, SALE))
                late.append(attempt(seat, "late"))

        slow = attempt(seat, "slow", before)
        verdict = _grade_pause(client, seat, (slow, *late), any(expired))
        if not verdict.right or not late:
            return attempt.graded(verdict)
    return Verdict(False, f"{MOST_COMMANDS} commands for one seat. Does it end?")


@hinted("`sale:seats` must be a hash. Run the whole cell again.")
def _grade_pause(
    client: redis.Redis, seat: str, promised: tuple[bool, ...], expired: bool
) -> Verdict:
    """Grade one seat: of a slow buyer and one that came meanwhile, one got it."""
    lock = (
        "Your lock expired meanwhile, so it protects nothing. The last write itself must check "
        "that the seat is free."
    )
    owner = _owner(client, seat)
    winner = ("slow", "late")[promised.index(True)] if True in promised else ""
    return grade(
        RIGHT,
        [
            (
                all(promised) and len(promised) == 2,
                "a buyer paused between two of your commands, and both it and the next buyer got "
                f"the seat. {lock if expired else 'Let one command check and take.'}",
            ),
            (
                not winner,
                "a buyer paused between two of your commands, another one came, and neither got "
                "the seat.",
            ),
            (
                owner != winner,
                f"a buyer paused between two of your commands, and the owner in sale:seats is "
                f"{owner!r}, but the promise went to {winner!r}.{f' {lock}' if expired else ''}",
            ),
        ],
    )


def _with_deaths(client: redis.Redis, buyers: redis.Redis, take: Take) -> Verdict:
    attempt = Attempts(buyers, take)
    for last in range(MOST_COMMANDS):
        seat, died = f"seat-{last}", list[bool]()

        def before(number: int, last: int = last, died: list[bool] = died) -> None:
            if number > last:
                died.append(True)
                raise _Died

        with suppress(_Died):
            attempt(seat, "first", before)
        what = "a buyer got no answer, because the connection broke"
        if died:
            what = f"a buyer died after {count_of(last, 'command')}"
        expire(client, SALE)
        other, again = attempt(seat, "other"), attempt(seat, "first")
        verdict = _grade_death(client, seat, what, other=other, again=again)
        if not verdict.right or not died:
            return attempt.graded(verdict)
    return Verdict(False, f"{MOST_COMMANDS} commands for one seat. Does it end?")


@hinted("`sale:seats` must be a hash. Run the whole cell again.")
def _grade_death(client: redis.Redis, seat: str, what: str, *, other: bool, again: bool) -> Verdict:
    """Grade one seat whose first buyer died, and asked again after another buyer."""
    owner = _owner(client, seat)
    return grade(
        RIGHT,
        [
            (
                not owner,
                f"{what}, and now no buyer can have its seat. What marks the seat as taken must "
                "be the same command that writes the owner.",
            ),
            (
                other and again,
                f"{what}, another buyer got the seat, and then the first got it, too.",
            ),
            (
                owner == "first" and not again,
                f"{what}. It asked again, and was refused the seat that sale:seats says is its "
                "own. Also return true if the buyer already has the seat.",
            ),
            (
                {"first": again, "other": other}.get(owner) is not True,
                f"{what}, and the owner in sale:seats, {owner!r}, was never promised the seat.",
            ),
        ],
    )


def _owner(client: redis.Redis, seat: str) -> str:
    owner: Any = client.hget(f"{SALE}seats", seat)
    return owner.decode("utf-8", "replace") if owner else ""


def _clean_up(client: redis.Redis) -> None:
    for key in client.scan_iter(f"{SALE}*", count=1000):
        client.delete(key)
