"""Partitions: a lane for each part of a stream, with its lag, in the colour of its node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from streamviz.errors import check_type
from streamviz.observation.history import History
from streamviz.observation.partition_sample import PartitionedSample, PartitionState
from streamviz.observation.sample import Lag, Sample
from streamviz.plots.event_lines import EVENT_AXIS, event_lines, event_points
from streamviz.plots.figure import Plot
from streamviz.plots.texts import columns, entries_text, label, lag_text, no_data_text
from streamviz.plots.traces import GREY, LABEL_MARGIN, Trace, colour, end_labels, line, seconds

_MAX_LANES = 16  # more can't be told apart
_WORST = 12  # lanes that are left then, and one for the sum
_HEIGHT = 0.8  # of a lane, so that the highest line stays below the next lane
_MIDDLE = 0.3  # of a lane, where its node's name stands
_HEADROOM = 1.3  # in heights of the lanes
_WORDS_AT = (0.96, 0.85)  # of the plot's height: above the lanes
_LONGEST = 20  # letters of the two nodes between which a part has moved
_NO_NODE = "one server"


@dataclass(frozen=True, slots=True)
class _Structure:
    """What the lanes of a window depend on."""

    keys: tuple[str, ...]  # of the parts that have a lane
    nodes: tuple[str, ...]
    group: str
    top: int  # entries, the height of a lane
    sum_top: int  # entries, the height of the sum's lane; 0 if there is none
    count: int  # of all parts
    ends: tuple[tuple[str, str], ...]  # for each lane its newest node's name and colour


class PartitionLanes(Plot):
    """A lane for each part: the line's height is the lag, its colour and dash stand for the node.

    The node's name stands at the line's end. While a part's slot is moving, the line is thick and
    grey, with the name of the node that it moves to. Where the lag is unknown, or the part does not
    answer, the line has a gap. If there are more than 16 parts, the plot shows the 12 with the
    highest or an unknown lag, and below them the sum of all. The plot needs a history of
    `PartitionedSample`.

    Parameters
    ----------
    group : str, optional
        Whose lag to show; without it, the first group's.
    """

    title = "Partitions"
    needs = "partitions"

    def __init__(self, group: str | None = None) -> None:
        check_type("group", group, (str, NoneType), "a consumer group's name as text, or None")
        self.group = group
        self._cached: tuple[Any, Any, int, _Structure] | None = None

    def structure_key(self, history: History) -> Any:
        return self._structure(history)

    def traces(self, history: History) -> list[Trace]:
        """Return a line for each part and node, a line for each moving part, events."""
        structure = self._structure(history)
        traces = [
            line(label(node), index, hovertemplate=_hover(f"{key} on {node}"))
            for key in structure.keys
            for index, node in enumerate(structure.nodes)
        ]
        style = {"color": GREY, "dash": "solid", "width": 6}
        for key in structure.keys:
            words = _hover(f"{key} is on the move")
            traces.append(line("on the move", 0, line=style, hovertemplate=words))
        if structure.sum_top:
            words = f"all {structure.count} parts"
            traces.append(line(words, len(structure.nodes), hovertemplate=_hover(words)))
        return [*traces, end_labels([colour for _, colour in structure.ends]), event_lines()]

    def layout(self, history: History) -> dict[str, Any]:
        structure = self._structure(history)
        labels = [_tag(key) for key in structure.keys]
        high = f"a lane's height: {structure.top:,} waiting"
        if structure.sum_top:
            labels.append(f"all {structure.count}")
            high = f"height: {structure.top:,} waiting, all: {structure.sum_top:,}"
        count = len(labels)
        bottom = max(count - 1, 0) + 0.3
        return {
            "xaxis": {"title": {"text": f"seconds; {high}"}},
            "yaxis": {
                "tickvals": [-number for number in range(count)],
                "ticktext": labels,
                "range": [-bottom, round(_HEADROOM * (bottom + _HEIGHT) - bottom, 2)],
            },
            "yaxis2": EVENT_AXIS,
            "margin": {"l": 60, "r": LABEL_MARGIN + 20, "t": 44, "b": 44},
            "showlegend": False,
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
            current = "" if state is None or state.moving_to else state.node or _NO_NODE
            settled += [height if node == current else None for node in structure.nodes]
            moving.append(height if not current else None)
        if not structure.sum_top:
            return [*settled, *moving]
        whole = _lag(sample, structure.group)
        total = _scaled(whole.entries if whole else None, structure.sum_top, len(structure.keys))
        return [*settled, *moving, total]

    def current_state(self, history: History) -> list[Trace]:
        """Return the nodes' names at the ends of the lanes, and the events."""
        names, last = [name for name, _ in self._structure(history).ends], history.newest
        end = 0.0 if last is None else seconds(last.time_ms, history)
        heights = [_MIDDLE - lane for lane in range(len(names))]
        places: Trace = {"x": [end] * len(names), "y": heights, "text": names}
        return [places, event_points(history, rows=_WORDS_AT)]

    def summary(self, history: History) -> str:
        last = history.newest
        if last is None or not _parts(last):
            return no_data_text(history) or "no partitions in this history"
        structure = self._structure(history)
        states = [one for one in _parts(last) if one.sample.stream in structure.keys]
        parts = "; ".join(_words(state, structure.group) for state in states)
        if structure.sum_top:
            parts = f"the worst {len(states)} of {structure.count} parts: {parts}"
        whole = _lag(last, structure.group)
        total = f"{structure.group} in all: {lag_text(whole)}" if whole else "No consumer group yet"
        return f"{parts}. {total}."

    def history_summary(self, history: History) -> str:
        visited: dict[str, list[str]] = {}
        failed: set[str] = set()
        for state in (state for sample in history.samples for state in _parts(sample)):
            nodes = visited.setdefault(_name(state), [])
            if any(event.kind == "failed_over" for event in state.sample.events):
                failed.add(_name(state))
            if state.node and state.node not in nodes[-1:]:
                nodes.append(state.node)
        ways: dict[str, list[str]] = {"Moved": [], "Failed over": []}
        for name, nodes in visited.items():
            if len(nodes) > 1:
                kind = "Failed over" if name in failed else "Moved"
                ways[kind].append(f"{name} from {' to '.join(nodes)}")
        return " ".join(f"{kind}: {', '.join(some)}." for kind, some in ways.items() if some)

    def _structure(self, history: History) -> _Structure:
        """Return what the window's lanes depend on, computed once for each sample."""
        cached, newest, count = self._cached, history.newest, len(history)
        if not (cached and cached[0] is history and cached[1] is newest and cached[2] == count):
            cached = self._cached = history, newest, count, _structure(history, self.group)
        return cached[3]


def _structure(history: History, group: str | None) -> _Structure:
    states = [state for sample in history.samples for state in _parts(sample)]
    chosen = group or next(iter(history.group_names), "")
    keys = {state.number: state.sample.stream for state in states}
    lags = [_lag(state.sample, chosen) for state in states]
    numbers, sum_top = sorted(keys), 0
    if len(keys) > _MAX_LANES:
        numbers = _worst(states, lags)
        sum_top = _power_of_two(_lag(sample, chosen) for sample in history.samples)
    names = {one.node or _NO_NODE for one in states if one.node or one.sample.exists}
    nodes, ends = tuple(sorted(names)), tuple(_ends(states, numbers, sorted(names)))
    lanes, top = tuple(keys[number] for number in numbers), _power_of_two(lags)
    return _Structure(lanes, nodes, chosen, top, sum_top, len(keys), ends)


def _ends(
    states: Iterable[PartitionState], numbers: Iterable[int], nodes: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Return each shown part's newest node and its colour, or where it moves; and from where."""
    newest: dict[int, PartitionState] = {}
    ways: dict[int, str] = {}
    for state in (one for one in states if one.node):
        old = newest.get(state.number, state)
        if old.node != state.node:
            ways[state.number] = f"{old.node} → {state.node}"
        newest[state.number] = state
    for number in numbers:
        last = newest.get(number)
        if last is None or last.moving_to:
            yield (f"to {label(last.moving_to, 13)}" if last else ""), GREY
        else:
            way = ways.get(number, last.node)
            words = label(way) if columns(way) <= _LONGEST else label(last.node, 16)
            yield words, colour(nodes.index(last.node))


def _worst(states: Sequence[PartitionState], lags: Sequence[Lag | None]) -> list[int]:
    """Return the numbers of the parts whose lag is unknown now or was the highest, in order."""
    highest: dict[int, int] = {}
    unknown: dict[int, bool] = {}
    for state, lag in zip(states, lags, strict=True):
        entries = (lag.entries if lag else 0) if state.sample.exists else None
        unknown[state.number] = entries is None
        highest[state.number] = max(highest.get(state.number, 0), entries or 0)
    ranked = sorted(highest, key=lambda one: (not unknown[one], -highest[one], one))
    return sorted(ranked[:_WORST])


def _power_of_two(lags: Iterable[Lag | None]) -> int:
    """Return the power of two that is at least as large as each lag."""
    highest = max((lag.entries or 0 for lag in lags if lag is not None), default=0)
    return 1 << max(highest - 1, 0).bit_length()


def _parts(sample: Sample) -> tuple[PartitionState, ...]:
    return sample.partitions if isinstance(sample, PartitionedSample) else ()


def _lag(sample: Sample, group: str) -> Lag | None:
    state = sample.find_group(group)
    return state.lag if state else None


def _height(state: PartitionState | None, structure: _Structure, number: int) -> float | None:
    if state is None or not state.sample.exists:
        return None
    lag = _lag(state.sample, structure.group)
    return _scaled(lag.entries if lag else 0, structure.top, number)


def _scaled(entries: int | None, top: int, lane: int) -> float | None:
    return None if entries is None else round(_HEIGHT * entries / top - lane, 4)


def _words(state: PartitionState, group: str) -> str:
    tag = _name(state)
    where = f" on {state.node}" if state.node else ""
    if state.moving_to:
        where += f", moving to {state.moving_to}"
    if state.sample.trouble:
        return f"{tag}{where}: {state.sample.trouble}"
    lag = _lag(state.sample, group)
    return f"{tag}{where}: {lag_text(lag) if lag else entries_text(state.sample.length)}"


def _name(state: PartitionState) -> str:
    return f"part {_tag(state.sample.stream).strip('{}')}"


def _tag(key: str) -> str:
    """Return a part's hash tag with its braces, or the start of its key."""
    return label(key[key.find("{") :] if "{" in key else key, 8)


def _hover(words: str) -> str:
    return f"{label(words, 80)}<extra></extra>"
