"""A consumer group, typed: its cursor, its pending entries, its acknowledgements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from streamviz.client import arguments, replies
from streamviz.client.arguments import Id, Refs
from streamviz.client.consumers import Consumer
from streamviz.client.exchange import Arg
from streamviz.client.models import ConsumerInfo, GroupInfo, PendingEntry, PendingSummary
from streamviz.errors import CommandRefused, InputError, NoSuchGroup

if TYPE_CHECKING:
    from streamviz.client.stream import Stream

Nack = Literal["SILENT", "FAIL", "FATAL"]


class ConsumerGroup:
    """One consumer group of one stream; making one sends nothing.

    Parameters
    ----------
    stream : Stream
        The stream.
    name : str
        The group's name.

    Raises
    ------
    InputError
        If `name` is empty or not text.
    """

    def __init__(self, stream: Stream, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise InputError(f"{name!r} is not a group's name: give it as text")
        self.stream = stream
        self.name = name
        self.connection = stream.connection

    def __repr__(self) -> str:
        return f"<ConsumerGroup {self.name!r} of {self.stream.key!r}>"

    def create(
        self,
        id: Id = "$",  # noqa: A002 - Redis's own word
        *,
        mkstream: bool = False,
        entries_read: int | None = None,
        exist_ok: bool = False,
    ) -> None:
        """Make the group (XGROUP CREATE, 5.0).

        Parameters
        ----------
        id : EntryId or str
            Entries after this one are delivered: ``"0"`` is all, ``"$"`` only what comes later.
        mkstream : bool
            Make the stream too if there is none.
        entries_read : int, optional
            How many entries lie before `id`, for the lag (7.0).
        exist_ok : bool
            Leave a group of that name as it is, where there is one.

        Raises
        ------
        CommandRefused
            If there is a group of that name.
        NoSuchStream
            If there is no stream, without `mkstream`.
        """
        options: list[Arg] = ["MKSTREAM"] if mkstream else []
        if entries_read is not None:
            options += ["ENTRIESREAD", arguments.number("entries_read", entries_read)]
        try:
            self.connection.call(
                "XGROUP", "CREATE", self.stream.key, self.name, _from(id), *options
            )
        except CommandRefused as error:
            if not (exist_ok and "BUSYGROUP" in str(error)):
                raise

    def set_id(self, id: Id, *, entries_read: int | None = None) -> None:  # noqa: A002
        """Move the group's cursor (XGROUP SETID, 5.0; ENTRIESREAD, 7.0)."""
        options: list[Arg] = (
            []
            if entries_read is None
            else ["ENTRIESREAD", arguments.number("entries_read", entries_read)]
        )
        self.connection.call("XGROUP", "SETID", self.stream.key, self.name, _from(id), *options)

    def destroy(self) -> bool:
        """Remove the group with all that is pending; False if there was none (XGROUP DESTROY).

        Raises
        ------
        NoSuchStream
            If there is no stream.
        """
        return bool(self.connection.call("XGROUP", "DESTROY", self.stream.key, self.name))

    def create_consumer(self, name: str) -> bool:
        """Make a consumer before it reads; False if it is there (XGROUP CREATECONSUMER, 6.2)."""
        return bool(
            self.connection.call("XGROUP", "CREATECONSUMER", self.stream.key, self.name, name)
        )

    def delete_consumer(self, name: str) -> int:
        """Remove a consumer, and return how many pending entries went with it, for good.

        They are lost to the group: claim them first (XGROUP DELCONSUMER, 5.0).
        """
        return int(self.connection.call("XGROUP", "DELCONSUMER", self.stream.key, self.name, name))

    def consumer(self, name: str) -> Consumer:
        """Return the consumer of that name, to work with; this sends nothing."""
        return Consumer(self, name)

    def help(self) -> list[str]:
        """Return what the server says of XGROUP and its subcommands (XGROUP HELP, 5.0)."""
        return [replies.text(line) for line in self.connection.call("XGROUP", "HELP")]

    def info(self) -> GroupInfo:
        """Return the group's numbers (XINFO GROUPS, 5.0).

        Raises
        ------
        NoSuchGroup
            If the stream has no such group.
        NoSuchStream
            If there is no stream.
        """
        for found in self.stream.groups():
            if found.name == self.name:
                return found
        raise NoSuchGroup(
            f"the stream {self.stream.key!r} has no group {self.name!r}: make it with .create()"
        )

    def consumers(self) -> list[ConsumerInfo]:
        """Return the numbers of all consumers (XINFO CONSUMERS, 5.0)."""
        return replies.consumer_infos(
            self.connection.call("XINFO", "CONSUMERS", self.stream.key, self.name)
        )

    def pending(self) -> PendingSummary:
        """Return what the group holds, in sum (XPENDING, 5.0)."""
        return replies.pending_summary(self.connection.call("XPENDING", self.stream.key, self.name))

    def pending_entries(
        self,
        start: Id = "-",
        end: Id = "+",
        count: int = 100,
        *,
        consumer: str | None = None,
        idle_ms: int | None = None,
    ) -> list[PendingEntry]:
        """Return pending entries one by one (XPENDING with a range, 5.0).

        Parameters
        ----------
        start, end : EntryId or str
            From and to, both included.
        count : int
            At most so many.
        consumer : str, optional
            Only what this one holds.
        idle_ms : int, optional
            Only what was last delivered at least so long ago (6.2).
        """
        idle: list[Arg] = [] if idle_ms is None else ["IDLE", arguments.number("idle_ms", idle_ms)]
        reply = self.connection.call(
            "XPENDING",
            self.stream.key,
            self.name,
            *idle,
            arguments.bound(start),
            arguments.bound(end),
            arguments.number("count", count, 1),
            *([] if consumer is None else [consumer]),
        )
        return replies.pending_entries(reply)

    def ack(self, *ids: Id) -> int:
        """Acknowledge entries, and return how many were pending (XACK, 5.0)."""
        return int(self.connection.call("XACK", self.stream.key, self.name, *arguments.ids(ids)))

    def ack_delete(self, *ids: Id, refs: Refs = "KEEPREF") -> list[int]:
        """Acknowledge and delete in one step (XACKDEL, 8.2).

        Returns
        -------
        list of int
            For each ID: 1 acknowledged and deleted, -1 not there, 2 acknowledged and kept.
        """
        given = arguments.ids(ids)
        arguments.one_of("refs", refs, get_args(Refs))
        return list(
            self.connection.call(
                "XACKDEL", self.stream.key, self.name, refs, "IDS", len(given), *given, needs=(8, 2)
            )
        )

    def nack(
        self,
        *ids: Id,
        mode: Nack = "FAIL",
        deliveries: int | None = None,
        force: bool = False,
    ) -> int:
        """Give entries back, for others to take at once (XNACK, 8.8).

        Parameters
        ----------
        *ids : EntryId or str
            What to give back.
        mode : {"SILENT", "FAIL", "FATAL"}
            Shutting down (the delivery does not count), could not do it, or nobody ever will
            (the delivery count goes to its maximum).
        deliveries : int, optional
            Set the delivery count to this instead.
        force : bool
            Also for IDs that are not pending.

        Returns
        -------
        int
            How many were given back. They stay pending, without a consumer.
        """
        given = arguments.ids(ids)
        arguments.one_of("mode", mode, get_args(Nack))
        options: list[Arg] = (
            [] if deliveries is None else ["RETRYCOUNT", arguments.number("deliveries", deliveries)]
        )
        if force:
            options.append("FORCE")
        return int(
            self.connection.call(
                "XNACK",
                self.stream.key,
                self.name,
                mode,
                "IDS",
                len(given),
                *given,
                *options,
                needs=(8, 8),
            )
        )


def _from(value: Id) -> str:
    return arguments.position(value, "$")
