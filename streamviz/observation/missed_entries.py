"""Find the entries that a reader missed: added before an entry that it got, and never received."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry


class MissedEntries:
    """What one reader may still get, and what it missed.

    Parameters
    ----------
    added : iterable of EntryId
        Entries added so far, in order.
    limit : int
        How many expected entries to keep at most: the newest.

    Attributes
    ----------
    expected : deque of EntryId
        Entries that were added and that the reader may still get.
    missed : dict of EntryId to None
        Entries that the reader did not get, although it got a later one; an ordered set.
    """

    def __init__(self, added: Iterable[EntryId], limit: int) -> None:
        self.expected = deque(added, limit)
        self.missed: dict[EntryId, None] = {}

    def receive(self, ids: Iterable[EntryId]) -> None:
        """Note what the reader got: earlier entries that it did not get are missed."""
        for entry_id in ids:
            while self.expected and self.expected[0] < entry_id:
                self.missed[self.expected.popleft()] = None
            if self.expected and self.expected[0] == entry_id:
                self.expected.popleft()
            self.missed.pop(entry_id, None)  # a reader that starts again may get it after all

    def forget(self, entries: Iterable[Entry]) -> None:
        """Forget entries that are no longer in the window."""
        for entry in entries:
            if self.expected and self.expected[0] <= entry.id:
                self.expected.popleft()
            self.missed.pop(entry.id, None)
