"""Sample less often if the server is slow, or has very many or very long names of consumers."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

SLOW_S = 0.05
_SHARE = 0.1  # of the time, in which a slow server may be busy with a sample
_LONGEST_S = 5.0
_LONGEST_FOR_BYTES_S = 60.0
# of one in the replies, which have no COUNT; a group counts for more, for it takes time to judge
_BYTES = {"consumers": 90, "groups": 500, "readers": 21}
_LARGE_BYTES = 200_000
_BYTES_PER_S = 300_000


class BackOff:
    """How long to wait between two samples, in seconds and in words.

    A server is slow if each of the last three round trips took more than 50 ms.
    """

    def __init__(self) -> None:
        self._took_s: deque[float] = deque([0.0] * 3, 3)
        self.counts: Mapping[str, int] = {}  # what the last sample had, by the names above
        self.name_bytes: Mapping[str, int] = {}  # of the names of all these together, about

    def took(self, seconds: float) -> None:
        """Note how long a round trip took."""
        self._took_s.append(seconds)

    def stream_is_gone(self) -> None:
        """Forget its groups and consumers; the hash with its readers may still be there."""
        self.counts = {"readers": self.counts.get("readers", 0)}
        self.name_bytes = {"readers": self.name_bytes.get("readers", 0)}

    @property
    def interval_s(self) -> float:
        """The least time between two samples, in seconds; 0 if nothing is slow or large."""
        return max(self._for_time_s, self._for_bytes_s)

    @property
    def _for_time_s(self) -> float:
        least = min(self._took_s)
        return min(_LONGEST_S, least / _SHARE) if least > SLOW_S else 0.0

    @property
    def _for_bytes_s(self) -> float:
        size = sum(map(self._size, _BYTES))
        return min(_LONGEST_FOR_BYTES_S, size / _BYTES_PER_S) if size > _LARGE_BYTES else 0.0

    def _size(self, name: str) -> int:
        return max(self.counts.get(name, 0) * _BYTES[name], self.name_bytes.get(name, 0))

    def __str__(self) -> str:
        if not self.interval_s:
            return ""
        reason = f"the server takes {min(self._took_s) * 1000:,.0f} ms to answer"
        if self._for_bytes_s > self._for_time_s:
            name = max(_BYTES, key=self._size)
            long = self._size(name) > self.counts[name] * _BYTES[name]
            reason = f"{self.counts[name]:,} {name}{' with long names' * long}"
        return f"{reason}: sampling every {self.interval_s:.1f} s"
