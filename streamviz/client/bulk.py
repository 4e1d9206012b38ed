"""Many entries in one go: XADD written from a template, a batch at a time.

A template is the command as the server reads it, with holes for what differs from row to row.
The text of a batch is joined as characters that stand for one byte each (latin-1), so that a
length counts bytes, and is encoded once. A batch of rows with the same fields, as most are, is
written in one go; any other row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from streamviz.client import arguments
from streamviz.client.arguments import Fields, Id
from streamviz.client.connection import Connection
from streamviz.client.exchange import to_bytes
from streamviz.errors import InputError

Row = Fields | tuple[Id, Fields]

_PLAIN = frozenset({str, int, float})


def add(connection: Connection, key: str, rows: Iterable[Row], batch: int) -> int:
    """Add rows; see `streamviz.Stream.add_many`."""
    packer = _Packer(key, batch)
    answered = 0
    refused: list[tuple[int, Exception]] = []
    for size, failed in connection.send_batches(packer.batches(rows)):
        refused += [(answered + place, said) for place, said in failed]
        answered += size
        packer.stop = packer.stop or bool(failed)
    added = answered - len(refused)
    if refused:
        row, said = refused[0]
        error = connection.explain(said, ("XADD", key))
        raise type(error)(
            f"row {row}: {error}; {added} rows were added, "
            f"and {len(refused)} of the {answered} that were sent were refused"
        ) from said
    if packer.error is not None:
        raise InputError(f"{packer.error}. The {added} rows of the batches before it were added")
    return added


class _Packer:
    """Writes rows as commands, and remembers how far it got."""

    def __init__(self, key: str, batch: int) -> None:
        self.read = 0  # rows
        self.error: InputError | None = None
        self.stop = False
        self._batch = batch
        self._templates: dict[Any, str] = {}
        self._head = _sized("XADD") + _sized(_latin(key))

    def batches(self, rows: Iterable[Row]) -> Iterator[tuple[bytes, int]]:
        left = iter(rows)
        while not self.stop and (batch := list(islice(left, self._batch))):
            try:
                packed = self._pack(batch)
            except InputError as error:
                self.error = error
                return
            self.read += len(batch)
            yield packed, len(batch)

    def _pack(self, rows: list[Row]) -> bytes:
        packed = self._pack_alike(rows)
        if packed is not None:
            return packed
        written = []
        for number, row in enumerate(rows, self.read):
            try:
                written.append(self._command(row))
            except (InputError, TypeError, ValueError) as error:
                raise InputError(f"row {number}: {error}") from error
        return "".join(written).encode("latin-1")

    def _pack_alike(self, rows: list[Any]) -> bytes | None:
        """Write rows with the same fields and plain values; None if these are others."""
        template = self._templates.get((tuple(rows[0]), False)) if type(rows[0]) is dict else None
        if template is None or set(map(type, rows)) != {dict} or len(set(map(tuple, rows))) > 1:
            return None
        values = list(chain.from_iterable(map(dict.values, rows)))
        kinds = set(map(type, values))
        if not kinds <= _PLAIN:
            return None
        try:
            texts = values if kinds == {str} else list(map(str, values))
        except ValueError:  # more digits than Python writes
            return None
        if not all(map(str.isascii, texts)):
            return None
        holes: list[Any] = [None] * (2 * len(texts))
        holes[::2] = map(len, texts)
        holes[1::2] = texts
        return (template * len(rows) % tuple(holes)).encode("latin-1")

    def _command(self, row: Row) -> str:
        values: list[Any] = []
        fields: Any = row
        if type(row) is tuple:
            which, fields = row
            where = arguments.new_id(which)
            values += (len(where), where)
        template = self._template(fields, bool(values))
        try:
            for value in fields.values():
                kind = type(value)
                if kind is str and value.isascii():
                    text = value
                elif kind is int or kind is float:
                    text = repr(value)
                else:
                    text = _latin(value)
                values += (len(text), text)
        except InputError:
            arguments.flat(fields)  # says which field it is
            raise
        return template % tuple(values)

    def _template(self, fields: Any, with_id: bool) -> str:
        known = (tuple(fields), with_id) if isinstance(fields, Mapping) else None
        if known not in self._templates:
            arguments.flat(fields)  # says what is wrong, if anything is
            names = "".join(
                _sized(_latin(name)).replace("%", "%%") + "$%d\r\n%s\r\n" for name in fields
            )
            where = "$%d\r\n%s\r\n" if with_id else _sized("*")
            head = f"*{3 + 2 * len(fields)}\r\n{self._head}".replace("%", "%%")
            self._templates[known] = f"{head}{where}{names}"
        return self._templates[known]


def _sized(text: str) -> str:
    return f"${len(text)}\r\n{text}\r\n"


def _latin(value: Any) -> str:
    return to_bytes(value).decode("latin-1")
