"""Account for every entry of a stream, from the point of view of one group."""

from __future__ import annotations

from dataclasses import dataclass

from streamviz.observation.sample import GroupState, Sample


@dataclass(frozen=True, slots=True)
class GroupAccounting:
    """What became of every entry that was ever added, as one group sees it.

    ``added = undelivered + pending + acked + gone``; where that can't be known, `reason` says why.

    Attributes
    ----------
    added : int
        Entries ever added to the stream.
    undelivered : int or None
        In the stream, and not yet delivered to the group: its lag.
    pending : int
        Delivered, and not acknowledged.
    acked : int or None
        Delivered, and no longer pending: acknowledged, read with NOACK, or dropped with a
        deleted consumer (see `History.dropped`).
    gone : int or None
        Never delivered to the group, and never will be: deleted, trimmed or skipped before the
        group read them, or older than the group.
    reason : str
        Why a number is None; empty if none is.
    """

    added: int
    undelivered: int | None
    pending: int
    acked: int | None
    gone: int | None
    reason: str


def account_for(sample: Sample, group: GroupState) -> GroupAccounting:
    """Return what became of the stream's entries, as one group of a sample sees it.

    Parameters
    ----------
    sample : Sample
        The sample.
    group : GroupState
        One of its groups.

    Notes
    -----
    For the time before the first sample, the numbers rely on the server's ``entries-read``. From
    8.2 that also counts entries that were trimmed before the group read them, and ENTRIESREAD can
    set it to anything. From the first sample on, the numbers are the observer's own.
    """
    added, waiting, pending = sample.entries_added, group.lag.entries, group.pending
    if waiting is None or group.lag.verdict != "exact":
        reason = f"it is not certain how many entries are waiting: {group.lag.reason}"
        return GroupAccounting(added, None, pending, None, None, reason)
    if group.gone is None:
        reason = (
            "acknowledged and lost entries can't be told apart: the group was created unobserved, "
            "or its cursor was set back, or entries after its cursor were removed while it read"
        )
        return GroupAccounting(added, waiting, pending, None, None, reason)
    acked = added - waiting - pending - group.gone
    if acked < 0:
        reason = "more entries are pending than were delivered: a claim was forced (XCLAIM FORCE)"
        return GroupAccounting(added, waiting, pending, None, None, reason)
    return GroupAccounting(added, waiting, pending, acked, group.gone, "")
