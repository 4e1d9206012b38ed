"""Exercise 1 of notebook 13: each receipt is added once, wherever the till dies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product

import redis

from exercises import journal
from exercises.failing import Failing
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, interrupted
from exercises.verdict import Verdict, grade
from streamviz.client import Stream
from streamviz.errors import CommandRefused

_LAST = 11
_NUMBERS_AND_SUMS = (
    *((1, 4), (2, 70_000), (2, 70_000), (3, 4), (1, 4)),
    *((number, number + 5) for number in range(4, _LAST + 1)),
)
RECEIPTS = [{"receipt": number, "sum": total} for number, total in _NUMBERS_AND_SUMS]
"""The receipts that the till sends: eleven, two of them twice because an answer was lost.

One sum is so large that an ID computed from number and sum does not increase.
"""

_ALL = list(range(1, _LAST + 1))
Send = Callable[[Stream, dict[str, int]], object]
_MOST_COMMANDS, _MOST_FAILURES = 220, 5
_AWAY = "exercise:away:"
_FORGOTTEN = (
    ", and keep no list of them in memory, which dies with the till, or under a key that does not "
    "begin with `till`"
)
_WENT_ON = (
    "and your code went on as if the receipt were there. Catch only the error that you expect, and "
    "go on only if the receipt is there."
)
_REASONS = {
    "broken": f"The connection broke {{}} before a command was sent, {_WENT_ON}",
    "lost": "The connection broke {} after Redis had run a command and before its reply arrived. "
    "Then your code can't know whether the receipt is there. Look again, or let Redis refuse it.",
    "full": f"Redis refused a receipt {{}} because its memory was full (OOM), {_WENT_ON}",
}
_REFUSED = "If Redis refuses a receipt because it is there already, that is fine. Catch that error."
_OUTSIDE = (
    "some commands about `till` did not come over the stream that `send` gets, so the check could "
    "not let the till die between them. Use `till`, and for other commands "
    "`till.connection.client`."
)


def check_till(client: redis.Redis, send: Send) -> Verdict:
    """Grade exercise 1: each receipt is in the stream once, wherever the till dies.

    Send the receipts. In the first run the till does not die. In each further run, with a new
    stream, it dies before its first command, before its second, and so on; then it starts again
    with the first receipt. In further runs, one command fails, or five in a row do: the connection
    breaks before they are sent or before their replies arrive, or the server is full. In the last
    runs, what the till remembers in Python does not fit what is in Redis.

    Parameters
    ----------
    client : redis.Redis
        The server.
    send : callable
        Called with the stream ``till`` and a receipt.
    """
    if hint := misfit(send, "till", "receipt"):
        return Verdict(False, hint)
    try:
        sent = Failing(client)
        for commands in range(-1, _MOST_COMMANDS):
            _delete(client, "till")
            journal.start(client, "till")
            died = _until_it_dies(sent, send, commands)
            steps = journal.stop(client, "till") or []
            plural = "" if commands == 1 else "s"
            death = f" The till died after {commands} command{plural}." if commands >= 0 else ""
            verdict = _grade_till(client, death, forgot=commands >= 0)
            if (hint := _forbidden(steps, sent)) or not verdict.right:
                return Verdict(False, hint) if hint else verdict
            if commands >= 0 and not died:
                break
        else:
            return Verdict(
                False, f"{_MOST_COMMANDS} commands for {len(RECEIPTS)} receipts are too many."
            )
        return _with_failures(client, sent, send, commands) or _with_memory(client, send) or verdict
    except EndlessLoop as error:
        return Verdict(False, str(error))
    except (CommandRefused, redis.ResponseError) as error:
        return Verdict(False, f"`send` ended with an error: {error}. {_REFUSED}")
    finally:
        journal.close("till")
        _delete(client, _AWAY)


class _Died(BaseException):
    """The death of the till; the learner's own code must not catch it."""


def _until_it_dies(sent: Failing, send: Send, commands: int) -> bool:
    """Send the receipts, and again after the till's death; return whether it died.

    If it did not die before, it dies after the last command.
    """
    died = False

    def before(number: int) -> None:
        if number == commands + 1:
            raise _Died

    sent.begin()
    try:
        with interrupted(sent.client, before) as mortal:
            _send_all(mortal, send)
    except _Died:
        died = True
    if commands >= 0:
        with _watched(sent.client) as again:
            _send_all(again, send)
    return died


@contextmanager
def _watched(client: redis.Redis) -> Iterator[redis.Redis]:
    """Create another client, whose code ends at a deadline."""
    with interrupted(client, lambda _number: None) as own:
        yield own


def _send_all(client: redis.Redis, send: Send, last: int = len(RECEIPTS)) -> None:
    for receipt in RECEIPTS[:last]:
        send(Stream(client, "till"), receipt)


def _forbidden(steps: list[journal.Step], sent: Failing) -> str:
    """Return a hint if a script or IDMP was used, or another client; or else an empty text."""
    told = [words for step in steps for words in step if _is_about_the_till(words)]
    ran = Counter(words[0].upper() for words in told)
    for words in [*told, *sent.words]:
        name, options = words[0].upper(), {word.upper() for word in words[2:]}
        if name in ("EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"):
            return "a script does it, but leave scripts out here. One command is enough."
        if name == "XADD" and options & {"IDMP", "IDMPAUTO"}:
            return "IDMP needs Redis 8.6. Do it by hand, as on an older server."
    ours = Counter(words[0].upper() for words in sent.words if _is_about_the_till(words))
    return _OUTSIDE if ran - ours else ""


def _is_about_the_till(words: list[str]) -> bool:
    return any(word.startswith("till") for word in words[1:])


def _with_failures(client: redis.Redis, sent: Failing, send: Send, commands: int) -> Verdict | None:
    """Let one command fail in each run, or five; return the first verdict that is not right."""
    for (how, reason), times in product(_REASONS.items(), (1, _MOST_FAILURES)):
        for number in range(1, commands + 1):
            _delete(client, "till")
            sent.begin(number, how, times)
            try:
                with _watched(sent.client) as own:
                    _send_all(own, send)
            except Exception:
                if not sent.failed:
                    raise
                sent.begin()
                with _watched(sent.client) as own:
                    _send_all(own, send)
            hint = reason.format("once" if times == 1 else "five times in a row")
            if not (verdict := _grade_till(client, f" {hint}")).right:
                return verdict
    return None


def _with_memory(client: redis.Redis, send: Send) -> Verdict | None:
    """Let what the till remembers and what is in Redis differ; return what is not right."""
    for first, meanwhile in ((2, len(RECEIPTS)), (len(RECEIPTS), 1)):
        _delete(client, "till")
        with _watched(client) as own:
            _send_all(own, send, first)
            _rename(client, "till", _AWAY + "till")
            _send_all(own, send, meanwhile)  # another till, on another server
            _delete(client, "till")
            _rename(client, _AWAY + "till", "till")
            _send_all(own, send)
        hint = " Your code remembers receipts in Python, and a till that was restarted can't."
        if not (verdict := _grade_till(client, hint)).right:
            return verdict
    return None


@hinted("`till` must be a stream of receipts, but a key has another type.")
def _grade_till(client: redis.Redis, why: str, *, forgot: bool = False) -> Verdict:
    till = Stream(client, "till")
    entries = [entry.fields for entry in till.range()]
    receipts = [int(fields.get("receipt", 0)) for fields in entries]
    sent = [{name: str(value) for name, value in one.items()} for one in RECEIPTS]
    twice = sorted({number for number in receipts if receipts.count(number) > 1})
    lost = sorted(set(_ALL) - set(receipts))
    return grade(
        "eleven receipts, each of them once and in order, wherever the till dies.",
        [
            (not receipts, f"the stream is empty. Add the receipts{_FORGOTTEN * forgot}.{why}"),
            (bool(twice), f"{_receipts(twice)} in the stream more than once.{why}"),
            (
                bool(lost),
                f"the stream lacks {_list(lost)}. Was a new receipt refused, or remembered but "
                f"never added?{why}",
            ),
            (receipts != _ALL, f"the order is {_list(receipts)}. Keep it.{why}"),
            (
                any(fields not in sent for fields in entries),
                "a receipt in the stream has other fields than those that were sent.",
            ),
            (
                bool(entries) and till.info().entries_added != len(entries),
                f"a receipt was added and deleted again. Others may have read it by then.{why}",
            ),
        ],
    )


def delete_tills(client: redis.Redis) -> None:
    """Delete the keys of the exercise."""
    _delete(client, "till")
    _delete(client, _AWAY)


def _delete(client: redis.Redis, prefix: str) -> None:
    client.delete(*client.scan_iter(f"{prefix}*", count=1000), prefix)


def _rename(client: redis.Redis, prefix: str, new: str) -> None:
    for key in list(client.scan_iter(f"{prefix}*", count=1000)):
        name = key.decode() if isinstance(key, bytes) else str(key)
        client.rename(name, new + name.removeprefix(prefix))


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def _receipts(numbers: list[int]) -> str:
    """Return receipts and their verb, such as ``receipt 1 is`` and ``receipts 1, 2 and 3 are``."""
    others, last = _list(numbers[:-1]), _list(numbers[-1:])
    return f"receipts {others} and {last} are" if others else f"receipt {last} is"
