"""Recordings made by hand, for tests of what a reader makes of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from streamviz.recording.blocks import pack_block

HEADER = pack_block(b'{"streamviz": 2}\n', b'{"streamviz": 2}')
EMPTY = {
    "stream": "s",
    "n": 1,
    "time_ms": 1000,
    "exists": True,
    "trouble": "",
    "length": 0,
    "entries_added": 0,
    "first_id": "0-0",
    "last_id": "0-0",
    "max_deleted_id": "0-0",
    "entries": [],
    "missed": 0,
    "groups": {},
}
GROUP = {
    "last_delivered_id": "0-0",
    "entries_read": None,
    "lag": {"entries": 0, "verdict": "exact", "reason": "", "behind_ms": 0},
    "pending": 0,
    "consumers": [],
    "oldest": [],
}
INDEX: dict[str, Any] = {"stream": "s", "samples": [[1, 1000, 0], [2, 1100, 0]]}


def second(**changes: Any) -> str:
    """Return the line of a second sample, changed."""
    return json.dumps({**EMPTY, "n": 2, "time_ms": 1100, **changes})


def grouped(**changes: Any) -> str:
    """Return the line of a second sample with a group, changed."""
    return second(groups={"g": {**GROUP, **changes}})


def block(*lines: str, index: Any = INDEX) -> bytes:
    """Return lines and an index as a block."""
    text = "".join(f"{line}\n" for line in lines)
    return pack_block(
        text.encode(), (index if isinstance(index, str) else json.dumps(index)).encode()
    )


def write(path: Path, line: str, index: Any = INDEX) -> Path:
    """Write a recording: its header, a good sample and a line."""
    path.write_bytes(HEADER + block(json.dumps(EMPTY), line, index=index))
    return path


def lines_of(path: Path) -> list[Any]:
    """Return a recording's lines as any other program reads them."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        return [json.loads(line) for line in file]
