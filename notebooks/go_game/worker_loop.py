"""A service as a process: it starts, works until SIGTERM, and gets over what the server does."""

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
from streamviz.server.embedded import connect

_BLOCK_MS = 500
_PATIENCE_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


class Worker(Protocol):
    """What can be run as a service."""

    def prepare(self) -> None:
        """Make what the work needs, if it is not there."""

    def step(self, block_ms: int | None = None) -> int:
        """Do what there is to do, or wait for it; return how much it was."""

    def close(self) -> None:
        """Leave nothing behind."""


def a_name() -> str:
    """Return a name that no other process has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def run(
    worker: Worker,
    stop: threading.Event,
    *,
    block_ms: int = _BLOCK_MS,
    say: Callable[[str], object] = lambda _: None,
) -> None:
    """Let a worker work until `stop` is set, whatever the server says meanwhile.

    Parameters
    ----------
    worker : Worker
        It is closed in the end.
    stop : threading.Event
        Seen after each step.
    block_ms : int
        How long a step waits for work, in milliseconds: `stop` is seen as late as that.
    say : callable, optional
        Called with each new trouble, in words.
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
            prepared = False  # somebody deleted the stream: begin anew with the next
            failures = _wait(error, failures, stop, say)
        except StreamVizError as error:
            failures = _wait(error, failures, stop, say)
        else:
            failures = 0
    try:
        worker.close()
    except StreamVizError as error:
        say(f"could not leave: {error}")


def _wait(
    error: Exception, failures: int, stop: threading.Event, say: Callable[[str], object]
) -> int:
    say(str(error))
    stop.wait(_PATIENCE_S[min(failures, len(_PATIENCE_S) - 1)])
    return failures + 1


def main(
    name: str,
    make: Callable[[redis.Redis, argparse.Namespace], Worker],
    options: Callable[[argparse.ArgumentParser], object] = lambda _: None,
) -> int:
    """Run a service from the command line, and return its exit status.

    ``python -m go_game.judge --redis redis://localhost:6379 --prefix go:``

    Parameters
    ----------
    name : str
        The module's name.
    make : callable
        Makes the worker, given a client and the command line.
    options : callable, optional
        Adds to the command line's options.
    """
    parser = argparse.ArgumentParser(prog=f"python -m go_game.{name}")
    parser.add_argument("--redis", metavar="URL", default=os.environ.get("REDIS_URL"))
    parser.add_argument("--prefix", default="go:")
    options(parser)
    given = parser.parse_args()
    if not given.redis:
        parser.error("no server: give --redis URL, or set REDIS_URL")
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    try:
        worker = make(connect(given.redis), given)
        worker.prepare()
    except StreamVizError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    print(f"{name}: ready", flush=True)
    run(worker, stop, say=lambda said: print(f"{name}: {said}", file=sys.stderr, flush=True))
    return 0
