"""Run the notebooks top to bottom, without a browser, and save their outputs.

    python tests/execute_notebooks.py [NOTEBOOK ...]

No notebook should take more than 20 s, and none may be larger than 300 kB (a test asserts that).

What is saved is what nbval compares, so nothing of the day, the machine or the versions stays in.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
FRONT_ENDS = ("JPY_SESSION_NAME", "VSCODE_PID", "STREAMVIZ_LIVE", "REDIS_URL")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path) -> None:
    """Run one notebook and write it back with its new outputs."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = nbformat.from_dict(METADATA)
    client = NotebookClient(
        notebook,
        timeout=60,
        resources={"metadata": {"path": str(path.parent)}},
        coalesce_streams=True,  # or a line that comes in two messages is broken in two
    )
    client.execute(cwd=str(path.parent))
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def main() -> None:
    """Run the notebooks named on the command line, or all of them."""
    for name in FRONT_ENDS:
        os.environ.pop(name, None)
    paths = [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        sys.exit(f"no notebooks in {NOTEBOOKS}: nothing was executed")
    for path in paths:
        begin = time.perf_counter()
        execute(path)
        seconds, size_kb = time.perf_counter() - begin, path.stat().st_size / 1000
        print(f"{path.name}: executed in {seconds:.0f} s, {size_kb:.0f} kB")


if __name__ == "__main__":
    main()
