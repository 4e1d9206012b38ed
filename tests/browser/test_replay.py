"""A recording played again: in JupyterLab, and as a page of its own without any network."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from browser.conftest import RESULTS, ROOT, SHOWN, Heard, Notebook, settled, violations
from playwright.sync_api import Page, expect
from plots.histories import EDGES, HOSTILE, group, history, sample
from plots.test_swim_lanes import lanes
from slow import slow_but

from streamviz.export import to_html
from streamviz.observation.events import Event
from streamviz.plots import AckProgress, Flow, GroupLag, PendingAge, Plot, StreamMap, SwimLanes
from streamviz.plots.contrast import contrast
from streamviz.recording import save

OpenNotebook = Callable[..., Notebook]
THREE: list[Plot] = [StreamMap(), GroupLag(), AckProgress()]

RUN = """
from streamviz import Scenario, connect, record, replay, series
shop = Scenario(connect(), seed=7)
shop.produce("orders", series.orders(rate_hz=10))
shop.group("orders", "billing", consumers=3, service_ms=150, crash_at_s=8, claim_idle_ms=4000)
with record(shop, "run.jsonl", overwrite=True) as recorder:
    shop.run(seconds=12)
    recorder.caption("Who does its work now?")
    shop.run(seconds=18)
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Write a recording of 30 s: a crash at 10 s, a claim at 20 s, a caption at 12 s."""
    events = {
        100: [Event("killed", "ann", count=2)],
        200: [Event("claimed", "bob", "g", 2, ("ann",))],
    }
    samples = [
        sample(n + 1, group("g", n), time_ms=1000 + 100 * n, events=events.get(n, []))
        for n in range(301)
    ]
    path = tmp_path / "run.jsonl"
    save(history(*samples), path, captions=[(12, "Who does its work now?")])
    return path


class Stage:
    """An exported page, opened with every network cut."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        page.context.set_offline(True)
        page.goto(path.as_uri())
        self.player = page.locator(".streamviz-player")
        self.drawn()

    def drawn(self) -> None:
        self.page.locator(".streamviz-plot .main-svg").first.wait_for()
        settled(self.page)  # the grid has given the plots their size

    def frame_is(self, condition: str) -> None:
        """Wait until the drawn frame, `at`, is as the condition says."""
        self.page.wait_for_function(
            f"() => {{ const at = Number(document.querySelector('.streamviz-player')"
            f"?.dataset.frame); return {condition}; }}"
        )

    @property
    def points(self) -> int:
        return int(
            self.page.evaluate("() => document.querySelector('.streamviz-plot').data[0].x.length")
        )


@pytest.fixture
def open_page(page: Page, heard: Heard, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    def open_(recording: Path, **options: Any) -> Stage:
        page.set_viewport_size({"width": 1280, "height": 720})
        options = {"plots": [GroupLag()], **options}
        return Stage(page, to_html(recording, tmp_path / "talk.html", **options))

    yield open_
    assert not heard.said
    assert not [url for url in heard.asked if not url.startswith(("file:", "data:", "blob:"))]


def picture(page: Page, name: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"{name}.png")


def test_a_page_plays_pauses_and_scrubs_without_a_network(
    run: Path, open_page: Callable[..., Stage]
) -> None:
    stage = open_page(run)
    page = stage.page
    stage.frame_is("at === 300")  # it opens on its end, where there is most to see
    assert stage.points > 100
    page.get_by_role("button", name="Play").click()
    stage.frame_is("at > 3 && at < 250")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    assert 3 < stage.points < 250
    page.get_by_label("time").fill("150")
    stage.frame_is("at === 150")
    assert stage.points == 151
    page.get_by_text("Who does its work now?").wait_for()
    page.get_by_label("time").fill("20")
    stage.frame_is("at === 20")
    assert stage.points == 21
    assert page.locator(".streamviz-caption strong").inner_text() == ""
    picture(page, "talk-light")


def test_every_key_does_what_it_says(run: Path, open_page: Callable[..., Stage]) -> None:
    stage = open_page(run)
    press = stage.page.keyboard.press
    press("n")  # a letter does nothing while the focus is elsewhere
    press("ArrowRight")
    stage.frame_is("at === 1")
    press("ArrowLeft")
    stage.frame_is("at === 0")
    press("Tab")
    ring = "node => getComputedStyle(node).outline"
    outline = stage.player.and_(stage.page.locator(":focus")).evaluate(ring)
    assert re.search(r"solid [2-9]px", outline), "the first tab stop is seen"
    for key, frame in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("n", 100),
        ("n", 200),
        ("n", 200),
        ("p", 100),
        ("End", 300),
        ("ArrowRight", 300),
        ("Home", 0),
        ("ArrowLeft", 0),
    ):
        press(key)
        stage.frame_is(f"at === {frame}")
    for _ in range(6):
        press("+")
    assert stage.page.get_by_label("speed").input_value() == "16"
    press("-")
    assert stage.page.get_by_label("speed").input_value() == "8"
    press(" ")
    stage.frame_is("at > 100")
    press(" ")
    stage.page.locator("[data-state=paused]").wait_for()
    stage.page.get_by_label("kind of event").select_option("claimed")
    press("Home")  # the choice keeps its own keys
    stage.page.locator("body").click(position={"x": 5, "y": 5})
    press("Home")
    stage.frame_is("at === 0")
    press("n")
    stage.frame_is("at === 200")
    stage.page.get_by_text("bob claimed 2 entries from ann").first.wait_for()


def test_any_speed_is_shown(run: Path, open_page: Callable[..., Stage]) -> None:
    stage = open_page(run, speed=3)
    stage.player.focus()
    speed = stage.page.get_by_label("speed")
    shown = "node => [node.selectedOptions[0].text, node.options.length]"
    assert speed.evaluate(shown) == ["×3", 8]
    for key, expected in (("+", "×4"), ("-", "×2")):
        stage.page.keyboard.press(key)
        assert speed.evaluate(shown) == [expected, 7]


def test_an_entry_is_chosen_by_keyboard_and_a_click_leaves_the_arrows_to_the_frames(
    open_page: Callable[..., Stage],
) -> None:
    stage = open_page(ROOT / "notebooks/recordings/crash_and_rescue.jsonl.gz", plots=[StreamMap()])
    page, press = stage.page, stage.page.keyboard.press
    plot, timeline = page.locator(".streamviz-plot"), page.locator(".streamviz-timeline")
    stage.player.focus()
    press("n")
    page.get_by_text("billing-1 crashed").first.wait_for()
    stage.frame_is("at > 0 && at < 200")
    frame = int(stage.player.get_attribute("data-frame") or 0)
    press("Tab")  # from the player to its plot
    page.wait_for_function("() => document.activeElement.matches('.streamviz-plot')")
    press("End")
    page.wait_for_function("() => document.querySelector('.streamviz-timeline').textContent")
    newest = str(
        page.evaluate("() => document.querySelector('.streamviz-plot').data[0].customdata.at(-1)")
    )
    assert str(timeline.text_content()).startswith(newest)
    picture(page, "talk-keyboard")
    assert int(stage.player.get_attribute("data-frame") or 0) == frame
    press("Escape")
    assert timeline.text_content() == ""
    plot.click(position={"x": 300, "y": 200})
    page.wait_for_function("() => document.activeElement.matches('.streamviz-player')")
    press("ArrowRight")
    stage.frame_is(f"at === {frame + 1}")


def by_key(stage: Stage) -> None:
    stage.page.keyboard.press("Home")
    stage.frame_is("at === 0")
    stage.page.keyboard.press(" ")
    stage.frame_is("at > 2")
    stage.page.keyboard.press(" ")


def by_slider(stage: Stage) -> None:
    stage.page.get_by_label("time").fill("0")
    stage.frame_is("at === 0")


def by_loop(stage: Stage) -> None:
    stage.page.keyboard.press("End")
    stage.frame_is("at === 300")
    stage.page.keyboard.press(" ")
    stage.frame_is("at > 0 && at < 250")
    stage.page.keyboard.press(" ")


def by_zoom(stage: Stage) -> None:
    plot = stage.page.locator(".streamviz-plot .nsewdrag").first
    box = plot.bounding_box()
    assert box
    before = stage.page.evaluate(SHOWN)
    stage.page.mouse.move(box["x"] + 40, box["y"] + 40)
    stage.page.mouse.down()
    stage.page.mouse.move(box["x"] + 140, box["y"] + 120, steps=4)
    stage.page.mouse.up()
    stage.page.wait_for_function(
        f"before => JSON.stringify(({SHOWN})()) !== before",
        arg=json.dumps(before, separators=(",", ":")),
    )
    by_key(stage)


WAYS_BACK = [by_key, by_slider, by_loop, by_zoom]


@pytest.mark.parametrize("way_back", slow_but(by_key, by_zoom, of=WAYS_BACK))
def test_a_second_showing_equals_the_first(
    run: Path, open_page: Callable[..., Stage], way_back: Callable[[Stage], None]
) -> None:
    stage = open_page(run, plots=[*THREE, PendingAge()], loop=True)
    stage.frame_is("at === 300")
    showings = []
    for _ in range(2):
        stage.page.get_by_label("time").fill("150")
        stage.frame_is("at === 150")
        stage.page.wait_for_function(
            "() => !document.querySelector('.streamviz-plot[data-on-canvas]')"
        )
        showings.append(stage.page.evaluate(SHOWN))
        way_back(stage)
    first, second = showings
    assert sum(len(one["lines"]) + len(one["points"]) for one in first) >= 10
    assert any(len(line) > 500 for one in first for line in one["lines"])
    assert second == first


def test_nothing_offers_to_upload_a_chart(run: Path, open_page: Callable[..., Stage]) -> None:
    stage = open_page(run, plots=THREE)
    stage.page.locator(".streamviz-plot").first.hover()
    words = stage.page.evaluate(
        """() => [...document.querySelectorAll('button, a, [role=button], [data-title]')]
          .map(node => `${node.textContent} ${node.dataset.title ?? ''} ${node.title}`)"""
    )
    assert any("Play" in one for one in words)
    assert not [one for one in words if re.search("share|upload|cloud|plotly", one, re.IGNORECASE)]
    assert stage.page.locator(".modebar, .modebar-btn").count() == 0


def test_all_words_of_a_plot_are_drawn_again_and_again(
    tmp_path: Path, open_page: Callable[..., Stage], page: Page
) -> None:
    save(lanes(12), tmp_path / "run.jsonl")
    stage = open_page(tmp_path / "run.jsonl", plots=[SwimLanes()])
    words = """() => [...document.querySelectorAll('.textpoint text')]
      .filter(node => /^\\s*crashed at/.test(node.textContent)).length"""
    for frame in (1, 2, 1, 0, 2):
        page.get_by_label("time").fill(str(frame))
        stage.frame_is(f"at === {frame}")
        page.wait_for_function("() => !document.querySelector('.streamviz-plot[data-on-canvas]')")
        assert page.evaluate(words) == 12, "one for each consumer that died"


LIVE = """() => {
  const isLive = node => node.getAttribute('aria-live')?.match(/polite|assertive/)
    || /^(status|alert|log|timer)$/.test(node.role ?? '') || node.localName === 'output';
  window.said = [];
  const watch = node => new MutationObserver(() => {
    if (node.textContent) window.said.push(node.textContent);
  }).observe(node, { subtree: true, childList: true, characterData: true });
  const all = [...document.querySelectorAll('body *')].filter(isLive);
  all.forEach(watch);
  return all.length;
}"""


def test_a_screen_reader_hears_events_and_no_storm(
    tmp_path: Path, open_page: Callable[..., Stage], page: Page
) -> None:
    events = {n: [Event("failed", "ann", "g", detail=str(n))] for n in range(10, 100)}
    samples = [sample(n, group("g", n), events=events.get(n, [])) for n in range(1, 111)]
    save(history(*samples), tmp_path / "run.jsonl", captions=[(1, "A hard day")])
    stage = open_page(tmp_path / "run.jsonl", plots=[Flow(), GroupLag()], speed=4)
    assert page.evaluate(LIVE) >= 3
    page.keyboard.press(" ")
    stage.frame_is("at === 109")
    page.locator("[data-state=paused]").wait_for()
    said = page.evaluate("() => window.said")
    for words in ("A hard day", "ann could not handle 99"):
        assert any(words in one for one in said), (words, said)
    assert 3 <= len(said) < 15, "of 90 events in some seconds: what can be said"


MARKS = """() => {
  const opacity = node => node.closest('svg') === node ? 1
    : opacity(node.parentElement) * getComputedStyle(node).opacity;
  const marks = '.streamviz-plot .js-line, .streamviz-plot .points path';
  const channels = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)).join();
  const drawn = document.querySelector('.streamviz-flow').drawn()
    .filter(({ shape, at }) => shape.kind !== 'held' && at[2])
    .map(({ paint: { colour, opacity }, at }) => [[channels(colour), opacity * at[4]]]);
  return [...document.querySelectorAll(marks)]
    .filter(node => node.getBoundingClientRect().width)
    .map(node => [getComputedStyle(node), opacity(node)])
    .map(([style, all]) => [[style.fill, style.fillOpacity], [style.stroke, style.strokeOpacity]]
      .filter(([ink]) => ink !== 'none').map(([ink, own]) => [ink, own * all]))
    .filter(inks => inks.length).concat(drawn);
}"""
SMALL = """() => [...document.querySelectorAll('button, select, input, a, [role=button]')]
  .filter(node => node.checkVisibility())
  .map(node => [node.outerHTML.slice(0, 60), node.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([words]) => words)"""


def contrasts(page: Page, ground: str) -> list[float]:
    """Return of each mark on the page how well it stands out from a ground."""
    found = []
    for inks in page.evaluate(MARKS):
        ratios = []
        for ink, opacity in inks:
            red, green, blue, *alpha = (float(one) for one in re.findall(r"[\d.]+", ink))
            colour = f"#{int(red):02x}{int(green):02x}{int(blue):02x}"
            ratios.append(contrast(colour, ground, opacity * (alpha[0] if alpha else 1)))
        found.append(max(ratios))
    return found


@pytest.mark.parametrize(("scheme", "ground"), [("light", "#ffffff"), ("dark", "#1e1e1e")])
def test_marks_stand_out_and_targets_are_large_enough_also_in_forced_colours(
    open_page: Callable[..., Stage], page: Page, scheme: Any, ground: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    crash = ROOT / "notebooks" / "recordings" / "crash_and_rescue.jsonl.gz"
    plots = [Flow(), StreamMap(), SwimLanes(), PendingAge()]
    stage = open_page(crash, plots=plots, theme="auto")
    stage.page.get_by_label("time").fill("150")
    stage.frame_is("at === 150")
    systems = {"light": "#ffffff", "dark": "#000000"}[scheme]
    looks: list[tuple[Any, str]] = [("active", systems), ("none", ground)]
    for forced, behind in looks:
        page.emulate_media(color_scheme=scheme, forced_colors=forced)
        settled(page)
        edge = page.locator(".streamviz-bar button").first.evaluate(
            "node => getComputedStyle(node).borderWidth"
        )
        assert edge != "0px", "a button has an edge where its ground is the system's"
        seen = contrasts(page, behind)
        assert len(seen) > 60
        assert min(seen) >= 3
        assert page.evaluate(SMALL) == []
        picture(page, f"talk-{scheme}-{forced}-colours")


def test_it_ends_or_goes_round(run: Path, open_page: Callable[..., Stage], page: Page) -> None:
    stage = open_page(run, speed=16, start_s=10, end_s=14, captions=[(0, "from the start")])
    page.keyboard.press(" ")
    stage.frame_is("at === 40")
    page.locator("[data-state=paused]").wait_for()
    page.keyboard.press(" ")
    stage.frame_is("at < 40")
    again = open_page(run, speed=16, loop=True, autoplay=True, overwrite=True)
    again.frame_is("at === 300")
    again.frame_is("at < 300 && at > 0")


def test_a_poster_is_shown_before_it_plays_from_the_beginning(
    run: Path, open_page: Callable[..., Stage]
) -> None:
    stage = open_page(run, poster=25)
    stage.frame_is("at === 250")
    stage.page.keyboard.press(" ")
    stage.frame_is("at > 0 && at < 200")


def test_who_wants_less_motion_starts_it_by_hand(
    run: Path, open_page: Callable[..., Stage], page: Page
) -> None:
    page.emulate_media(reduced_motion="reduce")
    stage = open_page(run, autoplay=True)
    stage.frame_is("at === 300")
    page.wait_for_timeout(400)
    stage.frame_is("at === 300")
    page.keyboard.press(" ")
    stage.frame_is("at > 1 && at < 200")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_holds_whatever_the_system_has(
    run: Path, open_page: Callable[..., Stage], page: Page, theme: str
) -> None:
    page.emulate_media(color_scheme="light" if theme == "dark" else "dark")
    stage = open_page(run, theme=theme, plots=THREE)
    page.keyboard.press("End")
    stage.frame_is("at === 300")
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(30, 30, 30)"}[theme]
    assert page.locator("[data-dark]").count() == (theme == "dark")
    picture(page, f"talk-{theme}-three")
    assert violations(page) == []


SIX: list[Plot] = [*THREE, PendingAge(), SwimLanes(), GroupLag("seconds")]
LETTERS = """() => [...document.querySelectorAll('.streamviz-plot .xtick text, '
  + '.streamviz-plot .ytick text, .streamviz-plot .legendtext, .streamviz-bar button, strong')]
  .map(node => parseFloat(getComputedStyle(node).fontSize))"""


@pytest.mark.parametrize("many", slow_but(1, 6, of=[1, 2, 3, 4, 6]))
def test_letters_are_large_enough_for_the_last_row(
    run: Path, open_page: Callable[..., Stage], page: Page, many: int
) -> None:
    stage = open_page(run, plots=[GroupLag(), *SIX][:many])
    page.keyboard.press("End")
    stage.frame_is("at === 300")
    sizes = page.evaluate(LETTERS)
    assert len(sizes) > 6 * many
    assert min(sizes) >= 20, "a 36th of the height: 3 cm of a metre, read at 3 m and further"
    if many > 4:  # more than that scroll, by key, too; the controls stay
        bar, fifth = (page.locator(one) for one in (".streamviz-deck", ".streamviz-plot >> nth=4"))
        place, below = bar.bounding_box(), fifth.bounding_box()
        assert place
        assert below
        assert below["y"] < place["y"] < below["y"] + 100, "one can see that there is more"
        page.keyboard.press("PageDown")
        page.wait_for_function(
            "end => document.querySelectorAll('.streamviz-plot')[4].getBoundingClientRect().bottom"
            " <= end",
            arg=place["y"],
        )
        assert bar.bounding_box() == place
    for width, height in ((640, 360), (400, 800)):  # at twice the zoom, and on a telephone
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(f"() => Math.max(...({LETTERS})()) < 20")
        page.wait_for_function(
            "() => getComputedStyle(document.querySelector('.streamviz-grid'))"
            ".gridTemplateColumns.split(' ').length === 1"
        )
        settled(page)
        assert min(page.evaluate(LETTERS)) >= 12, "three quarters of a rem"
        page.wait_for_function("() => document.documentElement.scrollWidth === innerWidth")
        page.wait_for_function(  # a plot to be read: more of them scroll
            "() => [...document.querySelectorAll('.streamviz-plot')]"
            ".every(one => one.clientHeight >= 150)"
        )
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.wait_for_function(f"() => Math.min(...({LETTERS})()) >= 22")


@pytest.mark.slow
@pytest.mark.parametrize("plots", [THREE, SIX], ids=len)
def test_no_legend_lies_over_a_title(
    open_page: Callable[..., Stage], page: Page, plots: list[Plot]
) -> None:
    behind = ROOT / "notebooks" / "recordings" / "fall_behind_and_catch_up.jsonl.gz"
    stage = open_page(behind, plots=plots)
    page.keyboard.press("End")
    stage.frame_is("at > 400")
    overlaps = page.evaluate(
        """() => [...document.querySelectorAll('.streamviz-plot')].map(plot => {
          const title = plot.querySelector('.gtitle').getBoundingClientRect();
          const legends = [...plot.querySelectorAll('.legendtext')]
            .map(node => node.getBoundingClientRect());
          return legends.filter(box => box.top < title.bottom - 2 && box.bottom > title.top
            && box.left < title.right && box.right > title.left).length;
        })"""
    )
    picture(page, f"talk-{len(plots)}")
    assert overlaps == [0] * len(plots)


LONG = (
    "Before the crash each consumer took its turn, and nobody waited for longer than a second; "
    "watch what becomes of the order of billing-1"
)


def test_captions_and_events_are_read_to_their_end(
    open_page: Callable[..., Stage], page: Page
) -> None:
    assert len(LONG) > 130
    crash = ROOT / "notebooks" / "recordings" / "crash_and_rescue.jsonl.gz"
    stage = open_page(crash, captions=[(11, LONG)])
    whole = """name => {
      const node = document.querySelector(name);
      const box = node.getBoundingClientRect();
      const words = document.createRange();
      words.selectNodeContents(node);
      const ink = words.getBoundingClientRect();
      return node.textContent && node.scrollHeight <= node.clientHeight + 1
        && ink.right <= box.right + 1 && box.right <= innerWidth && box.height;
    }"""
    before = page.locator(".streamviz-plot").bounding_box()
    stage.player.press("n")
    page.get_by_text("billing-1 crashed holding 1").wait_for()
    stage.frame_is("at > 50")
    assert page.evaluate(whole, ".streamviz-said") > 20
    page.get_by_label("time").fill("112")
    stage.frame_is("at === 112")
    assert page.locator(".streamviz-caption strong").inner_text() == LONG
    assert page.evaluate(whole, ".streamviz-caption strong") > 50, "two lines"
    picture(page, "talk-caption")
    assert page.locator(".streamviz-plot").bounding_box() == before, "the plot keeps its place"


def test_the_first_frame_is_drawn_from_zero(
    run: Path, open_page: Callable[..., Stage], page: Page
) -> None:
    stage = open_page(run, plots=THREE)
    page.keyboard.press("Home")
    stage.frame_is("at === 0")
    ranges = page.evaluate(
        """() => [...document.querySelectorAll('.streamviz-plot')].map(node =>
          [...node._fullLayout.xaxis.range])"""
    )
    assert ranges == [[0, 1]] * 3
    page.keyboard.press("End")
    stage.frame_is("at === 300")
    last = page.evaluate("() => document.querySelectorAll('.streamviz-plot')[1].layout.xaxis.range")
    assert last is None or last[1] > 29


def test_hostile_names_are_shown_and_never_run(
    tmp_path: Path, open_page: Callable[..., Stage], page: Page
) -> None:
    (hostile,) = EDGES["hostile names"]
    names = [*HOSTILE, "</script><script>alert(1)</script>", "<!--<script>"]
    samples = [hostile]
    for n in range(2, 30):
        groups = [group(name, n, verdict="suspect", reason=name) for name in names]
        samples.append(sample(n, *groups, events=[Event("killed", name) for name in names]))
    from dataclasses import replace

    path = tmp_path / "hostile.jsonl"
    stream = "</title><script>alert(2)</script>"
    ours = [replace(one, stream=stream) for one in samples]
    save(history(*ours), path, captions=[(0, name) for name in names])
    stage = open_page(path, plots=THREE, caption=names[-1])
    page.keyboard.press("End")
    stage.frame_is("at === 28")
    page.wait_for_timeout(300)
    assert page.title().startswith("</title>")
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("script").count() == 3
    assert page.locator(".streamviz-caption strong").inner_text() == "<!--<script>"
    text = (tmp_path / "talk.html").read_text("utf-8")
    assert len(re.findall("<script", text)) == 3


def test_a_page_without_javascript_still_shows_a_picture(
    run: Path, still: Page, tmp_path: Path
) -> None:
    path = to_html(run, tmp_path / "talk.html", poster=20)
    still.goto(path.as_uri())
    images = still.locator("img").all()
    assert len(images) == 2, "a dashboard's plots"
    for image in images:
        assert "200 waiting" in str(image.get_attribute("alt"))
        assert image.evaluate("node => node.naturalWidth") > 0


def test_a_replay_plays_in_jupyterlab_without_redis(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(
        [RUN, "shop.client.shutdown(nosave=True)\nplayer = replay('run.jsonl')\nplayer"]
    ).run_all()
    page = notebook.page
    player = page.locator("[data-streamviz] .streamviz-player")
    player.wait_for()
    notebook.until(lambda: notebook.points(0) > 100)  # its end
    player.get_by_role("button", name="Play").click()
    notebook.until(lambda: 5 < notebook.points(0) < 100)
    player.get_by_role("button", name="Pause").click()
    player.get_by_label("kind of event").select_option("claimed")
    player.get_by_role("button", name="Next event").click()
    player.get_by_text(re.compile("claimed 1 entry from billing-1")).first.wait_for()
    notebook.until(lambda: notebook.points(0) > 80)
    player.get_by_text("Who does its work now?").wait_for()
    notebook.picture("replay")
    player.get_by_label("time").fill("5")
    notebook.until(lambda: notebook.points(0) == 6)
    player.get_by_label("time").fill("299")
    notebook.until(lambda: notebook.points(0) == 300)
    player.press("ArrowLeft")
    notebook.until(lambda: notebook.points(0) == 299)
    assert page.locator(".jp-Notebook .jp-Cell").count() == 2, "keys are the player's own"
    showings = []
    for _ in range(2):
        player.get_by_label("time").fill("150")
        notebook.until(lambda: notebook.points(0) == 151)
        page.wait_for_function("() => !document.querySelector('.streamviz-plot[data-on-canvas]')")
        settled(page)
        showings.append(page.evaluate(SHOWN))
        player.press("Home")
        notebook.until(lambda: notebook.points(0) == 1)
    assert any(len(line) > 500 for one in showings[0] for line in one["lines"])
    assert showings[1] == showings[0]
    assert not notebook.problems


def test_a_replay_is_steered_from_the_kernel(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(
        [
            RUN,
            "player = replay('run.jsonl')\nplayer",
            "player.seek(20)",
            "player.event('crashed', -1)",
        ]
    ).run_all()
    notebook.page.locator("[data-streamviz] .streamviz-player").wait_for()
    notebook.until(lambda: 80 < notebook.points(0) < 84)  # what was said before it was shown, too
    for cell, points in ((2, 201), (3, 81)):
        notebook.page.evaluate(
            """cell => {
              const panel = window.jupyterapp.shell.currentWidget;
              panel.content.deselectAll();
              panel.content.activeCellIndex = cell;
              window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            cell,
        )
        notebook.until(lambda points=points: 0 <= notebook.points(0) - points < 3)
    assert not notebook.problems


DRAG = """value => {
  const slider = document.querySelector('.streamviz-player input[type=range]');
  slider.value = String(value);
  slider.dispatchEvent(new Event('input', { bubbles: true }));
}"""
DRAG_AND_LET_GO = f"""async value => {{
  ({DRAG})(value);
  for (let i = 0; i < 2; i += 1) await new Promise(requestAnimationFrame);
  document.querySelector('.streamviz-player input[type=range]').dispatchEvent(new Event('change'));
  for (let i = 0; i < 2; i += 1) await new Promise(requestAnimationFrame);
}}"""
WATCH_CANVASES = """() => {  // it is there for a moment only, so count when it comes
  const drawnOn = canvas => {
    const { width, height } = canvas;
    const blank = Object.assign(document.createElement('canvas'), { width, height });
    return canvas.toDataURL() !== blank.toDataURL();
  };
  window.drawnOnCanvas = window.previewed = 0;
  new MutationObserver(() => {
    const drawn = [...document.querySelectorAll('.streamviz-plot[data-on-canvas]')].filter(plot =>
      drawnOn(plot.querySelector('.streamviz-over')) &&
      getComputedStyle(plot.querySelector('.cartesianlayer')).visibility === 'hidden');
    window.drawnOnCanvas = Math.max(window.drawnOnCanvas, drawn.length);
    if (document.querySelector('.streamviz-player').dataset.frame === '-1')  // no exact one yet
      window.previewed = Math.max(window.previewed, drawn.length);
  }).observe(document.body, { subtree: true, attributeFilter: ['data-on-canvas'] });
}"""


def test_while_it_is_dragged_it_is_drawn_lightly_and_at_rest_exactly(
    run: Path, open_page: Callable[..., Stage], page: Page
) -> None:
    stage = open_page(run, plots=[GroupLag(), StreamMap(), AckProgress()])
    page.evaluate(WATCH_CANVASES)
    for value in (50, 120, 200):
        page.wait_for_function("() => !document.querySelector('[data-on-canvas]')")  # exact again
        page.evaluate("drawnOnCanvas = 0")
        page.evaluate(DRAG, value)
        stage.frame_is(f"at === {value}")
        assert page.evaluate("drawnOnCanvas") == 3
    page.locator(".streamviz-over").first.wait_for(state="detached")
    assert page.locator("[data-on-canvas]").count() == 0
    assert page.locator(".streamviz-plot .cartesianlayer").first.is_visible()
    assert stage.points == 201
    page.evaluate(DRAG_AND_LET_GO, 120)
    page.wait_for_function("() => !document.querySelector('[data-on-canvas]')")
    assert stage.points == 121


@pytest.mark.slow
def test_a_long_recording_is_dragged_in_jupyterlab_from_previews(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook(
        [
            RUN.replace("seconds=18", "seconds=300"),
            "from streamviz.plots import GroupLag\n"
            "replay('run.jsonl', plots=[GroupLag(), GroupLag('seconds')])",
        ]
    ).run_all()
    page = notebook.page
    page.locator("[data-streamviz] .streamviz-player").wait_for()
    notebook.until(lambda: notebook.points(1) > 100)  # its end
    page.get_by_label("time").hover()
    page.evaluate(WATCH_CANVASES)
    far = cycle(range(150, 3000, 250))

    def drags_on() -> bool:  # let go too early, and the kernel has sent no preview yet
        page.evaluate(DRAG, next(far))
        return bool(page.evaluate("previewed") == 2)

    notebook.until(drags_on)
    page.evaluate(DRAG, 2600)
    player = page.locator(".streamviz-player")
    expect(player).to_have_attribute("data-frame", "2600")
    page.locator("[data-on-canvas]").first.wait_for(state="detached")
    notebook.until(lambda: notebook.points(1) == 1000)
    expect(player).to_have_attribute("data-frame", "2600")
    assert not notebook.problems
