"""Entry-ID repositories: where a reader got to, and who remembers it.

The server knows nothing of a plain reader (XREAD). It is the reader that says which entry it had
last, so somebody has to remember it: the process, a file, a hash in Redis, or a transaction that
holds the position together with the result.

==========================  ====================  ====================  ===================
repository                  after a crash, lost   after a crash, twice  costs for each save
==========================  ====================  ====================  ===================
`MemoryOffset`            nothing               everything            nothing
`FileOffset`              nothing               the last entry        a write to the disk
`HashOffset`              nothing               the last entry        a round trip
`TransactionOffset`       nothing               nothing               two round trips
==========================  ====================  ====================  ===================
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import redis

from streamviz.client.arguments import Id
from streamviz.client.connection import Connection
from streamviz.client.entry_id import EntryId
from streamviz.client.resp import Arg, Command
from streamviz.errors import InputError, OffsetError


class Offset(Protocol):
    """Where one reader is in one stream: the ID of the last entry that it has dealt with."""

    def load(self) -> EntryId | None:
        """Return the last saved ID, None if there is none."""

    def save(self, entry_id: EntryId) -> None:
        """Remember an ID, for the next `load`."""


class MemoryOffset:
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
        return f"<MemoryOffset at {self._at}>"


class FileOffset:
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

    def _trouble(self, done: str, error: OSError) -> OffsetError:
        return OffsetError(
            f"the position in {str(self.path)!r} can't be {done}: {error.strerror}. See whether "
            "its directory is there, has room, and is yours to write to"
        )

    def __repr__(self) -> str:
        return f"<FileOffset {str(self.path)!r}>"


class HashOffset:
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
        self._connection = Connection(client)

    def load(self) -> EntryId | None:
        """Return the ID in the hash, None if there is none (HGET).

        Raises
        ------
        PositionError
            If the field holds anything else.
        """
        found = self._connection.call("HGET", self.key, self.reader)
        return None if found is None else _parsed(found, f"{self.reader!r} in {self.key!r}")

    def save(self, entry_id: EntryId) -> None:
        """Put an ID into the hash (HSET)."""
        self._connection.call("HSET", self.key, self.reader, str(entry_id))

    def forget(self) -> None:
        """Remove the position, as if there had never been one (HDEL)."""
        self._connection.call("HDEL", self.key, self.reader)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.reader!r} in {self.key!r}>"


class TransactionOffset(HashOffset):
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
    >>> from streamviz.patterns.follow import follow
    >>> client = connect()
    >>> _ = client.delete("doctest:coins", "doctest:sum", "doctest:readers")
    >>> coins = Stream(client, "doctest:coins")
    >>> _ = coins.add_many({"cents": cents} for cents in (5, 20, 10))
    >>> place = TransactionOffset(client, "doctest:readers", "adder")
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
        done = self._connection.transaction_if(("HGET", self.key, self.reader), expected, commands)
        if done is None:
            was = "without a position" if self._at is None else f"at {self._at}"
            raise OffsetError(
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


def _parsed(found: bytes, where: str) -> EntryId:
    try:
        return EntryId.parse(found)
    except InputError as error:
        raise OffsetError(
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
