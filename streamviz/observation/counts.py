"""How many entries follow each of some IDs, as far as numbers and ranges prove it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from operator import attrgetter

from streamviz.client.entry_id import EntryId
from streamviz.client.models import StreamInfo
from streamviz.observation.counting import Lookahead


class Contradiction(Exception):
    """Two proofs disagree: something happened that leaves no trace."""


class Counts:
    """How many entries follow each of some IDs.

    That is known of the stream's ends, of what earlier samples proved and still holds (`carried`),
    and from ranges of its entries. Contradiction if these disagree.
    """

    def __init__(
        self, stream: StreamInfo, carried: Mapping[EntryId, int], ranges: Iterable[Lookahead]
    ) -> None:
        ends = {EntryId.ZERO: stream.length, EntryId.MAX: 0}
        self._ids, self._counts = [*ends], [*ends.values()]
        self._keys = [(one.ms, one.seq) for one in ends]  # compared faster than IDs
        if stream.first_entry and stream.last_entry:
            self._add(stream.first_entry.id, stream.length - 1)
            self._add(stream.last_entry.id, 0)
        for entry_id, count in carried.items():
            self._add(entry_id, count)
        falling = sorted(ranges, key=attrgetter("after"), reverse=True)
        apart = [one for one in falling if not self._connects(one)]
        for one in reversed(apart):  # a range may connect two others, either way
            self._connects(one)

    def get(self, entry_id: EntryId) -> int | None:
        """Return how many entries follow an ID, if it is one of those."""
        i = self._place(entry_id)
        return self._counts[i] if self._ids[i] == entry_id else None

    def after(self, cursor: EntryId, ranges: Iterable[Lookahead]) -> int | None:
        """Return how many entries follow `cursor`; None if unknown."""
        count = self.get(cursor)
        if count is not None:
            return count
        for one in ranges:
            if one.after <= cursor <= one.end and (count := self.get(one.after)) is not None:
                return count - one.up_to(cursor)
        return None

    def around(self, cursor: EntryId) -> list[tuple[EntryId, int]]:
        """Return the nearest IDs before and after `cursor`, or twice itself, with their numbers."""
        i = self._place(cursor)
        below = i if self._ids[i] == cursor else i - 1
        return [(self._ids[one], self._counts[one]) for one in (below, i)]

    def _place(self, entry_id: EntryId) -> int:
        return bisect_left(self._keys, (entry_id.ms, entry_id.seq))

    def _connects(self, one: Lookahead) -> bool:
        """Add the ends of a range, if a number inside it is known; tell whether one is."""
        i = self._place(one.after)
        inside = self._ids[i]
        if inside > one.end:
            return False
        count = self._counts[i] + one.up_to(inside)
        self._add(one.after, count)
        self._add(one.end, count - len(one.ids))
        return True

    def _add(self, entry_id: EntryId, count: int) -> None:
        i, counts = self._place(entry_id), self._counts
        if self._ids[i] == entry_id:
            if counts[i] != count:
                raise Contradiction
            return
        if not counts[i] <= count <= counts[i - 1]:
            raise Contradiction
        self._ids.insert(i, entry_id)
        self._keys.insert(i, (entry_id.ms, entry_id.seq))
        counts.insert(i, count)
