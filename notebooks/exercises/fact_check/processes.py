"""Other Python processes: they run a program on the same Redis, or show their memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from streamviz.client import Client, Stream
from streamviz.errors import ServerError

PREFIX = "fact:"
_WHERE = ("host", "port", "db", "username", "password")
_CLIENT = "import json, redis\nclient = redis.Redis(**json.loads(input()))\n"
_WAIT = "\nprint('ready', flush=True)\nimport sys\nsys.stdin.read()\n"


def fresh(client: Client, name: str) -> Stream:
    """Delete the stream ``fact:<name>``, and return it."""
    stream = Stream(client, PREFIX + name)
    client.unlink(stream.key)
    return stream


def clean_up(client: Any) -> None:
    """Delete the keys of the experiments: all keys that start with ``fact:``."""
    for key in list(client.scan_iter(f"{PREFIX}*", count=1000)):
        client.unlink(key)


def again(client: redis.Redis, **options: Any) -> redis.Redis:
    """Return another client of the same server, for example one with ``protocol=3``."""
    return redis.Redis(**_address(client), **options)


@contextmanager
def listening(client: redis.Redis, channel: str) -> Iterator[Any]:
    """Subscribe to a channel for the duration of the block (SUBSCRIBE, 2.0)."""
    plain: Any = client  # redis-py has no types for it
    listener = plain.pubsub()
    try:
        listener.subscribe(channel)
        yield listener
    finally:
        listener.close()


def elsewhere(client: redis.Redis | None, program: str) -> str:
    """Run a program in another process, and return its output.

    Parameters
    ----------
    client : redis.Redis or None
        The server; the program finds a client of it under the name ``client``.
    program : str
        Python.

    Raises
    ------
    ServerError
        If the program ends with an error; the message has its last line.
    """
    done = subprocess.run(
        [sys.executable, "-c", _begin(client) + program],
        input=_first_line(client),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        error = done.stderr.strip().rpartition("\n")[2]
        raise ServerError(f"the other process failed: {error}. Correct its program")
    return done.stdout


def private_mib(program: str, client: redis.Redis | None = None) -> float:
    """Return the private memory of a process after it has run a program, in MiB.

    That is the unique set size (USS): the memory that would be free if the process ended.

    Parameters
    ----------
    program : str
        Python.
    client : redis.Redis, optional
        The server; the program finds a client of it under the name ``client``.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _begin(client) + program + _WAIT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None  # a pipe
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.write(_first_line(client))
        child.stdin.flush()
        if child.stdout.readline() != "ready\n":
            error = child.stderr.read().strip().rpartition("\n")[2]
            raise ServerError(f"the other process failed: {error}. Correct its program")
        return _private_bytes(child.pid) / 2**20


def _private_bytes(pid: int) -> int:
    try:
        import psutil
    except ImportError:  # ipykernel installs it
        return private_bytes_on_linux(pid)
    return int(psutil.Process(pid).memory_full_info().uss)


def private_bytes_on_linux(pid: int) -> int:
    """Return a process's unique set size in bytes, as reported by Linux."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def _begin(client: redis.Redis | None) -> str:
    return "" if client is None else _CLIENT


def _first_line(client: redis.Redis | None) -> str:
    """Return the process's first input line; other users could see its arguments."""
    return "" if client is None else json.dumps(_address(client)) + "\n"


def _address(client: redis.Redis) -> dict[str, Any]:
    """Return the options for another client of the same server."""
    pool: Any = client.connection_pool
    options = pool.connection_kwargs
    address = {name: options[name] for name in _WHERE if options.get(name) is not None}
    if "path" in options:
        address["unix_socket_path"] = options["path"]
    if issubclass(pool.connection_class, redis.SSLConnection):
        secure = {name: value for name, value in options.items() if name.startswith("ssl_")}
        address |= {"ssl": True, **secure}
    return address
