"""One clock that runs in two ways: as fast as possible, or at the pace of the wall clock.

Everything that happens over time is a simpy process, in milliseconds. A virtual clock runs the
processes one after another, at once. A wall clock runs the same processes in one background thread,
each when its time has come. A process may wait for a server or a handler; the clock can be paused,
paced and stopped meanwhile.
"""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections.abc import Callable, Generator
from typing import Any, Literal, TypeVar

from streamviz.errors import InputError
from streamviz.simulation.actions import Actions
from streamviz.simulation.checks import positive
from streamviz.simulation.environment import Environment

EPOCH_MS = 1_767_225_600_000
"""The start of the virtual clock: 2026-01-01T00:00:00Z."""

Process = Generator[Any, Any, Any]
State = Literal["new", "running", "paused", "stopped"]
Result = TypeVar("Result")


class Clock:
    """Time for simpy processes.

    Attributes
    ----------
    env : Environment
        Runs the processes; its unit is the millisecond.
    error : Exception or None
        The first exception that a process raised; it stops the clock.
    on_change : list of callable
        Called without arguments when the wall clock starts, pauses, resumes or stops, its speed
        changes, or an action is done late.
    on_late_error : callable
        Called with the exception of an action whose caller has gone; see `do`.
    virtual : bool
        Whether this is a virtual clock. A new clock is, until `start`.
    """

    def __init__(self) -> None:
        self.env = Environment()
        self.error: Exception | None = None
        self.on_change: list[Callable[[], object]] = []
        self.on_late_error: Callable[[BaseException], object] = lambda error: None
        self.virtual = True
        self._began_ms: int | None = None  # of data that keep their own times
        self.pace_changed = self.env.event()  # triggers when the speed is set
        self._speed = 1.0
        self._state: State = "new"
        self._ended = False
        self._changed = threading.Condition(threading.RLock())  # of state and speed; held briefly
        # of other threads than the one that runs processes
        self._actions = Actions(self._changed, self._done_late)
        self._anchor = (0.0, 0.0)  # the same moment in wall seconds and in env milliseconds

    @property
    def state(self) -> State:
        """The state of the wall clock: ``"new"``, ``"running"``, ``"paused"`` or ``"stopped"``."""
        return "stopped" if self._ended else self._state

    @property
    def waiting(self) -> str:
        """What `do` still has to do, and what it waits for, in words; empty if nothing waits."""
        return self._actions.waiting

    def process(self, generator: Process) -> None:
        """Start a simpy process, from any thread."""
        self.do(lambda: self.env.process(generator))

    def do(self, action: Callable[[], object], name: str = "") -> None:
        """Call `action` between two steps of the processes, from any thread.

        While a process waits for a server or a handler, this returns: the action follows as soon
        as the process goes on.
        """
        self._actions.do(action, name)

    def call(self, function: Callable[[], Result]) -> Result:
        """Call `function` between two steps of the processes, from any thread; return its result.

        ServerUnreachable or HandlerError if a process waits for a server or a handler.
        """
        return self._actions.call(function)

    @property
    def time_ms(self) -> int:
        """The virtual time, or this machine's time, in milliseconds since 1970 UTC."""
        if not self.virtual:
            return int(time.time() * 1000)
        return self.began_ms + math.floor(self.env.now + 0.5)

    @property
    def began_ms(self) -> int:
        """The virtual time at which this clock begins: that of the data, or `EPOCH_MS`."""
        return EPOCH_MS if self._began_ms is None else self._began_ms

    @property
    def late_ms(self) -> float:
        """How long ago the step that is running was due, in its milliseconds; 0 if it is none."""
        with self._changed:
            late_ms = self._wall_env_ms(time.monotonic()) - self.env.now
            return max(late_ms, 0.0) if self.state == "running" else 0.0

    def begin_at(self, ms: int) -> None:
        """Begin at the time of data, or earlier if other data already do.

        InputError if it has run, and the data begin before its time.
        """
        if not self.env.now:
            self._began_ms = ms if self._began_ms is None else min(ms, self._began_ms)
        elif ms < self.began_ms + self.env.now:
            raise InputError(
                "the data keep their own times and begin before the time of this scenario, which "
                "has run: call produce() before the first run, or read them without keep_time"
            )

    @property
    def speed(self) -> float:
        """How fast the wall clock runs; 2.0 is twice as fast."""
        return self._speed

    @speed.setter
    def speed(self, factor: float) -> None:
        speed = float(positive("speed", factor, 1000))
        with self._changed:
            self._set_anchor()
            self._speed = speed
        self.do(self._tell_pace)
        self._notify()

    def advance(self, ms: float) -> None:
        """Run the processes for a span of virtual time, as fast as possible, in this thread.

        InputError if the span is not positive, this clock is a wall clock, or a process has broken
        off.
        """
        span_ms = positive("ms", ms)
        if not self.virtual:
            raise InputError(
                "start() was called, and real time goes by: create a new Scenario to run() it"
            )
        if self.env.broken:
            raise InputError(
                "an exception or Ctrl-C ended one of the processes in the middle, and the others "
                "cannot go on without it: create a new scenario"
            )
        self.env.run_until(self.env.now + span_ms)

    def start(self) -> None:
        """Run at the pace of the wall clock, in one background thread; if paused, resume."""
        with self._changed:
            if self.state == "stopped":
                raise InputError(
                    "it was stopped, which is final: create a new Scenario to start again"
                )
            if self.virtual and self.env.now > 0:
                raise InputError(
                    "run() was called: call run() to go on, or create a new Scenario to start() "
                    "it in real time"
                )
            self._set_anchor()
            self.virtual = False
            self._state = "running"
            if self._actions.thread is None:
                thread = threading.Thread(target=self._run, name="streamviz", daemon=True)
                self._actions.thread = thread
                thread.start()
        self._notify()

    def pause(self) -> None:
        """Stop the time until `start` or `step`; a process that waits for a server goes on."""
        with self._changed:
            if self.state != "running":
                return
            self._set_anchor()
            self._state = "paused"
        self.do(lambda: None)  # then nothing runs any more
        self._notify()

    def step(self, until: Callable[[], bool] = lambda: True) -> None:
        """While paused, run events one by one until `until` returns true."""
        if self.state != "paused":
            raise InputError(f"the clock is {self.state}: pause it before you step")
        self.call(lambda: self._step_until(until))

    def _step_until(self, until: Callable[[], bool]) -> None:
        for _ in range(10_000):
            if self.env.peek() == float("inf") or not self._step() or until():
                return

    def stop(self) -> None:
        """Stop the thread at once. If it is stopped, do nothing.

        RuntimeWarning if a handler is still running: the thread ends as soon as it returns.
        """
        with self._changed:
            was_ended, self._ended = self._ended, True
            self._changed.notify_all()
        obstacle = self._actions.join()
        if obstacle and not was_ended:
            message = f"{obstacle}: the clock stops as soon as it does"
            warnings.warn(message, RuntimeWarning, stacklevel=5)  # of Scenario.stop()

    def _run(self) -> None:
        while self._wait_until_due():
            self._actions.carry_out()
            if self._wait_s() == 0:  # it may have been paused since
                self._step()
        self._actions.ended = True
        self._actions.carry_out()
        self._notify()

    def _tell_pace(self) -> None:
        changed, self.pace_changed = self.pace_changed, self.env.event()
        changed.succeed()

    def _done_late(self, error: BaseException | None) -> None:
        if error is not None:
            self.on_late_error(error)
        self._notify()

    def _wait_until_due(self) -> bool:
        """Wait for the next event or action; return False if the clock has stopped."""
        with self._changed:
            while not self._ended:
                wait_s = self._wait_s()
                if wait_s == 0 or self._actions:
                    return True
                self._changed.wait(wait_s)
        return False

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
        return not self._ended

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
        for call in list(self.on_change):
            try:
                call()
            except Exception as error:
                self.error = self.error or error

    def _set_anchor(self) -> None:
        now = time.monotonic()
        if self.state == "running":
            self._anchor = (now, min(self._wall_env_ms(now), self.env.peek()))
        else:  # paused, perhaps with steps since, or new
            self._anchor = (now, max(self._anchor[1], float(self.env.now)))

    def _wall_env_ms(self, wall_s: float) -> float:
        """Return the time of the processes at a wall time while the clock runs."""
        wall, env = self._anchor
        return env + (wall_s - wall) * 1000 * self._speed
