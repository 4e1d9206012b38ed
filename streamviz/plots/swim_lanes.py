"""Swim lanes: which entries each consumer holds, since when, and at which delivery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from types import NoneType
from typing import Any

from streamviz.errors import check_type
from streamviz.observation.deliveries import Delivery, delivery_log
from streamviz.observation.events import DEATHS, shown_name
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.event_lines import EVENT_AXIS, HATCHED, event_lines, event_points, no_words
from streamviz.plots.figure import Plot
from streamviz.plots.lanes import FEW, ROOMY, ROWS, Lane, Places, death_in, deaths, middle
from streamviz.plots.texts import about_entry, label, no_data_text, number_text
from streamviz.plots.traces import DASHES, GREY, Trace, colour, seconds
from streamviz.plots.worst_groups import shown_groups

_MOVED = ("claimed", "given back")
_MAX_LINKS = 300  # deliveries among which claims are looked for
_CROWD = 90  # deliveries in a lane, about: with more, they share one row
_MAX_LANES = 14
_GAP_S = 0.04  # at the end of a bar, so that one sees where the next one begins


class SwimLanes(Plot):
    """One lane for each consumer, with a bar for each delivery that it held.

    A faint bar has ended: the entry was acknowledged, claimed by another consumer, given back
    (XNACK), or lost. An entry that was given back has a bar in the lane of no consumer until it is
    claimed. A full bar is still held. A dashed bar is a delivery after the first. A thin line leads
    from an entry's bar to the bar of its next holder. While a consumer is dead, its lane is
    hatched. A delivery shorter than the time between two samples has no bar. Bars of a consumer
    that overlap in time are in different rows. With very many deliveries, or more than six lanes,
    each lane has one row. Of more than 14 consumers, 14 are shown, the dead ones first.

    Parameters
    ----------
    group : str, optional
        Show only this group's consumers; without it, show all consumers.
    """

    title = "Who holds what"
    needs = "consumer groups"

    def __init__(self, group: str | None = None) -> None:
        check_type("group", group, (str, NoneType), "a consumer group's name as text, or None")
        self.group = group

    def structure_key(self, history: History) -> Any:
        """Return the groups, the consumers with a lane, a lane's rows, and if events have room."""
        has_lines = self._has_lines(history)
        return self._groups(history), self._lanes(history), self._rows(history), has_lines

    def traces(self, history: History) -> list[Trace]:
        """Return the bars that ended, the open bars, the claims, the dead, and the events.

        Both kinds of bars have a trace for first deliveries and one for later ones.
        """
        names = self._groups(history)
        rows = self._rows(history)
        wide = 10 if rows == 1 and len(self._lanes(history)) <= ROOMY else 6
        bars = [
            _trace(
                f"{label(name)}{words}{held}",
                i,
                dash,
                wide if rows <= ROWS else 4,
                opacity=opacity,
            )
            for held, opacity in (("", 0.4), (", held", 1.0))
            for i, name in enumerate(names)
            for words, dash in _KINDS
        ]
        dead = event_lines("y") | {"name": "dead", "mode": "lines+text", **HATCHED}
        links = event_lines("y") | {"name": "claimed", "mode": "lines"}
        links["line"] = {"color": GREY, "width": 2}
        return [*bars, links, dead, event_lines()]

    def layout(self, history: History) -> dict[str, Any]:
        """Return axes: seconds across, and a lane for each consumer."""
        lanes, total = self._lanes(history), len(self._consumers(history))
        count = len(lanes)
        some = f"; {count} of {total} consumers, the dead ones first" if count < total else ""
        return {
            "xaxis": {"title": {"text": f"seconds{some}"}},
            "yaxis": {
                "tickvals": [-(index + middle(count)) for index in range(count)],
                "ticktext": [label(name, 16) for _, name in lanes],
                "range": [-count or -1, (0.4 if self._has_lines(history) else 0.05) * (count or 1)],
            },
            "yaxis2": EVENT_AXIS,
            "showlegend": False,
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        return []

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return the bars that ended with these samples."""
        log, since = delivery_log(history), samples[0].n - 1 if samples else 0
        ended = {name: log.ended_since(name, since) for name in self._groups(history)}
        return self._bars(ended, history)

    def window_sizes(self, history: History) -> list[int]:
        log = delivery_log(history)
        sizes = []
        for name in self._groups(history):
            repeated = log.redelivery_count(name)
            sizes += [3 * (log.ended_count(name) - repeated), 3 * repeated]
        return sizes

    def current_state(self, history: History) -> list[Trace]:
        """Return the bars of the entries that are held now, the claims, the dead, the events."""
        log = delivery_log(history)
        deliveries = {name: log.pending(name) for name in self._groups(history)}
        bars = self._bars(deliveries, history)
        lines = event_points(history, without=death_in(self._lanes(history)))
        return [*bars, self._links(history), self._dead(history), lines]

    def summary(self, history: History) -> str:
        """Return in words how many entries each consumer holds."""
        last = history.newest
        if last is None or last.exists is None or not self._lanes(history):
            return no_data_text(history) or "no consumer yet"
        parts = [
            f"{shown_name(one.name)} holds {number_text(one.pending) if one.pending else 'nothing'}"
            for group in last.groups
            if self.group in (None, group.name)
            for one in group.consumers
        ]
        return "; ".join(parts) + "." if parts else "no consumer now."

    def _groups(self, history: History) -> tuple[str, ...]:
        return shown_groups(history, self.group)

    def _consumers(self, history: History) -> list[Lane]:
        """Return the consumers, and no consumer for a group's entries that were given back."""
        lanes: list[Lane] = []
        for name in self._groups(history):
            lanes += ((name, one) for one in history.consumer_names(name))
            if delivery_log(history).gave_back(name):
                lanes.append((name, None))
        return lanes

    def _lanes(self, history: History) -> tuple[Lane, ...]:
        """Return the consumers that have a lane: all, or the dead and the first others."""
        consumers = self._consumers(history)
        if len(consumers) > _MAX_LANES:
            events = [event for sample in history.samples for event in sample.events]
            died = {(event.group, event.who) for event in events if event.kind in DEATHS}
            died |= history.dead_before.keys()
            dead = [one for one in consumers if one in died or ("", one[1]) in died]
            chosen = {*islice(dict.fromkeys([*dead, *consumers]), _MAX_LANES)}
            consumers = [one for one in consumers if one in chosen]
        return tuple(consumers)

    def _rows(self, history: History) -> int:
        """Return how many rows a lane has: one if lanes are low, or if its bars are confetti."""
        if len(self._lanes(history)) > ROOMY:
            return 1
        log = delivery_log(history)
        ended = sum(log.ended_count(name) for name in self._groups(history))
        if ended > _CROWD * len(self._consumers(history)):
            return 1
        most = max(map(log.row_count, self._groups(history)), default=1)
        return most if len(self._lanes(history)) <= FEW else min(most, ROWS)

    def _links(self, history: History) -> Trace:
        """Return for each of the newest claims a line between its holders' lanes."""
        log = delivery_log(history)
        places = Places(self._lanes(history), self._rows(history))
        trace: Trace = {"x": [], "y": [], "text": []}
        for name in self._groups(history):
            some = [*log.ended(name)[-_MAX_LINKS:], *log.pending(name)]
            begun = {(one.id, one.since_ms): one for one in some}
            for old in some:
                new = begun.get((old.id, old.until_ms)) if old.end in _MOVED else None
                if new is None:
                    continue
                rows = [places.row(name, one) for one in (old, new)]
                if None not in rows:
                    at = seconds(old.until_ms, history)
                    who = f"from {label(old.consumer)} to {label(new.consumer)}"
                    words = f"{old.id} was {old.end} here: {who}"
                    trace["x"] += [at, at, None]
                    trace["y"] += [*rows, None]
                    trace["text"] += [words, words, ""]
        return trace

    def _has_lines(self, history: History) -> bool:
        """Tell whether there are events other than deaths in a lane: their words need room."""
        if not history.event_count:
            return False
        in_lane = death_in(self._lanes(history))
        return any(not in_lane(event) for one in history.samples for event in one.events)

    def _dead(self, history: History) -> Trace:
        """Return a hatched box for each time in which a consumer was dead; below it, the reason."""
        trace, lanes = no_words(), self._lanes(history)
        low, foot = (0.86, 0.68) if len(lanes) <= ROOMY else (0.72, 0.44)
        for lane, (group, name) in enumerate(lanes):
            for start, end, words in deaths(history, group, name):
                top, bottom = -lane - 0.06, -lane - foot
                trace["x"] += [start, start, end, end, start, None, start, None]
                trace["y"] += [bottom, top, top, bottom, bottom, None, -lane - low, None]
                trace["text"] += [""] * 6 + [words, ""]  # apart, so that nothing is hatched there
                trace["hovertext"] += [f"hatched: {label(name)} is dead, {words}"] * 7 + [""]
                trace["textposition"] += ["middle right"] * 8
        return trace

    def _bars(self, deliveries: dict[str, list[Delivery]], history: History) -> list[Trace]:
        """Return for each group the bars of its first deliveries, and those of its later ones."""
        places = Places(self._lanes(history), self._rows(history))
        traces = []
        for name, of_group in deliveries.items():
            for repeated in (False, True):
                some = [one for one in of_group if (one.deliveries > 1) is repeated]
                traces.append(_points(name, some, places, history))
        return traces


_KINDS = (("", "solid"), (" again", DASHES[1]))


def _trace(name: str, index: int, dash: str, width: int, *, opacity: float) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "line": {"color": colour(index), "dash": dash, "width": width},
        "opacity": opacity,
        "hovertemplate": "%{customdata[0]}, %{text}<extra></extra>",
        "x": [],
        "y": [],
        "text": [],
    }


def _points(group: str, deliveries: Iterable[Delivery], places: Places, history: History) -> Trace:
    """Return bars as one line with gaps."""
    points: Trace = {"x": [], "y": [], "text": [], "customdata": []}
    for one in deliveries:
        row = places.row(group, one)
        start, end = seconds(one.since_ms, history), seconds(one.until_ms, history)
        gap = 0 if one.end == "pending" else min(_GAP_S, (end - start) / 4)
        points["x"] += [start, round(end - gap, 3), None]
        points["y"] += [row, row, None]
        words = f"{{}}: {one.end}, delivery {one.deliveries}, {end - start:.1f} s"
        text, about = about_entry(one.id, words, one.consumer)
        points["text"] += [text, text, ""]
        points["customdata"] += [about, about, None]
    return points
