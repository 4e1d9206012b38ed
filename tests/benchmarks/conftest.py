"""What the benchmarks share: rows of a table, side by side, and their copy in the documentation."""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.tables import TABLES, Table
from browser.conftest import browser, lab, open_notebook, page, play, screen, tab, window
from playwright.sync_api import Page

from streamviz import connect
from streamviz.client.connection import Connection

ROOT = Path(__file__).parent.parent.parent


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
    sizing = [one for one in TABLES.values() if one.title.startswith("Sizing")]
    others = [one for one in TABLES.values() if one not in sizing]
    whole = ("Bulk", "Drain", "A sample", "Watching", "Partitions", "Frames", "To start")
    complete = {*whole, "Recording a run", "A recording of an hour at 10 samples a second"}
    if complete <= {one.title.split(":")[0] for one in others}:  # a part leaves the page as it is
        write("performance", others)
    if len(sizing) == 3:
        write("sizing", sizing)


def write(name: str, tables: list[Table]) -> None:
    """Put tables into their place on a page of the documentation."""
    page = ROOT / f"docs/{name}.md"
    mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    text = "\n\n".join([machine(), *map(str, tables)])
    found, times = mark.subn(lambda hit: f"{hit[1]}{text}\n{hit[2]}", page.read_text("utf-8"))
    assert times == 1, f"{page} has no place for its tables"
    page.write_text(found, "utf-8")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for one in TABLES.values():
        terminalreporter.write_line("")
        terminalreporter.write_line(str(one))


__all__ = ["Iterator", "browser", "lab", "open_notebook", "page", "play", "screen", "tab", "window"]
