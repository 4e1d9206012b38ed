"""What the benchmarks share: rows of a table, side by side, and the README's copy of it."""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.tables import TABLES
from browser.conftest import browser, lab, open_notebook, page, play, screen, tab, window
from playwright.sync_api import Page

from streamviz import connect
from streamviz.client.connection import Connection

ROOT = Path(__file__).parent.parent.parent
MARK = re.compile(r"(<!-- performance -->\n).*?(\n<!-- /performance -->)", re.DOTALL)


@pytest.fixture
def desk(tab: Page) -> Page:
    """Give each measurement a page of its own."""
    return tab


def machine() -> str:
    client = connect()
    version = Connection(client).version
    client.close()
    return (
        f"Measured on {datetime.datetime.now(datetime.UTC):%Y-%m-%d} with `make bench`: "
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"{version}. The machine is shared and noisy: read the ratios."
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.timeout(600))  # the slowest of the others takes its time


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus: int) -> None:
    if exitstatus or not TABLES:
        return
    text = "\n\n".join([machine(), *map(str, TABLES.values())])
    readme = ROOT / "README.md"
    found, times = MARK.subn(lambda hit: hit[1] + text + hit[2], readme.read_text("utf-8"))
    assert times == 1, "README.md has no place for the performance tables"
    whole = (
        "Bulk",
        "Drain",
        "A look",
        "Watching",
        "Partitions",
        "Frames",
        "To start",
        "Recording a run",
    )
    complete = {*whole, "A recording of an hour at 10 looks a second"} <= {
        title.split(":")[0] for title in TABLES
    }
    if complete:  # a part of the benchmarks leaves the README as it is
        readme.write_text(found, "utf-8")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for one in TABLES.values():
        terminalreporter.write_line("")
        terminalreporter.write_line(str(one))


__all__ = ["Iterator", "browser", "lab", "open_notebook", "page", "play", "screen", "tab", "window"]
