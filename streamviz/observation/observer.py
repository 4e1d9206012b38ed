"""The observer: samples a stream in one round trip, and never writes to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from types import NoneType
from typing import Literal

from streamviz.client.arguments import name_text, whole_number
from streamviz.client.cluster import Client
from streamviz.client.hidden_values import FieldsShown, is_hidden
from streamviz.errors import (
    InputError,
    NoSuchStream,
    OffsetError,
    ServerError,
    StreamError,
    WrongType,
    check_type,
)
from streamviz.observation.byte_budget import ByteBudget
from streamviz.observation.events import Event, events_of
from streamviz.observation.failover import Failovers
from streamviz.observation.observer_client import observer_connection
from streamviz.observation.poll import StreamChanged
from streamviz.observation.poll_sample import make_sample, repeated, without_stream
from streamviz.observation.poller import Poller
from streamviz.observation.rising_clock import RisingClock
from streamviz.observation.sample import ReaderState, Sample
from streamviz.observation.sample_deadline import sample_deadline
from streamviz.observation.snapshots import Snapshots, Steps


class Observer:
    """Samples one stream, whether or not this program also uses it, and never writes to it.

    A sample takes one round trip: XINFO STREAM and GROUPS, the new entries (XREVRANGE), and for
    each group XINFO CONSUMERS, its oldest pending entries (XPENDING) and the next few entries that
    are waiting for it (XRANGE, once for all groups that have read equally far). All replies show
    one moment (MULTI), or come from one pipeline if the user may not call MULTI. About an idle
    group, the observer asks only for the consumers: while none of them does anything, its pending
    entries grow older and nothing else changes. So the cost grows neither with the stream nor with
    the number of pending entries. The first sample takes a second round trip. So does one that
    finds a new group, a cursor that was set back, a group that is no longer idle, or many more new
    entries than the samples before.

    The larger the entries, the fewer the observer asks for. If even the first and the last one are
    too large, it first asks whether the stream has changed (XLEN, XREVRANGE COUNT 1), and asks for
    it again at most every few seconds. Until then a sample repeats the previous numbers, and its
    `trouble` says so. A sample keeps only the beginning of long values.

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
        How many waiting entries of each group every sample counts. If these and earlier samples
        don't prove a group's lag, a sample counts more: all that is missing if it has less than 150
        kB, otherwise 16 kB of it.
    memory : bool, default False
        Whether to ask for the stream's size in bytes, too (MEMORY USAGE SAMPLES 0). For this the
        server walks all macro nodes, so its cost grows with the stream.
    readers : str, optional
        The key of a hash in which plain readers save their positions, as `HashOffset` does; it
        is read in the same round trip (HGETALL).
    fields : {"show", "hide"}
        Whether samples have the values of entries' fields, or only their names and sizes.

    Attributes
    ----------
    on_sample : list of functions
        Each is called with every sample, before `sample` returns it.
    back_off : BackOff
        How long to wait before the next sample, and why, if the server takes more than 50 ms to
        answer, or has thousands of consumers, groups or readers, or very long names of them.
        `watch` and live scenarios wait.

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
        fields: FieldsShown = "show",
    ) -> None:
        check_type("readers", readers, (str, NoneType), "the key of a hash, as text")
        if readers == "":
            raise InputError("readers='' is not a key: give that of a hash, as text")
        self.stream = name_text(stream, "a stream's key")
        self.readers = readers
        connection = observer_connection(client, stream)
        self.snapshots, self.failovers = Snapshots(connection), Failovers(connection, stream)
        check_type("memory", memory, bool, "True or False")
        self.back_off = self.snapshots.back_off
        self.budget = ByteBudget(max_entries, max_pending, count_up_to)
        self._poller = Poller(
            self.snapshots,
            self.failovers,
            stream,
            self.budget,
            memory=memory,
            hides=is_hidden(fields),
        )
        self._last_sample: Sample | None = None
        self._gone_added = 0  # entries of a stream that is gone; with fewer, it is another one
        self._n = 0
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
            If the stream is gone or the server does not answer, `trouble` says so, `exists` is
            False or None, and every number is 0. The next sample tries again.
        """
        if time_ms is not None:
            whole_number("time_ms", time_ms)
        check_type("readers", readers, Iterable, "a list of ReaderState")
        with sample_deadline:
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
        exists: Literal[False] | None = None
        try:
            polled = yield from self._poller.poll(time_ms, self.readers)
            if self.failovers.event:
                events += (self.failovers.event,)
            elif polled.is_another or (polled.replies.stream.entries_added or 0) < self._gone_added:
                self.failovers.lost = 0
                events += (Event("stream_recreated"),)
            sample = make_sample(
                polled, readers, stream=self.stream, n=self._n, time_ms=time_ms, events=events
            )
            sample = replace(sample, lost=self.failovers.lost) if self.failovers.lost else sample
            self._last_sample, self._gone_added = sample, 0
        except StreamChanged:
            assert self._last_sample is not None
            return repeated(self._last_sample, self._n, time_ms, str(self.budget), events)
        except NoSuchStream:
            self._poller.forget()
            self.failovers.lost = 0
            last, exists = self._last_sample, False
            trouble = "stream is gone" if last else f"no stream {self.stream!r} yet"
            if last:
                self._gone_added = last.entries_added
                if node := self.failovers.lost_stream():
                    trouble += f": failover, and {node}, which took over, does not have it"
        except WrongType as error:
            trouble, exists = str(error), False
        except (OffsetError, ServerError, StreamError) as error:
            trouble = str(error)
        except Exception as error:  # a wrong byte is not always an error of the protocol
            self.snapshots.restart()
            trouble = (
                f"a reply makes no sense ({type(error).__name__}). If this goes on, check what is "
                "between the server and this program"
            )
        else:
            return sample
        if exists is False:
            self.back_off.stream_is_gone()
        return without_stream(self.stream, self._n, time_ms, trouble, events, exists)
