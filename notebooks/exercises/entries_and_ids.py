"""The exercises of notebook 01: IDs that share a millisecond, and a range of time."""

from __future__ import annotations

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, grade
from streamviz.client.entry_id import EntryId
from streamviz.client.stream import Stream

MINUTE_MS = range(60_000, 120_000)


def new_desk(client: redis.Redis) -> Stream:
    """Return the stream ``desk``, empty."""
    client.delete("desk")
    return Stream(client, "desk")


@hinted("`desk` is not a stream: start again with new_desk.")
def check_desk(desk: Stream) -> Verdict:
    """Grade exercise 1: three entries in the millisecond 5000, numbered by the server."""
    ids = [entry.id for entry in desk.range()]
    elsewhere = sum(one.ms != 5000 for one in ids)
    return grade(
        f"{', '.join(map(str, ids))} share a millisecond, and the server numbered them.",
        [
            (
                elsewhere > 0,
                f"{elsewhere} of {len(ids)} entries are in another millisecond: put yours in the "
                "ID.",
            ),
            (len(ids) != 3, f"the stream has {len(ids)} entries, not 3."),
            (
                [one.seq for one in ids] != [0, 1, 2],
                "the server counts 0, 1, 2 if you leave the sequence number to it.",
            ),
        ],
    )


def new_day(client: redis.Redis) -> tuple[Stream, Stream]:
    """Return ``day``, with an entry every ten seconds for an hour, and ``minute``, empty."""
    client.delete("day", "minute")
    day = Stream(client, "day")
    day.add_many(
        (f"{ms}-1" if ms == 0 else f"{ms}-0", {"at": ms}) for ms in range(0, 3_600_000, 10_000)
    )
    return day, Stream(client, "minute")


@hinted("`minute` is not a stream: start again with new_day.")
def check_day(minute: Stream) -> Verdict:
    """Grade exercise 2: the entries of the second minute and no others, with the same IDs."""
    ids = [entry.id for entry in minute.range()]
    late = [str(one) for one in ids if one >= EntryId(MINUTE_MS.stop)]
    early = [str(one) for one in ids if one < EntryId(MINUTE_MS.start)]
    return grade(
        "six entries, from 60000-0 up to 110000-0.",
        [
            (not ids, "the stream `minute` is empty."),
            (bool(late), f"the third minute, not the second, has {', '.join(late)}."),
            (bool(early), f"the first minute, not the second, has {', '.join(early)}."),
            (len(ids) != 6, f"the second minute has 6 entries; you copied {len(ids)}."),
            (
                ids != [EntryId(ms) for ms in MINUTE_MS[::10_000]],
                f"{', '.join(map(str, ids))} are not the IDs in `day`: keep each entry's ID.",
            ),
        ],
    )
