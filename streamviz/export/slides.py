"""A notebook as slides, or as a page to read: one HTML file, plots that play, and no network."""

from __future__ import annotations

import re
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from streamviz.errors import InputError
from streamviz.export.notebook import MISSING, convert, read
from streamviz.export.notebook import run as run_it
from streamviz.export.options import PAGE, Theme, check_ending, write

_SCRIPTS = ("reveal.js", "plugin/notes.js")
_HEADING = re.compile(r"#{1,3} ")


def to_slides(
    notebook: str | Path,
    path: str | Path | None = None,
    *,
    theme: Theme = "light",
    run: bool = True,
    overwrite: bool = False,
) -> Path:
    """Write a notebook as slides: one HTML file, for a hall without a network.

    Where the notebook shows a `replay`, the slide has the player with its whole film in it; it
    begins when the slide is shown if it was made with ``autoplay=True``, and the key R plays it
    again. Every other plot is the picture of its last state. The key S opens the speaker's notes.

    Which cell begins a slide stands in the notebook, in the slide type of its cells
    (JupyterLab: the property inspector). In a notebook without slide types, headings begin slides.
    A cell whose source is folded shows its output only.

    Parameters
    ----------
    notebook : str or Path
        The ``.ipynb`` file; it is left as it is.
    path : str or Path, optional
        The ``.html`` file to write; without it, the notebook's name with ``.slides.html``.
    theme : {"light", "dark", "auto"}
        Auto is what the browser prefers.
    run : bool
        Whether to run the notebook first, in its own folder. Its plots play only then; otherwise
        the outputs are the saved ones.
    overwrite : bool
        Whether to replace a file that is there.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If an argument is wrong, or ``streamviz[slides]`` is not installed.
    NotebookError
        If it is no notebook, has nothing to show, or one of its cells fails.
    RecordingError
        If the file is there already, or can't be written.
    """
    source, target, made = _made(notebook, path, ".slides.html", theme, run)
    scripts, style = _reveal()
    parts = {"title": _title(made) or source.stem, "scripts": scripts, "reveal": style}
    page = convert("SlidesExporter", _slides(made), "deck", theme, parts)
    return write(target, page.encode("utf-8"), overwrite=overwrite)


def to_document(
    notebook: str | Path,
    path: str | Path | None = None,
    *,
    theme: Theme = "light",
    run: bool = True,
    overwrite: bool = False,
) -> Path:
    """Write a notebook as a page to read, in one HTML file; see `to_slides`.

    Parameters
    ----------
    notebook : str or Path
        The ``.ipynb`` file; it is left as it is.
    path : str or Path, optional
        The ``.html`` file to write; without it, the notebook's name with ``.html``.
    theme : {"light", "dark", "auto"}
        Auto is light.
    run : bool
        Whether to run the notebook first, in its own folder. Its plots play only then; otherwise
        the outputs are the saved ones.
    overwrite : bool
        Whether to replace a file that is there.

    Raises
    ------
    InputError
        If an argument is wrong, or ``streamviz[slides]`` is not installed.
    NotebookError
        If it is no notebook, or one of its cells fails.
    RecordingError
        If the file is there already, or can't be written.
    """
    _, target, made = _made(notebook, path, PAGE, theme, run)
    page = convert("HTMLExporter", made, "document", "light" if theme == "auto" else theme)
    return write(target, page.encode("utf-8"), overwrite=overwrite)


def _made(
    notebook: str | Path, path: str | Path | None, suffix: str, theme: Any, run: bool
) -> tuple[Path, Path, Any]:
    source = Path(notebook)
    target = Path(path) if path is not None else source.with_suffix(suffix)
    check_ending(target, [PAGE])
    if theme not in get_args(Theme):
        raise InputError(f"theme={theme!r}: give one of {', '.join(get_args(Theme))}")
    made = read(source)
    if run:
        run_it(made, source)
    return source, target, made


def _reveal() -> tuple[list[str], str]:
    """Return the scripts and the style sheet of reveal.js, as the package pyreveal ships them."""
    found = find_spec("pyreveal")
    if found is None or found.origin is None:
        raise InputError(MISSING)
    folder = Path(found.origin).parent / "revealjs" / "dist"
    try:
        texts = [(folder / name).read_text("utf-8") for name in _SCRIPTS]
        style = (folder / "reveal.css").read_text("utf-8")
    except OSError as error:
        raise InputError(f"{error.filename} is not there: {MISSING}") from error
    # The notes' window is a page in a string: its end tags must not end our script.
    return [text.replace("</script", r"<\/script") for text in texts], style


def _title(notebook: Any) -> str:
    first = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    hit = re.match(r"# (.+)", first)
    return hit[1].strip() if hit else ""


def _slides(notebook: Any) -> Any:
    """Return a notebook in which each cell has a slide type, and folded sources are left out."""
    made = deepcopy(notebook)
    typed = any(cell.metadata.get("slideshow", {}).get("slide_type") for cell in made.cells)
    shown = False  # something was, since prose last began a slide
    for cell in made.cells:
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["transient"] = {"remove_source": True}
        if typed:
            continue
        kind = "-"
        if cell.cell_type == "markdown":
            kind = "slide" if _HEADING.match(cell.source) else "subslide" if shown else "-"
        shown = cell.cell_type == "code" and (shown or bool(cell.outputs))
        cell.metadata["slideshow"] = {"slide_type": kind}
    return made
