"""Ack progress: what was added, what was delivered, what is acknowledged, for each group."""

from __future__ import annotations

from typing import Any

from streamviz.errors import InputError
from streamviz.observation.accounting import account_for
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import (
    COLOURS,
    Plot,
    Trace,
    label,
    plain,
    waiting,
)

_BANDS = (  # each filled down to the ground: between two lines, a gap in one would draw a diagonal
    ("acked", "acknowledged", "solid", 0.55),
    ("delivered", "delivered: the band below is pending", "dash", 0.30),
    ("added", "added: the band below waits", "dot", 0.12),
)


class AckProgress(Plot):
    """Three lines a group that close in on each other; the bands between them are the work.

    Below the first line is acknowledged, between the first and the second pending, between the
    second and the third not yet delivered. What was deleted before a group got it is in none.

    Parameters
    ----------
    group : str, optional
        Show only this group; without it, all of them side by side.

    Raises
    ------
    InputError
        If the group is not text.
    """

    name = "ack_progress"
    title = "Ack progress"

    def __init__(self, group: str | None = None) -> None:
        if group is not None and not isinstance(group, str):
            raise InputError(f"group={group!r}: give a consumer group's name as text, or None")
        self.group = group

    def identity(self, history: History) -> Any:
        """Return the groups' names."""
        return self._names(history)

    def traces(self, history: History) -> list[Trace]:
        """Return three bands for each group."""
        return [
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "legendgroup": name,
                "showlegend": place == 0,
                "hovertemplate": f"{label(group)}<br>%{{y}} {words}<extra></extra>",
                "line": {"color": COLOURS[0], "dash": dash, "width": 2, "shape": "hv"},
                "fill": "tozeroy",
                "fillcolor": f"rgba(0,114,178,{alpha})",
                "xaxis": _axis("x", place),
                "yaxis": _axis("y", place),
                "x": [],
                "y": [],
            }
            for place, group in enumerate(self._names(history))
            for name, words, dash, alpha in _BANDS
        ]

    def layout(self, history: History) -> dict[str, Any]:
        """Return one pair of axes a group, side by side, all with one scale."""
        names = self._names(history) or ("no consumer group yet",)
        width = 1 / len(names)
        gap = min(0.06, 0.3 * width) if len(names) > 1 else 0.0
        layout: dict[str, Any] = {}
        for place, name in enumerate(names):
            low = round(place * width + gap * place / len(names), 4)
            domain = [low, round(min(low + width - gap, 1.0), 4)]
            y: dict[str, Any] = {"rangemode": "tozero", "anchor": _axis("x", place)}
            if place:
                y |= {"matches": "y", "showticklabels": False}
            else:
                y |= {"title": {"text": "entries"}}
            layout[_axis("xaxis", place)] = {
                "domain": domain,
                "anchor": _axis("y", place),
                "title": {"text": label(name, min(30, max(4, 72 // len(names))))},
                **({"matches": "x"} if place else {}),
            }
            layout[_axis("yaxis", place)] = y
        return layout

    def values(self, sample: Sample, history: History) -> list[Any]:
        """Return acked, delivered and added for each group, None where it can't be known."""
        found: list[Any] = []
        for name in self._names(history):
            group = sample.group(name)
            if group is None:
                found += [None, None, None]
                continue
            book = account_for(sample, group)
            if book.acked is None or book.undelivered is None:
                found += [None, None, sample.entries_added]
            else:
                delivered = book.acked + book.pending
                found += [book.acked, delivered, delivered + book.undelivered]
        return found

    def summary(self, history: History) -> str:
        """Return each group's books in words."""
        last = history.last
        if last is None or not last.groups:
            return waiting(history) or "no consumer group yet"
        shown = self._names(history)
        parts = []
        for group in last.groups:
            if group.name in shown:
                book = account_for(last, group)
                parts.append(
                    f"{group.name}: {plain(book.acked)} acknowledged, "
                    f"{plain(book.pending)} pending, "
                    f"{plain(book.undelivered)} waiting"
                    + (f" ({book.reason})" if book.reason else "")
                )
        about = "; ".join(parts) if parts else f"no consumer group {self.group} now"
        return f"{plain(last.entries_added)} added. {about}."

    def _names(self, history: History) -> tuple[str, ...]:
        names = history.group_names
        return names if self.group is None else tuple(n for n in names if n == self.group)


def _axis(name: str, place: int) -> str:
    return name if place == 0 else f"{name}{place + 1}"
