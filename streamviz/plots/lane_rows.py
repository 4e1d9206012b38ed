"""The rows of swim lanes: where in its consumer's lane a delivery has its bar."""

from __future__ import annotations

from collections.abc import Sequence

from streamviz.observation.deliveries import Delivery

Lane = tuple[str, str | None]  # a group, and a consumer or none
ROOMY = 6  # lanes, at most: more are too low for several rows and words
FEW = 3  # lanes: they have room for as many rows as a consumer needs
ROWS = 3  # of a lane otherwise
_SPREAD = 0.34  # of a lane, from its first row to its last


def middle(lanes: int) -> float:
    """Return where in a lane its bars are, from its top: the words of a dead one are below."""
    return 0.4 if lanes <= ROOMY else 0.2


class Places:
    """Where bars stand."""

    def __init__(self, lanes: Sequence[Lane], rows: int) -> None:
        self._lanes = {lane: index for index, lane in enumerate(lanes)}
        self._rows = rows
        self._middle = middle(len(lanes))

    def row(self, group: str, one: Delivery) -> float | None:
        """Return where a delivery's bar stands in its consumer's lane; None without a lane."""
        lane = self._lanes.get((group, one.consumer))
        if lane is None:
            return None
        if self._rows == 1:
            return -(lane + self._middle)
        return -(lane + self._middle + _SPREAD * (one.row % self._rows / (self._rows - 1) - 0.5))
