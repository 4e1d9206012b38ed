"""Three belts to trim: what any group still needs stays, also while a consumer reads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import randint

import redis

from exercises import meanwhile
from exercises.bounded import bounded
from exercises.boxes import Lost, Trimmed, boxes
from exercises.claims import left_ten_minutes_ago
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, deadline
from exercises.picture import Picture
from exercises.verdict import Verdict, count_of, grade
from streamviz.client.entry_id import EntryId
from streamviz.client.stream import Stream
from streamviz.errors import CommandRefused, InputError

# for each group: how many parts it received, and those that it still holds
Plan = dict[str, tuple[int, set[int]]]
KEYS = ("belt", "belt-2", "belt-3")
_FIRST_PLAN: Plan = {"paint": (8, {6}), "pack": (12, {8}), "count": (4, set())}
_BUSY_PLAN: Plan = {"count": (4, set())}
_MOST_COMMANDS, _MOST_QUESTIONS = 500, 12
_ALL = range(1, 13)
_NOTHING_TO_DELETE = (InputError, CommandRefused, redis.ResponseError)
# what a function may ask about groups and entries; XINFO alone is redis-py's execute_command
_QUESTIONS = (
    *("XPENDING", "XINFO", "XINFO GROUPS", "XINFO CONSUMERS", "XINFO STREAM", "XREADGROUP"),
    *("XRANGE", "XREVRANGE", "XLEN", "XREAD", "XCLAIM", "XAUTOCLAIM", "EVAL", "EVALSHA"),
)


def _second_plan() -> Plan:
    """Return a random plan: the fourth group needs the earliest part, no group the next.

    That group has received all parts and holds three. The others hold one or none.
    """
    first = randint(2, 4)  # on the first belt it is 5
    paint, count = randint(first + 3, 11), randint(first + 1, 9)
    return {
        "paint": (paint, {randint(first + 2, paint - 1)}),
        "pack": (12, {randint(10, 11)}),
        "count": (count, set()),
        "ship": (12, {first, 11, 12}),
    }


def _third_plan() -> Plan:
    """Return a random plan: the fourth group was only created, so it needs every part."""
    return _second_plan() | {"ship": (0, set())}


def new_belt(client: redis.Redis, key: str = "belt", plan: Plan = _FIRST_PLAN) -> Stream:
    """Return a belt with twelve parts and its groups, as planned.

    On the second belt, all IDs share a millisecond, which is random. Where a group holds several
    parts, three consumers have read them. By name, the holder of the oldest is the second. The
    others' parts have been idle for longer. A group that received nothing has no consumer.
    """
    client.delete(key)
    belt = Stream(client, key)
    ms = randint(100, 999)
    ids = [f"{ms}-{n}" if key == "belt-2" else f"{n}-0" for n in range(1, 13)]
    belt.add_many((one, {"part": n}) for n, one in enumerate(ids, 1))
    for name, (delivered, held) in plan.items():
        group = belt.group(name)
        group.create("0")
        if not delivered:
            continue
        if len(held) > 1:
            group.consumer("one").read(min(held) - 1)
            group.consumer("three").read(1)
        last = group.consumer("two" if len(held) > 1 else "one")
        last.read(delivered - (min(held) if len(held) > 1 else 0))
        group.ack(*(one for n, one in enumerate(ids[:delivered], 1) if n not in held))
        if len(held) > 1:
            left_ten_minutes_ago(last, [EntryId.parse(ids[n - 1]) for n in held - {min(held)}])
    return belt


def _part(entry_id: EntryId) -> int:
    return entry_id.seq or entry_id.ms


def check_belt(client: redis.Redis, trim: Callable[[Stream], object]) -> Verdict:
    """Grade exercise 1: trim three belts; each loses what comes before its first needed entry.

    The second belt is made twice. The second time, one of its groups has read nothing yet, and
    nothing may be trimmed: an error because of an empty list of IDs is no fault then.

    Then the third belt is trimmed again and again, and a consumer reads an entry after the first
    question of the function, then after the second, and so on: no needed entry is lost.

    Parameters
    ----------
    client : redis.Redis
        The server.
    trim : callable
        Called with a belt.
    """
    if hint := misfit(trim, "belt"):
        return Verdict(False, hint)
    verdicts = []
    try:
        plans = (_FIRST_PLAN, _second_plan(), _third_plan(), _BUSY_PLAN)
        for key, plan in zip((*KEYS[:2], *KEYS[1:]), plans, strict=True):
            nothing_to_trim = any(not delivered for delivered, _ in plan.values())
            with suppress(*(_NOTHING_TO_DELETE if nothing_to_trim else ())):
                _trim_new_belt(client, trim, key, plan)
            verdicts.append(_grade_belt(Stream(client, key), plan))
            if not verdicts[-1].right:
                return verdicts[-1]
        for question in range(1, _MOST_QUESTIONS + 1):
            asked = _trim_new_belt(client, trim, KEYS[-1], _BUSY_PLAN, question)
            busy = _grade_busy_belt(Stream(client, KEYS[-1]), _BUSY_PLAN, question)
            if not busy.right:
                return busy
            if asked < question:
                break
    except EndlessLoop as error:
        return Verdict(False, str(error))
    return verdicts[0]


def _trim_new_belt(
    client: redis.Redis, trim: Callable[[Stream], object], key: str, plan: Plan, question: int = 0
) -> int:
    """Call the function with a new belt, and return how many questions it asked Redis.

    After the question of this number, the consumer of ``count`` reads one entry.
    """
    own = bounded(client, _MOST_COMMANDS, "does your loop end?")
    belt = new_belt(own, key, plan)
    asked = 0

    def read_one() -> None:
        nonlocal asked
        asked += 1
        if asked == question:
            Stream(client, key).group("count").consumer("one").read(1)

    meanwhile.start(key, read_one, client, own, questions=_QUESTIONS)
    try:
        with deadline():
            trim(belt)
    finally:
        meanwhile.stop(key)
    return asked


def _parts(belt: Stream, plan: Plan, _question: int = 0) -> Picture:
    """Draw the parts, and below them those that each group still needs."""
    left = {_part(entry.id) for entry in belt.range()}
    needs_of = {name: {*range(sent + 1, 13), *held} for name, (sent, held) in plan.items()}
    needed = set[int]().union(*needs_of.values())
    rows: dict[str, list[object]] = {
        belt.key: [n if n in left else (Lost if n in needed else Trimmed)(n) for n in _ALL]
    }
    for name, needs in needs_of.items():
        rows[f"{name} needs"] = [
            None if n not in needs else n if n in left else Lost(n) for n in _ALL
        ]
    return boxes(rows)


@hinted("the belt or one of its groups is missing. Your function should only trim.", _parts)
def _grade_belt(belt: Stream, plan: Plan) -> Verdict:
    pending_of = {name: held for name, (_, held) in plan.items()}
    first_of = {
        name: min([delivered + 1, *pending_of[name]]) for name, (delivered, _) in plan.items()
    }
    needed = {
        n for name, (sent, _) in plan.items() for n in {*range(sent + 1, 13), *pending_of[name]}
    }
    left = {_part(entry.id) for entry in belt.range()}
    cursors = {one.name: _part(one.last_delivered_id) for one in belt.groups()}
    lost = min(needed - left, default=0)
    owner = next((name for name in plan if lost in pending_of[name]), "")
    waits_for = " and ".join(name for name, (sent, _) in plan.items() if lost > sent)
    still = {name: {_part(one.id) for one in belt.group(name).pending_entries()} for name in plan}
    first = min(first_of.values())
    extra = sorted(n for n in left if n < first)
    gone = sorted({*range(first, 13)} - left)
    why = f"It is pending for {owner}" if owner else f"It is waiting for {waits_for}"
    return grade(
        "on two belts, exactly the entries before the first needed one are trimmed. On the third, "
        "no needed entry is lost while a consumer reads.",
        [
            (
                lost > 0,
                f"{count_of(len(needed - left), 'needed entry is', 'needed entries are')} gone, "
                f"such as {lost}. {why}.",
            ),
            (still != pending_of, "other entries are pending than before. Only trim."),
            (
                cursors != {name: delivered for name, (delivered, _) in plan.items()},
                "a group has another cursor than before, or is new. Only trim.",
            ),
            (
                bool(extra),
                f"{count_of(len(extra), 'entry is', 'entries are')} left that no group needs, "
                f"such as {max(extra, default=0)}. Which is the first needed entry?",
            ),
            (
                bool(gone),
                f"{' and '.join(map(str, gone))} came after {first}, the first needed entry. "
                "Remove only what comes before it.",
            ),
        ],
    )


@hinted("the belt or its group is missing. Your function should only trim.", _parts)
def _grade_busy_belt(belt: Stream, plan: Plan, question: int) -> Verdict:
    left = {_part(entry.id) for entry in belt.range()}
    (delivered, _), *_others = plan.values()
    lost = {*range(delivered + 1, 13)} - left
    return grade(
        "no needed entry is lost.",
        [
            (
                bool(lost),
                f"on a third belt, count read {min(lost, default=0)} just after question "
                f"{question} of your function, and then your function trimmed it. Ask for each "
                "group's cursor before you ask what the group has pending, and keep to that "
                "cursor.",
            )
        ],
    )
