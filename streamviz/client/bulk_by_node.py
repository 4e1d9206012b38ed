"""Add many entries to many streams: each page of rows in one round trip per node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

from streamviz.client.arguments import Fields
from streamviz.client.bulk import Packer, noted, read_batch, unconfirmed
from streamviz.client.confirmed import Waiting
from streamviz.client.connection import Connection
from streamviz.client.node_pipeline import exchange, node_of, side_by_side
from streamviz.client.redirection import follow_redirections
from streamviz.client.resp import Command, pack, unpack
from streamviz.errors import InputError, ServerError, StreamVizError

Row = tuple[Any, Fields]
Block = tuple[list[int], bytes]  # the rows' numbers, and their commands


class BulkByNode:
    """Adds rows to streams; `number` returns the number of a row's stream, given its business key.

    After each batch, `waiting` waits for the replicas of each node.
    """

    def __init__(
        self,
        targets: Sequence[tuple[Connection, str]],
        number: Callable[[Any], int],
        waiting: Waiting | None,
    ) -> None:
        self._waiting = waiting
        self.counts = [0] * len(targets)
        self._connections = [connection for connection, _ in targets]
        self._packers = [Packer(key) for _, key in targets]
        self._keys = [key for _, key in targets]
        self._number = number
        self._done = 0  # the rows of the pages that were answered

    def add(self, rows: Iterable[Row], batch: int, advance: Callable[[float], object]) -> None:
        """Add rows, `batch` at a time; see `streamviz.patterns.Partitions.add_many`.

        Each batch calls `advance` with its number of rows.
        """
        remaining = iter(rows)
        while True:
            page, failure = read_batch(remaining, batch)
            blocks: dict[int, Block] = {}
            if failure is None and not page:
                return
            try:
                if failure is None:
                    blocks = self._packed(page)
            except InputError as error:
                text = f"{error}. The {self._done} rows before its batch were added"
                raise unconfirmed(error, text, page) from error
            except BaseException as error:  # of a mapping of the caller's
                failure = error
            if failure is not None:
                text = "rows were added: the error's unconfirmed has those read after them"
                raise noted(failure, f"{self._done} {text}", page)
            self._add_page(page, blocks)
            self._done += len(page)
            advance(len(page))

    def _packed(self, page: Sequence[Row]) -> dict[int, Block]:
        by_stream: dict[int, tuple[list[int], list[Fields]]] = {}
        for place, row in enumerate(page, self._done):
            if not isinstance(row, tuple | list) or len(row) != 2:
                raise InputError(f"{row!r} is not a row: give pairs of a key and fields")
            key, fields = row
            numbers, entries = by_stream.setdefault(self._number(key), ([], []))
            numbers.append(place)
            entries.append(fields)
        return {
            one: (numbers, self._packers[one].pack([*entries], numbers))
            for one, (numbers, entries) in by_stream.items()
        }

    def _add_page(self, page: Sequence[Row], blocks: dict[int, Block]) -> None:
        groups: dict[str, dict[int, Block]] = {}
        for one, block in blocks.items():
            groups.setdefault(node_of(self._connections[one]), {})[one] = block
        calls = [partial(self._add_on_node, group) for group in groups.values()]
        failures = [failure for some in side_by_side(calls) for failure in some]
        if not failures:
            return
        failures.sort(key=itemgetter(0))
        number, error = failures[0]
        text = (
            f"row {number}: {error}; {sum(self.counts)} rows were added, all of the first "
            f"{self._done} among them, and {len(failures)} were refused or not confirmed: the "
            "error's unconfirmed has these rows"
        )
        rows = [page[number - self._done] for number, _ in failures]
        raise unconfirmed(error, text, rows) from error

    def _add_on_node(self, group: dict[int, Block]) -> list[tuple[int, StreamVizError]]:
        """Add the rows of one node, and return which ones were not added, and why."""
        failures: list[tuple[int, StreamVizError]] = []
        try:
            replies = self._replies(group)
        except ServerError as error:
            return [(row, error) for rows, _ in group.values() for row in rows]
        for (one, (rows, payload)), answers in zip(group.items(), replies, strict=True):
            connection = self._connections[one]
            try:
                answered = follow_redirections(payload, answers, partial(self._sent, connection))
            except ServerError as error:
                failures += [(row, error) for row in rows]
                continue
            for row, answer in zip(rows, answered, strict=True):
                if isinstance(answer, Exception):
                    failures.append((row, connection.explain(answer, ("XADD", self._keys[one]))))
                else:
                    self.counts[one] += 1
        return failures

    def _replies(self, group: Mapping[int, Block]) -> list[list[Any]]:
        connections = [self._connections[one] for one in group]
        if connections[0].is_logged:  # each command by itself
            return [
                self._sent(self._connections[one], unpack(payload))
                for one, (_, payload) in group.items()
            ]
        blocks = [(payload, len(rows)) for rows, payload in group.values()]
        if self._waiting is None:
            return exchange(connections, blocks)
        blocks.append((pack(self._waiting.command), 1))
        *replies, (count,) = exchange(connections, blocks, self._waiting.timeout_ms)
        self._waiting.note(connections[0], count)
        return replies

    def _sent(self, connection: Connection, commands: list[Command]) -> list[Any]:
        """Send commands to the node of one stream, and wait for its replicas."""
        waiting = self._waiting
        return waiting.send(connection, commands) if waiting else connection.replies(commands)
