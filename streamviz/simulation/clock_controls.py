"""The controls of a clock that a scenario offers to people and widgets."""

from __future__ import annotations

from typing import Self

from streamviz.simulation.checks import Guarded
from streamviz.simulation.clock import Clock, State


class ClockControls(Guarded):
    """Starts, pauses, paces and stops a wall clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

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
