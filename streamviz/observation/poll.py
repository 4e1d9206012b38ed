"""One poll of a stream: its commands, and how to read the replies. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamviz.client import replies
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry, GroupInfo, StreamInfo
from streamviz.client.resp import Command
from streamviz.errors import ServerAuthError
from streamviz.observation.byte_budget import shortened
from streamviz.observation.counting import Lookahead, entries_added
from streamviz.observation.events import Event
from streamviz.observation.idle_groups import GroupReplies
from streamviz.observation.reply_checks import check_numbers, size_of, without_large_fields
from streamviz.observation.sample import GroupState, Lag, ReaderState, Sample


class StreamChanged(Exception):
    """The stream is no longer the same as in the previous poll."""


@dataclass(frozen=True, slots=True)
class PollReplies:
    """The replies of one poll.

    Attributes
    ----------
    stream : StreamInfo
        The stream (XINFO STREAM), without large fields of its first and last entry.
    groups : list of GroupInfo
        Its groups (XINFO GROUPS).
    new : tuple of Entry
        The new entries, oldest first (XREVRANGE), without the rest of long values.
    new_count : int or None
        How many entries are new; None if there are too many to count.
    entry_bytes : int
        The size of the largest entry among the replies.
    ids_to_anchor : list of bytes
        The last IDs up to and including the anchor, rising (XREVRANGE).
    by_group : dict of str to GroupReplies
        What it replied about each group that was asked about by name.
    memory_bytes : int or None
        The key's size (MEMORY USAGE), if asked for.
    positions : dict of str to EntryId
        The plain readers' positions (HGETALL), if asked for.
    """

    stream: StreamInfo
    groups: list[GroupInfo]
    new: tuple[Entry, ...]
    new_count: int | None
    entry_bytes: int
    ids_to_anchor: list[bytes]
    by_group: dict[str, GroupReplies]
    memory_bytes: int | None
    positions: dict[str, EntryId]


@dataclass(frozen=True, slots=True)
class Poll:
    """The commands of one poll of a stream.

    Attributes
    ----------
    key : str
        The stream's key.
    after : EntryId or None
        New entries are those after this ID; None in the first poll.
    anchor : EntryId or None
        Where to count back from.
    cursors : mapping of str to EntryId
        The groups to ask about by name, and the cursors to look ahead from.
    idle : mapping of str to GroupReplies
        The idle ones among them, with their previous replies: ask only about their consumers.
    readers : str or None
        The key of the hash with the plain readers' positions, if there is one.
    memory : bool
        Whether to ask for the key's size.
    max_entries, max_pending, count_up_to : int
        See `streamviz.Observer`. If the entries are too large, the first and the last are 0.
    known : StreamInfo, optional
        The stream in the previous poll: ask only whether it is still the same.
    """

    key: str
    after: EntryId | None
    anchor: EntryId | None
    cursors: Mapping[str, EntryId]
    idle: Mapping[str, GroupReplies]
    readers: str | None
    memory: bool
    max_entries: int
    max_pending: int
    count_up_to: int
    known: StreamInfo | None = None

    def commands(self) -> list[Command]:
        """Return the commands to send, all at one moment."""
        commands = self._about_stream()
        for name, cursor in self.cursors.items():
            commands.append(("XINFO", "CONSUMERS", self.key, name))
            if name not in self.idle:
                commands.append(("XPENDING", self.key, name, "-", "+", self.max_pending))
                if self.count_up_to:
                    count = self.count_up_to + 1
                    commands.append(("XRANGE", self.key, f"({cursor}", "+", "COUNT", count))
        return commands

    def read(self, results: Sequence[Any]) -> PollReplies:
        """Read the replies.

        Raises
        ------
        Exception
            If one of the replies is an error: any that concerns the stream, or a missing right.
            A group may have been destroyed since the previous poll, so its errors do not count.
            Also if a reply has another shape than it should.
        ServerTooOld
            If the server does not count the entries that were ever added.
        """
        errors = [result for result in results if isinstance(result, Exception)]
        if errors:
            about_stream = len(self._about_stream())
            for i, result in enumerate(results):
                fatal = ServerAuthError if i >= about_stream else Exception
                if isinstance(result, fatal):
                    raise result
        rest = iter(results)
        about, groups = next(rest), replies.group_infos(next(rest))
        new = next(rest)[::-1] if self.max_entries or self.known else []
        entry_bytes = max(map(size_of, new), default=0)
        entries = tuple(replies.entries(new))
        if self.known is None:
            stream = replies.stream_info(about)
            last = stream.last_entry
            if not self.max_entries and last and last.id > (self.after or EntryId.ZERO):
                entries = (last,)
            stream, size = without_large_fields(stream)
            entry_bytes = max(entry_bytes, size)
        elif about != self.known.length or new:
            raise StreamChanged
        else:
            stream = self.known
        read = PollReplies(
            stream=stream,
            groups=groups,
            new=shortened(entries),
            new_count=self._new_count(stream, len(new)),
            entry_bytes=entry_bytes,
            ids_to_anchor=[one[0] for one in next(rest)[::-1]] if self._counts_back else [],
            memory_bytes=next(rest) if self.memory else None,
            positions={} if self.readers is None else replies.offsets(next(rest)),
            by_group=dict(self._by_group(rest)),
        )
        check_numbers(stream, groups, read.by_group, read.memory_bytes)
        return read

    @property
    def _counts_back(self) -> bool:
        return self.anchor is not None and self.count_up_to > 0

    def _new_count(self, stream: StreamInfo, count: int) -> int | None:
        if stream.last_generated_id == (self.after or EntryId.ZERO):
            return 0
        return count if count < self.max_entries else None

    def _about_stream(self) -> list[Command]:
        about = ("XINFO", "STREAM") if self.known is None else ("XLEN",)
        commands: list[Command] = [(*about, self.key), ("XINFO", "GROUPS", self.key)]
        if self.max_entries or self.known:
            after = f"({self.after}" if self.after else "-"
            count = 1 if self.known else self.max_entries
            commands.append(("XREVRANGE", self.key, "+", after, "COUNT", count))
        if self._counts_back:  # below the first entry, XREVRANGE reads the whole stream
            last = str(self.anchor)
            commands.append(("XREVRANGE", self.key, last, "-", "COUNT", self.count_up_to + 1))
        if self.memory:
            commands.append(("MEMORY", "USAGE", self.key, "SAMPLES", 0))
        if self.readers is not None:
            commands.append(("HGETALL", self.readers))
        return commands

    def _by_group(self, results: Any) -> Iterable[tuple[str, GroupReplies]]:
        for name, cursor in self.cursors.items():
            consumers, previous = next(results), self.idle.get(name)
            pending = () if previous else next(results)
            entries = next(results) if self.count_up_to and not previous else ()
            if any(isinstance(one, Exception) for one in (consumers, pending, entries)):
                continue
            infos = tuple(sorted(replies.consumer_infos(consumers)))
            if previous:
                yield name, previous.aged(infos)
            else:
                ids = [entry[0] for entry in entries]
                complete = 0 < self.count_up_to >= len(ids)
                lookahead = Lookahead(cursor, ids, complete)
                oldest = tuple(replies.pending_entries(pending))
                yield name, GroupReplies(infos, oldest, lookahead)


def recreated(old: StreamInfo, new: StreamInfo) -> bool:
    """Tell whether the key was deleted and now holds another stream.

    Then its counters went back; or all its entries are new, and more than were added since.
    """
    if new.last_generated_id < old.last_generated_id:
        return True
    added = entries_added(new) - entries_added(old)
    first = new.first_entry.id if new.first_entry else EntryId.ZERO
    return added < 0 or (first > old.last_generated_id and new.length > added)


def make_sample(
    results: PollReplies,
    judgements: Iterable[tuple[GroupInfo, Lag, int | None]],
    readers: Iterable[ReaderState],
    *,
    stream: str,
    n: int,
    time_ms: int,
    previous: StreamInfo | None,
    events: tuple[Event, ...],
) -> Sample:
    """Make a sample of a poll's replies.

    Parameters
    ----------
    results : PollReplies
        The replies.
    judgements : iterable of (GroupInfo, Lag, int or None)
        Each group, its lag, and how many entries it never got.
    readers : iterable of ReaderState
        Plain readers that report themselves; each replaces the reader of that name in the replies.
    stream : str
        The stream's key.
    n : int
        The sample's number.
    time_ms : int
        Its time.
    previous : StreamInfo or None
        The stream in the previous sample.
    events : tuple of Event
        What happened since.
    """
    info, entries = results.stream, results.new
    added = entries_added(info)
    new_count = added - entries_added(previous) if previous else info.length
    groups = [_group_state(*one, results.by_group.get(one[0].name)) for one in judgements]
    states = {name: ReaderState(name, position) for name, position in results.positions.items()}
    states |= {reader.name: reader for reader in readers}
    return Sample(
        stream=stream,
        n=n,
        time_ms=time_ms,
        exists=True,
        trouble="",
        length=info.length,
        entries_added=added,
        first_id=info.first_entry.id if info.first_entry else EntryId.ZERO,
        last_id=info.last_generated_id,
        max_deleted_id=info.max_deleted_entry_id or EntryId.ZERO,
        entries=entries,
        missed=max(0, new_count - len(entries)),
        groups=tuple(sorted(groups, key=lambda group: group.name)),
        events=events,
        nodes=info.radix_tree_keys,
        memory_bytes=results.memory_bytes,
        readers=tuple(states[name] for name in sorted(states)),
    )


def _group_state(
    group: GroupInfo, lag: Lag, gone: int | None, by_name: GroupReplies | None
) -> GroupState:
    return GroupState(
        name=group.name,
        last_delivered_id=group.last_delivered_id,
        entries_read=group.entries_read,
        lag=lag,
        pending=group.pending,
        consumers=by_name.consumers if by_name else (),
        oldest=by_name.oldest if by_name else (),
        gone=gone,
    )
