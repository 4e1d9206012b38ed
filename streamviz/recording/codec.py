"""Turn records into JSON and back, by their fields' types.

Reading checks every value: its type, and that a number is one that Redis can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, lru_cache
from operator import attrgetter
from types import UnionType
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from streamviz.client.entry_id import EntryId, parse_id
from streamviz.client.models import Entry
from streamviz.errors import InputError, RecordingError, redact_text

_TOP = 2**64 - 1  # the largest number in Redis
_SIGNED = {
    "Sample.time_ms",
    "SampleIndex.time_ms",
    "GroupState.gone",
    "Lag.entries",
    "Lag.behind_ms",
    "ConsumerInfo.idle_ms",
    "ConsumerInfo.inactive_ms",
    "PendingEntry.idle_ms",
}
_MAY_HOLD_URLS = {"Sample.trouble", "Lag.reason", "Event.detail"}
_ID = 'an entry ID as text, "<ms>-<seq>"'
_parse_id = lru_cache(2**14)(parse_id)  # a pending entry is in many samples
_new_row = tuple.__new__  # twice as fast as a named tuple's own way


class Unfit(RecordingError):
    """A value does not fit its key; the path of keys grows while the error rises."""

    def __init__(self, fault: str) -> None:
        self.fault, self.path = fault, ""

    def __str__(self) -> str:
        return f"{self.path.removeprefix('.') or 'the line'} {self.fault}"

    def inside(self, part: str) -> Unfit:
        """Put a key before the path."""
        self.path = part + self.path
        return self


def _unfit(value: Any, expected: str) -> Unfit:
    return Unfit(f"is {shown(value)}: give {expected}")


class Codec(NamedTuple):
    """How a value is written and read; `all_fit` checks many at once that need no conversion."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    all_fit: Callable[[Sequence[Any]], bool] | None = None


def _codec(hint: Any, name: str) -> Codec:
    """Return how a field is written and read, by its type and its name, ``"<class>.<field>"``."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is UnionType:  # X | None
        return _optional(_codec(args[0], name))
    if origin in (tuple, Sequence):
        if hasattr(args[0], "_fields"):
            return _rows(args[0])
        named = is_dataclass(args[0]) and fields(args[0])[0].name == "name"
        return _by_name(args[0]) if named else _list(_codec(args[0], name))
    if origin is Literal:
        return _scalar(str, args.__contains__, f"one of {', '.join(args)}")
    if hint is int:
        return _integer(-_TOP if name in _SIGNED else 0)
    if hint is str:
        text = _scalar(str, None, "text")
        return text._replace(write=redact_text) if name in _MAY_HOLD_URLS else text
    if hint is bool:
        return _scalar(bool, None, "true or false")
    if hint is EntryId:
        return Codec(lambda one: f"{one.ms}-{one.seq}", _read_id)
    if hint is Entry:
        return Codec(
            lambda entry: f"{entry.id.ms}-{entry.id.seq}", lambda one: Entry(_read_id(one), {})
        )
    return object_codec(hint)


def _scalar(kind: type, fits: Callable[[Any], bool] | None, expected: str) -> Codec:
    def read(value: Any) -> Any:
        if type(value) is not kind or (fits and not fits(value)):
            raise _unfit(value, expected)
        return value

    all_fit = None if fits else lambda values: {*map(type, values)} == {kind}
    return Codec(lambda value: value, read, all_fit)


def _integer(low: int) -> Codec:
    bounds = f"{'-2^64 + 1' if low else '0'} to 2^64 - 1"
    one = _scalar(int, lambda value: low <= value <= _TOP, f"a whole number, {bounds}")
    return one._replace(
        all_fit=lambda values: (
            {*map(type, values)} == {int} and min(values) >= low and max(values) <= _TOP
        )
    )


def _read_id(value: Any) -> EntryId:
    if type(value) is not str:
        raise _unfit(value, _ID)
    try:
        return _parse_id(value)
    except InputError as error:
        raise _unfit(value, _ID) from error


def _optional(codec: Codec) -> Codec:
    return Codec(
        lambda value: None if value is None else codec.write(value),
        lambda value: None if value is None else codec.read(value),
    )


def _list(codec: Codec) -> Codec:
    def write(values: Iterable[Any]) -> list[Any]:
        return list(map(codec.write, values))

    def read(values: Any) -> tuple[Any, ...]:
        if type(values) is not list:
            raise _unfit(values, "a list")
        try:
            return tuple([codec.read(value) for value in values])
        except Unfit as error:
            raise error.inside("[]") from error

    return Codec(write, read)


def _rows(kind: Any) -> Codec:
    """Return how a tuple of named tuples is written and read: column by column, to be fast."""
    hints, names = get_type_hints(kind), kind._fields
    codecs = [_codec(hints[name], f"{kind.__name__}.{name}") for name in names]
    expected = f"[{', '.join(names)}]"

    def write(rows: Iterable[Any]) -> list[Any]:
        columns = zip(codecs, zip(*rows, strict=True), strict=False)
        return [*zip(*(map(codec.write, values) for codec, values in columns), strict=True)]

    def read(rows: Any) -> tuple[Any, ...]:
        if type(rows) is not list:
            raise _unfit(rows, f"a list of lists, {expected}")
        for row in rows:
            if type(row) is not list or len(row) != len(names):
                raise _unfit(row, expected).inside("[]")
        columns = [*map(column, names, codecs, zip(*rows, strict=True))]
        return tuple([_new_row(kind, row) for row in zip(*columns, strict=True)])

    def column(name: str, codec: Codec, values: Sequence[Any]) -> Sequence[Any]:
        if codec.all_fit and codec.all_fit(values):
            return values
        try:
            return [codec.read(value) for value in values]
        except Unfit as error:
            raise error.inside(f"[].{name}") from error

    return Codec(write, read)


def _by_name(kind: Any) -> Codec:
    """Return how a tuple of records is written and read whose first field is their name."""
    codec = object_codec(kind, first=1)

    def write(records: Iterable[Any]) -> dict[str, Any]:
        return {record.name: codec.write(record) for record in records}

    def read(rows: Any) -> tuple[Any, ...]:
        if type(rows) is not dict:
            raise _unfit(rows, "objects by name")
        records, name = [], ""
        try:
            for name, row in rows.items():
                records.append(codec.read((name, row)))
        except Unfit as error:
            raise error.inside(f"[{shown(name)}]") from error
        return tuple(records)

    return Codec(write, read)


@cache
def object_codec(kind: Any, first: int = 0) -> Codec:
    """Return how a dataclass's record is written and read, from its first field or a later one."""
    hints = get_type_hints(kind)  # and by field, the class that has it first: Sample for all kinds
    owners = {name: base.__name__ for base in kind.__mro__[:-1] for name in base.__annotations__}
    parts = [
        (one.name, _codec(hints[one.name], f"{owners[one.name]}.{one.name}"), one.default)
        for one in fields(kind)[first:]
    ]
    names = {name for name, _, _ in parts}
    values_of = attrgetter(*(name for name, _, _ in parts))

    def write(record: Any) -> dict[str, Any]:
        return {
            name: codec.write(value)
            for (name, codec, default), value in zip(parts, values_of(record), strict=True)
            if default is MISSING or value != default
        }

    def read(row: Any) -> Any:
        values, row = ([row[0]], row[1]) if first else ([], row)
        if type(row) is not dict:
            raise _unfit(row, "an object")
        if not row.keys() <= names:
            key = next(key for key in row if key not in names)
            raise Unfit(f"has the key {shown(key)}: remove it, or correct its name")
        name = ""
        try:
            for name, codec, default in parts:
                values.append(codec.read(row[name]) if name in row else _given(default))
        except Unfit as error:
            raise error.inside(f".{name}") from error
        return kind(*values)

    return Codec(write, read)


def _given(default: Any) -> Any:
    if default is MISSING:
        raise Unfit("is missing: restore the line")
    return default


def shown(value: Any) -> str:
    """Return a value for an error message, cut if it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
