"""Send commands over one of redis-py's connections, and read the raw replies.

In this package a *raw connection* is redis-py's: one socket, borrowed from a client's pool. A
`streamviz.client.Connection` is ours: it borrows raw connections as it needs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hiredis
import redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from streamviz.client.resp import Command, pack
from streamviz.errors import ServerAuthError, ServerError, ServerUnreachable

_BLOCK_MARGIN_S = 5.0
_CHUNK_BYTES = 65_536


@contextmanager
def borrow(pool: Any) -> Iterator[Any]:
    """Borrow a raw connection from a redis-py pool; after an error it goes back closed.

    A connection that cannot be made, or breaks, raises a ServerError.
    """
    try:
        raw_connection = pool.get_connection()
    except (RedisError, OSError) as error:
        raise _server_error(error) from error
    try:
        yield raw_connection
    except BaseException as error:
        raw_connection.disconnect()  # the next command must not get a reply that is still unread
        if isinstance(error, RedisError | OSError):
            raise _server_error(error) from error
        raise
    finally:
        pool.release(raw_connection)


def send_and_receive(
    raw_connection: Any, commands: Sequence[Command], block_ms: int | None = None
) -> list[Any]:
    """Send commands in one write, and return their raw replies.

    A refused command has its error as its reply. `block_ms` extends the socket's time-out; it
    works only for a single command.
    """
    raw_connection.send_packed_command([b"".join(map(pack, commands))])
    if len(commands) > 1:
        return read_replies(raw_connection, len(commands), new_reader())
    options = {}
    if block_ms is not None:
        options["timeout"] = None if block_ms == 0 else block_ms / 1000 + _BLOCK_MARGIN_S
    try:
        return [raw_connection.read_response(disable_decoding=True, **options)]
    except ResponseError as error:
        return [error]


def new_reader() -> hiredis.Reader:
    """Return a reader that gives a refused command's error as its reply."""
    return hiredis.Reader(replyError=ResponseError)


def read_replies(raw_connection: Any, count: int, reader: hiredis.Reader) -> list[Any]:
    """Read `count` replies; the reader buffers what arrived with them.

    redis-py spends some microseconds of Python on each reply. hiredis alone is several times as
    fast.
    """
    replies: list[Any] = []
    while len(replies) < count:
        reply = reader.gets()
        if reply is False:
            data = raw_connection._sock.recv(_CHUNK_BYTES)
            if not data:
                raise redis.ConnectionError("the server closed the connection")
            reader.feed(data)
        elif not isinstance(reply, hiredis.PushNotification):
            replies.append(reply)
    return replies


def errors_among(replies: Sequence[Any]) -> list[tuple[int, Exception]]:
    """Return the errors among replies, each with its index."""
    return [(i, reply) for i, reply in enumerate(replies) if isinstance(reply, Exception)]


def _server_error(error: Exception) -> ServerError:
    if isinstance(error, AuthenticationError):
        return ServerAuthError(
            f"the server did not accept the user or the password: {error}. "
            "Give both to connect(), or in the URL"
        )
    return ServerUnreachable(
        f"the server does not answer: {error}. Check that it is running, and connect again"
    )
