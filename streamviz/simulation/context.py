"""What the parts of a scenario share: the clock, events, random numbers, and wake-ups."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import redis
import simpy

from streamviz.client.entry_id import EntryId
from streamviz.errors import HandlerError, StreamVizError
from streamviz.observation.events import Event
from streamviz.simulation.clock import Clock
from streamviz.simulation.idle_times import IdleTimes
from streamviz.simulation.late_acks import LateAcks
from streamviz.simulation.unread import Unread
from streamviz.simulation.wake_ups import NextRead, WakeUps

_POLL_MS = 100.0


@dataclass(slots=True)
class DeadLetterStream:
    """A dead-letter stream, and what the run has added to it."""

    stream: str
    added: int = 0
    last_id: EntryId = EntryId.ZERO
    trims: bool = False


class Context:
    """What the parts of a scenario share. The scenario creates it and gives it to each part."""

    def __init__(self, client: redis.Redis, seed: int, *, hides: bool) -> None:
        self.client = client
        self.hides = hides  # whether nothing may show the values of entries' fields
        self.seed = seed
        self.clock = Clock()
        self.clock.on_late_error = lambda error: self.report(Event("problem", detail=str(error)))
        # of a handler, a series, a callback or a function in a behaviour
        self.error: Exception | None = None
        self.times = IdleTimes()
        self.unread = Unread()
        self.wake_ups = WakeUps(self.clock, self.unread)
        self.acks = LateAcks(lambda error: self.report_once(Event("problem", detail=str(error))))
        # why a pending entry could not be handled, by group, stream and entry ID
        self.failures: dict[tuple[str, str, EntryId], str] = {}
        self.dead_letters: dict[str, DeadLetterStream] = {}
        # called with the stream, the ID and the fields of each entry that a producer adds
        self.on_added: list[Callable[[str, EntryId | None, Any], object]] = []
        self.least_wait_ms = 0.0  # a run of years would otherwise consist of waiting
        self._events: deque[Event] = deque()  # any thread may report
        self._reported: set[Event] = set()

    def rng(self, name: str) -> random.Random:
        """Return a part's random numbers: the same in each run with this seed and this name."""
        return random.Random(f"{self.seed} {name}".encode("utf-8", "surrogateescape"))

    def report(self, event: Event) -> None:
        """Report an event; the next sample carries it."""
        self._events.append(event)

    def report_once(self, event: Event) -> None:
        """Report an event unless an equal one has been reported."""
        if event not in self._reported:
            self._reported.add(event)
            self.report(event)

    def raised(self, what: str, cause: Exception, advice: str) -> HandlerError:
        """Return the error for an exception that a function of the caller raised."""
        text = "" if self.hides else f": {cause}"  # it may hold values
        error = HandlerError(f"{what} raised {type(cause).__name__}{text}{advice}")
        error.__cause__ = None if self.hides else cause
        return error

    def caught(self, cause: Exception, what: str, advice: str, event: Event) -> None:
        """Report an exception that a function of the caller raised, as `fail` does."""
        if self.hides or not isinstance(cause, StreamVizError):
            cause = self.raised(what, cause, advice)
        self.fail(cause, event)

    def fail(self, error: Exception, event: Event) -> None:
        """Keep the first error, and report it without its text: the text may hold values."""
        self.error = self.error or error
        self.report_once(event)

    def before_callers_code(self) -> None:
        """Prepare for a function of the caller, which may look at the streams and change them."""
        self.acks.send()
        self.unread.forget()

    def forget(self, group: str, stream: str, entry_id: EntryId) -> None:
        """Forget an entry that is no longer pending."""
        self.times.delivered.pop((group, stream, entry_id), None)
        self.failures.pop((group, stream, entry_id), None)

    def take_events(self) -> tuple[Event, ...]:
        """Return the events since the last call."""
        return tuple(self._events.popleft() for _ in range(len(self._events)))

    def wait_for_entries(
        self, streams: Iterable[str], next_read: NextRead | None = None
    ) -> simpy.Event:
        """Return an event that triggers when an entry is added to one of the streams.

        It triggers after 100 or `least_wait_ms` milliseconds at the latest. For `next_read`, see
        `WakeUps.wait`.
        """
        return self.wake_ups.wait(streams, max(_POLL_MS, self.least_wait_ms), next_read)

    def entry_added(self, stream: str) -> None:
        """Wake up the parts that wait for entries of a stream."""
        self.unread.added(stream)
        self.wake_ups.wake(stream)
