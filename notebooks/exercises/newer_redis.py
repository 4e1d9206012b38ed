"""The exercises of notebook 13: do by hand, on any server, what newer servers do for you."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import redis

from exercises import journal, picture
from exercises.bounded import bounded
from exercises.boxes import Pale, Tinted, boxes
from exercises.hints import hinted
from exercises.till import RECEIPTS, check_till, delete_tills
from exercises.verdict import Verdict, grade
from streamviz.client import ConsumerGroup, Entry, PendingEntry, Stream

_TICKET, _IDLE_MS = "2-0", 60_000
_RECENT_MS = 3_600_000  # a TIME as recent as this was computed from a clock

__all__ = ["RECEIPTS", "check_desk", "check_till", "clean_up", "new_desk", "places", "who_holds"]


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


@hinted("the group `desk` or its stream is missing. Start again with new_desk.", "tickets")
def check_desk(desk: ConsumerGroup) -> Verdict:
    """Grade exercise 2 by the consumer and the delivery count of each ticket."""
    pending = {str(entry.id): entry for entry in desk.pending_entries()}
    others = [entry for entry_id, entry in pending.items() if entry_id != _TICKET]
    hals = sorted(entry_id for entry_id, entry in pending.items() if entry.consumer == "hal")
    ticket = pending.get(_TICKET)
    times = ticket.deliveries if ticket else 0
    steps = journal.stop(desk.connection.client, "tickets") or []
    acked = any(words[0].upper() == "XACK" for step in steps for words in step if _TICKET in words)
    shortcut = journal.shortcut(steps, "tickets")
    given_back = {one for step in steps for words in step for one in _given_back(words)} - {_TICKET}
    return grade(
        "hal got ticket 2 at once, and its delivery count is 1.",
        [
            (bool(shortcut), shortcut),
            (ticket is None, f"{_TICKET} is no longer pending. XACK means that it is done."),
            (len(pending) < 3, "gus is still handling the other two. Leave them pending."),
            *_holder_hints(hals, ticket, steps),
            (
                any(entry.idle_ms >= _IDLE_MS or entry.deliveries != 1 for entry in others),
                "gus is still handling the other two, but hal's next claim would take them: their "
                "idle time or their delivery count has changed.",
            ),
            (
                bool(given_back),
                f"gus gave {' and '.join(sorted(given_back))} back, too, by a new idle time. But "
                f"gus is handling the others, so give back only {_TICKET}. Start again with "
                "new_desk.",
            ),
            (
                str(desk.info().last_delivered_id) != "3-0",
                "the group's cursor has moved. Leave it at 3-0, or else other reads change, too.",
            ),
            *_claim_hints(steps),
            (
                acked,
                f"{_TICKET} was acknowledged, and then made pending again. A crash between the two "
                "would have lost the ticket. Leave XACK out.",
            ),
            (
                times != 1,
                f"the delivery count of {_TICKET} is {times}. It should be 1: gus never tried, "
                "and hal's delivery counts. A read with `0` counts, too.",
            ),
        ],
    )


def _holder_hints(
    hals: list[str], ticket: PendingEntry | None, steps: list[journal.Step]
) -> list[tuple[bool, str]]:
    """Return the hints for a ticket that hal doesn't hold, and for others that hal holds."""
    return [
        (
            not hals and ticket is not None and ticket.idle_ms >= _IDLE_MS,
            f"{_TICKET} has been idle long enough, and waits for hal's claim. Let hal claim "
            "what has been idle for a minute.",
        ),
        (
            not hals and _asked_for_a_minute(_claims(steps, "gus")),
            f"gus still holds {_TICKET}. Its idle time was longer than Redis can go back, and "
            "then Redis takes 0. A minute is enough, which is 60,000 ms.",
        ),
        (not hals, f"gus still holds {_TICKET}. It has not been idle long enough for hal."),
        (hals != [_TICKET], f"hal took {' and '.join(hals)}. But gus is handling the others."),
    ]


def _claim_hints(steps: list[journal.Step]) -> list[tuple[bool, str]]:
    """Return the hints for claims that moved the ticket in another way than was asked."""
    claims = _claims(steps, "hal")
    return [
        (
            any(int(claim[4]) < _IDLE_MS for claim in claims),
            "hal's claim asks for less than a minute, which is 60,000 ms. Such a claim would "
            "also take work that others are still doing. Let gus give the ticket back for "
            "hal's usual claim.",
        ),
        (
            _by_another_clock(steps),
            "gus's claim has a TIME from another clock than the server's, and the two may "
            "differ. Give the time that the ticket has been idle instead, with IDLE.",
        ),
        (
            any("JUSTID" in claim for claim in claims),
            "with JUSTID, hal has the ID and no ticket, and its delivery is not counted.",
        ),
        (
            any("RETRYCOUNT" in claim for claim in claims),
            "hal set the delivery count itself, so hal had to know that gus never tried. Let "
            "gus set it to 0.",
        ),
        (
            bool(_claims(steps, "gus", "hal", others=True)),
            "a consumer other than gus and hal claimed the ticket. Only gus knows that it "
            "can't handle it, so let gus claim it from itself.",
        ),
    ]


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    journal.close("tickets")
    client.delete("tickets")
    delete_tills(client)


def who_holds(group: ConsumerGroup) -> picture.Picture:
    """Draw each consumer's pending entries: for how long they look idle, and their deliveries."""
    rows: dict[str, list[object]] = {one.name: [] for one in group.consumers()}
    for held in group.pending_entries():
        minutes = held.idle_ms // 60_000
        words = f"{held.id}: idle {minutes} min, deliveries {held.deliveries}"
        rows.setdefault(held.consumer or "no consumer", []).append(Tinted(words, held.id.ms - 1))
    nothing = [Pale("holds nothing")]
    return boxes({name: held or nothing for name, held in rows.items()})


def places(
    client: redis.Redis,
    starts: Mapping[str, str],
    got: Sequence[tuple[str, Entry]],
    *,
    allowed: int,
) -> picture.Picture:
    """Draw what one read over several streams returned, and what it left unread.

    Parameters
    ----------
    client : redis.Redis
        The server.
    starts : mapping of str to str
        The key of each stream, and the ID after which it was read.
    got : sequence of pairs
        The key and the entry of each entry in the list.
    allowed : int
        How many entries the list could have had.
    """
    taken = {(key, entry.id) for key, entry in got}
    rows: dict[str, Iterable[object]] = {
        key: [
            Tinted(one.id, number) if (key, one.id) in taken else Pale(one.id, "not read")
            for one in Stream(client, key).range(f"({start}")
        ]
        for number, (key, start) in enumerate(starts.items())
    }
    reply = [Tinted(entry.id, list(starts).index(key)) for key, entry in got]
    return boxes({**rows, "the list": [*reply, *[Pale("unused")] * (allowed - len(got))]})


def _claims(steps: list[journal.Step], *names: str, others: bool = False) -> list[list[str]]:
    """Return the claims of these consumers, or of all others, in capitals but for the names."""
    return [
        [*command[:4], *(word.upper() for word in command[4:])]
        for step in steps
        for command in step
        if command[0].upper() in ("XCLAIM", "XAUTOCLAIM") and (command[3] in names) is not others
    ]


def _asked_for_a_minute(claims: list[list[str]]) -> bool:
    """Tell whether the last claim with an IDLE gave a minute or more."""
    idle = [int(one[one.index("IDLE", 5) + 1]) for one in claims if "IDLE" in one[5:]]
    return bool(idle) and idle[-1] >= _IDLE_MS


def _by_another_clock(steps: list[journal.Step]) -> bool:
    """Tell whether a claim has a recent TIME, although the server was not asked for its time."""
    commands = [words for step in steps for words in step]
    if any(words[0].upper() == "TIME" for words in commands):
        return False
    for words in commands:
        upper = [word.upper() for word in words]
        if upper[0] == "XCLAIM" and "TIME" in upper[5:]:
            time_ms = int(words[upper.index("TIME", 5) + 1])
            if abs(words.time_ms - time_ms) < _RECENT_MS:
                return True
    return False


def _given_back(words: journal.Command) -> list[str]:
    """Return the entries that gus gives back with a command: XCLAIM with IDLE or TIME, or XNACK."""
    name, upper = words[0].upper(), [word.upper() for word in words]
    if name == "XNACK" and "IDS" in upper:  # since Redis 8.8
        return journal.entry_ids(words[upper.index("IDS") + 2 :])
    if name != "XCLAIM" or words[3] != "gus":
        return []
    made_idle = "TIME" in upper or ("IDLE" in upper and upper[upper.index("IDLE") + 1] != "0")
    return journal.entry_ids(words[5:]) if made_idle else []
