"""Tell the state of a cluster's nodes, and cut off a replica or let it take over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from streamviz.client.cluster import SLOTS
from streamviz.client.cluster_nodes import node_lines
from streamviz.client.connection import Connection
from streamviz.errors import ServerError

_TIMEOUT_S = 20.0


def wait_until(condition: Callable[[], bool], trouble: str) -> None:
    """Wait until a condition is true, or raise a ServerError with the trouble."""
    deadline = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise ServerError(f"{trouble} in {_TIMEOUT_S:g} s: try again with a new cluster")
        time.sleep(0.01)


def is_primary(node: Connection) -> bool:
    """Whether a node answers, and may own slots (ROLE, 2.8.12)."""
    try:
        return bool(node.call("ROLE")[0] == b"master")
    except ServerError:
        return False


def is_in_sync(replica: Connection) -> bool:
    """Whether a replica has what its node has (INFO replication, 3.0)."""
    return b"master_link_status:up" in replica.call("INFO", "replication")


def known_replicas(node: Connection) -> int:
    """Return how many replicas a node knows in its table of slots (CLUSTER SLOTS, 3.0)."""
    return sum(len(line) - 3 for line in node.call("CLUSTER", "SLOTS"))


def is_complete(node: Connection, nodes: int) -> bool:
    """Whether a node knows all nodes and an owner for each slot (CLUSTER INFO, 3.0)."""
    numbers = f"cluster_slots_assigned:{SLOTS}", f"cluster_known_nodes:{nodes}"
    return {"cluster_state:ok", *numbers} <= {*node.call("CLUSTER", "INFO").decode().split()}


def cut_off(replica: Connection, primary: Connection) -> None:
    """Let a replica get nothing more from its node, and wait until the link is down."""
    replica.call("CONFIG", "SET", "masterauth", "wrong")
    replica.call("CONFIG", "SET", "cluster-replica-validity-factor", 0)  # it may still take over
    primary.call("CLIENT", "KILL", "TYPE", "replica")
    wait_until(lambda: not is_in_sync(replica), "the replica did not lose its node")


def take_over(replica: Connection, others: Sequence[Connection]) -> None:
    """Let a replica take over without a vote, and wait until the other nodes know."""
    replica.call("CLUSTER", "FAILOVER", "TAKEOVER")
    name = replica.call("CLUSTER", "MYID").decode()

    def knows(node: Connection) -> bool:
        lines = node_lines(node.call("CLUSTER", "NODES"))
        return any(words[0] == name and len(words) > 8 for words in lines)  # it owns slots

    nodes = [replica, *others]
    wait_until(lambda: all(map(knows, nodes)), "not all nodes know who took over")
