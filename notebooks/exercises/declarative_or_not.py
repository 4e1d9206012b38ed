"""Notebook 11: exercises on a library's gaps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import randrange
from typing import Any

import redis

from exercises import journal, picture
from exercises.bounded import bounded
from exercises.echo import (
    ASKED,
    CALLS,
    NOTED,
    SAID,
    answers_of,
    check_echo,
    clean_up,
    new_group,
    pending_of,
    serve,
)
from exercises.hints import hinted
from exercises.notes import noted_first
from exercises.verdict import Verdict, count_of, grade
from go_game.variants.benchmark import Measurement
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream

_MOST_COMMANDS = 300
_REPLACING = ("DEL", "UNLINK", "RENAME", "RENAMENX", "RESTORE", "MOVE")

__all__ = [
    "ASKED",
    "CALLS",
    "NOTED",
    "SAID",
    "calls_of",
    "check_desk",
    "check_echo",
    "clean_up",
    "new_desk",
    "ratio",
    "serve",
]


def ratio(measurements: list[Measurement], figure: str, of: str, to: str) -> float:
    """Return a figure of one style divided by the same figure of another."""
    by_style = {one.style: getattr(one, figure) for one in measurements}
    return float(by_style[of] / by_style[to])


def calls_of(work: Callable[[], object]) -> int:
    """Return the number of Python function calls that some work makes, after a warm-up."""
    work()
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def new_desk(client: redis.Redis) -> ConsumerGroup:
    """Return ``judge`` on ``style:asked``: it died holding two of five requests; one is answered.

    The requests have random numbers, which rise. Its client raises after 300 commands.
    """
    clean_up(client)
    first = randrange(1000, 9000)
    group = new_group(client, [str(first + n) for n in range(5)])
    group.consumer("judge").read(3)
    client.xadd(SAID, {"reply_to": first})
    picture.start(client, ASKED)  # it sees the acknowledgement, and the journal does not
    group.ack("1-0")
    journal.start(client, ASKED)
    own = bounded(client, _MOST_COMMANDS, "read without BLOCK, and end when nothing is left")
    return Stream(own, ASKED).group("judge")


@hinted("the group `judge` or a stream is missing: start again with new_desk.", shows=ASKED)
def check_desk(client: redis.Redis) -> Verdict:
    """Grade exercise 1: all four requests are answered in order, and none is pending."""
    answers, pending = answers_of(client), pending_of(client)
    id_of = {entry.fields["request"]: str(entry.id) for entry in Stream(client, ASKED).range()}
    steps = journal.stop(client, ASKED)

    def answered(command: journal.Command) -> list[str]:
        is_answer = command[0].upper() == "XADD" and command[1] == SAID
        return [id_of[word] for word in command[2:] if is_answer and word in id_of]

    early = set(journal.lost_by_a_crash(steps, ASKED, answered)) & set(id_of.values())
    words_of = {one: (one, request) for request, one in id_of.items() if one != "1-0"}
    noted = len(noted_first(steps, words_of, answered, (ASKED, SAID)))
    held = dict.fromkeys(["2-0", "3-0"], "judge")
    dropped = len(journal.dropped(steps, ASKED, held, ["4-0", "5-0"], answered))
    cursor = Stream(client, ASKED).group("judge").info().last_delivered_id
    unread = sum(EntryId.parse(one) > cursor for one in id_of.values())
    shortcut = journal.shortcut(steps, ASKED)
    return grade(
        "the pending requests came first, so the order is kept.",
        [
            (
                len(id_of) < 5,
                f"{count_of(5 - len(id_of), 'request is', 'requests are')} gone from the stream: "
                "XACK tells the group that one is handled, and leaves it for other groups.",
            ),
            ("" in answers, "an answer has no field `reply_to`."),
            (bool(shortcut), shortcut),
            (
                _deleted_answers(client, len(answers), steps),
                "an answer was deleted or replaced. Others may have read it by then. Start again "
                "with new_desk.",
            ),
            (
                dropped > 0,
                "XGROUP DELCONSUMER drops what the consumer holds. A crash after it would lose "
                f"{count_of(dropped, 'request')}. Start again with new_desk.",
            ),
            (len(answers) < 5, f"{len(answers) - 1} of 4 are answered: where are the others?"),
            (
                answers.count(next(iter(id_of), "")) > 1,
                "the first request had been answered before: only pending and new ones are yours. "
                "Start again with new_desk.",
            ),
            (
                len(set(answers)) < len(answers),
                "a request was answered twice: start again with new_desk.",
            ),
            (
                set(answers) != set(id_of),
                f"the answers are to {', '.join(answers)}; the requests are {', '.join(id_of)}.",
            ),
            (
                answers != list(id_of),
                f"the answers are in the order {', '.join(answers)}, not in that of the requests.",
            ),
            (
                unread > 0,
                f"{count_of(unread, 'request was', 'requests were')} never delivered to the group "
                "judge, so its next read returns them, to be answered again. Read with this group.",
            ),
            (
                pending > 0,
                f"{count_of(pending, 'is', 'are')} still pending: acknowledge what is answered.",
            ),
            (
                bool(early),
                f"{count_of(len(early), 'was', 'were')} acknowledged before the answer: a crash "
                "between the two would lose a request.",
            ),
            (
                noted > 0,
                f"{count_of(noted, 'request was', 'requests were')} noted in another key before "
                f"the answer was in `{SAID}`. A crash between the two would leave the note without "
                "the answer. Write both in one transaction.",
            ),
        ],
    )


def _deleted_answers(client: redis.Redis, there: int, steps: list[journal.Step] | None) -> bool:
    """Tell whether answers were deleted, one by one or as a whole stream that was added again."""
    if Stream(client, SAID).info().entries_added not in (None, there):  # None before Redis 7.0
        return True
    commands = [command for step in steps or () for command in step]
    return any(one[0].upper() in _REPLACING and SAID in one for one in commands)
