"""A recording read back: found in it at once, and turned into samples where it is looked at."""

from __future__ import annotations

import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from streamviz.errors import InputError, RecordingError
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.recording.decode import Decoder
from streamviz.recording.gc_pause import gc_paused
from streamviz.recording.skim import read, skim
from streamviz.recording.track import Track
from streamviz.recording.write import VERSION, Caption


class Recording:
    """A recording on disk: indexed when it is opened, decoded where it is read.

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
        If it is no recording, of a newer version, or broken elsewhere than in its last line; a
        broken last line is left out, with a warning.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.tracks: dict[str, Track] = {}
        self.captions: list[Caption] = []
        self._stream: str | None = None
        try:
            with self.path.open("rb") as file:
                self._index(file.readline(), file)
                for track in self.tracks.values():
                    track.close()
        except OSError as error:
            raise RecordingError(f"{self.path} can't be read: {error.strerror}") from error
        self.captions.sort(key=lambda caption: caption.at_s)

    def track(self, stream: str | None = None) -> Track:
        """Return the track of a stream; without one, the first.

        Raises
        ------
        InputError
            If there is none of that stream.
        """
        if stream is None:
            return next(iter(self.tracks.values()), Track(""))
        if stream not in self.tracks:
            known = ", ".join(map(repr, self.tracks)) or "none"
            raise InputError(f"{self.path} holds no stream {stream!r}: it holds {known}")
        return self.tracks[stream]

    @property
    def seconds(self) -> float:
        """How long it is."""
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

        Those before `bare_until` come without their entries, which is faster: they are missed.

        Raises
        ------
        InputError
            If there is no such stream.
        RecordingError
            If a line holds a value that is none for its key.
        """
        track = self.track(stream)
        end = len(track) if last is None else min(last, len(track))
        if first >= end:
            return
        begin = track.whole[bisect_right(track.whole, first) - 1]
        decoder = Decoder(track.stream)
        for place, sample in zip(
            range(begin, end),
            self._decode(track, decoder, range(begin, end), max(first, bare_until)),
            strict=True,
        ):
            if place >= first:
                yield sample

    def chosen(self, stream: str | None, places: Sequence[int]) -> Iterator[Sample]:
        """Return some samples, of those that lie whole in the file (see `Track.whole`), in order.

        Raises
        ------
        InputError
            If there is no such stream, or one of the samples does not lie whole.
        RecordingError
            If a line holds a value that is none for its key.
        """
        track = self.track(stream)
        whole = track.whole
        for place in places:
            at = bisect_left(whole, place)
            if at == len(whole) or whole[at] != place:
                raise InputError(f"sample {place} does not lie whole in {self.path}: see its track")
        return self._decode(track, Decoder(track.stream), places)

    def __repr__(self) -> str:
        streams = ", ".join(map(repr, self.tracks)) or "nothing"
        return f"<Recording of {streams}: {self.seconds:g} s>"

    def _decode(
        self, track: Track, decoder: Decoder, places: Sequence[int], bare_until: int = 0
    ) -> Iterator[Sample]:
        try:
            with self.path.open("rb") as file:
                for place in places:
                    number, start, end = track.places[place]
                    file.seek(start)
                    line = file.read(end - start)
                    yield self._sample(decoder, number, line, bare=place < bare_until)
        except OSError as error:
            raise RecordingError(f"{self.path} can't be read: {error.strerror}") from error

    def _sample(self, decoder: Decoder, number: int, line: bytes, *, bare: bool) -> Sample:
        try:
            return decoder.sample(read(line), bare=bare)
        except RecordingError as error:
            raise RecordingError(f"{self.path}, line {number}: {error}") from error
        except (RecursionError, ValueError) as error:
            raise RecordingError(
                f"{self.path}, line {number}: {_not_json(line, error)}, or open it again if it has "
                "changed since"
            ) from error

    def _index(self, header: bytes, rest: Any) -> None:
        self._check_header(header)
        number, start, broken = 1, len(header), ""
        try:
            for line in rest:
                _check_is_last(broken)
                number += 1
                end = start + len(line)
                try:
                    row, sound = skim(line)
                except ValueError as error:
                    broken = _not_json(line, error) if line.strip() else ""
                else:
                    self._take(row, (number, start, end), sound=sound)
                start = end
        except (RecordingError, InputError) as error:
            raise RecordingError(f"{self.path}, line {number}: {error}") from error
        except RecursionError as error:
            raise RecordingError(f"{self.path}, line {number}: {_DEEP}") from error
        if broken:
            warnings.warn(
                f"{self.path}, line {number}, the last one, is left out: {broken}", stacklevel=4
            )

    def _take(self, row: Any, place: tuple[int, int, int], *, sound: bool) -> None:
        if not isinstance(row, dict):
            raise RecordingError(f"{repr(row)[:80]} is no sample: give an object")
        if "caption" in row:
            self.captions.append(Caption(row.get("at_s", 0), row["caption"]))
            return
        stream = row.get("stream", self._stream)
        if not isinstance(stream, str):
            raise RecordingError(f"stream is {stream!r}: give a stream's key as text")
        self._stream = stream
        track = self.tracks.get(stream)
        if track is None:
            track = self.tracks[stream] = Track(stream)
        track.take(row, place, sound=sound)

    def _check_header(self, line: bytes) -> None:
        if not line.strip():
            raise RecordingError(f"{self.path} is empty: nothing was recorded")
        expected = f'its first line must be {{"streamviz": {VERSION}}}'
        try:
            header = read(line)
        except ValueError as error:
            raise RecordingError(f"{self.path} is no recording: {expected}") from error
        version = header.get("streamviz") if isinstance(header, dict) else None
        if type(version) is not int or version < 1:
            raise RecordingError(f"{self.path} is no recording: {expected}, not {line[:80]!r}")
        if version < VERSION:
            raise RecordingError(
                f"{self.path} is a recording of version {version}, of an older streamviz, and this "
                f"one reads version {VERSION}: record it again, or install streamviz 0.1"
            )
        if version > VERSION:
            raise RecordingError(
                f"{self.path} is a recording of version {version}, and this streamviz reads "
                f"version {VERSION}: install a newer streamviz"
            )


_DEEP = "it is nested too deeply: restore the line"


def _check_is_last(broken: str) -> None:
    if broken:
        raise RecordingError(broken)


def _not_json(line: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
        return _DEEP
    where = getattr(error, "pos", 0)
    near = line[max(0, where - 20) : where + 20].decode("utf-8", "replace").strip()
    return f"it breaks off, or was edited, near {near!r}: restore the line"


@gc_paused()
def load(
    path: str | Path,
    stream: str | None = None,
    *,
    limit: int | None = None,
    max_entries: int | None = None,
) -> History:
    """Load a recording as a history.

    Parameters
    ----------
    path : str or Path
        The file.
    stream : str, optional
        Which of its streams; without it, the first.
    limit : int, optional
        Samples to keep, the newest; without it, all of them.
    max_entries : int, optional
        Entries to keep, the newest; without it, all of them.

    Returns
    -------
    History
        The samples as they were recorded; their entries have no fields.

    Raises
    ------
    InputError
        If there is no such stream, or a limit is none.
    RecordingError
        If it is no recording, of a newer version, or broken elsewhere than in its last line.
    """
    recording = Recording(path)
    track = recording.track(stream)
    samples = recording.samples(stream)
    most = max(1, len(track)) if limit is None else limit
    history = History(most, max_entries=2**62 if max_entries is None else max_entries)
    for sample in samples:
        history.append(sample)
    return history
