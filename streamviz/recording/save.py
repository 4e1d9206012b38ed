"""Write the samples of a history to a file, after a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from streamviz.client.progress import progress_bar
from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.recording.captions import captions_of
from streamviz.recording.write import Recorder


def save(
    history: History,
    path: str | Path,
    *,
    captions: Iterable[tuple[float, str]] = (),
    overwrite: bool = False,
    progress: bool = True,
) -> None:
    """Save the samples of a history as a recording.

    Parameters
    ----------
    history : History
        The samples in its window are saved.
    path, overwrite
        As in `record`.
    captions : iterable of (at_s, text)
        Texts, each pinned to a moment in seconds since the first sample in the window.
    progress : bool
        Whether to show a progress bar after two seconds, in a terminal or a notebook.

    Raises
    ------
    InputError
        If `history` is not a History or has no sample, or a caption is wrong.
    RecordingError
        If the file already exists, or can't be written.
    """
    if not isinstance(history, History) or not history.samples:
        raise InputError(f"{history!r} can't be saved: give the History of a run, with samples")
    pinned = captions_of(captions)
    samples = history.samples
    bar = progress_bar(progress, "Saving", len(samples), "samples")
    with Recorder(path, overwrite=overwrite, block_ms=None) as recorder, bar as advance:
        for sample in samples:
            recorder(sample)
            advance(1)
        for caption in pinned:
            recorder.caption(caption.text, caption.at_s)
