"""Check what a server replied about a stream, and drop what a sample does not need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import Any

from streamviz.client import replies
from streamviz.client.entry import hide_values, one_by_one
from streamviz.client.models import Entry, GroupInfo, PendingEntry, StreamInfo
from streamviz.errors import ServerTooOld
from streamviz.observation.byte_budget import shortened
from streamviz.observation.idle_groups import GroupReplies

_KEPT_BYTES = 1000
_FRAME_BYTES = 32  # an entry's ID, and the lengths that the protocol adds
_LEAST_INT64 = -(2**63)  # Redis counts deliveries without a sign, and writes them with one
_INT_OR_NONE = frozenset({int, type(None)})
_LENGTH = b"$100\r\n"  # before each name and each value, about


def largest_size(entries: Iterable[Any]) -> int:
    """Return about how many bytes the largest of these entries has in a reply; 0 without any."""
    words = map(itemgetter(1), entries)
    longest = max(map(len, map(_LENGTH.join, words)), default=None)  # no loop in Python
    return 0 if longest is None else _FRAME_BYTES + len(_LENGTH) + longest


def checked_entries(reply: Sequence[Any]) -> tuple[Entry, ...]:
    """Return entries whose fields are parsed when they are first read.

    ValueError if those of one are not pairs of bytes.
    """
    words = [item[1] for item in reply]
    if any(len(one) % 2 for one in words) or {*map(type, chain.from_iterable(words))} - {bytes}:
        raise ValueError("an entry has something else in the place of a field")
    entries = tuple(one_by_one(reply))
    for entry in entries:
        _ = entry.id  # parsed at once, and so checked
    return entries


def checked_pending(reply: Iterable[Any]) -> tuple[PendingEntry, ...]:
    """Return pending entries; TypeError or ValueError if a number of one makes no sense."""
    oldest = tuple(replies.pending_rows(reply))
    numbers = [*chain.from_iterable(map(itemgetter(2, 3), oldest))]
    _check_integers(numbers)
    least = min(numbers[1::2], default=0)
    if least < _LEAST_INT64 // 2:  # XCLAIM RETRYCOUNT can set it
        oldest = tuple(one._replace(deliveries=one.deliveries % 2**64) for one in oldest)
    elif least < 0:
        raise ValueError("a reply counts less than nothing")
    return oldest


class LastReplies:
    """Parses and checks the replies about a stream and its groups, unless they have not changed.

    With `hides`, it drops the values of all fields.
    """

    def __init__(self, *, hides: bool) -> None:
        self._hides = hides
        self._stream_reply: Any = None
        self._stream: tuple[StreamInfo, int, Entry | None] | None = None
        self._groups_reply: Any = None
        self._groups: list[GroupInfo] = []

    def stream(self, reply: Any) -> tuple[StreamInfo, int, Entry | None]:
        """Parse XINFO STREAM; TypeError or ValueError if a number makes no sense.

        Return the stream without large fields of its first and last entry, the size of the larger
        of these in bytes, and the whole last entry. ServerTooOld if the server does not count the
        entries that were ever added.
        """
        if self._stream is None or reply != self._stream_reply:
            stream = replies.stream_info(reply)
            if stream.entries_added is None:
                raise ServerTooOld(
                    "this server does not tell how many entries were ever added, so no lag can be "
                    "known: streamviz needs what XINFO STREAM tells since Redis 7.0. Upgrade the "
                    "server"
                )
            _check_integers((stream.entries_added,))  # XSETID can make it too large for its sign
            _check_counts((stream.length, stream.radix_tree_keys))
            kept_bytes = 0 if self._hides else _KEPT_BYTES
            newest = stream.last_entry
            if newest and self._hides:
                newest = hide_values(newest)
            self._stream = (*_without_large_fields(stream, kept_bytes), newest)
            self._stream_reply = reply if self._stream[1] <= kept_bytes else None
        return self._stream

    def kept(self, entries: tuple[Entry, ...], largest: int) -> tuple[Entry, ...]:
        """Return entries, none of more than `largest` bytes, as a sample keeps them."""
        if self._hides:
            return shortened(tuple(map(hide_values, entries)))
        return shortened(entries, largest)

    def groups(self, reply: Any) -> list[GroupInfo]:
        """Parse XINFO GROUPS; TypeError or ValueError if a number makes no sense."""
        if reply != self._groups_reply:
            groups = replies.group_infos(reply)
            _check_counts([one.pending for one in groups])
            _check_integers([one.entries_read for one in groups], _INT_OR_NONE)
            _check_integers([one.lag for one in groups], _INT_OR_NONE)
            self._groups, self._groups_reply = groups, reply
        return self._groups


def check_numbers(by_group: Mapping[str, GroupReplies], memory_bytes: int | None) -> None:
    """Check that each number is one; TypeError if something else stands in its place."""
    consumers = [*chain.from_iterable(one.consumers for one in by_group.values())]
    _check_integers(chain.from_iterable(map(itemgetter(1, 2), consumers)))
    _check_integers(chain([memory_bytes], map(itemgetter(3), consumers)), _INT_OR_NONE)


def _check_integers(numbers: Iterable[object], kinds: frozenset[type] = frozenset({int})) -> None:
    if not kinds.issuperset(map(type, numbers)):  # between the server and us, a byte may change
        raise TypeError("a reply has something else in the place of a number")


def _check_counts(counts: Sequence[int]) -> None:
    _check_integers(counts)
    if min(counts, default=0) < 0:
        raise ValueError("a reply counts less than nothing")


def _without_large_fields(stream: StreamInfo, limit: int) -> tuple[StreamInfo, int]:
    """Return a stream without large fields of its first and last entry, and the larger's size."""
    first, last = stream.first_entry, stream.last_entry
    if first is None or last is None:
        return stream, 0
    size = max(_FRAME_BYTES + sum(map(_size_of_pair, one.pairs)) for one in (first, last))
    if size > limit:
        stream = replace(stream, first_entry=Entry(first.id, {}), last_entry=Entry(last.id, {}))
    return stream, size


def _size_of_pair(pair: tuple[str, str]) -> int:
    return 2 * len(_LENGTH) + len(pair[0]) + len(pair[1])
