"""Sample all parts of a stream: each part with its node, and the sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from streamviz.client.cluster import slot_of
from streamviz.client.hidden_values import FieldsShown
from streamviz.errors import check_type
from streamviz.observation.back_off import BackOff
from streamviz.observation.events import Event, events_of
from streamviz.observation.node_polls import NodePolls
from streamviz.observation.observer import Observer
from streamviz.observation.observer_client import observer_client
from streamviz.observation.partition_sample import (
    PartitionedSample,
    PartitionState,
    sum_partitions,
)
from streamviz.observation.rising_clock import RisingClock
from streamviz.observation.sample import Sample
from streamviz.patterns.partitions import Partitions


class PartitionObserver:
    """Samples all parts of a stream, one `Observer` each, with the sums. It never writes.

    A sample takes one round trip per node, and asks all nodes at the same time. In a cluster it
    also asks each node which slots it is moving away (CLUSTER NODES). A node that hangs makes its
    own parts unknown, and does not stop the others.

    Parameters
    ----------
    partitions : Partitions
        The parts.
    names : mapping of str to str, optional
        The nodes' names by their addresses, ``host:port``; see `EmbeddedCluster.names`. For a
        node without a name, the address is used.
    fields : {"show", "hide"}
        Whether samples have the values of entries' fields, or only their names and sizes.

    Attributes
    ----------
    on_sample : list of functions
        Each is called with every sample, before `sample` returns it.
    back_off : BackOff
        How long to wait before the next sample, and why, as that of an `Observer`: for the slowest
        node, and the consumers, groups and readers of all parts.

    Examples
    --------
    >>> import streamviz
    >>> parts = Partitions(streamviz.connect(), "doctest:samples", 2)
    >>> PartitionObserver(parts).sample().trouble
    "no stream 'doctest:samples:{0}' yet; no stream 'doctest:samples:{1}' yet"
    """

    def __init__(
        self,
        partitions: Partitions,
        names: Mapping[str, str] | None = None,
        *,
        fields: FieldsShown = "show",
    ) -> None:
        check_type("partitions", partitions, Partitions, "Partitions(client, name, count)")
        self.partitions = partitions
        self._names = dict(names or {})
        client = observer_client(partitions.client)  # one for all parts
        keys = [one.key for one in partitions.streams]
        self._slots = [slot_of(key) for key in keys]
        self._observers = [Observer(client, key, fields=fields) for key in keys]
        for observer in self._observers:
            observer.failovers.names = self._names
        self._polls = NodePolls(self._observers)
        self.back_off = BackOff()
        self._n = 0
        self._clock = RisingClock()
        self.on_sample: list[Callable[[Sample], object]] = []

    def sample(
        self, time_ms: int | None = None, events: Iterable[Event | str] = ()
    ) -> PartitionedSample:
        """Sample every part; the arguments are those of `Observer.sample`.

        If parts are gone or their servers do not answer, `trouble` says which, and the sums that
        need them are unknown.
        """
        self._n += 1
        reported = events_of(events)
        if time_ms is None:
            time_ms, set_back = self._clock.now()
            reported += set_back
        states = [
            PartitionState(number, slot, self._name(node), self._name(migrating.get(slot, "")), one)
            for number, (slot, (one, node, migrating)) in enumerate(
                zip(self._slots, self._polls.poll(self._n, time_ms), strict=True)
            )
        ]
        self.back_off.took(self._polls.took_s)
        counts, name_bytes = Counter[str](), Counter[str]()
        for observer in self._observers:
            counts.update(observer.back_off.counts)
            name_bytes.update(observer.back_off.name_bytes)
        self.back_off.counts, self.back_off.name_bytes = counts, name_bytes
        large = sum(observer.budget.large for observer in self._observers)
        for observer in self._observers:
            observer.budget.sharing = max(large, 1)
        sample = sum_partitions(self.partitions.name, self._n, time_ms, states, reported)
        for callback in tuple(self.on_sample):
            callback(sample)
        return sample

    def _name(self, address: str) -> str:
        return self._names.get(address, address)
