"""A scenario: producers, consumer groups and readers on real streams, on either clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import redis
from redis.cluster import RedisCluster

from streamviz.client.arguments import whole_number
from streamviz.client.connection import Connection
from streamviz.errors import InputError, check_type
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.observer_client import LazyCluster
from streamviz.patterns.partitions import Partitions
from streamviz.simulation import checks
from streamviz.simulation.behaviour import ServiceTime, parse_behaviour
from streamviz.simulation.clock_controls import ClockControls
from streamviz.simulation.consumers import SimulatedGroup
from streamviz.simulation.context import Context
from streamviz.simulation.ownership import Ownership
from streamviz.simulation.plan_checks import (
    check_group_name,
    check_reader,
    check_series,
    stream_keys,
)
from streamviz.simulation.producer import Producer
from streamviz.simulation.readers import BaseReader, SimulatedReader
from streamviz.simulation.sampler import Sampler
from streamviz.simulation.subscribers import SimulatedSubscriber, publish_to_subscribers
from streamviz.simulation.summary import Summary, summarise


class Scenario(ClockControls):
    """Producers, consumer groups, readers and observers, all on one clock.

    On the virtual clock, `run` sends minutes of traffic through Redis in a second, and the same
    seed gives the same IDs, the same deliveries and the same curves. On the wall clock, `start`
    runs the scenario in the background. As a context manager, it stops at the end.

    Parameters
    ----------
    client : redis.Redis
        The server.
    seed : int
        The seed of every random choice.
    sample_every_ms : float
        The time between two samples, in milliseconds.
    limit : int
        How many samples each history keeps.
    memory : bool
        Whether to sample the streams' memory; see `Observer`.

    Attributes
    ----------
    histories : dict of str to History
        The samples of each stream.
    producers : list of Producer
    groups, readers : dict of str to SimulatedGroup, dict of str to BaseReader
        By name. The readers are plain readers and subscribers.
    on_sample : list of callable
        Called with each `Sample`, in the clock's thread.

    Examples
    --------
    >>> from streamviz import connect, series
    >>> shop = Scenario(connect(), seed=7)
    >>> _ = shop.produce("doctest:orders", series.orders(rate_hz=5))
    >>> shop.group("doctest:orders", "billing", consumers=2, service_ms=300)
    <SimulatedGroup 'billing' of 'doctest:orders': 2 consumers>
    >>> shop.run(seconds=10)
    <History of 'doctest:orders': 10 s, 55 entries>
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        seed: int = 0,
        sample_every_ms: float = 100,
        limit: int = 1000,
        memory: bool = False,
    ) -> None:
        if not isinstance(client, RedisCluster | LazyCluster):
            Connection(client)  # or it says what the client is
        interval_ms = checks.number("sample_every_ms", sample_every_ms, 1)
        seed = whole_number("seed", seed)
        limit = whole_number("limit", limit, 1)
        check_type("memory", memory, bool, "True or False")
        self.context = Context(client, seed)
        super().__init__(self.context.clock)
        self.client = client
        self.seed = seed
        self.sample_every_ms = interval_ms
        self.producers: list[Producer] = []
        self.groups: dict[str, SimulatedGroup] = {}
        self.readers: dict[str, BaseReader] = {}
        self._sampler = Sampler(self.context, self.readers, interval_ms, limit, memory=memory)
        self.histories = self._sampler.histories
        self.on_sample = self._sampler.on_sample
        self._ownership = Ownership(client)
        self.context.on_added.append(partial(publish_to_subscribers, client, self.readers))
        self.clock.on_change.append(self._clock_changed)
        self._complete = True

    def produce(
        self,
        stream: str,
        series: Iterable[Any],
        *,
        maxlen: int | None = None,
        approximate: bool = False,
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

        Raises
        ------
        InputError
            If `approximate` is given without `maxlen`, the series is none, or its generator is
            given to a second producer.
        """
        if approximate and maxlen is None:
            raise InputError("approximate=True is for trimming: give maxlen=, too")
        check_series(series, self.producers)
        self.watch(stream)
        producer = Producer(self.context, stream, series, maxlen, approximate)
        self.producers.append(producer)
        return producer

    def group(
        self,
        stream: str | Sequence[str],
        name: str,
        *,
        consumers: int = 1,
        service_ms: ServiceTime = 100.0,
        start_id: str = "0",
        **behaviour: Any,
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
        start_id : str
            Where a new group starts: ``"0"`` or ``"$"`` or an ID.
        **behaviour
            See `ConsumerBehaviour`: batch, ack, handler, on_error, fail, crash_at_s, crash_after,
            crash_chance, revive_after_s, claim_idle_ms, claim_with.

        Raises
        ------
        InputError
            If an option is wrong.
        UnsupportedCommand
            If the group claims with CLAIM and the server is older than Redis 8.4.
        """
        streams = stream_keys(stream)
        count = whole_number("consumers", consumers, 0)
        check_group_name(name, streams, self.histories)
        if name in self.groups:
            raise InputError(f"this scenario already has a group {name!r}: choose another name")
        group = SimulatedGroup(
            self.context, streams, name, service_ms, parse_behaviour(behaviour), start_id
        )
        for key in streams:
            self._ownership.create_group(key, name, start_id)
            self.watch(key)
        self.groups[name] = group
        for _ in range(count):
            group.add_consumer()
        return group

    def reader(self, stream: str, name: str, **options: Any) -> SimulatedReader:
        """Start a plain reader of a stream (XREAD).

        Parameters
        ----------
        stream : str
            The stream's key.
        name : str
            The reader's name.
        **options
            See `SimulatedReader`: remembers, start, service_ms, batch, handler,
            crash_at_s, revive_after_s.
        """
        self._check_new_reader(SimulatedReader, stream, name, options)
        reader = self.readers[name] = SimulatedReader(self.context, stream, name, **options)
        self.watch(stream)
        return reader

    def subscriber(self, stream: str, name: str, **options: Any) -> SimulatedSubscriber:
        """Start a subscriber that receives what is added to a stream (SUBSCRIBE).

        A stream with a subscriber has each entry published on the channel ``<stream>:channel``.

        Parameters
        ----------
        stream : str
            The stream's key.
        name : str
            The subscriber's name.
        **options
            See `BaseReader`: service_ms, handler, crash_at_s, revive_after_s.
        """
        self._check_new_reader(SimulatedSubscriber, stream, name, options)
        subscriber = SimulatedSubscriber(self.context, stream, name, **options)
        self.readers[name] = subscriber
        self.watch(stream)
        return subscriber

    def watch(self, stream: str | Partitions, *, readers: str | None = None) -> Scenario:
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
        if not isinstance(stream, str) or not stream:
            raise InputError(f"{stream!r} is not a stream's key: give its name as text")
        if readers is not None:
            checks.text("readers", readers)
        self._sampler.add(stream, readers)
        return self

    @property
    def history(self) -> History:
        """The history of the first stream."""
        if not self.histories:
            raise InputError("this scenario has no stream: call produce(), group() or watch()")
        return next(iter(self.histories.values()))

    @property
    def error(self) -> Exception | None:
        """The first exception of a handler, a series, a callback, or another function you gave.

        An exception in `service_ms` stops the clock. After any other, the rest goes on.
        """
        return self.context.error

    def run(self, seconds: float) -> History:
        """Run on the virtual clock, and return the history of the first stream.

        A second call continues the run, also one interrupted by Ctrl-C. The first call replaces a
        stream that an earlier run made, if nothing else has added to it since and it has no other
        groups. Any other stream stays as it is. The hash ``streamviz:runs`` records who made what.

        Parameters
        ----------
        seconds : float
            How much virtual time to run.

        Raises
        ------
        InputError
            If a stream that no earlier run made is in the way, or the wall clock is running.
        HandlerError
            If a function that you gave raised; see also `on_error` of `ConsumerBehaviour`. The
            run has gone on to its end, and `history` has its samples.
        """
        history = self.history
        ms = checks.positive("seconds", seconds) * 1000
        parts = self.producers, self.groups.values(), self.readers.values()
        with self.clock.env.deferring_interrupts():
            if self.clock.virtual:
                self._ownership.prepare(*parts, self.clock.time_ms)
            try:
                self.clock.advance(ms)
            finally:
                self._ownership.mark_streams(self.histories, self.producers)
            self._sampler.sample()
        if self.error is not None:
            raise self.error
        return history

    def summary(self) -> Summary:
        """Return what became of the entries, per group and per consumer.

        Pending and waiting entries are those of the newest sample. While the scenario is on the
        wall clock, this takes a sample, so that all numbers are of one moment.

        Examples
        --------
        >>> from streamviz import connect, series
        >>> with Scenario(connect(), seed=7) as shop:
        ...     _ = shop.produce("doctest:sums", series.constant(rate_hz=5).limit(5))
        ...     _ = shop.group("doctest:sums", "billing", service_ms=300)
        ...     _ = shop.run(seconds=1)
        ...     shop.summary()
        group    consumer   handled  failed  retried  acknowledged  pending  waiting
        billing                   3       0        0             3        1        1
                 billing-1        3       0        0             3        1
        """
        return self.clock.do(self._summarise)  # type: ignore[no-any-return]

    def _summarise(self) -> Summary:
        if self.state in ("running", "paused"):
            self._sampler.sample()
        return summarise(self.groups.values(), self.histories)

    def note(self, text: str) -> None:
        """Put an event with this text into the pictures, at the next sample.

        Handlers and callbacks may call it, too.

        Raises
        ------
        InputError
            If it is not a text, or no sample will come.
        """
        checks.text("text", text)
        if self.state == "stopped" and not self.clock.virtual:
            raise InputError(f"{self!r} takes no more samples: note {text!r} before you stop it")
        self.context.report(Event("note", detail=text))

    def step(self) -> None:
        """While paused, run until a sample shows a change."""
        before = self._sampler.visible_state()

        def changed() -> bool:
            self._sampler.sample()
            return self._sampler.visible_state() != before

        self.clock.step(changed)

    def __repr__(self) -> str:
        streams = ", ".join(map(repr, self.histories)) or "no stream"
        return f"<Scenario on {streams}: {self.state}>"

    def _settings(self) -> list[str]:
        return self._properties()  # to set anything else would change nothing

    def _check_new_reader(
        self, kind: type[BaseReader], stream: str, name: str, options: dict[str, Any]
    ) -> None:
        check_reader(kind, stream, name, options)
        if name in self.readers:
            raise InputError(f"this scenario already has a reader {name!r}: choose another name")

    def _clock_changed(self) -> None:
        """Report the exception that stopped the clock, in a last sample; close the connections."""
        error = self.clock.error
        if error is not None and self.error is not error:
            self.context.fail(error, Event("clock_stopped", detail=type(error).__name__))
            self._sampler.sample()
        if self.clock.state == "stopped":
            self._sampler.close()
