"""Keeps which commands a notebook's cells really send, from inside its kernel.

A cell's own commands go through nothing but the typed API or redis-py. What a scenario, an
observer or an exercise sends on the way is told apart by the rooms that the call came through.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import hiredis
from commands import met
from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection as AsyncConnection
from redis.connection import AbstractConnection

# Who only passes on what a cell says, and who says something by itself.
THIN = re.compile(r"streamviz\.(client|server|patterns\.(partitions|offsets))\b")
KIT = re.compile(r"streamviz\.(client\.(command_log|capabilities)\b)?|exercises\b|go_game\b")


def record(path: str) -> None:
    """Append each row that is met, once, to a file: ``hand`` or ``kit``, and the row's name."""
    known: set[str] = set()

    def keep(packed: Any) -> None:
        reader = hiredis.Reader(encoding="utf-8", errors="replace")
        data = packed if isinstance(packed, bytes) else b"".join(packed)
        for line in [data] if data.startswith(b"*") else data.splitlines():
            reader.feed(line if line.startswith(b"*") else pack_command(tuple(line.split())))
        who = "hand" if by_hand(sys._getframe(2)) else "kit"
        new = set()
        while command := reader.gets():
            new |= {f"{who} {name}" for name in met([str(word) for word in command])} - known
        if new:
            known.update(new)
            with Path(path).open("a", encoding="utf-8") as out:
                out.writelines(f"{line}\n" for line in sorted(new))

    for kind in (AbstractConnection, AsyncConnection):
        kind.send_packed_command = _watched(  # type: ignore[method-assign]
            kind.send_packed_command, keep
        )


def by_hand(frame: FrameType | None) -> bool:
    """Tell whether a cell's code is reached without passing a room of the kit."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name == "__main__":
            return True
        kit = KIT.match(name)
        if kit is not None and (kit[1] or not THIN.match(name)):
            return False
        frame = frame.f_back
    return False


def _watched(send: Callable[..., Any], keep: Callable[[Any], None]) -> Callable[..., Any]:
    @functools.wraps(send)
    def watched(self: Any, command: Any, *args: Any, **options: Any) -> Any:
        keep(command)
        return send(self, command, *args, **options)

    return watched
