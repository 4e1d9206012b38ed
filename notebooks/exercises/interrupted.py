"""A client that can be stopped before each of its commands, to test what may happen between two."""

from __future__ import annotations

import ctypes
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import FrameType
from typing import Any

import hiredis
import redis

PATIENCE_S = 10
"""How long a command may wait for its reply: a read that blocks for ever must have an end."""
_CAUGHT = (
    "your code catches every exception, even the one that ends it here: catch only those that you "
    "expect"
)
_DEADLINE_S = 30
_MOST_BLOCK_MS = 5000
_BLOCK = re.compile(rb"\r\nBLOCK\r\n\$\d+\r\n(\d+)\r\n", re.IGNORECASE)


class EndlessLoop(BaseException):
    """The code of an exercise waits for ever, or sent far more commands than it needs.

    A loop around ``except Exception`` does not catch it.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(text or f"still at work after {_DEADLINE_S} s: does it end?")


@contextmanager
def deadline() -> Iterator[None]:
    """Raise `EndlessLoop` in the code that still runs after half a minute, whatever it does.

    Code that catches even this gets it again at its next line, and at the line after that one is
    forgotten: which is at last outside of all that catches it.
    """
    thread, done = ctypes.c_ulong(threading.get_ident()), threading.Event()
    owner, ended = threading.current_thread(), list[bool]()
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    callers, tracer = set(_stack(sys._getframe(1))), sys.gettrace()

    class Insistent(EndlessLoop):
        def __init__(self) -> None:
            super().__init__()
            insist()

        def __del__(self) -> None:  # what caught it has ended
            insist()

    def again(_frame: FrameType, _event: str, _argument: object) -> None:
        raise Insistent  # which ends the tracing

    def insist() -> None:
        if ended or threading.get_ident() != thread.value:
            return
        for frame in _stack(sys._getframe(2)):
            if frame in callers:
                break
            frame.f_trace = again
        sys.settrace(lambda *_: None)  # what is called from now on is left alone

    def watch() -> None:
        kind: type[EndlessLoop] = EndlessLoop
        pause_s = float(_DEADLINE_S)
        # another thread may get the number of one that is gone
        while not (done.wait(pause_s) or ended) and owner.is_alive():
            raise_in(thread, ctypes.py_object(kind))
            kind, pause_s = Insistent, 1.0

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.append(True)  # at once, unlike set(): an exception may come in between
        done.set()
        sys.settrace(tracer)
        watcher.join()


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame, and those that called it."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def refuse_long_blocks(sent: bytes) -> None:
    """Raise `EndlessLoop` if a command, as it is sent, would block for more than five seconds."""
    for ms in map(int, _BLOCK.findall(sent)):
        if not 0 < ms <= _MOST_BLOCK_MS:
            waits = "for ever" if ms == 0 else f"for {ms / 1000:g} s"
            raise EndlessLoop(
                f"BLOCK {ms} waits {waits} if no entry comes: give a short time, or leave BLOCK out"
            )


@contextmanager
def interrupted(client: redis.Redis, before: Callable[[int], object]) -> Iterator[redis.Redis]:
    """Create another client of the same server, and call a function before each of its commands.

    A transaction is sent at once, and counts as one command. A pipeline without one does not: each
    of its commands is sent alone, because a crash may come between any two of them.

    A command that would block for ever, or code that takes half a minute, raises `EndlessLoop`.

    Parameters
    ----------
    client : redis.Redis
        A client of the server.
    before : callable
        Called with the number of the next command, from 1. It may wait, or raise: then neither this
        command nor a later one is sent, and the code in the block must not catch the error.
    """
    pool: Any = client.connection_pool
    numbers = count(1)
    death: list[BaseException] = []

    class Interrupted(pool.connection_class):  # type: ignore[misc]
        greeted = False

        def connect(self) -> None:
            self.greeted = False  # the client's own handshake does not count
            super().connect()
            self.greeted = True

        def send_packed_command(self, command: Any, *args: Any, **options: Any) -> None:
            if not self.greeted:
                super().send_packed_command(command, *args, **options)
                return
            for step in _steps(command):
                unwatch = b"UNWATCH" in step  # redis-py sends it by itself, even in `__del__`
                if death:
                    raise redis.ConnectionError if unwatch else death[0]
                try:
                    if not unwatch:
                        before(next(numbers))
                except BaseException as error:
                    death.append(error)
                    raise
                super().send_packed_command([step], *args, **options)

    settings = {**pool.connection_kwargs, "socket_timeout": PATIENCE_S}
    own = redis.ConnectionPool(connection_class=Interrupted, **settings)
    try:
        with deadline():
            yield redis.Redis(connection_pool=own)
    except redis.TimeoutError as error:
        raise EndlessLoop(f"a command had no reply after {PATIENCE_S} s: does it wait?") from error
    except Exception:
        if death:
            raise death[0] from None
        raise
    else:
        if death:
            raise EndlessLoop(_CAUGHT)
    finally:
        own.disconnect()


@contextmanager
def shared(client: redis.Redis, mortal: redis.Redis) -> Iterator[None]:
    """Let `client` share the fate of `mortal`: a position may have been made with it, outside."""
    pool, own = vars(client.connection_pool), mortal.connection_pool
    pool |= {"get_connection": own.get_connection, "release": own.release}
    try:
        yield
    finally:
        del pool["get_connection"], pool["release"]


def _steps(packed: bytes | list[bytes]) -> Iterator[bytes]:
    """Split what is sent at once into what the server does at once: a command or a transaction."""
    reader, step, inside = hiredis.Reader(), b"", False
    sent = packed if isinstance(packed, bytes) else b"".join(packed)
    refuse_long_blocks(sent)
    reader.feed(sent)
    while (words := reader.gets()) is not False:
        name = words[0].upper()
        inside = name != b"EXEC" and (inside or name == b"MULTI")
        step += hiredis.pack_command(tuple(words))
        if not inside:
            yield step
            step = b""
    if step:
        yield step
