"""A consumer group: its cursor, its pending entries, its acknowledgements."""

from __future__ import annotations

from typing import Any, Literal, get_args

from streamviz.client import arguments, replies
from streamviz.client.arguments import Id, Ids, Refs
from streamviz.client.connection import Connection
from streamviz.client.consumers import Consumer
from streamviz.client.models import ConsumerInfo, GroupInfo, PendingEntry, PendingSummary
from streamviz.client.records import Records
from streamviz.client.resp import Arg
from streamviz.client.tables import paragraph, titled
from streamviz.errors import CommandRefused, NoSuchGroup, StreamVizError

Nack = Literal["SILENT", "FAIL", "FATAL"]


class ConsumerGroup:
    """One consumer group of one stream; `Stream.group` makes this object, and sends nothing.

    InputError if the name is empty or not text.
    """

    def __init__(self, connection: Connection, key: str, name: str) -> None:
        self.connection, self.key = connection, key
        self.name = arguments.name_text(name, "a group's name")

    def __repr__(self) -> str:
        return f"<ConsumerGroup {self.name!r} of {self.key!r}>"

    def _repr_html_(self) -> str:
        quiet = ConsumerGroup(self.connection.unlogged(), self.key, self.name)
        try:
            return titled(repr(self), quiet.info()._repr_html_(), quiet.consumers().html())
        except StreamVizError as error:
            return titled(repr(self), paragraph(str(error)))

    def create(
        self,
        start: Id = "0",
        *,
        mkstream: bool = False,
        entries_read: int | None = None,
        exist_ok: bool = False,
    ) -> None:
        """Create the group (XGROUP CREATE, 5.0); CommandRefused if it exists already.

        Parameters
        ----------
        start : EntryId or str
            Deliver the entries after this ID: ``"0"`` is all of them, ``"$"`` only new ones.
        mkstream : bool
            Create the stream too if it does not exist; otherwise that is a NoSuchStream.
        entries_read : int, optional
            The number of entries up to `start`, from which Redis computes the lag (7.0).
        exist_ok : bool
            Leave an existing group of that name unchanged, without an error.
        """
        arguments.flag("exist_ok", exist_ok)
        options: list[Arg] = ["MKSTREAM"] * arguments.flag("mkstream", mkstream)
        options += arguments.option("ENTRIESREAD", "entries_read", entries_read)
        try:
            self._xgroup("CREATE", arguments.id_text(start, "$"), *options)
        except CommandRefused as error:
            if not (exist_ok and "BUSYGROUP" in str(error)):
                raise

    def set_id(self, id: Id, *, entries_read: int | None = None) -> None:  # noqa: A002
        """Move the group's cursor (XGROUP SETID, 5.0; ENTRIESREAD, 7.0)."""
        options = arguments.option("ENTRIESREAD", "entries_read", entries_read)
        self._xgroup("SETID", arguments.id_text(id, "$"), *options)

    def destroy(self) -> bool:
        """Delete the group and its pending entries (XGROUP DESTROY, 5.0).

        Return whether the group existed; NoSuchStream if there is no stream.
        """
        return bool(self._xgroup("DESTROY"))

    def create_consumer(self, name: str) -> bool:
        """Create a consumer, and return whether it is new (XGROUP CREATECONSUMER, 6.2)."""
        return bool(self._xgroup("CREATECONSUMER", self.consumer(name).name))

    def delete_consumer(self, name: str) -> int:
        """Delete a consumer and return how many pending entries it held (XGROUP DELCONSUMER, 5.0).

        The group no longer tracks those entries, so claim them first.
        """
        return int(self._xgroup("DELCONSUMER", self.consumer(name).name))

    def consumer(self, name: str) -> Consumer:
        """Return the consumer of that name; this sends nothing."""
        return Consumer(self.connection, self.key, self.name, name)

    def help(self) -> list[str]:
        """Return the server's help on XGROUP and its subcommands (XGROUP HELP, 5.0)."""
        return [replies.text(line) for line in self.connection.call("XGROUP", "HELP")]

    def info(self) -> GroupInfo:
        """Return the group's numbers (XINFO GROUPS, 5.0); NoSuchGroup or NoSuchStream if none."""
        for group in replies.group_infos(self.connection.call("XINFO", "GROUPS", self.key)):
            if group.name == self.name:
                return group
        raise NoSuchGroup(
            f"the stream {self.key!r} has no group {self.name!r}: create it with .create()"
        )

    def consumers(self) -> Records[ConsumerInfo]:
        """Return the numbers of all consumers (XINFO CONSUMERS, 5.0)."""
        reply = self.connection.call("XINFO", "CONSUMERS", self.key, self.name)
        return replies.consumer_infos(reply)

    def pending(self) -> PendingSummary:
        """Return a summary of the group's pending entries (XPENDING, 5.0).

        Its `.to_frame()` is a pandas frame with one row per consumer.
        """
        return replies.pending_summary(self.connection.call("XPENDING", self.key, self.name))

    def pending_entries(
        self,
        start: Id = "-",
        end: Id = "+",
        count: int = 100,
        *,
        consumer: str | None = None,
        idle_ms: int | None = None,
    ) -> Records[PendingEntry]:
        """Return at most `count` pending entries one by one (XPENDING with a range, 5.0).

        A notebook shows them as a table; `.to_frame()` makes a pandas frame of them.

        Parameters
        ----------
        start, end : EntryId or str
            The first and the last ID, both included; see `Stream.range`.
        consumer : str, optional
            Return only this consumer's pending entries.
        idle_ms : int, optional
            Return only entries whose last delivery is at least this long ago, in milliseconds
            (6.2).
        """
        options = arguments.option("IDLE", "idle_ms", idle_ms)
        options += [arguments.range_end(start), arguments.range_end(end)]
        options += [arguments.whole_number("count", count, 1)]
        options += [] if consumer is None else [self.consumer(consumer).name]
        reply = self.connection.call("XPENDING", self.key, self.name, *options)
        return replies.pending_entries(reply)

    def ack(self, *ids: Ids) -> int:
        """Acknowledge entries, and return how many were pending (XACK, 5.0)."""
        return int(self.connection.call("XACK", self.key, self.name, *arguments.id_list(ids)))

    def ack_delete(self, *ids: Ids, refs: Refs = "KEEPREF") -> list[int]:
        """Acknowledge and delete entries in one step; `refs` as in `Stream.trim` (XACKDEL, 8.2).

        Return for each ID: 1 if the entry was acknowledged and deleted, -1 if it was not pending,
        2 if it was acknowledged but not deleted.
        """
        options = arguments.refs_and_ids(refs, ids)
        return list(self.connection.call("XACKDEL", self.key, self.name, *options, needs=(8, 2)))

    def nack(
        self, *ids: Ids, mode: Nack = "FAIL", deliveries: int | None = None, force: bool = False
    ) -> int:
        """Give entries back, so that other consumers can take them at once (XNACK, 8.8).

        They stay pending, without a consumer. Return how many were given back. The `mode` is the
        reason: the consumer is shutting down (SILENT: the delivery does not count), it could not
        handle the entry, or no consumer ever will (FATAL: the delivery count is set to its
        maximum). `deliveries` sets the count to this number instead. With `force`, also accept IDs
        that are not pending.
        """
        texts = arguments.id_list(ids)
        arguments.one_of("mode", mode, get_args(Nack))
        options: list[Arg] = [mode, "IDS", len(texts), *texts]
        options += arguments.option("RETRYCOUNT", "deliveries", deliveries)
        options += ["FORCE"] * arguments.flag("force", force)
        return int(self.connection.call("XNACK", self.key, self.name, *options, needs=(8, 8)))

    def _xgroup(self, subcommand: str, *options: Arg) -> Any:
        return self.connection.call("XGROUP", subcommand, self.key, self.name, *options)
