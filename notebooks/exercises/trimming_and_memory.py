"""The exercises of notebook 06: trim what no group needs, and forget what was trimmed."""

from __future__ import annotations

from collections.abc import Callable
from random import randint, sample

import redis

from exercises import meanwhile
from exercises.bounded import bounded
from exercises.boxes import Lost, Trimmed, boxes
from exercises.consumer_groups import read_list
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, deadline
from exercises.picture import Picture
from exercises.verdict import Verdict, count_of, find_group, grade, stream_of
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream

Plan = dict[str, tuple[int, int]]  # for each group: how many parts it received; what it still holds
_KEYS = ("belt", "belt-2", "belt-3")
_FIRST_PLAN: Plan = {"paint": (8, 6), "pack": (12, 8), "count": (4, 0)}
_BUSY_PLAN: Plan = {"count": (4, 0)}
_MOST_COMMANDS = 500
_ALL = range(1, 13)
_BOXES, _HELD, _TRIMMED, _CHUNK = 260, 240, 160, 20
_attic_ids: list[EntryId] = []  # of the newest attic, also those that were trimmed


def _second_plan() -> Plan:
    """Return a random plan: the fourth group needs the earliest part, no group the next."""
    first = randint(2, 4)  # on the first belt it is 5
    paint, count = randint(first + 3, 11), randint(first + 1, 9)
    return {
        "paint": (paint, randint(first + 2, paint - 1)),
        "pack": (12, randint(10, 11)),
        "count": (count, 0),
        "ship": (randint(first + 1, 11), first),
    }


def new_belt(client: redis.Redis, key: str = "belt", plan: Plan = _FIRST_PLAN) -> Stream:
    """Return a belt with twelve parts and its groups, as planned.

    On the second belt, all IDs share a millisecond, which is random.
    """
    client.delete(key)
    belt = Stream(client, key)
    ms = randint(100, 999)
    ids = [f"{ms}-{n}" if key == "belt-2" else f"{n}-0" for n in range(1, 13)]
    belt.add_many((one, {"part": n}) for n, one in enumerate(ids, 1))
    for name, (delivered, pending) in plan.items():
        group = belt.group(name)
        group.create("0")
        group.consumer("one").read(delivered)
        group.ack(*(one for n, one in enumerate(ids[:delivered], 1) if n != pending))
    return belt


def _part(entry_id: EntryId) -> int:
    return entry_id.seq or entry_id.ms


def check_belt(client: redis.Redis, trim: Callable[[Stream], object]) -> Verdict:
    """Grade exercise 1: trim two belts; each loses what comes before its first needed entry.

    On a third belt, a consumer reads an entry after the first XPENDING: no needed entry is lost.

    Parameters
    ----------
    client : redis.Redis
        The server.
    trim : callable
        Called with a belt.
    """
    if hint := misfit(trim, "belt"):
        return Verdict(False, hint)
    plans = dict(zip(_KEYS, (_FIRST_PLAN, _second_plan(), _BUSY_PLAN), strict=True))
    verdicts = []
    for key, plan in plans.items():
        busy = plan is _BUSY_PLAN
        own = bounded(client, _MOST_COMMANDS, "does your loop end?")
        belt = new_belt(own, key, plan)
        if busy:
            _read_after_a_question(key, client, own)
        try:
            with deadline():
                trim(belt)
        except EndlessLoop as error:
            return Verdict(False, str(error))
        finally:
            meanwhile.stop(key)
        verdicts.append((_grade_busy_belt if busy else _grade_belt)(Stream(client, key), plan))
        if not verdicts[-1].right:
            return verdicts[-1]
    return verdicts[0]


def _read_after_a_question(key: str, client: redis.Redis, own: redis.Redis) -> None:
    """Let the consumer of ``count`` read one entry after a question about pending entries."""
    count = Stream(client, key).group("count")

    def read_one() -> None:
        if not count.pending().count:
            count.consumer("one").read(1)

    questions = ("XPENDING", "XREADGROUP")
    meanwhile.start(key, read_one, client, own, questions=questions)


def _parts(belt: Stream, plan: Plan) -> Picture:
    """Draw the parts, and below them those that each group still needs."""
    left = {_part(entry.id) for entry in belt.range()}
    needs_of = {name: {*range(sent + 1, 13), held} for name, (sent, held) in plan.items()}
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
    pending_of = {name: {pending} - {0} for name, (_, pending) in plan.items()}
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
def _grade_busy_belt(belt: Stream, plan: Plan) -> Verdict:
    left = {_part(entry.id) for entry in belt.range()}
    (delivered, _), *_others = plan.values()
    lost = {*range(delivered + 1, 13)} - left
    return grade(
        "no needed entry is lost.",
        [
            (
                bool(lost),
                f"on a third belt, count read {min(lost, default=0)} just after your function had "
                "asked what is pending, and then it was trimmed. Ask for the cursors first.",
            )
        ],
    )


def _boxes_in_the_attic(crew: ConsumerGroup) -> Picture:
    """Draw the boxes, twenty in each place: how many exist, are pending, and are on the list."""
    there = {entry.id for entry in stream_of(crew).range()}
    pending = {one.id for one in crew.pending_entries(count=_BOXES * 2)}
    listed = read_list(stream_of(crew), "attic:lost")
    places = [_attic_ids[n : n + _CHUNK] for n in range(0, len(_attic_ids), _CHUNK)]
    rows: dict[str, list[object]] = {"in the stream": [], "pending": [], "attic:lost": []}
    for ids in places:
        kept = sum(one in there for one in ids)
        gone = sum(one in pending and one not in there for one in ids)
        held = sum(one in pending and one in there for one in ids)
        lost = sum(str(one) in listed for one in ids)
        rows["in the stream"].append(kept or Lost(0))
        rows["pending"].append(Lost(gone) if gone else held or None)
        rows["attic:lost"].append(lost or None)
    return boxes(rows, [0, 1, 3])


def new_attic(client: redis.Redis) -> ConsumerGroup:
    """Return ``crew`` on ``attic``: ida holds 240 of 260 boxes, and 160 of them were trimmed.

    The IDs are random.
    """
    client.delete("attic", "attic:lost")
    attic = Stream(client, "attic")
    ids = [f"{ms}-0" for ms in sorted(sample(range(10_000, 100_000), _BOXES))]
    _attic_ids[:] = map(EntryId.parse, ids)
    attic.add_many((one, {"box": n}) for n, one in enumerate(ids, 1))
    crew = attic.group("crew")
    crew.create("0")
    crew.consumer("ida").read(_HELD)
    attic.trim(minid=ids[_TRIMMED])
    return Stream(bounded(client, _MOST_COMMANDS, "does your loop end?"), "attic").group("crew")


@hinted(
    "`attic` is not a stream, or `attic:lost` is not a list. Start again with new_attic.",
    _boxes_in_the_attic,
)
def check_attic(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 2: exactly the entries that still exist are pending; the lost ones listed."""
    if find_group(stream_of(crew), crew.name) is None:
        return Verdict(False, "the group was deleted, and with it all pending entries.")
    pending = {one.id for one in crew.pending_entries(count=_BOXES * 2)}
    entries = [entry.id for entry in stream_of(crew).range()]
    trimmed, lost = pending - {*entries}, {*_attic_ids[_TRIMMED:_HELD]} - pending
    new = pending & {*_attic_ids[_HELD:]}
    listed = read_list(stream_of(crew), "attic:lost")
    gone = {str(one) for one in _attic_ids[:_TRIMMED]}
    return grade(
        f"the {_TRIMMED} trimmed entries are no longer pending, their IDs are on the list, and the "
        f"{_HELD - _TRIMMED} that exist are still pending.",
        [
            (
                entries != _attic_ids[_TRIMMED:],
                "the stream has other entries than before. Leave the stream as it is.",
            ),
            (
                bool(lost),
                f"{count_of(len(lost), 'existing entry is', 'existing entries are')} no longer "
                "pending. The work is lost.",
            ),
            (
                bool(trimmed),
                f"{count_of(len(trimmed), 'trimmed entry is', 'trimmed entries are')} still "
                "pending. XAUTOCLAIM drops them, page by page until the cursor is 0-0.",
            ),
            (
                bool(new),
                f"{count_of(len(new), 'entry that was', 'entries that were')} waiting "
                f"{'is' if len(new) == 1 else 'are'} pending now. Deliver nothing new.",
            ),
            (
                bool(gone - {*listed}),
                f"{count_of(len(gone - {*listed}), 'trimmed ID is', 'trimmed IDs are')} not on the "
                "list `attic:lost`. Each page of XAUTOCLAIM tells which IDs it dropped.",
            ),
            (
                bool({*listed} - gone) or len(listed) != len(gone),
                "`attic:lost` should hold each trimmed ID once, and nothing else.",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete(*_KEYS, "attic", "attic:lost")
