"""Run the tests on the lowest and the newest versions of all dependencies that we allow.

Each run has a virtual environment of its own in .cache/versions. Name one of the two, or get both:
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


def lowest() -> list[str]:
    """Return a pin for each dependency: its lower bound in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pins = []
    for wanted in map(Requirement, project["dependencies"]):
        (bound,) = (one.version for one in wanted.specifier if one.operator == ">=")
        pins.append(f"{wanted.name}=={bound}" + (f"; {wanted.marker}" if wanted.marker else ""))
    return pins


def install(which: str) -> Path:
    """Make an environment with the package and its development tools; return its Python."""
    folder = ROOT / ".cache" / "versions" / which
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    python = folder / "bin" / "python"
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(lowest() if which == "lowest" else []), "utf-8")
    uv = shutil.which("uv")
    pip = [uv, "pip", "install", "--compile-bytecode"] if uv else [python, "-m", "pip", "install"]
    where = ["--python", python] if uv else []
    subprocess.run([*pip, *where, "-q", "-c", constraints, "-e", ".[dev]"], cwd=ROOT, check=True)
    return python


def main() -> int:
    """Test each environment that is named, or both, and return 1 if a test failed."""
    failed = []
    for which in sys.argv[1:] or ["lowest", "newest"]:
        python = install(which)
        print(f"--- {which} versions", flush=True)
        environment = os.environ | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
        if subprocess.run([python, "-m", "pytest", *TESTS], cwd=ROOT, env=environment).returncode:
            failed.append(which)
    print(f"failed on the {' and the '.join(failed)} versions" if failed else "all passed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
