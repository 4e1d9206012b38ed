"""Read streams in order of the entries' IDs, and save the position after each entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from streamviz.client import arguments
from streamviz.client.arguments import Id
from streamviz.client.cluster import Client
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream, read_streams
from streamviz.errors import InputError, NoSuchStream, OffsetError, check_type
from streamviz.patterns.horizon import Page, full_page_ends, split_at_horizon
from streamviz.patterns.offsets import Offset

_CHECK_EVERY_MS = 2000  # an endless wait checks this often that it is still the same stream


def follow(
    stream: Stream,
    offset: Offset,
    *,
    start: Id = "0",
    count: int = 100,
    block_ms: int | None = None,
) -> Iterator[Entry]:
    """Read a stream from a saved position, and save the position after each entry (XREAD, 5.0).

    The position moves to an entry when the loop asks for the next one. So a loop that raises,
    breaks or is killed gets its last entry again.

    OffsetError if the position lies beyond the stream's last ID: the stream was deleted and
    recreated, or the server lost its newest entries. Reading on would wait for entries that may
    never come.

    Parameters
    ----------
    offset : Offset
        The offset store that keeps the reader's position.
    start : EntryId or str
        Where to start if no position is saved yet. ``"$"``, the newest entry, is looked up and
        saved at once, so no entry added from then on is missed.
    count : int
        How many entries to fetch at a time.
    block_ms : int, optional
        How long to wait when there is no new entry, in milliseconds; 0 is for ever. Without it,
        the loop ends there.

    Examples
    --------
    >>> from streamviz import connect
    >>> from streamviz.patterns.offsets import MemoryOffset
    >>> tea = Stream(connect(), "doctest:cups")
    >>> _ = tea.client.delete("doctest:cups")
    >>> _ = tea.add_many({"cup": cup} for cup in ("oolong", "sencha"))
    >>> offset = MemoryOffset()
    >>> [entry.fields["cup"] for entry in follow(tea, offset)]
    ['oolong', 'sencha']
    >>> [entry.fields["cup"] for entry in follow(tea, offset)]
    []
    """
    check_type("stream", stream, Stream, "a Stream, for example Stream(client, key)")
    offsets = {stream.key: offset}
    pairs = follow_streams(stream.client, offsets, start=start, count=count, block_ms=block_ms)
    yield from (entry for _, entry in pairs)


def follow_streams(
    client: Client,
    offsets: Mapping[str, Offset],
    *,
    start: Id = "0",
    count: int = 100,
    block_ms: int | None = None,
) -> Iterator[tuple[str, Entry]]:
    """Read several streams as one, in order of the entries' IDs; see `follow`.

    Existing entries come in order, whatever the page size. An entry that is added meanwhile comes
    late if its ID is before one that was already read.

    Each entry comes with its stream's key. There is an offset store for each stream, and `count`
    is for each stream.
    """
    check_type("offsets", offsets, Mapping, "an offset store for each stream's key")
    streams = {key: Stream(client, key) for key in offsets}
    positions = {key: _first_position(streams[key], offsets[key], start) for key in offsets}
    wait_ms = _CHECK_EVERY_MS if block_ms == 0 else block_ms
    while True:
        page = read_in_order(client, positions, count=count, block_ms=wait_ms)
        for key, entry in page:
            yield key, entry
            offsets[key].save(entry.id)
            positions[key] = entry.id
        if not page:
            for key, stream in streams.items():
                check_position(stream, positions[key])
            if block_ms != 0:
                return


def read_in_order(
    client: Client, after: Mapping[str, Id], *, count: int, block_ms: int | None = None
) -> Page:
    """Read one page of several streams so that the next page continues in order (XREAD, 5.0).

    Entries after the horizon (see `streamviz.patterns.horizon`) are left for the next page.
    `OrderedGroupReader` does the same for a consumer of a group. The arguments are those of
    `read_streams`.
    """
    entries = read_streams(client, after, count=count, block_ms=block_ms)
    page, _ = split_at_horizon(entries, full_page_ends(entries, count))
    return page


def check_position(stream: Stream, position: EntryId) -> None:
    """Refuse a position beyond the stream's last ID: this is not the stream that was read.

    OffsetError if the last ID is smaller (XINFO STREAM, 5.0). A stream that does not exist is
    accepted: it may be created later.
    """
    last = _last_id(stream)
    if last is not None and last < position:
        raise OffsetError(
            f"the position {position} lies beyond {last}, the last ID of {stream.key!r}: the "
            "stream was deleted and recreated, or the server lost its newest entries. To read it "
            'from the beginning, save EntryId.parse("0-0") as the position'
        )


def _first_position(stream: Stream, offset: Offset, start: Id) -> EntryId:
    if isinstance(offset, type) or not isinstance(offset, Offset):
        raise InputError(f"offset={offset!r}: give an offset store, for example MemoryOffset()")
    position = offset.load()
    if position is not None:
        check_position(stream, position)
        return position
    if arguments.id_text(start, "$") != "$":
        return EntryId.parse(start)
    newest = _last_id(stream) or EntryId.ZERO
    offset.save(newest)
    return newest


def _last_id(stream: Stream) -> EntryId | None:
    with suppress(NoSuchStream):
        return stream.info().last_generated_id
    return None
