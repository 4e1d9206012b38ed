"""The exercises of notebook 06: trim what no group needs, and forget what was trimmed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import sample

import redis

from exercises import picture
from exercises.bounded import bounded
from exercises.boxes import Lost, boxes
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, deadline
from exercises.verdict import Verdict, count_of, find_group, grade, stream_of
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream

_PLANS = {
    "belt": {"paint": (8, 6), "pack": (12, 8), "count": (4, 0)},
    "belt-2": {"paint": (9, 3), "pack": (12, 10), "count": (7, 0), "ship": (5, 2)},
}
_MOST_COMMANDS = 500


def new_belt(client: redis.Redis, key: str = "belt") -> Stream:
    """Return a belt with twelve parts and its groups, as planned for its key."""
    client.delete(key)
    belt = Stream(client, key)
    picture.start(client, key)
    belt.add_many((_id_of(n, key), {"part": n}) for n in range(1, 13))
    for name, (delivered, pending) in _PLANS[key].items():
        group = belt.group(name)
        group.create("0")
        group.consumer("one").read(delivered)
        group.ack(*(_id_of(n, key) for n in range(1, delivered + 1) if n != pending))
    return belt


def _id_of(part: int, key: str) -> str:
    """Return a part's ID; those of the second belt share a millisecond."""
    return f"{part}-0" if key == "belt" else f"1-{part}"


def _part(entry_id: EntryId) -> int:
    return entry_id.seq or entry_id.ms


def check_belt(client: redis.Redis, trim: Callable[[Stream], object]) -> Verdict:
    """Grade exercise 1: trim two belts; each loses what comes before its first needed entry.

    Parameters
    ----------
    client : redis.Redis
        The server.
    trim : callable
        Called with a belt.
    """
    if hint := misfit(trim, "belt"):
        return Verdict(False, hint)
    for key in _PLANS:
        belt = new_belt(bounded(client, _MOST_COMMANDS, "does your loop end?"), key)
        try:
            with deadline():
                trim(belt)
        except EndlessLoop as error:
            return Verdict(False, str(error))
        verdict = _grade_belt(Stream(client, key))
        if not verdict.right:
            break
    return replace(verdict, picture=picture.picture_if_possible(client, key))


@hinted("the belt or one of its groups is missing: your function should only trim.")
def _grade_belt(belt: Stream) -> Verdict:
    plan = _PLANS[belt.key]
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
    still = {name: {_part(one.id) for one in belt.group(name).pending_entries()} for name in plan}
    first = min(first_of.values())
    extra = sorted(n for n in left if n < first)
    gone = sorted({*range(first, 13)} - left)
    why = f"it is pending for {owner}" if owner else "it was never delivered to some group"
    return grade(
        "on two belts, exactly the entries before the first needed one are trimmed.",
        [
            (
                lost > 0,
                f"{count_of(len(needed - left), 'needed entry is', 'needed entries are')} gone, "
                f"such as {lost}: {why}.",
            ),
            (still != pending_of, "other entries are pending than before: only trim."),
            (
                cursors != {name: delivered for name, (delivered, _) in plan.items()},
                "a group has another cursor than before, or is new: only trim.",
            ),
            (
                bool(extra),
                f"{count_of(len(extra), 'entry is', 'entries are')} left that no group needs, "
                f"such as {max(extra, default=0)}: which is the first needed entry?",
            ),
            (
                bool(gone),
                f"{' and '.join(map(str, gone))} came after {first}, the first needed entry: "
                "remove only what comes before it.",
            ),
        ],
    )


def pending_and_there(group: ConsumerGroup, *labels: object) -> picture.Picture:
    """Draw a group's pending entries, those crossed out that the stream no longer has.

    Parameters
    ----------
    group : ConsumerGroup
        The group.
    *labels : object
        What to call the newest entries, in place of their IDs.
    """
    pending = {held.id for held in group.pending_entries()}
    there = {entry.id for entry in stream_of(group).range()}
    ids = sorted(pending | there)
    names = dict(zip(ids, labels[len(labels) - len(ids) :] or ids, strict=True))
    return boxes(
        {
            "pending": [
                (names[one] if one in there else Lost(names[one])) if one in pending else None
                for one in ids
            ],
            "in the stream": [names[one] if one in there else None for one in ids],
        }
    )


def _boxes_in_the_attic(crew: ConsumerGroup) -> picture.Picture:
    return pending_and_there(crew, *range(1, 9))


def new_attic(client: redis.Redis) -> ConsumerGroup:
    """Return ``crew`` on ``attic``: ida holds six entries, and three of them were trimmed.

    The IDs are random.
    """
    client.delete("attic")
    attic = Stream(client, "attic")
    attic.add_many((f"{ms}-0", {"box": ms}) for ms in sorted(sample(range(10_000, 100_000), 8)))
    crew = attic.group("crew")
    crew.create("0")
    crew.consumer("ida").read(6)
    attic.trim(maxlen=5)
    return Stream(bounded(client), "attic").group("crew")


@hinted("`attic` is not a stream: start again with new_attic.", _boxes_in_the_attic)
def check_attic(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 2: exactly the three entries that still exist are pending."""
    if find_group(stream_of(crew), crew.name) is None:
        return Verdict(False, "the group was deleted, and with it all pending entries.")
    pending = {one.id for one in crew.pending_entries()}
    entries = [entry.id for entry in stream_of(crew).range()]
    trimmed, lost = pending - {*entries}, {*entries[:3]} - pending
    new = pending & {*entries[3:]}
    return grade(
        "the trimmed entries are no longer pending, and the three that exist still are.",
        [
            (len(entries) < 5, "entries that existed were deleted from the stream."),
            (
                bool(lost),
                f"{count_of(len(lost), 'existing entry is', 'existing entries are')} no longer "
                "pending: the work is lost.",
            ),
            (
                bool(trimmed),
                f"{count_of(len(trimmed), 'trimmed entry is', 'trimmed entries are')} still "
                "pending: XAUTOCLAIM drops them, page by page until the cursor is 0-0.",
            ),
            (
                bool(new),
                f"{count_of(len(new), 'entry that was', 'entries that were')} waiting "
                f"{'is' if len(new) == 1 else 'are'} pending now: deliver nothing new.",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete(*_PLANS, "attic")
