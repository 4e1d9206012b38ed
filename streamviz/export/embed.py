"""A recording for another web page: its frames in JSON Lines, and a module that plays them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from streamviz.client.progress import progress_bar
from streamviz.errors import RecordingError, path_of
from streamviz.export.files import match_suffix, write_file
from streamviz.export.options import check_count, select_frames, warn_of
from streamviz.plots import Plot
from streamviz.recording import Recording
from streamviz.recording.format import dumps
from streamviz.widgets.assets import plotly_base64, script, stylesheet
from streamviz.widgets.player_options import player_options

PLAYER_FILE = "streamviz-player.js"
FRAMES_SUFFIX = ".frames.jsonl"


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
    progress: bool = True,
) -> Path:
    """Write a recording's frames for another web page, with the module that plays them.

    A page on the same web server plays the file with one line of HTML, which
    `streamviz.export.embed.script_tag` returns. The first line of the file holds what the player
    needs and the complete figures. Each further line holds what is new in one frame.

    Parameters
    ----------
    path : str or Path
        The ``.frames.jsonl`` file to write, which is returned. The module is written into the same
        folder.
    autoplay : bool
        Whether to start when it scrolls into view.
    recording, plots, stream, loop, speed, start_s, end_s, captions, caption, overwrite, progress
        As in `to_html`, and so are the errors.
    """
    target = path_of("path", path)
    options = player_options(speed, loop, autoplay)
    match_suffix(target, [FRAMES_SUFFIX])
    frames = select_frames(recording, plots, stream, start_s, end_s, captions, caption)
    check_count(frames)
    figures, deltas = frames.figures_and_deltas()
    head = {"streamviz_frames": 2, "metadata": frames.metadata(), "options": options}
    lines = [f"{dumps(head | {'figures': figures})}\n"]
    with progress_bar(progress, "Packing", len(frames), "frames") as advance:
        for delta in deltas:
            lines.append(f"{dumps(delta)}\n")
            advance(1)
    player, code = target.with_name(PLAYER_FILE), _player_code()
    if not (player.exists() and player.read_bytes() == code):
        if player.exists() and not overwrite:
            raise RecordingError(
                f"{player} is of another version of streamviz: replace it with overwrite=True "
                "(--overwrite), or choose another folder"
            )
        write_file(player, code, overwrite=overwrite)
    file = write_file(target, "".join(lines).encode("ascii"), overwrite=overwrite)
    warn_of(frames.problems)
    return file


def script_tag(frames: Path) -> str:
    """Return the line of HTML that plays a file of frames in a page in the same folder."""
    name = escape(quote(os.fsencode(frames.name)))  # a name may be any bytes
    return f'<script type="module" src="{PLAYER_FILE}" data-frames="{name}"></script>'


def _player_code() -> bytes:
    data = {
        "plotly": plotly_base64(),
        "style": stylesheet("live.css", "player.css"),
    }
    return f"{script('embed.js')}streamvizEmbed.start({json.dumps(data)});\n".encode()
