"""Do what other threads ask of a clock between two steps, so that no caller waits for a server.

A process may wait for a server or a handler in the middle of a step. So no lock guards the steps.
The thread that runs them also carries out the other threads' actions.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, TypeVar

from streamviz.errors import HandlerError, ServerUnreachable

PATIENCE_S = 1.0  # how long a caller waits for the step that is running
_NO_ANSWER = "the server has not answered"
_CLIENTS = ("streamviz.client.", "redis.", "valkey.")  # modules that wait for a server

Result = TypeVar("Result")


class Actions:
    """Functions to call in one thread, from any thread; at once while there is no such thread.

    `changed` is notified when there is something to do. After an action whose caller has gone,
    `on_late` is called with its exception or None.
    """

    def __init__(
        self, changed: threading.Condition, on_late: Callable[[BaseException | None], object]
    ) -> None:
        self.thread: threading.Thread | None = None  # that carries them out, until it sets `ended`
        self.ended = False
        self._changed, self._on_late = changed, on_late
        self._queue: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._late: dict[Future[Any], str] = {}

    @property
    def waiting(self) -> str:
        """The actions that are due although their callers have gone, and why; empty if none."""
        names = ", ".join(filter(None, list(self._late.values())))
        return names and f"{self._obstacle()}; as soon as it does: {names}"

    def do(self, action: Callable[[], object], name: str = "") -> None:
        """Call `action`; if the step that is running takes long, do not wait for it.

        Then it is called after that step, and `waiting` has its name until then.
        """
        future = self._submit(action)
        if wait([future], 0 if self._late else PATIENCE_S).done:
            future.result()
            return
        self._late[future] = name
        future.add_done_callback(self._done_late)

    def call(self, function: Callable[[], Result]) -> Result:
        """Call `function`, and return its result.

        ServerUnreachable or HandlerError if the step that is running waits for a server or a
        handler, or `function` waits for a server.
        """
        future = self._submit(function)
        while not wait([future], PATIENCE_S).done:
            obstacle = self._obstacle()
            if future.cancel() or obstacle == _NO_ANSWER:
                error = ServerUnreachable if obstacle == _NO_ANSWER else HandlerError
                raise error(f"{obstacle}: try again as soon as it does")
        return future.result()

    def carry_out(self) -> None:
        """Call all waiting actions, oldest first."""
        with suppress(IndexError):
            while True:
                _carry_out(*self._queue.popleft())

    def join(self) -> str:
        """Wait a moment for the thread to end; return what it waits for, or "" if it has ended."""
        thread = self.thread
        if thread is None or thread is threading.current_thread():
            return ""
        thread.join(PATIENCE_S)
        return self._obstacle() if thread.is_alive() else ""

    def _obstacle(self) -> str:
        """Say what the step that is running waits for, from where its thread is in the code."""
        thread = self.thread
        frame = sys._current_frames().get(thread.ident or 0) if thread is not None else None
        while frame is not None:
            if str(frame.f_globals.get("__name__")).startswith(_CLIENTS):
                return _NO_ANSWER
            frame = frame.f_back
        return "a handler, a series or a callback has not returned"

    def __bool__(self) -> bool:
        return bool(self._queue)

    def _submit(self, function: Callable[[], Result]) -> Future[Result]:
        future: Future[Result] = Future()
        if self.thread in (None, threading.current_thread()) or self.ended:
            _carry_out(future, function)
            return future
        self._queue.append((future, function))
        with self._changed:
            self._changed.notify_all()
        if self.ended:  # since; the thread that takes it off the queue calls it
            self.carry_out()
        return future

    def _done_late(self, future: Future[Any]) -> None:
        del self._late[future]
        self._on_late(future.exception())


def _carry_out(future: Future[Any], function: Callable[[], Any]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(function())
        except Exception as error:
            future.set_exception(error)
