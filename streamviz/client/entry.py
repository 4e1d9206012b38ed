"""An entry of a stream, parsed from the server's reply when its parts are first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from streamviz.client.entry_id import EntryId, parse_id
from streamviz.client.tables import Record

_MOST_SHARED, _LONGEST_SHARED = 16_384, 100  # so they take a few megabytes at most


def text(value: Any) -> str:
    """Return a name or a value as text; surrogate escapes stand for bytes that are not UTF-8."""
    return value.decode("utf-8", "surrogateescape") if type(value) is bytes else str(value)


class _Names(dict[Any, str]):
    """The texts of short names, which entries share; a lookup that hits runs no Python."""

    def __missing__(self, name: Any) -> str:
        value = text(name)
        if len(value) <= _LONGEST_SHARED:
            if len(self) >= _MOST_SHARED:
                self.clear()
            self[name] = value
        return value


name_text = _Names().__getitem__


@dataclass(frozen=True, slots=True)
class Entry(Record):
    """One entry of a stream.

    An entry of a reply is parsed when its ID or its fields are first asked for.

    Attributes
    ----------
    fields : dict of str to str
        In the order they were added. Bytes that are not UTF-8 become surrogate escapes;
        `raw_fields` has the values as bytes.
    idle_ms, deliveries : int or None
        After XREADGROUP with CLAIM (8.4): milliseconds since the previous delivery, and the number
        of previous deliveries; both are 0 for a new entry. None after any other command.
    repeated : tuple of (str, str)
        All fields and values in the order they were added, if a field occurs more than once; then
        `fields` has only its last value. Empty in any other entry; `pairs` has them always.
    """

    id: EntryId
    fields: dict[str, str]
    idle_ms: int | None = None
    deliveries: int | None = None
    repeated: tuple[tuple[str, str], ...] = ()

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """All fields and values in the order they were added."""
        return self.repeated or tuple(self.fields.items())

    @property
    def raw_fields(self) -> dict[str, bytes]:
        """The fields with their values as bytes, exactly as they were added."""
        pairs = self.fields.items()
        return {name: value.encode("utf-8", "surrogateescape") for name, value in pairs}

    def _table_rows(self) -> list[tuple[str, Any]]:
        return [("id", self.id), *self.pairs]

    def __repr__(self) -> str:
        text = f"id={self.id!r}, fields={self.fields!r}"
        if self.repeated:
            text += f", repeated={self.repeated!r}"
        if self.deliveries is not None:
            text += f", idle_ms={self.idle_ms}, deliveries={self.deliveries}"
        return f"Entry({text})"


class _Hidden(str):
    __slots__ = ()


def hidden(value: str | bytes) -> str:
    """Return what is shown instead of a value: how large it is."""
    if isinstance(value, _Hidden):
        return value
    size = len(value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape"))
    return _Hidden(f"({size:,} bytes hidden)")


def hide_values(entry: Entry) -> Entry:
    """Return an entry with its fields' names, but without their values."""
    fields = {name: hidden(value) for name, value in entry.fields.items()}
    repeated = tuple((name, hidden(value)) for name, value in entry.repeated)
    return Entry(entry.id, fields, entry.idle_ms, entry.deliveries, repeated)


_values = attrgetter("id", "fields", "idle_ms", "deliveries", "repeated")
_get_id, _get_fields = (vars(Entry)[name].__get__ for name in ("id", "fields"))
stored_id = _get_id  # as the reply has it, in bytes, until it is first read
_set_id, _set_fields, _set_idle_ms, _set_deliveries, _set_repeated = (
    vars(Entry)[name].__set__ for name in ("id", "fields", "idle_ms", "deliveries", "repeated")
)


class UnreadEntry(Entry):
    """An entry of a reply, which takes long to read if it is read again and again.

    A slot holds the reply until it is read for the first time, and nothing instead of a default.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and bool(_values(self) == _values(other))

    __hash__ = Entry.__hash__

    def __reduce__(self) -> Any:
        return Entry, _values(self)


UnreadEntry.__name__ = UnreadEntry.__qualname__ = Entry.__name__  # users need not tell them apart


def _read_id(entry: Entry) -> Any:
    value = _get_id(entry)
    if type(value) is not EntryId:
        value = parse_id(value)
        _set_id(entry, value)
    return value


def _read_fields(entry: Entry) -> Any:
    value = _get_fields(entry)
    if type(value) is list:
        value, repeated = parse_words(value)
        if repeated:
            _set_repeated(entry, repeated)
        _set_fields(entry, value)
    return value


def _or_default(name: str, default: object) -> property:
    """Return the property of a part that few entries have."""
    slot = vars(Entry)[name]
    get = slot.__get__

    def read(entry: Entry) -> Any:
        _read_fields(entry)  # it finds what is repeated
        try:
            return get(entry)
        except AttributeError:
            return default

    return property(read, slot.__set__)


for _part, _property in {
    "id": property(_read_id, _set_id),
    "fields": property(_read_fields, _set_fields),
    "idle_ms": _or_default("idle_ms", None),
    "deliveries": _or_default("deliveries", None),
    "repeated": _or_default("repeated", ()),
}.items():
    setattr(UnreadEntry, _part, _property)


def parsed(item: Any) -> Entry | None:
    """Return an entry of a reply that is parsed at once; a deleted one has no fields, and is None.

    Its attributes are as fast as those of any other record.
    """
    if not item or item[1] is None:
        return None
    fields, repeated = parse_words(item[1])
    idle_ms, deliveries = map(int, item[2:4]) if len(item) >= 4 else (None, None)
    return Entry(parse_id(item[0]), fields, idle_ms, deliveries, repeated)


def one_by_one(items: Iterable[Any]) -> Iterator[Entry]:
    """Yield the entries of a reply without deleted ones, each made when it is asked for."""
    for item in items:
        if item and (words := item[1]) is not None:
            entry = object.__new__(UnreadEntry)
            _set_id(entry, item[0])
            _set_fields(entry, words if type(words) is list else parse_words(words)[0])
            if len(item) >= 4:  # XREADGROUP with CLAIM adds the idle time and the delivery count
                _set_idle_ms(entry, int(item[2]))
                _set_deliveries(entry, int(item[3]))
            yield entry


def parse_words(words: Any) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """Return an entry's fields, and all its pairs if a field occurs more than once."""
    if type(words) is not list:
        return {name_text(name): text(value) for name, value in words.items()}, ()
    if len(words) % 2:
        raise ValueError(f"{words!r}: a field has no value")
    fields: dict[str, str] = {}
    remaining = iter(words)
    try:
        for name in remaining:
            fields[name_text(name)] = next(remaining).decode()
    except (AttributeError, UnicodeDecodeError):  # text, or bytes that are not UTF-8
        fields = {name_text(name): text(value) for name, value in _pairs(words)}
    if 2 * len(fields) == len(words):
        return fields, ()
    return fields, tuple((name_text(name), text(value)) for name, value in _pairs(words))


def _pairs(words: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(words[::2], words[1::2], strict=True)
