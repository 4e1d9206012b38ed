"""A client that can be stopped before each of its commands, to test what may happen between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import redis

PATIENCE_S = 10
"""How long a command may wait for its reply: a read that blocks for ever must have an end."""


@contextmanager
def interrupted(client: redis.Redis, before: Callable[[int], object]) -> Iterator[redis.Redis]:
    """Create another client of the same server, and call a function before each of its commands.

    A pipeline or a transaction is sent at once, and counts as one command.

    Parameters
    ----------
    client : redis.Redis
        A client of the server.
    before : callable
        Called with the number of the next command, from 1. It may wait, or raise: then the command
        is never sent.
    """
    pool: Any = client.connection_pool
    numbers = count(1)

    class Interrupted(pool.connection_class):  # type: ignore[misc]
        greeted = False

        def connect(self) -> None:
            self.greeted = False  # the client's own handshake does not count
            super().connect()
            self.greeted = True

        def send_packed_command(self, *args: Any, **options: Any) -> Any:
            if self.greeted:
                before(next(numbers))
            return super().send_packed_command(*args, **options)

    settings = {**pool.connection_kwargs, "socket_timeout": PATIENCE_S}
    own = redis.ConnectionPool(connection_class=Interrupted, **settings)
    try:
        yield redis.Redis(connection_pool=own)
    finally:
        own.disconnect()
