"""The stream map: every entry at the time in its ID, and how far each group has read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.figure import (
    GREY,
    NO_TIMES,
    SYMBOLS,
    Plot,
    Trace,
    colour,
    entries_text,
    id_scale,
    label,
    marks,
    no_data_text,
    number_text,
)


class StreamMap(Plot):
    """Entries as dots, time across and sequence up; below, a lane for each group.

    A group's lane ends at its cursor, the last-delivered ID. Rings on the lane are pending
    entries. A dashed line is the trim edge: entries to its left have been trimmed.
    """

    name = "stream_map"
    title = "Stream map"

    def structure_key(self, history: History) -> Any:
        """Return the groups' names, the highest sequence shown, and what the axis across shows."""
        is_older = _is_older(history)
        return history.group_names, self._top(history), is_older, history.ids_are_times

    def traces(self, history: History) -> list[Trace]:
        """Return the entries, then a lane and its rings for each group, then the trim edge."""
        entries = marks("entries", GREY, "circle", text=[], hoverinfo="text")
        entries["marker"] = entries["marker"] | {"size": 5, "opacity": 0.75}
        traces = [entries]
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
            traces += [lane, rings | {"legendgroup": label(name), "showlegend": False}]
        edge = {"color": GREY, "width": 2, "dash": "dash"}
        trim: Trace = {"type": "scatter", "mode": "lines", "name": "trim edge", "line": edge}
        return [*traces, trim | {"showlegend": False, "hoverinfo": "name"}]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across; the sequence up, and the groups' names below it."""
        names, lane = history.group_names, self._lane(history)
        top = self._top(history)
        ticks = sorted({0, top})
        title = {} if names else {"title": {"text": "sequence"}}  # it would lie over the names
        return {
            "xaxis": {
                "title": {
                    "text": "seconds, from the entry IDs" if history.ids_are_times else NO_TIMES
                },
                **({"rangemode": "normal"} if _is_older(history) else {}),
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
        """Return nothing: the entries have times of their own."""
        return []

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return the new entries."""
        ids = [entry.id for sample in samples for entry in sample.entries]
        texts = list(map(str, ids))
        x, y = list(map(id_scale(history), ids)), [one.seq for one in ids]
        return [{"x": x, "y": y, "text": texts, "customdata": list(texts)}]

    def window_sizes(self, history: History) -> list[int]:
        """Return how many entries the window has."""
        return [history.entry_count]

    def current_state(self, history: History) -> list[Trace]:
        """Return each group's cursor and rings, and the trim edge."""
        last, lane = history.newest, self._lane(history)
        traces: list[Trace] = []
        for i, name in enumerate(history.group_names):
            group = last.find_group(name) if last else None
            traces += self._lane_of(group, last, history, -lane * (i + 1))
        if last is None or not 0 < last.length < last.entries_added:
            return [*traces, {"x": [], "y": []}]
        x = id_scale(history)(last.first_id)
        return [*traces, {"x": [x, x], "y": self.layout(history)["yaxis"]["range"]}]

    def summary(self, history: History) -> str:
        """Return in words the stream's length, and what is waiting and pending for each group."""
        last = history.newest
        if last is None or last.trouble:
            return no_data_text(history)
        length = entries_text(last.length)
        if last.length != last.entries_added:
            length += f", {number_text(last.entries_added)} ever added"
        return "; ".join([length, *map(_words, last.groups)]) + "."

    def _lane_of(
        self, group: GroupState | None, last: Sample | None, history: History, y: float
    ) -> list[Trace]:
        empty: Trace = {"x": [], "y": [], "text": [], "customdata": []}
        if group is None or last is None or not last.exists:
            return [empty, dict(empty)]
        cursor, place = group.last_delivered_id, id_scale(history)
        if cursor == EntryId.ZERO:
            lane = dict(empty)  # the group has not begun
        else:
            first = min(last.first_id, cursor) if last.length else cursor
            text = f"{label(group.name)}: last delivered {cursor}"
            lane = {
                "x": [place(first), place(cursor)],
                "y": [y, y],
                "text": [text, text],
                "customdata": [str(cursor)] * 2,
            }
        rings = {
            "x": [place(one.id) for one in group.oldest],
            "y": [y] * len(group.oldest),
            "text": [
                f"{one.id} held by {label(one.consumer) or 'nobody'}, delivered {one.deliveries}×"
                for one in group.oldest
            ],
            "customdata": [str(one.id) for one in group.oldest],
        }
        return [lane, rings]

    def _top(self, history: History) -> int:
        return int(1 << max(history.highest_seq - 1, 0).bit_length())

    def _lane(self, history: History) -> float:
        return max(1.0, self._top(history) / 4)


def _words(group: GroupState) -> str:
    waiting, pending = number_text(group.lag.entries), number_text(group.pending)
    return f"{group.name}: {waiting} waiting, {pending} pending"


def _is_older(history: History) -> bool:
    """Tell whether the stream had entries before the first sample."""
    samples = history.samples
    firsts = [one.first_id for one in (*samples[:1], *samples[-1:])]
    return any(one != EntryId.ZERO and one.ms < history.start_ms for one in firsts)
