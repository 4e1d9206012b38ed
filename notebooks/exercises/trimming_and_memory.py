"""The exercises of notebook 06: trim entries that no group needs, and clear away ghosts."""

from __future__ import annotations

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, find_group, grade, stream_of
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream

_NEEDED = {3, *range(5, 13)}
_PENDING = {"paint": 1, "pack": 1, "count": 0}
_EXISTING = {4, 5, 6}


def new_belt(client: redis.Redis) -> Stream:
    """Return ``belt``: twelve entries, and three groups that need all but 1, 2 and 4.

    Redis has delivered six entries to ``paint``, all to ``pack`` and four to ``count``. Entry 3 is
    pending for ``paint`` and entry 8 for ``pack``.
    """
    client.delete("belt")
    belt = Stream(client, "belt")
    belt.add_many((f"{n}-0", {"part": n}) for n in range(1, 13))
    for name, delivered, pending in (("paint", 6, 3), ("pack", 12, 8), ("count", 4, 0)):
        group = belt.group(name)
        group.create("0")
        group.consumer("one").read(delivered)
        group.ack(*(f"{n}-0" for n in range(1, delivered + 1) if n != pending))
    return belt


@hinted("the belt or one of its groups is missing: start again with new_belt.")
def check_belt(belt: Stream) -> Verdict:
    """Grade exercise 1: 1 and 2 are trimmed, and all entries that a group needs are there."""
    left = {entry.id.ms for entry in belt.range()}
    lost = _NEEDED - left
    pending = {name: belt.group(name).pending().count for name in _PENDING}
    why = "it is pending for paint" if 3 in lost else "it was never delivered to some group"
    return grade(
        "exactly the entries that no group needs are trimmed.",
        [
            (
                bool(lost),
                f"{len(lost)} needed entries are gone, such as {min(lost, default=0)}: {why}.",
            ),
            (pending != _PENDING, "a pending entry is no longer pending: only trim."),
            (
                {1, 2} <= left,
                "nothing was trimmed: no group needs 1 and 2 (and `~` keeps them).",
            ),
            (
                bool({1, 2} & left),
                "one entry is left that no group needs: which is the first needed entry?",
            ),
        ],
    )


def new_attic(client: redis.Redis) -> ConsumerGroup:
    """Return ``crew`` on ``attic``: ida holds six entries, and three of them were trimmed."""
    client.delete("attic")
    attic = Stream(client, "attic")
    attic.add_many((f"{n}-0", {"box": n}) for n in range(1, 9))
    crew = attic.group("crew")
    crew.create("0")
    crew.consumer("ida").read(6)
    attic.trim(maxlen=5)
    return crew


@hinted("`attic` is not a stream: start again with new_attic.")
def check_attic(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 2: exactly the three entries that still exist are pending."""
    if find_group(stream_of(crew), crew.name) is None:
        return Verdict(False, "the group was deleted, and with it all pending entries.")
    pending = {one.id.ms for one in crew.pending_entries()}
    entries = {entry.id.ms for entry in stream_of(crew).range()}
    ghosts, lost = pending - entries, _EXISTING - pending
    return grade(
        "the ghosts are gone, and the three entries that exist are still pending.",
        [
            (not entries >= _EXISTING, "entries that existed were deleted from the stream."),
            (
                bool(lost),
                f"{len(lost)} existing entries are no longer pending: their work is lost.",
            ),
            (bool(ghosts), f"{len(ghosts)} ghosts are still pending: continue to the end."),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete("belt", "attic")
