"""Pending entries of idle groups, which grow older and do not change otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from streamviz.client.models import PendingEntry


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


def age_pending(pending: Sequence[PendingEntry], ms: int) -> Sequence[PendingEntry]:
    """Return unchanged pending entries as they are `ms` milliseconds later."""
    if isinstance(pending, AgedPending):
        return AgedPending(pending.entries, pending.ms + ms)
    return AgedPending(pending, ms) if pending else ()
