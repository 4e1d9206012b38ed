"""Others are at work on a stream, too: something happens between two of your commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import redis

from streamviz.client import Command, as_text, listeners

CALLED = (
    *("XREAD", "XRANGE", "XREVRANGE", "XLEN", "XREADGROUP"),
    *("XINFO STREAM", "XINFO GROUPS", "XGROUP CREATE"),
)
_at_work: dict[str, Meanwhile] = {}


class Meanwhile:
    """Call a function after each question about a stream, by this package's calls or redis-py's.

    An answer that is right only if nothing happens between two commands is found out. `questions`
    are the commands that count as one.
    """

    def __init__(
        self, happens: Callable[[], object], *clients: Any, questions: Sequence[str] = CALLED
    ) -> None:
        self._happens = happens
        self._words = {name.split()[0] for name in questions}
        self.paused = False
        self._undo: list[Callable[[], object]] = []
        for client in clients:
            heard, callbacks = listeners(client), client.response_callbacks
            heard.append(self)
            self._undo.append(partial(heard.remove, self))
            for name in questions:
                plain = callbacks.get(name)
                callbacks[name] = partial(self._reply, plain)
                undo = (
                    partial(callbacks.pop, name)
                    if plain is None
                    else partial(callbacks.__setitem__, name, plain)
                )
                self._undo.append(undo)

    def on_send(self, command: Command) -> None:
        """Do nothing: the question has no answer yet."""

    def on_reply(self, command: Command, _reply: Any) -> None:
        """Let something happen after a question of this package."""
        if as_text(command[0]).upper() in self._words:
            self._let_happen()

    def stop(self) -> None:
        """Let nothing happen any more."""
        while self._undo:
            self._undo.pop()()

    def _reply(self, plain: Callable[..., Any] | None, reply: Any, **options: Any) -> Any:
        self._let_happen()
        return plain(reply, **options) if plain else reply

    def _let_happen(self) -> None:
        if not self.paused:
            self.paused = True
            try:
                self._happens()
            finally:
                self.paused = False


def start(
    name: str,
    happens: Callable[[], object],
    *clients: redis.Redis,
    questions: Sequence[str] = CALLED,
) -> None:
    """Let something happen after each question that is sent over these clients."""
    stop(name)
    _at_work[name] = Meanwhile(happens, *clients, questions=questions)


def stop(name: str) -> None:
    """Let nothing happen any more, if anything was started under the name."""
    if name in _at_work:
        _at_work.pop(name).stop()


@contextmanager
def pause(name: str) -> Iterator[None]:
    """Let nothing happen during the block."""
    if (at_work := _at_work.get(name)) is None:
        yield
        return
    at_work.paused = True
    try:
        yield
    finally:
        at_work.paused = False
