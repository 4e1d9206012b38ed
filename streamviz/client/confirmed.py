"""Wait until replicas have what was added (WAIT, 3.0; on their disks WAITAOF, 7.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from streamviz.client import arguments, transport
from streamviz.client.connection import Connection
from streamviz.client.resp import Command, unpack
from streamviz.errors import InputError

T = TypeVar("T")


class Confirmed(NamedTuple, Generic[T]):
    """What was added, and how many replicas have all of it.

    `added` is what the same call without ``wait`` returns. There are fewer `replicas` than
    requested if the time ran out. A replica that has an entry has it in memory, unless ``on_disk``
    was given. So an entry is still lost if all of them fail.
    """

    added: T
    replicas: int


class Waiting:
    """Asks for replicas to confirm, on the connection on which entries were added.

    After a batch that too few replicas confirmed in time, it hardly waits for the later ones.
    """

    def __init__(self, wait: int, wait_ms: int, *, on_disk: bool = False) -> None:
        self.timeout_ms = arguments.whole_number("wait_ms", wait_ms, 0)  # 0 is forever
        self._on_disk = arguments.flag("on_disk", on_disk)  # WAITAOF (7.2)
        self._wanted = arguments.whole_number("wait", wait, 1)
        self._counts: list[int] = []

    @classmethod
    def option(cls, wait: int | None, wait_ms: int, *, on_disk: bool) -> Waiting | None:
        """Return what these options ask for; None if they do not ask to wait."""
        if wait is not None:
            return cls(wait, wait_ms, on_disk=on_disk)
        if on_disk:
            raise InputError("on_disk=True: say with wait= how many replicas to wait for")
        return None

    @property
    def replicas(self) -> int:
        """How many replicas have confirmed everything."""
        return min(self._counts, default=0)

    @property
    def command(self) -> Command:
        """The command that waits."""
        if self._on_disk:
            return ("WAITAOF", 0, self._wanted, self.timeout_ms)
        return ("WAIT", self._wanted, self.timeout_ms)

    def note(self, connection: Connection, reply: Any) -> None:
        """Take the reply to the command; an error is raised."""
        if isinstance(reply, Exception):
            error = connection.explain(reply, self.command, (7, 2) if self._on_disk else None)
            raise type(error)(f"{error}. The entries were added") from reply
        count = int(reply[1] if self._on_disk else reply)  # after the count of the node's own disk
        self._counts.append(count)
        if count < self._wanted:
            self.timeout_ms = 1

    def call(self, connection: Connection, *command: Any, needs: tuple[int, ...] | None) -> Any:
        """Send a command, wait for the replicas, and return the command's raw reply."""
        reply, count = connection.replies([command, self.command], self.timeout_ms)
        if isinstance(reply, Exception):
            raise connection.explain(reply, command, needs) from reply
        self.note(connection, count)
        return reply

    def send(self, connection: Connection, commands: Sequence[Command]) -> list[Any]:
        """Send commands, wait for the replicas, and return the commands' raw replies."""
        *replies, count = connection.replies([*commands, self.command], self.timeout_ms)
        self.note(connection, count)
        return replies

    def send_batches(
        self, connection: Connection, batches: Iterable[tuple[bytes, int]]
    ) -> Iterator[tuple[int, list[tuple[int, Exception]]]]:
        """Send batches, and wait after each of them; see `Connection.send_batches`."""
        for payload, size in batches:
            yield size, transport.errors_among(self.send(connection, unpack(payload)))
