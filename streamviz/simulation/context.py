"""What producers, consumers and readers need of their scenario: clock, events, dice, wake-ups."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

import redis
import simpy

from streamviz.client.entry_id import EntryId
from streamviz.observation.events import Event
from streamviz.simulation.clock import Clock


class Context:
    """What a scenario's parts share; the scenario composes it, and each part gets it.

    Parameters
    ----------
    client : redis.Redis
        The server.
    seed : int
        The seed of every random choice.

    Attributes
    ----------
    clock : Clock
        The clock that all parts run on.
    error : Exception or None
        The first exception of a handler, a series, a callback or a function in a plan.
    delivered : dict
        The clock's time of each delivery that may be claimed, by group, stream and entry ID.
    on_added : list of callable
        Called with the stream, the ID and the fields of each entry that a producer adds.
    """

    def __init__(self, client: redis.Redis, seed: int) -> None:
        self.client = client
        self.seed = seed
        self.clock = Clock()
        self.error: Exception | None = None
        self.delivered: dict[tuple[str, str, EntryId], float] = {}
        self.on_added: list[Callable[[str, EntryId | None, Any], object]] = []
        self._events: list[Event] = []
        self._reported: set[Event] = set()
        self._wakeups: dict[str, simpy.Event] = {}

    def random(self, who: str) -> random.Random:
        """Return the dice of one part: the same ones in each run with this seed."""
        return random.Random(f"{self.seed} {who}")

    def report(self, event: Event) -> None:
        """Report an event; the next sample carries it."""
        self._events.append(event)

    def report_once(self, event: Event) -> None:
        """Report an event unless an equal one was reported before."""
        if event not in self._reported:
            self._reported.add(event)
            self.report(event)

    def fail(self, error: Exception, event: Event) -> None:
        """Keep the first error, and report it without its own words: they may hold values."""
        self.error = self.error or error
        self.report_once(event)

    def take_events(self) -> tuple[Event, ...]:
        """Return the events since the last call."""
        events, self._events = tuple(self._events), []
        return events

    def wait_for_entries(self, streams: Iterable[str], within_ms: float) -> simpy.Event:
        """Return an event that comes with the next entry of a stream, or after a while."""
        env = self.clock.env
        wakeups = [self._wakeups.setdefault(key, env.event()) for key in streams]
        return env.any_of([*wakeups, env.timeout(within_ms)])

    def entry_added(self, stream: str) -> None:
        """Wake up what waits for entries of a stream."""
        wakeup = self._wakeups.pop(stream, None)
        if wakeup is not None:
            wakeup.succeed()
