"""Check the options that the ``to_*`` functions share; `to_html` says what they mean.

A span is 0 or more seconds, both ends included; without ``end_s``, it goes to the end. For a page
or a file of frames, it has at most 20,000 samples. A speed is above 0 and at most 1000. A size is
100 to 8000 pixels each way. Captions are shown from their moment on, in addition to the
recording's own.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from streamviz.errors import InputError, PlotWarning, check_type
from streamviz.plots import Plot, default_plots
from streamviz.recording import Recording
from streamviz.recording.frames import Frames
from streamviz.widgets.player_options import MAX_FRAMES

Theme = Literal["light", "dark", "auto"]


def select_frames(
    recording: Recording | str | Path,
    plots: Sequence[Plot] | None,
    stream: str | None,
    start_s: float,
    end_s: float | None,
    captions: Iterable[tuple[float, str]] = (),
    caption: str = "",
) -> Frames:
    """Return the frames to export."""
    source = recording if isinstance(recording, Recording) else Recording(recording)
    check_type("captions", captions, Iterable, "pairs of (at_s, text)")
    frames = Frames(
        source,
        default_plots() if plots is None else plots,
        stream=stream,
        captions=[*([(start_s, caption)] if caption else []), *captions],
        start_s=start_s,
        end_s=end_s,
        limit=6000,
    )
    frames.check_data()
    return frames


def check_count(frames: Frames) -> None:
    """Check that a page can hold these frames."""
    if len(frames) > MAX_FRAMES:
        raise InputError(
            f"{len(frames):,} samples are too many for a page: choose a span of at most "
            f"{MAX_FRAMES:,} (start_s and end_s, --start and --end), or play it in a notebook "
            "with replay()"
        )


def warn_of(problems: Mapping[str, str]) -> None:
    """Warn of the plots that can't be drawn; the file has the reason in their place."""
    for text in problems.values():
        warnings.warn(text, PlotWarning, stacklevel=4)  # of the call of a ``to_*`` function


def check_appearance(size: Any, theme: Any) -> None:
    """Check the size and the theme."""
    pair = isinstance(size, tuple | list) and len(size) == 2
    if not pair or not all(type(px) is int and 100 <= px <= 8000 for px in size):
        raise InputError(f"size={size!r}: give (width, height) in pixels, 100 to 8000 each")
    check_theme(theme)


def check_theme(theme: Any) -> None:
    """Check the theme."""
    if theme not in get_args(Theme):
        raise InputError(f"theme={theme!r}: give one of {', '.join(get_args(Theme))}")
