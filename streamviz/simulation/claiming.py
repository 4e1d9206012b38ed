"""How a scenario's consumer takes over what others left behind, on either clock.

On the wall, the server's idle times say what is due. On the virtual clock they mean nothing, for
they are wall time; there the scenario knows when each entry was delivered, and takes what is due
by that. XCLAIM names those. XAUTOCLAIM and CLAIM name none, so the server is first told that just
these are idle: an XCLAIM to whoever holds them, with IDLE and JUSTID, changes nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from streamviz.client.connection import Connection
from streamviz.client.consumers import Consumer
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.errors import UnsupportedCommand
from streamviz.observation.events import Event
from streamviz.patterns.merge import OrderedGroupReader, Page
from streamviz.simulation.behaviour import ConsumerBehaviour
from streamviz.simulation.context import Context

if TYPE_CHECKING:
    import redis


_DAY_MS = 86_400_000  # longer than any virtual run takes on the wall

Due = list[tuple[EntryId, str]]


def check_server(client: redis.Redis, plan: ConsumerBehaviour) -> None:
    """Refuse a plan that the server can't follow.

    Raises
    ------
    UnsupportedCommand
        If it claims with CLAIM, and the server is older than 8.4.
    """
    version = Connection(client).version
    if plan.claim_with == "claim" and not version.has((8, 4)):
        raise UnsupportedCommand(
            "claim_with='claim' is XREADGROUP with CLAIM, which needs Redis 8.4; this server is "
            f"{version}. Connect to a newer one, or claim with 'xautoclaim'"
        )


def old_work(group: ConsumerGroup, consumer: Consumer, count: int) -> Page:
    """Return a page of what a consumer holds already, from ``0``; empty if there is none left."""
    after = EntryId.ZERO
    while not (found := consumer.read(count, after=after)):
        ids = group.pending_entries(f"({after}", count=count, consumer=consumer.name)
        if len(ids) < count or ids[-1].id == EntryId.MAX:
            break
        after = ids[-1].id  # a page of entries that were deleted from the stream: go on behind it
    return [(consumer.key, entry) for entry in found]


class Claiming:
    """One consumer's way to the work of others.

    Parameters
    ----------
    context : Context
        Whose clock says what is due.
    plan : Plan
        Its `claim_idle_ms` and `claim_with`.
    name : str
        The consumer's name.
    reader : InOrder
        What it reads with.
    """

    def __init__(
        self, context: Context, plan: ConsumerBehaviour, name: str, reader: OrderedGroupReader
    ) -> None:
        self._context = context
        self._plan = plan
        self._name = name
        self._reader = reader
        self._cursors: dict[str, EntryId] = {}

    def take(self) -> Page:
        """Take over what is due, with XCLAIM or XAUTOCLAIM, if the plan has it so."""
        idle_ms, room = self._plan.claim_idle_ms, self._plan.batch
        if idle_ms is None or self._plan.claim_with == "claim":
            return []
        found: Page = []
        for key, consumer in self._reader.consumers.items():
            left = room - len(found)
            if left and self._plan.claim_with == "xautoclaim":
                found += self._autoclaim(key, consumer, idle_ms, left)
            elif left:
                found += self._claim(key, consumer, idle_ms, left)
        return sorted(found, key=lambda pair: (pair[1].id, pair[0]))

    def read(self) -> Page:
        """Read what is new; with CLAIM, what is due comes first."""
        plan, idle_ms = self._plan, self._plan.claim_idle_ms
        if plan.claim_with != "claim" or idle_ms is None:
            return self._reader.read(plan.batch, noack=plan.ack == "noack")
        due: Due = []
        if self._virtual:
            for key, consumer in self._reader.consumers.items():
                due += self._age(consumer, self._due(key, consumer, idle_ms)[: plan.batch])
        found = self._reader.read(
            plan.batch, noack=plan.ack == "noack", claim_idle_ms=self._floor(idle_ms)
        )
        self._tell(sum(bool(entry.deliveries) for _, entry in found), due)
        return found

    def _claim(self, key: str, consumer: Consumer, idle_ms: float, room: int) -> Page:
        due = self._due(key, consumer, idle_ms)[:room]
        if not due:
            return []
        floor = 0 if self._virtual else int(idle_ms)
        taken = consumer.claim([one for one, _ in due], floor)
        self._tell(len(due), due)
        return [(key, entry) for entry in taken]

    def _autoclaim(self, key: str, consumer: Consumer, idle_ms: float, room: int) -> Page:
        """On the wall, take the next page; on the virtual clock, pages until all due are taken."""
        due: Due = []
        if self._virtual:
            due = self._age(consumer, self._due(key, consumer, idle_ms)[:room])
            if not due:
                return []
        found: Page = []
        at = EntryId.ZERO if self._virtual else self._cursors.get(key, EntryId.ZERO)
        while True:
            page = consumer.autoclaim(self._floor(idle_ms), at, room - len(found))
            found += [(key, entry) for entry in page.entries]
            at = self._cursors[key] = page.cursor
            if not self._virtual or at == EntryId.ZERO or len(found) == len(due):
                self._tell(len(found), due)
                return found

    @property
    def _virtual(self) -> bool:
        return self._context.clock.virtual

    def _floor(self, idle_ms: float) -> int:
        return _DAY_MS if self._virtual else int(idle_ms)

    def _due(self, key: str, consumer: Consumer, idle_ms: float) -> Due:
        """Return what has been pending for long enough, by the clock that the scenario is on."""
        if not self._virtual:
            found = self._reader.groups[key].pending_entries(count=10, idle_ms=int(idle_ms))
            return [(one.id, one.consumer) for one in found]
        now, since = self._context.clock.env.now, self._context.delivered
        return [
            (one.id, one.consumer)
            for one in self._reader.groups[key].pending_entries()
            if now - since.get((consumer.group_name, key, one.id), 0.0) >= idle_ms
        ]

    def _age(self, consumer: Consumer, due: Due) -> Due:
        """Let the server take just these for idle; their holders and counts stay."""
        for owner in {owner: None for _, owner in due if owner}:
            ids = [one for one, holder in due if holder == owner]
            self._reader.groups[consumer.key].consumer(owner).claim(
                ids, justid=True, idle_ms=2 * _DAY_MS
            )
        return due

    def _tell(self, many: int, due: Iterable[tuple[EntryId, str]]) -> None:
        owners = tuple(sorted({owner for _, owner in due}))
        if many:
            group = next(iter(self._reader.consumers.values())).group_name
            self._context.report(Event("claimed", self._name, group, many, owners))
