"""The observer: samples a stream in one round trip, and never writes to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import NoneType

from streamviz.client.arguments import whole_number
from streamviz.client.cluster import Client
from streamviz.client.entry_id import EntryId
from streamviz.client.models import StreamInfo
from streamviz.errors import (
    InputError,
    NoSuchStream,
    OffsetError,
    ServerError,
    StreamError,
    check_type,
)
from streamviz.observation.byte_budget import ByteBudget
from streamviz.observation.events import Event, events_of
from streamviz.observation.failover import Failovers
from streamviz.observation.idle_groups import GroupReplies, LastPoll, unchanged_groups
from streamviz.observation.lag_tracker import Evidence, LagTracker
from streamviz.observation.observer_client import observer_connection
from streamviz.observation.pages import Page
from streamviz.observation.poll import Poll, PollReplies, StreamChanged, make_sample, recreated
from streamviz.observation.rising_clock import RisingClock
from streamviz.observation.sample import ReaderState, Sample
from streamviz.observation.snapshots import Snapshots, Steps
from streamviz.observation.stand_ins import repeated, without_stream

_IDLE_MARGIN_MS = 5


class Observer:
    """Samples one stream, whether or not this program also uses it, and never writes to it.

    A sample takes one round trip: XINFO STREAM and GROUPS, the new entries (XREVRANGE), and for
    each group XINFO CONSUMERS, its oldest pending entries (XPENDING) and the next few entries that
    are waiting for it (XRANGE). All of it shows one moment (MULTI), or is at least one pipeline if
    the user may not MULTI. About an idle group, the observer asks only for the consumers: while
    none of them does anything, its pending entries grow older and nothing else changes. So the
    cost grows neither with the stream nor with the number of pending entries. The first sample
    takes a second round trip. So does one that finds a new group, a cursor that was set back, or a
    group that is no longer idle.

    The larger the entries, the fewer are asked for. If even the first and the last one are too
    large, the observer first asks whether the stream has changed (XLEN, XREVRANGE COUNT 1), and
    asks for it again at most every few seconds. Until then a sample repeats the previous numbers,
    and its `trouble` says so. A sample keeps only the beginning of long values.

    Parameters
    ----------
    client : redis.Redis, redis.cluster.RedisCluster, or one of asyncio or of valkey-py
        Where and as whom to connect; CLIENT LIST names the connections ``streamviz-observer``.
        The user needs the right ``+@read`` on the key; ``+multi +exec`` are better.
    stream : str
        The stream's key; it need not exist yet.
    max_entries : int, default 200
        How many new entries a sample takes at most: the newest. The others are only counted.
    max_pending : int, default 50
        How many pending entries of each group a sample takes at most: the oldest.
    count_up_to : int, default 20
        How many waiting entries of each group every sample counts. If a group's lag does not
        follow from these and from earlier samples, more is counted: all that is missing if it has
        less than 150 kB, else 16 kB of it in each sample.
    memory : bool, default False
        Whether to ask for the stream's size in bytes, too (MEMORY USAGE SAMPLES 0). For this the
        server walks all macro nodes, so its cost grows with the stream.
    readers : str, optional
        The key of a hash in which plain readers save their positions, as `HashOffset` does; it
        is read in the same round trip (HGETALL).

    Attributes
    ----------
    on_sample : list of functions
        Each is called with every sample, before `sample` returns it.

    Raises
    ------
    InputError
        If the key is not text, or a number is less than 1.

    Examples
    --------
    >>> from streamviz.server.embedded import connect
    >>> Observer(connect(), "observer:example").sample().trouble
    "no stream 'observer:example' yet"
    """

    def __init__(
        self,
        client: Client,
        stream: str,
        *,
        max_entries: int = 200,
        max_pending: int = 50,
        count_up_to: int = 20,
        memory: bool = False,
        readers: str | None = None,
    ) -> None:
        if not isinstance(stream, str) or not stream:
            raise InputError(f"{stream!r} is not a stream's key: give its name as text")
        check_type("readers", readers, (str, NoneType), "the key of a hash, as text")
        self.stream = stream
        self.readers = readers
        self.snapshots = Snapshots(observer_connection(client, stream))
        self.failovers = Failovers(self.snapshots.connection, stream)
        self._memory = bool(memory)
        self._budget = ByteBudget(max_entries, max_pending, count_up_to)
        self._last_sample: Sample | None = None
        self._tracker = LagTracker()
        self._last: dict[str, LastPoll] = {}
        self._existed = False
        self._polled_s, self._n = 0.0, 0
        self._clock = RisingClock()
        self.on_sample: list[Callable[[Sample], object]] = []

    def sample(
        self,
        time_ms: int | None = None,
        events: Iterable[Event | str] = (),
        readers: Iterable[ReaderState] = (),
    ) -> Sample:
        """Take a sample; InputError if an argument is wrong.

        Parameters
        ----------
        time_ms : int, optional
            The sample's time, in milliseconds since 1970 UTC; by default, this machine's clock.
            If that is set back, the samples' times go on, and an event says so.
        events : iterable of Event or str
            What happened, to be carried by the sample; a text becomes a note.
        readers : iterable of ReaderState
            Plain readers that report themselves; each replaces the reader of that name in the
            hash.

        Returns
        -------
        Sample
            Also if the stream is gone or the server does not answer: then `trouble` says so,
            every number is 0, and the next sample tries again.
        """
        if time_ms is not None:
            whole_number("time_ms", time_ms)
        check_type("events", events, Iterable, "events or texts")
        sample = self.snapshots.run(self.steps(time_ms, events_of(events), tuple(readers)))
        for callback in tuple(self.on_sample):
            callback(sample)
        return sample

    def steps(
        self,
        time_ms: int | None = None,
        events: tuple[Event, ...] = (),
        readers: tuple[ReaderState, ...] = (),
    ) -> Steps[Sample]:
        """Take a sample without sending anything: the caller sends the commands of each step."""
        self._n += 1
        if time_ms is None:
            time_ms, set_back = self._clock.now()
            events += set_back
        began_s = time.monotonic()
        try:
            poll = yield from self._poll(time_ms)
            return self._judged(poll, began_s, time_ms, events, readers)
        except StreamChanged:
            assert self._last_sample is not None
            return repeated(self._last_sample, self._n, time_ms, str(self._budget), events)
        except NoSuchStream:
            self._tracker, self._last = LagTracker(), {}
            self._budget.forget()
            trouble = "stream is gone" if self._existed else f"no stream {self.stream!r} yet"
        except (OffsetError, ServerError, StreamError) as error:
            trouble = str(error)
        except Exception as error:  # a wrong byte is not always an error of the protocol
            self.snapshots.restart()
            trouble = (
                f"a reply makes no sense ({type(error).__name__}). If this goes on, check what is "
                "between the server and this program"
            )
        return without_stream(self.stream, self._n, time_ms, trouble, events)

    def _judged(
        self,
        poll: tuple[LagTracker, PollReplies, set[str]],
        began_s: float,
        time_ms: int,
        events: tuple[Event, ...],
        readers: tuple[ReaderState, ...],
    ) -> Sample:
        """Return the sample of a poll, and keep what the next one needs."""
        tracker, replies, unchanged = poll
        if self.failovers.event:
            events += (self.failovers.event,)
        elif tracker is not self._tracker:
            events += (Event("stream_recreated"),)
        previous = tracker.stream
        sample = make_sample(
            replies,
            tracker.judge(self._evidence(replies), self._budget.entry_bytes),
            readers,
            stream=self.stream,
            n=self._n,
            time_ms=time_ms,
            previous=previous,
            events=events,
        )
        self._tracker, self._existed, self._polled_s = tracker, True, began_s
        self._last_sample = sample
        self._last = {
            group.name: LastPoll(group, replies.by_group[group.name], group.name in unchanged)
            for group in replies.groups
            if group.name in replies.by_group
        }
        return sample

    def _poll(self, time_ms: int) -> Steps[tuple[LagTracker, PollReplies, set[str]]]:
        """Poll once, or twice if the first poll shows that it asked for the wrong things.

        Also return the tracker for these replies (a new one if the stream was recreated), and the
        groups that have not changed since the previous poll.
        """
        tracker, cursors = self._tracker, self._tracker.cursors
        idle = {name: last.replies for name, last in self._last.items() if last.idle}
        pages = tracker.pages
        replies = yield from self._first_round_trip(tracker, cursors, idle, time_ms)
        lost = yield from self.failovers.check(tracker.stream, cursors, replies)
        if lost or (tracker.stream and recreated(tracker.stream, replies.stream)):
            tracker, cursors = LagTracker(), {}
        now = {group.name: group.last_delivered_id for group in replies.groups}
        moved = {name: at for name, at in now.items() if name not in cursors or at < cursors[name]}
        unchanged = self._unchanged(tracker, replies)
        woke = any(name in now and name not in unchanged for name in idle)
        wrong = moved or woke or tracker is not self._tracker or tracker.stream is None
        if wrong or not pages:
            pages = tracker.missing(self._evidence(replies), self._budget.entry_bytes)
        if wrong or (pages and not tracker.pages):
            again = {} if wrong else idle
            replies = yield from self._second_round_trip(
                tracker, cursors | moved, again, pages, replies
            )
            unchanged = self._unchanged(tracker, replies)
        return tracker, replies, unchanged

    def _first_round_trip(
        self,
        tracker: LagTracker,
        cursors: Mapping[str, EntryId],
        idle: Mapping[str, GroupReplies],
        time_ms: int,
    ) -> Steps[PollReplies]:
        """Ask about the stream and its groups; first, whether large entries are still the same.

        Raises
        ------
        StreamChanged
            If they are not, and it is too early to ask about them again.
        """
        budget = self._budget
        if budget.large and not budget.held:
            try:
                return (yield from self._round_trip(tracker, cursors, idle, (), tracker.stream))
            except StreamChanged:
                budget.held = True
        if budget.held and not budget.due(time_ms):
            raise StreamChanged
        replies = yield from self._round_trip(tracker, cursors, idle, tracker.pages)
        budget.polled(time_ms, replies.entry_bytes)
        return replies

    def _second_round_trip(
        self,
        tracker: LagTracker,
        cursors: Mapping[str, EntryId],
        idle: Mapping[str, GroupReplies],
        pages: Sequence[Page],
        first: PollReplies,
    ) -> Steps[PollReplies]:
        """Ask again, about other groups and entries by name; about large entries not again."""
        if not self._budget.large:
            return (yield from self._round_trip(tracker, cursors, idle, pages))
        try:
            replies = yield from self._round_trip(tracker, cursors, idle, (), first.stream)
        except StreamChanged:
            return first
        return replace(replies, new=first.new, new_ids=first.new_ids)

    def _unchanged(self, tracker: LagTracker, replies: PollReplies) -> set[str]:
        if tracker.stream is None:
            return set()
        delta = tracker.delta(self._evidence(replies))
        return unchanged_groups(
            self._last, delta, replies.groups, replies.by_group, self._since_ms()
        )

    def _round_trip(
        self,
        tracker: LagTracker,
        cursors: Mapping[str, EntryId],
        idle: Mapping[str, GroupReplies],
        pages: Sequence[Page],
        known: StreamInfo | None = None,
    ) -> Steps[PollReplies]:
        last = known or tracker.stream
        poll = Poll(
            key=self.stream,
            after=last.last_generated_id if last else None,
            pages=pages,
            cursors=cursors,
            idle=idle,
            readers=self.readers,
            memory=self._memory,
            known=known,
            **self._budget.limits(len(cursors)),
        )
        return poll.read((yield poll.commands()))

    def _evidence(self, replies: PollReplies) -> Evidence:
        since_ms = self._since_ms()
        by_group = replies.by_group
        return Evidence(
            replies.stream,
            replies.groups,
            replies.new_ids,
            replies.pages,
            by_group,
            {name for name, one in by_group.items() if one.active_within(since_ms)},
        )

    def _since_ms(self) -> float:
        """Return the time from before the previous poll to after this one: it covers every read."""
        return (time.monotonic() - self._polled_s) * 1000 + _IDLE_MARGIN_MS
