"""A client that can be stopped before each of its commands, to test what may happen between two."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, pairwise
from typing import Any

import hiredis
import redis

from streamviz.errors import StreamVizError

PATIENCE_S = 10
"""How long a command may wait for its reply: a read that blocks for ever must have an end."""
BLOCK_0 = "BLOCK 0 waits for ever if no entry comes: give a time, or leave BLOCK out"
_DEADLINE_S = 30


class EndlessLoop(StreamVizError):
    """The code of an exercise waits for ever, or sent far more commands than it needs."""


@contextmanager
def interrupted(client: redis.Redis, before: Callable[[int], object]) -> Iterator[redis.Redis]:
    """Create another client of the same server, and call a function before each of its commands.

    A transaction is sent at once, and counts as one command. A pipeline without one does not: each
    of its commands is sent alone, because a crash may come between any two of them.

    A command that would block for ever, or comes after half a minute, raises `EndlessLoop`.

    Parameters
    ----------
    client : redis.Redis
        A client of the server.
    before : callable
        Called with the number of the next command, from 1. It may wait, or raise: then the command
        is never sent.
    """
    pool: Any = client.connection_pool
    numbers, until = count(1), time.monotonic() + _DEADLINE_S

    class Interrupted(pool.connection_class):  # type: ignore[misc]
        greeted = False

        def connect(self) -> None:
            self.greeted = False  # the client's own handshake does not count
            super().connect()
            self.greeted = True

        def send_packed_command(self, command: Any, *args: Any, **options: Any) -> None:
            if not self.greeted:
                super().send_packed_command(command, *args, **options)
                return
            for step in _steps(command):
                if time.monotonic() > until:
                    raise EndlessLoop(f"still at work after {_DEADLINE_S} s: does it end?")
                before(next(numbers))
                super().send_packed_command([step], *args, **options)

    settings = {**pool.connection_kwargs, "socket_timeout": PATIENCE_S}
    own = redis.ConnectionPool(connection_class=Interrupted, **settings)
    try:
        yield redis.Redis(connection_pool=own)
    finally:
        own.disconnect()


def _steps(packed: bytes | list[bytes]) -> Iterator[bytes]:
    """Split what is sent at once into what the server does at once: a command or a transaction."""
    reader, step, inside = hiredis.Reader(), b"", False
    reader.feed(packed if isinstance(packed, bytes) else b"".join(packed))
    while (words := reader.gets()) is not False:
        name = words[0].upper()
        options = [word.upper() for word in words]
        if name in (b"XREAD", b"XREADGROUP") and (b"BLOCK", b"0") in pairwise(options):
            raise EndlessLoop(BLOCK_0)
        inside = name != b"EXEC" and (inside or name == b"MULTI")
        step += hiredis.pack_command(tuple(words))
        if not inside:
            yield step
            step = b""
    if step:
        yield step
