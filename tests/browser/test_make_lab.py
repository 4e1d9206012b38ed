"""The first of the README's two commands, as its reader types it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.conftest import ROOT, end
from playwright.sync_api import Page, expect


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[str]:
    """Run ``make lab``, and return what it gives the browser to open."""
    told = tmp_path / "told"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {told}.part && mv {told}.part {told}\n')
    browser.chmod(0o755)
    folders = {name: str(tmp_path / name) for name in ("config", "data", "runtime")}
    own = {f"JUPYTER_{name.upper()}_DIR": path for name, path in folders.items()}
    own |= {"JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"), "BROWSER": str(browser)}
    with (tmp_path / "log").open("w") as log:
        lab = subprocess.Popen(
            [shutil.which("make") or "make", "lab"],
            cwd=ROOT,
            env=os.environ | own,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 50
        while not told.exists():
            assert lab.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield told.read_text().strip()
    finally:
        end(lab)
    deadline = time.monotonic() + 10
    while goes_on(lab.pid):  # nothing of its session does for long
        assert time.monotonic() < deadline
        time.sleep(0.1)


def goes_on(group: int) -> bool:
    """Return whether a process of a group lives, or was not waited for yet."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.timeout(120)
def test_make_lab_opens_the_first_notebook_on_loopback_with_a_token(
    opened: str, page: Page
) -> None:
    page.goto(opened)
    heading = page.locator(".jp-Notebook h1")
    heading.first.wait_for(timeout=40_000)
    expect(heading.first).to_contain_text("What does a stream look like while it works?")
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    idle.wait_for(timeout=40_000)  # ended while it starts a kernel, JupyterLab hangs
    expect(page.locator("#jp-main-dock-panel .lm-TabBar-tab"), "it opens alone").to_have_count(1)
    assert page.get_by_text("official Jupyter news").count() == 0
    assert (ROOT / "course" / "00_start_here.ipynb").is_file()
    assert "/course/" in (ROOT / ".gitignore").read_text("utf-8").split()
    page.wait_for_url(lambda url: urlsplit(url).path.endswith("00_start_here.ipynb"))
    where = urlsplit(page.url)
    assert where.hostname in ("127.0.0.1", "localhost")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"http://{where.netloc}/api/sessions", timeout=5)
