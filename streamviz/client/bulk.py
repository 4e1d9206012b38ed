"""Add many entries fast: write XADD commands from a template, one batch at a time.

A template is the command as the server reads it, with holes for the parts that differ between
rows. The text of a batch has one character for each byte (latin-1), so that lengths count bytes,
and is encoded once. One step writes the whole batch, unless a row is not a dict, or not valid.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import chain, islice
from typing import Any

from streamviz.client import arguments
from streamviz.client.arguments import Fields, Id
from streamviz.client.confirmed import Waiting
from streamviz.client.connection import Connection
from streamviz.client.progress import progress_bar
from streamviz.client.resp import pack, to_bytes
from streamviz.errors import InputError, ServerError, StreamVizError, check_type

Row = Fields | tuple[Id, Fields]

_PLAIN_TYPES = frozenset({str, int, float})
_HOLE = "$%d\r\n%s\r\n"  # for the length of a value, and the value


def add_rows(
    connection: Connection,
    key: str,
    rows: Iterable[Row],
    batch: int,
    waiting: Waiting | None,
    show_progress: bool,
) -> int:
    """Add rows to a stream; see `streamviz.Stream.add_many`."""
    check_type("rows", rows, Iterable, "rows: fields, or pairs of an ID and fields")
    packer = Packer(key)
    batches = packer.batches(rows, batch)
    answered = 0
    refusals: list[tuple[int, Exception]] = []
    refused: list[Row] = []
    sent = (
        waiting.send_batches(connection, batches) if waiting else connection.send_batches(batches)
    )
    total = len(rows) if isinstance(rows, Sized) else None
    try:
        with progress_bar(show_progress, "Adding", total, "entries") as advance:
            for size, errors in sent:
                refusals += [(answered + index, error) for index, error in errors]
                answered_rows = packer.unanswered.popleft()
                refused += [answered_rows[index] for index, _ in errors]
                answered += size
                packer.stopped = packer.stopped or bool(errors)
                advance(size)
    except ServerError as error:
        text = (
            f"{error}. The first {answered} rows are confirmed; later ones may have been added, "
            f"up to {2 * batch}: the error's unconfirmed has these rows"
        )
        raise unconfirmed(error, text, [*refused, *chain(*packer.unanswered)]) from error
    added = answered - len(refusals)
    if refusals:
        row, refusal = refusals[0]
        reason = connection.explain(refusal, ("XADD", key))
        text = (
            f"row {row}: {reason}; {added} rows were added, "
            f"and {len(refusals)} of the {answered} rows sent were refused"
        )
        raise unconfirmed(reason, text, [*refused, *chain(*packer.unanswered)]) from refusal
    if packer.error is not None:
        text = f"{packer.error}. The {added} rows of the earlier batches were added"
        raise unconfirmed(packer.error, text, packer.unanswered.pop())
    return added


def unconfirmed(error: StreamVizError, text: str, rows: list[Any]) -> StreamVizError:
    """Return an error of the same kind with another text, and with the rows to go on with."""
    new = type(error)(text)
    new.unconfirmed = rows
    return new


class Packer:
    """Write rows as commands, until a row is not valid or the caller sets `stopped`."""

    def __init__(self, key: str) -> None:
        self.error: InputError | None = None
        self.unanswered: deque[list[Row]] = deque()  # the batches that the server has not answered
        self.stopped = False
        self._key = key
        self._templates = _Templates(key, with_id=False), _Templates(key, with_id=True)

    def batches(self, rows: Iterable[Row], size: int) -> Iterator[tuple[bytes, int]]:
        """Write rows as commands, `size` at a time, each with their number."""
        remaining = iter(rows)
        count = 0
        while not self.stopped and (batch := list(islice(remaining, size))):
            self.unanswered.append(batch)
            try:
                payload = self.pack(batch, range(count, count + len(batch)))
            except InputError as error:
                self.error = error
                return
            count += len(batch)
            yield payload, len(batch)

    def pack(self, rows: list[Row], numbers: Sequence[int]) -> bytes:
        """Write rows as commands; an InputError names the row by its number."""
        payload = self._pack_at_once(rows)
        if payload is not None:
            return payload
        commands = []
        for number, row in zip(numbers, rows, strict=True):
            try:
                commands.append(self._command(row))
            except (InputError, TypeError, ValueError) as error:
                raise InputError(f"row {number}: {error}") from error
        return b"".join(commands)

    def _pack_at_once(self, rows: Sequence[Any]) -> bytes | None:
        """Write rows that are all dicts, or all pairs of an ID and a dict; None for other rows."""
        ids: list[str] = []
        kinds = set(map(type, rows))
        try:
            if kinds == {tuple} and set(map(len, rows)) == {2}:
                ids = [arguments.new_id(entry_id) for entry_id, _ in rows]
                rows = [fields for _, fields in rows]
                kinds = set(map(type, rows))
            if kinds != {dict}:
                return None
            template = "".join(map(self._templates[bool(ids)].__getitem__, map(tuple, rows)))
            parts: Iterable[Iterable[Any]] = map(dict.values, rows)
            if ids:
                parts = ((entry_id, *one) for entry_id, one in zip(ids, parts, strict=True))
            texts = _texts(list(chain.from_iterable(parts)))
        except (KeyError, ValueError):  # a name, a value or an ID that Redis does not store
            return None
        holes: list[Any] = [None] * (2 * len(texts))
        holes[::2] = map(len, texts)
        holes[1::2] = texts
        return (template % tuple(holes)).encode("latin-1")

    def _command(self, row: Any) -> bytes:
        """Write one row of any kind."""
        entry_id, fields = "*", row
        if type(row) is tuple:
            if len(row) != 2:
                raise InputError(
                    f"{row!r} is not a row: give fields, or a pair of an ID and fields"
                )
            entry_id, fields = arguments.new_id(row[0]), row[1]
        return pack(("XADD", self._key, entry_id, *arguments.flat_fields(fields)))


class _Templates(dict[tuple[Any, ...], str]):
    """For the names of a row's fields, the command with holes for values, and for a given ID."""

    def __init__(self, key: str, *, with_id: bool) -> None:
        self._start = _bulk_string("XADD") + _bulk_string(key)
        self._start += _HOLE if with_id else _bulk_string("*")

    def __missing__(self, names: tuple[Any, ...]) -> str:
        if not names or not all(isinstance(name, str | bytes) for name in names):
            raise KeyError(names)
        fields = "".join(_bulk_string(name) + _HOLE for name in names)
        self[names] = f"*{3 + 2 * len(names)}\r\n{self._start}{fields}"
        return self[names]


def _bulk_string(value: str | bytes) -> str:
    text = to_bytes(value).decode("latin-1")
    return f"${len(text)}\r\n{text}\r\n".replace("%", "%%")


def _texts(values: list[Any]) -> list[str]:
    """Return values as texts with one character for each byte."""
    types = set(map(type, values))
    if not types <= _PLAIN_TYPES:
        return [to_bytes(value).decode("latin-1") for value in values]
    texts = values if types == {str} else list(map(str, values))
    if all(map(str.isascii, texts)):
        return texts
    return [one.encode("utf-8", "surrogateescape").decode("latin-1") for one in texts]
