"""Producers of a scenario: they add a series to a stream, on the scenario's clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from typing import Any

from streamviz.client.arguments import flat_fields, trim_options
from streamviz.client.entry_id import EntryId
from streamviz.client.resp import Command
from streamviz.client.stream import Stream
from streamviz.errors import InputError, StreamVizError
from streamviz.observation.events import Event
from streamviz.observation.sample import ProducerState
from streamviz.simulation.checks import positive
from streamviz.simulation.context import Context
from streamviz.simulation.series import Fields, Series
from streamviz.simulation.wake_ups import GroupRead

_MAX_NEW = 10  # entries of a producer in a sample
_MOMENT_MS = 1e-9  # the least time between two points that are not at the same moment


class Producer:
    """Adds a series to a stream.

    Attributes
    ----------
    stream : str
        The stream's key.
    name : str
        The producer's name.
    added : int
        How many entries it has added.
    last_id : EntryId
        The ID of the last entry that it added; ``0-0`` before the first one.
    trims : bool
        Whether it trims the stream.
    points : iterable
        The series, as it was given.
    """

    def __init__(
        self,
        context: Context,
        stream: str,
        name: str,
        points: Iterable[Any],
        maxlen: int | None,
        approximate: bool,
    ) -> None:
        self._trim_options, _ = trim_options(maxlen, None, approximate, None, None)
        self.stream = stream
        self.name = name
        self.points = points
        self.added = 0
        self.last_id = EntryId.ZERO
        self.trims = maxlen is not None
        self._new: deque[EntryId] = deque(maxlen=_MAX_NEW)
        self._refused = False  # whether the last entry was
        self._context = context
        self._stream = Stream(context.client, stream)
        self._series = Series.of(points)
        if self._series.began_ms is not None:
            context.clock.begin_at(self._series.began_ms)
        self._created_ms = context.clock.env.now
        self._rate = 1.0
        self._rate_changed = context.clock.env.event()
        context.clock.process(self._produce())

    @property
    def rate(self) -> float:
        """How fast the series is added: 1.0 is its own rate, 2.0 is twice as fast."""
        return self._rate

    @rate.setter
    def rate(self, factor: float) -> None:
        rate = float(positive("rate", factor, 1_000_000))
        self._context.clock.do(lambda: self._set_rate(rate), f"change the rate of {self.name}")

    def _set_rate(self, rate: float) -> None:
        self._rate = rate
        self._rate_changed.succeed()
        self._rate_changed = self._context.clock.env.event()

    def _produce(self) -> Generator[Any, Any, None]:
        try:
            points, last_ms = iter(self._series), -self._delay_ms()
            point = next(points, None)
            while point is not None:
                at_ms, fields = point
                yield from self._wait(at_ms - last_ms)
                last_ms = at_ms
                if self._series.runs_callers_code:
                    self._add(fields)
                    self._context.before_callers_code()  # the next point runs it
                    point = next(points, None)
                else:
                    reads: list[GroupRead] = []
                    try:
                        point = next(points, None)
                        if point is None or point[0] - at_ms > _MOMENT_MS:
                            reads = self._next_reads()
                    finally:
                        self._add(fields, reads)
        except Exception as cause:
            event = Event("series_raised", self.stream, detail=type(cause).__name__)
            advice = "; correct the function that makes it"
            self._context.caught(cause, f"the series of {self.stream!r}", advice, event)

    def _delay_ms(self) -> float:
        """Return how long after the producer's start the series has its 0 ms."""
        began_ms = self._series.began_ms
        return 0 if began_ms is None else began_ms - self._context.clock.began_ms - self._created_ms

    def end_ms(self) -> float:
        """Return when the series ends, on the clock; InputError if it is not known to end."""
        if not self._series.ends:
            raise InputError(
                f"the series of {self.stream!r} may never end: give run() its seconds, or end the "
                "series with limit()"
            )
        last_ms = max(self._series.times(), default=0.0)
        return self._created_ms + (self._delay_ms() + last_ms) / self._rate

    def _wait(self, ms: float) -> Generator[Any, Any, None]:
        """Wait for a span of the series' time; the rate may change meanwhile."""
        env = self._context.clock.env
        while ms > _MOMENT_MS:
            start, rate = env.now, self._rate
            yield env.timeout(ms / rate) | self._rate_changed
            ms -= (env.now - start) * rate

    def _next_reads(self) -> list[GroupRead]:
        """Return the reads that certainly follow the next XADD at once, before anything else."""
        if self._refused or self._context.on_added or self._stream.connection.is_logged:
            return []
        return self._context.wake_ups.next_reads(self.stream)

    def _add(self, fields: Fields, reads: Sequence[GroupRead] = ()) -> None:
        """Add an entry, and send the reads that follow in the same round trip."""
        context = self._context
        entry_id = f"{context.clock.time_ms}-*" if context.clock.virtual else "*"
        command = ("XADD", self.stream, *self._trim_options, entry_id, *flat_fields(fields))
        try:
            added_id = EntryId.parse(self._send(command, reads))
            for call in context.on_added:
                call(self.stream, added_id, fields)
        except InputError:
            raise  # the series gave something that cannot be an entry
        except StreamVizError as error:
            self._refused = True
            context.report_once(Event("problem", detail=str(error)))
            return
        self._refused = False
        self.added += 1
        self.last_id = added_id
        self._new.append(self.last_id)
        context.entry_added(self.stream)

    def _send(self, add: Command, reads: Sequence[GroupRead]) -> Any:
        connection = self._stream.connection
        if reads:
            reply, *pages = connection.replies([add, *(one.command for one in reads)])
            for read, page in zip(reads, pages, strict=True):
                if page and not isinstance(page, Exception):  # or else its consumer reads again
                    self._context.wake_ups.fetched[read] = page
            if not isinstance(reply, Exception):
                return reply
        return connection.call(*add)  # a refused one again, which says why

    def state(self) -> ProducerState:
        """Return what it has added, with the newest entries since the last call."""
        new = tuple(self._new)
        self._new.clear()
        return ProducerState(self.name, self.added, new)

    def __repr__(self) -> str:
        return f"<Producer of {self.stream!r}: {self.added} added>"
