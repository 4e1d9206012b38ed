"""An entry that is sent twice and added once: what goes with XADD, and what a stream remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamviz.errors import InputError

if TYPE_CHECKING:  # it loads hiredis, which a recording does not need
    from streamviz.client.exchange import Arg


@dataclass(frozen=True, slots=True)
class IdmpInfo:
    """What a stream remembers so that no entry is added twice (XINFO STREAM, 8.6).

    Attributes
    ----------
    duration_s, maxsize : int
        For how many seconds, and how many IDs of each producer.
    producers, ids : int
        How many producers and idempotency IDs are remembered now.
    added, duplicates : int
        How many entries ever came with such an ID and were added, or were there before.
    """

    duration_s: int
    maxsize: int
    producers: int
    ids: int
    added: int
    duplicates: int


def once(idmp: tuple[str, str] | None, idmp_auto: str | None, new_id: str) -> list[Arg]:
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
            f"the ID {new_id!r} does not go with idmp= or idmp_auto=: the server tells a repeated "
            "entry by those, and chooses the ID itself; leave the ID out"
        )
    return ["IDMP", *idmp] if idmp is not None else ["IDMPAUTO", idmp_auto or ""]


def remembered(found: Mapping[bytes, Any]) -> IdmpInfo | None:
    """Read what XINFO STREAM tells of it; None before 8.6."""
    if b"idmp-duration" not in found:
        return None
    return IdmpInfo(
        duration_s=found[b"idmp-duration"],
        maxsize=found[b"idmp-maxsize"],
        producers=found[b"pids-tracked"],
        ids=found[b"iids-tracked"],
        added=found[b"iids-added"],
        duplicates=found[b"iids-duplicates"],
    )
