"""Wake up the clients that wait for entries, and know what they will read first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import simpy

from streamviz.client.resp import Command
from streamviz.simulation.clock import Clock
from streamviz.simulation.unread import Unread


class GroupRead(NamedTuple):
    """A read of new entries by a consumer of a group (XREADGROUP)."""

    stream: str
    group: str
    consumer: str
    command: Command


NextRead = Callable[[], GroupRead | None]


class _Wait(simpy.Event):
    """The wait of one client; it triggers when it ends."""

    def __init__(
        self, env: simpy.Environment, lists: list[dict[_Wait, None]], next_read: NextRead | None
    ) -> None:
        super().__init__(env)
        self.next_read = next_read
        self._lists = lists
        for waits in lists:
            waits[self] = None

    def end(self, _: simpy.Event) -> None:
        if not self.triggered:
            for waits in self._lists:
                waits.pop(self, None)
            self.succeed()


class WakeUps:
    """The clients that wait for entries.

    Attributes
    ----------
    fetched : dict of GroupRead to reply
        Replies to reads that were sent with the XADD before them. Each is there until its consumer
        is woken up, which is at the same moment of the clock.
    """

    def __init__(self, clock: Clock, unread: Unread) -> None:
        self.fetched: dict[GroupRead, Any] = clock.env.unfinished
        self._clock, self._unread = clock, unread
        self._waits: dict[str, dict[_Wait, None]] = {}  # by stream, in the order they began

    def wait(
        self, streams: Iterable[str], most_ms: float, next_read: NextRead | None
    ) -> simpy.Event:
        """Return an event that triggers when an entry is added, or after `most_ms`.

        `next_read` returns the only command that the client then sends, if that is known.
        """
        env = self._clock.env
        wait = _Wait(env, [self._waits.setdefault(key, {}) for key in streams], next_read)
        env.timeout(most_ms).callbacks.append(wait.end)
        return wait

    def wake(self, stream: str) -> None:
        """End the waits for entries of a stream, in the order they began."""
        if waits := self._waits.pop(stream, None):
            wake_up = self._clock.env.event()
            wake_up.callbacks += [wait.end for wait in waits]
            wake_up.succeed()

    def next_reads(self, stream: str) -> list[GroupRead]:
        """Return what would be read at once if an entry were added to a stream now.

        That is known as long as nothing else is due now, and each client that is woken up sends
        one read, or none because a consumer of its group has read the entry before it.
        """
        env, reads = self._clock.env, dict[str, GroupRead]()
        if self._clock.virtual and env.peek() > env.now:
            for wait in self._waits.get(stream, ()):
                read = wait.next_read() if wait.next_read and wait.callbacks else None
                if read is None or not self._unread.is_empty(*read[:3]):
                    break
                reads.setdefault(read.group, read)
        return list(reads.values())
