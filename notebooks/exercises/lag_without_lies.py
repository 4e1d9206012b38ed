"""The exercises of notebook 07: copy a stream with its counters, and skip old entries."""

from __future__ import annotations

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, count_of, find_group, grade, stream_of
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream


def new_house(client: redis.Redis) -> tuple[Stream, Stream]:
    """Return ``cellar`` and the empty ``tower``.

    Twenty entries were added to ``cellar``; eight were trimmed, and entry 12 was deleted. Its group
    ``wine`` has read and acknowledged the entries up to 15.
    """
    client.delete("cellar", "tower")
    cellar = Stream(client, "cellar")
    cellar.add_many((f"{n}-0", {"bottle": n}) for n in range(1, 21))
    wine = cellar.group("wine")
    wine.create("0")
    wine.consumer("ida").read(15)
    wine.ack(*(f"{n}-0" for n in range(1, 16)))
    cellar.trim(maxlen=12)
    cellar.delete("12-0")
    return cellar, Stream(client, "tower")


@hinted("`tower` is not a stream: start again with new_house.")
def check_house(tower: Stream) -> Verdict:
    """Grade exercise 1: the same entries and counters, and a lag that Redis can report."""
    wine = find_group(tower, "wine")
    if wine is None:
        return Verdict(False, "there is no stream `tower`, or it has no group `wine`.")
    info = tower.info()
    ids = [entry.id.ms for entry in tower.range()]
    return grade(
        "the tower continues the cellar's counters, and Redis can report the lag.",
        [
            (
                ids != [9, 10, 11, *range(13, 21)],
                f"the tower has {count_of(len(ids), 'entry', 'entries')}: copy those from 9 to 20.",
            ),
            (
                wine.last_delivered_id != EntryId(15),
                f"wine's cursor is at {wine.last_delivered_id}.",
            ),
            (
                info.entries_added != 20,
                f"the tower's count of entries ever added is {info.entries_added}: use XSETID.",
            ),
            (
                wine.lag is None,
                "Redis reports nil: it can't know how many entries come before wine's cursor.",
            ),
            (
                wine.lag != 5,
                f"Redis reports a lag of {wine.lag} for wine, but five entries are waiting.",
            ),
            (
                info.max_deleted_entry_id != EntryId(12),
                f"the tower's largest deleted ID is {info.max_deleted_entry_id}, not 12-0: Redis "
                "would report a wrong lag for a group before entry 12.",
            ),
        ],
    )


def new_feed(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``report`` on ``feed``; 800 of its 1000 entries are waiting.

    The oldest hundred of 1100 entries were trimmed.
    """
    client.delete("feed")
    feed = Stream(client, "feed")
    feed.add_many((f"{n * 7}-0", {"reading": n}) for n in range(1, 1101))
    report = feed.group("report")
    report.create("0")
    report.consumer("rob").read(300, noack=True)
    feed.trim(maxlen=1000)
    return report


@hinted("`feed` is not a stream: start again with new_feed.")
def check_feed(report: ConsumerGroup) -> Verdict:
    """Grade exercise 2: the newest fifty entries are waiting, and Redis reports it."""
    info = find_group(stream_of(report), report.name)
    if info is None or stream_of(report).length() != 1000:
        return Verdict(False, "the group or some entries are missing: start again with new_feed.")
    waiting = len(stream_of(report).range(f"({info.last_delivered_id}"))
    return grade(
        "the newest fifty entries are waiting, and Redis can report it.",
        [
            (
                waiting != 50,
                f"{count_of(waiting, 'entry is', 'entries are')} after the cursor, not fifty.",
            ),
            (
                info.lag is None,
                "fifty entries are waiting, but Redis reports nil: it can't know how many come "
                "before the cursor.",
            ),
            (
                info.lag != 50,
                f"fifty entries are waiting, but Redis reports {info.lag}: how many were ever "
                "added before the cursor? ENTRIESREAD was wrong.",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete("cellar", "tower", "feed")
