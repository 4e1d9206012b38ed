"""Add many entries fast: write XADD commands from a template, one batch at a time.

A template is the command as the server reads it, with holes for the parts that differ between
rows. The text of a batch has one character for each byte (latin-1), so that lengths count bytes,
and is encoded once. One step writes the whole batch if rows like all of them came before, as most
do; otherwise each row is written on its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import chain, islice
from typing import Any

from streamviz.client import arguments
from streamviz.client.arguments import Fields, Id
from streamviz.client.confirmed import Waiting
from streamviz.client.connection import Connection
from streamviz.client.progress import progress_bar
from streamviz.client.resp import to_bytes
from streamviz.errors import InputError, ServerError, StreamVizError, check_type

Row = Fields | tuple[Id, Fields]

_PLAIN_TYPES = frozenset({str, int, float})


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
        self._templates: dict[Any, str] = {}
        self._head = _bulk_string("XADD") + _bulk_string(_latin1(key))

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
        return "".join(commands).encode("latin-1")

    def _pack_at_once(self, rows: list[Any]) -> bytes | None:
        """Write rows with fields like earlier ones and plain values; None for other rows."""
        if set(map(type, rows)) != {dict}:
            return None
        try:
            template = "".join(map(self._templates.__getitem__, map(tuple, rows)))
            values = list(chain.from_iterable(map(dict.values, rows)))
            types = set(map(type, values))
            if not types <= _PLAIN_TYPES:
                return None
            texts = values if types == {str} else list(map(str, values))
            if not all(map(str.isascii, texts)):
                texts = [one.encode("utf-8", "surrogateescape").decode("latin-1") for one in texts]
        except (KeyError, ValueError):  # new fields; more digits than Python writes, half a letter
            return None
        holes: list[Any] = [None] * (2 * len(texts))
        holes[::2] = map(len, texts)
        holes[1::2] = texts
        return (template % tuple(holes)).encode("latin-1")

    def _command(self, row: Row) -> str:
        values: list[Any] = []
        fields: Any = row
        if type(row) is tuple:
            if len(row) != 2:
                raise InputError(
                    f"{row!r} is not a row: give fields, or a pair of an ID and fields"
                )
            entry_id, fields = row
            id_text = arguments.new_id(entry_id)
            values += (len(id_text), id_text)
        template = self._template(fields, bool(values))
        try:
            for value in fields.values():
                kind = type(value)
                if kind is str and value.isascii():
                    text = value
                elif kind is int or kind is float:
                    text = repr(value)
                else:
                    text = _latin1(value)
                values += (len(text), text)
        except InputError:
            arguments.flat_fields(fields)  # raises an error that names the field
            raise
        return template % tuple(values)

    def _template(self, fields: Any, with_id: bool) -> str:
        names = tuple(fields) if isinstance(fields, Mapping) else ()
        shape = (names,) if with_id else names
        if shape in self._templates:
            return self._templates[shape]
        arguments.flat_fields(fields)  # raises if the fields are not valid
        holes = "".join(
            _bulk_string(_latin1(name)).replace("%", "%%") + "$%d\r\n%s\r\n" for name in names
        )
        entry_id = "$%d\r\n%s\r\n" if with_id else _bulk_string("*")
        head = f"*{3 + 2 * len(fields)}\r\n{self._head}".replace("%", "%%")
        self._templates[shape] = f"{head}{entry_id}{holes}"
        return self._templates[shape]


def _bulk_string(text: str) -> str:
    return f"${len(text)}\r\n{text}\r\n"


def _latin1(value: Any) -> str:
    return to_bytes(value).decode("latin-1")
