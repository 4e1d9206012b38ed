"""Write notebooks/README.md: the map of the course, and where each command is met.

    python tests/course_map/make.py

Each notebook whose cells have changed is run, and what its cells really send is kept in
observed.json. The rest is read from the notebooks as they are.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
from commands import ROWS, Row, key
from nbclient import NotebookClient

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parents[1] / "notebooks"
README = NOTEBOOKS / "README.md"
OBSERVED = HERE / "observed.json"
FRONT_ENDS = ("JPY_SESSION_NAME", "VSCODE_PID", "STREAMVIZ_LIVE", "REDIS_URL")
Observed = dict[str, dict[str, Any]]

HEAD = """\
# The course

Open the first notebook with `make lab`, and continue in order. Each runs from top to bottom in \
less than twenty seconds, and asks you to predict what happens. Those up to 14 have exercises that \
check your solution, and end with three minutes to show on stage.

<!-- This page is made by `make coverage-table`: don't edit it. -->

## The map

| picture | notebook | minutes | you need |
|---|---|---|---|
"""
TABLE = """
## Where each command is met

This table lists every stream command and option up to Redis 8.10, with the version that brought \
it and the notebooks whose cells send it. In brackets are notebooks where only streamviz sends it, \
for a plot or a scenario. The table is made from what the notebooks really send, including what an \
older server refuses.

| command | option | since | notebooks |
|---|---|---|---|
"""


def notebooks() -> list[Path]:
    """Return the course, in its order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    """Return a notebook's cells."""
    return json.loads(path.read_text("utf-8"))["cells"]  # type: ignore[no-any-return]


def digest(path: Path) -> str:
    """Return what changes when a notebook's code does."""
    code = ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


def observe(path: Path) -> dict[str, Any]:
    """Run a notebook, and return which rows its cells have met; nothing is saved."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        sent = Path(folder) / "sent"
        sent.touch()
        start = f"import sys; sys.path.insert(0, {str(HERE)!r}); import recorder"
        cell = nbformat.v4.new_code_cell(f"{start}; recorder.record({str(sent)!r})")
        notebook.cells.insert(0, cell)
        NotebookClient(notebook, timeout=60).execute(cwd=str(path.parent))
        met = sorted(set(sent.read_text("utf-8").splitlines()))
    return {
        "digest": digest(path),
        "hand": [line.removeprefix("hand ") for line in met if line.startswith("hand ")],
        "kit": [line.removeprefix("kit ") for line in met if line.startswith("kit ")],
    }


def missing(observed: Observed) -> set[str]:
    """Return the rows that no notebook's cells have met."""
    met = {name for found in observed.values() for name in found["hand"]}
    return {key(row) for row in ROWS} - met


def page(observed: Observed) -> str:
    """Return the README."""
    rows = [_map_row(path) for path in notebooks()]
    return HEAD + "".join(rows) + TABLE + "".join(_table_row(row, observed) for row in ROWS)


def _map_row(path: Path) -> str:
    first = "".join(cells(path)[0]["source"])
    question = re.match(r"# (.+)", first)
    facts = re.search(r"(\d+) minutes\. You need (.+?)\.?\*?$", first, re.MULTILINE)
    if question is None or facts is None:
        raise ValueError(f"{path.name} does not open with its question, minutes and needs")
    shown = picture(path)
    image = f'<img src="images/{shown[0]}" width="240" alt="{shown[1]}">' if shown else ""
    number = path.stem[:2]
    return f"| {image} | {number} [{question[1]}]({path.name}) | {facts[1]} | {facts[2]} |\n"


def _table_row(row: Row, observed: Observed) -> str:
    links = []
    for stem, found in sorted(observed.items()):
        link = f"[{stem[:2]}]({stem}.ipynb)"
        if key(row) in found["hand"]:
            links.append(link)
        elif key(row) in found["kit"]:
            links.append(f"({link})")
    option = f"`{row.option}`" if row.option else ""
    return f"| `{row.command}` | {option} | {row.since} | {' '.join(links)} |\n"


def picture(path: Path) -> tuple[str, str, bytes] | None:
    """Return a notebook's first picture: a file's name, its words, its bytes; None if none."""
    for cell in cells(path):
        for output in cell.get("outputs", []):
            data = {kind: "".join(text) for kind, text in output.get("data", {}).items()}
            page = data.get("text/html", "")
            if found := re.search(r'src="data:image/svg\+xml,([^"]+)"', page):
                alt = re.search(r'<img alt="([^"]*)"', page)
                drawn = unquote(found[1])
                title = re.search(r"<title>([^<]*)</title>", drawn)
                words = [one[1] for one in (title, alt) if one and one[1]]
                return f"{path.stem}.svg", ": ".join(words), drawn.encode()
            drawn = data.get("image/svg+xml") or page
            if found := re.search(r"<svg.*?</svg>", drawn, re.DOTALL):
                words = re.search(r"<title>([^<]*)</title>", found[0])
                return f"{path.stem}.svg", words[1] if words else "", found[0].encode()
            if "image/png" in data:
                return f"{path.stem}.png", path.stem, base64.b64decode(data["image/png"])
    return None


def main() -> None:
    """Run what has changed, and write everything."""
    for name in FRONT_ENDS:
        os.environ.pop(name, None)
    before: Observed = json.loads(OBSERVED.read_text("utf-8")) if OBSERVED.exists() else {}
    observed: Observed = {}
    for path in notebooks():
        known = before.get(path.stem)
        if known and known["digest"] == digest(path) and "--all" not in sys.argv:
            observed[path.stem] = known
        else:
            observed[path.stem] = observe(path)
            print(f"{path.name}: run, {len(observed[path.stem]['hand'])} rows met")
        if shown := picture(path):
            (NOTEBOOKS / "images" / shown[0]).write_bytes(shown[2])
    OBSERVED.write_text(json.dumps(observed, indent=1) + "\n", "utf-8")
    README.write_text(page(observed), "utf-8")
    print(f"{len(ROWS)} rows, not met yet: {', '.join(sorted(missing(observed))) or 'none'}")


if __name__ == "__main__":
    main()
