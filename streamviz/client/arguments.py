"""What goes into a command, checked before anything is sent."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any, Literal, get_args

from streamviz.client.entry_id import EntryId
from streamviz.client.exchange import Arg, to_bytes
from streamviz.errors import InputError

Id = EntryId | str | bytes
Fields = Mapping[str, Arg] | Mapping[bytes, Arg]
Refs = Literal["KEEPREF", "DELREF", "ACKED"]


def reading(
    count: int | None,
    block_ms: int | None,
    max_count: int | None = None,
    max_bytes: int | None = None,
) -> tuple[list[Arg], tuple[int, ...] | None]:
    """Return the options that XREAD and XREADGROUP share, and the version that they need."""
    if count is not None and max_count is not None and max_count < count:
        raise InputError(
            f"max_count={max_count!r} in all is less than count={count!r} from each stream: "
            "make it as large at least, or leave count out"
        )
    options = limited(count)
    if max_count is not None:
        options += ["MAXCOUNT", number("max_count", max_count, 1)]
    if max_bytes is not None:
        options += ["MAXSIZE", number("max_bytes", max_bytes, 1)]
    if block_ms is not None:
        options += ["BLOCK", number("block_ms", block_ms)]
    return options, (8, 10) if max_count is not None or max_bytes is not None else None


def trimming(
    maxlen: int | None, minid: Id | None, approximate: bool, limit: int | None, refs: Refs | None
) -> tuple[list[Arg], tuple[int, ...] | None]:
    """Return the options that XADD and XTRIM share, and the version that they need."""
    if maxlen is None and minid is None:
        if refs is not None or limit is not None or approximate:
            raise InputError(
                "refs=, limit= and approximate= are for trimming: give maxlen= or minid="
            )
        return [], None
    if maxlen is not None and minid is not None:
        raise InputError(f"maxlen={maxlen!r} and minid={minid!r}: give one of the two")
    if limit is not None and not approximate:
        raise InputError(f"limit={limit!r} works only with approximate=True")
    bound: list[Arg] = (
        ["MAXLEN", "~" if approximate else "=", number("maxlen", maxlen)]
        if maxlen is not None
        else ["MINID", "~" if approximate else "=", str(EntryId.parse(minid or ""))]
    )
    tail: list[Arg] = ["LIMIT", number("limit", limit)] if limit is not None else []
    kept: list[Arg] = [] if refs is None else [one_of("refs", refs, get_args(Refs))]
    return [*bound, *tail, *kept], (8, 2) if kept else None


def new_id(value: Id) -> str:
    """Return the ID that XADD is asked for: ``*``, ``5-*`` or a whole one."""
    value = _text(value)
    if isinstance(value, str) and value.endswith("-*"):
        return f"{EntryId.parse(value[:-2]).ms}-*"
    return position(value, "*")


def bound(value: Id) -> str:
    """Return one end of a range: ``-``, ``+``, an ID, or ``(`` and an ID."""
    value = _text(value)
    if isinstance(value, str) and value not in ("-", "+"):
        EntryId.parse(value.removeprefix("("))
        return value
    return position(value, "-+")


def position(value: Id, special: str) -> str:
    """Return an ID as text, or one of the signs in `special`."""
    value = _text(value)
    if isinstance(value, str) and len(value) == 1 and value in special:
        return value
    return str(EntryId.parse(value))


def one_of(name: str, value: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the choices."""
    known = list(choices)
    if value not in known:
        raise InputError(f"{name}={value!r}: give one of {', '.join(map(repr, known))}")
    return value


def ids(ids: Iterable[Id]) -> list[str]:
    """Return entry IDs as text, at least one."""
    given = [str(one if type(one) is EntryId else EntryId.parse(one)) for one in ids]
    if not given:
        raise InputError("no entry ID was given: give at least one")
    return given


def limited(count: int | None) -> list[Arg]:
    """Return COUNT and its number, or nothing."""
    return [] if count is None else ["COUNT", number("count", count, 1)]


def number(name: str, value: int, least: int = 0) -> int:
    """Return `value` if it is a whole number of at least `least`; a bool is none."""
    whole = isinstance(value, Integral) and hasattr(value, "__index__")  # an int, or NumPy's
    if not whole or isinstance(value, bool) or value < least:
        raise InputError(f"{name}={value!r}: give a whole number, {least} or more")
    return operator.index(value)


def flat(fields: Fields) -> list[bytes]:
    """Return the fields as names and values in turn, as the bytes that Redis stores."""
    if not isinstance(fields, Mapping) or not fields:
        raise InputError(f"{fields!r} holds no fields: give a dict with at least one")
    flat: list[bytes] = []
    for name, value in fields.items():
        if not isinstance(name, str | bytes):
            raise InputError(f"the field's name {name!r} is not text: convert it with str()")
        try:
            flat += (to_bytes(name), to_bytes(value))
        except InputError as error:
            raise InputError(f"field {name!r}: {error}") from error
    return flat


def _text(value: Any) -> Any:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
