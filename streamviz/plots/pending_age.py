"""Pending age: how old each group's oldest pending entry is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.observation.deliveries import Delivery, delivery_log
from streamviz.observation.events import shown_name
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.event_lines import event_lines, event_points
from streamviz.plots.group_lines import GroupLines, lines_layout
from streamviz.plots.texts import about_entry, label, note, number_text, peaks_text
from streamviz.plots.traces import Trace, colour, colours, end_labels, marks, seconds, step_lines
from streamviz.plots.worst_groups import shown_groups

_NO_TIMES = "seconds since its last delivery: the IDs are no times in milliseconds"


class PendingAge(GroupLines):
    """One step line for each group: the age of its oldest pending entry, in seconds since added.

    While consumers are healthy, the line stays low. While a dead consumer holds an entry, the line
    climbs by one second per second, until the entry is recovered. A diamond marks each delivery
    after the first, at its time and at the entry's age: an entry with two diamonds has been
    delivered three times. A hairline with its words is an event. Where lines coincide, the rims of
    the wider ones stay visible. If IDs are not times, ages count from the last delivery.
    """

    title = "Oldest pending entry"

    def structure_key(self, history: History) -> Any:
        return super().structure_key(history), _has_diamonds(history)

    def traces(self, history: History) -> list[Trace]:
        """Return a line for each group, the ended and the open deliveries, names and events."""
        names = shown_groups(history)
        lines = step_lines(map(label, names))
        ended, still_open = ([_diamonds(*one) for one in enumerate(names)] for _ in range(2))
        return [*lines, *ended, *still_open, end_labels(colours(len(names))), event_lines()]

    def layout(self, history: History) -> dict[str, Any]:
        title = "seconds since it was added" if history.ids_are_times else _NO_TIMES
        key = note("◆ delivered again", x=1, y=1, yanchor="bottom")
        layout = lines_layout(title) | {"meta": {"first_below": True}}
        return layout | {"annotations": [key] * _has_diamonds(history)}

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return the deliveries that ended with these samples."""
        log, since = delivery_log(history), samples[0].n - 1 if samples else 0
        names = shown_groups(history)
        return [_points(log.ended_since(name, since), history) for name in names]

    def window_sizes(self, history: History) -> list[int]:
        log = delivery_log(history)
        return [len(_repeated(log.ended(name))) for name in shown_groups(history)]

    def current_state(self, history: History) -> list[Trace]:
        """Return the deliveries that are pending now, the lines' names, and the events."""
        log = delivery_log(history)
        still_open = [_points(log.pending(name), history) for name in shown_groups(history)]
        return [*still_open, self.end_texts(history), event_points(history)]

    def history_summary(self, history: History) -> str:
        names, log = shown_groups(history), delivery_log(history)
        rows = (self.sampled_values(sample, history) for sample in history.samples)
        parts = [peaks_text(names, rows, "seconds")]
        repeated = {name: _repeated((*log.ended(name), *log.pending(name))) for name in names}
        most = [
            f"{shown_name(name)} {max(d.deliveries for d in of)}"
            for name, of in repeated.items()
            if of
        ]
        parts += [f"Most deliveries of one entry: {', '.join(most)}."] if most else []
        return " ".join(filter(None, parts))

    def _value(self, sample: Sample, group: GroupState) -> float | None:
        """Return the largest age: 0 if nothing is pending."""
        if not group.oldest:
            return 0 if not group.pending else None
        oldest = group.oldest[0]
        if not oldest.id.is_time(sample.time_ms):
            return round(max(one.idle_ms for one in group.oldest) / 1000, 3)
        if oldest.id.ms > sample.time_ms:  # the server's clock is ahead of this machine's
            return round(oldest.idle_ms / 1000, 3)
        return _seconds_since(sample.time_ms, oldest.id)  # a claim may name any idle time

    def _words(self, sample: Sample, group: GroupState) -> str:
        age = self._value(sample, group)
        if not group.pending or age is None:
            return f"{shown_name(group.name)}: nothing pending"
        oldest = group.oldest[0]
        what = "added" if oldest.id.is_time(sample.time_ms) else "last delivered"
        times = "once" if oldest.deliveries == 1 else f"{oldest.deliveries} times"
        holder = oldest.holder
        last = "then given back" if holder is None else f"last to {shown_name(holder)}"
        return (
            f"{shown_name(group.name)}: {number_text(group.pending)} pending, the oldest {what} "
            f"{age:,.1f} s ago, delivered {times}, {last}"
        )


def _diamonds(index: int, name: str) -> Trace:
    hover = "%{customdata[0]}, %{text}<extra></extra>"
    about = {"showlegend": False, "text": [], "hovertemplate": hover}
    return marks(f"{label(name)}: delivered again", colour(index), "diamond", 10, **about)


def _repeated(deliveries: Iterable[Delivery]) -> list[Delivery]:
    return [one for one in deliveries if one.deliveries > 1]


def _has_diamonds(history: History) -> bool:
    log = delivery_log(history)
    names = shown_groups(history)
    return any(log.redelivery_count(one) or _repeated(log.pending(one)) for one in names)


def _points(deliveries: Iterable[Delivery], history: History) -> Trace:
    """Return a mark for each delivery after the first, where it began."""
    repeated = _repeated(deliveries)
    said = [about_entry(d.id, f"delivery {d.deliveries}, to {{}}", d.consumer) for d in repeated]
    return {
        "x": [seconds(one.since_ms, history) for one in repeated],
        "y": [_seconds_since(one.since_ms, one.id) for one in repeated],
        "text": [text for text, _ in said],
        "customdata": [about for _, about in said],
    }


def _seconds_since(time_ms: int, entry_id: EntryId) -> float:
    if not entry_id.is_time(time_ms):
        return 0  # it was delivered again just then
    return round(max(0, time_ms - entry_id.ms) / 1000, 3)
