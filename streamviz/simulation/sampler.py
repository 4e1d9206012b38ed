"""Sample the streams of a scenario at a fixed interval."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from streamviz.client.hidden_values import FieldsShown
from streamviz.observation.back_off import BackOff
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.observer import Observer
from streamviz.observation.observer_client import observer_client
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.observation.sample import Sample
from streamviz.patterns.partitions import Partitions
from streamviz.simulation.checks import ByName
from streamviz.simulation.context import Context
from streamviz.simulation.producer import Producer
from streamviz.simulation.readers import BaseReader

_CATCHING_UP = 0.75  # of an interval is left


class Sampler:
    """Samples each stream of a scenario, and keeps the samples.

    A sample carries the states of its stream's readers, and of its producers if there are several.
    On the wall clock, the interval is wall time at any speed, and longer while the server is slow.
    """

    def __init__(
        self,
        context: Context,
        producers: Sequence[Producer],
        readers: Mapping[str, BaseReader],
        interval_ms: float,
        limit: int,
        *,
        memory: bool,
    ) -> None:
        self.histories: dict[str, History] = ByName("stream")
        self.on_sample: list[Callable[[Sample], object]] = []  # called in the clock's thread
        self.on_tick: Callable[[], object] = lambda: None  # called after the samples of all streams
        self._context = context
        self._client = observer_client(context.client)  # one for all streams
        self._producers = producers
        self._readers = readers
        self.interval_ms = interval_ms
        self.late_ms = 0.0  # how late the clock was when the last samples were taken
        self._limit = limit
        self._memory = memory
        self._observers: dict[str, Observer] = {}
        self._wholes: dict[str, PartitionObserver] = {}

    def add(self, stream: str, readers_key: str | None = None) -> None:
        """Sample a stream from now on; `readers_key` names the hash of its readers' positions."""
        if stream not in self._observers:
            observer = Observer(self._client, stream, memory=self._memory, fields=self._fields)
            self._keep(stream)
            self._observers[stream] = observer
            self._begin()
        if readers_key is not None:
            self._observers[stream].readers = readers_key

    def add_partitions(self, partitions: Partitions) -> None:
        """Sample all parts of a stream from now on."""
        if partitions.name not in self._wholes:
            whole = PartitionObserver(partitions, fields=self._fields)
            self._keep(partitions.name)
            self._wholes[partitions.name] = whole
            self._begin()

    @property
    def _fields(self) -> FieldsShown:
        return "hide" if self._context.hides else "show"

    def _keep(self, name: str) -> None:
        history = self.histories[name] = History(self._limit)
        if self._context.hides:
            history.hide_fields()

    def _begin(self) -> None:
        if len(self.histories) == 1:
            self._context.clock.process(self._sample_repeatedly())

    def sample(self) -> None:
        """Take a sample of each stream."""
        self._context.acks.send()
        events = self._context.take_events()
        clock = self._context.clock
        time_ms = clock.time_ms if clock.virtual else None  # the observer knows what time it is
        for key, observer in list(self._observers.items()):
            states = [one.state() for one in list(self._readers.values()) if one.stream == key]
            known_states = [state for state in states if state is not None]
            sample = observer.sample(time_ms, events, known_states)
            self._context.unread.check(key, sample)
            if clock.virtual:
                sample = self._context.times.replace(sample, clock.env.now)
            producers = [one for one in self._producers if one.stream == key]
            if len(producers) > 1 and sample.exists:
                sample = replace(sample, producers=tuple(one.state() for one in producers))
            self.histories[key].append(sample)
            self._call_back(sample)
        for name, whole in list(self._wholes.items()):
            sample = whole.sample(time_ms, events)
            self.histories[name].append(sample)
            self._call_back(sample)

    def fit(self, ms: float) -> None:
        """From now on, sample so rarely that the histories can hold a run of this length."""
        interval_ms = math.ceil(ms / max(self._limit - 3, 1))  # samples at both ends, and after it
        if interval_ms > self.interval_ms:
            self.interval_ms = self._context.least_wait_ms = float(interval_ms)

    def thin(self, ms: float) -> None:
        """From now on, keep so few samples that the histories can hold a run of this length."""
        if ms / self.interval_ms + 2 > self._limit:
            every_ms = ms / max(self._limit - 2, 1)
            for history in self.histories.values():
                history.thin(every_ms)

    def close(self) -> None:
        """Close the connections; another sample opens them again."""
        self._client.close()

    def visible_state(self) -> list[object]:
        """Return what the last samples show, without times: it changes when something happens."""
        return [_visible_state(history.newest) for history in list(self.histories.values())]

    @property
    def slowest(self) -> BackOff:
        """A text about the server if it is slow, and how long to wait before the next sample."""
        observers, wholes = list(self._observers.values()), list(self._wholes.values())
        return max(
            [one.back_off for one in observers] + [one.back_off for one in wholes],
            key=lambda back_off: back_off.interval_s,
            default=BackOff(),
        )

    def _sample_repeatedly(self) -> Generator[Any, Any, None]:
        clock, last_ms = self._context.clock, 0.0
        began_s = time.monotonic()
        while True:
            took_ms, began_s = (time.monotonic() - began_s) * 1000, time.monotonic()
            passed_ms, last_ms = clock.env.now - last_ms, clock.env.now
            # without traffic of its own, there is nothing that has to catch up
            late_ms = clock.late_ms
            self.late_ms = 0.0 if clock.env.peek() == math.inf else late_ms
            self.sample()
            self.on_tick()
            if clock.virtual:
                yield clock.env.timeout(self.interval_ms)
            else:
                # handlers that take longer than they should let the clock's time pass slowly
                late = late_ms > self.interval_ms and passed_ms > 0 and took_ms > 0
                pace = passed_ms / took_ms if late else clock.speed
                yield from self._wait(began_s, late_ms, min(pace, clock.speed))

    def _wait(self, began_s: float, late_ms: float, pace: float) -> Generator[Any, Any, None]:
        """Wait for the next sample in wall time, even if the clock's speed changes meanwhile."""
        clock, slow_ms = self._context.clock, self.slowest.interval_s * 1000
        # a slow server's pause begins with the sample, which may have been taken late
        pause_ms = late_ms + slow_ms * clock.speed if slow_ms else 0.0
        wait_ms = max(self.interval_ms * max(pace, clock.speed / 100), pause_ms)
        while True:
            timer = clock.env.timeout(wait_ms)
            yield timer | clock.pace_changed
            left_ms = max(self.interval_ms, slow_ms) - (time.monotonic() - began_s) * 1000
            # a clock that catches up, after Ctrl-Z for example, is not sampled all the way
            if timer.processed and left_ms < _CATCHING_UP * self.interval_ms:
                return
            wait_ms = max(left_ms, 0) * clock.speed

    def _call_back(self, sample: Sample) -> None:
        for call in list(self.on_sample):
            self._context.before_callers_code()
            try:
                call(sample)
            except Exception as cause:
                what = f"the callback {call!r} of on_sample"
                advice = "; correct it, or remove it from on_sample"
                event = Event("callback_raised", detail=type(cause).__name__)
                self._context.caught(cause, what, advice, event)


def _visible_state(sample: Sample | None) -> object:
    if sample is None:
        return None
    groups = [(group.name, group.last_delivered_id, group.pending) for group in sample.groups]
    return sample.length, sample.entries_added, sample.readers, groups
