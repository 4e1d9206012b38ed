"""Install the built wheel as a learner does, and start the course from it.

A new environment in .cache/install gets the wheel with its extra ``lab``, and nothing else of this
folder. Then ``streamviz tutorial`` must open JupyterLab on the first notebook, and the notebook
must run there without an error.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".cache" / "install"
FIRST = "00_start_here.ipynb"


def install() -> Path:
    """Build the wheel, install it in a new environment, and return the environment's programs."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", FOLDER]
    subprocess.run(build, cwd=ROOT, check=True)
    (wheel,) = FOLDER.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", FOLDER / "venv"], check=True)
    programs = FOLDER / "venv" / "bin"
    pip = [programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, f"{wheel}[lab]"], check=True)
    return programs


def open_tutorial(programs: Path, folder: Path) -> str:
    """Run ``streamviz tutorial``, and return the name of the notebook that JupyterLab opens."""
    opened, browser = folder / "opened", folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o700)
    with (folder / "log").open("w+") as log:
        lab = subprocess.Popen(
            [programs / "streamviz", "tutorial", "course"],
            cwd=folder,
            env=os.environ | {"BROWSER": f"{browser} %s"},
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + 120
            while not opened.exists():
                if time.monotonic() > deadline or lab.poll() is not None:
                    raise SystemExit(f"no page was opened:\n{(folder / 'log').read_text()}")
                time.sleep(0.2)
            page = Path(urlsplit(opened.read_text().strip()).path).read_text("utf-8")
            hit = re.search(r'(http://[^"]+)/lab/tree/([^"?]+)\?token=(\w+)', page)
            if hit is None:
                raise SystemExit(f"the page opens no notebook:\n{page}")
            with urlopen(f"{hit[1]}/api/contents/{hit[2]}?token={hit[3]}") as reply:
                return str(json.load(reply)["name"])
        finally:
            lab.terminate()
            lab.wait(60)


def main() -> None:
    """Do all of it, and print what was found."""
    programs = install()
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) / 1e6
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        opened = open_tutorial(programs, folder)
        if opened != FIRST:
            raise SystemExit(f"JupyterLab opens {opened!r} and not {FIRST!r}")
        run = [programs / "jupyter", "execute", "--inplace", folder / "course" / FIRST]
        subprocess.run(run, check=True)
        notebook = json.loads((folder / "course" / FIRST).read_text("utf-8"))
        outputs = sum(len(cell.get("outputs", ())) for cell in notebook["cells"])
        if not outputs:
            raise SystemExit(f"{FIRST} ran, but has no output")
    print(f"{opened}: opened by streamviz tutorial, {outputs} outputs; installed {size:.0f} MB")


if __name__ == "__main__":
    main()
