"""Read several streams with one command."""

from __future__ import annotations

from collections.abc import Mapping

from streamviz.client import arguments, replies
from streamviz.client.arguments import Id
from streamviz.client.cluster import Client, connection_to
from streamviz.client.models import Entry


def read_streams(
    client: Client,
    after: Mapping[str, Id],
    *,
    count: int | None = None,
    block_ms: int | None = None,
    max_count: int | None = None,
    max_bytes: int | None = None,
) -> list[tuple[str, Entry]]:
    """Read several streams at once, in the order of their IDs (XREAD, 5.0).

    Each entry is returned with its stream's key. In a cluster, the keys must have the same hash
    tag.

    Parameters
    ----------
    after : mapping of str to EntryId or str
        For each key, the last ID that you have; see `Stream.read`. InputError if there is none.
    count, block_ms : int, optional
        As in `Stream.read`; `count` is for each stream.
    max_count, max_bytes : int, optional
        Return at most `max_count` entries and about `max_bytes` bytes in all, from the streams in
        the order of `after` (8.10). The first entry is returned however large it is. InputError if
        `max_count` is less than `count`.
    """
    streams = arguments.streams(after, "$+")
    options, needs = arguments.read_options(count, block_ms, max_count, max_bytes)
    if "+" in streams[1 + len(after) :]:
        needs = needs or (7, 4)
    reply = connection_to(client, next(iter(after))).call(
        "XREAD", *options, *streams, block_ms=block_ms, needs=needs
    )
    return replies.in_id_order(reply)
