"""Ack progress: how many entries were added, delivered and acknowledged, for each group."""

from __future__ import annotations

from typing import Any

from streamviz.errors import InputError
from streamviz.observation.accounting import account_for
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.contrast import translucent
from streamviz.plots.figure import COLOURS, Plot, Trace, label, no_data_text, number_text
from streamviz.plots.panels import axis, domain

_BANDS = (  # each filled down to zero: filled between two lines, a gap would draw a diagonal
    ("acked", "acknowledged", "solid", 0.55),
    ("delivered", "delivered: the band below is pending", "dash", 0.30),
    ("added", "added: the band below is waiting", "dot", 0.12),
)


class AckProgress(Plot):
    """Three lines for each group: acknowledged, delivered and added, with bands between them.

    Entries below the first line are acknowledged, those between the first and the second line are
    pending, and those between the second and the third are waiting. Entries deleted before their
    delivery to the group are in no band.

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
                "showlegend": index == 0,
                "hovertemplate": f"{label(group)}<br>%{{y}} {words}<extra></extra>",
                "line": {"color": COLOURS[0], "dash": dash, "width": 2, "shape": "hv"},
                "fill": "tozeroy",
                "fillcolor": translucent(COLOURS[0], opacity),
                "xaxis": axis("x", index),
                "yaxis": axis("y", index),
                "x": [],
                "y": [],
            }
            for index, group in enumerate(self._names(history))
            for name, words, dash, opacity in _BANDS
        ]

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
        """Return acknowledged, delivered and added for each group, None where unknown."""
        values: list[Any] = []
        for name in self._names(history):
            group = sample.group(name)
            if group is None:
                values += [None, None, None]
                continue
            counts = account_for(sample, group)
            if counts.acked is None or counts.undelivered is None:
                values += [None, None, sample.entries_added]
            else:
                delivered = counts.acked + counts.pending
                values += [counts.acked, delivered, delivered + counts.undelivered]
        return values

    def summary(self, history: History) -> str:
        """Return each group's numbers in words."""
        last = history.last
        if last is None or not last.groups:
            return no_data_text(history) or "no consumer group yet"
        names = self._names(history)
        parts = []
        for group in last.groups:
            if group.name in names:
                counts = account_for(last, group)
                parts.append(
                    f"{group.name}: {number_text(counts.acked)} acknowledged, "
                    f"{number_text(counts.pending)} pending, "
                    f"{number_text(counts.undelivered)} waiting"
                    + (f" ({counts.reason})" if counts.reason else "")
                )
        groups = "; ".join(parts) if parts else f"no consumer group {self.group} now"
        return f"{number_text(last.entries_added)} added. {groups}."

    def _names(self, history: History) -> tuple[str, ...]:
        names = history.group_names
        return names if self.group is None else tuple(n for n in names if n == self.group)
