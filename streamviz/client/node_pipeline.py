"""Send commands for many keys in one round trip per node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

from streamviz.client import transport
from streamviz.client.cluster import ClusterConnection
from streamviz.client.connection import Connection
from streamviz.client.redirection import redirection
from streamviz.errors import ServerUnreachable

_T = TypeVar("_T")
_TRANSACTION = b"*1\r\n$5\r\nMULTI\r\n"


def node_of(connection: Connection) -> str:
    """Return the address of the node that owns a connection's key; empty on a single server.

    ServerUnreachable if no node of the cluster names the owner.
    """
    return connection.node if isinstance(connection, ClusterConnection) else ""


def exchange(
    connections: Sequence[Connection],
    blocks: Iterable[tuple[bytes, int]],
    block_ms: int | None = None,
) -> list[list[Any]]:
    """Send a block of commands for each connection's key in one write, and return raw replies.

    The keys are on one node; see `node_of`. A block is commands as `pack` writes them, and their
    number. The last command of all may block for `block_ms`. A refused command has its error as its
    reply. So has a command for a key on another node; it is not sent again. ServerError if the
    connection breaks; the next use of each connection looks for its node again.
    """
    payloads, sizes = zip(*blocks, strict=True)
    home = node_of(connections[0])
    reader = transport.new_reader()
    try:
        with connections[0].borrow() as raw_connection:
            raw_connection.send_packed_command([b"".join(payloads)])
            replies = iter(transport.read_replies(raw_connection, sum(sizes), reader, block_ms))
            answers = [list(islice(replies, size)) for size in sizes]
            for payload, answer in zip(payloads, answers, strict=True):
                if payload.startswith(_TRANSACTION) and transport.is_open(answer[-1]):
                    raw_connection.disconnect()
    except ServerUnreachable:
        forget(connections)
        raise
    if node_of(connections[0]) != home:  # it refused, and another node has taken over
        for connection in connections[1:]:
            if isinstance(connection, ClusterConnection):
                connection.forget(stale=False)
    return answers


def forget(connections: Iterable[Connection]) -> None:
    """Let connections look for their nodes again, in a table of slots that is read only once."""
    stale = True
    for connection in connections:
        if isinstance(connection, ClusterConnection):
            connection.forget(stale=stale)
            stale = False


def moved(replies: Iterable[Any]) -> bool | None:
    """Tell whether all that was redirected has moved for good; None if nothing was redirected."""
    targets = [target for target in map(redirection, replies) if target is not None]
    return all(target.kind == "MOVED" for target in targets) if targets else None


def side_by_side(calls: Sequence[Callable[[], _T]]) -> list[_T]:
    """Return what each call returns; several run at once, each in a thread."""
    if len(calls) == 1:
        return [calls[0]()]
    with ThreadPoolExecutor(max(len(calls), 1)) as executor:
        return [future.result() for future in [executor.submit(call) for call in calls]]
