"""Run the tests on the lowest and the newest versions of all dependencies that we allow.

Each run has a virtual environment of its own in .cache/versions, which the next run brings up to
date (``make clean`` removes them). Name one of the two, or get both:
``python tests/versions.py [lowest|newest]``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
TESTS = ["tests", "--ignore", "tests/browser", "-n", "4", "--dist", "loadfile", "-q"]
SHOW = "import importlib.metadata as all, sys; print(*map(all.version, sys.argv[1:]))"


def dependencies() -> list[Requirement]:
    """Return the dependencies in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [Requirement(one) for one in project["dependencies"]]


def lowest() -> list[str]:
    """Return a pin for each dependency: its lower bound."""
    pins = []
    for wanted in dependencies():
        (bound,) = (one.version for one in wanted.specifier if one.operator == ">=")
        pins.append(f"{wanted.name}=={bound}" + (f"; {wanted.marker}" if wanted.marker else ""))
    return pins


def install(which: str) -> Path:
    """Install the package and its development tools in an environment; return its Python."""
    folder = ROOT / ".cache" / "versions" / which
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(lowest()), "utf-8")
    if uv := shutil.which("uv"):
        pip, newer = [uv, "pip", "install", "--python", python], ["--upgrade"]
    else:
        pip = [python, "-m", "pip", "install", "--no-compile"]  # most of it is never imported
        newer = ["--upgrade", "--upgrade-strategy", "eager"]
    chosen = newer if which == "newest" else ["-c", constraints]
    subprocess.run([*pip, "-q", *chosen, "-e", ".[dev]"], cwd=ROOT, check=True)
    return python


def installed(python: Path) -> str:
    """Return what the environment has of our dependencies, as pip writes it."""
    names = [one.name for one in dependencies() if one.marker is None or one.marker.evaluate()]
    versions = subprocess.check_output([python, "-c", SHOW, *names], text=True).split()
    return " ".join(map("==".join, zip(names, versions, strict=True)))


def main() -> int:
    """Test each environment that is named, or both, and return 1 if a test failed."""
    failed = []
    for which in sys.argv[1:] or ["lowest", "newest"]:
        python = install(which)
        print(f"--- {which} versions: {installed(python)}", flush=True)
        environment = os.environ | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
        if subprocess.run([python, "-m", "pytest", *TESTS], cwd=ROOT, env=environment).returncode:
            failed.append(which)
    print(f"failed on the {' and the '.join(failed)} versions" if failed else "all passed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
