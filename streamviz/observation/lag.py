"""How far a group is behind: exact, suspect or unknown, and never a wrong number called exact.

The server's own lag is a difference of two counters, and there are many ways to upset them: seen
on Redis 7.0.15, 8.2.3 and Valkey 9.1.2, it is NULL after XDEL ahead of the group or without
ENTRIESREAD, and wrong without a word after XTRIM past the group (7.0 for good, Valkey until the
next read), XSETID, or a mistaken ENTRIESREAD. So it is never taken alone. A number is exact if

- the group's cursor lies before the first or at or after the last entry, or
- a bounded XRANGE from the cursor reached the stream's end (it was counted), or
- a place ahead of the cursor is known from the look before, nothing was removed beyond it, and
  the entries up to it were counted; or, when a group read too much for that, its counter was
  right and nothing happened that upsets one.

Everything here is pure: what one look saw goes in, a judgement comes out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from streamviz.client.entry_id import EntryId
from streamviz.client.models import GroupInfo, StreamInfo
from streamviz.observation.sample import Lag


@dataclass(frozen=True, slots=True)
class Lookahead:
    """The first entries after an ID: what ``XRANGE key (after + COUNT n`` returned.

    Attributes
    ----------
    after : EntryId
        The ID they follow.
    ids : sequence of bytes
        Their IDs, rising, as the server wrote them.
    complete : bool
        Whether these are all there were.
    """

    after: EntryId
    ids: Sequence[bytes]
    complete: bool

    def up_to(self, cursor: EntryId) -> int:
        """Return how many of them are not after `cursor`."""
        if cursor <= self.after:  # as when nobody read between two looks
            return 0
        return _up_to(self.ids, cursor)

    def reaches(self, cursor: EntryId) -> bool:
        """Tell whether every entry from `after` up to `cursor` is among them."""
        covered = self.complete or bool(self.ids and EntryId.parse(self.ids[-1]) >= cursor)
        return covered and self.after <= cursor


@dataclass(frozen=True, slots=True)
class KnownOffset:
    """A known place in the stream: so many entries were ever added up to this ID.

    Attributes
    ----------
    id : EntryId
        The ID, of a group's cursor or of an entry.
    number : int
        ``entries-added`` minus the entries after the ID.
    stream : StreamInfo
        The stream when this was known.
    entries_read : int or None
        What the server had for this number, if it is a group's.
    """

    id: EntryId
    number: int
    stream: StreamInfo
    entries_read: int | None = None


@dataclass(frozen=True, slots=True)
class StreamDelta:
    """What changed in the stream from one look to the next.

    Attributes
    ----------
    stream : StreamInfo
        The stream now.
    new : int or None
        Entries beyond the last ID of the look before; None if there were too many to count.
    """

    stream: StreamInfo
    new: int | None

    def keeps(self, place: KnownOffset) -> bool:
        """Tell whether `place` still holds: nothing was removed beyond it, no counter rewritten."""
        old, now = place.stream, self.stream
        added = _added(now) - _added(old)
        removed = added - (now.length - old.length)
        if added < 0 or removed < 0 or self.new not in (None, added):
            return False
        first = now.first_entry.id if now.first_entry else EntryId.MAX
        if removed:
            tombstone = now.max_deleted_entry_id or EntryId.ZERO
            return tombstone <= place.id and first <= place.id
        return old.first_entry is None or old.first_entry.id == first


def at_the_ends(cursor: EntryId, stream: StreamInfo) -> int | None:
    """Return how many entries follow `cursor` if it lies outside the stream's entries."""
    if stream.first_entry is None or stream.last_entry is None or cursor >= stream.last_entry.id:
        return 0
    return stream.length if cursor < stream.first_entry.id else None


def count(cursor: EntryId, stream: StreamInfo, ahead: Lookahead | None) -> int | None:
    """Return how many entries follow `cursor` if this one look proves it."""
    waiting = at_the_ends(cursor, stream)
    if waiting is None and ahead is not None and ahead.complete and ahead.after <= cursor:
        return len(ahead.ids) - ahead.up_to(cursor)
    return waiting


def at_least(cursor: EntryId, stream: StreamInfo, ahead: Lookahead | None) -> int:
    """Return how many entries follow `cursor` at the least."""
    waiting = at_the_ends(cursor, stream)
    if waiting is not None:
        return waiting
    return max(1, len(ahead.ids) - ahead.up_to(cursor)) if ahead else 1


def meet(front: KnownOffset, cursor: EntryId, ahead: Lookahead) -> int | None:
    """Return the number of the cursor's place, counted up to a known place at or after it.

    What was removed before the cursor does not matter, which makes this the rule that lasts.
    """
    if not (ahead.after <= cursor <= front.id and ahead.reaches(front.id)):
        return None
    return front.number - (ahead.up_to(front.id) - ahead.up_to(cursor))


def front_of(place: KnownOffset, ahead: Lookahead) -> KnownOffset:
    """Return the known place farthest ahead of a known one."""
    beyond = len(ahead.ids) - ahead.up_to(place.id)
    if beyond <= 0 or ahead.after > place.id:
        return place
    return KnownOffset(EntryId.parse(ahead.ids[-1]), place.number + beyond, place.stream)


def follow_server(
    place: KnownOffset, change: StreamDelta, group: GroupInfo, least: int
) -> int | None:
    """Return the number of the cursor's place, if the server's own counter can be followed.

    Parameters
    ----------
    place : Place
        The cursor's place at the look before.
    change : Change
        What changed in the stream since.
    group : GroupInfo
        The group now, one of whose consumers read since.
    least : int
        How many entries were certainly delivered since.

    Returns
    -------
    int or None
        None if the counter was not right before, or if what happened since may have upset it.

    Notes
    -----
    This is for readers that take more between two looks than a look counts. It leaves one way to
    be fooled, and it takes malice: XGROUP SETID with a false but possible ENTRIESREAD, in that
    same time.
    """
    read = group.entries_read
    deleted = change.stream.max_deleted_entry_id or EntryId.ZERO
    untouched = place.id == EntryId.ZERO and place.entries_read is None
    trusted = (untouched or place.entries_read == place.number) and deleted <= place.id
    moved = group.last_delivered_id > place.id
    if read is None or not moved or not trusted or not change.keeps(place):
        return None
    return read if read - place.number >= least else None


def descend(anchor: KnownOffset, ids: Sequence[bytes], cursor: EntryId) -> int | None:
    """Return the number of the cursor's place, counted back from a known place.

    Parameters
    ----------
    anchor : Place
        The known place.
    ids : sequence of bytes
        The IDs up to and including it, rising: the last ones that the stream has.
    cursor : EntryId
        The place that is looked for.

    Returns
    -------
    int or None
        None if `ids` do not reach back to it, or if it lies after the anchor.
    """
    if not ids or not EntryId.parse(ids[0]) <= cursor <= anchor.id:
        return None
    return anchor.number - (len(ids) - _up_to(ids, cursor))


def judge_lag(
    group: GroupInfo, stream: StreamInfo, counted: int | None = None, more_than: int = 0
) -> Lag:
    """Say how far a group is behind, and what to think of that number.

    Parameters
    ----------
    group, stream : GroupInfo, StreamInfo
        What the server says of both, at one moment.
    counted : int, optional
        How many entries wait, if that was counted.
    more_than : int, default 0
        Where it was not: at least one more than this many wait.

    Returns
    -------
    Lag
        "exact" if counted or if the cursor's position alone proves it; else "suspect" with the
        server's number, or "unknown" where the server has none.

    Examples
    --------
    >>> nine = EntryId(9)
    >>> stream = StreamInfo(0, 0, 1, 1, nine, EntryId.ZERO, 9, EntryId.ZERO, None, None)
    >>> judge_lag(GroupInfo("g", 0, 0, EntryId(3), None, None), stream).entries
    0
    """
    waiting = at_the_ends(group.last_delivered_id, stream)
    waiting = counted if waiting is None else waiting
    if waiting is not None:
        reason = "" if waiting == group.lag else f"counted; {_complaint(group, stream)}"
        return Lag(waiting, "exact", reason, _behind_ms(group, stream, waiting))
    behind_ms = _behind_ms(group, stream, None)
    more = f"more than {more_than:,} wait" if more_than else "entries wait"
    if group.lag is None:
        return Lag(None, "unknown", f"{more}; {_complaint(group, stream)}", behind_ms)
    if not more_than < group.lag < stream.length:
        told = f"{more} of {stream.length:,}; {_complaint(group, stream)}"
        return Lag(group.lag, "suspect", told, behind_ms)
    told = f"the server's own number, not counted yet: {more}"
    return Lag(group.lag, "suspect", told, behind_ms)


def _complaint(group: GroupInfo, stream: StreamInfo) -> str:
    """Return what is wrong with the server's number, with the likely cause."""
    says = "the server cannot tell" if group.lag is None else f"the server says {group.lag:,}"
    return f"{says}: {_cause(group, stream)}"


def _cause(group: GroupInfo, stream: StreamInfo) -> str:
    cursor = group.last_delivered_id
    deleted = stream.max_deleted_entry_id or EntryId.ZERO
    first = stream.first_entry.id if stream.first_entry else None
    if deleted > cursor:
        return f"XDEL removed entries ahead of the group, up to {deleted}"
    if group.lag is None and deleted > EntryId.ZERO:
        return f"XDEL removed entries, up to {deleted}, and the group lost count"
    if group.lag is None:
        return f"the group was created or set at {cursor} without ENTRIESREAD"
    if first is None or cursor < first:
        return "it counts entries that were trimmed before the group read them"
    return "trimming ahead of the group, XSETID or a false ENTRIESREAD upset its counters"


def _behind_ms(group: GroupInfo, stream: StreamInfo, waiting: int | None) -> int | None:
    """Return the newest entry's time minus the last delivered one's, in milliseconds."""
    if waiting == 0 or stream.first_entry is None or stream.last_entry is None:
        return 0
    cursor = group.last_delivered_id
    # nothing was delivered yet: 0-0 is not a time, the first entry's is when the wait began
    since = stream.first_entry.id if cursor == EntryId.ZERO else cursor
    return max(0, stream.last_entry.id.ms - since.ms)


def _up_to(ids: Sequence[bytes], cursor: EntryId) -> int:
    """Return how many of these rising IDs are not after `cursor`."""
    if ids and _parts(ids[-1]) <= (cursor.ms, cursor.seq):
        return len(ids)
    return bisect_right(ids, (cursor.ms, cursor.seq), key=_parts)


def _parts(which: bytes) -> tuple[int, int]:
    ms, _, seq = which.partition(b"-")  # the server wrote it
    return int(ms), int(seq)


def _added(stream: StreamInfo) -> int:
    return stream.entries_added or 0
