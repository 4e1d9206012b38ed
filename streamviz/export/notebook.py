"""Read, run and convert a notebook into one HTML page that contains its recordings."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from streamviz.client.progress import progress_bar
from streamviz.errors import InputError, NotebookError, install_command
from streamviz.widgets.assets import plotly_base64, script, stylesheet
from streamviz.widgets.player_options import EMBED_FRAMES

MISSING_EXTRA = f"exporting a notebook needs nbconvert and reveal.js: {install_command('slides')}"
_TEMPLATES = Path(__file__).parent / "templates"
_CELL_TIMEOUT_S = 120


def read(path: Path) -> Any:
    """Return a notebook; NotebookError if the file can't be read, or is none."""
    if find_spec("nbconvert") is None:
        raise InputError(MISSING_EXTRA)
    import nbformat

    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise NotebookError(f"{path} can't be read: {error.strerror}") from error
    except Exception as error:  # nbformat raises many types for a file that is not a notebook
        raise NotebookError(f"{path} is not a notebook: give a .ipynb file") from error


def execute(notebook: Any, path: Path, *, progress: bool) -> None:
    """Run the cells of a notebook in its folder; each player leaves its frames in its output.

    NotebookError if a cell fails, or takes longer than two minutes.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=_CELL_TIMEOUT_S,
        store_widget_state=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        with progress_bar(progress, "Running", len(notebook.cells), "cells") as advance:
            client.on_cell_complete = lambda **_: advance(1)
            client.execute(cwd=str(path.parent), env=os.environ | {EMBED_FRAMES: "1"})
    except CellExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
        raise NotebookError(
            f"{path}: a cell fails, {reason}: run it in JupyterLab first"
        ) from error
    except (CellTimeoutError, DeadKernelError) as error:
        raise NotebookError(
            f"{path}: a cell takes over {_CELL_TIMEOUT_S} s, or its kernel died: "
            "run it in JupyterLab first"
        ) from error


def convert(
    exporter: str, notebook: Any, template: str, theme: str, parts: dict[str, Any] | None = None
) -> str:
    """Return the page that an exporter of nbconvert makes with one of our templates."""
    import nbconvert

    palette = "dark" if theme == "dark" else "light"
    page = {
        "style": stylesheet("live.css", "player.css", f"../../export/static/{template}.css"),
        "plotly": plotly_base64(),
        "code": script(f"{template}.js"),
        "palette": palette,
        "theme": theme,
        **(parts or {}),
    }
    converter = getattr(nbconvert, exporter)(
        template_name=template,
        theme=palette,
        extra_template_basedirs=[str(_TEMPLATES)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    try:
        body, _ = converter.from_notebook_node(notebook, resources={"page": page})
    except ValueError as error:
        raise NotebookError(f"there is nothing to show: {error}") from error
    return str(body)
