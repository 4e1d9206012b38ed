"""Load a whole recording as a history."""

from __future__ import annotations

from pathlib import Path

from streamviz.client.progress import progress_bar
from streamviz.observation.history import History
from streamviz.recording.gc_pause import gc_paused
from streamviz.recording.read import Recording


@gc_paused()
def load(
    path: str | Path,
    stream: str | None = None,
    *,
    limit: int | None = None,
    max_entries: int | None = None,
    progress: bool = True,
) -> History:
    """Load a recording as a history; the samples' entries have no fields.

    Parameters
    ----------
    path : str or Path
        The file.
    stream : str, optional
        The stream's key; without it, the first stream.
    limit, max_entries : int, optional
        How many of the newest samples and entries to keep; without it, all of them.
    progress : bool
        Whether to show a progress bar after two seconds, in a terminal or a notebook.

    Raises
    ------
    InputError
        If there is no such stream, or a limit is wrong.
    RecordingError
        If it is not a recording, has a newer version, or is broken elsewhere than in its last
        block.
    """
    recording = Recording(path)
    track = recording.track(stream)
    samples = recording.samples(stream)
    most = max(1, len(track)) if limit is None else limit
    history = History(
        most, max_entries=2**62 if max_entries is None else max_entries, max_bytes=2**62
    )
    with progress_bar(progress, "Loading", len(track), "samples") as advance:
        for sample in samples:
            history.append(sample)
            advance(1)
    return history
