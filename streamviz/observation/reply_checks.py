"""Check what a server replied about a stream, and drop what a sample does not need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from streamviz.client.models import Entry, GroupInfo, StreamInfo
from streamviz.errors import ServerTooOld
from streamviz.observation.idle_groups import GroupReplies

_KEPT_BYTES = 1000
_FRAME_BYTES = 32  # an entry's ID, and the lengths that the protocol adds


def size_of(entry: Any) -> int:
    """Return about how many bytes an entry has in a reply."""
    return _FRAME_BYTES + sum(len(word) + 6 for word in entry[1])


def without_large_fields(stream: StreamInfo) -> tuple[StreamInfo, int]:
    """Return a stream without large fields of its first and last entry, and the larger's size."""
    first, last = stream.first_entry, stream.last_entry
    if first is None or last is None:
        return stream, 0
    size = max(size_of((one.id, [*chain(*one.pairs)])) for one in (first, last))
    if size > _KEPT_BYTES:
        stream = replace(stream, first_entry=Entry(first.id, {}), last_entry=Entry(last.id, {}))
    return stream, size


def check_numbers(
    stream: StreamInfo,
    groups: Iterable[GroupInfo],
    by_group: Mapping[str, GroupReplies],
    memory_bytes: int | None,
) -> None:
    """Check that each number is one: between the server and us, a byte may have changed.

    Raises
    ------
    ServerTooOld
        If the server does not count the entries that were ever added.
    TypeError
        If something else stands in the place of a number.
    """
    if stream.entries_added is None:
        raise ServerTooOld(
            "this server does not tell how many entries were ever added, so no lag can be known: "
            "streamviz needs what XINFO STREAM tells since Redis 7.0. Upgrade the server"
        )
    numbers: list[object] = [stream.length, stream.entries_added, stream.radix_tree_keys]
    optional: list[object] = [memory_bytes]
    for group in groups:
        numbers.append(group.pending)
        optional += (group.entries_read, group.lag)
    for replies in by_group.values():
        numbers += [number for consumer in replies.consumers for number in consumer[1:3]]
    numbers += (number for number in optional if number is not None)
    if set(map(type, numbers)) != {int}:
        raise TypeError("a reply has something else in the place of a number")
