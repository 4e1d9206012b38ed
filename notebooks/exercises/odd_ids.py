"""IDs as real streams have them: many in one millisecond, and numbers with ever more digits."""

from __future__ import annotations

from collections.abc import Iterable

_SEQS = (0, 1, 2, 7, 8, 10, 11, 100, 1000, 10**7, 2**63, 2**64 - 1)
PER_MS = len(_SEQS)
BEFORE_TEN = _SEQS.index(10)
"""How many IDs of a millisecond come before the one whose sequence number is 10.

If a stream is cut there, IDs that are compared as text, as decimal numbers or by milliseconds alone
are in a wrong order.
"""


def ids_at(times_ms: Iterable[int]) -> list[str]:
    """Return twelve IDs for each time; the largest sequence number is the largest that exists."""
    return [f"{ms}-{seq}" for ms in sorted(times_ms) for seq in _SEQS]
