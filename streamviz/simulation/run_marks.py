"""The marks that virtual runs leave on the server: which stream each run made, and its state."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from streamviz.client.connection import Connection

RUNS_KEY = "streamviz:runs"
"""The hash with the marks: a field for each stream that a virtual run made or joined."""


@dataclass(frozen=True, slots=True)
class RunMark:
    """What virtual runs left of one stream."""

    run: str  # its name
    entries: int | None = None  # that the run added; None if it did not make the stream
    last_id: str = "0-0"  # of these entries
    groups: list[str] = field(default_factory=list)  # that runs created
    readers: dict[str, str] = field(default_factory=dict)  # the last position that each saved


def save_mark(connection: Connection, stream: str, mark: RunMark) -> None:
    """Save the mark of a stream (HSET, 2.0)."""
    connection.call("HSET", RUNS_KEY, stream, json.dumps(asdict(mark)))


def load_mark(connection: Connection, stream: str) -> RunMark | None:
    """Return the mark of a stream; None if there is none, or another program wrote it (HGET)."""
    raw = connection.call("HGET", RUNS_KEY, stream)
    try:
        return None if raw is None else _checked(RunMark(**json.loads(raw)))
    except (ValueError, TypeError):  # not JSON, or not the fields of this version
        return None


def _checked(mark: RunMark) -> RunMark:
    valid = (
        isinstance(mark.run, str)
        and (mark.entries is None or type(mark.entries) is int)
        and isinstance(mark.last_id, str)
        and isinstance(mark.groups, list)
        and isinstance(mark.readers, dict)
        and all(isinstance(one, str) for one in (*mark.groups, *mark.readers.values()))
    )
    if not valid:
        raise ValueError("not a mark")
    return mark
