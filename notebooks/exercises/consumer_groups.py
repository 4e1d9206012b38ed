"""The exercises of notebook 04: a group that starts now, and a dead consumer's pending entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from random import choices, randint, sample

import redis

from exercises import journal, meanwhile, picture
from exercises.bounded import bounded
from exercises.boxes import boxes
from exercises.claims import left_ten_minutes_ago, replayed
from exercises.hints import hinted
from exercises.notes import NOTED, noted_first
from exercises.verdict import Verdict, count_of, find_group, grade, stream_of
from streamviz.client import ConsumerGroup, Entry, EntryId, Stream

_CLAIM = "Claim first, then work, then acknowledge."
_MORE = "A call such as `pending_entries` returns at most a hundred. Repeat it until none is left."
_ALIKE = "Two tasks may have the same number, so go by the IDs."
_TASKS, _BEFORE_MAX, _PER_MS = 106, 60, 4
_IDS = [f"{1 + n // _PER_MS}-{n % _PER_MS}" for n in range(_TASKS)]
_MAXS = {_IDS[_BEFORE_MAX]: "max"}
_ZOES = {one: "zoe" for one in _IDS if one not in _MAXS}
_COLOURS = {"bill": 0, "ship": 1}  # as in the flow
_ledgers: dict[str, list[Entry]] = {}
_added_meanwhile: dict[str, set[EntryId]] = {}


def pending_list(group: ConsumerGroup) -> picture.Picture:
    """Draw a group's list of pending entries: a column for each, in the group's colour."""
    held = group.pending_entries()
    rows: dict[str, list[object]] = {
        "entry": [one.id for one in held],
        "held by": [one.consumer for one in held],
        "deliveries": [one.deliveries for one in held],
    }
    return boxes(rows, colours=[_COLOURS.get(group.name, 0)] * 3)


def new_ledger(client: redis.Redis) -> Stream:
    """Return ``ledger`` without groups: at least thirty entries were added, and some deleted.

    Neither the IDs nor the fields tell how many. After each of your questions, and after each
    entry that you add, another client adds one more.
    """
    meanwhile.stop("ledger")
    client.delete("ledger")
    ledger = Stream(client, "ledger")
    times = sorted(choices(range(1, 10), k=randint(30, 99)))
    ledger.add_many((f"{ms}-*", {"entry": randint(1, 9)}) for ms in times)
    ledger.delete(*(entry.id for entry in ledger.range()[1 : randint(5, 24)]))
    _ledgers["ledger"] = ledger.range()
    added = _added_meanwhile["ledger"] = set()

    def add_one() -> None:
        added.add(ledger.add({"entry": randint(1, 9)}))

    journal.start(client, "ledger")
    meanwhile.start("ledger", add_one, client, questions=(*meanwhile.CALLED, "XADD"))
    return ledger


@hinted("`ledger` is not a stream. Start again with new_ledger.")
def check_audit(ledger: Stream) -> Verdict:
    """Grade exercise 1: the new entries are waiting for the group ``audit``, and Redis knows it."""
    meanwhile.stop("ledger")
    steps, group = journal.stop(ledger.client, "ledger"), find_group(ledger, "audit")
    if group is None:
        return Verdict(False, "there is no group `audit` on the stream `ledger`.")
    old, entries = _ledgers["ledger"], ledger.range()
    others = _added_meanwhile["ledger"]
    new = len(entries) - len(old)
    own = [one.id for one in entries[len(old) :] if one.id not in others]
    before_it = sum(one <= group.last_delivered_id for one in own)
    waiting = len(ledger.range(f"({group.last_delivered_id}"))
    added = ledger.info().entries_added or 0
    yours = " Two are yours, and another client added the rest." if waiting > 2 else ""
    return grade(
        f"{waiting} entries are waiting for audit, and Redis reports a lag of {group.lag}.{yours}",
        [
            (
                entries[: len(old)] != old,
                "old entries of the ledger are gone. Leave them there, and start again with "
                "new_ledger.",
            ),
            (
                new - len(others) != 2,
                f"you added {count_of(new - len(others), 'entry', 'entries')}. Add exactly two.",
            ),
            (
                group.consumers > 0 if steps is None else _has_read(steps),
                "audit has read entries already. Create the group, add two entries, and leave "
                "the reading to others. Start again with new_ledger.",
            ),
            (
                not 2 <= waiting <= new,
                f"the group would get {count_of(waiting, 'entry', 'entries')}, but "
                f"{new} are new. Its cursor is not at the end of the old ones.",
            ),
            (
                before_it > 0,
                f"the group would not get {before_it} of your two entries. Create it first, and "
                "then add them.",
            ),
            *_lag_hints(group.lag, waiting, _entries_read(steps), added - waiting, added - new),
        ],
    )


def _lag_hints(
    lag: int | None, waiting: int, told: int, before: int, least: int
) -> list[tuple[bool, str]]:
    """Return the hints for a lag that is unknown, or wrong because of what ENTRIESREAD told.

    It should be `before`; `least` is how many entries were added before the exercise.
    """
    return [
        (
            lag is None,
            "Redis reports a lag of nil. It can't know how many entries were ever added up to "
            "the group's cursor.",
        ),
        (
            least <= told < before,
            f"ENTRIESREAD says that {told} entries were added up to the cursor, but {before} "
            "were. Another client adds one after each question, so take the cursor and the "
            "number from one reply.",
        ),
        (
            told > before,
            f"ENTRIESREAD says that {told} entries were added before, but {before} were. Some "
            "servers put it right, others report a wrong lag. Another client adds entries, "
            "too, so take the cursor and the number from one reply.",
        ),
        (
            lag != waiting,
            f"Redis reports a lag of {lag}, but {waiting} entries are waiting. How "
            "many were ever added before them?",
        ),
    ]


def _has_read(steps: list[journal.Step]) -> bool:
    """Tell whether the group ``audit`` has read the ledger since it was created."""
    read = False
    for words in (command for step in steps for command in step if "ledger" in command):
        name = " ".join(words[:2]).upper()
        if name in ("XGROUP CREATE", "XGROUP DESTROY") and words[3] == "audit":
            read = False
        read |= name == "XREADGROUP GROUP" and words[2] == "audit"
    return read


def _entries_read(steps: list[journal.Step] | None) -> int:
    """Return the number that was passed as ENTRIESREAD last; 0 if it is not known."""
    told = 0
    for step in steps or ():
        for command in step:
            words = [word.upper() for word in command]
            if words[0] == "XGROUP" and "ENTRIESREAD" in words:
                told = int(words[words.index("ENTRIESREAD") + 1])
    return told


def new_crew(client: redis.Redis) -> ConsumerGroup:
    """Return ``crew`` on ``chores``: zoe holds more than a page, max one entry, none is waiting.

    The tasks are random numbers. The last but one is like the first two, so that only their IDs
    tell them apart. Those of zoe have been idle for ten minutes. They are neither the first nor
    the last, so a claim must ask for zoe's, or for all.
    """
    client.delete("chores", "crew:done")
    stream = Stream(client, "chores")
    tasks = sample(range(900, 1200), _TASKS)
    tasks[1] = tasks[-2] = tasks[0]
    stream.add_many((one, {"task": task}) for one, task in zip(_IDS, tasks, strict=True))
    crew = stream.group("crew")
    crew.create("0")
    zoe = crew.consumer("zoe")
    held = zoe.read(count=_BEFORE_MAX)
    crew.consumer("max").read(count=1)
    held += zoe.read(count=_TASKS)
    journal.start(client, "chores")
    left_ten_minutes_ago(zoe, [entry.id for entry in held])
    own = bounded(client)
    picture.start(own, "chores")
    return Stream(own, "chores").group("crew")


@hinted(
    "the group `crew` is missing, or `crew:done` is not a list. Start again with new_crew.",
    "chores",
)
def check_tasks(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 2: zoe is deleted, and its tasks are done and acknowledged."""
    names = {consumer.name for consumer in crew.consumers()}
    task_of = {str(entry.id): entry.fields["task"] for entry in stream_of(crew).range()}
    holder_of = {str(one.id): one.consumer for one in crew.pending_entries(count=10 * _TASKS)}
    done = read_list(stream_of(crew), "crew:done")
    all_tasks = Counter(task_of.values())
    steps = journal.stop(stream_of(crew).client, "chores")
    shortcut = journal.shortcut(steps, "chores")
    gone = len({*_IDS} - task_of.keys())
    return grade(
        "zoe is deleted, and none of its tasks was lost.",
        [
            (
                len(task_of) > _TASKS,
                f"the stream has {len(task_of)} entries. Add none. A claim moves a task to max, "
                "and a new entry would be another task.",
            ),
            (gone > 0, f"the stream lacks {gone} of its {_TASKS} entries. Keep them all."),
            (bool(shortcut), shortcut),
            ("max" not in names, "max is no longer a consumer of the group."),
            *_zoes_hints(task_of, holder_of, Counter(done), there="zoe" in names),
            (
                bool(_tasks(task_of, _MAXS.keys() - holder_of) - Counter(done)),
                "max's own task is neither pending nor in the list `crew:done`.",
            ),
            (
                bool(_tasks(task_of, _MAXS.keys() & holder_of) & Counter(done)),
                "max's own task is in `crew:done`, but not acknowledged, so it will be done again. "
                "A range of the stream also holds what others hold.",
            ),
            *_work_hints(crew, task_of, steps),
            (
                not set(done) <= set(all_tasks),
                f"`crew:done` holds {min(set(done) - set(all_tasks), default='')}. It should hold "
                "only tasks.",
            ),
            (
                bool(Counter(done) - all_tasks),
                f"{min(Counter(done) - all_tasks, default='')} is in `crew:done` too often. A task "
                "was done twice.",
            ),
        ],
    )


def _zoes_hints(
    task_of: Mapping[str, str],
    holder_of: Mapping[str, str | None],
    done: Counter[str],
    *,
    there: bool,
) -> list[tuple[bool, str]]:
    """Return the hints for tasks of zoe that are lost or still pending, and for zoe itself."""
    held = sum(holder == "zoe" for holder in holder_of.values())
    left = _tasks(task_of, holder_of.keys() & _ZOES.keys())
    undone = _tasks(task_of, _ZOES.keys() - holder_of) - done
    lost, all_tasks = undone.total(), Counter(task_of.values())
    tasks = count_of(lost, "of zoe's tasks is", "of zoe's tasks are")
    still = count_of(left.total(), "of zoe's tasks is", "of zoe's tasks are")
    missing = f"{tasks} neither pending nor in the list `crew:done`."
    alike = all(all_tasks[task] > 1 for task in undone | left)
    more = (_ALIKE if alike else _MORE) if 0 < (undone | left).total() < len(_ZOES) else ""
    return [
        (lost > 0 and not there, f"zoe is deleted, but {missing} {more}".rstrip()),
        (lost > 0, f"{missing} {more or 'An acknowledgement alone does no work.'}"),
        (held > 0, f"zoe still holds {count_of(held, 'entry', 'entries')}. {more}".rstrip()),
        (there, "zoe is still a consumer of the group."),
        (bool(left), f"{still} pending. {more}".rstrip()),
    ]


def _work_hints(
    crew: ConsumerGroup, task_of: Mapping[str, str], steps: list[journal.Step] | None
) -> list[tuple[bool, str]]:
    """Return the hints for tasks that were claimed, done and acknowledged in a wrong order."""
    ids_of: dict[str, list[str]] = {}
    for one, task in task_of.items():
        ids_of.setdefault(task, []).append(one)
    work_of = journal.pushed("crew:done", ids_of, steps)
    handled = replayed(steps, crew, "max", _ZOES | _MAXS, work_of, ["crew:done"], young=_MAXS)
    unclaimed, early = len(handled.unclaimed & _ZOES.keys()), len(handled.early)
    words_of = {  # a number that several tasks have names none of them
        one: (one, task) if len(ids_of[task]) == 1 else (one,) for one, task in task_of.items()
    }
    noted = len(noted_first(steps, words_of, work_of, ("chores", "crew:done")))
    dropped = len(handled.dropped)
    loose = count_of(unclaimed, "of zoe's tasks was", "of zoe's tasks were")
    return [
        (
            early > 0,
            f"{count_of(early, 'task was', 'tasks were')} given up before the work was in "
            "`crew:done`. A crash between the two would lose it.",
        ),
        (noted > 0, NOTED.format(count_of(noted, "task was", "tasks were"), "crew:done")),
        (
            unclaimed > 0,
            f"{loose} done or given up while "
            f"max didn't hold {'it' if unclaimed == 1 else 'them'}, so another consumer "
            f"could do the work, too. {_CLAIM}",
        ),
        (
            dropped > 0,
            f"{count_of(dropped, 'task was', 'tasks were')} never acknowledged. max was "
            f"deleted while it held {'it' if dropped == 1 else 'them'}.",
        ),
    ]


def _tasks(task_of: Mapping[str, str], ids: Collection[str]) -> Counter[str]:
    """Return how often each number occurs among the tasks of these entries."""
    return Counter(task for one, task in task_of.items() if one in ids)


def read_list(stream: Stream, key: str) -> list[str]:
    """Return a Redis list as text (LRANGE); empty if the key does not exist."""
    reply = stream.client.lrange(key, 0, -1)
    return [item.decode() if isinstance(item, bytes) else str(item) for item in reply]
