"""Consumer groups of a scenario at work: they read, handle, acknowledge, die and return."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import Any, Literal

import simpy

from streamviz.client.arguments import Id
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.errors import HandlerError, InputError, NoSuchGroup, StreamVizError
from streamviz.observation.events import Event, Kind
from streamviz.patterns.merge import OrderedGroupReader, Page
from streamviz.simulation.behaviour import (
    ConsumerBehaviour,
    ServiceTime,
    not_negative,
    service_time,
)
from streamviz.simulation.claiming import Claiming, check_server, old_work
from streamviz.simulation.context import Context

_POLL_MS = 100.0


class SimulatedGroup:
    """A consumer group of a scenario, on one stream or on several.

    Attributes
    ----------
    name : str
        The group's name.
    streams : tuple of str
        The streams it reads, in the order of time; see `OrderedGroupReader`.
    consumers : dict of str to Worker
        Its consumers by name.
    start_id : EntryId or str
        Where it begins in a stream if it is created.
    """

    def __init__(
        self,
        context: Context,
        streams: tuple[str, ...],
        name: str,
        service: ServiceTime,
        plan: ConsumerBehaviour,
        start_id: Id,
    ) -> None:
        check_server(context.client, plan)
        self.context = context
        self.streams = streams
        self.name = name
        self.plan = plan
        self.start_id = start_id
        self.consumers: dict[str, SimulatedConsumer] = {}
        self._service = service_time(service)

    @property
    def service_ms(self) -> ServiceTime:
        """How long an entry takes: milliseconds, or a function of a `random.Random`."""
        return self._service

    @service_ms.setter
    def service_ms(self, value: ServiceTime) -> None:
        self._service = service_time(value)

    def add_consumer(
        self, name: str | None = None, *, service_ms: ServiceTime | None = None
    ) -> SimulatedConsumer:
        """Let one more consumer work, also while the scenario runs.

        Parameters
        ----------
        name : str, optional
            Without one: the group's name and a number.
        service_ms : float or callable, optional
            Its own pace; without one, the group's.
        """
        name = name or f"{self.name}-{len(self.consumers) + 1}"
        if name in self.consumers:
            raise InputError(
                f"the group {self.name!r} has a consumer {name!r}: choose another name"
            )
        worker = SimulatedConsumer(
            self, name, None if service_ms is None else service_time(service_ms)
        )
        self.consumers[name] = worker
        worker._start(returning=False)
        return worker

    def __repr__(self) -> str:
        many = len(self.consumers)
        return (
            f"<SimulatedGroup {self.name!r} of {', '.join(map(repr, self.streams))}: "
            f"{many} consumer{'s' * (many != 1)}>"
        )


class SimulatedConsumer:
    """One consumer of a scenario.

    Attributes
    ----------
    name : str
        The consumer's name.
    alive : bool
        Whether it works.
    handled : int
        Entries it has finished.
    holding : int
        Entries it has in its hands: delivered to it, and not finished. Of several streams, those
        that wait for their turn in time are among them.
    """

    def __init__(self, group: SimulatedGroup, name: str, service: ServiceTime | None) -> None:
        self.group = group
        self.name = name
        self.alive = False
        self.handled = 0
        self.holding = 0
        self._service = service
        self._crashed = False  # as `crash_after` has it, which happens once
        self._process: simpy.Process | None = None
        context = group.context
        self._rng = context.random(f"consumer {group.name} {name}")
        self._reader = OrderedGroupReader(
            context.client, group.streams, group.name, name, pending_first=False
        )
        self._claiming = Claiming(context, group.plan, name, self._reader)

    @property
    def service_ms(self) -> ServiceTime:
        """How long an entry takes this consumer; set it to give the consumer its own pace."""
        return self._service if self._service is not None else self.group.service_ms

    @service_ms.setter
    def service_ms(self, value: ServiceTime) -> None:
        self._service = service_time(value)

    def kill(self) -> None:
        """Let it die now, with whatever is in its hands; dead already, nothing happens."""
        self.group.context.clock.do(lambda: self._die("killed"))

    def revive(self) -> None:
        """Let it come back; it begins with its own pending entries. Alive, nothing happens."""
        self.group.context.clock.do(self._revive)

    def _revive(self) -> None:
        if not self.alive:
            self._start(returning=True)

    def __repr__(self) -> str:
        state = "alive" if self.alive else "dead"
        counts = f"handled {self.handled}, holding {self.holding}"
        return f"<SimulatedConsumer {self.name!r}: {state}, {counts}>"

    def _start(self, *, returning: bool) -> None:
        context = self.group.context
        self.alive = True
        if returning:
            context.report(Event("revived", self.name, self.group.name))
            if len(self.group.streams) > 1:
                self._reader.restart()  # old and new, in order
        self._process = context.clock.process(self._work(returning=returning))
        if not returning and self.group.plan.crash_at_s is not None and self._is_first:
            context.clock.process(self._crash_at(self.group.plan.crash_at_s * 1000))

    @property
    def _is_first(self) -> bool:
        return next(iter(self.group.consumers.values())) is self

    def _crash_at(self, ms: float) -> Generator[Any, Any, None]:
        yield self.group.context.clock.env.timeout(ms)
        self._die("crashed")

    def _die(self, how: Literal["killed", "crashed"]) -> None:
        if not self.alive:
            return
        context, plan = self.group.context, self.group.plan
        self.alive = False
        context.report(Event(how, self.name, self.group.name, self.holding))
        if self._process is not None and self._process is not context.clock.env.active_process:
            self._process.interrupt(how)
        if plan.revive_after_s is not None:
            context.clock.process(self._come_back(plan.revive_after_s * 1000))

    def _come_back(self, ms: float) -> Generator[Any, Any, None]:
        yield self.group.context.clock.env.timeout(ms)
        if not self.alive:
            self._start(returning=True)

    def _work(self, *, returning: bool) -> Generator[Any, Any, None]:
        try:
            self._appear()
            while self.alive:
                found = self._next(returning=returning)
                returning = returning and bool(found)
                if found:
                    yield from self._handle(found)
                else:
                    yield self.group.context.wait_for_entries(self.group.streams, _POLL_MS)
        except simpy.Interrupt:
            pass

    def _appear(self) -> None:
        """Be in the group from the start: before 7.2, who asks in vain is not there yet."""
        with suppress(StreamVizError):  # the read that follows says it
            for group in self._reader.groups.values():
                group.create_consumer(self.name)

    def _next(self, *, returning: bool) -> Page:
        """Return what to do next: own old work, else new work, else what others left behind."""
        context, plan, reader = self.group.context, self.group.plan, self._reader
        waited = {(key, entry.id) for key, entry in reader.held_back}
        try:
            if returning and len(self.group.streams) == 1:
                key = self.group.streams[0]
                found = old_work(reader.groups[key], reader.consumers[key], plan.batch)
            else:
                found = self._claiming.read() or self._claiming.take()
        except NoSuchGroup:
            context.report_once(Event("group_gone", group=self.group.name))
            return []
        except StreamVizError as error:
            context.report_once(Event("problem", detail=str(error)))
            return []
        if plan.claim_idle_ms is not None and plan.ack != "noack":  # else nobody asks
            now = context.clock.env.now
            for key, entry in (*found, *reader.held_back):
                if (key, entry.id) not in waited:
                    context.delivered[self.group.name, key, entry.id] = now
        return found

    def _handle(self, found: Page) -> Generator[Any, Any, None]:
        plan, clock = self.group.plan, self.group.context.clock
        self.holding = len(found) + len(self._reader.held_back)
        if plan.ack == "before":
            self._ack(found)
        for key, entry in found:
            if self._crashes():
                self._die("crashed")
                return
            yield clock.env.timeout(self._service_time())
            done = self._call(entry)
            self.holding -= 1
            if done:
                self.handled += 1
                if plan.ack == "after":
                    self._ack([(key, entry)])
        self.holding = len(self._reader.held_back)

    def _crashes(self) -> bool:
        plan = self.group.plan
        due = plan.crash_after is not None and self.handled >= plan.crash_after
        if due and self._is_first and not self._crashed:
            self._crashed = True
            return True
        return plan.crash_chance > 0 and self._rng.random() < plan.crash_chance

    def _service_time(self) -> float:
        service = self.service_ms
        try:
            value = service(self._rng) if callable(service) else service
        except Exception as cause:
            raise HandlerError(
                f"the service_ms of {self.name} raised {type(cause).__name__}: {cause}; give a "
                "function of a random.Random that returns milliseconds"
            ) from cause
        return not_negative("service_ms", value)

    def _call(self, entry: Entry) -> bool:
        plan, what = self.group.plan, "fail"
        try:
            fails = plan.fail(entry) if callable(plan.fail) else self._rng.random() < plan.fail
            if fails:
                self.group.context.report(
                    Event("failed", self.name, self.group.name, detail=str(entry.id))
                )
            elif plan.handler is not None:
                what = "handler"
                plan.handler(entry)
        except Exception as cause:
            error = HandlerError(
                f"the {what} of {self.name} raised {type(cause).__name__}: {cause}, at the entry "
                f"{entry.id}, which stays pending; mend the {what}, or catch it there"
            )
            error.__cause__ = cause
            raised: Kind = "fail_raised" if what == "fail" else "handler_raised"
            self.group.context.fail(
                error, Event(raised, self.name, self.group.name, detail=type(cause).__name__)
            )
            return False
        return not fails

    def _ack(self, found: Page) -> None:
        by_key: dict[str, list[EntryId]] = {}
        for key, entry in found:
            by_key.setdefault(key, []).append(entry.id)
            self.group.context.delivered.pop((self.group.name, key, entry.id), None)
        for key, ids in by_key.items():
            try:
                self._reader.consumers[key].ack(*ids)
            except StreamVizError as error:
                self.group.context.report_once(Event("problem", detail=str(error)))
