"""Every notebook, opened and run in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser.conftest import Notebook

NOTEBOOKS = sorted(path.name for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert "00_start_here.ipynb" in NOTEBOOKS


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_top_to_bottom(
    open_notebook: Callable[..., Notebook], name: str
) -> None:
    notebook = open_notebook(name).run_all(90)
    outputs = notebook.all_outputs()
    assert len(outputs) > 5
    assert not [one for one in outputs if one["output_type"] == "error"]
    shown = [str(one["data"]) for one in outputs if "data" in one]
    assert any("data-streamviz" in one or "image/svg+xml" in one for one in shown), "no picture"
    assert not [one for one in shown if "widget-view+json" in one]
    assert "Error displaying widget" not in notebook.page.content()
    assert not notebook.problems
    notebook.picture(name.removesuffix(".ipynb"))
