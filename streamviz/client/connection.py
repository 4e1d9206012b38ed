"""The raw exchange with the server, over the connections of a redis-py client.

Every command of the package goes through here. The connection, with its TLS, user and pool, is
redis-py's; its reply callbacks, its decoding and its retry are left out. So a reply has one shape
in text and in bytes, and an XADD is never sent twice behind the caller's back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import hiredis
import redis
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    ResponseError,
)

from streamviz.client.exchange import (
    Arg,
    Command,
    borrowed,
    exchange,
    failures,
    unpack,
    version_of,
)
from streamviz.client.exchange import ServerVersion as ServerVersion
from streamviz.client.exchange import key_of as key_of
from streamviz.errors import (
    CommandRefused,
    InputError,
    NoSuchGroup,
    NoSuchStream,
    ServerAuthError,
    StreamVizError,
    UnsupportedCommand,
    WrongType,
)


class Listener(Protocol):
    """Somebody who wants to see what is sent."""

    def sending(self, command: Command) -> None:
        """Hear of a command before it goes out."""

    def sent(self, command: Command, reply: Any) -> None:
        """Hear of a command and its raw reply, an error among them."""


_LISTENERS: WeakKeyDictionary[Any, list[Listener]] = WeakKeyDictionary()


class Connection:
    """One way to one server.

    Parameters
    ----------
    client : redis.Redis
        Any client: RESP2 or RESP3, text or bytes, TCP, TLS or Unix socket. The wire borrows its
        connections, one at a time, so threads may share it.
    quiet : bool
        Whether what it sends is kept from listeners.

    Raises
    ------
    InputError
        If `client` is not a redis-py client.
    """

    def __init__(self, client: redis.Redis, *, quiet: bool = False) -> None:
        self._pool = _pool(client)
        self._listeners = [] if quiet else listeners(client)
        self._version: ServerVersion | None = None

    def call(
        self, *command: Arg, block_ms: int | None = None, needs: tuple[int, ...] | None = None
    ) -> Any:
        """Send one command, and return its reply in raw bytes, integers, lists and dicts.

        Parameters
        ----------
        *command : str, bytes, int or float
            The command's name and its arguments.
        block_ms : int, optional
            How long the server may keep the reply, in milliseconds; 0 is for ever. It stretches
            the socket's time-out for this one reply.
        needs : tuple of int, optional
            The version of Redis that brought this command or option.

        Raises
        ------
        StreamError, ServerError
            What the server or the connection said, in the terms of `streamviz.errors`.
        """
        reply = self._told([command], block_ms)[0]
        if isinstance(reply, Exception):
            raise self.explain(reply, command, needs) from reply
        return reply

    def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one round trip; a refused one has its error in its place."""
        if not commands:
            return []
        return self._explained(self._told(commands), commands)

    def transaction(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands that take effect together or not at all (MULTI, EXEC).

        Raises
        ------
        StreamError, ServerError
            The first refusal. What MULTI could not refuse beforehand (a key of another type)
            leaves the other commands done, as Redis has it.
        """
        for reply in (replies := self.snapshot(commands)):
            if isinstance(reply, Exception):
                raise reply
        return replies

    def snapshot(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one round trip and have them answered at one moment (MULTI, EXEC).

        A refused one has its error in its place.
        """
        block = [("MULTI",), *commands, ("EXEC",)]
        return self._committed(self._told(block), block)

    def transaction_if(
        self, look: Command, expected: Any, commands: Sequence[Command]
    ) -> list[Any] | None:
        """Send commands together if a look finds what is expected (WATCH, MULTI, EXEC).

        Parameters
        ----------
        look : sequence
            A command that reads; nobody changes its key between the look and the commands.
        expected : bytes, int, list, dict or None
            Its raw reply, as it has to be.
        commands : sequence
            What to do then; a refused one has its error in its place.

        Returns
        -------
        list or None
            The replies; None if the look found something else, and nothing was done.
        """
        asked: list[Command] = [("WATCH", key_of(look)), look]
        block: list[Command] = [("MULTI",), *commands, ("EXEC",)]
        replies: list[Any] = [None]
        with self._lend() as connection:
            while replies[-1] is None:  # so EXEC says that the key changed, maybe in another part
                seen = self._heard(asked, lambda: exchange(connection, asked))
                if seen[1] != expected or isinstance(seen[0], Exception):
                    exchange(connection, [("UNWATCH",)])
                    break
                replies = self._heard(block, lambda: exchange(connection, block))
        for reply in self._explained(seen, asked):
            if isinstance(reply, Exception):
                raise reply
        return None if replies[-1] is None else self._committed(replies, block)

    def send_batches(
        self, batches: Iterable[tuple[bytes, int]]
    ) -> Iterator[tuple[int, list[tuple[int, Exception]]]]:
        """Send many commands, the next batch while the server works on the last.

        Parameters
        ----------
        batches : iterable of (bytes, int)
            Commands as `pack` writes them, one after the other, and how many they are.

        Yields
        ------
        (int, list of (int, Exception))
            For each batch, once all of it is answered: how many commands it had; the place of
            each refused one and what the server said.

        Raises
        ------
        ServerError
            If the connection breaks. How much of the last two batches was done is then unknown.
        """
        if self._listeners:  # somebody wants to see each one
            for payload, size in batches:
                told = self.pipeline(unpack(payload))
                yield size, [(i, one) for i, one in enumerate(told) if isinstance(one, Exception)]
            return
        with borrowed(self._pool) as connection:
            reader = hiredis.Reader(replyError=ResponseError)
            waiting = 0
            for payload, size in batches:
                connection.send_packed_command([payload])
                if waiting:
                    yield waiting, failures(reader, connection, waiting)
                waiting = size
            if waiting:
                yield waiting, failures(reader, connection, waiting)

    @property
    def version(self) -> ServerVersion:
        """Which server answers (INFO server), asked once."""
        if self._version is None:
            self._version = version_of(self.call("INFO", "server"))
        return self._version

    def explain(
        self, error: Exception, command: Command, needs: tuple[int, ...] | None = None
    ) -> StreamVizError:
        """Return what the server said as one of our errors, with the next step."""
        said = str(error).removeprefix("ERR ")
        name = str(command[0])
        key = key_of(command)
        # an EXEC that is not allowed: "EXECABORT Transaction discarded because of: NOPERM ..."
        denied = said.startswith(("NOAUTH", "NOPERM")) or "because of: NOPERM" in said
        if denied or isinstance(error, AuthenticationError | NoPermissionError):
            return ServerAuthError(
                f"{name} is not allowed for this user: {said}. Check user name and password, "
                "or the user's rights with ACL GETUSER"
            )
        if said.startswith(("NOGROUP", "UNBLOCKED")):
            return NoSuchGroup(
                f"{said}. Create the group with stream.group(name).create(), "
                "or see whether the stream was deleted"
            )
        if said.startswith("WRONGTYPE"):
            kind = "stream" if name.startswith("X") else f"{name} works on"
            return WrongType(f"{key!r} holds another type than {kind}: choose another key")
        if said.lower().startswith("no such key") or "requires the key to exist" in said:
            return NoSuchStream(f"there is no stream {key!r}: add an entry first, or check the key")
        if needs and not self.version.has(needs):
            return UnsupportedCommand(
                f"{name} as asked needs Redis {'.'.join(map(str, needs))}; "
                f"this server is {self.version}. Connect to a newer one, or do without"
            )
        return CommandRefused(f"{name} {key!r} was refused: {said}")

    def _told(self, commands: Sequence[Command], block_ms: int | None = None) -> list[Any]:
        """Send commands, and let the listeners know what came back."""
        return self._heard(commands, lambda: self._send(commands, block_ms))

    def _heard(self, commands: Sequence[Command], send: Callable[[], list[Any]]) -> list[Any]:
        listening = tuple(self._listeners)
        for listener in listening:
            for command in commands:
                listener.sending(command)
        replies = send()
        for listener in listening:
            for command, reply in zip(commands, replies, strict=True):
                listener.sent(command, reply)
        return replies

    def _send(self, commands: Sequence[Command], block_ms: int | None = None) -> list[Any]:
        """Send commands, and return the raw replies; a refused one has its error in its place."""
        with self._lend() as connection:
            return exchange(connection, commands, block_ms)

    def _lend(self) -> AbstractContextManager[Any]:
        """Lend a connection to where the keys are."""
        return borrowed(self._pool)

    def _committed(self, replies: Sequence[Any], block: Sequence[Command]) -> list[Any]:
        """Return what EXEC replied, or raise why it did nothing."""
        if isinstance(replies[-1], Exception):
            found = self._explained(replies, block)
            raise next(reply for reply in found if isinstance(reply, Exception))
        return self._explained(replies[-1], block[1:-1])

    def _explained(self, replies: Sequence[Any], commands: Sequence[Command]) -> list[Any]:
        return [
            self.explain(reply, command) if isinstance(reply, Exception) else reply
            for reply, command in zip(replies, commands, strict=True)
        ]


def listeners(client: Any) -> list[Listener]:
    """Return who hears of each command and its raw reply, over this client's connections."""
    # a client of a cluster has no pool, but clients with one pool are one
    return _LISTENERS.setdefault(getattr(client, "connection_pool", client), [])


def _pool(client: redis.Redis) -> Any:
    pool = getattr(client, "connection_pool", None)
    if pool is None or not hasattr(pool, "get_connection"):
        raise InputError(
            f"{type(client).__name__} is not a Redis client: "
            "give a redis.Redis, for example streamviz.connect()"
        )
    return pool
