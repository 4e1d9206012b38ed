"""The observer: one look at a stream, in one round trip, without touching it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamviz.client import replies
from streamviz.client.cluster import Client, connection_to
from streamviz.client.entry_id import EntryId
from streamviz.client.exchange import Command
from streamviz.client.models import ConsumerInfo, GroupInfo, StreamInfo
from streamviz.errors import InputError, NoSuchStream, ServerAuthError, StreamVizError
from streamviz.observation.events import Event, events_of
from streamviz.observation.idle_groups import GroupReplies, LastPoll, at_rest
from streamviz.observation.lag import Lookahead, StreamDelta
from streamviz.observation.lag_tracker import Evidence, LagTracker
from streamviz.observation.sample import GroupState, Lag, ReaderState, Sample

_IDLE_MARGIN_MS = 5


@dataclass(frozen=True, slots=True)
class _Seen:
    """The replies of one round trip."""

    stream: StreamInfo
    groups: list[GroupInfo]
    new: list[Any]
    below: list[bytes]
    asked: dict[str, GroupReplies]
    memory_bytes: int | None
    readers: dict[str, EntryId]


class Observer:
    """Looks at one stream, driven by us or not, and never writes.

    One look is one round trip: XINFO STREAM and GROUPS, the new entries (XREVRANGE), and for each
    group XINFO CONSUMERS, its oldest pending entries (XPENDING) and the next few that wait for it
    (XRANGE), all of one moment (MULTI), or at least in one pipeline where the user may not MULTI.
    Of a group at rest only the consumers are asked for: while none of them does anything, its
    pending entries grow older and nothing else. Its cost grows neither with the stream nor with
    what is pending. The first look takes a second round trip, and so does one that meets a new
    group, a cursor that was set back, or a group that rests no longer.

    Parameters
    ----------
    client : redis.Redis or redis.cluster.RedisCluster
        The server. Its user needs the rights ``+@read`` on the key, and better ``+multi +exec``.
    stream : str
        The stream's key; it need not exist yet.
    max_entries : int, default 200
        New entries that a look takes at most: the newest; the others are counted.
    max_pending : int, default 50
        Pending entries of each group that a look takes at most: the oldest.
    count_up_to : int, default 20
        Waiting entries of each group that a look counts at most. While a group's lag is too long
        for that, each look also counts as many from the stream's end, until it meets the group.
    memory : bool, default False
        Whether to ask for the stream's bytes, too (MEMORY USAGE SAMPLES 0). The server walks all
        macro nodes for it, so this does grow with the stream.
    readers : str, optional
        The key of a hash in which plain readers keep their positions, as
        `HashOffset` does; it is read in the same round trip (HGETALL).

    Attributes
    ----------
    on_sample : list of functions
        Each is called with every sample, before `look` returns it.

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
        for name, value in (
            ("max_entries", max_entries),
            ("max_pending", max_pending),
            ("count_up_to", count_up_to),
        ):
            if type(value) is not int or value < 1:
                raise InputError(f"{name}={value!r}: give an integer, 1 or more")
        self.stream = stream
        self.readers = readers
        self._connection = connection_to(client, stream, quiet=True)  # looks are no news
        self._max_entries = max_entries
        self._max_pending = max_pending
        self._count_up_to = count_up_to
        self._memory = bool(memory)
        self._ledger = LagTracker()
        self._last: dict[str, LastPoll] = {}
        self._looked_s = 0.0
        self._existed = False
        self._atomic = True
        self._n = 0
        self.on_sample: list[Callable[[Sample], object]] = []

    def sample(
        self,
        time_ms: int | None = None,
        events: Iterable[Event | str] = (),
        readers: Iterable[ReaderState] = (),
    ) -> Sample:
        """Look once.

        Parameters
        ----------
        time_ms : int, optional
            The sample's time, in milliseconds since 1970 UTC; without it, this machine's clock.
        events : iterable of Event or str
            What happened, for the sample to carry; a text is a note.
        readers : iterable of ReaderState
            Plain readers that tell of themselves; of one name, they win over the hash.

        Returns
        -------
        Sample
            Also when the stream is gone or the server does not answer: then `trouble` says so,
            every number is 0, and the next look tries again.
        """
        sample = self._looked(time_ms, events, readers)
        for call in tuple(self.on_sample):
            call(sample)
        return sample

    def _looked(
        self, time_ms: int | None, events: Iterable[Event | str], readers: Iterable[ReaderState]
    ) -> Sample:
        self._n += 1
        when = time.time_ns() // 1_000_000 if time_ms is None else time_ms
        happened = events_of(events)
        told = tuple(readers)
        began_s = time.monotonic()
        try:
            ledger, seen, calm = self._meet()
        except NoSuchStream:
            self._ledger, self._last = LagTracker(), {}
            trouble = "stream is gone" if self._existed else f"no stream {self.stream!r} yet"
            return self._nothing(when, trouble, happened)
        except StreamVizError as error:
            return self._nothing(when, str(error), happened)
        if ledger is not self._ledger:
            happened += (Event("stream_recreated"),)
        old, self._ledger, self._existed = ledger.stream, ledger, True
        self._last = {
            group.name: LastPoll(group, seen.asked[group.name], group.name in calm)
            for group in seen.groups
            if group.name in seen.asked
        }
        judged = ledger.judge(self._look(seen))
        self._looked_s = began_s
        groups = [_state(group, lag, gone, seen.asked) for group, lag, gone in judged]
        return self._sample(when, old, seen, groups, _readers(seen, told), happened)

    def _meet(self) -> tuple[LagTracker, _Seen, set[str]]:
        """Take one round trip, or two if the first one shows that the wrong things were asked.

        Returned beside what is seen: the groups that nothing has befallen since the last look.
        """
        ledger = self._ledger
        cursors = ledger.cursors
        resting = {name: last.asked for name, last in self._last.items() if last.rests}
        seen = self._ask(ledger, cursors, resting)
        if ledger.stream and _replaced(ledger.stream, seen.stream):
            ledger, cursors = LagTracker(), {}
        now = {group.name: group.last_delivered_id for group in seen.groups}
        moved = {name: at for name, at in now.items() if at < cursors.get(name, EntryId.MAX)}
        calm = self._calm(ledger, seen)
        stirred = any(name in now and name not in calm for name in resting)
        if moved or stirred or ledger is not self._ledger:
            seen = self._ask(ledger, cursors | moved, {})
            calm = self._calm(ledger, seen)
        return ledger, seen, calm

    def _calm(self, ledger: LagTracker, seen: _Seen) -> set[str]:
        if ledger.stream is None:
            return set()
        change = StreamDelta(seen.stream, self._new(seen))
        return at_rest(self._last, ledger.stream, change, seen.groups, seen.asked, self._since_ms())

    def _ask(
        self,
        ledger: LagTracker,
        cursors: Mapping[str, EntryId],
        resting: Mapping[str, GroupReplies],
    ) -> _Seen:
        key, most = self.stream, self._count_up_to + 1
        since = f"({ledger.stream.last_generated_id}" if ledger.stream else "-"
        commands: list[Command] = [
            ("XINFO", "STREAM", key),
            ("XINFO", "GROUPS", key),
            ("XREVRANGE", key, "+", since, "COUNT", self._max_entries),
        ]
        if ledger.anchor:  # never for nothing: below the first entry, XREVRANGE reads the stream
            commands.append(("XREVRANGE", key, str(ledger.anchor.id), "-", "COUNT", most))
        if self._memory:
            commands.append(("MEMORY", "USAGE", key, "SAMPLES", 0))
        if self.readers is not None:
            commands.append(("HGETALL", self.readers))
        about = len(commands)
        for name, cursor in cursors.items():
            commands.append(("XINFO", "CONSUMERS", key, name))
            if name not in resting:
                commands += [
                    ("XPENDING", key, name, "-", "+", self._max_pending),
                    ("XRANGE", key, f"({cursor}", "+", "COUNT", most),
                ]
        found = self._send(commands)
        stream, groups, new = found[:3]
        below = found[3] if ledger.anchor else []
        for place, reply in enumerate(found):  # a group may have gone since the last look
            if isinstance(reply, ServerAuthError) or (
                isinstance(reply, Exception) and place < about
            ):
                raise reply
        asked = {}
        replied = iter(found[about:])
        for name, cursor in cursors.items():
            consumers, before = next(replied), resting.get(name)
            pending, ahead = ((), ()) if before else (next(replied), next(replied))
            if isinstance(consumers, Exception):
                continue
            who = tuple(sorted(replies.consumer_infos(consumers)))
            asked[name] = before.later(who) if before else _asked(who, cursor, pending, ahead, most)
        return _Seen(
            replies.stream_info(stream),
            replies.group_infos(groups),
            new[::-1],
            [entry[0] for entry in below[::-1]],
            asked,
            found[about - 1 - (self.readers is not None)] if self._memory else None,
            {} if self.readers is None else replies.positions(found[about - 1]),
        )

    def _send(self, commands: Sequence[Command]) -> list[Any]:
        if self._atomic:
            try:
                return self._connection.snapshot(commands)
            except ServerAuthError:
                found = self._connection.pipeline(commands)  # the user may read, but not MULTI
                self._atomic = isinstance(found[0], ServerAuthError)
                return found
        return self._connection.pipeline(commands)

    def _look(self, seen: _Seen) -> Evidence:
        """Return what the ledger needs of the replies."""
        since_ms = self._since_ms()
        return Evidence(
            seen.stream,
            seen.groups,
            self._new(seen),
            seen.below,
            {name: asked.ahead for name, asked in seen.asked.items()},
            {name for name, asked in seen.asked.items() if asked.did_something(since_ms)},
        )

    def _since_ms(self) -> float:
        """From before the last look's question to after this one's answer: no read is missed."""
        return (time.monotonic() - self._looked_s) * 1000 + _IDLE_MARGIN_MS

    def _new(self, seen: _Seen) -> int | None:
        return len(seen.new) if len(seen.new) < self._max_entries else None

    def _sample(
        self,
        when: int,
        old: StreamInfo | None,
        seen: _Seen,
        groups: list[GroupState],
        readers: tuple[ReaderState, ...],
        events: tuple[Event, ...],
    ) -> Sample:
        stream = seen.stream
        added = stream.entries_added or 0
        came = added - (old.entries_added or 0) if old else stream.length
        entries = tuple(replies.entries(seen.new))
        return Sample(
            stream=self.stream,
            n=self._n,
            time_ms=when,
            exists=True,
            trouble="",
            length=stream.length,
            entries_added=added,
            first_id=stream.first_entry.id if stream.first_entry else EntryId.ZERO,
            last_id=stream.last_generated_id,
            max_deleted_id=stream.max_deleted_entry_id or EntryId.ZERO,
            entries=entries,
            missed=max(0, came - len(entries)),
            groups=tuple(sorted(groups, key=lambda group: group.name)),
            events=events,
            nodes=stream.radix_tree_keys,
            memory_bytes=seen.memory_bytes,
            readers=readers,
        )

    def _nothing(self, when: int, trouble: str, events: tuple[Event, ...]) -> Sample:
        zero = EntryId.ZERO
        return Sample(
            self.stream, self._n, when, False, trouble, 0, 0, zero, zero, zero, (), 0, (), events
        )


def _replaced(old: StreamInfo, new: StreamInfo) -> bool:
    """Tell whether this is another stream under the same key.

    Its counters went back; or all that is in it is new, and more than was added since.
    """
    if new.last_generated_id < old.last_generated_id:
        return True
    came = (new.entries_added or 0) - (old.entries_added or 0)
    first = new.first_entry.id if new.first_entry else EntryId.ZERO
    return came < 0 or (first > old.last_generated_id and new.length > came)


def _readers(seen: _Seen, told: Iterable[ReaderState]) -> tuple[ReaderState, ...]:
    found = {name: ReaderState(name, position) for name, position in seen.readers.items()}
    found |= {reader.name: reader for reader in told}
    return tuple(found[name] for name in sorted(found))


def _asked(
    consumers: tuple[ConsumerInfo, ...], cursor: EntryId, pending: Any, rest: Any, most: int
) -> GroupReplies:
    ahead = Lookahead(cursor, [entry[0] for entry in rest], len(rest) < most)
    return GroupReplies(consumers, tuple(replies.pending_entries(pending)), ahead)


def _state(
    group: GroupInfo, lag: Lag, gone: int | None, asked: dict[str, GroupReplies]
) -> GroupState:
    about = asked.get(group.name)
    return GroupState(
        name=group.name,
        last_delivered_id=group.last_delivered_id,
        entries_read=group.entries_read,
        lag=lag,
        pending=group.pending,
        consumers=about.consumers if about else (),
        oldest=about.oldest if about else (),
        gone=gone,
    )
