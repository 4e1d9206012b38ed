"""The exercises of notebook 05: recover everything, and tell a poison entry from bad luck."""

from __future__ import annotations

import redis

from exercises import journal
from exercises.bounded import bounded
from exercises.consumer_groups import read_list
from exercises.hints import hinted
from exercises.verdict import Verdict, count_of, grade, stream_of
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream
from streamviz.patterns.dead_letters import DeadLetters

_JOBS = {"1", "2", "5", "6", "7"}  # the third and the fourth were deleted
_MOST_COMMANDS = 300
_EARLY = "{} acknowledged before the work was in `{}`: a crash between the two would lose it."
_POISON, _UNLUCKY, _FRESH = EntryId(1), EntryId(2), EntryId(3)


def new_night(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``crew``: kim holds seven jobs, and the third and fourth were deleted.

    Its client raises after 300 commands, so that a loop over pages has an end.
    """
    client.delete("night", "night:done")
    stream = Stream(client, "night")
    stream.add_many((f"{n}-0", {"job": n}) for n in range(1, 8))
    crew = stream.group("crew")
    crew.create("0")
    crew.consumer("kim").read()
    stream.delete("3-0", "4-0")
    journal.start(client, "night")
    hint = "a cursor is an EntryId; does your loop compare it with EntryId.ZERO?"
    return Stream(bounded(client, _MOST_COMMANDS, hint), "night").group("crew")


@hinted("`night` has no group `crew`, or `night:done` is not a list: start again with new_night.")
def check_night(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 1: nothing is pending, and lou has done every job that still exists."""
    pending = crew.pending()
    names = {consumer.name for consumer in crew.consumers()}
    kims, lous = pending.consumers.get("kim", 0), pending.consumers.get("lou", 0)
    pending_jobs = {str(one.id.ms) for one in crew.pending_entries()}
    done, entries = read_list(stream_of(crew), "night:done"), stream_of(crew).length()
    lost = len(_JOBS - pending_jobs - set(done))
    early = _early(crew, "night", "night:done", "job")
    return grade(
        "five jobs were recovered, and the deleted ones have left the pending entries list.",
        [
            (
                entries != len(_JOBS),
                f"the stream has {count_of(entries, 'entry', 'entries')}: keep all five.",
            ),
            (
                "kim" not in names,
                "kim was deleted together with her pending entries: claim them first.",
            ),
            ("lou" not in names, "lou has claimed nothing yet."),
            (
                lost > 0,
                f"{count_of(lost, 'job is', 'jobs are')} neither pending nor in the "
                "list `night:done`: claim a job, write it down, then acknowledge it.",
            ),
            (
                kims > 0,
                f"kim still holds {kims} entries: continue until the cursor is "
                "0-0. An empty page is not the end.",
            ),
            (
                lous > 0,
                f"lou has claimed all, but {count_of(lous, 'is', 'are')} not acknowledged yet.",
            ),
            (
                pending.count > 0,
                f"{count_of(pending.count, 'entry is', 'entries are')} still pending.",
            ),
            (len(done) != len(_JOBS), f"`night:done` holds {done}: it should hold each job once."),
            (early > 0, _EARLY.format(count_of(early, "job was", "jobs were"), "night:done")),
        ],
    )


def new_mill(client: redis.Redis) -> ConsumerGroup:
    """Return ``millers``: ned holds three entries, delivered five times, three times and once."""
    client.delete("mill", "mill:dead", "mill:flour")
    stream = Stream(client, "mill")
    stream.add_many((f"{n}-0", {"sack": n}) for n in (1, 2, 3))
    millers = stream.group("millers")
    millers.create("0")
    ned = millers.consumer("ned")
    ned.read()
    ned.claim([_POISON], deliveries=5)
    ned.claim([_UNLUCKY], deliveries=3)
    journal.start(client, "mill")
    return millers


@hinted("`mill` has no group `millers`, or a key has another type: start again with new_mill.")
def check_mill(millers: ConsumerGroup) -> Verdict:
    """Grade exercise 2: only the poison is a dead letter, with its error; the rest is done."""
    letters = DeadLetters(millers.consumer("moe")).letters()
    dead = {letter.entry_id for letter in letters}
    errors = {letter.error for letter in letters}
    pending = {str(one.id.ms) for one in millers.pending_entries()}
    names = {consumer.name for consumer in millers.consumers()}
    flour, sacks = read_list(stream_of(millers), "mill:flour"), stream_of(millers).length()
    lost = len({"2", "3"} - pending - set(flour))
    early = _early(millers, "mill", "mill:flour", "sack")
    return grade(
        "the poison entry is a dead letter with its history, and the others are done.",
        [
            (sacks != 3, f"the stream has {count_of(sacks, 'entry', 'entries')}: keep all three."),
            (
                bool(dead & {_UNLUCKY, _FRESH}),
                f"{len(dead)} entries are dead letters: only one is poison.",
            ),
            ("1" in flour, "the poison was ground: sack 1 is in the list `mill:flour`."),
            (not dead, "there is no dead letter yet."),
            (
                errors != {"too hot"},
                f"the dead letter must say what went wrong, `too hot`, but its error is "
                f"{min(errors, default='')!r}: give `sweep` the error of each ID.",
            ),
            (
                "ned" not in names,
                "ned was deleted together with his pending entries: claim them first.",
            ),
            (
                lost > 0,
                f"{count_of(lost, 'sack is', 'sacks are')} neither pending nor in the "
                "list `mill:flour`: claim a sack, grind it, then acknowledge it.",
            ),
            (
                bool(pending),
                f"{count_of(len(pending), 'entry is', 'entries are')} still pending: "
                "claim, grind, and acknowledge.",
            ),
            (len(flour) != 2, f"`mill:flour` holds {flour}: it should hold each sack once."),
            (early > 0, _EARLY.format(count_of(early, "sack was", "sacks were"), "mill:flour")),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    journal.close("night")
    journal.close("mill")
    client.delete("night", "night:done", "mill", "mill:dead", "mill:flour")


def _early(group: ConsumerGroup, key: str, done: str, field: str) -> int:
    """Count the entries that were acknowledged before their work was on the list `done`."""
    stream = stream_of(group)
    id_of = {entry.fields[field]: str(entry.id) for entry in stream.range()}
    early = journal.lost_by_a_crash(
        journal.stop(stream.client, key), key, journal.pushed(done, id_of)
    )
    return len(set(early) & set(id_of.values()) - {str(_POISON) if key == "mill" else ""})
