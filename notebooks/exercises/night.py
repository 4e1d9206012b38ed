"""Exercise 1 of notebook 05: recover everything, even if the process dies between two commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from random import sample

import redis

from exercises import journal
from exercises.boxes import Lost, boxes
from exercises.claims import claimed_more_than, left_ten_minutes_ago, replayed
from exercises.consumer_groups import read_list
from exercises.hints import hinted, misfit
from exercises.picture import Picture
from exercises.restarts import LOCKED, Process, remembers, told
from exercises.verdict import Verdict, count_of, grade, stream_of
from streamviz.client import ConsumerGroup, EntryId, PendingSummary, Stream

NOT_HELD = (
    "{} done or given up while {} didn't hold {}, so two consumers could do the work. Claim first."
)
DROPPED = "{} never acknowledged. {} was deleted while it held {}."
UNCLAIMED = "{} claimed nothing, so another consumer could do the same work. Claim first."
EARLY = "{} acknowledged before the work was in `{}`. A crash between the two would lose it."
_PREFIX = "night:"
_PAGE = 2
_FEWEST = 7
_SIZES = cycle((_FEWEST, 11, 15, 19))  # another number each time: a fixed number of pages fails
_DELETED = ("3-0", "4-0")
_END = "Does each page begin at the cursor of the page before, up to EntryId.ZERO (an EntryId)?"


@dataclass(frozen=True, slots=True)
class _Night:
    """The group ``crew``, and the jobs that it was given at first, by the entry's ID."""

    crew: ConsumerGroup
    jobs: dict[str, str]

    @property
    def left(self) -> dict[str, str]:
        """The jobs that were not deleted from the stream."""
        return {one: job for one, job in self.jobs.items() if one not in _DELETED}

    @property
    def done(self) -> list[str]:
        """What the list of done jobs holds."""
        return read_list(stream_of(self.crew), "night:done")


def check_night(client: redis.Redis, recover: Callable[[redis.Redis], object]) -> Verdict:
    """Grade exercise 1: run your function, kill it, and see in Redis what became of each job.

    Each run begins with new keys: kim has held some jobs for ten minutes, and two of them were
    deleted. The jobs are random numbers, and each check has another number of them.

    First, nothing happens. Then the process dies before its first command, before its second, and
    so on. Each time, it is started again ten minutes later.

    Parameters
    ----------
    client : redis.Redis
        The server.
    recover : callable
        Called with a client.
    """
    if hint := misfit(recover, "client"):
        return Verdict(False, hint)
    process = Process(client, recover, key="night", prefix=_PREFIX, end=_END)
    return process.graded(
        lambda: _new_night(process, next(_SIZES)),
        _grade_night,
        lambda: _new_night(process, _FEWEST),
        _grade_restart,
    )


def _new_night(process: Process, size: int) -> _Night:
    """Let kim hold some jobs for ten minutes, of which the third and fourth were deleted."""
    process.clear()
    stream = Stream(process.client, "night")
    jobs = {f"{n}-0": str(job) for n, job in enumerate(sample(range(1000, 10_000), size), 1)}
    stream.add_many((one, {"job": job}) for one, job in jobs.items())
    crew = stream.group("crew")
    crew.create("0")
    kim = crew.consumer("kim")
    held = kim.read()
    journal.start(process.client, "night")
    left_ten_minutes_ago(kim, [entry.id for entry in held])
    stream.delete(*_DELETED)
    return _Night(crew, jobs)


def _jobs(night: _Night, *_: object) -> Picture:
    """Draw the jobs, two of them deleted, and where each one is now."""
    job_of = {entry.id.ms: entry.fields["job"] for entry in stream_of(night.crew).range()}
    pending = {held.id.ms for held in night.crew.pending_entries()}
    jobs = range(1, len(night.jobs) + 1)
    return boxes(
        {
            "jobs": [n if n in job_of else Lost(n) for n in jobs],
            "pending": [(n if n in job_of else Lost(n)) if n in pending else None for n in jobs],
            "done": [n if job_of.get(n) in night.done else None for n in jobs],
        }
    )


_GONE = "`night` has no group `crew`, or `night:done` is not a list."


@hinted(_GONE, _jobs)
def _grade_restart(night: _Night, process: Process, commands: int) -> Verdict:
    """Grade a run after a death: every job that still exists is done, and none is pending."""
    done, left = set(night.done), night.left
    pending = {str(one.id): one.consumer for one in night.crew.pending_entries()}
    lost = [one for one, job in left.items() if job not in done and one not in pending]
    others = process.others("night", "night:done")
    then, again, holder = told(commands), remembers(_PREFIX), next(iter(pending.values()), "")
    job = f"job {left[lost[0]]}, the entry `{lost[0]}`," if lost else ""
    gone = f"{then} Then {job} was neither pending nor in `night:done`."
    return grade(
        "",
        [
            (bool(lost) and commands == 0, f"{gone} {again}"),
            (
                bool(lost) and others,
                f"{gone} Did you note it before its work was done? A crash between the two leaves "
                "the note without the work. Write both in one transaction.",
            ),
            (
                bool(lost),
                f"{gone} A job that was claimed before need not be done. Acknowledge it only after "
                "its work.",
            ),
            (
                bool(pending) and commands == 0,
                f"{then} Then {count_of(len(pending), 'entry was', 'entries were')} still "
                f"pending. {again}",
            ),
            (
                bool(pending),
                f"{then} Then {count_of(len(pending), 'entry was', 'entries were')} still "
                f"pending, the first for {holder}. A process that starts again takes over what "
                f"lou held before, too.{LOCKED * others}",
            ),
        ],
    )


@hinted(_GONE, _jobs)
def _grade_night(night: _Night) -> Verdict:
    """Grade a run: nothing is pending, and lou has done every job that still exists."""
    crew, done, size = night.crew, night.done, len(night.jobs)
    pending = crew.pending()
    names = {consumer.name for consumer in crew.consumers()}
    kims = pending.consumers.get("kim", 0)
    job_of = {entry.id: entry.fields["job"] for entry in stream_of(crew).range()}
    pending_jobs = {job_of.get(one.id) for one in crew.pending_entries()}
    lost = len({*job_of.values()} - pending_jobs - set(done))
    client = stream_of(crew).client
    steps = journal.stop(client, "night")
    shortcut = journal.shortcut(steps, "night")
    rest = len(night.left)
    return grade(
        f"{rest} jobs were recovered, and the deleted ones have left the pending entries list. "
        "None was lost, wherever the process died.",
        [
            (
                len(job_of) != rest,
                f"the stream has {count_of(len(job_of), 'entry', 'entries')}. Keep all {rest}.",
            ),
            (bool(shortcut), shortcut),
            (
                "kim" not in names and lost > 0,
                "kim was deleted together with its pending entries. Claim them first.",
            ),
            (
                "lou" not in names or kims == size,
                "lou has claimed nothing yet. A read returns only new entries, or lou's own.",
            ),
            (
                bool(done) and not journal.claimed(client, "night", "lou", map(str, job_of)),
                UNCLAIMED.format("lou"),
            ),
            (
                lost > 0,
                f"{count_of(lost, 'job is', 'jobs are')} neither pending nor in the "
                "list `night:done`. Claim a job, write it down, then acknowledge it.",
            ),
            *_pending_hints(pending),
            (
                sorted(done) != sorted(job_of.values()),
                f"`night:done` holds {done}. It should hold each job once.",
            ),
            *_work_hints(night, job_of, steps),
        ],
    )


def _pending_hints(pending: PendingSummary) -> list[tuple[bool, str]]:
    """Return the hints for entries that are still pending, by who holds them."""
    kims, lous = pending.consumers.get("kim", 0), pending.consumers.get("lou", 0)
    return [
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
    ]


def _work_hints(
    night: _Night, job_of: dict[EntryId, str], steps: list[journal.Step] | None
) -> list[tuple[bool, str]]:
    """Return the hints for jobs that lou claimed, did and acknowledged in a wrong way."""
    kims_jobs = dict.fromkeys(night.jobs, "kim")
    work_of = journal.pushed("night:done", {job: str(one) for one, job in job_of.items()})
    handled = replayed(steps, night.crew, "lou", kims_jobs, work_of, ["night:done"], _DELETED)
    early = len(handled.early)
    return [
        (bool(handled.unclaimed), told_of(NOT_HELD, handled.unclaimed, "job", "lou")),
        (
            claimed_more_than(_PAGE, steps, "night", "kim"),
            f"take pages of {_PAGE}. One large page is enough for {len(night.jobs)} jobs, but not "
            "for a million.",
        ),
        (early > 0, EARLY.format(count_of(early, "job was", "jobs were"), "night:done")),
        (bool(handled.dropped), told_of(DROPPED, handled.dropped, "job", "lou")),
    ]


def told_of(hint: str, ids: set[str], noun: str, consumer: str) -> str:
    """Fill in how many entries were handled badly, and by which consumer."""
    were = count_of(len(ids), f"{noun} was", f"{noun}s were")
    return hint.format(were, consumer, "it" if len(ids) == 1 else "them")
