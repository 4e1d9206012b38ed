"""Notebook 11, exercise 2: a handler that a small library may call again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import redis

from exercises import journal
from exercises.failing import Failing
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, interrupted
from exercises.sale_keys import expires
from exercises.verdict import Verdict, count_of, grade
from streamviz.client import ConsumerGroup, Entry, Stream, replies
from streamviz.errors import CommandRefused

ASKED, SAID, NOTED = "style:asked", "style:said", "style:noted"
DEATH, ERROR, CALLS = "style:death", "style:error", "style:calls"
_REQUESTS = ("101", "1", "11", "101")
_CALLS = ("", " of the second call", " of the third call", " of the last call")
_MOST_PER_CALL = 20
_DELETED = "an answer was deleted or replaced. Others may have read it by then."
_BETWEEN = (
    " In this run, the judge died after its second call. A new judge then got all pending "
    "requests, even those that were not handled. The requests are 101, 1, 11, and 101 again."
)
_REMEMBERED = (
    " That was the same run again, with all keys new: your handler remembers what is not in "
    f"{SAID!r} or {NOTED!r}, but a new judge has only these two."
)
_IN_A_PIPELINE = (
    f"0 of {len(set(_REQUESTS))} are answered. In a pipeline, commands are sent only by "
    "`execute()`, and replies come only from `execute()`. A method such as `hexists` returns the "
    "pipeline itself, which is always true. Look for the note with `client`."
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


def serve(client: redis.Redis, judge: Judge) -> None:
    """Run a judge as a library does, acknowledge when the handler returns, and let the judge die.

    The requests are 101, 1, 11, and 101 again. In the first run, the judge dies after the second
    call, before the acknowledgement. The second run is the same. In each further run, the judge
    dies before the second command of the first call, then before the third, and so on, and then in
    the same way in the second call, in the third, and in the last. In the last runs, one command
    fails: the connection breaks, before Redis does it or before the reply arrives, or the
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
        new_group(client, _REQUESTS)
        client.set(ERROR, hint)
        return
    try:
        for death in (_BETWEEN, _REMEMBERED):
            client.set(DEATH, death)
            pipelines: list[object] = []
            _echo(client, _noting(judge, pipelines), after=2)
            if not (verdict := check_echo(client)).right:
                if pipelines and death == _BETWEEN and verdict.text.startswith("0 of "):
                    client.set(ERROR, _IN_A_PIPELINE)
                return
        if _with_deaths(client, judge):
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
    answers, pending = Counter(answers_of(client)), pending_of(client)
    if not answers and death == _BETWEEN:  # it answers nothing, whether it dies or not
        death = ""
    later = "" if death == _BETWEEN else death
    notes = {replies.text(name) for name in Stream(client, NOTED).connection.call("HKEYS", NOTED)}
    twice, asked = [n for n, times in answers.items() if times > 1], set(_REQUESTS)
    return grade(
        "each request has one answer, even if it is sent or delivered again, and wherever the "
        "judge dies.",
        [
            (
                bool(answers) and _added(client) not in (None, answers.total()),
                f"{_DELETED}{death}",
            ),
            (
                bool(twice),
                f"request {min(twice, default='')} was answered "
                f"{max([0, *answers.values()])} times.{death}",
            ),
            (set(answers) != asked, f"{len(answers)} of {len(asked)} are answered.{death}"),
            (
                notes != asked,
                f"note each answered request in the hash {NOTED!r}, under its number.{later}",
            ),
            (
                expires(client, NOTED),
                "the notes expire. A request that is sent again later is then answered again.",
            ),
            (
                pending > 0 and Stream(client, ASKED).length() < len(_REQUESTS),
                "a request was deleted before it was acknowledged. If the judge dies then, no new "
                "judge gets it.",
            ),
            (pending > 0, f"{count_of(pending, 'is', 'are')} still pending.{death}"),
        ],
    )


def _with_deaths(client: redis.Redis, judge: Judge) -> bool:
    """Let the judge die after each command of each call; return whether all runs are right."""
    for call, which in enumerate(_CALLS, start=1):
        for commands in range(1, _MOST_PER_CALL):
            client.set(DEATH, f" It died after {count_of(commands, 'command')}{which}.")
            died = _echo(client, judge, during=call, commands=commands)
            if not check_echo(client).right:
                return False
            if not died:
                break
    return True


def _with_failures(client: redis.Redis, judge: Judge) -> None:
    """Let one command fail in each run, until all have failed or a run is not right."""
    failing = Failing(client, SAID)
    for how, text in _FAILURES.items():
        for number in range(1, _MOST_COMMANDS):
            failing.begin(number, how)
            client.set(DEATH, text)
            _echo(client, judge, failing=failing)
            if not failing.failed:
                break
            if not check_echo(client).right:
                return


def _noting(judge: Judge, pipelines: list[object]) -> Judge:
    """Return a handler that notes the pipelines it makes."""

    def noting(client: redis.Redis, entry: Entry) -> None:
        make = client.pipeline

        def pipeline(*args: Any, **options: Any) -> Any:
            pipelines.append(made := make(*args, **options))
            return made

        vars(client)["pipeline"] = pipeline
        judge(client, entry)

    return noting


class _Died(BaseException):
    """The death of a process; the process's own code must not catch it."""


def _echo(
    client: redis.Redis,
    judge: Judge,
    *,
    after: int = 0,
    during: int = 0,
    commands: int = 0,
    failing: Failing | None = None,
) -> bool:
    """Serve until the judge dies, then with a new judge; return whether the first one died.

    It dies after a call, or during a call when it has sent some commands: calls count from 1.
    """
    me = new_group(client, _REQUESTS).consumer("judge")
    used = failing.client if failing else client
    ids: list[str] = []
    call = 0

    def before(number: int) -> None:
        if call == during and number > commands:
            raise _Died

    for call, entry in enumerate(me.read(), start=1):
        try:
            with interrupted(used, before) as mortal:
                judge(mortal, entry)
        except _Died:
            break
        except Exception:
            if failing is None or not failing.failed:
                raise
            break
        ids = _kept(client, ids)
        if call == after:
            break
        me.ack(entry.id)
    else:
        _kept(client, ids)
        return False
    with interrupted(used, lambda number: None) as again:
        for entry in me.read(after="0"):
            ids = _kept(client, ids)
            judge(again, entry)
            me.ack(entry.id)
    _kept(client, ids)
    return True


def _kept(client: redis.Redis, before: list[str]) -> list[str]:
    """Return the IDs of the answers, and note an error if those from before are not among them."""
    with suppress(CommandRefused):  # another type; the check says so
        now = [str(entry.id) for entry in Stream(client, SAID).range()]
        if now[: len(before)] != before:
            client.set(ERROR, f"{_DELETED}{replies.text(client.get(DEATH) or b'')}")
        return now
    return before


def _added(client: redis.Redis) -> int | None:
    """Return how many answers were ever added; None before Redis 7.0."""
    return Stream(client, SAID).info().entries_added


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    journal.close(ASKED)
    for key in client.scan_iter("style:*", count=1000):
        client.delete(key)


def new_group(client: redis.Redis, requests: Sequence[str]) -> ConsumerGroup:
    """Return the group ``judge`` on new requests, without answers or notes."""
    client.delete(ASKED, SAID, NOTED)
    asked = Stream(client, ASKED)
    asked.add_many((f"{n}-0", {"request": one}) for n, one in enumerate(requests, start=1))
    group = asked.group("judge")
    group.create("0")
    return group


def answers_of(client: redis.Redis) -> list[str]:
    """Return the number of the request that each answer is for, in the order of the answers."""
    return [entry.fields.get("reply_to", "") for entry in Stream(client, SAID).range()]


def pending_of(client: redis.Redis) -> int:
    """Return how many requests are pending."""
    return Stream(client, ASKED).group("judge").pending().count
