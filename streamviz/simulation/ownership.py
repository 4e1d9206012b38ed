"""Decide which streams a virtual run may replace: those that earlier virtual runs made.

A virtual run gives its entries IDs of 2026, so the streams of an earlier run prevent a second run
of the same cell. A run may delete a stream only if a mark proves that an earlier run made it, and
that no other client has joined it since, with an entry, a group or a consumer. Deleting,
acknowledging and moving a cursor leave nothing of others that could be lost. IDs prove nothing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import chain

import redis

from streamviz.client import replies
from streamviz.client.arguments import Id
from streamviz.client.cluster import connection_to
from streamviz.client.connection import Connection
from streamviz.client.entry_id import EntryId
from streamviz.client.models import FullGroup, StreamFull, StreamInfo
from streamviz.client.replies import text
from streamviz.client.stream import Stream
from streamviz.errors import CommandRefused, InputError, NoSuchStream, StreamVizError, WrongType
from streamviz.simulation.consumers import SimulatedGroup
from streamviz.simulation.context import DeadLetterStream
from streamviz.simulation.producer import Producer
from streamviz.simulation.readers import BaseReader, SimulatedReader, readers_key

RUNS_KEY = "streamviz:runs"
"""The hash with the marks: a field for each stream that a virtual run made or joined."""

Writer = Producer | DeadLetterStream


@dataclass(frozen=True, slots=True)
class RunMark:
    """What virtual runs left of one stream."""

    run: str  # its name
    entries: int | None = None  # that the run added; None if it did not make the stream
    last_id: str = "0-0"  # of these entries
    groups: dict[str, list[str]] = field(default_factory=dict)  # that runs created: the consumers
    readers: dict[str, str] = field(default_factory=dict)  # the last position that each saved


class Ownership:
    """Decides what a virtual run may replace, and marks what the run makes."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._connections: dict[str, Connection] = {}  # by key
        self._run = uuid.uuid4().hex
        self._own_streams: set[str] = set()
        self._prepared_streams: set[str] = set()
        self._prepared_readers: set[tuple[str, str]] = set()

    def _to(self, key: str) -> Connection:
        return self._connections.setdefault(key, connection_to(self._client, key, quiet=True))

    def create_group(self, stream: str, group: str, start: Id) -> None:
        """Create and mark a group, and its stream if needed; leave an existing group as it is."""
        mark = self._mark(stream)
        try:
            Stream(self._client, stream).group(group).create(start, mkstream=True)
        except CommandRefused as error:
            if "BUSYGROUP" not in str(error):
                raise
            return
        self._save(stream, replace(mark, groups={group: [], **mark.groups}))

    def prepare(
        self,
        writers: Collection[Writer],
        groups: Collection[SimulatedGroup],
        readers: Iterable[BaseReader],
        now_ms: int,
    ) -> None:
        """Replace what an earlier virtual run left, before a run adds entries.

        This includes dead-letter streams. The server refuses IDs before a stream's last ID, so the
        time of the run's clock matters. InputError if something is in the way, and no mark proves
        that it is an earlier run's.
        """
        for writer in writers:
            key = writer.stream
            if key in self._prepared_streams:
                continue
            trims = any(one.trims for one in writers if one.stream == key)
            if self._prepare_stream(key, now_ms, trims=trims):
                for group in groups:
                    if key in group.streams:
                        self.create_group(key, group.name, group.start)
            self._prepared_streams.add(key)
        for reader in readers:
            if isinstance(reader, SimulatedReader) and reader.remembers == "hash":
                self._prepare_reader(reader.stream, reader.name)

    def mark_streams(
        self,
        streams: Iterable[str],
        writers: Collection[Writer],
        groups: Collection[SimulatedGroup],
    ) -> None:
        """Mark what the run has made so far, so that the next run may replace it."""
        for stream in streams:
            with suppress(StreamVizError):  # without a mark, the next run refuses
                adding = [one for one in writers if one.stream == stream]
                reading = [one for one in groups if stream in one.streams]
                self._mark_stream(stream, adding, reading)

    def _prepare_stream(self, stream: str, now_ms: int, *, trims: bool) -> bool:
        """Replace a stream if it may be replaced, and return whether its groups are gone."""
        mark = self._mark(stream)
        query = "XINFO", "STREAM", stream, "FULL", "COUNT", 1
        try:
            raw = self._to(stream).call(*query)
        except NoSuchStream:  # or it was deleted after the groups were created
            self._mark_start(stream, RunMark(self._run))
            return True
        full = replies.stream_full(raw)
        info, obstacle = full.info, _obstacle(full, mark)
        if not obstacle and _is_new(info):
            self._mark_start(stream, mark)
            return False
        if not obstacle:  # deleted only if it is still the same
            if self._to(stream).transaction_if(query, raw, [("DEL", stream)]) is not None:
                self._mark_start(stream, RunMark(self._run))
                for name in mark.readers:
                    self._delete_position(stream, name, mark)
                return True
            obstacle = "it changed at this moment"
        if info.last_generated_id.ms > now_ms or (trims and info.length):
            raise InputError(
                f"{stream!r} holds {info.length} entries up to {info.last_generated_id}, and is "
                f"not replaced: {obstacle}. On the virtual clock, choose another key. "
                f"If no one needs the stream, delete it yourself with client.delete({stream!r}). "
                "On the wall clock, call start()"
            )
        return False

    def _prepare_reader(self, stream: str, name: str) -> None:
        """Delete the position that a reader of an earlier virtual run saved."""
        if (stream, name) in self._prepared_readers:
            return
        key = readers_key(stream)
        position = self._to(key).call("HGET", key, name)
        mark = self._mark(stream)
        if position is not None and not self._delete_position(stream, name, mark):
            raise InputError(
                f"{key!r} holds a position of {name!r}, and it is not replaced: no virtual run "
                "that ended saved it. Choose another name for the reader, or delete the position "
                f"yourself with client.hdel({key!r}, {name!r})"
            )
        self._prepared_readers.add((stream, name))

    def _mark_stream(
        self, stream: str, writers: Iterable[Writer], groups: Iterable[SimulatedGroup]
    ) -> None:
        names = [name for key, name in self._prepared_readers if key == stream]
        mark = self._mark(stream)
        ours = {one.name: one.consumers for one in groups if one.name in mark.groups}
        if stream in self._own_streams and mark.run == self._run:
            last_id = max((one.last_id for one in writers), default=EntryId.ZERO)
            added = sum(one.added for one in writers)
            mark = replace(mark, entries=added, last_id=str(last_id))
        elif not names and not ours:
            return
        key = readers_key(stream)
        raw = {name: self._to(key).call("HGET", key, name) for name in names}
        positions = {name: text(value) for name, value in raw.items() if value is not None}
        consumers = {name: sorted({*mark.groups[name], *ours[name]}) for name in ours}
        mark = replace(mark, groups=mark.groups | consumers, readers=mark.readers | positions)
        self._save(stream, mark)

    def _mark_start(self, stream: str, mark: RunMark) -> None:
        """Mark a stream as made by this run, before its first entry; keep the groups of a mark."""
        self._own_streams.add(stream)
        self._save(stream, RunMark(self._run, 0, groups=mark.groups))

    def _delete_position(self, stream: str, name: str, mark: RunMark) -> bool:
        """Delete a reader's position if it is the one in the mark, and return whether it was."""
        if name not in mark.readers:
            return False
        key, position = readers_key(stream), mark.readers[name].encode()
        delete = [("HDEL", key, name)]
        return self._to(key).transaction_if(("HGET", key, name), position, delete) is not None

    def _mark(self, stream: str) -> RunMark:
        """Return the mark of a stream; a new one if there is none, or another program wrote it."""
        try:
            raw = self._to(RUNS_KEY).call("HGET", RUNS_KEY, stream)
        except WrongType as error:
            raise InputError(
                f"{RUNS_KEY!r} is not the hash that names what runs made: if no one needs it, "
                f"delete it with client.delete({RUNS_KEY!r})"
            ) from error
        with suppress(ValueError, TypeError, RecursionError):  # another program's, or version's
            if raw is not None:
                return _checked(RunMark(**json.loads(raw)))
        return RunMark(self._run)

    def _save(self, stream: str, mark: RunMark) -> None:
        self._to(RUNS_KEY).call("HSET", RUNS_KEY, stream, json.dumps(asdict(mark)))


def _checked(mark: RunMark) -> RunMark:
    valid = (
        isinstance(mark.run, str)
        and (mark.entries is None or type(mark.entries) is int)
        and isinstance(mark.last_id, str)
        and isinstance(mark.groups, dict)
        and isinstance(mark.readers, dict)
        and all(isinstance(one, list) for one in mark.groups.values())
        and all(isinstance(one, str) for one in chain(*mark.groups.values(), mark.readers.values()))
    )
    if not valid:
        raise ValueError("not a mark")
    return mark


def _is_new(info: StreamInfo) -> bool:
    return info.length == 0 and not info.entries_added and str(info.last_generated_id) == "0-0"


def _obstacle(full: StreamFull, mark: RunMark) -> str:
    """Return why a stream may not be replaced; empty if it may."""
    if not _is_new(full.info):
        if mark.entries is None:
            return "no virtual run made it"
        added = full.info.entries_added, str(full.info.last_generated_id)
        if added != (mark.entries, mark.last_id):
            return "the virtual run that made it was killed, or others have added to it since"
    return next(filter(None, (_joined(group, mark) for group in full.groups)), "")


def _joined(group: FullGroup, mark: RunMark) -> str:
    """Return what shows that others have joined a group; empty if only runs use it."""
    name = group.info.name
    if name not in mark.groups:
        return f"no virtual run created its group {name!r}"
    if others := group.consumers.keys() - mark.groups[name]:
        return f"no virtual run gave its group {name!r} the consumer {min(others)!r}"
    return ""
