"""The exercises of notebook 02: a bell that rings while you are busy, and power cuts at a till."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import redis

from exercises import bell, coins, wages
from exercises.bell import check_bell, new_bell, ring
from exercises.coins import check_till
from exercises.interrupted import EndlessLoop
from exercises.wages import PowerCut, again, new_wages, paid, power_cut
from streamviz.client import EntryId, Stream
from streamviz.errors import IdTooSmall, ServerUnreachable

__all__ = [
    "EndlessLoop",
    "PowerCut",
    "Stream",
    "again",
    "check_bell",
    "check_till",
    "clean_up",
    "new_bell",
    "new_wages",
    "paid",
    "power_cut",
    "ring",
    "soon",
]

_PATIENCE_S = 5.0


def soon(stream: Stream, entry_id: str) -> None:
    """Add an entry as soon as a client waits in a blocking read; return at once.

    If the connection closes in the meantime, nothing is added.

    Raises
    ------
    IdTooSmall
        If the stream has had an entry with this ID, or a larger one.
    """
    last = stream.info().last_generated_id if stream.exists() else EntryId.ZERO
    if last >= EntryId.parse(entry_id):
        raise IdTooSmall(
            f"the stream {stream.key!r} is at {last} already, so {entry_id} can't be added. If you "
            "run this cell again, first run the cell that fills the stream"
        )

    def blocked() -> int:
        info: Any = own.info("clients")
        return int(info["blocked_clients"])

    def add() -> None:
        deadline = time.monotonic() + _PATIENCE_S
        with suppress(ServerUnreachable, redis.ConnectionError):
            while blocked() <= before and time.monotonic() < deadline:
                time.sleep(0.005)
            Stream(own, stream.key).add({"added": "while you waited"}, id=entry_id)
        own.close()

    client: Any = stream.client
    pool = client.connection_pool  # the thread needs connections of its own, which no one closes
    settings = {"connection_class": pool.connection_class, **pool.connection_kwargs}
    own = redis.Redis(connection_pool=redis.ConnectionPool(**settings))
    before = blocked()
    threading.Thread(target=add, daemon=True).start()


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    bell.clean_up(client)
    wages.clean_up(client)
    coins.clean_up(client)
