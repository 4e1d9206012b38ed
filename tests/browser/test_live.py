"""The dashboard, as someone in front of JupyterLab sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from browser.conftest import SHAPES, Notebook, settled, violations
from playwright.sync_api import expect

OpenNotebook = Callable[..., Notebook]

SHOP = """
from streamviz import Dashboard, Scenario, connect, series
from streamviz.plots import Flow, StreamMap
shop = Scenario(connect(), seed=7)
shop.produce("orders", series.orders(rate_hz=20))
shop.group("orders", "billing", consumers=2, service_ms=50)
shop.group("orders", "email", consumers=1, service_ms=100)
live = Dashboard(shop)
live
"""


def test_points_grow_until_paused_and_go_on(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SHOP]).run_all()
    notebook.live().wait_for()
    notebook.until(lambda: notebook.points(0) > 5)
    before = notebook.points(0)
    notebook.until(lambda: notebook.points(0) > before + 5)
    notebook.picture("dashboard")
    notebook.page.get_by_role("button", name="Pause").click()
    notebook.page.get_by_text("Paused").wait_for()
    held = notebook.at_rest()
    notebook.page.wait_for_timeout(500)
    assert notebook.points(0) == held
    notebook.page.get_by_role("button", name="Step").click()
    notebook.until(lambda: notebook.points(0) > held)
    notebook.page.get_by_role("button", name="Resume").click()
    stepped = notebook.points(0)
    notebook.until(lambda: notebook.points(0) > stepped + 5)
    assert not notebook.problems


def test_a_slider_changes_the_rate_and_a_killed_consumer_shows(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SHOP, "shop.producers[0].rate, live.history.newest.events"]).run_all()
    notebook.live().wait_for()
    notebook.page.get_by_label("rate of orders").fill("3")
    notebook.page.get_by_text("×8", exact=True).wait_for()
    expect(notebook.page.get_by_label("rate of orders")).to_have_attribute("aria-valuetext", "×8")
    notebook.page.get_by_role("button", name="kill billing-1").press("Enter")
    notebook.page.get_by_role("button", name="revive billing-1").wait_for()
    notebook.until(lambda: "billing-1 was killed" in notebook.events())
    notebook.page.get_by_role("button", name="revive billing-1").press("Enter")
    notebook.page.get_by_role("button", name="kill billing-1").wait_for()
    notebook.until(lambda: "billing-1 was revived" in notebook.events())
    notebook.page.locator(".jp-CodeCell").nth(1).locator(".jp-InputArea-editor").click()
    notebook.page.keyboard.press("Shift+Enter")
    notebook.page.get_by_text("(8.0, ").wait_for()
    assert not notebook.problems


COUNT = "import threading; print(sum(t.name == 'streamviz' for t in threading.enumerate()))"
THREADS = """import threading
print(sorted(t.name for t in threading.enumerate() if 'streamviz' in t.name))"""


def test_a_cell_that_runs_again_leaves_one_dashboard_and_one_thread(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook([SHOP, THREADS]).run_all()
    notebook.live().wait_for()
    for _ in range(2):
        notebook.run_all()
        notebook.live().wait_for()
    notebook.until(lambda: notebook.live().count() == 1)

    def threads() -> int:
        """Return how many there are; -1 if the cell did not say."""
        said = notebook.run_cell(1)
        return said.count("'streamviz'") if said.startswith("[") else -1

    notebook.until(lambda: threads() == 1)
    notebook.page.locator(".jp-CodeCell").first.locator(".jp-InputArea-prompt").click()
    notebook.command("notebook:clear-cell-output")
    notebook.until(lambda: threads() == 0)
    assert not notebook.problems


@pytest.mark.slow
def test_after_a_reload_of_the_page_a_cell_that_runs_again_still_leaves_one(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook([SHOP, COUNT])
    notebook.run_all()
    notebook.live().wait_for()
    notebook.save()
    notebook.reload()
    notebook.run_all()
    notebook.live().wait_for()
    notebook.until(lambda: notebook.points(0) > 5)
    assert notebook.said().strip() == "1", notebook.said()
    assert not notebook.problems


@pytest.mark.slow
def test_after_a_restart_of_the_kernel_the_picture_stays(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SHOP]).run_all()
    notebook.live().wait_for()
    notebook.until(lambda: notebook.points(0) > 5)
    notebook.page.get_by_role("button", name="Pause").click()
    notebook.page.get_by_text("Paused").wait_for()
    notebook.restart()
    notebook.live().wait_for(state="detached")
    expect(notebook.page.locator("[data-streamviz] img").first).to_be_visible()
    notebook.run_all()
    notebook.live().wait_for()
    assert "Error displaying widget" not in notebook.page.content()


def test_reopened_without_a_kernel_it_shows_its_last_state(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SHOP]).run_all()
    notebook.live().wait_for()
    notebook.until(lambda: notebook.points(0) > 5)
    notebook.page.get_by_role("button", name="Pause").click()
    notebook.page.get_by_text("Paused").wait_for()
    alt = re.compile('alt="([^"]*entries[^"]*)')  # what the first picture says in words

    def has_entries() -> bool:
        found = alt.search(notebook.pictures())
        return found is not None and not found[1].startswith("0 entries")

    notebook.until(has_entries)
    saved = notebook.save()
    text = str(saved)
    assert "application/vnd.jupyter.widget-view+json" not in text
    assert not saved["metadata"].get("widgets")
    assert 'data-streamviz="plot-1"' in text, "a saved notebook holds no random name"
    assert len(text) < 300_000
    notebook.lab.end_kernels()
    notebook.load()
    images = notebook.page.locator("[data-streamviz] img")
    expect(images).to_have_count(2)
    notebook.ready()  # only then JupyterLab knows that it has no such widget
    assert "entries" in (images.first.get_attribute("alt") or "")
    assert not (images.first.get_attribute("alt") or "").startswith("0 entries")
    assert "Error displaying widget" not in notebook.page.content()
    notebook.picture("reopened")


@pytest.mark.slow
def test_plotly_reaches_a_page_once_however_many_dashboards(open_notebook: OpenNotebook) -> None:
    sent = """
from streamviz.widgets import plot_widget as module
sent = []
def counted(original=module.plotly_js):
    sent.append(1)
    return original()
module.plotly_js = counted
"""
    notebook = open_notebook(
        [sent, SHOP, "from streamviz import group_lag; group_lag(shop)", "len(sent)"], anew=True
    )
    notebook.run_all()
    notebook.live().nth(1).wait_for()

    def in_view() -> bool:  # what nobody sees is not drawn, and what is above may still grow
        notebook.live().nth(1).scroll_into_view_if_needed()
        return notebook.points(1) > 5

    notebook.until(in_view)
    notebook.page.locator(".jp-CodeCell").nth(3).locator(".jp-InputArea-editor").click()
    notebook.page.keyboard.press("Control+Enter")
    notebook.until(
        lambda: (
            notebook.page.locator(".jp-CodeCell")
            .nth(3)
            .locator(".jp-OutputArea-output")
            .inner_text()
            == "1"
        )
    )
    assert not notebook.problems


def test_a_stream_of_another_program_is_watched_in_the_dark(open_notebook: OpenNotebook) -> None:
    other = """
from streamviz import Stream, connect, watch
client = connect()
orders = Stream(client, "<b>orders</b>")
orders.group("<img src=x onerror=alert(1)>").create("0", mkstream=True)
orders.add({"<script>": "alert(1)"})
orders.group("<img src=x onerror=alert(1)>").consumer("</text>").read(1)
watch(client, orders.key)
"""
    notebook = open_notebook([other])
    notebook.command("apputils:change-theme", theme="JupyterLab Dark")
    notebook.run_all()
    notebook.live().wait_for()
    notebook.until(lambda: notebook.points(0) > 1)
    expect(notebook.page.locator(".streamviz-live[data-dark]")).to_have_count(1)
    notebook.picture("watch-dark")
    notebook.command("apputils:change-theme", theme="JupyterLab Light")
    notebook.page.locator(".streamviz-live:not([data-dark])").wait_for()
    assert not notebook.problems


def test_hovering_over_an_entry_shows_its_timeline(open_notebook: OpenNotebook) -> None:
    shop = SHOP.replace("service_ms=50", "service_ms=400")
    notebook = open_notebook([shop.replace("(shop)", "(shop, plots=[StreamMap()])")]).run_all()
    notebook.live().wait_for()
    notebook.until(lambda: notebook.points(0) > 20)
    notebook.page.get_by_role("button", name="Pause").click()
    notebook.page.get_by_text("Paused").wait_for()
    timeline = notebook.page.locator(".streamviz-timeline")

    def hover() -> str:
        notebook.page.locator(".streamviz-plot").first.scroll_into_view_if_needed()
        box = notebook.page.locator(".streamviz-plot .scatterlayer .point").last.bounding_box()
        if box is None:  # it has just been drawn anew
            return ""
        notebook.page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2)
        notebook.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        notebook.page.wait_for_timeout(300)
        return str(timeline.text_content())

    notebook.at_rest()

    def told() -> bool:
        said = hover()
        return "was added at" in said and "billing: " in said

    notebook.until(told)
    assert notebook.page.locator(".modebar-btn").count() == 0, "nothing offers to upload a chart"
    notebook.picture("timeline")
    assert not notebook.problems


def focused(notebook: Notebook) -> str:
    """Return the name of what has the focus, if it is seen to have it."""
    return str(
        notebook.page.evaluate(
            """() => {
              const { activeElement: one } = document;
              const seen = getComputedStyle(one).outlineStyle !== 'none';
              return seen ? one.getAttribute('aria-label') ?? one.textContent : '';
            }"""
        )
    )


LINES = """nodes => nodes.map(node => {
  const range = document.createRange();
  range.selectNodeContents(node);
  return new Set([...range.getClientRects()].map(one => one.top)).size;
})"""
"""On how many lines each element's text is."""


def walk(notebook: Notebook, key: str, to: str) -> list[str]:
    """Press a key until something has the focus, and return what had it on the way."""
    names: list[str] = []
    while not names or not names[-1].startswith(to):
        notebook.page.keyboard.press(key)
        names.append(focused(notebook))
        assert names[-1], f"the focus is not seen after {names}"
        assert len(names) < 40, names
    return names


def test_every_control_and_every_entry_is_reached_by_keyboard(open_notebook: OpenNotebook) -> None:
    shop = SHOP.replace("service_ms=50", "service_ms=400").replace(
        "(shop)", "(shop, plots=[Flow(), StreamMap()], commands=True)"
    )
    notebook = open_notebook([shop]).run_all()
    page, timeline = notebook.page, notebook.page.locator(".streamviz-timeline")
    notebook.live().wait_for()
    notebook.until(lambda: notebook.points(0) > 20)
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Paused").wait_for()
    page.locator(".streamviz-plot[tabindex='0']").wait_for()  # its turn to be drawn has come
    notebook.at_rest()
    names = walk(notebook, "Tab", "Stream map: ")
    controls = ["Step", "speed", "rate of orders", "billing takes", "email takes"]
    assert names[: len(controls)] == controls
    assert names[len(controls)].startswith("Flow: ")
    assert names[len(controls) + 1 : -1] == [
        "add a consumer to billing",
        "remove a consumer from billing",
        *("kill billing-1", "slow billing-1", "kill billing-2", "slow billing-2"),
        *("add a consumer to email", "kill email-1", "slow email-1"),
    ]
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    ids = page.evaluate("() => document.querySelector('.streamviz-plot').data[0].customdata")
    notebook.until(lambda: str(timeline.text_content()).startswith(f"{ids[-2]} was added at "))
    ring = "document.querySelector('.streamviz-plot').data.at(-1)"  # it has no words of its own
    page.wait_for_function(f"() => !{ring}.text && {ring}.marker.symbol === 'circle-open'")
    notebook.picture("keyboard")
    page.keyboard.press("ArrowRight")
    notebook.until(lambda: str(timeline.text_content()).startswith(f"{ids[-1]} was added at "))
    page.keyboard.press("Escape")
    notebook.until(lambda: timeline.text_content() == "")
    walk(notebook, "Tab", "commands sent")
    page.set_viewport_size({"width": 800, "height": 800})  # more is said than there is room for
    lines = page.locator(".streamviz-log th").evaluate_all(LINES)
    assert lines == [1, 1, 1, 1], "a head that is broken, such as ca-ll"
    assert page.locator(".jp-Notebook .jp-Cell").count() == 1, "keys are the plot's own"
    assert not notebook.problems


def shapes(notebook: Notebook) -> dict[str, Any]:
    return dict(notebook.live().locator(".streamviz-flow").evaluate(SHAPES))


SHOWN = """() => document.addEventListener('click', ({target}) => {
  window.shown = target.closest('.streamviz-spot')?.outerHTML ?? target.outerHTML;
}, {once: true})"""


def test_a_click_on_a_consumer_kills_it_and_another_revives_it(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SHOP]).run_all()
    notebook.live().wait_for()
    page = notebook.page
    spot = notebook.live().locator('.streamviz-spot[aria-label="billing-1"]')
    page.get_by_role("button", name="kill billing-1").wait_for(state="attached")
    place = {"x": 20, "y": 12}
    page.evaluate(SHOWN)
    spot.click(position=place)  # type: ignore[arg-type]
    shown = page.evaluate("() => window.shown")
    assert "data-dead" in shown, "it shows with the click, and not with a sample"
    notebook.until(lambda: shapes(notebook)["group 0 0"]["kind"] == "dead")
    notebook.until(lambda: "billing-1 was killed" in notebook.events())
    assert shapes(notebook)["group 0 1"]["kind"] == "box"
    revive = page.get_by_role("button", name="revive billing-1")

    def at_what_it_changes() -> bool:  # and over no word
        there = revive.bounding_box()
        assert there is not None
        left, top, wide, _ = shapes(notebook)["group 0 0"]["box"]
        within = left < there["x"] < there["x"] + there["width"] < left + wide
        return -24 < there["y"] - top < 0 and within

    notebook.until(at_what_it_changes)
    spot.click(position=place)  # type: ignore[arg-type]
    notebook.until(lambda: shapes(notebook)["group 0 0"]["kind"] == "box")
    notebook.until(lambda: "billing-1 was revived" in notebook.events())
    assert not notebook.problems


def test_all_that_can_be_done_is_done_by_keyboard_and_what_it_caused_is_said(
    open_notebook: OpenNotebook,
) -> None:
    shop = SHOP.replace("service_ms=50", "service_ms=900")
    # A browser that can't follow is sent fewer samples, and not told what happened in between.
    shop = shop.replace("seed=7", "seed=7, sample_every_ms=300")
    notebook = open_notebook([shop]).run_all()
    live, page = notebook.live(), notebook.page
    live.wait_for()
    timeline = live.locator(".streamviz-timeline")
    assert timeline.get_attribute("aria-live") == "polite"

    def press(name: str) -> None:
        button = page.get_by_role("button", name=name, exact=True)
        button.wait_for(state="attached")
        button.focus()
        page.keyboard.press("Enter")

    press("add a consumer to billing")
    live.locator('[data-key="group 0 2 name"]', has_text="billing-3").wait_for()
    wanted = ["billing", "billing-1", "billing-2", "billing-3", "email", "email-1"]
    places = "all => all.map(one => one.getAttribute('aria-label'))"
    notebook.until(lambda: live.locator(".streamviz-spot").evaluate_all(places) == wanted)
    press("slow billing-3")
    notebook.until(lambda: "billing-3 works 4 times as slowly" in notebook.events())
    press("speed up billing-3")
    notebook.until(lambda: "billing-3 acknowledged " in str(timeline.text_content()), seconds=60)
    press("remove a consumer from billing")
    notebook.until(lambda: live.locator('[data-key="group 0 2 name"]').count() == 0)
    press("kill billing-1")
    notebook.until(lambda: shapes(notebook)["group 0 0"]["kind"] == "dead")

    def old() -> list[str]:
        seen = shapes(notebook).values()
        return [one["ids"][0] for one in seen if one["kind"] == "old"]

    notebook.until(lambda: len(old()) > 0)
    entry = old()[0]
    press("revive billing-1")
    notebook.until(lambda: f"billing-1 acknowledged {entry}" in str(timeline.text_content()))
    button = page.get_by_role("button", name="kill billing-1")
    expect(button, "the button keeps the focus").to_be_focused()
    assert page.locator(".jp-Notebook .jp-Cell").count() == 1, "keys are the buttons' own"
    assert not notebook.problems


def test_arrow_keys_move_a_slider_and_not_the_notebook(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SHOP, "print('another cell')"]).run_all()
    notebook.live().wait_for()
    slider = notebook.page.get_by_label("rate of orders")
    slider.focus()
    for key, wanted in (
        ("ArrowUp", "0.5"),
        ("ArrowRight", "1"),
        ("ArrowDown", "0.5"),
        ("ArrowLeft", "0"),
    ):
        slider.press(key)
        expect(slider, key).to_have_value(wanted)
    expect(slider).to_be_focused()
    assert notebook.page.locator(".jp-Cell.jp-mod-selected").count() == 1


def test_buttons_and_sliders_are_large_enough_to_hit(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SHOP]).run_all()
    notebook.live().wait_for()
    targets = notebook.live().locator("button, input")
    notebook.page.get_by_role("button", name="kill email-1").wait_for(state="attached")
    sizes = targets.evaluate_all(  # all of one moment: the dashboard goes on
        """all => all.map(one => one.getBoundingClientRect())
          .map(({ width, height }) => Math.min(width, height))"""
    )
    assert len(sizes) >= 9
    assert min(sizes) >= 24, sizes


def test_a_dashboard_fits_a_small_laptops_screen(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SHOP])
    notebook.page.set_viewport_size({"width": 1366, "height": 768})
    notebook.run_all()
    live = notebook.live()
    live.wait_for()
    notebook.until(lambda: notebook.points(0) > 5)
    settled(notebook.page)
    found = live.evaluate(  # all of one moment: the notebook may move its outputs
        """live => {
          const box = node => node.getBoundingClientRect();
          const first = name => live.querySelector(`.streamviz-${name}`);
          return { height: box(live).height, right: box(live).right,
            tops: ["bar", "status", "flow", "plot"].map(first).map(box).map(({ top }) => top),
            ends: [...live.querySelectorAll(".streamviz-plot")].map(box).map(({ right }) => right),
          };
        }"""
    )
    assert found["height"] <= 600
    assert found["tops"] == sorted(found["tops"]), "from the top: controls, state, flow, plots"
    assert max(found["ends"]) <= found["right"] + 1
    for scheme in ("light", "dark"):
        notebook.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        notebook.picture(f"one_screen_{scheme}")
        assert violations(notebook.page, "[data-streamviz] .streamviz-live") == []


TITLES = """() => [...document.querySelectorAll('.streamviz-plot')].every(plot =>
  plot.clientWidth < 400 && [...plot.querySelectorAll('.gtitle, .annotation-text')].every(title =>
    title.getBoundingClientRect().right <= plot.getBoundingClientRect().right))"""


def test_titles_fit_a_window_that_is_narrowed_while_it_is_paused(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook([SHOP]).run_all()
    notebook.live().wait_for()
    notebook.until(lambda: notebook.points(0) > 5)
    notebook.page.get_by_role("button", name="Pause").click()
    notebook.page.get_by_text("Paused").wait_for()
    notebook.at_rest()
    notebook.page.set_viewport_size({"width": 640, "height": 1400})
    notebook.until(lambda: notebook.page.evaluate(TITLES))
    assert not notebook.problems
