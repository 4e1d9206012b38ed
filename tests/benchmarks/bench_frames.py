"""What a frame costs: in the kernel, on the wire, and in the browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from benchmarks.tables import Table, table
from browser.conftest import Notebook


class Frame(NamedTuple):
    """What one frame cost."""

    cpu_ms: float
    bytes: float
    load: float


KERNEL = (Path(__file__).parent / "frames_kernel.py").read_text("utf-8")
SECONDS = 10
TITLE = "Frames: charts of 3 lines with 1000 points, 10 more a line ten times a second, JupyterLab"
IDLE: dict[int, float] = {}
DRAWN = ".js-plotly-plot .main-svg:first-child, .bk-Figure"
FOUND: dict[tuple[str, int], Frame] = {}
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
    FOUND[by, charts] = Frame(found["cpu_ms"] - IDLE.get(charts, 0), found["bytes"], load)
    aim(row, charts)


def aim(row: Table, charts: int) -> None:
    """Say what was aimed at, once all three were measured."""
    ours, widget, bokeh = (
        FOUND.get((by, charts)) for by in ("streamviz", "figure_widget", "bokeh")
    )
    if ours is None or widget is None or bokeh is None:
        return
    of = f"{charts} chart{'s' * (charts > 1)}:"
    row.aim(f"{of} FigureWidget's CPU a frame, times ours", widget.cpu_ms / ours.cpu_ms, least=10)
    row.aim(f"{of} bokeh's CPU a frame, times ours", bokeh.cpu_ms / ours.cpu_ms, least=1)
    row.aim(f"{of} kB a frame", ours.bytes / 1000, most=2 if charts == 1 else 6)
    row.aim(f"{of} browser's work a second, s", ours.load, most=1)


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
