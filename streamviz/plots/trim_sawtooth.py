"""The trim sawtooth: how long a trimmed stream is, and beside it what it takes."""

from __future__ import annotations

from typing import Any, Literal

from streamviz.errors import InputError
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import GREY, Plot, Trace, entries_of, line, plain, waiting


class TrimSawtooth(Plot):
    """Two panels: the stream's length, and the macro nodes or the bytes that hold it.

    Trimmed with ``~``, a stream gives up whole macro nodes only, so its length is a saw between
    the bound and a node more. Trimmed with ``=`` its length is flat, and what it takes is the same
    saw, for a node is given back when its last entry goes.

    Parameters
    ----------
    maxlen : int, optional
        The bound to trim to; it is drawn, and a node more above it.
    node_entries : int
        Entries in a full macro node: the server's ``stream-node-max-entries``, by default 100.
        Larger entries fill a node earlier (``stream-node-max-bytes``).
    beside : {"nodes", "memory"}
        What the second panel shows. Memory is known where the observer was asked for it
        (``memory=True``), and differs between servers.

    Raises
    ------
    InputError
        If a number is not a whole one above 0, or `beside` is something else.
    """

    name = "trim_sawtooth"
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
        self.bounds = () if maxlen is None else (maxlen, maxlen + node_entries)
        self.beside = beside

    def structure_key(self, history: History) -> Any:
        """Return nothing: the traces are always the same."""
        return None

    def traces(self, history: History) -> list[Trace]:
        """Return the length, its bounds, and what holds it."""
        bounds = [
            line(name, 0, line={"color": GREY, "dash": dash, "width": 1.5})
            for name, dash in (("MAXLEN", "dash"), ("a node more", "dot"))
        ]
        name = "macro nodes" if self.beside == "nodes" else "memory"
        held = line(name, 1, xaxis="x2", yaxis="y2")
        found = [line("XLEN", 0), *bounds[: len(self.bounds)], held]
        for trace in found:
            trace["line"] = trace["line"] | {"shape": "hv"}
        held["line"] |= {"dash": "solid"}  # small steps would tear a dashed line to pieces
        return found

    def layout(self, history: History) -> dict[str, Any]:
        """Return two pairs of axes side by side, with scales of their own and one time."""
        title = "macro nodes" if self.beside == "nodes" else "kB (MEMORY USAGE)"
        seconds = {"text": "seconds"}
        return {
            "xaxis": {"title": seconds, "domain": [0, 0.44], "anchor": "y"},
            "xaxis2": {"title": seconds, "domain": [0.56, 1], "anchor": "y2", "matches": "x"},
            "yaxis": {"title": {"text": "entries"}, "rangemode": "tozero", "anchor": "x"},
            "yaxis2": {"title": {"text": title}, "rangemode": "tozero", "anchor": "x2"},
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return the length, the bounds, and what holds it; None while there is no stream."""
        if not sample.exists:
            return [None, *self.bounds, None]
        held = self._held(sample)
        in_kilos = None if held is None or self.beside == "nodes" else held / 1000
        return [sample.length, *self.bounds, held if self.beside == "nodes" else in_kilos]

    def summary(self, history: History) -> str:
        """Return how long it is and was at most, and what it takes, in words."""
        last = history.last
        if last is None or last.trouble:
            return waiting(history)
        most = max(sample.length for sample in history.samples)
        return (
            f"{entries_of(last.length)}, at most {plain(most)}, of "
            f"{plain(last.entries_added)} ever added; they take {plain(self._held(last))} "
            f"{'macro nodes' if self.beside == 'nodes' else 'bytes'}."
        )

    def _held(self, sample: Sample) -> int | None:
        return sample.nodes if self.beside == "nodes" else sample.memory_bytes
