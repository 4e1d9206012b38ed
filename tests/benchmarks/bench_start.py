"""What it takes to start: the import, and the embedded server."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from benchmarks.tables import table

from streamviz.server.embedded import EmbeddedServer

ROUNDS = 20


def python(program: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - began


def server() -> float:
    began = time.perf_counter()
    with EmbeddedServer() as running:
        running.client().ping()
        return time.perf_counter() - began


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("Python alone", lambda: python("pass")),
        ("`import streamviz`, Python included", lambda: python("import streamviz")),
        ("the embedded server, up to its first answer", server),
    ],
)
def test_start(what: str, how: Callable[[], float]) -> None:
    took = sorted(how() for _ in range(ROUNDS))
    found = table(f"To start: of {ROUNDS} times each", "what", "median s", "slowest s")
    found.add(what, f"{took[ROUNDS // 2]:.3f}", f"{took[-1]:.3f}")
    if what != "Python alone":
        found.aim(f"{what}: s", took[ROUNDS // 2], most=0.3)
