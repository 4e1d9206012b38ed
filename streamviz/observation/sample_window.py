"""The newest samples, within bounds of samples, entries and bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from streamviz.client.models import Entry
from streamviz.observation.events import Deaths, follow_deaths
from streamviz.observation.sample import Sample
from streamviz.observation.sample_size import MemoryBudget, without_entries, without_values


class WindowCounts:
    """What the samples of a window have."""

    def __init__(self) -> None:
        self.entries = 0
        self.events = 0
        self.highest_seq = 0  # of any entry so far
        self.readers: dict[str, int] = {}  # how many samples have each, in order of appearance
        self.consumers: dict[tuple[str, str], int] = {}  # the same of each group's
        self.inexact: dict[str, int] = {}  # in how many samples each group's lag is not exact
        self._groups: dict[str, int] = {}
        self._group_names: tuple[str, ...] | None = None  # a plot asks once for each group

    @property
    def group_names(self) -> tuple[str, ...]:
        """The groups, in the order in which they appeared."""
        if self._group_names is None:
            self._group_names = tuple(name for name, count in self._groups.items() if count)
        return self._group_names

    def expect(self, groups: Iterable[str]) -> None:
        """Keep this order for groups that will appear."""
        self._groups, self._group_names = dict.fromkeys(groups, 0), None

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self.highest_seq = max(self.highest_seq, *(one.id.seq for one in sample.entries), 0)
        self._count(sample, 1)

    def remove(self, sample: Sample) -> None:
        """Stop counting a sample."""
        self._count(sample, -1)

    def _count(self, sample: Sample, sign: int) -> None:
        self.entries += sign * len(sample.entries)
        self.events += sign * len(sample.events)
        self._group_names = None
        for reader in sample.readers:
            _add(self.readers, reader.name, sign)
        for group in sample.groups:
            name = group.name
            _add(self._groups, name, sign)
            for one in group.consumers:
                _add(self.consumers, (name, one.name), sign)
            if group.lag.verdict != "exact":
                _add(self.inexact, name, sign)


def _add(counts: dict[Any, int], key: Any, sign: int) -> None:
    """Count a key up or down, and remove it if its count is 0."""
    count = counts.get(key, 0) + sign
    if count:
        counts[key] = count
    else:
        del counts[key]


class SampleWindow:
    """Keeps the newest samples, oldest first; the limits are those of `History`."""

    def __init__(self, limit: int, max_entries: int, max_bytes: int) -> None:
        self.samples: deque[Sample] = deque()
        self.counts = WindowCounts()
        self._limits = limit, max_entries, max_bytes
        self.dead_before: Deaths = {}  # when the window begins
        self._memory = MemoryBudget(max_bytes)
        self._every_ms = 0.0  # samples of one such span are merged
        self._start_ms = 0
        self._hides = False  # the values of entries' fields
        self._stripped = 0  # how many of the oldest samples have lost their entries
        self._tuple: tuple[Sample, ...] | None = None  # of the samples, until they change

    def as_tuple(self) -> tuple[Sample, ...]:
        """Return the samples; a drawing asks for them thirty times a sample."""
        samples = self._tuple
        if samples is None:
            samples = self._tuple = tuple(self.samples)
        return samples

    def append(self, sample: Sample) -> list[Entry]:
        """Add the next sample, and return the entries that have left the window."""
        limit, max_entries, _ = self._limits
        self._merge_last_two()
        sample = without_values(sample) if self._hides else sample
        self.samples.append(sample)
        self._memory.add(sample)
        self.counts.add(sample)
        gone: list[Entry] = []
        while len(self.samples) > limit or self._memory.exceeded(self.samples):
            gone += self._drop_oldest()
        while self.counts.entries > max_entries and self._stripped < len(self.samples) - 1:
            gone += self._strip_next()
        self._tuple = None
        return gone

    def hide_fields(self) -> None:
        """Drop the values of entries' fields, now and from each sample to come."""
        self._hides = True
        self.samples = deque(map(without_values, self.samples))
        self._tuple = None

    def thin(self, every_ms: float, start_ms: int) -> None:
        """Keep one sample in each span of this length since a time; merge the others into it."""
        samples, self.samples = self.samples, deque()
        self._memory = MemoryBudget(self._limits[2])
        self._every_ms, self._start_ms = every_ms, start_ms
        for sample in samples:
            self._merge_last_two()
            self.samples.append(sample)
            self._memory.add(sample)
        self._tuple = None

    def _merge_last_two(self) -> None:
        """Merge the last two samples if they are of the same span: another one is to come."""
        if not self._every_ms or len(self.samples) < 2:
            return
        older, newer = self.samples[-2], self.samples[-1]
        first, second = ((one.time_ms - self._start_ms) // self._every_ms for one in (older, newer))
        if first == second:
            merged = newer.merge(older)
            self.counts.add(merged)
            for sample in (self.samples.pop(), self.samples.pop()):
                self.counts.remove(sample)
            self.samples.append(merged)
            self._memory.merge_last_two(merged)
            self._stripped = min(self._stripped, len(self.samples) - 1)

    def _drop_oldest(self) -> tuple[Entry, ...]:
        sample = self.samples.popleft()
        follow_deaths(self.dead_before, sample.time_ms, sample.events)
        self._memory.drop()
        self._stripped = max(0, self._stripped - 1)
        self.counts.remove(sample)
        return sample.entries

    def _strip_next(self) -> tuple[Entry, ...]:
        """Remove the entries from the oldest sample that still has some, and return them."""
        old = self.samples[self._stripped]
        self.counts.entries -= len(old.entries)
        self.samples[self._stripped] = without_entries(old)
        self._stripped += 1
        return old.entries
