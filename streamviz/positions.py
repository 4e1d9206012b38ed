"""Entry-ID repositories: where a reader got to, and who remembers it.

The server knows nothing of a plain reader (XREAD). It is the reader that says which entry it had
last, so somebody has to remember it: the process, a file, a hash in Redis, or a transaction that
holds the position together with the result.

==========================  ====================  ====================  ===================
repository                  after a crash, lost   after a crash, twice  costs for each save
==========================  ====================  ====================  ===================
`MemoryPosition`            nothing               everything            nothing
`FilePosition`              nothing               the last entry        a write to the disk
`HashPosition`              nothing               the last entry        a round trip
`TransactionPosition`       nothing               nothing               two round trips
==========================  ====================  ====================  ===================
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import redis

from streamviz import arguments
from streamviz.arguments import Id
from streamviz.entry_id import EntryId
from streamviz.errors import InputError, NoSuchStream, PositionError
from streamviz.exchange import Arg, Command
from streamviz.in_order import ends_of_full, split
from streamviz.records import Entry
from streamviz.slots import Client
from streamviz.streams import Stream, read_streams
from streamviz.wire import Wire

_SLICE_MS = 2000  # who waits for ever looks so often whether it is still the same stream


class Position(Protocol):
    """Where one reader is in one stream: the ID of the last entry that it has dealt with."""

    def load(self) -> EntryId | None:
        """Return the last saved ID, None if there is none."""

    def save(self, entry_id: EntryId) -> None:
        """Remember an ID, for the next `load`."""


class MemoryPosition:
    """A position in this process, which goes with it: whoever starts again begins again.

    Parameters
    ----------
    entry_id : EntryId or str, optional
        Where the reader is already.
    """

    def __init__(self, entry_id: Id | None = None) -> None:
        self._at = None if entry_id is None else EntryId.parse(entry_id)

    def load(self) -> EntryId | None:
        """Return the last saved ID, None if there is none."""
        return self._at

    def save(self, entry_id: EntryId) -> None:
        """Remember an ID as long as this process lives."""
        self._at = entry_id

    def __repr__(self) -> str:
        return f"<MemoryPosition at {self._at}>"


class FilePosition:
    """A position in a file of one line, on this machine only.

    The file always holds one whole ID: a new one is written beside it, brought to the disk, and
    put in its place in one step. Who is killed while writing may leave that other file behind.

    Parameters
    ----------
    path : str or Path
        The file; its directory must exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def load(self) -> EntryId | None:
        """Return the ID in the file, None if there is no file.

        Raises
        ------
        PositionError
            If the file holds anything else, or can't be read.
        """
        try:
            found = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._trouble("read", error) from error
        return _parsed(found.strip(), f"the file {str(self.path)!r}")

    def save(self, entry_id: EntryId) -> None:
        """Put an ID in the place of the last one, for good.

        Raises
        ------
        PositionError
            If the file can't be written; the last ID is still in it.
        """
        try:
            handle, new = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            try:
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(f"{entry_id}\n")
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(new, self.path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(new)
                raise
            _bring_to_disk(self.path.parent)
        except OSError as error:
            raise self._trouble("written", error) from error

    def _trouble(self, done: str, error: OSError) -> PositionError:
        return PositionError(
            f"the position in {str(self.path)!r} can't be {done}: {error.strerror}. See whether "
            "its directory is there, has room, and is yours to write to"
        )

    def __repr__(self) -> str:
        return f"<FilePosition {str(self.path)!r}>"


class HashPosition:
    """A position in a Redis hash, a field for each reader (HGET, HSET); seen from everywhere.

    An `Observer` that is told the hash's key draws its readers.

    Parameters
    ----------
    client : redis.Redis
        The server.
    key : str
        The hash's key, for example ``"orders:readers"``.
    reader : str
        The reader's name: the field.

    Raises
    ------
    InputError
        If the key or the name is not text, or the client is none.
    """

    def __init__(self, client: redis.Redis, key: str, reader: str) -> None:
        for name, value in (("key", key), ("reader", reader)):
            if not isinstance(value, str) or not value:
                raise InputError(f"{name}={value!r}: give a name as text")
        self.key = key
        self.reader = reader
        self._wire = Wire(client)

    def load(self) -> EntryId | None:
        """Return the ID in the hash, None if there is none (HGET).

        Raises
        ------
        PositionError
            If the field holds anything else.
        """
        found = self._wire.call("HGET", self.key, self.reader)
        return None if found is None else _parsed(found, f"{self.reader!r} in {self.key!r}")

    def save(self, entry_id: EntryId) -> None:
        """Put an ID into the hash (HSET)."""
        self._wire.call("HSET", self.key, self.reader, str(entry_id))

    def forget(self) -> None:
        """Remove the position, as if there had never been one (HDEL)."""
        self._wire.call("HDEL", self.key, self.reader)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.reader!r} in {self.key!r}>"


class TransactionPosition(HashPosition):
    """A position in a Redis hash that moves together with the result, or not at all.

    What is queued is sent with the next `save` (WATCH, MULTI, EXEC). So each entry counts once,
    as far as its result is in the same Redis: whoever is killed in between has done nothing yet.

    Raises
    ------
    InputError
        If the key or the name is not text, or the client is none.

    Examples
    --------
    >>> from streamviz import Stream, connect
    >>> client = connect()
    >>> _ = client.delete("doctest:coins", "doctest:sum", "doctest:readers")
    >>> coins = Stream(client, "doctest:coins")
    >>> _ = coins.add_many({"cents": cents} for cents in (5, 20, 10))
    >>> place = TransactionPosition(client, "doctest:readers", "adder")
    >>> for entry in follow(coins, place):
    ...     place.queue("INCRBY", "doctest:sum", entry.fields["cents"])
    >>> client.get("doctest:sum")
    b'35'
    """

    def __init__(self, client: redis.Redis, key: str, reader: str) -> None:
        super().__init__(client, key, reader)
        self._at: EntryId | None = None
        self._queued: list[Command] = []

    def load(self) -> EntryId | None:
        """Return the ID in the hash, None if there is none; what was queued is dropped."""
        self._queued.clear()
        self._at = super().load()
        return self._at

    def queue(self, *command: Arg) -> None:
        """Keep a command for the next `save`; nothing is sent.

        Parameters
        ----------
        *command : str, bytes, int or float
            Its name and its arguments, for example ``"INCRBY", "sum", 5``.
        """
        if not command:
            raise InputError("no command was given: write its name and its arguments")
        self._queued.append(command)

    def save(self, entry_id: EntryId) -> None:
        """Do what was queued and move the position, in one step.

        Raises
        ------
        PositionError
            If the position is no longer where this reader left it: another one works under its
            name. Nothing is done.
        StreamError
            If the server refused a command. Of several commands the others may be done, as MULTI
            has it; the position, moved with them, is put back where it was.
        """
        expected = None if self._at is None else str(self._at).encode()
        commands = [*self._queued, ("HSET", self.key, self.reader, str(entry_id))]
        self._queued.clear()
        done = self._wire.transaction_if(("HGET", self.key, self.reader), expected, commands)
        if done is None:
            was = "without a position" if self._at is None else f"at {self._at}"
            raise PositionError(
                f"{self.reader!r} in {self.key!r} is no longer {was}: another reader "
                "works under this name, and nothing was done here. Stop one of the two, or give "
                "them names of their own"
            )
        refused = next((reply for reply in done if isinstance(reply, Exception)), None)
        if refused is not None:
            if not isinstance(done[-1], Exception):
                self.forget() if self._at is None else super().save(self._at)
            raise refused
        self._at = entry_id


def follow(
    stream: Stream,
    position: Position,
    *,
    start: Id = "0",
    count: int = 100,
    block_ms: int | None = None,
) -> Iterator[Entry]:
    """Read on from a position, entry by entry, and save it after each one (XREAD, 5.0).

    An entry's position is saved when the next one is asked for. So a loop that raises, breaks or
    is killed gets its last entry again.

    Parameters
    ----------
    stream : Stream
        What to read.
    position : Position
        Where the reader is; it goes on from there.
    start : EntryId or str
        Where to begin if there is no position yet; ``"$"``, the newest entry, is looked up and
        saved at once, so that nothing is lost from then on.
    count : int
        Entries to fetch at a time.
    block_ms : int, optional
        When there is nothing new, wait so long for it, in milliseconds, 0 for ever; without it,
        the loop ends there.

    Raises
    ------
    PositionError
        If the position lies beyond the last ID that the stream gave out: it was deleted and made
        again, or its server lost what came last. Who went on would wait for nothing.

    Examples
    --------
    >>> from streamviz import connect
    >>> tea = Stream(connect(), "doctest:cups")
    >>> _ = tea.client.delete("doctest:cups")
    >>> _ = tea.add_many({"cup": cup} for cup in ("oolong", "sencha"))
    >>> place = MemoryPosition()
    >>> [entry.fields["cup"] for entry in follow(tea, place)]
    ['oolong', 'sencha']
    >>> [entry.fields["cup"] for entry in follow(tea, place)]
    []
    """
    both = follow_streams(
        stream.client, {stream.key: position}, start=start, count=count, block_ms=block_ms
    )
    for _, entry in both:
        yield entry


def follow_streams(
    client: Client,
    positions: Mapping[str, Position],
    *,
    start: Id = "0",
    count: int = 100,
    block_ms: int | None = None,
) -> Iterator[tuple[str, Entry]]:
    """Read several streams as one, in the order of their IDs; see `follow`.

    What is there already comes in order, however the pages fall. Of what is added meanwhile, an
    entry that comes late, with an ID before one that was read, is late here, too.

    Parameters
    ----------
    client : redis.Redis or RedisCluster
        The server.
    positions : mapping of str to Position
        For each stream's key, a position of its own.
    start, count, block_ms
        As in `follow`; `count` is for each stream.

    Yields
    ------
    (str, Entry)
        The stream's key beside each entry.
    """
    streams = {key: Stream(client, key) for key in positions}
    after = {key: _begin(streams[key], positions[key], start) for key in positions}
    wait_ms = _SLICE_MS if block_ms == 0 else block_ms
    while True:
        found = read_in_order(client, after, count=count, block_ms=wait_ms)
        for key, entry in found:
            yield key, entry
            positions[key].save(entry.id)
            after[key] = entry.id
        if not found:
            for key, stream in streams.items():
                check_stream(stream, after[key])
            if block_ms != 0:
                return


def read_in_order(
    client: Client, after: Mapping[str, Id], *, count: int, block_ms: int | None = None
) -> list[tuple[str, Entry]]:
    """Read a page of several streams (XREAD) that the next page goes on from in order.

    Of a stream whose page is full, more may follow; what other streams have after its last ID is
    left for the next page. `streamviz.in_order` does the same for a consumer of a group.

    Parameters
    ----------
    client, after, block_ms
        As in `streamviz.streams.read_streams`.
    count : int
        At most so many from each stream.
    """
    found = read_streams(client, after, count=count, block_ms=block_ms)
    given, _ = split(found, ends_of_full(found, count))
    return given


def check_stream(stream: Stream, at: EntryId) -> None:
    """Refuse a stream that has not yet come to a position: it is not the one that was read.

    Raises
    ------
    PositionError
        If the last ID that the stream gave out is smaller (XINFO STREAM). A stream that does not
        exist is not refused: it may come.
    """
    try:
        last = stream.info().last_generated_id
    except NoSuchStream:
        return
    if last < at:
        raise PositionError(
            f"the position {at} lies beyond {last}, the last ID of {stream.key!r}: the stream was "
            "deleted and made again, or its server lost what came last. To read it from the "
            'beginning, save EntryId.parse("0-0") as the position'
        )


def _begin(stream: Stream, position: Position, start: Id) -> EntryId:
    at = position.load()
    if at is not None:
        check_stream(stream, at)
        return at
    if arguments.position(start, "$") != "$":
        return EntryId.parse(start)
    try:
        newest = stream.info().last_generated_id
    except NoSuchStream:
        newest = EntryId.ZERO
    position.save(newest)
    return newest


def _parsed(found: bytes, where: str) -> EntryId:
    try:
        return EntryId.parse(found)
    except InputError as error:
        raise PositionError(
            f"{where} holds {found[:40]!r} and not an entry ID: put back the last ID that you "
            "know, such as 1767225600000-0, or remove it to begin again"
        ) from error


def _bring_to_disk(directory: Path) -> None:
    """Let the file's new name outlast a power cut; a system without that has no way to ask."""
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
