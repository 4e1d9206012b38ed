"""Several streams read as one, in the order of their IDs, page after page.

A page has at most so many entries of each stream (COUNT). Where a stream's page is full, more of
it may follow; what other streams have beyond its last ID must wait, or the next page would go
back in time. The smallest such last ID is the *horizon*. A stream whose page is not full has no
more at that moment: it holds nothing up, and what it gets later is later.
"""

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
from streamviz.errors import InputError

Page = list[tuple[str, Entry]]


def ends_of_full(found: Iterable[tuple[str, Entry]], count: int) -> list[EntryId]:
    """Return the last ID of each stream that fills its page, and so may have more."""
    pages: dict[str, list[EntryId]] = {}
    for key, entry in found:
        pages.setdefault(key, []).append(entry.id)
    return [max(ids) for ids in pages.values() if len(ids) >= count]


def split(found: Iterable[tuple[str, Entry]], ends: Iterable[EntryId]) -> tuple[Page, Page]:
    """Return what lies up to the horizon, in order, and what must wait.

    Parameters
    ----------
    found : iterable of (str, Entry)
        What was read: a stream's key beside each entry.
    ends : iterable of EntryId
        The last ID of each stream that may have more; the smallest is the horizon.
    """
    horizon = min(ends, default=EntryId.MAX)
    ordered = sorted(found, key=lambda pair: (pair[1].id, pair[0]))
    return (
        [pair for pair in ordered if pair[1].id <= horizon],
        [pair for pair in ordered if pair[1].id > horizon],
    )


class OrderedGroupReader:
    """One consumer of a group that has several streams: it reads them as one, in order.

    What lies beyond the horizon (see above) is *held back* in this process. It was delivered, so
    it is pending in this consumer's name. Whoever starts again under the name begins with what is
    pending, and gets it in its place.

    In order is what *this* consumer gets, and what was there when it read. An entry that is added
    later with a smaller ID is late. A stream with nothing new holds up none of the others.

    Parameters
    ----------
    client : redis.Redis or redis.cluster.RedisCluster
        The server; in a cluster, the keys must have one hash tag.
    streams : iterable of str
        The streams' keys. Each must have the group.
    group, consumer : str
        The names.
    old_work : bool
        Whether to begin with what is pending in the consumer's name.

    Attributes
    ----------
    groups : dict of str to ConsumerGroup
        By stream: that stream's group.
    consumers : dict of str to Consumer
        By stream: this consumer in that stream's group.

    Raises
    ------
    InputError
        If there is no stream, or one is named twice.

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
        old_work: bool = True,
    ) -> None:
        keys = [streams] if isinstance(streams, str) else list(streams)
        if not keys or len(set(keys)) < len(keys):
            raise InputError(f"streams={keys!r}: give at least one key, and each of them once")
        self.groups = {key: Stream(client, key).group(group) for key in keys}
        self.consumers = {key: self.groups[key].consumer(consumer) for key in keys}
        self._any = self.consumers[keys[0]]
        self._held: Page = []
        self._old: dict[str, EntryId] = {}  # so far is the old work of these streams read
        if old_work:
            self.restart()

    @property
    def held_back(self) -> tuple[tuple[str, Entry], ...]:
        """What was read and lies beyond the horizon, in order."""
        return tuple(self._held)

    def restart(self) -> None:
        """Begin again, as after a crash: with all that is pending in this consumer's name."""
        self._held = []
        self._old = dict.fromkeys(self.consumers, EntryId.ZERO)

    def read(
        self,
        count: int = 100,
        *,
        block_ms: int | None = None,
        noack: bool = False,
        claim_idle_ms: int | None = None,
    ) -> Page:
        """Get the next page (XREADGROUP, 5.0).

        Parameters
        ----------
        count : int
            Ask for at most so many of each stream. Of which so many are held back, none is asked.
        block_ms, noack, claim_idle_ms
            As in `Consumer.read`. Nobody waits while something is held back.
            With `noack`, what is held back goes with a crash. What `claim_idle_ms` takes over is
            old, and so it comes early.

        Returns
        -------
        list of (str, Entry)
            The stream's key beside each entry; empty if there is nothing. Acknowledge with
            ``consumers[key].ack(entry.id)``.

        Raises
        ------
        NoSuchGroup
            If a stream has no such group. What is held back stays so.
        """
        arguments.whole_number("count", count, 1)
        while True:
            self._read_old(count)
            waits = not (self._held or self._old)
            ends = self._read_new(
                count,
                block_ms=block_ms if waits else None,
                noack=noack,
                claim_idle_ms=claim_idle_ms,
            )
            given, self._held = split(self._held, [*ends, *self._old.values()])
            if given or not self._old:  # else: a whole page of old work was deleted
                return given

    def _read_old(self, count: int) -> None:
        """Read one page more of own old work: XPENDING says which, XREADGROUP gives the entries."""
        held = Counter(key for key, _ in self._held)
        pages = {key: self._pending(key, count) for key in self._old if held[key] < count}
        asked: dict[str, Id] = {key: self._old[key] for key, ids in pages.items() if ids}
        found = read_groups(self._any, asked, count=count) if asked else []
        self._held += [(key, entry) for key, entry in found if entry.id in pages[key]]
        for key, ids in pages.items():
            if len(ids) < count:
                del self._old[key]  # that was all
            else:
                self._old[key] = ids[-1]

    def _read_new(self, count: int, **options: Any) -> list[EntryId]:
        """Read what is new, and return the last ID of each stream that may have more of it."""
        held = Counter(key for key, _ in self._held)
        ready = [key for key in self.consumers if key not in self._old]
        asked: dict[str, Id] = {key: ">" for key in ready if held[key] < count}
        found = read_groups(self._any, asked, count=count, **options) if asked else []
        ends = ends_of_full(found, count)
        ends += ends_of_full((pair for pair in self._held if pair[0] not in asked), count)
        known = {(key, entry.id) for key, entry in self._held}  # CLAIM may give them once more
        self._held += [(key, entry) for key, entry in found if (key, entry.id) not in known]
        return ends

    def _pending(self, key: str, count: int) -> list[EntryId]:
        """Return which entries are on the next page of own old work, deleted ones, too."""
        if self._old[key] == EntryId.MAX:
            return []
        found = self.groups[key].pending_entries(
            f"({self._old[key]}", count=count, consumer=self._any.name
        )
        return [one.id for one in found]

    def __repr__(self) -> str:
        keys = ", ".join(map(repr, self.consumers))
        return f"<OrderedGroupReader {self._any.name!r} of {self._any.group_name!r} on {keys}>"
