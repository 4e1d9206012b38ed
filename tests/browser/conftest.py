"""A real JupyterLab in a real browser."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Page,
    Playwright,
    Request,
    ViewportSize,
    WebError,
    expect,
    sync_playwright,
)

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "test-results"
SIZE: ViewportSize = {"width": 1280, "height": 1400}
expect.set_options(timeout=30_000)  # as patient as all other waits
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        item.failed = True  # type: ignore[attr-defined]  # for the picture of what went wrong
    return report


SHOWN = """root => [...document.querySelectorAll(`${root ?? ''} .streamviz-plot`)].map(node => ({
  ranges: Object.entries(node._fullLayout).filter(([name]) => /^[xy]axis/.test(name))
    .map(([name, axis]) => [name, ...axis.range.map(value => Number(value).toFixed(3))]),
  lines: [...node.querySelectorAll('.js-line')].map(line => line.getAttribute('d')),
  points: [...node.querySelectorAll('.points path')].map(one => one.getAttribute('transform')),
}))"""
"""The axes and the drawn points of all plots below an element."""


SHAPES = """root => {
  const flows = root?.matches('.streamviz-flow') ? [root]
    : [...(root ?? document).querySelectorAll('.streamviz-flow')];
  const found = flows.flatMap(flow => {
    const texts = [...flow.querySelectorAll('text')].map(node => {
      const { x, y, width, height } = node.getBoundingClientRect();
      const { fill } = getComputedStyle(node);
      const { key, kind } = node.dataset;
      return [key, { kind, box: [x, y, width, height], text: node.textContent, title: '', fill }];
    });
    const { left, top, width } = flow.querySelector('canvas').getBoundingClientRect();
    const scale = width / flow.querySelector('svg').viewBox.baseVal.width;
    const marks = flow.drawn().map(({ shape, paint, ids, title, ring, leaves, at, to }) => {
      const [x, y, wide, high, opacity] = at;
      const box = [left + x * scale, top + y * scale, wide * scale, high * scale];
      const about = { ids, title, ring, leaves, moves: at !== to, seen: opacity };
      return [shape.key, { kind: shape.kind, box, text: '', ...paint, ...about }];
    });
    return [...texts, ...marks.sort(([, one], [, other]) => other.leaves - one.leaves)];
  });
  for (const [, one] of found) one.box = one.box.map(Math.round);
  return Object.fromEntries(found);
}"""
"""All that the flows below an element show, by its keys: where, and how it is drawn."""


SETTLED = """() => new Promise(done => {
  const frames = next => requestAnimationFrame(() => requestAnimationFrame(next));
  frames(() => setTimeout(() => frames(done), 150));
})"""


def settled(page: Page) -> None:
    """Wait until a change of size is drawn: a frame tells of it, and plotly waits for 100 ms."""
    page.evaluate(SETTLED)


def violations(page: Page, root: str = "html") -> list[str]:
    """Return what axe-core finds wrong below an element by WCAG 2.2 AA, and where."""
    page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text("utf-8"))
    found = page.evaluate(
        """async root => {
          const values = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
          const { violations, passes } = await axe.run(root, { runOnly: { type: 'tag', values } });
          const told = ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`;
          return { wrong: violations.map(told), passes: passes.length };
        }""",
        root,
    )
    assert found["passes"] > 3, "it has looked at something"
    wrong: list[str] = found["wrong"]
    return wrong


class Lab:
    """A JupyterLab of the tests' own: its own port, token, folder and settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("recordings", "exercises", "go_game"):  # what a notebook finds beside it
            shutil.copytree(ROOT / "notebooks" / name, folder / "notebooks" / name)
        quiet = folder / "settings" / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True)
        (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        built = folder / "config" / "labconfig"
        built.mkdir(parents=True)  # as it is: else each page that opens has yarn started
        (built / "page_config.json").write_text('{"buildAvailable": false, "buildCheck": false}')
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = (folder / "lab.log").open("w")
        never = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
        options = [
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            f"--ServerApp.root_dir={folder / 'notebooks'}",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            f"--LabApp.check_for_updates_class={never}",
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *options],
            env=self._environment(),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        own = {
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces"),
            "IPYTHONDIR": str(self.folder / "ipython"),
        }
        return {k: v for k, v in os.environ.items() if k != "REDIS_URL"} | own

    def api(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=5) as reply:
            return json.loads(reply.read() or "null")

    def wait(self) -> None:
        deadline = time.monotonic() + 40
        while True:
            try:
                self.api("status")
            except OSError:
                assert self._process.poll() is None, (self.folder / "lab.log").read_text()
                assert time.monotonic() < deadline, (self.folder / "lab.log").read_text()
                time.sleep(0.1)
            else:
                return

    def end_kernels(self) -> None:
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")

    def stop(self) -> None:
        self.end_kernels()
        end(self._process)
        self._log.close()


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server, and what it started with it if it takes its time."""
    server.terminate()  # it alone: a JupyterLab that is told twice, by make too, does not end
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(5)


def kernel_answers(page: Page) -> None:
    """Wait until it does: a cell that is run before is passed over, without a word."""
    page.wait_for_function(
        """async () => {
          const { context, sessionContext } = window.jupyterapp.shell.currentWidget;
          await context.ready;
          await sessionContext.ready;
          await sessionContext.session.kernel.info;
          return true;
        }""",
        timeout=40_000,
    )


class Notebook:
    """One notebook in one tab."""

    def __init__(self, lab: Lab, page: Page, name: str) -> None:
        self.lab = lab
        self.page = page
        self.name = name
        self.reloaded = False
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._hears: dict[Any, Callable[[Any], None]] = {
            "console": self._hear,
            "pageerror": lambda error: self.problems.append(f"page error: {error}"),
            "request": lambda request: self.requests.append(request.url),
        }
        for event, hear in self._hears.items():
            page.on(event, hear)

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(f"{message.text} ({message.location.get('url')})")

    def open(self) -> Notebook:
        """Open it in the JupyterLab of the tab; load that first, if it is not there yet."""
        if self.page.evaluate("() => 'jupyterapp' in window"):
            self.command("docmanager:open", path=self.name)
            return self._there()
        return self.load()

    def load(self) -> Notebook:
        """Load JupyterLab anew, with this notebook."""
        self.page.goto(f"{self.lab.url}/lab/tree/{self.name}?token={self.lab.token}&reset")
        return self._there()

    def reload(self) -> None:
        """Reload the page; JupyterLab then opens the notebook twice, the second time much later."""
        self.reloaded = True
        self.page.reload()
        self._there()

    def _there(self) -> Notebook:
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=40_000)
        self.page.locator(".jp-Notebook").click(position={"x": 5, "y": 5})
        return self

    def close(self, *, again: bool) -> None:
        """Leave JupyterLab as it was; or leave it altogether, if it is not to be used again."""
        for event, hear in self._hears.items():
            self.page.remove_listener(event, hear)
        if again and not self.reloaded:
            self.page.evaluate(
                """async () => {
                  const { shell, serviceManager } = window.jupyterapp;
                  document.activeElement?.blur();
                  for (const one of [...shell.widgets('main')]) {
                    if (one.context) one.context.model.dirty = false;  // else it asks
                    one.close();
                  }
                  await serviceManager.sessions.shutdownAll();
                }"""
            )
            self.page.locator(".jp-NotebookPanel").wait_for(state="detached")
        else:
            self.page.goto("about:blank")
        self.lab.end_kernels()

    def kernel_is(self, status: str, seconds: float = 40) -> None:
        self.page.wait_for_function(
            "status => document.querySelector('.jp-Notebook-ExecutionIndicator')"
            "?.dataset.status === status",
            arg=status,
            timeout=seconds * 1000,
        )

    def command(self, name: str, **arguments: Any) -> None:
        """Begin one of JupyterLab's own commands."""
        self.page.evaluate(
            "([name, args]) => { window.jupyterapp.commands.execute(name, args); }",
            [name, arguments],
        )

    def ready(self) -> Notebook:
        """Wait until the kernel takes cells."""
        kernel_answers(self.page)
        self.kernel_is("idle")
        return self

    def run_all(self, seconds: float = 60) -> Notebook:
        self.ready()
        self.command("notebook:clear-all-cell-outputs")
        self.finish("notebook:run-all-cells", seconds)
        return self

    def run_cell(self, number: int) -> str:
        """Run one cell, and return what it printed once it has ended."""
        self.page.locator(".jp-CodeCell").nth(number).locator(".jp-InputPrompt").click()
        self.finish("notebook:run-cell")
        return "".join("".join(one.get("text", "")) for one in self.outputs()[number])

    def finish(self, command: str, seconds: float = 60) -> None:
        """Run one of JupyterLab's own commands to its end."""
        self.page.evaluate(
            """([command, seconds]) => {
              document.activeElement?.blur();  // a focus would be given back, even after it closed
              return Promise.race([
                window.jupyterapp.commands.execute(command),
                new Promise((_, fail) => setTimeout(
                  () => fail(`${command} has not ended in ${seconds} s`), seconds * 1000)),
              ]).then(() => undefined);
            }""",
            [command, seconds],
        )

    def restart(self) -> None:
        """Restart the kernel, and wait for that: before it begins, the old one is idle, too."""
        self.page.evaluate(
            "() => { window.restarted ="
            " window.jupyterapp.commands.execute('notebook:restart-kernel'); }"
        )
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")
        self.page.evaluate("() => window.restarted.then(() => undefined)")
        self.kernel_is("idle")

    def save(self) -> Any:
        """Save it; beside a live dashboard it may be unsaved again before anyone can look."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        path = self.lab.folder / "notebooks" / self.name
        return json.loads(path.read_text("utf-8"))

    def outputs(self) -> list[list[dict[str, Any]]]:
        """Return the outputs of each cell, whether or not they are on the screen."""
        cells = self.page.evaluate(
            "() => JSON.stringify(window.jupyterapp.shell.currentWidget"
            ".content.model.sharedModel.toJSON().cells)"
        )
        return [cell.get("outputs", []) for cell in json.loads(cells)]

    def all_outputs(self) -> list[dict[str, Any]]:
        return [output for outputs in self.outputs() for output in outputs]

    def said(self) -> str:
        """Return what the notebook's cells printed."""
        return "".join("".join(one.get("text", "")) for one in self.all_outputs())

    def live(self) -> Any:
        """Return the locator of the mounted live dashboards."""
        return self.page.locator("[data-streamviz] .streamviz-live")

    def points(self, plot: int = 0, trace: int = 0) -> int:
        """Return how many points a trace shows."""
        return int(
            self.page.evaluate(
                "([plot, trace]) => document.querySelectorAll('.streamviz-plot')[plot]"
                "?.data?.[trace]?.x?.length ?? -1",
                [plot, trace],
            )
        )

    def events(self) -> str:
        """Return all words at the events of the first plot."""
        return str(
            self.page.evaluate(
                "() => JSON.stringify(document.querySelector('.streamviz-plot')?.data"
                "?.find(({ name }) => name === 'events')?.hovertext)"
            )
        )

    def pictures(self) -> str:
        """Return the pictures that it would save, with what they say in words."""
        data = [output.get("data", {}) for output in self.all_outputs()]
        return "".join("".join(one.get("text/html", "")) for one in data)

    def at_rest(self, plot: int = 0) -> int:
        """Wait until a paused dashboard has its last sample, and return how many points that has.

        The pause may have come while one was taken.
        """
        points = -1

        def same() -> bool:
            nonlocal points
            before, points = points, self.points(plot)
            self.page.wait_for_timeout(500)
            return before == points

        self.until(same)
        return points

    def until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"still {value!r}; {self.problems}"
            self.page.wait_for_timeout(50)

    def picture(self, name: str) -> Path:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    running = Lab(tmp_path_factory.mktemp("lab"))
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def play() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


def chromium() -> dict[str, Any]:
    """Return which browser to launch, and how."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    return {"executable_path": path, "args": QUIET}


@pytest.fixture(scope="session")
def browser(play: Playwright) -> Iterator[Browser]:
    shown = play.chromium.launch(**chromium())
    yield shown
    shown.close()


@pytest.fixture(scope="session")
def screen() -> list[Page]:
    """Give the tab that shows one page of ours after the other, once it is open."""
    return []


@pytest.fixture
def page(screen: list[Page], browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Give a tab that knows nothing of what it showed before but plotly.js, compiled."""
    if not screen:
        screen.append(browser.new_context(viewport=SIZE).new_page())
    (shown,) = screen
    yield shown
    if getattr(request.node, "failed", False):
        screen.remove(shown)
        shown.context.close()
        return
    for other in shown.context.pages:
        if other != shown:
            other.close()
    shown.goto("about:blank")
    shown.context.set_offline(False)
    shown.emulate_media(color_scheme="null", reduced_motion="null")
    shown.set_viewport_size(SIZE)


@pytest.fixture(scope="session")
def still(browser: Browser) -> Page:
    """Give a tab that runs no script and has no network."""
    context = browser.new_context(java_script_enabled=False, offline=True, viewport=SIZE)
    return context.new_page()


class Heard:
    """What a page, and what it opens, says and asks for."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []

    def console(self, message: ConsoleMessage) -> None:
        self.said.append(f"{message.type}: {message.text}")

    def weberror(self, error: WebError) -> None:
        self.said.append(f"error: {error.error}")

    def dialog(self, one: Dialog) -> None:
        self.said.append(f"dialog: {one.message}")
        one.dismiss()

    def request(self, one: Request) -> None:
        self.asked.append(one.url)


@pytest.fixture
def heard(page: Page) -> Iterator[Heard]:
    """Listen to the page, as long as the test is about it."""
    listener = Heard()
    hears = {
        "console": listener.console,
        "weberror": listener.weberror,
        "dialog": listener.dialog,
        "request": listener.request,
    }
    for event, hear in hears.items():
        page.context.on(event, hear)  # type: ignore[call-overload]
    yield listener
    for event, hear in hears.items():
        page.context.remove_listener(event, hear)


@pytest.fixture(scope="session")
def window(play: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Give a browser with a profile: it keeps JupyterLab's scripts, compiled, for the next tab."""
    profile = tmp_path_factory.mktemp("profile")
    shown = play.chromium.launch_persistent_context(profile, viewport=SIZE, **chromium())
    yield shown
    shown.close()


@pytest.fixture
def tab(window: BrowserContext) -> Iterator[Page]:
    """Give a page of the window, for what the lab serves."""
    opened = window.new_page()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def desk(window: BrowserContext) -> Page:
    """Give the tab in which a JupyterLab stays open, for one notebook after the other."""
    return window.new_page()


@pytest.fixture
def open_notebook(
    lab: Lab, desk: Page, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Notebook]]:
    opened: list[Notebook] = []

    def open_(source: str | list[str], name: str = "test.ipynb", *, anew: bool = False) -> Notebook:
        """Open a copy of a notebook of the course, or a new one made of these cells.

        With `anew`, in a page that has not shown any other.
        """
        target = lab.folder / "notebooks" / name
        if isinstance(source, str):
            target = target.with_name(source)
            shutil.copy(ROOT / "notebooks" / source, target)
        else:
            made = nbformat.v4.new_notebook(
                cells=[nbformat.v4.new_code_cell(text) for text in source],
                metadata={
                    "kernelspec": {
                        "display_name": "Python 3",
                        "language": "python",
                        "name": "python3",
                    }
                },
            )
            nbformat.write(made, target)
        desk.bring_to_front()
        notebook = Notebook(lab, desk, target.name)
        opened.append(notebook)
        return notebook.load() if anew else notebook.open()

    yield open_
    failed = getattr(request.node, "failed", False)
    for notebook in opened:
        if failed:
            notebook.picture(f"failed-{request.node.name}")
        notebook.close(again=not failed)
        ours = re.compile(rf"^(https?|wss?)://127\.0\.0\.1:{lab.port}/|^(data|blob):")
        strange = [url for url in notebook.requests if not ours.match(url)]
        assert not strange, f"a request left this machine: {strange}"
    desk.set_viewport_size(SIZE)  # the next test has the same page


__all__ = ["Error", "Lab", "Notebook"]
