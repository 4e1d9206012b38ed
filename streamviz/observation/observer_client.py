"""The observer's own clients: to the same server as the caller's client, and as the same user.

It takes only the address from the caller's client: host, port or path, TLS, credentials and
database; Sentinel's master; a cluster's nodes. So the client's pool size, protocol, cache,
time-outs, retries and event loop do not matter.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.client import Redis
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from streamviz.client.cluster import ClusterConnection
from streamviz.client.connection import Connection
from streamviz.client.redirection import redirection
from streamviz.client.resp import Command
from streamviz.client.transport import kind_of
from streamviz.errors import InputError
from streamviz.observation.sample_deadline import DeadlineSocket, sample_deadline

CLIENT_NAME = "streamviz-observer"
"""What CLIENT LIST shows as the name of the observer's connections."""

TIMEOUT_S = 1.0
"""How long the observer waits for a connection, and for each reply, in seconds."""

_RECONNECT_AFTER_S = 0.5
_WHERE = ("host", "port", "path", "db", "socket_type", "socket_keepalive")
_AS_WHOM = ("username", "password", "credential_provider")
_USUAL = inspect.signature(AbstractConnection).parameters.keys()
_LIBRARIES = ("redis", "valkey", "aioredis")


def observer_client(client: Any) -> Any:
    """Return a client of the observer's own for the server of `client`; nothing connects yet.

    A client that was made here is returned unchanged. InputError if the client does not say where
    to connect, and as which user.
    """
    if isinstance(client, LazyCluster):
        return client
    pool = getattr(client, "connection_pool", None)
    if isinstance(pool, _BriefPool):
        return client
    kind = getattr(pool, "connection_class", type(client))
    options = getattr(pool, "connection_kwargs", None)
    nodes = getattr(client, "nodes_manager", None)
    if not isinstance(kind, type):
        raise _unusable(client)
    bases = [one for one in kind.__mro__ if _library(one) in _LIBRARIES]
    if not bases or "fakeredis" in map(_library, (*type(client).__mro__, *kind.__mro__)):
        raise _unusable(client)
    if nodes is not None:
        return _cluster_client(client, nodes)
    if not isinstance(options, Mapping):
        raise _unusable(client)
    names = {one.__name__ for one in bases}
    if hasattr(pool, "sentinel_manager"):
        return Redis.from_pool(_sentinel_pool(pool, options, tls="SSLConnection" in names))
    if _connects_in_its_own_way(kind):
        return Redis.from_pool(
            _Pool(kind, **_taken(options, (*_WHERE, *(options.keys() - _USUAL))))
        )
    path = "UnixDomainSocketConnection" in names
    tls = redis.SSLConnection if "SSLConnection" in names else redis.Connection
    return Redis.from_pool(
        _Pool(redis.UnixDomainSocketConnection if path else tls, **_taken(options, _WHERE))
    )


def observer_connection(client: Any, key: str) -> ClusterConnection | NodeConnection:
    """Return a connection of the observer's own for a key; see `observer_client`."""
    own = observer_client(client)
    if isinstance(own, LazyCluster):
        return ClusterConnection(own, key, quiet=True)  # type: ignore[arg-type]
    return NodeConnection(own, key)


class NodeConnection(Connection):
    """A connection to one server that goes on in the cluster if that is a node without the key."""

    def __init__(self, client: Any, key: str) -> None:
        super().__init__(client, quiet=True)  # samples are not logged
        self._key = key
        self._in_cluster: ClusterConnection | None = None

    def _send(self, commands: Sequence[Command], block_ms: int | None = None) -> list[Any]:
        if self._in_cluster is None:
            replies = super()._send(commands, block_ms)
            options = self.client.connection_pool.connection_kwargs
            if "path" in options or not any(map(redirection, replies)):
                return replies
            tls = issubclass(self.client.connection_pool.connection_class, redis.SSLConnection)
            address = options.get("host", "localhost"), options.get("port", 6379)
            cluster = _lazy_cluster([address], options, tls=tls)
            self._in_cluster = ClusterConnection(cluster, self._key, quiet=True)  # type: ignore[arg-type]
        return self._in_cluster.replies(commands, block_ms)

    @property
    def node(self) -> str:
        """The address of the server that answers; empty if no other can take its place."""
        if self._in_cluster is not None:
            return self._in_cluster.node
        return getattr(self.client.connection_pool, "node", "")

    @property
    def replicas(self) -> frozenset[str] | None:
        """The addresses of the servers that can take over from it; None for any other server."""
        if self._in_cluster is not None:
            return self._in_cluster.replicas
        return frozenset() if self.is_of_replicas else None

    @property
    def is_of_replicas(self) -> bool:
        """Whether Sentinel names the replicas, any of which answers, and not the master."""
        pool = self.client.connection_pool
        return isinstance(pool, _SentinelPool) and not pool.is_master


class _BriefPool:
    """A pool that fails at once for a while after a server did not answer in time.

    So several observers of a server that hangs wait for it once, and not one after the other.
    """

    _failure: Exception | None = None
    _retry_s = 0.0

    def get_connection(self, *args: Any, **options: Any) -> Any:
        began_s = time.monotonic()
        if self._failure is not None and began_s < self._retry_s:
            raise self._failure
        try:
            return super().get_connection(*args, **options)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            now_s = time.monotonic()
            slow = now_s - began_s > TIMEOUT_S / 2
            self._failure = error.with_traceback(None) if slow else None
            self._retry_s = now_s + _RECONNECT_AFTER_S
            raise


class _Pool(_BriefPool, redis.ConnectionPool):
    """A pool of connections to one server."""


class _SentinelPool(_BriefPool, SentinelConnectionPool):
    """A pool of connections to the master, or a replica, that Sentinel names."""

    node = ""  # the address of the server that answers

    def get_connection(self, *args: Any, **options: Any) -> Any:
        connection = super().get_connection(*args, **options)
        self.node = f"{connection.host}:{connection.port}"
        return connection


class _Cluster(RedisCluster):
    """A cluster's client whose connections keep the deadline of a sample."""

    def on_connect(self, connection: Any) -> None:
        connection._sock = DeadlineSocket(connection._sock)
        super().on_connect(connection)  # type: ignore[no-untyped-call]


class LazyCluster:
    """A `RedisCluster` that is made when it is first used: making it connects to the nodes."""

    def __init__(self, make: Callable[[], RedisCluster]) -> None:
        self._make = make
        self._cluster: RedisCluster | None = None

    def __getattr__(self, name: str) -> Any:
        if self._cluster is None:
            self._cluster = self._make()
        return getattr(self._cluster, name)

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        if self._cluster is not None:
            self._cluster.close()


def _cluster_client(client: Any, nodes: Any) -> LazyCluster:
    options = getattr(nodes, "connection_kwargs", None) or client.connection_kwargs
    addresses = {
        (node.host, node.port)
        for node in (*nodes.startup_nodes.values(), *nodes.nodes_cache.values())
    }
    kind = options.get("connection_class", type(None))
    tls = bool(options.get("ssl")) or "SSL" in kind.__name__
    return _lazy_cluster(addresses, options, tls=tls, remap=getattr(nodes, "address_remap", None))


def _lazy_cluster(
    addresses: Iterable[tuple[str, int]],
    options: Mapping[str, Any],
    *,
    tls: bool,
    remap: Any = None,
) -> LazyCluster:
    shared = _taken(options, ("socket_keepalive",))
    shared |= {"ssl": tls, "redis_connect_func": _set_name}
    shared["require_full_coverage"] = False  # a slot without a node concerns no other slot's keys

    def make() -> RedisCluster:
        start = [ClusterNode(*address) for address in sorted(addresses)]  # type: ignore[no-untyped-call]
        return _Cluster(startup_nodes=start, address_remap=remap, **shared)

    return LazyCluster(make)


def _sentinel_pool(pool: Any, options: Mapping[str, Any], *, tls: bool) -> _SentinelPool:
    theirs = pool.sentinel_manager
    least = theirs.min_other_sentinels
    manager: Any = Sentinel([], min_other_sentinels=least)  # type: ignore[no-untyped-call]
    manager.sentinels = [observer_client(one) for one in theirs.sentinels]
    shared = _taken(options, ("db", "socket_keepalive"))
    return _SentinelPool(  # type: ignore[no-untyped-call]
        pool.service_name, manager, is_master=pool.is_master, ssl=tls, **shared
    )


def _taken(options: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return these options, those of TLS and of the user, and the observer's own."""
    names = (*names, *_AS_WHOM)
    shared = {
        name: value for name, value in options.items() if name in names or name.startswith("ssl_")
    }
    return shared | _OWN


def _connects_in_its_own_way(kind: type) -> bool:
    """Tell whether a class of redis-py's connections has its own way to reach the server."""
    own = [one for one in kind.__mro__ if _library(one) not in _LIBRARIES]
    return issubclass(kind, AbstractConnection) and any("_connect" in vars(one) for one in own)


def _greet(raw_connection: Any) -> None:
    """Prepare a new connection as usual, and name it."""
    raw_connection._sock = DeadlineSocket(raw_connection._sock)
    raw_connection.on_connect()
    _set_name(raw_connection)


def _set_name(raw_connection: Any) -> None:
    raw_connection.send_command("CLIENT", "SETNAME", CLIENT_NAME)
    with suppress(ResponseError):  # the user may lack the right
        raw_connection.read_response()
    sample_deadline.connected()


_OWN: dict[str, Any] = {
    "socket_connect_timeout": TIMEOUT_S,
    "socket_timeout": TIMEOUT_S,
    "retry": Retry(NoBackoff(), 0),
    "health_check_interval": 0,
    "client_name": None,
    "decode_responses": False,
    "protocol": 2,  # every server and proxy speaks it, and sends nothing unasked
    "redis_connect_func": _greet,
}


def _library(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _unusable(client: Any) -> InputError:
    name = kind_of(client)
    if "fakeredis" in name:
        reason = "its data is inside this program, where no other connection can read it"
    else:
        reason = "it does not tell where and as whom to connect, as redis-py and valkey-py do"
    return InputError(
        f"{name} is not a Redis client to observe with: {reason}. Give a client of a server, "
        "for example streamviz.connect(url) or redis.Redis(host=...)"
    )
