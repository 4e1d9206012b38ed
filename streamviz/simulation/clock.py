"""One clock, two ways to advance it: at once, or paced by the wall.

Everything that happens over time is a simpy process, in milliseconds. A virtual advance runs the
processes one after another as fast as they go. A wall clock runs the very same ones in one
background thread, each when its time has come.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import simpy

from streamviz.errors import HandlerError, InputError, is_number

EPOCH_MS = 1_767_225_600_000
"""Where the virtual clock begins: 2026-01-01T00:00:00Z."""

_PATIENCE_S = 5.0  # how long one waits for a handler of somebody else's to come back
_AT_THE_END_S = 1.0
_BUSY = "a handler, a series or a callback has not come back"

Process = Generator[Any, Any, Any]
State = Literal["new", "running", "paused", "stopped"]


class Clock:
    """Time for simpy processes.

    Attributes
    ----------
    env : simpy.Environment
        Where the processes live; its unit is the millisecond.
    error : Exception or None
        The first exception that escaped from a process; the clock has stopped then.
    on_change : list of callable
        Called without arguments when the wall clock has begun, goes on, pauses, or has stopped.
    """

    def __init__(self) -> None:
        self.env = simpy.Environment()
        self.error: Exception | None = None
        self.on_change: list[Callable[[], object]] = []
        self.virtual = True
        self._speed = 1.0
        self._state: State = "new"
        self._ended = False  # set without the lock: a handler that hangs has it
        self._changed = threading.Condition(threading.RLock())
        self._asking: deque[None] = deque()  # one for each thread that wants the clock to itself
        self._thread: threading.Thread | None = None
        self._anchor = (0.0, 0.0)  # wall seconds and env milliseconds that belong together

    @property
    def state(self) -> State:
        """``"new"``, ``"running"``, ``"paused"`` or ``"stopped"``: what the wall clock does."""
        return "stopped" if self._ended else self._state

    def process(self, generator: Process) -> simpy.Process:
        """Start a process; from any thread."""
        with self._hold():
            started = self.env.process(generator)
            self._changed.notify_all()
        return started

    def do(self, action: Callable[[], Any]) -> Any:
        """Do something between two steps of the processes; from any thread."""
        with self._hold():
            result = action()
            self._changed.notify_all()
        return result

    @property
    def time_ms(self) -> int:
        """Now, in milliseconds since 1970 UTC: the virtual time, or this machine's."""
        return EPOCH_MS + round(self.env.now) if self.virtual else int(time.time() * 1000)

    @property
    def speed(self) -> float:
        """How fast the wall clock runs: 2.0 is twice as fast as the wall."""
        return self._speed

    @speed.setter
    def speed(self, factor: float) -> None:
        if not (is_number(factor) and 0 < factor <= 1000):
            raise InputError(f"speed={factor!r}: give a number above 0, at most 1000")
        with self._hold():
            self._set_anchor()
            self._speed = float(factor)
            self._changed.notify_all()

    def advance(self, ms: float) -> None:
        """Run the processes for a span of virtual time, at once, in this thread.

        Raises
        ------
        InputError
            If the span is not positive, or the wall clock has this clock.
        """
        if not isinstance(ms, int | float) or not 0 < ms < float("inf"):
            raise InputError(f"{ms!r} ms is no span of time: give a positive number")
        if not self.virtual:
            raise InputError("this clock runs on the wall: make a new one for a virtual run")
        self.env.run(until=self.env.now + ms)

    def start(self) -> None:
        """Let the wall pace the processes, in one background thread; if paused, go on."""
        with self._hold():
            if self.state == "stopped":
                raise InputError("this clock was stopped: make a new one to start again")
            if self.virtual and self.env.now > 0:
                raise InputError("this clock has run virtually: make a new one for the wall")
            self.virtual = False
            self._state = "running"
            self._set_anchor(fresh=True)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="streamviz", daemon=True)
                self._thread.start()
            self._tell()

    def pause(self) -> None:
        """Hold the time; nothing happens until `start` or `step`."""
        with self._hold():
            if self.state == "running":
                self._set_anchor()
                self._state = "paused"
                self._tell()

    def step(self, until: Callable[[], bool] = lambda: True) -> None:
        """While paused, let things happen one by one until `until` says so."""
        with self._hold():
            if self.state != "paused":
                raise InputError(f"the clock is {self.state}: pause it before you step")
            for _ in range(10_000):
                if self.env.peek() == float("inf") or not self._step() or until():
                    return

    def stop(self) -> None:
        """End the thread, promptly; a second time does nothing.

        Warns
        -----
        RuntimeWarning
            If a handler has not come back: the thread ends as soon as it does.
        """
        self._ended = True
        if self._changed.acquire(timeout=_AT_THE_END_S):
            self._changed.notify_all()
            self._changed.release()
        thread, self._thread = self._thread, None
        if thread is None or thread is threading.current_thread():
            return
        thread.join(_AT_THE_END_S)
        if thread.is_alive():
            warnings.warn(f"{_BUSY}: the clock ends when it does", RuntimeWarning, stacklevel=3)

    @contextmanager
    def _hold(self) -> Iterator[None]:
        """Have the clock to oneself; a clock that is behind its time lets others in for that."""
        self._asking.append(None)
        alone = self._changed.acquire(timeout=_PATIENCE_S)
        self._asking.pop()
        if not alone:
            raise HandlerError(
                f"{_BUSY} for {_PATIENCE_S:g} s: let it return sooner, then try again"
            )
        try:
            yield
        finally:
            self._changed.release()

    def _run(self) -> None:
        with self._changed:
            while not self._ended:
                wait = 0.001 if self._asking else self._wait_s()
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                else:
                    self._step()
            self._tell()

    def _wait_s(self) -> float | None:
        """Return how long it is to the next event, in seconds; None is until something changes."""
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

    def _tell(self) -> None:
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
            moved = env + (now - wall) * 1000 * self._speed
            self._anchor = (now, min(moved, self.env.peek()))
        elif self.state != "running" or fresh:
            held = self._anchor[1] if self.state == "paused" else float(self.env.now)
            self._anchor = (now, max(held, float(self.env.now)))
