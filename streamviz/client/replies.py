"""Turn the server's raw replies into typed records.

Every nested reply is parsed here and nowhere else: the flat lists of RESP2 and the maps of RESP3,
from Redis 7.0 to 8.10 and from Valkey.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import repeat
from typing import Any

from streamviz.client.entry import Entry, name_text, one_by_one, parsed
from streamviz.client.entry import text as text
from streamviz.client.entry_id import EntryId, parse_id
from streamviz.client.models import (
    Claimed,
    ConsumerInfo,
    FullGroup,
    FullPending,
    GroupInfo,
    IdmpInfo,
    PendingEntry,
    PendingSummary,
    StreamFull,
    StreamInfo,
)
from streamviz.client.records import Records
from streamviz.errors import InputError, OffsetError

_parse_id = lru_cache(4096)(parse_id)  # the same IDs are pending in sample after sample
_new_row: Any = tuple.__new__  # twice as fast as a named tuple's own way
_GROUP = b"name consumers pending last-delivered-id entries-read lag".split()
_CONSUMER = [b"name", b"pending", b"idle", b"inactive"]
_IDMP = b"idmp-duration idmp-maxsize pids-tracked iids-tracked iids-added iids-duplicates".split()


def entry_id(value: Any) -> EntryId:
    """Parse an ID; an empty one, which some versions send for "none", is ``0-0``."""
    return _parse_id(value) if value else EntryId.ZERO


def as_dict(reply: Any) -> dict[bytes, Any]:
    """Return a map, or a flat list of names and values, as a dict; its names are bytes."""
    words = iter(reply)
    fields = reply if type(reply) is dict else dict(zip(words, words, strict=False))
    if fields and type(next(iter(fields))) is str:
        return {name.encode(): value for name, value in fields.items()}
    return fields


def entries(reply: Any) -> Records[Entry]:
    """Return a list of entries (XRANGE, XCLAIM) without deleted ones, parsed when first used."""
    return Records(Entry, one_by_one(reply or ()))


def only_stream(reply: Any) -> list[Any]:
    """Return the unparsed entries of a read of one stream."""
    pairs = dict(reply or ())
    return next(iter(pairs.values()), [])


def in_id_order(reply: Any) -> list[tuple[str, Entry]]:
    """Parse XREAD and XREADGROUP: the entries in the order of their IDs, then of the keys."""
    by_key = {text(key): items for key, items in dict(reply or ()).items()}
    pairs = [(key, entry) for key, items in by_key.items() for entry in one_by_one(items)]
    if len(by_key) < 2 and not (pairs and pairs[0][1].deliveries is not None):
        return pairs  # Redis sorts the entries of one stream, except that CLAIM puts claimed first
    return sorted(pairs, key=lambda pair: (pair[1].id, pair[0]))


def offsets(reply: Any) -> dict[str, EntryId]:
    """Parse a hash of offsets (HGETALL): the ID that each reader has saved."""
    ids = {}
    for raw_name, raw_id in as_dict(reply).items():
        name = text(raw_name)
        try:
            ids[name] = EntryId.parse(raw_id)
        except InputError as error:
            raise OffsetError(
                f"the reader {name!r} has no valid offset in the hash: {error}"
            ) from error
    return ids


def ids(reply: Any) -> list[EntryId]:
    """Parse a list of IDs."""
    return list(map(parse_id, reply or ()))


def pending_summary(reply: Any) -> PendingSummary:
    """Parse XPENDING without a range."""
    count, low, high, consumers = reply
    first, last = (EntryId.parse(end) if end else None for end in (low, high))
    sizes = {text(name): int(size) for name, size in consumers or ()}
    return PendingSummary(count, first, last, sizes)


def pending_entries(reply: Any) -> Records[PendingEntry]:
    """Parse XPENDING with a range."""
    return Records(PendingEntry, pending_rows(reply))


def pending_rows(reply: Any) -> Iterator[PendingEntry]:
    """Return the pending entries of XPENDING with a range, one by one."""
    ids, consumers, idle_ms, deliveries = zip(*reply, strict=True) if reply else ((),) * 4
    rows = zip(map(_parse_id, ids), map(name_text, consumers), idle_ms, deliveries, strict=True)
    return map(_new_row, repeat(PendingEntry), rows)


def claimed(reply: Any, *, justid: bool) -> Claimed:
    """Parse XAUTOCLAIM; before 7.0 it had no third element."""
    page = () if justid else tuple(entries(reply[1]))
    taken_ids = ids(reply[1]) if justid else [one.id for one in page]
    deleted = ids(reply[2]) if len(reply) > 2 else []
    return Claimed(EntryId.parse(reply[0]), page, tuple(taken_ids), tuple(deleted))


def stream_info(reply: Any) -> StreamInfo:
    """Parse XINFO STREAM, or the numbers of its FULL form."""
    fields = as_dict(reply)
    groups = fields[b"groups"]
    first = fields.get(b"recorded-first-entry-id")
    deleted = fields.get(b"max-deleted-entry-id")
    return StreamInfo(
        fields[b"length"],
        fields[b"radix-tree-keys"],
        fields[b"radix-tree-nodes"],
        groups if isinstance(groups, int) else len(groups),
        entry_id(fields[b"last-generated-id"]),
        None if deleted is None else entry_id(deleted),
        fields.get(b"entries-added"),
        None if first is None else entry_id(first),
        parsed(fields.get(b"first-entry")),
        parsed(fields.get(b"last-entry")),
        IdmpInfo(*(fields[name] for name in _IDMP)) if _IDMP[0] in fields else None,
    )


def group_infos(reply: Any) -> Records[GroupInfo]:
    """Parse XINFO GROUPS."""
    infos = []
    for item in reply:
        if type(item) is list and item[::2] == _GROUP:  # as a rule
            name, consumers, pending, last_id, read, lag = item[1::2]
            infos.append(
                GroupInfo(name_text(name), consumers, pending, entry_id(last_id), read, lag)
            )
        else:
            infos.append(_group_info(as_dict(item)))
    return Records(GroupInfo, infos)


def consumer_infos(reply: Any) -> Records[ConsumerInfo]:
    """Parse XINFO CONSUMERS."""
    return Records(ConsumerInfo, consumer_rows(reply))


def consumer_rows(reply: Any) -> list[ConsumerInfo]:
    """Parse XINFO CONSUMERS; ``inactive`` is -1 for a consumer that never received an entry."""
    rows = []
    for item in reply:
        if type(item) is list and item[::2] == _CONSUMER:  # as a rule
            name, pending, idle_ms, inactive_ms = item[1::2]
        else:
            fields = as_dict(item)
            name, pending, idle_ms = (fields[one] for one in _CONSUMER[:3])
            inactive_ms = fields.get(b"inactive", -1)
        inactive_ms = inactive_ms if inactive_ms >= 0 else None
        rows.append(_new_row(ConsumerInfo, (name_text(name), pending, idle_ms, inactive_ms)))
    return rows


def stream_full(reply: Any) -> StreamFull:
    """Parse XINFO STREAM FULL."""
    fields = as_dict(reply)
    return StreamFull(
        stream_info(reply),
        tuple(entries(fields[b"entries"])),
        tuple(_full_group(as_dict(item)) for item in fields[b"groups"]),
    )


def _group_info(fields: Mapping[bytes, Any], consumers: int | None = None) -> GroupInfo:
    return GroupInfo(
        name=name_text(fields[b"name"]),
        consumers=fields[b"consumers"] if consumers is None else consumers,
        pending=fields[b"pending"],
        last_delivered_id=entry_id(fields[b"last-delivered-id"]),
        entries_read=fields.get(b"entries-read"),
        lag=fields.get(b"lag"),
    )


def _full_group(fields: dict[bytes, Any]) -> FullGroup:
    consumers = [as_dict(item) for item in fields[b"consumers"]]
    pending = fields[b"pending"] if isinstance(fields[b"pending"], list) else fields.get(b"pel", [])
    numbers = fields | {b"pending": fields.get(b"pel-count", len(pending))}
    return FullGroup(
        _group_info(numbers, len(consumers)),
        tuple(_full_pending(pending)),
        {text(item[b"name"]): item.get(b"pel-count", item[b"pending"]) for item in consumers},
    )


def _full_pending(reply: Iterable[Any]) -> Iterable[FullPending]:
    for raw_id, consumer, delivered_ms, deliveries in reply:
        yield FullPending(parse_id(raw_id), text(consumer), int(delivered_ms), int(deliveries))
