"""Judge how far a group is behind: exact, plausible, suspect or unknown. Exact is never wrong.

The server's own lag is a difference of two counters, and many commands make it wrong. On Redis
7.0.15, 8.2.3 and Valkey 9.1.2, it is NULL after XDEL of a waiting entry, or without ENTRIESREAD. It
is wrong, without a warning, after XTRIM past the cursor (on 7.0 for good, on Valkey until the next
read), after XSETID, and after a false ENTRIESREAD. So that number alone is never trusted. A number
is exact if its entries were counted: `streamviz.observation.counting` has the rules. The server's
number is plausible if it is possible and nothing speaks against it, and suspect if something does.
If it is impossible, it is not shown, and the reason names the bounds.

Everything here is pure.
"""

from __future__ import annotations

from streamviz.client.entry_id import EntryId
from streamviz.client.models import GroupInfo, StreamInfo
from streamviz.observation.counting import count_at_ends, first_id, largest_deleted
from streamviz.observation.sample import Lag


def judge_lag(
    group: GroupInfo,
    stream: StreamInfo,
    counted: int | None = None,
    *,
    at_least: int = 1,
    at_most: int | None = None,
) -> Lag:
    """Return how far a group is behind, and whether that number can be trusted.

    The number is exact if the waiting entries were counted, or if the cursor's position alone
    proves it. Otherwise it is the server's own: plausible, suspect, or unknown if the server has
    none or one out of its bounds. By default, the bounds leave out one entry.

    Examples
    --------
    >>> nine = EntryId(9)
    >>> stream = StreamInfo(0, 0, 1, 1, nine, EntryId.ZERO, 9, EntryId.ZERO, None, None)
    >>> judge_lag(GroupInfo("g", 0, 0, EntryId(3), None, None), stream).entries
    0
    """
    waiting = count_at_ends(group.last_delivered_id, stream)
    waiting = counted if waiting is None else waiting
    if waiting is not None:
        reason = "" if waiting == group.lag else f"counted; {_complaint(group, stream)}"
        return Lag(waiting, "exact", reason, _behind_ms(group, stream, waiting))
    behind_ms = _behind_ms(group, stream, None)
    at_most = stream.length - 1 if at_most is None else at_most
    bounds = f"between {at_least:,} and {at_most:,} are waiting"
    if group.lag is None or not at_least <= group.lag <= at_most:
        return Lag(None, "unknown", f"{bounds}; {_complaint(group, stream)}", behind_ms)
    reason = f"the server's own number, not counted yet: {bounds}"
    if not _is_plausible(group, stream):
        return Lag(group.lag, "suspect", f"{reason}; {_cause(group, stream)}", behind_ms)
    return Lag(group.lag, "plausible", reason, behind_ms)


def _is_plausible(group: GroupInfo, stream: StreamInfo) -> bool:
    """Tell whether nothing is known that makes the server's number wrong.

    A false XSETID, ENTRIESREAD or ENTRIESADDED leaves no trace.
    """
    read, added = group.entries_read, stream.entries_added
    adds_up = None not in (read, added) and (read or 0) + (group.lag or 0) == added
    return adds_up and largest_deleted(stream) <= group.last_delivered_id >= first_id(stream)


def _complaint(group: GroupInfo, stream: StreamInfo) -> str:
    """Return what is wrong with the server's number, with the likely cause."""
    answer = "the server doesn't know" if group.lag is None else f"the server says {group.lag:,}"
    return f"{answer}: {_cause(group, stream)}"


def _cause(group: GroupInfo, stream: StreamInfo) -> str:
    cursor, deleted = group.last_delivered_id, largest_deleted(stream)
    first = stream.first_entry.id if stream.first_entry else None
    if deleted > cursor:
        return f"XDEL removed entries after the cursor, up to {deleted}"
    if group.lag is None and deleted > EntryId.ZERO:
        return f"XDEL removed entries, up to {deleted}, and the server lost count"
    if group.lag is None:
        return f"the group was created or set at {cursor} without ENTRIESREAD"
    if first is None or cursor < first:
        return "it counts entries that were trimmed before the group read them"
    return "trimming past the cursor, XSETID or a false ENTRIESREAD made its counters wrong"


def _behind_ms(group: GroupInfo, stream: StreamInfo, waiting: int | None) -> int | None:
    """Return the newest entry's time minus the last delivered one's, in milliseconds."""
    if waiting == 0 or stream.first_entry is None or stream.last_entry is None:
        return 0
    cursor, newest = group.last_delivered_id, stream.last_entry.id
    # 0-0 is not a time, nor is 1-0 beside times: there, the wait began with the first entry
    begun = cursor != EntryId.ZERO and cursor.is_time(newest.ms)
    since = cursor if begun else stream.first_entry.id
    return max(0, newest.ms - since.ms)
