"""Idle times on the virtual clock: the server's are wall time, which differs in every run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.observation.sample import GroupState, Sample


class IdleTimes:
    """Remembers when entries and consumers were last active, on the scenario's clock."""

    def __init__(self) -> None:
        # each pending entry, by group, stream and entry ID
        self.delivered: dict[tuple[str, str, EntryId], float] = {}
        # when each consumer last asked, by group and name
        self.polled: dict[tuple[str, str], float] = {}
        # when it last got some, by group, stream and name
        self.received: dict[tuple[str, str, str], float] = {}
        self._seen: dict[str, dict[Any, float]] = {}  # other programs' entries and consumers

    def replace(self, sample: Sample, now_ms: float) -> Sample:
        """Return a sample with idle times on the scenario's clock.

        For what another program does, they count from the first sample that shows it.
        """
        seen_before = self._seen.get(sample.stream, {})
        times: dict[Any, float] = {}
        self._seen[sample.stream] = times

        def since(*what: Any) -> float:
            return times.setdefault(what, seen_before.get(what, now_ms))

        def pending(group: str, one: PendingEntry) -> PendingEntry:
            first = since(group, one.id, one.consumer, one.deliveries)
            at_ms = self.delivered.get((group, sample.stream, one.id), first)
            return one._replace(idle_ms=int(now_ms - at_ms))

        def consumer(group: str, one: ConsumerInfo) -> ConsumerInfo:
            polled_ms = self.polled.get((group, one.name))
            if polled_ms is None:  # another program's
                polled_ms = since(group, one.name, one.pending)
                received_ms = None if one.inactive_ms is None else polled_ms
            else:
                received_ms = self.received.get((group, sample.stream, one.name))
            inactive_ms = None if received_ms is None else int(now_ms - received_ms)
            return one._replace(idle_ms=int(now_ms - polled_ms), inactive_ms=inactive_ms)

        def timed(group: GroupState) -> GroupState:
            return replace(
                group,
                consumers=tuple(consumer(group.name, one) for one in group.consumers),
                oldest=tuple(pending(group.name, one) for one in group.oldest),
            )

        return replace(sample, groups=tuple(map(timed, sample.groups)))
