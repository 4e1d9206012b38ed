"""Add many entries fast: write XADD commands from a template, one batch at a time.

A template is the command as the server reads it, with holes for the parts that differ between
rows. The text of a batch has one character for each byte (latin-1), so that lengths count bytes,
and is encoded once. One step writes the whole batch, unless a row is not a dict, or not valid.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import chain, islice
from typing import Any, TypeVar

from streamviz.client import arguments
from streamviz.client.arguments import Fields, Id
from streamviz.client.confirmed import Waiting
from streamviz.client.connection import Connection
from streamviz.client.progress import progress_bar
from streamviz.client.resp import pack, to_bytes
from streamviz.errors import InputError, ServerError, StreamVizError, check_type

Row = Fields | tuple[Id, Fields]
T = TypeVar("T")

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
    batches = packer.batches(iter(rows), batch)
    sent = (
        waiting.send_batches(connection, batches) if waiting else connection.send_batches(batches)
    )
    total = len(rows) if isinstance(rows, Sized) else None
    try:
        with progress_bar(show_progress, "Adding", total, "entries") as advance:
            for size, errors in sent:
                packer.note(size, errors)
                advance(size)
    except BaseException as error:  # also Ctrl-C
        text = (
            f"The first {packer.answered} rows are confirmed; later ones may have been added, "
            f"up to {2 * batch}: the error's unconfirmed has these rows"
        )
        if packer.failure is None and isinstance(error, ServerError):
            raise unconfirmed(error, f"{error}. {text}", packer.remaining) from error
        failure = packer.failure or error  # the caller's own keeps its cause
        raise noted(failure, text, packer.remaining)  # noqa: B904
    added = packer.answered - len(packer.refusals)
    if packer.failure is not None:
        text = f"{added} rows were added: the error's unconfirmed has those read after them"
        raise noted(packer.failure, text, packer.remaining)
    if packer.refusals:
        row, refusal = packer.refusals[0]
        reason = connection.explain(refusal, ("XADD", key))
        text = (
            f"row {row}: {reason}; {added} rows were added, and {len(packer.refusals)} of the "
            f"{packer.answered} rows sent were refused"
        )
        raise unconfirmed(reason, text, packer.remaining) from refusal
    if packer.invalid is not None:
        text = f"{packer.invalid}. The {added} rows of the earlier batches were added"
        raise unconfirmed(packer.invalid, text, packer.remaining)
    return added


def read_batch(rows: Iterator[T], size: int) -> tuple[list[T], BaseException | None]:
    """Read up to `size` rows, and return them and the error that ended it, if there was one."""
    batch: list[T] = []
    try:
        batch.extend(islice(rows, size))  # after an error it has the rows before
    except BaseException as error:
        return batch, error
    return batch, None


def unconfirmed(error: StreamVizError, text: str, rows: list[Any]) -> StreamVizError:
    """Return an error of the same kind with another text, and with the rows to send again."""
    new = type(error)(text)
    new.unconfirmed = rows
    return new


def noted(error: BaseException, text: str, rows: list[Any]) -> BaseException:
    """Return a caller's error with a note, and with the rows to send again."""
    error.add_note(f"add_many: {text}")
    vars(error)["unconfirmed"] = rows
    return error


class Packer:
    """Write rows as commands, until one is not valid or was refused, or the rows fail.

    `invalid` is the error of a row that is not valid, and `failure` what the caller's rows raised:
    it must not look like an error of the connection that the batches are sent over.
    """

    def __init__(self, key: str) -> None:
        self.invalid: InputError | None = None
        self.failure: BaseException | None = None
        self.answered = 0
        self.refusals: list[tuple[int, Exception]] = []  # each with its row's number
        self._refused: list[Row] = []
        self._unanswered: deque[list[Row]] = deque()  # the batches that the server has not answered
        self._key = key
        self._templates = _Templates(key, with_id=False), _Templates(key, with_id=True)

    def batches(self, rows: Iterator[Row], size: int) -> Iterator[tuple[bytes, int]]:
        """Write rows as commands, `size` at a time, each with their number."""
        count = 0
        while not self.refusals:
            batch, self.failure = read_batch(rows, size)
            if batch:
                self._unanswered.append(batch)
            if self.failure is not None or not batch:
                return
            try:
                payload = self.pack(batch, range(count, count + len(batch)))
            except InputError as error:
                self.invalid = error
                return
            except BaseException as error:  # of a mapping of the caller's
                self.failure = error
                return
            count += len(batch)
            yield payload, len(batch)

    def note(self, size: int, errors: Iterable[tuple[int, Exception]]) -> None:
        """Take the errors in the answer to the next batch, each with its index."""
        rows = self._unanswered.popleft()
        for index, error in errors:
            self.refusals.append((self.answered + index, error))
            self._refused.append(rows[index])
        self.answered += size

    @property
    def remaining(self) -> list[Row]:
        """The rows that were read and not confirmed."""
        return [*self._refused, *chain(*self._unanswered)]

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
