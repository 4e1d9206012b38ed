"""Dashboards in marimo, which has its own way to connect a widget to the browser."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from browser.conftest import RESULTS, ROOT, end
from playwright.sync_api import Error, Page, expect

APP = """
import marimo
app = marimo.App()

@app.cell
def _():
    import marimo as mo
    from streamviz import Dashboard, Scenario, connect, replay, series, watch
    client = connect()
    shop = Scenario(client, seed=7)
    shop.produce("orders", series.orders(rate_hz=5))
    shop.group("orders", "billing", consumers=2, service_ms=300)
    return Dashboard, client, mo, replay, shop, watch

@app.cell
def _(Dashboard, mo, shop):
    dashboard = mo.ui.anywidget(Dashboard(shop))
    mo.vstack([mo.md("# My shop"), dashboard])
    return

@app.cell
def _(client, watch):
    watch(client, "orders")
    return

@app.cell
def _(replay):
    replay({recording!r})
    return
"""


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_dashboard_a_watch_and_a_replay_live_in_marimo(tmp_path: Path, page: Page) -> None:
    recording = str(ROOT / "notebooks/recordings/crash_and_rescue.jsonl.gz")
    (tmp_path / "app.py").write_text(APP.replace("{recording!r}", repr(recording)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "marimo", "run", "--headless", "--no-token", "app.py"]
    server = subprocess.Popen([*command, "-p", str(port)], cwd=tmp_path)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        for _ in range(200):
            try:
                page.goto(f"http://127.0.0.1:{port}")
                break
            except Error:
                assert server.poll() is None
                page.wait_for_timeout(100)
        dashboard, watched = (page.locator(".streamviz-live").nth(n) for n in range(2))
        for one in (dashboard, watched):  # its count grows
            count = re.compile(r"^[1-9]\d( acknowledged)?$")
            acknowledged = one.locator(".streamviz-flow").get_by_text(count)
            expect(acknowledged.first).to_be_attached(timeout=40_000)
        dashboard.get_by_role("button", name="kill billing-1").press("Enter")
        dashboard.get_by_role("button", name="revive billing-1").wait_for()
        player = page.locator(".streamviz-player")
        expect(player.locator(".streamviz-flow").first).to_contain_text("236")
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / "marimo.png")
        assert not problems
    finally:
        end(server)
