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
DASHBOARD = "Dashboard: the flow and strips of 3 groups with 4 consumers, ten samples a second"
MOTION = """() => {
  window.gaps = [];
  const follow = (then, now) => {
    if (then) window.gaps.push(now - then);
    requestAnimationFrame(next => follow(now, next));
  };
  requestAnimationFrame(now => follow(0, now));
}"""
IDLE: dict[int, float] = {}
DRAWN = ".js-plotly-plot .main-svg:first-child, .bk-Figure"
FOUND: dict[tuple[str, int], Frame] = {}
DRAWN_OF = {"nothing": 0, "streamviz": 0, "dashboard": 1, "figure_widget": 1, "bokeh": 1}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("charts", [1, 12])
@pytest.mark.parametrize("by", ["nothing", "streamviz", "figure_widget", "bokeh"])
def test_frames(open_notebook: Callable[..., Notebook], by: str, charts: int) -> None:
    notebook, found, load, _ = measure(open_notebook, by, charts)
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


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("by", "argument"),
    [("nothing", 0), ("dashboard", 30), ("dashboard", 1000), ("figure_widget", 2), ("bokeh", 2)],
)
def test_dashboard(open_notebook: Callable[..., Notebook], by: str, argument: int) -> None:
    notebook, found, load, gaps = measure(open_notebook, by, argument)
    if by == "nothing":
        IDLE[0] = found["cpu_ms"]
        return
    row = table(
        DASHBOARD,
        "by",
        "kernel CPU a frame, ms",
        "bytes a frame",
        "browser's main thread, s of work a second",
        "frames a second",
        "longest frame, ms",
    )
    name = f"the dashboard, {argument:,} entries/s" if by == "dashboard" else f"{by}, 2 charts"
    cpu_ms, rate_hz = found["cpu_ms"] - IDLE.get(0, 0), 1000 * len(gaps) / sum(gaps)
    row.add(
        name.replace("_", " "),
        *(f"{cpu_ms:.1f}", f"{found['bytes']:,.0f}", f"{load:.2f}"),
        *(f"{rate_hz:.0f}", f"{max(gaps):.0f}"),
    )
    if by == "dashboard":
        assert not notebook.problems
        row.aim(f"{name}: kernel CPU a frame, ms", cpu_ms, most=2)
        row.aim(f"{name}: kB a frame", found["bytes"] / 1000, most=3)
        row.aim(f"{name}: browser's work a second, s", load, most=0.35)
        row.aim(f"{name}: frames a second", rate_hz, least=55)
        row.aim(f"{name}: longest frame, ms", max(gaps), most=60)


def measure(
    open_notebook: Callable[..., Notebook], by: str, argument: int
) -> tuple[Notebook, dict[str, float], float, list[float]]:
    """Return what the kernel found, the browser's load, and the times between its frames, in ms."""
    notebook = open_notebook(
        [
            KERNEL,
            f"count_what_is_sent()\nfeed = {by}({argument})\nsent = list(SENT)",
            f"found = {{}}\ntask = asyncio.create_task(run(feed, {SECONDS + 2}, found))",
            "report(found)",
        ],
        name=f"{by}-{argument}.ipynb",
    )
    notebook.ready()
    run_cell(notebook, 0)
    run_cell(notebook, 1)
    notebook.until(
        lambda: (
            notebook.page.locator(DRAWN).count()
            >= DRAWN_OF[by] * (argument if by != "dashboard" else 1)
        ),
        90,
    )
    run_cell(notebook, 2)
    notebook.page.wait_for_timeout(2500)  # the first drawing settles
    cdp = notebook.page.context.new_cdp_session(notebook.page)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})  # without waits for a busy CPU
    notebook.page.evaluate(MOTION)
    busy, began = task_seconds(cdp), time.monotonic()
    notebook.page.wait_for_timeout((SECONDS - 3) * 1000)
    load = (task_seconds(cdp) - busy) / (time.monotonic() - began)
    gaps = [float(one) for one in notebook.page.evaluate("() => window.gaps")]
    notebook.page.wait_for_timeout(3500)
    found = result(notebook)
    return notebook, found, load, gaps


def aim(row: Table, charts: int) -> None:
    """Say what was aimed at, once all three were measured."""
    ours, widget, bokeh = (
        FOUND.get((by, charts)) for by in ("streamviz", "figure_widget", "bokeh")
    )
    if ours is None or widget is None or bokeh is None:
        return
    of = f"{charts} chart{'s' * (charts > 1)}:"
    row.aim(f"{of} kernel CPU a frame, ms", ours.cpu_ms, most=1.2 if charts == 1 else 3)
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
