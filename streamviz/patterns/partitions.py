"""Split one stream into partitions: several streams, each with a slot of its own in a cluster.

A stream is one key, and a key is on one node. To use more nodes, use more streams: the partitions
are ``orders:{0}``, ``orders:{1}`` and so on. The number in braces, the hash tag, decides the
slot. Entries of one business key always go to the same partition, so they stay in order. There is
no order between partitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Unpack, overload
from zlib import crc32

from streamviz.client import arguments
from streamviz.client.adding import BatchOptions, WaitOptions
from streamviz.client.arguments import Fields, Id
from streamviz.client.bulk_by_node import BulkByNode
from streamviz.client.cluster import SLOTS, Client
from streamviz.client.confirmed import Confirmed, Waiting
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.progress import progress_bar
from streamviz.client.resp import to_bytes
from streamviz.client.stream import Stream
from streamviz.errors import InputError, check_type

_Row = tuple[str, Fields]


class Partitions:
    """The partitions of one stream, by number in `streams`; creating this object sends nothing.

    Parameters
    ----------
    client : redis.cluster.RedisCluster or redis.Redis
        The cluster, or one server for all partitions.
    name : str
        The start of the keys; without ``{``, which would begin the hash tag.
    count : int
        The number of partitions, 1 to 16,384. If you change it later, most business keys go to
        another partition than before and lose their order, so choose enough at once.

    Examples
    --------
    >>> import streamviz
    >>> parts = Partitions(streamviz.connect(), "doctest:parts", 4)
    >>> parts.number("ada"), parts.of("ada").key
    (0, 'doctest:parts:{0}')
    """

    def __init__(self, client: Client, name: str, count: int) -> None:
        if not isinstance(name, str) or not name or "{" in name:
            raise InputError(f"{name!r} is not a name for partitions: give text without a brace")
        if type(count) is not int or not 1 <= count <= SLOTS:
            raise InputError(f"count={count!r}: give a whole number from 1 to {SLOTS:,}")
        self.client = client
        self.name = name
        self.streams = tuple(Stream(client, f"{name}:{{{n}}}") for n in range(count))

    def __len__(self) -> int:
        return len(self.streams)

    def __repr__(self) -> str:
        return f"<Partitions of {self.name!r}: {len(self)}>"

    def number(self, key: str) -> int:
        """Return the number of a business key's partition: the key's CRC32 modulo their count.

        It is the same in every process and every language, unlike Python's own `hash`.
        """
        if not isinstance(key, str):
            raise InputError(f"{key!r} is not a business key: give it as text, such as 'ada'")
        return crc32(to_bytes(key)) % len(self)

    def of(self, key: str) -> Stream:
        """Return the partition for a business key."""
        return self.streams[self.number(key)]

    @overload
    def add(
        self, key: str, fields: Fields, id: Id = "*", *, wait: None = None
    ) -> tuple[int, EntryId]: ...

    @overload
    def add(
        self, key: str, fields: Fields, id: Id = "*", *, wait: int, **options: Unpack[WaitOptions]
    ) -> Confirmed[tuple[int, EntryId]]: ...

    def add(
        self,
        key: str,
        fields: Fields,
        id: Id = "*",  # noqa: A002
        *,
        wait: int | None = None,
        wait_ms: int = 1000,
        on_disk: bool = False,
    ) -> tuple[int, EntryId] | Confirmed[tuple[int, EntryId]]:
        """Add one entry to the partition of its business key (XADD, 5.0).

        Return the partition's number, and the entry's ID there, which is unique only there. The
        business key, for example a customer, is not stored, so put it into a field. The rest is
        as in `Stream.add`.
        """
        number = self.number(key)
        if wait is None:
            return number, self.streams[number].add(fields, id, on_disk=on_disk)
        entry_id, replicas = self.streams[number].add(
            fields, id, wait=wait, wait_ms=wait_ms, on_disk=on_disk
        )
        return Confirmed((number, entry_id), replicas)

    @overload
    def add_many(
        self, rows: Iterable[_Row], *, wait: None = None, **options: Unpack[BatchOptions]
    ) -> list[int]: ...

    @overload
    def add_many(
        self, rows: Iterable[_Row], *, wait: int, **options: Unpack[BatchOptions]
    ) -> Confirmed[list[int]]: ...

    def add_many(
        self,
        rows: Iterable[_Row],
        *,
        batch: int = 1000,
        wait: int | None = None,
        wait_ms: int = 1000,
        on_disk: bool = False,
        progress: bool = True,
    ) -> list[int] | Confirmed[list[int]]:
        """Add many entries fast, each to the partition of its business key, in the order of `rows`.

        Return the number of entries added to each partition. With `wait`, return a pair: these
        numbers, and how many replicas have all entries of their node.

        Parameters
        ----------
        rows : iterable of (str, mapping)
            Business keys and fields. InputError if one is not valid.
        batch : int
            The number of rows to read and send at a time: in one round trip per node, with all
            nodes at the same time.
        wait, wait_ms, on_disk, progress : optional
            As in `Stream.add_many`, for the replicas of each node.

        Notes
        -----
        CommandRefused or ServerUnreachable if a row was refused or not confirmed. The message names
        the first such row, and says how many rows were added: all of the earlier batches, and those
        of its batch that other nodes and partitions took. The remaining rows are not sent. An
        exception of `rows` itself is raised unchanged, with `unconfirmed` and a note.

        To continue after an error, give add_many an iterator. Then call it again with
        `error.unconfirmed`, the rows that were read and not confirmed, and with the remaining rows.
        No row is lost. Only rows of that one batch whose confirmation was lost may be added twice::

            remaining = iter(rows)
            while True:
                try:
                    parts.add_many(remaining)
                    break
                except ServerUnreachable as error:
                    remaining = chain(error.unconfirmed, remaining)  # of itertools
                    time.sleep(1)
        """
        arguments.whole_number("batch", batch, 1)
        check_type("rows", rows, Iterable, "pairs of a key and fields")
        waiting = Waiting.option(wait, wait_ms, on_disk=on_disk)
        targets = [(one.connection, one.key) for one in self.streams]
        bulk = BulkByNode(targets, self.number, waiting)
        total = len(rows) if isinstance(rows, Sized) else None
        with progress_bar(progress, "Adding", total, "entries") as advance:
            bulk.add(rows, batch, advance)
        return Confirmed(bulk.counts, waiting.replicas) if waiting else bulk.counts

    def create_group(self, name: str, start: Id = "0") -> tuple[ConsumerGroup, ...]:
        """Create a consumer group on every partition and return the groups (XGROUP CREATE, 5.0).

        The groups share only their name: each has its own cursor and its own pending entries. A
        group that exists stays as it is; a stream that does not exist is created (MKSTREAM). The
        groups start at `start`, as in `ConsumerGroup.create`.
        """
        groups = self.group(name)
        for group in groups:
            group.create(start, mkstream=True, exist_ok=True)
        return groups

    def group(self, name: str) -> tuple[ConsumerGroup, ...]:
        """Return the group with that name on every partition; this sends nothing."""
        return tuple(stream.group(name) for stream in self.streams)


def assign_partitions(
    count: int, consumers: Sequence[str], *, before: Mapping[str, Iterable[int]] | None = None
) -> dict[str, tuple[int, ...]]:
    """Assign each partition to one consumer, as evenly as possible.

    Redis neither assigns partitions nor keeps other consumers from reading them, so every process
    must compute the same assignment. This one depends only on the names, in any order, and on
    `before`. Consumers beyond `count` get none.

    Parameters
    ----------
    count : int
        The number of partitions.
    consumers : sequence of str
        The consumers' names, each once, and at least one. InputError otherwise.
    before : mapping of str to iterable of int, optional
        The assignment until now, which every process must know. With it, as few partitions as
        possible get another consumer. Names and numbers that no longer exist are ignored.

    Examples
    --------
    >>> two = assign_partitions(5, ["ben", "ann"])
    >>> two
    {'ann': (0, 2, 4), 'ben': (1, 3)}
    >>> assign_partitions(5, ["ben", "ann", "cy"], before=two)
    {'ann': (0, 2), 'ben': (1, 3), 'cy': (4,)}
    """
    arguments.whole_number("count", count, 1)
    check_type("consumers", consumers, Iterable, "a list of the consumers' names")
    if isinstance(consumers, str) or not all(isinstance(name, str) for name in consumers):
        raise InputError(f"consumers={consumers!r}: give a list of names, each as text")
    names = sorted(consumers)
    if not names or len(set(names)) < len(names):
        raise InputError(f"consumers={list(consumers)!r}: give each name once, at least one")
    former = _former(before, count)
    own = {name: [n for n, owner in sorted(former.items()) if owner == name] for name in names}
    least, more = divmod(count, len(names))
    most_first = sorted(names, key=lambda name: -len(own[name]))  # those keep one more
    room = {name: least + (n < more) for n, name in enumerate(most_first)}
    own = {name: kept[: room[name]] for name, kept in own.items()}
    kept = {n for numbers in own.values() for n in numbers}
    unassigned = [n for n in range(count) if n not in kept]
    while unassigned:
        for name in names:
            if unassigned and len(own[name]) < room[name]:
                own[name].append(unassigned.pop(0))
    return {name: tuple(sorted(numbers)) for name, numbers in own.items()}


def _former(before: Mapping[str, Iterable[int]] | None, count: int) -> dict[int, str]:
    """Return the consumer that each partition had, the first by name if there were several."""
    if before is None:
        return {}
    check_type("before", before, Mapping, "the assignment until now, such as {'ann': (0, 1)}")
    former: dict[int, str] = {}
    for name, numbers in sorted(before.items(), key=lambda pair: str(pair[0])):
        if not isinstance(name, str) or isinstance(numbers, str | bytes):
            raise InputError(
                f"before={before!r}: give each name its numbers, as in {{'ann': (0, 1)}}"
            )
        check_type("before", numbers, Iterable, "the assignment until now, such as {'ann': (0, 1)}")
        for number in numbers:
            if type(number) is not int:
                raise InputError(f"before={before!r}: {number!r} is not a partition's number")
            if 0 <= number < count:
                former.setdefault(number, name)
    return former
