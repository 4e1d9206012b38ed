"""A dashboard wherever a widget lives: in boxes, tabs, outputs, and in several views at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from browser.conftest import Notebook
from playwright.sync_api import expect

OpenNotebook = Callable[..., Notebook]

SETUP = """
import ipywidgets as w
from IPython.display import display
from streamviz import Scenario, connect, series, stream_map
client = connect()
def dashboard(name):
    shop = Scenario(client, seed=7)
    shop.produce(name, series.constant(rate_hz=4))
    shop.group(name, "billing", service_ms=20)
    return stream_map(shop)
"""

DRAWN = """
view => [...view.querySelectorAll('.streamviz-plot .scatterlayer .point')].filter(point => {
  const [a, b] = [point, point.closest('.main-svg')].map(node => node.getBoundingClientRect());
  return point.checkVisibility() && b.width && b.left <= a.left && a.right <= b.right;
}).length
"""


WAITING = re.compile(r"\b[01] waiting")  # 1 if a sample is always taken as an entry is added
WIDTH = "node => node.getBoundingClientRect().width"


def views(notebook: Notebook, cell: int) -> Any:
    return notebook.page.locator(".jp-CodeCell").nth(cell).locator(".streamviz-live")


def all_live(notebook: Notebook, dashboards: Any, count: int = 1) -> None:
    """Wait until so many views are drawn, and draw more."""
    notebook.until(lambda: dashboards.count() == count)
    for n in range(count):
        dashboards.nth(n).scroll_into_view_if_needed()
        notebook.until(lambda n=n: dashboards.nth(n).evaluate(DRAWN) > 1)
        before = dashboards.nth(n).evaluate(DRAWN)
        notebook.until(lambda n=n, before=before: dashboards.nth(n).evaluate(DRAWN) > before)
        expect(dashboards.nth(n).locator(".streamviz-status")).to_contain_text("Running")


def fills(view: Any) -> bool:
    """Return whether the first plot is as wide as its place."""
    return bool(
        view.locator(".streamviz-plot").first.evaluate(
            "plot => plot.clientWidth && plot.querySelector('.main-svg')?.clientWidth"
            " === plot.clientWidth"
        )
    )


def cell(notebook: Notebook, number: int) -> Any:
    found = notebook.page.locator(".jp-CodeCell").nth(number)
    found.locator(".jp-InputPrompt").click()
    return found


@pytest.mark.slow
def test_a_dashboard_lives_in_every_container(open_notebook: OpenNotebook) -> None:
    cells = [
        SETUP,
        'w.HBox([dashboard("hbox"), w.Label("beside")])',
        'w.VBox([dashboard("vbox"), w.IntSlider()])',
        'w.Tab([dashboard("tab-1"), dashboard("tab-2")])',
        'w.Accordion([dashboard("accordion")], selected_index=0)',
        'out = w.Output(); display(out)\nwith out: display(dashboard("output"))',
        'w.interact(lambda n: display(dashboard(f"interact-{n}")), n=(1, 3));',
    ]
    notebook = open_notebook(cells).run_all()
    for cell in (1, 2, 4, 5, 6):
        all_live(notebook, views(notebook, cell))
        notebook.until(lambda cell=cell: views(notebook, cell).evaluate(WIDTH) > 600)
    tabs = notebook.page.locator(".jp-CodeCell").nth(3)
    for title in tabs.locator(".lm-TabBar-tab").all():
        title.click()
        shown = tabs.locator(".streamviz-live:visible")
        all_live(notebook, shown)
        notebook.until(lambda shown=shown: fills(shown))  # though it was hidden at first
    notebook.picture("containers")
    assert not notebook.problems


@pytest.mark.slow
def test_a_dashboard_in_a_box_saves_its_pictures_and_hides_them_while_it_is_live(
    open_notebook: OpenNotebook,
) -> None:
    cells = [
        SETUP,
        'w.VBox([w.HBox([dashboard("box")])])',
        'out = w.Output(); display(out)\nwith out: display(dashboard("output"))',
    ]
    notebook = open_notebook(cells).run_all()
    for number in (1, 2):
        all_live(notebook, views(notebook, number))
        picture = notebook.page.locator(".jp-CodeCell").nth(number).locator("[data-streamviz-box]")
        expect(picture).to_have_count(1)
        expect(picture).to_be_hidden()
        notebook.until(lambda number=number: WAITING.search(saved_picture(notebook, number)))
    notebook.picture("boxes")
    notebook.save()
    notebook.lab.end_kernels()
    notebook.reload()
    for number in (1, 2):
        shown = (
            notebook.page.locator(".jp-CodeCell").nth(number).locator("[data-streamviz-box] img")
        )
        shown.scroll_into_view_if_needed()
        notebook.until(shown.is_visible)
    notebook.picture("boxes-without-kernel")


@pytest.mark.slow
def test_a_dashboard_shown_while_the_server_hangs_is_live_when_it_goes_on(
    open_notebook: OpenNotebook,
) -> None:
    cells = [
        SETUP + "import os, signal\npid = client.info('server')['process_id']",
        'one, two = dashboard("hung"), dashboard("hung-box")\nos.kill(pid, signal.SIGSTOP); one',
        "w.HBox([two])",
        "os.kill(pid, signal.SIGCONT)",
    ]
    notebook = open_notebook(cells).ready()
    for number in range(3):
        notebook.run_cell(number)
    for number in (1, 2):
        notebook.until(lambda number=number: views(notebook, number).count() == 1)
        words = views(notebook, number).locator(".streamviz-status")
        notebook.until(lambda words=words: "does not answer in time" in words.inner_text())
    notebook.picture("hanging-server")
    notebook.run_cell(3)
    for number in (1, 2):
        all_live(notebook, views(notebook, number))
        expect(views(notebook, number)).not_to_contain_text("does not answer")
    assert not notebook.problems


def saved_picture(notebook: Notebook, number: int) -> str:
    """Return the picture of a boxed dashboard in a cell's outputs; empty, it names no group."""
    html = ["".join(one.get("data", {}).get("text/html", "")) for one in notebook.outputs()[number]]
    (picture,) = [one for one in html if "data-streamviz-box" in one]
    return picture


@pytest.mark.slow
def test_a_dashboard_shown_several_times_lives_in_each_view(open_notebook: OpenNotebook) -> None:
    cells = [
        SETUP,
        'one = dashboard("one"); display(one); display(one)',
        "w.HBox([one])",
        "one.layout.width = '500px'; print(len(one._views), 'views')",
    ]
    notebook = open_notebook(cells).run_all()
    counts = {1: 2, 2: 1}  # views by cell
    for number, count in counts.items():
        all_live(notebook, views(notebook, number), count)
    copies = notebook.page.locator(".jp-LinkedOutputView")
    for number, count in counts.items():
        cell(notebook, number)
        notebook.command("notebook:create-output-view")
        all_live(notebook, copies.nth(number - 1).locator(".streamviz-live"), count)
    notebook.picture("several-views")
    expect(notebook.page.locator(".streamviz-live")).to_have_count(6)
    notebook.page.evaluate(
        "() => { const { shell } = window.jupyterapp;"
        " [...shell.widgets('main')].filter(one => !one.context).forEach(one => one.close()); }"
    )
    notebook.until(lambda: "3 views" in notebook.run_cell(3))
    shown = notebook.page.locator(".jp-Notebook .streamviz-live")
    for n in range(3):
        shown.nth(n).scroll_into_view_if_needed()
        notebook.until(lambda n=n: shown.nth(n).evaluate(WIDTH) == 500)
        notebook.until(lambda n=n: fills(shown.nth(n)))
    assert not notebook.problems


def test_a_closed_view_costs_nothing_and_a_new_one_goes_on(open_notebook: OpenNotebook) -> None:
    cells = [
        SETUP,
        'one = dashboard("one"); w.VBox([one])',
        "w.VBox([one])",
        "print(one.scenario.state, len(one.scenario.on_sample))",
    ]
    notebook = open_notebook(cells).run_all()
    for number in (1, 2):
        all_live(notebook, views(notebook, number))
    for number, left in ((1, "running 1"), (2, "paused 0")):
        cell(notebook, number)
        notebook.command("notebook:clear-cell-output")
        views(notebook, number).wait_for(state="detached")
        notebook.until(lambda left=left: left in notebook.run_cell(3))
    notebook.run_cell(2)
    all_live(notebook, views(notebook, 2))
    notebook.until(lambda: "running 1" in notebook.run_cell(3))
    assert not notebook.problems


def test_traits_are_linked_and_observed(open_notebook: OpenNotebook) -> None:
    cells = [
        SETUP,
        """one = dashboard("one"); slider = w.FloatSlider(value=1, min=0.5, max=8, step=0.5)
words = w.Label()
w.jslink((slider, "value"), (one, "speed"))
w.jslink((one, "summary"), (words, "value"))
how = w.Label(); w.jslink((one, "state"), (how, "value"))
w.VBox([slider, how, words, one])""",
        "print(round(one.scenario.speed, 3), one.state, one.selected)",
        "one.selected = next((str(entry.id) for entry in one.history.entries), '')",
    ]
    notebook = open_notebook(cells)
    notebook.run_all()
    all_live(notebook, views(notebook, 1))
    shown = cell(notebook, 1)
    slider = shown.locator(".noUi-handle")
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    notebook.until(lambda: "3.0 running" in notebook.run_cell(2))
    how, words = (shown.locator(".widget-label").nth(n) for n in (-2, -1))
    notebook.until(lambda: how.inner_text() == "running" and "billing: " in words.inner_text())
    shown.locator(".streamviz-plot").first.focus()
    shown.locator(".streamviz-plot").first.press("End")
    newest = "document.querySelector('.streamviz-plot').data[0].customdata"
    notebook.until(lambda: {*notebook.run_cell(2).split()} & {*notebook.page.evaluate(newest)})
    notebook.run_cell(3)
    timeline = shown.locator(".streamviz-timeline")
    notebook.until(lambda: "was added at" in str(timeline.text_content()))
    assert not notebook.problems
