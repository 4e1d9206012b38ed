"""Pages as people use them by finger, on paper, in forced colours, and with names of any script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from browser.conftest import RESULTS, ROOT, Heard, Notebook, settled
from browser.test_live import SHOP
from browser.test_words import NAMES, made
from playwright.sync_api import Browser, Page
from plots.histories import group, history, sample

from streamviz.export import to_html
from streamviz.plots import Flow, GroupLag, Plot, StreamMap, SwimLanes
from streamviz.plots.contrast import contrast
from streamviz.recording import save

CRASH = ROOT / "notebooks" / "recordings" / "crash_and_rescue.jsonl.gz"
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
RANGES = """() => [...document.querySelectorAll('.streamviz-plot')]
  .map(node => JSON.stringify(node._fullLayout.xaxis.range))"""
INKS = """() => [...document.querySelectorAll('.streamviz-plot text, .streamviz-flow text, '
  + '.streamviz-player button, .streamviz-caption *')].filter(node => node.textContent.trim())
  .map(node => getComputedStyle(node)[node.matches('text') ? 'fill' : 'color'])"""
# Texts of the flow that lie over others, or leave the page.
MEETING = """() => {
  const texts = [...document.querySelectorAll('.streamviz-flow text')]
    .filter(node => node.textContent.trim())
    .map(node => [node.textContent, node.getBoundingClientRect()]);
  const meet = ([, a], [, b]) => Math.min(Math.min(a.right, b.right) - Math.max(a.left, b.left),
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)) > 0.15 * Math.min(a.height, b.height);
  const wrong = texts.filter((one, i) => one[1].right > innerWidth + 1
    || texts.some((two, k) => k < i && meet(one, two)));
  return [texts.length, wrong.map(([words]) => words)];
}"""
# Where the first square of the flow is that stands for one entry.
SQUARE = """() => {
  const flow = document.querySelector('.streamviz-flow');
  const { left, top, width } = flow.querySelector('canvas').getBoundingClientRect();
  const scale = width / flow.querySelector('svg').viewBox.baseVal.width;
  const at = flow.drawn().find(({ ids }) => ids.length === 1).at.map(px => px * scale);
  return { x: left + at[0], y: top + at[1], width: at[2], height: at[3] };
}"""
# Of a text, where the letters of its name end, and where its number starts.
ORDER = """start => {
  const text = [...document.querySelectorAll('.streamviz-plot text')]
    .find(node => node.textContent.includes(start) && /\\d/.test(node.textContent));
  const words = text.textContent;
  const at = i => text.getExtentOfChar(i);
  const name = [...start].map((_, i) => at(words.indexOf(start) + i));
  return [Math.max(...name.map(({ x, width }) => x + width)), at(words.search(/\\d/)).x, words];
}"""

Export = Callable[..., str]


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Give what writes a recording as a page, and returns its address."""

    def write(recording: Path = CRASH, *, plots: list[Plot], **options: Any) -> str:
        path = to_html(recording, tmp_path / "page.html", plots=plots, overwrite=True, **options)
        return path.as_uri()

    return write


def is_drawn(page: Page, frame: int | None = None) -> None:
    page.locator(".streamviz-player:not([data-frame='-1'])").wait_for()
    if frame is not None:
        page.get_by_label("time").fill(str(frame))
        page.locator(f".streamviz-player[data-frame='{frame}']").wait_for()
    settled(page)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(**PHONE)
    yield context.new_page()
    context.close()


def swipe(page: Page, x: float, y: float, up: float) -> None:
    """Move a finger up the screen, and lift it."""
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        about = {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
        finger.send("Input.dispatchTouchEvent", about)

    touch("touchStart", (x, y))
    for step in range(1, 13):
        touch("touchMove", (x, y - up * step / 12))
    touch("touchEnd")


def test_a_finger_scrolls_over_every_plot_and_a_tap_tells_of_an_entry(
    export: Export, phone: Page
) -> None:
    phone.goto(export(plots=[Flow(), StreamMap(), SwimLanes(), GroupLag()]))
    is_drawn(phone, 150)
    before = phone.evaluate(RANGES)
    scrolled = "document.querySelector('.streamviz-grid').scrollTop"
    for kind in ("flow", "plot"):
        phone.evaluate(f"{scrolled} = 0")
        box = phone.locator(f".streamviz-{kind}").first.bounding_box()
        assert box is not None
        swipe(phone, box["x"] + 150, box["y"] + 110, 100)
        phone.wait_for_function(f"() => {scrolled} > 60")
    assert phone.evaluate(RANGES) == before, "no plot has taken it for a zoom"
    phone.evaluate(f"{scrolled} = 0")
    settled(phone)
    story = phone.locator(".streamviz-timeline")
    point = ".streamviz-plot .points path[transform^='translate'] >> nth=20"
    places = [
        phone.locator(point).evaluate("node => node.getBoundingClientRect()"),
        phone.evaluate(SQUARE),
    ]
    for place in places:
        said = story.inner_text()
        phone.touchscreen.tap(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        phone.wait_for_function(
            "said => (words => words !== said && /^\\d+-\\d+; /.test(words))"
            "(document.querySelector('.streamviz-timeline').textContent)",
            arg=said,
        )


def test_a_page_is_printed_on_one_sheet_as_it_is_in_the_window(
    export: Export, page: Page, heard: Heard
) -> None:
    for wide, high in ((1280, 720), (390, 844)):
        page.set_viewport_size({"width": wide, "height": high})
        page.goto(export(plots=[Flow(), GroupLag()]))
        is_drawn(page)
        sheets = re.findall(
            rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page.pdf(prefer_css_page_size=True)
        )
        ((width, height),) = {tuple(map(float, one)) for one in sheets}
        assert len(sheets) == 1
        assert abs(width / height - wide / (high + 1)) < 0.01
    page.emulate_media(color_scheme="dark")
    page.locator("[data-dark]").wait_for()
    page.emulate_media(media="print", color_scheme="dark")
    ground = (
        "node => [getComputedStyle(node).backgroundColor, getComputedStyle(node).printColorAdjust]"
    )
    found = page.locator(".streamviz-player").evaluate(ground)
    assert found == ["rgb(30, 30, 30)", "exact"], "light letters are not left on white paper"
    page.emulate_media(media="null")
    style = "() => document.querySelector('.streamviz-player').style.width"
    for event, width in (("beforeprint", "390px"), ("afterprint", "")):
        page.evaluate("name => dispatchEvent(new Event(name))", event)
        assert page.evaluate(style) == width, "it has no time to draw for another width"
    assert not heard.said


@pytest.mark.parametrize(
    ("scheme", "ground", "theme"), [("dark", "#000000", "light"), ("light", "#ffffff", "dark")]
)
def test_forced_colours_come_before_the_theme_of_a_page(
    export: Export, page: Page, scheme: Any, ground: str, theme: str
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(export(plots=[Flow(), GroupLag()], theme=theme))
    is_drawn(page)
    page.evaluate("() => { document.body.dataset.jpThemeLight = 'true'; }")  # JupyterLab's, too
    page.emulate_media(color_scheme=scheme, forced_colors="active")  # while it is shown
    page.locator(
        f".streamviz-player{'[data-dark]' if scheme == 'dark' else ':not([data-dark])'}"
    ).wait_for()
    settled(page)
    inks = {tuple(map(int, re.findall(r"\d+", ink)[:3])) for ink in page.evaluate(INKS)}
    page.screenshot(path=RESULTS / f"needs-forced-{scheme}.png")
    rim = page.locator(".streamviz-player").evaluate(
        "node => getComputedStyle(node).getPropertyValue('--sv-ground')"
    )
    page.emulate_media(forced_colors="none")
    assert rim == "Canvas"
    assert len(inks) > 2
    assert min(contrast("#{:02x}{:02x}{:02x}".format(*ink), ground) for ink in inks) >= 4.5


@pytest.mark.slow
def test_no_words_of_a_flow_touch_where_it_is_very_narrow(
    export: Export, page: Page, tmp_path: Path
) -> None:
    for groups, wide in product((2, 6), (240, 300, 350, 390)):
        run = tmp_path / f"{groups}-{wide}.jsonl"
        save(made(40, 250, ["email", *NAMES][:groups], events={30: 2}), run)
        page.set_viewport_size({"width": wide, "height": 700})
        page.goto(export(run, plots=[Flow()]))
        is_drawn(page)
        count, wrong = page.evaluate(MEETING)
        assert count > 15
        assert wrong == []


@pytest.mark.parametrize("name", ["קבוצה של הזמנות ארוכה", "مجموعة الطلبات الجديدة"])
def test_the_number_of_a_name_from_right_to_left_stands_behind_it(
    export: Export, page: Page, tmp_path: Path, name: str
) -> None:
    samples = [sample(n + 1, group(name, n), length=n, time_ms=1000 + 100 * n) for n in range(40)]
    save(history(*samples), tmp_path / "run.jsonl")
    page.goto(export(tmp_path / "run.jsonl", plots=[GroupLag()]))
    is_drawn(page)
    end, number, words = page.evaluate(ORDER, name[:6])
    assert number >= end - 1, words


def test_a_screen_reader_gets_summaries_and_not_the_letters_of_plots(
    export: Export, page: Page
) -> None:
    page.goto(export(plots=[Flow(), StreamMap(), GroupLag()]))
    is_drawn(page, 150)
    told = page.locator("body").aria_snapshot()
    assert "img" not in told
    assert '- group "Group lag"\n' in told, "it has no entries, and promises no keys"
    assert re.search(r'application "Stream map: arrow keys', told)
    summaries = page.locator(".streamviz-grid > .streamviz-hidden").all_inner_texts()
    assert len(summaries) == 3
    assert all("billing" in one and one in told.replace('\\"', '"') for one in summaries)


COVERED = """() => {
  const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
  const boxes = nodes => [...document.querySelectorAll(nodes)]
    .map(node => [node.textContent, node.getBoundingClientRect()]);
  const buttons = boxes('.streamviz-spot[data-group] button');
  return [buttons.length, boxes('.streamviz-flow text').filter(([words, box]) =>
    words.trim() && buttons.some(([, button]) => over(box, button))).map(([words]) => words)];
}"""


@pytest.mark.slow
def test_a_narrow_flow_is_sharp_on_another_screen_and_its_buttons_cover_no_words(
    open_notebook: Callable[..., Notebook],
) -> None:
    notebook = open_notebook([SHOP]).run_all()
    page = notebook.page
    page.locator(".streamviz-spot[data-group] button").first.wait_for()
    page.set_viewport_size({"width": 640, "height": 1400})
    flow = "document.querySelector('.streamviz-flow')"
    page.wait_for_function(f"() => {flow}.clientWidth < 330")
    page.wait_for_function(f"() => !{flow}.getAnimations({{ subtree: true }}).length")
    count, covered = page.evaluate(COVERED)
    assert count == 3
    assert covered == []
    screen = page.context.new_cdp_session(page)
    about = {"width": 640, "height": 1400, "mobile": False, "deviceScaleFactor": 2.5}
    screen.send("Emulation.setDeviceMetricsOverride", about)
    page.wait_for_function(
        f"() => (one => Math.abs(one.width / one.clientWidth - 2.5) < 0.02)"
        f"({flow}.querySelector('canvas'))"
    )
    screen.send("Emulation.clearDeviceMetricsOverride")
    assert not notebook.problems
