"""Keep a sample cheap in bytes: ask for fewer entries, or less often, the larger they are.

A reply carries whole entries: XINFO STREAM the first and the last one, XREVRANGE the new ones, and
XRANGE those that are waiting. So the number of entries to ask for follows their size. If two
entries alone are too much, the observer asks for the stream only after it has changed, and not
more often than `ByteBudget.interval_s`. How large the next ones are is not known, so a poll first
asks for about twice as many as came lately; of a burst it asks for the rest if they are small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf

from streamviz.client.models import Entry
from streamviz.errors import InputError

LARGE_BYTES = 25_000
_NEW_BYTES = 25_000
_LEAST_NEW = 2
_WAITING_BYTES = 25_000
_PENDING_BYTES = 60_000
_PENDING_ROW_BYTES = 75
_LEAST_PENDING = 10
_BYTES_PER_S = 1_000_000
_LONGEST_S = 5.0
_LONGEST_OF_PARTS_S = 60.0
_KEPT_BYTES = 20_000
_LEAST_KEPT = 200


class ByteBudget:
    """How many entries a sample may ask for, and how often; the limits are those of `Observer`."""

    def __init__(self, max_entries: int, max_pending: int, count_up_to: int) -> None:
        self._limits = {
            "max_entries": max_entries,
            "max_pending": max_pending,
            "count_up_to": count_up_to,
        }
        for name, value in self._limits.items():
            if type(value) is not int or value < 1:
                raise InputError(f"{name}={value!r}: give an integer, 1 or more")
        self.entry_bytes = 0  # of the largest seen lately; 0 before the first poll
        self.expected = _LEAST_NEW  # new entries: those that came lately, and as many again
        self.name_bytes = 0  # of the longest name of a consumer seen last
        self.held = False  # large entries are known to have changed, and were not polled since
        self.sharing = 1  # streams whose entries are large too, and which are polled beside it
        self._polled_ms = 0

    @property
    def large(self) -> bool:
        """Whether two entries alone are too much for a sample."""
        return self.entry_bytes > LARGE_BYTES

    @property
    def interval_s(self) -> float:
        """The least time between two polls of a stream of large entries, in seconds."""
        alone_s = min(_LONGEST_S, 3 * self.entry_bytes / _BYTES_PER_S)
        return min(_LONGEST_OF_PARTS_S, alone_s * self.sharing)

    def due(self, time_ms: int) -> bool:
        """Tell whether a stream of large entries may be polled again; the clock may step back."""
        return not 0 <= time_ms - self._polled_ms < self.interval_s * 1000

    def __str__(self) -> str:
        size = self.entry_bytes / 1000
        text = f"{size:.0f} kB" if size < 1000 else f"{size / 1000:.1f} MB"
        return f"entries of {text}: sampling every {self.interval_s:.1f} s"

    def limits(self, groups: int, cursors: int) -> dict[str, int]:
        """Return how many entries to ask for, as `Poll` takes it; 0 is for large entries.

        `cursors` is how many different cursors the groups have. The first poll only learns how
        large the entries are.
        """
        size, limits = self.entry_bytes, self._limits.copy()
        new = 0 if self.large or not size else max(1, _NEW_BYTES // size)
        waiting = _WAITING_BYTES // (size * (cursors + 1)) if size else 0
        limits["max_entries"] = min(limits["max_entries"], new)
        limits["count_up_to"] = min(limits["count_up_to"], waiting)
        row = max(_PENDING_ROW_BYTES, self.name_bytes)
        pending = _PENDING_BYTES // (row * max(1, groups))
        limits["max_pending"] = min(limits["max_pending"], max(_LEAST_PENDING, pending))
        return limits

    def forget(self) -> None:
        """Forget the entries' size: the next stream of this key is another one."""
        self.entry_bytes, self.held = 0, False

    def expect(self, new: int) -> None:
        """Note how many new entries a poll found, to know how many the next one may find."""
        self.expected = max(_LEAST_NEW + 2 * new, self.expected * 3 // 4)

    def polled(self, time_ms: int, entry_bytes: int) -> None:
        """Note that the stream was polled, and the size of the largest entry among the replies."""
        self._polled_ms, self.held = time_ms, False
        self.entry_bytes = max(entry_bytes, self.entry_bytes * 9 // 10, 1)


def shortened(entries: tuple[Entry, ...], largest: float = inf) -> tuple[Entry, ...]:
    """Return entries as a sample keeps them: without the rest of what is too long.

    Together they keep 20,000 characters, or 200 each if they are many. None has more than `largest`
    bytes.
    """
    limit = max(_LEAST_KEPT, _KEPT_BYTES // max(1, len(entries)))
    if largest <= limit:
        return entries
    return tuple(
        entry if _size(entry.pairs) <= limit else Entry(entry.id, _shortened(entry.fields, limit))
        for entry in entries
    )


def _size(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(len(name) + len(value) for name, value in pairs)


def _shortened(fields: Mapping[str, str], limit: int) -> dict[str, str]:
    shorter: dict[str, str] = {}
    for name, value in fields.items():
        room = limit - len(name)
        if room <= 0:
            shorter["..."] = f"{len(fields) - len(shorter):,} more fields"
            break
        shorter[name] = (
            value if len(value) <= room else f"{value[:room]}... ({len(value):,} in all)"
        )
        limit = room - len(value)
    return shorter
