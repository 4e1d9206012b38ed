"""What became of the entries of a scenario, per group and per consumer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from streamviz.client.frames import Kind, make_frame
from streamviz.errors import no_such
from streamviz.observation.history import History
from streamviz.observation.partition_sample import sum_known
from streamviz.observation.sample import GroupState
from streamviz.simulation.consumers import SimulatedConsumer, SimulatedGroup

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class ConsumerSummary:
    """What one consumer did. The scenario counts everything but `pending`, which a sample reports.

    Attributes
    ----------
    name : str
    handled : int
        Entries it handled. An entry handled twice counts twice.
    failed : int
        Entries it could not handle: `fail` was true, or `fail` or `handler` raised.
    retried : int
        Entries it received that a consumer of the group had received before.
    dead_lettered : int
        Entries it moved to the dead-letter stream.
    acknowledged : int
        Entries that the server counted at its XACK, or that it read with NOACK.
    pending : int or None
        Entries it holds; None before the first sample, or if the server did not answer.
    """

    name: str
    handled: int
    failed: int
    retried: int
    dead_lettered: int
    acknowledged: int
    pending: int | None


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """What became of the entries of one group, over all its streams.

    Attributes
    ----------
    name : str
    streams : tuple of str
    handled, failed, retried, dead_lettered, acknowledged : int
        The sums of its consumers; see `ConsumerSummary`.
    pending : int or None
        Entries that its consumers hold, other programs' consumers included.
    waiting : int or None
        Entries that the group has not received yet (the lag); None if that is not known.
    consumers : tuple of ConsumerSummary
        In the order in which they were started.
    """

    name: str
    streams: tuple[str, ...]
    handled: int
    failed: int
    retried: int
    dead_lettered: int
    acknowledged: int
    pending: int | None
    waiting: int | None
    consumers: tuple[ConsumerSummary, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Summary:
    """What became of the entries of a scenario; printed, it is a table.

    Attributes
    ----------
    groups : tuple of GroupSummary
        In the order in which they were started.
    """

    groups: tuple[GroupSummary, ...]

    def group(self, name: str) -> GroupSummary:
        """Return the summary of a group; InputError if there is no group of that name."""
        for group in self.groups:
            if group.name == name:
                return group
        raise no_such("group", name, [group.name for group in self.groups])

    def to_frame(self) -> pandas.DataFrame:
        """Return a pandas frame with a row for each group, and then one for each of its consumers.

        Columns: `group`; `consumer`, missing in the row of the group; and the numbers, as in
        `GroupSummary`. An unknown number is missing, and so is a consumer's `waiting`.
        """
        kinds: dict[str, Kind] = {"group": "string", "consumer": "string"}
        rows: list[tuple[Any, ...]] = []
        for group in self.groups:
            rows.append((group.name, None, *_values(group)))
            rows += [(group.name, one.name, *_values(one)) for one in group.consumers]
        return make_frame(kinds | dict.fromkeys(_COLUMNS, "Int64"), rows)

    def __repr__(self) -> str:
        rows = [("group", "consumer", *_COLUMNS)]
        for group in self.groups:
            rows.append((group.name, "", *_cells(group)))
            rows += [("", one.name, *_cells(one)) for one in group.consumers]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(_line(row, widths) for row in rows)


_COLUMNS = [one.name for one in fields(GroupSummary) if one.name not in ("name", "streams")][:-1]
_COUNTS = _COLUMNS[:5]  # of a consumer, and summed of a group


def summarise(groups: Iterable[SimulatedGroup], histories: Mapping[str, History]) -> Summary:
    """Return the summary of a scenario's groups, as of the newest samples."""
    return Summary(tuple(_group_summary(group, histories) for group in groups))


def _group_summary(group: SimulatedGroup, histories: Mapping[str, History]) -> GroupSummary:
    samples = [histories[key].newest for key in group.streams]
    states = [one.find_group(group.name) if one else None for one in samples]
    consumers = tuple(_consumer_summary(one, states) for one in list(group.consumers.values()))
    counts: dict[str, Any] = {one: sum(getattr(c, one) for c in consumers) for one in _COUNTS}
    return GroupSummary(
        name=group.name,
        streams=group.streams,
        pending=sum_known(one.pending if one else None for one in states),
        waiting=sum_known(one.lag.entries if one else None for one in states),
        consumers=consumers,
        **counts,
    )


def _consumer_summary(
    consumer: SimulatedConsumer, states: Sequence[GroupState | None]
) -> ConsumerSummary:
    name = consumer.name
    pending = sum_known(
        sum(one.pending for one in group.consumers if one.name == name) if group else None
        for group in states
    )
    counts: dict[str, Any] = {one: getattr(consumer, one) for one in _COUNTS}
    return ConsumerSummary(name=name, pending=pending, **counts)


def _values(one: GroupSummary | ConsumerSummary, missing: str | None = None) -> list[Any]:
    return [getattr(one, name, missing) for name in _COLUMNS]


def _cells(one: GroupSummary | ConsumerSummary) -> list[str]:
    return ["?" if value is None else str(value) for value in _values(one, "")]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    names = [text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True)]
    numbers = [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join([*names, *numbers]).rstrip()
