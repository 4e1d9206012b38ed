"""The sample: what one look at a stream saw at one moment.

It is the one record that flows through the package: the observer makes it, the history keeps it,
the plots draw it, a recording stores it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, Entry, PendingEntry
from streamviz.observation.events import Event


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind, and what to think of that number.

    Attributes
    ----------
    entries : int or None
        Entries in the stream that were not yet delivered to the group; None when unknown.
    verdict : {"exact", "suspect", "unknown"}
        Whether the number can be trusted.
    reason : str
        Why, in words; empty when the server's own number is exact.
    behind_ms : int or None
        Time of the stream's newest ID minus the time of the group's last-delivered ID, in
        milliseconds; 0 when nothing waits; None when unknown.
    """

    entries: int | None
    verdict: Literal["exact", "suspect", "unknown"]
    reason: str
    behind_ms: int | None


@dataclass(frozen=True, slots=True)
class GroupState:
    """One consumer group as a look saw it.

    Attributes
    ----------
    name : str
        The group's name.
    last_delivered_id : EntryId
        The group's cursor.
    entries_read : int or None
        Entries ever delivered to the group (Redis 7.0); None where the server cannot tell.
    lag : Lag
        Entries that wait for the group.
    pending : int
        Entries delivered and not acknowledged.
    consumers : tuple of ConsumerInfo
        Ordered by name.
    oldest : tuple of PendingEntry
        The pending entries with the smallest IDs, at most as many as the observer was told.
    gone : int or None
        Entries up to the cursor that the group never got: trimmed or deleted before it read
        them, skipped by XGROUP SETID, or older than the group; None where nobody can tell.
    """

    name: str
    last_delivered_id: EntryId
    entries_read: int | None
    lag: Lag
    pending: int
    consumers: tuple[ConsumerInfo, ...]
    oldest: tuple[PendingEntry, ...]
    gone: int | None = None


@dataclass(frozen=True, slots=True)
class ReaderState:
    """One plain reader (XREAD), of which the server knows nothing.

    Attributes
    ----------
    name : str
        The reader's name.
    position : EntryId
        The last entry that it has dealt with, as it says itself; ``0-0`` before the first.
    got : tuple of EntryId
        What it has dealt with since the last look, where that is known; the newest of it.
    """

    name: str
    position: EntryId
    got: tuple[EntryId, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """What one look at a stream saw at one moment.

    Attributes
    ----------
    stream : str
        The stream's key.
    n : int
        The look's number, from 1.
    time_ms : int
        When, in milliseconds since 1970-01-01 UTC (on a virtual clock: that clock's time).
    exists : bool
        False while the key is absent; then every number is 0 and every ID ``0-0``.
    trouble : str
        What went wrong with this look, in words ("stream is gone"); else empty.
    length : int
        Entries in the stream now.
    entries_added : int
        Entries ever added (Redis 7.0).
    first_id, last_id : EntryId
        The oldest entry's ID, and the last generated ID.
    max_deleted_id : EntryId
        The largest ID that XDEL removed, ``0-0`` if none (Redis 7.0).
    entries : tuple of Entry
        Entries new since the last look, the newest ones if there were more than the observer takes.
    missed : int
        Entries that came since the last look and are not in `entries`.
    groups : tuple of GroupState
        Ordered by name.
    events : tuple of Event
        What happened since the last sample.
    nodes : int
        Macro nodes that hold the entries; memory comes and goes with whole ones.
    memory_bytes : int or None
        What MEMORY USAGE says that the key takes, in bytes, its groups included; None where it
        was not asked.
    readers : tuple of ReaderState
        Ordered by name; those that the observer was told of.
    """

    stream: str
    n: int
    time_ms: int
    exists: bool
    trouble: str
    length: int
    entries_added: int
    first_id: EntryId
    last_id: EntryId
    max_deleted_id: EntryId
    entries: tuple[Entry, ...]
    missed: int
    groups: tuple[GroupState, ...]
    events: tuple[Event, ...] = ()
    nodes: int = 0
    memory_bytes: int | None = None
    readers: tuple[ReaderState, ...] = ()

    def group(self, name: str) -> GroupState | None:
        """Return the group of that name, or None if this look did not see it."""
        for group in self.groups:  # a plot asks for each group at each look: no generator
            if group.name == name:
                return group
        return None

    def reader(self, name: str) -> ReaderState | None:
        """Return the plain reader of that name, or None if this look did not see it."""
        return next((reader for reader in self.readers if reader.name == name), None)
