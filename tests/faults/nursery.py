"""A process that starts others quickly, by fork, and lets each die at a chosen command.

Each line that it reads is a JSON list: a module, the command line for it, and the number of the
command after which the child kills itself (SIGKILL), or null. It answers with the child's process
ID. A child sends its commands one by one to the server as far as that number, and nothing of what
comes after, also in the middle of a pipeline: so it can die between any two commands.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Iterable
from typing import Any

import redis.connection

from go_game import judge, lobby

assert judge, lobby  # they are imported once, here, and not in every child


def commands_in(packed: bytes) -> Iterable[bytes]:
    """Split outgoing bytes into single commands (RESP arrays of strings)."""
    at = 0
    while at < len(packed):
        start = at
        end = packed.index(b"\r\n", at)
        words, at = int(packed[at + 1 : end]), end + 2
        for _ in range(words):
            end = packed.index(b"\r\n", at)
            at = end + 2 + int(packed[at + 1 : end]) + 2
        yield packed[start:at]


def make_mortal(commands: int) -> None:
    """Make this process kill itself after it has sent a number of commands."""
    left = [commands]
    send = redis.connection.AbstractConnection.send_packed_command

    def send_or_die(self: Any, command: Any, check_health: bool = True) -> None:
        packed = b"".join(command)
        whole = list(commands_in(packed))
        if len(whole) < left[0]:
            left[0] -= len(whole)
            send(self, [packed], check_health)
            return
        send(self, whole[: left[0]], check_health)
        os.kill(os.getpid(), signal.SIGKILL)

    redis.connection.AbstractConnection.send_packed_command = send_or_die  # type: ignore[method-assign]


def be(module: str, words: list[str], dies_after: int | None) -> None:
    """Become a service, and never return."""
    sys.argv = [module, *words]
    quiet = os.open(os.devnull, os.O_RDWR)
    for one in (0, 1):
        os.dup2(quiet, one)
    if dies_after is not None:
        make_mortal(dies_after)
    try:
        status = importlib.import_module(module).main()
    except BaseException as error:
        print(f"{module} died of {error!r}", file=sys.stderr, flush=True)
        status = 70
    os._exit(status)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            be(*json.loads(line))
        print(child, flush=True)


if __name__ == "__main__":
    main()
