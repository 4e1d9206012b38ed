"""A service as a real process of its own, to be started and killed from a notebook.

It is gone when its owner is gone, however that ends: it holds on to its standard input, and ends
when that closes.
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
from streamviz.server.embedded import embedded

_FOLDER = Path(__file__).parents[1]
SERVICES = {"judge": "go_game.judge", "lobby": "go_game.lobby"}
_END_S = 5


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a process that is to import what the notebooks import."""
    path = os.pathsep.join(filter(None, [str(_FOLDER), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path} | more


class Service:
    """A judge or a lobby at work in another process; ready when this returns.

    Parameters
    ----------
    name : {"judge", "lobby"}
        Which service; or a module whose ``main`` takes the same options.
    prefix : str
        What all keys begin with.
    *options : str
        More for its command line.
    url : str, optional
        The server; without it, the one that `streamviz.connect` would take.

    Raises
    ------
    ServerError
        If it does not start; the message has what it said.

    Examples
    --------
    >>> with Service("judge", "doctest:service:") as judge:
    ...     judge.alive
    True
    >>> judge.alive
    False
    """

    def __init__(
        self, name: str, prefix: str = "go:", *options: str, url: str | None = None
    ) -> None:
        if not isinstance(name, str) or not name:
            raise InputError(f"{name!r} is no service: give one of {', '.join(SERVICES)}")
        self.name = name
        url = url or os.environ.get("REDIS_URL") or embedded().url
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
            said = self._end(signal.SIGKILL)
            raise ServerError(f"the {name} did not start: {said.strip()[-500:]}")

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill it at once, in the middle of whatever it does (SIGKILL)."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and wait until it has (SIGTERM)."""
        self._end(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Service {self.name}: {'alive' if self.alive else 'gone'}>"

    def _end(self, with_signal: signal.Signals) -> str:
        """Send a signal, wait for the end, and return what the process complained of."""
        if self.alive:
            self._process.send_signal(with_signal)
        try:
            self._process.wait(_END_S)  # with its standard input open: it shall end by itself
        except subprocess.TimeoutExpired:
            self._process.kill()
        try:
            return self._process.communicate()[1]
        except ValueError:  # its pipes are closed: this is the second time
            return ""


def _end_with_owner() -> None:
    while os.read(0, 1):
        pass
    os._exit(0)


def main() -> int:
    """Run a module's service, named first on the command line, for as long as its owner lives."""
    module = sys.argv.pop(1)
    threading.Thread(target=_end_with_owner, daemon=True).start()
    status: int = importlib.import_module(module).main()
    return status


if __name__ == "__main__":
    os._exit(main())  # the thread still waits for its owner
