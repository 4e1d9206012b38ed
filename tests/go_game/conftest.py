"""Services as processes, for the tests of the game."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from widgets.conftest import listen as listen
from widgets.conftest import threads as threads

from go_game.service_process import environment
from streamviz.server.embedded import EmbeddedServer

pytest.register_assert_rewrite("acceptance", "lobby_model")

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(server: EmbeddedServer, prefix: str) -> Iterator[Start]:
    """Start a service at the test's prefix and wait until it is ready; all end with the test."""
    running: list[subprocess.Popen[str]] = []

    def begin(name: str, *more: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", f"go_game.{name}", "--prefix", prefix, *more]
        process = subprocess.Popen(
            words,
            env=environment(REDIS_URL=server.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == f"{name}: ready\n"
        return process

    yield begin
    for process in running:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
