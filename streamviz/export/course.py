"""A copy of the course to work in: its notebooks without outputs, and the files beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from streamviz.errors import NotebookError, path_of

FIRST = "00_start_here.ipynb"
_WHEEL, _CLONE = Path(__file__).parents[1] / "course", Path(__file__).parents[2] / "notebooks"
_BESIDE = ("examples", "exercises", "go_game", "recordings")
_ONLINE = "https://github.com/streamviz/streamviz/blob/main/"


def copy_course(folder: str | Path) -> tuple[list[Path], list[Path]]:
    """Copy the course into a folder, and return the files that were written, and those kept.

    The folder is created if need be. The notebooks come without outputs, so that no answer is on
    the page before the reader has predicted it. A file that exists already is kept as it is.
    NotebookError if a file can't be written.
    """
    target = path_of("folder", folder, "a folder's name")
    source = _WHEEL if _WHEEL.is_dir() else _CLONE
    written, kept = [], []
    for name in _files(source):
        path = target / name
        content = (source / name).read_bytes()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(_to_work_in(content) if path.suffix == ".ipynb" else content)
        except FileExistsError:
            if not path.is_file():  # then a folder has this name, or a file that of a folder
                raise NotebookError(f"{path} is in the way: choose another folder") from None
            kept.append(path)
        except OSError as error:
            reason = f"{path} can't be written: {error.strerror}"
            raise NotebookError(f"{reason}: choose another folder") from error
        else:
            written.append(path)
    return written, kept


def _files(source: Path) -> Iterator[Path]:
    paths = [*source.glob("*.ipynb")]
    for folder in _BESIDE:
        paths += (path for path in (source / folder).rglob("*") if path.is_file())
    for path in sorted(paths):
        name = path.relative_to(source)
        if not {"__pycache__", ".ipynb_checkpoints"} & {*name.parts}:
            yield name


def _to_work_in(content: bytes) -> bytes:
    """Return a notebook without outputs, whose links out of the course lead to the web."""
    notebook = json.loads(content)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
        else:
            cell["source"] = [line.replace("](../", f"]({_ONLINE}") for line in cell["source"]]
    return f"{json.dumps(notebook, indent=1, ensure_ascii=False)}\n".encode()
