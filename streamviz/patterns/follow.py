"""Reading on from a position, and saving it: one stream, or several in the order of their IDs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streamviz.client import arguments
from streamviz.client.arguments import Id
from streamviz.client.cluster import Client
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.read import read_streams
from streamviz.client.stream import Stream
from streamviz.errors import NoSuchStream, OffsetError
from streamviz.patterns.merge import ends_of_full, split
from streamviz.patterns.offsets import Offset

_SLICE_MS = 2000  # who waits for ever looks so often whether it is still the same stream


def follow(
    stream: Stream,
    position: Offset,
    *,
    start: Id = "0",
    count: int = 100,
    block_ms: int | None = None,
) -> Iterator[Entry]:
    """Read on from a position, entry by entry, and save it after each one (XREAD, 5.0).

    An entry's position is saved when the next one is asked for. So a loop that raises, breaks or
    is killed gets its last entry again.

    Parameters
    ----------
    stream : Stream
        What to read.
    position : Offset
        Where the reader is; it goes on from there.
    start : EntryId or str
        Where to begin if there is no position yet; ``"$"``, the newest entry, is looked up and
        saved at once, so that nothing is lost from then on.
    count : int
        Entries to fetch at a time.
    block_ms : int, optional
        When there is nothing new, wait so long for it, in milliseconds, 0 for ever; without it,
        the loop ends there.

    Raises
    ------
    OffsetError
        If the position lies beyond the last ID that the stream gave out: it was deleted and made
        again, or its server lost what came last. Who went on would wait for nothing.

    Examples
    --------
    >>> from streamviz import connect
    >>> from streamviz.patterns.offsets import MemoryOffset
    >>> tea = Stream(connect(), "doctest:cups")
    >>> _ = tea.client.delete("doctest:cups")
    >>> _ = tea.add_many({"cup": cup} for cup in ("oolong", "sencha"))
    >>> place = MemoryOffset()
    >>> [entry.fields["cup"] for entry in follow(tea, place)]
    ['oolong', 'sencha']
    >>> [entry.fields["cup"] for entry in follow(tea, place)]
    []
    """
    both = follow_streams(
        stream.client, {stream.key: position}, start=start, count=count, block_ms=block_ms
    )
    for _, entry in both:
        yield entry


def follow_streams(
    client: Client,
    positions: Mapping[str, Offset],
    *,
    start: Id = "0",
    count: int = 100,
    block_ms: int | None = None,
) -> Iterator[tuple[str, Entry]]:
    """Read several streams as one, in the order of their IDs; see `follow`.

    What is there already comes in order, however the pages fall. Of what is added meanwhile, an
    entry that comes late, with an ID before one that was read, is late here, too.

    Parameters
    ----------
    client : redis.Redis or RedisCluster
        The server.
    positions : mapping of str to Position
        For each stream's key, a position of its own.
    start, count, block_ms
        As in `follow`; `count` is for each stream.

    Yields
    ------
    (str, Entry)
        The stream's key beside each entry.
    """
    streams = {key: Stream(client, key) for key in positions}
    after = {key: _begin(streams[key], positions[key], start) for key in positions}
    wait_ms = _SLICE_MS if block_ms == 0 else block_ms
    while True:
        found = read_in_order(client, after, count=count, block_ms=wait_ms)
        for key, entry in found:
            yield key, entry
            positions[key].save(entry.id)
            after[key] = entry.id
        if not found:
            for key, stream in streams.items():
                check_stream(stream, after[key])
            if block_ms != 0:
                return


def read_in_order(
    client: Client, after: Mapping[str, Id], *, count: int, block_ms: int | None = None
) -> list[tuple[str, Entry]]:
    """Read a page of several streams (XREAD) that the next page goes on from in order.

    Of a stream whose page is full, more may follow; what other streams have after its last ID is
    left for the next page. `streamviz.patterns.merge` does the same for a consumer of a group.

    Parameters
    ----------
    client, after, block_ms
        As in `read_streams`.
    count : int
        At most so many from each stream.
    """
    found = read_streams(client, after, count=count, block_ms=block_ms)
    given, _ = split(found, ends_of_full(found, count))
    return given


def check_stream(stream: Stream, at: EntryId) -> None:
    """Refuse a stream that has not yet come to a position: it is not the one that was read.

    Raises
    ------
    PositionError
        If the last ID that the stream gave out is smaller (XINFO STREAM). A stream that does not
        exist is not refused: it may come.
    """
    try:
        last = stream.info().last_generated_id
    except NoSuchStream:
        return
    if last < at:
        raise OffsetError(
            f"the position {at} lies beyond {last}, the last ID of {stream.key!r}: the stream was "
            "deleted and made again, or its server lost what came last. To read it from the "
            'beginning, save EntryId.parse("0-0") as the position'
        )


def _begin(stream: Stream, position: Offset, start: Id) -> EntryId:
    at = position.load()
    if at is not None:
        check_stream(stream, at)
        return at
    if arguments.id_text(start, "$") != "$":
        return EntryId.parse(start)
    try:
        newest = stream.info().last_generated_id
    except NoSuchStream:
        newest = EntryId.ZERO
    position.save(newest)
    return newest
