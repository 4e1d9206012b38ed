"""A plot in somebody else's page: one iframe, or a script element and its file."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser.conftest import RESULTS, ROOT, SHOWN, Heard, settled
from playwright.sync_api import Page, expect

from streamviz.export import to_embed, to_html
from streamviz.export.embed import script_tag
from streamviz.plots import GroupLag, Strips, SwimLanes

RUN = ROOT / "notebooks" / "recordings" / "crash_and_rescue.jsonl.gz"


POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'self'{}; "
    "style-src 'unsafe-inline'; img-src data: blob:"
)


class Quiet(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        if "?" in self.path:
            more = " blob:" if "blob" in self.path else ""
            self.send_header("Content-Security-Policy", POLICY.format(more))
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Serve a folder, as somebody's web server does."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def quiet(page: Page, heard: Heard, site: str) -> Iterator[Page]:
    """Give a page that says nothing, and asks nothing of anybody but the site."""
    yield page
    assert not heard.said
    assert all(url.startswith((site, "data:", "blob:")) for url in heard.asked), heard.asked


def page_with(folder: Path, *parts: str, head: str = "") -> None:
    body = "\n".join(["<h1>My page</h1>", *parts, "<p>The end.</p>"])
    start = (
        '<!doctype html><html lang="en"><head><link rel="icon" href="data:,"><title>Mine</title>'
    )
    (folder / "index.html").write_text(f"{start}{head}</head>\n<body>{body}</body>", "utf-8")


def ink(page: Page, place: int = 0) -> float:
    """Return the contrast of a player's words with the ground behind them."""
    return float(
        page.evaluate(
            """place => {
              const player = document.querySelectorAll('.streamviz-player')[place];
              const word = player.querySelector('.xtick text');
              let node = player, ground = 'rgb(255,255,255)';
              for (; node; node = node.parentElement) {
                const own = getComputedStyle(node).backgroundColor;
                if (own !== 'rgba(0, 0, 0, 0)') { ground = own; break; }
              }
              const bright = text => {
                const [r, g, b] = text.match(/[\\d.]+/g).map(Number)
                  .map(v => v / 255).map(v => v <= 0.04 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
              };
              const two = [bright(getComputedStyle(word).fill), bright(ground)];
              return Math.max(...two) / Math.min(...two);
            }""",
            place,
        )
    )


def test_script_elements_become_players_that_play(tmp_path: Path, site: str, quiet: Page) -> None:
    files = [
        to_embed(RUN, tmp_path / "one.frames.jsonl", plots=[SwimLanes()], autoplay=True, speed=4),
        to_embed(RUN, tmp_path / "a & b.frames.jsonl", plots=[GroupLag()], start_s=10, end_s=20),
    ]
    page_with(tmp_path, *map(script_tag, files))
    quiet.goto(site)
    quiet.wait_for_function(
        "() => Number(document.querySelector('.streamviz-player')?.dataset.frame) > 20"
    )
    expect(quiet.locator(".streamviz-player")).to_have_count(2)
    second = quiet.locator(".streamviz-player").nth(1)
    second.get_by_role("button", name="Next event").click()
    second.get_by_text("billing-1 crashed holding 1").wait_for()
    second.locator(".streamviz-plot").click()
    expect(second, "whatever of it is clicked, the keys are the player's").to_be_focused()
    quiet.keyboard.press("End")
    showings = []
    at_its_end = second.and_(quiet.locator("[data-frame='100']"))  # the first one passes it, too
    for _ in range(2):
        at_its_end.wait_for()
        settled(quiet)
        showings.append(quiet.evaluate(SHOWN)[1])
        quiet.keyboard.press("Home")
        second.and_(quiet.locator("[data-frame='0']")).wait_for()
        quiet.keyboard.press("End")
    assert any(len(line) > 500 for line in showings[0]["lines"])
    assert showings[1] == showings[0], "played a second time it is the same"
    at_its_end.wait_for()
    RESULTS.mkdir(exist_ok=True)
    quiet.screenshot(path=RESULTS / "embedded.png")


TITLES = """() => {
  const plot = document.querySelector('.streamviz-plot');
  const { right } = plot.getBoundingClientRect();
  const titles = [...plot.querySelectorAll('.annotation-text')];
  return plot.clientWidth < 360 && titles.length > 0
    && titles.every(title => title.getBoundingClientRect().right <= right);
}"""


def test_the_titles_of_a_player_at_rest_fit_a_window_that_is_narrowed(
    tmp_path: Path, site: str, quiet: Page
) -> None:
    page_with(tmp_path, script_tag(to_embed(RUN, tmp_path / "a.frames.jsonl", plots=[Strips()])))
    quiet.goto(site)
    quiet.locator(".annotation-text").first.wait_for()
    quiet.set_viewport_size({"width": 360, "height": 720})
    quiet.wait_for_function(TITLES)


def test_an_exported_page_is_an_iframe_in_another_one(
    tmp_path: Path, site: str, quiet: Page
) -> None:
    to_html(RUN, tmp_path / "talk.html", autoplay=True)
    page_with(tmp_path, '<iframe src="talk.html" width="800" height="450"></iframe>')
    quiet.goto(site)
    frame = quiet.frame_locator("iframe")
    frame.locator("[data-state=playing]").wait_for()
    assert quiet.locator(".streamviz-player").count() == 0, "nothing of it is in the page itself"


def test_a_file_of_frames_that_is_not_there_is_said_in_its_place(
    tmp_path: Path, site: str, page: Page
) -> None:
    to_embed(RUN, tmp_path / "a.frames.jsonl")
    (tmp_path / "b.frames.jsonl").write_text('{"streamviz": 2}\n')
    for name, why in (("no", "404"), ("b", "it is not a file of frames of version 2")):
        page_with(tmp_path, script_tag(tmp_path / f"{name}.frames.jsonl"))
        page.goto(f"{site}?{name}")  # a page rewritten in the same second would come from the cache
        page.get_by_text(f"{name}.frames.jsonl can't be played: {why}").wait_for()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_player_is_read_on_any_ground_whatever_the_system_prefers(
    tmp_path: Path, site: str, quiet: Page, system: str
) -> None:
    line = script_tag(to_embed(RUN, tmp_path / "a.frames.jsonl"))
    dark = line.replace("data-frames", 'data-theme="dark" data-frames')
    night = f'<section style="background:#112">{line}</section>'
    style = "<style>body { background: #fffbe8 }</style>"
    page_with(tmp_path, line, dark, night, dark.replace("dark", "light"), head=style)
    quiet.emulate_media(color_scheme=system)  # type: ignore[arg-type]
    quiet.goto(site)
    quiet.wait_for_function(
        """() => document.querySelectorAll('.main-svg').length >= 12
          && [...document.querySelectorAll('.streamviz-player')]
            .filter(one => one.querySelector('.xtick text')).length === 4"""
    )
    RESULTS.mkdir(exist_ok=True)
    quiet.screenshot(path=RESULTS / f"embedded-{system}.png", full_page=True)
    assert min(ink(quiet, place) for place in range(4)) > 7
    quiet.evaluate("() => { document.body.style.background = '#000' }")
    quiet.locator(".streamviz-player").first.and_(quiet.locator("[data-dark]")).wait_for()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_page_that_paints_no_ground_has_the_one_of_its_colour_scheme(
    tmp_path: Path, site: str, quiet: Page, system: str
) -> None:
    meta = '<meta name="color-scheme" content="light dark">'
    page_with(tmp_path, script_tag(to_embed(RUN, tmp_path / "a.frames.jsonl")), head=meta)
    quiet.emulate_media(color_scheme=system)  # type: ignore[arg-type]
    quiet.goto(site)
    quiet.locator(".streamviz-player .xtick text").first.wait_for()
    dark = quiet.locator(".streamviz-player").get_attribute("data-dark") is not None
    assert dark == (system == "dark")


def test_a_script_in_the_head_has_its_player_in_the_body(
    tmp_path: Path, site: str, page: Page, heard: Heard
) -> None:
    line = script_tag(to_embed(RUN, tmp_path / "a.frames.jsonl"))
    told = line.replace("data-frames", 'data-place="#here" data-frames')
    lost = line.replace("data-frames", 'data-place="#nowhere" data-frames')
    page_with(tmp_path, '<div id="here"></div>', head=line + told + lost)
    page.goto(site)
    page.wait_for_function("() => document.querySelectorAll('.main-svg').length >= 9")
    expect(page.locator("body .streamviz-player")).to_have_count(3)
    expect(page.locator("#here .streamviz-player")).to_have_count(1)
    assert any("a.frames.jsonl is at the page's end" in text for text in heard.said), heard.said
    assert any("no #nowhere for a.frames.jsonl" in text for text in heard.said), heard.said


def test_a_page_that_forbids_eval_plays_from_a_blob_or_says_what_it_lacks(
    tmp_path: Path, site: str, page: Page
) -> None:
    page_with(tmp_path, script_tag(to_embed(RUN, tmp_path / "a.frames.jsonl")))
    page.goto(f"{site}/?blob")
    page.locator(".streamviz-player .main-svg").first.wait_for()
    page.get_by_label("time").fill("200")
    page.wait_for_function("() => document.querySelector('.streamviz-plot').data[0].x.length > 150")
    page.goto(f"{site}/?strict")
    page.get_by_text("Content-Security-Policy lets no plotly.js run: allow blob:").wait_for()
