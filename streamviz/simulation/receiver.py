"""Whoever gets the entries of a stream in a scenario without a group: lives, dies, comes back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Literal

import simpy

from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.errors import HandlerError
from streamviz.observation.events import Event
from streamviz.observation.sample import ReaderState
from streamviz.simulation.behaviour import ServiceTime, not_negative, service_time
from streamviz.simulation.context import Context

_MOST_TOLD = 200  # entries handled between two looks that a sample tells of


class SimulatedReceiver:
    """One who gets entries and handles them; a subclass says how.

    Parameters
    ----------
    context : Context
        Where it lives.
    stream, name : str
        Whose entries it gets, and who it is.
    service_ms : float or callable
        How long one entry takes, in milliseconds; see `Scenario.group`.
    handler : callable, optional
        Called with each `Entry`; an exception is shown, and the receiver goes on.
    crash_at_s, revive_after_s : float, optional
        It dies at that second; it comes back after so long.

    Attributes
    ----------
    alive : bool
        Whether it is there.
    handled : int
        Entries it has handled, each time counted.

    Raises
    ------
    InputError
        If an option is wrong.
    """

    _dice = "Receiver"  # names its random choices, whatever the class is called

    def __init__(
        self,
        context: Context,
        stream: str,
        name: str,
        *,
        service_ms: ServiceTime = 100.0,
        handler: Callable[[Entry], Any] | None = None,
        crash_at_s: float | None = None,
        revive_after_s: float | None = None,
    ) -> None:
        for option, value in (("crash_at_s", crash_at_s), ("revive_after_s", revive_after_s)):
            if value is not None:
                not_negative(option, value)
        self.context = context
        self.stream = stream
        self.name = name
        self.alive = False
        self.handled = 0
        self._at: EntryId | None = None
        self._got: deque[EntryId] = deque(maxlen=_MOST_TOLD)
        self._service = service_time(service_ms)
        self._handler = handler
        self._crash_at_s = crash_at_s
        self._revive_after_s = revive_after_s
        self._rng = context.random(f"{self._dice} {stream} {name}")
        self._process: simpy.Process | None = None

    def kill(self) -> None:
        """Let it die now; dead already, nothing happens."""
        self.context.clock.do(lambda: self._die("killed"))

    def revive(self) -> None:
        """Let it come back, as it remembers; alive, nothing happens."""
        self.context.clock.do(lambda: self._begin(returning=True))

    def state(self) -> ReaderState | None:
        """Return where it is and what it has handled since it was last asked; None if nowhere."""
        got = tuple(self._got)
        self._got.clear()
        at = got[-1] if self._at is None and got else self._at
        return None if at is None else ReaderState(self.name, at, got)

    def __repr__(self) -> str:
        state = "alive" if self.alive else "dead"
        kind = type(self).__name__
        return f"<{kind} {self.name!r} of {self.stream!r}: {state}, handled {self.handled}>"

    def _live(self) -> Generator[Any, Any, None]:
        """Get entries and handle them, as long as it is alive."""
        raise NotImplementedError

    def _lie_down(self) -> None:
        """Do what death brings."""

    def _first_begin(self) -> None:
        self._begin()
        if self._crash_at_s is not None:
            self.context.clock.process(self._crash_at(self._crash_at_s * 1000))

    def _begin(self, *, returning: bool = False) -> None:
        if self.alive:
            return
        self.alive = True
        if returning:
            self.context.report(Event("revived", self.name))
        self._process = self.context.clock.process(self._until_death())

    def _until_death(self) -> Generator[Any, Any, None]:
        with suppress(simpy.Interrupt):
            yield from self._live()

    def _crash_at(self, ms: float) -> Generator[Any, Any, None]:
        yield self.context.clock.env.timeout(ms)
        self._die("crashed")

    def _die(self, how: Literal["killed", "crashed"]) -> None:
        if not self.alive:
            return
        clock = self.context.clock
        self.alive = False
        self.context.report(Event(how, self.name))
        self._lie_down()
        if self._process is not None and self._process is not clock.env.active_process:
            self._process.interrupt(how)
        if self._revive_after_s is not None:
            clock.process(self._come_back(self._revive_after_s * 1000))

    def _come_back(self, ms: float) -> Generator[Any, Any, None]:
        yield self.context.clock.env.timeout(ms)
        self._begin(returning=True)

    def _handle(self, entry: Entry) -> Generator[Any, Any, None]:
        """Take the time that an entry takes, and handle it."""
        service = self._service
        ms = service(self._rng) if callable(service) else service
        yield self.context.clock.env.timeout(not_negative("service_ms", ms))
        try:
            if self._handler is not None:
                self._handler(entry)
        except Exception as cause:
            error = HandlerError(
                f"the handler of {self.name} raised {type(cause).__name__}: {cause}, at the entry "
                f"{entry.id}; mend the handler, or catch it there"
            )
            error.__cause__ = cause
            raised = Event("handler_raised", self.name, detail=type(cause).__name__)
            self.context.fail(error, raised)
        self.handled += 1
        self._at = entry.id
        self._got.append(entry.id)
