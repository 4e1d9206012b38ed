"""Find the entries that a reader missed: added before an entry that it got, and never received."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.observation.sample import Sample


class MissedEntries:
    """The entries that one reader may still get, and those that it missed."""

    def __init__(self, added: Iterable[EntryId], limit: int) -> None:
        self.expected = deque(added, limit)  # the newest that it may still get
        self.missed: dict[EntryId, None] = {}  # although it got a later one; an ordered set

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


class MissedByReaders:
    """What each reader missed, if it reports what it gets."""

    def __init__(self, limit: int) -> None:
        self._limit = limit  # of expected entries for each of them
        self._readers: dict[str, MissedEntries] = {}
        self._newest_id = EntryId.ZERO

    def by(self, reader: str) -> tuple[EntryId, ...]:
        """Return what a reader missed."""
        entries = self._readers.get(reader)
        return tuple(entries.missed) if entries else ()

    def follow(self, sample: Sample, window: Iterable[Sample]) -> None:
        """Note the next sample after those of a window."""
        if sample.entries and sample.entries[0].id <= self._newest_id:
            self._readers.clear()  # another stream under the same key
        if sample.entries:
            self._newest_id = sample.entries[-1].id
        for name in [one.name for one in sample.readers if one.got]:
            if name not in self._readers:
                earlier = (entry.id for one in window for entry in one.entries)
                self._readers[name] = MissedEntries(earlier, self._limit)
        for entries in self._readers.values():
            entries.expected.extend(entry.id for entry in sample.entries)
        for reader in sample.readers:
            if reader.got:
                self._readers[reader.name].receive(reader.got)

    def keep(self, names: Collection[str]) -> None:
        """Forget the other readers."""
        for name in self._readers.keys() - set(names):
            del self._readers[name]

    def forget(self, entries: Iterable[Entry]) -> None:
        """Forget entries that are no longer in the window."""
        for one in self._readers.values():
            one.forget(entries)
