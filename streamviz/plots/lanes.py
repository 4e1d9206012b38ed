"""The lanes of consumers: where a delivery has its bar, and when a consumer was dead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from streamviz.observation.deliveries import Delivery
from streamviz.observation.events import DEATHS, Event
from streamviz.observation.history import History
from streamviz.plots.traces import seconds

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


def death_in(lanes: Collection[Lane]) -> Callable[[Event], bool]:
    """Return a function that tells whether an event is the death of a consumer with a lane.

    A lane is a group and a consumer. An event without a group is about all consumers of the name.
    """
    names = {*lanes, *(("", name) for _, name in lanes)}
    return lambda event: event.kind in DEATHS and (event.group, event.who) in names


def deaths(history: History, group: str, name: str | None) -> Iterator[tuple[float, float, str]]:
    """Yield each span in which a consumer was dead, with its words; None has no span."""
    if name is None:
        return
    died: tuple[float, str] | None = None
    before = history.dead_before.get((group, name)) or history.dead_before.get(("", name))
    if before is not None:
        start = seconds(history.samples[0].time_ms, history)
        died = start, f"{before[1]} at {seconds(before[0], history):.1f} s"
    for sample in history.samples if history.event_count else ():
        for event in sample.events:
            if event.who != name or event.group not in ("", group):
                continue
            at = seconds(sample.time_ms, history)
            if event.kind in DEATHS and died is None:
                died = at, f"{event.kind} at {at:.1f} s"
            elif event.kind == "revived" and died is not None:
                yield died[0], at, died[1]
                died = None
    if died is not None:
        yield died[0], seconds(history.samples[-1].time_ms, history), died[1]
