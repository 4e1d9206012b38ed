"""The exercises of notebook 13: what newer servers do for you, done by hand on any server."""

from __future__ import annotations

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, grade
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream

RECEIPTS = [{"receipt": n, "sum": s} for n, s in ((1, 4), (2, 7), (2, 7), (3, 4), (1, 4), (4, 9))]
"""What the till sends: four receipts, two of them twice, since an answer was lost."""

_WHICH = "2-0"


def new_till(client: redis.Redis) -> Stream:
    """Return the stream ``till``, with nothing in it."""
    client.delete("till")
    return Stream(client, "till")


@hinted("`till` holds something else than receipts: begin with new_till again.")
def check_till(till: Stream) -> Verdict:
    """Grade exercise 1 by what is in the stream."""
    found = [int(entry.fields.get("receipt", 0)) for entry in till.range()]
    twice = sorted({number for number in found if found.count(number) > 1})
    lost = sorted({1, 2, 3, 4} - set(found))
    return grade(
        "four receipts, each of them once, in the order they were sent.",
        [
            (not found, "the stream is empty: add the receipts."),
            (bool(twice), f"in the stream twice: {_list(twice)}."),
            (bool(lost), f"not in the stream: {_list(lost)}. Was one refused that was new?"),
            (found != [1, 2, 3, 4], f"the order is {_list(found)}: add them as they come."),
        ],
    )


def new_desk(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``desk``: gus holds three tickets, and hal waits for work."""
    client.delete("tickets")
    stream = Stream(client, "tickets")
    stream.add_many((f"{n}-0", {"ticket": n}) for n in (1, 2, 3))
    desk = stream.group("desk")
    desk.create("0")
    desk.consumer("gus").read()
    desk.create_consumer("hal")
    return desk


@hinted("the group `desk` or its stream is gone: begin with new_desk again.")
def check_desk(desk: ConsumerGroup) -> Verdict:
    """Grade exercise 2 by who holds which ticket, and how often each was delivered."""
    held = {str(entry.id): entry for entry in desk.pending_entries()}
    hals = sorted(which for which, entry in held.items() if entry.consumer == "hal")
    ticket = held.get(_WHICH)
    times = ticket.deliveries if ticket else 0
    return grade(
        "hal has ticket 2 at once, and it counts as delivered once.",
        [
            (ticket is None, f"{_WHICH} is not pending any more: XACK says that it is done."),
            (len(held) < 3, "gus still works on the other two: leave them pending."),
            (not hals, f"gus still holds {_WHICH}: for hal it is not idle for long enough."),
            (hals != [_WHICH], f"hal took {' and '.join(hals)}: gus works on the others."),
            (times != 1, f"{_WHICH} counts as delivered {times} times, and gus never tried."),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete what the exercises have made."""
    client.delete("till", "tickets")


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
