"""A stream on a page of its own: what `streamviz watch` opens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid

import redis as redis_py
from browser.conftest import RESULTS, Heard, violations
from playwright.sync_api import Page, expect
from redis.cluster import RedisCluster

from streamviz import Scenario, Stream
from streamviz.client.cluster import slot_of
from streamviz.export import DashboardServer
from streamviz.server.embedded_cluster import EmbeddedCluster

ON_SCREEN = """() => [document.documentElement.scrollHeight <= innerHeight,
  ...[...document.querySelectorAll('.streamviz-plot .nsewdrag')].map(node =>
    [node.getBoundingClientRect()]).map(([box]) => box.height > 50 && box.bottom <= innerHeight)]"""
# The size of letters on the screen: those in an SVG are scaled with it.
LETTERS = """() => [...document.querySelectorAll('h1, p, text')].filter(node => {
  const { width } = node.getBoundingClientRect();
  return node.textContent.trim() && width && !node.closest('.streamviz-hidden');
}).map(node => [parseFloat(getComputedStyle(node).fontSize) * (node.getScreenCTM?.().a ?? 1),
  node.textContent])"""
LAG = "() => document.querySelectorAll('.streamviz-plot')[0]?.data?.[0]?.y?.at(-1)"


def test_a_stream_is_shown_live_and_again_after_the_server_was_away(
    redis: redis_py.Redis, key: str, page: Page, heard: Heard
) -> None:
    stream = Stream(redis, key)
    stream.add_many({"n": n} for n in range(5))
    stream.group("<b>g</b>").create("0")
    with DashboardServer(Scenario(redis, sample_every_ms=50).watch(key), key) as server:
        page.goto(server.url)
        page.wait_for_function(f"() => ({LAG})() === 5")
        stream.add_many({"n": n} for n in range(7))
        page.wait_for_function(f"() => ({LAG})() === 12")
        assert page.title() == key
        assert page.locator("h1").inner_text() == key
        assert page.locator(".streamviz-panel").count() == 0, "nothing to steer: it only shows"
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / "live_page.png")
        page.emulate_media(color_scheme="dark")
        page.locator(".streamviz-live[data-dark]").wait_for()
        port = server._server.server_address[1]
        token = server.token
    assert not heard.said
    assert {url.split("/")[2] for url in heard.asked} == {f"127.0.0.1:{port}"}
    page.get_by_text("Lost the server").wait_for()
    again = DashboardServer(Scenario(redis, sample_every_ms=50).watch(key), key, port=port)
    again.token = token  # a page that stayed open finds the same server again
    with again:
        stream.add({"n": 13})
        page.wait_for_function(f"() => ({LAG})() === 13", timeout=20_000)
        page.get_by_text("Lost the server").wait_for(state="hidden")


def test_the_command_line_shows_a_stream_of_a_cluster_given_any_node_and_follows_its_slot(
    cluster: EmbeddedCluster, nodes: RedisCluster, page: Page
) -> None:
    key = f"test:{{{uuid.uuid4().hex[:8]}}}"
    stream, home = Stream(nodes, key), cluster.slot_owner(key)
    given, other = (node for node in cluster.nodes if node is not home)
    stream.add_many({"n": n} for n in range(5))
    stream.group("g").create("0")
    command = [sys.executable, "-m", "streamviz", "watch", key, "--no-browser", "--rate", "20"]
    environment = os.environ | {"REDIS_URL": given.server.url}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            assert process.stdout is not None
            page.goto(process.stdout.readline().split()[-1])
            page.wait_for_function(f"() => ({LAG})() === 5", timeout=60_000)
            cluster.move_slot(slot_of(key), other.name)
            stream.add_many({"n": n} for n in range(7))
            page.wait_for_function(f"() => ({LAG})() === 12", timeout=60_000)
            page.screenshot(path=RESULTS / "live_page-cluster.png")
        finally:
            process.send_signal(signal.SIGINT)
            nodes.delete(key)
            if cluster.slot_owner(key) is not home:
                cluster.move_slot(slot_of(key), home.name)
    assert process.returncode == 0


def test_all_of_it_is_on_one_screen_and_what_is_wrong_is_read_at_once(
    redis: redis_py.Redis, key: str, page: Page
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    with DashboardServer(Scenario(redis, sample_every_ms=50).watch(key), key) as server:
        page.goto(server.url)
        trouble = page.locator("[role=status]", has_text=f"no stream '{key}' yet")
        trouble.wait_for()
        box = trouble.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 150, "before the plots"
        size = trouble.evaluate("node => parseFloat(getComputedStyle(node).fontSize)")
        assert size > 18
        page.locator(".streamviz-plot .main-svg").first.wait_for()
        page.screenshot(path=RESULTS / "live_page-none.png")
        stream = Stream(redis, key)
        stream.add_many({"n": n} for n in range(5))
        for name in ("billing", "email"):
            stream.group(name).create("0")
        page.wait_for_function(f"() => ({LAG})() === 5")
        trouble.wait_for(state="detached")
        # the page, and both strips: at once, or when their axes have settled
        page.wait_for_function(
            f"() => (fits => fits.length === 3 && fits.every(Boolean))(({ON_SCREEN})())"
        )
        page.screenshot(path=RESULTS / "live_page-small.png")
        page.set_viewport_size({"width": 1024, "height": 600})
        page.wait_for_function(f"() => ({ON_SCREEN})()[0]")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.locator(f".streamviz-live{'[data-dark]' * (scheme == 'dark')}").wait_for()
            assert violations(page) == []
        page.set_viewport_size({"width": 1920, "height": 1080})
        page.wait_for_function(
            f"""() => (found => found.length > 20 && Math.min(...found.map(([px]) => px)) >= 22)
              (({LETTERS})())"""
        )
        page.wait_for_function(f"() => ({ON_SCREEN})().every(Boolean)")
        page.screenshot(path=RESULTS / "live_page-large.png")


def test_a_summary_is_current_also_while_its_plot_is_out_of_view(
    redis: redis_py.Redis, key: str, page: Page
) -> None:
    page.set_viewport_size({"width": 640, "height": 240})
    stream = Stream(redis, key)
    stream.add({"n": 1})
    stream.group("g").create("0")
    with DashboardServer(Scenario(redis, sample_every_ms=50).watch(key), key) as server:
        page.goto(server.url)
        page.wait_for_function(f"() => ({LAG})() === 1")
        box = page.locator(".streamviz-plot").last.bounding_box()
        assert box is not None
        assert box["y"] > 240
        stream.add_many({"n": n} for n in range(11))
        summary = page.locator(".streamviz-grid > .streamviz-hidden").last
        expect(summary).to_contain_text("g: 12 waiting")
