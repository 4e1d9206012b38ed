"""The exercises of notebook 07: move house without losing count, and skip what is too old."""

from __future__ import annotations

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, find_group, grade, stream_of
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream


def new_house(client: redis.Redis) -> tuple[Stream, Stream]:
    """Return ``cellar`` and the empty ``tower``.

    Twenty entries were added to ``cellar``, and twelve are left; its group ``wine`` has read up
    to 15, and acknowledged.
    """
    client.delete("cellar", "tower")
    cellar = Stream(client, "cellar")
    cellar.add_many((f"{n}-0", {"bottle": n}) for n in range(1, 21))
    wine = cellar.group("wine")
    wine.create("0")
    wine.consumer("ida").read(15)
    wine.ack(*(f"{n}-0" for n in range(1, 16)))
    cellar.trim(maxlen=12)
    return cellar, Stream(client, "tower")


@hinted("`tower` is no stream: begin with new_house again.")
def check_house(tower: Stream) -> Verdict:
    """Grade exercise 1: the same entries, the same counters, and a lag that Redis can tell."""
    wine = find_group(tower, "wine")
    if wine is None:
        return Verdict(False, "there is no stream `tower`, or it has no group `wine`.")
    info = tower.info()
    ids = [entry.id.ms for entry in tower.range()]
    return grade(
        "the tower counts on where the cellar stopped, and Redis can tell the lag.",
        [
            (ids != list(range(9, 21)), f"the tower holds {len(ids)} entries: copy 9 to 20."),
            (wine.last_delivered_id != EntryId(15), f"wine stands at {wine.last_delivered_id}."),
            (
                info.entries_added != 20,
                f"the tower believes that {info.entries_added} were ever added: XSETID.",
            ),
            (wine.lag is None, "Redis says NULL: it can't know how many lie before wine's cursor."),
            (wine.lag != 5, f"Redis says that {wine.lag} wait for wine; five do."),
        ],
    )


def new_feed(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``report`` on ``feed``, which has read 200 of 1000 entries."""
    client.delete("feed")
    feed = Stream(client, "feed")
    feed.add_many((f"{n * 7}-0", {"reading": n}) for n in range(1, 1001))
    report = feed.group("report")
    report.create("0")
    report.consumer("rob").read(200, noack=True)
    return report


@hinted("`feed` is no stream any more: begin with new_feed again.")
def check_feed(report: ConsumerGroup) -> Verdict:
    """Grade exercise 2: the newest fifty wait, and Redis says so."""
    info = find_group(stream_of(report), report.name)
    if info is None or stream_of(report).length() != 1000:
        return Verdict(False, "the group or some entries are gone: begin with new_feed again.")
    waiting = len(stream_of(report).range(f"({info.last_delivered_id}"))
    return grade(
        "the newest fifty wait, and Redis can tell.",
        [
            (waiting != 50, f"{waiting} entries come after the cursor, and fifty should."),
            (info.lag is None, "fifty wait, and Redis says NULL: it does not know its place."),
            (info.lag != 50, f"fifty wait, and Redis says {info.lag}: that was a false number."),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete what the exercises have made."""
    client.delete("cellar", "tower", "feed")
