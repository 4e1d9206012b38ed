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


PAGES = ("performance", "sizing")


def machine() -> str:
    client = connect()
    version = Connection(client).version
    client.close()
    return (
        f"Measured with `make bench`: {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, {version}. The machine is shared and noisy: read the "
        "ratios."
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.timeout(600))  # the slowest of the others takes its time


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus or session.config.option.keyword:  # a part of a table leaves the page as it is
        return
    for name in PAGES:
        write(name, [one for one in TABLES.values() if one.page == name])


def write(name: str, tables: list[Table]) -> None:
    """Put tables into their places on a page of the documentation, and leave its others."""
    page = ROOT / f"docs/{name}.md"
    text = page.read_text("utf-8")
    found = re.search(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", text, re.DOTALL)
    assert found, f"{page} has no place for its tables"
    _, *old = re.split(r"^(?=\*\*)", found[0], flags=re.MULTILINE)
    by_name = {re.split("[:*]", one.strip("*"))[0]: one.strip() for one in old}
    today = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
    by_name |= {one.title.split(":")[0]: one.dated(today) for one in tables}
    if tables:
        whole = "\n\n".join([machine(), *by_name.values()])
        page.write_text(text.replace(found[0], f"{whole}\n"), "utf-8")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for one in TABLES.values():
        terminalreporter.write_line("")
        terminalreporter.write_line(str(one))


__all__ = ["Iterator", "browser", "lab", "open_notebook", "page", "play", "screen", "tab", "window"]
