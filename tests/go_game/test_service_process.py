"""A service as a real process: it starts, is killed, and does not outlive its owner."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import redis as redis_py
from processes import alive

from go_game.service_process import Service, environment
from streamviz.errors import InputError, ServerError
from streamviz.server.embedded import EmbeddedServer


@pytest.mark.parametrize("name", ["judge", "lobby"])
def test_a_service_is_ready_when_it_is_there_and_leaves_when_asked(
    redis: redis_py.Redis, prefix: str, server: EmbeddedServer, name: str
) -> None:
    service = Service(name, prefix, url=server.url)
    assert service.alive
    assert redis.keys(f"{prefix}*"), "it has made its groups"
    service.stop()
    assert not service.alive
    assert repr(service) == f"<Service {name}: gone>"
    service.kill()  # the second time does nothing


def test_kill_is_at_once(prefix: str, server: EmbeddedServer) -> None:
    service = Service("judge", prefix, url=server.url)
    began_s = time.monotonic()
    service.kill()
    assert not service.alive
    assert time.monotonic() - began_s < 2


def test_one_that_does_not_start_says_why(prefix: str, server: EmbeddedServer) -> None:
    with pytest.raises(ServerError, match="unrecognized arguments"):
        Service("judge", prefix, "--nonsense", url=server.url)
    with pytest.raises(ServerError, match="No module named"):
        Service("nobody", prefix, url=server.url)
    with pytest.raises(InputError, match="is no service"):
        Service("", prefix, url=server.url)


def test_it_ends_with_its_owner_however_that_ends(
    prefix: str, server: EmbeddedServer, until: Callable[..., None]
) -> None:
    owner = (
        "import os, signal; from go_game.service_process import Service; "
        f"service = Service('judge', {prefix!r}, url={server.url!r}); "
        "print(service._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    told = subprocess.run(
        [sys.executable, "-c", owner], capture_output=True, text=True, timeout=20, env=environment()
    )
    child = int(told.stdout)

    until(lambda: not alive(child), 5)
