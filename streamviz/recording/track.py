"""Know where one stream's samples are in a recording, and which events they have."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from streamviz.errors import RecordingError
from streamviz.observation.sample import Sample
from streamviz.recording.blocks import Block
from streamviz.recording.events import TrackEvent


class SampleIndex(NamedTuple):
    """What the index says of one sample: its number, its time and how many entries it has."""

    n: int
    time_ms: int
    entries: int

    @classmethod
    def of(cls, sample: Sample) -> SampleIndex:
        """Return the index of a sample."""
        return cls(sample.n, sample.time_ms, len(sample.entries))


@dataclass(frozen=True, slots=True)
class BlockIndex:
    """What a block of samples holds.

    The places of events count from the block's first sample. A claim was found by comparing
    samples, and may be reported as an event, too.
    """

    stream: str
    samples: tuple[SampleIndex, ...]  # one for each line of the block's text
    events: tuple[TrackEvent, ...] = ()
    claims: tuple[TrackEvent, ...] = ()
    groups: tuple[str, ...] = ()  # that no block before had


class TrackBlock(NamedTuple):
    """A block, the places of its samples in their track, and the number of its first line."""

    block: Block
    places: range
    line: int


class Track:
    """The samples of one stream in a recording.

    Attributes
    ----------
    stream : str
        The stream's key.
    times_ms : list of int
        Each sample's time, in milliseconds since 1970 UTC.
    entries : list of int
        How many entries each sample has.
    events : list of TrackEvent
        What happened, and in which sample.
    blocks : list of TrackBlock
        The blocks that hold the samples.
    """

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.times_ms: list[int] = []
        self.entries: list[int] = []
        self.events: list[TrackEvent] = []
        self.blocks: list[TrackBlock] = []
        self._ns: list[int] = []
        self._claims: list[TrackEvent] = []
        self._groups: dict[str, None] = {}

    @property
    def groups(self) -> tuple[str, ...]:
        """Every group that the stream ever had, in the order in which they appeared."""
        return tuple(self._groups)

    def __len__(self) -> int:
        return len(self.times_ms)

    def index(self, place: int) -> SampleIndex:
        """Return what the index says of a sample."""
        return SampleIndex(self._ns[place], self.times_ms[place], self.entries[place])

    def block(self, place: int) -> TrackBlock:
        """Return the block that holds a sample."""
        at = bisect_right(self.blocks, place, key=lambda one: one.places.start)
        return self.blocks[at - 1]

    def take(self, index: BlockIndex, block: Block, line: int) -> None:
        """Note the next block: its index, where it is, and the number of its first line.

        RecordingError if a sample is out of order, or an event is in none of the samples.
        """
        first = len(self)
        if not index.samples:
            raise RecordingError("samples is []: a block has one sample at least")
        for events, target in ((index.events, self.events), (index.claims, self._claims)):
            for one in events:
                if one.place >= len(index.samples):
                    raise RecordingError(f"place is {one.place}: the block has fewer samples")
                target.append(TrackEvent(first + one.place, one.event))
        for sample in index.samples:
            if self.times_ms:
                self._check_order(sample)
            self._ns.append(sample.n)
            self.times_ms.append(sample.time_ms)
            self.entries.append(sample.entries)
        self._groups |= dict.fromkeys(index.groups)
        self.blocks.append(TrackBlock(block, range(first, len(self)), line))

    def _check_order(self, sample: SampleIndex) -> None:
        n, time_ms = self._ns[-1], self.times_ms[-1]
        if sample.n <= n or sample.time_ms < time_ms:
            raise RecordingError(
                f"sample {sample.n} at {sample.time_ms} ms comes after sample {n} at "
                f"{time_ms} ms: restore the blocks' order"
            )

    def close(self) -> None:
        """Add the claims that no sample reports."""
        reported = {event.place for event in self.events if event.event.kind == "claimed"}
        for claim in self._claims:
            if not reported & {claim.place, claim.place + 1}:  # the next sample may report it
                self.events.append(claim)
        self.events.sort(key=lambda event: event.place)
