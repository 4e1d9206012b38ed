"""Three belts to trim: what any group still needs stays, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import redis

from exercises import meanwhile
from exercises.bounded import bounded
from exercises.boxes import Lost, Trimmed, boxes
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, deadline
from exercises.new_belts import (
    ALL,
    BUSY_PLAN,
    FIRST_PLAN,
    Plan,
    ids_in_one_ms,
    ids_of_a_long_belt,
    new_belt,
    oddly_named,
    parts_of,
    second_plan,
    third_plan,
    without_lag,
)
from exercises.picture import Picture
from exercises.verdict import Verdict, count_of, grade
from streamviz.client import Stream
from streamviz.errors import CommandRefused, InputError, NoSuchGroup

KEYS = ("belt", "belt-2", "belt-3")
_MOST_COMMANDS, _MOST_QUESTIONS = 500, 12
_NOTHING_TO_DELETE = (InputError, CommandRefused, redis.ResponseError)
# what a function may ask about groups and entries; XINFO alone is redis-py's execute_command
_QUESTIONS = (
    *("XPENDING", "XINFO", "XINFO GROUPS", "XINFO CONSUMERS", "XINFO STREAM", "XREADGROUP"),
    *("XRANGE", "XREVRANGE", "XLEN", "XREAD", "XCLAIM", "XAUTOCLAIM", "EVAL", "EVALSHA"),
)


def check_belt(client: redis.Redis, trim: Callable[[Stream], object]) -> Verdict:
    """Grade exercise 1: trim three belts; each loses what comes before its first needed entry.

    The second belt is made three times. First, its IDs share a millisecond. Then it has many
    entries to trim, its IDs have odd numbers, and a group has an odd name. In the end, one of its
    groups has read nothing yet, and nothing may be trimmed: an error because of an empty list of
    IDs is no fault then.

    Then the third belt is trimmed again and again, and a consumer reads an entry after the first
    question of the function, then after the second, and so on: no needed entry is lost. The same
    holds if an entry is added there.

    Parameters
    ----------
    client : redis.Redis
        The server.
    trim : callable
        Called with a belt.
    """
    if hint := misfit(trim, "belt"):
        return Verdict(False, hint)
    runs: list[tuple[str, Plan, list[str]]] = [
        (KEYS[0], FIRST_PLAN, []),
        (KEYS[1], second_plan(), ids_in_one_ms()),
        (KEYS[1], oddly_named(second_plan()), ids_of_a_long_belt()),
        (KEYS[1], third_plan(), ids_in_one_ms()),
        (KEYS[2], BUSY_PLAN, []),
    ]
    verdicts = []
    try:
        for key, plan, ids in runs:
            nothing_to_trim = any(not delivered for delivered, _ in plan.values())
            with suppress(*(_NOTHING_TO_DELETE if nothing_to_trim else ())):
                _trim_new_belt(client, trim, key, plan, ids)
            verdicts.append(_grade_belt(Stream(client, key), plan))
            if not verdicts[-1].right:
                return verdicts[-1]
        return _while_others_work(client, trim) or verdicts[0]
    except EndlessLoop as error:
        return Verdict(False, str(error))
    except (NoSuchGroup, redis.ResponseError) as error:
        if isinstance(error, redis.ResponseError) and not str(error).startswith("NOGROUP"):
            raise
        return Verdict(
            False,
            "your function asked for a group that the belt doesn't have. Use the names that "
            "`belt.groups()` returns. If redis-py returns them as bytes, decode them. A name may "
            "have spaces, and letters such as é.",
        )


def _while_others_work(client: redis.Redis, trim: Callable[[Stream], object]) -> Verdict | None:
    """Trim the third belt, while something else happens; return what is not right."""
    for happens in (_read_one, _add_one):
        for question in range(1, _MOST_QUESTIONS + 1):
            asked = _trim_new_belt(client, trim, KEYS[2], BUSY_PLAN, [], question, happens)
            why = _WHAT_HAPPENED[happens].format(question)
            busy = _grade_busy_belt(Stream(client, KEYS[2]), BUSY_PLAN, why)
            if not busy.right:
                return busy
            if asked < question:
                break
    return None


def _read_one(belt: Stream) -> None:
    belt.group("count").consumer("one").read(1)


def _add_one(belt: Stream) -> None:
    belt.add({"part": len(ALL) + 1}, id=f"{len(ALL) + 1}-0")


_WHAT_HAPPENED: dict[Callable[[Stream], None], str] = {
    _read_one: "count read {{lost}} just after question {} of your function, and then your "
    "function trimmed it. Ask for each group's cursor before you ask what the group has pending, "
    "and keep to that cursor.",
    _add_one: "a part was added just after question {} of your function, and then your function "
    "trimmed {{lost}}, which count needs. A length is out of date as soon as a part is added, so "
    "trim by ID, with `minid`.",
}


def _trim_new_belt(
    client: redis.Redis,
    trim: Callable[[Stream], object],
    key: str,
    plan: Plan,
    ids: Sequence[str],
    question: int = 0,
    happens: Callable[[Stream], None] = _read_one,
) -> int:
    """Call the function with a new belt, and return how many questions it asked Redis.

    Something happens after the question of this number.
    """
    own = bounded(client, _MOST_COMMANDS, "does your loop end?")
    belt = new_belt(own, key, plan, ids)
    asked = 0

    def count_questions() -> None:
        nonlocal asked
        asked += 1
        if asked == question:
            happens(Stream(client, key))

    meanwhile.start(key, count_questions, client, own, questions=_QUESTIONS)
    try:
        with deadline():
            trim(belt)
    finally:
        meanwhile.stop(key)
    return asked


def _drawn(belt: Stream, plan: Plan, _why: str = "") -> Picture:
    """Draw the twelve parts, and below them those that each group still needs."""
    left = parts_of(belt, (entry.id for entry in belt.range()))
    needs_of = {name: {*range(sent + 1, 13), *held} for name, (sent, held) in plan.items()}
    needed = set[int]().union(*needs_of.values())
    rows: dict[str, list[object]] = {
        belt.key: [n if n in left else (Lost if n in needed else Trimmed)(n) for n in ALL]
    }
    for name, needs in needs_of.items():
        rows[f"{name} needs"] = [
            None if n not in needs else n if n in left else Lost(n) for n in ALL
        ]
    return boxes(rows)


@hinted("the belt or one of its groups is missing. Your function should only trim.", _drawn)
def _grade_belt(belt: Stream, plan: Plan) -> Verdict:
    pending_of = {name: held for name, (_, held) in plan.items()}
    first = min(_first_of(plan).values())
    needed = {
        n for name, (sent, _) in plan.items() for n in {*range(sent + 1, 13), *pending_of[name]}
    }
    entries = [entry.id for entry in belt.range()]
    left = parts_of(belt, entries)
    older = sum(parts_of(belt, [one]) == {0} for one in entries)
    cursors = {one.name: max(parts_of(belt, [one.last_delivered_id])) for one in belt.groups()}
    lost = min(needed - left, default=0)
    still = {
        name: parts_of(belt, (one.id for one in belt.group(name).pending_entries()))
        for name in plan
    }
    extra = sorted(n for n in left - {0} if n < first)
    gone = sorted({*range(first, 13)} - left)
    advice = "Which is the first needed entry?"
    if left >= {*ALL}:
        advice = (
            "Nothing was removed. Did you trim with `~`, redis-py's default? It removes whole "
            "nodes only, so pass `approximate=False`."
        )
    return grade(
        "on two belts, exactly the entries before the first needed one are trimmed. On the third, "
        "no needed entry is lost while a consumer reads or a part is added.",
        [
            (
                lost > 0,
                f"{count_of(len(needed - left), 'needed entry is', 'needed entries are')} gone, "
                f"such as {lost}. {_why_needed(lost, left, plan)}.",
            ),
            (still != pending_of, "other entries are pending than before. Only trim."),
            (
                cursors != {name: delivered for name, (delivered, _) in plan.items()},
                "a group has another cursor than before, or is new. Only trim.",
            ),
            (
                older > 0,
                f"{count_of(older, 'entry is', 'entries are')} left from long before the first "
                "needed one. Remove all that come before it, and compare IDs as two numbers.",
            ),
            (
                bool(extra),
                f"{count_of(len(extra), 'entry is', 'entries are')} left that no group needs, "
                f"such as {max(extra, default=0)}. {advice}",
            ),
            (
                bool(gone),
                f"{' and '.join(map(str, gone))} came after {first}, the first needed entry. "
                "Remove only what comes before it.",
            ),
        ],
    )


def _first_of(plan: Plan) -> dict[str, int]:
    """Return the first part that each group needs."""
    return {name: min([sent + 1, *held]) for name, (sent, held) in plan.items()}


def _why_needed(lost: int, left: set[int], plan: Plan) -> str:
    """Say which group needs the lost part, and whether the function took a lag of nil for 0."""
    if owner := next((name for name, (_, held) in plan.items() if lost in held), ""):
        return f"It is pending for {owner}"
    waiting, unknown = [name for name, (sent, _) in plan.items() if lost > sent], without_lag(plan)
    words = f"It is waiting for {' and '.join(waiting)}"
    others_first = min(first for name, first in _first_of(plan).items() if name not in unknown)
    nil = " and ".join(name for name in waiting if name in unknown)
    if nil and min(left, default=0) == others_first:
        words += f". The lag of {nil} was nil, which means unknown, not 0"
    return words


@hinted("the belt or its group is missing. Your function should only trim.", _drawn)
def _grade_busy_belt(belt: Stream, plan: Plan, why: str) -> Verdict:
    left = parts_of(belt, (entry.id for entry in belt.range()))
    (delivered, _), *_others = plan.values()
    lost = {*range(delivered + 1, len(ALL) + 1)} - left
    return grade(
        "no needed entry is lost.",
        [(bool(lost), f"on a third belt, {why.format(lost=min(lost, default=0))}")],
    )
