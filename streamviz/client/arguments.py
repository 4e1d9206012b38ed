"""Build the arguments of commands, and check them before anything is sent."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral
from typing import Any, Literal, Protocol, get_args

from streamviz.client.entry import Entry, stored_id
from streamviz.client.entry_id import EntryId
from streamviz.client.resp import Arg, to_bytes
from streamviz.errors import InputError, check_type

Id = EntryId | str | bytes
Fields = Mapping[str, Arg] | Mapping[bytes, Arg]
Refs = Literal["KEEPREF", "DELREF", "ACKED"]


class HasId(Protocol):
    """Anything that has an ID, such as an `Entry` or a `PendingEntry`."""

    @property
    def id(self) -> EntryId:
        """The entry's ID."""


Ids = Id | HasId | Iterable[Id | HasId]


def read_options(
    count: int | None,
    block_ms: int | None,
    max_count: int | None = None,
    max_bytes: int | None = None,
) -> tuple[list[Arg], tuple[int, ...] | None]:
    """Return the options that XREAD and XREADGROUP share, and the version that they need."""
    if count is not None and max_count is not None and max_count < count:
        raise InputError(
            f"max_count={max_count!r} in all is less than count={count!r} from each stream: "
            "make max_count at least as large, or leave count out"
        )
    options = option("COUNT", "count", count, 1)
    options += option("MAXCOUNT", "max_count", max_count, 1)
    options += option("MAXSIZE", "max_bytes", max_bytes, 1)
    options += option("BLOCK", "block_ms", block_ms)
    return options, (8, 10) if max_count is not None or max_bytes is not None else None


def streams(after: Mapping[str, Id], special: str) -> list[Arg]:
    """Return STREAMS, the keys, and one ID or special ID for each key."""
    if not isinstance(after, Mapping) or not after or not all(isinstance(k, str) for k in after):
        raise InputError(f"{after!r} names no stream: give a dict of at least one key and its ID")
    return ["STREAMS", *after, *(id_text(value, special) for value in after.values())]


def trim_options(
    maxlen: int | None, minid: Id | None, approximate: bool, limit: int | None, refs: Refs | None
) -> tuple[list[Arg], tuple[int, ...] | None]:
    """Return the options that XADD and XTRIM share, and the version that they need."""
    flag("approximate", approximate)
    if maxlen is None and minid is None:
        if refs is not None or limit is not None or approximate:
            raise InputError(
                "refs=, limit= and approximate= are options of trimming: give maxlen= or minid="
            )
        return [], None
    if maxlen is not None and minid is not None:
        raise InputError(f"maxlen={maxlen!r} and minid={minid!r}: give one of the two")
    if limit is not None and not approximate:
        raise InputError(f"limit={limit!r} works only with approximate=True")
    precision = "~" if approximate else "="
    options: list[Arg] = (
        ["MAXLEN", precision, whole_number("maxlen", maxlen, 0)]
        if maxlen is not None
        else ["MINID", precision, str(EntryId.parse(minid or ""))]
    )
    options += option("LIMIT", "limit", limit)
    if refs is None:
        return options, None
    return [*options, one_of("refs", refs, get_args(Refs))], (8, 2)


def idempotency_options(
    idmp: tuple[str, str] | None, idmp_auto: str | None, new_id: str
) -> list[Arg]:
    """Return the options that make XADD idempotent, or nothing."""
    if idmp is None and idmp_auto is None:
        return []
    if idmp is not None and idmp_auto is not None:
        raise InputError(f"idmp={idmp!r} and idmp_auto={idmp_auto!r}: give one of the two")
    if idmp is not None and (not isinstance(idmp, tuple) or len(idmp) != 2 or not all(idmp)):
        raise InputError(f"idmp={idmp!r}: give a pair of a producer and its ID")
    if idmp_auto is not None and not idmp_auto:
        raise InputError(f"idmp_auto={idmp_auto!r}: give the producer's name")
    if new_id != "*":
        raise InputError(
            f"the ID {new_id!r} does not go with idmp= or idmp_auto=: with these the server "
            "chooses the ID itself; leave the ID out"
        )
    return ["IDMP", *idmp] if idmp is not None else ["IDMPAUTO", idmp_auto or ""]


def new_id(value: Id) -> str:
    """Return the ID that XADD should give: ``*``, ``5-*`` or a complete ID."""
    value = _decode(value)
    if isinstance(value, str) and value.endswith("-*"):
        return f"{EntryId.parse(value[:-2]).ms}-*"
    return id_text(value, "*")


def range_end(value: Id) -> str:
    """Return one end of a range: ``-``, ``+``, an ID, or ``(`` and an ID."""
    value = _decode(value)
    if isinstance(value, str) and value not in ("-", "+"):
        EntryId.parse(value.removeprefix("("))
        return value
    return id_text(value, "-+")


def id_text(value: Id, special: str) -> str:
    """Return an ID as text, or one of the special IDs, such as ``$``, that `special` lists."""
    value = _decode(value)
    if isinstance(value, str) and len(value) == 1 and value in special:
        return value
    return str(EntryId.parse(value))


def id_list(ids: Iterable[Ids]) -> list[Arg]:
    """Return at least one entry ID as Redis writes it, given IDs, entries, or lists of them.

    The ID of an entry that was just read is returned unchanged and unchecked.
    """
    texts = list(_id_texts(ids))
    if not texts:
        raise InputError("no entry ID was given: give at least one")
    return texts


def _id_texts(ids: Iterable[Any]) -> Iterator[Arg]:
    for one in ids:
        entry_id = one
        if isinstance(one, Entry):
            entry_id = stored_id(one)
        elif type(one) is not EntryId:
            entry_id = getattr(one, "id", one)
        if type(entry_id) is EntryId:
            yield f"{entry_id.ms}-{entry_id.seq}"
        elif isinstance(one, Entry):
            yield entry_id
        elif isinstance(entry_id, str | bytes) or not isinstance(entry_id, Iterable):
            yield str(EntryId.parse(entry_id))
        else:
            yield from _id_texts(entry_id)


def refs_and_ids(refs: Refs, ids: Iterable[Ids]) -> list[Arg]:
    """Return the arguments that XDELEX and XACKDEL share."""
    texts = id_list(ids)
    return [one_of("refs", refs, get_args(Refs)), "IDS", len(texts), *texts]


def one_of(name: str, value: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the choices."""
    options = list(choices)
    if value not in options:
        raise InputError(f"{name}={value!r}: give one of {', '.join(map(repr, options))}")
    return value


def name_text(value: str, what: str) -> str:
    """Return a name, such as "a group's name", if it is a text of at least one character."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{value!r} is not {what}: give it as text")
    return value


def option(word: str, name: str, value: int | None, minimum: int = 0) -> list[Arg]:
    """Return an option's word and its number, or nothing if there is no value."""
    return [] if value is None else [word, whole_number(name, value, minimum)]


def whole_number(name: str, value: int, minimum: float = -math.inf) -> int:
    """Return `value` if it is a whole number of at least `minimum`; a bool is refused."""
    whole = isinstance(value, Integral) and hasattr(value, "__index__")  # an int, or NumPy's
    bounds = minimum > -math.inf
    if not whole or isinstance(value, bool) or (bounds and not minimum <= value < 2**63):
        limit = f", {minimum} or more" if bounds else ""
        limit += ", below 2**63" if whole and value >= 2**63 else ""
        raise InputError(f"{name}={value!r}: give a whole number{limit}")
    return operator.index(value)


def flag(name: str, value: bool) -> bool:
    """Return `value` if it is True or False: a text such as ``"no"`` would count as True."""
    check_type(name, value, bool, "True or False")
    return value


def flat_fields(fields: Fields) -> list[bytes]:
    """Return names and values in turn, as the bytes that Redis stores."""
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


def _decode(value: Any) -> Any:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
