"""Read a group's entries until none is left, and acknowledge a page together with the next read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamviz.client import replies
from streamviz.client.connection import Connection
from streamviz.client.models import Entry
from streamviz.client.resp import Arg, Command


def drain(
    connection: Connection,
    read: Command,
    ack: Command,
    *,
    after: Arg,
    count: int,
    block_ms: int | None,
) -> Iterator[Entry]:
    """Yield entries; each is handled when the loop asks for the next one.

    Parameters
    ----------
    connection : Connection
        A connection to the server that has the stream.
    read, ack : sequence
        XREADGROUP without its last word, the ID; XACK without IDs.
    after : str
        ``"0"`` begins with the consumer's own pending entries, ``">"`` with new ones.
    count, block_ms : int, int or None
        As in `read`.
    """
    handled: list[bytes] = []  # IDs that are not acknowledged yet
    try:
        while True:
            commands: list[Command] = [(*ack, *handled)] if handled else []
            handled = []  # if this fails, they may or may not be acknowledged
            page = _page(connection, [*commands, (*read, after)], block_ms)
            if not page and after == ">":
                return
            present = [item for item in page if item[1] is not None]  # the others were deleted
            for item, entry in zip(present, replies.entries(present), strict=True):
                yield entry
                handled.append(item[0])
            if after != ">":
                after = page[-1][0] if len(page) == count else ">"
    finally:  # also if the loop was left early
        if handled:
            connection.call(*ack, *handled)


def _page(connection: Connection, commands: list[Command], block_ms: int | None) -> list[Any]:
    """Send the acknowledgement and the next read together, and return the entries' replies."""
    results = connection.pipeline(commands, block_ms=block_ms)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return replies.only_stream(results[-1])
