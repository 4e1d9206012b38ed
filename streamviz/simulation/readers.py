"""Plain readers of a scenario (XREAD): what a crash costs them hangs on what they remember."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal, get_args

from streamviz.client import arguments
from streamviz.client.arguments import Id
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import NoSuchStream, StreamVizError
from streamviz.observation.events import Event
from streamviz.patterns.follow import check_position
from streamviz.patterns.offsets import HashOffset, MemoryOffset, Offset
from streamviz.simulation.context import Context
from streamviz.simulation.receiver import SimulatedReceiver

Remembers = Literal["nothing", "memory", "hash"]

_POLL_MS = 100.0


def readers_key(stream: str) -> str:
    """Return the key of the hash in which a scenario's readers of a stream have their places."""
    return f"{stream}:readers"


class SimulatedReader(SimulatedReceiver):
    """A plain reader of one stream; the server does not know of it.

    Parameters
    ----------
    context, stream, name, **more
        See `SimulatedReceiver`.
    remembers : {"hash", "memory", "nothing"}
        Where it goes on after a crash: where the hash ``<stream>:readers`` says; at `start`,
        since its memory is gone; or, for one that asks with ``$`` each time, at what comes next.
    start : EntryId or str
        Where it begins: ``"0"``, ``"$"`` or an ID.
    batch : int
        Entries taken at a time (COUNT).

    Raises
    ------
    InputError
        If an option is wrong.
    """

    _dice = "Reader"

    def __init__(
        self,
        context: Context,
        stream: str,
        name: str,
        *,
        remembers: Remembers = "hash",
        start: Id = "0",
        batch: int = 1,
        **more: Any,
    ) -> None:
        super().__init__(context, stream, name, **more)
        self.remembers = arguments.one_of("remembers", remembers, get_args(Remembers))
        self._stream = Stream(context.client, stream)
        self._start_id = "$" if remembers == "nothing" else arguments.id_text(start, "$")
        self._batch = arguments.whole_number("batch", batch, 1)
        self._hash = HashOffset(context.client, readers_key(stream), name)
        self._first_begin()

    def _live(self) -> Generator[Any, Any, None]:
        place: Offset = self._hash if self.remembers == "hash" else MemoryOffset()
        after = self._at = place.load() or self._begin_at()
        while self.alive:
            found = self._next(after)
            for entry in found:
                yield from self._handle(entry)
                self._save(place, entry.id)
                after = entry.id
            if not found:
                yield self.context.wait_for_entries([self.stream], _POLL_MS)
            elif self.remembers == "nothing":
                after = self._newest()

    def _lie_down(self) -> None:
        if self.remembers != "hash":
            self._at = None  # its place goes with it

    def _begin_at(self) -> EntryId:
        return self._newest() if self._start_id == "$" else EntryId.parse(self._start_id)

    def _newest(self) -> EntryId:
        """Return what ``$`` means at this moment."""
        try:
            return self._stream.info().last_generated_id
        except NoSuchStream:
            return EntryId.ZERO

    def _next(self, after: EntryId) -> list[Entry]:
        try:
            found = self._stream.read(after, count=self._batch)
            if not found:
                check_position(self._stream, after)
        except StreamVizError as error:
            self.context.report_once(Event("problem", self.name, detail=str(error)))
            return []
        return found

    def _save(self, place: Offset, entry_id: EntryId) -> None:
        try:
            place.save(entry_id)
        except StreamVizError as error:
            self.context.report_once(Event("problem", self.name, detail=str(error)))
