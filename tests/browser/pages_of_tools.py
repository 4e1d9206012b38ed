"""Pages of tools that `make test` has not installed: MkDocs, Streamlit, Solara, Panel.

`make test-pages` runs this. Each tool has a virtual environment of its own in .cache/pages.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anywidget
import pytest
from browser.conftest import RESULTS, ROOT, end
from playwright.sync_api import Page

installs = pytest.mark.timeout(900)  # in its first run
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
STREAMVIZ = [*PROJECT["dependencies"], "pandas"]
SOLARA_PACKAGES = [f"{one}==1.58.2" for one in ("solara", "solara-assets")]  # no CDN is needed
EXAMPLES = ROOT / "tests/examples"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "REDIS_URL": ""}
Until = Callable[..., None]

SHOP = """
from streamviz import Dashboard, Scenario, connect, series

def new_dashboard():
    shop = Scenario(connect())
    shop.produce("orders", series.orders(rate_hz=5))
    shop.group("orders", "billing", consumers=2, service_ms=300)
    return Dashboard(shop)
"""
SOLARA = f"""
import solara
{SHOP}
@solara.component
def Page():
    dashboard = solara.use_memo(new_dashboard, [])
    solara.display(dashboard)
"""
PANEL = f"""
import panel as pn
{SHOP}
pn.extension("ipywidgets")
pn.Column(pn.pane.IPyWidget(new_dashboard())).servable()
"""
FRAME = """
import html, pathlib
import panel as pn
pn.extension()
page = pathlib.Path("docs/run.html").read_text()
pn.pane.HTML(f'<iframe srcdoc="{html.escape(page)}" width="960" height="540"></iframe>').servable()
"""


def tool(name: str, *packages: str) -> Path:
    """Return the folder of a tool's programs; install it in the first run."""
    folder = ROOT / ".cache/pages" / name
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin/python", "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *packages], check=True)
        (folder / "ready").touch()
    return folder / "bin"


@contextmanager
def serving(command: list[str | Path], folder: Path, until: Until) -> Iterator[str]:
    """Run a web server, whose command ends with its port, and give its address."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]

    def answers() -> bool:
        with closing(socket.socket()) as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, str(port)], cwd=folder, env=ENVIRONMENT, stdout=log, stderr=log
        )
        try:
            until(answers, 60)
            yield f"http://localhost:{port}"
        finally:
            end(server)


def shows_a_dashboard(page: Page, name: str) -> None:
    page.locator(".streamviz-live").wait_for(timeout=60_000)
    page.get_by_role("button", name="kill billing-1").press("Enter")
    page.get_by_role("button", name="revive billing-1").wait_for()
    plot = page.locator(".streamviz-plot .main-svg")
    plot.nth(1).wait_for()
    tops = plot.evaluate_all(  # both at one moment: the page may still move
        "all => all.slice(0, 2).map(one => Math.round(one.getBoundingClientRect().y))"
    )
    assert len(tops) == 2
    assert len({*tops}) == 1, "plotly's layers lie on each other"
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"{name}.png")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Give a folder with the site of the example."""
    command = [sys.executable, EXAMPLES / "mkdocs_site.py"]
    subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, check=True)
    return tmp_path


@installs
@pytest.mark.parametrize("address", ["", "guide/orders/"])
def test_mkdocs_plays_on_the_front_page_and_in_a_folder(
    site: Path, page: Page, until: Until, address: str
) -> None:
    subprocess.run([tool("mkdocs", "mkdocs") / "mkdocs", "build", "-q"], cwd=site, check=True)
    server: list[str | Path] = [sys.executable, "-m", "http.server", "-d", "site"]
    with serving(server, site, until) as url:
        page.goto(f"{url}/{address}")
        page.frame_locator("iframe").locator("[data-state=playing]").wait_for()


@installs
def test_streamlit_makes_a_new_run_when_its_slider_moves(
    tmp_path: Path, page: Page, until: Until
) -> None:
    program = tool("streamlit", "streamlit", *STREAMVIZ) / "streamlit"
    options = ["--server.headless=true", "--browser.gatherUsageStats=false", "--server.port"]
    command = [program, "run", EXAMPLES / "streamlit_page.py", *options]
    with serving(command, tmp_path, until) as url:
        page.goto(url)
        frame = page.frame_locator("iframe")
        frame.get_by_text("orders:5").wait_for(timeout=60_000)
        page.get_by_role("slider").press("ArrowRight")
        frame.get_by_text("orders:6").wait_for(timeout=60_000)
        frame.locator("[data-state=playing]").wait_for()
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / "streamlit.png")


@installs
def test_solara_shows_a_live_dashboard(tmp_path: Path, page: Page, until: Until) -> None:
    (tmp_path / "shop.py").write_text(SOLARA)
    program = tool("solara", *SOLARA_PACKAGES, *STREAMVIZ) / "solara"
    with serving(
        [program, "run", "shop.py", "--no-open", "--production", "--port"], tmp_path, until
    ) as url:
        page.goto(url)
        shows_a_dashboard(page, "solara")


@installs
def test_panel_shows_a_live_dashboard_and_a_player(site: Path, page: Page, until: Until) -> None:
    (site / "live.py").write_text(PANEL)
    (site / "frame.py").write_text(FRAME)
    program = tool("panel", "panel", "ipywidgets_bokeh", *STREAMVIZ) / "panel"
    script = Path(anywidget.__file__).parent / "nbextension/index.js"
    allowed = {"content_type": "text/javascript", "headers": {"access-control-allow-origin": "*"}}
    page.route("https://unpkg.com/anywidget*/**", lambda one: one.fulfill(path=script, **allowed))
    with serving([program, "serve", "live.py", "frame.py", "--port"], site, until) as url:
        page.goto(f"{url}/frame")
        page.frame_locator("iframe").locator("[data-state=playing]").wait_for()
        page.goto(f"{url}/live")
        shows_a_dashboard(page, "panel")
    page.unroute_all()
