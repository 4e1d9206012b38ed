"""The stream map: every entry at the time in its ID, and each group's place over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.figure import (
    GREY,
    SYMBOLS,
    Plot,
    Trace,
    colour,
    entries_of,
    label,
    marks,
    plain,
    seconds,
    waiting,
)


class StreamMap(Plot):
    """Entries as dots, time across and sequence up; below, a lane for each group.

    A group's lane is drawn as far as its cursor, the last-delivered ID. Rings on it are pending.
    A dashed line is the trim edge: what was left of it is gone.
    """

    name = "stream_map"
    title = "Stream map"

    def structure_key(self, history: History) -> Any:
        """Return the groups' names, how high the sequence goes, and whether it began before us."""
        return history.group_names, self._top(history), _early(history)

    def traces(self, history: History) -> list[Trace]:
        """Return the entries, then a lane and its rings for each group, then the trim edge."""
        entries = marks("entries", GREY, "circle", text=[], hoverinfo="text")
        entries["marker"] = entries["marker"] | {"size": 5, "opacity": 0.75}
        found = [entries]
        for i, name in enumerate(history.group_names):
            symbol = SYMBOLS[i % len(SYMBOLS)]
            lane: Trace = {
                "type": "scatter",
                "mode": "lines+markers",
                "name": label(name),
                "line": {"color": colour(i), "width": 4},
                "marker": {"color": colour(i), "symbol": symbol, "size": [0, 10]},
                "hoverinfo": "text",
                "legendgroup": label(name),
            }
            rings = marks(f"{label(name)} pending", colour(i), f"{symbol}-open", hoverinfo="text")
            rings["marker"] = rings["marker"] | {"size": 17, "line": {"width": 2.5}}
            found += [lane, rings | {"legendgroup": label(name), "showlegend": False}]
        edge = {"color": GREY, "width": 2, "dash": "dash"}
        trim: Trace = {"type": "scatter", "mode": "lines", "name": "trim edge", "line": edge}
        return [*found, trim | {"showlegend": False, "hoverinfo": "name"}]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across; up the sequence, and the groups' names below it."""
        names, lane = history.group_names, self._lane(history)
        top = self._top(history)
        ticks = sorted({0, top})
        title = {} if names else {"title": {"text": "sequence"}}  # it would lie over the names
        return {
            "xaxis": {
                "title": {"text": "seconds, as the entry IDs have it"},
                **({"rangemode": "normal"} if _early(history) else {}),
            },
            "yaxis": {
                **title,
                "tickvals": [*(-lane * (i + 1) for i in range(len(names))), *ticks],
                "ticktext": [*(label(name, 16) for name in names), *map(str, ticks)],
                "range": [-lane * (len(names) + 0.7), max(top, lane) * 1.15],
            },
            "showlegend": False,
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return nothing: entries have times of their own."""
        return []

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return the new entries."""
        entries = [entry for sample in samples for entry in sample.entries]
        return [
            {
                "x": [seconds(entry.id.ms, history) for entry in entries],
                "y": [entry.id.seq for entry in entries],
                "text": [str(entry.id) for entry in entries],
            }
        ]

    def window_sizes(self, history: History) -> list[int]:
        """Return how many entries the window has."""
        return [history.entry_count]

    def current_state(self, history: History) -> list[Trace]:
        """Return each group's cursor and rings, and the trim edge."""
        last, lane = history.last, self._lane(history)
        found: list[Trace] = []
        for i, name in enumerate(history.group_names):
            group = last.group(name) if last else None
            found += self._lane_of(group, last, history, -lane * (i + 1))
        if last is None or not 0 < last.length < last.entries_added:
            return [*found, {"x": [], "y": []}]
        x = seconds(last.first_id.ms, history)
        return [*found, {"x": [x, x], "y": self.layout(history)["yaxis"]["range"]}]

    def summary(self, history: History) -> str:
        """Return the stream's length and each group's place in words."""
        last = history.last
        if last is None or last.trouble:
            return waiting(history)
        length = entries_of(last.length)
        if last.length != last.entries_added:
            length += f", {plain(last.entries_added)} ever added"
        return "; ".join([length, *map(_words, last.groups)]) + "."

    def _lane_of(
        self, group: GroupState | None, last: Sample | None, history: History, y: float
    ) -> list[Trace]:
        nothing: Trace = {"x": [], "y": [], "text": []}
        if group is None or last is None or not last.exists:
            return [nothing, dict(nothing)]
        cursor = group.last_delivered_id
        if cursor == EntryId.ZERO:
            lane = dict(nothing)  # the group has not begun
        else:
            first = min(last.first_id, cursor) if last.length else cursor
            text = f"{label(group.name)}: last delivered {cursor}"
            lane = {
                "x": [seconds(first.ms, history), seconds(cursor.ms, history)],
                "y": [y, y],
                "text": [text, text],
            }
        rings = {
            "x": [seconds(one.id.ms, history) for one in group.oldest],
            "y": [y] * len(group.oldest),
            "text": [
                f"{one.id} held by {label(one.consumer) or 'nobody'}, delivered {one.deliveries}×"
                for one in group.oldest
            ],
        }
        return [lane, rings]

    def _top(self, history: History) -> int:
        return int(1 << max(history.highest_seq - 1, 0).bit_length())

    def _lane(self, history: History) -> float:
        return max(1.0, self._top(history) / 4)


def _words(group: GroupState) -> str:
    given = f"all but {plain(group.lag.entries)}" if group.lag.entries != 0 else "everything"
    held = plain(group.pending) if group.pending else "nothing"
    return f"{group.name} was given {given}, {held} pending"


def _early(history: History) -> bool:
    """Tell whether the stream had entries before the first look."""
    looks = history.samples
    firsts = [one.first_id for one in (*looks[:1], *looks[-1:])]
    return any(one != EntryId.ZERO and one.ms < history.start_ms for one in firsts)
