"""Read one node's reply about all nodes and their slots (CLUSTER NODES, 3.0)."""

from __future__ import annotations

from typing import Any


class ClusterView:
    """The nodes and slots of a cluster, as one node's reply to CLUSTER NODES reports them."""

    def __init__(self, reply: bytes) -> None:
        self.lines = node_lines(reply)
        self.epochs = {words[0]: int(words[6]) for words in self.lines}

    @property
    def holders(self) -> dict[int, str]:
        """For each slot, the ID of the node that owns it."""
        owners: dict[int, str] = {}
        for words in self.lines:
            for span in words[8:]:
                if not span.startswith("["):  # a slot that is being moved
                    first, _, last = span.partition("-")
                    owners |= dict.fromkeys(range(int(first), int(last or first) + 1), words[0])
        return owners


def node_lines(reply: Any) -> list[list[str]]:
    """Return the words of each line of CLUSTER NODES: ID, address, flags, ..., slots."""
    return [line.split() for line in reply.decode().splitlines()]


def migrating_slots(reply: Any) -> dict[int, list[tuple[str, int]]]:
    """Return the slots that this node itself is moving away, each with the target's addresses.

    These are the addresses inside the cluster: the IP, and the host's name if it announces one.
    """
    lines = node_lines(reply)
    targets: dict[int, list[tuple[str, int]]] = {}
    for words in lines:
        for span in words[8:]:
            slot, arrow, node_id = span.strip("[]").partition("->-")
            if arrow:
                targets[int(slot)] = [at for one in lines if one[0] == node_id for at in _at(one)]
    return targets


def _at(words: list[str]) -> list[tuple[str, int]]:
    """Return a node's addresses; its line has them as ip:port@port,name,key=value."""
    address, _, more = words[1].partition("@")
    ip, _, port = address.rpartition(":")
    names = [one for one in more.split(",")[1:] if one and "=" not in one]
    return [(host, int(port)) for host in (ip, *names)]
