"""The exercises of notebook 13: do by hand, on any server, what newer servers do for you."""

from __future__ import annotations

import redis

from exercises import journal
from exercises.hints import hinted
from exercises.verdict import Verdict, grade
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream

RECEIPTS = [{"receipt": n, "sum": s} for n, s in ((1, 4), (2, 7), (2, 7), (3, 4), (1, 4), (4, 9))]
"""The receipts that the till sends: four, two of them twice because an answer was lost."""

_TICKET, _IDLE_MS = "2-0", 60_000


def new_till(client: redis.Redis) -> Stream:
    """Return the empty stream ``till``."""
    client.delete("till")
    journal.start(client, "till")
    return Stream(client, "till")


@hinted("`till` must contain only receipts: start again with new_till.")
def check_till(till: Stream) -> Verdict:
    """Grade exercise 1 by the entries of the stream."""
    receipts = [int(entry.fields.get("receipt", 0)) for entry in till.range()]
    attempts = _attempts(till)
    twice = sorted({number for number in receipts if receipts.count(number) > 1})
    lost = sorted({1, 2, 3, 4} - set(receipts))
    return grade(
        "four receipts, each of them once, in the order in which they were sent.",
        [
            (not receipts, "the stream is empty: add the receipts."),
            (bool(twice), f"in the stream twice: {_list(twice)}."),
            (bool(lost), f"not in the stream: {_list(lost)}. Was a new receipt refused?"),
            (receipts != [1, 2, 3, 4], f"the order is {_list(receipts)}: add them in order."),
            (
                attempts is not None and attempts < len(RECEIPTS),
                f"Redis was asked {attempts} times about {len(RECEIPTS)} receipts, so your program "
                "knew from its own memory which were there. A till that restarts has forgotten.",
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
    return desk


@hinted("the group `desk` or its stream is missing: start again with new_desk.")
def check_desk(desk: ConsumerGroup) -> Verdict:
    """Grade exercise 2 by the consumer and the delivery count of each ticket."""
    pending = {str(entry.id): entry for entry in desk.pending_entries()}
    hals = sorted(entry_id for entry_id, entry in pending.items() if entry.consumer == "hal")
    ticket = pending.get(_TICKET)
    times = ticket.deliveries if ticket else 0
    too_soon = _claimed_too_soon(desk)
    return grade(
        "hal holds ticket 2 at once, and its delivery count is 1.",
        [
            (ticket is None, f"{_TICKET} is no longer pending: XACK means that it is done."),
            (len(pending) < 3, "gus is still handling the other two: leave them pending."),
            (not hals, f"gus still holds {_TICKET}: it has not been idle long enough for hal."),
            (hals != [_TICKET], f"hal took {' and '.join(hals)}: gus is handling the others."),
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
    journal.close("till")
    journal.close("tickets")
    client.delete("till", "tickets")


def _attempts(till: Stream) -> int | None:
    """Count the commands that wrote, or tried to; None if the server does not tell."""
    steps = journal.stop(till.client, "till")
    reads = {"XRANGE", "XREVRANGE", "XLEN", "ECHO", "MULTI", "EXEC", "HELLO", "CLIENT", "INFO"}
    if steps is None:
        return None
    return sum(command[0].upper() not in reads for step in steps for command in step)


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
