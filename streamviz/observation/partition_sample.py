"""The sample of all parts of a stream: each part's own, and the sums.

The sum is also a sample: that of a stream with all the parts' entries. So every plot of samples can
draw it. If one part's number is unknown, so is the sum, and its reason names the part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from heapq import merge
from itertools import chain, islice
from operator import attrgetter
from typing import Any, Literal

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo
from streamviz.errors import check_type
from streamviz.observation.events import Event
from streamviz.observation.sample import GroupState, Lag, Sample

_MAX_PENDING = 50
_MAX_TOLD = 8  # texts that a sum has of its parts
_Inexact = Literal["unknown", "suspect", "plausible"]
_WORST_FIRST: tuple[_Inexact, ...] = ("unknown", "suspect", "plausible")


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One part in a sample.

    Attributes
    ----------
    number : int
        Its number, from 0.
    slot : int
        Its slot in a cluster.
    node : str
        The name of the node that holds the slot; empty on a single server, or if unknown.
    moving_to : str
        The name of the node to which the slot is moving; empty if it is not.
    sample : Sample
        The part's own sample.
    """

    number: int
    slot: int
    node: str
    moving_to: str
    sample: Sample


@dataclass(frozen=True, slots=True)
class PartitionedSample(Sample):
    """A sample of all parts: the sums, and in `partitions` each part's own sample.

    The parts are sampled one after the other, not at one moment. A group's `last_delivered_id` is
    the smallest of the parts': entries up to it were delivered in every part. While nothing is
    known of a part, `exists` is None, and the sums are those of the other parts.

    Attributes
    ----------
    partitions : tuple of PartitionState
        Ordered by number.
    """

    partitions: tuple[PartitionState, ...] = ()

    def merge(self, older: Sample) -> Sample:
        """Return this sample with the entries and events of an older one and its parts added."""
        before = older.partitions if isinstance(older, PartitionedSample) else ()
        samples = {state.number: state.sample for state in before}
        parts = (
            replace(one, sample=one.sample.merge(samples[one.number]))
            if one.number in samples
            else one
            for one in self.partitions
        )
        return Sample.merge(replace(self, partitions=tuple(parts)), older)


def sum_partitions(
    name: str,
    n: int,
    time_ms: int,
    states: Sequence[PartitionState],
    events: tuple[Event, ...] = (),
) -> PartitionedSample:
    """Return the parts' samples as one.

    Parameters
    ----------
    name, n, time_ms, events : str, int, int, tuple of Event
        The name of the whole, the sample's number, its time in milliseconds since 1970 UTC, and
        what happened.
    states : sequence of PartitionState
        The parts.
    """
    check_type("states", states, Sequence, "a sequence of PartitionState")
    for state in states:
        check_type("states", state, PartitionState, "a sequence of PartitionState")
    samples = [state.sample for state in states]
    existing = [sample for sample in samples if sample.exists]
    groups = sorted({group.name for sample in existing for group in sample.groups})
    readers = {reader.name: reader for sample in existing for reader in sample.readers}
    firsts = [sample.first_id for sample in existing if sample.length]
    return PartitionedSample(
        stream=name,
        n=n,
        time_ms=time_ms,
        exists=None if any(one.exists is None for one in samples) else bool(existing),
        trouble=_shortened([*dict.fromkeys(one.trouble for one in samples if one.trouble)]),
        first_id=min(firsts, default=EntryId.ZERO),
        last_id=max((sample.last_id for sample in existing), default=EntryId.ZERO),
        max_deleted_id=max((sample.max_deleted_id for sample in existing), default=EntryId.ZERO),
        entries=tuple(merge(*(sample.entries for sample in existing), key=lambda entry: entry.id)),
        groups=tuple(_sum_group(group, states) for group in groups),
        events=(*events, *_merged(chain.from_iterable(sample.events for sample in samples))),
        readers=tuple(readers[one] for one in sorted(readers)),
        partitions=tuple(states),
        **_sums(_OF_SAMPLES, existing),
    )


def sum_lags(lags: Mapping[int, Lag | str]) -> Lag:
    """Return the lag of a group over all parts, given each part's lag, or why there is none.

    It is exact only if every part's is, and unknown if any is, with the reasons. `behind_ms` is the
    largest of the parts'.

    Examples
    --------
    >>> sum_lags({0: Lag(2, "exact", "", 10), 1: Lag(None, "unknown", "it stopped", None)})
    Lag(entries=None, verdict='unknown', reason='partition 1: it stopped', behind_ms=None)
    """
    by_part = {
        number: lag if isinstance(lag, Lag) else Lag(None, "unknown", lag, None)
        for number, lag in lags.items()
    }
    verdicts = {lag.verdict for lag in by_part.values()}
    total = sum_known(lag.entries for lag in by_part.values())
    times = [lag.behind_ms for lag in by_part.values() if lag.behind_ms is not None]
    return Lag(
        entries=None if "unknown" in verdicts else total,
        verdict=next((one for one in _WORST_FIRST if one in verdicts), "exact"),
        reason=_reasons({number: lag.reason for number, lag in by_part.items() if lag.reason}),
        behind_ms=max(times, default=0) if len(times) == len(by_part) else None,
    )


def _reasons(by_part: Mapping[int, str]) -> str:
    """Return reasons in one text, each with the numbers of its parts."""
    numbers: dict[str, list[str]] = {}
    for number, reason in by_part.items():
        numbers.setdefault(reason, []).append(str(number))
    return _shortened(
        [
            f"partition{'s' if len(of) > 1 else ''} {_shortened(of, ', ')}: {reason}"
            for reason, of in numbers.items()
        ]
    )


def _shortened(texts: Sequence[str], between: str = "; ") -> str:
    """Return texts in one; of many, the first ones and how many more there are."""
    if len(texts) <= _MAX_TOLD:
        return between.join(texts)
    return f"{between.join(texts[:_MAX_TOLD])} and {len(texts) - _MAX_TOLD} more"


def _sum_group(name: str, states: Sequence[PartitionState]) -> GroupState:
    of_parts = [state.sample.find_group(name) for state in states]
    groups = [group for group in of_parts if group is not None]
    lags = {
        state.number: group.lag if group else state.sample.trouble or "no such group"
        for state, group in zip(states, of_parts, strict=True)
    }
    consumers: dict[str, list[ConsumerInfo]] = {}
    for one in chain.from_iterable(group.consumers for group in groups):
        consumers.setdefault(one.name, []).append(one)
    oldest = merge(*(group.oldest for group in groups), key=lambda pending: pending.id)
    return GroupState(
        name=name,
        last_delivered_id=min(group.last_delivered_id for group in groups),
        lag=sum_lags(lags),
        consumers=tuple(_sum_consumer(name, consumers[name]) for name in sorted(consumers)),
        oldest=tuple(islice(oldest, _MAX_PENDING)),
        more_consumers=max(group.more_consumers for group in groups),
        **_sums(_OF_GROUPS, of_parts),
    )


def _sum_consumer(name: str, infos: Sequence[ConsumerInfo]) -> ConsumerInfo:
    inactive = [one.inactive_ms for one in infos if one.inactive_ms is not None]
    return ConsumerInfo(
        name,
        sum(one.pending for one in infos),
        min(one.idle_ms for one in infos),
        min(inactive, default=None),
    )


def _merged(events: Iterable[Event]) -> Iterator[Event]:
    """Return the parts' events; the failovers to one node are one event."""
    failovers: dict[str, list[Event]] = {}
    for event in events:
        if event.kind == "failed_over":
            failovers.setdefault(event.who, []).append(event)
        else:
            yield event
    for node, parts in failovers.items():
        groups = {group for event in parts for group in event.groups}
        count = sum(event.count for event in parts)
        yield Event("failed_over", node, count=count, groups=tuple(sorted(groups)))


def _numbers(kind: type[Sample | GroupState], *others: str) -> dict[str, int | None]:
    """Return the fields that are added up, and what counts for a part that lacks the record."""
    counts = {"int": 0, "int | None": None}
    return {
        one.name: counts[one.type]
        for one in fields(kind)
        if one.type in counts and one.name not in others
    }


_OF_SAMPLES = _numbers(Sample, "n", "time_ms")
_OF_GROUPS = _numbers(GroupState, "more_consumers")


def _sums(numbers: dict[str, int | None], records: Sequence[Sample | GroupState | None]) -> Any:
    """Return the sums of the parts' numbers by field; without parts, as if one had no record."""
    values_of, lacking = attrgetter(*numbers), tuple(numbers.values())
    rows = [values_of(one) if one else lacking for one in records] or [lacking]
    return dict(zip(numbers, map(sum_known, zip(*rows, strict=True)), strict=True))


def sum_known(numbers: Iterable[int | None]) -> int | None:
    """Return the sum; None if one of the numbers is."""
    parts = list(numbers)
    return None if None in parts else sum(filter(None, parts))
