"""A scenario: producers and consumer groups on real streams, on either clock."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from typing import Any

import redis

from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError, StreamVizError
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.observer import Observer
from streamviz.observation.sample import Sample
from streamviz.simulation.behaviour import ServiceTime, options
from streamviz.simulation.clock import State
from streamviz.simulation.consumers import SimulatedGroup
from streamviz.simulation.context import Context
from streamviz.simulation.ownership import Ownership
from streamviz.simulation.producer import Producer
from streamviz.simulation.readers import SimulatedReader, readers_key
from streamviz.simulation.receiver import SimulatedReceiver
from streamviz.simulation.subscribers import SimulatedSubscriber, publish


class Scenario:
    """Producers, consumer groups and observers, all on one clock.

    On the virtual clock, `run` sends minutes of traffic through Redis in a second, and the same
    seed gives the same IDs, the same deliveries and the same curves. On the wall clock, `start`
    lets it live in the background.

    Parameters
    ----------
    client : redis.Redis
        The server.
    seed : int
        What the chances of consumers hang on.
    sample_every_ms : float
        How often the streams are observed, in milliseconds.
    limit : int
        Samples that each history keeps.
    memory : bool
        Whether the looks ask for the streams' bytes, too; see `Observer`.

    Attributes
    ----------
    histories : dict of str to History
        For each stream, what the observer saw.
    producers : list of Producer
    groups : dict of str to SimulatedGroup
        By name.
    readers : dict of str to SimulatedReceiver
        Plain readers and subscribers, by name.
    on_sample : list of callable
        Called with each `Sample`, in the clock's thread.
    error : Exception or None
        The first exception of a handler, of a series, of a callback, or of a plan's functions. One
        of `service_ms` stops the wall clock; after the others, the rest goes on.

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
        if isinstance(sample_every_ms, bool) or not 1 <= sample_every_ms < float("inf"):
            raise InputError(f"look_every_ms={sample_every_ms!r}: give 1 or more")
        self.context = Context(client, seed)
        self.client = client
        self.seed = seed
        self.sample_every_ms = sample_every_ms
        self.clock = self.context.clock
        self.histories: dict[str, History] = {}
        self.producers: list[Producer] = []
        self.groups: dict[str, SimulatedGroup] = {}
        self.readers: dict[str, SimulatedReceiver] = {}
        self.on_sample: list[Callable[[Sample], object]] = []
        self._limit = limit
        self._memory = memory
        self._observers: dict[str, Observer] = {}
        self._began = False
        self._ownership = Ownership(client)
        self._prepared: set[tuple[str, str]] = set()
        self.context.on_added.append(self._publish)
        self.clock.on_change.append(self._died)

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
            Trim the stream to so many entries with each one added.
        approximate : bool
            Trim whole macro nodes only (``~``).

        Raises
        ------
        InputError
            If `approximate` is given without `maxlen`.
        """
        if approximate and maxlen is None:
            raise InputError("approximate=True is for trimming: give maxlen=, too")
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
        **plan: Any,
    ) -> SimulatedGroup:
        """Let a consumer group work, from now on; it is made if there is none of that name.

        Parameters
        ----------
        stream : str or sequence of str
            One stream, or several that are read in the order of time: what lies beyond the end of
            another one's full page waits for its turn. See `OrderedGroupReader`.
        name : str
            The group's name.
        consumers : int
            How many consumers, named ``name-1``, ``name-2`` and so on.
        service_ms : float or callable
            How long one entry takes one consumer, in milliseconds; or a function that draws it
            from a `random.Random`, such as `exponential` gives.
        start_id : str
            Where a new group begins: ``"0"`` or ``"$"`` or an ID.
        **plan
            See `ConsumerBehaviour`: batch, ack, handler, fail, crash_at_s, crash_after,
            crash_chance, revive_after_s, claim_idle_ms, claim_with.

        Raises
        ------
        InputError
            If an option is wrong.
        UnsupportedCommand
            If the group is to claim with CLAIM, and the server is older than 8.4.
        """
        streams = (stream,) if isinstance(stream, str) else tuple(stream)
        if type(consumers) is not int or consumers < 0:
            raise InputError(f"consumers={consumers!r}: give a whole number, 0 or more")
        if name in self.groups:
            raise InputError(f"there is a group {name!r} in this scenario: choose another name")
        group = SimulatedGroup(self.context, streams, name, service_ms, options(plan), start_id)
        for key in streams:
            self._ownership.create_group(key, name, start_id)
            self.watch(key)
        self.groups[name] = group
        for _ in range(consumers):
            group.add_consumer()
        return group

    def reader(self, stream: str, name: str, **plan: Any) -> SimulatedReader:
        """Let a plain reader (XREAD) read a stream, from now on.

        Parameters
        ----------
        stream : str
            The stream's key.
        name : str
            The reader's name.
        **plan
            See `SimulatedReader`: remembers, start, service_ms, batch, handler,
            crash_at_s, revive_after_s.
        """
        self._refuse_second(name)
        self.readers[name] = made = SimulatedReader(self.context, stream, name, **plan)
        self.watch(stream)
        return made

    def subscriber(self, stream: str, name: str, **plan: Any) -> SimulatedSubscriber:
        """Let a subscriber hear what is added to a stream, from now on (SUBSCRIBE).

        With the first one, each entry is also published on the channel ``<stream>:channel``.

        Parameters
        ----------
        stream : str
            The stream's key.
        name : str
            The subscriber's name.
        **plan
            See `SimulatedReceiver`: service_ms, handler, crash_at_s, revive_after_s.
        """
        self._refuse_second(name)
        self.readers[name] = made = SimulatedSubscriber(self.context, stream, name, **plan)
        self.watch(stream)
        return made

    def watch(self, stream: str, *, readers: str | None = None) -> Scenario:
        """Observe a stream, whoever drives it; only reads, and returns the scenario itself.

        Parameters
        ----------
        stream : str
            The stream's key.
        readers : str, optional
            The key of a hash in which plain readers of it keep their positions.
        """
        if stream not in self._observers:
            self._observers[stream] = Observer(self.client, stream, memory=self._memory)
            self.histories[stream] = History(self._limit)
            if len(self._observers) == 1:
                self.clock.process(self._look_often())
        if readers is not None:
            self._observers[stream].readers = readers
        return self

    @property
    def history(self) -> History:
        """The history of the first stream."""
        if not self.histories:
            raise InputError("this scenario has no stream: call produce(), group() or watch()")
        return next(iter(self.histories.values()))

    @property
    def error(self) -> Exception | None:
        """The first exception of a handler, a series, a callback or a function in a plan."""
        return self.context.error

    @property
    def state(self) -> State:
        """``"new"``, ``"running"``, ``"paused"`` or ``"stopped"``: what the wall clock does."""
        return self.clock.state

    @property
    def speed(self) -> float:
        """How fast the wall clock runs; 2.0 is twice as fast."""
        return self.clock.speed

    @speed.setter
    def speed(self, factor: float) -> None:
        self.clock.speed = factor

    @property
    def ran(self) -> bool:
        """Whether it has run on the virtual clock; then the wall clock is not for it."""
        return self.clock.virtual and self.clock.env.now > 0

    def run(self, seconds: float) -> History:
        """Run on the virtual clock, at once, and return the history of the first stream.

        A stream that an earlier virtual run made is replaced, if nothing has been added to it since
        and it has no other groups; the hash ``streamviz:runs`` says which run made it. Any other
        stream is left as it is. A second call goes on.

        Parameters
        ----------
        seconds : float
            How much virtual time.

        Raises
        ------
        InputError
            If a stream that is not an earlier run's is in the way, or the wall clock runs.
        HandlerError
            If a handler raised.
        """
        history = self.history
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            raise InputError(f"seconds={seconds!r}: give a number above 0")
        self._make_way()
        self._began = True
        try:
            self.clock.advance(seconds * 1000)
        finally:
            self._leave_marks()
        self._look()
        if self.error is not None:
            raise self.error
        return history

    def start(self) -> None:
        """Let it live on the wall clock, in the background; if it is paused, go on."""
        self._began = True
        self.clock.start()

    resume = start

    def pause(self) -> None:
        """Hold everything."""
        self.clock.pause()

    def step(self) -> None:
        """While paused, let the next thing happen, and look."""
        before = [history.last for history in self.histories.values()]
        self.clock.step(lambda: self._changed(before))

    def stop(self) -> None:
        """End it; a second time does nothing, and no thread is left."""
        self.clock.stop()

    def __repr__(self) -> str:
        streams = ", ".join(map(repr, self.histories)) or "no stream"
        return f"<Scenario on {streams}: {self.state}>"

    def _changed(self, before: list[Sample | None]) -> bool:
        self._look()
        after = [history.last for history in self.histories.values()]
        return any(_differ(old, new) for old, new in zip(before, after, strict=True))

    def _look_often(self) -> Generator[Any, Any, None]:
        while True:
            self._look()
            yield self.clock.env.timeout(self.sample_every_ms * self._pace)

    @property
    def _pace(self) -> float:
        return 1.0 if self.clock.virtual else self.clock.speed  # looks are by the wall

    def _look(self) -> None:
        events = self.context.take_events()
        for key, observer in self._observers.items():
            states = [one.state() for one in self.readers.values() if one.stream == key]
            told = [state for state in states if state is not None]
            sample = observer.sample(self.clock.time_ms, events, told)
            self.histories[key].append(sample)
            for call in list(self.on_sample):
                try:
                    call(sample)
                except Exception as error:
                    raised = Event("callback_raised", detail=type(error).__name__)
                    self.context.fail(error, raised)

    def _publish(self, stream: str, entry_id: EntryId | None, fields: Any) -> None:
        """Tell the subscribers of an entry, those who are there; nobody keeps it for the others."""
        subscribers = [
            one
            for one in self.readers.values()
            if isinstance(one, SimulatedSubscriber) and one.stream == stream
        ]
        if subscribers and entry_id is not None:
            publish(self.client, stream, entry_id, fields)
            for one in subscribers:
                one.expect()

    def _refuse_second(self, name: str) -> None:
        if name in self.readers:
            raise InputError(f"there is a reader {name!r} in this scenario: choose another name")

    def _died(self) -> None:
        """Say what stopped the clock, if something did, and look for the last time."""
        error = self.clock.error
        if error is not None and self.error is not error:
            self.context.fail(error, Event("clock_stopped", detail=type(error).__name__))
            self._look()

    def _make_way(self) -> None:
        """Replace what an earlier virtual run left; refuse to touch anything else."""
        if not self.clock.virtual:
            return
        for producer in self.producers:
            key = producer.stream
            if ("stream", key) in self._prepared:
                continue
            trims = any(p.stream == key and p.trims for p in self.producers)
            if self._ownership.take(key, readers_key(key), self.clock.time_ms, trims=trims):
                for group in self.groups.values():
                    if key in group.streams:
                        self._ownership.create_group(key, group.name, group.start_id)
            self._prepared.add(("stream", key))
        for reader in self.readers.values():
            if isinstance(reader, SimulatedReader) and reader.remembers == "hash":
                who = (reader.stream, reader.name)
                if who not in self._prepared:
                    self._ownership.take_reader(reader.stream, readers_key(reader.stream), who[1])
                    self._prepared.add(who)

    def _leave_marks(self) -> None:
        """Write down what this run has left, so that the next one may replace it."""
        for key in self._observers:
            producers = [one for one in self.producers if one.stream == key]
            entries = sum(one.added for one in producers)
            last = max((one.last_id for one in producers), default=EntryId.ZERO)
            with suppress(StreamVizError):  # without a mark, the next run refuses
                self._ownership.save(key, readers_key(key), entries, str(last))


def _differ(old: Sample | None, new: Sample | None) -> bool:
    if old is None or new is None:
        return old is not new
    return _moving(old) != _moving(new)


def _moving(sample: Sample) -> object:
    groups = [(group.name, group.last_delivered_id, group.pending) for group in sample.groups]
    return sample.length, sample.entries_added, sample.readers, groups
