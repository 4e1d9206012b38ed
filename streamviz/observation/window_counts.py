"""Count what the samples of a window have, without reading all of them again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streamviz.observation.sample import Sample


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
