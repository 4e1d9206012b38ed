"""What an index needs of a recording's lines, without reading all of each."""

from __future__ import annotations

import json
import re
from typing import Any

_GROUPS = b',"groups":{"'
_ENTRIES = b',"entries":['
_AGAIN = re.compile(rb'",-?\d+,(?!1,)')  # consumer, idle_ms, and not the first delivery


def skim(line: bytes) -> tuple[Any, bool]:
    """Return a line's object, and whether somebody may have claimed something in it.

    The groups are left out where they tell an index nothing: where none came or went or lost
    entries, no consumer went, and nothing may have been claimed; the IDs of the entries are only
    counted. In a line as we write it, the groups come last, and nothing else ends in three braces;
    every other line is read whole.

    Raises
    ------
    ValueError
        If it is no JSON.
    """
    at = line.find(_GROUPS)
    if at < 0:
        return read(line), False
    if _AGAIN.search(line, at):
        return read(line), True
    head = line[:at]
    if (
        not line.endswith(b"}}}\n")
        or b'"whole"' in head
        or b'"got"' in head
        or b'"gone":' in line
        or b"null" in line
        or not line.isascii()
    ):
        return read(line), False
    begin = head.find(_ENTRIES)
    end = head.find(b"]", begin)
    ids = head[begin + len(_ENTRIES) : end]
    if begin < 0 or ids.strip(b"0123456789,-"):
        return read(head + b"}"), False
    row = read(head[:begin] + head[end + 1 :] + b"}")
    row["entries"] = [0] * (ids.count(b",") + 1)  # only their number counts
    return row, False


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
