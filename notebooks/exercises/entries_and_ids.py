"""The exercises of notebook 01: IDs that share a millisecond, and a range of time."""

from __future__ import annotations

from random import randint

import redis

from exercises import journal
from exercises.boxes import Lost, boxes
from exercises.hints import hinted
from exercises.picture import Picture
from exercises.verdict import Verdict, count_of, grade
from streamviz.client import Entry, EntryId, Stream
from streamviz.errors import InputError

MINUTE_MS = range(60_000, 120_000)
_LAST_MS = MINUTE_MS.start - 1, MINUTE_MS.stop - 1
_SHARED_MS = 90_000  # in the second minute, the millisecond of two entries
_FEWEST, _COPIES = 100, 8
_LARGEST_SEQ = 2**64 - 1
_OPTIONS = {"NOMKSTREAM": 1, "KEEPREF": 1, "DELREF": 1, "ACKED": 1, "LIMIT": 2}
_OPTIONS |= {"MAXLEN": 2, "MINID": 2, "IDMPAUTO": 2, "IDMP": 3}
_begun: dict[str, list[Entry]] = {}


def new_desk(client: redis.Redis) -> Stream:
    """Return the stream ``desk``; in millisecond 5000, it has a random number of guests."""
    client.delete("desk")
    desk = Stream(client, "desk")
    desk.add_many([("5000-*", {"guest": "another"})] * randint(_FEWEST, 10 * _FEWEST))
    _begun["desk"] = desk.range()
    journal.start(client, "desk")
    return desk


@hinted("`desk` is not a stream. Start again with new_desk.")
def check_desk(desk: Stream) -> Verdict:
    """Grade exercise 1: three more entries in millisecond 5000, numbered by the server."""
    entries = desk.range()
    old = {entry.id for entry in _begun["desk"]}
    ids = [entry.id for entry in entries if entry.id not in old]
    before = len(old)
    left_again = (desk.info().entries_added or 0) - before - len(ids)
    gap = [one.seq for one in ids] != [before, before + 1, before + 2]
    elsewhere = sum(one.ms != 5000 for one in ids)
    commands = [one for step in journal.stop(desk.client, "desk") or () for one in step]
    added = [one for one in commands if one[0].upper() == "XADD" and one[1] == "desk"]
    numbered = any(_is_numbered(_id_sent(one), ids) for one in added)
    return grade(
        "all three share millisecond 5000, and the server numbered them.",
        [
            (
                elsewhere > 0,
                f"{elsewhere} of {len(ids)} entries {'is' if elsewhere == 1 else 'are'} in another "
                "millisecond. Put 5000 in the ID.",
            ),
            (
                len(entries) - len(ids) < before,
                "the guests from before are gone. Start again with new_desk.",
            ),
            (len(ids) != 3, f"you added {count_of(len(ids), 'entry', 'entries')}, not 3."),
            (
                left_again > 0,
                f"you added {count_of(left_again, 'more entry', 'more entries')}, which "
                f"{'is' if left_again == 1 else 'are'} gone again. A sequence number is never "
                "used twice. Add exactly three. Start again with new_desk.",
            ),
            (
                gap,
                "the server leaves no gap if you leave the sequence number to it.",
            ),
            (
                numbered,
                "you chose the sequence numbers. Let the server choose them. If you read the last "
                "one and add 1, another writer may take that number first.",
            ),
        ],
    )


def _id_sent(command: journal.Command) -> str:
    """Return the ID in an XADD, which stands after its options."""
    at = 2
    while at < len(command) and (length := _OPTIONS.get(command[at].upper())):
        at += length + (length == 2 and command[at + 1] in ("=", "~"))
    return command[at] if at < len(command) else ""


def _is_numbered(sent: str, ids: list[EntryId]) -> bool:
    """Tell whether an ID was sent with its sequence number, and not refused."""
    if sent in ("*", "5000-*"):
        return False
    try:
        return EntryId.parse(sent) in ids
    except InputError:
        return True


def new_day(client: redis.Redis) -> tuple[Stream, Stream]:
    """Return ``day``, with at least one entry every ten seconds for an hour, and ``minute``, empty.

    Each entry has its time and a random temperature. The last millisecond of each of the first two
    minutes has an entry, too, whose sequence number has twenty digits. In the second minute, some
    more sequence numbers are random, and two entries share a millisecond.
    """
    client.delete("day", "minute")
    day = Stream(client, "day")
    ids = [EntryId(ms, _sequence(ms)) for ms in (*range(0, 3_600_000, 10_000), *_LAST_MS)]
    ids.append(EntryId(_SHARED_MS, randint(1000, 1999)))
    day.add_many((str(one), {"at": one.ms, "celsius": randint(-20, 40)}) for one in sorted(ids))
    _begun["day"] = day.range()
    return day, Stream(client, "minute")


def _sequence(ms: int) -> int:
    """Return a sequence number: inside the second minute, one that can't be guessed."""
    if ms in _LAST_MS:
        return _LARGEST_SEQ - randint(0, 99)
    return randint(1, 999) if MINUTE_MS.start < ms < MINUTE_MS.stop else int(ms == 0)


def _minute(minute: Stream) -> Picture | None:
    """Draw the copies' milliseconds: some of their sequence numbers are random."""
    copies = [entry.id for entry in minute.range()]
    if not copies:  # the picture would give the answer away
        return None
    around = [entry.id for entry in _begun["day"] if 50_000 < entry.id.ms <= 120_000]
    row = [
        one.ms if one in copies else Lost(one.ms) if one.ms in MINUTE_MS else None for one in around
    ]
    more = [one.ms for one in copies if one not in around][:8]
    rows: dict[str, list[object]] = {"day, ms": [one.ms for one in around], "minute, ms": [*row]}
    return boxes(rows | ({"others, ms": [*more]} if more else {}))


@hinted("`minute` is not a stream. Start again with new_day.", shows=_minute)
def check_day(minute: Stream) -> Verdict:
    """Grade exercise 2: the entries of the second minute and no others, with the same IDs."""
    copies, day = minute.range(), _begun["day"]
    ids = [entry.id for entry in copies]
    late = [str(one) for one in ids if one >= EntryId(MINUTE_MS.stop)]
    early = [str(one) for one in ids if one < EntryId(MINUTE_MS.start)]
    shared = sum(one.ms == _SHARED_MS for one in ids)
    to_the_end = any(one.ms == MINUTE_MS[-1] for one in ids)
    return grade(
        "all eight entries, from millisecond 60000 to millisecond 119999.",
        [
            (
                Stream(minute.client, "day").range() != day,
                "`day` has changed. Start again with new_day, copy its entries, and leave them "
                "there.",
            ),
            (not ids, "the stream `minute` is empty."),
            (
                not set(ids) <= {entry.id for entry in day},
                f"{', '.join(map(str, ids))} are not the IDs in `day`. Keep each entry's ID.",
            ),
            (
                bool(late),
                f"you copied entries from after the second minute, {', '.join(late[:9])}.",
            ),
            (
                bool(early),
                f"you copied entries from before the second minute, {', '.join(early[:9])}.",
            ),
            (
                len(ids) == _COPIES - 1 and shared == 1,
                f"you copied {len(ids)} entries, but the second minute has {_COPIES}. Two of them "
                "share a millisecond. Only the whole ID tells them apart.",
            ),
            (
                len(ids) == _COPIES - 1 and not to_the_end,
                f"the second minute has {_COPIES} entries, and you copied {len(ids)}. One is "
                f"missing in millisecond {MINUTE_MS[-1]}. A sequence number may have up to twenty "
                "digits.",
            ),
            (
                len(ids) != _COPIES,
                f"the second minute has {_COPIES} entries, and you copied {len(ids)}.",
            ),
            (
                any(copy not in day for copy in copies),
                "the IDs are right, but the fields are not those in `day`. Copy them, too.",
            ),
        ],
    )
