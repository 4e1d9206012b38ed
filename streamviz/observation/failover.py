"""Find out whether a replica has taken over a stream, and which entries it never got.

Replication is asynchronous: a node acknowledges an entry before its replicas have it. If it fails
just then, the replica that takes over goes on without that entry, and says nothing about it. But
the number of entries that were ever added has gone back, or the last known entry is missing though
it was neither trimmed nor deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from streamviz.client.cluster import ClusterConnection
from streamviz.client.entry_id import EntryId
from streamviz.client.models import StreamInfo
from streamviz.client.resp import Command
from streamviz.errors import ServerError
from streamviz.observation.counting import entries_added, largest_deleted
from streamviz.observation.events import Event, note
from streamviz.observation.observer_client import NodeConnection
from streamviz.observation.pages import Page
from streamviz.observation.poll import PollReplies
from streamviz.observation.snapshots import Steps

_MAX_COUNTED = 10_000
_MAX_BYTES = 1_000_000


class Failovers:
    """Compares the nodes that answer for a stream from one poll to the next.

    On a single server that Sentinel does not name, there are no failovers.
    """

    def __init__(self, connection: ClusterConnection | NodeConnection, key: str) -> None:
        self.names: Mapping[str, str] = {}  # the nodes' by their addresses, for the event
        self.event: Event | None = None  # of the last poll that was kept
        self.lost = 0  # in all failovers of this stream, at most
        self._connection = connection
        self._key = key
        self._node = ""
        self._replicas: frozenset[str] | None = frozenset()
        self._found: tuple[str, frozenset[str] | None, int, Event | None] = "", None, 0, None

    def keep(self) -> None:
        """Keep the result of the last check, after its poll has succeeded."""
        self._node, self._replicas, lost, self.event = self._found
        self.lost += lost

    def check(
        self,
        old: StreamInfo | None,
        cursors: Mapping[str, EntryId],
        replies: PollReplies,
    ) -> Steps[bool]:
        """Find out whether the stream was failed over, and whether that lost entries.

        The stream and the groups' cursors are those of the previous sample. On a stream whose node
        has not changed since, this asks nothing.
        """
        node, replicas = self._connection.node, self._connection.replicas
        self._found = node, replicas, 0, None
        if not self._node or node == self._node or old is None:
            return False
        lost = yield from self._lost(old, replies)
        back = sorted(
            group.name
            for group in replies.groups
            if group.last_delivered_id < cursors.get(group.name, EntryId.ZERO)
        )
        if not self._took_over(node) and not lost and not back:
            return False  # it was moved
        name = self.names.get(node, node)
        event = Event("failed_over", name, count=lost, groups=tuple(back))
        if isinstance(self._connection, NodeConnection) and self._connection.is_of_replicas:
            event = note(f"another replica answers, {name}, which may be behind the previous one")
            self._found = node, replicas, 0, event
            return True
        self._found = node, replicas, lost, event
        return bool(lost or back)

    def lost_stream(self) -> str:
        """Return the name of the node that took over without the stream; empty if none did."""
        node = self._node
        with suppress(ServerError):  # no node of a cluster names the owner now
            node = self._connection.node
        is_new = self._node and node != self._node and self._took_over(node)
        return self.names.get(node, node) if is_new else ""

    def _took_over(self, node: str) -> bool:
        return self._replicas is None or node in self._replicas

    def _lost(self, old: StreamInfo, replies: PollReplies) -> Steps[int]:
        """Return how many entries of the previous sample the new node never got, at most."""
        new, last = replies.stream, old.last_generated_id
        commands: list[Command] = []
        size = max(replies.entry_bytes, 1)
        page = Page(last, min(_MAX_COUNTED, max(_MAX_BYTES // size, 1)), back=False)
        anchor = old.last_entry.id if old.last_entry else None
        if anchor:
            commands.append(("XRANGE", self._key, str(anchor), str(anchor), "COUNT", 1))
        lookahead = replies.new_ids
        counted = lookahead.after <= last
        if not counted:
            commands.append(page.command(self._key))
        answers = (yield commands) if commands else []
        if any(isinstance(answer, Exception) for answer in answers):
            return 0
        if not counted:
            lookahead = page.read(answers[-1])
        newer = lookahead.beyond(last) if lookahead.complete else new.length
        gone = anchor is not None and not answers[0] and not _was_removed(anchor, new)
        return max(entries_added(old) - entries_added(new) + newer, int(gone), 0)


def _was_removed(entry_id: EntryId, stream: StreamInfo) -> bool:
    first = stream.first_entry
    return first is None or entry_id < first.id or entry_id <= largest_deleted(stream)
