"""Words out, replies in: what lies between a command and a connection of redis-py's."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Rational, Real
from typing import Any

import hiredis
import redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from streamviz.errors import InputError, ServerAuthError, ServerError, ServerUnreachable

Arg = str | bytes | int | float | Decimal
Command = Sequence[Arg]

_BLOCK_MARGIN_S = 5.0
_PLAIN = frozenset({str, bytes, int, float})


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """Which server answers.

    Attributes
    ----------
    name : {"Redis", "Valkey"}
        The product.
    number : tuple of int
        Its own version, ``(8, 2, 3)``.
    """

    name: str
    number: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.number))}"

    def has(self, redis_version: tuple[int, ...]) -> bool:
        """Tell whether this server has what came with that version of Redis.

        Valkey began as Redis 7.2.4; what Redis added later came from another tree.
        """
        own = self.number if self.name == "Redis" else min(self.number, (7, 2, 4))
        return own >= redis_version


def pack(command: Command) -> bytes:
    """Return a command in RESP, the protocol that the server reads."""
    words: Any = tuple(command)
    if not _PLAIN.issuperset(map(type, words)):  # hiredis would write what repr() makes of them
        words = tuple(map(to_bytes, words))
    try:
        return bytes(hiredis.pack_command(words))
    except UnicodeEncodeError:  # surrogate escapes are bytes that are no UTF-8
        words = tuple(map(to_bytes, words))
        return bytes(hiredis.pack_command(words))


def to_bytes(value: Arg) -> bytes:
    """Return a text or a number as the bytes that Redis stores.

    A float is written as its shortest digits, a Decimal as those that it has; a NumPy scalar is
    the int or float of the same value, a member of an IntEnum its number. A bool is refused,
    since Redis has none, and a Fraction, since no reader takes one for a number.

    Raises
    ------
    InputError
        If `value` is none of these, or a text that UTF-8 cannot write.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise InputError(
                f"{value!r} has half a character at place {error.start}, which UTF-8 cannot write: "
                "take it out, or give bytes"
            ) from None
    if not isinstance(value, bool):
        written = _number(value)
        if written is not None:
            return written.encode()
    raise InputError(
        f"{value!r} is of type {type(value).__name__}, and Redis stores text, bytes and numbers: "
        "convert it first, for example with str(), float() or json.dumps()"
    )


def _number(value: Any) -> str | None:
    """Return a number as text, or None; never its repr, which may be np.float64(1.5)."""
    if isinstance(value, Integral) and hasattr(value, "__index__"):  # numpy.timedelta64 has none
        try:
            return int.__repr__(operator.index(value))
        except ValueError:
            raise InputError(
                "an integer of more digits than Python writes: convert it first, for example to a "
                "hexadecimal text with hex()"
            ) from None
    if isinstance(value, Real) and not isinstance(value, Rational):
        return float.__repr__(float(value))
    return Decimal.__str__(value) if isinstance(value, Decimal) else None


def unpack(payload: bytes) -> list[Command]:
    """Return the commands that `pack` has written."""
    reader = hiredis.Reader()
    reader.feed(payload)
    return list(iter(reader.gets, False))


def key_of(command: Command) -> str:
    """Return the stream's key that a command names, the first one if there are several."""
    words = [
        part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)
        for part in command
    ]
    if words[0] in {"XREAD", "XREADGROUP"}:  # ... STREAMS, the keys, and as many IDs
        last = len(words) - 1 - words[::-1].index("STREAMS")
        return words[last + 1] if len(words) > last + 1 else ""
    place = {"XINFO": 2, "XGROUP": 2, "EVAL": 3}.get(words[0], 1)
    return words[place] if len(words) > place else ""


def version_of(info: Any) -> ServerVersion:
    """Return which server answers, from its reply to INFO."""
    text = info.decode("utf-8", "replace")
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    valkey = lines.get("valkey_version")
    number = valkey or lines.get("redis_version", "0")
    return ServerVersion(
        "Valkey" if valkey else "Redis", tuple(int(part) for part in re.findall(r"\d+", number)[:3])
    )


@contextmanager
def borrowed(pool: Any) -> Iterator[Any]:
    """Borrow a connection of a pool; it goes back clean, or closed if anything went wrong."""
    try:
        connection = pool.get_connection()
    except (RedisError, OSError) as error:
        raise _broken(error) from error
    try:
        yield connection
    except BaseException as error:
        connection.disconnect()  # an unread reply must not meet the next command
        if isinstance(error, RedisError | OSError):
            raise _broken(error) from error
        raise
    finally:
        pool.release(connection)


def exchange(
    connection: Any, commands: Sequence[Command], block_ms: int | None = None
) -> list[Any]:
    """Send commands in one go, and return the raw replies.

    Only one alone may block: for it the socket's time-out is stretched.
    """
    connection.send_packed_command([b"".join(map(pack, commands))])
    if len(commands) == 1:
        return [_read(connection, block_ms)]
    return read_many(connection, len(commands))


def read_many(connection: Any, replies: int) -> list[Any]:
    """Read so many replies; a refusal is an error in its place."""
    reader = hiredis.Reader(replyError=ResponseError)
    return [_receive(reader, connection) for _ in range(replies)]


def _read(connection: Any, block_ms: int | None = None) -> Any:
    more = {}
    if block_ms is not None:
        more["timeout"] = None if block_ms == 0 else block_ms / 1000 + _BLOCK_MARGIN_S
    try:
        return connection.read_response(disable_decoding=True, **more)
    except ResponseError as error:
        return error


def failures(reader: Any, connection: Any, replies: int) -> list[tuple[int, Exception]]:
    """Read replies, and keep only the errors with their places."""
    found = []
    for place in range(replies):
        reply = reader.gets()
        if type(reply) is bytes:  # an ID, as nearly all are
            continue
        if reply is False or isinstance(reply, hiredis.PushNotification):
            reply = _receive(reader, connection)
        if isinstance(reply, Exception):
            found.append((place, reply))
    return found


def _receive(reader: Any, connection: Any) -> Any:
    """Return the next reply of many; the reader keeps what came with it.

    redis-py takes some microseconds of Python for each reply; hiredis alone is several times as
    fast.
    """
    while (reply := reader.gets()) is False or isinstance(reply, hiredis.PushNotification):
        if reply is False:
            data = connection._sock.recv(65536)
            if not data:
                raise redis.ConnectionError("it closed the connection")
            reader.feed(data)
    return reply


def _broken(error: Exception) -> ServerError:
    if isinstance(error, AuthenticationError):
        return ServerAuthError(
            f"the server did not accept the user or the password: {error}. "
            "Give both to connect(), or in the URL"
        )
    return ServerUnreachable(
        f"the server does not answer: {error}. See whether it runs, and connect again"
    )
