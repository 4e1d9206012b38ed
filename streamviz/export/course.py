"""A copy of the course to work in, without outputs and with its files; and JupyterLab for it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from streamviz.errors import InputError, NotebookError, install_command, path_of

FIRST = "00_start_here.ipynb"
_WHEEL, _CLONE = Path(__file__).parents[1] / "course", Path(__file__).parents[2] / "notebooks"
_BESIDE = ("examples", "exercises", "go_game", "recordings")
_ONLINE = "https://github.com/streamviz/streamviz/blob/main/"
_LAB_CONFIG = Path(__file__).parent / "static" / "jupyter"


def copy_course(folder: str | Path) -> tuple[list[Path], list[Path]]:
    """Copy the course into a folder, and return the files that were written, and those kept.

    The folder is created if needed. The notebooks are copied without outputs, so that no answer is
    on the page before the reader has predicted it. An existing file stays unchanged. NotebookError
    if a file can't be written.
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
            if not os.path.isfile(path):  # then a folder has this name, or a file that of a folder
                raise NotebookError(f"{path} is in the way: choose another folder") from None
            kept.append(path)
        except OSError as error:
            reason = f"{path} can't be written: {error.strerror}"
            raise NotebookError(f"{reason}: choose another folder") from error
        else:
            written.append(path)
    return written, kept


def open_lab(path: str | Path, *, browser: bool) -> None:
    """Become JupyterLab, with a notebook or a folder open."""
    if find_spec("jupyterlab") is None:
        raise InputError(f"JupyterLab is not installed: {install_command('lab')}")
    if not os.path.exists(path):
        raise InputError(f"{path!r} does not exist: give a notebook or a folder")
    options = ["--ServerApp.ip=127.0.0.1", *["--no-browser"] * (not browser)]
    if not browser and os.path.isfile(path):  # the link that it prints leads to the file
        options.append(f"--LabApp.default_url=/lab/tree/{quote(Path(path).name)}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container
        options.append("--allow-root")
    # The first thing on the page is the notebook, and not a question about news of Jupyter.
    paths = [str(_LAB_CONFIG), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options, str(path)])


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
