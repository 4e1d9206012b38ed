"""Consumer groups of a scenario: their consumers read, handle, acknowledge, crash and claim."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import suppress
from typing import Any

from streamviz.client.arguments import Id, name_text
from streamviz.client.entry_id import EntryId
from streamviz.errors import HandlerError, InputError, NoSuchGroup, StreamVizError
from streamviz.observation.events import Event
from streamviz.patterns.merge import OrderedGroupReader, Page
from streamviz.simulation.behaviour import ConsumerBehaviour, ServiceTime, service_time
from streamviz.simulation.checks import ByName
from streamviz.simulation.claiming import Claimer, check_server, read_own_pending
from streamviz.simulation.context import Context
from streamviz.simulation.handling import Handler
from streamviz.simulation.wake_ups import GroupRead


class SimulatedGroup:
    """A consumer group of a scenario, on one stream or on several.

    Attributes
    ----------
    name : str
        The group's name.
    streams : tuple of str
        The streams it reads, merged in time order; see `OrderedGroupReader`.
    behaviour : ConsumerBehaviour
        How its consumers work.
    consumers : dict of str to SimulatedConsumer
        Its consumers by name.
    start : EntryId or str
        Where the group starts in a stream if it is created.
    errors : deque of HandlerError
        The newest 1000 exceptions of its handler and its `fail`, oldest first.
    """

    def __init__(
        self,
        context: Context,
        streams: tuple[str, ...],
        name: str,
        service: ServiceTime,
        behaviour: ConsumerBehaviour,
        start: Id,
    ) -> None:
        if behaviour.dead_letters in streams:
            raise InputError(
                f"dead_letters={behaviour.dead_letters!r} is a stream that the group {name!r} "
                "reads: give the dead letters another key"
            )
        check_server(context.client, behaviour)
        self.context = context
        self.streams = streams
        self.name = name
        self.behaviour = behaviour
        self.start = start
        self.consumers: dict[str, SimulatedConsumer] = ByName("consumer")
        self.errors: deque[HandlerError] = deque(maxlen=1000)
        self._service = service_time(service)

    @property
    def service_ms(self) -> ServiceTime:
        """How long an entry takes: milliseconds, or a function of a `random.Random`."""
        return self._service

    @service_ms.setter
    def service_ms(self, value: ServiceTime) -> None:
        self._service = service_time(value)

    @property
    def dead_letter_keys(self) -> tuple[str, ...]:
        """The streams to which entries that were delivered too often are moved."""
        if self.behaviour.delivery_limit is None:
            return ()
        key = self.behaviour.dead_letters
        return (key,) if key else tuple(f"{one}:dead" for one in self.streams)

    def add_consumer(
        self, name: str | None = None, *, service_ms: ServiceTime | None = None
    ) -> SimulatedConsumer:
        """Start one more consumer, before the scenario runs or while it runs.

        By default, its name is the group's with a number. Its service time is in milliseconds, or a
        function as in `Scenario.group`; by default, it is the group's.
        """
        name = f"{self.name}-{len(self.consumers) + 1}" if name is None else name
        if name_text(name, "a consumer's name") in self.consumers:
            raise InputError(
                f"the group {self.name!r} already has a consumer {name!r}: choose another name"
            )
        own_service = None if service_ms is None else service_time(service_ms)
        consumer = self.consumers[name] = SimulatedConsumer(self, name, own_service)
        is_first = len(self.consumers) == 1
        consumer._start(self.behaviour.crash_at_s if is_first else None)
        return consumer

    def remove_consumer(self, name: str | None = None) -> None:
        """Let a consumer finish what it holds, and delete it (XGROUP DELCONSUMER).

        By default, that is the newest one. A consumer that still holds entries then stays, because
        deleting it would drop them. InputError if the group has no such consumer, or no other one.
        """
        names = [one.name for one in self.consumers.values() if not one.removed]
        if name is None and names:
            name = names[-1]
        if name not in names or len(names) == 1:
            raise InputError(
                f"{name!r} can't be removed from {self.name!r}: choose one of {names}, but not all"
            )
        self.consumers[name].leave()

    def __repr__(self) -> str:
        count = sum(not one.removed for one in self.consumers.values())
        return (
            f"<SimulatedGroup {self.name!r} of {', '.join(map(repr, self.streams))}: "
            f"{count} consumer{'s' * (count != 1)}>"
        )


class SimulatedConsumer(Handler):
    """One consumer of a scenario.

    Attributes
    ----------
    name : str
        The consumer's name.
    alive : bool
        Whether it is running.
    handled : int
        How many entries it has handled.
    holding : int
        How many entries it holds: delivered to it, and not yet handled. When it reads several
        streams, this includes the entries that wait for their turn in time order.
    failed, retried, dead_lettered, acknowledged : int
        How many entries it could not handle, received again after a consumer of the group had
        received them, moved to the dead letters, and acknowledged; see `ConsumerSummary`.
    """

    def __init__(self, group: SimulatedGroup, name: str, service: ServiceTime | None) -> None:
        context = group.context
        rng = context.rng(f"consumer {group.name} {name}")
        crash_after = None if group.consumers else group.behaviour.crash_after
        super().__init__(context, name, rng, group.behaviour, crash_after)
        self.group = group
        self._group_name = group.name
        self.failed = 0
        self.retried = 0
        self.acknowledged = 0
        self._service = service
        self._reader = OrderedGroupReader(
            context.client, group.streams, group.name, name, pending_first=False
        )
        self._claimer = Claimer(context, group.behaviour, name, self._reader)

    @property
    def service_ms(self) -> ServiceTime:
        """How long an entry takes this consumer; set it to give the consumer its own pace."""
        return self._service if self._service is not None else self.group.service_ms

    @service_ms.setter
    def service_ms(self, value: ServiceTime) -> None:
        self._service = service_time(value)

    @property
    def dead_lettered(self) -> int:
        """How many entries it moved to the dead-letter stream."""
        return self._claimer.dead_lettered

    def __repr__(self) -> str:
        state = "alive" if self.alive else "dead"
        counts = f"handled {self.handled}, holding {self.holding}"
        return f"<SimulatedConsumer {self.name!r}: {state}, {counts}>"

    def _live(self, *, revived: bool) -> Generator[Any, Any, None]:
        if revived and len(self.group.streams) > 1:
            self._reader.restart()  # read pending and new entries in one order
        self._appear()
        while self.alive and (revived or not self._leaving):
            page = self._next(revived=revived)
            revived = revived and bool(page)
            if page:
                yield from self._handle(page)
            else:
                yield self.context.wait_for_entries(self.group.streams, self._next_read)
        if self.alive:
            yield from self._depart()

    def _delete(self) -> None:
        self.context.acks.send()
        groups, name = self._reader.groups.values(), self.name
        held = sum(group.pending().consumers.get(name, 0) for group in groups)
        if held:
            entries = f"{held} pending {'entry' if held == 1 else 'entries'}"
            raise InputError(
                f"{name} holds {entries}, which XGROUP DELCONSUMER would drop: revive it, or let "
                "another consumer claim them, and then remove it"
            )
        for group in groups:
            group.delete_consumer(name)

    def _appear(self) -> None:
        """Create the consumer: before Redis 7.2, a read that finds nothing does not create it."""
        with suppress(StreamVizError):  # the next read reports the error
            for group in self._reader.groups.values():
                group.create_consumer(self.name)
        self.context.times.polled[self._group_name, self.name] = self.context.clock.env.now

    def _next_read(self) -> GroupRead | None:
        """Return what it sends when it is woken up, if that is certainly one read."""
        uncertain = self._leaving or self._runs_callers_code(self.service_ms)
        return None if uncertain else self._claimer.only_read

    def _after_death(self) -> None:
        self._claimer.forget_fetched()

    def _next(self, *, revived: bool) -> Page:
        """Return the next page: own pending entries, then new ones, then claimed ones."""
        behaviour, reader = self.group.behaviour, self._reader
        held_back = {(key, entry.id) for key, entry in reader.held_back}
        if revived or behaviour.claim_idle_ms is not None:
            self.context.acks.send()  # what is acknowledged is not pending
        try:
            if revived and len(self.group.streams) == 1:
                key = self.group.streams[0]
                page = read_own_pending(reader.groups[key], reader.consumers[key], behaviour.batch)
            else:
                page = self._claimer.read() or self._claimer.claim()
        except NoSuchGroup:
            self.context.report_once(Event("group_gone", group=self.group.name))
            return []
        except StreamVizError as error:
            self.context.report_once(Event("problem", detail=str(error)))
            return []
        finally:
            self.context.times.polled[self._group_name, self.name] = self.context.clock.env.now
        if new := [(key, entry.id) for key, entry in (*page, *reader.held_back)]:
            self._count([one for one in new if one not in held_back])
        return page

    def _count(self, delivered: list[tuple[str, EntryId]]) -> None:
        """Count entries that were delivered, and remember when."""
        times, now = self.context.times, self.context.clock.env.now
        for key in {key for key, _ in delivered}:
            times.received[self._group_name, key, self.name] = now
        if self.group.behaviour.ack == "noack":
            self.acknowledged += len(delivered)
            return
        for key, entry_id in delivered:
            self.retried += (self._group_name, key, entry_id) in times.delivered
            times.delivered[self._group_name, key, entry_id] = now

    def _handle(self, page: Page) -> Generator[Any, Any, None]:
        behaviour = self.group.behaviour
        self.holding = len(page) + len(self._reader.held_back)
        if behaviour.ack == "before":
            self._ack(page)
        for key, entry in page:
            if self._crashes():
                self._die("crashed")
                return
            yield self.context.clock.env.timeout(self._draw_ms(self.service_ms))
            failure = self._call(entry)
            self.holding -= 1
            if failure:
                self.failed += 1
                if behaviour.delivery_limit is not None:
                    self.context.failures[self._group_name, key, entry.id] = failure
                continue
            self.handled += 1
            if behaviour.ack == "after":
                self._ack([(key, entry)])
        self.holding = len(self._reader.held_back)

    def _failed(self, error: HandlerError, event: Event) -> None:
        self.group.errors.append(error)
        if self.group.behaviour.on_error == "raise":
            super()._failed(error, event)
        else:
            self.context.report(event)

    def _ack(self, page: Page) -> None:
        ids_by_stream: dict[str, list[EntryId]] = {}
        for key, entry in page:
            ids_by_stream.setdefault(key, []).append(entry.id)
            self.context.forget(self._group_name, key, entry.id)
        acks, at_once = self.context.acks, not self.context.clock.virtual
        for key, ids in ids_by_stream.items():
            consumer = self._reader.consumers[key]
            acks.add(consumer, ids, self._count_acknowledged)
            at_once |= consumer.connection.is_logged
        if at_once:
            acks.send()

    def _count_acknowledged(self, count: int) -> None:
        self.acknowledged += count
