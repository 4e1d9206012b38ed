"""The way to one key in a Redis Cluster: to the node that holds its slot, and after it.

A cluster has 16,384 slots, and each key lies in one: CRC16 of the key modulo 16,384, or of what
stands between ``{`` and ``}`` in it, its hash tag. A node that is asked for a slot of another's
refuses and names who has it: MOVED is for good, ASK is for this once, while the slot is on the
move. A refused command was not carried out, so sending it again, elsewhere, doubles nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal, NamedTuple

import hiredis
import redis
from redis.cluster import RedisCluster
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterCrossSlotError,
    ClusterDownError,
    MovedError,
    RedisClusterException,
    RedisError,
    TryAgainError,
)

from streamviz.client.connection import Connection, listeners
from streamviz.client.exchange import Command, borrowed, exchange, read_many
from streamviz.errors import CommandRefused, ServerUnreachable, StreamVizError

Client = redis.Redis | RedisCluster
"""A client of one server, or of a cluster."""

SLOTS = 16_384
_PATIENCE_S = 5.0
_PAUSE_S = 0.01


class Redirection(NamedTuple):
    """Where a node sends us.

    Attributes
    ----------
    kind : {"MOVED", "ASK", "TRYAGAIN"}
        There for good; there for this once; here again a little later.
    host : str
        Whom to ask; empty for the host of the node that said so.
    port : int
        Its port; 0 for TRYAGAIN.
    """

    kind: Literal["MOVED", "ASK", "TRYAGAIN"]
    host: str = ""
    port: int = 0


def slot_of(key: str | bytes) -> int:
    """Return the slot that a key lies in (CLUSTER KEYSLOT, 3.0); this asks nobody.

    Examples
    --------
    >>> slot_of("orders:{7}") == slot_of("refunds:{7}") == slot_of("7")
    True
    """
    return int(key_slot(key.encode("utf-8", "surrogateescape") if isinstance(key, str) else key))


def connection_to(client: Client, key: str, *, quiet: bool = False) -> Connection:
    """Return the way to a key: on one server, or to its node in a cluster."""
    if isinstance(client, RedisCluster):
        return ClusterConnection(client, key, quiet=quiet)
    return Connection(client, quiet=quiet)


class ClusterConnection(Connection):
    """The way to whoever holds a key's slot.

    It follows MOVED and ASK, and waits a little when a slot's keys are half here and half there
    (TRYAGAIN). After a broken connection it never sends anything again by itself, but looks anew
    for the slot's node when it is next used.

    Parameters
    ----------
    client : redis.cluster.RedisCluster
        The cluster; its connections are used, not its retry.
    key : str
        Any key of the slot.
    quiet : bool
        Whether what it sends is kept from listeners.

    Attributes
    ----------
    key : str
        The key.
    slot : int
        The key's slot, 0 to 16,383.
    """

    def __init__(self, client: RedisCluster, key: str, *, quiet: bool = False) -> None:
        self._listeners = [] if quiet else listeners(client)
        self.slot = slot_of(key)
        self.key = key
        self._client: Any = client  # redis-py leaves half of its cluster untyped
        self._home: Any = None  # the ClusterNode that is asked first
        self._stale = False  # whether to learn anew who holds what, before that
        self._version = None

    @property
    def node(self) -> str:
        """The node that holds the slot as far as is known, ``host:port``; this may ask it.

        Raises
        ------
        ServerUnreachable
            If no node of the cluster says who it is.
        """
        return str(self._find_home().name)

    def on_node(self, *command: str) -> Any:
        """Send a command without a key to the slot's node, and return the raw reply."""
        with self._connection_to(self._find_home()) as connection:
            return exchange(connection, [command])[0]

    def send_batches(
        self, batches: Iterable[tuple[bytes, int]]
    ) -> Iterator[tuple[int, list[tuple[int, Exception]]]]:
        """Send many commands, one batch after the other; see `Connection.send_batches`."""
        for payload, size in batches:
            with self._connection_to(self._find_home()) as connection:
                connection.send_packed_command([payload])
                replies = read_many(connection, size)
            elsewhere = [place for place, reply in enumerate(replies) if redirection(reply)]
            if elsewhere:
                commands = unpack(payload)
                again = self._send([commands[place] for place in elsewhere])
                for place, reply in zip(elsewhere, again, strict=True):
                    replies[place] = reply
            yield size, [(i, reply) for i, reply in enumerate(replies) if _failed(reply)]

    def explain(
        self, error: Exception, command: Command, needs: tuple[int, ...] | None = None
    ) -> StreamVizError:
        """Return what the server said as one of our errors, with the next step."""
        said = str(error)
        if isinstance(error, ClusterDownError) or "CLUSTERDOWN" in said:
            return ServerUnreachable(
                f"nobody serves slot {self.slot}, where {self.key!r} lies: {error}. Start "
                "its node, or wait until a replica has taken over (CLUSTER SHARDS shows it)"
            )
        if isinstance(error, ClusterCrossSlotError) or "CROSSSLOT" in said:
            return CommandRefused(
                f"{command[0]!s} names keys of several slots, and one command has one slot: give "
                "the keys the same hash tag, as in 'orders:{7}' and 'refunds:{7}'"
            )
        if isinstance(error, TryAgainError) or "TRYAGAIN" in said:
            return ServerUnreachable(
                f"slot {self.slot} is on the move, its keys half here and half there, for more "
                f"than {_PATIENCE_S:g} s: see to it that the move goes on, then try again"
            )
        return super().explain(error, command, needs)

    def _send(self, commands: Sequence[Command], block_ms: int | None = None) -> list[Any]:
        replies = self._follow(commands, block_ms)
        if block_ms is not None and _was_unblocked(replies[0]):
            # the stream left while we waited for it: the same question again, now that it has
            # either gone elsewhere or not, tells which
            replies = self._follow(commands, block_ms)
        return replies

    def _follow(self, commands: Sequence[Command], block_ms: int | None) -> list[Any]:
        """Send commands, and what is refused with an address, in its order, to that address."""
        whole = bool(commands) and tuple(commands[0]) == ("MULTI",)
        replies: list[Any] = [None] * len(commands)
        left = list(range(len(commands)))
        node, asking = self._find_home(), False
        deadline = time.monotonic() + _PATIENCE_S
        for hop in range(10**6):
            again = [commands[place] for place in left]
            for place, reply in zip(left, self._talk(node, asking, again, block_ms), strict=True):
                replies[place] = reply
            elsewhere = [place for place in left if redirection(replies[place])]
            if not elsewhere or time.monotonic() > deadline:
                break
            left = left if whole else elsewhere
            where = redirection(replies[elsewhere[-1]])
            assert where is not None
            if where.kind == "TRYAGAIN" or hop > 3:  # they do not agree yet
                time.sleep(_PAUSE_S)
            asking = where.kind == "ASK"
            node = self._turn(node, where)
        return replies

    def _talk(
        self, node: Any, asking: bool, commands: Sequence[Command], block_ms: int | None
    ) -> list[Any]:
        with self._connection_to(node) as connection:
            if not asking:
                return exchange(connection, commands, block_ms)
            if len(commands) == 1:
                exchange(connection, [("ASKING",)])
                return exchange(connection, commands, block_ms)
            if tuple(commands[0]) == ("MULTI",):  # it holds for the whole transaction
                return exchange(connection, [("ASKING",), *commands])[1:]
            asked = [one for command in commands for one in (("ASKING",), command)]
            return exchange(connection, asked)[1::2]

    def _turn(self, node: Any, where: Redirection) -> Any:
        """Return the node that is meant, and remember it if that is for good."""
        if where.kind == "TRYAGAIN":
            return self._find_home()
        host, port = where.host or node.host, where.port
        if where.kind == "MOVED" or self._client.get_node(host=host, port=port) is None:
            self._learn()
        found = self._client.get_node(host=host, port=port)
        if found is None:
            raise ServerUnreachable(
                f"the cluster sent us to {host}:{port} for slot {self.slot}, which is not in its "
                "own list of nodes: wait until the nodes agree (CLUSTER NODES)"
            )
        if where.kind == "MOVED":
            self._home = found
        return found

    def _find_home(self) -> Any:
        if self._home is None:
            if self._stale:
                self._learn()
            try:
                self._home = self._client.get_node_from_key(self.key)
            except (RedisError, RedisClusterException, OSError) as error:
                raise self._nobody(error) from error
            if self._home is None:
                raise self._nobody("it is in nobody's list")
        return self._home

    def _learn(self) -> None:
        """Ask the cluster anew who holds what (CLUSTER SLOTS)."""
        try:
            self._client.nodes_manager.initialize()
        except (RedisError, RedisClusterException, OSError) as error:
            raise self._nobody(error) from error
        self._stale = False

    def _nobody(self, why: Exception | str) -> ServerUnreachable:
        return ServerUnreachable(
            f"no node of the cluster says who holds slot {self.slot}, where {self.key!r} "
            f"lies: {why}. See whether the nodes run, and try again"
        )

    def _lend(self) -> AbstractContextManager[Any]:
        return self._connection_to(self._find_home())

    @contextmanager
    def _connection_to(self, node: Any) -> Iterator[Any]:
        try:
            with borrowed(self._client.get_redis_connection(node).connection_pool) as connection:
                yield connection
        except ServerUnreachable:
            self._home, self._stale = None, True
            raise


def redirection(reply: Any) -> Redirection | None:
    """Return where a reply sends us, None if it is an answer, or an error of another kind."""
    if not isinstance(reply, Exception):
        return None
    said = str(reply)
    for kind, name in ((MovedError, "MOVED"), (AskError, "ASK"), (TryAgainError, "TRYAGAIN")):
        if isinstance(reply, kind) and not said.startswith(name):
            said = f"{name} {said}"  # redis-py's own reader takes the first word off
            break
    if said.startswith("TRYAGAIN"):
        return Redirection("TRYAGAIN")
    found = re.match(r"(MOVED|ASK) \d+ (.*):(\d+)$", said)
    if found is None:
        return None
    return Redirection("MOVED" if found[1] == "MOVED" else "ASK", found[2], int(found[3]))


def unpack(payload: bytes) -> list[list[bytes]]:
    """Return the commands that `pack` wrote one after the other."""
    reader = hiredis.Reader()
    reader.feed(payload)
    commands: list[list[bytes]] = []
    while (command := reader.gets()) is not False:
        commands.append(command)
    return commands


def _failed(reply: Any) -> bool:
    return isinstance(reply, Exception)


def _was_unblocked(reply: Any) -> bool:
    return isinstance(reply, Exception) and str(reply).startswith(("NOGROUP", "UNBLOCKED"))
