"""Start a real Redis Cluster: several nodes on loopback that end with this process."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry

from streamviz.client.cluster import SLOTS, slot_of
from streamviz.client.connection import Connection
from streamviz.errors import InputError, ServerError
from streamviz.server import resharding
from streamviz.server.embedded import EmbeddedServer, free_port
from streamviz.server.node_states import (
    cut_off,
    is_complete,
    is_in_sync,
    is_primary,
    known_replicas,
    take_over,
    wait_until,
)
from streamviz.server.probe import CONNECT_TIMEOUT_S

_HOST = "127.0.0.1"
_NOT_FORMED = "the nodes did not form a cluster (does this machine block loopback ports?)"
_NODE_TIMEOUT_MS = 5000
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the cluster.

    Its name, ``"node-1"`` and so on, is for people; the nodes know each other by IDs. They send
    messages to each other's `bus_port`.
    """

    name: str
    server: EmbeddedServer
    bus_port: int

    @property
    def port(self) -> int:
        """The port for clients."""
        return urlsplit(self.server.url).port or 0

    @property
    def address(self) -> str:
        """The node as ``host:port``, as in a MOVED reply."""
        return f"{_HOST}:{self.port}"


def embedded_cluster(
    nodes: int = 3, *, replicas: bool = False, program: str | None = None
) -> EmbeddedCluster:
    """Start a cluster of 2 to 10 nodes, and return it when it serves all slots.

    The call takes a little more than two seconds, because a Redis node waits that long after its
    start before it serves anything. Each node owns an equal share of the 16,384 slots. With
    `replicas`, each has a replica, which takes over if the node fails. The `program` must be 7.0 or
    newer; see `EmbeddedServer`. ServerError if a node does not start, or the nodes do not form a
    cluster.

    Examples
    --------
    >>> with embedded_cluster() as cluster:
    ...     len(cluster.nodes), cluster.slot_owner("orders:{0}").name
    (3, 'node-3')
    """
    return EmbeddedCluster(nodes, replicas=replicas, program=program)


class EmbeddedCluster:
    """A running cluster; see `embedded_cluster`.

    Its nodes listen on loopback only and share one random password. They keep nothing on disk
    but their list of nodes, in private directories that are removed with them. The cluster ends
    when this process ends, even by SIGKILL. Its `nodes` are in the order of their slots, and their
    `replicas` in the same order.
    """

    def __init__(
        self, nodes: int = 3, *, replicas: bool = False, program: str | None = None
    ) -> None:
        if type(nodes) is not int or not 2 <= nodes <= 10:
            raise InputError(f"nodes={nodes!r}: give a whole number from 2 to 10")
        self._password = secrets.token_urlsafe(24)
        with ExitStack() as undo:
            members: list[Node] = []
            names = [f"node-{number}" for number in range(1, nodes + 1)]
            names += [f"replica-{number}" for number in range(1, nodes + 1) if replicas]
            for name in names:
                members.append(_start(name, self._password, program))
                undo.callback(members[-1].server.stop)
            self.nodes, self.replicas = tuple(members[:nodes]), tuple(members[nodes:])
            self._members = tuple(members)
            self._to = {node.name: Connection(node.server.client()) for node in members}
            for connection in self._to.values():
                undo.callback(connection.client.close)
            self._form()
            self._undo = undo.pop_all()

    def client(self, **options: Any) -> RedisCluster:
        """Return a client of the cluster; `options` are passed on to `RedisCluster`.

        The client follows MOVED and ASK. Like a client of `streamviz.connect`, it never sends a
        command twice after a broken connection.
        """
        settings: dict[str, Any] = {
            "password": self._password,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "retry": Retry(NoBackoff(), 0),
            "require_full_coverage": False,
            **options,
        }
        return RedisCluster(
            startup_nodes=[ClusterNode(_HOST, node.port) for node in self._members],  # type: ignore[no-untyped-call]
            **settings,
        )

    @property
    def names(self) -> dict[str, str]:
        """The nodes' names by address, ``host:port``."""
        return {node.address: node.name for node in self._members}

    def node(self, name: str) -> Node:
        """Return the node with that name, or raise an InputError."""
        nodes = {node.name: node for node in self._members}
        if name not in nodes:
            raise InputError(
                f"{name!r} is not a node of this cluster: give one of {', '.join(nodes)}"
            )
        return nodes[name]

    def slot_owner(self, key: str | int) -> Node:
        """Return the node that owns a slot, or the slot of a key (CLUSTER NODES, 3.0).

        ServerUnreachable or ServerError if no node is running, or no running node owns the slot.
        """
        slot = key if isinstance(key, int) else slot_of(key)
        running = [node for node in self._members if node.server.running] or list(self._members)
        owner_id = resharding.slot_owner(self._to[running[0].name], slot)
        for node in running:
            if self._to[node.name].call("CLUSTER", "MYID").decode() == owner_id:
                return node
        raise ServerError(f"no running node owns slot {slot}: start a new cluster")

    def move_slot_steps(self, slot: int, to: str, *, batch: int = 1) -> Iterator[str]:
        """Move a slot to the node with the name `to`; each iteration does one step.

        See `resharding.move_slot_steps` for `slot`, `batch`, the steps and the errors.
        """
        target, source = self.node(to), self.slot_owner(slot)
        if source is target:
            raise InputError(f"slot {slot} is already on {to}: give another slot or another node")
        rest = [self._to[node.name] for node in self._members if node not in (source, target)]
        others = [one.client for one in rest if is_primary(one)]
        here, there = (self._to[node.name].client for node in (source, target))
        yield from resharding.move_slot_steps(slot, here, there, others, batch=batch)

    def move_slot(self, slot: int, to: str, *, batch: int = 1) -> None:
        """Move a slot to another node, in all its steps; see `move_slot_steps`."""
        for _ in self.move_slot_steps(slot, to, batch=batch):
            pass

    def cut_off(self, replica: str) -> None:
        """Cut off a replica, so that it gets nothing more from its node."""
        primary = self.nodes[self._replica_number(replica)]
        cut_off(self._to[replica], self._to[primary.name])

    def take_over(self, replica: str) -> None:
        """Let a replica take over its node's slots at once (CLUSTER FAILOVER TAKEOVER, 3.0).

        Without this, it takes over by itself when its node is dead for some five seconds, if most
        of the nodes agree: there must be three or more.
        """
        self._replica_number(replica)
        running = [node.name for node in self._members if node.server.running]
        take_over(self._to[replica], [self._to[name] for name in running if name != replica])

    def _replica_number(self, name: str) -> int:
        node = self.node(name)
        if node not in self.replicas:
            names = ", ".join(one.name for one in self.replicas) or "replicas=True at the start"
            raise InputError(f"{name!r} is not a replica: give {names}")
        return self.replicas.index(node)

    def close(self) -> None:
        """Stop all nodes and remove their directories; a second call does nothing."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EmbeddedCluster of {', '.join(node.name for node in self.nodes)}>"

    def _form(self) -> None:
        """Assign the slots, introduce the nodes to each other, and wait until all agree."""
        connections = [*self._to.values()]
        count = len(self.nodes)
        for number, connection in enumerate(connections[:count]):
            first, end = (SLOTS * share // count for share in (number, number + 1))
            connection.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            connection.call("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for number, connection in enumerate(connections):
            for node in self._members[number + 1 :]:
                connection.call("CLUSTER", "MEET", _HOST, node.port, node.bus_port)
        total, replicas = len(connections), len(connections) - count
        wait_until(lambda: all(is_complete(one, total) for one in connections), _NOT_FORMED)
        for primary, replica in zip(connections, connections[count:], strict=False):
            replica.call("CLUSTER", "REPLICATE", primary.call("CLUSTER", "MYID"))
        wait_until(lambda: all(map(is_in_sync, connections[count:])), _NOT_FORMED)
        wait_until(lambda: all(known_replicas(one) == replicas for one in connections), _NOT_FORMED)


def _start(name: str, password: str, program: str | None) -> Node:
    for attempt in range(1, _ATTEMPTS + 1):
        bus_port = free_port()
        config = {
            "cluster-enabled": "yes",
            "cluster-port": bus_port,
            "cluster-announce-ip": _HOST,
            "cluster-node-timeout": _NODE_TIMEOUT_MS,
            "repl-diskless-sync-delay": 0,
            "repl-ping-replica-period": 1,  # a replica is listed only after its first ping
            "cluster-require-full-coverage": "no",  # the other nodes keep serving when one is down
        }
        words = tuple(word for key, value in config.items() for word in (f"--{key}", str(value)))
        try:
            server = EmbeddedServer(0, program=program, config=words, password=password)
        except ServerError as error:  # another process may have taken a free port meanwhile
            if attempt == _ATTEMPTS or "in use" not in str(error).lower():
                raise
        else:
            break
    return Node(name, server, bus_port)
