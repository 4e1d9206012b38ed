"""A stream with every command for its entries, and a function that reads several streams."""

from __future__ import annotations

from collections.abc import Mapping

from streamviz.client import arguments, replies
from streamviz.client.adding import Adding
from streamviz.client.arguments import Id, Ids, Refs
from streamviz.client.cluster import Client, connection_to
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry, GroupInfo, StreamFull, StreamInfo
from streamviz.client.records import Records
from streamviz.client.resp import Arg
from streamviz.client.tables import paragraph, titled
from streamviz.errors import InputError, StreamVizError


class Stream(Adding):
    """One stream on one server; making this object sends nothing.

    In a cluster, commands go to the node that owns the key's slot. InputError if the key is empty
    or not text, or `client` is not a client.

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
        self.client = client
        self.key = arguments.name_text(key, "a stream's key")
        self.connection = connection_to(client, key)

    def __repr__(self) -> str:
        return f"<Stream {self.key!r}>"

    def _repr_html_(self) -> str:
        call = self.connection.unlogged().call
        try:
            stream = replies.stream_info(call("XINFO", "STREAM", self.key))
            groups = replies.group_infos(call("XINFO", "GROUPS", self.key))
            return titled(repr(self), stream._repr_html_(), groups.html())
        except StreamVizError as error:
            return titled(repr(self), paragraph(str(error)))

    def __len__(self) -> int:
        return self.length()

    def __bool__(self) -> bool:
        return True  # an empty stream is still a stream

    def range(self, start: Id = "-", end: Id = "+", count: int | None = None) -> Records[Entry]:
        """Return at most `count` entries from one ID to another, both included (XRANGE, 5.0).

        A notebook shows them as a table; `.to_frame()` makes a pandas frame of them.

        Parameters
        ----------
        start, end : EntryId or str
            ``"-"`` is the first entry, ``"+"`` the last. A number without a sequence number is
            the whole millisecond. ``"("`` before an ID excludes it (6.2).
        """
        return self._range("XRANGE", start, end, count)

    def reverse_range(
        self, end: Id = "+", start: Id = "-", count: int | None = None
    ) -> Records[Entry]:
        """Return entries from the newest to the oldest (XREVRANGE, 5.0); see `range`."""
        return self._range("XREVRANGE", end, start, count)

    def length(self) -> int:
        """Return the number of entries, 0 if there is no stream (XLEN, 5.0)."""
        return int(self.connection.call("XLEN", self.key))

    def exists(self) -> bool:
        """Tell whether the key exists (EXISTS)."""
        return bool(self.connection.call("EXISTS", self.key))

    def read(
        self, after: Id, *, count: int | None = None, block_ms: int | None = None
    ) -> Records[Entry]:
        """Return at most `count` entries after an ID (XREAD, 5.0).

        Parameters
        ----------
        after : EntryId or str
            The last ID that you have. ``"0"`` reads from the beginning, ``"$"`` only entries
            added while this call waits, ``"+"`` the newest entry (7.4).
        block_ms : int, optional
            Wait this long for the first entry, in milliseconds; 0 is forever.
        """
        pairs = read_streams(self.client, {self.key: after}, count=count, block_ms=block_ms)
        return Records(Entry, [entry for _, entry in pairs])

    def trim(
        self,
        *,
        maxlen: int | None = None,
        minid: Id | None = None,
        approximate: bool = False,
        limit: int | None = None,
        refs: Refs | None = None,
    ) -> int:
        """Remove the oldest entries, and return how many were removed (XTRIM, 5.0).

        Parameters
        ----------
        maxlen : int, optional
            Keep this many entries.
        minid : EntryId or str, optional
            Keep entries from this ID on (6.2).
        approximate : bool
            Remove only whole macro nodes, which is much faster (``~``).
        limit : int, optional
            Remove at most `limit` entries, 0 for no limit; only with `approximate` (6.2).
        refs : {"KEEPREF", "DELREF", "ACKED"}, optional
            Keep the groups' pending references to removed entries, delete the references too, or
            remove only entries that every group has acknowledged (8.2).
        """
        options, needs = arguments.trim_options(maxlen, minid, approximate, limit, refs)
        if not options:
            raise InputError("trim needs a bound: give maxlen= or minid=")
        return int(self.connection.call("XTRIM", self.key, *options, needs=needs))

    def delete(self, *ids: Ids) -> int:
        """Delete entries by ID, and return how many were deleted (XDEL, 5.0)."""
        return int(self.connection.call("XDEL", self.key, *arguments.id_list(ids)))

    def delete_ex(self, *ids: Ids, refs: Refs = "KEEPREF") -> list[int]:
        """Delete entries, with `refs` as in `trim` (XDELEX, 8.2).

        Return for each ID: 1 if the entry was deleted, -1 if it does not exist, 2 if a group still
        needs it (with ``"ACKED"`` also if it does not exist and is after a group's cursor).
        """
        options = arguments.refs_and_ids(refs, ids)
        return list(self.connection.call("XDELEX", self.key, *options, needs=(8, 2)))

    def set_id(
        self, last_id: Id, *, entries_added: int | None = None, max_deleted_id: Id | None = None
    ) -> None:
        """Set the last ID and counters (XSETID, 5.0; ENTRIESADDED and MAXDELETEDID, 7.0)."""
        options: list[Arg] = [str(EntryId.parse(last_id))]
        options += arguments.option("ENTRIESADDED", "entries_added", entries_added)
        if max_deleted_id is not None:
            options += ["MAXDELETEDID", str(EntryId.parse(max_deleted_id))]
        self.connection.call("XSETID", self.key, *options, needs=(7, 0))

    def configure(
        self, *, idmp_duration_s: int | None = None, idmp_maxsize: int | None = None
    ) -> None:
        """Set how long the stream stores idempotency IDs, and how many of them (XCFGSET, 8.6).

        This also deletes the idempotency IDs stored so far. NoSuchStream if there is no stream.

        Parameters
        ----------
        idmp_duration_s : int, optional
            How long to store an ID, in seconds, 1 to 86400; 100 by default.
        idmp_maxsize : int, optional
            How many IDs to store for each producer, 1 to 10000; 100 by default.
        """
        options = arguments.option("IDMP-DURATION", "idmp_duration_s", idmp_duration_s, 1)
        options += arguments.option("IDMP-MAXSIZE", "idmp_maxsize", idmp_maxsize, 1)
        if not options:
            raise InputError("nothing to configure: give idmp_duration_s= or idmp_maxsize=")
        self.connection.call("XCFGSET", self.key, *options, needs=(8, 6))

    def info(self) -> StreamInfo:
        """Return the stream's numbers (XINFO STREAM, 5.0)."""
        return replies.stream_info(self.connection.call("XINFO", "STREAM", self.key))

    def full(self, count: int = 10) -> StreamFull:
        """Return the stream's numbers, entries, groups and consumers (XINFO STREAM FULL, 6.0).

        Each list has at most `count` items. 0 returns all, which blocks a server for seconds.
        """
        limit = arguments.option("COUNT", "count", count)
        reply = self.connection.call("XINFO", "STREAM", self.key, "FULL", *limit)
        return replies.stream_full(reply)

    def help(self) -> list[str]:
        """Return the server's help on XINFO and its subcommands (XINFO HELP, 5.0)."""
        return [replies.text(line) for line in self.connection.call("XINFO", "HELP")]

    def groups(self) -> Records[GroupInfo]:
        """Return the numbers of all groups (XINFO GROUPS, 5.0)."""
        return replies.group_infos(self.connection.call("XINFO", "GROUPS", self.key))

    def group(self, name: str) -> ConsumerGroup:
        """Return the group of that name; this sends nothing."""
        return ConsumerGroup(self.connection, self.key, name)

    def _range(self, command: str, first: Id, last: Id, count: int | None) -> Records[Entry]:
        options: list[Arg] = [arguments.range_end(first), arguments.range_end(last)]
        options += arguments.option("COUNT", "count", count, 1)
        return replies.entries(self.connection.call(command, self.key, *options))


def read_streams(
    client: Client,
    after: Mapping[str, Id],
    *,
    count: int | None = None,
    block_ms: int | None = None,
    max_count: int | None = None,
    max_bytes: int | None = None,
) -> list[tuple[str, Entry]]:
    """Read several streams at once, in the order of their IDs (XREAD, 5.0).

    Each entry is returned with its stream's key. In a cluster, the keys must have the same hash
    tag.

    Parameters
    ----------
    after : mapping of str to EntryId or str
        For each key, the last ID that you have; see `Stream.read`. InputError if there is none.
    count, block_ms : int, optional
        As in `Stream.read`; `count` is for each stream.
    max_count, max_bytes : int, optional
        Return at most `max_count` entries and about `max_bytes` bytes in all, from the streams in
        the order of `after` (8.10). The first entry is returned however large it is. InputError if
        `max_count` is less than `count`.
    """
    streams = arguments.streams(after, "$+")
    options, needs = arguments.read_options(count, block_ms, max_count, max_bytes)
    if "+" in streams[1 + len(after) :]:
        needs = needs or (7, 4)
    reply = connection_to(client, next(iter(after))).call(
        "XREAD", *options, *streams, block_ms=block_ms, needs=needs
    )
    return replies.in_id_order(reply)
