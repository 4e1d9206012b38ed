"""The page that says how to test one's own notebooks: what it shows is done, in a new project."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

PAGE = (Path(__file__).parent.parent / "docs/how_to/ci.md").read_text("utf-8")
CELLS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def nbval(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--nbval", ".", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_new_projects_notebook_compares_and_a_change_is_noticed(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CELLS])
    NotebookClient(notebook, kernel_name="python3").execute()
    path = tmp_path / "first.ipynb"
    nbformat.write(notebook, path)
    printed = notebook.cells[1].outputs[0].text
    assert re.fullmatch(r"billing \d+ waiting, \d pending\n", printed)

    same = nbval(tmp_path)
    assert "2 passed" in same.stdout, same.stdout

    text = path.read_text("utf-8")
    path.write_text(text.replace("consumers=2", "consumers=1"), "utf-8")
    other = nbval(tmp_path)
    assert "2 failed" in other.stdout, other.stdout
