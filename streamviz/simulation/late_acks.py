"""Acknowledgements of a virtual run, sent together in one round trip.

A simulated consumer acknowledges entry by entry, but only a sample, a claim or a function of the
caller can see that. So on the virtual clock the acknowledgements (XACK) wait until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamviz.client.arguments import id_list
from streamviz.client.connection import Connection
from streamviz.client.consumers import Consumer
from streamviz.client.entry_id import EntryId
from streamviz.client.resp import Command
from streamviz.errors import StreamVizError


class LateAcks:
    """Acknowledgements that wait to be sent.

    Parameters
    ----------
    failed : callable
        Called with the error of an acknowledgement that could not be made.
    """

    def __init__(self, failed: Callable[[Exception], object]) -> None:
        self._failed = failed
        self._connections: dict[str, Connection] = {}  # by the stream's key
        self._waiting: dict[str, list[tuple[Command, Callable[[int], object]]]] = {}

    def add(self, consumer: Consumer, ids: Sequence[EntryId], count: Callable[[int], None]) -> None:
        """Let an acknowledgement wait; `count` is called with how many of the IDs were pending."""
        command = ("XACK", consumer.key, consumer.group_name, *id_list(ids))
        self._connections[consumer.key] = consumer.connection
        self._waiting.setdefault(consumer.key, []).append((command, count))

    def send(self) -> None:
        """Send the acknowledgements that wait."""
        while self._waiting:
            key, waiting = self._waiting.popitem()
            try:
                replies = self._connections[key].pipeline([command for command, _ in waiting])
            except StreamVizError as error:
                self._failed(error)
                continue
            for (_, count), reply in zip(waiting, replies, strict=True):
                self._failed(reply) if isinstance(reply, Exception) else count(reply)
