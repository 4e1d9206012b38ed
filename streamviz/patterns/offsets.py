"""Keep the position of a plain reader in an offset store.

A reader's *position* is the ID of the last entry that it has handled. Redis does not keep the
position of a plain reader (XREAD), so the reader must save it somewhere. An *offset store* keeps
one position: in this process, in a file, in a Redis hash, or in a Redis hash in one transaction
with the result. The stores differ in what a crash costs and what a save costs:

===================  ==================  ======================  ===================
offset store         lost by a crash     repeated after a crash  cost of a save
===================  ==================  ======================  ===================
`MemoryOffset`       nothing             every entry             none
`FileOffset`         nothing             the last entry          a write to the disk
`HashOffset`         nothing             the last entry          one round trip
`TransactionOffset`  nothing             nothing                 two round trips
===================  ==================  ======================  ===================
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol, runtime_checkable

import redis

from streamviz.client.arguments import Id
from streamviz.client.cluster import connection_to
from streamviz.client.entry_id import EntryId
from streamviz.client.resp import Arg, Command, as_text
from streamviz.client.transport import errors_among
from streamviz.errors import InputError, OffsetError, path_of

# These end a transaction, or leave its connection in another state for the next command.
_NOT_QUEUED = {"MULTI", "EXEC", "DISCARD", "WATCH", "RESET", "QUIT", "MONITOR"}
_NOT_QUEUED |= {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}


@runtime_checkable
class Offset(Protocol):
    """An offset store: it keeps the position of one reader in one stream."""

    def load(self) -> EntryId | None:
        """Return the saved position, or None if there is none."""

    def save(self, entry_id: EntryId) -> None:
        """Save a position for the next `load`."""


class MemoryOffset:
    """Keep a position in memory, at first `entry_id`; a restarted reader begins there again."""

    def __init__(self, entry_id: Id | None = None) -> None:
        self._position = None if entry_id is None else EntryId.parse(entry_id)

    def load(self) -> EntryId | None:
        """Return the position."""
        return self._position

    def save(self, entry_id: EntryId) -> None:
        """Save a position for as long as this process lives."""
        self._position = EntryId.parse(entry_id)

    def __repr__(self) -> str:
        return f"<MemoryOffset at {self._position}>"


class FileOffset:
    """Keep a position in a file of one line, on this machine only.

    The file always holds one whole ID: a save writes a temporary file in the same directory, which
    must exist, flushes it to the disk, and renames it in one step. A process that is killed during
    a save may leave that temporary file there. The file keeps its permissions, and a symbolic link
    still names the file that it named.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path_of("path", path)

    def load(self) -> EntryId | None:
        """Return the position in the file, or None without a file.

        OffsetError if the file holds anything else, or can't be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failure("read", error) from error
        return _parse(content.strip(), f"the file {str(self.path)!r}")

    def save(self, entry_id: EntryId) -> None:
        """Replace the position in the file, so that it survives a power cut.

        OffsetError if the file can't be written; it still holds the previous position.
        """
        entry_id = EntryId.parse(entry_id)
        try:
            path = Path(os.path.realpath(self.path))
            handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            try:
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(f"{entry_id}\n")
                    file.flush()
                    os.fsync(file.fileno())
                with suppress(FileNotFoundError):
                    shutil.copymode(path, temporary)
                os.replace(temporary, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary)
                raise
            _flush_directory(path.parent)
        except OSError as error:
            raise self._failure("written", error) from error

    def _failure(self, action: str, error: OSError) -> OffsetError:
        return OffsetError(
            f"the position in {str(self.path)!r} can't be {action}: {error.strerror}. Check that "
            "its directory exists, has free space, and is writable"
        )

    def __repr__(self) -> str:
        return f"<FileOffset {str(self.path)!r}>"


class HashOffset:
    """Keep a position in a Redis hash, with a field for each reader (HGET, HSET, 2.0).

    Every client of the server can see it. An `Observer` that gets the hash's key, for example
    ``"orders:readers"``, observes its readers. InputError if a name is empty or not text.
    """

    def __init__(self, client: redis.Redis, key: str, reader: str) -> None:
        for name, value in (("key", key), ("reader", reader)):
            if not isinstance(value, str) or not value:
                raise InputError(f"{name}={value!r}: give a name as text")
        self.key, self.reader = key, reader
        self._connection = connection_to(client, key)

    def load(self) -> EntryId | None:
        """Return the position in the hash, or None (HGET, 2.0); OffsetError if it is not an ID."""
        value = self._connection.call("HGET", self.key, self.reader)
        return None if value is None else _parse(value, f"{self.reader!r} in {self.key!r}")

    def save(self, entry_id: EntryId) -> None:
        """Save a position in the hash (HSET, 2.0)."""
        self._connection.call("HSET", self.key, self.reader, str(EntryId.parse(entry_id)))

    def forget(self) -> None:
        """Delete the position (HDEL, 2.0)."""
        self._connection.call("HDEL", self.key, self.reader)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.reader!r} in {self.key!r}>"


class TransactionOffset(HashOffset):
    """Keep a position in a Redis hash, and save it in one transaction with the result.

    The next `save` sends the queued commands and the position together (WATCH 2.2, MULTI and EXEC
    1.2). So each entry counts exactly once if its result is in the same Redis: a reader that is
    killed before the `save` has changed nothing.

    Examples
    --------
    >>> from streamviz import Stream, connect
    >>> from streamviz.patterns.follow import follow
    >>> client = connect()
    >>> _ = client.delete("doctest:coins", "doctest:sum", "doctest:readers")
    >>> coins = Stream(client, "doctest:coins")
    >>> _ = coins.add_many({"cents": cents} for cents in (5, 20, 10))
    >>> offset = TransactionOffset(client, "doctest:readers", "adder")
    >>> for entry in follow(coins, offset):
    ...     offset.queue("INCRBY", "doctest:sum", entry.fields["cents"])
    >>> client.get("doctest:sum")
    b'35'
    """

    def __init__(self, client: redis.Redis, key: str, reader: str) -> None:
        super().__init__(client, key, reader)
        self._position: EntryId | None = None
        self._queued: list[Command] = []

    def load(self) -> EntryId | None:
        """Return the position in the hash, or None; drop the queued commands."""
        self._queued.clear()
        self._position = super().load()
        return self._position

    def queue(self, *command: Arg) -> None:
        """Queue a command, such as ``"INCRBY", "sum", 5``, for the next `save`; send nothing.

        InputError for a command that ends the transaction, such as EXEC, or subscribes.
        """
        if not command:
            raise InputError("no command was given: give its name and its arguments")
        if as_text(command[0]).upper() in _NOT_QUEUED:
            raise InputError(
                f"{as_text(command[0])} can't be queued, because save() sends a transaction "
                "(MULTI, EXEC): give a command that reads or writes a key"
            )
        self._queued.append(command)

    def save(self, entry_id: EntryId) -> None:
        """Run the queued commands and save the position, in one step.

        OffsetError if another reader has changed the position under this name: nothing is done.
        StreamError if the server refused a command. As always with MULTI, the other queued commands
        may have been run; the position goes back to where it was.
        """
        entry_id = EntryId.parse(entry_id)
        expected = None if self._position is None else str(self._position)
        commands = [*self._queued, ("HSET", self.key, self.reader, str(entry_id))]
        self._queued.clear()
        field = ("HGET", self.key, self.reader)
        replies = self._connection.transaction_if(field, expected and expected.encode(), commands)
        if replies is None:
            raise OffsetError(
                f"the position of {self.reader!r} in {self.key!r} has changed (expected "
                f"{expected or 'none'}): another reader is using this name, so nothing was "
                "done here. Stop one of the two, or give each its own name"
            )
        for _, refusal in errors_among(replies):
            if not isinstance(replies[-1], Exception):
                self.forget() if self._position is None else super().save(self._position)
            raise refusal
        self._position = entry_id


def _parse(value: bytes, source: str) -> EntryId:
    try:
        return EntryId.parse(value)
    except InputError as error:
        raise OffsetError(
            f"{source} holds {value[:40]!r}, which is not an entry ID: put back the last ID that "
            "you know, such as 1767225600000-0, or delete the position to start from the beginning"
        ) from error


def _flush_directory(directory: Path) -> None:
    """Flush a rename to the disk, so that it survives a power cut; some systems can't."""
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
