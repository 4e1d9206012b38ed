"""Wait for a group's entries in a loop: own pending ones, new ones, and those of the dead."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any, Protocol

from streamviz.client.drain import Pages
from streamviz.client.models import Entry
from streamviz.client.resp import Arg
from streamviz.errors import ServerUnreachable

_LOG = logging.getLogger("streamviz.client")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0


class Stop(Protocol):
    """What ends a loop: a `threading.Event`, or another object with this method."""

    def is_set(self) -> bool:
        """Tell whether to end."""


def listen(pages: Pages, claim_idle_ms: int | None, stop: Stop | None) -> Iterator[Entry]:
    """Yield entries until `stop` is set; see `Consumer.listen`."""
    source = _Source(pages, claim_idle_ms)
    pause_s = _FIRST_PAUSE_S
    try:
        while not (stop and stop.is_set()):
            try:
                page = source.next_page()
            except ServerUnreachable as error:
                if not source.connected:
                    raise
                if pause_s == _FIRST_PAUSE_S:
                    _LOG.warning("%r lost its connection, and tries again: %s", pages, error)
                source.restart()
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            pause_s = _FIRST_PAUSE_S
            yield from pages.entries(page)
    finally:  # also if the loop was left early
        pages.acknowledge()


class _Source:
    """Chooses what to read next: own pending entries, then those of the dead, then new ones."""

    def __init__(self, pages: Pages, claim_idle_ms: int | None) -> None:
        self.connected = False
        self._pages = pages
        self._claim_idle_ms = claim_idle_ms
        self._claim_at_s = 0.0  # when to look for idle entries, on the monotonic clock
        self.restart()

    def restart(self) -> None:
        """Begin with own pending entries: a reply that was lost may have delivered some."""
        self._after: Arg = "0"

    def next_page(self) -> list[Any]:
        idle_ms = self._claim_idle_ms
        if self._after == ">" and idle_ms is not None and time.monotonic() >= self._claim_at_s:
            if page := self._pages.claim(idle_ms):
                return page
            self._claim_at_s = time.monotonic() + (self._pages.block_ms or 0) / 1000
        page = self._pages.read(self._after)
        self._after = self._pages.next_after(self._after, page)
        self.connected = True
        return page
