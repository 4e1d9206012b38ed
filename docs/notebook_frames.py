"""Record what the notebooks draw, so that the pictures on their pages play.

The build runs each notebook up to its last widget. In the kernel, `follow` saves the frames of each
widget that is displayed, under the ID that the saved output has, too.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"
PLACEHOLDER = re.compile(r'<div class="streamviz" data-streamviz="(plot-\d+)">')
LIVE_S = 10  # how long a live widget is recorded
LEAST_SAMPLES = 5
NOT_HERE = ("JPY_SESSION_NAME", "VSCODE_PID", "STREAMVIZ_LIVE", "REDIS_URL")
BEGIN = (
    "import sys; sys.path.append({docs!r}); import notebook_frames; "
    "save_frames = notebook_frames.follow({folder!r})"
)


def frames_of(path: Path, kept: Path) -> Path:
    """Return the folder with the frames of a notebook; run it if it or the code is new."""
    digest = hashlib.sha256(path.read_bytes())
    for file in sorted([*HERE.parent.glob("streamviz/**/*.py"), *NOTEBOOKS.glob("**/*.py")]):
        digest.update(file.read_bytes())
    folder = kept / f"{path.stem}-{digest.hexdigest()[:12]}"
    if not folder.exists():
        for old in kept.glob(f"{path.stem}-*"):
            shutil.rmtree(old)
        kept.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=kept) as making:  # another build may make the same ones
            run(path, Path(making))
            if not folder.exists():
                shutil.copytree(making, folder, dirs_exist_ok=True)
    return folder


def run(path: Path, folder: Path) -> None:
    """Run a notebook up to its last widget, and leave its frames in a folder."""
    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    last = max((i for i, cell in enumerate(notebook.cells) if shows_widget(cell)), default=None)
    if last is None:
        return
    begin = BEGIN.format(docs=str(HERE), folder=str(folder))
    cells = [begin, *notebook.cells[: last + 1], "save_frames()"]
    notebook.cells = [nbformat.v4.new_code_cell(c) if isinstance(c, str) else c for c in cells]  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, timeout=120, store_widget_state=False)
    client.log.setLevel("ERROR")
    env = {name: value for name, value in os.environ.items() if name not in NOT_HERE}
    client.execute(cwd=str(path.parent), env=env)


def shows_widget(cell: Any) -> bool:
    """Return whether the saved outputs of a cell hold the picture of a widget."""
    html = (output.get("data", {}).get("text/html", "") for output in cell.get("outputs", ()))
    return any(PLACEHOLDER.search("".join(text)) for text in html)


def follow(folder: str) -> Callable[[], None]:
    """Save what the kernel displays from now on; call the result at the end, for live widgets."""
    from IPython import get_ipython  # type: ignore[attr-defined]

    from streamviz.widgets.plot_widget import PlotWidget

    live: list[Any] = []

    def display(widget: Any) -> None:
        widget._ipython_display_()
        if getattr(widget, "state", "done") == "running":
            live.append(widget)
        else:
            save_frames(widget, Path(folder))

    def end() -> None:
        time.sleep(LIVE_S if live else 0)
        for widget in live:
            save_frames(widget, Path(folder))

    ipython: Any = get_ipython()  # type: ignore[no-untyped-call]
    ipython.display_formatter.ipython_display_formatter.for_type(PlotWidget, display)
    return end


def save_frames(widget: Any, folder: Path) -> None:
    """Write what a widget shows, if its recording holds all that its plots draw."""
    from streamviz.export import to_embed
    from streamviz.recording import save
    from streamviz.widgets import Player

    target = folder / f"{widget.fallback_id}.frames.jsonl"
    if isinstance(widget, Player):
        frames = widget.frames
        times = [
            frames.track.times_ms[at] - frames.start_ms for at in (frames.span[0], frames.span[-1])
        ]
        span = dict(zip(("start_s", "end_s"), (ms / 1000 for ms in times), strict=True))
        options = widget._options | span | {"stream": frames.track.stream}
        to_embed(frames.recording, target, plots=frames.plots, **options)
        return
    ours = all(type(plot).__module__.startswith("streamviz.") for plot in widget.plots)
    if not ours or widget.commands or len(widget.history.samples) < LEAST_SAMPLES:
        return  # a plot of the notebook's own, and the commands, show more than the samples
    recording = folder / f"{widget.fallback_id}.jsonl.gz"
    save(widget.history, recording)
    to_embed(recording, target, plots=widget.plots)
    recording.unlink()
