"""A notebook on its way into one HTML file: read, run and converted, with its films in it."""

from __future__ import annotations

import base64
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from streamviz.errors import InputError, NotebookError
from streamviz.widgets.assets import plotly_js, script, stylesheet
from streamviz.widgets.player import EMBED_FRAMES

MISSING = "a notebook's export needs nbconvert and reveal.js: pip install 'streamviz[slides]'"
_TEMPLATES = Path(__file__).parent / "templates"
_CELL_S = 120


def read(path: Path) -> Any:
    """Return a notebook.

    Raises
    ------
    InputError
        If ``streamviz[slides]`` is not installed.
    NotebookError
        If it is no notebook.
    """
    if find_spec("nbconvert") is None:
        raise InputError(MISSING)
    import nbformat

    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise NotebookError(f"{path} can't be read: {error.strerror}") from error
    except Exception as error:  # nbformat has no one error for what is no notebook
        raise NotebookError(f"{path} is no notebook: give a .ipynb file") from error


def run(notebook: Any, path: Path) -> None:
    """Run a notebook's cells, in its folder, so that each player leaves its film in its output.

    Raises
    ------
    NotebookError
        If a cell fails, or takes longer than two minutes.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=_CELL_S,
        store_widget_state=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute(cwd=str(path.parent), env=os.environ | {EMBED_FRAMES: "1"})
    except CellExecutionError as error:
        said = f"{error.ename}: {error.evalue}"
        raise NotebookError(f"{path}: a cell fails, {said}: run it in JupyterLab first") from error
    except (CellTimeoutError, DeadKernelError) as error:
        raise NotebookError(
            f"{path}: a cell takes over {_CELL_S} s, or its kernel died: run it in JupyterLab first"
        ) from error


def convert(
    exporter: str, notebook: Any, template: str, theme: str, parts: dict[str, Any] | None = None
) -> str:
    """Return the page that one of nbconvert's exporters makes with a template of ours.

    Raises
    ------
    NotebookError
        If it has no cell to show.
    """
    import nbconvert

    dark = theme == "dark"
    ours = {
        "style": stylesheet("live.css", "player.css", f"../../export/static/{template}.css"),
        "plotly": base64.b64encode(plotly_js()).decode("ascii"),
        "code": script(f"{template}.js"),
        "palette": "dark" if dark else "light",
        "theme": theme,
    }
    made = getattr(nbconvert, exporter)(
        template_name=template,
        theme="dark" if dark else "light",
        extra_template_basedirs=[str(_TEMPLATES)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    try:
        body, _ = made.from_notebook_node(notebook, resources={"ours": ours | (parts or {})})
    except ValueError as error:
        raise NotebookError(f"there is nothing to show: {error}") from error
    return str(body)
