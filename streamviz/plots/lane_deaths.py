"""Find when the consumers of swim lanes were dead, and which events say so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from streamviz.observation.events import DEATHS, Event
from streamviz.observation.history import History
from streamviz.plots.lane_rows import Lane
from streamviz.plots.traces import seconds


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
