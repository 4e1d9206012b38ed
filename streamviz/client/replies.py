"""What the server replies, read into records.

Every nested reply is read here and nowhere else: RESP2's flat lists and RESP3's maps, of Redis
7.0 to 8.10 and of Valkey.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from streamviz.client import idempotency
from streamviz.client.entry_id import EntryId
from streamviz.client.models import (
    Claimed,
    ConsumerInfo,
    Entry,
    FullGroup,
    FullPending,
    GroupInfo,
    PendingEntry,
    PendingSummary,
    StreamFull,
    StreamInfo,
)
from streamviz.errors import InputError, OffsetError

T = TypeVar("T")


class _Known(dict[Any, T]):
    """What was read before, and will be again: names, and what is pending at look after look."""

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read = read

    def __missing__(self, word: Any) -> T:
        if len(self) >= 4096:  # it stays small, whatever is read
            self.clear()
        found = self[word] = self._read(word)
        return found


def text(value: Any) -> str:
    """Return a name or a value as text from which every byte can be had back."""
    return value.decode("utf-8", "surrogateescape") if type(value) is bytes else str(value)


_IDS = _Known(EntryId.parse)
_NAMES = _Known(text)
_new = object.__new__
_new_tuple = tuple.__new__


def entry_id(value: Any) -> EntryId:
    """Read an ID; an empty one, which some versions give for "none", is ``0-0``."""
    return _IDS[value] if value else EntryId.ZERO


def record(reply: Any) -> dict[bytes, Any]:
    """Return a reply's names, in bytes, and values; it came as a map or as a flat list."""
    found = reply if type(reply) is dict else dict(zip(reply[::2], reply[1::2], strict=False))
    if found and type(next(iter(found))) is str:
        return {name.encode(): value for name, value in found.items()}
    return found


def entry(reply: Any) -> Entry | None:
    """Read one entry; one that was deleted comes without fields, and is None."""
    if not reply or reply[1] is None:
        return None
    words = reply[1]
    flat = iter(words)
    pairs = zip(flat, flat, strict=True) if type(words) is list else words.items()
    made: Entry = _new(Entry)  # many are made: this takes a third of the time of Entry(...)
    _set_id(made, EntryId.parse(reply[0]))
    _set_fields(made, {_NAMES[name]: text(value) for name, value in pairs})
    taken_over = len(reply) >= 4
    _set_idle_ms(made, int(reply[2]) if taken_over else None)
    _set_deliveries(made, int(reply[3]) if taken_over else None)
    return made


_set_id, _set_fields, _set_idle_ms, _set_deliveries = (
    vars(Entry)[name].__set__ for name in ("id", "fields", "idle_ms", "deliveries")
)


def entries(reply: Any) -> list[Entry]:
    """Read a list of entries (XRANGE, XCLAIM); the deleted ones are left out."""
    return [found for item in reply or () if (found := entry(item)) is not None]


def by_stream(reply: Any) -> dict[str, list[Entry]]:
    """Read the reply of XREAD and XREADGROUP: entries by stream; nothing is an empty dict."""
    if not reply:
        return {}
    pairs = reply.items() if isinstance(reply, dict) else reply
    return {text(key): entries(items) for key, items in pairs}


def in_time_order(found: Mapping[str, list[Entry]]) -> list[tuple[str, Entry]]:
    """Merge entries of several streams in the order of their IDs, then of the keys."""
    pairs = [(key, entry) for key, entries in found.items() for entry in entries]
    if len(found) < 2 and not (pairs and pairs[0][1].deliveries is not None):
        return pairs  # Redis gives a stream's entries in order, but what CLAIM took over first
    return sorted(pairs, key=lambda pair: (pair[1].id, pair[0]))


def positions(reply: Any) -> dict[str, EntryId]:
    """Read HGETALL of a hash of positions: each reader's name, and where it is."""
    found = {}
    for who, where in record(reply).items():
        name = text(who)
        try:
            found[name] = EntryId.parse(where)
        except InputError as error:
            raise OffsetError(f"the reader {name!r} has no place in the hash: {error}") from error
    return found


def ids(reply: Any) -> list[EntryId]:
    """Read a list of IDs."""
    return [EntryId.parse(item) for item in reply or ()]


def pending_summary(reply: Any) -> PendingSummary:
    """Read XPENDING without a range."""
    count, low, high, consumers = reply
    return PendingSummary(
        count,
        EntryId.parse(low) if low else None,
        EntryId.parse(high) if high else None,
        {text(name): int(held) for name, held in consumers or ()},
    )


def pending_entries(reply: Any) -> list[PendingEntry]:
    """Read XPENDING with a range."""
    return [
        _new_tuple(PendingEntry, (_IDS[which], _NAMES[consumer], idle, times))
        for which, consumer, idle, times in reply
    ]


def claimed(reply: Any, *, justid: bool) -> Claimed:
    """Read XAUTOCLAIM; before 7.0 it had no third element."""
    moved = () if justid else tuple(entries(reply[1]))
    return Claimed(
        EntryId.parse(reply[0]),
        moved,
        tuple(ids(reply[1])) if justid else tuple(item.id for item in moved),
        tuple(ids(reply[2])) if len(reply) > 2 else (),
    )


def stream_info(reply: Any) -> StreamInfo:
    """Read XINFO STREAM, also the numbers of its FULL form."""
    found = record(reply)
    groups = found[b"groups"]
    first = found.get(b"recorded-first-entry-id")
    deleted = found.get(b"max-deleted-entry-id")
    return StreamInfo(
        length=found[b"length"],
        radix_tree_keys=found[b"radix-tree-keys"],
        radix_tree_nodes=found[b"radix-tree-nodes"],
        groups=groups if isinstance(groups, int) else len(groups),
        last_generated_id=entry_id(found[b"last-generated-id"]),
        max_deleted_entry_id=None if deleted is None else entry_id(deleted),
        entries_added=found.get(b"entries-added"),
        recorded_first_entry_id=None if first is None else entry_id(first),
        first_entry=entry(found.get(b"first-entry")),
        last_entry=entry(found.get(b"last-entry")),
        idmp=idempotency.remembered(found),
    )


def group_infos(reply: Any) -> list[GroupInfo]:
    """Read XINFO GROUPS."""
    return [_group(record(item)) for item in reply]


def consumer_infos(reply: Any) -> list[ConsumerInfo]:
    """Read XINFO CONSUMERS; ``inactive`` is -1 for one that never got anything."""
    return [
        _new_tuple(
            ConsumerInfo,
            (
                _NAMES[found[b"name"]],
                found[b"pending"],
                found[b"idle"],
                found[b"inactive"] if found.get(b"inactive", -1) >= 0 else None,
            ),
        )
        for found in map(record, reply)
    ]


def stream_full(reply: Any) -> StreamFull:
    """Read XINFO STREAM FULL."""
    found = record(reply)
    return StreamFull(
        stream_info(reply),
        tuple(entries(found[b"entries"])),
        tuple(_full_group(record(item)) for item in found[b"groups"]),
    )


def _group(found: dict[bytes, Any], consumers: int | None = None) -> GroupInfo:
    return GroupInfo(
        name=_NAMES[found[b"name"]],
        consumers=found[b"consumers"] if consumers is None else consumers,
        pending=found[b"pending"],
        last_delivered_id=entry_id(found[b"last-delivered-id"]),
        entries_read=found.get(b"entries-read"),
        lag=found.get(b"lag"),
    )


def _full_group(found: dict[bytes, Any]) -> FullGroup:
    consumers = [record(item) for item in found[b"consumers"]]
    pending = found[b"pending"] if isinstance(found[b"pending"], list) else found.get(b"pel", [])
    numbers = found | {b"pending": found.get(b"pel-count", len(pending))}
    return FullGroup(
        _group(numbers, len(consumers)),
        tuple(_full_pending(pending)),
        {text(item[b"name"]): item.get(b"pel-count", item[b"pending"]) for item in consumers},
    )


def _full_pending(reply: Iterable[Any]) -> Iterable[FullPending]:
    for which, consumer, delivered, times in reply:
        yield FullPending(EntryId.parse(which), text(consumer), int(delivered), int(times))
