"""A plot in somebody else's page: one iframe, or one script element and a film beside it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser.conftest import RESULTS, ROOT
from playwright.sync_api import Page

from streamviz.export import to_embed, to_html
from streamviz.export.embed import tag
from streamviz.plots import GroupLag, SwimLanes

RUN = ROOT / "notebooks" / "recordings" / "crash_and_rescue.jsonl"


class Quiet(SimpleHTTPRequestHandler):
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
def heard(page: Page, site: str) -> Iterator[Page]:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda one: said.append(f"{one.type}: {one.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda one: asked.append(one.url))
    yield page
    assert not said
    assert all(url.startswith((site, "data:", "blob:")) for url in asked), asked


def page_with(folder: Path, *parts: str) -> None:
    body = "\n".join(["<h1>My page</h1>", *parts, "<p>The end.</p>"])
    head = '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Mine</title>'
    (folder / "index.html").write_text(f"{head}\n{body}", "utf-8")


def test_script_elements_become_players_that_play(tmp_path: Path, site: str, heard: Page) -> None:
    films = [
        to_embed(RUN, tmp_path / "one.film.jsonl", plots=[SwimLanes()], autoplay=True, speed=4),
        to_embed(RUN, tmp_path / "a & b.film.jsonl", plots=[GroupLag()], start_s=10, end_s=20),
    ]
    page_with(tmp_path, *map(tag, films))
    heard.goto(site)
    heard.wait_for_function(
        "() => Number(document.querySelector('.streamviz-player')?.dataset.frame) > 20"
    )
    assert heard.locator(".streamviz-player").count() == 2
    second = heard.locator(".streamviz-player").nth(1)
    second.get_by_role("button", name="Next event").click()
    second.get_by_text("billing-1 crashed holding 1").wait_for()
    RESULTS.mkdir(exist_ok=True)
    heard.screenshot(path=RESULTS / "embedded.png")


def test_an_exported_page_is_an_iframe_in_another_one(
    tmp_path: Path, site: str, heard: Page
) -> None:
    to_html(RUN, tmp_path / "talk.html", autoplay=True)
    page_with(tmp_path, '<iframe src="talk.html" width="800" height="450"></iframe>')
    heard.goto(site)
    frame = heard.frame_locator("iframe")
    frame.locator("[data-state=playing]").wait_for()
    assert heard.locator(".streamviz-player").count() == 0, "nothing of it is in the page itself"


def test_a_film_that_is_not_there_is_said_in_its_place(
    tmp_path: Path, site: str, page: Page
) -> None:
    to_embed(RUN, tmp_path / "a.film.jsonl")
    (tmp_path / "b.film.jsonl").write_text('{"streamviz": 1}\n')
    for name, why in (("no", "404"), ("b", "it is no film of version 1")):
        page_with(tmp_path, tag(tmp_path / f"{name}.film.jsonl"))
        page.goto(site)
        page.get_by_text(f"{name}.film.jsonl can't be played: {why}").wait_for()
