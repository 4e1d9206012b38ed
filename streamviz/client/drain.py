"""Read a group's entries until none is left, and acknowledge a page together with the next read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamviz.client import arguments, replies
from streamviz.client.connection import Connection
from streamviz.client.models import Entry
from streamviz.client.resp import Arg, Command
from streamviz.errors import ServerUnreachable


class Pages:
    """Reads the pages of one consumer, and acknowledges what the caller has handled.

    Parameters
    ----------
    connection : Connection
        A connection to the server that has the stream.
    key, group, consumer : str
        The stream's key, the group's and the consumer's name.
    count, block_ms : int, int or None
        As in `Consumer.read`.

    Attributes
    ----------
    handled : list of bytes
        The IDs that are handled and not acknowledged.
    """

    def __init__(
        self,
        connection: Connection,
        key: str,
        group: str,
        consumer: str,
        count: int,
        block_ms: int | None,
    ) -> None:
        self.count = count
        self.block_ms = block_ms
        self.handled: list[bytes] = []
        self._connection = connection
        self._names = key, group
        self._consumer = consumer
        options, _ = arguments.read_options(arguments.whole_number("count", count, 1), block_ms)
        self._command = ("XREADGROUP", "GROUP", group, consumer, *options, "STREAMS", key)

    def __repr__(self) -> str:
        return f"<Consumer {self._consumer!r} of {self._names[1]!r}>"

    def read(self, after: Arg) -> list[Any]:
        """Read a page of new entries (``">"``), or of own pending ones after an ID."""
        command = (*self._command, after)
        return replies.only_stream(self._send(command, self.block_ms))

    def next_after(self, after: Arg, page: list[Any]) -> Arg:
        """Return where the next read begins: behind this page, if it may have more behind it."""
        return page[-1][0] if after != ">" and len(page) == self.count else ">"

    def claim(self, min_idle_ms: int) -> list[Any]:
        """Claim a page of entries that have been pending this long, for any consumer."""
        idle = self._send(("XPENDING", *self._names, "IDLE", min_idle_ms, "-", "+", self.count))
        if not idle:
            return []
        ids = [row[0] for row in idle]
        page = self._connection.call("XCLAIM", *self._names, self._consumer, min_idle_ms, *ids)
        return list(page)

    def entries(self, page: list[Any]) -> Iterator[Entry]:
        """Yield the entries of a page; each is handled when the next one is asked for."""
        present = [item for item in page if item and item[1] is not None]  # others were deleted
        for item, entry in zip(present, replies.entries(present), strict=True):
            yield entry
            self.handled.append(item[0])

    def acknowledge(self) -> None:
        """Acknowledge what is handled."""
        if self.handled:
            self._connection.call(*self._ack())

    def _ack(self) -> Command:
        return ("XACK", *self._names, *self.handled)

    def _send(self, command: Command, block_ms: int | None = None) -> Any:
        """Send a command, and in front of it the acknowledgement that is due."""
        commands = [self._ack(), command] if self.handled else [command]
        results = self._connection.pipeline(commands, block_ms=block_ms)
        for result in results:
            if isinstance(result, ServerUnreachable):
                raise result
        self.handled = []  # if the connection breaks, they may be acknowledged twice
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results[-1]


def drain(pages: Pages, *, after: Arg) -> Iterator[Entry]:
    """Yield entries until none is left; each is handled when the loop asks for the next one.

    `after` is ``"0"`` to begin with the consumer's own pending entries, or ``">"`` for new ones.
    """
    try:
        while (page := pages.read(after)) or after != ">":
            yield from pages.entries(page)
            after = pages.next_after(after, page)
    finally:  # also if the loop was left early
        pages.acknowledge()
