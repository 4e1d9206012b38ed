"""The exercises of notebook 05: recover everything, and tell a poison entry from bad luck."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle
from random import sample

import redis

from exercises import journal
from exercises.bounded import bounded
from exercises.boxes import Lost, boxes
from exercises.claims import claimed_more_than, left_ten_minutes_ago, replayed
from exercises.consumer_groups import read_list
from exercises.hints import hinted
from exercises.journal import Command
from exercises.notes import NOTED, noted_first
from exercises.picture import Picture
from exercises.verdict import Verdict, count_of, grade, stream_of
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream
from streamviz.patterns.dead_letters import DeadLetters

_PAGE = 2
_SIZES = cycle((7, 11, 15, 19))  # jobs: another number each time, so a fixed number of pages fails
_MOST_COMMANDS = 300
_LIMIT = 5  # deliveries of the poison
_NOT_HELD = (
    "{} done or given up while {} didn't hold {}, so two consumers could do the work. Claim first."
)
_DROPPED = "{} never acknowledged. {} was deleted while it held {}."
_UNCLAIMED = "{} claimed nothing, so another consumer could do the same work. Claim first."
_EARLY = "{} acknowledged before the work was in `{}`. A crash between the two would lose it."
_NO_LETTER = (
    "there is no dead letter yet. `DeadLetters` moves an entry with its history.",
    "what `mill:dead` holds is no dead letter, because it lacks a dead letter's history. "
    "`DeadLetters` moves an entry with its history.",
)
_POISON, _UNLUCKY, _FRESH = EntryId(1), EntryId(2), EntryId(3)
_DELETED = ("3-0", "4-0")
_sizes = {"night": 7}


def new_night(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``crew``: kim holds some jobs, and the third and fourth were deleted.

    The jobs are random numbers, and have been idle for ten minutes. There are at first seven, and
    each time another number. The group's client raises after 300 commands, so that a loop over
    pages has an end.
    """
    client.delete("night", "night:done")
    stream = Stream(client, "night")
    jobs = sample(range(1000, 10_000), next(_SIZES))
    _sizes["night"] = len(jobs)
    stream.add_many((f"{n}-0", {"job": job}) for n, job in enumerate(jobs, 1))
    crew = stream.group("crew")
    crew.create("0")
    kim = crew.consumer("kim")
    held = kim.read()
    journal.start(client, "night")
    left_ten_minutes_ago(kim, [entry.id for entry in held])
    stream.delete(*_DELETED)
    hint = "does each page begin at the cursor of the page before, up to EntryId.ZERO (an EntryId)?"
    return Stream(bounded(client, _MOST_COMMANDS, hint), "night").group("crew")


def _jobs(crew: ConsumerGroup) -> Picture:
    """Draw the jobs, two of them deleted, and where each one is now."""
    job_of = {entry.id.ms: entry.fields["job"] for entry in stream_of(crew).range()}
    pending = {held.id.ms: held.consumer for held in crew.pending_entries()}
    done = read_list(stream_of(crew), "night:done")
    jobs = range(1, _sizes["night"] + 1)
    return boxes(
        {
            "jobs": [n if n in job_of else Lost(n) for n in jobs],
            "pending": [(n if n in job_of else Lost(n)) if n in pending else None for n in jobs],
            "done": [n if job_of.get(n) in done else None for n in jobs],
        }
    )


@hinted(
    "`night` has no group `crew`, or `night:done` is not a list. Start again with new_night.", _jobs
)
def check_night(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 1: nothing is pending, and lou has done every job that still exists."""
    pending = crew.pending()
    names = {consumer.name for consumer in crew.consumers()}
    kims, lous = pending.consumers.get("kim", 0), pending.consumers.get("lou", 0)
    job_of = {entry.id: entry.fields["job"] for entry in stream_of(crew).range()}
    pending_jobs = {job_of.get(one.id) for one in crew.pending_entries()}
    done = read_list(stream_of(crew), "night:done")
    lost = len({*job_of.values()} - pending_jobs - set(done))
    client = stream_of(crew).client
    steps = journal.stop(client, "night")
    shortcut = journal.shortcut(steps, "night")
    size = _sizes["night"]
    rest = size - len(_DELETED)
    kims_jobs = {f"{n}-0": "kim" for n in range(1, size + 1)}
    work_of = journal.pushed("night:done", {job: str(one) for one, job in job_of.items()})
    handled = replayed(steps, crew, "lou", kims_jobs, work_of, ["night:done"], _DELETED)
    early = len(handled.early)
    names_of = {str(one): (str(one), job) for one, job in job_of.items()}
    noted = len(noted_first(steps, names_of, work_of, ("night", "night:done")))
    return grade(
        f"{rest} jobs were recovered, and the deleted ones have left the pending entries list.",
        [
            (
                len(job_of) != rest,
                f"the stream has {count_of(len(job_of), 'entry', 'entries')}. Keep all {rest}.",
            ),
            (bool(shortcut), shortcut),
            (
                "kim" not in names and lost > 0,
                "kim was deleted together with her pending entries. Claim them first.",
            ),
            ("lou" not in names, "lou has claimed nothing yet."),
            (
                bool(done) and not journal.claimed(client, "night", "lou", map(str, job_of)),
                _UNCLAIMED.format("lou"),
            ),
            (
                lost > 0,
                f"{count_of(lost, 'job is', 'jobs are')} neither pending nor in the "
                "list `night:done`. Claim a job, write it down, then acknowledge it.",
            ),
            (
                kims > 0,
                f"kim still holds {count_of(kims, 'entry', 'entries')}. Continue until the cursor "
                "is 0-0, and begin each page exactly at the cursor of the page before. An empty "
                "page is not the end.",
            ),
            (
                lous > 0,
                f"lou has claimed all, but {count_of(lous, 'is', 'are')} not acknowledged yet.",
            ),
            (
                pending.count > 0,
                f"{count_of(pending.count, 'entry is', 'entries are')} still pending.",
            ),
            (
                sorted(done) != sorted(job_of.values()),
                f"`night:done` holds {done}. It should hold each job once.",
            ),
            (bool(handled.unclaimed), _told(_NOT_HELD, handled.unclaimed, "job", "lou")),
            (
                claimed_more_than(_PAGE, steps, "night", "kim"),
                f"take pages of {_PAGE}. One large page is enough for {size} jobs, but not for a "
                "million.",
            ),
            (early > 0, _EARLY.format(count_of(early, "job was", "jobs were"), "night:done")),
            (noted > 0, NOTED.format(count_of(noted, "job was", "jobs were"), "night:done")),
            (bool(handled.dropped), _told(_DROPPED, handled.dropped, "job", "lou")),
        ],
    )


def _sacks(millers: ConsumerGroup) -> Picture:
    """Draw the three sacks: how often each was delivered, and where it is by now."""
    ids = (_POISON, _UNLUCKY, _FRESH)
    sack_of = {entry.id: entry.fields["sack"] for entry in stream_of(millers).range()}
    pending = {one.id: one.deliveries for one in millers.pending_entries()}
    flour = read_list(stream_of(millers), "mill:flour")
    dead = {one.entry_id: one.deliveries for one in DeadLetters(millers.consumer("moe")).letters()}
    counts = pending | dead
    return boxes(
        {
            "sacks": [one if one in sack_of else Lost(one) for one in ids],
            "pending": [f"{one} ×{counts[one]}" if one in pending else None for one in ids],
            "flour": [one if sack_of.get(one) in flour else None for one in ids],
            "dead letters": [f"{one} ×{counts[one]}" if one in dead else None for one in ids],
        }
    )


def new_mill(client: redis.Redis) -> ConsumerGroup:
    """Return ``millers``: ned holds three entries, delivered five times, four times and once.

    The sacks are random numbers. The entries have been idle for ten minutes.
    """
    client.delete("mill", "mill:dead", "mill:flour")
    stream = Stream(client, "mill")
    sacks = sample(range(1000, 10_000), 3)
    stream.add_many((f"{n}-0", {"sack": sack}) for n, sack in enumerate(sacks, 1))
    millers = stream.group("millers")
    millers.create("0")
    ned = millers.consumer("ned")
    ned.read()
    ned.claim([_POISON], deliveries=_LIMIT)
    ned.claim([_UNLUCKY], deliveries=4)
    journal.start(client, "mill")
    left_ten_minutes_ago(ned, [_POISON, _UNLUCKY, _FRESH])
    return Stream(bounded(client), "mill").group("millers")


@hinted(
    "`mill` has no group `millers`, or a key has another type. Start again with new_mill.",
    shows=_sacks,
)
def check_mill(millers: ConsumerGroup) -> Verdict:
    """Grade exercise 2: only the poison is a dead letter, with its error; the rest is done."""
    letters = DeadLetters(millers.consumer("moe")).letters()
    dead = {letter.entry_id for letter in letters}
    errors = {letter.error for letter in letters}
    history = {letter.deliveries for letter in letters}
    sack_of = {entry.id: entry.fields["sack"] for entry in stream_of(millers).range()}
    good = {sack for one, sack in sack_of.items() if one in (_UNLUCKY, _FRESH)}
    pending = {sack_of.get(one.id) for one in millers.pending_entries()}
    names = {consumer.name for consumer in millers.consumers()}
    flour, sacks = read_list(stream_of(millers), "mill:flour"), len(sack_of)
    lost = len(good - pending - set(flour))
    client = stream_of(millers).client
    unlucky = [str(one) for one in (_UNLUCKY, _FRESH)]
    neds = dict.fromkeys([str(_POISON), *unlucky], "ned")
    ground = journal.pushed("mill:flour", {sack: str(one) for one, sack in sack_of.items()})

    def work_of(command: Command) -> Iterable[str]:
        added = [word.upper() for word in command[:1]] == ["XADD"] and command[1] == "mill:dead"
        return [one for one in neds if one in command] if added else ground(command)

    steps, results = journal.stop(client, "mill"), ["mill:flour", "mill:dead"]
    handled = replayed(steps, millers, "moe", neds, work_of, results)
    unclaimed, dropped = (ids - {str(_POISON)} for ids in (handled.unclaimed, handled.dropped))
    early = len(handled.early - {str(_POISON)})
    names_of = {str(one): (str(one), sack) for one, sack in sack_of.items() if sack in good}
    noted = len(noted_first(steps, names_of, work_of, ("mill", *results)))
    return grade(
        "the poison entry is a dead letter with its history, and the others are done.",
        [
            (sacks != 3, f"the stream has {count_of(sacks, 'entry', 'entries')}. Keep all three."),
            (
                bool(dead & {_UNLUCKY, _FRESH}),
                f"the dead letters hold {' and '.join(map(str, sorted(dead)))}, but only one "
                "is poison. Which number spares a sack that was delivered four times? (A claim "
                "counts as one, so sweep first.)",
            ),
            (
                sack_of.get(_POISON) in flour,
                "the poison was ground. The sack `1-0` is in the list `mill:flour`.",
            ),
            (not dead, _NO_LETTER[bool(Stream(client, "mill:dead").range())]),
            (len(letters) > 1, "the poison is a dead letter more than once."),
            (
                errors != {"too hot"},
                f"the dead letter must say what went wrong, `too hot`, but its error is "
                f"{min(errors, default='')!r}. Give `sweep` the error of each ID.",
            ),
            (
                any(letter.fields.get("sack") != sack_of[_POISON] for letter in letters),
                "the dead letter doesn't hold the poison's own field, `sack`.",
            ),
            (
                history != {_LIMIT},
                f"the dead letter says {min(history, default=0)} deliveries, but ned received the "
                f"sack {_LIMIT} times. Your own claim counts, so sweep first.",
            ),
            (
                "ned" not in names and lost > 0,
                "ned was deleted together with his pending entries. Claim them first.",
            ),
            (
                lost > 0,
                f"{count_of(lost, 'sack is', 'sacks are')} neither pending nor in the "
                "list `mill:flour`. Claim a sack, grind it, then acknowledge it.",
            ),
            (
                bool(pending),
                f"{count_of(len(pending), 'entry is', 'entries are')} still pending. "
                "Claim, grind, and acknowledge.",
            ),
            (bool(unclaimed), _told(_NOT_HELD, unclaimed, "sack", "moe")),
            (not journal.claimed(client, "mill", "moe", unlucky), _UNCLAIMED.format("moe")),
            (
                sorted(flour) != sorted(good),
                f"`mill:flour` holds {flour}. It should hold each good sack once.",
            ),
            (early > 0, _EARLY.format(count_of(early, "sack was", "sacks were"), "mill:flour")),
            (noted > 0, NOTED.format(count_of(noted, "sack was", "sacks were"), "mill:flour")),
            (
                str(_POISON) in handled.early,
                "the poison was given up before it was a dead letter. A crash between the two "
                "would lose it.",
            ),
            (bool(dropped), _told(_DROPPED, dropped, "sack", "moe")),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    journal.close("night")
    journal.close("mill")
    client.delete("night", "night:done", "mill", "mill:dead", "mill:flour")


def _told(hint: str, ids: set[str], noun: str, consumer: str) -> str:
    were = count_of(len(ids), f"{noun} was", f"{noun}s were")
    return hint.format(were, consumer, "it" if len(ids) == 1 else "them")
