"""The stream map: every entry at the time in its ID, and how far each group has read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.event_lines import HATCHED, event_lines
from streamviz.plots.figure import NO_TIMES, Plot, cursor_place, id_scale
from streamviz.plots.texts import about_entry, entries_text, group_text, label, no_data_text
from streamviz.plots.traces import GREY, LABEL_MARGIN, Trace, colour, colours, end_labels, marks
from streamviz.plots.worst_groups import shown_groups

_MAX_WAITING = 60  # squares in a lane: every frame sends all of them again


class StreamMap(Plot):
    """Entries as dots, time across and sequence up; below, a lane for each group.

    A group's lane ends at its cursor, the last-delivered ID. Rings on the lane are pending
    entries, and small squares after the cursor wait, at most 60 of them; all are counted at the
    end. A cursor or a ring at the left edge stands for an entry older than those that are shown.
    A dashed line is the trim edge: entries to its left, which are hatched, have been trimmed.
    """

    title = "Stream map"

    def structure_key(self, history: History) -> Any:
        has_sequence, is_older = history.highest_seq > 0, _is_older(history)
        return shown_groups(history), _top(history), has_sequence, is_older, history.ids_are_times

    def traces(self, history: History) -> list[Trace]:
        """Return the entries, for each group lane, rings and squares, the trim edge, numbers."""
        names = shown_groups(history)
        entries = marks("entries", GREY, "circle", hovertemplate="%{customdata}<extra></extra>")
        entries["marker"] |= {"size": 5, "opacity": 0.75}
        traces = [entries]
        for i, name in enumerate(names):
            lane: Trace = {
                "type": "scatter",
                "mode": "lines+markers",
                "name": label(name),
                "line": {"color": colour(i), "width": 4},
                "marker": {"color": colour(i), "size": [0, 10]},
                "hoverinfo": "text",
            }
            hover: Any = {"hovertemplate": "%{customdata[0]} %{text}<extra></extra>"}
            rings = marks(f"{label(name)} pending", colour(i), "circle-open", **hover)
            rings["marker"] |= {"size": 16, "line": {"width": 2.5}}
            waits = marks(f"{label(name)} waiting", colour(i), "square-open", **hover)
            waits["marker"] |= {"size": 7, "line": {"width": 1.5}}
            traces += [lane, rings, waits]
        own: dict[str, Any] = {
            "name": "trim edge",
            "textposition": "middle right",
            "hoverinfo": "name",
        }
        own |= {"line": {"color": GREY, "width": 2, "dash": "dash"}}
        ends = end_labels([*colours(len(names)), GREY, GREY])
        return [*traces, event_lines("y") | HATCHED | own, ends]

    def layout(self, history: History) -> dict[str, Any]:
        names, lane = shown_groups(history), _lane(history)
        return {
            "xaxis": {
                "title": {"text": "seconds" if history.ids_are_times else NO_TIMES},
                **({"rangemode": "normal"} if _is_older(history) else {}),
            },
            "yaxis": {
                "tickvals": [*(-lane * (i + 1) for i in range(len(names))), 0],
                "ticktext": [*(label(name, 16) for name in names), "entries"],
                "range": [-lane * (len(names) + 0.7), max(_top(history), lane) * 1.15],
            },
            "margin": {"l": 60, "r": LABEL_MARGIN + 50, "t": 44, "b": 44},
            "showlegend": False,
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        return []

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return the new entries."""
        ids = [entry.id for sample in samples for entry in sample.entries]
        x, y = list(map(id_scale(history), ids)), [one.seq for one in ids]
        return [{"x": x, "y": y, "customdata": list(map(str, ids))}]

    def window_sizes(self, history: History) -> list[int]:
        return [history.entry_count]

    def current_state(self, history: History) -> list[Trace]:
        """Return each group's cursor, rings and squares, the trim edge, and the numbers."""
        last, lane = history.newest, _lane(history)
        oldest = next((one.entries[0].id for one in history.samples if one.entries), EntryId.ZERO)
        traces: list[Trace] = []
        for i, name in enumerate(shown_groups(history)):
            group = last.find_group(name) if last else None
            traces += _lane_of(group, last, history, -lane * (i + 1), oldest)
        ends = self._ends(history)
        if last is None or not oldest <= last.first_id or not 0 < last.length < last.entries_added:
            return [*traces, {"x": [], "y": [], "text": []}, ends]
        return [*traces, self._trim_edge(history, last, oldest), ends]

    def summary(self, history: History) -> str:
        last = history.newest
        if last is None or last.trouble:
            return no_data_text(history)
        length = entries_text(last.length)
        if last.length != last.entries_added:
            length += f", {last.entries_added:,} ever added"
        return "; ".join([length, *map(group_text, last.groups)]) + "."

    def _ends(self, history: History) -> Trace:
        """Return what waits and is pending for each group, at the end of its lane."""
        last, lane, top = history.newest, _lane(history), _top(history)
        if last is None or not last.exists or last.last_id == EntryId.ZERO:
            return {"x": [], "y": [], "text": []}
        texts, y = [], []
        for i, group in enumerate(map(last.find_group, shown_groups(history)), start=1):
            y.append(-lane * i)
            lag = group.lag.entries if group else None
            waiting = "?" if lag is None else f"{lag:,}"
            texts.append(f"\u2003{waiting} waiting, {group.pending:,} pending" if group else "")
        for seq in sorted({0, top // 2, top}) if history.highest_seq else ():
            y.append(seq)  # not at the left: their scale is not that of the names
            texts.append(f"\u2003sequence {seq:,}")
        return {"x": [id_scale(history)(last.last_id)] * len(y), "y": y, "text": texts}

    def _trim_edge(self, history: History, last: Sample, oldest: EntryId) -> Trace:
        """Return a line at the first entry; entries to its left are under a hatched box."""
        scale, (low, high) = id_scale(history), self.layout(history)["yaxis"]["range"]
        edge, left = scale(last.first_id), scale(oldest)
        trace: Trace = {"x": [edge, edge], "y": [low, high], "text": ["", ""]}
        if oldest not in (EntryId.ZERO, last.first_id):
            bottom, middle = -_lane(history) / 2, _top(history) / 2
            trace["x"] += [None, left, left, edge, edge, left, left]
            trace["y"] += [None, middle, high, high, bottom, bottom, middle]
            trace["text"] += ["", "\u2002trimmed", "", "", "", "", ""]
        return trace


def _lane_of(
    group: GroupState | None, last: Sample | None, history: History, y: float, oldest: EntryId
) -> list[Trace]:
    """Return a group's lane, rings and squares; what is older than all shown is at their edge."""
    scale = id_scale(history)

    def points(entries: Sequence[tuple[EntryId, EntryId, str, str | None]]) -> Trace:
        """Return a point for each entry: its place, its ID, and its words with a name."""
        texts = [about_entry(one, words, name) for _, one, words, name in entries]
        return {
            "x": [scale(max(place, oldest)) for place, *_ in entries],
            "y": [y] * len(entries),
            "text": [text for text, _ in texts],
            "customdata": [about for _, about in texts],
        }

    if group is None or last is None or not last.exists:
        return [points([]), points([]), points([])]
    cursor, name = group.last_delivered_id, group.name
    lane, place = [], cursor_place(cursor, last, history)
    if place is not None and cursor != EntryId.ZERO:  # the group has begun
        # no further back than the entries that are shown: others may never have been read
        first = min(max(last.first_id, oldest), place) if last.length else place
        lane = [(one, cursor, f"{{}}: last delivered {cursor}", name) for one in (first, place)]
    held = "held by {}, delivered %d×"
    rings = [(one.id, one.id, held % one.deliveries, one.holder) for one in group.oldest]
    squares = [(one, one, "waits for {}", name) for one in _waiting(history, cursor)]
    return [points(lane), points(rings), points(squares)]


def _top(history: History) -> int:
    return int(1 << max(history.highest_seq - 1, 0).bit_length())


def _lane(history: History) -> float:
    return max(1.0, _top(history) / 4)


def _waiting(history: History, cursor: EntryId) -> list[EntryId]:
    """Return the entries after a cursor; of too many, some, with the newest among them."""
    ids: list[EntryId] = []
    for sample in reversed(history.samples):
        if sample.entries and sample.entries[-1].id <= cursor:
            break
        ids += [one.id for one in reversed(sample.entries) if one.id > cursor]
    return ids[:: math.ceil(len(ids) / _MAX_WAITING) or 1][::-1]


def _is_older(history: History) -> bool:
    """Tell whether the stream had entries before the first sample."""
    samples = history.samples
    firsts = [one.first_id for one in (*samples[:1], *samples[-1:])]
    return any(one != EntryId.ZERO and one.ms < history.start_ms for one in firsts)
