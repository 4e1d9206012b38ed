"""Tell how a delivery ended whose entry is no longer pending."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo
from streamviz.observation.sample import GroupState, Sample

End = Literal[
    "pending",
    "acked",
    "acked or dropped",
    "claimed",
    "delivered again",
    "given back",
    "undone by a failover",
    "acked, or undone by a failover",
]


class Endings:
    """How the deliveries of a group ended between two samples of a stream or a part."""

    def __init__(
        self,
        before: Iterable[ConsumerInfo],
        now: Iterable[ConsumerInfo],
        group: GroupState,
        sample: Sample,
    ) -> None:
        self._sample = sample
        self._cursor = group.last_delivered_id
        self._deleted = deleted_consumers(before, now)
        self._is_undone = any(
            event.kind == "failed_over" and (event.count or group.name in event.groups)
            for event in sample.events
        )

    def of(self, entry_id: EntryId, consumer: str | None) -> End:
        """Return how the delivery of an entry to a consumer ended."""
        if self._is_undone:
            back = entry_id > self._cursor
            return "undone by a failover" if back else "acked, or undone by a failover"
        unsure = consumer in self._deleted or _may_be_removed(entry_id, self._sample)
        return "acked or dropped" if unsure else "acked"


def deleted_consumers(before: Iterable[ConsumerInfo], now: Iterable[ConsumerInfo]) -> set[str]:
    """Return the consumers that were deleted since, or may have been; some may exist again."""
    inactive = {one.name: one.inactive_ms for one in now}
    return {
        one.name
        for one in before
        if one.name not in inactive or (one.inactive_ms is not None and inactive[one.name] is None)
    }


def _may_be_removed(entry_id: EntryId, sample: Sample) -> bool:
    emptied = not sample.length and sample.entries_added > 0
    return emptied or entry_id < sample.first_id or entry_id <= sample.max_deleted_id
