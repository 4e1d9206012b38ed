"""Partitions: a lane for each part of a stream, with its lag, in the colour of its node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.observation.partition_sample import PartitionedSample, PartitionState
from streamviz.observation.sample import Lag, Sample
from streamviz.plots.figure import (
    EVENT_AXIS,
    GREY,
    Plot,
    Trace,
    entries_text,
    event_marks,
    events,
    label,
    line,
    no_data_text,
    number_text,
)

_HEIGHT = 0.8  # of a lane, so that the highest line stays below the next lane
_NO_NODE = "one server"


@dataclass(frozen=True, slots=True)
class _Structure:
    """What the lanes of a window depend on; `top` is how many entries a lane is high."""

    keys: tuple[str, ...]
    nodes: tuple[str, ...]
    group: str
    top: int


class PartitionLanes(Plot):
    """A lane for each part: the line's height is the lag, its colour and dash stand for the node.

    While a part's slot is moving, the line is thick and grey. Where the lag is unknown, or the
    part does not answer, the line has a gap. The plot needs a history of `PartitionedSample`.

    Parameters
    ----------
    group : str, optional
        Whose lag to show; without it, the first group's.

    Raises
    ------
    InputError
        If the group is not a string.
    """

    name = "partitions"
    title = "Partitions"

    def __init__(self, group: str | None = None) -> None:
        if group is not None and not isinstance(group, str):
            raise InputError(f"group={group!r}: give a consumer group's name as text, or None")
        self.group = group
        self._cache_key: tuple[Any, ...] = ()
        self._cached = _Structure((), (), group or "", 1)

    def structure_key(self, history: History) -> Any:
        """Return the parts, the nodes, the group, and how many entries a lane is high."""
        return self._structure(history)

    def traces(self, history: History) -> list[Trace]:
        """Return a line for each part and node, a line for each moving part, marks for events."""
        structure = self._structure(history)
        traces = []
        for number, key in enumerate(structure.keys):
            for index, node in enumerate(structure.nodes):
                trace = line(label(node), index, legendgroup=label(node))
                traces.append(trace | {"showlegend": number == 0} | _hover(f"{key} on {node}"))
        for number, key in enumerate(structure.keys):
            trace = line("on the move", 0, legendgroup="on the move")
            trace["line"] = {"color": GREY, "dash": "solid", "width": 6}
            traces.append(trace | {"showlegend": number == 0} | _hover(f"{key} is on the move"))
        return [*traces, event_marks()]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across, and a lane for each part, the first one on top."""
        structure = self._structure(history)
        count = len(structure.keys)
        entries = (
            f"{number_text(structure.top)} waiting entries"
            if structure.top > 1
            else "one waiting entry"
        )
        return {
            "xaxis": {"title": {"text": f"seconds; a lane is {entries} high"}},
            "yaxis": {
                "tickvals": [-number for number in range(count)],
                "ticktext": [_tag(key) for key in structure.keys],
                "range": [-max(count - 1, 0) - 0.3, 1],
            },
            "yaxis2": EVENT_AXIS,
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return each part's height, on the line of its node or of its move; None on the others."""
        structure = self._structure(history)
        states = {state.sample.stream: state for state in _parts(sample)}
        settled: list[Any] = []
        moving: list[Any] = []
        for number, key in enumerate(structure.keys):
            state = states.get(key)
            height = _height(state, structure, number)
            is_moving = state is not None and bool(state.moving_to)
            current = (state.node or _NO_NODE) if state is not None and not is_moving else None
            settled += [height if node == current else None for node in structure.nodes]
            moving.append(height if is_moving else None)
        return [*settled, *moving]

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return a mark for each event."""
        return [events(samples, history)]

    def window_sizes(self, history: History) -> list[int]:
        """Return how many events the window has."""
        return [sum(len(sample.events) for sample in history.samples)]

    def summary(self, history: History) -> str:
        """Return in words each part's node and lag, and the sum."""
        last = history.last
        if last is None:
            return no_data_text(history)
        if not _parts(last):
            return no_data_text(history) or "no partitions in this history"
        structure = self._structure(history)
        parts = "; ".join(_words(state, structure.group) for state in _parts(last))
        whole = last.group(structure.group)
        if whole is None:
            return f"{parts}. No consumer group yet."
        return f"{parts}. {structure.group} in all: {_lag_text(whole.lag)}."

    def history_summary(self, history: History) -> str:
        """Return in words which parts have moved from one node to another, or failed over."""
        visited: dict[str, list[str]] = {}
        failed: set[str] = set()
        for state in (state for sample in history.samples for state in _parts(sample)):
            nodes = visited.setdefault(_name(state), [])
            if any(event.kind == "failed_over" for event in state.sample.events):
                failed.add(_name(state))
            if state.node and state.node not in nodes[-1:]:
                nodes.append(state.node)
        ways = {
            name: f"{name} from {' to '.join(nodes)}"
            for name, nodes in visited.items()
            if len(nodes) > 1
        }
        moved = ", ".join(words for name, words in ways.items() if name not in failed)
        over = ", ".join(words for name, words in ways.items() if name in failed)
        sentences = (f"Moved: {moved}." if moved else "", f"Failed over: {over}." if over else "")
        return " ".join(filter(None, sentences))

    def _structure(self, history: History) -> _Structure:
        """Return what the window's lanes depend on, computed once for each sample."""
        key = (history, len(history), history.last)
        if len(self._cache_key) != len(key) or any(
            a is not b for a, b in zip(key, self._cache_key, strict=True)
        ):
            self._cached, self._cache_key = _structure(history, self.group), key
        return self._cached


def _structure(history: History, group: str | None) -> _Structure:
    states = [state for sample in history.samples for state in _parts(sample)]
    chosen = group or next(iter(history.group_names), "")
    keys = {state.number: state.sample.stream for state in states}
    lags = [_lag(state, chosen) for state in states]
    highest = max((lag.entries or 0 for lag in lags if lag is not None), default=0)
    return _Structure(
        tuple(keys[number] for number in sorted(keys)),
        tuple(sorted({state.node or _NO_NODE for state in states if _has_node(state)})),
        chosen,
        1 << max(highest - 1, 0).bit_length(),
    )


def _parts(sample: Sample) -> tuple[PartitionState, ...]:
    return sample.partitions if isinstance(sample, PartitionedSample) else ()


def _has_node(state: PartitionState) -> bool:
    """Tell whether the part's node is known, or the part is on a server that is not a cluster."""
    return bool(state.node) or state.sample.exists


def _lag(state: PartitionState, group: str) -> Lag | None:
    group_state = state.sample.group(group)
    return group_state.lag if group_state else None


def _height(state: PartitionState | None, structure: _Structure, number: int) -> float | None:
    if state is None or not state.sample.exists:
        return None
    lag = _lag(state, structure.group)
    entries = lag.entries if lag is not None else 0
    return None if entries is None else round(_HEIGHT * entries / structure.top - number, 4)


def _words(state: PartitionState, group: str) -> str:
    tag = _name(state)
    where = f" on {state.node}" if state.node else ""
    if state.moving_to:
        where += f", moving to {state.moving_to}"
    if state.sample.trouble:
        return f"{tag}{where}: {state.sample.trouble}"
    lag = _lag(state, group)
    return f"{tag}{where}: {_lag_text(lag) if lag else entries_text(state.sample.length)}"


def _lag_text(lag: Lag) -> str:
    if lag.entries is None:
        return f"lag unknown, {lag.reason}"
    doubt = f" ({lag.verdict}: {lag.reason})" if lag.verdict != "exact" else ""
    return f"{number_text(lag.entries)} waiting{doubt}"


def _name(state: PartitionState) -> str:
    return f"part {_tag(state.sample.stream).strip('{}')}"


def _tag(key: str) -> str:
    """Return a part's hash tag with its braces, or the start of its key."""
    return label(key[key.find("{") :] if "{" in key else key, 8)


def _hover(words: str) -> dict[str, str]:
    return {"hovertemplate": f"{label(words, 80)}<extra></extra>"}
