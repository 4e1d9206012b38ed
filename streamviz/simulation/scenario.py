"""A scenario: producers, consumer groups and readers on real streams, on either clock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Self

from streamviz.client.progress import progress_bar
from streamviz.errors import HandlerError, InputError, ServerUnreachable
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.simulation import checks
from streamviz.simulation.clock import State
from streamviz.simulation.ownership import Writer
from streamviz.simulation.plan import Plan
from streamviz.simulation.summary import Summary, summarise


class Scenario(Plan):
    """Producers, consumer groups, readers and observers, all on one clock.

    On the virtual clock (simulated time), `run` sends minutes of traffic through Redis in a
    second, and the same seed gives the same IDs, deliveries and curves. On the wall clock (real
    time), `start` runs the scenario in the background. As a context manager, it stops at the end.

    Parameters
    ----------
    client : redis.Redis
        The server.
    seed : int
        The seed of every random choice.
    sample_every_ms : float
        The time between two samples, in milliseconds.
    limit : int
        How many samples each history keeps. On the virtual clock they cover the whole run.
    memory : bool
        Whether to sample the streams' memory; see `Observer`.
    allow_writes : bool
        Whether it may write to a server that other programs use. No permission is needed for a
        server that `connect` started, or a database that was empty when a scenario first wrote to
        it, which the key ``streamviz:playground`` records.
    fields : {"show", "hide"}
        Whether samples, errors and the commands on a dashboard have the values of entries' fields,
        or only their names and sizes. Handlers get the values in any case.

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

    @property
    def state(self) -> State:
        """The state of the wall clock: ``"new"``, ``"running"``, ``"paused"`` or ``"stopped"``."""
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
        """Whether the virtual clock has run, so that `start` is no longer possible."""
        return self.clock.virtual and self.clock.env.now > 0

    @property
    def slowness(self) -> str:
        """Why the picture is behind the present, in words; empty if it is not.

        The server answers slowly, or the clock is more than a second late.
        """
        late_s = self._sampler.late_ms / 1000 / self.speed if self.state == "running" else 0
        late = f"the clock is {late_s:.0f} s late: lower the rates or the speed"
        return str(self._sampler.slowest) or (late if late_s > 1 else "")

    @property
    def error(self) -> Exception | None:
        """The first exception of a handler, a series, a callback, or another function you gave.

        An exception in `service_ms` stops the clock. After any other, the rest goes on.
        """
        return self.context.error

    def hide_fields(self) -> None:
        """Hide the values of entries' fields from now on, as ``fields="hide"`` does."""
        self.context.hides = True
        for history in list(self.histories.values()):
            history.hide_fields()

    def start(self) -> None:
        """Run on the wall clock, in the background. If it is paused, resume it."""
        self.clock.start()

    resume = start

    def pause(self) -> None:
        """Pause the wall clock."""
        self.clock.pause()

    def stop(self) -> None:
        """Stop the clock and its thread. If it is stopped, do nothing."""
        self.clock.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, seconds: float | None = None, *, progress: bool = True) -> History:
        """Run on the virtual clock, and return the history of the first stream.

        The history covers the whole run: the samples of a long run are merged until at most
        `limit` are left. Without seconds, the run goes to the end of every series, and takes fewer
        samples if it is long: a year of daily data in a second.

        A second call continues the run, even if Ctrl-C interrupted it. The first call replaces a
        stream that an earlier run made, if no other client has joined it since with an entry, a
        group or a consumer. Any other stream stays as it is. The hash ``streamviz:runs`` records
        what each run made.

        Parameters
        ----------
        seconds : float, optional
            How much virtual time to run. Default: to the end of every series, and one sampling
            interval more.
        progress : bool
            Whether to show a progress bar after two seconds, in a terminal or a notebook.

        Raises
        ------
        InputError
            If a stream that no earlier run made is in the way, or the wall clock is running; or
            without seconds, if a series may never end.
        HandlerError
            If a function that you gave raised; see also `on_error` of `ConsumerBehaviour`. The run
            still goes on to its end, and `history` has its samples.
        """
        history = self.history
        ms = self._ms_to_the_end() if seconds is None else checks.span("seconds", seconds) * 1000
        writers: list[Writer] = [*self.producers, *self.context.dead_letters.values()]
        parts = writers, self.groups.values(), self.readers.values()
        with self.clock.env.deferring_interrupts():
            self.context.unread.forget()  # anything may have happened since the last run
            if self.clock.virtual:
                self._sampler.thin(self.clock.env.now + ms)
                self._ownership.prepare(*parts, self.clock.time_ms)
                self._ownership.mark_streams(self.histories, *parts[:2])  # the run may be killed
            try:
                with progress_bar(progress, "Running", ms / 1000, "s") as advance:
                    self._advance(ms, advance)
            finally:
                self._ownership.mark_streams(self.histories, writers, parts[1])
            self._sampler.sample()
        if self.error is not None:
            raise self.error
        return history

    def _advance(self, ms: float, advance: Callable[[float], object]) -> None:
        """Run, and call `advance` with the seconds between samples."""
        last_ms = self.clock.env.now

        def tick() -> None:
            nonlocal last_ms
            advance((self.clock.env.now - last_ms) / 1000)
            last_ms = self.clock.env.now

        self._sampler.on_tick = tick
        try:
            self.clock.advance(ms)
        finally:
            self._sampler.on_tick = lambda: None
            self.context.acks.send()

    def _ms_to_the_end(self) -> float:
        now_ms = self.clock.env.now
        ends_ms = [producer.end_ms() for producer in self.producers]
        if max(ends_ms, default=0) < now_ms or not ends_ms:
            raise InputError("no series goes on: give run() its seconds")
        left_ms = max(ends_ms) - now_ms
        self._sampler.fit(left_ms)
        return left_ms + self.sample_every_ms

    def summary(self) -> Summary:
        """Return what became of the entries, per group and per consumer.

        Pending and waiting entries are those of the newest sample. While the scenario is on the
        wall clock, this method takes a sample, so that all numbers show one moment. It takes none
        while a process waits for the server or a handler.

        Examples
        --------
        >>> from streamviz import connect, series
        >>> with Scenario(connect(), seed=7) as shop:
        ...     _ = shop.produce("doctest:sums", series.constant(rate_hz=5).limit(5))
        ...     _ = shop.group("doctest:sums", "billing", service_ms=300)
        ...     _ = shop.run(seconds=1)
        ...     shop.summary()
        group    consumer   handled  failed  retried  dead_lettered  acknowledged  pending  waiting
        billing                   3       0        0              0             3        1        1
                 billing-1        3       0        0              0             3        1
        """
        with suppress(ServerUnreachable, HandlerError):
            return self.clock.call(lambda: self._summarise(sample=True))
        return self._summarise(sample=False)

    def _summarise(self, *, sample: bool) -> Summary:
        if sample and self.state in ("running", "paused"):
            self._sampler.sample()
        return summarise(list(self.groups.values()), self.histories)

    def note(self, text: str) -> None:
        """Put an event with this text into the pictures, at the next sample.

        Handlers and callbacks may call it, too. InputError if it is not a text, or no sample will
        come.
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
