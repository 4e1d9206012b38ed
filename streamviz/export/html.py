"""A recording as one HTML file that plays without a network."""

from __future__ import annotations

import base64
import html
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Any

from streamviz.errors import InputError, is_number, path_of
from streamviz.export.files import HTML, match_suffix, write_file
from streamviz.export.options import Theme, check_appearance, check_count, select_frames, warn_of
from streamviz.export.payload import compress_frames
from streamviz.plots import Plot
from streamviz.plots.drawing import still
from streamviz.plots.figure import Figure
from streamviz.plots.texts import clean
from streamviz.recording import Recording
from streamviz.recording.frames import Frames
from streamviz.widgets.assets import plotly_base64, script, stylesheet
from streamviz.widgets.fallback import data_uri
from streamviz.widgets.player_options import player_options

_STATIC = Path(__file__).parent / "static"
_DARK = {"light": False, "dark": True, "auto": None}


def to_html(
    recording: Recording | str | Path,
    path: str | Path,
    *,
    plots: Sequence[Plot] | None = None,
    stream: str | None = None,
    size: tuple[int, int] = (1280, 720),
    theme: Theme = "auto",
    loop: bool = False,
    autoplay: bool = False,
    speed: float = 1.0,
    start_s: float = 0.0,
    end_s: float | None = None,
    captions: Iterable[tuple[float, str]] = (),
    caption: str = "",
    poster: float | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Write a recording as one HTML file that plays, pauses and scrubs without a network.

    It has the keys of the player: docs/how_to/talk.md lists them.

    Parameters
    ----------
    recording : Recording, str or Path
        The recording, or its file.
    path : str or Path
        The ``.html`` file to write, which is returned.
    plots, stream : optional
        What to draw. Default: a dashboard's plots, of the recording's first stream.
    size : (int, int)
        Width and height in pixels. The page scales to its window and keeps this shape.
    theme : {"light", "dark", "auto"}
        Auto follows the reader's system.
    loop, autoplay : bool
        Whether to start again at the end, and to start without a click. A reader whose system
        asks for reduced motion always starts it by hand.
    speed : float
        2.0 plays twice as fast as recorded.
    start_s, end_s : float
        The span to export, in seconds since the recording began.
    captions, caption : optional
        Further captions with their moments, ``(at_s, text)``, and one for the beginning.
    poster : float, optional
        The moment to show before it plays, in seconds since the recording began. Default: the
        end of the span, where there is most to see.
    overwrite : bool
        Whether to replace an existing file.
    progress : bool
        Whether to show a progress bar after two seconds, in a terminal or a notebook.

    Raises
    ------
    InputError
        If an argument is wrong (limits: `streamviz.export.options`), or the page would exceed
        6 MB per plot; the message says which span fits.
    RecordingError
        If the recording can't be read, or the file already exists or can't be written.
    """
    check_appearance(size, theme)
    options = player_options(speed, loop, autoplay)
    target = path_of("path", path)
    match_suffix(target, [HTML])
    if poster is not None and not (is_number(poster) and poster >= 0):
        raise InputError(f"poster={poster!r}: give seconds since the recording began")
    frames = select_frames(recording, plots, stream, start_s, end_s, captions, caption)
    check_count(frames)
    times = frames.metadata()["times"]
    if poster is not None and not times[0] <= poster <= times[-1]:
        raise InputError(
            f"poster={poster!r}: the span goes from {times[0]:g} to {times[-1]:g} s: "
            "give a moment within it"
        )
    options |= {"dark": _DARK[theme], "poster": poster}
    begin = times[0 if autoplay else -1] if poster is None else poster
    poster_figures = frames.figures(bisect_right(times, begin) - 1)  # the player's frame, too
    page = _page(frames, size, theme, options, poster_figures, progress=progress)
    file = write_file(target, page.encode("utf-8"), overwrite=overwrite)
    warn_of(frames.problems)
    return file


def _page(
    frames: Frames,
    size: tuple[int, int],
    theme: Theme,
    options: dict[str, Any],
    poster: list[Figure],
    *,
    progress: bool,
) -> str:
    count = len(frames.plots)
    columns = math.ceil(math.sqrt(count))
    background = None if theme == "auto" else theme
    images = (
        f'<img alt="{html.escape(figure["summary"])}" '
        f'src="{data_uri(still(figure, 960, 540, background)[0])}">'
        for figure in poster
    )
    parts = {
        "title": html.escape(clean(f"{frames.track.stream}: {frames.plots[0].title}")),
        "css": stylesheet("live.css", "player.css", "../../export/static/page.css"),
        "theme": theme,
        "plots": count,
        "stage": f"--wide:{size[0]};--high:{size[1]};--columns:repeat({columns},minmax(0,1fr))",
        "poster": "".join(images),
        "plotly": plotly_base64(),
        "code": script("page.js"),
    }
    halves = (_STATIC / "page.html").read_text("utf-8").split("$frames")
    before, after = (Template(half).substitute(parts) for half in halves)
    extra = {"options": options, "width": size[0], "plots": count}
    page_bytes = len(f"{before}{after}".encode())
    packed = compress_frames(frames, extra, page_bytes, progress=progress)
    return before + base64.b64encode(packed).decode("ascii") + after
