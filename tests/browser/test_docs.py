"""The documentation: it builds without a warning, its links lead somewhere, its players play."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser.conftest import ROOT, SHAPES, Heard, violations
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # the first build reads all docstrings
BUILT = ROOT / "docs/_build/html"
PLAYS = "04_consumer_groups"


DRAWN = f"""body => Object.entries(({SHAPES})(body))
  .filter(([, {{ box: [x, y, wide, high] }}]) =>
    wide && high && x >= 0 && y >= 0 && x < innerWidth && y < innerHeight)
  .map(([key]) => key)"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    one = ["-D", f"notebooks_that_play={PLAYS}"]
    options = ["--quiet", "--fail-on-warning", *one, "-b", "html", "docs", str(BUILT)]
    command = ["-m", "sphinx", *options]
    built = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(BUILT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"href", "src"} and value:
                self.links.add(value)
            elif name in {"id", "name"} and value:
                self.anchors.add(value)


def read(page: Path) -> Links:
    found = Links()
    found.feed(page.read_text("utf-8"))
    return found


def test_every_link_leads_somewhere(site: str) -> None:
    pages = {page: read(page) for page in BUILT.rglob("*.html") if page.parent.name != "players"}
    assert len(pages) > 30
    checked, broken = 0, []
    for page, found in pages.items():
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            missing = not target.exists()
            if target in pages and parts.fragment:
                missing |= parts.fragment not in pages[target].anchors
            checked += 1
            if missing and target.name not in {"genindex.html", "py-modindex.html", "search.html"}:
                broken.append(f"{page.relative_to(BUILT)}: {link}")
    assert checked > 1000
    assert not broken


def test_every_notebook_is_a_page_with_its_pictures(site: str) -> None:
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert len(notebooks) == 16
    for notebook in notebooks:
        page = (BUILT / "course" / f"{notebook.stem}.html").read_text("utf-8")
        drawn = page.count("<svg") + page.count("data:image/svg+xml")
        assert drawn > 5, notebook.name  # the theme's own icons are fewer


def test_the_front_page_plays_at_once(site: str, page: Page) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{site}/index.html")
    player = page.frame_locator("iframe.player").first
    for text in ("acknowledged", "billing-2"):
        expect(player.get_by_text(text).first).to_be_visible(timeout=30_000)
    seen = []
    (frame,) = [one for one in page.frames if "crash_and_rescue" in one.url]
    number = 20
    for _ in range(2):  # nobody has clicked
        reached = """number => {
          const { frame } = document.querySelector('.streamviz-player').dataset;
          return frame >= number && frame;
        }"""
        at = frame.wait_for_function(reached, arg=number, timeout=60_000).json_value()
        number = int(at) + 30
        seen.append(player.locator("body").evaluate(DRAWN))
    assert all(len(keys) > 5 for keys in seen)
    assert {*seen[1]} - {*seen[0]}  # entries that came in between
    assert not problems
    assert violations(page) == []


def test_a_notebooks_page_plays_what_it_draws_and_loads_it_late(
    site: str, page: Page, heard: Heard
) -> None:
    page.set_viewport_size({"width": 1280, "height": 300})
    page.goto(f"{site}/course/{PLAYS}.html")
    picture = page.locator("[data-streamviz='plot-1'] img")
    expect(picture).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert not [url for url in heard.asked if "streamviz-player" in url], (
        "what is far costs nothing"
    )
    picture.scroll_into_view_if_needed()
    player = page.locator(".streamviz-player")
    player.get_by_role("button", name="Play").click(timeout=30_000)
    expect(picture).to_be_hidden()
    page.wait_for_function(
        "() => 5 < document.querySelector('.streamviz-player').dataset.frame"
        " && document.querySelector('.streamviz-plot').data[0].x.length > 5"
    )
    fetched = [url.rsplit("/", 1)[1] for url in heard.asked if "/frames/" in url]
    assert fetched == ["streamviz-player.js", f"{PLAYS}.plot-1.frames.jsonl"]
