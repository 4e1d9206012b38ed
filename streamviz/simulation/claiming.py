"""How a scenario's consumer claims the pending entries of others, on either clock.

On the wall clock, the server's idle times say which entries are due. On the virtual clock, those
idle times mean nothing, because the server measures wall time. There the scenario knows when each
entry was delivered, and decides which entries are due. XCLAIM names them. XAUTOCLAIM and CLAIM name
no entries, so an XCLAIM to their current owners first sets their idle time (IDLE and JUSTID, which
change nothing else).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from streamviz.client import replies
from streamviz.client.cluster import connection_to
from streamviz.client.consumers import Consumer
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry, PendingEntry
from streamviz.client.resp import Arg
from streamviz.errors import UnsupportedCommand
from streamviz.observation.events import Event
from streamviz.patterns.dead_letters import DeadLetters
from streamviz.patterns.merge import OrderedGroupReader, Page
from streamviz.simulation.behaviour import ConsumerBehaviour
from streamviz.simulation.context import Context
from streamviz.simulation.wake_ups import GroupRead

if TYPE_CHECKING:
    import redis


_DAY_MS = 86_400_000  # longer than any virtual run takes in wall time

PendingPairs = list[tuple[EntryId, str]]  # an entry ID and the consumer that holds the entry


def check_server(client: redis.Redis, behaviour: ConsumerBehaviour) -> None:
    """Refuse a behaviour that needs a newer server, with an UnsupportedCommand."""
    version = connection_to(client, "").version
    if behaviour.claim_with == "claim" and not version.has((8, 4)):
        raise UnsupportedCommand(
            "claim_with='claim' is XREADGROUP with CLAIM, which needs Redis 8.4; this server is "
            f"{version}. Connect to a newer one, or claim with 'xautoclaim'"
        )


def read_own_pending(group: ConsumerGroup, consumer: Consumer, count: int) -> Page:
    """Return the first page of a consumer's own pending entries; empty if none is left."""
    after = EntryId.ZERO
    while not (page := consumer.read(count, after=after)):
        ids = group.pending_entries(f"({after}", count=count, consumer=consumer.name)
        if len(ids) < count or ids[-1].id == EntryId.MAX:
            break
        after = ids[-1].id  # all of these were deleted from the stream: go on
    return [(consumer.key, entry) for entry in page]


class Claimer:
    """Claims pending entries of other consumers for one consumer, which reads with `reader`."""

    def __init__(
        self, context: Context, behaviour: ConsumerBehaviour, name: str, reader: OrderedGroupReader
    ) -> None:
        self._context = context
        self._behaviour = behaviour
        self._name = name
        self._reader = reader
        self._cursors: dict[str, EntryId] = {}
        self._read_of_one = None if len(reader.consumers) > 1 else self._make_read()
        self.dead_lettered = 0

    def _make_read(self) -> GroupRead:
        """Return the read of new entries by a consumer that has one stream."""
        ((key, consumer),) = self._reader.consumers.items()
        names = consumer.group_name, consumer.name
        options: list[Arg] = ["COUNT", self._behaviour.batch]
        options += ["NOACK"] * (self._behaviour.ack == "noack")
        return GroupRead(
            key, *names, ("XREADGROUP", "GROUP", *names, *options, "STREAMS", key, ">")
        )

    @property
    def only_read(self) -> GroupRead | None:
        """The only command that it sends to get a page; None if it may send others."""
        return self._read_of_one if self._behaviour.claim_idle_ms is None else None

    def forget_fetched(self) -> None:
        """Forget a reply to its read that it has not taken."""
        if self._read_of_one:
            self._context.wake_ups.fetched.pop(self._read_of_one, None)

    def claim(self) -> Page:
        """Claim entries that are due, if the behaviour claims with XCLAIM or XAUTOCLAIM."""
        idle_ms, claim_with = self._behaviour.claim_idle_ms, self._behaviour.claim_with
        if idle_ms is None or claim_with == "claim":
            return []
        claim = self._autoclaim if claim_with == "xautoclaim" else self._xclaim
        page: Page = []
        for key, consumer in self._reader.consumers.items():
            room = self._behaviour.batch - len(page)
            if room:
                page += claim(key, consumer, idle_ms, room)
        return sorted(page, key=lambda pair: (pair[1].id, pair[0]))

    def read(self) -> Page:
        """Read new entries, if there may be some. With CLAIM, first claim those that are due."""
        idle_ms, batch = self._behaviour.claim_idle_ms, self._behaviour.batch
        noack = self._behaviour.ack == "noack"
        if self._behaviour.claim_with != "claim" or idle_ms is None:
            return self._read_unread(batch, noack=noack)
        due: PendingPairs = []
        if self._virtual or self._behaviour.delivery_limit is not None:
            for key, consumer in self._reader.consumers.items():
                due += self._age(consumer, self._due(key, consumer, idle_ms)[:batch])
        page = self._reader.read(batch, noack=noack, claim_idle_ms=self._min_idle_ms(idle_ms))
        self._report([entry for _, entry in page if entry.deliveries], due)
        return page

    def _read_unread(self, batch: int, *, noack: bool) -> Page:
        """Read new entries, unless it is known that there are none."""
        read, unread = self._read_of_one, self._context.unread
        if read is None:
            return self._reader.read(batch, noack=noack)
        reply = self._context.wake_ups.fetched.pop(read, None)
        if reply is None:
            if self._virtual and unread.is_empty(*read[:3]):
                return []
            reply = self._reader.consumers[read.stream].connection.call(*read.command)
        page = replies.in_id_order(reply)
        unread.read(*read[:3], len(page), batch)
        return page

    def _xclaim(self, key: str, consumer: Consumer, idle_ms: float, room: int) -> Page:
        due = self._due(key, consumer, idle_ms)[:room]
        if not due:
            return []
        min_idle_ms = 0 if self._virtual else int(idle_ms)
        entries = consumer.claim([entry_id for entry_id, _ in due], min_idle_ms)
        self._report(entries, due)
        return [(key, entry) for entry in entries]

    def _autoclaim(self, key: str, consumer: Consumer, idle_ms: float, room: int) -> Page:
        """Claim a page; on the virtual clock, claim pages until all due entries are claimed."""
        due: PendingPairs = []
        if self._virtual or self._behaviour.delivery_limit is not None:
            due = self._age(consumer, self._due(key, consumer, idle_ms)[:room])
            if not due:
                return []
        entries: Page = []
        cursor = EntryId.ZERO if self._virtual else self._cursors.get(key, EntryId.ZERO)
        while True:
            reply = consumer.autoclaim(self._min_idle_ms(idle_ms), cursor, room - len(entries))
            entries += [(key, entry) for entry in reply.entries]
            cursor = self._cursors[key] = reply.cursor
            if not self._virtual or cursor == EntryId.ZERO or len(entries) == len(due):
                self._report([entry for _, entry in entries], due)
                return entries

    @property
    def _virtual(self) -> bool:
        return self._context.clock.virtual

    def _min_idle_ms(self, idle_ms: float) -> int:
        return _DAY_MS if self._virtual else int(idle_ms)

    def _due(self, key: str, consumer: Consumer, idle_ms: float) -> PendingPairs:
        """Return the entries that have been pending long enough, on the scenario's clock.

        Those that were delivered too often are moved to the dead letters instead.
        """
        group, limit = self._reader.groups[key], self._behaviour.delivery_limit
        if self._virtual:
            now, since = self._context.clock.env.now, self._context.times.delivered
            due = [
                one
                for one in group.pending_entries()
                if now - since.get((consumer.group_name, key, one.id), 0.0) >= idle_ms
            ]
        else:
            due = group.pending_entries(count=10, idle_ms=int(idle_ms))
        worn_out = [one for one in due if limit is not None and one.deliveries >= limit]
        if worn_out:
            self._bury(key, consumer, worn_out, 0 if self._virtual else int(idle_ms))
        return [(one.id, one.consumer) for one in due if one not in worn_out]

    def _bury(
        self, key: str, consumer: Consumer, worn_out: list[PendingEntry], min_idle_ms: int
    ) -> None:
        """Move entries to the dead-letter stream, and report it."""
        context, group = self._context, consumer.group_name
        dead = DeadLetters(consumer, self._behaviour.dead_letters)
        entry_id = f"{context.clock.time_ms}-*" if self._virtual else "*"
        record, count = context.dead_letters[dead.stream.key], 0
        for held in worn_out:
            why = context.failures.get((group, key, held.id), "")
            letter = dead.move(held, why, min_idle_ms=min_idle_ms, id=entry_id)
            context.forget(group, key, held.id)
            if letter is not None:
                count, record.last_id = count + 1, letter.id
        record.added += count
        self.dead_lettered += count
        if count:
            context.report(Event("dead_lettered", self._name, group, count, detail=record.stream))
            context.entry_added(record.stream)

    def _age(self, consumer: Consumer, due: PendingPairs) -> PendingPairs:
        """On the virtual clock, make the server count these entries as idle.

        Their owners and delivery counts stay.
        """
        if not self._virtual:
            return due
        for owner in {owner: None for _, owner in due if owner}:
            ids = [one for one, holder in due if holder == owner]
            group = self._reader.groups[consumer.key]
            group.consumer(owner).claim(ids, justid=True, idle_ms=2 * _DAY_MS)
        return due

    def _report(self, claimed: Sequence[Entry], due: PendingPairs) -> None:
        """Report the claimed entries, without those trimmed meanwhile, and their former owners."""
        ids = {entry.id for entry in claimed}
        owners = tuple(sorted({owner for entry_id, owner in due if entry_id in ids}))
        if claimed:
            group = next(iter(self._reader.consumers.values())).group_name
            self._context.report(Event("claimed", self._name, group, len(claimed), owners))
