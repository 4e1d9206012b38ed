"""Check that every link in the prose leads somewhere: files that exist, headings that exist.

Links to the web are not followed: a test that needs the network is a test that fails in a train.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parent.parent
LINK = re.compile(
    r"!?\[[^\]]*\]\(([^)\s]+)\)|<(?:img|source|a)[^>]+(?:src|srcset|href)=\"([^\"]+)\""
)
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def prose(path: Path) -> str:
    """Return a file's Markdown: all of it, or the Markdown cells of a notebook."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text("utf-8"))["cells"]
        text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    else:
        text = path.read_text("utf-8")
    return FENCE.sub("", text)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub and JupyterLab's exports give to a heading."""
    words = re.sub(r"[`*_]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def broken(path: Path) -> list[str]:
    """Return the links of one file that lead nowhere."""
    found = []
    for match in LINK.finditer(prose(path)):
        link = unquote(match[1] or match[2])
        if re.match(r"[a-z+]+:", link):
            continue
        name, _, fragment = link.partition("#")
        # `make docs` copies the notebooks to docs/course
        name = re.sub(r"^(\.\./)?course/", r"\1../notebooks/", name)
        target = (path.parent / name).resolve() if name else path
        if not target.exists():
            found.append(f"{path.relative_to(ROOT)}: {link}: there is no such file")
        elif fragment and target.suffix in {".md", ".ipynb"}:
            anchors = {anchor(heading) for heading in HEADING.findall(prose(target))}
            if fragment.lower() not in anchors:
                found.append(f"{path.relative_to(ROOT)}: {link}: there is no such heading")
    return found


def main() -> None:
    """Check all prose of the project; exit with 1 if a link is broken."""
    places = ("*.md", "docs/*.md", "docs/how_to/*.md", "notebooks/*.md", "notebooks/*.ipynb")
    paths = [path for place in places for path in ROOT.glob(place)]
    links = sum(len(LINK.findall(prose(path))) for path in paths)
    if not links:
        sys.exit("no links found in the prose: is the pattern broken?")
    found = [line for path in sorted(paths) for line in broken(path)]
    print("\n".join(found) or f"{links} links in {len(paths)} files lead somewhere")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
