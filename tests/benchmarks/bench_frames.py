"""What a frame costs: in the kernel, on the wire, and in the browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.tables import table
from browser.conftest import Notebook

KERNEL = (Path(__file__).parent / "frames_kernel.py").read_text("utf-8")
SECONDS = 10
TITLE = "Frames: charts of 3 lines with 1000 points, 10 more a line ten times a second, JupyterLab"
IDLE: dict[int, float] = {}
DRAWN = ".js-plotly-plot .main-svg:first-child, .bk-Figure"
DRAWN_OF = {"nothing": 0, "streamviz": 0, "figure_widget": 1, "bokeh": 1}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("charts", [1, 12])
@pytest.mark.parametrize("by", ["nothing", "streamviz", "figure_widget", "bokeh"])
def test_frames(open_notebook: Callable[..., Notebook], by: str, charts: int) -> None:
    notebook = open_notebook(
        [
            KERNEL,
            f"count_what_is_sent()\nfeed = {by}({charts})\nsent = list(SENT)",
            f"found = {{}}\ntask = asyncio.create_task(run(feed, {SECONDS + 2}, found))",
            "report(found)",
        ],
        name=f"{by}-{charts}.ipynb",
    )
    notebook.ready()
    run_cell(notebook, 0)
    run_cell(notebook, 1)
    notebook.until(lambda: notebook.page.locator(DRAWN).count() >= DRAWN_OF[by] * charts, 90)
    run_cell(notebook, 2)
    notebook.page.wait_for_timeout(2500)  # the first drawing settles
    cdp = notebook.page.context.new_cdp_session(notebook.page)
    cdp.send("Performance.enable")
    busy, began = task_seconds(cdp), time.monotonic()
    notebook.page.wait_for_timeout((SECONDS - 3) * 1000)
    load = (task_seconds(cdp) - busy) / (time.monotonic() - began)
    notebook.page.wait_for_timeout(3500)
    found = result(notebook)
    assert by != "streamviz" or not notebook.problems
    if by == "nothing":
        IDLE[charts] = found["cpu_ms"]
        return
    row = table(
        TITLE,
        "by",
        "charts",
        "kernel CPU a frame, ms",
        "bytes a frame",
        "browser's main thread, s of work a second",
    )
    row.add(
        by.replace("_", " "),
        charts,
        f"{found['cpu_ms'] - IDLE.get(charts, 0):.1f}",
        f"{found['bytes']:,.0f}",
        f"{load:.2f}" + (" (late)" if found["late"] > 1.05 else ""),
    )


def run_cell(notebook: Notebook, cell: int) -> None:
    notebook.page.evaluate(
        """cell => {
          const panel = window.jupyterapp.shell.currentWidget;
          panel.content.deselectAll();
          panel.content.activeCellIndex = cell;
          window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        cell,
    )
    notebook.page.wait_for_function(
        "cell => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells[cell]"
        ".execution_count !== null",
        arg=cell,
        timeout=60_000,
    )


def task_seconds(cdp: Any) -> float:
    """Return how long the page's main thread has worked so far."""
    found = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"])


def result(notebook: Notebook) -> dict[str, float]:
    deadline = time.monotonic() + 60
    while True:
        run_cell(notebook, 3)
        notebook.page.wait_for_timeout(1000)
        said = notebook.said()
        hit = re.search(r"RESULT (\{.+?\})", said)
        if hit and "cpu_ms" in hit[1]:
            return dict(json.loads(hit[1]))
        assert time.monotonic() < deadline, said
