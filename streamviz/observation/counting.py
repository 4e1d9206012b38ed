"""Count the entries that follow a group's cursor, from what successive samples prove.

An entry's index is how many entries had ever been added up to it: the stream's ``entries-added``
minus the entries after it. So the index of a group's cursor gives the group's lag.

Everything here is pure: replies go in, numbers come out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from streamviz.client.entry_id import EntryId
from streamviz.client.models import GroupInfo, StreamInfo


@dataclass(frozen=True, slots=True)
class Lookahead:
    """The first entries after an ID: the reply to ``XRANGE key (after + COUNT n``.

    Attributes
    ----------
    after : EntryId
        The ID before them.
    ids : sequence of bytes
        Their IDs, rising, as the server wrote them.
    complete : bool
        Whether the stream has no more.
    """

    after: EntryId
    ids: Sequence[bytes]
    complete: bool

    def up_to(self, cursor: EntryId) -> int:
        """Return how many of them are not after `cursor`."""
        if cursor <= self.after:  # the usual case: the group read nothing between two samples
            return 0
        return _up_to(self.ids, cursor)

    def reaches(self, cursor: EntryId) -> bool:
        """Tell whether they include every entry from `after` up to `cursor`."""
        covered = self.complete or bool(self.ids and EntryId.parse(self.ids[-1]) >= cursor)
        return covered and self.after <= cursor


@dataclass(frozen=True, slots=True)
class KnownOffset:
    """An ID whose index is known.

    Attributes
    ----------
    id : EntryId
        The ID, of a group's cursor or of an entry.
    index : int
        How many entries had ever been added up to the ID.
    stream : StreamInfo
        The stream when this was known.
    entries_read : int or None
        The server's own number for the index, if the ID is a group's cursor.
    """

    id: EntryId
    index: int
    stream: StreamInfo
    entries_read: int | None = None


@dataclass(frozen=True, slots=True)
class StreamDelta:
    """What changed in the stream from one sample to the next.

    Attributes
    ----------
    stream : StreamInfo
        The stream now.
    new_count : int or None
        Entries after the last ID of the previous sample; None if there were too many to count.
    """

    stream: StreamInfo
    new_count: int | None

    def keeps(self, offset: KnownOffset) -> bool:
        """Tell whether `offset` still holds: nothing was removed after it, no counter rewritten."""
        old, now = offset.stream, self.stream
        added = entries_added(now) - entries_added(old)
        removed = added - (now.length - old.length)
        if added < 0 or removed < 0 or self.new_count not in (None, added):
            return False
        first = now.first_entry.id if now.first_entry else EntryId.MAX
        if removed:
            return largest_deleted(now) <= offset.id and first <= offset.id
        return old.first_entry is None or old.first_entry.id == first


def entries_added(stream: StreamInfo) -> int:
    """Return how many entries were ever added; 0 where the server does not count them."""
    return stream.entries_added or 0


def largest_deleted(stream: StreamInfo) -> EntryId:
    """Return the largest ID that XDEL removed; ``0-0`` if none."""
    return stream.max_deleted_entry_id or EntryId.ZERO


def count_at_ends(cursor: EntryId, stream: StreamInfo) -> int | None:
    """Return how many entries follow `cursor` if it is outside the stream's entries."""
    if stream.first_entry is None or stream.last_entry is None or cursor >= stream.last_entry.id:
        return 0
    return stream.length if cursor < stream.first_entry.id else None


def count_waiting(cursor: EntryId, stream: StreamInfo, lookahead: Lookahead | None) -> int | None:
    """Return how many entries follow `cursor` if this sample alone proves it."""
    waiting = count_at_ends(cursor, stream)
    if waiting is None and lookahead and lookahead.complete and lookahead.after <= cursor:
        return len(lookahead.ids) - lookahead.up_to(cursor)
    return waiting


def least_waiting(cursor: EntryId, stream: StreamInfo, lookahead: Lookahead | None) -> int:
    """Return how many entries follow `cursor` at least."""
    waiting = count_at_ends(cursor, stream)
    if waiting is not None:
        return waiting
    return max(1, len(lookahead.ids) - lookahead.up_to(cursor)) if lookahead else 1


def count_to_front(front: KnownOffset, cursor: EntryId, lookahead: Lookahead) -> int | None:
    """Return the cursor's index, counted up to a known offset at or after it.

    Entries that were removed before the cursor do not matter, so this rule keeps working.
    """
    if not (lookahead.after <= cursor <= front.id and lookahead.reaches(front.id)):
        return None
    return front.index - (lookahead.up_to(front.id) - lookahead.up_to(cursor))


def furthest_known(offset: KnownOffset, lookahead: Lookahead) -> KnownOffset:
    """Return the last entry whose index follows from a known offset before it."""
    beyond = len(lookahead.ids) - lookahead.up_to(offset.id)
    if beyond <= 0 or lookahead.after > offset.id:
        return offset
    return KnownOffset(EntryId.parse(lookahead.ids[-1]), offset.index + beyond, offset.stream)


def follow_server_counter(
    offset: KnownOffset, delta: StreamDelta, group: GroupInfo, least: int
) -> int | None:
    """Return the cursor's index if the server's own counter still gives it.

    Parameters
    ----------
    offset : KnownOffset
        The cursor's offset in the previous sample.
    delta : StreamDelta
        What changed in the stream since.
    group : GroupInfo
        The group now; one of its consumers has read since.
    least : int
        How many entries were certainly delivered since.

    Returns
    -------
    int or None
        None if the counter was not right before, or may have become wrong since.

    Notes
    -----
    This is for consumers that read more between two samples than a sample counts. Only an XGROUP
    SETID with a false but possible ENTRIESREAD, in that same interval, can mislead it.
    """
    read = group.entries_read
    untouched = offset.id == EntryId.ZERO and offset.entries_read is None
    correct = untouched or offset.entries_read == offset.index
    trusted = correct and largest_deleted(delta.stream) <= offset.id
    moved = group.last_delivered_id > offset.id
    if read is None or not moved or not trusted or not delta.keeps(offset):
        return None
    return read if read - offset.index >= least else None


def count_back_from(anchor: KnownOffset, ids: Sequence[bytes], cursor: EntryId) -> int | None:
    """Return the cursor's index, counted back from a known offset at or after it.

    Parameters
    ----------
    anchor : KnownOffset
        The known offset.
    ids : sequence of bytes
        The IDs of the last entries up to and including the anchor, rising.
    cursor : EntryId
        The cursor.

    Returns
    -------
    int or None
        None if `ids` do not reach back to the cursor, or if the cursor is after the anchor.
    """
    if not ids or not EntryId.parse(ids[0]) <= cursor <= anchor.id:
        return None
    return anchor.index - (len(ids) - _up_to(ids, cursor))


def _up_to(ids: Sequence[bytes], cursor: EntryId) -> int:
    """Return how many of these rising IDs are not after `cursor`."""
    if ids and _parts(ids[-1]) <= (cursor.ms, cursor.seq):
        return len(ids)
    return bisect_right(ids, (cursor.ms, cursor.seq), key=_parts)


def _parts(entry_id: bytes) -> tuple[int, int]:
    ms, _, seq = entry_id.partition(b"-")  # the server wrote it, so no check is needed
    return int(ms), int(seq)
