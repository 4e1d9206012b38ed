"""Write commands in RESP, the protocol that the server reads."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from numbers import Integral, Rational, Real
from typing import Any

import hiredis

from streamviz.errors import InputError

Arg = str | bytes | int | float | Decimal
"""A part of a command."""
Command = Sequence[Arg]
"""A command with its arguments, such as ``("XLEN", "orders")``."""

_PLAIN_TYPES = frozenset({str, bytes, int, float})
_WORDS = _PLAIN_TYPES - {float}  # of these, no two that are equal are written differently
# sent again and again as they are, and without values
_REPEATED = frozenset({"EXEC", "MULTI", "XINFO", "XPENDING", "XREADGROUP"})


def pack(command: Command) -> bytes:
    """Return a command in RESP."""
    words: Any = tuple(command)
    if type(words[0]) is str and words[0] in _REPEATED and _WORDS.issuperset(map(type, words)):
        return _pack_once(words)
    return _pack(words)


def _pack(words: Any) -> bytes:
    if not _PLAIN_TYPES.issuperset(map(type, words)):  # hiredis would send the repr() of the rest
        words = tuple(map(to_bytes, words))
    try:
        return bytes(hiredis.pack_command(words))
    except UnicodeEncodeError:  # surrogate escapes: bytes that are not UTF-8
        words = tuple(map(to_bytes, words))
        return bytes(hiredis.pack_command(words))


_pack_once = lru_cache(1024)(_pack)


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
    """Return a part of a command as text to show; "�" replaces bytes that are not UTF-8."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
