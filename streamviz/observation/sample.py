"""The sample: what the observer saw of a stream at one moment.

Samples flow through the whole package: the observer takes them, the history keeps them, the
plots draw them, and a recording stores them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Literal

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, Entry, PendingEntry
from streamviz.client.tables import Record
from streamviz.errors import no_such
from streamviz.observation.events import Event

_name_of = attrgetter("name")


@dataclass(frozen=True, slots=True)
class Lag(Record):
    """How far a group is behind, and whether that number can be trusted.

    Attributes
    ----------
    entries : int or None
        Entries in the stream that were not yet delivered to the group; None when unknown.
    verdict : {"exact", "plausible", "suspect", "unknown"}
        Whether the number can be trusted. If it is not exact, it is the server's own: plausible if
        it was not counted yet and nothing speaks against it, suspect if something does. If a stream
        of large entries has changed, an earlier sample's number is suspect.
    reason : str
        Why, in words; empty when the server's own number is exact.
    behind_ms : int or None
        Time of the stream's newest ID minus the time of the group's last-delivered ID, in
        milliseconds; 0 when nothing is waiting; None when unknown, or if IDs are not times.
    """

    entries: int | None
    verdict: Literal["exact", "plausible", "suspect", "unknown"]
    reason: str
    behind_ms: int | None


@dataclass(frozen=True, slots=True)
class GroupState(Record):
    """One consumer group in a sample.

    Attributes
    ----------
    name : str
        The group's name.
    last_delivered_id : EntryId
        The group's cursor.
    entries_read : int or None
        Entries ever delivered to the group (Redis 7.0); None where the server does not know.
    lag : Lag
        Entries that are waiting for the group.
    pending : int
        Entries delivered and not acknowledged.
    consumers : tuple of ConsumerInfo
        Ordered by name. If there are very many, only the 50 that matter most: those that hold the
        oldest pending entries, then those that hold most, then those that were active last.
    oldest : sequence of PendingEntry
        The pending entries with the smallest IDs, at most the observer's `max_pending`.
    gone : int or None
        Entries up to the cursor that the group never got, as far as samples show: trimmed or
        deleted before the group read them, skipped by XGROUP SETID, or older than the group.
    acked : int or None
        Entries that the group acknowledged since the first sample, or read with NOACK, as far as
        samples show: docs/numbers.md lists what looks the same. None in recordings of earlier
        versions.
    dropped : int
        Pending entries that were dropped with deleted consumers (XGROUP DELCONSUMER), at most: a
        consumer may have acknowledged some between the last sample and its end.
    more_consumers : int
        How many consumers are not in `consumers`.
    """

    name: str
    last_delivered_id: EntryId
    entries_read: int | None
    lag: Lag
    pending: int
    consumers: tuple[ConsumerInfo, ...]
    oldest: Sequence[PendingEntry]
    gone: int | None = None
    acked: int | None = None
    dropped: int = 0
    more_consumers: int = 0


@dataclass(frozen=True, slots=True)
class ReaderState(Record):
    """One plain reader (XREAD). The server knows nothing about it.

    Attributes
    ----------
    name : str
        The reader's name.
    position : EntryId
        The last entry that it handled, as the reader reports it; ``0-0`` before the first.
    got : tuple of EntryId
        The newest entries that it handled since the previous sample, if it reports them.
    """

    name: str
    position: EntryId
    got: tuple[EntryId, ...] = ()


@dataclass(frozen=True, slots=True)
class ProducerState(Record):
    """One of several producers of a stream. The server knows nothing about it.

    Attributes
    ----------
    name : str
        The producer's name.
    added : int
        How many entries it has added.
    new : tuple of EntryId
        The newest entries that it added since the previous sample.
    """

    name: str
    added: int
    new: tuple[EntryId, ...] = ()


def was_recreated(sample: Sample) -> bool:
    """Return whether a sample is the first one of another stream than that of the one before."""
    return any(event.kind == "stream_recreated" for event in sample.events)


@dataclass(frozen=True, slots=True)
class Sample(Record):
    """What the observer saw of a stream at one moment.

    Attributes
    ----------
    stream : str
        The stream's key.
    n : int
        The sample's number, from 1.
    time_ms : int
        When it was taken, in milliseconds since 1970-01-01 UTC (on a virtual clock: that clock's
        time).
    exists : bool or None
        False while the key is absent. None while nothing is known, because the server did not
        answer, or did not make sense. In both cases every number is 0 and every ID ``0-0``.
    trouble : str
        What went wrong, in words ("stream is gone"); empty if nothing did.
    length : int
        Entries in the stream now.
    entries_added : int
        Entries ever added (Redis 7.0).
    first_id, last_id : EntryId
        The oldest entry's ID, and the last generated ID.
    max_deleted_id : EntryId
        The largest ID that XDEL removed, ``0-0`` if none (Redis 7.0).
    entries : tuple of Entry
        Entries added since the previous sample; only the newest if there were more than the
        observer's `max_entries`.
    missed : int
        Entries added since the previous sample that are not in `entries`.
    groups : tuple of GroupState
        Ordered by name.
    events : tuple of Event
        What happened since the previous sample.
    nodes : int
        Macro nodes that hold the entries; Redis allocates and frees whole nodes.
    memory_bytes : int or None
        The key's size in bytes, its groups included (MEMORY USAGE); None unless asked for.
    readers : tuple of ReaderState
        The plain readers that the observer knows, ordered by name.
    lost : int
        Acknowledged entries that were lost in failovers since the first sample, at most. They are
        not in `entries_added`.
    producers : tuple of ProducerState
        A scenario's producers, if the stream has several; otherwise empty.
    """

    stream: str
    n: int
    time_ms: int
    exists: bool | None
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
    lost: int = 0
    producers: tuple[ProducerState, ...] = ()

    def group(self, name: str) -> GroupState:
        """Return the group of that name; InputError if the sample does not have it."""
        group = self.find_group(name)
        if group is None:
            raise no_such("group", name, [one.name for one in self.groups])
        return group

    def find_group(self, name: str) -> GroupState | None:
        """Return the group of that name, or None if the sample does not have it."""
        # plots call this for each group and sample: a search from the start would be quadratic
        i = bisect_left(self.groups, str(name), key=_name_of)
        return self.groups[i] if i < len(self.groups) and self.groups[i].name == name else None

    def reader(self, name: str) -> ReaderState | None:
        """Return the plain reader of that name, or None if the sample does not have it."""
        return next((reader for reader in self.readers if reader.name == name), None)

    def merge(self, older: Sample) -> Sample:
        """Return this sample with the entries and events of an older one added."""
        readers = tuple(
            replace(one, got=was.got + one.got) if (was := older.reader(one.name)) else one
            for one in self.readers
        )
        return replace(
            self,
            entries=older.entries + self.entries,
            missed=older.missed + self.missed,
            events=older.events + self.events,
            readers=readers,
        )
