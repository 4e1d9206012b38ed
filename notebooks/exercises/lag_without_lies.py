"""The exercises of notebook 07: copy a stream with its counters, and skip old entries."""

from __future__ import annotations

from random import randint, sample

import redis

from exercises.bounded import bounded
from exercises.hints import hinted
from exercises.odd_ids import PER_MS, ids_at
from exercises.verdict import Verdict, count_of, find_group, grade, stream_of
from streamviz.client import ConsumerGroup, Entry, EntryId, GroupInfo, Stream, StreamInfo

_NEWEST = 50
_cellars: dict[str, tuple[list[Entry], StreamInfo, GroupInfo]] = {}
_feeds: dict[str, int | None] = {}


def new_house(client: redis.Redis) -> tuple[Stream, Stream]:
    """Return ``cellar`` and the empty ``tower``.

    At least twenty entries with random bottles were added to ``cellar``; all but twelve were
    trimmed, and one of these was deleted. Its group ``wine`` has read and acknowledged all but the
    last five. One of these five is broken, but not the last, and an older one is ``unbroken``. Two
    bottles are equal. The last ID is larger than that of the newest entry, as if another broken
    bottle had not come along when ``cellar`` was moved itself.
    """
    client.delete("cellar", "tower")
    cellar = Stream(client, "cellar")
    added = randint(20, 90)
    broken = added - randint(1, 4)
    bottles = ["broken" if n == broken else str(randint(1, 9999)) for n in range(1, added + 1)]
    bottles[-7], bottles[-8] = bottles[-1], "unbroken"
    ids = ids_at(sample(range(95, 1000), added // PER_MS + 1))[:added]
    cellar.add_many((one, {"bottle": kind}) for one, kind in zip(ids, bottles, strict=True))
    wine = cellar.group("wine")
    wine.create("0")
    wine.ack(*(entry.id for entry in wine.consumer("ida").read(added - 5)))
    cellar.trim(maxlen=12)
    cellar.delete(cellar.range(count=4)[-1].id)
    info = cellar.info()
    last = f"{info.last_generated_id.ms + randint(1, 9)}-{randint(0, 9)}"
    cellar.set_id(last, entries_added=added, max_deleted_id=info.max_deleted_entry_id)
    _cellars["tower"] = cellar.range(), cellar.info(), wine.info()  # a move may delete the cellar
    return cellar, Stream(client, "tower")


@hinted("`tower` is not a stream. Start again with new_house.")
def check_house(tower: Stream) -> Verdict:
    """Grade exercise 1: the same entries and counters, and a lag that Redis can report."""
    wine = find_group(tower, "wine")
    if wine is None or "tower" not in _cellars:
        return Verdict(False, "there is no stream `tower`, or it has no group `wine`.")
    info, entries = tower.info(), tower.range()
    bottles, old, group = _cellars["tower"]
    whole = [entry for entry in bottles if entry.fields["bottle"] != "broken"]
    added = old.entries_added or 0
    return grade(
        "the tower continues where the cellar stopped, and Redis can report the lag.",
        [
            (
                entries == bottles,
                "the broken bottle is in the tower. Leave it out as you copy.",
            ),
            (
                entries != whole,
                f"the tower has {count_of(len(entries), 'entry', 'entries')}. Copy those of the "
                "cellar that are not broken, with their IDs and fields.",
            ),
            (
                wine.last_delivered_id != group.last_delivered_id,
                f"wine's cursor is at {wine.last_delivered_id}, but was at "
                f"{group.last_delivered_id}.",
            ),
            (
                wine.pending > 0,
                f"{count_of(wine.pending, 'bottle is', 'bottles are')} pending in the tower, but "
                "wine had acknowledged all that it had read. Move the cursor, and deliver nothing.",
            ),
            (
                info.entries_added == len(entries),
                f"the tower's count of entries ever added is {info.entries_added}. The cellar's "
                "also counted the entries that were trimmed. Use XSETID.",
            ),
            (
                info.last_generated_id != old.last_generated_id,
                f"the tower's last ID is {info.last_generated_id}, but the cellar's was "
                f"{old.last_generated_id}. Continue from there, so that no ID is given twice.",
            ),
            (
                info.entries_added not in (added - 1, added),
                f"the tower's count of entries ever added is {info.entries_added}, but the "
                f"cellar's was {added}. Leave out only the broken bottle. An entry that was "
                "trimmed or deleted was added once, so it still counts.",
            ),
            *_lag_hints(wine, info, old, group.entries_read, len(whole)),
            (
                info.max_deleted_entry_id != old.max_deleted_entry_id,
                f"the tower's largest deleted ID is {info.max_deleted_entry_id}, not "
                f"{old.max_deleted_entry_id}. Redis would report a wrong lag for a group before "
                "that entry.",
            ),
        ],
    )


def _lag_hints(
    wine: GroupInfo, info: StreamInfo, old: StreamInfo, entries_read: int | None, whole: int
) -> list[tuple[bool, str]]:
    """Return the hints for a lag that is not 4: the tower's numbers, and those of the cellar."""
    added = old.entries_added or 0
    return [
        (
            wine.lag is None
            and (info.max_deleted_entry_id or EntryId.ZERO) >= wine.last_delivered_id,
            "Redis reports nil, because the tower's largest deleted ID is at wine's cursor or "
            "after it. The broken bottle doesn't move, so it isn't a deleted entry of the "
            "tower. Give `max_deleted_id` the cellar's own number.",
        ),
        (
            wine.lag is None,
            "Redis reports nil. It can't know how many entries come before wine's cursor.",
        ),
        (
            wine.lag == 5 and info.entries_added == added - 1,
            "Redis reports a lag of 5 for wine, but four entries are waiting. wine never read "
            "the broken bottle, so its entries-read in the cellar is right for the tower, too.",
        ),
        (
            wine.lag == 5,
            "Redis reports a lag of 5 for wine, but four entries are waiting. The tower never "
            "had the broken bottle, so don't count it.",
        ),
        (
            wine.entries_read in (0, whole),
            f"wine's entries-read is {wine.entries_read}, but was {entries_read} in the "
            f"cellar. If you gave {entries_read}, Redis lowered it to the tower's count "
            "at that moment. Use XSETID first, and then give ENTRIESREAD.",
        ),
        (
            wine.lag != 4 and info.entries_added == added,
            f"Redis reports a lag of {wine.lag} for wine, but four entries are waiting. The "
            "tower never had the broken bottle, so don't count it. wine's entries-read in the "
            "cellar is right for the tower, too.",
        ),
        (
            wine.lag != 4,
            f"Redis reports a lag of {wine.lag} for wine, but four entries are waiting. "
            "ENTRIESREAD is the number of all entries ever added up to wine's cursor, so the "
            "cellar's own number is right.",
        ),
    ]


def new_feed(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``report`` on ``feed``; 800 of its 1000 entries are waiting.

    Some older entries were trimmed. Neither the IDs nor the fields tell how many. The cursor was
    moved without ENTRIESREAD, so the server reports no lag, and reading on does not change that.
    """
    client.delete("feed")
    feed = Stream(client, "feed")
    trimmed = randint(1, 400)
    ids = _feed_ids(1000 + trimmed)
    feed.add_many((one, {"reading": randint(2000, 9999)}) for one in ids)
    report = feed.group("report")
    report.create("0")
    report.consumer("rob").read(200 + trimmed, noack=True)
    feed.trim(maxlen=1000)
    report.set_id(str(report.info().last_delivered_id))
    _feeds["feed"] = feed.info().entries_added
    return Stream(bounded(client), "feed").group("report")


def _feed_ids(number: int) -> list[str]:
    """Return IDs of which the newest fifty begin with a sequence number of 0.

    The number of their millisecond has one digit more than the one before. The ID before has the
    millisecond before, and the largest sequence number, so taking one from the sequence number, or
    from the millisecond alone, doesn't give it.
    """
    later = -(-_NEWEST // PER_MS)
    before = [*sample(range(1000, 9999), number // PER_MS), 9999]
    newest = ids_at([10_000, *sample(range(10_001, 11_000), later - 1)])[:_NEWEST]
    return [*ids_at(before), *newest][-number:]


@hinted("`feed` is not a stream. Start again with new_feed.")
def check_feed(report: ConsumerGroup) -> Verdict:
    """Grade exercise 2: the newest fifty entries are waiting, and Redis reports it."""
    info = find_group(stream_of(report), report.name)
    if info is None:
        return Verdict(False, "the group is missing. Start again with new_feed.")
    if (length := stream_of(report).length()) != 1000:
        return Verdict(
            False,
            f"the feed has {length} entries, but had 1000. Start again with new_feed, and move "
            "only the cursor.",
        )
    if stream_of(report).info().entries_added != _feeds.get("feed"):
        return Verdict(
            False,
            "the feed's count of entries ever added has changed, so every other group's lag is "
            "wrong. Start again with new_feed, and move only the cursor.",
        )
    waiting = len(stream_of(report).range(f"({info.last_delivered_id}"))
    pending = count_of(info.pending, "entry is", "entries are")
    moved = waiting not in (0, 800)
    return grade(
        "the newest fifty entries are waiting, and Redis can report it.",
        [
            (
                waiting != 50,
                f"{count_of(waiting, 'entry is', 'entries are')} after the cursor, not fifty."
                f"{' IDs are pairs of numbers: count entries, not milliseconds.' * moved}",
            ),
            (
                info.pending > 0,
                f"fifty entries are waiting, but {pending} pending. You had them delivered. Move "
                "the cursor, and read nothing.",
            ),
            (
                info.lag is None,
                "fifty entries are waiting, but Redis reports nil. It can't know how many come "
                "before the cursor unless you say so.",
            ),
            (
                info.lag != 50,
                f"fifty entries are waiting, but Redis reports {info.lag}. ENTRIESREAD was wrong. "
                "How many entries were ever added up to the cursor?",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete("cellar", "tower", "feed")
