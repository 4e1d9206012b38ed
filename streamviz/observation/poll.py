"""One poll of a stream: its commands, and how to read the replies. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from streamviz.client import replies
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry, GroupInfo, StreamInfo
from streamviz.client.resp import Command
from streamviz.client.transport import errors_among
from streamviz.errors import NoSuchGroup, NoSuchStream, OffsetError, WrongType
from streamviz.observation.counting import Lookahead
from streamviz.observation.idle_groups import GroupReplies
from streamviz.observation.pages import Page
from streamviz.observation.reply_checks import (
    LastReplies,
    check_numbers,
    checked_entries,
    checked_pending,
    largest_size,
)


class StreamChanged(Exception):
    """The stream is no longer the same as in the previous poll."""


@dataclass(slots=True)
class PollReplies:
    """The replies of one poll."""

    stream: StreamInfo  # without large fields of its first and last entry (XINFO STREAM)
    groups: list[GroupInfo]  # XINFO GROUPS
    new: tuple[Entry, ...]  # entries, oldest first, without the rest of long values (XREVRANGE)
    new_ids: Lookahead  # theirs; or as many as were asked for, back from the newest
    pages: list[Lookahead]  # that were asked for, to count entries
    entry_bytes: int  # of the largest entry among the replies
    by_group: dict[str, GroupReplies]  # of those that were asked about by name
    memory_bytes: int | None  # MEMORY USAGE, if asked for
    positions: dict[str, EntryId]  # of the plain readers, if asked for (HGETALL)


@dataclass(slots=True)
class Poll:
    """The commands of one poll of a stream; its limits are those of `Observer`.

    If the entries are too large, `max_entries` and `count_up_to` are 0.
    """

    key: str
    after: EntryId | None  # which entries are new; None in the first poll
    pages: Sequence[Page]  # what else to count
    cursors: Mapping[str, EntryId]  # of the groups to ask about by name, to look ahead from
    idle: Mapping[str, GroupReplies]  # groups among them: ask only about their consumers
    readers: str | None  # the key of the hash with the plain readers' positions
    memory: bool  # whether to ask for the key's size
    max_entries: int
    max_pending: int
    count_up_to: int
    known: StreamInfo | None = None  # in the previous poll: ask only whether it is still the same

    def commands(self) -> list[Command]:
        """Return the commands to send, all at one moment."""
        commands = self._about_stream()
        for name in self.cursors:
            commands.append(("XINFO", "CONSUMERS", self.key, name))
            if name not in self.idle:
                commands.append(("XPENDING", self.key, name, "-", "+", self.max_pending))
        count = self.count_up_to + 1
        for cursor in self._starts() if self.count_up_to else ():
            commands.append(("XRANGE", self.key, _after(cursor), "+", "COUNT", count))
        return commands

    def read(self, results: Sequence[Any], last: LastReplies) -> PollReplies:
        """Read the replies; `last` knows the previous ones.

        Raise the first error among the replies, except that there is no such group: it may have
        been destroyed since the previous poll. Also raise an error if a reply has the wrong shape,
        and ServerTooOld if the server does not count the entries that were ever added.
        """
        for i, error in errors_among(results):
            gone = isinstance(error, NoSuchGroup | NoSuchStream)
            if i and isinstance(error, WrongType):  # the hash of the readers; the stream is there
                raise OffsetError(str(error)) from error
            if not gone or i < len(self._about_stream()):
                raise error
        rest = iter(results)
        about, groups = next(rest), last.groups(next(rest))
        new = next(rest)[::-1] if self.max_entries or self.known else []
        new = [] if self.after == EntryId.MAX else new  # XREVRANGE has nothing after the largest ID
        entries, ends_bytes, new_bytes = checked_entries(new), 0, largest_size(new)
        if self.known is None:
            stream, ends_bytes, newest = last.stream(about)
            if not self.max_entries and newest and newest.id > (self.after or EntryId.ZERO):
                entries = (newest,)
        elif about != self.known.length or new:
            raise StreamChanged
        else:
            stream = self.known
        counted = [next(rest) for _ in self.pages]
        waiting = self._waiting(results)
        read = PollReplies(
            stream=stream,
            groups=groups,
            new=last.kept(entries, max(ends_bytes, new_bytes)),
            new_ids=self._new_ids(stream, new),
            pages=[page.read(reply) for page, reply in zip(self.pages, counted, strict=True)],
            memory_bytes=next(rest) if self.memory else None,
            positions={} if self.readers is None else replies.offsets(next(rest)),
            by_group=dict(self._by_group(rest, waiting)),
            entry_bytes=max(
                ends_bytes, new_bytes, largest_size(chain(*counted, *waiting.values()))
            ),
        )
        check_numbers(read.by_group, read.memory_bytes)
        return read

    def _new_ids(self, stream: StreamInfo, new: Sequence[Any]) -> Lookahead:
        ids, last = [entry[0] for entry in new], stream.last_generated_id
        after = self.after or EntryId.ZERO
        asked = len(ids) < self.max_entries or last == after
        if not asked:
            after = EntryId.parse(ids[0]).previous() if ids else last
        return Lookahead(after, ids, complete=True, asked=asked)

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

    def _starts(self) -> list[EntryId]:
        """Return the cursors to look ahead from: groups that have read equally far share one."""
        return [*{at: None for name, at in self.cursors.items() if name not in self.idle}]

    def _waiting(self, results: Sequence[Any]) -> dict[EntryId, Sequence[Any]]:
        """Return the first entries after each cursor: the last of the replies."""
        starts = self._starts()
        ahead = results[-len(starts) :] if starts and self.count_up_to else [()] * len(starts)
        pairs = zip(starts, ahead, strict=True)
        return {cursor: reply for cursor, reply in pairs if not isinstance(reply, Exception)}

    def _lookahead(self, cursor: EntryId, entries: Sequence[Any]) -> Lookahead:
        ids = [] if cursor == EntryId.MAX else [entry[0] for entry in entries]
        return Lookahead(cursor, ids, cursor == EntryId.MAX or 0 < self.count_up_to >= len(ids))

    def _by_group(
        self, results: Iterator[Any], waiting: Mapping[EntryId, Sequence[Any]]
    ) -> Iterator[tuple[str, GroupReplies]]:
        """Read what was asked about each group by name; `waiting` are entries by cursor."""
        lookaheads = {cursor: self._lookahead(cursor, reply) for cursor, reply in waiting.items()}
        for name, cursor in self.cursors.items():
            consumers, previous = next(results), self.idle.get(name)
            pending = () if previous else next(results)
            if isinstance(consumers, Exception) or isinstance(pending, Exception):
                continue
            infos = tuple(sorted(replies.consumer_rows(consumers)))
            if previous:
                yield name, previous.aged(infos)
            elif cursor in lookaheads:
                yield name, GroupReplies(infos, checked_pending(pending), lookaheads[cursor])


def _after(entry_id: EntryId) -> str:
    """Return where the entries after an ID begin; Redis refuses "(" before the largest ID."""
    return str(entry_id) if entry_id == EntryId.MAX else f"({entry_id}"
