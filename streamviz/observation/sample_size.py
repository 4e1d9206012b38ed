"""About how much memory a sample takes, and what an old sample can do without."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from streamviz.client.entry import hide_values
from streamviz.client.models import PendingEntry
from streamviz.observation.idle_groups import AgedPending
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.observation.sample import GroupState, Sample

_SAMPLE_BYTES, _CONSUMER_BYTES, _PENDING_BYTES = 700, 160, 220
_GROUP_BYTES, _IDLE_GROUP_BYTES = 350, 220


class MemoryBudget:
    """Keeps samples within a limit of bytes: thins old ones, then lets the oldest go."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sizes: deque[int] = deque()
        self._total = 0
        self._thinned = 0  # how many of the oldest samples have thin parts

    def add(self, sample: Sample) -> None:
        """Count one more sample."""
        self._sizes.append(estimated_bytes(sample))
        self._total += self._sizes[-1]

    def drop(self) -> None:
        """Stop counting the oldest sample."""
        self._total -= self._sizes.popleft()
        self._thinned = max(0, self._thinned - 1)

    def merge_last_two(self, merged: Sample) -> None:
        """Count the newest two samples as one."""
        self._total -= self._sizes.pop() + self._sizes.pop()
        self._thinned = min(self._thinned, len(self._sizes))
        self.add(merged)

    def exceeded(self, samples: deque[Sample]) -> bool:
        """Thin samples until they fit, except the newest; tell whether the oldest must go."""
        while self._total > self._limit and self._thinned < len(samples) - 1:
            at = self._thinned
            samples[at] = with_thin_parts(samples[at])
            self._total -= self._sizes[at]
            self._sizes[at] = estimated_bytes(samples[at])
            self._total += self._sizes[at]
            self._thinned += 1
        return self._total > self._limit and len(samples) > 1


def estimated_bytes(sample: Sample) -> int:
    """Return how much memory a sample takes, about, without its entries."""
    size = _SAMPLE_BYTES + sum(map(_group_bytes, sample.groups))
    if isinstance(sample, PartitionedSample):
        size += sum(estimated_bytes(state.sample) for state in sample.partitions)
    return size


def without_entries(sample: Sample) -> Sample:
    """Return a sample whose entries, and those of its parts and readers, are only counted."""
    readers = tuple(replace(one, got=()) if one.got else one for one in sample.readers)
    missed = sample.missed + len(sample.entries)
    stripped = replace(sample, entries=(), missed=missed, readers=readers)
    return _with_parts(stripped, without_entries)


def without_values(sample: Sample) -> Sample:
    """Return a sample without the values of its entries' fields."""
    hidden = replace(sample, entries=tuple(map(hide_values, sample.entries)))
    return _with_parts(hidden, without_values)


def with_thin_parts(sample: Sample) -> Sample:
    """Return a sample of partitions without most of its parts' consumers and pending entries.

    Consumers are only counted. Only those pending entries are kept that the sum also has.
    """
    entries = {group.name: {one: one for one in group.oldest} for group in sample.groups}
    return _with_parts(sample, lambda part: _thin(part, entries))


def _with_parts(sample: Sample, changed: Callable[[Sample], Sample]) -> Sample:
    if not isinstance(sample, PartitionedSample):
        return sample
    parts = (replace(one, sample=changed(one.sample)) for one in sample.partitions)
    return replace(sample, partitions=tuple(parts))


def _thin(sample: Sample, entries: Mapping[str, Mapping[PendingEntry, PendingEntry]]) -> Sample:
    groups = []
    for group in sample.groups:
        ours = entries.get(group.name, {})
        oldest = tuple(ours[one] for one in group.oldest if one in ours)
        more = len(group.consumers) + group.more_consumers
        groups.append(replace(group, consumers=(), oldest=oldest, more_consumers=more))
    return replace(sample, groups=tuple(groups))


def _group_bytes(group: GroupState) -> int:
    consumers = len(group.consumers) * _CONSUMER_BYTES
    thin = group.more_consumers and not group.consumers  # its pending entries are the sum's
    if thin or isinstance(group.oldest, AgedPending):
        return _IDLE_GROUP_BYTES + consumers
    return _GROUP_BYTES + consumers + len(group.oldest) * _PENDING_BYTES
