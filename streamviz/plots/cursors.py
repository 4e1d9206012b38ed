"""Cursors: how far each reader and group has read, while the stream grows."""

from __future__ import annotations

from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.observation.events import shown_name
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.event_lines import event_lines, event_points, headroom
from streamviz.plots.figure import NO_TIMES, Plot, cursor_place, id_scale
from streamviz.plots.group_lines import lines_layout
from streamviz.plots.texts import entries_text, label, no_data_text, peaks_text
from streamviz.plots.traces import (
    GREY,
    LABEL_MARGIN,
    Trace,
    colours,
    end_labels,
    end_texts,
    seconds,
    step_lines,
)
from streamviz.plots.worst_groups import shown_groups


class Cursors(Plot):
    """A step line for each plain reader's position and each group's cursor over time.

    Its name stands at its end, with its distance to the newest entry, which is the grey line. While
    entries arrive, that line climbs by one second per second. A reader that keeps up climbs with
    it, a reader that is down stays level, and a reader that starts from the beginning falls to
    the bottom. A cursor does not show which entries the reader missed.
    """

    title = "Cursors"

    def structure_key(self, history: History) -> Any:
        return history.reader_names, shown_groups(history), history.ids_are_times

    def traces(self, history: History) -> list[Trace]:
        """Return a line for each reader and group, the newest entry, the names and the events."""
        names = (*history.reader_names, *shown_groups(history))
        lines = step_lines([*map(label, names), "newest entry"])
        lines[-1]["line"] |= {"color": GREY, "dash": "solid", "width": 1.5}
        ends = end_labels([*colours(len(names)), GREY])
        return [*lines, ends, event_lines()]

    def layout(self, history: History) -> dict[str, Any]:
        title = "time of the last entry read, in seconds" if history.ids_are_times else NO_TIMES
        layout = lines_layout(title) | {"meta": {"first_below": True}}
        return layout | {"margin": layout["margin"] | {"r": LABEL_MARGIN + 40}}

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return the time of each cursor and of the newest entry, None where there is none."""
        readers = [sample.reader(name) for name in history.reader_names]
        groups = [sample.find_group(name) for name in shown_groups(history)]
        cursors = [reader.position if reader else None for reader in readers]
        cursors += [group.last_delivered_id if group else None for group in groups]
        newest = sample.last_id if sample.last_id != EntryId.ZERO else None
        if sample.exists is None:
            return [None] * (len(cursors) + 1)
        return [_entry_time(cursor, sample, history) for cursor in (*cursors, newest)]

    def current_state(self, history: History) -> list[Trace]:
        """Return the lines' names, and the events."""
        last = history.newest
        if last is None:
            return [end_texts(None, [], [], 0, 1), event_points(history)]
        *values, newest = self.sampled_values(last, history)
        names = (*history.reader_names, *shown_groups(history))
        unit = " s" if history.ids_are_times else ""
        texts = [
            label(name, 12) + _behind(value, newest, unit)
            for name, value in zip(names, values, strict=True)
        ]
        numbers = [one for one in (*values, newest) if one is not None]
        top, at = headroom(history) * max(numbers, default=0), seconds(last.time_ms, history)
        ends = end_texts(at, [*texts, "newest entry"], [*values, newest], top, 0.075)
        return [ends, event_points(history)]

    def summary(self, history: History) -> str:
        last = history.newest
        if last is None or last.exists is None or not (last.readers or last.groups):
            return no_data_text(history) or "no reader yet"
        parts = [_words(one.name, one.position, last) for one in last.readers]
        parts += [_words(one.name, one.last_delivered_id, last) for one in last.groups]
        return f"{entries_text(last.length)}; {'; '.join(parts)}."

    def history_summary(self, history: History) -> str:
        names = (*history.reader_names, *shown_groups(history))
        times = (self.sampled_values(sample, history) for sample in history.samples)
        rows = [
            [None if one is None or newest is None else newest - one for one in cursors]
            for *cursors, newest in times
        ]
        unit = "seconds" if history.ids_are_times else "in entry IDs"
        return peaks_text(names, rows, f"{unit} behind the newest entry")


def _behind(value: float | None, newest: float | None, unit: str) -> str:
    if value is None or newest is None or value >= newest:
        return ""
    return f", {newest - value:,.1f}{unit} behind"


def _entry_time(cursor: EntryId | None, sample: Sample, history: History) -> float | None:
    """Return a cursor's time in seconds, as far as it has one."""
    place = None if cursor is None else cursor_place(cursor, sample, history)
    return None if place is None else id_scale(history)(place)


def _words(name: str, cursor: EntryId, last: Sample) -> str:
    name, first = shown_name(name), last.first_id if last.length else last.last_id
    timed, *times = [one.is_time(last.time_ms) for one in (cursor, first, last.last_id)]
    before_times = cursor < last.first_id and all(times) and not timed
    if cursor == EntryId.ZERO or before_times:
        return f"{name} is at the beginning"
    if cursor == last.last_id:
        return f"{name} is at the newest entry"
    if cursor > last.last_id:
        return f"{name} is beyond the newest entry"
    behind = f"{(last.last_id.ms - cursor.ms) / 1000:,.1f} s behind"
    if not (timed and all(times)):
        behind = "behind"
    return f"{name} is {behind} the newest entry"
