"""Work out which consumer held each entry, from when to when, by comparing successive samples."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from operator import attrgetter
from typing import NamedTuple, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.errors import check_type
from streamviz.observation.delivery_ends import End, Endings
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.observation.sample import GroupState, Sample, was_recreated

_MOST_ROWS = 5
_id_of = attrgetter("id")


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
        One of `End`, which says how it ended, if it did: acknowledged, claimed by another consumer,
        delivered to the same one again, or given back without a claim (XNACK, 8.8). If the consumer
        was deleted since (XGROUP DELCONSUMER), "acked or dropped": it may have acknowledged the
        entry before. The same holds if the entry may no longer be in the stream: DELREF, and
        XAUTOCLAIM after XDEL, drop it, too. A failover undoes a delivery that the new node never
        received.
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

    It does not see an entry that was both delivered and acknowledged between two samples. It
    follows the oldest pending entries of a group, at most the observer's `max_pending`. While
    nothing is known of a stream or a part, its deliveries stay as they were. A stream that is gone,
    or was recreated, no longer has any of them.
    """

    def __init__(self, history: Samples) -> None:
        self._history = history
        self._n = 0
        self._held: dict[str, dict[int, _Held]] = {}  # by group and part
        self._ended: dict[str, deque[Delivery]] = {}
        self._redeliveries: Counter[str] = Counter()  # among those that ended
        self._gave_back: set[str] = set()
        self._rows: dict[str, _Rows] = {}

    def pending(self, group: str) -> list[Delivery]:
        """Return the deliveries that are pending now, oldest entry first."""
        self._catch_up()
        return sorted(self._all_held(group), key=_id_of)

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
        """Return how many deliveries that ended in the window had a delivery count above 1."""
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

    def _all_held(self, group: str) -> Iterator[Delivery]:
        parts = self._held.get(group, {}).values()
        return chain.from_iterable(part.deliveries.values() for part in parts)

    def _add(self, sample: Sample) -> None:
        parted = sample.partitions if isinstance(sample, PartitionedSample) else ()
        parts = {one.number: one.sample for one in parted} if parted else {0: sample}
        answers = {number: part for number, part in parts.items() if part.exists is not None}
        for number, part in answers.items():
            if was_recreated(part):
                for name in self._held:
                    self._forget(name, number)
        groups = {n: {group.name: group for group in part.groups} for n, part in answers.items()}
        sums = {group.name: group for group in sample.groups}
        for name in {*self._held, *sums}:
            states = {number: of_part.get(name) for number, of_part in groups.items()}
            self._add_group(name, sums.get(name), states, answers, sample)

    def _add_group(
        self,
        name: str,
        group: GroupState | None,
        states: Mapping[int, GroupState | None],
        parts: Mapping[int, Sample],
        whole: Sample,
    ) -> None:
        all_held, all_ended = self._held.setdefault(name, {}), self._ended.setdefault(name, deque())
        all_begun: list[tuple[_Held, PendingEntry]] = []
        if group is not None and any(entry.holder is None for entry in group.oldest):
            self._gave_back.add(name)
        for number, state in states.items():
            if state is None or group is None:
                self._forget(name, number)  # it was destroyed, with its pending entries
            elif state.oldest or not state.pending:  # otherwise they are not known
                before = all_held.get(number, _NOTHING)
                changes = _compare(before, state, group, parts[number], whole)
                all_held[number], ended, begun = changes
                all_begun += ((all_held[number], entry) for entry in begun)
                all_ended.extend(ended)
                self._redeliveries[name] += sum(one.deliveries > 1 for one in ended)
        if not all_begun:
            return
        rows = self._rows.setdefault(name, _Rows())
        numbers = rows.give((entry for _, entry in all_begun), self._all_held(name))
        at_ms, n = whole.time_ms, whole.n
        for (holdings, one), row in zip(all_begun, numbers, strict=True):
            holdings.deliveries[one.id] = Delivery(
                one.id, one.holder, one.deliveries, at_ms, at_ms, "pending", n, row
            )

    def _forget(self, name: str, part: int) -> None:
        """Forget what a group held in a part."""
        self._held[name].pop(part, None)
        if not self._held[name]:
            self._rows.pop(name, None)


class _Held(NamedTuple):
    """What a group's consumers held in the last sample that knows it, in one part of a stream."""

    deliveries: dict[EntryId, Delivery]
    consumers: Sequence[ConsumerInfo]


_NOTHING = _Held({}, ())


class _Rows:
    """Gives each delivery of a group's consumers the first row that is free at its consumer."""

    def __init__(self) -> None:
        self.count = 1

    def give(self, begun: Iterable[PendingEntry], deliveries: Iterable[Delivery]) -> list[int]:
        """Return a row for each delivery that begins while others are held."""
        used: dict[str | None, list[int]] = {}
        for one in deliveries:
            used.setdefault(one.consumer, []).append(one.row)
        rows = []
        for entry in begun:
            here = used.setdefault(entry.holder, [])
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
    before: _Held, group: GroupState, summed: GroupState, part: Sample, whole: Sample
) -> tuple[_Held, list[Delivery], list[PendingEntry]]:
    """Return what is held now and was held before, what ended since, and what began."""
    time_ms, n = whole.time_ms, whole.n
    oldest, up_to = _followed(group, summed)
    entries = {entry.id: entry for entry in oldest}
    thin = group.more_consumers and not group.consumers
    consumers = summed.consumers if thin else group.consumers
    endings = Endings(before.consumers, consumers, group, part)
    deliveries: dict[EntryId, Delivery] = {}
    ended: list[Delivery] = []
    for entry_id, old in before.deliveries.items():
        entry, was = entries.get(entry_id), (old.consumer, old.deliveries, old.since_ms)
        if entry is None:
            if entry_id <= up_to:
                end = endings.of(entry_id, old.consumer)
                ended.append(Delivery(entry_id, *was, time_ms, end, n, old.row))
        elif (entry.holder, entry.deliveries) == (old.consumer, old.deliveries):
            deliveries[entry_id] = Delivery(entry_id, *was, time_ms, "pending", n, old.row)
        else:
            way: End = "given back" if entry.holder is None else "claimed"
            end = way if entry.holder != old.consumer else "delivered again"
            ended.append(Delivery(entry_id, *was, time_ms, end, n, old.row))
    begun = [entry for entry in entries.values() if entry.id not in deliveries]
    return _Held(deliveries, consumers), ended, begun


def _followed(group: GroupState, summed: GroupState) -> tuple[Sequence[PendingEntry], EntryId]:
    """Return a part's pending entries that its sum has, and up to which ID there is no other."""
    oldest, last = group.oldest, EntryId.ZERO
    if group is not summed:
        last = summed.oldest[-1].id if summed.oldest else last
        oldest = tuple(takewhile(lambda one: one.id <= last, oldest))
    if len(oldest) == group.pending:
        return oldest, EntryId.MAX
    if len(oldest) == len(group.oldest):
        last = oldest[-1].id if oldest else EntryId.ZERO
    return oldest, last
