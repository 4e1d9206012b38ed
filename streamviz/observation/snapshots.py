"""Ask about one moment if the server allows it, and otherwise in one pipeline."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Any, TypeAlias, TypeVar

import redis

from streamviz.client.connection import Connection
from streamviz.client.resp import Command
from streamviz.errors import CommandRefused, ServerAuthError, ServerError, ServerUnreachable
from streamviz.observation.back_off import BackOff

_MAX_FAILURES = 3
_REFUSED = (CommandRefused, ServerError)  # such as BUSY and LOADING, which end by themselves
_T = TypeVar("_T")

Steps: TypeAlias = Generator[list[Command], Any, _T]
"""Yields the commands of each round trip, is sent their replies, and returns a result."""


class Snapshots:
    """Sends the commands of each sample (MULTI, EXEC), or a plain pipeline where MULTI fails.

    The user may lack the right, the server may have renamed the command, and a proxy may close the
    connection on it. One refusal may be chance, so MULTI is given up after three in a row.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.works: bool | None = None  # whether MULTI does; None until it has been tried
        self._failures = 0
        self.back_off = BackOff()

    def run(self, steps: Steps[_T]) -> _T:
        """Send what each step asks for, and return the result."""
        try:
            commands = next(steps)
            while True:
                try:
                    replies = self.send(commands)
                except Exception as error:
                    commands = steps.throw(error)
                else:
                    commands = steps.send(replies)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def framed(self, commands: Sequence[Command]) -> list[Command]:
        """Return the commands as they are sent: in a transaction, unless that does not work."""
        return [*commands] if self.works is False else [("MULTI",), *commands, ("EXEC",)]

    def unframed(self, replies: list[Any]) -> list[Any] | None:
        """Return the replies to framed commands without the frame; None if it was refused."""
        if self.works is False:
            return replies
        if not isinstance(replies[-1], list):
            return None
        self.works = True
        return replies[-1]

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Return the replies; a refused command has its error as its reply.

        ServerError if the connection breaks.
        """
        began_s = time.monotonic()
        results = self._send(commands)
        self.back_off.took(time.monotonic() - began_s)
        return results

    def _send(self, commands: Sequence[Command]) -> list[Any]:
        if self.works is False:
            return self.connection.pipeline(commands)
        try:
            results = self.connection.snapshot(commands)
        except (ServerAuthError, CommandRefused, ServerUnreachable) as error:
            broken = isinstance(error, ServerUnreachable)
            if broken and (self.works or isinstance(error.__cause__, redis.TimeoutError)):
                raise
            results = self.connection.pipeline(commands)
            if not isinstance(results[0], _REFUSED):
                # MULTI was refused, or a proxy closed on it, or this is chance: BUSY has just ended
                self._failures += 1
                self.works = False if self._failures == _MAX_FAILURES else None
        else:
            self.works, self._failures = True, 0
        return results

    def restart(self) -> None:
        """Close the connections: unread replies may wait there; the next sample opens new ones."""
        self.connection.client.close()
