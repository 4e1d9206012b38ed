"""Work out what became of the entries up to a group's cursor, as far as samples prove it.

The server counts no acknowledgements. So an entry counts as acknowledged only if it left the
pending list, and the replies show nothing else that can have removed it from there. Some commands
leave no trace: docs/numbers.md lists them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from streamviz.client.entry_id import EntryId
from streamviz.client.models import GroupInfo, StreamInfo
from streamviz.observation.counting import (
    StreamDelta,
    entries_added,
    first_id,
    largest_deleted,
    may_have_swept,
)
from streamviz.observation.delivery_ends import deleted_consumers
from streamviz.observation.idle_groups import GroupReplies

_id = attrgetter("id")


@dataclass(slots=True)
class GroupView:
    """One group in a sample.

    Entries that are `unheld` are pending for no consumer (XNACK): others show a misread number.
    """

    group: GroupInfo
    waiting: int | None  # after its cursor; None if unknown
    replies: GroupReplies | None  # about it by name
    stream: StreamInfo
    active: bool  # a consumer may have done anything since the previous sample
    unheld: int = field(init=False)

    def __post_init__(self) -> None:
        self.unheld = self.group.pending - self.replies.pending if self.replies else 0


class Outcomes(NamedTuple):
    """What became of entries up to a group's cursor, as far as the replies show it.

    `removed`, `ahead` and `again` are upper bounds. They limit what counts.
    """

    acked: int = 0  # or read with NOACK, which acknowledges at delivery
    dropped: int = 0  # from the pending list with a deleted consumer
    gone: int = 0  # never delivered: trimmed, deleted or skipped, or older than the group
    removed: int = 0  # of those that are pending, how many may no longer be in the stream
    ahead: int = 0  # of these, may be after the cursor: to deliver them makes no more pending
    again: int = 0  # of those that are waiting, how many may have been delivered before


def first_outcomes(view: GroupView, *, created: bool) -> Outcomes:
    """Return what is known of a group in its first sample.

    It may have been `created` since the previous sample.
    """
    group, removed = view.group, _possibly_removed(view, view.stream)
    untouched = not group.consumers and not group.pending and (created or not group.entries_read)
    index = (view.stream.entries_added or 0) - (view.waiting or 0)
    gone = index if untouched and view.waiting is not None else 0
    ahead = _ahead(view, 0)  # it was set back if it has some
    return Outcomes(gone=gone, removed=removed, ahead=ahead, again=_waiting(view) if ahead else 0)


def next_outcomes(
    outcomes: Outcomes, old: GroupView, now: GroupView, delta: StreamDelta
) -> Outcomes:
    """Return what is known of a group after one more sample."""
    before, group = old.group, now.group
    if group.last_delivered_id < before.last_delivered_id:  # its entries are delivered again
        again = max(0, _waiting(now) - _unread(outcomes, old, now, delta))
        removed, ahead = _possibly_removed(now, now.stream), _ahead(now, group.pending)
        return Outcomes(removed=removed, ahead=ahead, again=again)
    hits = most = _possibly_removed(old, now.stream)
    if delta.removed is not None:
        hits = min(hits, max(0, delta.removed))
    removed, lost = min(outcomes.removed + hits, most), _lost_consumers(old, now)
    passed = _passed(old, now, delta)
    reader = now.active or bool(lost)
    delivered, missing = _delivered_and_missing(old, now, delta, passed, reader=reader)
    acked, dropped = outcomes.acked, outcomes.dropped
    left = before.pending + (delivered or 0) - group.pending
    still_removed = _possibly_removed(now, now.stream)
    if delivered is None or old.unheld != now.unheld:
        left = _left_by_id(old, now, passed)
    else:
        still_removed = min(still_removed, removed)
    left -= min(max(0, left), delivered or 0, outcomes.ahead)
    ahead = _ahead(now, outcomes.ahead + max(0, -left))
    again = outcomes.again + max(0, ahead - outcomes.ahead)  # a forced claim delivers, too
    gone = outcomes.gone + max(0, missing - again)
    again = min(_waiting(now), max(ahead, again - (missing if passed is None else passed)))
    if left < 0:  # a claim was forced: what was acknowledged, or never delivered, may be pending
        acked, gone = max(0, acked + left), max(0, gone + left)
    else:
        with_consumer = min(left, sum(_held(old, now, name) for name in lost))
        rest = left - with_consumer
        doubtful = removed - _still_pending(old, now) + (delivered or 0 if lost else 0)
        doubtful = min(rest, max(0, doubtful))
        acked, dropped = acked + rest - doubtful, dropped + with_consumer
    return Outcomes(acked, dropped, gone, still_removed, ahead, again)


def _waiting(view: GroupView) -> int:
    """Return how many entries are waiting, at most."""
    return view.stream.length if view.waiting is None else view.waiting


def _unread(outcomes: Outcomes, old: GroupView, now: GroupView, delta: StreamDelta) -> int:
    """Return how many of the waiting entries were certainly never delivered.

    If a consumer may have read since the previous sample, it may have read them all.
    """
    if now.active or old.waiting is None or delta.added is None or delta.removed is None:
        return 0
    return max(0, old.waiting - outcomes.again - max(0, delta.removed)) + delta.added


def _delivered_and_missing(
    old: GroupView, now: GroupView, delta: StreamDelta, passed: int | None, *, reader: bool
) -> tuple[int | None, int]:
    """Return how many entries were delivered since (None if unknown), and how many won't be.

    The cursor `passed` some (None if unknown); `reader` tells whether any consumer can have read.
    """
    is_advanced = now.group.last_delivered_id != old.group.last_delivered_id
    read = is_advanced and _counter_agrees(old, now, passed)
    if is_advanced and reader:
        return (passed if read else None), 0
    if read:  # by a consumer that is gone already, or XGROUP SETID with ENTRIESREAD
        return None, 0
    if old.waiting is None or now.waiting is None or delta.added is None:
        return 0, 0
    # entries that came and went between two samples: only the server counts them
    swept = may_have_swept(old.stream, now.stream)
    unseen = max(0, delta.counter - delta.added) if swept else 0
    return 0, max(0, old.waiting + delta.added - now.waiting) + unseen


def _passed(old: GroupView, now: GroupView, delta: StreamDelta) -> int | None:
    """Return how many entries the cursor passed; None if unknown."""
    if old.waiting is None or now.waiting is None or delta.added is None:
        return None
    if not delta.keeps_unread(old.group.last_delivered_id):
        return None
    return old.waiting + delta.added - now.waiting


def _counter_agrees(old: GroupView, now: GroupView, passed: int | None) -> bool:
    """Tell whether the server's counter confirms that the passed entries were delivered."""
    after, before = now.group.entries_read, old.group.entries_read
    if passed is None or after is None:
        return False
    if before is None:  # the counter begins with the first delivery
        at_head = old.group.last_delivered_id < first_id(old.stream)
        if not at_head and old.waiting:
            return False
        before = entries_added(old.stream) - (old.stream.length if at_head else 0)
    return after - before == passed


def _lost_consumers(old: GroupView, now: GroupView) -> set[str]:
    if not old.replies or not now.replies:
        return set()
    return deleted_consumers(old.replies.consumers, now.replies.consumers)


def _held(old: GroupView, now: GroupView, name: str) -> int:
    """Return how many entries that a lost consumer held are no longer pending, as far as known."""
    if not old.replies or not now.replies:
        return 0
    ids = {one.id for one in old.replies.oldest if one.consumer == name}
    claimed = sum(one.id in ids for one in now.replies.oldest)
    return sum(one.pending for one in old.replies.consumers if one.name == name) - claimed


def _left_by_id(old: GroupView, now: GroupView, passed: int | None) -> int:
    """Return how many pending entries are known to be no longer pending: some of the oldest.

    One that is pending again counts against them: its claim was forced, or one ID was misread. And
    no more can have left than the numbers of entries allow, if each that was passed was delivered.
    """
    left = _absent(old, now) - _absent(now, old)
    if passed is None or old.unheld != now.unheld:
        return left
    return min(left, max(0, old.group.pending + passed - now.group.pending))


def _absent(one: GroupView, other: GroupView) -> int:
    """Return how many entries are pending for a group in one view, and not in another."""
    if not one.replies or not other.replies:
        return 0
    ids = {entry.id for entry in other.replies.oldest}
    complete = len(ids) >= other.group.pending
    last = other.group.last_delivered_id if complete else max(ids, default=EntryId.ZERO)
    return sum(entry.id <= last and entry.id not in ids for entry in one.replies.oldest)


def _still_pending(old: GroupView, now: GroupView) -> int:
    """Return how many pending entries are certainly removed, but were pending all the time."""
    if not old.replies or not now.replies:
        return 0
    removed = bisect_left(now.replies.oldest, first_id(now.stream), key=_id)
    if not removed:
        return 0
    ids = {entry.id for entry in old.replies.oldest}
    return sum(entry.id in ids for entry in now.replies.oldest[:removed])


def _possibly_removed(view: GroupView, stream: StreamInfo) -> int:
    """Return how many of a group's pending entries may not be in the stream."""
    if not view.replies:
        return view.group.pending
    oldest, deleted = view.replies.oldest, largest_deleted(stream)
    if oldest and first_id(stream) <= oldest[0].id > deleted:  # they are in the order of their IDs
        return 0
    below = bisect_left(oldest, first_id(stream), key=_id)
    count = max(below, bisect_right(oldest, deleted, key=_id))
    return view.group.pending if count == len(oldest) else count


def _ahead(view: GroupView, most: int) -> int:
    """Return how many pending entries may be after the cursor, `most` as far as is known.

    A group that was set back has some, and one for which a claim was forced.
    """
    group, oldest = view.group, view.replies.oldest if view.replies else ()
    cursor, last = group.last_delivered_id, oldest[-1].id if oldest else EntryId.ZERO
    count = len(oldest) - bisect_right(oldest, cursor, key=_id) if last > cursor else 0
    unseen = group.pending - len(oldest)  # with larger IDs
    return count + (max(0, unseen) if count else max(0, min(most, unseen)))
