"""One poll of a stream: its commands, and how to read the replies. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from streamviz.client import replies
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry, GroupInfo, StreamInfo
from streamviz.client.resp import Command
from streamviz.errors import ServerAuthError
from streamviz.observation.byte_budget import shortened
from streamviz.observation.counting import Lookahead, entries_added, may_have_swept
from streamviz.observation.events import Event
from streamviz.observation.idle_groups import GroupReplies
from streamviz.observation.lag_tracker import Judgement
from streamviz.observation.pages import Page
from streamviz.observation.reply_checks import check_numbers, size_of, without_large_fields
from streamviz.observation.sample import GroupState, ReaderState, Sample


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
    new_ids : Lookahead
        Their IDs; or as many as were asked for, back from the newest.
    pages : list of Lookahead
        The pages that were asked for, to count entries.
    entry_bytes : int
        The size of the largest entry among the replies.
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
    new_ids: Lookahead
    pages: list[Lookahead]
    entry_bytes: int
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
    pages : sequence of Page
        What else to count.
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
    pages: Sequence[Page]
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
                    commands.append(("XRANGE", self.key, _after(cursor), "+", "COUNT", count))
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
        new = [] if self.after == EntryId.MAX else new  # XREVRANGE has nothing after the largest ID
        entry_bytes = max(map(size_of, new), default=0)
        entries = tuple(filter(None, map(replies.entry, new)))  # parsed at once, and so checked
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
            new_ids=self._new_ids(stream, new),
            pages=[page.read(next(rest)) for page in self.pages],
            entry_bytes=entry_bytes,
            memory_bytes=next(rest) if self.memory else None,
            positions={} if self.readers is None else replies.offsets(next(rest)),
            by_group=dict(self._by_group(rest)),
        )
        check_numbers(stream, groups, read.by_group, read.memory_bytes)
        return read

    def _new_ids(self, stream: StreamInfo, new: Sequence[Any]) -> Lookahead:
        ids, last = [entry[0] for entry in new], stream.last_generated_id
        after = self.after or EntryId.ZERO
        if len(ids) >= self.max_entries and last != after:
            after = EntryId.parse(ids[0]).previous() if ids else last
        return Lookahead(after, ids, complete=True)

    def _about_stream(self) -> list[Command]:
        about: list[Command] = [
            ("XINFO", "STREAM", self.key) if self.known is None else ("XLEN", self.key),
            ("XINFO", "GROUPS", self.key),
        ]
        if self.max_entries or self.known:
            after = _after(self.after) if self.after else "-"
            count = 1 if self.known else self.max_entries
            about.append(("XREVRANGE", self.key, "+", after, "COUNT", count))
        about += [page.command(self.key) for page in self.pages]
        if self.memory:
            about.append(("MEMORY", "USAGE", self.key, "SAMPLES", 0))
        if self.readers is not None:
            about.append(("HGETALL", self.readers))
        return about

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
                ids = [] if cursor == EntryId.MAX else [entry[0] for entry in entries]
                complete = cursor == EntryId.MAX or 0 < self.count_up_to >= len(ids)
                lookahead = Lookahead(cursor, ids, complete)
                oldest = tuple(replies.pending_entries(pending))
                yield name, GroupReplies(infos, oldest, lookahead)


def _after(entry_id: EntryId) -> str:
    """Return where the entries after an ID begin; Redis refuses "(" before the largest ID."""
    return str(entry_id) if entry_id == EntryId.MAX else f"({entry_id}"


def recreated(old: StreamInfo, new: StreamInfo) -> bool:
    """Tell whether the key was deleted and now holds another stream.

    Then its last ID went back, or an entry is before the first one; or all its entries are new, and
    more than were added since. A smaller number of added entries proves nothing: XSETID sets it.
    """
    if new.last_generated_id < old.last_generated_id:
        return True
    if new.first_entry is None:
        return False
    first, added = new.first_entry.id, entries_added(new) - entries_added(old)
    lowest = old.first_entry.id if old.first_entry else old.last_generated_id
    return first < lowest or (first > old.last_generated_id and new.length > added)


def make_sample(
    results: PollReplies,
    judgements: Iterable[Judgement],
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
    judgements : iterable of Judgement
        Each group, its lag, and what became of its entries.
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
    times = info.last_entry is None or info.last_entry.id.is_time(time_ms)
    groups = [
        _group_state(one, results.by_group.get(one.group.name), times=times) for one in judgements
    ]
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
        missed=_missed(results, previous),
        groups=tuple(sorted(groups, key=lambda group: group.name)),
        events=events,
        nodes=info.radix_tree_keys,
        memory_bytes=results.memory_bytes,
        readers=tuple(states[name] for name in sorted(states)),
    )


def _missed(results: PollReplies, previous: StreamInfo | None) -> int:
    """Return how many new entries the replies do not have; XSETID may have set the counter."""
    info, shown = results.stream, results.new_ids
    count = entries_added(info) - entries_added(previous) if previous else info.length
    if previous and not may_have_swept(previous, info):
        grown = info.length - previous.length
        if shown.after <= previous.last_generated_id:
            count = len(shown.ids)
        elif not grown <= count <= info.length:
            count = grown
    return max(0, count - len(results.new))


def _group_state(judgement: Judgement, by_name: GroupReplies | None, *, times: bool) -> GroupState:
    group, lag, outcomes = judgement
    if not times and lag.behind_ms:
        lag = replace(lag, behind_ms=None)
    return GroupState(
        name=group.name,
        last_delivered_id=group.last_delivered_id,
        entries_read=group.entries_read,
        lag=lag,
        pending=group.pending,
        consumers=by_name.consumers if by_name else (),
        oldest=by_name.oldest if by_name else (),
        gone=outcomes.gone,
        acked=outcomes.acked,
        dropped=outcomes.dropped,
    )
