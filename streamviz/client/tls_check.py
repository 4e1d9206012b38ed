"""Find out early whether a client speaks TLS to a server that does not.

Such a server waits for the rest of a command, and sends nothing. A redis-py client would try eleven
times, which takes a minute.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streamviz.errors import ServerUnreachable

_HANDSHAKE_S = 1.0
_ANSWER_S = 0.5

_PLAIN: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()  # whether a pool's server lacks TLS


def check_tls(pool: Any) -> None:
    """Raise ServerUnreachable if a pool speaks TLS, but its server answers without TLS.

    After a check that passed, it does not check the pool again. The first check makes a TLS
    connection of its own, which sends no command and no password.
    """
    if pool.connection_class is not redis.SSLConnection or _PLAIN.get(pool) is False:
        return
    options, was_plain = pool.connection_kwargs, pool in _PLAIN
    error = None if was_plain else _handshake_error(options)
    _PLAIN[pool] = bool(was_plain or error) and _answers_without_tls(options)
    if _PLAIN[pool]:
        raise ServerUnreachable(
            f"{options.get('host', 'localhost')}:{options.get('port', 6379)} does not speak TLS. "
            "Make the client without ssl=True, or write redis:// instead of rediss://"
        ) from error


def _handshake_error(options: Mapping[str, Any]) -> Exception | None:
    one_try = {
        "retry": Retry(NoBackoff(), 0),
        "redis_connect_func": lambda _connection: None,
        "socket_connect_timeout": _HANDSHAKE_S,
        "socket_timeout": _HANDSHAKE_S,  # also of the handshake
    }
    try:
        connection: Any = redis.SSLConnection(**{**options, **one_try})
        connection.connect()
        connection.disconnect()
    except Exception as error:  # also of a wrong option, which the pool will report
        return error
    return None


def _answers_without_tls(options: Mapping[str, Any]) -> bool:
    """Send PING, which a server without TLS answers with PONG or a refusal."""
    address = options.get("host", "localhost"), int(options.get("port", 6379))
    with suppress(OSError), socket.create_connection(address, _ANSWER_S) as plain:
        plain.sendall(b"PING\r\n")
        return plain.recv(1) in (b"+", b"-")
    return False
