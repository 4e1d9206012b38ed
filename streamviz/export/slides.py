"""A notebook as slides, or as a page to read: one HTML file whose plots play without a network."""

from __future__ import annotations

import re
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from streamviz.errors import InputError, path_of
from streamviz.export.files import HTML, check_target, match_suffix, write_file
from streamviz.export.notebook import MISSING_EXTRA, convert, execute, read
from streamviz.export.options import Theme, check_theme

_SCRIPTS = ("reveal.js", "plugin/notes.js")
_HEADING = re.compile(r"#{1,3} ")


def to_slides(
    notebook: str | Path,
    path: str | Path | None = None,
    *,
    theme: Theme = "light",
    run: bool = True,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Write a notebook as slides: one HTML file that needs no network.

    Where the notebook shows a `replay`, the slide has the player with all its frames. With
    ``autoplay=True`` the player starts when its slide is shown; the key R starts it again. Every
    other plot is a picture of its last state. The key S opens the speaker's notes.

    The slide types of the cells (in JupyterLab: the property inspector) say where slides begin.
    Without slide types, each heading begins a slide. A cell with a collapsed source shows only its
    output.

    Parameters
    ----------
    notebook : str or Path
        The ``.ipynb`` file, which stays unchanged.
    path : str or Path, optional
        The file to write, which is returned. Default: the notebook's name with ``.slides.html``.
    theme : {"light", "dark", "auto"}
        Auto follows the browser.
    run : bool
        Whether to run the notebook first, in its own folder. Without a run the saved outputs are
        shown, and no plot plays.
    overwrite, progress : bool
        As in `to_html`.

    Raises
    ------
    InputError
        If an argument is wrong, or the extra ``slides`` is not installed.
    NotebookError
        If the file is not a notebook, has nothing to show, or one of its cells fails.
    RecordingError
        If the HTML file already exists, or can't be written.
    """
    source, target = path_of("notebook", notebook), _target(notebook, path, f".slides{HTML}")
    cells = _load(source, target, theme, run, overwrite, progress)
    scripts, style = _reveal()
    parts = {"title": _title(cells) or source.stem, "scripts": scripts, "reveal": style}
    page = convert("SlidesExporter", _with_slide_types(cells), "deck", theme, parts)
    return write_file(target, page.encode("utf-8"), overwrite=overwrite)


def to_document(
    notebook: str | Path,
    path: str | Path | None = None,
    *,
    theme: Theme = "light",
    run: bool = True,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Write a notebook as one HTML page to read; see `to_slides` for its plots, options and errors.

    By default, the page has the notebook's name with ``.html``, and the theme ``"auto"`` means
    light.
    """
    source, target = path_of("notebook", notebook), _target(notebook, path, HTML)
    cells = _load(source, target, theme, run, overwrite, progress)
    page = convert("HTMLExporter", cells, "document", "light" if theme == "auto" else theme)
    return write_file(target, page.encode("utf-8"), overwrite=overwrite)


def _target(notebook: str | Path, path: str | Path | None, suffix: str) -> Path:
    target = path_of("path", path) if path is not None else Path(notebook).with_suffix(suffix)
    match_suffix(target, [HTML])
    return target


def _load(
    source: Path, target: Path, theme: Any, run: bool, overwrite: bool, progress: bool
) -> Any:
    """Return the notebook, run if `run` is set; check everything that can be checked before."""
    check_theme(theme)
    notebook = read(source)
    check_target(target, overwrite=overwrite)
    if run:
        execute(notebook, source, progress=progress)
    return notebook


def _reveal() -> tuple[list[str], str]:
    """Return the scripts and the style sheet of reveal.js, from the package pyreveal."""
    spec = find_spec("pyreveal")
    if spec is None or spec.origin is None:
        raise InputError(MISSING_EXTRA)
    folder = Path(spec.origin).parent / "revealjs" / "dist"
    try:
        scripts = [(folder / name).read_text("utf-8") for name in _SCRIPTS]
        style = (folder / "reveal.css").read_text("utf-8")
    except OSError as error:
        raise InputError(f"{error.filename} is missing: {MISSING_EXTRA}") from error
    # The notes window is a page inside a string: its end tags must not end our script element.
    return [script.replace("</script", r"<\/script") for script in scripts], style


def _title(notebook: Any) -> str:
    first = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    heading = re.match(r"# (.+)", first)
    return heading[1].strip() if heading else ""


def _with_slide_types(notebook: Any) -> Any:
    """Return a copy in which each cell has a slide type, and collapsed sources are removed."""
    copy = deepcopy(notebook)
    typed = any(cell.metadata.get("slideshow", {}).get("slide_type") for cell in copy.cells)
    has_output = False  # whether code has shown something since the last Markdown cell
    for cell in copy.cells:
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["transient"] = {"remove_source": True}
        if typed:
            continue
        slide_type = "-"
        if cell.cell_type == "markdown":
            slide_type = (
                "slide" if _HEADING.match(cell.source) else "subslide" if has_output else "-"
            )
        has_output = cell.cell_type == "code" and (has_output or bool(cell.outputs))
        cell.metadata["slideshow"] = {"slide_type": slide_type}
    return copy
