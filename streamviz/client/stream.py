"""A stream, typed: every command that works on entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

from streamviz.client import arguments, bulk, idempotency, replies
from streamviz.client.arguments import Fields, Id, Refs
from streamviz.client.cluster import Client, connection_to
from streamviz.client.entry_id import EntryId
from streamviz.client.exchange import Arg
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry, GroupInfo, StreamFull, StreamInfo
from streamviz.errors import InputError


class Stream:
    """One stream on one server; making one sends nothing.

    Parameters
    ----------
    client : redis.Redis or redis.cluster.RedisCluster
        The server; in a cluster, commands go to the node that holds the key's slot.
    key : str
        The stream's key.

    Raises
    ------
    InputError
        If `client` is not a Redis client, or `key` is empty or not text.

    Examples
    --------
    >>> import streamviz
    >>> tea = Stream(streamviz.connect(), "doctest:tea")
    >>> _ = tea.client.delete("doctest:tea")
    >>> tea.add({"cup": "oolong"}, id="1000-0")
    EntryId('1000-0')
    >>> tea.range()
    [Entry(id=EntryId('1000-0'), fields={'cup': 'oolong'})]
    """

    def __init__(self, client: Client, key: str) -> None:
        if not isinstance(key, str) or not key:
            raise InputError(f"{key!r} is not a stream's key: give its name as text")
        self.client = client
        self.key = key
        self.connection = connection_to(client, key)

    def __repr__(self) -> str:
        return f"<Stream {self.key!r}>"

    def __len__(self) -> int:
        return self.length()

    def __bool__(self) -> bool:
        return True  # an empty stream is still a stream

    def add(
        self,
        fields: Fields,
        id: Id = "*",  # noqa: A002 - Redis's own word
        *,
        maxlen: int | None = None,
        minid: Id | None = None,
        approximate: bool = False,
        limit: int | None = None,
        create: bool = True,
        refs: Refs | None = None,
        idmp: tuple[str, str] | None = None,
        idmp_auto: str | None = None,
    ) -> EntryId | None:
        """Add one entry (XADD, 5.0).

        Parameters
        ----------
        fields : mapping
            At least one field; values are text, bytes or numbers, NumPy's and Decimal too.
        id : EntryId or str
            ``"*"`` lets the server choose; ``"<ms>-*"`` lets it count (7.0).
        maxlen, minid, approximate, limit, refs
            Trim in the same step; see `trim`.
        create : bool
            Whether to make the stream if there is none (False is NOMKSTREAM, 6.2).
        idmp : (producer, id), optional
            Add only if that producer has not yet added that idempotency ID, whatever the fields
            are; only with the ID ``"*"`` (8.6).
        idmp_auto : str, optional
            A producer; the server makes the idempotency ID from the fields, in any order (8.6).

        Returns
        -------
        EntryId or None
            The new ID, or with `idmp` the one that the same entry got before; None if there is
            no stream and `create` is False.

        Raises
        ------
        InputError
            If a field or the ID is not one; nothing is written.
        CommandRefused
            If the ID is not larger than the stream's last one.
        """
        options: list[Arg] = [] if create else ["NOMKSTREAM"]
        needs: tuple[int, ...] | None = None
        trimming, needs_trim = arguments.trimming(maxlen, minid, approximate, limit, refs)
        if once := idempotency.once(idmp, idmp_auto, where := arguments.new_id(id)):
            options, needs = [*options, *once], (8, 6)
        reply = self.connection.call(
            "XADD",
            self.key,
            *options,
            *trimming,
            where,
            *arguments.flat(fields),
            needs=needs or needs_trim,
        )
        return None if reply is None else EntryId.parse(reply)

    def add_many(self, rows: Iterable[Fields | tuple[Id, Fields]], *, batch: int = 1000) -> int:
        """Add entries fast: many XADD a round trip, over the client's own connection.

        Parameters
        ----------
        rows : iterable
            Fields, or pairs of an ID and fields; read as they are sent, a batch at a time.
        batch : int
            How many go out at once, while the server still works on as many before them.

        Returns
        -------
        int
            How many were added.

        Raises
        ------
        InputError
            If a row is not right. It names the row, counted from 0; the rows of earlier batches
            are in the stream, and none of its own batch.
        CommandRefused
            If the server refused a row. It names the first one and how many rows were added;
            what was not sent yet is not sent.
        """
        return bulk.add(self.connection, self.key, rows, arguments.number("batch", batch, 1))

    def range(self, start: Id = "-", end: Id = "+", count: int | None = None) -> list[Entry]:
        """Return the entries from one ID to another, both included (XRANGE, 5.0).

        Parameters
        ----------
        start, end : EntryId or str
            ``"-"`` and ``"+"`` are the ends; a bare number is a whole millisecond; ``"("`` before
            an ID leaves it out (6.2).
        count : int, optional
            At most so many.
        """
        return replies.entries(
            self.connection.call(
                "XRANGE",
                self.key,
                arguments.bound(start),
                arguments.bound(end),
                *arguments.limited(count),
            )
        )

    def reverse_range(
        self, end: Id = "+", start: Id = "-", count: int | None = None
    ) -> list[Entry]:
        """Return entries from the newest backwards (XREVRANGE, 5.0); see `range`."""
        return replies.entries(
            self.connection.call(
                "XREVRANGE",
                self.key,
                arguments.bound(end),
                arguments.bound(start),
                *arguments.limited(count),
            )
        )

    def length(self) -> int:
        """Return how many entries there are, 0 if there is no stream (XLEN, 5.0)."""
        return int(self.connection.call("XLEN", self.key))

    def exists(self) -> bool:
        """Tell whether the key exists (EXISTS)."""
        return bool(self.connection.call("EXISTS", self.key))

    def read(
        self, after: Id, *, count: int | None = None, block_ms: int | None = None
    ) -> list[Entry]:
        """Return the entries after an ID (XREAD, 5.0).

        Parameters
        ----------
        after : EntryId or str
            The last ID that you have; ``"0"`` is from the beginning, ``"$"`` only what comes
            while this call waits, ``"+"`` the newest entry (7.4).
        count : int, optional
            At most so many.
        block_ms : int, optional
            Wait so long for the first one, in milliseconds; 0 is for ever.
        """
        found = read_streams(self.client, {self.key: after}, count=count, block_ms=block_ms)
        return [entry for _, entry in found]

    def trim(
        self,
        *,
        maxlen: int | None = None,
        minid: Id | None = None,
        approximate: bool = False,
        limit: int | None = None,
        refs: Refs | None = None,
    ) -> int:
        """Remove the oldest entries (XTRIM, 5.0).

        Parameters
        ----------
        maxlen : int, optional
            Keep so many.
        minid : EntryId or str, optional
            Keep from this ID on (6.2).
        approximate : bool
            Only whole macro nodes, which is much faster (``~``).
        limit : int, optional
            Look at so many entries at most; only with `approximate` (6.2).
        refs : {"KEEPREF", "DELREF", "ACKED"}, optional
            What happens to pending entries: their references stay, go too, or hold the entry
            until every group has acknowledged it (8.2).

        Returns
        -------
        int
            How many were removed.
        """
        options, needs = arguments.trimming(maxlen, minid, approximate, limit, refs)
        if not options:
            raise InputError("trim needs a bound: give maxlen= or minid=")
        return int(self.connection.call("XTRIM", self.key, *options, needs=needs))

    def delete(self, *ids: Id) -> int:
        """Remove entries by ID, and return how many there were (XDEL, 5.0)."""
        return int(self.connection.call("XDEL", self.key, *arguments.ids(ids)))

    def delete_ex(self, *ids: Id, refs: Refs = "KEEPREF") -> list[int]:
        """Remove entries and say what happens to pending references (XDELEX, 8.2).

        Returns
        -------
        list of int
            For each ID: 1 removed, -1 not there, 2 kept since a group still needs it (with
            ``"ACKED"`` also for an ID that is not there and lies beyond a group's cursor).
        """
        given = arguments.ids(ids)
        arguments.one_of("refs", refs, get_args(Refs))
        return list(
            self.connection.call("XDELEX", self.key, refs, "IDS", len(given), *given, needs=(8, 2))
        )

    def set_id(
        self, last_id: Id, *, entries_added: int | None = None, max_deleted_id: Id | None = None
    ) -> None:
        """Set the stream's own numbers (XSETID, 5.0; ENTRIESADDED and MAXDELETEDID, 7.0)."""
        options: list[Arg] = []
        if entries_added is not None:
            options += ["ENTRIESADDED", arguments.number("entries_added", entries_added)]
        if max_deleted_id is not None:
            options += ["MAXDELETEDID", str(EntryId.parse(max_deleted_id))]
        self.connection.call(
            "XSETID", self.key, str(EntryId.parse(last_id)), *options, needs=(7, 0)
        )

    def configure(
        self, *, idmp_duration_s: int | None = None, idmp_maxsize: int | None = None
    ) -> None:
        """Set how long and how many idempotency IDs are remembered (XCFGSET, 8.6).

        It also forgets those that were remembered so far.

        Parameters
        ----------
        idmp_duration_s : int, optional
            For so many seconds, 1 to 86400; 100 if never set.
        idmp_maxsize : int, optional
            So many of each producer, 1 to 10000; 100 if never set.

        Raises
        ------
        NoSuchStream
            If there is no stream.
        """
        options: list[Arg] = []
        if idmp_duration_s is not None:
            options += ["IDMP-DURATION", arguments.number("idmp_duration_s", idmp_duration_s, 1)]
        if idmp_maxsize is not None:
            options += ["IDMP-MAXSIZE", arguments.number("idmp_maxsize", idmp_maxsize, 1)]
        if not options:
            raise InputError("nothing to configure: give idmp_duration_s= or idmp_maxsize=")
        self.connection.call("XCFGSET", self.key, *options, needs=(8, 6))

    def info(self) -> StreamInfo:
        """Return the stream's numbers (XINFO STREAM, 5.0)."""
        return replies.stream_info(self.connection.call("XINFO", "STREAM", self.key))

    def full(self, count: int = 10) -> StreamFull:
        """Return everything, its lists cut off at `count`, 0 for never (XINFO STREAM FULL, 6.0).

        The server walks the whole stream for it, whatever `count` is: keep it from long streams.
        """
        return replies.stream_full(
            self.connection.call(
                "XINFO", "STREAM", self.key, "FULL", "COUNT", arguments.number("count", count)
            )
        )

    def help(self) -> list[str]:
        """Return what the server says of XINFO and its subcommands (XINFO HELP, 5.0)."""
        return [replies.text(line) for line in self.connection.call("XINFO", "HELP")]

    def groups(self) -> list[GroupInfo]:
        """Return the numbers of all groups (XINFO GROUPS, 5.0)."""
        return replies.group_infos(self.connection.call("XINFO", "GROUPS", self.key))

    def group(self, name: str) -> ConsumerGroup:
        """Return the group of that name, to work with; this sends nothing."""
        return ConsumerGroup(self, name)


def read_streams(
    client: Client,
    after: Mapping[str, Id],
    *,
    count: int | None = None,
    block_ms: int | None = None,
    max_count: int | None = None,
    max_bytes: int | None = None,
) -> list[tuple[str, Entry]]:
    """Read several streams at once (XREAD, 5.0), in the order of their IDs.

    Parameters
    ----------
    client : redis.Redis or redis.cluster.RedisCluster
        The server; in a cluster, the keys must have one hash tag.
    after : mapping of str to EntryId or str
        For each key, the last ID that you have.
    count : int, optional
        At most so many from each stream.
    block_ms : int, optional
        Wait so long for the first one, in milliseconds.
    max_count, max_bytes : int, optional
        At most so many entries, and about so many bytes of reply, in all, the streams served in
        the order that they are named (8.10). The first entry comes however large it is.

    Returns
    -------
    list of (str, Entry)
        The stream's key beside each entry.

    Raises
    ------
    InputError
        If `after` is empty, an ID is not one, or `max_count` is less than `count`.
    """
    if not after:
        raise InputError(f"{after!r} names no stream: give at least one key and its ID")
    options, needs = arguments.reading(count, block_ms, max_count, max_bytes)
    positions = [arguments.position(where, "$+") for where in after.values()]
    if "+" in positions:
        needs = needs or (7, 4)
    reply = connection_to(client, next(iter(after))).call(
        "XREAD", *options, "STREAMS", *after, *positions, block_ms=block_ms, needs=needs
    )
    return replies.in_time_order(replies.by_stream(reply))
