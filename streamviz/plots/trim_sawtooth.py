"""The trim sawtooth: the length of a trimmed stream, and the nodes or memory that it takes."""

from __future__ import annotations

from math import ceil
from typing import Any, Literal

from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import Plot
from streamviz.plots.texts import columns, entries_text, label, no_data_text, number_text
from streamviz.plots.traces import (
    GREY,
    LABEL_MARGIN,
    Trace,
    colour,
    end_labels,
    end_texts,
    line,
    seconds,
)

_GAP = 0.17  # between two texts, as a part of a panel's height
_LETTER, _BESIDE = 7.2, 6  # pixels: a letter's width, about, and the gap between a line and a text


class TrimSawtooth(Plot):
    """Two panels: the stream's length, and below it its macro nodes or bytes.

    With ``~``, Redis removes whole macro nodes only, so the length is a sawtooth between the limit
    and one node above it. With ``=``, the length is flat and the memory is the same sawtooth,
    because Redis frees a node when its last entry is removed.

    Parameters
    ----------
    maxlen : int, optional
        The limit to trim to, 1 or more; the plot shows it, and one node above it.
    node_entries : int
        Entries in a full macro node: the server's ``stream-node-max-entries``, by default 100.
        Large entries fill a node earlier (``stream-node-max-bytes``).
    beside : {"nodes", "memory"}
        What the second panel shows. Memory is known if the observer reads it
        (``memory=True``), and differs between servers.
    """

    title = "Trimming"

    def __init__(
        self,
        maxlen: int | None = None,
        *,
        node_entries: int = 100,
        beside: Literal["nodes", "memory"] = "nodes",
    ) -> None:
        for name, value in (("maxlen", maxlen), ("node_entries", node_entries)):
            if value is not None and (type(value) is not int or value < 1):
                raise InputError(f"{name}={value!r}: give a whole number, 1 or more")
        if beside not in ("nodes", "memory"):
            raise InputError(f"beside={beside!r}: give 'nodes' or 'memory'")
        self.limits = () if maxlen is None else (maxlen, maxlen + node_entries)
        self.beside = beside

    def structure_key(self, history: History) -> Any:
        return history.newest.stream if history.newest else ""

    def traces(self, history: History) -> list[Trace]:
        """Return the length, its limits, and the nodes or memory, and their names."""
        limits = [
            line(name, 0, line={"color": GREY, "dash": dash, "width": 1.5})
            for name, dash in (("MAXLEN", "dash"), ("a node more", "dot"))
        ]
        name = "macro nodes" if self.beside == "nodes" else "memory"
        second = line(name, 1, yaxis="y2")
        second["line"]["dash"] = "solid"  # small steps would break up a dashed line
        traces = [line("entries", 0), *limits[: len(self.limits)], second]
        for trace in traces:
            trace["line"]["shape"] = "hv"
        ends = end_labels([colour(0), *[GREY] * len(self.limits)])
        return [*traces, ends, end_labels([colour(1)], yaxis="y2")]

    def layout(self, history: History) -> dict[str, Any]:
        title = "macro nodes" if self.beside == "nodes" else "kB (MEMORY USAGE)"
        up = {"rangemode": "tozero", "anchor": "x", "nticks": 4}
        name = f" {label(history.newest.stream)}" if history.newest else ""
        widest = max(map(columns, self._limit_texts()), default=0)
        room = max(LABEL_MARGIN + 30, ceil(_LETTER * widest) + _BESIDE)
        return {
            "title": {"text": f"{self.title}{name}", "x": 0, "xref": "paper"},
            "xaxis": {"title": {"text": "seconds"}, "anchor": "y2"},
            "yaxis": {"title": {"text": "entries"}, "domain": [0.54, 1], **up},
            "yaxis2": {"title": {"text": title}, "domain": [0, 0.46], **up},
            "margin": {"l": 60, "r": room, "t": 44, "b": 44},
            "showlegend": False,
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return the length, the limits, and the nodes or kB; None without a stream."""
        if not sample.exists:
            return [None, *self.limits, None]
        size: float | None = self._taken(sample)
        if size is not None and self.beside == "memory":
            size /= 1000
        return [sample.length, *self.limits, size]

    def current_state(self, history: History) -> list[Trace]:
        """Return each line's name and last value, at its end."""
        last = history.newest
        if last is None or not last.exists:
            return [end_texts(None, [], [], 0, 1)] * 2
        x = seconds(last.time_ms, history)
        amount = self.sampled_values(last, history)[-1]
        names = [entries_text(last.length), *self._limit_texts()]
        top = max(last.length, *self.limits, 0)
        unit = "kB" if self.beside == "memory" else "node" if amount == 1 else "nodes"
        size = "unknown" if amount is None else f"{_rounded(amount)} {unit}"
        return [
            end_texts(x, names, [last.length, *self.limits], top, _GAP),
            end_texts(x, [size], [amount], amount or 0, _GAP),
        ]

    def summary(self, history: History) -> str:
        last = history.newest
        if last is None or last.trouble:
            return no_data_text(history)
        longest = max(sample.length for sample in history.samples)
        amount = self._taken(last)
        unit = "macro node" if self.beside == "nodes" else "byte"
        size = f"{number_text(amount)} {'of ' * (amount is None)}{unit}{'s' * (amount != 1)}"
        return (
            f"{entries_text(last.length)}, at most {number_text(longest)}, of "
            f"{number_text(last.entries_added)} ever added; "
            f"{'it takes' if last.length == 1 else 'they take'} {size}."
        )

    def _limit_texts(self) -> list[str]:
        words = ("MAXLEN", "MAXLEN + 1 node")
        return [f"{n} {v:,}" for n, v in zip(words, self.limits, strict=False)]

    def _taken(self, sample: Sample) -> int | None:
        return sample.nodes if self.beside == "nodes" else sample.memory_bytes


def _rounded(value: float) -> str:
    """Return a number with three digits, or with all digits before the point."""
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.3g}"
