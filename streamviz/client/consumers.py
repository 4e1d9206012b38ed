"""A consumer of a group: it reads, claims and acknowledges entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict, Unpack, overload

from streamviz.client import arguments, replies
from streamviz.client.arguments import Id, Ids
from streamviz.client.connection import Connection
from streamviz.client.entry_id import EntryId
from streamviz.client.loops import Loops
from streamviz.client.models import Claimed, Entry
from streamviz.client.records import Records
from streamviz.client.resp import Arg
from streamviz.errors import InputError, check_type


class _Claim(TypedDict, total=False):
    idle_ms: int | None
    time_ms: int | None
    deliveries: int | None
    force: bool
    last_id: Id | None


class Consumer(Loops):
    """One consumer of one group, from `ConsumerGroup.consumer`; its first read creates it in Redis.

    A consumer that returns under its name still has its pending entries. InputError if the name is
    empty or not text.
    """

    def __init__(self, connection: Connection, key: str, group_name: str, name: str) -> None:
        self.connection, self.key, self.group_name = connection, key, group_name
        self.name = arguments.name_text(name, "a consumer's name")

    def __repr__(self) -> str:
        return f"<Consumer {self.name!r} of {self.group_name!r}>"

    def read(
        self,
        count: int | None = None,
        *,
        after: Id = ">",
        block_ms: int | None = None,
        noack: bool = False,
        claim_idle_ms: int | None = None,
        max_count: int | None = None,
        max_bytes: int | None = None,
    ) -> Records[Entry]:
        """Read at most `count` entries as this consumer, in order of their IDs (XREADGROUP, 5.0).

        Own pending entries that were deleted are left out. NoSuchGroup if the stream has no such
        group, or loses it during the wait.

        Parameters
        ----------
        after : EntryId or str
            ``">"`` reads entries never delivered to this group. An ID reads this consumer's own
            pending entries after that ID again; ``"0"`` reads all of them.
        block_ms : int, optional
            Wait this long for the first entry, in milliseconds; 0 is forever.
        noack : bool
            Count the entries as acknowledged when they are delivered.
        claim_idle_ms : int, optional
            Also take over other consumers' pending entries that have been idle this long, in
            milliseconds; a blocked read wakes up for them (CLAIM, 8.4). Then `Entry.deliveries`
            says whether an entry was taken over.
        max_count, max_bytes : int, optional
            Return at most `max_count` entries and about `max_bytes` bytes in all (8.10).
        """
        pairs = read_groups(
            self,
            {self.key: after},
            count=count,
            block_ms=block_ms,
            noack=noack,
            claim_idle_ms=claim_idle_ms,
            max_count=max_count,
            max_bytes=max_bytes,
        )
        return Records(Entry, [entry for _, entry in pairs])

    @overload
    def claim(
        self,
        ids: Ids,
        min_idle_ms: int = 0,
        *,
        justid: Literal[False] = False,
        **options: Unpack[_Claim],
    ) -> Records[Entry]: ...

    @overload
    def claim(
        self, ids: Ids, min_idle_ms: int = 0, *, justid: Literal[True], **options: Unpack[_Claim]
    ) -> list[EntryId]: ...

    def claim(
        self,
        ids: Ids,
        min_idle_ms: int = 0,
        *,
        justid: bool = False,
        idle_ms: int | None = None,
        time_ms: int | None = None,
        deliveries: int | None = None,
        force: bool = False,
        last_id: Id | None = None,
    ) -> Records[Entry] | list[EntryId]:
        """Take over pending entries by their IDs (XCLAIM, 5.0).

        Parameters
        ----------
        ids : list of EntryId or str, Entry, or list of Entry
            The entries, for example what `ConsumerGroup.pending_entries` returns. InputError if
            this is a single ID, or empty.
        min_idle_ms : int
            Take over only entries whose last delivery is at least this long ago, in milliseconds.
        idle_ms, time_ms, deliveries : int, optional
            Set the idle time, the time of the last delivery, or the delivery count.
        force : bool
            Also take entries that are not pending.
        justid : bool
            Return only IDs, and leave the delivery count unchanged.
        last_id : EntryId or str, optional
            Also move the group's cursor to this ID, if it is later.
        """
        if isinstance(ids, EntryId | str | bytes):
            raise InputError(f"ids={ids!r}: give a list of IDs, for example [{ids!r}]")
        minimum = arguments.whole_number("min_idle_ms", min_idle_ms, 0)
        options = arguments.option("IDLE", "idle_ms", idle_ms)
        options += arguments.option("TIME", "time_ms", time_ms)
        options += arguments.option("RETRYCOUNT", "deliveries", deliveries)
        options += ["FORCE"] * arguments.flag("force", force)
        options += ["JUSTID"] * arguments.flag("justid", justid)
        if last_id is not None:
            options += ["LASTID", str(EntryId.parse(last_id))]
        names = (self.key, self.group_name, self.name)
        texts = arguments.id_list([ids])
        reply = self.connection.call("XCLAIM", *names, minimum, *texts, *options)
        return replies.ids(reply) if justid else replies.entries(reply)

    def autoclaim(
        self,
        min_idle_ms: int,
        start: Id = "0-0",
        count: int | None = None,
        *,
        justid: bool = False,
    ) -> Claimed:
        """Scan the pending entries, and take over the idle ones (XAUTOCLAIM, 6.2).

        Parameters
        ----------
        min_idle_ms, justid
            As in `claim`.
        start : EntryId or str
            The ID to start at; for the next page, the cursor of the previous page.
        count : int, optional
            Take over at most `count` entries, 100 by default. The server scans at most ten times
            as many.
        """
        minimum = arguments.whole_number("min_idle_ms", min_idle_ms, 0)
        first = arguments.range_end(start)
        options: list[Arg] = arguments.option("COUNT", "count", count, 1)
        options += ["JUSTID"] * arguments.flag("justid", justid)
        names = (self.key, self.group_name, self.name)
        reply = self.connection.call("XAUTOCLAIM", *names, minimum, first, *options)
        return replies.claimed(reply, justid=justid)

    def ack(self, *ids: Ids) -> int:
        """Acknowledge entries, and return how many were pending (XACK, 5.0).

        They may be pending for any consumer of the group. Give entries, their IDs, or lists of
        them.
        """
        texts = arguments.id_list(ids)
        return int(self.connection.call("XACK", self.key, self.group_name, *texts))


def read_groups(
    consumer: Consumer,
    after: Mapping[str, Id],
    *,
    count: int | None = None,
    block_ms: int | None = None,
    noack: bool = False,
    claim_idle_ms: int | None = None,
    max_count: int | None = None,
    max_bytes: int | None = None,
) -> list[tuple[str, Entry]]:
    """Read several streams as one consumer, each by its group of the same name (XREADGROUP, 5.0).

    Redis replies stream by stream. This function puts one reply in the order of IDs, and returns
    each entry with its stream's key. The next reply may start with earlier IDs;
    `OrderedGroupReader` avoids that.

    Parameters
    ----------
    consumer : Consumer
        The consumer that reads. Its group must exist on every stream.
    after : mapping of str to EntryId or str
        For each key, ``">"`` or an ID. InputError if there is none.
    count, block_ms, noack, claim_idle_ms, max_count, max_bytes
        As in `Consumer.read`; `count` applies to each stream.
    """
    check_type("consumer", consumer, Consumer, "a Consumer, for example group.consumer(name)")
    streams = arguments.streams(after, ">")
    options, needs = arguments.read_options(count, block_ms, max_count, max_bytes)
    if claim_idle_ms is not None:
        options += arguments.option("CLAIM", "claim_idle_ms", claim_idle_ms)
        needs = needs or (8, 4)
    options += ["NOACK"] * arguments.flag("noack", noack)
    command = ("XREADGROUP", "GROUP", consumer.group_name, consumer.name, *options, *streams)
    reply = consumer.connection.call(*command, block_ms=block_ms, needs=needs)
    return replies.in_id_order(reply)
