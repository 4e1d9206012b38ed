"""The plan of a scenario: what is added to which stream, and what reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Self, Unpack

import redis
from redis.cluster import RedisCluster

from streamviz.client.arguments import Id, whole_number
from streamviz.client.connection import Connection
from streamviz.client.hidden_values import FieldsShown, is_hidden
from streamviz.errors import InputError, check_type
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.observer_client import LazyCluster
from streamviz.patterns.partitions import Partitions
from streamviz.simulation import checks
from streamviz.simulation.behaviour import BehaviourOptions, ConsumerBehaviour, ServiceTime
from streamviz.simulation.consumers import SimulatedGroup
from streamviz.simulation.context import Context, DeadLetterStream
from streamviz.simulation.ownership import Ownership
from streamviz.simulation.permission import check_may_write
from streamviz.simulation.plan_checks import (
    check_group_name,
    check_not_a_group,
    check_reader,
    check_series,
    check_stream_key,
    stream_keys,
)
from streamviz.simulation.producer import Producer
from streamviz.simulation.readers import (
    BaseReader,
    PlainReaderOptions,
    ReaderOptions,
    SimulatedReader,
)
from streamviz.simulation.sampler import Sampler
from streamviz.simulation.subscribers import SimulatedSubscriber, publish_to_subscribers


class Plan:
    """The streams of a scenario, their producers, groups and readers; see `Scenario`."""

    _complete = False

    def __init__(
        self,
        client: redis.Redis,
        *,
        seed: int = 0,
        sample_every_ms: float = 100,
        limit: int = 1000,
        memory: bool = False,
        allow_writes: bool = False,
        fields: FieldsShown = "show",
    ) -> None:
        if not isinstance(client, RedisCluster | LazyCluster):
            Connection(client)  # or it says what the client is
        interval_ms = checks.number("sample_every_ms", sample_every_ms, 1)
        seed = whole_number("seed", seed)
        limit = whole_number("limit", limit, 1)
        check_type("memory", memory, bool, "True or False")
        check_type("allow_writes", allow_writes, bool, "True or False")
        self.context = Context(client, seed, hides=is_hidden(fields))
        self.clock = self.context.clock
        self.client = client
        self.seed = seed
        self.producers: list[Producer] = []
        self.groups: dict[str, SimulatedGroup] = checks.ByName("group")
        self.readers: dict[str, BaseReader] = checks.ByName("reader")
        self._sampler = Sampler(
            self.context, self.producers, self.readers, interval_ms, limit, memory=memory
        )
        self.histories = self._sampler.histories
        self.on_sample = self._sampler.on_sample
        self._ownership = Ownership(client)
        self.clock.on_change.append(self._clock_changed)
        self._may_write = allow_writes
        self._publishes = False
        self._complete = True

    def __setattr__(self, name: str, value: object) -> None:
        same = vars(self).get(name, self) is value  # `on_sample += [...]` sets the same list
        if self._complete and not (same or name.startswith("_")):
            kind = type(self)  # to set anything but its properties would change nothing
            settings = [one for one in dir(kind) if getattr(getattr(kind, one, None), "fset", None)]
            checks.known(f"a setting of {self!r}", [name], settings)
        super().__setattr__(name, value)

    def produce(
        self,
        stream: str,
        series: Iterable[Any],
        *,
        maxlen: int | None = None,
        approximate: bool = False,
        name: str | None = None,
    ) -> Producer:
        """Add a series to a stream, from now on.

        Parameters
        ----------
        stream : str
            The stream's key.
        series : iterable of (at_ms, fields)
            See `streamviz.series`.
        maxlen : int, optional
            Trim the stream to this many entries whenever an entry is added.
        approximate : bool
            Remove only whole macro nodes when trimming (``~``).
        name : str, optional
            The producer's name in pictures; by default, ``producer-1`` and so on.

        Raises
        ------
        InputError
            If `approximate` is given without `maxlen`, `series` is not a series, or its generator
            is given to a second producer. Also if other programs use the database; see `Scenario`.
        """
        if approximate and maxlen is None:
            raise InputError("approximate=True is for trimming: give maxlen=, too")
        check_series(series, self.producers)
        name = f"producer-{len(self.producers) + 1}" if name is None else checks.text("name", name)
        if name in (one.name for one in self.producers):
            raise InputError(f"name={name!r}: the scenario has this producer: choose another name")
        check_not_a_group(stream, self.groups, self.producers)
        self._check_may_write()
        self.watch(stream)
        producer = Producer(self.context, stream, name, series, maxlen, approximate)
        self.producers.append(producer)
        return producer

    @checks.spelled_out(ConsumerBehaviour)
    def group(
        self,
        stream: str | Sequence[str],
        name: str,
        *,
        consumers: int = 1,
        service_ms: ServiceTime = 100.0,
        start: Id = "0",
        **behaviour: Unpack[BehaviourOptions],
    ) -> SimulatedGroup:
        """Start a consumer group. Create it if it does not exist.

        Parameters
        ----------
        stream : str or sequence of str
            One stream, or several that are merged in time order; see `OrderedGroupReader`.
        name : str
            The group's name.
        consumers : int
            How many consumers to start. They are named ``name-1``, ``name-2`` and so on.
        service_ms : float or callable
            How long one entry takes one consumer, in milliseconds; or a function that draws it
            from a `random.Random`, such as `exponential` returns.
        start : EntryId or str
            Where a new group starts: ``"0"`` or ``"$"`` or an ID.
        **behaviour
            How its consumers work and fail: the attributes of
            `streamviz.simulation.ConsumerBehaviour`.

        Raises
        ------
        InputError
            If an option is wrong, or other programs use the database; see `Scenario`.
        UnsupportedCommand
            If the group claims with CLAIM and the server is older than Redis 8.4.
        """
        streams = stream_keys(stream)
        count = whole_number("consumers", consumers, 0)
        check_group_name(name, streams, self.histories)
        if name in self.groups:
            raise InputError(f"this scenario already has a group {name!r}: choose another name")
        checks.known("an option of a group", behaviour, BehaviourOptions.__annotations__)
        work = ConsumerBehaviour(**behaviour)
        group = SimulatedGroup(self.context, streams, name, service_ms, work, start)
        for key in (*streams, *group.dead_letter_keys):
            check_stream_key(key)
        self._check_may_write()
        for key in streams:
            self._ownership.create_group(key, name, start)
            self.watch(key)
        self.groups[name] = group
        for key in group.dead_letter_keys:
            self.context.dead_letters.setdefault(key, DeadLetterStream(key))
            self.watch(key)
        for _ in range(count):
            group.add_consumer()
        return group

    @checks.spelled_out(BaseReader, SimulatedReader)
    def reader(
        self, stream: str, name: str, **options: Unpack[PlainReaderOptions]
    ) -> SimulatedReader:
        """Start a plain reader of a stream (XREAD), with a name.

        Parameters
        ----------
        **options
            The options of `streamviz.simulation.SimulatedReader`.
        """
        check_reader(SimulatedReader, stream, name, options, self.readers)
        if options.get("remembers", "hash") == "hash":
            self._check_may_write()
        reader = self.readers[name] = SimulatedReader(self.context, stream, name, **options)
        self.watch(stream)
        return reader

    @checks.spelled_out(BaseReader)
    def subscriber(
        self, stream: str, name: str, **options: Unpack[ReaderOptions]
    ) -> SimulatedSubscriber:
        """Start a subscriber, with a name, that receives what is added to a stream (SUBSCRIBE).

        A stream with a subscriber has each entry published on the channel ``<stream>:channel``.

        Parameters
        ----------
        **options
            The options of `streamviz.simulation.BaseReader`.
        """
        check_reader(SimulatedSubscriber, stream, name, options, self.readers)
        subscriber = SimulatedSubscriber(self.context, stream, name, **options)
        self.readers[name] = subscriber
        if not self._publishes:
            self._publishes = True
            self.context.on_added.append(partial(publish_to_subscribers, self.client, self.readers))
        self.watch(stream)
        return subscriber

    def watch(self, stream: str | Partitions, *, readers: str | None = None) -> Self:
        """Observe a stream that any program writes to, and return the scenario itself.

        Parameters
        ----------
        stream : str or Partitions
            The stream's key, or all parts of a stream; their history has the name of the whole.
        readers : str, optional
            The key of a hash in which plain readers of the stream save their positions.
        """
        if isinstance(stream, Partitions):
            self._sampler.add_partitions(stream)
            return self
        check_stream_key(stream)
        if readers is not None:
            checks.text("readers", readers)
        self._sampler.add(stream, readers)
        return self

    @property
    def sample_every_ms(self) -> float:
        """The time between two samples, in milliseconds."""
        return self._sampler.interval_ms

    @property
    def history(self) -> History:
        """The history of the first stream."""
        if not self.histories:
            raise InputError("this scenario has no stream: call produce(), group() or watch()")
        return next(iter(self.histories.values()))

    def _clock_changed(self) -> None:
        """Report the exception that stopped the clock, in a last sample; close the connections."""
        error = self.clock.error
        if error is not None and self.context.error is not error:
            self.context.fail(error, Event("clock_stopped", detail=type(error).__name__))
            self._sampler.sample()
        if self.clock.state == "stopped":
            self._sampler.close()

    def _check_may_write(self) -> None:
        """Check, once, that the scenario may write to the server."""
        if not self._may_write:
            check_may_write(self.client, "a scenario", "give Scenario(..., allow_writes=True)")
            self._may_write = True
