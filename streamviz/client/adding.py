"""Add entries to a stream, one or many, and wait for replicas if asked to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypedDict, Unpack, overload

from streamviz.client import arguments, bulk
from streamviz.client.arguments import Fields, Id, Refs
from streamviz.client.confirmed import Confirmed, Waiting
from streamviz.client.connection import Connection
from streamviz.client.entry_id import EntryId
from streamviz.client.resp import Arg


class WaitOptions(TypedDict, total=False):
    """How to wait for replicas, for type checkers; see `Adding.add`."""

    wait_ms: int
    on_disk: bool


class BatchOptions(WaitOptions, total=False):
    """The options of `Adding.add_many`, for type checkers."""

    batch: int
    progress: bool


class _Options(WaitOptions, total=False):
    maxlen: int | None
    minid: Id | None
    approximate: bool
    limit: int | None
    refs: Refs | None
    idmp: tuple[str, str] | None
    idmp_auto: str | None


class Adding:
    """Adds entries to the stream that a subclass is."""

    connection: Connection
    key: str

    @overload
    def add(
        self,
        fields: Fields,
        id: Id = "*",
        *,
        create: Literal[True] = True,
        wait: None = None,
        **options: Unpack[_Options],
    ) -> EntryId: ...

    @overload
    def add(
        self,
        fields: Fields,
        id: Id = "*",
        *,
        create: bool,
        wait: None = None,
        **options: Unpack[_Options],
    ) -> EntryId | None: ...

    @overload
    def add(
        self,
        fields: Fields,
        id: Id = "*",
        *,
        create: Literal[True] = True,
        wait: int,
        **options: Unpack[_Options],
    ) -> Confirmed[EntryId]: ...

    @overload
    def add(
        self, fields: Fields, id: Id = "*", *, create: bool, wait: int, **options: Unpack[_Options]
    ) -> Confirmed[EntryId | None]: ...

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
        wait: int | None = None,
        wait_ms: int = 1000,
        on_disk: bool = False,
    ) -> EntryId | Confirmed[EntryId] | Confirmed[EntryId | None] | None:
        """Add one entry (XADD, 5.0).

        Return the new ID, or that of the duplicate (`idmp`, `idmp_auto`), or None if no stream
        exists. IdTooSmall if the ID is not larger than the stream's last ID.

        Parameters
        ----------
        fields : mapping
            At least one field. Values are text, bytes or numbers, also NumPy's and Decimal.
        id : EntryId or str
            ``"*"`` lets the server choose the ID, ``"<ms>-*"`` only the sequence number (7.0).
        maxlen, minid, approximate, limit, refs
            Trim in the same step; see `trim`.
        create : bool
            Whether to create the stream if it does not exist (False is NOMKSTREAM, 6.2).
        idmp : (producer, id), optional
            Add the entry only if that producer has not yet used that idempotency ID, whatever the
            fields are; needs the ID ``"*"`` (8.6).
        idmp_auto : str, optional
            A producer. The server computes the idempotency ID from the fields, in any order (8.6).
        wait : int, optional
            Wait until this many replicas have the entry, on the same connection (WAIT, 3.0), and
            return a pair: the ID, and how many replicas have the entry. Redis does not wait by
            itself: an entry that no replica has is lost if the node fails.
        wait_ms : int
            Wait at most this long, in milliseconds; 0 is forever. The entry stays in any case.
        on_disk : bool
            Count only replicas that have the entry on their disk (WAITAOF, 7.2), and not only in
            their memory.
        """
        trim_options, trim_needs = arguments.trim_options(maxlen, minid, approximate, limit, refs)
        new_id = arguments.new_id(id)
        options: list[Arg] = [] if arguments.flag("create", create) else ["NOMKSTREAM"]
        options += (once := arguments.idempotency_options(idmp, idmp_auto, new_id))
        options += [*trim_options, new_id, *arguments.flat_fields(fields)]
        waiting = Waiting.option(wait, wait_ms, on_disk=on_disk)
        call = waiting.call if waiting else Connection.call
        needs = (8, 6) if once else trim_needs
        reply = call(self.connection, "XADD", self.key, *options, needs=needs)
        added = None if reply is None else EntryId.parse(reply)
        return Confirmed(added, waiting.replicas) if waiting else added

    @overload
    def add_many(
        self, rows: Iterable[bulk.Row], *, wait: None = None, **options: Unpack[BatchOptions]
    ) -> int: ...

    @overload
    def add_many(
        self, rows: Iterable[bulk.Row], *, wait: int, **options: Unpack[BatchOptions]
    ) -> Confirmed[int]: ...

    def add_many(
        self,
        rows: Iterable[bulk.Row],
        *,
        batch: int = 1000,
        wait: int | None = None,
        wait_ms: int = 1000,
        on_disk: bool = False,
        progress: bool = True,
    ) -> int | Confirmed[int]:
        """Add many entries fast, many per round trip, and return how many (XADD, 5.0).

        Parameters
        ----------
        rows : iterable
            Fields, or pairs of an ID and fields. They are read one batch at a time.
        batch : int
            How many rows to send at once, while the server works on the previous batch.
        wait, wait_ms, on_disk : optional
            As in `add`, after each batch. Then this returns a pair: how many rows were added, and
            how many replicas have them all.
        progress : bool
            Whether to show a progress bar after two seconds, in a terminal or a notebook.

        Raises
        ------
        InputError
            If a row is not valid. The rows of earlier batches were added; those of its own batch
            were not.
        CommandRefused
            If the server refused a row. The remaining rows are not sent. Both messages name the
            first such row, counted from 0, and say how many rows were added.
        ServerUnreachable
            If the connection breaks. The message says how many rows are confirmed; up to two
            batches after them may have been added. The error's `unconfirmed` has these rows. To
            send them again, see `streamviz.patterns.Partitions.add_many`. A row with an ID of its
            own that was already added is then refused, and not added twice.

        An exception of `rows` itself is raised unchanged, after the server has answered the earlier
        batches. Its note says how many rows were added, and its `unconfirmed` has the rows read
        after them. A generator that raised cannot be continued.
        """
        size = arguments.whole_number("batch", batch, 1)
        waiting = Waiting.option(wait, wait_ms, on_disk=on_disk)
        count = bulk.add_rows(self.connection, self.key, rows, size, waiting, progress)
        return Confirmed(count, waiting.replicas) if waiting else count
