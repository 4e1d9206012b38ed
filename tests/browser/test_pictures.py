"""The README's pictures, taken from the real thing: `make pictures`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser.conftest import Notebook
from PIL import Image, ImageStat

IMAGES = Path(__file__).parents[2] / "notebooks" / "images"

TEA_SHOP = """
from streamviz import Dashboard, Scenario, connect, series

shop = Scenario(connect(), seed=7)
shop.produce("orders", series.orders(rate_hz=10))
shop.group("orders", "billing", consumers=2, service_ms=150)
shop.group("orders", "email", consumers=1, service_ms=130, batch=5, claim_idle_ms=2000)
Dashboard(shop)
"""

AGREE = """() => {
  const ends = [...document.querySelectorAll('.streamviz-plot .textpoint text')];
  const said = ends.map(one => one.textContent.trim());
  return [0, 1].every(i => {
    const text = what => document.querySelector(
      `.streamviz-flow [data-key="group ${i} ${what}"]`).textContent;
    return said.includes(`${text('name')} ${text('waiting').replace(' waiting', '')}`);
  });
}"""
"""Whether the flow and the strip below it have the same numbers of waiting entries."""
COVERED = """() => {
  const button = document.activeElement.getBoundingClientRect();
  return [...document.querySelectorAll('.streamviz-flow text')].filter(one => {
    const { left, top, right, bottom } = one.getBoundingClientRect();
    return Math.min(right, button.right) - Math.max(left, button.left) > 1
      && Math.min(bottom, button.bottom) - Math.max(top, button.top) > 0;
  }).map(one => one.textContent);
}"""
"""The words that the focused button covers."""


def test_the_dashboard_with_a_consumer_that_died_light_and_dark(
    open_notebook: Callable[..., Notebook], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    notebook = open_notebook([TEA_SHOP.strip()], name="tea_shop.ipynb").run_all()
    dashboard = notebook.live()
    dashboard.wait_for()
    taken = request.config.getoption("pictures")
    killed_at, shown_at = (60, 110) if taken else (6, 11)
    notebook.until(lambda: notebook.points(0) > killed_at)
    notebook.page.get_by_role("button", name="kill email-1").press("Enter")
    notebook.until(lambda: "email-1 was killed" in notebook.events())
    notebook.until(lambda: notebook.points(0) > shown_at, seconds=20)
    notebook.page.get_by_role("button", name="Pause").press("Enter")
    dashboard.get_by_text("Paused").wait_for()
    notebook.at_rest()
    notebook.until(lambda: notebook.page.evaluate(AGREE))  # the strips are drawn less often
    notebook.page.get_by_role("button", name="revive email-1").focus()
    assert notebook.page.evaluate(COVERED) == []
    notebook.page.evaluate("document.activeElement.blur()")  # its hint covers entries
    folder = IMAGES if taken else tmp_path
    folder.mkdir(exist_ok=True)
    dashboard.screenshot(path=folder / "dashboard.png")
    notebook.command("apputils:change-theme", theme="JupyterLab Dark")
    notebook.page.locator(".streamviz-live[data-dark]").wait_for()
    dashboard.screenshot(path=folder / "dashboard_dark.png")
    light, dark = (average(folder / name) for name in ("dashboard.png", "dashboard_dark.png"))
    assert dark < 100 < 200 < light, "one on each ground"
    assert not notebook.problems


def average(path: Path) -> float:
    """Return how light a picture is on average, from 0 to 255."""
    assert path.stat().st_size > 20_000
    return float(ImageStat.Stat(Image.open(path).convert("L")).mean[0])
