"""A client that can be stopped before any of its commands, to see what may come between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import redis


@contextmanager
def interrupted(client: redis.Redis, before: Callable[[int], object]) -> Iterator[redis.Redis]:
    """Make another client of the same server, and call something before each of its commands.

    A pipeline or a transaction goes out in one, and counts as one.

    Parameters
    ----------
    client : redis.Redis
        Whose server it is.
    before : callable
        Called with the number of the command that is about to go out, from 1. It may wait, or
        raise: then the command is never sent.
    """
    pool: Any = client.connection_pool
    numbers = count(1)

    class Interrupted(pool.connection_class):  # type: ignore[misc]
        greeted = False

        def connect(self) -> None:
            self.greeted = False  # what it says of itself is no command of the learner's
            super().connect()
            self.greeted = True

        def send_packed_command(self, *args: Any, **options: Any) -> Any:
            if self.greeted:
                before(next(numbers))
            return super().send_packed_command(*args, **options)

    own = redis.ConnectionPool(connection_class=Interrupted, **pool.connection_kwargs)
    try:
        yield redis.Redis(connection_pool=own)
    finally:
        own.disconnect()
