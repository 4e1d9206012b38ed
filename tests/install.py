"""Install the built wheel as a learner does, and start the course from it.

A new environment in .cache/install gets the wheel with its extra ``lab``, and nothing else of this
folder. Then ``streamviz tutorial`` must open JupyterLab on the first notebook, and the notebook
must run there without an error.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
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
    command = [programs / "streamviz", "tutorial", "course", "--no-browser"]
    with (folder / "log").open("w+") as log:
        lab = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            link = address(folder / "log", lab)
            page, token = link.split("?token=")
            server, name = page.split("/lab/tree/")
            with urlopen(f"{server}/api/contents/{name}?token={token}") as reply:
                return str(json.load(reply)["name"])
        finally:
            lab.terminate()
            lab.wait(30)


def address(log: Path, lab: subprocess.Popen[bytes]) -> str:
    """Return the link that JupyterLab prints."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and lab.poll() is None:
        if hit := re.search(r"http://127\.0\.0\.1\S+\?token=\w+", log.read_text("utf-8")):
            return hit[0]
        time.sleep(0.2)
    raise SystemExit(f"JupyterLab has no link:\n{log.read_text('utf-8')}")


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
