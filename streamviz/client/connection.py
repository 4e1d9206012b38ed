"""Send commands to a server over the connections of a redis-py client.

Every command of the package is sent here. The connection, with its TLS, user and pool, is
redis-py's. Its reply callbacks, decoding and retries are not used. So a reply has the same shape
for a client of text and a client of bytes, and an XADD is never sent twice without the caller's
knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from copy import copy
from functools import partial
from itertools import chain
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import redis
from redis.crc import key_slot
from redis.exceptions import AskError, AuthenticationError, ClusterDownError, NoPermissionError

from streamviz.client import transport
from streamviz.client.resp import Arg, Command, to_bytes, unpack
from streamviz.client.server_version import ServerVersion
from streamviz.client.stream_commands import key_of, keys_of
from streamviz.errors import (
    CommandRefused,
    IdTooSmall,
    NoSuchGroup,
    NoSuchStream,
    ServerAuthError,
    ServerUnreachable,
    StreamVizError,
    UnsupportedCommand,
    WrongType,
)


class Listener(Protocol):
    """An object that is notified of each command that is sent."""

    def on_send(self, command: Command) -> None:
        """Take a command that is about to be sent."""

    def on_reply(self, command: Command, reply: Any) -> None:
        """Take a command and its raw reply, which may be an error."""


_LISTENERS: WeakKeyDictionary[Any, list[Listener]] = WeakKeyDictionary()


class Connection:
    """Send commands to one server; threads may share this object.

    The client may be any of redis-py's: RESP2 or RESP3, text or bytes, TCP, TLS or Unix socket; any
    other is an InputError. Each call borrows a raw connection from its pool. With `quiet`, no
    listener is notified.
    """

    def __init__(self, client: redis.Redis, *, quiet: bool = False) -> None:
        self._pool = transport.pool_of(client)
        self.client: Any = client
        self._listeners = [] if quiet else listeners(client)
        self._version: ServerVersion | None = None

    def call(
        self, *command: Arg, block_ms: int | None = None, needs: tuple[int, ...] | None = None
    ) -> Any:
        """Send one command, and return its reply in raw bytes, integers, lists and dicts.

        StreamError or ServerError if the server refuses it, or the connection breaks. The server
        may block for `block_ms` milliseconds, 0 is forever: that extends the socket's time-out for
        this one reply. `needs` is the Redis version that brought the command or its options.
        """
        (reply,) = self.replies([command], block_ms)
        if isinstance(reply, Exception):
            raise self.explain(reply, command, needs) from reply
        return reply

    def pipeline(self, commands: Sequence[Command], block_ms: int | None = None) -> list[Any]:
        """Send commands in one round trip; a refused command has its error as its reply.

        The last command may block for `block_ms` milliseconds, as in `call`.
        """
        return self.explain_errors(self.replies(commands, block_ms), commands)

    def replies(self, commands: Sequence[Command], block_ms: int | None = None) -> list[Any]:
        """Send commands as `pipeline` does, and return the raw replies, errors as they are."""
        send = partial(self._send, block_ms=block_ms)
        return self._notify(commands, send) if commands else []

    @property
    def is_logged(self) -> bool:
        """Whether a listener is notified of each command."""
        return bool(self._listeners)

    def transaction(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands that take effect together or not at all (MULTI, EXEC).

        Raise the first refused command's error. If Redis finds it only during EXEC, such as a key
        of another type, the other commands still take effect.
        """
        return transport.without_errors(self.snapshot(commands))

    def snapshot(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands answered at one moment (MULTI, EXEC); an error is a reply, too."""
        block = [("MULTI",), *commands, ("EXEC",)]
        return self._exec_replies(self.replies(block), block)

    def transaction_if(
        self, check: Command, expected: Any, commands: Sequence[Command]
    ) -> list[Any] | None:
        """Send commands together, provided a check has the expected reply (WATCH, MULTI, EXEC).

        Return the replies, errors among them, or None if the check had another reply, so that
        nothing was done. The check is a command that reads; its key cannot change between the
        check and the commands.
        """
        watch: list[Command] = [("WATCH", key_of(check)), check]
        block: list[Command] = [("MULTI",), *commands, ("EXEC",)]
        exec_reply = None
        with self.borrow() as raw_connection:
            send = partial(transport.send_and_receive, raw_connection)
            while exec_reply is None:  # None means that the key changed, perhaps in another part
                checked = self._notify(watch, send)
                if checked[1] != expected or isinstance(checked[0], Exception):
                    send([("UNWATCH",)])
                    break
                replies = self._notify(block, send)
                exec_reply = replies[-1]
        transport.without_errors(self.explain_errors(checked, watch))
        return None if exec_reply is None else self._exec_replies(replies, block)

    def send_batches(
        self, batches: Iterable[tuple[bytes, int]]
    ) -> Iterator[tuple[int, list[tuple[int, Exception]]]]:
        """Send batches of commands, each one while the server works on the previous one.

        A batch is commands as `pack` writes them, and their number. Yield for each answered batch
        its number of commands, and the index and error of each refused one. After a ServerError it
        is unknown how much of the last two batches was done.
        """
        if self.is_logged:  # the listeners are notified of each command
            for payload, size in batches:
                yield size, transport.errors_among(self.replies(unpack(payload)))
            return
        with self.borrow() as raw_connection:
            reader = transport.new_reader()
            unanswered = 0
            for payload, size in chain(batches, [(b"", 0)]):
                if payload:
                    raw_connection.send_packed_command([payload], check_health=not unanswered)
                if unanswered:
                    replies = transport.read_replies(raw_connection, unanswered, reader)
                    yield unanswered, transport.errors_among(replies)
                unanswered = size

    def unlogged(self) -> Connection:
        """Return a connection to the same server that leaves the listeners out."""
        quiet = copy(self)
        quiet._listeners = []
        return quiet

    @property
    def version(self) -> ServerVersion:
        """The server's product and version (INFO server), read once."""
        if self._version is None:
            self._version = ServerVersion.parse(self.call("INFO", "server"))
        return self._version

    def explain(
        self, error: Exception, command: Command, needs: tuple[int, ...] | None = None
    ) -> StreamVizError:
        """Return the server's error as one of `streamviz.errors`, with the next step."""
        message = str(error).removeprefix("ERR ").partition(", with args beginning with")[0][:500]
        name = str(command[0])
        key = key_of(command)
        # a transaction is refused with "EXECABORT Transaction discarded because of: NOPERM ..."
        denied = message.startswith(("NOAUTH", "NOPERM")) or "because of: NOPERM" in message
        if denied or isinstance(error, AuthenticationError | NoPermissionError):
            for which in ("a key", "one of the keys used as arguments"):  # since and before 7.2
                message = message.replace(f"access {which}", f"access the key {key!r}")
            return ServerAuthError(
                f"{name} is not allowed for this user: {message}. Check user name and password, "
                "or the user's rights with ACL GETUSER"
            )
        if message.startswith("READONLY"):
            transport.ask_sentinel_again(getattr(self.client, "connection_pool", None))
        if message.startswith(("NOGROUP", "UNBLOCKED")):
            return NoSuchGroup(
                f"{message}. Create the group with stream.group(name).create(), "
                "or check whether the stream was deleted"
            )
        if of_cluster := _of_cluster(error, message, key):
            return of_cluster
        if message.startswith("WRONGTYPE"):
            kind = "a stream" if name.startswith("X") else f"{name} works on"
            if len(keys := keys_of(command)) == 1:
                return WrongType(f"{key!r} holds another type than {kind}: choose another key")
            return WrongType(
                f"one of {', '.join(map(repr, keys))} holds another type than {kind}: look which "
                "one with TYPE, and choose another key"
            )
        if message.lower().startswith("no such key") or "requires the key to exist" in message:
            return NoSuchStream(f"there is no stream {key!r}: add an entry first, or check the key")
        if needs and not self.version.has(needs):
            return UnsupportedCommand(
                f"{name} with these options needs Redis {'.'.join(map(str, needs))}; "
                f"this server is {self.version}. Connect to a newer server, or do without"
            )
        if "equal or smaller than the target stream top item" in message:
            return IdTooSmall(
                f"{name} {key!r} was refused: {message}. After a retry, look whether the entry is "
                "there already: stream.range(id, id). Or else give a larger ID, or *"
            )
        advice = ""
        if message.startswith("BUSYGROUP"):
            advice = ". Call create(..., exist_ok=True) to leave it, or choose another name"
        return CommandRefused(f"{name} {key!r} was refused: {message}{advice}")

    def _notify(
        self, commands: Sequence[Command], send: Callable[[Sequence[Command]], list[Any]]
    ) -> list[Any]:
        notified = tuple(self._listeners)
        for listener in notified:
            for command in commands:
                listener.on_send(command)
        replies = send(commands)
        for listener in notified:
            for command, reply in zip(commands, replies, strict=True):
                listener.on_reply(command, reply)
        return replies

    def _send(self, commands: Sequence[Command], block_ms: int | None = None) -> list[Any]:
        with self.borrow() as raw_connection:
            return transport.send_and_receive(raw_connection, commands, block_ms)

    def borrow(self) -> AbstractContextManager[Any]:
        """Borrow a raw connection to the server; ServerError if it can't be made, or breaks."""
        return transport.lend(self._pool, transport.take(self._pool))

    def _exec_replies(self, replies: Sequence[Any], block: Sequence[Command]) -> list[Any]:
        """Return the replies inside EXEC's reply, or raise the error that made EXEC fail."""
        if isinstance(replies[-1], Exception):
            transport.without_errors(self.explain_errors(replies, block))
        return self.explain_errors(replies[-1], block[1:-1])

    def explain_errors(self, replies: Sequence[Any], commands: Sequence[Command]) -> list[Any]:
        """Return the replies to commands, with each error explained."""
        explained = [*replies]
        for i, error in transport.errors_among(replies):
            explained[i] = self.explain(error, commands[i])
        return explained


def _of_cluster(error: Exception, message: str, key: str) -> StreamVizError | None:
    """Return an error of a node of a cluster in words; None for any other error."""
    if isinstance(error, ClusterDownError) or "CLUSTERDOWN" in message:
        return ServerUnreachable(
            f"no node serves slot {key_slot(to_bytes(key))} of the key {key!r}: {error}. Start "
            "its node, or wait until a replica has taken over (see CLUSTER SHARDS)"
        )
    if isinstance(error, AskError) or message.startswith(("MOVED ", "ASK ")):
        return CommandRefused(
            f"this server is a node of a cluster, and another node has {key!r}: {message}. "
            "Give a client of the cluster: streamviz.connect(url of a node), or "
            "redis.cluster.RedisCluster(host=..., port=...)"
        )
    return None


def listeners(client: Any) -> list[Listener]:
    """Return the list of a client's listeners, to add to or to remove from.

    Parameters
    ----------
    client : redis.Redis or redis.cluster.RedisCluster
        Clients that share a connection pool share their listeners.
    """
    # a client of a cluster has no pool of its own
    return _LISTENERS.setdefault(getattr(client, "connection_pool", client), [])
