"""Producers of a scenario: they add a series to a stream, on the scenario's clock."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

from streamviz.client.entry_id import EntryId
from streamviz.client.stream import Stream
from streamviz.errors import InputError, StreamVizError, is_number
from streamviz.simulation.series import Series

if TYPE_CHECKING:
    from streamviz.simulation.scenario import Scenario


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
        scenario: Scenario,
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
        self._scenario = scenario
        self._series = Series.of(points)
        self._approximate = approximate
        self._rate = 1.0
        self._rate_changed = scenario.clock.env.event()
        scenario.clock.process(self._produce())

    @property
    def rate(self) -> float:
        """How fast the series comes: 2.0 is twice as fast as it was made."""
        return self._rate

    @rate.setter
    def rate(self, factor: float) -> None:
        if not (is_number(factor) and 0 < factor <= 1e6):
            raise InputError(f"rate={factor!r}: give a number above 0; 1.0 is the series' own rate")
        self._scenario.clock.do(lambda: self._set_rate(float(factor)))

    def _set_rate(self, factor: float) -> None:
        self._rate = factor
        self._rate_changed.succeed()
        self._rate_changed = self._scenario.clock.env.event()

    def _produce(self) -> Generator[Any, Any, None]:
        try:
            yield from self._add_all()
        except Exception as error:
            self._scenario._fail(
                error, f"the series of {self.stream} raised {type(error).__name__}, and ends here"
            )

    def _add_all(self) -> Generator[Any, Any, None]:
        env = self._scenario.clock.env
        stream = Stream(self._scenario.client, self.stream)
        last = 0.0
        for at_ms, fields in self._series:
            rest, last = at_ms - last, at_ms
            while rest > 1e-9:
                began, rate = env.now, self._rate
                yield env.timeout(rest / rate) | self._rate_changed
                rest -= (env.now - began) * rate
            virtual = self._scenario.clock.virtual
            which = f"{self._scenario.clock.time_ms}-*" if virtual else "*"
            try:
                added = stream.add(
                    fields, which, maxlen=self._maxlen, approximate=self._approximate
                )
                self._scenario._publish(self.stream, added, fields)
            except InputError:
                raise  # what the series gave is no entry
            except StreamVizError as error:
                self._scenario._note_once(str(error))
                continue
            self.added += 1
            self.last_id = added or self.last_id
            self._scenario._arrived(self.stream)

    def __repr__(self) -> str:
        return f"<Producer of {self.stream!r}: {self.added} added>"
