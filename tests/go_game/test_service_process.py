"""A service as a real process: it starts, is killed, and does not outlive its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis as redis_py
from processes import alive

from go_game import service_process
from go_game.service_process import ServiceProcess, environment
from streamviz.errors import InputError, ServerError
from streamviz.server.embedded import EmbeddedServer

NOTEBOOKS = Path(service_process.__file__).parents[1]


@pytest.mark.parametrize("name", ["judge", "lobby"])
def test_a_service_is_ready_when_it_is_there_and_leaves_when_asked(
    redis: redis_py.Redis, prefix: str, server: EmbeddedServer, name: str
) -> None:
    service = ServiceProcess(name, prefix, url=server.url)
    assert service.alive
    assert redis.keys(f"{prefix}*"), "it has made its groups"
    service.stop()
    assert not service.alive
    assert repr(service) == f"<ServiceProcess {name}: ended>"
    service.kill()  # the second time does nothing


@pytest.mark.parametrize("name", ["judge", "lobby"])
@pytest.mark.parametrize("how", ["in the notebooks' folder", "with that folder on the path"])
def test_a_service_starts_from_the_command_line(
    prefix: str, server: EmbeddedServer, tmp_path: Path, name: str, how: str
) -> None:
    in_folder = how == "in the notebooks' folder"
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kit = [folder for folder in path if folder != str(NOTEBOOKS)]
    with subprocess.Popen(
        [sys.executable, "-m", f"go_game.{name}", "--redis", server.url, "--prefix", prefix],
        cwd=NOTEBOOKS if in_folder else tmp_path,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(kit if in_folder else [str(NOTEBOOKS), *kit])},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{name}: ready\n"
        process.terminate()
        assert process.wait(10) == 0


def test_kill_is_at_once(prefix: str, server: EmbeddedServer) -> None:
    service = ServiceProcess("judge", prefix, url=server.url)
    service.kill()
    assert not service.alive
    assert service._process.returncode == -signal.SIGKILL


def test_one_that_does_not_start_says_why(prefix: str, server: EmbeddedServer) -> None:
    with pytest.raises(ServerError, match="unrecognized arguments"):
        ServiceProcess("judge", prefix, "--nonsense", url=server.url)
    with pytest.raises(ServerError, match="No module named"):
        ServiceProcess("nobody", prefix, url=server.url)
    with pytest.raises(InputError, match="is not a service"):
        ServiceProcess("", prefix, url=server.url)


def test_it_ends_with_its_owner_however_that_ends(
    prefix: str, server: EmbeddedServer, until: Callable[..., None]
) -> None:
    owner = (
        "import os, signal; from go_game.service_process import ServiceProcess; "
        f"service = ServiceProcess('judge', {prefix!r}, url={server.url!r}); "
        "print(service._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    told = subprocess.run(
        [sys.executable, "-c", owner], capture_output=True, text=True, timeout=20, env=environment()
    )
    child = int(told.stdout)

    until(lambda: not alive(child), 5)
