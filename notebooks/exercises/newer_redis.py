"""The exercises of notebook 13: do by hand, on any server, what newer servers do for you."""

from __future__ import annotations

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, grade
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream

RECEIPTS = [{"receipt": n, "sum": s} for n, s in ((1, 4), (2, 7), (2, 7), (3, 4), (1, 4), (4, 9))]
"""The receipts that the till sends: four, two of them twice because an answer was lost."""

_TICKET = "2-0"


def new_till(client: redis.Redis) -> Stream:
    """Return the empty stream ``till``."""
    client.delete("till")
    return Stream(client, "till")


@hinted("`till` must contain only receipts: start again with new_till.")
def check_till(till: Stream) -> Verdict:
    """Grade exercise 1 by the entries of the stream."""
    receipts = [int(entry.fields.get("receipt", 0)) for entry in till.range()]
    twice = sorted({number for number in receipts if receipts.count(number) > 1})
    lost = sorted({1, 2, 3, 4} - set(receipts))
    return grade(
        "four receipts, each of them once, in the order in which they were sent.",
        [
            (not receipts, "the stream is empty: add the receipts."),
            (bool(twice), f"in the stream twice: {_list(twice)}."),
            (bool(lost), f"not in the stream: {_list(lost)}. Was a new receipt refused?"),
            (receipts != [1, 2, 3, 4], f"the order is {_list(receipts)}: add them in order."),
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
    return desk


@hinted("the group `desk` or its stream is missing: start again with new_desk.")
def check_desk(desk: ConsumerGroup) -> Verdict:
    """Grade exercise 2 by the consumer and the delivery count of each ticket."""
    pending = {str(entry.id): entry for entry in desk.pending_entries()}
    hals = sorted(entry_id for entry_id, entry in pending.items() if entry.consumer == "hal")
    ticket = pending.get(_TICKET)
    times = ticket.deliveries if ticket else 0
    return grade(
        "hal holds ticket 2 at once, and its delivery count is 1.",
        [
            (ticket is None, f"{_TICKET} is no longer pending: XACK means that it is done."),
            (len(pending) < 3, "gus is still handling the other two: leave them pending."),
            (not hals, f"gus still holds {_TICKET}: it has not been idle long enough for hal."),
            (hals != [_TICKET], f"hal took {' and '.join(hals)}: gus is handling the others."),
            (times != 1, f"the delivery count of {_TICKET} is {times}, but gus never tried."),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete("till", "tickets")


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
