"""Colours, lines and marks: the traces that plots share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.texts import more_text

Trace = dict[str, Any]
"""A trace of a plotly figure, or the keys of one that are to be replaced."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F")
"""Okabe and Ito's palette without yellow, which vanishes on white, and with two more colours."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
GREY = "#888888"
"""The colour of what belongs to no group, and of what is no more."""
ASIDE = "aside"
"""The ``meta`` of a trace that stands beside the axes' values: they need no numbers there."""
RED = "#D1242F"
"""The colour of what is lost, and of what has been pending for too long."""


def seconds(ms: float, history: History) -> float:
    """Return a Unix time in milliseconds as seconds since the history began, to the millisecond."""
    return round((ms - history.start_ms) / 1000, 3)


def line(name: str, index: int, **more: Any) -> Trace:
    """Return a line without points.

    Parameters
    ----------
    name : str
        Its name in the legend, as `label` returns it.
    index : int
        Chooses its colour, see `colour`; from the ninth line on, also its dashes.
    **more
        Other keys of plotly's scatter trace.
    """
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
    """Return a step line without points for each name.

    Each line is narrower than the one before, and is drawn over it. So where lines coincide, the
    rims of the wider ones stay visible.

    Parameters
    ----------
    names : iterable of str
        The lines' names, as `label` returns them.
    """
    lines = [step_line(name, i) for i, name in enumerate(names)]
    rims = min(2, 8 / max(1, len(lines) - 1))
    for i, one in enumerate(lines):
        one["line"]["width"] = round(2.5 + rims * (len(lines) - 1 - i), 1)
    return lines


def marks(name: str, colour: str, symbol: str, size: float = 7, **more: Any) -> Trace:
    """Return markers without points.

    Parameters
    ----------
    name : str
        Their name in the legend, as `label` returns it.
    colour : str
        Such as ``"#888888"``.
    symbol : str
        One of plotly's marker symbols, such as ``"x"``.
    size : float
        In pixels.
    **more
        Other keys of plotly's scatter trace.
    """
    marker = {"color": colour, "symbol": symbol, "size": size}
    base: Trace = {"type": "scatter", "mode": "markers", "name": name, "marker": marker}
    return base | {"x": [], "y": []} | more


def colours(count: int) -> list[str]:
    """Return the colours of `count` lines."""
    return [colour(index) for index in range(count)]


def colour(index: int) -> str:
    """Return the colour with this index; after the last one, begin again."""
    return COLOURS[index % len(COLOURS)]


LABEL_MARGIN = 124
"""The right margin that `end_labels` needs, in pixels."""


def end_labels(colours: Sequence[str], **axes: str) -> Trace:
    """Return the trace of the texts at the ends of lines, without texts; see `end_texts`.

    Parameters
    ----------
    colours : sequence of str
        The colour of each line, for its text.
    **axes
        The axes if they are not the first: ``xaxis="x2"``, ``yaxis="y2"``.
    """
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
    """Return the points of `end_labels`: each text at its value, moved so that none covers another.

    If there is not enough room for all texts, those of the smallest values share one. Then
    ``rest`` in the trace's ``meta`` has the index of this text, and for how many lines it stands.
    With the same number of texts, they always share one, or never.

    Parameters
    ----------
    x : float or None
        Where the lines end, in seconds; None if they have no points yet.
    texts : sequence of str
        The text of each line.
    values : sequence of float or None
        The last value of each line; None counts as 0.
    top : float
        The value up to which the plot reaches; 0 if it is unknown.
    gap : float
        The height of a text, as a part of the plot's height.
    total : str
        A text about all lines, which stands at the top.
    """
    if x is None:
        return {"x": [], "y": [], "text": []}
    words, order = list(texts), sorted(range(len(texts)), key=lambda i: -(values[i] or 0))
    room, rest = int(1 / gap) - bool(total), {}
    if len(order) > room:  # the smallest values share a text
        for i in order[room:]:
            words[i] = ""
        count = len(order) - room + 1
        words[order[room - 1]] = more_text(count)
        rest = {"meta": {"rest": [order[room - 1], count]}}
    top = top or 1  # if all values are 0, too, the texts stand close to them
    least = gap * top
    ceiling = top - least * bool(total)
    places = _apart([values[i] or 0 for i in reversed(order[:room])], least, ceiling)
    y = dict(zip(reversed(order[:room]), places, strict=True))
    # The last text, which may be empty, makes the axis reach as far as the top.
    at = [round(y.get(i, 0), 3) for i in range(len(words))] + [round(top, 3)]
    return {"x": [x] * len(at), "y": at, "text": [*words, total], **rest}


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
        `key`: if the key changes, all samples are read again.
        """
        last_key, largest = self._found.get(history, (key, deque()))
        if last_key != key:
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
