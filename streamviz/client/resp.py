"""Write commands in RESP, the protocol that the server reads."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from numbers import Integral, Rational, Real
from typing import Any

import hiredis

from streamviz.errors import InputError

Arg = str | bytes | int | float | Decimal
Command = Sequence[Arg]

_PLAIN_TYPES = frozenset({str, bytes, int, float})
_KEY_INDEX = {"XINFO": 2, "XGROUP": 2}  # others have the key right after the name


def pack(command: Command) -> bytes:
    """Return a command in RESP."""
    words: Any = tuple(command)
    if _PLAIN_TYPES.issuperset(map(type, words)):  # hiredis would send the repr() of the rest
        with suppress(UnicodeEncodeError):  # surrogate escapes: bytes that are not UTF-8
            return bytes(hiredis.pack_command(words))
    words = tuple(map(to_bytes, words))
    return bytes(hiredis.pack_command(words))


def unpack(payload: bytes) -> list[Command]:
    """Return the commands that `pack` wrote one after the other."""
    reader = hiredis.Reader()
    reader.feed(payload)
    return list(iter(reader.gets, False))


def to_bytes(value: Arg) -> bytes:
    """Return a text or a number as the bytes that Redis stores.

    A float is written with its shortest digits, a Decimal with all of its digits. A NumPy scalar
    is written as the int or float of the same value, a member of an IntEnum as its number. A bool
    is refused because Redis has no bool, a Fraction because a reader would not see a number. So is
    a text that UTF-8 cannot encode. These raise an InputError.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise InputError(
                f"{value!r} has half a character at index {error.start}, which UTF-8 cannot "
                "encode: remove it, or give bytes"
            ) from None
    if not isinstance(value, bool) and (digits := _digits(value)) is not None:
        return digits.encode()
    raise InputError(
        f"{value!r} is of type {type(value).__name__}, but Redis stores text, bytes and numbers: "
        "convert it first, for example with str(), bytes(), float() or json.dumps()"
    )


def _digits(value: Any) -> str | None:
    """Return a number as text, None for another type; never its repr, such as np.float64(1.5)."""
    if isinstance(value, Integral) and hasattr(value, "__index__"):  # numpy.timedelta64 has none
        try:
            return int.__repr__(operator.index(value))
        except ValueError:
            raise InputError(
                "an integer has more digits than Python writes: convert it first, for example to "
                "a hexadecimal text with hex()"
            ) from None
    if isinstance(value, Real) and not isinstance(value, Rational):
        return float.__repr__(float(value))
    return Decimal.__str__(value) if isinstance(value, Decimal) else None


def as_text(value: Arg) -> str:
    """Return a part of a command as text to show."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def key_of(command: Command) -> str:
    """Return the key that a command names, the first one of several, or an empty text."""
    return next(iter(keys_of(command)), "")


def keys_of(command: Command) -> list[str]:
    """Return the keys that a command names."""
    words = list(map(as_text, command))
    with suppress(ValueError):  # STREAMS or a number is missing
        if words[0] in {"XREAD", "XREADGROUP"}:  # ... STREAMS, the keys, and one ID for each key
            start = len(words) - words[::-1].index("STREAMS")
            return words[start : (start + len(words)) // 2]
        if words[0] == "EVAL":  # the script, the number of keys, the keys, and the arguments
            return words[3 : 3 + int("".join(words[2:3]))]
    index = _KEY_INDEX.get(words[0], 1)
    return words[index : index + 1]
