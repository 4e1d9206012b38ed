"""A dashboard for one browser: its messages wait in a queue until the server sends them."""

from __future__ import annotations

import queue
from typing import Any

from streamviz.recording.format import dumps
from streamviz.simulation.scenario import Scenario
from streamviz.widgets.dashboard import Dashboard

_MAX_WAITING = 100  # messages
_ALLOWED = ("hello", "grant", "timeline")


class Viewer(Dashboard):
    """One browser's dashboard. The browser only grants frames and asks for timelines.

    It puts its messages into a queue instead of sending them to a front end.
    """

    def __init__(self, source: Scenario, stream: str) -> None:
        self._messages: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        super().__init__(source, stream=stream, controls=False)
        self._start()

    def next_message(self, timeout_s: float) -> tuple[str, str] | None:
        """Return the type and the JSON content of the next message, or None after the timeout."""
        try:
            return self._messages.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def receive(self, message: Any) -> bool:
        """Take a browser's message; return False if it is not an allowed one."""
        if not isinstance(message, dict) or message.get("type") not in _ALLOWED:
            return False
        too_many = self._messages.qsize() >= _MAX_WAITING  # it asks, and does not read
        if too_many or type(message.get("frames", 0)) is not int:
            return False
        self._receive(None, message | {"view": ""}, [])
        return True

    def close(self) -> None:
        """Stop the messages."""
        self._unhook()
        super().close()

    def _send_json(self, kind: str, content: dict[str, Any], **_head: str) -> None:
        self._messages.put((kind, dumps(content)))
