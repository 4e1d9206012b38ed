"""Readers of a scenario: clients that read a stream without a consumer group.

A plain reader asks for entries (XREAD). What a crash costs it depends on what it remembers. A
subscriber (`streamviz.simulation.subscribers`) receives entries by pub/sub.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, ClassVar, Literal, TypedDict, Unpack, get_args

from streamviz.client import arguments
from streamviz.client.arguments import Id
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import NoSuchStream, StreamVizError
from streamviz.observation.events import Event
from streamviz.observation.sample import ReaderState
from streamviz.patterns.follow import check_position
from streamviz.patterns.offsets import HashOffset, MemoryOffset, Offset
from streamviz.simulation.behaviour import ServiceTime, service_time
from streamviz.simulation.checks import function, number
from streamviz.simulation.context import Context
from streamviz.simulation.lifecycle import SimulatedClient

Remembers = Literal["nothing", "memory", "hash"]

_MAX_IDS_PER_SAMPLE = 200  # IDs of handled entries that one sample carries


def readers_key(stream: str) -> str:
    """Return the key of the hash in which a scenario's readers of a stream save their positions."""
    return f"{stream}:readers"


class ReaderOptions(TypedDict, total=False):
    """The options of a `BaseReader`, for type checkers."""

    service_ms: ServiceTime
    handler: Callable[[Entry], Any] | None
    crash_at_s: float | None
    revive_after_s: float | None


class PlainReaderOptions(ReaderOptions, total=False):
    """The options of a `SimulatedReader`, for type checkers."""

    remembers: Remembers
    start: Id
    batch: int


class BaseReader(SimulatedClient):
    """A client that gets the entries of one stream without a group; a subclass says how.

    Parameters
    ----------
    context : Context
        What the scenario's parts share.
    stream, name : str
        The stream's key, and the reader's name.
    service_ms : float or callable
        How long one entry takes, in milliseconds; see `Scenario.group`.
    handler : callable, optional
        Called with each `Entry`. If it raises, a sample reports it, and the reader goes on.
    crash_at_s, revive_after_s : float, optional
        When the reader crashes, and how long it stays dead, in seconds.
    """

    _random_stream: ClassVar[str]  # part of the seed: a new value changes every run
    _options: ClassVar[Iterable[str]] = ReaderOptions.__annotations__

    def __init__(
        self,
        context: Context,
        stream: str,
        name: str,
        *,
        service_ms: ServiceTime = 100.0,
        handler: Callable[[Entry], Any] | None = None,
        crash_at_s: float | None = None,
        revive_after_s: float | None = None,
    ) -> None:
        for option, value in (("crash_at_s", crash_at_s), ("revive_after_s", revive_after_s)):
            if value is not None:
                number(option, value, 0)
        if handler is not None:
            function("handler", handler, "an Entry")
        rng = context.rng(f"{self._random_stream} {stream} {name}")
        super().__init__(context, name, rng, revive_after_s)
        self.stream = stream
        self._position: EntryId | None = None
        self._handled_ids: deque[EntryId] = deque(maxlen=_MAX_IDS_PER_SAMPLE)
        self._service = service_time(service_ms)
        self._handler = handler
        self._crash_at_s = crash_at_s

    def state(self) -> ReaderState | None:
        """Return the position and the newly handled entries; None if there is neither."""
        ids = tuple(self._handled_ids)
        self._handled_ids.clear()
        position = ids[-1] if self._position is None and ids else self._position
        return None if position is None else ReaderState(self.name, position, ids)

    def __repr__(self) -> str:
        state = "alive" if self.alive else "dead"
        kind = type(self).__name__
        return f"<{kind} {self.name!r} of {self.stream!r}: {state}, handled {self.handled}>"

    def _handle(self, entry: Entry) -> Generator[Any, Any, None]:
        """Spend the service time of an entry, then handle it."""
        yield self.context.clock.env.timeout(self._draw_ms(self._service))
        try:
            if self._handler is not None:
                self._handler(entry)
        except Exception as cause:
            self._function_raised("handler", entry, cause)
        self.handled += 1
        self._position = entry.id
        self._handled_ids.append(entry.id)

    def _report_problem(self, problem: str) -> None:
        self.context.report_once(Event("problem", self.name, detail=problem))


class SimulatedReader(BaseReader):
    """A plain reader of one stream (XREAD); the server does not know about it.

    Parameters
    ----------
    context, stream, name, **options
        See `BaseReader`.
    remembers : {"hash", "memory", "nothing"}
        Where it goes on after a crash. ``"hash"``: at the position that it saved in the hash
        ``<stream>:readers``. ``"memory"``: at `start` again, because a crash erases its memory.
        ``"nothing"``: at the next entry, because it asks with ``$`` each time.
    start : EntryId or str
        Where it starts: ``"0"``, ``"$"`` or an ID.
    batch : int
        Entries to read at a time (COUNT).
    """

    _random_stream = "Reader"
    _options = PlainReaderOptions.__annotations__

    def __init__(
        self,
        context: Context,
        stream: str,
        name: str,
        *,
        remembers: Remembers = "hash",
        start: Id = "0",
        batch: int = 1,
        **options: Unpack[ReaderOptions],
    ) -> None:
        super().__init__(context, stream, name, **options)
        self.remembers = arguments.one_of("remembers", remembers, get_args(Remembers))
        self._stream = Stream(context.client, stream)
        self._start_id = "$" if remembers == "nothing" else arguments.id_text(start, "$")
        self._batch = arguments.whole_number("batch", batch, 1)
        self._hash = HashOffset(context.client, readers_key(stream), name)
        self._start(self._crash_at_s)

    def _live(self, *, revived: bool) -> Generator[Any, Any, None]:
        offset: Offset = self._hash if self.remembers == "hash" else MemoryOffset()
        after = self._position = offset.load() or self._first_position()
        while self.alive:
            entries = self._read(after)
            for entry in entries:
                yield from self._handle(entry)
                self._save(offset, entry.id)
                after = entry.id
            if not entries:
                yield self.context.wait_for_entries([self.stream])
            elif self.remembers == "nothing":
                after = self._last_id()

    def _after_death(self) -> None:
        if self.remembers != "hash":
            self._position = None

    def _first_position(self) -> EntryId:
        return self._last_id() if self._start_id == "$" else EntryId.parse(self._start_id)

    def _last_id(self) -> EntryId:
        """Return the stream's last ID, which is what ``$`` means now."""
        try:
            return self._stream.info().last_generated_id
        except NoSuchStream:
            return EntryId.ZERO

    def _read(self, after: EntryId) -> list[Entry]:
        try:
            entries = self._stream.read(after, count=self._batch)
            if not entries:
                check_position(self._stream, after)
        except StreamVizError as error:
            self._report_problem(str(error))
            return []
        return entries

    def _save(self, offset: Offset, entry_id: EntryId) -> None:
        try:
            offset.save(entry_id)
        except StreamVizError as error:
            self._report_problem(str(error))
