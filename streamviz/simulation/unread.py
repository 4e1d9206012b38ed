"""Know when a read of a virtual run would return nothing, so that it need not be sent.

On the virtual clock, usually only the scenario changes its streams. Waiting consumers ask again and
again, so most of a run's commands would be reads that return nothing.
"""

from __future__ import annotations

from streamviz.observation.sample import Sample


class Unread:
    """How many entries each group has not read, as far as is known.

    The caller's own functions may change the streams, so `forget` must be called after them. A
    sample corrects other changes.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}  # by stream and group
        self._present: set[tuple[str, str, str]] = set()  # the consumers that certainly exist

    def is_empty(self, stream: str, group: str, consumer: str) -> bool:
        """Tell whether a read is known to find nothing, and not to create the consumer."""
        return not self._counts.get((stream, group), 1) and (
            (stream, group, consumer) in self._present
        )

    def added(self, stream: str) -> None:
        """Count an entry that was added to a stream."""
        for one in self._counts:
            if one[0] == stream:
                self._counts[one] += 1

    def read(self, stream: str, group: str, consumer: str, count: int, limit: int) -> None:
        """Count the entries of a read, which asked for at most `limit` entries."""
        self._present.add((stream, group, consumer))
        if count < limit:
            self._counts[stream, group] = 0
        elif (stream, group) in self._counts:
            self._counts[stream, group] -= count

    def forget(self) -> None:
        """Forget all numbers, because something else may have changed the streams."""
        self._counts.clear()
        self._present.clear()

    def check(self, stream: str, sample: Sample) -> None:
        """Forget the numbers that a sample contradicts or does not confirm."""
        lags = {group.name: group.lag.entries for group in sample.groups}
        for one, count in list(self._counts.items()):
            if one[0] == stream and lags.get(one[1]) != count:
                del self._counts[one]
