"""What passes a reader by: sent before something that it got, and never got itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry


class MissedEntries:
    """What is still to come to one reader, and what has passed it by.

    Parameters
    ----------
    sent : iterable of EntryId
        What has been sent already, in order.
    most : int
        So many are waited for at most: the newest.

    Attributes
    ----------
    coming : deque of EntryId
        What was sent, and may still come.
    lost : dict of EntryId to None
        What it never got, though it got a later one; a set that keeps the order.
    """

    def __init__(self, sent: Iterable[EntryId], most: int) -> None:
        self.coming = deque(sent, most)
        self.lost: dict[EntryId, None] = {}

    def take(self, got: Iterable[EntryId]) -> None:
        """Take what the reader got: what was sent before that, and did not come, is lost."""
        for one in got:
            while self.coming and self.coming[0] < one:
                self.lost[self.coming.popleft()] = None
            if self.coming and self.coming[0] == one:
                self.coming.popleft()
            self.lost.pop(one, None)  # who begins again may get it after all

    def forget(self, entries: Iterable[Entry]) -> None:
        """Let go what is no longer in the window."""
        for entry in entries:
            if self.coming and self.coming[0] <= entry.id:
                self.coming.popleft()
            self.lost.pop(entry.id, None)
