"""One look at all parts of a stream: each part's sample and node, and the sums.

The sum is a sample like any other, of a stream that has all the parts' entries, so every plot
that takes samples shows it. A sum with one unknown number in it is unknown, and says which.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain, islice
from typing import Literal

from streamviz.client.cluster import ClusterConnection, slot_of
from streamviz.client.cluster_nodes import leaving
from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo
from streamviz.errors import StreamVizError
from streamviz.observation.events import Event, events_of
from streamviz.observation.observer import Observer
from streamviz.observation.sample import GroupState, Lag, Sample
from streamviz.patterns.partitions import Partitions

_OLDEST = 50
_WORST_FIRST: tuple[Literal["unknown", "suspect"], ...] = ("unknown", "suspect")


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One part as a look saw it.

    Attributes
    ----------
    number : int
        Its number, from 0.
    slot : int
        Its slot in a cluster.
    node : str
        The name of the node that holds the slot; empty on a single server, or if nobody says.
    moving_to : str
        The name of the node that is taking the slot over just now; else empty.
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
    """What one look at all the parts saw: the sums, and in `partitions` each part's own.

    The parts are looked at one after the other, not at one moment. `last_delivered_id` of a group
    is the smallest of the parts': up to there it was given everything.

    Attributes
    ----------
    partitions : tuple of PartitionState
        By number.
    """

    partitions: tuple[PartitionState, ...] = ()


class PartitionObserver:
    """Looks at all parts of a stream, and never writes: one `Observer` for each, and the sums.

    In a cluster a look also asks each part's node whether the slot is on the move (CLUSTER NODES).

    Parameters
    ----------
    partitions : Partitions
        What to look at.
    names : mapping of str to str, optional
        The nodes' names by their addresses, ``host:port``; see `EmbeddedCluster.names`. A node
        without one is called by its address.

    Examples
    --------
    >>> import streamviz
    >>> parts = Partitions(streamviz.connect(), "doctest:looks", 2)
    >>> PartitionObserver(parts).sample().trouble
    "no stream 'doctest:looks:{0}' yet; no stream 'doctest:looks:{1}' yet"
    """

    def __init__(self, partitions: Partitions, names: Mapping[str, str] | None = None) -> None:
        self.partitions = partitions
        self._names = dict(names or {})
        self._observers = [Observer(partitions.client, one.key) for one in partitions.streams]
        self._n = 0

    def sample(
        self, time_ms: int | None = None, events: Iterable[Event | str] = ()
    ) -> PartitionedSample:
        """Look once at every part.

        Parameters
        ----------
        time_ms : int, optional
            The samples' time, in milliseconds since 1970 UTC; without it, this machine's clock.
        events : iterable of Event or str
            What the sample shall say happened.

        Returns
        -------
        PartitionedSample
            Also when parts are gone or do not answer: then `trouble` says which, and the sums
            that hang on them are unknown.
        """
        self._n += 1
        when = time.time_ns() // 1_000_000 if time_ms is None else time_ms
        states = []
        for number, (stream, observer) in enumerate(
            zip(self.partitions.streams, self._observers, strict=True)
        ):
            sample = observer.sample(when)
            node, to = (
                self._where(stream.connection)
                if isinstance(stream.connection, ClusterConnection)
                else ("", "")
            )
            states.append(PartitionState(number, slot_of(stream.key), node, to, sample))
        return summed(self.partitions.name, self._n, when, states, events_of(events))

    def _where(self, connection: ClusterConnection) -> tuple[str, str]:
        """Return who holds the slot and who takes it over, by name."""
        try:
            connection.call("EXISTS", connection.key)  # whoever does not hold it says who does
            node = connection.node
            to = leaving(connection.on_node("CLUSTER", "NODES")).get(connection.slot, "")
        except StreamVizError:
            return "", ""
        return self._names.get(node, node), self._names.get(to, to)


def summed(
    name: str,
    n: int,
    time_ms: int,
    states: Sequence[PartitionState],
    events: tuple[Event, ...] = (),
) -> PartitionedSample:
    """Return the parts' samples as one.

    Parameters
    ----------
    name : str
        What the parts are parts of.
    n : int
        The look's number.
    time_ms : int
        Its time, in milliseconds since 1970 UTC.
    states : sequence of PartitionState
        The parts.
    events : tuple of Event
        What happened.
    """
    samples = [state.sample for state in states]
    there = [sample for sample in samples if sample.exists]
    names = sorted({group.name for sample in there for group in sample.groups})
    firsts = [sample.first_id for sample in there if sample.length]
    return PartitionedSample(
        stream=name,
        n=n,
        time_ms=time_ms,
        exists=bool(there),
        trouble="; ".join(sample.trouble for sample in samples if sample.trouble),
        length=sum(sample.length for sample in there),
        entries_added=sum(sample.entries_added for sample in there),
        first_id=min(firsts, default=EntryId.ZERO),
        last_id=max((sample.last_id for sample in there), default=EntryId.ZERO),
        max_deleted_id=max((sample.max_deleted_id for sample in there), default=EntryId.ZERO),
        entries=tuple(merge(*(sample.entries for sample in there), key=lambda entry: entry.id)),
        missed=sum(sample.missed for sample in there),
        groups=tuple(_group(name, states) for name in names),
        events=(*events, *chain.from_iterable(sample.events for sample in samples)),
        partitions=tuple(states),
    )


def sum_lags(lags: Mapping[int, Lag | str]) -> Lag:
    """Return the lag of a group over all parts.

    Parameters
    ----------
    lags : mapping of int to Lag or str
        For each part's number its lag, or why there is none.

    Returns
    -------
    Lag
        Exact only if every part's is; unknown if any is, with the reasons; `behind_ms` is that of
        the part that is farthest behind.

    Examples
    --------
    >>> sum_lags({0: Lag(2, "exact", "", 10), 1: Lag(None, "unknown", "entries wait", None)})
    Lag(entries=None, verdict='unknown', reason='partition 1: entries wait', behind_ms=None)
    """
    known = {
        number: lag if isinstance(lag, Lag) else Lag(None, "unknown", lag, None)
        for number, lag in lags.items()
    }
    verdicts = {lag.verdict for lag in known.values()}
    total = _sum([lag.entries for lag in known.values()])
    late = [lag.behind_ms for lag in known.values() if lag.behind_ms is not None]
    return Lag(
        entries=None if "unknown" in verdicts else total,
        verdict=next((one for one in _WORST_FIRST if one in verdicts), "exact"),
        reason="; ".join(f"partition {n}: {lag.reason}" for n, lag in known.items() if lag.reason),
        behind_ms=max(late, default=0) if len(late) == len(known) else None,
    )


def _group(name: str, states: Sequence[PartitionState]) -> GroupState:
    found = {state.number: state.sample.group(name) for state in states}
    groups = [group for group in found.values() if group is not None]
    lags: dict[int, Lag | str] = {}
    for state in states:
        group = found[state.number]
        lags[state.number] = group.lag if group else state.sample.trouble or "it has no such group"
    whole = len(groups) == len(states)
    consumers: dict[str, list[ConsumerInfo]] = {}
    for one in chain.from_iterable(group.consumers for group in groups):
        consumers.setdefault(one.name, []).append(one)
    oldest = merge(*(group.oldest for group in groups), key=lambda pending: pending.id)
    return GroupState(
        name=name,
        last_delivered_id=min(group.last_delivered_id for group in groups),
        entries_read=_sum([group.entries_read for group in groups]) if whole else None,
        lag=sum_lags(lags),
        pending=sum(group.pending for group in groups),
        consumers=tuple(_consumer(name, consumers[name]) for name in sorted(consumers)),
        oldest=tuple(islice(oldest, _OLDEST)),
        gone=_sum([group.gone for group in groups]) if whole else None,
    )


def _consumer(name: str, parts: Sequence[ConsumerInfo]) -> ConsumerInfo:
    active = [one.inactive_ms for one in parts if one.inactive_ms is not None]
    return ConsumerInfo(
        name,
        sum(one.pending for one in parts),
        min(one.idle_ms for one in parts),
        min(active, default=None),
    )


def _sum(numbers: Sequence[int | None]) -> int | None:
    """Return the sum, None if a number in it is."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None
