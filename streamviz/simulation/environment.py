"""Run a scenario's processes so that Ctrl-C never kills one of them unnoticed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import simpy
from simpy.core import EmptySchedule, StopSimulation


class Environment(simpy.Environment):
    """A simpy environment that takes Ctrl-C between two steps."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False  # an exception ended a process: the others cannot go on without it
        self.unfinished: dict[Any, Any] = {}  # Ctrl-C waits until it is empty
        self._interrupted = False

    def step(self) -> None:
        """Run the next event; then raise KeyboardInterrupt if Ctrl-C was pressed meanwhile."""
        try:
            super().step()
        except (EmptySchedule, StopSimulation):
            raise
        except BaseException:
            self.broken = True
            raise
        if not self.unfinished:
            self._check()

    def run_until(self, end: float) -> None:
        """Run all events before a time, also after an interrupted run to an earlier time."""
        while self.now < end:
            self.run(until=end)

    @contextmanager
    def deferring_interrupts(self) -> Iterator[None]:
        """Raise KeyboardInterrupt only between two steps, or at the end.

        A second Ctrl-C is not deferred, for a handler may hang. Other threads than the main one,
        and programs with a signal handler of their own, are left alone.
        """
        usual = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        if not main or usual is not signal.default_int_handler:
            yield
            return

        def defer(number: int, frame: Any) -> None:
            if self._interrupted:
                self.broken = True
                signal.default_int_handler(number, frame)
            self._interrupted = True

        self._interrupted = False
        signal.signal(signal.SIGINT, defer)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)
        self._check()

    def _check(self) -> None:
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt
