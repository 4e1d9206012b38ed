"""The exercises of notebook 06: trim what nobody needs, and clear away ghosts."""

from __future__ import annotations

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, find_group, grade, stream_of
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream

_NEEDED = {3, *range(5, 13)}
_HOLD = {"paint": 1, "pack": 1, "count": 0}
_ALIVE = {4, 5, 6}


def new_belt(client: redis.Redis) -> Stream:
    """Return ``belt``: twelve entries, and three groups that need all but 1, 2 and 4.

    ``paint`` was given six and holds 3, ``pack`` was given all and holds 8, ``count`` was given
    four and holds none.
    """
    client.delete("belt")
    belt = Stream(client, "belt")
    belt.add_many((f"{n}-0", {"part": n}) for n in range(1, 13))
    for name, given, held in (("paint", 6, 3), ("pack", 12, 8), ("count", 4, 0)):
        group = belt.group(name)
        group.create("0")
        group.consumer("one").read(given)
        group.ack(*(f"{n}-0" for n in range(1, given + 1) if n != held))
    return belt


@hinted("the belt or one of its groups is gone: begin with new_belt again.")
def check_belt(belt: Stream) -> Verdict:
    """Grade exercise 1: 1 and 2 are gone, and whatever a group still needs is there."""
    left = {entry.id.ms for entry in belt.range()}
    lost = _NEEDED - left
    held = {name: belt.group(name).pending().count for name in _HOLD}
    why = "paint holds it" if 3 in lost else "some group was never given it"
    return grade(
        "what nobody needs is gone, and nothing else is.",
        [
            (bool(lost), f"{len(lost)} needed entries are gone, as {min(lost, default=0)}: {why}."),
            (held != _HOLD, "what was in somebody's hands is pending no more: trim, and no more."),
            ({1, 2} <= left, "nothing is gone: 1 and 2 are needed by nobody (and `~` keeps them)."),
            (bool({1, 2} & left), "one entry is left that nobody needs: what is the first needed?"),
        ],
    )


def new_attic(client: redis.Redis) -> ConsumerGroup:
    """Return ``crew`` on ``attic``: ida holds six, and three of them were trimmed away."""
    client.delete("attic")
    attic = Stream(client, "attic")
    attic.add_many((f"{n}-0", {"box": n}) for n in range(1, 9))
    crew = attic.group("crew")
    crew.create("0")
    crew.consumer("ida").read(6)
    attic.trim(maxlen=5)
    return crew


@hinted("`attic` is no stream any more: begin with new_attic again.")
def check_attic(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 2: exactly the three entries that still exist are pending."""
    if find_group(stream_of(crew), crew.name) is None:
        return Verdict(False, "the group is gone, and with it every trace of ida's work.")
    pending = {held.id.ms for held in crew.pending_entries()}
    there = {entry.id.ms for entry in stream_of(crew).range()}
    ghosts, lost = pending - there, _ALIVE - pending
    return grade(
        "the ghosts are gone, and the three that are real wait for somebody.",
        [
            (not there >= _ALIVE, "the real entries were deleted from the stream."),
            (bool(lost), f"{len(lost)} entries that are real are pending no more: work is lost."),
            (bool(ghosts), f"{len(ghosts)} ghosts are still pending: go on to the end."),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete what the exercises have made."""
    client.delete("belt", "attic")
