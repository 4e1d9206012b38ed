"""The life of a simulated client: it handles entries until it dies, and may be revived."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Literal

import simpy

from streamviz.client.models import Entry
from streamviz.errors import HandlerError, StreamVizError
from streamviz.observation.events import Event, Kind
from streamviz.simulation.behaviour import ServiceTime
from streamviz.simulation.checks import is_ours, number, positive
from streamviz.simulation.context import Context

_FAREWELL_MS = 1000.0  # otherwise samples would count its last entries as dropped with it


class SimulatedClient:
    """A client of the server that gets entries and handles them; a subclass says how.

    Attributes
    ----------
    alive : bool
        Whether it is running.
    removed : bool
        Whether it has left, so that it is neither alive nor dead.
    handled : int
        How many entries it has handled. An entry handled twice counts twice.
    """

    _group_name = ""
    _outcome = ""  # of an entry whose handler raises, for the error

    def __init__(
        self, context: Context, name: str, rng: random.Random, revive_after_s: float | None
    ) -> None:
        self.context = context
        self.name = name
        self.alive = self.removed = False
        self.handled = 0
        self.holding = 0  # only a consumer holds entries
        self._rng = rng
        self._revive_after_s = revive_after_s
        self._slowdown = 1.0
        self._leaving = False
        self._process: simpy.Process | None = None

    @property
    def slowdown(self) -> float:
        """How many times its service time an entry takes: 4.0 makes it four times as slow."""
        return self._slowdown

    @slowdown.setter
    def slowdown(self, factor: float) -> None:
        self._slowdown = slowdown = float(positive("slowdown", factor, 1000))
        pace = f"{slowdown:g} times as slowly" if slowdown != 1 else "at its own pace"
        self._report("paced", detail=pace)

    def kill(self) -> None:
        """Kill it now: a consumer's entries stay pending. If it is dead, do nothing.

        While a process of the scenario waits for the server or a handler, this returns, and it is
        killed as soon as the process goes on. The same is true of `revive` and `leave`.
        """
        self.context.clock.do(lambda: self._die("killed"), f"kill {self.name}")

    def revive(self) -> None:
        """Revive it: a consumer starts with its pending entries. If it is alive, do nothing."""
        self.context.clock.do(lambda: self._begin(revived=True), f"revive {self.name}")

    def leave(self) -> None:
        """Finish the entries that it holds, and leave.

        If it is dead, it leaves at once. InputError if it then holds entries.
        """
        self.context.clock.do(self._leave, f"remove {self.name}")

    def _leave(self) -> None:
        if not self.alive:
            self._delete()
        self._leaving, self.removed = self.alive, not self.alive
        self._report("leaving")

    def _depart(self) -> Generator[Any, Any, None]:
        """Delete it, once the samples have shown that it holds nothing."""
        yield self.context.clock.env.timeout(_FAREWELL_MS)
        self.alive = self._leaving = False
        try:
            self._delete()
            self.removed = True
        except StreamVizError as error:
            self._report("problem", detail=str(error))

    def _delete(self) -> None:
        """Remove it from the server (XGROUP DELCONSUMER); InputError if it holds entries."""

    def _live(self, *, revived: bool) -> Generator[Any, Any, None]:
        """Get entries and handle them, as long as it is alive."""
        raise NotImplementedError

    def _after_death(self) -> None:
        """Forget what a crash erases."""

    def _start(self, crash_at_s: float | None) -> None:
        self.context.clock.do(lambda: self._begin(revived=False), f"start {self.name}")
        if crash_at_s is not None:
            self.context.clock.process(self._later(crash_at_s, lambda: self._die("crashed")))

    def _begin(self, *, revived: bool) -> None:
        if self.alive:
            return
        self.alive, self.removed = True, False
        if revived:
            self._report("revived")
        self._process = self.context.clock.env.process(self._until_death(revived=revived))

    def _until_death(self, *, revived: bool) -> Generator[Any, Any, None]:
        with suppress(simpy.Interrupt):
            yield from self._live(revived=revived)

    def _later(self, seconds: float, do: Callable[[], None]) -> Generator[Any, Any, None]:
        yield self.context.clock.env.timeout(seconds * 1000)
        do()

    def _die(self, kind: Literal["killed", "crashed"]) -> None:
        if not self.alive:
            return
        clock = self.context.clock
        self.alive = self._leaving = False
        self._report(kind, count=self.holding)
        self._after_death()
        if self._process is not None and self._process is not clock.env.active_process:
            self._process.interrupt(kind)
        if self._revive_after_s is not None:
            clock.process(self._later(self._revive_after_s, lambda: self._begin(revived=True)))

    def _runs_callers_code(self, service: ServiceTime) -> bool:
        return callable(service) and not is_ours(service)

    def _draw_ms(self, service: ServiceTime) -> float:
        """Return how long the next entry takes, in milliseconds."""
        if self._runs_callers_code(service):
            self.context.before_callers_code()
        try:
            value = service(self._rng) if callable(service) else service
        except Exception as cause:
            advice = "; give a function of a random.Random that returns milliseconds"
            error = self.context.raised(f"the service_ms of {self.name}", cause, advice)
            raise error from error.__cause__
        return number("service_ms", value, 0) * self._slowdown

    def _function_raised(
        self, option: Literal["fail", "handler"], entry: Entry, cause: Exception
    ) -> str:
        """Report the exception of a function that the caller gave, and return it as a text."""
        advice = (
            f", at the entry {entry.id}{self._outcome}; correct the {option}, or catch the "
            "exception there"
        )
        error = self.context.raised(f"the {option} of {self.name}", cause, advice)
        kind: Kind = "fail_raised" if option == "fail" else "handler_raised"
        self._failed(error, Event(kind, self.name, self._group_name, detail=type(cause).__name__))
        return f"{type(cause).__name__}: {cause}"

    def _failed(self, error: HandlerError, event: Event) -> None:
        self.context.fail(error, event)

    def _report(self, kind: Kind, *, count: int = 0, detail: str = "") -> None:
        self.context.report(Event(kind, self.name, self._group_name, count, detail=detail))
