"""The notebooks whose outputs tell what the server can do: one saved set of outputs a server.

    python tests/matrix/outputs.py

What is in notebooks/ was saved on the server that comes along. For each other server of the
matrix a copy, executed there, lies in outputs/; it has the same cells, and `run.py` compares its
outputs instead. Only a notebook that is about the differences of servers has copies.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
OUTPUTS = Path(__file__).parent / "outputs"
TELLING = ("13_newer_redis",)


def folder(server: str) -> Path:
    """Return where the copies for one server are, by its name in the matrix."""
    return OUTPUTS / server.lower().replace(" ", "-")


def notebooks(server: str) -> list[str]:
    """Return the notebooks to compare on one server: the copy, where there is one."""
    copies = {path.name: path for path in folder(server).glob("*.ipynb")}
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
    return [str(copies.get(path.name, path).relative_to(ROOT)) for path in found]


def save(server: str, program: Path) -> None:
    """Execute the notebooks that tell of the server on it, and save the copies."""
    folder(server).mkdir(parents=True, exist_ok=True)
    for name in TELLING:
        copy = folder(server) / f"{name}.ipynb"
        shutil.copyfile(NOTEBOOKS / copy.name, copy)
        subprocess.run(
            [sys.executable, ROOT / "tests" / "execute_notebooks.py", copy],
            cwd=ROOT,
            env=os.environ
            | {
                "STREAMVIZ_REDIS_SERVER": str(program),
                "PYTHONPATH": os.pathsep.join(map(str, (ROOT, NOTEBOOKS))),
            },
            check=True,
        )


if __name__ == "__main__":
    from run import DEFAULT, SERVERS

    for name, (_, find) in SERVERS.items():
        if name != DEFAULT:
            save(name, find())
