"""Start a service in another process, and kill it, from a notebook.

The process ends when its owner ends, even by SIGKILL: it reads its standard input and exits when
that closes.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from streamviz.errors import InputError, ServerError
from streamviz.server import embedded_server

_FOLDER = Path(__file__).parents[1]
SERVICES = {"judge": "go_game.judge", "lobby": "go_game.lobby"}
_EXIT_TIMEOUT_S = 5


def environment(**variables: str) -> dict[str, str]:
    """Return the environment for a process that imports what the notebooks import."""
    path = os.pathsep.join(filter(None, [str(_FOLDER), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path} | variables


class ServiceProcess:
    """A judge or a lobby in another process, ready for work when the constructor returns.

    Parameters
    ----------
    name : {"judge", "lobby"}
        The service, or a module whose ``main`` takes the same options.
    prefix : str
        The start of all keys.
    *options : str
        Further command-line options.
    url : str, optional
        The server; by default, the one that `streamviz.connect` uses.

    Raises
    ------
    ServerError
        If the service does not start; the message ends with its error output.

    Examples
    --------
    >>> with ServiceProcess("judge", "doctest:service:") as judge:
    ...     judge.alive
    True
    >>> judge.alive
    False
    """

    def __init__(
        self, name: str, prefix: str = "go:", *options: str, url: str | None = None
    ) -> None:
        if not isinstance(name, str) or not name:
            raise InputError(f"{name!r} is not a service: give one of {', '.join(SERVICES)}")
        self.name = name
        url = url or os.environ.get("REDIS_URL") or embedded_server().url
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                __name__,
                SERVICES.get(name, name),
                "--prefix",
                prefix,
                *options,
            ],
            env=environment(REDIS_URL=url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if not self._process.stdout.readline().endswith("ready\n"):
            errors = self._end(signal.SIGKILL)
            raise ServerError(f"the {name} did not start: {errors.strip()[-500:]}")

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill the process at once (SIGKILL)."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the process to stop, and wait until it has (SIGTERM)."""
        self._end(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<ServiceProcess {self.name}: {'alive' if self.alive else 'ended'}>"

    def _end(self, with_signal: signal.Signals) -> str:
        """Send a signal, wait until the process ends, and return its error output."""
        if self.alive:
            self._process.send_signal(with_signal)
        try:
            self._process.wait(_EXIT_TIMEOUT_S)  # standard input stays open: the signal must do it
        except subprocess.TimeoutExpired:
            self._process.kill()
        try:
            return self._process.communicate()[1]
        except ValueError:  # a second call: the pipes are closed
            return ""


def end_with_owner() -> None:
    """Start a thread that ends this process when its standard input closes."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main() -> int:
    """Run the service of the module named first on the command line, until its owner ends."""
    module = sys.argv.pop(1)
    end_with_owner()
    status: int = importlib.import_module(module).main()
    return status


if __name__ == "__main__":
    os._exit(main())  # the thread still waits for the owner
