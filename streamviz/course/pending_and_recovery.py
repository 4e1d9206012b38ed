"""The exercises of notebook 05: recover everything, and tell poison from bad luck."""

from __future__ import annotations

import redis

from streamviz.course.verdict import Verdict, grade
from streamviz.entry_id import EntryId
from streamviz.groups import ConsumerGroup
from streamviz.recovery import DeadLetters
from streamviz.streams import Stream

_POISON, _UNLUCKY, _FRESH = EntryId(1), EntryId(2), EntryId(3)


def new_night(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``crew``: kim holds seven jobs, of which the fourth was deleted."""
    client.delete("night")
    stream = Stream(client, "night")
    stream.add_many((f"{n}-0", {"job": n}) for n in range(1, 8))
    crew = stream.group("crew")
    crew.create("0")
    crew.consumer("kim").read()
    stream.delete("4-0")
    return crew


def check_night(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 1: nothing is pending, lou has been there, and nothing was thrown away."""
    held = crew.pending()
    names = {consumer.name for consumer in crew.consumers()}
    kims, lous = held.consumers.get("kim", 0), held.consumers.get("lou", 0)
    return grade(
        "six jobs were recovered, and the deleted one has left the pending list.",
        [
            ("kim" not in names, "kim was deleted, and what she held went with her: claim first."),
            ("lou" not in names, "lou has claimed nothing yet."),
            (kims > 0, f"kim still holds {kims}: go on until the cursor is 0-0."),
            (lous > 0, f"lou claimed all, and {lous} are not acknowledged yet."),
        ],
    )


def new_mill(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``millers``: ned holds three, delivered five times, three times and once."""
    client.delete("mill", "mill:dead")
    stream = Stream(client, "mill")
    stream.add_many((f"{n}-0", {"sack": n}) for n in (1, 2, 3))
    millers = stream.group("millers")
    millers.create("0")
    ned = millers.consumer("ned")
    ned.read()
    ned.claim([_POISON], deliveries=5)
    ned.claim([_UNLUCKY], deliveries=3)
    return millers


def check_mill(millers: ConsumerGroup) -> Verdict:
    """Grade exercise 2: only the poison is a dead letter, with its error; the rest is done."""
    letters = DeadLetters(millers.consumer("moe")).letters()
    dead = {letter.entry_id for letter in letters}
    errors = {letter.error for letter in letters}
    held = millers.pending().count
    return grade(
        "the poison is a dead letter with its history, and the others were done.",
        [
            (bool(dead & {_UNLUCKY, _FRESH}), f"{len(dead)} were given up: only one is poison."),
            (not dead, "there is no dead letter yet."),
            (errors != {"too hot"}, f"the dead letter's error is {min(errors, default='')!r}."),
            (held > 0, f"{held} are still pending: claim them, and acknowledge."),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete what the exercises have made."""
    client.delete("night", "mill", "mill:dead")
