"""A TCP proxy in front of a server, which changes what passes, or closes the connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

Change = Callable[[bytes], bytes | None]


def unchanged(data: bytes) -> bytes:
    return data


class Proxy:
    """Listens on a port of loopback; `request` and `reply` change each chunk.

    After a chunk that became shorter the connection closes; instead of None, at once. With
    `drip_s`, a reply comes a byte at a time, and that many seconds apart.
    """

    drip_s = 0.0

    def __init__(
        self, port: int, *, request: Change = unchanged, reply: Change = unchanged
    ) -> None:
        self.request, self.reply = request, reply
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        self._threads.append(threading.Thread(target=target, args=args))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._server_port))
            self._sockets += [near, far]
            self._start(self._pass, near, far, lambda data: self.request(data))
            self._start(self._pass, far, near, lambda data: self.reply(data))

    def _pass(self, source: socket.socket, target: socket.socket, change: Change) -> None:
        with suppress(OSError):
            while (data := source.recv(1 << 16)) and (changed := change(data)) is not None:
                self._send(target, changed)
                if len(changed) < len(data):
                    break
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _send(self, target: socket.socket, data: bytes) -> None:
        is_reply = target.getsockname()[1] == self.port
        while data and self.drip_s and is_reply:
            target.sendall(data[:1])
            data = data[1:]
            threading.Event().wait(self.drip_s)
        target.sendall(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
