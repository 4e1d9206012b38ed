"""A client that lets one of its commands fail, to test what code does then."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_FULL = "OOM command not allowed when used memory > 'maxmemory'."
_ABORTED = "EXECABORT Transaction discarded because of previous errors."
_SCRIPTS = ("EVAL", "EVALSHA", "FCALL")


class Failing:
    """A client that notes what it sends, and lets one command fail, or several in a row.

    `fails` has the number of that command, from 1, and how it fails: ``broken`` breaks the
    connection before it is sent, ``lost`` breaks it before its reply arrives, and ``full`` refuses
    the next XADD, as a full server would: in a transaction, nothing is done then, and a script is
    refused as a whole, if it gets the key. `left` is how many more times it fails. The client
    repeats nothing by itself.

    Parameters
    ----------
    client : redis.Redis
        A client of the server.
    key : str
        The stream that the commands add to, so that a script which adds to it can be told.
    """

    def __init__(self, client: redis.Redis, key: str = "") -> None:
        pool: Any = client.connection_pool
        self.key = key
        self.words: list[list[str]] = []
        self.fails: tuple[int, str] = (0, "")
        self.failed = False
        self.left = self.unread = 0
        noting = self

        class Noting(pool.connection_class):  # type: ignore[misc]
            def send_packed_command(self, command: Any, *args: Any, **options: Any) -> None:
                packed = command if isinstance(command, bytes) else b"".join(command)
                super().send_packed_command(noting.note(packed), *args, **options)
                if noting.unread:
                    noting.lose_replies(self)

        settings = {**pool.connection_kwargs, "retry": Retry(NoBackoff(), 0)}
        self.client = redis.Redis(
            connection_pool=redis.ConnectionPool(connection_class=Noting, **settings)
        )

    def begin(self, number: int = 0, how: str = "", times: int = 1) -> None:
        """Forget what was sent; let a command and those after it fail, if a number is given."""
        self.words, self.fails, self.failed = [], (number, how), False
        self.left, self.unread = (times if number else 0), 0

    def note(self, packed: bytes) -> list[bytes]:
        """Note the commands of one step; return what to send instead, or raise."""
        reader = hiredis.Reader()
        reader.feed(packed)
        step: list[list[str]] = []
        while (words := reader.gets()) is not False:
            step.append([word.decode("utf-8", "replace") for word in words])
        if step[0][0].upper() in ("HELLO", "CLIENT", "AUTH", "SELECT"):
            return [packed]  # the client's own handshake
        self.words += step
        number, how = self.fails
        if not self.left or len(self.words) < number:
            return [packed]
        if how == "broken":
            self._fail()
            raise redis.ConnectionError("Connection closed by server.")
        if how == "lost":
            self._fail()
            self.unread = len(step)
        elif how == "full" and any(map(self._adds, step)):
            self._fail()
            return _refused(step, [self._adds(words) for words in step])
        return [packed]

    def _fail(self) -> None:
        self.failed, self.left = True, self.left - 1

    def lose_replies(self, connection: Any) -> None:
        """Wait until the server has done what was sent, and break the connection."""
        for _ in range(self.unread):
            with suppress(redis.ResponseError):
                connection.read_response()
        self.unread = 0
        raise redis.ConnectionError("Connection closed by server.")

    def _adds(self, words: list[str]) -> bool:
        name = words[0].upper()
        return name == "XADD" or (name in _SCRIPTS and self.key in words)


def _refused(step: list[list[str]], adds: list[bool]) -> list[bytes]:
    """Return commands whose replies are those of a full server, and that do nothing."""
    if step[0][0].upper() != "MULTI":
        pairs = zip(step, adds, strict=True)
        kept: list[Any] = [_error(_FULL) if one else tuple(words) for words, one in pairs]
        return [hiredis.pack_command(words) for words in kept]
    queued = [_error(_FULL) if one else _status("QUEUED") for one in adds[1:-1]]
    replies = [_status("OK"), *queued, _error(_ABORTED)]
    return [hiredis.pack_command(words) for words in replies]


def _error(text: str) -> Any:
    return ("EVAL", "return redis.error_reply(ARGV[1])", "0", text)


def _status(text: str) -> Any:
    return ("EVAL", "return redis.status_reply(ARGV[1])", "0", text)
