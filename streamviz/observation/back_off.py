"""Leave a slow server alone: the longer it takes to answer, the less often it is sampled."""

from __future__ import annotations

from collections import deque

SLOW_S = 0.05
_SHARE = 0.1  # of the time, in which a slow server may be busy with a sample
_LONGEST_S = 5.0


class BackOff:
    """How long to wait between two samples of a server that is slow.

    It is slow if the last three round trips took more than 50 ms each: one may be by chance.
    """

    def __init__(self) -> None:
        self._took_s: deque[float] = deque([0.0] * 3, 3)

    def took(self, seconds: float) -> None:
        """Note how long a round trip took."""
        self._took_s.append(seconds)

    @property
    def interval_s(self) -> float:
        """The least time between two samples, in seconds; 0 if the server is quick."""
        least = min(self._took_s)
        return min(_LONGEST_S, least / _SHARE) if least > SLOW_S else 0.0

    def __str__(self) -> str:
        if not self.interval_s:
            return ""
        took_ms = min(self._took_s) * 1000
        return (
            f"the server takes {took_ms:,.0f} ms to answer: sampling every {self.interval_s:.1f} s"
        )
