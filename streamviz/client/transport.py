"""Send commands over one of redis-py's connections, and read the raw replies.

In this package a *raw connection* is redis-py's: one socket, borrowed from a client's pool. A
`streamviz.client.Connection` is ours: it borrows raw connections as it needs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import TIMEOUT_MAX
from typing import Any

import hiredis
import redis
from redis.client import Pipeline
from redis.cluster import ClusterPipeline
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    InvalidResponse,
    RedisError,
    ResponseError,
)
from redis.sentinel import SentinelConnectionPool

from streamviz.client.resp import Command, pack
from streamviz.client.tls_check import check_tls
from streamviz.errors import InputError, ServerAuthError, ServerError, ServerUnreachable

_BLOCK_MARGIN_S = 5.0
_CHUNK_BYTES = 65_536
_MAX_REASON = 500  # characters
_DATA = frozenset({list, dict, bytes, int, type(None)})  # what replies are made of
_CLIENT = re.compile(r"<[\w.]+\(<.*?\bhost=([^,]*),port=(\d+).*?\)>\)>\)>")  # its repr()
_BROKEN = (RedisError, OSError, hiredis.HiredisError)


def kind_of(client: object) -> str:
    """Return the module and the name of a client's class, or of a class given in its place."""
    if isinstance(client, type):
        return f"the class {client.__module__}.{client.__qualname__}"
    return f"{type(client).__module__}.{type(client).__qualname__}"


def refuse_pipeline(client: object) -> None:
    """Raise an InputError for a pipeline of redis-py, which collects commands and sends none."""
    if isinstance(client, Pipeline | ClusterPipeline):
        raise InputError(
            f"{kind_of(client)} collects redis-py's own commands, and would not collect these: "
            "give the client itself. add_many() and drain() send many commands in a round trip"
        )


def pool_of(client: redis.Redis) -> Any:
    """Return the pool of a client, from which raw connections are borrowed."""
    refuse_pipeline(client)
    pool = getattr(client, "connection_pool", None)
    if not isinstance(pool, redis.ConnectionPool) or "fakeredis" in type(client).__module__:
        raise InputError(
            f"{kind_of(client)} is not a Redis client that can send these commands: "
            "give a redis.Redis, for example streamviz.connect(). "
            "Only watch() and Observer take other clients, too"
        )
    if pool.cache is not None:  # it would miss what the server tells about these commands' keys
        raise InputError(
            f"{kind_of(client)} has a client-side cache, which only redis-py's own commands keep "
            "up to date: give a redis.Redis without cache_config="
        )
    return pool


def ask_sentinel_again(pool: Any) -> None:
    """Let the next connection be to the master that Sentinel names then: this one is a replica.

    redis-py does so if it reads the refusal itself.
    """
    if isinstance(pool, SentinelConnectionPool):
        pool.disconnect(inuse_connections=False)
        # so that the pool takes back none that is in use
        pool.proxy.reset()  # type: ignore[no-untyped-call]


def take(pool: Any) -> Any:
    """Take a raw connection out of a redis-py pool; if this raises, nothing was sent."""
    check_tls(pool)
    try:
        return pool.get_connection()
    except _BROKEN as error:
        raise _server_error(error, pool) from error
    except Exception as error:  # its text may hold a password
        pool.disconnect(inuse_connections=False)  # one of these may lack its user
        raise ServerUnreachable(
            f"the client can't connect to {_address(pool)}: {type(error).__name__}. Correct what "
            "it was given, such as host=, port= or credential_provider=, or check what is between"
        ) from error


@contextmanager
def lend(pool: Any, raw_connection: Any) -> Iterator[Any]:
    """Return a raw connection to its pool at the end; after an error, close it first."""
    try:
        yield raw_connection
    except BaseException as error:
        raw_connection.disconnect()  # the next command must not get a reply that is still unread
        if isinstance(error, _BROKEN):
            raise _server_error(error, pool) from error
        raise
    finally:
        pool.release(raw_connection)


def send_and_receive(
    raw_connection: Any, commands: Sequence[Command], block_ms: int | None = None
) -> list[Any]:
    """Send commands in one write, and return their raw replies.

    A refused command has its error as its reply. `block_ms` extends the socket's time-out for the
    last command.
    """
    send(raw_connection, commands)
    return receive(raw_connection, commands, block_ms)


def send(raw_connection: Any, commands: Sequence[Command], *, check_health: bool = True) -> None:
    """Send commands in one write; `receive` reads their replies."""
    payload = b"".join(map(pack, commands))
    raw_connection.send_packed_command([payload], check_health=check_health)


def receive(
    raw_connection: Any, commands: Sequence[Command], block_ms: int | None = None
) -> list[Any]:
    """Return the raw replies to commands that were sent, as `send_and_receive` does."""
    if block_ms is None and len(commands) > 2:
        replies = read_replies(raw_connection, len(commands), new_reader())
    else:
        replies = [_read_reply(raw_connection) for _ in commands[1:]]
        replies += [_read_reply(raw_connection, block_ms)]
    if tuple(commands[0]) == ("MULTI",) and is_open(replies[-1]):
        raw_connection.disconnect()
    return replies


def is_open(exec_reply: Any) -> bool:
    """Tell whether a server is still inside a transaction, since it does not know EXEC."""
    refused = isinstance(exec_reply, ResponseError)
    return refused and not str(exec_reply).startswith("EXECABORT")


def _read_reply(raw_connection: Any, block_ms: int | None = None) -> Any:
    options = {} if block_ms is None else {"timeout": _timeout_s(block_ms)}
    try:
        return raw_connection.read_response(disable_decoding=True, **options)
    except ResponseError as error:
        return error


def new_reader() -> hiredis.Reader:
    """Return a reader that gives a refused command's error as its reply."""
    return hiredis.Reader(replyError=ResponseError)


def _timeout_s(block_ms: int) -> float | None:
    return None if block_ms == 0 else min(block_ms / 1000 + _BLOCK_MARGIN_S, TIMEOUT_MAX)


def read_replies(
    raw_connection: Any, count: int, reader: hiredis.Reader, block_ms: int | None = None
) -> list[Any]:
    """Read `count` replies; the reader buffers what arrived with them.

    `block_ms` extends the socket's time-out, as in `send_and_receive`.

    redis-py spends some microseconds of Python on each reply. hiredis alone is several times as
    fast.
    """
    replies: list[Any] = []
    socket = raw_connection._sock
    usual_s = socket.gettimeout()
    if block_ms is not None:
        socket.settimeout(_timeout_s(block_ms))  # an error closes the connection
    while len(replies) < count:
        reply = reader.gets()
        if reply is False:
            data = socket.recv(_CHUNK_BYTES)
            if not data:
                raise redis.ConnectionError("the server closed the connection")
            reader.feed(data)
        elif not isinstance(reply, hiredis.PushNotification):
            replies.append(reply)
    if block_ms is not None:
        socket.settimeout(usual_s)
    return replies


def errors_among(replies: Sequence[Any]) -> list[tuple[int, Exception]]:
    """Return the errors among replies, each with its index."""
    if _DATA.issuperset(map(type, replies)):  # as a rule, and without a loop in Python
        return []
    return [(i, reply) for i, reply in enumerate(replies) if isinstance(reply, Exception)]


def without_errors(replies: list[Any]) -> list[Any]:
    """Return replies, or raise the first error among them."""
    for _, error in errors_among(replies):
        raise error
    return replies


def _server_error(error: Exception, pool: Any) -> ServerError:
    reason = _CLIENT.sub(r"\1:\2", str(error).rstrip("."))[:_MAX_REASON]
    if isinstance(error, AuthenticationError):
        return ServerAuthError(
            f"the server did not accept the user or the password: {reason}. "
            "Give both to connect(), or in the URL"
        )
    more = reason == "Connection not ready"  # redis-py: something came that was not asked for
    if more or isinstance(error, InvalidResponse | hiredis.HiredisError):
        return ServerUnreachable(
            f"{_address(pool)} sent what is not Redis's protocol: {reason}. Check that it is a "
            "Redis server, and what is between it and this program"
        )
    if isinstance(error, redis.TimeoutError | TimeoutError):
        return ServerUnreachable(
            f"the server does not answer in time: {_address(pool)} ({reason}). It hangs or is "
            "busy, or its address is wrong"
        )
    busy = isinstance(error, BusyLoadingError) or "max number of clients" in reason
    if busy or isinstance(error, ResponseError):
        step = "Try again later" if busy else "Correct what the client was given, such as db="
        return ServerUnreachable(f"the server refuses the connection: {reason}. {step}")
    return ServerUnreachable(
        f"the server does not answer: {reason}. Check that it is running, and connect again"
    )


def _address(pool: Any) -> str:
    """Return the path of the server's socket, or its host and port, or what Sentinel calls it."""
    options = pool.connection_kwargs
    if service := getattr(pool, "service_name", None):
        return f"{'the master' if pool.is_master else 'a replica'} of Sentinel's {service!r}"
    path = options.get("path")
    return str(path or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")
