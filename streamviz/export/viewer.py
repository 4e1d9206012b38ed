"""One browser that looks at a wall: a board of its own, whose messages wait to be fetched."""

from __future__ import annotations

import queue
from typing import Any

from streamviz.simulation.scenario import Scenario
from streamviz.widgets.dashboard import Dashboard

_MAY_SAY = ("hello", "grant", "story")


class Viewer:
    """A board that is shown to one browser; that says how far it has drawn, and asks for stories.

    Parameters
    ----------
    source : Scenario
        What is looked at, for all guests alike.
    stream : str
        Which of its streams.
    """

    def __init__(self, source: Scenario, stream: str) -> None:
        self._messages: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._board = _Board(source, stream, self._messages)
        self._source = source
        source.on_sample.append(self._board._frame)

    def next(self, seconds: float) -> tuple[str, str] | None:
        """Return the next message, its kind and its content in JSON; none if none comes."""
        try:
            return self._messages.get(timeout=seconds)
        except queue.Empty:
            return None

    def hear(self, words: Any) -> bool:
        """Take what the browser says; false if that is nothing a guest may say."""
        if not isinstance(words, dict) or words.get("type") not in _MAY_SAY:
            return False
        if type(words.get("frames", 0)) is not int:
            return False
        self._board._receive(None, words, [])
        return True

    def leave(self) -> None:
        """Make no more messages."""
        if self._board._frame in self._source.on_sample:
            self._source.on_sample.remove(self._board._frame)
        self._board.close()


class _Board(Dashboard):
    """A dashboard whose messages go into a queue instead of to a kernel's front end."""

    def __init__(
        self, source: Scenario, stream: str, messages: queue.SimpleQueue[tuple[str, str]]
    ) -> None:
        self._messages = messages
        super().__init__(source, stream=stream, controls=False)

    def send(self, content: Any, buffers: Any = None) -> None:
        if buffers:
            self._messages.put((content["type"], bytes(buffers[0]).decode("utf-8")))
