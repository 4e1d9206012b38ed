"""Services that are real processes, quick to start and easy to kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from go_game.service_process import environment
from streamviz.server.embedded import EmbeddedServer

pytest.register_assert_rewrite("acceptance", "lobby_model")

HERE = Path(__file__).parent


class Nursery:
    """Starts services, and knows which of them are alive."""

    def __init__(self, url: str) -> None:
        self.children: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "nursery.py")],
            env=environment(REDIS_URL=url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self, service: str, prefix: str, dies_after: int | None = None) -> int:
        """Start a service that dies after a number of commands, and return its process ID."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = [f"go_game.{service}", ["--prefix", prefix], dies_after]
        print(json.dumps(order), file=self._process.stdin, flush=True)
        child = int(self._process.stdout.readline())
        self.children.add(child)
        return child

    def lives(self, child: int) -> bool:
        """Return whether it is still running."""
        if child in self.children:
            try:
                os.kill(child, 0)
            except ProcessLookupError:
                self.children.discard(child)
        return child in self.children

    def kill(self, child: int) -> None:
        """Kill it, whatever it is doing."""
        if self.lives(child):
            os.kill(child, signal.SIGKILL)

    def close(self) -> str:
        """End all services, and return their error output."""
        for child in list(self.children):
            self.kill(child)
        return self._process.communicate(timeout=10)[1]


@pytest.fixture(scope="module")
def upstream() -> Iterator[EmbeddedServer]:
    """Run a server that a proxy can stand in front of."""
    with EmbeddedServer(port=0) as running:
        yield running


@pytest.fixture
def nursery(server: EmbeddedServer) -> Iterator[Nursery]:
    made = Nursery(server.url)
    yield made
    assert made.close() == "", "a service complained"
