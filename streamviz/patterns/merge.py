"""Read several streams as one consumer of a group, in order of the entries' IDs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from streamviz.client import arguments
from streamviz.client.arguments import Id
from streamviz.client.cluster import Client
from streamviz.client.consumers import read_groups
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import InputError, check_type
from streamviz.patterns.horizon import Page as Page
from streamviz.patterns.horizon import full_page_ends, split_at_horizon


class OrderedGroupReader:
    """One consumer that reads several streams of a group as one, in order.

    The reader fetches each stream page by page. Entries after the horizon (see
    `streamviz.patterns.horizon`) are *held back* in this process until it is their turn. They
    have been delivered, so they are pending for this consumer. A reader that starts again under
    the same name first reads its pending entries, so it gets them in order too.

    The order holds for *this* consumer, and for the entries that exist when it reads. An entry
    that is added later with a smaller ID comes late. A stream without new entries does not delay
    the others.

    In a cluster, the keys need the same hash tag. Each stream must have the group. For each key,
    `groups` and `consumers` have that stream's group, and this consumer in it. With
    `pending_first`, the reader starts with the consumer's pending entries.

    Examples
    --------
    >>> from streamviz import Stream, connect
    >>> redis = connect()
    >>> _ = redis.delete("doctest:door", "doctest:lift")
    >>> for key, seconds in (("doctest:door", (1, 2, 3)), ("doctest:lift", (2, 9))):
    ...     _ = Stream(redis, key).add_many((f"{n}-0", {"n": n}) for n in seconds)
    ...     Stream(redis, key).group("porter").create("0")
    >>> ann = OrderedGroupReader(redis, ["doctest:door", "doctest:lift"], "porter", "ann")
    >>> [str(entry.id) for _, entry in ann.read(count=2)], len(ann.held_back)
    (['1-0', '2-0', '2-0'], 1)
    >>> [str(entry.id) for _, entry in ann.read(count=2)]
    ['3-0', '9-0']
    """

    def __init__(
        self,
        client: Client,
        streams: Iterable[str],
        group: str,
        consumer: str,
        *,
        pending_first: bool = True,
    ) -> None:
        check_type("streams", streams, Iterable, "the streams' keys")
        keys = [streams] if isinstance(streams, str) else list(streams)
        if not keys or not all(isinstance(key, str) for key in keys) or len(set(keys)) < len(keys):
            raise InputError(f"streams={keys!r}: give at least one key, and each key once")
        self.groups = {key: Stream(client, key).group(group) for key in keys}
        self.consumers = {key: self.groups[key].consumer(consumer) for key in keys}
        self._any = self.consumers[keys[0]]
        self._held_back: Page = []
        self._old: dict[str, EntryId] = {}  # how far each stream's pending entries are read
        if pending_first:
            self.restart()

    @property
    def held_back(self) -> tuple[tuple[str, Entry], ...]:
        """The entries that were read and are after the horizon, in order."""
        return tuple(self._held_back)

    def restart(self) -> None:
        """Start again, as after a crash, with all of this consumer's pending entries."""
        self._held_back = []
        self._old = dict.fromkeys(self.consumers, EntryId.ZERO)

    def read(
        self,
        count: int = 100,
        *,
        block_ms: int | None = None,
        noack: bool = False,
        claim_idle_ms: int | None = None,
    ) -> Page:
        """Get the next page (XREADGROUP, 5.0), each entry with its stream's key.

        Read up to `count` entries from each stream, but none from a stream with that many entries
        held back. Acknowledge an entry with ``consumers[key].ack(entry.id)``. NoSuchGroup if a
        stream lacks the group; the entries held back are kept.

        The rest is as in `Consumer.read`, but the read does not block while entries are held back.
        With `noack`, a crash loses these. Entries taken over by `claim_idle_ms` are old, so they
        come first.
        """
        arguments.whole_number("count", count, 1)
        while True:
            self._read_pending(count)
            can_block = not (self._held_back or self._old)
            wait_ms = block_ms if can_block else None
            ends = self._read_new(count, block_ms=wait_ms, noack=noack, claim_idle_ms=claim_idle_ms)
            page, self._held_back = split_at_horizon(self._held_back, [*ends, *self._old.values()])
            if page or not self._old:  # else a whole page of pending entries was deleted
                return page

    def _read_pending(self, count: int) -> None:
        sizes = Counter(key for key, _ in self._held_back)
        pages = {key: self._pending(key, count) for key in self._old if sizes[key] < count}
        starts: dict[str, Id] = {key: self._old[key] for key, ids in pages.items() if ids}
        entries = read_groups(self._any, starts, count=count) if starts else []
        self._held_back += [pair for pair in entries if pair[1].id in pages[pair[0]]]
        for key, ids in pages.items():
            if len(ids) < count:
                del self._old[key]  # that was the last page
            else:
                self._old[key] = ids[-1]

    def _read_new(self, count: int, **options: Any) -> list[EntryId]:
        """Read new entries, and return the last ID of each stream that may have more."""
        sizes = Counter(key for key, _ in self._held_back)
        ready = [key for key in self.consumers if key not in self._old]
        starts: dict[str, Id] = {key: ">" for key in ready if sizes[key] < count}
        entries = read_groups(self._any, starts, count=count, **options) if starts else []
        ends = full_page_ends(entries, count)
        ends += full_page_ends((pair for pair in self._held_back if pair[0] not in starts), count)
        old = {(key, entry.id) for key, entry in self._held_back}  # CLAIM may repeat an entry
        self._held_back += [(key, entry) for key, entry in entries if (key, entry.id) not in old]
        return ends

    def _pending(self, key: str, count: int) -> list[EntryId]:
        """Return the IDs of the next page of own pending entries, including deleted ones."""
        if self._old[key] == EntryId.MAX:
            return []
        start, group = f"({self._old[key]}", self.groups[key]
        page = group.pending_entries(start, count=count, consumer=self._any.name)
        return [one.id for one in page]

    def __repr__(self) -> str:
        keys = ", ".join(map(repr, self.consumers))
        return f"<OrderedGroupReader {self._any.name!r} of {self._any.group_name!r} on {keys}>"
