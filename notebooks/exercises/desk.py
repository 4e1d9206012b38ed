"""Exercise 1 of notebook 11: a service that starts again, wherever it died before."""

from __future__ import annotations

from collections.abc import Callable
from random import randrange

import redis

from exercises import journal, picture
from exercises.echo import ASKED, SAID, answers_of, new_group, pending_of
from exercises.hints import hinted, misfit
from exercises.restarts import LOCKED, Process, remembers, told
from exercises.verdict import Verdict, count_of, grade
from streamviz.client import ConsumerGroup, Entry, EntryId, Stream

_PREFIX = "style:"
_REQUESTS = 5
_REPLACING = ("DEL", "UNLINK", "RENAME", "RENAMENX", "RESTORE", "MOVE")
_END = "Read without BLOCK, and end when nothing is left."
_DELETED = "an answer was deleted or replaced. Others may have read it by then."
_GONE = "the group `judge` or a stream is missing. Leave the keys as they are."


def check_desk(client: redis.Redis, answer_all: Callable[[redis.Redis], object]) -> Verdict:
    """Grade exercise 1: run your function, kill it, and see in Redis what became of each request.

    Each run begins with new keys: the judge died while it held two of five requests, of which the
    first had been answered. The requests are random numbers, which rise.

    First, nothing happens. Then the process dies before its first command, before its second, and
    so on. Each time, it is started again ten minutes later.

    Parameters
    ----------
    client : redis.Redis
        The server.
    answer_all : callable
        Called with a client.
    """
    if hint := misfit(answer_all, "client"):
        return Verdict(False, hint)
    process = Process(client, answer_all, key=ASKED, prefix=_PREFIX, end=_END)

    def new() -> ConsumerGroup:
        return _new_desk(process)

    return process.graded(new, _grade_desk, new, _grade_restart)


def _new_desk(process: Process) -> ConsumerGroup:
    """Return ``judge``: it died holding two of five requests, and the first is answered."""
    process.clear()
    first = randrange(1000, 9000)
    group = new_group(process.client, [str(first + n) for n in range(_REQUESTS)])
    group.consumer("judge").read(3)
    process.client.xadd(SAID, {"reply_to": first})
    picture.start(process.client, ASKED)  # it sees the acknowledgement, and the journal does not
    group.ack("1-0")
    process.let_ten_minutes_pass()
    journal.start(process.client, ASKED)
    return group


@hinted(_GONE, shows=ASKED)
def _grade_desk(group: ConsumerGroup) -> Verdict:
    """Grade a run: all four requests are answered in order, and none is pending."""
    client = group.connection.client
    answers, pending = answers_of(client), pending_of(client)
    id_of = {entry.fields["request"]: str(entry.id) for entry in Stream(client, ASKED).range()}
    steps = journal.stop(client, ASKED)

    def answered(command: journal.Command) -> list[str]:
        is_answer = command[0].upper() == "XADD" and command[1] == SAID
        return [id_of[word] for word in command[2:] if is_answer and word in id_of]

    early = set(journal.lost_by_a_crash(steps, ASKED, answered)) & set(id_of.values())
    held = dict.fromkeys(["2-0", "3-0"], "judge")
    dropped = len(journal.dropped(steps, ASKED, held, ["4-0", "5-0"], answered))
    cursor = group.info().last_delivered_id
    unread = sum(EntryId.parse(one) > cursor for one in id_of.values())
    shortcut = journal.shortcut(steps, ASKED)
    return grade(
        "the pending requests came first, so the order is kept. None was lost, wherever the "
        "process died.",
        [
            (
                len(id_of) < _REQUESTS,
                f"{count_of(_REQUESTS - len(id_of), 'request is', 'requests are')} gone from the "
                "stream. XACK tells the group that one is handled, and leaves it for other groups.",
            ),
            ("" in answers, "an answer has no field `reply_to`."),
            (bool(shortcut), shortcut),
            (_deleted_answers(client, len(answers), steps), _DELETED),
            (
                dropped > 0,
                "XGROUP DELCONSUMER drops what the consumer holds. A crash after it would lose "
                f"{count_of(dropped, 'request')}.",
            ),
            *_answer_hints(answers, list(id_of)),
            (
                unread > 0,
                f"{count_of(unread, 'request was', 'requests were')} never delivered to the group "
                "judge, so its next read returns them, to be answered again. Read with this group.",
            ),
            (
                pending > 0,
                f"{count_of(pending, 'is', 'are')} still pending. Acknowledge what is answered.",
            ),
            (
                bool(early),
                f"{count_of(len(early), 'was', 'were')} acknowledged before the answer. A crash "
                "between the two would lose a request.",
            ),
        ],
    )


def _answer_hints(answers: list[str], requests: list[str]) -> list[tuple[bool, str]]:
    """Return the hints for requests that are not answered, once each and in their order."""
    return [
        (
            len(answers) < _REQUESTS,
            f"{len(answers) - 1} of 4 are answered. Where are the others?",
        ),
        (
            answers.count(next(iter(requests), "")) > 1,
            "the first request had been answered before. Only pending and new ones are yours.",
        ),
        (len(set(answers)) < len(answers), "a request was answered twice."),
        (
            set(answers) != set(requests),
            f"the answers are to {', '.join(answers)}. The requests are {', '.join(requests)}.",
        ),
        (
            answers != requests,
            f"the answers are in the order {', '.join(answers)}, not in that of the requests.",
        ),
    ]


@hinted(_GONE, shows=ASKED)
def _grade_restart(group: ConsumerGroup, process: Process, commands: int) -> Verdict:
    """Grade a run after a death: each request is answered, in order, and none is pending."""
    client = group.connection.client
    answers, cursor = answers_of(client), group.info().last_delivered_id
    pending = {one.id: one.consumer for one in group.pending_entries()}
    requests = Stream(client, ASKED).range()
    open_ones = [one for one in requests if one.fields["request"] not in answers]
    gone = [one for one in open_ones if one.id <= cursor and one.id not in pending]
    first_answers = [one for one in dict.fromkeys(answers) if one]
    then, others = told(commands), process.others(ASKED, SAID)
    holder = next(iter(pending.values()), "")
    return grade(
        "",
        [
            (
                len(requests) < _REQUESTS,
                f"{then} Then {count_of(_REQUESTS - len(requests), 'request was', 'requests were')}"
                " gone from the stream.",
            ),
            *_lost_hints(gone, commands, others=others),
            (
                bool(open_ones or pending) and commands == 0,
                f"{then} Then {count_of(len(open_ones), 'request was', 'requests were')} not "
                f"answered, and {len(pending)} still pending. {remembers(_PREFIX)}",
            ),
            (
                bool(pending),
                f"{then} Then {count_of(len(pending), 'request was', 'requests were')} still "
                f"pending, the first for {holder}. A process that starts again begins with all "
                f"that is pending.{LOCKED * others}",
            ),
            (
                bool(open_ones),
                f"{then} Then {count_of(len(open_ones), 'request was', 'requests were')} still "
                "waiting. A process that starts again reads the new ones, too.",
            ),
            (_deleted_answers(client, len(answers), None), f"{then} Then {_DELETED}"),
            (
                first_answers != [one.fields["request"] for one in requests],
                f"{then} The first answers to each request are in the order "
                f"{', '.join(first_answers)}, not in that of the requests. Answer all that is "
                "pending before what is new.",
            ),
        ],
    )


def _lost_hints(gone: list[Entry], commands: int, *, others: bool) -> list[tuple[bool, str]]:
    """Return the hints for requests that are neither pending nor answered after a death."""
    request = gone[0].fields["request"] if gone else ""
    lost = f"{told(commands)} Then request {request} was neither pending nor answered."
    return [
        (bool(gone) and commands == 0, f"{lost} {remembers(_PREFIX)}"),
        (
            bool(gone) and others,
            f"{lost} Did you note it before it was answered? A crash between the two leaves "
            "the note without the answer. Write both in one transaction.",
        ),
        (
            bool(gone),
            f"{lost} A request that was delivered before need not be answered. Acknowledge it "
            "only after its answer.",
        ),
    ]


def _deleted_answers(client: redis.Redis, there: int, steps: list[journal.Step] | None) -> bool:
    """Tell whether answers were deleted, one by one or as a whole stream that was added again."""
    if Stream(client, SAID).info().entries_added not in (None, there):  # None before Redis 7.0
        return True
    commands = [command for step in steps or () for command in step]
    return any(one[0].upper() in _REPLACING and SAID in one for one in commands)
