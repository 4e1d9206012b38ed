"""Count the entries that follow an ID, from what successive samples prove.

The server's counters (``entries-added``, ``entries-read``) can be set to anything by XSETID and
XGROUP, so no number is derived from them here. A number is known if the entries were counted in
this sample, or in an earlier one and none of them was removed since. The counters only raise
doubts: if they disagree with a count, nothing is carried over. Three rewrites leave no trace:
XSETID with a false MAXDELETEDID and the stream's own last ID; a group that is set back and forth;
and a group that is destroyed and created again. They mislead only if entries are removed in the
same interval. If all entries are removed then, and others added, a smaller ENTRIESADDED looks like
a new stream. Another stream in its place that has the same length, ends, counters and cursors looks
like the old one.

Everything here is pure: replies go in, numbers come out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from streamviz.client import replies
from streamviz.client.entry_id import EntryId
from streamviz.client.models import StreamInfo


@dataclass(slots=True)
class Lookahead:
    """All entries between two IDs: the reply to ``XRANGE key (after + COUNT n``, or to XREVRANGE.

    They are all there up to the ID `end`. ValueError if the IDs do not rise, or do not follow
    `after`.
    """

    after: EntryId  # the ID before them
    ids: Sequence[bytes]  # rising, as the server wrote them
    complete: bool  # whether the stream has no more after them
    until: EntryId | None = None  # the last ID that was asked for; by default, the last of `ids`
    asked: bool = True  # whether `after` was; else it's known from the first of `ids`
    end: EntryId = field(init=False)

    def __post_init__(self) -> None:
        ids = list(self.ids)
        rising = ids == sorted(ids) or ids == sorted(ids, key=_parts)  # most are of one length
        if not rising or len(set(ids)) < len(ids):
            raise ValueError("the IDs do not rise")
        if ids and _parts(ids[0]) <= (self.after.ms, self.after.seq):
            raise ValueError(f"the first ID should be after {self.after}")
        if self.complete:
            self.end = EntryId.MAX
        else:
            self.end = self.until or (replies.entry_id(ids[-1]) if ids else self.after)

    def up_to(self, cursor: EntryId) -> int:
        """Return how many of them are not after `cursor`."""
        if cursor <= self.after:  # the usual case: the group read nothing between two samples
            return 0
        ids = self.ids
        if ids and _parts(ids[-1]) <= (cursor.ms, cursor.seq):
            return len(ids)
        return bisect_right(ids, (cursor.ms, cursor.seq), key=_parts)

    def beyond(self, cursor: EntryId) -> int:
        """Return how many of them are after `cursor`."""
        return len(self.ids) - self.up_to(cursor)

    def places(self, entry_id: EntryId) -> bool:
        """Tell whether an entry's place among them is certain, even if one ID was misread.

        Next to an end that is only known from the ID there, another entry may look like it.
        """
        if self.complete and entry_id == EntryId.MAX:
            return True
        if entry_id == self.until or (self.asked and entry_id == self.after):
            return True
        last = self.up_to(entry_id) - 1
        if last < 0 or _parts(self.ids[last]) != (entry_id.ms, entry_id.seq):
            return False
        closed = self.complete or self.until is not None
        return (self.asked or last > 0) and (closed or last < len(self.ids) - 1)


@dataclass(slots=True)
class StreamDelta:
    """What changed in the stream from one sample to the next.

    `added` is how many entries follow the last ID of the previous sample, and `removed` how many
    entries of that sample are no longer there; None if unknown.
    """

    old: StreamInfo  # in the previous sample
    now: StreamInfo
    counted: int | None  # entries after the last ID of the previous sample; None if too many
    has_anchor: bool  # whether its last entry was seen again, unless entries are too large to ask
    lost_anchor: bool  # whether it is certain that its last entry is not there
    of_one_moment: bool  # whether nothing can have happened between two replies
    # none after it can have been trimmed as ACKED by all groups (8.2); the largest without groups
    acked_up_to: EntryId
    added: int | None = field(init=False)
    removed: int | None = field(init=False)
    _kept_from: EntryId | None = field(init=False)  # from here on, nothing unread was removed

    def __post_init__(self) -> None:
        self.added = added = self._find_added()
        self.removed = None if added is None else self.old.length + added - self.now.length
        self._kept_from = self._find_kept_from()

    @property
    def counter(self) -> int:
        """How many entries the server says were added."""
        return entries_added(self.now) - entries_added(self.old)

    def _find_added(self) -> int | None:
        if self.counted is not None:
            return self.counted
        old, now = self.old.first_entry, self.now.first_entry
        same_head = old is not None and now is not None and old.id == now.id
        grown = self.now.length - self.old.length
        if same_head and now and largest_deleted(self.now) <= now.id and self.counter == grown:
            # nothing was removed at the head, and XDEL never removed what follows it; but RESTORE
            # can bring back an older stream that has grown by the same number since
            return grown if self.has_anchor else None
        return None

    def keeps(self, after: EntryId) -> bool:
        """Tell whether all entries after an ID are still there, apart from new ones."""
        return self.keeps_unread(after) and (self.removed == 0 or self.acked_up_to <= after)

    def keeps_unread(self, after: EntryId) -> bool:
        """Tell whether of the entries after an ID only those were removed that all groups read."""
        lowest = self._kept_from
        return lowest is not None and lowest <= after

    def _find_kept_from(self) -> EntryId | None:
        removed, old, now = self.removed, self.old.first_entry, self.now.first_entry
        if removed is None or removed < 0 or (old and now and now.id < old.id):
            return None
        if removed == 0:
            return EntryId.ZERO if old is None or (now and old.id == now.id) else None
        first = now.id if now else EntryId.MAX
        return None if self.was_rewritten else max(first, largest_deleted(self.now))

    @property
    def is_another(self) -> bool:
        """Whether the key was deleted and now holds another stream.

        Then its last ID went back, an entry has changed or is where none can be added, or entries
        are gone that nothing has removed. A smaller number of added entries proves nothing: XSETID
        sets it.
        """
        old, now = self.old, self.now
        head, first, last = old.first_entry, now.first_entry, old.last_generated_id
        if now.last_generated_id < last:
            return True
        if first is None:
            return False
        sure = self.of_one_moment and self.counted is not None
        gone = old.length + (self.counted or 0) - now.length if sure else 0
        if gone < 0 or first.id < (head.id if head else last):
            return True
        reset = largest_deleted(now) < largest_deleted(old) and self.acked_up_to == EntryId.MAX
        if first.id > last:  # all entries are new
            return now.length > self.counter or reset
        if head is None or head.id < first.id:  # or XTRIM, and XSETID with ENTRIESADDED alone
            return head is not None and reset and self._removed_none
        changed = head.fields and first.fields and head != first
        is_after_deleted = max(largest_deleted(now), self.acked_up_to) <= first.id
        return bool(changed) or (gone > 0 and (is_after_deleted or self._removed_none))

    @property
    def lost_its_last(self) -> bool:
        """Whether the last entry of the previous sample is gone, and nothing has removed it."""
        last, first = self.old.last_entry, self.now.first_entry
        if not (self.of_one_moment and self.lost_anchor and last and first):
            return False
        lowest = max(first.id, largest_deleted(self.now), self.acked_up_to)
        return lowest < last.id or (first.id < last.id and self._removed_none)

    @property
    def _removed_none(self) -> bool:
        """Whether no group is left, and the server says that no entry was ever removed."""
        now, alone = self.now, self.acked_up_to == EntryId.MAX
        return alone and entries_added(now) == now.length and largest_deleted(now) == EntryId.ZERO

    @property
    def was_rewritten(self) -> bool:
        """Whether XSETID may have rewritten what the server says about removed entries."""
        old, now = self.old, self.now
        last = now.last_entry.id if now.last_entry else EntryId.ZERO
        jump = now.last_generated_id not in (old.last_generated_id, last, largest_deleted(now))
        back = largest_deleted(now) < largest_deleted(old)
        return self.counter != self.added or jump or back

    @property
    def is_odd(self) -> bool:
        """Whether the server says what only XSETID, or a wrong byte, can make it say."""
        is_certain = self.added is not None and not may_have_swept(self.old, self.now)
        return is_certain and self.was_rewritten


def entries_added(stream: StreamInfo) -> int:
    """Return how many entries were ever added; 0 where the server does not count them."""
    return stream.entries_added or 0


def largest_deleted(stream: StreamInfo) -> EntryId:
    """Return the largest ID that XDEL removed; ``0-0`` if none."""
    return stream.max_deleted_entry_id or EntryId.ZERO


def first_id(stream: StreamInfo) -> EntryId:
    """Return the ID of the oldest entry; the largest that there is if the stream is empty."""
    return stream.first_entry.id if stream.first_entry else EntryId.MAX


def may_have_swept(old: StreamInfo, now: StreamInfo) -> bool:
    """Tell whether entries that were added since can be gone already."""
    return max(first_id(now), largest_deleted(now)) > old.last_generated_id


def count_at_ends(cursor: EntryId, stream: StreamInfo) -> int | None:
    """Return how many entries follow `cursor` if it is outside the stream's entries."""
    if stream.first_entry is None or stream.last_entry is None or cursor >= stream.last_entry.id:
        return 0
    return stream.length if cursor < stream.first_entry.id else None


@lru_cache(4096)
def _parts(entry_id: bytes) -> tuple[int, int]:
    ms, _, seq = entry_id.partition(b"-")  # the server wrote it, so no check is needed
    return int(ms), int(seq)
