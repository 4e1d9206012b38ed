"""A client that ends a loop which would never end."""

from __future__ import annotations

from itertools import count
from typing import Any

import redis

from exercises.interrupted import PATIENCE_S, EndlessLoop


def bounded(client: redis.Redis, most: int, hint: str) -> redis.Redis:
    """Create a client of the same server that raises after this many commands.

    Parameters
    ----------
    client : redis.Redis
        A client of the server.
    most : int
        The number of commands; the next one raises `EndlessLoop`.
    hint : str
        The error's text, after the number of commands.
    """
    pool: Any = client.connection_pool
    numbers = count(1)

    class Bounded(pool.connection_class):  # type: ignore[misc]
        def send_packed_command(self, *args: Any, **options: Any) -> Any:
            if next(numbers) > most:
                raise EndlessLoop(f"{most} commands and no end: {hint}")
            return super().send_packed_command(*args, **options)

    settings = {**pool.connection_kwargs, "socket_timeout": PATIENCE_S}
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=Bounded, **settings))
