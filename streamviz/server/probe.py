"""Ask a server for its version, and explain why it could not be reached."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import redis
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import (
    AuthenticationError,
    InvalidResponse,
    NoPermissionError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from streamviz.client.server_version import ServerVersion
from streamviz.errors import (
    InputError,
    ServerAuthError,
    ServerError,
    ServerTooOld,
    ServerUnreachable,
)

OLDEST = (7, 0)
CONNECT_TIMEOUT_S = 1.5
_OF_ONE_SERVER = ("host", "port", "db", "connection_class")
_TLS_TIMEOUT_S = 1.0  # a server without TLS sends nothing, so it always takes this long
_CERTIFICATE = "its file as ssl_certfile= and its key as ssl_keyfile="


def new_client(options: Mapping[str, Any]) -> redis.Redis:
    """Return a client; `options` include the host, port or path of the URL."""
    return redis.Redis.from_url("redis://", **options)


def first_contact(url: str, options: Mapping[str, Any]) -> tuple[tuple[int, ...], bool]:
    """Return a server's version, and whether it is a node of a cluster (INFO server).

    The time-outs are apart from the client's. Raise ServerTooOld before Redis 6, ServerError if it
    refuses HELLO or is a Sentinel, and redis-py's own error if it can't be reached; see
    `explain_failure`.
    """
    timeout_s = _TLS_TIMEOUT_S if url.startswith("rediss:") else CONNECT_TIMEOUT_S
    options = {**options, "socket_timeout": timeout_s}
    try:
        return _ask(url, options)
    except ResponseError as error:
        message = str(error).lower()
        if "unknown command" not in message or "hello" not in message:
            raise
    try:
        answer = _ask(url, {**options, "protocol": 2})  # Redis 5 has no HELLO
    except (RedisError, OSError):
        raise too_old(url, "has no HELLO, so it is older than Redis 6") from None
    if answer[0] >= OLDEST:
        raise ServerError(f"{url} refuses HELLO, which RESP3 needs: give protocol=2")
    return answer


def _ask(url: str, options: Mapping[str, Any]) -> tuple[tuple[int, ...], bool]:
    with new_client(options) as client:
        info: Any = client.info("server")
    mode = info.get("redis_mode") or info.get("server_mode")
    if mode == "sentinel":
        raise ServerError(
            f"{url} is a Sentinel, which holds no streams: make a client of the server that it "
            "names, redis.sentinel.Sentinel([(host, port)]).master_for(name), and give that"
        )
    return ServerVersion.of(info).number, mode == "cluster"


def cluster_client(url: str, options: Mapping[str, Any]) -> RedisCluster:
    """Return a client of all nodes of a cluster, given the options for one of them.

    Raise a ServerError if that node does not tell which nodes there are.
    """
    others = {name: value for name, value in options.items() if name not in _OF_ONE_SERVER}
    tls = options.get("connection_class") is redis.SSLConnection
    start = [ClusterNode(options.get("host", "localhost"), options.get("port", 6379))]  # type: ignore[no-untyped-call]
    try:
        return RedisCluster(startup_nodes=start, ssl=tls, require_full_coverage=False, **others)
    except IndexError:  # redis-py takes the first of the nodes that have slots
        raise ServerUnreachable(
            f"{url} is a node of a cluster in which no node has slots: assign them with "
            "redis-cli --cluster create, or CLUSTER ADDSLOTSRANGE"
        ) from None
    except (RedisClusterException, RedisError, OSError) as error:
        message = _redacted(error, options)
        # redis-py takes every refusal of CLUSTER SLOTS for a server that is not in a cluster
        if any(sign in message for sign in ("NOPERM", "permissions", "not enabled")):
            raise ServerAuthError(
                f"{url} is a node of a cluster, and this user may not ask for the others: "
                f"{message}. Allow it with ACL SETUSER <user> +cluster|slots +command"
            ) from None
        raise ServerUnreachable(
            f"{url} is a node of a cluster, and does not tell which nodes there are: {message}. "
            "Check CLUSTER SLOTS there, or make a client of your own, redis.cluster.RedisCluster"
        ) from None


def too_old(url: str, reason: str) -> ServerTooOld:
    """Return the error for a server that is too old."""
    return ServerTooOld(
        f"{url} {reason}; streamviz needs 7.0 or newer: "
        "upgrade it, or call connect() without a URL to use the embedded server"
    )


def explain_option(error: Exception, url: str, options: Mapping[str, Any]) -> InputError:
    """Return the error for an option that redis-py rejects when it connects."""
    message = _redacted(error, options)
    unknown = re.search(r"unexpected keyword argument '(\w+)'", message)
    problem = f"there is no option {unknown[1]!r}" if unknown else f"an option is wrong: {message}"
    return InputError(
        f"{url}: {problem}. Correct it, or leave it out; help(redis.Redis) lists the options"
    )


def explain_failure(error: Exception, url: str, options: Mapping[str, Any]) -> ServerError:
    """Return the error for a server that refused the connection, with the next step."""
    message = _redacted(error, options)
    lower = message.lower()
    if isinstance(error, InvalidResponse) or not isinstance(error, RedisError | OSError):
        return ServerUnreachable(
            f"{url} does not answer as Redis does ({type(error).__name__}). Check the URL, what is "
            "between it and this program, and the options"
        )
    if isinstance(error, NoPermissionError) or lower.startswith("noperm"):
        return ServerAuthError(
            f"{url} accepts this user, but forbids what connect() needs: {message}. Allow it "
            "with ACL SETUSER <user> +info +select; without +select, leave the database out"
        )
    if isinstance(error, AuthenticationError) or "noauth" in lower:
        return ServerAuthError(
            f"{url} does not accept the user or the password: {message}. Give both in the URL, "
            "redis://user:password@host, or as username= and password="
        )
    if isinstance(error, ResponseError) and "db index" in lower:
        return ServerError(f"{url}: {message}. The server has no such database: use /0")
    if isinstance(error, ResponseError) and "unknown command" in lower:
        return ServerError(
            f"{url} refuses what connect() needs: {message.partition(', with args')[0]}. Allow it "
            "there, or make a client of your own, redis.Redis(...)"
        )
    tls = url.startswith("rediss:")
    closed = "closed by server" in lower or "reset by peer" in lower
    problem, step = "", ""
    if "certificate" in lower:
        problem, step = _certificate_problem(lower)
    elif tls and (closed or "while writing" in lower):
        problem = "closed the connection after the TLS handshake"
        step = f"If it wants a certificate from you, give {_CERTIFICATE}"
    elif "ssl" in lower or "wrong version number" in lower or (tls and "time" in lower):
        problem, step = "does not speak TLS", "Write redis:// instead of rediss://"
    elif closed and url.startswith("redis:"):
        problem = "closed the connection"
        step = "If it speaks TLS, write rediss:// instead of redis://"
    if problem:
        return ServerUnreachable(f"{url} {problem}: {message}. {step}")
    return ServerUnreachable(
        f"no answer from {url}: {message}. Start the server, correct the URL, or call connect() "
        "without a URL to use the embedded server"
    )


def _certificate_problem(lower: str) -> tuple[str, str]:
    """Return what is wrong with a certificate, and the next step."""
    if "certificate required" in lower:
        return "wants a certificate from you", f"Give {_CERTIFICATE}"
    if "expired" in lower or "not yet valid" in lower:
        step = "Renew it on the server, or set this machine's clock"
        return "has a certificate that is not valid now", step
    if "hostname mismatch" in lower or "not valid for" in lower:
        step = "Connect to a name that is in the certificate"
        return "has a certificate for another name", step
    step = "Give the file of the certificate authority as ssl_ca_certs="
    return "has a certificate that is not trusted", step


def _redacted(error: Exception, options: Mapping[str, Any]) -> str:
    """Return the message of an error without the passwords among the options."""
    message = str(error).rstrip(".")
    for secret in filter(None, map(options.get, ("password", "ssl_password"))):
        text = secret.decode("utf-8", "replace") if isinstance(secret, bytes) else secret
        message = message.replace(text, "***")
    return message
