"""Colours, lines and marks: the traces that plots have in common."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.texts import more_text

Trace = dict[str, Any]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F")
"""Okabe and Ito's palette, with two more colours, but without yellow, which vanishes on white."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
GREY = "#888888"
ASIDE = "aside"
"""The ``meta`` of a trace that stands beside the axes' values: they need no numbers there."""
RED = "#D1242F"
"""The colour of what is lost, and of what has been pending for too long."""


def line(name: str, index: int, **more: Any) -> Trace:
    """Return a growing line in the colour with this index."""
    dash = DASHES[index // len(COLOURS) % len(DASHES)]  # once the colours are used up
    style = {"color": colour(index), "dash": dash, "width": 2.5}
    base: Trace = {"type": "scatter", "mode": "lines", "name": name, "line": style}
    return base | {"x": [], "y": []} | more


def step_line(name: str, index: int) -> Trace:
    """Return a growing line that holds each value until the next sample."""
    trace = line(name, index)
    trace["line"]["shape"] = "hv"
    return trace


def step_lines(names: Iterable[str]) -> list[Trace]:
    """Return a step line for each name, each narrower than the one before, over which it lies.

    Where lines lie on each other, one sees the rims of the wider ones.
    """
    lines = [step_line(name, i) for i, name in enumerate(names)]
    rims = min(2, 8 / max(1, len(lines) - 1))
    for i, one in enumerate(lines):
        one["line"]["width"] = round(2.5 + rims * (len(lines) - 1 - i), 1)
    return lines


def marks(name: str, colour_: str, symbol: str, size: float = 7, **more: Any) -> Trace:
    """Return markers in one colour, with a size in pixels."""
    marker = {"color": colour_, "symbol": symbol, "size": size}
    base: Trace = {"type": "scatter", "mode": "markers", "name": name, "marker": marker}
    return base | {"x": [], "y": []} | more


def colours(count: int) -> list[str]:
    """Return the colours of this many lines."""
    return [colour(index) for index in range(count)]


def colour(index: int) -> str:
    """Return the colour with this index; after the last one, begin again."""
    return COLOURS[index % len(COLOURS)]


LABEL_MARGIN = 124
"""The room at the right of a plot for `end_labels`, in pixels."""


def end_labels(colours: Sequence[str], **axes: str) -> Trace:
    """Return the trace of the texts at the ends of lines, each in the colour of its line."""
    font = {"textposition": "middle right", "textfont": {"color": [*colours, GREY]}}
    more = {"cliponaxis": False, "hoverinfo": "skip", "showlegend": False, **font, **axes}
    return {
        "type": "scatter",
        "mode": "text",
        "name": "labels",
        "x": [],
        "y": [],
        "text": [],
    } | more


def end_texts(
    x: float | None,
    texts: Sequence[str],
    values: Sequence[float | None],
    top: float,
    gap: float,
    total: str = "",
) -> Trace:
    """Return where each text stands: at its value, but so that no text covers another.

    The lines end at `x`, None if they have not begun, and the plot reaches up to `top`, 0 if it is
    not known. Texts need a `gap`, as a part of the plot's height. `total`, about all, stands at the
    top. If the smallest share a text, ``rest`` in the trace's ``meta`` says which it is, and for
    how many it stands. With the same number of texts, they always share one, or never.
    """
    if x is None:
        return {"x": [], "y": [], "text": []}
    shown, order = list(texts), sorted(range(len(texts)), key=lambda i: -(values[i] or 0))
    room, rest = int(1 / gap) - bool(total), {}
    if len(order) > room:  # the smallest values share a text
        for i in order[room:]:
            shown[i] = ""
        count = len(order) - room + 1
        shown[order[room - 1]] = more_text(count)
        rest = {"meta": {"rest": [order[room - 1], count]}}
    top = top or 1  # if all values are 0, too, the texts stand close to them
    least = gap * top
    ceiling = top - least * bool(total)
    places = _apart([values[i] or 0 for i in reversed(order[:room])], least, ceiling)
    y = dict(zip(reversed(order[:room]), places, strict=True))
    # The last text, which may be empty, makes the axis reach as far as the top.
    at = [round(y.get(i, 0), 3) for i in range(len(shown))] + [round(top, 3)]
    return {"x": [x] * len(at), "y": at, "text": [*shown, total], **rest}


def _apart(values: Iterable[float], least: float, ceiling: float) -> list[float]:
    """Return rising values moved apart, from 0 to a ceiling: those close, about their middle."""
    blocks: list[list[float]] = []  # of values; each stands about its middle

    def low(block: list[float]) -> float:
        middle = sum(block) / len(block) - least * (len(block) - 1) / 2
        return max(0.0, min(middle, ceiling - least * (len(block) - 1)))

    for value in values:
        blocks.append([value])
        while len(blocks) > 1 and low(blocks[-2]) + least * len(blocks[-2]) > low(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    return [low(block) + least * i for block in blocks for i in range(len(block))]


class Peak:
    """The largest of the values that each sample of a history's window has.

    It remembers which samples can still be the largest, and reads only new ones.
    """

    def __init__(self, values: Callable[[Sample, Any], Iterable[float | None]]) -> None:
        self._values = values
        self._found: WeakKeyDictionary[History, tuple[Any, deque[tuple[int, float]]]] = (
            WeakKeyDictionary()
        )

    def of(self, history: History, key: Any) -> float:
        """Return the largest value in the window, 0 if there is none.

        Samples that were merged into others may count. The values depend on the sample and on
        `key`: if it changes, all are read again.
        """
        known, largest = self._found.get(history, (key, deque()))
        if known != key:
            largest = deque()
        for sample in history.since(largest[-1][0] if largest else 0):
            top = max(filter(None, self._values(sample, key)), default=0)
            while largest and largest[-1][1] <= top:
                largest.pop()
            largest.append((sample.n, top))
        while largest and largest[0][0] < history.samples[0].n:
            largest.popleft()
        self._found[history] = (key, largest)
        return largest[0][1] if largest else 0
