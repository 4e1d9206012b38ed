"""A real Redis Cluster of this process's own: several nodes on loopback, gone with their owner."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry

from streamviz.client.cluster import SLOTS, slot_of
from streamviz.client.connection import Connection
from streamviz.errors import InputError, ServerError
from streamviz.server import resharding
from streamviz.server.embedded import CONNECT_TIMEOUT_S, EmbeddedServer, free_port

_HOST = "127.0.0.1"
_FORM_TIMEOUT_S = 20.0
_NODE_TIMEOUT_MS = 5000
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the cluster.

    Attributes
    ----------
    name : str
        ``"node-1"`` and so on: for people; the nodes know each other by IDs.
    server : EmbeddedServer
        The server.
    bus_port : int
        The port on which the nodes talk to each other.
    """

    name: str
    server: EmbeddedServer
    bus_port: int

    @property
    def port(self) -> int:
        """The port on which it serves clients."""
        return urlsplit(self.server.url).port or 0

    @property
    def address(self) -> str:
        """``host:port``, as MOVED has it."""
        return f"{_HOST}:{self.port}"


def embedded_cluster(nodes: int = 3, *, program: str | None = None) -> EmbeddedCluster:
    """Start a cluster of this process's own, and return it when all its slots are served.

    Parameters
    ----------
    nodes : int
        How many, 2 to 10. Each holds an equal share of the 16,384 slots; there are no replicas.
    program : str, optional
        The server's program, 7.0 or newer; see `EmbeddedServer`.

    Returns
    -------
    EmbeddedCluster
        After a little more than two seconds: so long a node waits after its start, by its own
        rule, before it takes anything in.

    Raises
    ------
    InputError
        If `nodes` is not a number from 2 to 10.
    ServerError
        If a node does not start, or they do not find each other.

    Examples
    --------
    >>> with embedded_cluster() as cluster:
    ...     len(cluster.nodes), cluster.holder("orders:{0}").name
    (3, 'node-3')
    """
    return EmbeddedCluster(nodes, program=program)


class EmbeddedCluster:
    """A running cluster; see `embedded_cluster`.

    It listens on loopback only, with one random password for all its nodes, and keeps nothing on
    disk but the nodes' own list of each other, in private directories that go with it. It is gone
    when this process is gone, however that ends.

    Attributes
    ----------
    nodes : tuple of Node
        The nodes, in the order of their slots.
    """

    def __init__(self, nodes: int = 3, *, program: str | None = None) -> None:
        if type(nodes) is not int or not 2 <= nodes <= 10:
            raise InputError(f"nodes={nodes!r}: give a whole number from 2 to 10")
        self._password = secrets.token_urlsafe(24)
        with ExitStack() as undo:
            started = []
            for number in range(1, nodes + 1):
                started.append(_start(f"node-{number}", self._password, program))
                undo.callback(started[-1].server.stop)
            self.nodes = tuple(started)
            self._admins = {node.name: node.server.client() for node in self.nodes}
            for admin in self._admins.values():
                undo.callback(admin.close)
            self._form()
            self._undo = undo.pop_all()

    def client(self, **options: Any) -> RedisCluster:
        """Return a client of the cluster.

        Parameters
        ----------
        **options
            Passed on to `redis.cluster.RedisCluster`.

        Returns
        -------
        redis.cluster.RedisCluster
            It follows MOVED and ASK, and like `streamviz.connect` never sends a command twice
            after a broken connection.
        """
        settings: dict[str, Any] = {
            "password": self._password,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "retry": Retry(NoBackoff(), 0),
            "require_full_coverage": False,
            **options,
        }
        return RedisCluster(
            startup_nodes=[ClusterNode(_HOST, node.port) for node in self.nodes],  # type: ignore[no-untyped-call]
            **settings,
        )

    @property
    def names(self) -> dict[str, str]:
        """The nodes' names by their addresses, ``host:port``."""
        return {node.address: node.name for node in self.nodes}

    def node(self, name: str) -> Node:
        """Return the node of that name.

        Raises
        ------
        InputError
            If there is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        names = ", ".join(node.name for node in self.nodes)
        raise InputError(f"{name!r} is no node of this cluster: give one of {names}")

    def holder(self, key: str | int) -> Node:
        """Return the node that holds a key's slot, or a slot (CLUSTER NODES, 3.0).

        Raises
        ------
        ServerUnreachable
            If no node runs any more.
        """
        slot = key if isinstance(key, int) else slot_of(key)
        running = [node for node in self.nodes if node.server.running] or list(self.nodes)
        holder = resharding.holder(Connection(self._admins[running[0].name]), slot)
        for node in running:
            if Connection(self._admins[node.name]).call("CLUSTER", "MYID").decode() == holder:
                return node
        raise ServerError(f"nobody that runs holds slot {slot}: start a new cluster")

    def moving(self, slot: int, to: str, *, batch: int = 1) -> Iterator[str]:
        """Move a slot to another node, a step each time that the next one is asked for.

        Parameters
        ----------
        slot : int
            0 to 16,383.
        to : str
            The node's name.
        batch : int
            Keys that go over in one step.

        Yields
        ------
        str
            What was done; see `moving`, also for the errors.
        """
        target, source = self.node(to), self.holder(slot)
        if source is target:
            raise InputError(f"slot {slot} is on {to} already: give another slot, or another node")
        others = [self._admins[n.name] for n in self.nodes if n not in (source, target)]
        here, there = self._admins[source.name], self._admins[target.name]
        yield from resharding.moving(slot, here, there, others, batch=batch)

    def move(self, slot: int, to: str, *, batch: int = 1) -> None:
        """Move a slot to another node, all of it; see `moving`."""
        for _ in self.moving(slot, to, batch=batch):
            pass

    def close(self) -> None:
        """End all nodes, and remove their directories; a second time does nothing."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EmbeddedCluster of {', '.join(node.name for node in self.nodes)}>"

    def _form(self) -> None:
        """Give out the slots, let everybody meet everybody, and wait until all is served."""
        connections = [Connection(self._admins[node.name]) for node in self.nodes]
        for number, connection in enumerate(connections):
            first, last = (SLOTS * place // len(connections) for place in (number, number + 1))
            connection.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            connection.call("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
        for number, connection in enumerate(connections):
            for node in self.nodes[number + 1 :]:
                connection.call("CLUSTER", "MEET", _HOST, node.port, node.bus_port)
        deadline = time.monotonic() + _FORM_TIMEOUT_S
        while not all(_whole(connection, len(connections)) for connection in connections):
            if time.monotonic() > deadline:
                raise ServerError(
                    f"the nodes did not form a cluster in {_FORM_TIMEOUT_S:g} s: see whether "
                    "loopback ports are blocked on this machine, and try again"
                )
            time.sleep(0.01)


def _start(name: str, password: str, program: str | None) -> Node:
    for attempt in range(1, _ATTEMPTS + 1):
        bus_port = free_port()
        config = {
            "cluster-enabled": "yes",
            "cluster-port": bus_port,
            "cluster-announce-ip": _HOST,
            "cluster-node-timeout": _NODE_TIMEOUT_MS,
            "cluster-require-full-coverage": "no",  # the others work on when one is gone
        }
        words = tuple(word for key, value in config.items() for word in (f"--{key}", str(value)))
        try:
            return Node(
                name, EmbeddedServer(0, program=program, config=words, password=password), bus_port
            )
        except ServerError as error:  # somebody else may have taken a port that was free
            if attempt == _ATTEMPTS or "in use" not in str(error).lower():
                raise
    raise AssertionError


def _whole(connection: Connection, nodes: int) -> bool:
    said = connection.call("CLUSTER", "INFO").decode()
    told = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
    return (told["cluster_state"], told["cluster_slots_assigned"], told["cluster_known_nodes"]) == (
        "ok",
        str(SLOTS),
        str(nodes),
    )
