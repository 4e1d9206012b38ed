"""The exercises of notebook 06: trim what no group needs, and forget what is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import cycle
from random import randint, sample

import redis

from exercises import belts
from exercises.belts import check_belt
from exercises.bounded import bounded
from exercises.boxes import Lost, boxes
from exercises.consumer_groups import read_list
from exercises.hints import hinted
from exercises.new_belts import new_belt
from exercises.odd_ids import BEFORE_TEN, PER_MS, ids_at
from exercises.picture import Picture
from exercises.verdict import Verdict, count_of, find_group, grade, stream_of
from streamviz.client import ConsumerGroup, EntryId, Stream

__all__ = ["check_attic", "check_belt", "clean_up", "new_attic", "new_belt"]

_BOXES, _HELD, _CHUNK = 360, 330, 30
_FULL_PAGES = 300  # the boxes that three calls of XAUTOCLAIM check, by default
_MOST_COMMANDS = 1000
# How many boxes are trimmed, attic by attic: one number says nothing of the next, and the
# notebook's outputs are the same in each run. Each cut is within a millisecond.
_numbers = cycle(PER_MS * whole + BEFORE_TEN for whole in (12, 10, 14, 11, 15))


@dataclass(slots=True)
class _Attic:
    """The newest attic: all its IDs, those in the stream, how often the boxes were delivered."""

    ids: list[EntryId] = field(default_factory=list)
    left: list[EntryId] = field(default_factory=list)
    deliveries: int = 0


_attic = _Attic()


def _boxes_in_the_attic(crew: ConsumerGroup) -> Picture:
    """Draw the boxes, thirty in each place: how many exist, are pending, and are on the list."""
    there = {entry.id for entry in stream_of(crew).range()}
    pending = {one.id for one in crew.pending_entries(count=_BOXES * 2)}
    listed = read_list(stream_of(crew), "attic:lost")
    places = [_attic.ids[n : n + _CHUNK] for n in range(0, len(_attic.ids), _CHUNK)]
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
    """Return ``crew`` on ``attic``: ida holds 330 of 360 boxes, and some of them are gone.

    The oldest were trimmed, and one of the newest that ida holds was deleted. Between the two, a
    page of XAUTOCLAIM finds nothing to drop. The IDs are random, and so is how often the boxes were
    delivered. Each attic has another number of trimmed boxes than the one before.

    Compared as text, by one of their two numbers, or by the two packed into one, the IDs are in a
    wrong order. The two numbers written one after the other are not even different for all IDs.
    """
    client.delete("attic", "attic:lost")
    attic = Stream(client, "attic")
    ids = _odd_ids()
    _attic.ids = [EntryId.parse(one) for one in ids]
    _attic.deliveries, trimmed = randint(3, 9), next(_numbers)
    attic.add_many((one, {"box": n}) for n, one in enumerate(ids, 1))
    crew = attic.group("crew")
    crew.create("0")
    crew.consumer("ida").read(_HELD)
    crew.consumer("ida").claim(ids[:_HELD], deliveries=_attic.deliveries)
    attic.trim(minid=ids[trimmed])
    attic.delete(ids[randint(_FULL_PAGES, _HELD - 2)])
    _attic.left = [entry.id for entry in attic.range()]
    return Stream(bounded(client, _MOST_COMMANDS, "does your loop end?"), "attic").group("crew")


def _odd_ids() -> list[str]:
    """Return the IDs of all boxes; the milliseconds of those that may be trimmed have two digits.

    10-11 is trimmed and 101-1 is not, if 10 is the first millisecond.
    """
    first = randint(10, 40)
    two_digits = [first, *sample(range(first + 1, 100), 16)]
    number = _BOXES // PER_MS - len(two_digits) - 1
    more = sample(range(first * 10 + 2, 1000), number)
    return ids_at([*two_digits, first * 10 + 1, *more])


@hinted(
    "`attic` is not a stream, or `attic:lost` is not a list. Start again with new_attic.",
    _boxes_in_the_attic,
)
def check_attic(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 2: exactly the entries that still exist are pending; the lost ones listed."""
    if find_group(stream_of(crew), crew.name) is None:
        return Verdict(False, "the group was deleted, and with it all pending entries.")
    ids, left, held = _attic.ids, _attic.left, _attic.ids[:_HELD]
    deliveries = {one.id: one.deliveries for one in crew.pending_entries(count=_BOXES * 2)}
    pending = {*deliveries}
    entries = [entry.id for entry in stream_of(crew).range()]
    still, lost = pending - {*entries}, {*held} & {*left} - pending
    new = pending & {*ids[_HELD:]}
    anew = [one for one, times in deliveries.items() if times < _attic.deliveries]
    listed = read_list(stream_of(crew), "attic:lost")
    gone = {str(one) for one in held} - {str(one) for one in left}
    text = bool(lost) and all(str(one) < str(min(left)) for one in lost)
    return grade(
        f"the {len(gone)} entries that are gone are no longer pending, their IDs are on the list, "
        f"and the {_HELD - len(gone)} that exist are still pending.",
        [
            (
                entries != left,
                "the stream has other entries than before. Leave the stream as it is.",
            ),
            (
                bool(lost),
                f"{count_of(len(lost), 'existing entry is', 'existing entries are')} no longer "
                f"pending. The work is lost.{' Compare IDs as two numbers, not as text.' * text}",
            ),
            *_still_pending_hints(still),
            (
                bool(new),
                f"{count_of(len(new), 'entry that was', 'entries that were')} waiting "
                f"{'is' if len(new) == 1 else 'are'} pending now. Deliver nothing new.",
            ),
            (
                bool(anew),
                f"{count_of(len(anew), 'box was', 'boxes were')} delivered anew, or "
                f"{'its' if len(anew) == 1 else 'their'} delivery count was set back. Each had "
                f"been delivered {_attic.deliveries} times. Let it stay pending.",
            ),
            *_list_hints(listed, gone),
        ],
    )


def _still_pending_hints(still: set[EntryId]) -> list[tuple[bool, str]]:
    """Return the hints for pending entries that the stream no longer has."""
    held, left = {*_attic.ids[:_HELD]}, {*_attic.left}
    times = {one.ms for one in left}
    alike, deleted = {one for one in held if one.ms in times}, {max(held - left)}
    they_are = (
        f"{count_of(len(still), 'entry', 'entries')} that the stream no longer has "
        f"{'is' if len(still) == 1 else 'are'} still pending."
    )
    return [
        (
            bool(still - deleted) and still <= alike,
            f"{they_are} Others with the same milliseconds exist, so compare whole IDs, as two "
            "numbers.",
        ),
        (
            bool(still),
            f"{they_are} XAUTOCLAIM drops such entries, page by page until the cursor is 0-0. A "
            "page may have none to drop.",
        ),
    ]


def _list_hints(listed: list[str], gone: set[str]) -> list[tuple[bool, str]]:
    """Return the hints for the list of what was dropped, which should hold each ID of `gone`."""
    missing = len(gone - {*listed})
    return [
        (
            bool(listed) and not gone & {*listed},
            "no element of `attic:lost` is the ID of a dropped box. Append each ID as text, "
            "and as an element of its own, for example with `*map(str, page.deleted)`.",
        ),
        (
            missing > 0,
            f"{count_of(missing, 'dropped ID is', 'dropped IDs are')} not on the list "
            "`attic:lost`. Each page of XAUTOCLAIM tells which IDs it dropped.",
        ),
        (
            bool({*listed} - gone) or len(listed) != len(gone),
            "`attic:lost` should hold the ID of each dropped box once, and nothing else.",
        ),
    ]


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete(*belts.KEYS, "attic", "attic:lost")
