"""Notebook 11: exercises on a library's gaps."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from random import randrange
from typing import Any

import redis

from exercises import journal, picture
from exercises.bounded import bounded
from exercises.failing import Failing
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, interrupted
from exercises.verdict import Verdict, count_of, grade
from go_game.variants.benchmark import Measurement
from streamviz.client import replies
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import CommandRefused

ASKED, SAID, NOTED = "style:asked", "style:said", "style:noted"
DEATH, ERROR, CALLS = "style:death", "style:error", "style:calls"
_REQUESTS = ("3", "1", "2", "3")
_NEVER = 20
_REMEMBERED = (
    " That was the same run again, with all keys new: your handler remembers what is not in "
    f"{SAID!r} or {NOTED!r}, but a new judge has only these two."
)
_MOST_COMMANDS = 300
_FAILURES = {
    "broken": " In this run, the connection broke once. Catch only the errors that you expect.",
    "full": " In this run, Redis refused one XADD, because its memory was full. Catch only the "
    "errors that you expect.",
    "lost": " In this run, the connection broke after Redis had done a command, before its "
    "reply arrived. Before you repeat something, look whether it was done.",
}

Judge = Callable[[redis.Redis, Entry], object]


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
    group = _group(client, [str(first + n) for n in range(5)])
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
    answers, pending = _answers(client), _pending(client)
    id_of = {entry.fields["request"]: str(entry.id) for entry in Stream(client, ASKED).range()}
    steps = journal.stop(client, ASKED)

    def answered(command: journal.Command) -> list[str]:
        is_answer = command[0].upper() == "XADD" and command[1] == SAID
        return [id_of[word] for word in command[2:] if is_answer and word in id_of]

    early = set(journal.lost_by_a_crash(steps, ASKED, answered)) & set(id_of.values())
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
                f"{count_of(unread, 'request was', 'requests were')} never delivered to the group, "
                "so its next read returns them, to be answered again. Read with the group.",
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
        ],
    )


def serve(client: redis.Redis, judge: Judge) -> None:
    """Run a judge as a library does, acknowledge when the handler returns, and let the judge die.

    The requests are 3, 1, 2, and 3 again. In the first run, the judge dies after the second call,
    before the acknowledgement. The second run is the same. In each further run, the judge dies
    before the second command of a call, then before the third, and so on. In the last runs, one
    command fails: the connection breaks, before Redis does it or before the reply arrives, or the
    server is full. A handler that raises then dies, too. Each run begins with all keys new, and
    each time, a new judge starts with the pending requests. The run that fails stays in Redis.

    Parameters
    ----------
    client : redis.Redis
        The server.
    judge : callable
        Called with a client and an entry.
    """
    clean_up(client)
    if hint := misfit(judge, "client", "entry"):
        _group(client, _REQUESTS)
        client.set(ERROR, hint)
        return
    runs = [(2, _NEVER, ""), (2, _NEVER, _REMEMBERED)]
    runs += [(_NEVER, n, f" It died after {count_of(n, 'command')}.") for n in range(1, _NEVER)]
    try:
        for calls, commands, death in runs:
            client.set(DEATH, death)
            died = _echo(client, judge, calls=calls, commands=commands)
            if not check_echo(client).right:
                return
            if not died:
                break
        _with_failures(client, judge)
    except EndlessLoop as error:
        client.set(ERROR, f"{error}.")
    except (CommandRefused, redis.ResponseError) as error:
        client.set(ERROR, f"your handler raised an error: {error}. If that is fine, catch it.")


@hinted("there are no requests, or a key has another type: call exercise.serve(client, judge).")
def check_echo(client: redis.Redis) -> Verdict:
    """Grade exercise 2: each request has one answer, and a note of it."""
    texts = Stream(client, DEATH).connection.call("MGET", DEATH, ERROR)
    death, error = (replies.text(text or b"") for text in texts)
    if error:
        return Verdict(False, error)
    answers, pending = Counter(_answers(client)), _pending(client)
    notes = {replies.text(name) for name in Stream(client, NOTED).connection.call("HKEYS", NOTED)}
    twice, asked = [n for n, times in answers.items() if times > 1], set(_REQUESTS)
    return grade(
        "each request has one answer, even if it is sent or delivered again, and wherever the "
        "judge dies.",
        [
            (
                bool(twice),
                f"request {min(twice, default='')} was answered "
                f"{max([0, *answers.values()])} times.{death}",
            ),
            (set(answers) != asked, f"{len(answers)} of {len(asked)} are answered.{death}"),
            (
                notes != asked,
                f"note each answered request in the hash {NOTED!r}, under its number.{death}",
            ),
            (pending > 0, f"{count_of(pending, 'is', 'are')} still pending."),
        ],
    )


def _with_failures(client: redis.Redis, judge: Judge) -> None:
    """Let one command fail in each run, until all have failed or a run is not right."""
    failing = Failing(client, SAID)
    for how, text in _FAILURES.items():
        for number in range(1, _MOST_COMMANDS):
            failing.begin(number, how)
            client.set(DEATH, text)
            _echo(client, judge, calls=_NEVER, commands=_NEVER, failing=failing)
            if not failing.failed:
                break
            if not check_echo(client).right:
                return


class _Died(BaseException):
    """The death of a process; the process's own code must not catch it."""


def _echo(
    client: redis.Redis,
    judge: Judge,
    *,
    calls: int,
    commands: int,
    failing: Failing | None = None,
) -> bool:
    """Serve until the judge dies, then with a new judge; return whether the first one died."""
    me = _group(client, _REQUESTS).consumer("judge")
    used = failing.client if failing else client

    def before(number: int) -> None:
        if number > commands:
            raise _Died

    for number, entry in enumerate(me.read(), start=1):
        try:
            with interrupted(used, before) as mortal:
                judge(mortal, entry)
        except _Died:
            break
        except Exception:
            if failing is None or not failing.failed:
                raise
            break
        if number == calls:
            break
        me.ack(entry.id)
    else:
        return False
    with interrupted(used, lambda number: None) as again:
        for entry in me.read(after="0"):
            judge(again, entry)
            me.ack(entry.id)
    return True


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    journal.close(ASKED)
    client.delete(ASKED, SAID, NOTED, DEATH, ERROR, CALLS)


def _group(client: redis.Redis, requests: Sequence[str]) -> ConsumerGroup:
    client.delete(ASKED, SAID, NOTED)
    asked = Stream(client, ASKED)
    asked.add_many((f"{n}-0", {"request": one}) for n, one in enumerate(requests, start=1))
    group = asked.group("judge")
    group.create("0")
    return group


def _answers(client: redis.Redis) -> list[str]:
    return [entry.fields.get("reply_to", "") for entry in Stream(client, SAID).range()]


def _pending(client: redis.Redis) -> int:
    return Stream(client, ASKED).group("judge").pending().count
