"""The newest samples of a stream, in bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING

from streamviz.client.entry_id import EntryId
from streamviz.client.frames import make_frame
from streamviz.client.models import Entry
from streamviz.client.records import Records
from streamviz.client.tables import titled
from streamviz.errors import InputError, check_type, no_such
from streamviz.observation.deliveries import Delivery, delivery_log
from streamviz.observation.events import Deaths
from streamviz.observation.group_rows import COLUMNS, group_rows, group_table
from streamviz.observation.missed_entries import MissedByReaders
from streamviz.observation.sample import Sample
from streamviz.observation.sample_window import SampleWindow

if TYPE_CHECKING:
    import pandas

_SAMPLE_BYTES, _USUAL_LIMIT = 80_000, 1000


class History:
    """The newest samples of one stream, in a window of bounded size.

    Save it as a recording with `streamviz.recording.save`.

    Parameters
    ----------
    limit : int, default 1000
        How many samples to keep; a new one replaces the oldest.
    max_entries : int, default 5000
        How many entries to keep over all samples; the oldest samples lose their entries, but keep
        their numbers.
    max_bytes : int, optional
        About how much memory the samples may take. The default is 80 kB for each of `limit`, and at
        least 80 MB. If they take more, the oldest samples of partitions lose their parts' consumers
        and pending entries. If that is not enough, the history keeps fewer samples.

    Attributes
    ----------
    lock : threading.RLock
        Held while a sample is appended. Hold it to read several values of one moment while another
        thread appends.
    dead_before : dict
        The consumers and readers that were dead before the window: see `Deaths`.

    Raises
    ------
    InputError
        If a limit is not an integer, or less than 1.

    Examples
    --------
    >>> History(limit=100)
    <History: no samples yet>
    """

    def __init__(
        self, limit: int = 1000, *, max_entries: int = 5000, max_bytes: int | None = None
    ) -> None:
        numbers = {"limit": limit, "max_entries": max_entries, "max_bytes": max_bytes}
        for name, value in numbers.items():
            if (type(value) is not int or value < 1) and (name, value) != ("max_bytes", None):
                raise InputError(f"{name}={value!r}: give an integer, 1 or more")
        self.limit = limit
        self.max_entries = max_entries
        self.max_bytes = max_bytes or _SAMPLE_BYTES * max(limit, _USUAL_LIMIT)
        self.lock = threading.RLock()
        self._window = SampleWindow(limit, max_entries, self.max_bytes)
        self._counts = self._window.counts
        self.dead_before = self._window.dead_before
        self._start_ms: int | None = None
        self._missed = MissedByReaders(max_entries)

    def append(self, sample: Sample) -> None:
        """Add the next sample.

        InputError if it is not a sample, or its number or its time is before the last sample's.
        Then the history does not change.
        """
        check_type("sample", sample, Sample, "a Sample, as Observer.sample() returns it")
        with self.lock:
            last = self.newest
            if last is not None and (sample.n <= last.n or sample.time_ms < last.time_ms):
                raise InputError(
                    f"sample {sample.n} at {sample.time_ms} ms comes after sample {last.n} at "
                    f"{last.time_ms} ms: append samples in order, or begin a new History"
                )
            if self._start_ms is None:
                self._start_ms = sample.time_ms
            self._missed.follow(sample, self._window.samples)
            gone = self._window.append(sample)
            self._missed.keep(self._counts.readers)
            self._missed.forget(gone)

    def continue_from(
        self, start_ms: int, groups: Iterable[str], dead: Deaths | None = None
    ) -> None:
        """Continue a longer history: take over its start, its groups' order and its dead consumers.

        InputError if there are samples already.
        """
        if self._window.samples:
            raise InputError(f"{self!r} already has samples: continue with a new History")
        self._start_ms = start_ms
        self._counts.expect(groups)
        self.dead_before.update(dead or {})

    def hide_fields(self) -> None:
        """Drop the values of entries' fields, from these samples and from all later ones."""
        with self.lock:
            self._window.hide_fields()

    def thin(self, every_ms: float) -> None:
        """Keep one sample in each span of this length, from now on, and the newest sample.

        The others are merged into it: it has their entries and events, too.
        """
        with self.lock:
            self._window.thin(every_ms, self.start_ms)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The samples in the window, oldest first."""
        with self.lock:
            return self._window.as_tuple()

    @property
    def last(self) -> Sample:
        """The newest sample; InputError if there is none yet, see `newest`."""
        if not self._window.samples:
            raise InputError(
                "this history has no sample yet: run it first, with run(seconds) or start() of its "
                "scenario"
            )
        return self._window.samples[-1]

    @property
    def newest(self) -> Sample | None:
        """The newest sample, or None if there is none yet."""
        return self._window.samples[-1] if self._window.samples else None

    @property
    def group_names(self) -> tuple[str, ...]:
        """The groups in the window, in the order in which they appeared."""
        return self._counts.group_names

    @property
    def reader_names(self) -> tuple[str, ...]:
        """The plain readers in the window, in the order in which they appeared."""
        return tuple(self._counts.readers)

    def consumer_names(self, group: str) -> tuple[str, ...]:
        """Return the consumers of a group in the window, in the order in which they appeared.

        InputError if no sample in the window has a group of that name.
        """
        if group not in self.group_names:
            raise no_such("group", group, self.group_names)
        return tuple(name for owner, name in self._counts.consumers if owner == group)

    @property
    def highest_seq(self) -> int:
        """The largest sequence number of any entry so far."""
        return self._counts.highest_seq

    @property
    def start_ms(self) -> int:
        """The time of the first sample ever, in milliseconds since 1970 UTC; 0 before it."""
        return self._start_ms or 0

    @property
    def ids_are_times(self) -> bool:
        """Whether the stream's IDs can be times in milliseconds, near the samples' times."""
        last = self.newest
        if last is None or last.last_id == EntryId.ZERO:
            return True
        return (last.first_id if last.length else last.last_id).is_time(last.time_ms)

    @property
    def entries(self) -> Iterator[Entry]:
        """The entries in the window, oldest first."""
        return (entry for sample in self.samples for entry in sample.entries)

    @property
    def entry_count(self) -> int:
        """How many entries the window has."""
        return self._counts.entries

    @property
    def event_count(self) -> int:
        """How many events the window has."""
        return self._counts.events

    def inexact_count(self, group: str) -> int:
        """Return in how many samples of the window the group's lag is not exact."""
        check_type("group", group, str, "a group's name")
        return self._counts.inexact.get(group, 0)

    def since(self, n: int) -> list[Sample]:
        """Return the samples in the window whose number is larger than `n`, oldest first."""
        check_type("n", n, int, "a sample's number")
        newer = takewhile(lambda sample: sample.n > n, reversed(self._window.samples))
        return list(newer)[::-1]

    def missed_by(self, reader: str) -> tuple[EntryId, ...]:
        """Return the entries in the window that a reader missed: it has received a later one.

        This needs a reader that reports what it gets (`ReaderState.got`). InputError if no sample
        in the window has a reader of that name.
        """
        if reader not in self.reader_names:
            raise no_such("reader", reader, self.reader_names)
        return self._missed.by(reader)

    def deliveries(self, group: str) -> Records[Delivery]:
        """Return a group's deliveries in the window: those that ended, then the pending ones.

        A notebook shows them as a table; `.to_frame()` makes a pandas frame of them. `DeliveryLog`
        says what samples can't show. InputError if no sample in the window has a group of that
        name.
        """
        with self.lock:
            if group not in self.group_names:
                raise no_such("group", group, self.group_names)
            log = delivery_log(self)
            return Records(Delivery, [*log.ended(group), *log.pending(group)])

    def to_frame(self) -> pandas.DataFrame:
        """Return the window as a pandas frame, with one row per sample and group.

        Columns: `time`, a timestamp in UTC (on a virtual clock: that clock's time); `elapsed_s`,
        seconds since the first sample ever; `sample`, its number, `n`; `stream`; `group`;
        `length` and `entries_added` of the stream; `last_delivered_id`, as text; `entries_read`;
        `lag_entries`, `lag_ms`, `verdict` and `reason`, as in `Lag` (`lag_ms` is `behind_ms`);
        `pending`; `consumers`, their number; `acked`, `gone` and `dropped`, as in `GroupState`.

        An unknown number is missing, and never 0. A history without groups makes an empty frame
        with the same columns and types. For polars, Arrow and others, give the frame to
        ``polars.from_pandas``, ``pyarrow.Table.from_pandas`` or ``narwhals.from_native``.

        Raises
        ------
        StreamVizError
            If pandas is not installed.

        Examples
        --------
        >>> frame = History().to_frame()
        >>> len(frame), str(frame["time"].dtype), str(frame["lag_entries"].dtype)
        (0, 'datetime64[ms, UTC]', 'Int64')
        """
        with self.lock:
            rows = [
                row for sample in self._window.samples for row in group_rows(sample, self.start_ms)
            ]
        return make_frame(COLUMNS, rows)

    def __len__(self) -> int:
        return len(self._window.samples)

    def __repr__(self) -> str:
        last = self.newest
        if last is None:
            return "<History: no samples yet>"
        seconds = (last.time_ms - self.start_ms) / 1000
        return f"<History of {last.stream!r}: {seconds:g} s, {last.entries_added} entries>"

    def _repr_html_(self) -> str:
        last = self.newest
        rows = list(group_rows(last, self.start_ms)) if last else []
        return titled(repr(self), group_table(rows))
