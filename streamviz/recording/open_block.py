"""Collect the samples of a block, and their index, until they are written."""

from __future__ import annotations

from streamviz.observation.sample import Sample
from streamviz.recording.blocks import pack_block
from streamviz.recording.events import EventDetector, TrackEvent
from streamviz.recording.format import dump
from streamviz.recording.track import BlockIndex, SampleIndex


class OpenBlock:
    """The samples of one stream that are not in the file yet."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._detector = EventDetector()
        self._groups: set[str] = set()
        self._clear()

    def _clear(self) -> None:
        self.lines: list[bytes] = []
        self.size = 0
        self._samples: list[SampleIndex] = []
        self._events: list[TrackEvent] = []
        self._claims: list[TrackEvent] = []
        self._new_groups: list[str] = []

    def add(self, sample: Sample, line: bytes) -> None:
        """Add a sample and its line."""
        place = len(self.lines)
        events, claims = self._detector.events(sample)
        self._events += [TrackEvent(place, event) for event in events]
        self._claims += [TrackEvent(place, event) for event in claims]
        names = [group.name for group in sample.groups if group.name not in self._groups]
        self._new_groups += names
        self._groups.update(names)
        self._samples.append(SampleIndex.of(sample))
        self.lines.append(line)
        self.size += len(line)

    def pack(self) -> bytes:
        """Return the samples as a block, and forget them."""
        index = BlockIndex(
            self._stream,
            tuple(self._samples),
            tuple(self._events),
            tuple(self._claims),
            tuple(self._new_groups),
        )
        text = b"".join(self.lines)
        self._clear()
        return pack_block(text, dump(index).encode("ascii"))
