"""The pictures of notebook 06: what is in a stream, what is pending, and what both take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from exercises.boxes import Head, Lost, Trimmed, boxes
from exercises.picture import Picture
from exercises.verdict import stream_of
from streamviz import Scenario
from streamviz.client import ConsumerGroup, EntryId, Stream
from streamviz.plots import TrimSawtooth
from streamviz.plots.parts import TEXT_COLOURS, colour, on_background, render_saved

_WIDTH, _LEFT, _RIGHT, _ROW, _HIGH = 720, 190, 160, 30, 20  # pixels
_ACKED = {1, 2}  # letters of the tray that no group needs any more


def pending_and_there(group: ConsumerGroup, among: Iterable[str] = ()) -> Picture:
    """Draw a small stream and a group's pending entries, crossed out where one has been removed.

    Parameters
    ----------
    group : ConsumerGroup
        The group.
    among : iterable of str
        All IDs, if a place should stay for those that are in neither row.
    """
    pending = {held.id for held in group.pending_entries()}
    there = {entry.id for entry in stream_of(group).range()}
    ids = sorted(pending | there | {EntryId.parse(one) for one in among})
    return boxes(
        {
            "in the stream": [one if one in there else Lost(one) for one in ids],
            "pending": [
                (one if one in there else Lost(one)) if one in pending else None for one in ids
            ],
        }
    )


class Nodes:
    """How many entries of each macro node are left, with a row for each moment.

    Redis reports only the number of nodes. The picture counts the entries of each hundred IDs,
    which began as one node; a node without entries is freed, and crossed out.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rows: dict[str, list[object]] = {}
        self.add("added")

    def add(self, title: str) -> Picture:
        """Add a row for the stream as it is now, and draw all rows."""
        there = [(entry.id.ms - 1) // 100 for entry in self._stream.range()]
        counts = [there.count(node) for node in range(10)]
        self._rows[title] = [count or Trimmed(0) for count in counts]
        heads = [Head(n) for n in range(1, 11)]
        return boxes({"node": heads, **self._rows}, [0] * (len(self._rows) + 1))


Ids = list[EntryId]


def left_and_pending(group: ConsumerGroup) -> tuple[Ids, Ids]:
    """Return the IDs of the entries in a small stream, and of those that are pending."""
    left = [entry.id for entry in stream_of(group).range()]
    return left, [held.id for held in group.pending_entries()]


def trays(states: Mapping[str, tuple[Ids, Ids]]) -> Picture:
    """Draw six letters in the stream and those that are pending, for each way to trim.

    Letters 1 and 2 were acknowledged: they are crossed out in grey, as no group needs them.

    Parameters
    ----------
    states : mapping of str to (list of EntryId, list of EntryId)
        For each way, what `left_and_pending` returned.
    """
    rows: dict[str, list[object]] = {}
    for way, both in states.items():
        left, pending = ({one.ms for one in ids} for ids in both)
        rows[f"{way}: stream"] = [
            n if n in left else (Trimmed if n in _ACKED else Lost)(n) for n in range(1, 7)
        ]
        rows[f"{way}: pending"] = [
            None if n not in pending else n if n in left else Lost(n) for n in range(1, 7)
        ]
    return boxes(rows, [0, 1] * len(states))


def caps_compared(shop: Scenario, *streams: str) -> Picture:
    """Draw the lengths of several streams in one panel, and their memory below it.

    Parameters
    ----------
    shop : Scenario
        It has run, and its observers have read the memory (``memory=True``).
    *streams : str
        The keys.
    """
    plot = TrimSawtooth(beside="memory")
    figures = [plot.figure(shop.histories[name]) for name in streams]
    lengths, sizes, ends = [], [], []
    for index, (name, figure) in enumerate(zip(streams, figures, strict=True)):
        length, size, *labels = figure["data"]
        paint = colour(index)
        wide = 1.6 + 3 * index  # the first lies over the others
        lengths.append(_painted(length, paint, wide))
        sizes.append(_painted(size, paint, wide))
        ends += [_moved(one, name, paint, index - 1) for one in labels]
    both = zip(streams, figures, strict=True)
    words = " ".join(f"{name}: {figure['summary']}" for name, figure in both)
    layout = figures[0]["layout"] | {"title": {"text": f"Trimming: {' and '.join(streams)}"}}
    return Picture(
        render_saved({"data": [*lengths, *sizes, *ends], "layout": layout, "summary": words}), words
    )


def average_kb(shop: Scenario, stream: str, last_s: int = 30) -> float:
    """Return the average memory of a stream over the last seconds of a run, in kB."""
    samples = shop.histories[stream].samples
    since = samples[-1].time_ms - last_s * 1000
    sizes = [one.memory_bytes or 0 for one in samples if one.time_ms > since]
    return sum(sizes) / len(sizes) / 1000


def bars(values: Mapping[str, float], unit: str) -> Picture:
    """Draw a bar for each name, with its value at the end.

    Examples
    --------
    >>> bars({"added": 15.3, "read": 270.2}, "bytes")
    added 15.3 bytes, read 270.2 bytes
    """
    most = max(values.values(), default=0) or 1
    parts, y = [], 8
    for number, (name, value) in enumerate(values.items()):
        wide = (_WIDTH - _LEFT - _RIGHT) * value / most
        middle = y + _HIGH / 2 + 4
        parts.append(
            f"<text x='16' y='{middle:g}'>{escape(name)}</text>"
            f"<rect x='{_LEFT}' y='{y}' width='{wide:.1f}' height='{_HIGH}' rx='2' "
            f"fill='{colour(number)}' fill-opacity='.6'/>"
            f"<text x='{_LEFT + wide + 8:.1f}' y='{middle:g}'>{value:,.1f} {unit}</text>"
        )
        y += _ROW
    words = ", ".join(f"{name} {value:,.1f} {unit}" for name, value in values.items())
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {y}' role='img' "
        f"font-family='system-ui,sans-serif' font-size='12' fill='{TEXT_COLOURS['light']}'>"
        f"<title>Bars</title><desc>{escape(words)}</desc>{''.join(parts)}</svg>"
    )
    return Picture(on_background(svg, "light"), words)


def _painted(trace: dict[str, Any], paint: str, wide: float) -> dict[str, Any]:
    return trace | {"line": trace["line"] | {"color": paint, "width": wide}}


def _moved(trace: dict[str, Any], name: str, paint: str, side: int) -> dict[str, Any]:
    """Return the words at the end of a line with the stream's name, clear of the other's."""
    top = max(trace["y"], default=0)
    values = [text.removeprefix("XLEN ") for text in trace["text"]]
    shift = 0.09 * top * (1 if side < 0 else -1)
    return trace | {
        "text": [f"{name} {one}" if one else "" for one in values],
        "y": [one + shift for one in trace["y"]],
        "textfont": {"color": [paint] * len(values)},
    }
