"""Decide how far the entries of several streams can be returned in order of their IDs.

A page has at most COUNT entries of each stream. If a stream fills its page, it may have more. So
the entries of other streams after that page's last ID must wait, or the next page would go back
in time. The smallest such last ID is the *horizon*. A stream that does not fill its page has no
more entries at that moment, so it sets no horizon.
"""

from __future__ import annotations

from collections.abc import Iterable

from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry

Page = list[tuple[str, Entry]]


def full_page_ends(entries: Iterable[tuple[str, Entry]], count: int) -> list[EntryId]:
    """Return the last ID of each stream that fills its page, and so may have more."""
    pages: dict[str, list[EntryId]] = {}
    for key, entry in entries:
        pages.setdefault(key, []).append(entry.id)
    return [max(ids) for ids in pages.values() if len(ids) >= count]


def split_at_horizon(
    entries: Iterable[tuple[str, Entry]], ends: Iterable[EntryId]
) -> tuple[Page, Page]:
    """Return the entries up to the horizon, the smallest of `ends`, and those that must wait."""
    horizon = min(ends, default=EntryId.MAX)
    ordered = sorted(entries, key=lambda pair: (pair[1].id, pair[0]))
    return (
        [pair for pair in ordered if pair[1].id <= horizon],
        [pair for pair in ordered if pair[1].id > horizon],
    )
