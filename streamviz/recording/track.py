"""Where one stream's samples lie in a recording, and what happened in them."""

from __future__ import annotations

from typing import Any

from streamviz.errors import RecordingError
from streamviz.recording.checks import check
from streamviz.recording.events import Event, Spotter


class Track:
    """Where one stream's samples lie in the file.

    Attributes
    ----------
    stream : str
        The stream's key.
    times_ms : list of int
        Each sample's time, in milliseconds since 1970 UTC.
    events : list of Event
        What happened, and in which sample.
    entries : list of int
        How many entries each sample has.
    places : list of (int, int, int)
        For each sample, its line's number, where it starts and where it ends.
    whole : list of int
        The samples at which reading can begin.
    unclear : list of int
        The samples in which somebody may have claimed something.
    """

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.times_ms: list[int] = []
        self.events: list[Event] = []
        self._spotter = Spotter()
        self.entries: list[int] = []
        self.places: list[tuple[int, int, int]] = []
        self.whole: list[int] = []
        self.unclear: list[int] = []
        self._n = -1

    @property
    def groups(self) -> tuple[str, ...]:
        """Every group that the stream ever had, in the order in which they appeared."""
        return tuple(self._spotter.groups)

    def __len__(self) -> int:
        return len(self.times_ms)

    def take(
        self, row: dict[str, Any], place: tuple[int, int, int], *, unclear: bool = False
    ) -> None:
        """Note the next sample's line: what it holds, and its number, start and end in the file.

        Raises
        ------
        RecordingError
            If a value is none for its key, or the line is out of order.
        """
        check(row)
        n, time_ms = row["n"], row["time_ms"]
        if n <= self._n or (self.times_ms and time_ms < self.times_ms[-1]):
            raise RecordingError(
                f"sample {n} at {time_ms} ms comes after sample {self._n} at "
                f"{self.times_ms[-1]} ms: restore the lines' order"
            )
        if "whole" in row:
            self.whole.append(len(self))
        elif not self.whole:
            raise RecordingError(f'the first line of {self.stream!r} must be "whole": restore it')
        try:
            self.events += self._spotter.events(len(self), row)
        except (TypeError, AttributeError) as error:
            raise RecordingError(
                f"a number or a group is of the wrong kind ({error}): restore the line"
            ) from error
        if unclear:
            self.unclear.append(len(self))
        self._n = n
        self.times_ms.append(time_ms)
        self.entries.append(len(row.get("entries", ())))
        self.places.append(place)

    def tell(self, found: dict[int, list[str]]) -> None:
        """Take in which samples hold claims, in words; where a note told of one, it is known."""
        known = {event.place for event in self.events if event.kind == "claim"}
        self.events += [
            Event(place, "claim", text)
            for place, texts in found.items()
            if not known & {place, place + 1}  # a note may come with the next look
            for text in texts
        ]
        self.events.sort(key=lambda event: event.place)
