"""A consumer of a group, typed: it reads, claims and acknowledges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

from streamviz.client import arguments, replies
from streamviz.client.arguments import Id
from streamviz.client.entry_id import EntryId
from streamviz.client.exchange import Arg
from streamviz.client.models import Claimed, Entry
from streamviz.errors import InputError

if TYPE_CHECKING:
    from streamviz.client.groups import ConsumerGroup


class Consumer:
    """One consumer of one group; it comes into being when it first reads.

    Parameters
    ----------
    group : ConsumerGroup
        The group.
    name : str
        The consumer's name. One that comes back under its name finds its old work.
    """

    def __init__(self, group: ConsumerGroup, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise InputError(f"{name!r} is not a consumer's name: give it as text")
        self.group = group
        self.name = name
        self.connection = group.connection

    def __repr__(self) -> str:
        return f"<Consumer {self.name!r} of {self.group.name!r}>"

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
    ) -> list[Entry]:
        """Get entries (XREADGROUP, 5.0).

        Parameters
        ----------
        count : int, optional
            At most so many.
        after : EntryId or str
            ``">"`` is what was never delivered; an ID reads this consumer's own pending entries
            after it again, ``"0"`` all of them.
        block_ms : int, optional
            Wait so long for the first one, in milliseconds; 0 is for ever.
        noack : bool
            Count as acknowledged what is delivered.
        claim_idle_ms : int, optional
            Take others' pending entries that have been idle so long, too; who waits is woken by
            them (CLAIM, 8.4).
        max_count, max_bytes : int, optional
            At most so many entries, and about so many bytes, in all (8.10).

        Returns
        -------
        list of Entry
            In the order of IDs. Own pending entries that were deleted are left out. With
            `claim_idle_ms` each one says in `Entry.deliveries` whether it was taken over.

        Raises
        ------
        NoSuchGroup
            If the stream has no such group, or loses it while this waits.
        """
        return [
            entry
            for _, entry in read_groups(
                self,
                {self.group.stream.key: after},
                count=count,
                block_ms=block_ms,
                noack=noack,
                claim_idle_ms=claim_idle_ms,
                max_count=max_count,
                max_bytes=max_bytes,
            )
        ]

    @overload
    def claim(
        self,
        ids: Sequence[Id],
        min_idle_ms: int = 0,
        *,
        justid: Literal[False] = False,
        idle_ms: int | None = None,
        time_ms: int | None = None,
        deliveries: int | None = None,
        force: bool = False,
        last_id: Id | None = None,
    ) -> list[Entry]: ...

    @overload
    def claim(
        self,
        ids: Sequence[Id],
        min_idle_ms: int = 0,
        *,
        justid: Literal[True],
        idle_ms: int | None = None,
        time_ms: int | None = None,
        deliveries: int | None = None,
        force: bool = False,
        last_id: Id | None = None,
    ) -> list[EntryId]: ...

    def claim(
        self,
        ids: Sequence[Id],
        min_idle_ms: int = 0,
        *,
        justid: bool = False,
        idle_ms: int | None = None,
        time_ms: int | None = None,
        deliveries: int | None = None,
        force: bool = False,
        last_id: Id | None = None,
    ) -> list[Entry] | list[EntryId]:
        """Take pending entries over (XCLAIM, 5.0).

        Parameters
        ----------
        ids : sequence of EntryId or str
            Which.
        min_idle_ms : int
            Only if they were last delivered at least so long ago.
        idle_ms, time_ms, deliveries : int, optional
            Set the idle time, the time of delivery, or the count of deliveries.
        force : bool
            Also entries that are not pending.
        justid : bool
            Return IDs only, and leave the count of deliveries as it is.
        last_id : EntryId or str, optional
            Move the group's cursor, too.

        Raises
        ------
        InputError
            If `ids` is one ID instead of several, or empty.
        """
        if isinstance(ids, EntryId | str | bytes):
            raise InputError(f"ids={ids!r}: give a list of IDs, for example [{ids!r}]")
        options: list[Arg] = []
        for word, name, value in (
            ("IDLE", "idle_ms", idle_ms),
            ("TIME", "time_ms", time_ms),
            ("RETRYCOUNT", "deliveries", deliveries),
        ):
            if value is not None:
                options += [word, arguments.number(name, value)]
        options += ["FORCE"] * force + ["JUSTID"] * justid
        if last_id is not None:
            options += ["LASTID", str(EntryId.parse(last_id))]
        reply = self.connection.call(
            "XCLAIM",
            self.group.stream.key,
            self.group.name,
            self.name,
            arguments.number("min_idle_ms", min_idle_ms),
            *arguments.ids(ids),
            *options,
        )
        return replies.ids(reply) if justid else replies.entries(reply)

    def autoclaim(
        self,
        min_idle_ms: int,
        start: Id = "0-0",
        count: int | None = None,
        *,
        justid: bool = False,
    ) -> Claimed:
        """Look through the pending entries and take over what is idle (XAUTOCLAIM, 6.2).

        Parameters
        ----------
        min_idle_ms : int
            What was last delivered at least so long ago.
        start : EntryId or str
            Where to begin; then the cursor of the page before.
        count : int, optional
            Take at most so many (the server looks at ten times as many; 100 is its default).
        justid : bool
            Return IDs only, and leave the count of deliveries as it is.
        """
        options: list[Arg] = [] if count is None else ["COUNT", arguments.number("count", count, 1)]
        reply = self.connection.call(
            "XAUTOCLAIM",
            self.group.stream.key,
            self.group.name,
            self.name,
            arguments.number("min_idle_ms", min_idle_ms),
            arguments.bound(start),
            *options,
            *["JUSTID"] * justid,
        )
        return replies.claimed(reply, justid=justid)

    def ack(self, *ids: Id) -> int:
        """Acknowledge entries; see `ConsumerGroup.ack`."""
        return self.group.ack(*ids)


def read_groups(
    consumer: Consumer,
    after: dict[str, Id],
    *,
    count: int | None = None,
    block_ms: int | None = None,
    noack: bool = False,
    claim_idle_ms: int | None = None,
    max_count: int | None = None,
    max_bytes: int | None = None,
) -> list[tuple[str, Entry]]:
    """Read several streams as one consumer, each by its group of the same name.

    Redis replies stream by stream. Here one reply is put in the order of time; a reply after it
    may go back, which `OrderedGroupReader` does not.

    Parameters
    ----------
    consumer : Consumer
        Who reads; the group must exist on every stream.
    after : dict of str to EntryId or str
        For each key, ``">"`` or an ID, as in `Consumer.read`.
    count, block_ms, noack, claim_idle_ms, max_count, max_bytes
        As in `Consumer.read`; `count` is for each stream.

    Returns
    -------
    list of (str, Entry)
        The stream's key beside each entry.

    Raises
    ------
    InputError
        If `after` is empty, or an ID is not one.
    NoSuchGroup
        If a stream has no such group, or loses it while this waits.
    """
    if not after:
        raise InputError(f"{after!r} names no stream: give at least one key and its ID")
    options, needs = arguments.reading(count, block_ms, max_count, max_bytes)
    if claim_idle_ms is not None:
        options += ["CLAIM", arguments.number("claim_idle_ms", claim_idle_ms)]
        needs = needs or (8, 4)
    if noack:
        options.append("NOACK")
    reply = consumer.connection.call(
        "XREADGROUP",
        "GROUP",
        consumer.group.name,
        consumer.name,
        *options,
        "STREAMS",
        *after,
        *(arguments.position(where, ">") for where in after.values()),
        block_ms=block_ms,
        needs=needs,
    )
    return replies.in_time_order(replies.by_stream(reply))
