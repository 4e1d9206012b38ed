"""One stream in parts: as many streams as you like, each with a slot of its own in a cluster.

A stream is one key, and one key lies on one node. To use more nodes, use more streams: the parts
are ``orders:{0}``, ``orders:{1}`` and so on, and the number between the braces, the hash tag,
decides on the slot. Entries of one business key always go to the same part, so they stay in
order; between the parts there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from zlib import crc32

from streamviz.client import arguments
from streamviz.client.arguments import Fields, Id
from streamviz.client.cluster import SLOTS, Client
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream
from streamviz.errors import InputError


class Partitions:
    """The parts of one stream; making them sends nothing.

    Parameters
    ----------
    client : redis.cluster.RedisCluster or redis.Redis
        The cluster, or one server, where all the parts lie together.
    name : str
        What the keys begin with; it must not hold ``{``, which would be the hash tag.
    count : int
        How many parts, 1 to 16,384. With another number later, most business keys would go to
        another part than before, and out of order: choose enough at once.

    Attributes
    ----------
    streams : tuple of Stream
        The parts, by their numbers.

    Raises
    ------
    InputError
        If the name or the count is not one.

    Examples
    --------
    >>> import streamviz
    >>> parts = Partitions(streamviz.connect(), "doctest:parts", 4)
    >>> parts.number("ada"), parts.of("ada").key
    (0, 'doctest:parts:{0}')
    """

    def __init__(self, client: Client, name: str, count: int) -> None:
        if not isinstance(name, str) or not name or "{" in name:
            raise InputError(f"{name!r} is not a name for parts: give text without a brace")
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
        """Return the number of the part for a business key: CRC32 of it, modulo their count.

        It is the same in every process and every language, which Python's own `hash` is not.

        Raises
        ------
        InputError
            If the key is not text.
        """
        if not isinstance(key, str):
            raise InputError(f"{key!r} is not a business key: give it as text, such as 'ada'")
        return crc32(key.encode("utf-8", "surrogateescape")) % len(self)

    def of(self, key: str) -> Stream:
        """Return the part for a business key."""
        return self.streams[self.number(key)]

    def add(self, key: str, fields: Fields, id: Id = "*") -> tuple[int, EntryId]:  # noqa: A002
        """Add one entry to the part of its business key (XADD, 5.0).

        Parameters
        ----------
        key : str
            The business key, for example a customer; it is not stored: put it into a field.
        fields : mapping
            At least one field.
        id : EntryId or str
            As in `Stream.add`; an ID is unique only within its part.

        Returns
        -------
        (int, EntryId)
            The part's number, and the entry's ID there.
        """
        stream = self.of(key)
        added = stream.add(fields, id)
        assert added is not None  # only NOMKSTREAM gives none
        return self.number(key), added

    def add_many(self, rows: Iterable[tuple[str, Fields]], *, batch: int = 1000) -> list[int]:
        """Add entries fast, each to the part of its business key, in the order of the rows.

        Parameters
        ----------
        rows : iterable of (str, mapping)
            Business keys and fields.
        batch : int
            How many are read at once, to be sent part by part.

        Returns
        -------
        list of int
            How many each part got.

        Raises
        ------
        InputError, CommandRefused, ServerUnreachable
            As `Stream.add_many`; what went to other parts before that is there.
        """
        arguments.whole_number("batch", batch, 1)
        added = [0] * len(self)
        left = iter(rows)
        while some := list(islice(left, batch)):
            shares: dict[int, list[Fields]] = {}
            for key, fields in some:
                shares.setdefault(self.number(key), []).append(fields)
            for number, share in shares.items():
                added[number] += self.streams[number].add_many(share)
        return added

    def create_group(self, name: str, id: Id = "0") -> tuple[ConsumerGroup, ...]:  # noqa: A002
        """Make a consumer group on every part, and return them (XGROUP CREATE MKSTREAM, 5.0).

        Each is a group of its own, with its own cursor and its own pending entries: they share
        no more than the name. One that is there stays as it is.

        Parameters
        ----------
        name : str
            The groups' name.
        id : EntryId or str
            Where they begin; see `ConsumerGroup.create`.
        """
        for group in self.group(name):
            group.create(id, mkstream=True, exist_ok=True)
        return self.group(name)

    def group(self, name: str) -> tuple[ConsumerGroup, ...]:
        """Return the group of that name on every part; this sends nothing."""
        return tuple(stream.group(name) for stream in self.streams)


def assign(count: int, consumers: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Say who reads which part: one consumer for each part, as evenly as it goes.

    Redis does not do this, and does not keep others from reading. Whoever asks a group gets its
    entries, so that every process has to come to the same answer: this one depends only on the
    names.

    Parameters
    ----------
    count : int
        How many parts there are.
    consumers : sequence of str
        Who is there, in any order. Those who are too many get none.

    Raises
    ------
    InputError
        If nobody is there, a name comes twice, or `count` is less than 1.

    Examples
    --------
    >>> assign(5, ["ben", "ann"])
    {'ann': (0, 2, 4), 'ben': (1, 3)}
    """
    arguments.whole_number("count", count, 1)
    names = sorted(consumers)
    if not names or len(set(names)) < len(names):
        raise InputError(f"consumers={list(consumers)!r}: give each name once, at least one")
    return {name: tuple(range(i, count, len(names))) for i, name in enumerate(names)}
