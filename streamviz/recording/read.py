"""Read a recording: open it at once, and decode the samples that are needed."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from os import SEEK_END
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from streamviz.errors import InputError, RecordingError, check_type, path_of
from streamviz.observation.sample import Sample
from streamviz.recording.blocks import GZIP, Block, BrokenBlock, read_blocks, read_text
from streamviz.recording.captions import Caption
from streamviz.recording.codec import object_codec, shown
from streamviz.recording.format import parse, read_line
from streamviz.recording.track import BlockIndex, SampleIndex, Track, TrackBlock
from streamviz.recording.write import VERSION


class Recording:
    """A recording on disk. Opening it reads its index; samples are read when they are needed.

    Parameters
    ----------
    path : str or Path
        The file.

    Attributes
    ----------
    tracks : dict of str to Track
        By the streams' keys, in the order in which they appeared.
    captions : list of Caption
        In the order of time.

    Raises
    ------
    RecordingError
        If it is not a recording, has a newer version, or is broken elsewhere than in its last
        block; a broken last block is left out, with a warning.
    """

    def __init__(self, path: str | Path) -> None:
        advice = "a recording or its file; streamviz.recording.save(history, path) writes one"
        self.path = path_of("recording", path, advice)
        self.tracks: dict[str, Track] = {}
        self.captions: list[Caption] = []
        self._lines = 0  # of all blocks so far
        with self._open() as file:
            _check_header(self.path, file.read(4096))
            size = file.seek(0, SEEK_END)
            for block in self._blocks(file, size):
                try:
                    self._take(block)
                except (RecordingError, InputError) as error:
                    raise RecordingError(
                        f"{self.path}, block {block.number}: its index is wrong: {error}"
                    ) from error
        for track in self.tracks.values():
            track.close()
        self.captions.sort(key=lambda caption: caption.at_s)

    def track(self, stream: str | None = None) -> Track:
        """Return the track of a stream; without a key, the first. InputError if there is none."""
        if stream is None:
            return next(iter(self.tracks.values()), Track(""))
        if not isinstance(stream, str) or stream not in self.tracks:
            keys = ", ".join(map(repr, self.tracks)) or "none"
            raise InputError(f"{self.path} holds no stream {stream!r}: it holds {keys}")
        return self.tracks[stream]

    @property
    def seconds(self) -> float:
        """The length of the recording, in seconds."""
        times = [track.times_ms for track in self.tracks.values()]
        return (max(t[-1] for t in times) - min(t[0] for t in times)) / 1000 if times else 0.0

    def samples(
        self,
        stream: str | None = None,
        first: int = 0,
        last: int | None = None,
        *,
        bare_until: int = 0,
    ) -> Iterator[Sample]:
        """Return the samples `first` to `last`, counted from 0, `last` not included.

        Those before `bare_until` count their entries as missed, which is faster to read. InputError
        if there is no such stream, or a number is none; RecordingError if a block or a line is
        broken.
        """
        track = self.track(stream)
        end = len(track) if last is None else last
        for name, value in (("first", first), ("last", end), ("bare_until", bare_until)):
            check_type(name, value, int, "the number of a sample, from 0")
        return self._read(track, range(max(first, 0), min(end, len(track))), bare_until)

    def chosen(self, stream: str | None, places: Sequence[int]) -> Iterator[Sample]:
        """Return some of the samples, counted from 0, in the order of `places`.

        InputError if there is no such stream or sample; RecordingError as in `samples`.
        """
        track = self.track(stream)
        check_type("places", places, Sequence, "the numbers of samples, from 0")
        for place in places:
            if not isinstance(place, int) or not 0 <= place < len(track):
                raise InputError(f"{self.path} has {len(track)} samples: there is no {place!r}")
        return self._read(track, places)

    def __repr__(self) -> str:
        streams = ", ".join(map(repr, self.tracks)) or "nothing"
        return f"<Recording of {streams}: {self.seconds:g} s>"

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        try:
            if not S_ISREG(self.path.stat().st_mode):  # a pipe or a device may never end
                raise RecordingError(f"{self.path} can't be read: it is not a regular file")
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise RecordingError(f"{self.path} can't be read: {error.strerror}") from error

    def _blocks(self, file: BinaryIO, size: int) -> list[Block]:
        """Return the blocks, without a last one that is broken."""
        blocks: list[Block] = []
        try:
            for block in read_blocks(file, size):
                blocks.append(block)  # noqa: PERF402, those before a broken one are kept
        except BrokenBlock as error:
            if not (blocks and error.last):
                raise RecordingError(f"{self.path}, {error}: restore the file") from error
            warnings.warn(f"{self.path}, {error}: this last block is left out", stacklevel=4)
        return blocks

    def _take(self, block: Block) -> None:
        index = parse(block.contents)
        if type(index) is dict and "streamviz" in index:
            self._lines += 1
        elif type(index) is dict and type(index.get("captions")) is list:
            for row in index["captions"]:
                if type(row) is not dict:
                    raise RecordingError(f"{shown(row)} is not a caption: give an object")
                self.captions.append(Caption(row.get("at_s", 0), row.get("caption", "")))
            self._lines += len(index["captions"])
        else:
            samples: BlockIndex = object_codec(BlockIndex).read(index)
            track = self.tracks.setdefault(samples.stream, Track(samples.stream))
            track.take(samples, block, self._lines + 1)
            self._lines += len(samples.samples)

    def _read(self, track: Track, places: Sequence[int], bare_until: int = 0) -> Iterator[Sample]:
        here, lines = TrackBlock(Block(0, 0, 0, b""), range(0), 0), list[bytes]()
        with self._open() as file:
            for place in places:
                if place not in here.places:
                    here = track.block(place)
                    lines = self._block_lines(file, here)
                at = place - here.places.start
                try:
                    yield _sample(track, place, lines[at], bare=place < bare_until)
                except RecordingError as error:
                    raise RecordingError(f"{self.path}, line {here.line + at}: {error}") from error

    def _block_lines(self, file: BinaryIO, here: TrackBlock) -> list[bytes]:
        try:
            text = read_text(file, here.block)
        except BrokenBlock as error:
            number = here.block.number
            raise RecordingError(
                f"{self.path}, block {number}: {error}: restore the file"
            ) from error
        count = text.count(b"\n")
        if count != len(here.places):
            raise RecordingError(
                f"{self.path}, block {here.block.number}: it has {count} lines, but its index has "
                f"{len(here.places)}: restore the file"
            )
        return text.split(b"\n")


def _sample(track: Track, place: int, line: bytes, *, bare: bool) -> Sample:
    """Return the sample of a line, and check that it is the one in the index."""
    sample = read_line(line, bare=bare)
    index = track.index(place)
    if bare:
        index = index._replace(entries=0)
    if sample.stream != track.stream or SampleIndex.of(sample) != index:
        raise RecordingError(
            f"sample {sample.n} of {sample.stream!r} at {sample.time_ms} ms has "
            f"{len(sample.entries)} entries, but the index says {index} of {track.stream!r}: "
            "restore the file"
        )
    return sample


def _check_header(path: Path, head: bytes) -> None:
    """Check what a file starts with: a recording's first line, compressed or not."""
    expected = f'its first line must be {{"streamviz": {VERSION}}}'
    text = head
    if head.startswith(GZIP):
        with suppress(zlib.error):
            text = zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(head, len(head))
    line = text.partition(b"\n")[0]
    if not text.strip():
        raise RecordingError(f"{path} is empty: nothing was recorded")
    try:
        header = parse(line)
    except RecordingError as error:
        raise RecordingError(f"{path} is not a recording: {expected}") from error
    version = header.get("streamviz") if isinstance(header, dict) else None
    if type(version) is not int or version < 1:
        raise RecordingError(f"{path} is not a recording: {expected}, not {line[:80]!r}")
    if version < VERSION:
        raise RecordingError(
            f"{path} is a recording of version {version}, of an older streamviz, and this "
            f"one reads version {VERSION}: record it again"
        )
    if version > VERSION:
        raise RecordingError(
            f"{path} is a recording of version {version}, and this streamviz reads "
            f"version {VERSION}: install a newer streamviz"
        )
    if text is head:
        raise RecordingError(
            f"{path} is a recording's text without its index: give the file that was written, or "
            "record it again"
        )
