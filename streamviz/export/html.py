"""A recording as one HTML file that plays by itself, without a network."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from streamviz.errors import InputError
from streamviz.export.options import (
    PAGE,
    Theme,
    check_ending,
    check_look,
    film_of,
    packed,
    write,
)
from streamviz.plots import Plot
from streamviz.plots.figure import Figure, clean
from streamviz.plots.svg import render
from streamviz.recording import Recording
from streamviz.recording.frames import Frames
from streamviz.widgets.assets import plotly_js, script, stylesheet

_DARK = {"light": False, "dark": True, "auto": None}
_SVG_SAFE = " =/:;,.()-+!*&@$?"


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
) -> Path:
    """Write a recording as one HTML file: it plays, pauses and scrubs with the network off.

    Keys: space plays and pauses, the arrows go a frame, Home and End to the ends, n and p to the
    next event and the one before, + and - change the speed.

    Parameters
    ----------
    recording : Recording, str or Path
        What was recorded, or its file.
    path : str or Path
        The ``.html`` file to write.
    plots : sequence of Plot, optional
        Which pictures; without them, the group lag.
    stream : str, optional
        Which of its streams; without it, the first.
    size : (int, int)
        The stage's width and height in pixels; it fills its window in that shape.
    theme : {"light", "dark", "auto"}
        Auto is what the reader's system has.
    loop, autoplay : bool
        Whether it begins again at its end, and by itself. A reader who asked the system for
        reduced motion starts it by hand.
    speed : float
        How fast it plays; 2.0 is twice as fast as it was.
    start_s, end_s : float
        Which span, in seconds since the recording began.
    captions : iterable of (at_s, text)
        Texts, each shown from a moment on, beside those in the recording.
    caption : str
        A text shown from the beginning on.
    poster : float, optional
        The moment, in seconds since the recording began, that is shown before it plays; without
        it, the beginning.
    overwrite : bool
        Whether to replace a file that is there.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If an argument is wrong, the span has more than 20,000 samples, or the page would be over
        6 MB for each plot; that says which span fits.
    RecordingError
        If the recording can't be read, or the file is there already, or can't be written.
    """
    check_look(size, theme, speed)
    target = Path(path)
    check_ending(target, [PAGE])
    number = isinstance(poster, int | float) and not isinstance(poster, bool)
    if poster is not None and not (number and poster >= 0):
        raise InputError(f"poster={poster!r}: give seconds since the recording began")
    film = film_of(recording, plots, stream, start_s, end_s, captions, caption)
    times = film.metadata()["times"]
    if poster is not None and not times[0] <= poster <= times[-1]:
        raise InputError(
            f"poster={poster!r}: the film goes from {times[0]:g} to {times[-1]:g} s: "
            "give a moment in it"
        )
    options = {
        "loop": bool(loop),
        "autoplay": bool(autoplay),
        "speed": speed,
        "dark": _DARK[theme],
        "poster": poster,
    }
    shown = next((i for i, at in enumerate(times) if poster is not None and at >= poster), 0)
    page = _page(film, size, theme, options, film.figures(shown))
    return write(target, page.encode("utf-8"), overwrite=overwrite)


def _page(
    film: Frames, size: tuple[int, int], theme: Theme, options: dict[str, Any], poster: list[Figure]
) -> str:
    many = len(film.plots)
    columns = math.ceil(math.sqrt(many))
    code = script("page.js")
    css = stylesheet("live.css", "player.css", "../../export/static/page.css")
    stage = f"--wide:{size[0]};--high:{size[1]};--columns:repeat({columns},minmax(0,1fr))"
    ground = None if theme == "auto" else theme
    images = "".join(
        f'<img alt="{html.escape(one["summary"])}" '
        f'src="data:image/svg+xml,{quote(render(one, 960, 540, ground), safe=_SVG_SAFE)}">'
        for one in poster
    )
    title = html.escape(clean(f"{film.track.stream}: {film.plots[0].title}"))
    head = "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            '<link rel="icon" href="data:,">',
            f"<title>{title}</title>",
            f"<style>{css}</style></head>",
            f'<body data-theme="{theme}" data-plots="{many}" style="{stage}">',
            f'<main id="stage"><div class="poster">{images}</div></main>',
            '<script type="application/gzip" id="film">',
        ]
    )
    tail = "\n".join(
        [
            "</script>",
            f'<script type="application/gzip" id="plotly">{_text(plotly_js())}</script>',
            f'<script type="module">\n{code}</script>',
            "</body></html>\n",
        ]
    )
    about = {"options": options, "width": size[0], "plots": many}
    rest = len(f"{head}{tail}".encode())
    return head + _text(packed(film, about, rest)) + tail


def _text(packed: bytes) -> str:
    return base64.b64encode(packed).decode("ascii")
