"""Ack progress: how many entries were added, delivered and acknowledged, for each group."""

from __future__ import annotations

from typing import Any

from streamviz.errors import InputError
from streamviz.observation.accounting import GroupAccounting, account_for
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.contrast import translucent
from streamviz.plots.figure import COLOURS, GREY, Plot, Trace, label, no_data_text, number_text
from streamviz.plots.panels import axis, domain

_BANDS = (  # each filled down to zero: filled between two lines, a gap would draw a diagonal
    ("acked", "acknowledged", "solid", 0.55),
    ("delivered", "delivered: the band below is pending", "dash", 0.30),
    ("added", "added: the band below is waiting", "dot", 0.12),
)
_OTHERWISE = (  # lines of their own, drawn only if there are any
    ("dropped", "dropped with deleted consumers", COLOURS[1], "dashdot"),
    ("unclear", "not known whether acknowledged, dropped or never delivered", GREY, "longdash"),
)


class AckProgress(Plot):
    """Three lines for each group: acknowledged, delivered and added, with bands between them.

    Entries below the first line are acknowledged, those between the first and the second line are
    pending, and those between the second and the third are waiting. Entries deleted before their
    delivery to the group are in no band. Lines of their own show how many were dropped from the
    pending list, and of how many it is not known how they left it (see `GroupAccounting`).

    Parameters
    ----------
    group : str, optional
        Show only this group; without it, show all groups side by side.

    Raises
    ------
    InputError
        If the group is not a string.
    """

    name = "ack_progress"
    title = "Ack progress"

    def __init__(self, group: str | None = None) -> None:
        if group is not None and not isinstance(group, str):
            raise InputError(f"group={group!r}: give a consumer group's name as text, or None")
        self.group = group

    def structure_key(self, history: History) -> Any:
        """Return the groups' names, and the lines that are needed."""
        return self._names(history), self._kinds(history)

    def traces(self, history: History) -> list[Trace]:
        """Return three bands for each group, and a line for what left otherwise."""
        traces: list[Trace] = []
        for index, group in enumerate(self._names(history)):
            for name, words, dash, opacity in _BANDS:
                fill = {"fill": "tozeroy", "fillcolor": translucent(COLOURS[0], opacity)}
                traces.append(_line(name, words, COLOURS[0], dash, group, index) | fill)
            for name, words, colour, dash in self._kinds(history):
                traces.append(_line(name, words, colour, dash, group, index))
        return traces

    def layout(self, history: History) -> dict[str, Any]:
        """Return a pair of axes for each group, side by side, all with one scale."""
        names = self._names(history) or ("no consumer group yet",)
        layout: dict[str, Any] = {}
        for index, name in enumerate(names):
            y: dict[str, Any] = {"rangemode": "tozero", "anchor": axis("x", index)}
            if index:
                y |= {"matches": "y", "showticklabels": False}
            else:
                y |= {"title": {"text": "entries"}}
            layout[axis("xaxis", index)] = {
                "domain": domain(index, len(names)),
                "anchor": axis("y", index),
                "title": {"text": label(name, min(30, max(4, 72 // len(names))))},
                **({"matches": "x"} if index else {}),
            }
            layout[axis("yaxis", index)] = y
        return layout

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return acknowledged, delivered, added and the rest for each group, None if unknown."""
        values: list[Any] = []
        kinds = self._kinds(history)
        for name in self._names(history):
            group = sample.find_group(name)
            if group is None:
                values += [None] * (len(_BANDS) + len(kinds))
                continue
            counts = account_for(sample, group)
            delivered = None if counts.acked is None else counts.acked + counts.pending
            known = delivered is not None and counts.undelivered is not None
            total = delivered + counts.undelivered if known else None  # type: ignore[operator]
            values += [counts.acked, delivered, total]
            values += [getattr(counts, kind) or None for kind, *_ in kinds]
        return values

    def summary(self, history: History) -> str:
        """Return each group's numbers in words."""
        last = history.newest
        if last is None or not last.groups:
            return no_data_text(history) or "no consumer group yet"
        names = self._names(history)
        parts = []
        for group in last.groups:
            if group.name in names:
                counts = account_for(last, group)
                parts.append(_words(group.name, counts))
        groups = "; ".join(parts) if parts else f"no consumer group {self.group} now"
        return f"{number_text(last.entries_added)} added. {groups}."

    def _kinds(self, history: History) -> list[tuple[str, str, str, str]]:
        """Return the lines that some group needs now."""
        last = history.newest
        groups = [one for one in last.groups if one.name in self._names(history)] if last else []
        books = [account_for(last, group) for group in groups] if last else []
        return [kind for kind in _OTHERWISE if any(getattr(one, kind[0]) for one in books)]

    def _names(self, history: History) -> tuple[str, ...]:
        names = history.group_names
        return names if self.group is None else tuple(n for n in names if n == self.group)


def _line(name: str, words: str, colour: str, dash: str, group: str, index: int) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "legendgroup": name,
        "showlegend": index == 0,
        "hovertemplate": f"{label(group)}<br>%{{y}} {words}<extra></extra>",
        "line": {"color": colour, "dash": dash, "width": 2, "shape": "hv"},
        "xaxis": axis("x", index),
        "yaxis": axis("y", index),
        "x": [],
        "y": [],
    }


def _words(name: str, counts: GroupAccounting) -> str:
    parts = [f"{number_text(counts.acked)} acknowledged", f"{number_text(counts.pending)} pending"]
    parts.append(f"{number_text(counts.undelivered)} waiting")
    if counts.dropped:
        parts.append(f"{number_text(counts.dropped)} dropped with deleted consumers")
    if counts.unclear:
        parts.append(f"{number_text(counts.unclear)} left in a way that is not known")
    return f"{name}: {', '.join(parts)}" + (f" ({counts.reason})" if counts.reason else "")
