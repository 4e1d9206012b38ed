"""Where one stream's samples lie in a recording, and what happened in them."""

from __future__ import annotations

from typing import Any

from streamviz.errors import RecordingError
from streamviz.recording.checks import check
from streamviz.recording.events import EventDetector, TrackEvent


class Track:
    """Where one stream's samples lie in the file.

    Attributes
    ----------
    stream : str
        The stream's key.
    times_ms : list of int
        Each sample's time, in milliseconds since 1970 UTC.
    events : list of TrackEvent
        What happened, and in which sample.
    entries : list of int
        How many entries each sample has.
    places : list of (int, int, int)
        For each sample, its line's number, where it starts and where it ends.
    whole : list of int
        The samples at which reading can begin.
    """

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.times_ms: list[int] = []
        self.events: list[TrackEvent] = []
        self._spotter = EventDetector()
        self.entries: list[int] = []
        self.places: list[tuple[int, int, int]] = []
        self.whole: list[int] = []
        self._n = -1

    @property
    def groups(self) -> tuple[str, ...]:
        """Every group that the stream ever had, in the order in which they appeared."""
        return tuple(self._spotter.groups)

    def __len__(self) -> int:
        return len(self.times_ms)

    def take(self, row: dict[str, Any], place: tuple[int, int, int], *, sound: bool) -> None:
        """Note the next sample's line: what it holds, and its number, start and end in the file.

        The row need not hold what `streamviz.recording.skim` leaves out; if it is sound, its
        values need no check.

        Raises
        ------
        RecordingError
            If a value is none for its key, or the line is out of order.
        """
        if not sound:
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
        self._n = n
        self.times_ms.append(time_ms)
        self.entries.append(len(row.get("entries", ())))
        self.places.append(place)

    def close(self) -> None:
        """Take in who claimed what, unless the samples report it."""
        known = {event.place for event in self.events if event.event.kind == "claimed"}
        for event in self._spotter.claims:
            if not known & {
                event.place,
                event.place + 1,
            }:  # it may be reported with the next sample
                self.events.append(event)
        self.events.sort(key=lambda event: event.place)
