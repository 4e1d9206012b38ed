"""Write samples to a file while a run goes on."""

from __future__ import annotations

import atexit
import json
from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path
from threading import RLock
from typing import Any, BinaryIO, Protocol, runtime_checkable

from streamviz.errors import InputError, RecordingError, check_type, path_of
from streamviz.observation.sample import Sample
from streamviz.recording.blocks import pack_block
from streamviz.recording.captions import Caption, pack_captions
from streamviz.recording.format import MAX_LINE, write_line
from streamviz.recording.open_block import OpenBlock
from streamviz.recording.output_file import new_file, taken_away, write_all

VERSION = 2
BLOCK_LINES = 100
BLOCK_BYTES = 2**20


@runtime_checkable
class Sampled(Protocol):
    """A scenario or an observer: it calls functions with each sample."""

    on_sample: list[Callable[[Sample], object]]


class Recorder:
    """A recording in the making: a context manager, and a callable that takes a sample.

    Samples are written about once a second of their time. On the wall clock that is real time, so a
    crash loses at most the last second. `close` writes the rest, and so does Python's exit.

    Parameters
    ----------
    path : str or Path
        The file. It holds no entry's fields and no password.
    overwrite : bool
        Whether to replace an existing file.
    block_ms : int or None
        How often samples are written, in milliseconds of the clock or of the samples' times,
        whichever is first; None to write blocks of `BLOCK_LINES` samples.

    Attributes
    ----------
    sample_count : int
        How many samples are in the file.

    Raises
    ------
    RecordingError
        If the file already exists, or can't be created.
    """

    def __init__(
        self, path: str | Path, *, overwrite: bool = False, block_ms: int | None = 1000
    ) -> None:
        self.path = path_of("path", path)
        check_type("overwrite", overwrite, bool, "True or False")
        self._block_ms = block_ms
        self._streams: dict[str, OpenBlock] = {}
        self._lock = RLock()  # a scenario calls from a thread of its own
        self._source: Sampled | None = None
        self._start_ms: int | None = None
        self._last_ms = 0
        self._written_ms = -inf
        self._error: RecordingError | None = None  # which `close` raises
        self.sample_count = 0
        self._place = self.path.absolute()  # the program may change its directory
        self._file: BinaryIO | None = new_file(self.path, overwrite=overwrite)
        header = json.dumps({"streamviz": VERSION}).encode("ascii")
        self._write(pack_block(header + b"\n", header))
        atexit.register(self._finish)

    def __call__(self, sample: Sample) -> None:
        """Take one more sample; do nothing after `close`.

        RecordingError if the file can't grow, if it was deleted, moved or overwritten, or if the
        sample is too long. Then the recording is closed, and what is in the file can be read.
        """
        check_type("sample", sample, Sample, "a Sample, as Observer.sample() returns it")
        line = write_line(sample)
        with self._lock:
            if self._file is None:
                return
            if len(line) > MAX_LINE:
                self._finish()
                raise self._failure(
                    f"ends here: a sample takes {len(line):,} bytes, and may take "
                    f"{MAX_LINE:,}. Sample fewer pending entries"
                )
            if self._start_ms is None:
                self._start_ms = sample.time_ms
            self._last_ms = sample.time_ms
            block = self._streams.get(sample.stream)
            if block is None:
                block = self._streams[sample.stream] = OpenBlock(sample.stream)
            block.add(sample, line)
            if self._block_ms is not None and sample.time_ms - self._written_ms >= self._block_ms:
                self._written_ms = sample.time_ms  # not this machine's: runs are the same bytes
                self._flush()
            elif len(block.lines) >= BLOCK_LINES or block.size >= BLOCK_BYTES:
                self._write_block(block)

    def caption(self, text: str, at_s: float | None = None) -> None:
        """Pin a caption to a moment; a replay shows it from then on.

        Parameters
        ----------
        text : str
            The caption; an empty one ends the caption before.
        at_s : float, optional
            Seconds since the recording began; without it, now.

        Raises
        ------
        InputError
            If the caption is wrong, or the recording is closed.
        RecordingError
            If the file can't grow, or was deleted, moved or overwritten.
        """
        with self._lock:
            if self._file is None:
                raise InputError(f"{self!r} takes no caption {text!r}: give it before the end")
            began = self._start_ms or 0
            at = (self._last_ms - began) / 1000 if at_s is None else at_s
            caption = Caption(at, text)
            self._flush()
            self._write(pack_captions([caption]))

    @property
    def closed(self) -> bool:
        """Whether the recording has ended: it was closed, or the file can't grow or is gone."""
        return self._file is None

    def close(self) -> None:
        """Write what is left and close the file; a second call does nothing.

        RecordingError if the rest can't be written. For a scenario or an observer, also
        RecordingError if the recording had to end early, and InputError if there was no sample;
        then the file is deleted.
        """
        with self._lock:
            was_open = self._file is not None
            try:
                if self._error is not None and self._source is not None:
                    raise self._error  # until now only the source has it, in its own thread
                self._finish()
            finally:
                self._error = None
            if was_open and self._source is not None and self._start_ms is None:
                if self._place.is_file():  # and no device
                    self._place.unlink()
                raise InputError(
                    f"no sample of {self._source!r} was taken between record() and close(), and "
                    f"{self.path} is deleted: run it in between, or save the history of an earlier "
                    "run with streamviz.recording.save(history, path)"
                )

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
            return
        with suppress(InputError, RecordingError):  # the exception says more, or the same
            self.close()

    def __repr__(self) -> str:
        return f"<Recorder to {str(self.path)!r}{'' if self._file else ', closed'}>"

    def _finish(self) -> None:
        with self._lock:
            try:
                self._flush()
                self._write(b"")  # which says whether the file is still there
            finally:
                self._end()

    def _end(self) -> None:
        atexit.unregister(self._finish)
        if self._source is not None and self in self._source.on_sample:
            self._source.on_sample.remove(self)
        if self._file is not None:
            self._file.close()
            self._file = None

    def _flush(self) -> None:
        for block in self._streams.values():
            if block.lines:
                self._write_block(block)

    def _write_block(self, block: OpenBlock) -> None:
        count = len(block.lines)
        try:
            data = block.pack()
        except RecordingError as error:
            raise self._failure(f"ends here: {error}") from error
        self._write(data, count)

    def _write(self, data: bytes, count: int = 0) -> None:
        if self._file is None:
            return
        if reason := taken_away(self._file, self._place):
            raise self._failure(reason)
        try:
            write_all(self._file, data)
        except OSError as error:
            raise self._failure(
                f"can't grow ({error.strerror}): the recording ends here. "
                f"Samples written: {self.sample_count:,}"
            ) from error
        self.sample_count += count

    def _failure(self, reason: str) -> RecordingError:
        """End the recording, and return why."""
        self._streams.clear()  # there is no place for what is left
        self._end()
        self._error = RecordingError(f"{self.path} {reason}")
        return self._error


def record(source: Any, path: str | Path, *, overwrite: bool = False) -> Recorder:
    """Record the samples of a scenario or an observer, from now on.

    Parameters
    ----------
    source : Scenario, Observer, PartitionObserver, or a dashboard that shows a scenario
        Of a scenario, the samples of all its streams are recorded.
    path : str or Path
        The file: JSON Lines in gzip, whatever its name. Other tools need the suffix ``.gz``. See
        `streamviz.recording.format`.
    overwrite : bool
        Whether to replace an existing file.

    Returns
    -------
    Recorder
        A context manager, which ends the recording; or call its ``close()``.

    Raises
    ------
    InputError, RecordingError
        If the source is not one of these; if the file already exists, or can't be created.
    """
    source = getattr(source, "scenario", None) or source
    if not isinstance(source, Sampled):
        raise InputError(
            f"{source!r} can't be recorded: give a Scenario, a dashboard or an Observer"
        )
    if getattr(source, "state", "") == "stopped" and not getattr(source, "ran", False):
        advice = "record it before you stop it, or save its history with save(history, path)"
        raise InputError(f"{source!r} takes no more samples: {advice}")
    recorder = Recorder(path, overwrite=overwrite)
    recorder._source = source
    source.on_sample.append(recorder)
    return recorder
