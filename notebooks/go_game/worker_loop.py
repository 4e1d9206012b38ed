"""Run a service as a process: start it, let it work until SIGTERM, and survive server errors."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Protocol

import redis

from streamviz.errors import NoSuchGroup, NoSuchStream, StreamVizError
from streamviz.server import connect

_BLOCK_MS = 500
_RETRY_DELAYS_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


class Worker(Protocol):
    """An object that `run` can run as a service."""

    def prepare(self) -> None:
        """Create the keys that the work needs, if they do not exist."""

    def step(self, block_ms: int | None = None) -> int:
        """Wait for work, do it, and return the number of entries handled."""

    def close(self) -> None:
        """Clean up."""


def unique_name() -> str:
    """Return a consumer name that no other process uses."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def run(
    worker: Worker,
    stop: threading.Event,
    *,
    block_ms: int = _BLOCK_MS,
    report: Callable[[str], object] = lambda _: None,
) -> None:
    """Run a worker until `stop` is set; retry after server errors.

    Parameters
    ----------
    worker : Worker
        The worker; it is closed at the end.
    stop : threading.Event
        Checked after each step.
    block_ms : int
        How long a step waits for work, in milliseconds; `stop` may take effect this late.
    report : callable, optional
        Called with the text of each error.
    """
    failures = 0
    prepared = False
    while not stop.is_set():
        try:
            if not prepared:
                worker.prepare()
                prepared = True
            worker.step(block_ms)
        except (NoSuchGroup, NoSuchStream) as error:
            prepared = False  # the stream was deleted: start again with a new one
            failures = _wait(error, failures, stop, report)
        except StreamVizError as error:
            failures = _wait(error, failures, stop, report)
        else:
            failures = 0
    try:
        worker.close()
    except StreamVizError as error:
        report(f"could not close: {error}")


def _wait(
    error: Exception, failures: int, stop: threading.Event, report: Callable[[str], object]
) -> int:
    report(str(error))
    stop.wait(_RETRY_DELAYS_S[min(failures, len(_RETRY_DELAYS_S) - 1)])
    return failures + 1


def main(
    name: str,
    create_worker: Callable[[redis.Redis, argparse.Namespace], Worker],
    add_options: Callable[[argparse.ArgumentParser], object] = lambda _: None,
) -> int:
    """Run a service from the command line, and return its exit status.

    ``python -m go_game.judge --redis redis://localhost:6379 --prefix go:``

    Parameters
    ----------
    name : str
        The module's name.
    create_worker : callable
        Returns the worker, given a client and the parsed command line.
    add_options : callable, optional
        Adds options to the parser.
    """
    parser = argparse.ArgumentParser(prog=f"python -m go_game.{name}")
    parser.add_argument("--redis", metavar="URL", default=os.environ.get("REDIS_URL"))
    parser.add_argument("--prefix", default="go:")
    add_options(parser)
    args = parser.parse_args()
    if not args.redis:
        parser.error("no server: give --redis URL, or set REDIS_URL")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        worker = create_worker(connect(args.redis), args)
        worker.prepare()
    except StreamVizError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    print(f"{name}: ready", flush=True)
    run(worker, stop, report=lambda text: print(f"{name}: {text}", file=sys.stderr, flush=True))
    return 0
