"""One clock that runs in two ways: as fast as possible, or at the pace of the wall clock.

Everything that happens over time is a simpy process, in milliseconds. A virtual clock runs the
processes one after another, at once. A wall clock runs the same processes in one background thread,
each when its time has come.
"""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import simpy

from streamviz.errors import HandlerError, InputError
from streamviz.simulation.checks import positive

EPOCH_MS = 1_767_225_600_000
"""The start of the virtual clock: 2026-01-01T00:00:00Z."""

_LOCK_TIMEOUT_S = 5.0  # how long a caller waits for a handler that is running
_JOIN_TIMEOUT_S = 1.0
_BUSY = "a handler, a series or a callback has not returned"

Process = Generator[Any, Any, Any]
State = Literal["new", "running", "paused", "stopped"]


class Clock:
    """Time for simpy processes.

    Attributes
    ----------
    env : simpy.Environment
        Runs the processes; its unit is the millisecond.
    error : Exception or None
        The first exception that a process raised; it stops the clock.
    on_change : list of callable
        Called without arguments when the wall clock starts, pauses, resumes or stops.
    virtual : bool
        Whether this is a virtual clock. A new clock is, until `start`.
    """

    def __init__(self) -> None:
        self.env = simpy.Environment()
        self.error: Exception | None = None
        self.on_change: list[Callable[[], object]] = []
        self.virtual = True
        self._speed = 1.0
        self._state: State = "new"
        self._ended = False  # set without the lock, which a handler that hangs may hold
        self._changed = threading.Condition(threading.RLock())
        self._waiting: deque[None] = deque()  # one item for each thread that waits for the lock
        self._thread: threading.Thread | None = None
        self._anchor = (0.0, 0.0)  # the same moment in wall seconds and in env milliseconds

    @property
    def state(self) -> State:
        """The state of the wall clock: ``"new"``, ``"running"``, ``"paused"`` or ``"stopped"``."""
        return "stopped" if self._ended else self._state

    def process(self, generator: Process) -> simpy.Process:
        """Start a process, from any thread."""
        with self._locked():
            process = self.env.process(generator)
            self._changed.notify_all()
        return process

    def do(self, action: Callable[[], Any]) -> Any:
        """Call `action` between two steps of the processes, from any thread; return its result."""
        with self._locked():
            result = action()
            self._changed.notify_all()
        return result

    @property
    def time_ms(self) -> int:
        """The virtual time, or this machine's time, in milliseconds since 1970 UTC."""
        return (
            EPOCH_MS + math.floor(self.env.now + 0.5) if self.virtual else int(time.time() * 1000)
        )

    @property
    def speed(self) -> float:
        """How fast the wall clock runs; 2.0 is twice as fast."""
        return self._speed

    @speed.setter
    def speed(self, factor: float) -> None:
        speed = float(positive("speed", factor, 1000))
        with self._locked():
            self._set_anchor()
            self._speed = speed
            self._changed.notify_all()

    def advance(self, ms: float) -> None:
        """Run the processes for a span of virtual time, as fast as possible, in this thread.

        Raises
        ------
        InputError
            If the span is not positive, or this clock is a wall clock.
        """
        span_ms = positive("ms", ms)
        if not self.virtual:
            raise InputError("this is a wall clock: create a new clock for a virtual run")
        self.env.run(until=self.env.now + span_ms)

    def start(self) -> None:
        """Run at the pace of the wall clock, in one background thread; if paused, resume."""
        with self._locked():
            if self.state == "stopped":
                raise InputError("this clock was stopped: create a new one to start again")
            if self.virtual and self.env.now > 0:
                raise InputError("this clock has run virtually: create a new one for wall time")
            self.virtual = False
            self._state = "running"
            self._set_anchor(fresh=True)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="streamviz", daemon=True)
                self._thread.start()
            self._notify()

    def pause(self) -> None:
        """Stop the time until `start` or `step`."""
        with self._locked():
            if self.state == "running":
                self._set_anchor()
                self._state = "paused"
                self._notify()

    def step(self, until: Callable[[], bool] = lambda: True) -> None:
        """While paused, run events one by one until `until` returns true."""
        with self._locked():
            if self.state != "paused":
                raise InputError(f"the clock is {self.state}: pause it before you step")
            for _ in range(10_000):
                if self.env.peek() == float("inf") or not self._step() or until():
                    return

    def stop(self) -> None:
        """Stop the thread at once. If it is stopped, do nothing.

        Warns
        -----
        RuntimeWarning
            If a handler is still running. The thread ends as soon as the handler returns.
        """
        self._ended = True
        if self._changed.acquire(timeout=_JOIN_TIMEOUT_S):
            self._changed.notify_all()
            self._changed.release()
        thread, self._thread = self._thread, None
        if thread is None or thread is threading.current_thread():
            return
        thread.join(_JOIN_TIMEOUT_S)
        if thread.is_alive():
            warnings.warn(f"{_BUSY}: the clock stops when it does", RuntimeWarning, stacklevel=3)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the clock. A clock that is late lets waiting threads in between two steps."""
        self._waiting.append(None)
        acquired = self._changed.acquire(timeout=_LOCK_TIMEOUT_S)
        self._waiting.pop()
        if not acquired:
            raise HandlerError(
                f"{_BUSY} for {_LOCK_TIMEOUT_S:g} s: make it return sooner, then try again"
            )
        try:
            yield
        finally:
            self._changed.release()

    def _run(self) -> None:
        with self._changed:
            while not self._ended:
                wait = 0.001 if self._waiting else self._wait_s()
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                else:
                    self._step()
            self._notify()

    def _wait_s(self) -> float | None:
        """Return the time until the next event, in seconds; None means until something changes."""
        due = self.env.peek()
        if self.state != "running" or due == float("inf"):
            return None
        wall, env = self._anchor
        return max(wall + (due - env) / 1000 / self._speed - time.monotonic(), 0.0)

    def _step(self) -> bool:
        try:
            self.env.step()
        except Exception as error:
            self.error = self.error or error
            self._ended = True
            self._changed.notify_all()
        return not self._ended

    def _notify(self) -> None:
        self._changed.notify_all()
        for call in list(self.on_change):
            try:
                call()
            except Exception as error:
                self.error = self.error or error

    def _set_anchor(self, *, fresh: bool = False) -> None:
        now = time.monotonic()
        if not fresh and self.state == "running":
            wall, env = self._anchor
            env_now = env + (now - wall) * 1000 * self._speed
            self._anchor = (now, min(env_now, self.env.peek()))
        elif self.state != "running" or fresh:
            paused_at = self._anchor[1] if self.state == "paused" else float(self.env.now)
            self._anchor = (now, max(paused_at, float(self.env.now)))
