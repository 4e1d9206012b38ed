"""What an index needs of a recording's lines, without reading all of each."""

from __future__ import annotations

import json
import re
from typing import Any

_N = rb"\d{1,18}"
_LINE = re.compile(
    rb'\{"n":(N),"time_ms":(N)(?:,"stream":"([ !#-\[\]-~]*)")?'
    rb'(?:,"length":(N))?(?:,"entries_added":(N))?'
    rb'(?:,"first_id":"(N-N)")?(?:,"last_id":"N-N")?(?:,"max_deleted_id":"N-N")?'
    rb'(?:,"nodes":N)?(?:,"memory_bytes":N)?(?:,"entries":\[([-\d,]+)\])?(?:,"aged":-?N)?'
    rb'(?:\}\n\Z|(,"groups":\{"))'.replace(b"N", _N)
)


def skim(line: bytes) -> tuple[Any, bool]:
    """Return a line's object, as far as an index needs it, and whether its values are sound.

    In most of the lines that we write, the groups tell an index nothing: none came or went or
    lost entries, no consumer went, and nothing was claimed. Those are left out, and the IDs of
    the entries are only counted. In such a line the groups come last, and nothing else ends in
    three braces; every other line is read whole.

    Raises
    ------
    ValueError
        If it is no JSON.
    """
    found = _LINE.match(line)
    if found is None:
        return read(line), False
    n, time_ms, stream, length, added, first_id, ids, groups = found.groups()
    at = found.end()
    if groups and (
        not line.endswith(b"}}}\n")
        or line.find(b'":null', at) >= 0
        or line.find(b'"gone":', at) >= 0
        or line.find(b'"claimed":', at) >= 0
        or not line.isascii()
    ):
        return read(line), False
    row: dict[str, Any] = {"n": int(n), "time_ms": int(time_ms)}
    if stream is not None:
        row["stream"] = stream.decode()
    if length is not None:
        row["length"] = int(length)
    if added is not None:
        row["entries_added"] = int(added)
    if first_id is not None:
        row["first_id"] = first_id.decode()
    if ids is not None:
        row["entries"] = range(ids.count(b",") + 1)  # only their number counts
    return row, True


def read(line: bytes) -> Any:
    """Return a line's object.

    Raises
    ------
    ValueError
        If it is no JSON, or nested so deeply that it can't be one of ours.
    """
    try:
        return json.loads(line)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
