"""Which streams may be replaced: those that an earlier virtual run left, and nobody else joined.

A virtual run gives its entries IDs of 2026, so a second run of the same cell finds them in its
way. It may delete them only with a proof that they are its own: a date proves nothing.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import redis

from streamviz.client import replies
from streamviz.client.arguments import Id
from streamviz.client.connection import Connection
from streamviz.client.models import StreamInfo
from streamviz.client.replies import text
from streamviz.client.stream import Stream
from streamviz.errors import CommandRefused, InputError, NoSuchStream

RUNS_KEY = "streamviz:runs"
"""The hash in which virtual runs name the streams that they made: a field for each stream."""


@dataclass(frozen=True, slots=True)
class RunMark:
    """What a virtual run left of one stream.

    Attributes
    ----------
    run : str
        Names the run.
    entries : int or None
        Entries that the run added to a stream of its own; None if the stream is not its own.
    last_id : str
        The last of them.
    groups : list of str
        The consumer groups that runs created.
    readers : dict of str to str
        For each plain reader that remembers, the position that it saved last.
    """

    run: str
    entries: int | None = None
    last_id: str = "0-0"
    groups: list[str] = field(default_factory=list)
    readers: dict[str, str] = field(default_factory=dict)


class Ownership:
    """Tells the streams of virtual runs from those of others, by marks on the server.

    Parameters
    ----------
    client : redis.Redis
        The server.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._connection = Connection(client, quiet=True)
        self._run = uuid.uuid4().hex
        self._own: set[str] = set()
        self._readers: set[tuple[str, str]] = set()

    def create_group(self, stream: str, group: str, start_id: Id) -> None:
        """Create a group, and its stream too, if there is none, and write down whose it is."""
        try:
            Stream(self._client, stream).group(group).create(start_id, mkstream=True)
        except CommandRefused as error:
            if "BUSYGROUP" not in str(error):
                raise
            return
        mark = self._load(stream) or RunMark(self._run)
        self._write(stream, replace(mark, groups=sorted({*mark.groups, group})))

    def take(self, stream: str, readers_key: str, now_ms: int, *, trims: bool) -> bool:
        """Make way for a virtual run's entries, and tell whether a stream was deleted for it.

        Parameters
        ----------
        stream : str
            The key of the stream that the run adds to.
        readers_key : str
            The hash with the positions of the stream's plain readers.
        now_ms : int
            Where the run's clock stands: the server refuses IDs before the stream's last one.
        trims : bool
            Whether the run trims the stream.

        Raises
        ------
        InputError
            If the stream is not proved to be an earlier run's, and is in the way.
        """
        mark = self._load(stream) or RunMark(self._run)
        try:
            raw = self._connection.call("XINFO", "STREAM", stream)
        except NoSuchStream:
            self._begin(stream, [])
            return False
        info = replies.stream_info(raw)
        why_not = self._joined(stream, info, mark)
        if not why_not and _is_new(info):
            self._begin(stream, mark.groups)
            return False
        if not why_not:
            if self._delete(stream, raw):
                self._begin(stream, [])
                for name in mark.readers:
                    self._forget(mark, readers_key, name)
                return True
            why_not = "it changed at this moment"
        if info.last_generated_id.ms > now_ms or (trims and info.length):
            raise InputError(
                f"{stream!r} holds {info.length} entries up to {info.last_generated_id}, and is "
                f"not replaced: {why_not}. On the virtual clock, choose another key, or delete "
                f"it yourself with client.delete({stream!r}); call start() for the wall clock"
            )
        return False

    def take_reader(self, stream: str, readers_key: str, name: str) -> None:
        """Remove the position that a reader of an earlier virtual run saved.

        Raises
        ------
        InputError
            If the position there is not proved to be an earlier run's.
        """
        self._readers.add((stream, name))
        saved = self._connection.call("HGET", readers_key, name)
        mark = self._load(stream)
        if saved is not None and (mark is None or not self._forget(mark, readers_key, name)):
            raise InputError(
                f"{readers_key!r} holds a position of {name!r}, and it is not replaced: no "
                "virtual run saved it. Choose another name for the reader, or remove it yourself "
                f"with client.hdel({readers_key!r}, {name!r})"
            )

    def save(self, stream: str, readers_key: str, entries: int, last_id: str) -> None:
        """Write down what this run has left of a stream, if anything is its own.

        Parameters
        ----------
        stream, readers_key : str
            As `take` has them.
        entries : int
            Entries that this run has added.
        last_id : str
            The last of them.
        """
        names = [name for key, name in self._readers if key == stream]
        mark = self._load(stream) or RunMark(self._run)
        if stream in self._own and mark.run == self._run:
            mark = replace(mark, entries=entries, last_id=last_id)
        elif not names:
            return
        saved = {name: self._connection.call("HGET", readers_key, name) for name in names}
        known = {name: text(at) for name, at in saved.items() if at is not None}
        self._write(stream, replace(mark, readers={**mark.readers, **known}))

    def _joined(self, stream: str, info: StreamInfo, mark: RunMark) -> str:
        """Return why a stream is not an earlier run's alone; empty if it is."""
        if not _is_new(info):
            if mark.entries is None:
                return "no virtual run made it"
            if (info.entries_added, str(info.last_generated_id)) != (mark.entries, mark.last_id):
                return "others have added to it since a virtual run made it"
        raw = self._connection.call("XINFO", "GROUPS", stream)
        others = {group.name for group in replies.group_infos(raw)} - set(mark.groups)
        return f"no virtual run created its group {min(others)!r}" if others else ""

    def _begin(self, stream: str, groups: list[str]) -> None:
        """Name this run as the one that makes a stream, before its first entry."""
        self._own.add(stream)
        self._write(stream, RunMark(self._run, 0, groups=groups))

    def _delete(self, stream: str, seen: Any) -> bool:
        """Delete a stream unless it has changed since it was seen."""
        look = ("XINFO", "STREAM", stream)
        return self._connection.transaction_if(look, seen, [("DEL", stream)]) is not None

    def _forget(self, mark: RunMark, readers_key: str, name: str) -> bool:
        """Remove a reader's position if it is the one that a run saved."""
        if name not in mark.readers:
            return False
        saved = mark.readers[name].encode()
        forget = [("HDEL", readers_key, name)]
        return (
            self._connection.transaction_if(("HGET", readers_key, name), saved, forget) is not None
        )

    def _write(self, stream: str, mark: RunMark) -> None:
        self._connection.call("HSET", RUNS_KEY, stream, json.dumps(asdict(mark)))

    def _load(self, stream: str) -> RunMark | None:
        raw = self._connection.call("HGET", RUNS_KEY, stream)
        try:
            return None if raw is None else _checked(RunMark(**json.loads(raw)))
        except (ValueError, TypeError):  # somebody else's hash, or a mark of another version
            return None


def _is_new(info: StreamInfo) -> bool:
    return info.length == 0 and not info.entries_added and str(info.last_generated_id) == "0-0"


def _checked(mark: RunMark) -> RunMark:
    sound = (
        isinstance(mark.run, str)
        and (mark.entries is None or type(mark.entries) is int)
        and isinstance(mark.last_id, str)
        and isinstance(mark.groups, list)
        and isinstance(mark.readers, dict)
        and all(isinstance(one, str) for one in (*mark.groups, *mark.readers.values()))
    )
    if not sound:
        raise ValueError("not a mark")
    return mark
