"""The exercises of notebook 13: do by hand, on any server, what newer servers do for you."""

from __future__ import annotations

from collections.abc import Callable

import redis

from exercises import journal, picture
from exercises.bounded import bounded
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, interrupted
from exercises.verdict import Verdict, grade
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream
from streamviz.errors import CommandRefused

RECEIPTS = [{"receipt": n, "sum": s} for n, s in ((1, 4), (2, 7), (2, 7), (3, 4), (1, 4), (4, 9))]
"""The receipts that the till sends: four, two of them twice because an answer was lost."""

_TICKET, _IDLE_MS = "2-0", 60_000
_MOST_COMMANDS = 100
_FORGOTTEN = ", and keep no list of them in memory, which dies with the till"
_REFUSED = "If Redis refuses a receipt because it is there already, that is fine: catch the error."


Send = Callable[[Stream, dict[str, int]], object]


def check_till(client: redis.Redis, send: Send) -> Verdict:
    """Grade exercise 1: each receipt is in the stream once, wherever the till dies.

    Send the receipts. In the first run the till does not die. In each further run, with a new
    stream, it dies before its first command, before its second, and so on; then it starts again
    with the first receipt.

    Parameters
    ----------
    client : redis.Redis
        The server.
    send : callable
        Called with the stream ``till`` and a receipt.
    """
    if hint := misfit(send, "till", "receipt"):
        return Verdict(False, hint)
    for commands in range(-1, _MOST_COMMANDS):
        client.delete(*client.scan_iter("till*", count=1000), "till")
        try:
            died = _send_all(client, send, commands)
        except EndlessLoop as error:
            return Verdict(False, str(error))
        except (CommandRefused, redis.ResponseError) as error:
            return Verdict(False, f"`send` ended with an error: {error}. {_REFUSED}")
        if not (verdict := _grade_till(client, commands)).right or (commands >= 0 and not died):
            return verdict
    return Verdict(False, f"{_MOST_COMMANDS} commands for {len(RECEIPTS)} receipts: too many.")


class _Died(BaseException):
    """The death of the till; the learner's own code must not catch it."""


def _send_all(client: redis.Redis, send: Send, commands: int) -> bool:
    """Send the receipts, and again after the till's death; return whether it died.

    If it did not die before, it dies after the last command.
    """
    died = False

    def before(number: int) -> None:
        if number == commands + 1:
            raise _Died

    try:
        with interrupted(client, before) as mortal:
            for receipt in RECEIPTS:
                send(Stream(mortal, "till"), receipt)
    except _Died:
        died = True
    if commands >= 0:
        with interrupted(client, lambda number: None) as again:
            for receipt in RECEIPTS:
                send(Stream(again, "till"), receipt)
    return died


@hinted("`till` must be a stream of receipts: a key has another type.")
def _grade_till(client: redis.Redis, commands: int) -> Verdict:
    till = Stream(client, "till")
    entries = [entry.fields for entry in till.range()]
    receipts = [int(fields.get("receipt", 0)) for fields in entries]
    sent = [{name: str(value) for name, value in one.items()} for one in RECEIPTS]
    twice = sorted({number for number in receipts if receipts.count(number) > 1})
    lost = sorted({1, 2, 3, 4} - set(receipts))
    plural = "" if commands == 1 else "s"
    death = f" The till died after {commands} command{plural}." if commands >= 0 else ""
    return grade(
        "four receipts, each of them once and in order, wherever the till dies.",
        [
            (
                not receipts,
                f"the stream is empty: add the receipts{_FORGOTTEN * (commands >= 0)}.{death}",
            ),
            (bool(twice), f"in the stream twice: {_list(twice)}.{death}"),
            (
                bool(lost),
                f"not in the stream: {_list(lost)}. Was a new receipt refused, or remembered but "
                f"never added?{death}",
            ),
            (receipts != [1, 2, 3, 4], f"the order is {_list(receipts)}: keep it.{death}"),
            (
                any(fields not in sent for fields in entries),
                "a receipt in the stream has other fields than those that were sent.",
            ),
            (
                bool(entries) and till.info().entries_added != len(entries),
                f"a receipt was added and deleted again: others may have read it by then.{death}",
            ),
        ],
    )


def new_desk(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``desk``: gus holds three tickets, and hal holds none."""
    client.delete("tickets")
    stream = Stream(client, "tickets")
    stream.add_many((f"{n}-0", {"ticket": n}) for n in (1, 2, 3))
    desk = stream.group("desk")
    desk.create("0")
    desk.consumer("gus").read()
    desk.create_consumer("hal")
    journal.start(client, "tickets")
    own = bounded(client)
    picture.start(own, "tickets")
    return Stream(own, "tickets").group("desk")


@hinted("the group `desk` or its stream is missing: start again with new_desk.", "tickets")
def check_desk(desk: ConsumerGroup) -> Verdict:
    """Grade exercise 2 by the consumer and the delivery count of each ticket."""
    pending = {str(entry.id): entry for entry in desk.pending_entries()}
    others = [entry for entry_id, entry in pending.items() if entry_id != _TICKET]
    hals = sorted(entry_id for entry_id, entry in pending.items() if entry.consumer == "hal")
    ticket = pending.get(_TICKET)
    times = ticket.deliveries if ticket else 0
    too_soon = _claimed_too_soon(desk)
    return grade(
        "hal got ticket 2 at once, and its delivery count is 1.",
        [
            (ticket is None, f"{_TICKET} is no longer pending: XACK means that it is done."),
            (len(pending) < 3, "gus is still handling the other two: leave them pending."),
            (not hals, f"gus still holds {_TICKET}: it has not been idle long enough for hal."),
            (hals != [_TICKET], f"hal took {' and '.join(hals)}: gus is handling the others."),
            (
                any(entry.idle_ms >= _IDLE_MS or entry.deliveries != 1 for entry in others),
                "gus is still handling the other two, but hal's next claim would take them: their "
                "idle time or their delivery count has changed.",
            ),
            (times != 1, f"the delivery count of {_TICKET} is {times}, but gus never tried."),
            (
                too_soon,
                "hal claimed the ticket before it had been idle for a minute, so hal had to know "
                "that gus could not handle it. Let gus give it back for hal's usual claim.",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    journal.close("tickets")
    client.delete(*client.scan_iter("till*", count=1000), "tickets")


def _claimed_too_soon(desk: ConsumerGroup) -> bool:
    """Tell whether hal took entries with a smaller minimum idle time than a minute."""
    steps = journal.stop(desk.connection.client, "tickets")
    commands = [command for step in steps or () for command in step]
    return any(
        command[0].upper() in ("XCLAIM", "XAUTOCLAIM")
        and command[3] == "hal"
        and int(command[4]) < _IDLE_MS
        for command in commands
    )


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
