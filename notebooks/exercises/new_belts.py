"""The belts of notebook 06's first exercise: their IDs, and what each group has received."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import randint, sample

import redis

from exercises.claims import left_ten_minutes_ago
from exercises.odd_ids import ids_at
from streamviz.client import EntryId, Stream

# for each group: how many parts it received, and those that it still holds
Plan = dict[str, tuple[int, set[int]]]
FIRST_PLAN: Plan = {"paint": (8, {6}), "pack": (12, {8}), "count": (4, set())}
BUSY_PLAN: Plan = {"count": (4, set())}
ALL = range(1, 13)
_OLDER_MS = 10
_LARGE_SEQS = (9, 2**62, 2**63, 2**64 - 2)
_ODD_NAME = "café pack"
_parts_of: dict[str, dict[EntryId, int]] = {}  # each newest belt's parts, by ID; older ones are 0


def second_plan() -> Plan:
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


def third_plan() -> Plan:
    """Return a random plan: the fourth group was only created, so it needs every part."""
    return second_plan() | {"ship": (0, set())}


def oddly_named(plan: Plan) -> Plan:
    """Rename the fourth group; its name contains another one, and comes before it."""
    return {_ODD_NAME if name == "ship" else name: parts for name, parts in plan.items()}


def ids_in_one_ms() -> list[str]:
    """Return twelve IDs; as text or as decimal numbers, they are in a wrong order."""
    ms = randint(100, 999)
    return [f"{ms}-{n}" for n in ALL]


def ids_of_a_long_belt() -> list[str]:
    """Return the IDs of 120 older parts, and of twelve in two milliseconds.

    The second millisecond has one more digit. As one number with less than 64 bits for the
    sequence number, the IDs are in a wrong order.
    """
    ms = 10 ** randint(3, 6)
    older = ids_at(sample(range(100, ms - 1), _OLDER_MS))
    first, second = ALL[: len(_LARGE_SEQS)], ALL[len(_LARGE_SEQS) :]
    ids = [f"{ms - 1}-{seq}" for _, seq in zip(first, _LARGE_SEQS, strict=True)]
    return [*older, *ids, *(f"{ms}-{n}" for n, _ in enumerate(second, 1))]


def new_belt(
    client: redis.Redis, key: str = "belt", plan: Plan = FIRST_PLAN, ids: Sequence[str] = ()
) -> Stream:
    """Return a belt with twelve parts and its groups, as planned.

    If there are more IDs than twelve, the first are those of older parts, which each group has
    received and acknowledged. Where a group holds several parts, three consumers have read them.
    By name, the holder of the oldest is the second. The others' parts have been idle for longer. A
    group that received nothing has no consumer. Of a group in `without_lag`, Redis reports nil.
    """
    client.delete(key)
    belt = Stream(client, key)
    ids = ids or [f"{n}-0" for n in ALL]
    older, ids = ids[: -len(ALL)], ids[-len(ALL) :]
    belt.add_many((one, {"part": "old"}) for one in older)
    belt.add_many((one, {"part": n}) for n, one in enumerate(ids, 1))
    _parts_of[key] = dict.fromkeys(map(EntryId.parse, ("0-0", *older)), 0)
    _parts_of[key] |= {EntryId.parse(one): n for n, one in enumerate(ids, 1)}
    for name, (delivered, held) in plan.items():
        group = belt.group(name)
        group.create("0")
        if not delivered:
            continue
        if older:
            group.consumer("one").read(len(older), noack=True)
        if len(held) > 1:
            group.consumer("one").read(min(held) - 1)
            group.consumer("three").read(1)
        last = group.consumer("two" if len(held) > 1 else "one")
        last.read(delivered - (min(held) if len(held) > 1 else 0))
        group.ack(*(one for n, one in enumerate(ids[:delivered], 1) if n not in held))
        if len(held) > 1:
            left_ten_minutes_ago(last, [EntryId.parse(ids[n - 1]) for n in held - {min(held)}])
        if name in without_lag(plan):
            group.set_id(ids[delivered - 1])
    return belt


def without_lag(plan: Plan) -> set[str]:
    """Return the groups whose lag Redis can't tell: their cursor was set, to the same ID."""
    if plan is BUSY_PLAN:
        return set()
    return {name for name, (sent, held) in plan.items() if 0 < sent < len(ALL) and not held}


def parts_of(belt: Stream, ids: Iterable[EntryId]) -> set[int]:
    """Return the numbers of parts; 0 is an older one, or none at all, and -1 an unknown one."""
    return {_parts_of[belt.key].get(one, -1) for one in ids}
