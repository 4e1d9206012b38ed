"""A client that ends what would never end: a loop, or a read that blocks for ever."""

from __future__ import annotations

from itertools import count
from typing import Any
from weakref import finalize

import redis

from exercises.interrupted import PATIENCE_S, EndlessLoop, refuse_long_blocks


def bounded(client: redis.Redis, most: int | None = None, hint: str = "") -> redis.Redis:
    """Create a client of the same server that raises `EndlessLoop` before a long block.

    Parameters
    ----------
    client : redis.Redis
        A client of the server.
    most : int, optional
        The number of commands; the next one raises `EndlessLoop`, too.
    hint : str
        That error's text, after the number of commands.
    """
    pool: Any = client.connection_pool
    numbers = count(1)

    class Bounded(pool.connection_class):  # type: ignore[misc]
        def send_packed_command(self, command: Any, *args: Any, **options: Any) -> Any:
            sent = command if isinstance(command, bytes) else b"".join(command)
            refuse_long_blocks(sent)
            if most is not None and next(numbers) > most:
                raise EndlessLoop(f"{most} commands and no end: {hint}")
            return super().send_packed_command(command, *args, **options)

    settings = dict(pool.connection_kwargs)
    if most is not None:
        settings["socket_timeout"] = PATIENCE_S
    own = redis.ConnectionPool(connection_class=Bounded, **settings)
    found = redis.Redis(connection_pool=own)
    finalize(found, own.disconnect)  # nothing else closes it
    return found
