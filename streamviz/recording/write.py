"""Samples into a file, one line each, while they come or afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from streamviz.errors import InputError, RecordingError, is_number
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.recording.encode import Encoder

VERSION = 2


@runtime_checkable
class Sampled(Protocol):
    """What calls us with each sample: a scenario, or an observer."""

    on_sample: list[Callable[[Sample], object]]


@dataclass(frozen=True, slots=True)
class Caption:
    """A text pinned to a moment of a recording.

    Attributes
    ----------
    at_s : float
        Seconds since the recording began, 0 or more.
    text : str
        What it says; empty, it ends the one before.

    Raises
    ------
    InputError
        If the moment is no such number, or the text is none.
    """

    at_s: float
    text: str

    def __post_init__(self) -> None:
        if not (is_number(self.at_s) and 0 <= self.at_s < 1e12):
            raise InputError(
                f"at_s={self.at_s!r}: give seconds since the recording began, 0 or more"
            )
        if not isinstance(self.text, str):
            raise InputError(f"{self.text!r} is no caption: give a text")


def captions_of(given: Iterable[tuple[float, str]]) -> list[Caption]:
    """Return captions in the order of time.

    Raises
    ------
    InputError
        If one is no pair of seconds and a text.
    """
    found = []
    for one in given:
        if not isinstance(one, tuple | list) or len(one) != 2:
            raise InputError(f"{one!r} is no caption: give (at_s, text)")
        found.append(Caption(*one))
    return sorted(found, key=lambda caption: caption.at_s)


class Recorder:
    """A recording in the making: a context manager, and a callable that takes a sample.

    Each sample is a line, handed to the operating system before the next one is taken: a crash
    loses at most the last line.

    Parameters
    ----------
    path : str or Path
        The file. It holds no entry's fields, and no password.
    overwrite : bool
        Whether to replace a file that is there.

    Raises
    ------
    RecordingError
        If the file is there already, or can't be made.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self._encoder = Encoder()
        self._source: Sampled | None = None
        self._start_ms: int | None = None
        self._last_ms = 0
        try:
            self._file: BinaryIO | None = self.path.open("wb" if overwrite else "xb", buffering=0)
        except FileExistsError as error:
            raise RecordingError(
                f"{self.path} is there already: choose another name, or give overwrite=True"
            ) from error
        except OSError as error:
            raise RecordingError(f"{self.path} can't be made: {error.strerror}") from error
        self._write(json.dumps({"streamviz": VERSION}))

    def __call__(self, sample: Sample) -> None:
        """Write one more sample; after `close`, nothing happens.

        Raises
        ------
        RecordingError
            If the file takes no more; it is closed then, and what it holds can be read.
        """
        if self._file is None:
            return
        if self._start_ms is None:
            self._start_ms = sample.time_ms
        self._last_ms = sample.time_ms
        self._write(self._encoder.line(sample))

    def caption(self, text: str, at_s: float | None = None) -> None:
        """Pin a caption to a moment; a replay shows it from there on.

        Parameters
        ----------
        text : str
            What it says; empty, it ends the one before.
        at_s : float, optional
            Seconds since the recording began; without it, now.
        """
        began = self._start_ms or 0
        at = (self._last_ms - began) / 1000 if at_s is None else at_s
        caption = Caption(at, text)
        self._write(json.dumps({"at_s": caption.at_s, "caption": caption.text}))

    def close(self) -> None:
        """Take no more; a second time does nothing."""
        if self._source is not None and self in self._source.on_sample:
            self._source.on_sample.remove(self)
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Recorder to {str(self.path)!r}{'' if self._file else ', closed'}>"

    def _write(self, line: str) -> None:
        if self._file is None:
            return
        rest = memoryview(f"{line}\n".encode("ascii"))
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.close()
            raise RecordingError(
                f"{self.path} takes no more ({error.strerror}): the recording ends here"
            ) from error


def record(source: Any, path: str | Path, *, overwrite: bool = False) -> Recorder:
    """Record what a scenario or an observer sees, from now on.

    Parameters
    ----------
    source : Scenario, Observer, or a board that shows a scenario
        A scenario writes each of its samples, of all its streams; an observer, each of its looks.
    path : str or Path
        The file: JSON Lines, see `streamviz.recording.encode`.
    overwrite : bool
        Whether to replace a file that is there.

    Returns
    -------
    Recorder
        A context manager; or call its ``close()``.

    Raises
    ------
    InputError
        If the source is none of these.
    RecordingError
        If the file is there already, or can't be made.
    """
    source = getattr(source, "scenario", None) or source
    if not isinstance(source, Sampled):
        raise InputError(f"{source!r} can't be recorded: give a Scenario, a board or an Observer")
    recorder = Recorder(path, overwrite=overwrite)
    recorder._source = source
    source.on_sample.append(recorder)
    return recorder


def save(
    history: History,
    path: str | Path,
    *,
    captions: Iterable[tuple[float, str]] = (),
    overwrite: bool = False,
) -> None:
    """Save the samples of a history as a recording.

    Parameters
    ----------
    history : History
        What its window holds is saved.
    path : str or Path
        The file: JSON Lines, see `streamviz.recording.encode`.
    captions : iterable of (at_s, text)
        Texts, each pinned to a moment in seconds since the first sample in the window.
    overwrite : bool
        Whether to replace a file that is there.

    Raises
    ------
    InputError
        If the history is none, or a caption.
    RecordingError
        If the file is there already, or can't be written.
    """
    if not isinstance(history, History):
        raise InputError(f"{history!r} can't be saved: give the History of a run")
    pinned = captions_of(captions)
    with Recorder(path, overwrite=overwrite) as recorder:
        for sample in history.samples:
            recorder(sample)
        for caption in pinned:
            recorder.caption(caption.text, caption.at_s)
