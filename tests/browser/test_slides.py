"""Notebooks as slides and as pages, opened with every network cut."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from browser.conftest import RESULTS, ROOT, SHOWN, Heard, settled, violations
from nbconvert import HTMLExporter
from playwright.sync_api import Page, expect
from slow import slow_but

from streamviz.export import to_document, to_slides

TALK = ROOT / "notebooks" / "20_talk.ipynb"
COURSE = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
each_notebook = pytest.mark.parametrize(
    "path", slow_but(COURSE[0], TALK, of=COURSE), ids=lambda path: path.stem
)
PLAIN = HTMLExporter()
FRAME = (
    "() => Number(document.querySelector('section.present section.present .streamviz-player')"
    "?.dataset.frame ?? -2)"
)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return to_slides(TALK, tmp_path_factory.mktemp("talk") / "talk.html")


@pytest.fixture
def offline(page: Page, heard: Heard) -> Iterator[Page]:
    """Give a page without a network, that says nothing on its console and asks for nothing."""
    page.set_viewport_size({"width": 1280, "height": 720})
    page.context.set_offline(True)
    yield page
    assert not heard.said
    assert heard.asked
    own = ("file:", "data:", "blob:", "about:")
    assert not [url for url in heard.asked if not url.startswith(own)]


def frame_is(page: Page, condition: str) -> None:
    page.wait_for_function(f"() => {{ const at = ({FRAME})(); return {condition}; }}")


def test_every_slide_of_the_talk_plays_when_it_is_shown_and_rests_when_it_is_left(
    talk: Path, offline: Page
) -> None:
    offline.goto(talk.as_uri())
    frame_is(offline, "at > 3")
    slides = offline.locator(".slides > section").count()
    players = 0
    for place in range(slides):
        offline.wait_for_function(f"() => location.hash === '#/{place}' || !{place}")
        slide = offline.locator("section.present section.present")
        if slide.locator("script[data-frames]").count():
            players += 1
            only_this = "document.querySelectorAll('[data-state=playing]').length === 1"
            frame_is(offline, f"at > 1 && {only_this}")  # before it ends
            settled(offline)
        box = slide.evaluate("node => [node.scrollHeight, node.clientHeight]")
        assert box[0] <= box[1] + 2, f"slide {place} does not fit"
        RESULTS.mkdir(exist_ok=True)
        offline.screenshot(path=RESULTS / f"slide-{place}.png")
        expect(offline.locator(".slides > section > section:not([inert])")).to_have_count(1)
        if place in (0, slides - 1):
            assert violations(offline) == []
        offline.keyboard.press("ArrowRight")
    assert players >= 6
    offline.wait_for_function("() => !document.querySelector('[data-state=playing]')")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give slides of a notebook that says nothing of sizes: one plot, two, three, four."""
    folder = tmp_path_factory.mktemp("plain")
    run = ROOT / "notebooks" / "recordings" / "crash_and_rescue.jsonl.gz"
    first = (
        f"from streamviz import replay\nfrom streamviz.plots import *\nrun = {str(run)!r}\n"
        "replay(run)"
    )
    cells = [
        nbformat.v4.new_markdown_cell("# My run\n\nWhat happened on Monday."),
        nbformat.v4.new_code_cell(first),
    ]
    plots = ["SwimLanes()", "PendingAge()", "AckProgress()", "StreamMap()"]
    for many in range(1, 5):
        source = f"replay(run, plots=[{', '.join(plots[:many])}])"
        folded = {"jupyter": {"source_hidden": True}}
        cells += [
            nbformat.v4.new_markdown_cell(f"## {many}\n\nOne line of prose."),
            nbformat.v4.new_code_cell(source, metadata=folded),
        ]
    notebook = folder / "plain.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    return to_slides(notebook)


@pytest.mark.slow
def test_however_many_plots_a_slide_has_they_and_their_controls_are_on_it(
    plain: Path, offline: Page
) -> None:
    offline.goto(plain.as_uri())
    here = "section.present section.present"
    for place, many in enumerate((0, 1, 2, 3, 4)):
        offline.wait_for_function(f"() => location.hash === '#/{place}' || !{place}")
        offline.wait_for_function(
            f"() => document.querySelectorAll('{here} .streamviz-plot .main-svg').length >= {many}"
        )
        offline.locator(f"{here} .streamviz-player").press("End")
        offline.wait_for_function(
            f"() => document.querySelector('{here} .streamviz-player').dataset.frame > 100"
        )
        settled(offline)
        found = offline.evaluate(
            f"""() => {{
              const slide = document.querySelector('{here}');
              const inside = name => [...slide.querySelectorAll(name)]
                .map(node => node.getBoundingClientRect());
              const letters = [...slide.querySelectorAll('.xtick text, .ytick text, .legendtext')]
                .map(node => parseFloat(getComputedStyle(node).fontSize));
              return {{
                over: slide.scrollHeight - slide.clientHeight,
                low: Math.max(...inside('.streamviz-bar, .streamviz-plot').map(box => box.bottom)),
                areas: inside('.streamviz-plot .cartesianlayer .bg, .streamviz-plot .nsewdrag')
                  .map(box => box.height).filter(high => high),
                flow: inside('.streamviz-flow svg')[0]?.height,
                letters: Math.min(...letters), count: letters.length, wide: innerHeight,
              }};
            }}"""
        )
        RESULTS.mkdir(exist_ok=True)
        offline.screenshot(path=RESULTS / f"slide-of-{many}.png")
        assert found["over"] <= 2
        assert found["low"] <= found["wide"]
        assert len(found["areas"]) >= many
        if not many:  # the strips beside the flow would be too low
            assert found["flow"] > 150
            assert not found["areas"]
        else:
            assert min(found["areas"]) > 45, "room for the curves, beside the words"
            assert found["count"] > 4 * many
            assert found["letters"] >= 20
        offline.evaluate("() => document.activeElement.blur()")
        offline.keyboard.press("ArrowRight")
        offline.wait_for_timeout(50)


FOLLOW = """player => {
  window.frames_seen = [];
  new MutationObserver(() => window.frames_seen.push(Number(player.dataset.frame)))
    .observe(player, { attributeFilter: ['data-frame'] });
}"""
"""Which frames a player shows from now on: it may be past the first ones before one can look."""


def test_a_slide_is_played_again_and_its_players_keys_are_its_own(
    talk: Path, offline: Page
) -> None:
    offline.goto(f"{talk.as_uri()}#/2")
    frame_is(offline, "at > 5")
    offline.keyboard.press("End")  # the deck's
    offline.wait_for_function("() => location.hash === '#/8'")
    offline.keyboard.press("Home")
    frame_is(offline, "at > 5")
    player = offline.locator("section.present section.present .streamviz-player")
    player.evaluate(FOLLOW)
    offline.keyboard.press("r")
    offline.wait_for_function("() => window.frames_seen.some(at => at >= 0 && at < 5)")
    player.focus()
    offline.keyboard.press("End")
    frame_is(offline, "at === 110")
    offline.keyboard.press("ArrowLeft")
    frame_is(offline, "at === 109")
    offline.keyboard.press(" ")
    first = "() => document.querySelector('.slides > section').classList.contains('present')"
    assert offline.evaluate(first), "no slide was turned"
    node = "document.activeElement"
    focused = f"() => [{node}.className, getComputedStyle({node}).outlineStyle]"
    stops = []
    for _ in range(30):
        offline.keyboard.press("Tab")
        stops.append(offline.evaluate(focused))
    arrows = [style for name, style in stops if "navigate-right" in name]
    assert arrows
    assert {*arrows} == {"solid"}, "a tab stop is seen"


WAYS_BACK = ["r", "another slide and back", "Home", "drag to 0"]


@pytest.mark.parametrize("way_back", slow_but("r", of=WAYS_BACK))
def test_a_slide_shown_again_equals_its_first_showing(
    talk: Path, offline: Page, way_back: str
) -> None:
    offline.goto(f"{talk.as_uri()}#/2")
    player = offline.locator("section.present section.present .streamviz-player")
    showings = []
    for _ in range(2):
        frame_is(offline, "at > 5")
        player.focus()
        offline.keyboard.press("End")
        frame_is(offline, "at === 114")
        settled(offline)
        showings.append(offline.evaluate(SHOWN, "section.present section.present"))
        if way_back in ("Home", "drag to 0"):
            if way_back == "Home":
                offline.keyboard.press("Home")
            else:
                player.get_by_label("time").fill("0")
                player.focus()
            frame_is(offline, "at === 0")
            offline.keyboard.press(" ")
            continue
        offline.evaluate("() => document.activeElement.blur()")
        if way_back == "r":
            offline.keyboard.press("r")
        else:
            offline.keyboard.press("ArrowRight")
            offline.wait_for_function("() => location.hash === '#/3'")
            offline.keyboard.press("ArrowLeft")
            offline.wait_for_function("() => location.hash === '#/2'")
        frame_is(offline, "at < 114")
    first, second = showings
    assert sum(len(one["lines"]) + len(one["points"]) for one in first) > 10
    assert second == first


def test_the_speaker_has_notes_and_the_clock_without_a_network(talk: Path, offline: Page) -> None:
    offline.goto(f"{talk.as_uri()}#/3")
    frame_is(offline, "at > 0")
    with offline.context.expect_page() as opened:
        offline.keyboard.press("s")
    notes = opened.value
    notes.get_by_text("Let the room vote").wait_for()
    expect(notes.locator(".clock-value, .timer").first).to_be_visible()


def test_the_one_file_links_to_no_other(talk: Path, offline: Page) -> None:
    offline.goto(talk.as_uri())
    links = offline.locator(".slides a:not(.anchor-link)")
    targets = [link.get_attribute("href") or "" for link in links.all()]
    assert not [target for target in targets if ".ipynb" in target]
    frame_is(offline, "at > 0")


def test_on_paper_and_without_javascript_there_are_pictures(talk: Path, offline: Page) -> None:
    offline.goto(f"{talk.as_uri()}?view=print")
    offline.locator(".pdf-page").first.wait_for()
    assert offline.locator(".pdf-page").count() == offline.locator(".pdf-page section").count()
    assert offline.locator(".streamviz img").count() >= 7
    assert offline.locator(".streamviz-player").count() == 0


def pictures(path: Path) -> int:
    """Return how many pictures a notebook's saved outputs hold."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    html = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]
    return sum(text.count("<img ") for text in html if 'class="streamviz"' in text)


def shown(page: Page) -> list[list[float]]:
    """Return the width and the height of each picture as it is drawn; a broken one fails."""
    found: list[list[float]] = page.evaluate(
        """async () => {
          const images = [...document.querySelectorAll('.streamviz img')];
          await Promise.all(images.map(image => image.decode()));
          return images.map(image => [image.clientWidth, image.clientHeight]);
        }"""
    )
    return found


def test_the_course_is_there() -> None:
    assert len(COURSE) >= 12
    assert sum(map(pictures, COURSE)) > 30


@each_notebook
def test_each_notebook_converts_to_slides_with_its_plots(
    path: Path, tmp_path: Path, offline: Page
) -> None:
    deck = to_slides(path, tmp_path / "deck.html", run=False)
    offline.goto(f"{deck.as_uri()}?view=print")
    offline.locator(".pdf-page").first.wait_for()
    sizes = shown(offline)
    assert len(sizes) == pictures(path)
    low = [high for _, high in sizes if high <= 80]
    assert len(low) == (path.stem == "04_consumer_groups"), "one stream is not there yet"
    assert all(wide > 300 and high > 60 for wide, high in sizes), sizes
    assert offline.locator(".pdf-page").count() >= 6


@each_notebook
def test_each_notebook_converts_to_a_page_with_its_plots(
    path: Path, tmp_path: Path, offline: Page
) -> None:
    page = to_document(path, tmp_path / "page.html", run=False)
    offline.goto(page.as_uri())
    sizes = shown(offline)
    assert len(sizes) == pictures(path)
    assert all(wide > 300 and high > 80 for wide, high in sizes), sizes


@each_notebook
def test_nbconvert_alone_keeps_the_plots_too(path: Path, tmp_path: Path, still: Page) -> None:
    page = tmp_path / "page.html"
    body, _ = PLAIN.from_filename(str(path))
    page.write_text(body, "utf-8")
    still.goto(page.as_uri(), wait_until="domcontentloaded")
    images = still.locator(".streamviz img")
    assert images.count() == pictures(path)
    for image in images.all():
        assert image.evaluate("node => node.decode().then(() => node.clientWidth)") > 300


@pytest.mark.slow
def test_a_page_plays_what_a_reader_scrolls_to(tmp_path: Path, offline: Page) -> None:
    page = to_document(TALK, tmp_path / "talk.html", theme="dark")
    offline.goto(page.as_uri())
    offline.locator(".streamviz-player").first.wait_for()
    many = offline.locator("script[data-frames]").count()
    assert many >= 6
    assert 1 <= offline.locator(".streamviz-player").count() < many
    offline.locator("script[data-frames]").last.evaluate(
        "node => node.previousElementSibling.scrollIntoView()"
    )
    last = offline.locator("script[data-frames]").last.locator("xpath=preceding-sibling::*[1]")
    last.locator("[data-state=playing]").wait_for()
    expect(offline.locator("[data-dark]").first).to_be_attached()
    sheets = re.findall(
        rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", offline.pdf(prefer_css_page_size=True)
    )
    ((width, height),) = {tuple(map(float, one)) for one in sheets}
    assert abs(width * 96 / 72 - (1280 + 48)) < 2, "a player is printed as wide as it is drawn"
    assert abs(height / width - 2**0.5) < 0.02
