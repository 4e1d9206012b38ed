"""What an index needs of a recording's lines, without reading all of each."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from streamviz.sample import GroupState, Sample

_GROUPS = b',"groups":{"'
_ENTRIES = b',"entries":['
_AGAIN = re.compile(rb'",-?\d+,(?!1,)')  # consumer, idle_ms, and not the first delivery


def skim(line: bytes) -> tuple[Any, bool]:
    """Return a line's object, and whether somebody may have claimed something in it.

    The groups are left out where they tell an index nothing: where none came or went or lost
    entries, and no consumer went; the IDs of the entries are only counted. In a line as we write
    it, the groups come last, and nothing else ends in three braces; every other line is read
    whole.

    Raises
    ------
    ValueError
        If it is no JSON.
    """
    at = line.find(_GROUPS)
    if at < 0:
        return read(line), False
    claims = _AGAIN.search(line, at) is not None
    head = line[:at]
    if (
        not line.endswith(b"}}}\n")
        or b'"whole"' in head
        or b'"got"' in head
        or b'"gone":' in line
        or b"null" in line
        or not line.isascii()
    ):
        return read(line), claims
    begin = head.find(_ENTRIES)
    end = head.find(b"]", begin)
    ids = head[begin + len(_ENTRIES) : end]
    if begin < 0 or ids.strip(b"0123456789,-"):
        return read(head + b"}"), claims
    row = read(head[:begin] + head[end + 1 :] + b"}")
    row["entries"] = [0] * (ids.count(b",") + 1)  # only their number counts
    return row, claims


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


def claims(before: Sample, after: Sample) -> list[str]:
    """Return in words who took over pending entries of whom, between two looks.

    An entry that somebody else holds now was claimed, and is at a later delivery (one that was
    claimed with JUSTID is not, and stays unseen).
    """
    found = []
    for group in after.groups:
        old = before.group(group.name)
        for taker, owners in _taken(old, group) if old else ():
            whose = ", ".join(sorted(filter(None, owners))) or "nobody"
            found.append(f"{taker} claimed {owners.total()} of {whose}")
    return found


def _taken(old: GroupState, new: GroupState) -> Iterable[tuple[str, Counter[str]]]:
    held = {one.id: one for one in old.oldest}
    taken: dict[str, Counter[str]] = {}
    for one in new.oldest:
        was = held.get(one.id)
        if was and was.consumer != one.consumer and was.deliveries < one.deliveries:
            taken.setdefault(one.consumer, Counter())[was.consumer] += 1
    return taken.items()
