"""Partitions: each part of a stream in its lane, in the colour of its node, as high as its lag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streamviz.observation.history import History
from streamviz.observation.partition_observer import PartitionedSample, PartitionState
from streamviz.observation.sample import Lag, Sample
from streamviz.plots.figure import (
    GREY,
    Plot,
    Trace,
    entries_of,
    event_marks,
    events,
    label,
    line,
    plain,
    waiting,
)

_HEIGHT = 0.8  # of a lane, so that the highest stays under the one above
_ALONE = "one server"


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the lanes of a window hang on."""

    keys: tuple[str, ...]
    nodes: tuple[str, ...]
    group: str
    top: int


class PartitionLanes(Plot):
    """A lane for each part: the line's colour and dash are its node's, its height the lag.

    While a part's slot is on the move the line is thick and grey. Where the lag is unknown, or
    nobody answers for the part, it has a gap. It takes a history of `PartitionedSample`.

    Parameters
    ----------
    group : str, optional
        Whose lag; without it, the first group's.
    """

    name = "partitions"
    title = "Partitions"

    def __init__(self, group: str | None = None) -> None:
        self.group = group
        self._seen: tuple[Any, ...] = ()
        self._made = _Frame((), (), group or "", 1)

    def identity(self, history: History) -> Any:
        """Return the parts, the nodes, the group, and how many entries a lane is high."""
        return self._frame(history)

    def traces(self, history: History) -> list[Trace]:
        """Return for each part a line a node and one for the move, then marks for events."""
        frame = self._frame(history)
        found = []
        for number, key in enumerate(frame.keys):
            for place, node in enumerate(frame.nodes):
                trace = line(label(node), place, legendgroup=label(node))
                found.append(trace | {"showlegend": number == 0} | _hover(f"{key} on {node}"))
        for number, key in enumerate(frame.keys):
            trace = line("on the move", 0, legendgroup="on the move")
            trace["line"] = {"color": GREY, "dash": "solid", "width": 6}
            found.append(trace | {"showlegend": number == 0} | _hover(f"{key} is on the move"))
        return [*found, event_marks()]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across; up a lane for each part, the first one on top."""
        frame = self._frame(history)
        many = len(frame.keys)
        entries = f"{plain(frame.top)} waiting entries" if frame.top > 1 else "one waiting entry"
        return {
            "xaxis": {"title": {"text": f"seconds; a lane is {entries} high"}},
            "yaxis": {
                "tickvals": [-number for number in range(many)],
                "ticktext": [_tag(key) for key in frame.keys],
                "range": [-max(many - 1, 0) - 0.3, 1],
            },
            "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        }

    def values(self, sample: Sample, history: History) -> list[Any]:
        """Return each part's height on its node's line or on the move's, None on the others."""
        frame = self._frame(history)
        states = {state.sample.stream: state for state in _parts(sample)}
        settled: list[Any] = []
        moving: list[Any] = []
        for number, key in enumerate(frame.keys):
            state = states.get(key)
            height = _height(state, frame, number)
            on_the_way = state is not None and bool(state.moving_to)
            here = (state.node or _ALONE) if state is not None and not on_the_way else None
            settled += [height if node == here else None for node in frame.nodes]
            moving.append(height if on_the_way else None)
        return [*settled, *moving]

    def points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return a mark for each event."""
        return [events(samples, history)]

    def held(self, history: History) -> list[int]:
        """Return how many events the window has."""
        return [sum(len(sample.events) for sample in history.samples)]

    def summary(self, history: History) -> str:
        """Return each part's node and lag in words, and the sum."""
        last = history.last
        if last is None:
            return waiting(history)
        if not _parts(last):
            return waiting(history) or "no partitions in this history"
        frame = self._frame(history)
        parts = "; ".join(_words(state, frame.group) for state in _parts(last))
        whole = last.group(frame.group)
        if whole is None:
            return f"{parts}. No consumer group yet."
        return f"{parts}. {frame.group} in all: {_waiting(whole.lag)}."

    def history_summary(self, history: History) -> str:
        """Return which parts went from one node to another, in words."""
        went: dict[str, list[str]] = {}
        for state in (state for sample in history.samples for state in _parts(sample)):
            nodes = went.setdefault(_name(state), [])
            if state.node and state.node not in nodes[-1:]:
                nodes.append(state.node)
        moved = [
            f"{name} from {' to '.join(nodes)}" for name, nodes in went.items() if len(nodes) > 1
        ]
        return f"Moved: {', '.join(moved)}." if moved else ""

    def _frame(self, history: History) -> _Frame:
        """Return what the window's lanes hang on, made once a look."""
        now = (history, len(history), history.last)
        if len(self._seen) != len(now) or any(
            a is not b for a, b in zip(now, self._seen, strict=True)
        ):
            self._made, self._seen = _frame(history, self.group), now
        return self._made


def _frame(history: History, group: str | None) -> _Frame:
    states = [state for sample in history.samples for state in _parts(sample)]
    chosen = group or next(iter(history.group_names), "")
    keys = {state.number: state.sample.stream for state in states}
    lags = [_lag(state, chosen) for state in states]
    highest = max((lag.entries or 0 for lag in lags if lag is not None), default=0)
    return _Frame(
        tuple(keys[number] for number in sorted(keys)),
        tuple(sorted({state.node or _ALONE for state in states if _placed(state)})),
        chosen,
        1 << max(highest - 1, 0).bit_length(),
    )


def _parts(sample: Sample) -> tuple[PartitionState, ...]:
    return sample.partitions if isinstance(sample, PartitionedSample) else ()


def _placed(state: PartitionState) -> bool:
    """Tell whether it is known where the part is: on a node, or on a server without nodes."""
    return bool(state.node) or state.sample.exists


def _lag(state: PartitionState, group: str) -> Lag | None:
    found = state.sample.group(group)
    return found.lag if found else None


def _height(state: PartitionState | None, frame: _Frame, number: int) -> float | None:
    if state is None or not state.sample.exists:
        return None
    lag = _lag(state, frame.group)
    entries = lag.entries if lag is not None else 0
    return None if entries is None else round(_HEIGHT * entries / frame.top - number, 4)


def _words(state: PartitionState, group: str) -> str:
    tag = _name(state)
    where = f" on {state.node}" if state.node else ""
    if state.moving_to:
        where += f", moving to {state.moving_to}"
    if state.sample.trouble:
        return f"{tag}{where}: {state.sample.trouble}"
    lag = _lag(state, group)
    return f"{tag}{where}: {_waiting(lag) if lag else entries_of(state.sample.length)}"


def _waiting(lag: Lag) -> str:
    if lag.entries is None:
        return f"lag unknown, {lag.reason}"
    doubt = f" ({lag.verdict}: {lag.reason})" if lag.verdict != "exact" else ""
    return f"{plain(lag.entries)} waiting{doubt}"


def _name(state: PartitionState) -> str:
    return f"part {_tag(state.sample.stream).strip('{}')}"


def _tag(key: str) -> str:
    """Return a part's hash tag with its braces, or the end of its key."""
    return label(key[key.find("{") :] if "{" in key else key, 8)


def _hover(words: str) -> dict[str, str]:
    return {"hovertemplate": f"{label(words, 80)}<extra></extra>"}
