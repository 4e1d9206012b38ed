"""What a node of a cluster says of all nodes and their slots (CLUSTER NODES, 3.0)."""

from __future__ import annotations

from typing import Any


class ClusterView:
    """The cluster as one node sees it.

    Parameters
    ----------
    reply : bytes
        The reply to CLUSTER NODES.
    """

    def __init__(self, reply: bytes) -> None:
        self.lines = node_lines(reply)
        self.epochs = {words[0]: int(words[6]) for words in self.lines}

    @property
    def holders(self) -> dict[int, str]:
        """The ID of the node that holds each slot."""
        found: dict[int, str] = {}
        for words in self.lines:
            for span in words[8:]:
                if not span.startswith("["):  # that is a slot on the move
                    first, _, last = span.partition("-")
                    found |= dict.fromkeys(range(int(first), int(last or first) + 1), words[0])
        return found


def node_lines(reply: Any) -> list[list[str]]:
    """Return the words of each line of CLUSTER NODES: ID, address, flags, ..., slots."""
    return [line.split() for line in reply.decode().splitlines()]


def leaving(reply: Any) -> dict[int, str]:
    """Return the slots that the node that replied gives away, and to whose address.

    Parameters
    ----------
    reply : bytes
        What CLUSTER NODES said; a node speaks of such slots only of its own.
    """
    lines = node_lines(reply)
    addresses = {words[0]: words[1].split("@")[0] for words in lines}
    found: dict[int, str] = {}
    for words in lines:
        for span in words[8:]:
            slot, arrow, node_id = span.strip("[]").partition("->-")
            if arrow:
                found[int(slot)] = addresses.get(node_id, node_id)
    return found
