"""The loops of a consumer: over the entries that are there now, and over those to come."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any, Protocol

from streamviz.client import arguments
from streamviz.client.connection import Connection
from streamviz.client.drain import Pages, drain
from streamviz.client.models import Entry
from streamviz.client.resp import Arg
from streamviz.errors import InputError, ServerUnreachable

_LOG = logging.getLogger("streamviz.client")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0


class Stop(Protocol):
    """An object that ends a loop: a `threading.Event`, or another one with this method."""

    def is_set(self) -> bool:
        """Tell whether to end."""


class Loops:
    """Reads and acknowledges in loops, as the consumer that a subclass is."""

    connection: Connection
    key: str
    group_name: str
    name: str

    def drain(
        self,
        count: int = 100,
        *,
        block_ms: int | None = None,
        pending_first: bool = True,
        read_ahead: bool = False,
    ) -> Iterator[Entry]:
        """Read entries until none is left, and acknowledge each (XREADGROUP and XACK, 5.0).

        Own pending entries that were deleted are left out, and stay pending. NoSuchGroup as in
        `read`.

        An entry counts as handled when the loop asks for the next one. The entries of a page are
        acknowledged together with the next read, in one round trip. A loop that breaks or raises
        acknowledges the entries before its last one. That one stays pending, and so does every
        entry of the page if the process is killed: the next `drain` yields them again.

        Parameters
        ----------
        count : int
            Read and acknowledge at most `count` entries at a time.
        block_ms : int, optional
            When no entry is left, wait this long for the next one, in milliseconds; 0 is forever.
        pending_first : bool
            Begin with this consumer's own pending entries, which it did not finish before.
        read_ahead : bool
            After a full page, keep a read on its way while a page is parsed and handled, so that
            the server and the loop work at the same time. Up to two pages are then pending, and a
            loop that is left leaves both.

        Examples
        --------
        >>> from streamviz import Stream, connect
        >>> tea = Stream(connect(), "doctest:drain")
        >>> _ = tea.client.delete("doctest:drain")
        >>> _ = tea.add_many({"cup": cup} for cup in ("oolong", "sencha"))
        >>> tea.group("bar").create("0")
        >>> [entry.fields["cup"] for entry in tea.group("bar").consumer("ann").drain()]
        ['oolong', 'sencha']
        """
        return drain(
            self._pages(count, block_ms),
            after="0" if arguments.flag("pending_first", pending_first) else ">",
            read_ahead=arguments.flag("read_ahead", read_ahead),
        )

    def listen(
        self,
        count: int = 1,
        *,
        claim_idle_ms: int | None = None,
        block_ms: int = 1000,
        stop: Stop | None = None,
    ) -> Iterator[Entry]:
        """Wait for entries in a loop that does not end, and acknowledge each that was handled.

        The loop begins with this consumer's own pending entries. An entry is handled when the loop
        asks for the next one: then it is acknowledged. A loop that breaks or raises leaves its
        entry pending, and so does a process that is killed: each entry is handled at least once.
        A lost connection is opened again, and the logger ``streamviz.client`` reports it;
        ServerUnreachable if there is none to begin with. Deleted entries and NoSuchGroup as in
        `drain`. (XREADGROUP, XACK and XCLAIM, 5.0; XPENDING with IDLE, 6.2)

        Parameters
        ----------
        count : int
            Read this many entries at a time. They are acknowledged together, as in `drain`.
        claim_idle_ms : int, optional
            Take over entries that other consumers have not acknowledged for this long, in
            milliseconds: longer than handling `count` entries takes. By default, none.
        block_ms : int
            How often to check for these entries and for `stop`, in milliseconds.
        stop : threading.Event, optional
            End the loop when this is set, after the entries that were read.

        Examples
        --------
        >>> import threading
        >>> from streamviz import Stream, connect
        >>> tea = Stream(connect(), "doctest:listen")
        >>> _ = tea.client.delete("doctest:listen")
        >>> _ = tea.add({"cup": "last orders"})
        >>> tea.group("bar").create("0")
        >>> closing = threading.Event()
        >>> for entry in tea.group("bar").consumer("ann").listen(stop=closing):
        ...     print(entry.fields["cup"])
        ...     closing.set()
        last orders
        """
        arguments.whole_number("block_ms", block_ms, 1)
        if claim_idle_ms is not None:
            arguments.whole_number("claim_idle_ms", claim_idle_ms, 1)
        if stop is not None and (isinstance(stop, type) or not hasattr(stop, "is_set")):
            raise InputError(f"stop={stop!r}: give a threading.Event()")
        return _listen(self._pages(count, block_ms), claim_idle_ms, stop)

    def _pages(self, count: int, block_ms: int | None) -> Pages:
        names = self.key, self.group_name, self.name
        return Pages(self.connection, names, count, block_ms)


def _listen(pages: Pages, claim_idle_ms: int | None, stop: Stop | None) -> Iterator[Entry]:
    """Yield entries until `stop` is set; see `Consumer.listen`."""
    after: Arg = "0"  # own pending entries come first
    claim_at_s = 0.0  # when to look for idle entries, on the monotonic clock
    connected, pause_s = False, _FIRST_PAUSE_S
    try:
        while not (stop and stop.is_set()):
            page: list[Any] = []
            try:
                if after == ">" and claim_idle_ms is not None and time.monotonic() >= claim_at_s:
                    page = pages.claim(claim_idle_ms)
                    if not page:
                        claim_at_s = time.monotonic() + (pages.block_ms or 0) / 1000
                if not page:
                    page = pages.read(after)
                    after = pages.next_after(after, page)
                    connected = True
            except ServerUnreachable as error:
                if not connected:
                    raise
                if pause_s == _FIRST_PAUSE_S:
                    _LOG.warning("%r lost its connection, and tries again: %s", pages, error)
                after = "0"  # a reply that was lost may have delivered some
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            pause_s = _FIRST_PAUSE_S
            yield from pages.entries(page)
    finally:  # also if the loop was left early
        pages.acknowledge()
