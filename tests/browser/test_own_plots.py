"""A plot of one's own that raises, as someone in front of JupyterLab sees it."""

from __future__ import annotations

from collections.abc import Callable

from browser.conftest import Notebook

OpenNotebook = Callable[..., Notebook]

SHAKY = """
from streamviz import Dashboard, Scenario, connect, series
from streamviz.plots import Flow, GroupLag
class Shaky(GroupLag):
    title = "Shaky"
    def sampled_values(self, sample, history):
        return [1 / (sample.n % 20 // 10)]
class ShakyFlow(Flow):
    def scene(self, history):
        return super().scene(history) | {"pace": 1 / (history.newest.n % 20 // 10)}
shop = Scenario(connect(), seed=7)
shop.produce("orders", series.orders(rate_hz=20))
shop.group("orders", "billing", service_ms=50)
Dashboard(shop, plots=[ShakyFlow(), GroupLag(), Shaky()])
"""


def test_a_plot_that_raises_says_so_in_its_place_and_the_others_go_on(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook([SHAKY]).run_all()
    notebook.live().wait_for()
    live = notebook.live()
    plots = live.locator(".streamviz-plot")
    words = "Shaky can't be drawn: ZeroDivisionError:"
    notebook.until(
        lambda: words in (plots.nth(1).locator(".annotation").all_text_contents() or [""])[0]
    )
    headline = "ShakyFlow can't be drawn: ZeroDivisionError"
    notebook.until(lambda: headline in live.locator(".streamviz-flow").text_content())
    notebook.picture("failing_plot")
    before = notebook.points(0)
    notebook.until(lambda: notebook.points(0) > before + 25)
    notebook.until(lambda: headline not in live.locator(".streamviz-flow").text_content())
    notebook.until(lambda: headline in live.locator(".streamviz-flow").text_content())
    notebook.page.get_by_role("button", name="Pause").click()
    notebook.page.get_by_text("Paused").wait_for()
    assert not notebook.problems
