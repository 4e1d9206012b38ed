"""Build the newest Redis that Debian has, from its source package in experimental.

The mirror is the one that this machine's own apt uses; root is not needed. What was built once is
kept under .cache/ and used again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache" / "redis-experimental"
TOOLS = {"apt-get": "apt", "dpkg-source": "dpkg-dev", "make": "make", "cc": "gcc libc6-dev"}


class CannotBuild(Exception):
    """Something that building needs is not here."""


def build() -> Path:
    """Return the program, built if it was not yet."""
    program = CACHE / "redis-server"
    if program.exists():
        return program
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        raise CannotBuild(f"install first: apt-get install {' '.join(missing)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    source = fetch()
    log = CACHE / "build.log"
    flags = ["MALLOC=libc", "BUILD_TLS=no", "USE_SYSTEMD=no", "OPTIMIZATION=-O2"]
    with log.open("w") as out:
        done = subprocess.run(
            ["make", f"-j{os.cpu_count()}", "-C", "src", "redis-server", *flags],
            cwd=source,
            stdout=out,
            stderr=out,
            check=False,
        )
    if done.returncode:
        raise CannotBuild(f"make failed; its last words:\n{log.read_text()[-2000:]}")
    shutil.copy2(source / "src" / "redis-server", program)
    shutil.rmtree(source)
    return program


def fetch() -> Path:
    """Return the unpacked source, without touching the machine's own apt lists."""
    for folder in ("lists/partial", "archives/partial"):
        (CACHE / "apt" / folder).mkdir(parents=True, exist_ok=True)
    listing = CACHE / "apt" / "sources.list"
    listing.write_text(f"deb-src {mirror()} experimental main\n")
    own = {
        "Dir::Etc::sourcelist": listing,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": CACHE / "apt" / "lists",
        "Dir::Cache": CACHE / "apt",
        "APT::Sandbox::User": "root",
    }
    options = [part for name, value in own.items() for part in ("-o", f"{name}={value}")]
    said = ""
    for command in (
        ["apt-get", *options, "update"],
        ["apt-get", *options, "source", "--only-source", "redis"],
    ):
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        if done.returncode:
            raise CannotBuild(f"{' '.join(command[-2:])} failed: {said[-2000:]}")
    found = [path for path in CACHE.glob("redis-*") if (path / "src").is_dir()]
    if not found:
        raise CannotBuild(f"apt-get brought no source: {said[-2000:]}")
    return found[0]


def mirror() -> str:
    """Return the address from which this machine gets Debian's packages."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Origin: Debian", "Component: main"],
        capture_output=True,
        text=True,
        check=False,
    )
    sites = [site for site in done.stdout.split() if "security" not in site]
    if not sites:
        raise CannotBuild("apt knows no Debian mirror: run apt-get update, on a Debian machine")
    return sites[0]


if __name__ == "__main__":
    try:
        print(build())
    except CannotBuild as problem:
        sys.exit(str(problem))
