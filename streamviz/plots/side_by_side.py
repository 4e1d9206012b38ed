"""Side by side: for each reader or subscriber, which entries it received and which it missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.observation.events import shown_name
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import NO_TIMES, Plot, id_scale
from streamviz.plots.panels import axes, axis, domain
from streamviz.plots.texts import label, no_data_text
from streamviz.plots.traces import (
    ASIDE,
    COLOURS,
    GREY,
    RED,
    Trace,
    end_labels,
    line,
    marks,
    seconds,
)

_MAX_MISSED = 200  # crosses in a panel: every frame sends all of them again


class SideBySide(Plot):
    """A panel for each reader or subscriber: the time sent upwards, the time received across.

    A small grey dot is an entry at the time when it was sent. A blue dot is an entry received; it
    covers the grey one if it came at once. A red cross, right of the line at which the time axis
    ends, is a missed entry: the reader has received a later one, but never this one. The text above
    says how many of the entries in the picture were received and missed.
    """

    title = "Sent and received"
    needs = "readers"

    def structure_key(self, history: History) -> Any:
        return history.reader_names, history.ids_are_times

    def traces(self, history: History) -> list[Trace]:
        """Return each panel's entries sent and received, then those missed, then the counts.

        Between the two is the line at which the time axis ends: right of it nothing was received.
        """
        growing, missed, counts = [], [], []
        for index, name in enumerate(map(label, history.reader_names)):
            more = {"showlegend": False, **axes(index)}
            dots = more | {"hovertemplate": "%{customdata}<extra></extra>"}
            growing.append(marks(f"{name}: sent", GREY, "circle", 4, **dots))
            growing.append(marks(f"{name}: received", COLOURS[0], "circle", 6, **dots))
            missed.append(marks(f"{name}: missed", RED, "x", 9, meta=ASIDE, **dots))
            end = more | {"hoverinfo": "skip", "meta": ASIDE}
            missed.append(line(f"{name}: end", 0, line={"color": GREY, "width": 1}, **end))
            counts.append(end_labels([GREY, COLOURS[0]], **axes(index)))
        return [*growing, *missed, *counts]

    def layout(self, history: History) -> dict[str, Any]:
        names = history.reader_names or ("no reader yet",)
        layout: dict[str, Any] = {"showlegend": False, "meta": {"first_below": True}}
        for index in range(len(names)):
            x: dict[str, Any] = {
                "domain": domain(index, len(names)),
                "anchor": axis("y", index),
                "title": {"text": "received, seconds"},
            }
            y: dict[str, Any] = {"rangemode": "tozero", "anchor": axis("x", index)}
            if index:
                x, y = x | {"matches": "x"}, y | {"matches": "y", "showticklabels": False}
            else:
                y["title"] = {"text": "sent, seconds" if history.ids_are_times else NO_TIMES}
            layout |= {axis("xaxis", index): x, axis("yaxis", index): y}
        return layout

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        return []

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return for each panel the entries sent and received."""
        times = history.ids_are_times
        entries = [(one.id, s.time_ms) for s in samples for one in s.entries]
        sent = _dots([(one.ms if times else at_ms, one) for one, at_ms in entries], history)
        traces: list[Trace] = []
        for name in history.reader_names:
            states = [(sample.time_ms, sample.reader(name)) for sample in samples]
            received = [(at_ms, one) for at_ms, state in states if state for one in state.got]
            traces += [{key: list(of) for key, of in sent.items()}, _dots(received, history)]
        return traces

    def window_sizes(self, history: History) -> list[int]:
        received = dict.fromkeys(history.reader_names, 0)
        for sample in history.samples:
            for reader in sample.readers:
                received[reader.name] += len(reader.got)
        return [size for count in received.values() for size in (history.entry_count, count)]

    def current_state(self, history: History) -> list[Trace]:
        """Return for each panel the newest entries missed, then for each panel the counts."""
        missed = [history.missed_by(name) for name in history.reader_names]
        samples = history.samples
        first_ms, last_ms = (samples[0].time_ms, samples[-1].time_ms) if samples else (0, 0)
        step_ms = (last_ms - first_ms) // 25
        start, end, never = (
            seconds(ms, history) for ms in (first_ms, last_ms + step_ms, last_ms + 2 * step_ms)
        )
        newest = samples[-1].last_id if samples else EntryId.ZERO
        top = max(id_scale(history)(newest), 0 if newest == EntryId.ZERO else 1) * 1.45
        sent, names, asides, counts = _sent(history), history.reader_names, [], []
        for name, number, of in zip(names, _received(history), missed, strict=True):
            crosses = [(last_ms + 2 * step_ms, one) for one in of[-_MAX_MISSED:]]
            ends = {"x": [end] * 2, "y": [0, round(0.75 * top, 3)]} if of else {"x": [], "y": []}
            asides += [_dots(crosses, history), ends]
            words = (
                label(name, 72 // len(names)),
                f"{number:,} received{sent}",
                f"{len(of):,} missed",
            )
            counts.append(
                {
                    "x": [start, start, never if of else start],
                    "y": [round(part * top, 3) for part in (1, 0.91, 0.82)],
                    "text": [f"\u2002{one}" for one in words],
                    "textposition": [
                        f"middle {'left' if of and i == 2 else 'right'}" for i in range(3)
                    ],
                    "textfont": {"color": [GREY, COLOURS[0], RED if of else GREY]},
                }
            )
        return [*asides, *counts]

    def summary(self, history: History) -> str:
        last = history.newest
        if last is None or not history.reader_names:
            return no_data_text(history) or "no reader yet"
        parts = []
        for name, count in zip(history.reader_names, _received(history), strict=True):
            missed = len(history.missed_by(name))
            words = f"received {count:,}, missed {f'{missed:,}' if missed else 'none'}"
            parts.append(f"{shown_name(name)} {words}")
        sent = _sent(history).removeprefix(" of ") or f"{history.entry_count:,}"
        return f"{sent} sent; {'; '.join(parts)}."


def _sent(history: History) -> str:
    """Return how many entries the picture has, if it does not have all since the first sample."""
    samples = history.samples
    whole = not samples or (samples[0].n == 1 and not any(one.missed for one in samples))
    return "" if whole else f" of the last {history.entry_count:,}"


def _received(history: History) -> list[int]:
    """Return how many entries of the picture each reader received, each counted once."""
    first = next((one.id for one in history.entries), EntryId.ZERO)
    by_reader: dict[str, set[EntryId]] = {name: set() for name in history.reader_names}
    for sample in history.samples:
        for reader in sample.readers:
            by_reader[reader.name].update(reader.got)
    return [sum(one >= first for one in ids) for ids in by_reader.values()]


def _dots(entries: Sequence[tuple[int, EntryId]], history: History) -> Trace:
    """Return a dot for each entry, given with the time when it was sent or received."""
    return {
        "x": [seconds(at_ms, history) for at_ms, _ in entries],
        "y": [id_scale(history)(one) for _, one in entries],
        "customdata": [str(one) for _, one in entries],
    }
