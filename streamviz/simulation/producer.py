"""Producers of a scenario: they add a series to a stream, on the scenario's clock."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.client.stream import Stream
from streamviz.errors import InputError, StreamVizError, is_number
from streamviz.observation.events import Event
from streamviz.simulation.context import Context
from streamviz.simulation.series import Series


class Producer:
    """Adds a series to a stream.

    Attributes
    ----------
    stream : str
        The stream's key.
    added : int
        Entries added so far.
    last_id : EntryId
        The last of them, ``0-0`` before the first.
    trims : bool
        Whether it trims the stream.
    """

    def __init__(
        self,
        context: Context,
        stream: str,
        points: Iterable[Any],
        maxlen: int | None,
        approximate: bool,
    ) -> None:
        self.stream = stream
        self.added = 0
        self.last_id = EntryId.ZERO
        self.trims = maxlen is not None
        self._maxlen = maxlen
        self._context = context
        self._series = Series.of(points)
        self._approximate = approximate
        self._rate = 1.0
        self._rate_changed = context.clock.env.event()
        context.clock.process(self._produce())

    @property
    def rate(self) -> float:
        """How fast the series comes: 2.0 is twice as fast as it was made."""
        return self._rate

    @rate.setter
    def rate(self, factor: float) -> None:
        if not (is_number(factor) and 0 < factor <= 1e6):
            raise InputError(f"rate={factor!r}: give a number above 0; 1.0 is the series' own rate")
        self._context.clock.do(lambda: self._set_rate(float(factor)))

    def _set_rate(self, factor: float) -> None:
        self._rate = factor
        self._rate_changed.succeed()
        self._rate_changed = self._context.clock.env.event()

    def _produce(self) -> Generator[Any, Any, None]:
        try:
            yield from self._add_all()
        except Exception as error:
            raised = Event("series_raised", self.stream, detail=type(error).__name__)
            self._context.fail(error, raised)

    def _add_all(self) -> Generator[Any, Any, None]:
        env = self._context.clock.env
        stream = Stream(self._context.client, self.stream)
        last = 0.0
        for at_ms, fields in self._series:
            rest, last = at_ms - last, at_ms
            while rest > 1e-9:
                began, rate = env.now, self._rate
                yield env.timeout(rest / rate) | self._rate_changed
                rest -= (env.now - began) * rate
            virtual = self._context.clock.virtual
            which = f"{self._context.clock.time_ms}-*" if virtual else "*"
            try:
                added = stream.add(
                    fields, which, maxlen=self._maxlen, approximate=self._approximate
                )
                for call in self._context.on_added:
                    call(self.stream, added, fields)
            except InputError:
                raise  # what the series gave is no entry
            except StreamVizError as error:
                self._context.report_once(Event("problem", detail=str(error)))
                continue
            self.added += 1
            self.last_id = added or self.last_id
            self._context.entry_added(self.stream)

    def __repr__(self) -> str:
        return f"<Producer of {self.stream!r}: {self.added} added>"
