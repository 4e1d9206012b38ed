"""A bounded window of samples, and the books of each group."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.errors import InputError
from streamviz.observation.passing import MissedEntries
from streamviz.observation.sample import GroupState, Sample


@dataclass(frozen=True, slots=True)
class GroupAccounting:
    """Where every entry that was ever added is, as one group sees it.

    ``added = undelivered + pending + acked + gone``, or else `reason` says why that can't be
    known.

    Attributes
    ----------
    added : int
        Entries ever added to the stream.
    undelivered : int or None
        In the stream, and not yet delivered to the group: its lag.
    pending : int
        Delivered, and not acknowledged.
    acked : int or None
        Delivered, and no longer pending: acknowledged, read with NOACK, or thrown away with a
        deleted consumer (see `History.dropped`).
    gone : int or None
        Never delivered to the group, and no longer to come: deleted, trimmed or skipped before
        the group got them, or older than the group.
    reason : str
        Why a number is None; empty if none is.
    """

    added: int
    undelivered: int | None
    pending: int
    acked: int | None
    gone: int | None
    reason: str


def account_for(sample: Sample, group: GroupState) -> GroupAccounting:
    """Return the books of one group at one moment.

    Parameters
    ----------
    sample : Sample
        The moment.
    group : GroupState
        One of its groups.

    Notes
    -----
    What happened before the first look is the server's word: its ``entries-read``, which from 8.2
    also counts what was trimmed before the group got it, and what ENTRIESREAD made it believe.
    From then on the observer saw it.
    """
    added, waiting, pending = sample.entries_added, group.lag.entries, group.pending
    if waiting is None or group.lag.verdict != "exact":
        undelivered = f"it is not certain how many entries wait: {group.lag.reason}"
        return GroupAccounting(added, None, pending, None, None, undelivered)
    if group.gone is None:
        unknown = (
            "acknowledged and lost entries cannot be told apart: the group began unseen, or was "
            "set back, or entries were removed ahead of it while it read"
        )
        return GroupAccounting(added, waiting, pending, None, None, unknown)
    acked = added - waiting - pending - group.gone
    if acked < 0:
        contradiction = "more is pending than was delivered: a claim was forced (XCLAIM FORCE)"
        return GroupAccounting(added, waiting, pending, None, None, contradiction)
    return GroupAccounting(added, waiting, pending, acked, group.gone, "")


class History:
    """The newest samples of one stream, in bounded memory however long the run.

    Parameters
    ----------
    limit : int, default 1000
        Samples kept; the oldest is dropped for a new one.
    max_entries : int, default 5000
        Entries kept over all samples; the oldest samples give up theirs, and keep their numbers.

    Raises
    ------
    InputError
        If a limit is not an integer, or smaller than 1.

    Examples
    --------
    >>> History(limit=100)
    <History: no samples yet>
    """

    def __init__(self, limit: int = 1000, *, max_entries: int = 5000) -> None:
        for name, value in (("limit", limit), ("max_entries", max_entries)):
            if type(value) is not int or value < 1:
                raise InputError(f"{name}={value!r}: give an integer, 1 or more")
        self.limit = limit
        self.max_entries = max_entries
        self._samples: deque[Sample] = deque()
        self._entries = 0
        self._bare = 0  # so many of the oldest samples have given up their entries
        self._start_ms: int | None = None
        self._groups: dict[str, int] = {}  # how many samples in the window have it
        self._readers: dict[str, int] = {}
        self._consumers: dict[tuple[str, str], int] = {}
        self._passing: dict[str, MissedEntries] = {}
        self._newest = EntryId.ZERO
        self._events = 0  # how many the window has, and doubtful lags of each group
        self._doubts: dict[str, int] = {}
        self._highest_seq = 0
        self._dropped: dict[str, int] = {}

    def append(self, sample: Sample) -> None:
        """Take the next sample.

        Raises
        ------
        InputError
            If its number or its time lies before the last one's; the history stays as it was.
        """
        last = self.last
        if last is not None and (sample.n <= last.n or sample.time_ms < last.time_ms):
            raise InputError(
                f"sample {sample.n} at {sample.time_ms} ms comes after sample {last.n} at "
                f"{last.time_ms} ms: append samples in order, or begin a new History"
            )
        if last is not None and sample.exists:
            self._note_dropped(last, sample)
        if self._start_ms is None:
            self._start_ms = sample.time_ms
        self._follow_readers(sample)
        self._samples.append(sample)
        self._entries += len(sample.entries)
        self._highest_seq = max(self._highest_seq, *(one.id.seq for one in sample.entries), 0)
        self._count(sample, 1)
        if len(self._samples) > self.limit:
            self._drop_oldest()
        while self._entries > self.max_entries and self._bare < len(self._samples) - 1:
            self._bare_next()

    def follow(self, start_ms: int, groups: Iterable[str]) -> None:
        """Be the rest of a longer history: count seconds from its start, keep its groups' order.

        Raises
        ------
        InputError
            If there are samples already.
        """
        if self._samples:
            raise InputError(f"{self!r} has begun: follow with a new History")
        self._start_ms = start_ms
        self._groups = dict.fromkeys(groups, 0)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The samples in the window, oldest first."""
        return tuple(self._samples)

    @property
    def last(self) -> Sample | None:
        """The newest sample, if there is one."""
        return self._samples[-1] if self._samples else None

    @property
    def group_names(self) -> tuple[str, ...]:
        """The groups in the window, in the order in which they appeared."""
        return tuple(name for name, many in self._groups.items() if many)

    @property
    def reader_names(self) -> tuple[str, ...]:
        """The plain readers in the window, in the order in which they appeared."""
        return tuple(self._readers)

    def consumer_names(self, group: str) -> tuple[str, ...]:
        """Return the consumers of a group in the window, in the order in which they appeared."""
        return tuple(name for owner, name in self._consumers if owner == group)

    @property
    def highest_seq(self) -> int:
        """The largest sequence number of any entry seen."""
        return self._highest_seq

    @property
    def start_ms(self) -> int:
        """The time of the first sample ever, in milliseconds since 1970 UTC; 0 before it."""
        return self._start_ms or 0

    @property
    def entries(self) -> Iterator[Entry]:
        """The entries in the window, oldest first."""
        return (entry for sample in self.samples for entry in sample.entries)

    @property
    def entry_count(self) -> int:
        """How many entries the window has."""
        return self._entries

    @property
    def event_count(self) -> int:
        """How many events the window has."""
        return self._events

    def doubts(self, group: str) -> int:
        """Return in how many samples of the window the group's lag is not exact."""
        return self._doubts.get(group, 0)

    def since(self, n: int) -> list[Sample]:
        """Return the samples in the window whose number is larger than `n`, oldest first."""
        newer = takewhile(lambda sample: sample.n > n, reversed(self._samples))
        return list(newer)[::-1]

    def dropped(self, group: str) -> int:
        """Return how many pending entries vanished with the group's deleted consumers, at most.

        XGROUP DELCONSUMER throws away what its consumer held. The number is what it held at the
        last look before; it may have acknowledged some of it since.
        """
        return self._dropped.get(group, 0)

    def passed_by(self, reader: str) -> tuple[EntryId, ...]:
        """Return the entries in the window that a reader never got, though it got a later one.

        It takes a reader that tells what it gets (`ReaderState.got`).
        """
        passing = self._passing.get(reader)
        return tuple(passing.lost) if passing else ()

    def save(
        self,
        path: str | Path,
        *,
        captions: Iterable[tuple[float, str]] = (),
        overwrite: bool = False,
    ) -> None:
        """Save the samples in the window as a recording: see `streamviz.recording.save`.

        Examples
        --------
        >>> History(limit=100).save("run.jsonl")  # doctest: +SKIP
        """
        # Named at run time: a recording knows histories, and a history need not know recordings.
        import_module("streamviz.recording").save(
            self, path, captions=captions, overwrite=overwrite
        )

    def __len__(self) -> int:
        return len(self._samples)

    def __repr__(self) -> str:
        if self.last is None:
            return "<History: no samples yet>"
        seconds = (self.last.time_ms - self.start_ms) / 1000
        return (
            f"<History of {self.last.stream!r}: {seconds:g} s, {self.last.entries_added} entries>"
        )

    def _drop_oldest(self) -> None:
        sample = self._samples.popleft()
        self._entries -= len(sample.entries)
        self._bare = max(0, self._bare - 1)
        self._count(sample, -1)
        for name in self._passing.keys() - self._readers.keys():
            del self._passing[name]
        for passing in self._passing.values():
            passing.forget(sample.entries)

    def _count(self, sample: Sample, sign: int) -> None:
        self._events += sign * len(sample.events)
        _add(self._groups, (group.name for group in sample.groups), sign)
        _add(self._readers, (reader.name for reader in sample.readers), sign)
        members = ((group.name, one.name) for group in sample.groups for one in group.consumers)
        _add(self._consumers, members, sign)
        for group in sample.groups:
            if group.lag.verdict != "exact":
                self._doubts[group.name] = self.doubts(group.name) + sign

    def _bare_next(self) -> None:
        """Take the entries from the oldest sample that still has its own."""
        old = self._samples[self._bare]
        self._entries -= len(old.entries)
        for passing in self._passing.values():
            passing.forget(old.entries)
        bare = replace(old, entries=(), missed=old.missed + len(old.entries))
        self._samples[self._bare] = bare
        self._bare += 1

    def _follow_readers(self, sample: Sample) -> None:
        if sample.entries and sample.entries[0].id <= self._newest:
            self._passing.clear()  # it is another stream under the same key
        if sample.entries:
            self._newest = sample.entries[-1].id
        for reader in sample.readers:
            if reader.got and reader.name not in self._passing:
                before = (entry.id for entry in self.entries)
                self._passing[reader.name] = MissedEntries(before, self.max_entries)
        for passing in self._passing.values():
            passing.coming.extend(entry.id for entry in sample.entries)
        for reader in sample.readers:
            if reader.got:
                self._passing[reader.name].take(reader.got)

    def _note_dropped(self, last: Sample, sample: Sample) -> None:
        for old in last.groups:
            group = sample.group(old.name)
            if group is None:
                self._dropped.pop(old.name, None)
                continue
            left = {consumer.name for consumer in group.consumers}
            held = sum(consumer.pending for consumer in old.consumers if consumer.name not in left)
            if held and (group.consumers or not group.pending):
                self._dropped[old.name] = self.dropped(old.name) + held


def _add(counts: dict[Any, int], keys: Iterable[Any], sign: int) -> None:
    """Count keys up or down, and forget those that come to nothing."""
    for key in keys:
        counts[key] = counts.get(key, 0) + sign
        if not counts[key]:
            del counts[key]
