"""Work out which consumer held each entry, from when to when, by comparing successive samples."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Literal, NamedTuple, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.errors import check_type
from streamviz.observation.events import Event
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.observation.sample import GroupState, Sample

_MOST_ROWS = 5
_MOST_CONSUMERS = 1000  # whose last row is known

End = Literal[
    "pending",
    "acked",
    "acked or dropped",
    "claimed",
    "delivered again",
    "given back",
    "dropped",
    "undone by a failover",
    "acked, or undone by a failover",
]


@runtime_checkable
class Samples(Protocol):
    """Samples in a window, as a `History` has them."""

    @property
    def samples(self) -> Sequence[Sample]:
        """The samples in the window, oldest first."""

    @property
    def newest(self) -> Sample | None:
        """The newest sample, if there is one."""

    def since(self, n: int) -> list[Sample]:
        """Return the samples whose number is larger than `n`."""


class Delivery(NamedTuple):
    """One delivery of an entry to a consumer.

    Attributes
    ----------
    id : EntryId
        The entry.
    consumer : str or None
        The consumer that held it; None for no consumer, after the entry was given back (XNACK).
    deliveries : int
        The delivery count: 1 for the first delivery.
    since_ms, until_ms : int
        The times of the first sample that has it, and of the first later sample that does not (or
        of the newest sample), in milliseconds since 1970 UTC.
    end : str
        One of `End`: how it ended, if it did: acknowledged, claimed by another consumer,
        delivered to the same one again, given back without a claim (XNACK, 8.8), or dropped
        with its consumer (XGROUP DELCONSUMER). If the entry may no longer be in the stream,
        "acked or dropped": DELREF, and XAUTOCLAIM after XDEL, drop it, too. A failover
        undoes a delivery that the new node never heard of.
    n : int
        The number of the sample at `until_ms`.
    row : int
        A number from 0 to 4 that no other delivery of the consumer had when this one began, as
        long as it held fewer than five: bars in different rows do not cover each other.
    """

    id: EntryId
    consumer: str | None
    deliveries: int
    since_ms: int
    until_ms: int
    end: End
    n: int
    row: int = 0


class DeliveryLog:
    """The deliveries in a history's window.

    It does not see what was both delivered and acknowledged between two samples. It follows the
    oldest pending entries of a group: at most as many as the observer's `max_pending`.
    """

    def __init__(self, history: Samples) -> None:
        self._history = history
        self._n = 0
        self._pending: dict[str, dict[EntryId, Delivery]] = {}
        self._ended: dict[str, deque[Delivery]] = {}
        self._redeliveries: Counter[str] = Counter()  # among those that ended
        self._gave_back: set[str] = set()
        self._rows: dict[str, _Rows] = {}

    def pending(self, group: str) -> list[Delivery]:
        """Return the deliveries that are pending now, oldest entry first."""
        self._catch_up()
        deliveries = self._pending.get(group, {})
        return [deliveries[entry_id] for entry_id in sorted(deliveries)]

    def ended(self, group: str) -> list[Delivery]:
        """Return the deliveries that ended in the window, in the order in which they ended."""
        self._catch_up()
        return list(self._ended.get(group, ()))

    def ended_since(self, group: str, n: int) -> list[Delivery]:
        """Return the deliveries that ended after sample number `n`, in that order."""
        self._catch_up()
        newer = takewhile(lambda one: one.n > n, reversed(self._ended.get(group, ())))
        return list(newer)[::-1]

    def ended_count(self, group: str) -> int:
        """Return how many deliveries ended in the window."""
        self._catch_up()
        return len(self._ended.get(group, ()))

    def redelivery_count(self, group: str) -> int:
        """Return how many of those that ended in the window had a delivery count above 1."""
        self._catch_up()
        return self._redeliveries[group]

    def gave_back(self, group: str) -> bool:
        """Return whether an entry of the group was ever pending for no consumer (XNACK)."""
        self._catch_up()
        return group in self._gave_back

    def row_count(self, group: str) -> int:
        """Return how many rows the deliveries of one consumer have had, at least one."""
        self._catch_up()
        return self._rows[group].count if group in self._rows else 1

    def _catch_up(self) -> None:
        history = self._history
        if history.newest is None or history.newest.n == self._n:
            return
        for sample in history.since(self._n):
            self._add(sample)
        self._n = history.newest.n
        first = history.samples[0].n
        for name, ended in self._ended.items():
            while ended and ended[0].n < first:
                self._redeliveries[name] -= ended.popleft().deliveries > 1

    def _add(self, sample: Sample) -> None:
        groups = {group.name: group for group in sample.groups}
        for name in self._pending.keys() - groups.keys():
            del self._pending[name]  # the group was destroyed, with its pending entries
            del self._rows[name]
        for name, group in groups.items():
            if any(entry.holder is None for entry in group.oldest):
                self._gave_back.add(name)
            before = self._pending.get(name, {})
            rows = self._rows.setdefault(name, _Rows())
            self._pending[name], ended = _compare(before, group, sample, rows)
            self._ended.setdefault(name, deque()).extend(ended)
            self._redeliveries[name] += sum(one.deliveries > 1 for one in ended)


class _Rows:
    """Gives each delivery of a group's consumers the first row that is free at its consumer."""

    def __init__(self) -> None:
        self.count = 1

    def give(self, begun: Iterable[PendingEntry], held: Iterable[Delivery]) -> list[int]:
        """Return a row for each delivery that begins while others are held."""
        taken: dict[str | None, list[int]] = {}
        for one in held:
            taken.setdefault(one.consumer, []).append(one.row)
        rows = []
        for entry in begun:
            here = taken.setdefault(entry.holder, [])
            free = (row for row in range(_MOST_ROWS) if row not in here)
            here.append(next(free, len(here) % _MOST_ROWS))
            rows.append(here[-1])
        self.count = max(self.count, 1 + max(rows, default=0))
        return rows


_LOGS: WeakKeyDictionary[Samples, DeliveryLog] = WeakKeyDictionary()


def delivery_log(history: Samples) -> DeliveryLog:
    """Return the deliveries of a history; every call for the same history returns the same log."""
    try:
        return _LOGS[history]
    except (KeyError, TypeError):  # a TypeError for what can't be a key
        check_type("history", history, Samples, "the History of a run")
        return _LOGS.setdefault(history, DeliveryLog(history))


def _compare(
    before: dict[EntryId, Delivery], group: GroupState, sample: Sample, rows: _Rows
) -> tuple[dict[EntryId, Delivery], list[Delivery]]:
    """Return the deliveries that are pending in a sample, and those that ended with it."""
    time_ms, n = sample.time_ms, sample.n
    entries = {entry.id: entry for entry in group.oldest}
    complete = len(entries) == group.pending
    last_id = group.oldest[-1].id if entries else EntryId.ZERO
    names = {consumer.name for consumer in group.consumers}
    failovers = [event for event in sample.events if event.kind == "failed_over"]
    pending: dict[EntryId, Delivery] = {}
    ended: list[Delivery] = []
    for entry_id, old in before.items():
        entry, was = entries.get(entry_id), (old.consumer, old.deliveries, old.since_ms)
        if entry is None:
            if complete or entry_id < last_id:
                listed = old.consumer in names or not names
                dropped = not listed and not group.more_consumers
                end: End = "dropped" if dropped else "acked"
                if failovers and (undone := _undone(entry_id, failovers, group, sample)):
                    end = undone
                elif not dropped and (not listed or _may_be_removed(entry_id, sample)):
                    end = "acked or dropped"
                ended.append(Delivery(entry_id, *was, time_ms, end, n, old.row))
        elif (entry.holder, entry.deliveries) == (old.consumer, old.deliveries):
            pending[entry_id] = Delivery(entry_id, *was, time_ms, "pending", n, old.row)
        else:
            moved: End = "given back" if entry.holder is None else "claimed"
            end = moved if entry.holder != old.consumer else "delivered again"
            ended.append(Delivery(entry_id, *was, time_ms, end, n, old.row))
    begun = [entry for entry in entries.values() if entry.id not in pending]
    new_rows = rows.give(begun, pending.values()) if begun else ()
    for entry, row in zip(begun, new_rows, strict=True):
        pending[entry.id] = Delivery(
            entry.id, entry.holder, entry.deliveries, time_ms, time_ms, "pending", n, row
        )
    return pending, ended


def _undone(
    entry_id: EntryId, failovers: Sequence[Event], group: GroupState, sample: Sample
) -> End | None:
    """Return how a delivery ended if a failover can have undone it."""
    if not any(event.count or group.name in event.detail.split(", ") for event in failovers):
        return None
    parted = isinstance(sample, PartitionedSample)  # the cursor is that of another part, perhaps
    back = entry_id > (sample.last_id if parted else group.last_delivered_id)
    return "undone by a failover" if back else "acked, or undone by a failover"


def _may_be_removed(entry_id: EntryId, sample: Sample) -> bool:
    emptied = not sample.length and sample.entries_added > 0
    return emptied or entry_id < sample.first_id or entry_id <= sample.max_deleted_id
