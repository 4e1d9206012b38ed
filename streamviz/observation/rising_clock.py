"""A clock for samples that goes on when this machine's clock is set back."""

from __future__ import annotations

import time

from streamviz.observation.events import Event


class RisingClock:
    """The time of an observer's samples, which never steps back.

    If the machine's clock is set back, the time goes on from where it was, and stays ahead of the
    machine's clock by the same amount. If the clock is set forward, the time follows it.
    """

    def __init__(self) -> None:
        self._last_ms = 0
        self._ahead_ms = 0

    def now(self) -> tuple[int, tuple[Event, ...]]:
        """Return the time, in milliseconds since 1970 UTC, and an event if the clock went back."""
        now_ms = time.time_ns() // 1_000_000 + self._ahead_ms
        back_ms = max(0, self._last_ms - now_ms)
        self._ahead_ms += back_ms
        self._last_ms = now_ms + back_ms
        if not back_ms:
            return self._last_ms, ()
        return self._last_ms, (Event("clock_set_back", detail=f"{back_ms / 1000:g} s"),)
