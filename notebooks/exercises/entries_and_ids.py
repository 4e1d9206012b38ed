"""The exercises of notebook 01: IDs that share a millisecond, and a span of time."""

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


@hinted("`desk` is no stream: begin with new_desk again.")
def check_desk(desk: Stream) -> Verdict:
    """Grade exercise 1: three entries in the millisecond 5000, counted by the server."""
    ids = [entry.id for entry in desk.range()]
    elsewhere = sum(found.ms != 5000 for found in ids)
    return grade(
        f"{', '.join(map(str, ids))} share a millisecond, and the server counted.",
        [
            (
                elsewhere > 0,
                f"{elsewhere} of {len(ids)} lie in another millisecond: name yours in the ID.",
            ),
            (len(ids) != 3, f"the stream holds {len(ids)} entries, not 3."),
            (
                [found.seq for found in ids] != [0, 1, 2],
                "the server counts 0, 1, 2 when you leave the sequence to it.",
            ),
        ],
    )


def new_day(client: redis.Redis) -> tuple[Stream, Stream]:
    """Return the stream ``day``, an entry every ten seconds of an hour, and ``minute``, empty."""
    client.delete("day", "minute")
    day = Stream(client, "day")
    day.add_many(
        (f"{ms}-1" if ms == 0 else f"{ms}-0", {"at": ms}) for ms in range(0, 3_600_000, 10_000)
    )
    return day, Stream(client, "minute")


@hinted("`minute` is no stream: begin with new_day again.")
def check_day(minute: Stream) -> Verdict:
    """Grade exercise 2: the second minute and nothing else, under the same IDs."""
    ids = [entry.id for entry in minute.range()]
    late = [str(found) for found in ids if found >= EntryId(MINUTE_MS.stop)]
    early = [str(found) for found in ids if found < EntryId(MINUTE_MS.start)]
    return grade(
        "six entries, from 60000-0 up to 110000-0.",
        [
            (not ids, "the stream `minute` is empty."),
            (bool(late), f"{', '.join(late)} lies in the third minute already."),
            (bool(early), f"{', '.join(early)} lies in the first minute."),
            (len(ids) != 6, f"the second minute has 6 entries; you copied {len(ids)}."),
            (
                ids != [EntryId(ms) for ms in MINUTE_MS[::10_000]],
                f"{', '.join(map(str, ids))} are not the IDs in `day`: keep each entry's own.",
            ),
        ],
    )
