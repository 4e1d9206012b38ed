"""Typed records of the server's replies; None is what the server's version does not report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from streamviz.client.entry import Entry as Entry
from streamviz.client.entry_id import EntryId
from streamviz.client.frames import make_frame
from streamviz.client.tables import Record, row_table

if TYPE_CHECKING:
    import pandas


class PendingEntry(NamedTuple):
    """One entry that was delivered but not acknowledged (XPENDING with a range, 5.0).

    Attributes
    ----------
    id, consumer : EntryId, str
        The entry, which may have been deleted since, and its consumer, empty after XNACK (8.8).
    idle_ms, deliveries : int
        Milliseconds since the last delivery, -1 after XNACK (8.8); the delivery count.
    """

    id: EntryId
    consumer: str
    idle_ms: int
    deliveries: int

    @property
    def holder(self) -> str | None:
        """The consumer that holds it; None after XNACK, since a consumer's name may be empty."""
        return self.consumer if self.consumer or self.idle_ms >= 0 else None

    def _repr_html_(self) -> str:
        return row_table(self)


@dataclass(frozen=True, slots=True)
class PendingSummary(Record):
    """How many entries of a group are pending, and for which consumers (XPENDING, 5.0).

    The smallest and the largest pending ID are None if nothing is pending.
    """

    count: int
    min_id: EntryId | None
    max_id: EntryId | None
    consumers: dict[str, int]

    def to_frame(self) -> pandas.DataFrame:
        """Return a pandas frame with one row per consumer: `consumer` and `pending`, its number.

        For one row per pending entry, see `ConsumerGroup.pending_entries`.
        """
        return make_frame({"consumer": "string", "pending": "Int64"}, [*self.consumers.items()])


@dataclass(frozen=True, slots=True)
class Claimed(Record):
    """One page of XAUTOCLAIM (6.2).

    The next page starts at the `cursor`, which is ``0-0`` after the last page. An empty page need
    not be the last one. With ``justid``, the page has only the IDs of the claimed entries. The
    `deleted` entries were pending, but no longer exist, so Redis has dropped them from the pending
    list (7.0).
    """

    cursor: EntryId
    entries: tuple[Entry, ...]
    ids: tuple[EntryId, ...]
    deleted: tuple[EntryId, ...]


@dataclass(frozen=True, slots=True)
class IdmpInfo(Record):
    """The numbers of a stream's idempotency IDs (XINFO STREAM, 8.6).

    An ID is stored for `duration_s` seconds, and at most `maxsize` of each producer. The numbers of
    `producers` and `ids` are the current ones. Those of entries `added` with an ID, and of refused
    `duplicates`, count since the stream was created.
    """

    duration_s: int
    maxsize: int
    producers: int
    ids: int
    added: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class StreamInfo(Record):
    """The numbers of a stream (XINFO STREAM, 5.0).

    Attributes
    ----------
    length, groups : int
        The number of entries, and of consumer groups.
    radix_tree_keys, radix_tree_nodes : int
        The number of macro nodes, and of all nodes in the radix tree that holds them.
    last_generated_id : EntryId
        The last ID given to an entry, even if that entry was deleted.
    max_deleted_entry_id : EntryId or None
        The largest ID that was deleted, ``0-0`` if none (7.0).
    entries_added : int or None
        The number of entries ever added (7.0).
    recorded_first_entry_id : EntryId or None
        The first entry's ID, which the server stores to compute the lag (7.0).
    first_entry, last_entry : Entry or None
        None in an empty stream.
    idmp : IdmpInfo or None
        The numbers of the idempotency IDs (8.6).
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
class GroupInfo(Record):
    """The numbers of a group (XINFO GROUPS, 5.0).

    Attributes
    ----------
    consumers, pending : int
        The number of consumers, and of pending entries.
    last_delivered_id : EntryId
        The group's cursor.
    entries_read : int or None
        The number of entries ever added up to the cursor; None where the server cannot tell (7.0).
    lag : int or None
        The number of waiting entries as the server reports it; None where it cannot tell (7.0).
        `streamviz.observation.lag` says when that number is right.
    """

    name: str
    consumers: int
    pending: int
    last_delivered_id: EntryId
    entries_read: int | None
    lag: int | None


class ConsumerInfo(NamedTuple):
    """The numbers of a consumer (XINFO CONSUMERS, 5.0).

    Attributes
    ----------
    pending : int
        The number of pending entries that the consumer holds.
    idle_ms : int
        Milliseconds since its last attempt to read or claim; before 7.2, its last success.
    inactive_ms : int or None
        Milliseconds since it last received an entry; None if it never did, or before 7.2.
    """

    name: str
    pending: int
    idle_ms: int
    inactive_ms: int | None

    def _repr_html_(self) -> str:
        return row_table(self)


@dataclass(frozen=True, slots=True)
class FullPending(Record):
    """One pending entry in XINFO STREAM FULL (6.0): the consumer that holds it, its delivery count.

    `delivered_ms` is the time of the last delivery, in milliseconds since 1970-01-01 UTC.
    """

    id: EntryId
    consumer: str
    delivered_ms: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class FullGroup(Record):
    """One group in XINFO STREAM FULL (6.0), with at most COUNT pending entries and consumers.

    For each consumer, `consumers` has the number of pending entries that it holds.
    """

    info: GroupInfo
    pending: tuple[FullPending, ...]
    consumers: dict[str, int]


@dataclass(frozen=True, slots=True)
class StreamFull(Record):
    """A stream's numbers, first entries and groups (XINFO STREAM FULL, 6.0).

    The `first_entry` and the `last_entry` of its `info` are None.
    """

    info: StreamInfo
    entries: tuple[Entry, ...]
    groups: tuple[FullGroup, ...]
