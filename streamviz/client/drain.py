"""Read a group's entries until none is left; each read also acknowledges the previous page."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from operator import length_hint
from typing import Any

from streamviz.client import arguments, replies, transport
from streamviz.client.connection import Connection
from streamviz.client.entry import one_by_one
from streamviz.client.models import Entry
from streamviz.client.resp import Arg, Command
from streamviz.errors import ServerUnreachable

Unanswered = deque[tuple[list[Command], list[bytes]]]  # what was sent, and acknowledges which IDs


class Pages:
    """Reads the pages of one consumer, and acknowledges what the caller has handled."""

    def __init__(
        self, connection: Connection, names: tuple[str, str, str], count: int, block_ms: int | None
    ) -> None:
        self.count, self.block_ms = count, block_ms
        self.handled: list[bytes] = []  # the IDs that are not acknowledged
        self._connection = connection
        key, group, consumer = names
        self._names, self._consumer = (key, group), consumer
        command = ("XREADGROUP", "GROUP", group, consumer, "COUNT")
        options, _ = arguments.read_options(arguments.whole_number("count", count, 1), block_ms)
        self._command = (*command, *options[1:], "STREAMS", key)
        self._at_once = (*command, count, "STREAMS", key)

    def __repr__(self) -> str:
        return f"<Consumer {self._consumer!r} of {self._names[1]!r}>"

    def read(self, after: Arg) -> list[Any]:
        """Read a page of new entries (``">"``), or of own pending ones after an ID."""
        return replies.only_stream(self._send((*self._command, after), self.block_ms))

    def ahead(self, page: list[Any], after: Arg) -> Generator[Entry, None, list[Any]]:
        """Yield entries of full pages, and return the page that follows them.

        As soon as a page is handled, acknowledge it and ask for another one, before parsing the
        reply to the previous read. So the server reads while this program parses and handles. It
        runs the commands in order, so at most two pages are pending. The page is empty if the
        server refuses to read it: `read` then says why.
        """
        unanswered: Unanswered = deque()
        try:
            with self._connection.borrow() as raw_connection:
                self._ask(raw_connection, after, unanswered)
                while unanswered:
                    yield from self.entries(page)
                    if after == ">" and len(page) == self.count and self.can_read_ahead:
                        self._ask(raw_connection, after, unanswered)
                    page = self._answer(raw_connection, unanswered)
        finally:  # if the loop was left, nothing says what the server still got
            for _, sent in unanswered:
                self.handled += sent
        return page

    def _ask(self, raw_connection: Any, after: Arg, unanswered: Unanswered) -> None:
        """Send what acknowledges the handled entries, and reads a page."""
        commands = self._after_ack((*self._at_once, after))
        unanswered.append((commands, self.handled))
        self.handled = []
        # a check of the connection would take the reply to an earlier command for its own
        transport.send(raw_connection, commands, check_health=len(unanswered) == 1)

    def _answer(self, raw_connection: Any, unanswered: Unanswered) -> list[Any]:
        commands, sent = unanswered[0]
        results = transport.receive(raw_connection, commands)
        unanswered.popleft()
        if any(isinstance(result, Exception) for result in results):
            self.handled += sent
            return []
        return replies.only_stream(results[-1])

    @property
    def can_read_ahead(self) -> bool:
        """Whether `ahead` hides no command from a listener."""
        return not self._connection.is_logged

    def next_after(self, after: Arg, page: list[Any]) -> Arg:
        """Return where the next read begins: behind this page, if it may have more behind it."""
        return page[-1][0] if after != ">" and len(page) == self.count else ">"

    def claim(self, min_idle_ms: int) -> list[Any]:
        """Claim a page of entries that have been pending this long, for any consumer."""
        idle = self._send(("XPENDING", *self._names, "IDLE", min_idle_ms, "-", "+", self.count))
        if not idle:
            return []
        ids = [row[0] for row in idle]
        page = self._connection.call("XCLAIM", *self._names, self._consumer, min_idle_ms, *ids)
        return list(page)

    def entries(self, page: list[Any]) -> Iterator[Entry]:
        """Yield the entries of a page; each is handled when the next one is asked for."""
        items = iter(page)
        last = 1  # which is not handled if the loop is left
        try:
            yield from one_by_one(items)
            last = 0
        finally:
            handled = page[: len(page) - length_hint(items) - last]
            self.handled += [item[0] for item in handled if item and item[1] is not None]

    def acknowledge(self) -> None:
        """Acknowledge what is handled."""
        if self.handled:
            self._connection.call(*self._ack())
            self.handled = []

    def _ack(self) -> Command:
        return ("XACK", *self._names, *self.handled)

    def _after_ack(self, command: Command) -> list[Command]:
        return [self._ack(), command] if self.handled else [command]

    def _send(self, command: Command, block_ms: int | None = None) -> Any:
        """Send a command, and in front of it the acknowledgement that is due."""
        results = self._connection.pipeline(self._after_ack(command), block_ms=block_ms)
        for result in results:
            if isinstance(result, ServerUnreachable):
                raise result
        self.handled = []  # if the connection breaks, they may be acknowledged twice
        return transport.without_errors(results)[-1]


def drain(pages: Pages, *, after: Arg, read_ahead: bool) -> Iterator[Entry]:
    """Yield entries until none is left; each is handled when the loop asks for the next one.

    `after` is ``"0"`` to begin with the consumer's own pending entries, or ``">"`` for new ones.
    """
    try:
        page = pages.read(after)
        while page or after != ">":
            after = pages.next_after(after, page)
            if read_ahead and len(page) == pages.count and pages.can_read_ahead:
                page = yield from pages.ahead(page, after)
            else:
                if read_ahead:  # the page before was handled after this one was read
                    pages.acknowledge()
                yield from pages.entries(page)
                page = []
            page = page or pages.read(after)
    finally:  # also if the loop was left early
        pages.acknowledge()
