"""Reach a key in a Redis Cluster: find the node that owns its slot, and follow the slot.

A cluster has 16,384 slots, and each key is in one of them: CRC16 of the key modulo 16,384, or of
the part between ``{`` and ``}``, the hash tag. A node refuses a command for a slot of another node,
and names that node. After MOVED that node owns the slot for good. ASK is for one command only,
while the slot is being moved. The refused command was not run, so it is safe to send it again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import redis
from redis.cluster import RedisCluster
from redis.crc import key_slot
from redis.exceptions import (
    ClusterCrossSlotError,
    NoPermissionError,
    RedisClusterException,
    RedisError,
    TryAgainError,
)

from streamviz.client import transport
from streamviz.client.connection import Connection, listeners
from streamviz.client.redirection import Redirection, follow_redirections, redirection
from streamviz.client.resp import Command, to_bytes
from streamviz.client.stream_commands import keys_of
from streamviz.errors import CommandRefused, ServerUnreachable, StreamVizError, check_type

Client = redis.Redis | RedisCluster
"""A client of one server, or of a cluster."""

SLOTS = 16_384
"""The number of hash slots of a cluster."""
_REDIRECT_TIMEOUT_S = 5.0
_RETRY_DELAY_S = 0.01
# what redis-py raises; IndexError if no node has slots
_NO_TABLE = (RedisError, RedisClusterException, OSError, IndexError)


def slot_of(key: str | bytes) -> int:
    """Return the slot of a key (CLUSTER KEYSLOT, 3.0), computed without a server.

    Examples
    --------
    >>> slot_of("orders:{7}") == slot_of("refunds:{7}") == slot_of("7")
    True
    """
    check_type("key", key, (str, bytes), "a key as text or bytes")
    return int(key_slot(to_bytes(key)))


def connection_to(client: Client, key: str, *, quiet: bool = False) -> Connection:
    """Return a connection for a key: to the one server, or to its node in a cluster."""
    if isinstance(client, RedisCluster):
        return ClusterConnection(client, key, quiet=quiet)
    return Connection(client, quiet=quiet)


class ClusterConnection(Connection):
    """Send commands to the node that owns a key's slot.

    It follows MOVED and ASK, and retries for a while when some of a command's keys have already
    been moved and others have not (TRYAGAIN). If the node refuses the connection, nothing was sent,
    so it looks up the slot's node again, and tries that one. After a broken connection it sends
    nothing again; the next call looks up the slot's node again.
    """

    def __init__(self, client: RedisCluster, key: str, *, quiet: bool = False) -> None:
        transport.refuse_pipeline(client)
        self.client: Any = client  # redis-py leaves half of its cluster untyped
        self._listeners = [] if quiet else listeners(client)
        self.slot = slot_of(key)
        self.key = key
        self._owner: Any = None  # the ClusterNode that is asked first
        self._stale = False  # whether the client's table of slots may be out of date
        self._version = None

    @property
    def node(self) -> str:
        """The address of the node that owns the slot, ``host:port``; may ask the cluster."""
        return str(self._find_owner().name)

    @property
    def replicas(self) -> frozenset[str]:
        """The addresses of the slot's replicas, as the cluster reported them last."""
        nodes = self.client.nodes_manager.slots_cache.get(self.slot, ())
        return frozenset(str(node.name) for node in nodes[1:])

    def name_of(self, addresses: Sequence[tuple[str, int]]) -> str:
        """Return the client's name for the node with these addresses inside the cluster."""
        names = []
        for host, port in addresses:
            with suppress(Exception):  # an address_remap need not know the other address
                host, port = self.client.nodes_manager.remap_host_port(host, port)
            names.append(f"{host}:{port}")
        known = [name for name in names if self.client.get_node(node_name=name)]
        return (known or names or [""])[0]

    def send_batches(
        self, batches: Iterable[tuple[bytes, int]]
    ) -> Iterator[tuple[int, list[tuple[int, Exception]]]]:
        """Send batches of commands, one after the other; see `Connection.send_batches`."""
        if self.is_logged:
            yield from super().send_batches(batches)
            return
        for payload, size in batches:
            with self.borrow() as raw_connection:
                raw_connection.send_packed_command([payload])
                replies = transport.read_replies(raw_connection, size, transport.new_reader())
            yield size, transport.errors_among(follow_redirections(payload, replies, self._send))

    def transaction_if(
        self, check: Command, expected: Any, commands: Sequence[Command]
    ) -> list[Any] | None:
        """Send commands together, provided a check has the expected reply; see `Connection`."""
        owner = self.node
        try:
            return super().transaction_if(check, expected, commands)
        except CommandRefused:  # so nothing was done
            self.call(*check)  # finds the slot's new node
            if self.node == owner:
                raise
        return super().transaction_if(check, expected, commands)

    def explain(
        self, error: Exception, command: Command, needs: tuple[int, ...] | None = None
    ) -> StreamVizError:
        """Return the server's error as one of `streamviz.errors`, with the next step."""
        message = str(error)
        if isinstance(error, ClusterCrossSlotError) or "CROSSSLOT" in message:
            return CommandRefused(
                f"{command[0]!s} names keys of several slots, but a command works on one slot: "
                "give the keys the same hash tag, as in 'orders:{7}' and 'refunds:{7}'"
            )
        target = redirection(error)
        if target and target.kind == "MOVED" and (others := self._in_other_slots(command)):
            return CommandRefused(
                f"{others[0]!r} is in another slot than {self.key!r}, but a transaction works on "
                "one slot: give the keys the same hash tag, as in 'orders:{7}' and 'refunds:{7}'"
            )
        if isinstance(error, TryAgainError) or "TRYAGAIN" in message:
            return ServerUnreachable(
                f"slot {self.slot} is being moved, and its keys have been on two nodes for more "
                f"than {_REDIRECT_TIMEOUT_S:g} s: finish the move, then try again"
            )
        if target and target.kind == "ASK":
            return ServerUnreachable(
                f"slot {self.slot} is being moved, and the key {self.key!r} is already on another "
                f"node: {message}. {command[0]!s} does not follow it there: "
                "finish the move (CLUSTER SETSLOT), then try again"
            )
        return super().explain(error, command, needs)

    def _send(self, commands: Sequence[Command], block_ms: int | None = None) -> list[Any]:
        replies = self._follow(commands, block_ms)
        ended_wait = block_ms is not None and isinstance(replies[-1], Exception)
        if ended_wait and str(replies[-1]).startswith(("NOGROUP", "UNBLOCKED")):
            # The stream was moved or deleted during the wait. The same command again tells which.
            replies = self._follow(commands, block_ms)
        return replies

    def _follow(self, commands: Sequence[Command], block_ms: int | None) -> list[Any]:
        """Send commands, and send the redirected ones again, in order, to the named node."""
        transaction = bool(commands) and tuple(commands[0]) == ("MULTI",)
        waits = [len(commands) - 1] if commands and commands[-1][0] in ("WAIT", "WAITAOF") else []
        replies: list[Any] = [None] * len(commands)
        remaining = list(range(len(commands)))
        node, asking = self._find_owner(), False
        deadline = time.monotonic() + _REDIRECT_TIMEOUT_S
        for hop in range(10**6):
            batch = [commands[index] for index in remaining]
            batch_replies = self._send_to(node, asking, batch, block_ms)
            for index, reply in zip(remaining, batch_replies, strict=True):
                replies[index] = reply
            redirected = [index for index in remaining if redirection(replies[index])]
            if not redirected or time.monotonic() > deadline:
                break
            if transaction and any(self._in_other_slots(commands[one]) for one in redirected):
                break  # no node has all the keys
            remaining = remaining if transaction else redirected + waits
            target = redirection(replies[redirected[-1]])
            assert target is not None
            if target.kind == "TRYAGAIN" or hop > 3:  # the nodes do not agree yet
                time.sleep(_RETRY_DELAY_S)
            asking = target.kind == "ASK"
            node = self._redirect(node, target)
        return replies

    def _in_other_slots(self, command: Command) -> list[str]:
        return [key for key in keys_of(command) if slot_of(key) != self.slot]

    def _send_to(
        self, node: Any, asking: bool, commands: Sequence[Command], block_ms: int | None
    ) -> list[Any]:
        with self._borrow_from(node) as raw_connection:
            if not asking:
                return transport.send_and_receive(raw_connection, commands, block_ms)
            if tuple(commands[0]) == ("MULTI",):  # ASKING covers the whole transaction
                return transport.send_and_receive(raw_connection, [("ASKING",), *commands])[1:]
            pairs = [one for command in commands for one in (("ASKING",), command)]
            return transport.send_and_receive(raw_connection, pairs, block_ms)[1::2]

    def _redirect(self, node: Any, target: Redirection) -> Any:
        """Return the node that a redirection names, and store it as the owner after MOVED."""
        if target.kind == "TRYAGAIN":
            return self._find_owner()
        # the address as the client knows it: a redirection names the one inside the cluster
        remap = self.client.nodes_manager.remap_host_port
        host, port = remap(target.host or node.host, target.port)
        named = {"host": host, "port": port, "node_name": f"{host}:{port}"}  # the host may be None
        if target.kind == "MOVED" or self.client.get_node(**named) is None:
            self._refresh_slots()
        new_node = self.client.get_node(**named)
        if new_node is None:
            raise ServerUnreachable(
                f"the cluster redirected slot {self.slot} to {host}:{port}, which is not in its "
                "own list of nodes: wait until the nodes agree (CLUSTER NODES)"
            )
        if target.kind == "MOVED":
            self._owner = new_node
        return new_node

    def _find_owner(self) -> Any:
        if self._owner is None:
            if self._stale:
                self._refresh_slots()
            try:
                self._owner = self.client.get_node_from_key(self.key)
            except _NO_TABLE as error:
                raise self._owner_unknown(error) from error
            if self._owner is None:
                raise self._owner_unknown("the slot is not in any node's list")
        return self._owner

    def _refresh_slots(self) -> None:
        """Read from the cluster which node owns each slot (CLUSTER SLOTS)."""
        try:
            self.client.nodes_manager.initialize()
        except _NO_TABLE as error:
            raise self._owner_unknown(error) from error
        self._stale = False

    def _owner_unknown(self, reason: BaseException | str) -> ServerUnreachable:
        cause = reason if isinstance(reason, BaseException) else None
        while cause is not None:  # redis-py says of each refusal that the server is no cluster
            reason = cause if isinstance(cause, NoPermissionError) else reason
            cause = cause.__cause__ or cause.__context__
        return ServerUnreachable(
            f"no node of the cluster names the owner of slot {self.slot}, the slot of the key "
            f"{self.key!r}: {str(reason).rstrip('.')}. Check that the nodes are running, and that "
            "the user has the rights +cluster|slots +command; then try again"
        )

    def forget(self, *, stale: bool = True) -> None:
        """Look for the slot's node again; `stale` also reads the cluster's table of slots again."""
        self._owner, self._stale = None, stale

    def borrow(self) -> AbstractContextManager[Any]:
        """Borrow a raw connection to the slot's node."""
        return self._borrow_from(self._find_owner())

    @contextmanager
    def _borrow_from(self, node: Any) -> Iterator[Any]:
        pool, connection = self._take(node)
        try:
            with transport.lend(pool, connection) as raw_connection:
                yield raw_connection
        except ServerUnreachable:
            self.forget()
            raise

    def _take(self, node: Any) -> tuple[Any, Any]:
        """Take a connection to a node; if it refuses, look once whether another owns the slot."""
        pool = self.client.get_redis_connection(node).connection_pool
        try:
            return pool, transport.take(pool)
        except ServerUnreachable:
            was_owner = node is self._owner
            self.forget()
            if not was_owner or (owner := self._find_owner()).name == node.name:
                self.forget()
                raise
        pool = self.client.get_redis_connection(owner).connection_pool
        return pool, transport.take(pool)
