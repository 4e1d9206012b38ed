"""The same notebooks where they are shown: Voila, Jupyter Notebook 7, JupyterLab's slideshow."""

from __future__ import annotations

import shutil

import nbformat
import pytest
from browser.conftest import RESULTS, ROOT, Lab, kernel_answers, settled
from playwright.sync_api import Page, expect

LIVE = """
from streamviz import Dashboard, Scenario, connect, series
shop = Scenario(connect(), seed=7)
shop.produce("orders", series.orders(rate_hz=20))
shop.group("orders", "billing", consumers=2, service_ms=40)
Dashboard(shop)
"""
POINTS = "() => document.querySelectorAll('.streamviz-plot')[0]?.data?.[0]?.x?.length ?? 0"
FRAMES = (
    "() => [...document.querySelectorAll('.streamviz-player')].map(n => Number(n.dataset.frame))"
)


@pytest.fixture
def shown(lab: Lab) -> str:
    """Give the name of a notebook with a live dashboard, in the server's folder."""
    cell = nbformat.v4.new_code_cell(LIVE.strip())
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(made, lab.folder / "notebooks" / "live.ipynb")
    return "live.ipynb"


@pytest.fixture
def talk(lab: Lab) -> str:
    """Give the name of the talk, in the server's folder with its recordings."""
    folder = lab.folder / "notebooks"
    shutil.copy(ROOT / "notebooks" / "20_talk.ipynb", folder)
    shutil.copytree(ROOT / "notebooks" / "recordings", folder / "recordings", dirs_exist_ok=True)
    return "20_talk.ipynb"


def picture(page: Page, name: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"{name}.png")


def test_voila_shows_a_live_dashboard_and_its_buttons_work(lab: Lab, tab: Page, shown: str) -> None:
    tab.goto(f"{lab.url}/voila/render/{shown}?token={lab.token}")
    tab.wait_for_function(f"() => ({POINTS})() > 20", timeout=40_000)
    tab.get_by_role("button", name="kill billing-1").press("Enter")
    tab.get_by_role("button", name="revive billing-1").wait_for()
    picture(tab, "voila")
    lab.end_kernels()


@pytest.mark.slow
def test_voila_has_ones_own_slider(lab: Lab, tab: Page) -> None:
    program = (ROOT / "tests/examples/voila_page.py").read_text("utf-8")
    cell = nbformat.v4.new_code_cell(program)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(made, lab.folder / "notebooks" / "slider.ipynb")
    tab.goto(f"{lab.url}/voila/render/slider.ipynb?token={lab.token}")
    tab.wait_for_function(f"() => ({POINTS})() > 20", timeout=40_000)
    rate = "() => Number(document.body.innerText.match(/in ([0-9.]+)[/]s/)?.[1] ?? 0)"
    tab.wait_for_function(f"() => ({rate})() > 0")
    assert tab.evaluate(rate) < 10
    tab.locator(".noUi-handle").nth(1).press("End")
    tab.wait_for_function(f"() => ({rate})() > 14", timeout=20_000)
    picture(tab, "voila-slider")
    lab.end_kernels()


@pytest.mark.slow
def test_voila_plays_the_talk(lab: Lab, tab: Page, talk: str) -> None:
    tab.goto(f"{lab.url}/voila/render/{talk}?token={lab.token}")
    tab.locator(".streamviz-player").first.wait_for(timeout=40_000)
    tab.wait_for_function(f"() => Math.max(...({FRAMES})()) > 10")
    expect(tab.get_by_text("No other consumer gets it")).to_be_visible()
    notes = tab.get_by_text("Let the room vote")
    expect(notes).to_have_count(1)
    expect(notes, "the speaker's notes are not for the audience").to_be_hidden()
    picture(tab, "voila-talk")
    lab.end_kernels()


@pytest.mark.slow
def test_jupyter_notebook_7_shows_a_live_dashboard(lab: Lab, tab: Page, shown: str) -> None:
    tab.goto(f"{lab.url}/notebooks/{shown}?token={lab.token}")
    tab.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=40_000)
    kernel_answers(tab)
    tab.locator(".jp-Cell .cm-content").first.click()
    tab.keyboard.press("Shift+Enter")
    tab.wait_for_function(f"() => ({POINTS})() > 20", timeout=40_000)
    tab.get_by_role("button", name="kill billing-1").press("Enter")
    tab.get_by_role("button", name="revive billing-1").wait_for()
    picture(tab, "notebook-7")
    lab.end_kernels()


@pytest.mark.slow
def test_jupyterlabs_slideshow_starts_the_player_of_its_slide(
    lab: Lab, tab: Page, talk: str
) -> None:
    tab.set_viewport_size({"width": 1280, "height": 720})
    tab.goto(f"{lab.url}/lab/tree/{talk}?token={lab.token}&reset")
    tab.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=40_000)
    kernel_answers(tab)
    tab.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
    tab.wait_for_function(f"() => ({FRAMES})().length >= 7", timeout=40_000)
    tab.evaluate(
        """() => {
          const { content } = window.jupyterapp.shell.currentWidget;
          content.deselectAll();
          content.activeCellIndex = content.model.sharedModel.cells
            .findIndex(cell => cell.source.startsWith('## No other consumer gets it'));
          window.jupyterapp.commands.execute('deck:start');
        }"""
    )
    slide = "Array.from(document.querySelectorAll('.streamviz-player'))[4]"
    try:
        tab.wait_for_function(  # and the other slides' players stand still; this one will end soon
            f"""() => {{
              const playing = document.querySelectorAll('.streamviz-player[data-state=playing]');
              return Number({slide}.dataset.frame) > 20
                && playing.length === 1 && playing[0] === {slide};
            }}""",
            timeout=20_000,
        )
        tab.wait_for_function(f"() => {slide}.clientHeight > 400")
        settled(tab)
        plots = tab.evaluate(
            f"() => [...{slide}.querySelectorAll('.main-svg')].map(n => n.clientWidth)"
        )
        wide = tab.evaluate(f"() => {slide}.clientWidth")
        assert sum(plots) > 0.9 * wide, "the plots take the width of the slide"
        sizes = tab.evaluate(
            f"""() => [...{slide}.querySelectorAll('.xtick text, .ytick text, .legendtext, button')]
              .map(node => parseFloat(getComputedStyle(node).fontSize))"""
        )
        assert len(sizes) > 10
        assert min(sizes) >= 20, "numbers are a 36th of the height"
        boxes = tab.evaluate(
            f"""() => [...{slide}.querySelectorAll('.streamviz-bar, .streamviz-plot')]
              .map(node => node.getBoundingClientRect()).map(box => [box.top, box.bottom])"""
        )
        assert len(boxes) == 3
        assert all(0 < top < bottom <= 720 for top, bottom in boxes), boxes
        sources = tab.locator(".jp-deck-mod-onscreen .jp-InputPlaceholder")
        expect(sources).to_have_count(1)
        expect(sources, "a folded source is not shown").to_be_hidden()
        picture(tab, "slideshow")
    finally:
        tab.evaluate("() => { window.jupyterapp.commands.execute('deck:stop') }")
        tab.wait_for_function(f"() => !({slide}.style.height)")
        expect(tab.locator("[data-stage]"), "a notebook again").to_have_count(0)
        lab.end_kernels()
