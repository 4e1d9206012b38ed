"""Typed records of what the server says; what a version of it does not tell is None."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from streamviz.client.entry_id import EntryId
from streamviz.client.idempotency import IdmpInfo

_new_tuple = tuple.__new__  # twice as fast as a named tuple's own way


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream.

    Attributes
    ----------
    id : EntryId
        Its ID.
    fields : dict of str to str
        Its fields, in the order they were added. Bytes that are not UTF-8 come as surrogate
        escapes, so ``value.encode("utf-8", "surrogateescape")`` gives every byte back.
    idle_ms, deliveries : int or None
        For what XREADGROUP took over with CLAIM: milliseconds since it was delivered before, and
        how often it was, both 0 for an entry that is new (8.4). None after any other command.
    """

    id: EntryId
    fields: dict[str, str]
    idle_ms: int | None = None
    deliveries: int | None = None

    def __repr__(self) -> str:
        shown = {"id": self.id, "fields": self.fields}
        if self.deliveries is not None:
            shown |= {"idle_ms": self.idle_ms, "deliveries": self.deliveries}
        return f"Entry({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


class PendingEntry(NamedTuple):
    """One entry that was delivered and not acknowledged (XPENDING with a range, 5.0).

    Attributes
    ----------
    id : EntryId
        The entry's ID; the entry itself may have been deleted since.
    consumer : str
        Who holds it; empty for one that was given back with XNACK (8.8).
    idle_ms : int
        Milliseconds since it was last delivered; -1 for one that was given back (8.8).
    deliveries : int
        How often it was delivered.
    """

    id: EntryId
    consumer: str
    idle_ms: int
    deliveries: int


def later(pending: Sequence[PendingEntry], ms: int) -> tuple[PendingEntry, ...]:
    """Return pending entries as they are so many milliseconds later, if nothing befalls them."""
    return tuple(
        [
            _new_tuple(PendingEntry, (which, who, idle_ms + ms if idle_ms >= 0 else -1, times))
            for which, who, idle_ms, times in pending
        ]
    )


@dataclass(frozen=True, slots=True)
class PendingSummary:
    """What a group holds in all (XPENDING, 5.0).

    Attributes
    ----------
    count : int
        Entries delivered and not acknowledged.
    min_id, max_id : EntryId or None
        The smallest and the largest of their IDs; None if there are none.
    consumers : dict of str to int
        Entries for each consumer that holds any.
    """

    count: int
    min_id: EntryId | None
    max_id: EntryId | None
    consumers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What XAUTOCLAIM moved (6.2).

    Attributes
    ----------
    cursor : EntryId
        Where to go on; ``0-0`` when the whole list was looked at. A page may be empty and still
        have a cursor.
    entries : tuple of Entry
        What is now the claimer's; empty with ``justid``.
    ids : tuple of EntryId
        The same, as IDs.
    deleted : tuple of EntryId
        Pending entries that no longer exist in the stream, and were dropped from the list (7.0).
    """

    cursor: EntryId
    entries: tuple[Entry, ...]
    ids: tuple[EntryId, ...]
    deleted: tuple[EntryId, ...]


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What the server knows of a stream (XINFO STREAM, 5.0).

    Attributes
    ----------
    length : int
        Entries in it.
    radix_tree_keys, radix_tree_nodes : int
        Its macro nodes, and all nodes of the tree that holds them.
    groups : int
        Its consumer groups.
    last_generated_id : EntryId
        The last ID given out; it stays when that entry is deleted.
    max_deleted_entry_id : EntryId or None
        The largest ID that was deleted, ``0-0`` if none (7.0).
    entries_added : int or None
        Entries ever added (7.0).
    recorded_first_entry_id : EntryId or None
        The first entry's ID as the server keeps it for the lag (7.0).
    first_entry, last_entry : Entry or None
        The two ends; None in an empty stream.
    idmp : IdmpInfo or None
        What it remembers so that no entry is added twice (8.6).
    """

    length: int
    radix_tree_keys: int
    radix_tree_nodes: int
    groups: int
    last_generated_id: EntryId
    max_deleted_entry_id: EntryId | None
    entries_added: int | None
    recorded_first_entry_id: EntryId | None
    first_entry: Entry | None
    last_entry: Entry | None
    idmp: IdmpInfo | None = None


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """What the server knows of a group (XINFO GROUPS, 5.0).

    Attributes
    ----------
    name : str
        The group's name.
    consumers, pending : int
        Its consumers; its entries delivered and not acknowledged.
    last_delivered_id : EntryId
        Its cursor.
    entries_read : int or None
        The place of that cursor among all entries ever added; None where it can't be told (7.0).
    lag : int or None
        Entries that wait, as the server has it; None where it can't be told (7.0). For what to
        think of that number see `streamviz.observation.lag`.
    """

    name: str
    consumers: int
    pending: int
    last_delivered_id: EntryId
    entries_read: int | None
    lag: int | None


class ConsumerInfo(NamedTuple):
    """What the server knows of a consumer (XINFO CONSUMERS, 5.0).

    Attributes
    ----------
    name : str
        The consumer's name.
    pending : int
        Entries that it holds.
    idle_ms : int
        Milliseconds since it last asked, for anything.
    inactive_ms : int or None
        Milliseconds since it last got something; None if never, or before 7.2.
    """

    name: str
    pending: int
    idle_ms: int
    inactive_ms: int | None


@dataclass(frozen=True, slots=True)
class FullPending:
    """One pending entry in XINFO STREAM FULL (6.0).

    Attributes
    ----------
    id : EntryId
        The entry's ID.
    consumer : str
        Who holds it.
    delivered_ms : int
        When it was last delivered, in milliseconds since 1970-01-01 UTC.
    deliveries : int
        How often.
    """

    id: EntryId
    consumer: str
    delivered_ms: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class FullGroup:
    """One group in XINFO STREAM FULL (6.0), its lists cut off at the COUNT that was asked for.

    Attributes
    ----------
    info : GroupInfo
        The numbers.
    pending : tuple of FullPending
        Of all its consumers.
    consumers : dict of str to int
        For each consumer, how many entries it holds.
    """

    info: GroupInfo
    pending: tuple[FullPending, ...]
    consumers: dict[str, int]


@dataclass(frozen=True, slots=True)
class StreamFull:
    """All of a stream at once (XINFO STREAM FULL, 6.0); it blocks the server for a long stream.

    Attributes
    ----------
    info : StreamInfo
        The numbers; `first_entry` and `last_entry` are None here.
    entries : tuple of Entry
        The first entries.
    groups : tuple of FullGroup
        The groups.
    """

    info: StreamInfo
    entries: tuple[Entry, ...]
    groups: tuple[FullGroup, ...]
