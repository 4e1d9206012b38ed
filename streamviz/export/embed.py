"""A recording for somebody else's page: a film in JSON Lines, and one module that plays it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from streamviz.export.options import check_ending, check_look, film_of, write
from streamviz.plots import Plot
from streamviz.recording import Recording
from streamviz.recording.frames import dumps
from streamviz.widgets.assets import plotly_js, script, stylesheet

PLAYER = "streamviz-player.js"
ENDING = ".film.jsonl"


def to_embed(
    recording: Recording | str | Path,
    path: str | Path,
    *,
    plots: Sequence[Plot] | None = None,
    stream: str | None = None,
    loop: bool = False,
    autoplay: bool = False,
    speed: float = 1.0,
    start_s: float = 0.0,
    end_s: float | None = None,
    captions: Iterable[tuple[float, str]] = (),
    caption: str = "",
    overwrite: bool = False,
) -> Path:
    """Write a recording as a film, and the module that plays it beside it.

    A page on the same web server shows it with one line, which `tag` returns. The first line of a
    film is what the player needs to know and the whole figures, each further line what is new in
    a frame.

    Parameters
    ----------
    recording : Recording, str or Path
        What was recorded, or its file.
    path : str or Path
        The film to write, ending in ``.film.jsonl``; the module is written into the same folder.
    plots : sequence of Plot, optional
        Which pictures; without them, the group lag.
    stream : str, optional
        Which of its streams; without it, the first.
    loop, autoplay : bool
        Whether it begins again at its end, and by itself when it is scrolled to.
    speed : float
        How fast it plays; 2.0 is twice as fast as it was.
    start_s, end_s : float
        Which span, in seconds since the recording began.
    captions : iterable of (at_s, text)
        Texts, each shown from a moment on, beside those in the recording.
    caption : str
        A text shown from the beginning on.
    overwrite : bool
        Whether to replace files that are there.

    Returns
    -------
    Path
        The film.

    Raises
    ------
    InputError
        If an argument is wrong, or the span has more than 20,000 samples.
    RecordingError
        If the recording can't be read, or a file is there already, or can't be written.
    """
    target = Path(path)
    check_look((1280, 720), "auto", speed)
    check_ending(target, [ENDING])
    film = film_of(recording, plots, stream, start_s, end_s, captions, caption)
    figures, deltas = film.figures_and_deltas()
    options = {"loop": bool(loop), "autoplay": bool(autoplay), "speed": speed}
    head = {"streamviz_film": 2, "metadata": film.metadata(), "options": options}
    lines = [head | {"figures": figures}, *deltas]
    player, code = target.with_name(PLAYER), _player()
    if not (player.exists() and player.read_bytes() == code):
        write(player, code, overwrite=overwrite)
    return write(target, "".join(map(_line, lines)).encode("ascii"), overwrite=overwrite)


def tag(film: Path) -> str:
    """Return the line that shows a film in a page beside it."""
    name = escape(quote(film.name))
    return f'<script type="module" src="{PLAYER}" data-film="{name}"></script>'


def _line(thing: Any) -> str:
    return f"{dumps(thing)}\n"


def _player() -> bytes:
    data = {
        "plotly": base64.b64encode(plotly_js()).decode("ascii"),
        "style": stylesheet("live.css", "player.css"),
    }
    return f"{script('embed.js')}streamvizEmbed.start({json.dumps(data)});\n".encode()
