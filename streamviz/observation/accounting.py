"""Account for every entry of a stream, from the point of view of one group."""

from __future__ import annotations

from dataclasses import dataclass

from streamviz.errors import check_type
from streamviz.observation.sample import GroupState, Sample


@dataclass(frozen=True, slots=True)
class GroupAccounting:
    """What became of every entry that was ever added, as one group sees it.

    ``added = undelivered + pending + acked + dropped + gone + lost + unclear``. If that can't be
    known, `reason` says why.

    Attributes
    ----------
    added : int
        Entries ever added to the stream, as the server counts them, and those that were lost.
    undelivered : int or None
        In the stream, and not yet delivered to the group: its lag.
    pending : int
        Delivered, and not acknowledged.
    acked : int or None
        Acknowledged since the first sample, or read with NOACK, as far as samples show; None in
        recordings of earlier versions.
    dropped : int
        Dropped from the pending list with deleted consumers (XGROUP DELCONSUMER), at most.
    gone : int or None
        Never delivered to the group, as far as samples show, and never will be: deleted, trimmed
        or skipped before the group read them, or older than the group.
    unclear : int or None
        The others up to the group's cursor. Samples don't show how they left, or whether they were
        delivered. They may have left before the first sample, while entries were removed or the
        cursor was set, before the group was set back, or together with their removal from the
        stream (acknowledged and deleted, or dropped by DELREF or by XAUTOCLAIM after XDEL).
    reason : str
        Why a number is None, or why the numbers do not add up; empty otherwise.
    lost : int
        Acknowledged to the producer, and lost in failovers since the first sample, at most. The
        group may have got some of them before.
    """

    added: int
    undelivered: int | None
    pending: int
    acked: int | None
    dropped: int
    gone: int | None
    unclear: int | None
    reason: str
    lost: int = 0


def account_for(sample: Sample, group: GroupState) -> GroupAccounting:
    """Return what became of the stream's entries, as one of the groups of a sample sees it.

    Notes
    -----
    Only the total is based on the server's counters, which XSETID and XGROUP can set to anything. A
    delivered entry that is no longer pending in the next sample counts as acknowledged, unless
    something shows that it left in another way. Some commands between two samples leave no trace,
    such as XGROUP SETID before a read; docs/numbers.md lists them.
    """
    check_type("sample", sample, Sample, "a Sample of a History")
    check_type("group", group, GroupState, "a GroupState, for example sample.group(name)")
    counted, lost = sample.entries_added, sample.lost
    added, waiting, pending = counted + lost, group.lag.entries, group.pending
    numbers = (pending, group.acked, group.dropped, group.gone)
    if waiting is None or group.lag.verdict != "exact":
        reason = f"it is not certain how many entries are waiting: {group.lag.reason}"
        return GroupAccounting(added, None, *numbers, None, reason, lost)
    unclear = counted - waiting - pending - (group.acked or 0) - group.dropped - (group.gone or 0)
    if unclear >= 0:
        return GroupAccounting(added, waiting, *numbers, unclear, "", lost)
    reason = (
        f"the server counts {counted:,} entries, fewer than were seen: "
        "a claim was forced (XCLAIM FORCE), or XSETID set the number"
    )
    return GroupAccounting(added, waiting, *numbers, None, reason, lost)
