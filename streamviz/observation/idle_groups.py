"""Recognise idle groups, about which the observer need not ask everything again.

While no consumer of a group does anything, its pending entries grow older and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from operator import attrgetter, lt
from typing import overload

from streamviz.client.models import ConsumerInfo, GroupInfo, PendingEntry
from streamviz.observation.counting import Lookahead, StreamDelta

_held, _idle_ms = attrgetter("name", "pending"), attrgetter("idle_ms")
_pending_of = attrgetter("pending")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AgedPending(Sequence[PendingEntry]):
    """Pending entries that nothing has happened to, some time later, without a copy of them."""

    entries: Sequence[PendingEntry]  # as they were
    ms: int  # how much later

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[PendingEntry]:
        return map(self._aged, self.entries)

    @overload
    def __getitem__(self, index: int) -> PendingEntry: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[PendingEntry, ...]: ...

    def __getitem__(self, index: int | slice) -> PendingEntry | tuple[PendingEntry, ...]:
        if isinstance(index, slice):
            return tuple(map(self._aged, self.entries[index]))
        return self._aged(self.entries[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AgedPending | tuple):
            return NotImplemented
        return tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def _aged(self, one: PendingEntry) -> PendingEntry:
        idle_ms = one.idle_ms + self.ms if one.idle_ms >= 0 else -1
        return PendingEntry(one.id, one.consumer, idle_ms, one.deliveries)


@dataclass(slots=True)
class GroupReplies:
    """What the server replied about one group by name."""

    consumers: tuple[ConsumerInfo, ...]  # ordered by name (XINFO CONSUMERS)
    oldest: Sequence[PendingEntry]  # pending entries (XPENDING)
    lookahead: Lookahead  # the next few entries that wait for it (XRANGE)

    def aged(self, consumers: tuple[ConsumerInfo, ...]) -> GroupReplies:
        """Return what an idle group would reply now, given its consumers' new idle times."""
        oldest = self.oldest
        ms = consumers[0].idle_ms - self.consumers[0].idle_ms if oldest and consumers else 0
        if isinstance(oldest, AgedPending):
            ms += oldest.ms
            oldest = oldest.entries
        return GroupReplies(consumers, AgedPending(oldest, ms) if oldest else (), self.lookahead)

    @property
    def pending(self) -> int:
        """How many entries are pending for its consumers."""
        return sum(map(_pending_of, self.consumers))

    def active_within(self, ms: float) -> bool:
        """Tell whether a consumer may have asked the server for anything in the last `ms`."""
        return min(map(_idle_ms, self.consumers), default=inf) <= ms


@dataclass(slots=True)
class LastPoll:
    """One group in the previous poll."""

    group: GroupInfo
    replies: GroupReplies
    idle: bool  # nothing had happened to it since the poll before

    def differs(self, group: GroupInfo, consumers: Sequence[ConsumerInfo]) -> bool:
        """Tell from the numbers whether anything happened to the group since."""
        old, old_consumers = self.group, self.replies.consumers
        return (
            old.pending != group.pending
            or old.last_delivered_id != group.last_delivered_id
            or bool(self.replies.oldest and not old_consumers)  # no idle time tells their age
            or [*map(_held, old_consumers)] != [*map(_held, consumers)]
            or any(map(lt, map(_idle_ms, consumers), map(_idle_ms, old_consumers)))
        )


def unchanged_groups(
    last: Mapping[str, LastPoll],
    delta: StreamDelta,
    groups: Iterable[GroupInfo],
    replies: Mapping[str, GroupReplies],
    active: Container[str],
) -> set[str]:
    """Return the groups that have not changed, and whose waiting entries have not either.

    About these, XPENDING and XRANGE would reply as in the previous poll, except for the idle times.
    A consumer of an active group may have asked the server for anything since.
    """
    names = set()
    for group in groups:
        old, new = last.get(group.name), replies.get(group.name)
        if not old or not new or group.name in active:
            continue
        complete = old.replies.lookahead.complete
        if old.differs(group, new.consumers) or (complete and delta.counted != 0):
            continue
        if delta.keeps(group.last_delivered_id):
            names.add(group.name)
    return names
